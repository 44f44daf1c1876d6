"""Questions and passages of files: columns, passages by text and by id, relevance, rankings in words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.data.outputs import Ranked
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, UsageError
from headstart.evaluation.judging import scores
from headstart.ranking.fusion import ranked as scored
from headstart.ranking.passages import Passage, Passages, PassageWriter
from headstart.runs.searched import read_corpus, with_passages
from headstart.tasks.relevance import Places, named_passages
from headstart.tasks.retrieval import Retrieval


def table(**columns: list[str | None]) -> Table:
    count = len(next(iter(columns.values())))
    return Table("pairs.csv", columns, list(range(2, 2 + count)))


def read(corpus: Passages | None = None, **columns: list[str | None]) -> tuple[Any, Any]:
    """The task with what is searched, and the questions of a table."""
    given = table(**columns)
    task = Retrieval().guess(given)
    rows, dropped = task.parse(given)
    task, found = with_passages(task, {"train": rows}, corpus)
    each = found["train"]
    return task, each._replace(dropped=[*dropped, *each.dropped])


def ranked(ids: list[list[int]]) -> Ranked:
    found = np.array(ids)
    return scored(found, -np.arange(found.shape[1], dtype=np.float32) + 0 * found)


CORPUS = Passages.of(["red fish", "blue bird", "green tree", "red fish"], ids=["a", "b", "c", "d"])


@pytest.mark.parametrize(
    ("columns", "text", "label", "ids"),
    [
        (["question", "passage"], "question", "passage", None),
        (["id", "title", "context", "question", "answers"], "question", "context", None),
        (["passage_id", "query"], "query", "passage_id", None),
        (["anchor", "positive", "doc_id"], "anchor", "positive", "doc_id"),
        (["asked", "document"], "asked", "document", None),
    ],
)
def test_columns_are_found_by_usual_names(columns: list[str], text: str, label: str, ids: str | None) -> None:
    task = Retrieval().guess(table(**{name: ["x", "y"] for name in columns}))
    assert (task.text, task.label, task.passage_id) == ((text,), label, ids)


def test_a_file_without_a_column_of_passages_is_refused_by_the_columns_that_it_has() -> None:
    with pytest.raises(DataError, match=r"which column names the passage .* --label \(columns: question, mood\)"):
        Retrieval().guess(table(question=["a"], mood=["b"]))


def test_the_passages_that_rows_name_are_searched_each_text_once() -> None:
    task, found = read(question=["one", "two", "three"], passage=["red fish", "blue bird", "red fish"])
    assert list(task.passages.texts) == ["red fish", "blue bird"]
    assert list(task.passages.ids) == ["pairs.csv:2", "pairs.csv:3"]
    assert [example.relevant for example in found.rows.examples] == [(0,), (1,), (0,)]
    assert found.rows.groups.tolist() == [0, 1, 0]
    assert (found.dropped, found.said) == ([], [])


def test_a_question_of_several_rows_stands_once_with_all_its_passages_and_grades() -> None:
    task, found = read(
        CORPUS, question=["q", "q", "r", "q"], passage_id=["c", "a", "b", "c"], relevance=["2", "1", "1", "3"]
    )
    first, second = found.rows.examples
    assert (first.relevant, first.grades) == ((0, 2), (1.0, 3.0))
    assert (second.relevant, second.grades) == ((1,), (1.0,))
    assert found.rows.lines == [2, 4]
    assert found.said == [
        "1 rows of pairs.csv say again what an earlier row says of its question and passage; they count once",
        "4 rows of pairs.csv are of 2 different questions",
    ]
    assert task.grade == "relevance"


def test_copies_of_a_passage_count_as_the_first() -> None:
    _, found = read(CORPUS, question=["q", "r"], passage_id=["d", "b"])
    assert [example.relevant for example in found.rows.examples] == [(0,), (1,)]


def test_passages_that_the_corpus_lacks_are_left_out_by_line_and_counted() -> None:
    _, found = read(CORPUS, question=["q", "r", "s"], passage_id=["a", "x", "y"])
    assert [(row.line, row.reason) for row in found.dropped] == [
        (3, "names the passage 'x', which is not in the corpus"),
        (4, "names the passage 'y', which is not in the corpus"),
    ]
    assert found.said == ["2 of 3 rows of pairs.csv name passages that the corpus does not have; they are left out"]


def test_questions_that_nothing_answers_are_left_out_and_counted() -> None:
    _, found = read(CORPUS, question=["q", "r"], passage_id=["a", "b"], grade=["0", "1"])
    assert [example.text for example in found.rows.examples] == ["r"]
    assert "1 questions of pairs.csv have no passage that answers them; they are left out" in found.said[0]


def test_ids_without_a_corpus_are_refused_with_the_remedy() -> None:
    with pytest.raises(DataError, match="name passages by their ids, .* name the files of the passages with --corpus"):
        read(question=["q", "r"], passage_id=["a", "b"])


def test_a_file_of_which_no_passage_is_known_is_refused_with_the_first_line() -> None:
    with pytest.raises(DataError, match=r"has no question with a passage that answers it; first reason: line 2: names"):
        read(CORPUS, question=["q"], passage_id=["zzz"])


def test_rows_without_question_passage_or_number_are_reported_with_their_lines() -> None:
    given = table(
        question=["q", " ", "r", "s"], passage=["red fish", "x", None, "blue bird"], score=["1", "1", "1", "?"]
    )
    rows, dropped = Retrieval().guess(given).parse(given)
    assert [(row.line, row.reason) for row in dropped] == [
        (3, "no text"), (4, "no passage"), (5, "grade '?' in column 'score' is not a number"),
    ]  # fmt: skip
    assert len(rows) + len(dropped) == len(given)


def test_one_passage_alone_cannot_be_ranked() -> None:
    task, found = read(question=["q", "r"], passage=["red fish", "red fish"])
    with pytest.raises(DataError, match="there is one passage only"):
        task.bind(found.rows)


def test_results_are_grades_by_place_and_scores_are_those_by_hand() -> None:
    task, found = read(CORPUS, question=["q", "q", "r"], passage_id=["c", "a", "b"], grade=["2", "1", "1"])
    outputs = ranked([[2, 1, 0], [0, 2, -1]])
    results = task.results(outputs, found.rows)
    assert results.gains.tolist() == [[2, 0, 1], [0, 0, 0]]
    assert results.ideal.tolist() == [[2, 1], [1, 0]]
    said = scores(task.bind(found.rows), outputs, found.rows)
    assert said["recall_at_1"].value == pytest.approx((1 / 2 + 0) / 2)
    assert said["mrr_at_10"].value == pytest.approx(0.5)
    best = 2 + 1 / np.log2(3)
    assert said["ndcg_at_10"].value == pytest.approx((2 + 1 / np.log2(4)) / best / 2)
    assert results.mean_loss == pytest.approx(1 - said["ndcg_at_10"].value)


def test_predictions_are_passages_in_words_and_mistakes_the_farthest_first() -> None:
    task, found = read(CORPUS, question=["q", "r", "s"], passage_id=["a", "b", "c"])
    outputs = ranked([[1, 0, -1], [1, 0, 2], [0, 1, -1]])
    first = task.predictions(outputs, ["q", "r", "s"])[0]
    assert [(hit["id"], hit["text"], hit["start"], hit["end"]) for hit in first.plain()["passages"]] == [
        ("b", "blue bird", 0, 9), ("a", "red fish", 0, 8),
    ]  # fmt: skip
    assert len(task.revised(best=1).predictions(outputs, ["q", "r", "s"])[1].plain()["passages"]) == 1  # type: ignore[arg-type]
    assert first.cells() == ["b", '[{"id": "b", "score": 0.0}, {"id": "a", "score": -1.0}]']
    assert len(first.cells()) == len(task.columns) == len(task.nothing)
    assert [(each.row, each.label, each.predicted) for each in task.mistakes(outputs, found.rows, 9)] == [
        (2, "c", "a"), (0, "a", "b"),
    ]  # fmt: skip
    shown = [[tuple(each) for each in made.passages] for made in task.mistakes(outputs, found.rows, 9)]
    assert shown == [
        [(1, "a", "red fish", False), (2, "b", "blue bird", False), (None, "c", "green tree", True)],
        [(1, "b", "blue bird", False), (2, "a", "red fish", True)],
    ]


def test_a_document_that_was_cut_is_found_with_the_first_of_its_passages_and_counts_once() -> None:
    writer = PassageWriter()
    for at, (document, text) in enumerate([("d", "red"), ("d", "blue"), ("e", "green"), ("d", "grey")]):
        writer.add(Passage(f"{document}:{at}", text, "", document, f"{document}.txt", 1, 0, len(text)))
    task, found = read(writer.passages(), question=["q", "q"], document_id=["d", "e"])
    [query] = found.rows.examples
    assert (query.relevant, query.items) == ((0, 1, 2, 3), (0, 0, 2, 0))
    results = task.results(ranked([[3, 1, 2]]), found.rows)
    assert results.gains.tolist() == [[1.0, 0.0, 1.0]]
    assert results.ideal.tolist() == [[1.0, 1.0]]
    assert task.results(ranked([[3, 1, 0]]), found.rows).gains.tolist() == [[1.0, 0.0, 0.0]]


def test_a_task_that_knows_no_passages_says_so() -> None:
    with pytest.raises(UsageError, match="knows no passages yet"):
        _ = Retrieval().passages


def test_a_revised_task_searches_the_same_passages() -> None:
    task = Retrieval().searching(CORPUS)
    assert task.revised(metric="mrr_at_10").passages is CORPUS
    assert task == Retrieval()


def test_questions_of_twenty_documents_are_resampled_by_document() -> None:
    words = [f"passage {at}" for at in range(40)]
    _, found = read(question=[f"q{at}" for at in range(40)], passage=words, title=[f"t{at // 2}" for at in range(40)])
    assert found.rows.groups.tolist() == [at // 2 for at in range(40)]


def test_a_folder_of_texts_is_a_corpus_and_copies_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one fish\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("one fish\n", encoding="utf-8")
    passages, said = read_corpus(str(tmp_path), Retrieval())
    assert [Path(name).name for name in passages.ids] == ["a.txt", "b.txt"]
    assert len(said) == 1
    assert said[0].endswith("repeat the text of an earlier one; they are ranked as one")


def test_new_texts_stand_behind_those_that_are_known() -> None:
    rows, _ = Retrieval(text=("question",), label="passage").parse(
        table(question=["q", "r"], passage=["new", "red fish"])
    )
    found = named_passages([rows], CORPUS)
    assert list(found.texts) == ["red fish", "blue bird", "green tree", "red fish", "new"]
    assert Places.of(found).by_text["new"] == 4


def test_an_empty_part_has_no_groups_to_fail_on() -> None:
    rows = Store([], [], "x.csv")
    assert Retrieval().searching(CORPUS).results(
        ranked(np.zeros((0, 3), int).tolist() or np.zeros((0, 3), int)), rows
    ).gains.shape == (0, 3)  # type: ignore[arg-type]
