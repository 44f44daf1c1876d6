"""Answers from the passages of an index: how both scores become one, and what is said where there is nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.paired import with_pairs

import headstart
from headstart.errors import DataError, UsageError
from headstart.indexes.index import Hit
from headstart.ranking.passages import Passage
from headstart.runs.asking import _reply, _shares
from headstart.types import AnswerPrediction, FoundAnswer

DOCUMENTS = {
    "shop.txt": "The shop opens at nine. It is good.",
    "parcel.txt": "Now the parcel arrives on monday, say all of you.",
}
QUESTIONS = [
    ("who opens at nine", "the shop opens at nine", "the shop"),
    ("what arrives on monday", "the parcel arrives on monday", "the parcel"),
    ("when does it open", "the shop opens at nine", "nine"),
    ("when does it arrive", "the parcel arrives on monday", "on monday"),
    ("who says it", "the shop opens at nine", ""),
    ("who says it", "the parcel arrives on monday", ""),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Path:
    """A folder with an index of two documents, a reader and a file of questions."""
    folder = tmp_path_factory.mktemp("asking")
    backbone = with_pairs(folder / "bert", make_backbone)
    (folder / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (folder / "docs" / name).write_text(text, encoding="utf-8")
    rows = [{"question": q, "context": c, "answer": a} for q, c, a in QUESTIONS]
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows * 2), encoding="utf-8")
    headstart.index(folder / "docs", retriever="bm25", output=str(folder / "index"))
    headstart.fit(
        folder / "questions.jsonl", strategy="feature-extraction", backbone=str(backbone), controls=False, threads=1,
        output=str(folder / "reader"),
    )  # fmt: skip
    return folder


def hit(score: float, text: str = "a b c") -> Hit:
    return Hit(Passage(f"p{score}", text, "", "d", "d.txt", 3, 10, 10 + len(text)), score, score, None, ())


def said(no_answer: float, *spans: tuple[str, int, float]) -> AnswerPrediction:
    found = tuple(FoundAnswer(text, start, start + len(text), score) for text, start, score in spans)
    return AnswerPrediction(found, no_answer, False, False)


def test_shares_are_a_softmax_of_standardised_scores() -> None:
    found = _shares(np.array([3.0, 1.0, 2.0]), 2.0)
    assert found.sum() == pytest.approx(1)
    assert np.log(found[0] / found[1]) == pytest.approx(2 * 2 / np.std([3, 1, 2]))
    assert _shares(np.array([5.0, 5.0]), 2.0).tolist() == [0.5, 0.5]
    assert _shares(np.array([7.0, 1.0]), 0.0).tolist() == [0.5, 0.5]


def test_an_answer_is_as_probable_as_its_passage_times_what_the_reader_says() -> None:
    hits = [hit(2.0), hit(1.0)]
    read = [said(0.1, ("a", 0, 0.5)), said(0.1, ("b", 2, 0.9), ("c", 4, 0.05))]
    found = _reply("q", hits, read, best=3, weight=0.1, limits=(0.5, 0.5), normalise=str.lower)
    share = _shares(np.array([2.0, 1.0]), 0.1)
    assert [each.text for each in found.answers] == ["b", "a", "c"]
    assert found.answers[0].score == pytest.approx(share[1] * 0.9)
    assert found.no_answer == pytest.approx(0.1)
    assert not found.refused
    plain = found.plain()
    assert (plain["start"], plain["end"], plain["line"]) == (12, 13, 3)
    assert [each["answer"] for each in plain["others"]] == ["a", "c"]
    first = _reply("q", hits, read, best=1, weight=20.0, limits=(0.5, 0.5), normalise=str.lower)
    assert first.said == "a"


def test_an_answer_of_several_passages_is_one_with_the_sum_of_its_scores_at_the_likeliest_place() -> None:
    hits = [hit(2.0), hit(1.0)]
    read = [said(0.0, ("A", 0, 0.3), ("b", 2, 0.5)), said(0.0, ("a", 4, 0.6))]
    found = _reply("q", hits, read, best=3, weight=0.0, limits=(0.5, 0.5), normalise=str.lower)
    assert [(each.text, each.start, each.score) for each in found.answers] == [
        ("a", 4, pytest.approx(0.45)), ("b", 2, pytest.approx(0.25)),
    ]  # fmt: skip
    assert found.plain()["elsewhere_score"] == pytest.approx(0.15)


def test_where_passages_have_no_answer_that_is_what_is_said() -> None:
    read = [said(0.8, ("a", 0, 0.1)), said(0.7, ("b", 2, 0.2))]
    found = _reply("q", [hit(2.0), hit(1.0)], read, best=2, weight=1.0, limits=(0.5, 0.5), normalise=str.lower)
    share = _shares(np.array([2.0, 1.0]), 1.0)
    assert found.refused
    assert found.no_answer == pytest.approx(share[0] * 0.8 + share[1] * 0.7)
    assert found.plain()["answer"] == ""
    assert found.plain()["score"] == found.no_answer
    assert len(found.plain()["others"]) == 2
    kept = _reply("q", [hit(2.0), hit(1.0)], read, best=2, weight=1.0, limits=(0.99, 0.01), normalise=str.lower)
    assert not kept.refused
    nothing = _reply("q", [], [], best=1, weight=1.0, limits=(0.5, 0.5), normalise=str.lower)
    assert (nothing.said, nothing.refused, nothing.plain()["others"]) == ("", True, [])


def test_answers_stand_at_their_places_in_their_files(place: Path) -> None:
    found = headstart.ask(
        place / "index", ["who opens at nine", "zzz qqq"], reader=str(place / "reader"), best=2, threads=1
    )
    first, nothing = found["replies"]
    for each in [first, *first["others"]] if first["answer"] else first["others"]:
        name = Path(each["file"]).name
        assert DOCUMENTS[name][each["start"] : each["end"]] == each["answer"]
        assert each["score"] == pytest.approx(each["passage_score"] * each["reader_score"] + each["elsewhere_score"])
    assert (nothing["answer"], nothing["no_answer"]) == ("", 1.0)
    held = headstart.ask(place / "index", "who opens at nine", reader=str(place / "reader"), abstain=0.999, threads=1)
    assert held["replies"][0]["answer"] is None
    assert held["replies"][0]["abstained"]


def test_answers_are_scored_end_to_end(place: Path) -> None:
    found: Any = headstart.evaluate(place / "index", place / "questions.jsonl", reader=str(place / "reader"), threads=1)
    assert found["found"] == 1.0
    assert {"answer_f1", "exact_match", "has_answer_f1", "no_answer_accuracy"} == {*found["scores"]}
    assert 0 <= found["scores"]["answer_f1"]["value"] <= 1 and found["group_column"] is None


def test_answers_from_an_index_are_resampled_by_a_column_that_is_named(place: Path, tmp_path: Path) -> None:
    lines = (place / "questions.jsonl").read_text().splitlines()
    named = [json.dumps({**json.loads(line), "asked_by": "ab"[at % 2]}) for at, line in enumerate(lines)]
    (tmp_path / "questions.jsonl").write_text("\n".join(named) + "\n")
    given: dict[str, Any] = {"reader": str(place / "reader"), "threads": 1}
    found = headstart.evaluate(place / "index", tmp_path / "questions.jsonl", group_column="asked_by", **given)
    assert found["group_column"] == "asked_by"
    with pytest.raises(DataError, match="has no column 'asked_bi'; did you mean 'asked_by'"):
        headstart.evaluate(place / "index", tmp_path / "questions.jsonl", group_column="asked_bi", **given)


def test_what_cannot_be_asked_is_refused(place: Path, tiny_csv: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name a run that answers questions about texts with --reader"):
        headstart.ask(place / "index", "who")
    with pytest.raises(UsageError, match="give a question, or a file of questions"):
        headstart.ask(place / "index", reader=str(place / "reader"))
    with pytest.raises(UsageError, match="a query is empty"):
        headstart.ask(place / "index", " ", reader=str(place / "reader"))
    headstart.fit(tiny_csv, strategy="tf-idf", controls=False, output=str(tmp_path / "other"), threads=1)
    with pytest.raises(UsageError, match="does text-classification; the reader has to answer questions"):
        headstart.ask(place / "index", "who", reader=str(tmp_path / "other"))
    empty = tmp_path / "q.csv"
    empty.write_text("question,n\n ,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="holds no question"):
        headstart.ask(place / "index", reader=str(place / "reader"), input=str(empty))
