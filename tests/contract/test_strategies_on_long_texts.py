"""What every strategy promises of texts that are read in windows, shown on toy rows and a backbone that reads eight tokens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contract import pairs
from tests.contract.pairs import AXIS, SOLVED, TRAINED, every_strategy, slow_but
from tests.folders import tensors

from headstart.backbones.encoder import TextEncoder
from headstart.loading import load

Run = Callable[..., Any]
WINDOWS = "text-classification: windows"
TEXTS = ["good", "the parcel is on its way to you now and it is a very good day", "it is", "bad start , bad end " * 12]


def told(name: str, **more: Any) -> dict[str, Any]:
    return pairs.told(WINDOWS, name, **more)


@every_strategy(WINDOWS, whole=False)
def test_it_comes_back_done_and_saved_and_loaded_it_says_the_same_of_texts_alone_and_together(
    name: str, run_toy: Run, tmp_path: Path
) -> None:
    compared = run_toy(told(name))
    assert [(entry.strategy.name, entry.status, entry.note) for entry in compared.entries] == [(name, "done", "")]
    artifact = compared.artifact
    again = load(artifact.save(tmp_path / "saved"))
    assert again.task == artifact.task
    together = again.predict_proba(TEXTS)
    np.testing.assert_allclose(artifact.predict_proba(TEXTS), together, atol=1e-5)
    np.testing.assert_allclose([again.predict_proba([text])[0] for text in TEXTS], together, atol=1e-4)
    assert [row.truncated for row in again.predict(TEXTS)] == [False] * 4
    end = [TEXTS[3], TEXTS[3] + "and all of it is good good good"]
    assert np.abs(np.subtract(*again.predict_proba(end))).max() > 1e-6  # the end is read


@every_strategy(WINDOWS, folds=True)
def test_by_cross_validation_every_row_was_held_out(name: str, run_toy: Run) -> None:
    first = run_toy(told(name) | {"folds": None})
    assert first.chosen.finished.validation.values.shape == (60, 3)
    assert first.artifact.recipe["task"]["long"] == "window"


@pytest.mark.parametrize("name", slow_but((SOLVED, TRAINED), (SOLVED, TRAINED, "contrastive", "lora")))
def test_where_no_text_is_long_windows_change_no_bit(name: str, run_toy: Run, tmp_path: Path) -> None:
    cut = pairs.told(AXIS, name)
    run_toy(cut).artifact.save(tmp_path / "cut")
    run_toy(cut | {"task": cut["task"] | {"long": "window"}}).artifact.save(tmp_path / "windows")
    before, after = tensors(tmp_path / "cut"), tensors(tmp_path / "windows")
    assert before.keys() == after.keys()
    assert [key for key in before if not np.array_equal(before[key], after[key])] == []


def test_states_below_frozen_layers_are_looked_up_window_by_window(
    run_toy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = told("fine-tuning", layers=1, head="mean") | {"epochs": 3}
    kept = run_toy(options).chosen.finished.validation.values
    monkeypatch.setattr("headstart.strategies.training_run.shortcuts", lambda context, backbone: None)
    np.testing.assert_allclose(run_toy(options, anew=True).chosen.finished.validation.values, kept, atol=1e-3)


def test_no_pass_has_more_tokens_than_a_batch_however_long_a_text_is(
    run_toy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = run_toy(told("fine-tuning")).artifact
    seen: list[int] = []
    run = TextEncoder._called

    def called(self: TextEncoder, inputs: Any, **more: Any) -> Any:
        seen.append(inputs.ids.numel())
        return run(self, inputs, **more)

    monkeypatch.setattr(TextEncoder, "_called", called)
    artifact.predict(["good bad " * 20_000])
    assert sum(seen) > 40_000
    assert max(seen) <= 4096
