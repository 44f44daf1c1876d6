"""Decoders that write a text for a text by instruction: what is learnt, what is kept with the model, what the card writes."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.toys.decoders import make_decoder

from headstart.data.dialogues import Turn
from headstart.data.examples import Example
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import HeadstartError
from headstart.loading import load
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import RunResult, compare
from headstart.runtime.progress import SILENT
from headstart.strategies.instructing import as_dialogues, usual_instruction
from headstart.tasks.dialogue import read_back
from headstart.tasks.summarization import Summarization
from headstart.tasks.translation import Translation

OPPOSITES = {"good": "bad", "day": "night", "yes": "no", "cat": "mat"}
PAIRS = {f"{one} {other}": OPPOSITES[one] for one in OPPOSITES for other in OPPOSITES if one != other}
"""The opposite of the first of two words."""
UNTRAINED: dict[str, object] = {"epochs": None, "batch_size": None, "learning_rate": None}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RunResult]:
    backbone = make_decoder(tmp_path_factory.mktemp("decoder") / "llama")
    rows = [*PAIRS.items()] * 2
    table = Table(MEMORY, {"en": [one for one, _ in rows], "de": [other for _, other in rows]}, list(range(1, 25)))

    @cache
    def run(*strategies: str, **options: object) -> RunResult:
        given = {
            "train": MEMORY, "backbone": str(backbone), "threads": 1, "task": "translation", "source_language": "en",
            "target_language": "de", "validation_share": 0.25, "controls": False, "folds": 0, "strategies": strategies, "seed": 5,
            "refit": False, "epochs": 20, "batch_size": 4, "learning_rate": 5e-3, "max_new_tokens": 6, "beams": 1,
        }  # fmt: skip
        found = compare(assemble("fit", given | options), SILENT, table)
        assert found is not None
        return found

    return run


def test_what_the_user_says_is_an_instruction_and_the_text_in_the_languages_of_the_task() -> None:
    task = Translation(source_language="en", target_language="de")
    assert usual_instruction(task) == "Translate this text from English to German: "
    assert usual_instruction(Translation(target_language="deu_Latn")) == "Translate this text to German: "
    assert usual_instruction(Summarization()) == "Summarize this text: "
    rows = Store([Example("a cat", ("eine Katze", "Katze"))], [3], "pairs.csv")
    (found,) = as_dialogues(rows, "Say: ").examples
    assert read_back(found.text) == (Turn("user", "Say: a cat"), Turn("assistant", "eine Katze"))


def test_pairs_are_learnt_by_heart_and_written_by_what_is_saved(
    ran: Callable[..., RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {row["label"]: row for row in ran("untouched", "fine-tuning", "lora").artifact.evidence["leaderboard"]}
    losses = {name: [epoch["validation_loss"] for epoch in rows[name]["curve"]] for name in ("fine-tuning", "lora")}
    assert min(losses["fine-tuning"]) < losses["fine-tuning"][0] - 5
    assert min(losses["lora"]) < losses["lora"][0] - 1
    scores = {name: row["scores"]["validation"]["chrf"]["value"] for name, row in rows.items()}
    assert scores["fine-tuning"] > scores["untouched"]
    artifact = ran("fine-tuning").artifact
    said = [each.text for each in artifact.predict([*PAIRS])]
    artifact.save(tmp_path / "run")
    again = load(tmp_path / "run")
    assert again.predictor.instruction == "Translate this text from English to German: "  # type: ignore[attr-defined]
    assert [each.text for each in again.predict([*PAIRS])] == said
    monkeypatch.chdir(tmp_path / "run")
    exec(compile(again.predictor.usage().replace('"a text"', repr(next(iter(PAIRS)))), "card", "exec"), {})
    assert capsys.readouterr().out == said[0] + "\n"


def test_the_control_has_the_network_with_random_weights_and_the_same_instruction(
    ran: Callable[..., RunResult],
) -> None:
    entries = {entry.strategy.name: entry.finished for entry in ran("fine-tuning", "from-scratch").entries}
    tuned, cold = entries["fine-tuning"], entries["from-scratch"]
    assert cold.description.startswith("random weights")
    assert cold.predictor.instruction == tuned.predictor.instruction
    losses = [epoch["validation_loss"] for epoch in cold.curve]
    assert min(losses) < losses[0] - 1
    first = tuned.curve[0]["validation_loss"]
    assert abs(losses[0] - first) > 0.1, "not the weights of the folder"


def test_another_instruction_may_be_given_and_folds_hold_texts_out(ran: Callable[..., RunResult]) -> None:
    found = ran("fine-tuning", **{"strategies.0.prefix": "Not: ", "folds": 2, "validation_share": None, "epochs": 1})
    assert found.artifact.predictor.instruction == "Not: "  # type: ignore[attr-defined]
    (row,) = found.artifact.evidence["leaderboard"]
    assert row["scores"]["validation"]["chrf"]["n"] == 24


@pytest.mark.parametrize("shots", [0, 2])
def test_prompting_writes_what_generate_does_behind_examples_as_turns(
    ran: Callable[..., RunResult], shots: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    artifact = ran("prompting", **UNTRAINED, **{"strategies.0.shots": shots, "strategies.0.instruction": "N:"}).artifact
    predictor: Any = artifact.predictor
    assert [PAIRS[read] for read, _ in predictor.shots] == [written for _, written in predictor.shots]
    assert len(predictor.shots) == shots
    said = [each.text for each in artifact.predict([*PAIRS])]
    artifact.save(tmp_path / "run")
    again = load(tmp_path / "run")
    assert [each.text for each in again.predict([*PAIRS])] == said
    monkeypatch.chdir(tmp_path / "run")
    exec(compile(again.predictor.usage().replace('"a text"', repr(next(iter(PAIRS)))), "card", "exec"), {})
    assert capsys.readouterr().out == said[0] + "\n"
    asked = predictor._asked("x")
    assert asked[-1] == Turn("user", "N:x")
    assert [turn.role for turn in asked] == ["user", "assistant"] * shots + ["user"]


def test_under_folds_no_text_is_among_its_own_examples_and_options_about_words_are_refused(
    ran: Callable[..., RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.predictors.causal import CausalPredictor

    seen = []
    inner = CausalPredictor.outputs

    def watched(self: Any, inputs: Any, **options: Any) -> Any:
        seen.append(({read for read, _ in self.shots}, {*map(str, inputs)}))
        return inner(self, inputs, **options)

    monkeypatch.setattr(CausalPredictor, "outputs", watched)
    ran("prompting", **UNTRAINED, **{"strategies.0.shots": 2, "folds": 3, "validation_share": None})
    assert len(seen) >= 3
    assert all(len(shown) == 2 and not shown & asked for shown, asked in seen[:3])
    for key, value, said in (
        ("calibration", "batch", "no words are scored; leave out calibration"),
        ("shot_selection", "nearest", "examples are the same for all texts"),
    ):
        with pytest.raises(HeadstartError, match=said):
            ran("prompting", **UNTRAINED, **{f"strategies.0.{key}": value})
