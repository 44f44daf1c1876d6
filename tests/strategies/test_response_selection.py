"""Strategies of response selection on toy dialogues with a tiny network."""

import contextlib
import io
import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.backbones.base import open_backbone
from headstart.backbones.location import BackboneSource, locate
from headstart.data.table import Table
from headstart.loading import load
from headstart.predictors.dense import DensePredictor
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import RunResult, compare
from headstart.runs.parts import Parts
from headstart.runs.preparation import prepare
from headstart.runtime.progress import SILENT
from headstart.strategies import STRATEGIES
from headstart.strategies.base import refusal
from headstart.strategies.retrieving import DRAWN
from headstart.tasks.response_selection import ResponseSelection

WORDS = ("good", "bad", "nine", "monday", "night", "shop", "parcel", "day", "start", "end", "way", "indeed")
TURNS = ["where is good now", "is it nine\nand a day", ["you say", "night"]]


GIVEN = {
    "train": MEMORY, "task": "response-selection", "validation_share": 0.25, "controls": False, "folds": 0, "seed": 5,
}  # fmt: skip


def rows() -> Table:
    """Sixty dialogues of three turns."""
    begins = ("where is", "is it", "you say", "now", "and yours")
    talks = [[f"{begin} {word}", f"{word} is here", f"thank you for {word} {WORDS[at - 2]}"]
             for begin in begins for at, word in enumerate(WORDS)]  # fmt: skip
    return Table(MEMORY, {"turns": [json.dumps(talk) for talk in talks]}, list(range(1, 61)))


def parts_of(name: str) -> Parts:
    """The parts of a run."""
    return prepare(assemble("fit", GIVEN | {"strategies": (name,)}), SILENT, rows())


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Path:
    return make_backbone(tmp_path_factory.mktemp("backbone") / "wide-bert", initializer_range=0.2)


@pytest.fixture(scope="module")
def ran(backbone: Path) -> Callable[..., RunResult]:
    """A run with options on the toy dialogues, once for each."""

    @cache
    def run(*strategies: str, **options: Any) -> RunResult:
        given = {
            "backbone": str(backbone), "threads": 1, "strategies": strategies,
        } | GIVEN  # fmt: skip
        if "bi-encoder" in strategies:
            given |= {"batch_size": 8, "epochs": 2}
        found = compare(assemble("fit", given | options), SILENT, rows())
        assert found is not None
        return found

    return run


@pytest.mark.parametrize("name", ["bm25", "untouched", "bi-encoder"])
def test_saved_and_loaded_it_picks_the_same_and_scores_are_of_the_replies_of_the_part(
    name: str, ran: Callable[..., RunResult], tmp_path: Path
) -> None:
    compared = ran(name)
    assert [(entry.strategy.name, entry.status, entry.note) for entry in compared.entries] == [(name, "done", "")]
    candidate, artifact = compared.chosen.finished, compared.artifact
    validation = parts_of(name).validation
    own = {number for row in validation.examples for number in row.relevant}
    assert {int(each) for each in candidate.validation.ids.ravel() if each >= 0} <= own
    assert (candidate.validation.ranks >= 1).all()
    assert (candidate.validation.ranks <= 10).all()
    again = load(artifact.save(tmp_path / "saved"))
    ours, theirs = artifact.outputs(TURNS), again.outputs(TURNS)
    assert ours.ids.tolist() == theirs.ids.tolist()
    np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-5)
    ranks = again.outputs_of(validation).ranks
    assert np.array_equal(ranks, artifact.outputs_of(validation).ranks)
    said = again.predict(TURNS)[0].plain()
    assert said.keys() == again.task.nothing.keys()
    assert {"text", "score", "id"} == said["replies"][0].keys()


def test_no_dialogue_stands_in_two_parts() -> None:
    parts = parts_of("bm25")
    lines = [{*part.lines} for part in (parts.train, parts.validation, parts.test) if part is not None]
    assert sum(map(len, lines)) == len(set.union(*lines))
    assert len(parts.train) == 2 * len({*parts.train.lines})


