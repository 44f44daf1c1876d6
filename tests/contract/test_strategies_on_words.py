"""What every strategy that serves tasks on words promises there, shown on toy sentences with a tiny backbone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.folders import tensors

from headstart.artifact import load
from headstart.data.table import Table
from headstart.predictors.base import HEAD_FILE
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.recipe import MEMORY
from headstart.runs.comparison import RunResult, compare
from headstart.runtime.progress import SILENT
from headstart.strategies import STRATEGIES
from headstart.strategies.base import MOST_EPOCHS
from headstart.tasks import TASKS

TASK = TASKS.get("token-classification")
SERVING = [
    name for name in STRATEGIES.names() if not STRATEGIES.get(name)().refuses(TASK()) and name != "domain-adaptation"
]
CHAINED = ["feature-extraction with a chain", "fine-tuning with a chain"]
"""Strategies once more, with the task's `crf`: one that solves its head, one that trains it."""
every_strategy = pytest.mark.parametrize("name", [*SERVING, *CHAINED])
ALL_CHAINED = [*CHAINED, "lora with a chain", "from-scratch with a chain"]
every_chain_too = pytest.mark.parametrize("name", [*SERVING, *ALL_CHAINED])
BRIEF: dict[str, dict[str, Any]] = {"from-scratch": {"rates": (1e-3,)}}
TEXTS = ["the parcel arrives on monday night at nine, you say", "nine", "good day " * 40]
Run = Callable[..., RunResult]


def toy_words(copies: int = 5) -> Table:
    """The toy sentences, each again with another ending, so that no two are equal."""
    endings = [[], ["now"], ["indeed"], ["and", "yours"], ["to", "you"]]
    rows = [
        ([*each.input.words, *endings[at]], [*each.label, *["O"] * len(endings[at])])
        for at in range(copies)
        for each in TASK.toy_examples()
    ]
    columns = {"tokens": [json.dumps(words) for words, _ in rows], "tags": [json.dumps(tags) for _, tags in rows]}
    return Table(MEMORY, columns, list(range(1, len(rows) + 1)))


@pytest.fixture(scope="module")
def run(wide_backbone: Path) -> Run:
    ran: dict[str, RunResult] = {}

    def run(name: str, *, resolved: dict[str, Any] | None = None, **more: Any) -> RunResult:
        key = f"{name} {more}"
        name, _, chained = name.partition(" with ")
        more |= {"crf": True} if chained else {}
        if resolved is None and key in ran:
            return ran[key]
        given: dict[str, Any] = {
            "train": MEMORY, "backbone": str(wide_backbone), "controls": False, "threads": 1, "batch_size": 8, "epochs": 2,
            "validation_share": 0.25, "folds": 0, "task": "token-classification", "strategy": {"name": name} | BRIEF.get(name, {}),
        }  # fmt: skip
        recipe = from_mapping(resolved, "recipe.yaml") if resolved else assemble("fit", given | more)
        found = compare(recipe, SILENT, toy_words())
        assert found is not None
        if resolved is None:
            ran[key] = found
        return found

    return run


@every_chain_too
def test_it_comes_back_done_with_an_output_for_every_word(name: str, run: Run) -> None:
    compared = run(name)
    alone = name.partition(" with ")[0]
    assert [(entry.strategy.name, entry.status, entry.note) for entry in compared.entries] == [(alone, "done", "")]
    candidate = compared.chosen.finished
    scores = compared.artifact.evidence["leaderboard"][0]["scores"]["validation"]
    assert candidate.validation_logits.ndim == 2
    assert candidate.validation_logits.shape[1] == 5
    assert scores["f1"]["n"] * 2 < len(candidate.validation_logits)
    assert np.isfinite(candidate.validation_logits).all()
    unset = [key for key in type(candidate.strategy).model_fields if getattr(candidate.strategy, key) is None]
    assert unset == {"lora": ["targets"]}.get(alone, [])


