"""Columns of words and of tags are told by what stands in them, in every layout that files of the field have."""

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.data.table import Table, column_named, load
from headstart.errors import DataError
from headstart.readers.conll import Conll
from headstart.readers.conllu import ConllU
from headstart.readers.opening import open_table
from headstart.types import Dropped

Put = Callable[[str, str | bytes], Path]

SENTENCES = [
    "Ines/PROPN/B-PER Roth/PROPN/I-PER left/VERB/O for/ADP/O Lima/PROPN/B-LOC ./PUNCT/O",
    "From/ADP/O Lima/PROPN/B-LOC ,/PUNCT/O Hugo/PROPN/B-PER wrote/VERB/O home/NOUN/O",
] * 4
WORDS = [[each.split("/")[0] for each in sentence.split()] for sentence in SENTENCES]
TAGS = [[each.split("/")[2] for each in sentence.split()] for sentence in SENTENCES]
PARTS = [[each.split("/")[1] for each in sentence.split()] for sentence in SENTENCES]


def written(form: str, before: str = "", between: str = "\t", end: str = "\n") -> str:
    """The sentences in a layout: w a word, l its lemma, t its tag, p its part of speech, i and z its number, b and e places, o both, s that of the sentence."""
    text = ""
    for at, (words, parts, tags) in enumerate(zip(WORDS, PARTS, TAGS, strict=True)):
        text += before.replace("%", str(at))
        for place, (word, part, tag) in enumerate(zip(words, parts, tags, strict=True)):
            cells = {
                "w": word,
                "l": word.lower(),
                "t": tag,
                "p": part,
                "i": str(place + 1),
                "z": str(place),
                "s": f"s{at}",
                "o": f"{9 * place}:{9 * place + len(word)}",
                "b": str(9 * place),
                "e": str(9 * place + len(word)),
            }
            text += between.join(cells.get(cell, cell) for cell in form.split()) + end
        text += end
    return text


def read(path: Path) -> Table:
    return load(Conll().read(path), path.name)


@pytest.mark.parametrize(
    ("content", "columns", "layout"),
    [
        (written("w t"), "tokens tags", ""),
        (written("w t", between=" "), "tokens tags", ""),
        (written("w t", end="\r\n"), "tokens tags", ""),
        (written("w t", between="\t\t"), "tokens tags", ""),
        (written("w t", end="\t\n"), "tokens tags", ""),
        (written("w p B-NP t", between=" "), "tokens column_2 column_3 tags", ""),
        (written("i w t"), "column_1 tokens tags", "words in column 2 and tags in column 3 of 3"),
        (written("z w t", between=" "), "column_1 tokens tags", "words in column 2 and tags in column 3 of 3"),
        (written("s i w t"), "column_1 column_2 tokens tags", "words in column 3 and tags in column 4 of 4"),
        (written("s w p t"), "column_1 tokens column_3 tags", "words in column 2 and tags in column 4 of 4"),
        (written("b e w t", between=" "), "column_1 column_2 tokens tags", "words in column 3 and tags in column 4 of 4"),
        (
            "# global.columns = ID FORM UPOS X:NE\n" + written("i w p t"), "id tokens upos tags",
            "words in column 2 (form) and tags in column 4 (x:ne) of 4",
        ),
        (written("o w t"), "column_1 tokens tags", "words in column 2 and tags in column 3 of 3"),
        (written("t w"), "tags tokens", "words in column 2 and tags in column 1 of 2"),
        (written("i w t - me"), "column_1 tokens tags column_4 column_5", "words in column 2 and tags in column 3 of 5"),
        (written("i w t O"), "column_1 tokens tags column_4", "words in column 2 and tags in column 3 of 4"),
        (written("w t _ i"), "tokens tags column_3 column_4", "words in column 1 and tags in column 2 of 4"),
        (
            written("i w l p _ _ 0 dep _ t"), "id tokens lemma upos xpos feats head deprel deps tags",
            "words in column 2 (form) and tags in column 10 (misc) of 10",
        ),
        ("word\tpos\ttag\n" + written("w p t"), "tokens pos tags", "words in column 1 (word) and tags in column 3 (tag) of 3"),
        ("tag token\n\n" + written("t w", between=" "), "tags tokens", "words in column 2 (token) and tags in column 1 (tag) of 2"),
        (
            "# global.columns = ID FORM NER MISC\n" + written("i w t _"), "id tokens tags misc",
            "words in column 2 (form) and tags in column 3 (ner) of 4",
        ),
        (written("w B-NP t -"), "tokens column_2 tags column_4",
         "words in column 1 and tags in column 3 of 4; column_2 may be tags too"),
    ],
)  # fmt: skip
def test_words_and_tags_are_found(content: str, columns: str, layout: str, put: Put) -> None:
    table = read(put("a.conll", content))
    assert list(table.columns) == columns.split()
    assert [json.loads(cell or "") for cell in table.columns["tokens"]] == WORDS
    assert [json.loads(cell or "") for cell in table.columns["tags"]] == TAGS
    assert (table.format.get("layout", ""), table.dropped) == (layout, ())