def test_the_resolved_recipe_picks_the_same_again(ran: Callable[..., RunResult]) -> None:
    first = ran("bi-encoder")
    said = first.artifact.recipe["strategy"]
    assert (said["negatives"], said["symmetric"]) == ("in-batch", True)
    second = compare(from_mapping(dict(first.artifact.recipe), "recipe.yaml"), SILENT, rows())
    assert second is not None
    assert second.artifact.recipe == first.artifact.recipe
    ours, theirs = (each.artifact.outputs(TURNS) for each in (first, second))
    assert np.array_equal(ours.scores, theirs.scores)


def test_training_draws_turns_to_their_replies(ran: Callable[..., RunResult]) -> None:
    before, after = (ran(name, **more) for name, more in (("untouched", {}), ("bi-encoder", {"learning_rate": 3e-3})))
    scores = [each.entries[0].validation_scores["mrr_of_10"]["value"] for each in (before, after)]
    assert scores[1] > scores[0] + 0.1


def test_under_folds_each_row_is_judged_by_what_did_not_learn_from_its_dialogue(ran: Callable[..., RunResult]) -> None:
    found = ran("bi-encoder", folds=2, validation_share=None, test_share=0.0).chosen.finished.validation
    assert (found.ranks >= 1).all()
    assert len(found.ranks) == 120


def test_of_what_is_too_long_the_last_turns_are_read_by_the_card_too(
    ran: Callable[..., RunResult], backbone: Path, tmp_path: Path
) -> None:
    source = BackboneSource(location=str(backbone), max_length=8)
    predictor = DensePredictor(open_backbone(locate(source)), ran("untouched").artifact.task, precision="float32")
    long, last = "good bad nine monday night shop parcel day start end way indeed", "parcel day start end way indeed"
    ours = predictor.search([long, last], 3)
    assert ours.truncated.tolist() == [True, False]
    np.testing.assert_allclose(ours.scores[0], ours.scores[1], atol=1e-5)
    (tmp_path / "saved").mkdir()
    predictor.save(tmp_path / "saved")
    here, scope = os.getcwd(), {}
    os.chdir(tmp_path / "saved")
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(predictor.usage().replace('"a question"', repr(long)), "card", "exec"), scope)
    finally:
        os.chdir(here)
    best = scope["scores"].topk(3)
    np.testing.assert_allclose(best.values.numpy(), ours.scores[0], atol=1e-4)


def test_a_run_that_names_no_strategy_takes_up_the_bi_encoder_beside_the_controls() -> None:
    planned = assemble("fit", {"train": "a.jsonl", "task": "response-selection"}).planned()
    assert [strategy.name for strategy in planned] == ["bm25", "untouched", "bi-encoder"]


def test_what_is_fitted_on_first_places_refuses_replies() -> None:
    reasons = {each: refusal(STRATEGIES.get(each)(), ResponseSelection()) for each in STRATEGIES.names()}
    assert [each for each, why in reasons.items() if not why] == ["bi-encoder", "bm25", "untouched"]
    assert {reasons[each] for each in ("hybrid", "rerank", "margin-mse")} == {DRAWN}


def test_files_are_fitted_evaluated_and_answered(backbone: Path, tmp_path: Path) -> None:
    path, replies, run = tmp_path / "chats.jsonl", tmp_path / "replies.txt", str(tmp_path / "run")
    lines = [json.dumps({"turns": json.loads(cell)}) for cell in rows().columns["turns"] if cell]
    path.write_text("\n".join(lines))
    replies.write_text("the shop is here\nit is nine\n")
    headstart.fit(
        str(path), task="response-selection", strategy="untouched", controls=False, backbone=str(backbone), output=run,
        threads=1,
    )  # fmt: skip
    scored = headstart.run({"verb": "evaluate", "model": run, "test": str(path)})["scores"]
    assert [*scored] == ["recall_at_1_of_10", "mrr_of_10", "recall_at_10"]
    elsewhere = headstart.run({"verb": "evaluate", "model": run, "test": str(path), "corpus": str(replies)})
    assert elsewhere["scores"] == scored, "a part is judged on its own replies"
    given = {"verb": "predict", "model": run, "corpus": str(replies), "best": 2}
    said = headstart.run(given | {"texts": ["where is nine", ""]})["predictions"]
    assert {reply["text"] for reply in said[0]["replies"]} == {"the shop is here", "it is nine"}
    assert said[1] == {"replies": None, "truncated": False}
    found = headstart.run(given | {"input": str(path)})
    assert (found["rows"], len(found["predictions"])) == (60, 60)
