"""CoNLL columns: sentences as rows, what belongs to none left out, every fault named by its line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headstart.errors import DataError
from headstart.readers.conll import Conll
from headstart.types import Dropped, Record

Put = Callable[[str, str | bytes], Path]


def rows(path: Path, **options: str) -> list[tuple[int, ...]]:
    """Line, then the lists of each column, or the reason."""
    found = []
    for row in Conll(**options).read(path).records:
        found.append((row.line, row.reason) if isinstance(row, Dropped) else (row.line, *map(json.loads, row.values)))
    return found


def test_sentences_are_rows(put: Put) -> None:
    path = put("a.conll", "EU\tB-ORG\nrejects\tO\n\n\nPeter\tB-PER\n")
    sheet = Conll().read(path)
    assert sheet.columns == ("tokens", "tags")
    assert sheet.format["delimiter"] == "tab"
    assert rows(path) == [(1, ["EU", "rejects"], ["B-ORG", "O"]), (5, ["Peter"], ["B-PER"])]


def test_columns_between_have_numbers(put: Put) -> None:
    path = put("a.conll", "-DOCSTART- -X- O O\n\nEU NNP  I-NP I-ORG\nrejects VBZ I-VP O\n")
    sheet = Conll().read(path)
    assert sheet.columns == ("tokens", "column_2", "column_3", "tags")
    assert rows(path) == [(3, ["EU", "rejects"], ["NNP", "VBZ"], ["I-NP", "I-VP"], ["I-ORG", "O"])]


def test_words_alone_are_read(put: Put) -> None:
    path = put("a.conll", "EU\nrejects\n\nPeter\n")
    assert Conll().read(path).columns == ("tokens",)
    assert rows(path) == [(1, ["EU", "rejects"]), (4, ["Peter"])]


def test_a_word_may_hold_blanks_between_tabs_and_foreign_blanks_anywhere(put: Put) -> None:
    assert rows(put("a.conll", "New York\tB-LOC\n10\u00a0000\tO\n")) == [
        (1, ["New York", "10\u00a0000"], ["B-LOC", "O"])
    ]
    assert rows(put("b.conll", "10\u00a0000 O\na\u2028b O\n")) == [(1, ["10\u00a0000", "a\u2028b"], ["O", "O"])]


def test_comments_stand_before_a_sentence_and_number_signs_are_words(put: Put) -> None:
    path = put("a.conll", "# id = 7\n#\tO\none\tO\n\n# text = a b c\nCall\tO\n#\tO\n")
    assert rows(path) == [(2, ["#", "one"], ["O", "O"]), (6, ["Call", "#"], ["O", "O"])]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("rejects", "has 1 column, expected 2; its sentence is left out"),
        ("rejects\tVBZ\tO", "has 3 columns, expected 2; its sentence is left out"),
        ("\tO", "has nothing in column 1; its sentence is left out"),
        ("rejects\t", "has nothing in column 2; its sentence is left out"),
    ],
)
def test_a_sentence_with_a_fault_is_left_out_by_its_line(line: str, reason: str, put: Put) -> None:
    path = put("a.conll", f"Peter\tB-PER\n\nEU\tB-ORG\n{line}\nx\n\nPaul\tB-PER\n")
    assert rows(path) == [(1, ["Peter"], ["B-PER"]), (4, reason), (7, ["Paul"], ["B-PER"])]


def test_the_separator_may_be_named(put: Put) -> None:
    path = put("a.conll", "EU B-ORG\tx\n")
    assert rows(path, delimiter="space") == [(1, ["EU"], ["B-ORG"], ["x"])]
    assert rows(path, delimiter=" ") == rows(path, delimiter="space")
    assert rows(path, delimiter="\t") == rows(path, delimiter="tab") == [(1, ["EU B-ORG"], ["x"])]


@pytest.mark.parametrize("content", ["-DOCSTART- O\n\n", "# nothing\n"])
def test_a_file_without_a_sentence_is_refused(content: str, put: Put) -> None:
    with pytest.raises(DataError, match=r"a\.conll: has no sentence; expected one word per line, its tag behind it"):
        Conll().read(put("a.conll", content))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("EU", '["O"]'), r"row 1: column 'tokens' is not a list of words; .* choose \.jsonl"),
        (('["EU"]', '["O", "O"]'), r"row 1 has lists of different lengths \(tokens 1, tags 2\)"),
        (('["a\\tb"]', '["O"]'), r"row 1: 'a\\tb' in column 'tokens' cannot stand in a column"),
        (('["-DOCSTART-"]', '["O"]'), "row 1: the word -DOCSTART- would begin a document"),
        (("[]", "[]"), "row 1: column 'tokens' is not a list of words"),
        ((None, '["O"]'), "row 1: column 'tokens' is not a list of words"),
    ],
)
def test_what_no_column_can_hold_is_refused(values: tuple[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        Conll().write(tmp_path / "a.conll", ["tokens", "tags"], [values])
    assert not list(tmp_path.iterdir())


words = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs")), min_size=1, max_size=5).filter(
    lambda word: word == word.strip(" ") and not word.startswith("\ufeff")
) | st.sampled_from(["#", "-", "New York", "a\u00a0b", "\u2028", '"'])


def test_what_was_written_reads_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"

    @settings(max_examples=120, deadline=None)
    @given(st.lists(st.lists(st.tuples(words, words, words), min_size=1, max_size=5), min_size=1, max_size=4))
    @example([[("\u2028", "\u2028", "\u2028")]])  # not an empty file
    @example([[("0", "0", "0")] * 3])  # no count of words
    def check(sentences: list[list[tuple[str, str, str]]]) -> None:
        table = [
            tuple(json.dumps(column, ensure_ascii=False) for column in zip(*each, strict=True)) for each in sentences
        ]
        Conll().write(path, ["tokens", "column_2", "tags"], table)
        sheet = Conll().read(path)
        assert len({*sheet.columns}) == 3 and "tokens" in sheet.columns  # which is which is told by what stands in them
        assert [row.values if isinstance(row, Record) else row for row in sheet.records] == table

    check()


def test_any_text_gives_rows_or_an_error_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"

    @settings(max_examples=200, deadline=None)
    @given(st.text(st.sampled_from("ab#-O \t\n\r\u00a0\u2028"), max_size=40))
    def check(content: str) -> None:
        path.write_text(content, "utf-8", newline="")
        try:
            sheet = Conll().read(path)
            found = list(sheet.records)
        except DataError as error:
            assert "a.conll" in str(error)
            return
        for row in found:
            assert isinstance(row, Dropped) or len({len(json.loads(value)) for value in row.values}) == 1
        lines = [row.line for row in found]
        assert lines == sorted(set(lines))

    check()


def test_a_language_in_front_of_every_word_is_taken_off_and_said(tmp_path: Path) -> None:
    lines = [f"nl:{word}\t{tag}" for word, tag in [("Nora", "B-PER"), ("woont", "O"), ("in", "O"), ("12:30", "O")]]
    content = "\n".join([*lines, ""] * 4)
    (tmp_path / "a.conll").write_text(content)
    sheet = Conll().read(tmp_path / "a.conll")
    assert sheet.format["layout"] == "'nl:' taken off every word"
    rows = [row.values for row in sheet.records if isinstance(row, Record)]
    assert rows == [('["Nora", "woont", "in", "12:30"]', '["B-PER", "O", "O", "O"]')] * 4
    (tmp_path / "b.conll").write_text(content + "nl:\tO\n")  # this one would be empty, so it is no prefix
    assert "nl:Nora" in next(iter(Conll().read(tmp_path / "b.conll").records)).values[0]  # type: ignore[union-attr]


def test_of_two_columns_of_the_same_types_the_one_with_more_spans_has_the_tags(tmp_path: Path) -> None:
    words = [
        ("Bank", "B-ORG", "O"),
        ("of", "I-ORG", "O"),
        ("Genua", "I-ORG", "B-LOC"),
        ("in", "O", "O"),
        ("Rom", "B-LOC", "O"),
    ]
    lines = [f"{at}\t" + "\t".join(word) for at, word in enumerate(words, start=1)]
    (tmp_path / "a.tsv").write_text("\n".join(["#\tfrom a page\t[2011]", *lines, ""] * 4))
    sheet = Conll().read(tmp_path / "a.tsv")
    tags = sheet.columns.index("tags")
    assert {row.values[tags] for row in sheet.records if isinstance(row, Record)} == {
        '["B-ORG", "I-ORG", "I-ORG", "O", "B-LOC"]'
    }
