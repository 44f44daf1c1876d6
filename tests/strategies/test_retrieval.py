"""Strategies of retrieval on toy questions with a tiny network: what they promise, and what is particular to each."""

import contextlib
import io
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from headstart.backbones.location import BackboneSource, locate
from headstart.data.queries import Query
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import ModelError, RecipeError
from headstart.loading import load
from headstart.ranking.fusion import ranked
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import RunResult, compare
from headstart.runtime.progress import SILENT
from headstart.strategies.rerank import Rerank
from headstart.strategies.retrieving import mined
from headstart.tasks.retrieval import Retrieval

WORDS = ("good", "bad", "nine", "monday", "night", "shop", "parcel", "day", "start", "end", "way", "indeed")
QUESTIONS = ["where is good now", "nine and day", "zzz"]


def rows() -> Table:
    """Sixty questions of twelve passages."""
    asked = [f"{begin} {word}" for begin in ("where is", "is it", "you say", "now", "and yours") for word in WORDS]
    passages = [f"{word} is here {WORDS[at - 3]}" for at, word in enumerate(WORDS)] * 5
    return Table(MEMORY, {"question": asked, "passage": passages}, list(range(1, 61)))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Callable[..., RunResult]:
    """A run with options on the toy rows, once for each."""
    backbone = make_backbone(tmp_path_factory.mktemp("backbone") / "wide-bert", initializer_range=0.2)

    asked = tmp_path_factory.mktemp("asked") / "asked.csv"
    asked.write_text("question\n" + "".join(f"who knows {word}\n" for word in WORDS))

    @cache
    def run(*strategies: str, folds: int | None = 0, **options: Any) -> RunResult:
        given = {
            "train": MEMORY, "backbone": str(backbone), "threads": 1, "task": "retrieval", "validation_share": 0.25,
            "controls": False, "folds": folds, "strategies": strategies, "batch_size": 8, "epochs": 2, "seed": 5,
        }  # fmt: skip
        if not {"bi-encoder", "hybrid", "rerank", "margin-mse"} & {*strategies}:
            del given["batch_size"], given["epochs"]
        if options.get("retriever") in ("bm25", "untouched"):
            del given["epochs"]
        if "margin-mse" in strategies:
            given |= {"target": str(asked), "teacher": {"name": "rerank", "retriever": "bm25"}, "epochs": None}
        found = compare(assemble("fit", given | options), SILENT, rows())
        assert found is not None
        return found

    return run


@pytest.mark.parametrize("name", ["bm25", "untouched", "bi-encoder", "hybrid", "rerank", "margin-mse"])
def test_saved_and_loaded_it_ranks_the_same(name: str, ran: Callable[..., RunResult], tmp_path: Path) -> None:
    compared = ran(name)
    assert [(entry.strategy.name, entry.status, entry.note) for entry in compared.entries] == [(name, "done", "")]
    candidate, artifact = compared.chosen.finished, compared.artifact
    assert candidate.validation.ids.shape == (15, 20)
    assert candidate.validation.is_finite
    again = load(artifact.save(tmp_path / "saved"))
    ours, theirs = artifact.outputs(QUESTIONS), again.outputs(QUESTIONS)
    assert ours.ids.tolist() == theirs.ids.tolist()
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-5)
    assert (again.task, again.recipe) == (artifact.task, artifact.recipe)
    said = again.predict(QUESTIONS)[0].plain()
    assert said.keys() == again.task.nothing.keys()
    assert list(again.task.passages.texts) == list(artifact.task.passages.texts)


@pytest.mark.parametrize("name", ["bm25", "bi-encoder", "hybrid", "rerank", "margin-mse"])
def test_the_resolved_recipe_ranks_the_same_again(name: str, ran: Callable[..., RunResult]) -> None:
    first = ran(name)
    assert from_mapping(first.artifact.recipe, "recipe.yaml").plain() == first.artifact.recipe
    second = compare(from_mapping(dict(first.artifact.recipe), "recipe.yaml"), SILENT, rows())
    assert second is not None
    assert second.artifact.recipe == first.artifact.recipe
    assert second.chosen.finished.validation.ids.tolist() == first.chosen.finished.validation.ids.tolist()
    ours, theirs = (each.artifact.outputs(QUESTIONS) for each in (first, second))
    assert np.array_equal(ours.scores, theirs.scores)