@every_strategy
def test_by_cross_validation_every_training_word_was_held_out_and_the_recipe_gives_the_same_weights(
    name: str, run: Run, tmp_path: Path
) -> None:
    first = run(name, folds=3)
    words = sum(len(json.loads(row)) for row in toy_words().columns["tokens"])
    assert first.chosen.finished.validation_logits.shape == (words, 5)
    assert (np.ptp(first.chosen.finished.validation_logits, axis=1) > 0).all()
    second = run(name, resolved=first.artifact.recipe)
    first.artifact.save(tmp_path / "first")
    second.artifact.save(tmp_path / "second")
    before, after = tensors(tmp_path / "first"), tensors(tmp_path / "second")
    assert [key for key in before if not np.array_equal(before[key], after[key])] == []
    assert second.artifact.recipe == first.artifact.recipe


@every_chain_too
def test_saved_and_loaded_it_tags_the_same_and_texts_alone_as_together(name: str, run: Run, tmp_path: Path) -> None:
    artifact = run(name).artifact
    again = load(artifact.save(tmp_path / "saved"))
    assert again.labels == artifact.labels == ("O", "B-DAY", "I-DAY", "B-TIME", "I-TIME")
    together = artifact.predict(TEXTS)
    for text, one, other in zip(TEXTS, together, again.predict(TEXTS), strict=True):
        [alone] = again.predict([text])
        assert one.tags == other.tags == alone.tags
        assert [each.score for each in one.entities] == pytest.approx([each.score for each in alone.entities], abs=1e-4)
    assert len(together[2].tags) == 80  # more than the 48 tokens that are read at once
    assert again.task == artifact.task
    stored = load_file(tmp_path / "saved" / HEAD_FILE) if name != "crf" else {}
    assert ("transitions" in stored) == (name in ALL_CHAINED)
    least = 0.01 if name.startswith("from-scratch") else 0.1  # a solved head's, or what a few updates moved
    assert (np.abs(stored.get("transitions", 0)).max() > least) == (name in ALL_CHAINED)


@pytest.mark.parametrize("name", ["crf", "fine-tuning", "feature-extraction", *CHAINED])
def test_words_that_tell_their_tags_are_found(name: str, run: Run) -> None:
    found = run(name, epochs=12, learning_rate=3e-3) if name.startswith("fine-tuning") else run(name)
    scores = found.artifact.evidence["leaderboard"][0]["scores"]["validation"]
    assert scores["f1"]["value"] > 0.8
    said = found.artifact.predict(["the shop opens on monday at nine"])[0]
    assert [(each.type, each.text) for each in said.entities] == [("DAY", "monday"), ("TIME", "nine")]


def test_domain_adaptation_goes_on_to_a_strategy_on_words(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "raw.txt"
    path.write_text("\n".join(f"the parcel arrives on monday at nine and {word} is good" for word in "abcdefghij" * 20))
    more = {"strategy": {"domain-adaptation": {"texts": str(path), "text_updates": 4, "then": "feature-extraction"}}}
    [entry] = run("domain-adaptation", **more).entries
    assert (entry.status, entry.note) == ("done", "")


def test_left_to_itself_it_runs_what_serves_words_and_the_chain_as_control(wide_backbone: Path) -> None:
    options = {"train": MEMORY, "task": "token-classification", "backbone": str(wide_backbone)}
    assert [strategy.name for strategy in assemble("fit", options).planned()] == [
        "crf", "feature-extraction", "fine-tuning", "from-scratch", "lora",
    ]  # fmt: skip
    assert [strategy.name for strategy in assemble("compare", options).planned()] == [
        "crf", "feature-extraction", "fine-tuning", "from-scratch",
    ]  # fmt: skip


def test_transitions_move_in_training(run: Run) -> None:
    name = "fine-tuning with a chain"
    still, moved = (
        run(name, epochs=epochs, learning_rate=rate).chosen.finished.predictor.head.chain.transitions.detach()
        for epochs, rate in ((2, 1e-9), (12, 3e-3))
    )
    assert 1e-3 < float((moved - still).abs().max()) < 1


def test_a_small_file_of_sentences_is_read_more_often(run: Run) -> None:
    """Twelve sentences would take more epochs than there may be to come to all the updates."""
    settled = run("fine-tuning", epochs=None).chosen.finished
    assert (settled.training.epochs, len(settled.curve)) == (MOST_EPOCHS, 1 + MOST_EPOCHS)
    assert run("fine-tuning").chosen.finished.training.epochs == 2
    assert len(run("fine-tuning", epochs=None, patience=1, learning_rate=1e-9).chosen.finished.curve) <= MOST_EPOCHS
