"""Tables with a row for each word become sentences, by a column or by empty rows; other tables stay as they are."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import headstart
from headstart.api import table_of
from headstart.readers.opening import open_sheet, open_table

Put = Callable[[str, str | bytes], Path]
SENTENCES = [
    [("Ida", "B-WHO"), ("Moor", "I-WHO"), ("sails", "O"), ("to", "O"), ("Kiel", "B-WHERE"), (".", "O")],
    [("Rain", "O"), ("over", "O"), ("Kiel", "B-WHERE")],
] * 6
WORDS = [[word for word, _ in sentence] for sentence in SENTENCES]
TAGS = [[tag for _, tag in sentence] for sentence in SENTENCES]


def rows(
    form: str, between: str = ",", end: str = "", sentences: Sequence[Sequence[tuple[str, str]]] = SENTENCES
) -> str:
    """w a word, t its tag, p its part of speech, s the number of the sentence, f the same in its first row, d a document."""
    text = ""
    for number, sentence in enumerate(sentences):
        for at, (word, tag) in enumerate(sentence):
            known = {
                "w": word, "t": tag, "p": "NOUN" if at % 2 else "VERB", "s": str(number), "n": str(at), "z": str(number % 3),
                "f": f"Sentence: {number}" if at == 0 else "", "d": f"doc{number // 4}",
            }  # fmt: skip
            text += between.join(known[cell] for cell in form.split()) + "\n"
        text += end
    return text


@pytest.mark.parametrize(
    ("name", "content", "by"),
    [
        ("a.csv", "Sentence #,Word,POS,Tag\n" + rows("f w p t"), "'Sentence #'"),
        ("a.csv", "sentence_id,words,labels\n" + rows("s w t"), "'sentence_id'"),
        ("a.csv", "sentence_id,words,labels\n" + rows("z w t"), "'sentence_id'"),
        ("a.csv", "doc,sent,at,token,ner\n" + rows("d s n w t"), "'sent'"),
        ("a.csv", "no,w,kind\n" + rows("s w t"), "'no'"),
        ("a.csv", "word,tag\n" + rows("w t", end=",\n"), "empty rows"),
        ("a.csv", "word,tag\n" + rows("w t", end="\n"), "empty rows"),
        ("a.csv", "w;t\n" + rows("w t", between=";", end="\n"), "empty rows"),
        ("a.tsv", "sentence\tword\ttag\n" + rows("s w t", between="\t"), "'sentence'"),
        (
            "a.jsonl",
            "".join(
                json.dumps({"s": at, "w": word, "t": tag}) + "\n"
                for at, each in enumerate(SENTENCES)
                for word, tag in each
            ),
            "'s'",
        ),
    ],
)
def test_rows_of_words_become_sentences(put: Put, name: str, content: str, by: str) -> None:
    table = open_table(put(name, content))
    assert [json.loads(cell or "") for cell in table.columns["tokens"]] == WORDS
    assert [json.loads(cell or "") for cell in table.columns["tags"]] == TAGS
    assert table.remarks[-1].endswith(f"rows become sentences by {by}")
    assert len(table) == len(SENTENCES)


def test_what_is_the_same_in_a_sentence_stays_a_value_and_other_columns_are_lists(put: Put) -> None:
    table = open_table(put("a.csv", "doc,sent,word,pos,tag\n" + rows("d s w p t")))
    assert list(table.columns) == ["doc", "sent", "tokens", "pos", "tags"]
    assert table.columns["doc"][:5] == ["doc0"] * 4 + ["doc1"]
    assert json.loads(table.columns["pos"][1] or "") == ["VERB", "NOUN", "VERB"]
    assert (table.named("POS"), table.named("Word"), table.named("5")) == ("pos", "tokens", "tags")


def test_parts_of_speech_are_tags_where_a_column_counts_sentences(put: Put) -> None:
    table = open_table(put("a.csv", "sentence,word,pos\n" + rows("s w p")))
    assert json.loads(table.columns["tags"][1] or "") == ["VERB", "NOUN", "VERB"]


def test_a_sentence_with_a_row_that_cannot_be_used_is_left_out(put: Put) -> None:
    lines = ("s,w,t\n" + rows("s w t")).splitlines()
    lines[3] += ",more"
    table = open_table(put("a.csv", "\n".join(lines)))
    assert [json.loads(cell or "") for cell in table.columns["tokens"]] == WORDS[1:]
    [left] = table.dropped
    assert (left.line, left.reason.endswith("; its sentence is left out")) == (4, True)


@pytest.mark.parametrize(
    "content",
    [
        "word,tag\n" + rows("w t"),  # nothing says where sentences end
        "id,text,label\n" + "".join(f"{at // 3},it is {at},{'ab'[at % 2]}\n" for at in range(30)),
        "id,word,label\n"
        + "".join(f"{at // 3},w{at},{at % 2}\n" for at in range(30)),  # words by themselves, with 0 and 1
        "text,label\n" + "".join(f"w{at},{'ab'[at % 2]}\n\n" for at in range(30)),
        "sentence,label\n" + "".join(f"w{at},{'ab'[at % 2]}\n\n" for at in range(30)),
    ],
)
def test_other_tables_stay_as_they_are(put: Put, content: str) -> None:
    table = open_table(put("a.csv", content))
    assert "tokens" not in table.columns
    assert table.remarks == ()


def test_words_without_tags_are_sentences_for_a_model_of_words_alone(put: Put) -> None:
    path = put("a.csv", "sentence_id,word\n" + rows("s w"))
    assert "tokens" not in open_sheet(path).columns
    assert open_sheet(path, words=True).columns == ("sentence_id", "tokens")


def test_they_are_learnt_and_predicted_from_files_and_frames(put: Put, tmp_path: Path) -> None:
    many = [[*sentence, (f"on day {at}".replace(" ", "-"), "O")] for at, sentence in enumerate(SENTENCES * 4)]
    path, run = put("a.csv", "sentence_id,Word,Tag\n" + rows("s w t", sentences=many)), tmp_path / "run"
    fast = {"strategy": "crf", "controls": False, "threads": 1}
    artifact = headstart.fit(str(path), output=str(run), **fast)
    assert artifact.task.name == "token-classification"
    scored = headstart.evaluate(run, path)
    assert scored["scores"]["f1"]["value"] > 0.9
    out = tmp_path / "out.jsonl"
    headstart.predict(run, input=str(path), output=str(out))
    first = json.loads(out.read_text().splitlines()[0])
    assert (first["tokens"], first["prediction"]) == ([word for word, _ in many[0]], [tag for _, tag in many[0]])
    frame = {
        "sentence_id": [at for at, sentence in enumerate(SENTENCES) for _ in sentence],
        "word": [word for sentence in WORDS for word in sentence],
        "tag": [tag for sentence in TAGS for tag in sentence],
    }
    assert [json.loads(cell or "") for cell in table_of(frame).columns["tokens"]] == WORDS