def test_with_few_questions_each_is_ranked_by_what_did_not_learn_from_it(ran: Callable[..., RunResult]) -> None:
    compared = ran("bi-encoder", "hybrid", folds=2)
    assert [entry.status for entry in compared.entries] == ["done", "done"]
    assert [entry.finished.validation.ids.shape for entry in compared.entries] == [(60, 20), (60, 20)]
    assert all(epoch["validation"] is None for entry in compared.entries for epoch in entry.finished.curve)


@pytest.mark.parametrize("name", ["rerank", "margin-mse"])
def test_a_cross_encoder_and_its_student_rank_what_they_did_not_learn_from(
    name: str, ran: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.strategies.rerank import Rerank

    learnt, read, whole = [], [], Rerank._trained

    def trained(self: Rerank, context: Any, *args: Any) -> Any:
        learnt.append({*context.train.inputs})
        read.append({*context.validation.inputs})
        return whole(self, context, *args)

    monkeypatch.setattr(Rerank, "_trained", trained)
    options = {"retriever": "bm25"} if name == "rerank" else {}
    compared = ran(name, folds=2, seed=7, **options)
    assert [(entry.status, entry.note) for entry in compared.entries] == [("done", "")]
    assert compared.chosen.finished.validation.ids.shape == (60, 20)
    crossed = [at for at, rows in enumerate(learnt) if len(rows) < 60]
    assert len(crossed) >= 2
    assert all(not learnt[at] & read[at] for at in crossed)


@pytest.mark.parametrize(
    "more",
    [
        {"interaction": "cross", "hard_negatives": 8},
        {"interaction": "late", "batch_size": 2},
        {"interaction": "late", "batch_size": 4, "hard_negatives": 2},
    ],
)
def test_what_reads_again_learns_which_passage_answers(more: dict[str, Any], ran: Callable[..., RunResult]) -> None:
    options = {"retriever": "untouched", "rerank_learning_rate": 3e-3, "rerank_epochs": 12, **more}
    before, after = ran("untouched"), ran("rerank", **options)
    scores = [each.entries[0].validation_scores["ndcg_at_10"]["value"] for each in (before, after)]
    assert scores[1] > scores[0] + 0.1
    assert after.chosen.finished.strategy.rerank_weight > 0
    assert after.chosen.finished.strategy.rerank_stop_after >= 1


def test_the_reader_of_passages_is_a_cross_encoder_of_plain_transformers(
    ran: Callable[..., RunResult], tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    artifact = ran("rerank", retriever="bm25", interaction="cross").artifact
    artifact.save(tmp_path / "saved")
    folder = str(tmp_path / "saved" / "reranker")
    reader, tokens = (
        AutoModelForSequenceClassification.from_pretrained(folder).eval(),
        AutoTokenizer.from_pretrained(folder),
    )
    ids = np.array([[0, 3, -1], [5, -1, -1]])
    ours = artifact.predictor.read(QUESTIONS[:2], ids)
    for row, column in np.argwhere(ids >= 0):
        passage = artifact.task.passages[int(ids[row, column])].text
        with torch.no_grad():
            theirs = reader(**tokens(QUESTIONS[row], passage, return_tensors="pt")).logits.item()
        assert ours[row, column] == pytest.approx(theirs, abs=1e-4)
    assert (ours[ids < 0] == 0).all()
    assert len(printed_by_card(artifact, tmp_path / "saved")) == 2


def printed_by_card(artifact: Any, folder: Path) -> list[str]:
    """Lines that the lines of a card print in the folder of the artifact."""
    here, scope = os.getcwd(), {}
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(artifact.predictor.usage(), "card", "exec"), scope)
    finally:
        os.chdir(here)
    return printed.getvalue().splitlines()


def test_late_interaction_matches_tokens_as_the_card_says_and_reads_each_passage_once(
    ran: Callable[..., RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.predictors import matching

    artifact = ran("rerank", retriever="bm25").artifact
    artifact.save(tmp_path / "saved")
    printed = printed_by_card(artifact, tmp_path / "saved")
    passage, score = printed[-1].split()
    assert passage == artifact.task.passages[0].id
    ids = np.array([[0, 3, -1], [5, -1, -1], [3, 0, 5]])
    questions = ["a question", "where is good now", "a question"]
    found = artifact.predictor.read(questions, ids)
    assert found[0, 0] == pytest.approx(float(score), abs=1e-3)
    assert (found[ids < 0] == 0).all()
    assert found[2].tolist() == pytest.approx([found[0, 1], found[0, 0], found[2, 2]], abs=1e-5)
    read, whole = [], matching.encode_tokens

    def encode_tokens(backbone: Any, texts: Any, **options: Any) -> Any:
        read.extend(texts)
        return whole(backbone, texts, **options)

    monkeypatch.setattr(matching, "encode_tokens", encode_tokens)
    monkeypatch.setattr(matching, "BLOCK_PASSAGES", 2)
    assert artifact.predictor.read(questions, ids) == pytest.approx(found, abs=1e-5)
    assert read == [*questions, *(artifact.task.passages[number].text for number in (0, 3, 5))]


def test_weights_of_other_tokens_are_refused(ran: Callable[..., RunResult], tmp_path: Path) -> None:
    from headstart.predictors.matching import WEIGHTS, TokenMatcher

    matcher: Any = ran("rerank", retriever="bm25").artifact.predictor.reader  # type: ignore[attr-defined]
    for at, weights in enumerate((matcher.weights[:-1], np.full_like(matcher.weights, -1.0))):
        folder = tmp_path / str(at)
        folder.mkdir()
        description = matcher.save(folder)
        TokenMatcher.load(folder, description)
        save_file({"weights": weights}, folder / WEIGHTS)
        with pytest.raises(ModelError, match="its weights are not those of the tokens"):
            TokenMatcher.load(folder, description)


def test_passages_of_several_vectors_are_saved_with_their_counts_and_found_as_the_card_says(
    ran: Callable[..., RunResult], tmp_path: Path
) -> None:
    artifact = ran("bi-encoder", vector_tokens=2, seed=9).artifact
    folder = artifact.save(tmp_path / "saved")
    vectors, counts = artifact.predictor.read()
    assert len(counts) == 12 < counts.sum() == len(vectors)
    again = load(folder).predictor
    assert np.array_equal(again.read().counts, counts)
    printed = " ".join(printed_by_card(artifact, folder))
    first = artifact.outputs(["a question"])
    assert f"{first.scores[0, 0]:.3f}" in printed
    some = again.search(QUESTIONS, 3, among=np.array([2, 7, 9]))
    whole = again.search(QUESTIONS, 12)
    for row in range(len(QUESTIONS)):
        wanted = [
            (number, score)
            for number, score in zip(whole.ids[row], whole.scores[row], strict=True)
            if number in (2, 7, 9)
        ]
        assert some.ids[row].tolist() == [number for number, _ in wanted]
        assert some.scores[row] == pytest.approx([score for _, score in wanted], abs=1e-6)


def test_a_stretch_has_two_tokens_at_least() -> None:
    given = {"train": MEMORY, "task": "retrieval", "strategy": "bi-encoder", "folds": 0, "vector_tokens": 1}
    with pytest.raises(RecipeError, match="give at least 2, or 0 for none"):
        compare(assemble("fit", given), SILENT, rows())


@pytest.mark.parametrize(("counts", "known"), [([1] * 12, 33), ([0] + [3] * 11, 33)])
def test_counts_that_do_not_sum_up_to_the_vectors_are_refused(
    counts: list[int], known: int, ran: Callable[..., RunResult], tmp_path: Path
) -> None:
    from headstart.predictors.dense import VECTORS, DenseDescription, _stored

    predictor: Any = ran("bi-encoder", vector_tokens=2, seed=9).artifact.predictor
    vectors, _ = predictor.read()
    said = DenseDescription(max_length=64, width=predictor.width, vector_tokens=2)
    save_file({"vectors": vectors[:known], "counts": np.array(counts)}, tmp_path / VECTORS)
    with pytest.raises(ModelError, match="its vectors are not those of 12 passages"):
        _stored(tmp_path, 12, said)


def test_a_teacher_scores_labelled_and_unlabelled_questions(
    ran: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.predictors.rerank import RerankPredictor

    asked, whole = [], RerankPredictor.read

    def read(self: Any, questions: Any, ids: Any, **options: Any) -> Any:
        asked.append([*questions])
        return whole(self, questions, ids, **options)

    monkeypatch.setattr(RerankPredictor, "read", read)
    compared = ran("margin-mse", seed=8)
    scored = [questions for questions in asked if questions[-12:] == [f"who knows {word}" for word in WORDS]]
    assert [*map(len, scored)] == [45 + 12, 60 + 12], "first without the rows to choose on, then with all"
    assert compared.chosen.finished.description.startswith("57 questions scored by the teacher")


@pytest.mark.parametrize(("scores", "weight"), [([3.0, 2.0, 1.0], 0.0), ([2.0, 3.0, 1.0], 0.8)])
def test_a_cross_encoder_counts_only_where_that_is_better_than_the_order_of_before(
    scores: list[float], weight: float
) -> None:
    rows = Store([Query("which one", (0,), (1.0,))], [1], "rows.csv")
    found, read = ranked(np.array([[0, 1, 2]]), np.array([scores], np.float32)), np.array([[9.0, 1.0, 5.0]], np.float32)
    context: Any = SimpleNamespace(task=Retrieval(metric="ndcg_at_10"), validation=rows)
    assert Rerank()._best_weight(context, found, read) == weight


def test_without_questions_to_score_a_student_is_refused() -> None:
    recipe = assemble("fit", {"train": MEMORY, "task": "retrieval", "strategy": "margin-mse", "folds": 0})
    with pytest.raises(RecipeError, match="name a file of them with --target"):
        compare(recipe, SILENT, rows())


def test_a_hybrid_takes_the_bi_encoder_of_its_run_and_all_weights_are_tried(ran: Callable[..., RunResult]) -> None:
    compared = ran("bi-encoder", "hybrid")
    dense, both = (entry.finished for entry in compared.entries)
    assert both.predictor.dense is dense.predictor
    assert 0 <= both.strategy.dense_weight <= 1
    assert max(entry.rank for entry in compared.entries) == compared.entries[1].rank


def test_controls_are_bm25_and_the_untouched_network(ran: Callable[..., RunResult]) -> None:
    recipe = assemble("fit", {"train": "a.csv", "task": "retrieval", "strategy": "bi-encoder"})
    assert [strategy.name for strategy in recipe.planned()] == ["bm25", "untouched", "bi-encoder"]


def test_a_fine_tuned_retriever_opens_as_a_backbone(ran: Callable[..., RunResult], tmp_path: Path) -> None:
    folder = ran("bi-encoder").artifact.save(tmp_path / "saved")
    found = locate(BackboneSource(location=str(folder)))
    assert found.folder == folder / "network"


def test_training_draws_questions_to_their_passages(ran: Callable[..., RunResult]) -> None:
    options = {"learning_rate": 3e-3, "batch_size": 2}
    before, after = (ran(name, **more) for name, more in (("untouched", {}), ("bi-encoder", options)))
    scores = [each.entries[0].validation_scores["ndcg_at_10"]["value"] for each in (before, after)]
    assert scores[1] > scores[0] + 0.1


def test_vectors_may_be_short_and_of_bytes(ran: Callable[..., RunResult], tmp_path: Path) -> None:
    artifact = ran("bi-encoder", width=8, widths=(8,), int8=True).artifact
    assert artifact.predictor.read().vectors.shape == (12, 8)
    again = load(artifact.save(tmp_path / "saved"))
    np.testing.assert_allclose(again.predictor.read().vectors, artifact.predictor.read().vectors, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(again.predictor.read().vectors, axis=1), 1.0, atol=0.02)


def test_words_know_nothing_of_a_question_without_known_words(ran: Callable[..., RunResult]) -> None:
    artifact = ran("bm25").artifact
    assert artifact.outputs(["zzz"]).counts.tolist() == [0]
    assert artifact.predict(["zzz"])[0].plain() == {"passages": [], "truncated": False}


def test_negatives_are_drawn_from_what_does_not_answer() -> None:
    ids = np.array([[3, 1, 2, 0, -1], [1, -1, -1, -1, -1]])
    found = mined(ids, [[1], [1]], 2, seed=0)
    assert {*found[0].tolist()} <= {3, 2, 0}
    assert len({*found[0].tolist()}) == 2
    assert found[1].tolist() == [-1, -1]


def test_choices_are_made_on_answers_and_the_best_by_words_where_passages_are_many(
    ran: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.strategies.retrieving.MOST_WHOLE", 3)
    monkeypatch.setattr("headstart.strategies.retrieving.BESIDE", 1)
    found = ran("untouched", seed=6).chosen.finished.validation
    ranked = {number for number in found.ids.ravel().tolist() if number >= 0}
    assert len(ranked) <= 12
    assert (found.counts == len(ranked)).all()
