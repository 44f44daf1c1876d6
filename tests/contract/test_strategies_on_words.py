"""What every strategy that serves tasks on words promises there, shown on toy sentences with a tiny backbone."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.contract.conftest import toy_words
from tests.contract.pairs import NOT_OPEN, SOLVED, TRAINED, every_pair, told

from headstart.loading import load
from headstart.predictors.base import HEAD_FILE
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import RunResult
from headstart.strategies.fine_tuning import MOST_WORD_EPOCHS

WORDS, CHAIN = "token-classification", "token-classification: chain"
TEXTS = ["the parcel arrives on monday night at nine, you say", "nine", "good day " * 40]
Run = Callable[..., RunResult]


@every_pair(WORDS, CHAIN)
def test_it_comes_back_done_with_an_output_for_every_word(task: str, name: str, run_toy: Run) -> None:
    compared = run_toy(told(task, name))
    assert [(entry.strategy.name, entry.status, entry.note) for entry in compared.entries] == [(name, "done", "")]
    candidate = compared.chosen.finished
    scores = compared.artifact.evidence["leaderboard"][0]["scores"]["validation"]
    assert candidate.validation.values.ndim == 2
    assert candidate.validation.values.shape[1] == 5
    assert scores["f1"]["n"] * 2 < len(candidate.validation.values)
    assert np.isfinite(candidate.validation.values).all()
    unset = [key for key in type(candidate.strategy).model_fields if getattr(candidate.strategy, key) is None]
    assert unset == NOT_OPEN.get(name, [])


@every_pair(WORDS, CHAIN, folds=True)
def test_by_cross_validation_every_training_word_was_held_out(task: str, name: str, run_toy: Run) -> None:
    first = run_toy(told(task, name) | {"folds": None})
    words = sum(len(json.loads(row)) for row in toy_words().columns["tokens"])
    assert first.chosen.finished.validation.values.shape == (words, 5)
    assert (np.ptp(first.chosen.finished.validation.values, axis=1) > 0).all()


@every_pair(WORDS, CHAIN)
def test_saved_and_loaded_it_tags_the_same_and_texts_alone_as_together(
    task: str, name: str, run_toy: Run, tmp_path: Path
) -> None:
    artifact = run_toy(told(task, name)).artifact
    again = load(artifact.save(tmp_path / "saved"))
    assert again.labels == artifact.labels == ("O", "B-DAY", "I-DAY", "B-TIME", "I-TIME")
    together = artifact.predict(TEXTS)
    for text, one, other in zip(TEXTS, together, again.predict(TEXTS), strict=True):
        [alone] = again.predict([text])
        assert one.tags == other.tags == alone.tags
        assert [each.score for each in one.entities] == pytest.approx([each.score for each in alone.entities], abs=1e-4)
    assert len(together[2].tags) == 80  # more than the 48 tokens that are read at once
    assert again.task == artifact.task
    chained = task == CHAIN and name != "crf"
    stored = load_file(tmp_path / "saved" / HEAD_FILE) if name != "crf" else {}
    assert ("transitions" in stored) == (chained)
    least = 0.01 if name == "from-scratch" else 0.1  # a solved head's, or what a few updates moved
    assert (np.abs(stored.get("transitions", 0)).max() > least) == (chained)


@pytest.mark.parametrize(
    ("task", "name"), [(WORDS, "crf"), (WORDS, TRAINED), (WORDS, SOLVED), (CHAIN, TRAINED), (CHAIN, SOLVED)]
)
def test_words_that_tell_their_tags_are_found(task: str, name: str, run_toy: Run) -> None:
    longer = {"epochs": 12, "learning_rate": 3e-3} if name == TRAINED else {}
    found = run_toy(told(task, name) | longer)
    scores = found.artifact.evidence["leaderboard"][0]["scores"]["validation"]
    assert scores["f1"]["value"] > 0.8
    said = found.artifact.predict(["the shop opens on monday at nine"])[0]
    assert [(each.type, each.text) for each in said.entities] == [("DAY", "monday"), ("TIME", "nine")]


def test_domain_adaptation_goes_on_to_a_strategy_on_words(run_toy: Run, tmp_path: Path) -> None:
    path = tmp_path / "raw.txt"
    path.write_text("\n".join(f"the parcel arrives on monday at nine and {word} is good" for word in "abcdefghij" * 20))
    strategy = {"domain-adaptation": {"texts": str(path), "text_updates": 4, "then": "feature-extraction"}}
    [entry] = run_toy({"task": WORDS, "strategy": strategy}).entries
    assert (entry.status, entry.note) == ("done", "")


def test_left_to_itself_it_runs_what_serves_words_and_the_chain_as_control(wide_backbone: Path) -> None:
    options = {"train": MEMORY, "task": "token-classification", "backbone": str(wide_backbone)}
    assert [strategy.name for strategy in assemble("fit", options).planned()] == [
        "crf", "feature-extraction", "fine-tuning", "lora", "from-scratch",
    ]  # fmt: skip
    assert [strategy.name for strategy in assemble("compare", options).planned()] == [
        "crf", "feature-extraction", "fine-tuning", "from-scratch",
    ]  # fmt: skip


def test_transitions_move_in_training(run_toy: Run) -> None:
    options = told(CHAIN, TRAINED)
    still, moved = (
        run_toy(options | more).chosen.finished.predictor.head.chain.transitions.detach()
        for more in ({"learning_rate": 1e-9}, {"epochs": 12, "learning_rate": 3e-3})
    )
    assert 1e-3 < float((moved - still).abs().max()) < 1


def test_a_small_file_of_sentences_is_read_more_often(run_toy: Run) -> None:
    """Twelve sentences would take more epochs than there may be to come to all the updates."""
    options = told(WORDS, TRAINED)
    settled = run_toy(options | {"epochs": None}).chosen.finished
    assert (settled.training.epochs, len(settled.curve)) == (MOST_WORD_EPOCHS, 1 + MOST_WORD_EPOCHS)
    assert run_toy(options).chosen.finished.training.epochs == 2
    still = run_toy(options | {"epochs": None, "patience": 1, "learning_rate": 1e-9}).chosen.finished
    assert len(still.curve) <= MOST_WORD_EPOCHS