@pytest.mark.parametrize("form", ["w p", "w l p", "w p l", "w p _ _", "i w l p _ _ 0 dep _ _", "i w l _ p _ 0 dep _ _"])
def test_parts_of_speech_are_tags_where_nothing_looks_more_like_it(form: str, put: Put) -> None:
    table = read(put("a.conll", written(form)))
    assert [json.loads(cell or "") for cell in table.columns["tokens"]] == WORDS
    assert [json.loads(cell or "") for cell in table.columns["tags"]] == PARTS


@pytest.mark.parametrize("form", ["i w", "i w l _ _ _ 0 dep _ _", "w _ _"])
def test_words_without_tags_have_no_column_of_them(form: str, put: Put) -> None:
    table = read(put("a.conll", written(form)))
    assert "tags" not in table.columns
    assert [json.loads(cell or "") for cell in table.columns["tokens"]] == WORDS


@pytest.mark.parametrize(
    ("before", "form", "between"),
    [
        ("# id %\tdomain=x\n", "w t", "\t"),
        ("# id %\tdomain=x\n", "w p", "\t"),
        ("# id %\tdomain=x\n", "w _ _ t", " "),
        ("# id % domain=x\n", "w _ _ t", " "),
        ("# doc%\n", "w t", " "),
        ("#id %\n", "w t", " "),
        ("#begin % 0\n# text = a b c\n", "w p t", " "),
        ("#\tNews, % [2026]\n", "i w t O", "\t"),
        ("# sent_id = %\n# text = a\tb\n", "i w l p _ _ 0 dep _ t", "\t"),
    ],
)
def test_comments_are_no_words_whatever_they_hold(before: str, form: str, between: str, put: Put) -> None:
    table = read(put("a.conll", written(form, before, between)))
    assert [json.loads(cell or "") for cell in table.columns["tokens"]] == WORDS
    assert table.dropped == ()


@pytest.mark.parametrize(("word", "between"), [("#", "\t"), ("#", " "), ("#win", "\t"), ("#win", " ")])
def test_a_word_may_begin_with_a_number_sign_and_a_sentence_with_it(word: str, between: str, put: Put) -> None:
    for tag, form in (("O", "w t"), ("B-NEW", "w t"), ("SYM", "w p")):
        table = read(put("a.conll", written(form, f"{word}{between}{tag}\n", between)))
        if (word, between, tag) != ("#", " ", "SYM"):  # which may be a comment of one word as well
            assert [json.loads(cell or "")[0] for cell in table.columns["tokens"]] == [word] * len(WORDS)


def test_words_written_as_one_and_words_not_written_are_left_out(put: Put) -> None:
    form = "i w l p _ _ 0 dep _ _"
    blank = "\t_" * 8
    content = (
        written(form).replace("1\tFrom", f"1-2\tFromlima{blank}\n1\tFrom").replace("3\t,", f"2.1\tghost{blank}\n3\t,")
    )
    path = put("a.conllu", content)
    table = load(ConllU().read(path), path.name)
    assert [json.loads(cell or "") for cell in table.columns["tokens"]] == WORDS
    assert table.dropped == ()


@pytest.mark.parametrize("form", ["i w t", "z w l p _ _ 0 dep _ t"])
def test_sentences_begin_where_words_are_counted_anew(form: str, put: Put) -> None:
    assert len(read(put("b.conll", written(form, "# text = %\n").replace("\n\n", "\n")))) == len(WORDS)
    table = read(put("a.conll", written(form).replace("\n\n", "\n")))
    assert [json.loads(cell or "") for cell in table.columns["tokens"]] == WORDS
    assert list(table.lines) == [1, 7, 13, 19, 25, 31, 37, 43]


