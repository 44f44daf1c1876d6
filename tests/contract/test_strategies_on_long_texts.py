"""What every strategy promises of texts that are read in windows, shown on toy rows and a backbone that reads eight tokens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contract.test_strategies import BRIEF, SERVING, tensors

from headstart.artifact import load
from headstart.backbones.encoder import TextEncoder

Run = Callable[..., Any]
LONG = {"task": {"name": "text-classification", "long": "window"}, "max_length": 8}
TEXTS = ["good", "the parcel is on its way to you now and it is a very good day", "it is", "bad start , bad end " * 12]
every_strategy = pytest.mark.parametrize("name", SERVING)


def told(name: str, **more: Any) -> dict[str, Any]:
    return LONG | {"strategy": {"name": name} | BRIEF.get(name, {}) | more}


@every_strategy
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


@pytest.mark.parametrize("name", ["contrastive", "feature-extraction", "fine-tuning", "from-scratch", "lora"])
def test_the_resolved_recipe_gives_the_same_weights_again_by_cross_validation_too(
    name: str, run_toy: Run, tmp_path: Path
) -> None:
    first = run_toy(told(name) | {"folds": None})
    assert first.chosen.finished.validation_logits.shape == (60, 3)
    assert first.artifact.recipe["task"]["long"] == "window"
    second = run_toy(resolved=first.artifact.recipe)
    first.artifact.save(tmp_path / "first")
    second.artifact.save(tmp_path / "second")
    before, after = tensors(tmp_path / "first"), tensors(tmp_path / "second")
    assert [key for key in before if not np.array_equal(before[key], after[key])] == []


@pytest.mark.parametrize("name", ["contrastive", "feature-extraction", "fine-tuning", "lora"])
def test_where_no_text_is_long_windows_change_no_bit(name: str, run_toy: Run, tmp_path: Path) -> None:
    strategy = {"strategy": {"name": name}}
    run_toy(strategy).artifact.save(tmp_path / "cut")
    run_toy(strategy | {"task": LONG["task"]}).artifact.save(tmp_path / "windows")
    cut, windows = tensors(tmp_path / "cut"), tensors(tmp_path / "windows")
    assert [key for key in cut if not np.array_equal(cut[key], windows[key])] == []


def test_states_below_frozen_layers_are_looked_up_window_by_window(
    run_toy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = told("fine-tuning", layers=1, head="mean") | {"epochs": 3}
    kept = run_toy(options).chosen.finished.validation_logits
    monkeypatch.setattr("headstart.strategies.training_run.shortcuts", lambda context, backbone: None)
    np.testing.assert_allclose(run_toy(options | {"seed": 0}).chosen.finished.validation_logits, kept, atol=1e-3)


def test_no_pass_has_more_tokens_than_a_batch_however_long_a_text_is(
    run_toy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = run_toy(told("fine-tuning")).artifact
    seen: list[int] = []
    run = TextEncoder._called

    def called(self: TextEncoder, ids: Any, mask: Any, **more: Any) -> Any:
        seen.append(ids.numel())
        return run(self, ids, mask, **more)

    monkeypatch.setattr(TextEncoder, "_called", called)
    artifact.predict(["good bad " * 20_000])
    assert sum(seen) > 40_000
    assert max(seen) <= 4096