def test_numbers_as_words_are_words(put: Put) -> None:
    content = "1 O\n2 O\n3 B-DAY\n\n4 O\n5 B-DAY\n"
    assert [json.loads(cell or "") for cell in read(put("a.conll", content)).columns["tokens"]] == [
        ["1", "2", "3"],
        ["4", "5"],
    ]


def test_a_cell_of_many_digits_is_read_at_once(put: Put) -> None:
    began = time.process_time()
    odd = "1" * 50_000 + "!"
    found = read(put("a.conll", f"Ines {odd} B-PER\nRoth 2 I-PER\n\nLima {odd} B-LOC\nleft 4 O\n"))
    assert time.process_time() - began < 2
    assert [json.loads(cell or "") for cell in found.columns["tokens"]] == [["Ines", "Roth"], ["Lima", "left"]]


def test_a_sentence_with_a_line_of_another_width_is_left_out_in_every_layout(put: Put) -> None:
    content = written("i w t").replace("2\tRoth\tI-PER", "2\tRoth", 1)
    rows = list(Conll().read(put("a.conll", content)).records)
    assert [row.reason for row in rows if isinstance(row, Dropped)] == [
        "has 2 columns, expected 3; its sentence is left out"
    ]
    assert len(rows) == len(WORDS)


def test_columns_are_named_by_number_and_by_the_name_in_the_file(put: Put) -> None:
    table = read(put("a.conll", written("i w l p _ _ 0 dep _ _")))
    assert [table.named(name) for name in ("2", "column_2", "form", "FORM", "tokens")] == ["tokens"] * 5
    assert [table.named(name) for name in ("4", "upos", "tags", "xpos", "11", "0", "fourth")] == [
        "tags", "tags", "tags", "xpos", "11", "0", "fourth",
    ]  # fmt: skip
    assert table.column("upos", "--label") == table.columns["tags"]
    with pytest.raises(DataError, match="has no column '11'"):
        table.column("11", "--label")
    assert column_named("2", ("text", "label"), {}) == "2"  # columns with a header have their own names alone


@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "a.tsv.gz"])
def test_a_file_with_a_word_per_line_is_read_as_one_whatever_its_ending(name: str, put: Put) -> None:
    content = written("w t")
    path = put(name, gzip.compress(content.encode()) if name.endswith(".gz") else content)
    table = open_table(path)
    assert [json.loads(cell or "") for cell in table.columns["tokens"]] == WORDS
    assert table.remarks == (f"{path}: has a word per line and is read as conll; --format says another",)
    assert open_table(path, format="conll").remarks == ()


@pytest.mark.parametrize(
    "content",
    ["text\tlabel\na b c\tO\nd e\tB-X\n\nf g\tO\n", "word\ttag\nAda\tB-X\nsang\tO\n", "a\tb\nAda\tgood\n\nsang\tbad\n"],
)
def test_a_table_stays_a_table(content: str, put: Put) -> None:
    assert not {"tokens", "tags"} & {*open_table(put("a.tsv", content)).columns}


def test_names_of_several_words_in_one_line_are_words(put: Put) -> None:
    found = open_table(put("a.tsv", "New York\tB-LOC\nis\tO\nold\tO\n\nAda\tB-PER\nsang\tO\n"))
    assert [*found.columns["tokens"]] == ['["New York", "is", "old"]', '["Ada", "sang"]']


@pytest.mark.parametrize("form", ["{},{}", '"{}";"{}"', "{}|{}"])
def test_sentences_with_their_tags_between_blanks_are_rows_of_a_table(form: str, put: Put) -> None:
    rows = [form.format(" ".join(words), " ".join(tags)) for words, tags in zip(WORDS, TAGS, strict=True)]
    found = open_table(put("a.csv", form.format("text", "slots") + "\n" + "\n".join(rows).replace(" ,", " .")))
    assert [*found.columns] == ["text", "slots"]
    assert found.columns["slots"][0] == " ".join(TAGS[0])


def test_a_table_that_was_called_words_is_told_so(put: Put) -> None:
    with pytest.raises(
        DataError, match="read as a word per line, and no sentence is usable; first reason: line 1: .*--format"
    ):
        open_table(put("a.csv", "text,label\na b c d,x\na b,y\n"), format="conll")
