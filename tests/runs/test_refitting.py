"""Once all is chosen the kept model learns from the validation rows too, and is the one that is saved and scored."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.folders import whichever

import headstart
from headstart.data.outputs import Logits
from headstart.data.table import Table
from headstart.errors import DivergedError
from headstart.loading import load
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs import refitting
from headstart.runs.comparison import compare, set_up
from headstart.runs.run import run
from headstart.runtime.deadline import OutOfTime
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Candidate, Context
from headstart.strategies.feature_extraction import FeatureExtraction
from headstart.strategies.fine_tuning import FineTuning
from headstart.strategies.tf_idf import TfIdf
from headstart.training.settings import Training

COUNT = 240


def table(count: int = COUNT) -> Table:
    words = ["parcel", "shop", "day", "night", "way"]
    texts = [f"the {words[at % 5]} at {at} is {('good', 'bad')[at % 2] if at % 3 else 'so'}" for at in range(count)]
    return Table(
        MEMORY, {"text": texts, "label": [("up", "down")[at % 2] for at in range(count)]}, [*range(1, count + 1)]
    )


def written(path: Path, some: slice = slice(None)) -> Path:
    """Some rows of the table as a CSV file."""
    columns = table().columns
    lines = [f"{text},{label}" for text, label in zip(columns["text"][some], columns["label"][some], strict=True)]
    path.write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return written(tmp_path / "train.csv")


def go(**options: Any) -> Any:
    given = {"train": MEMORY, "strategy": "tf-idf", "threads": 1, "controls": False, "budget": "none"}
    return compare(assemble("fit", given | options), SILENT, table())


def contexts(
    monkeypatch: pytest.MonkeyPatch, cls: type, change: Callable[[Context], None] = lambda _: None
) -> list[Context]:
    """What a strategy is given each time that it is fitted."""
    found: list[Context] = []
    fit: Any = cls.fit

    def watched(self: Any, context: Context) -> Candidate:
        found.append(context)
        change(context)
        return fit(self, context)

    monkeypatch.setattr(cls, "fit", watched)
    return found


def test_the_kept_model_learns_from_all_rows_with_all_that_it_chose(
    monkeypatch: pytest.MonkeyPatch, tiny_backbone: Path
) -> None:
    seen = contexts(monkeypatch, FineTuning)
    found = go(strategy="fine-tuning", backbone=str(tiny_backbone), epochs=3, learning_rate=1e-3)
    first, again = seen
    evidence, parts = found.artifact.evidence, found.artifact.evidence["data"]["splits"]
    rows = parts["train"]["rows"] + parts["validation"]["rows"]
    assert rows + parts["test"]["rows"] == COUNT
    assert len(again.train) == rows == evidence["refit"]["rows"]
    texts = {*first.train.texts} | {*first.validation.texts}
    assert {*again.train.texts} == texts
    assert again.last_epoch == found.chosen.finished.epoch is not None and first.last_epoch is None
    assert again.training.epochs == 3 and again.training.learning_rate == 1e-3
    assert found.artifact.predictor is not found.chosen.finished.predictor
    assert found.artifact.recipe["refit"] is True


@pytest.mark.parametrize("epoch", [0, 1])
def test_training_ends_after_the_epoch_that_validation_chose(
    epoch: int, monkeypatch: pytest.MonkeyPatch, tiny_backbone: Path
) -> None:
    seen = contexts(monkeypatch, FineTuning)
    found = go(strategy="fine-tuning", backbone=str(tiny_backbone), epochs=2, head="mean")
    *_, again = seen
    fitted = FineTuning(head="mean").fit(replace(again, last_epoch=epoch))
    weights = fitted.predictor.model.backbone.network.state_dict()  # type: ignore[attr-defined]
    before = again.backbone().network.state_dict()
    moved = any(not np.array_equal(weights[name].numpy(), before[name].numpy()) for name in before)
    assert moved is bool(epoch)
    assert found.chosen.finished.epoch in (0, 1, 2)


def test_features_that_the_run_has_are_not_read_again(monkeypatch: pytest.MonkeyPatch, tiny_backbone: Path) -> None:
    from headstart.strategies import probing

    seen = contexts(monkeypatch, FeatureExtraction)
    go(strategy="feature-extraction", backbone=str(tiny_backbone))
    first, again = seen
    assert again.shared.features is None, "states came from those of the two parts"
    learnt, held = probing.features(again, again.backbone())
    apart = probing.features(first, first.backbone())
    assert np.array_equal(learnt, np.concatenate(apart)) and np.array_equal(held, apart[1])


def test_decisions_stay_those_of_rows_that_were_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = go(metric="macro_f1")
    entry = found.chosen
    assert [each.name for each in entry.fitted] == [
        "temperature",
        "thresholds",
        "abstention",
        "prediction_sets",
        "out_of_scope",
    ]
    assert found.artifact.decisions == entry.decisions
    factor = entry.fitted[0].factor
    alone = TfIdf(C=entry.finished.strategy.C).fit(contexts_of(found))
    bias = alone.predictor.bias * factor  # type: ignore[attr-defined]
    assert np.allclose(found.artifact.predictor.bias, bias)


def contexts_of(found: Any) -> Context:
    """A run on all the rows that the model of another one learnt from."""
    recipe = assemble("fit", {"train": MEMORY, "strategy": "tf-idf", "threads": 1, "controls": False})
    plan = set_up(recipe, SILENT, table(), 0.0)
    return refitting._joined(found.chosen, plan, Training(), None)


def test_scores_are_those_of_the_model_that_is_saved_and_the_table_compares_like_with_like(tmp_path: Path) -> None:
    path, test = written(tmp_path / "rows.csv", slice(0, 180)), written(tmp_path / "test.csv", slice(180, COUNT))
    options = {"train": str(path), "test": str(test), "strategies": "tf-idf", "threads": 1, "controls": False}
    done = run(assemble("compare", options | {"output": str(tmp_path / "m")}))
    again = headstart.evaluate(tmp_path / "m", test)
    score = done.result["scores"]["test"]
    assert score["log_loss"]["value"] == pytest.approx(again["scores"]["log_loss"]["value"], abs=1e-6)
    assert done.result["refit"]["rows"] == 180
    (row,) = done.result["leaderboard"]
    assert row["scores"]["test"]["log_loss"]["value"] != score["log_loss"]["value"]
    assert done.result["scores"]["validation"] == row["scores"]["validation"]
    said = [
        each
        for each in done.result["verdict"]
        if each.startswith("The saved model is tf-idf after learning from all 180")
    ]
    assert said and f"{score['accuracy']['value']:.3f}" in said[0]
    card = (tmp_path / "m" / "README.md").read_text(encoding="utf-8")
    assert f"value: {round(score['log_loss']['value'], 6)}" in card or f"{score['log_loss']['value']:.3f}" in card, (
        "what the hub shows is the saved model's"
    )
    assert said[0][:40] in card
    off = run(assemble("compare", options | {"refit": False})).result
    assert off["refit"] is None and off["scores"] == off["leaderboard"][0]["scores"]
    assert off["leaderboard"][0]["scores"] == row["scores"]


def test_resolved_recipes_come_to_the_same_bits_with_it_and_without(
    tmp_path: Path, train: Path, tiny_backbone: Path
) -> None:
    options = {"strategy": "fine-tuning", "backbone": str(tiny_backbone), "controls": False, "threads": 1, "epochs": 2}
    kept = {}
    for name, refit in (("with", None), ("without", False)):
        headstart.fit(train, output=str(tmp_path / name), refit=refit, **options)
        resolved = yaml.safe_load((tmp_path / name / "recipe.yaml").read_text(encoding="utf-8"))
        headstart.run(resolved | {"output": str(tmp_path / f"{name}-again")})
        one, other = (whichever(tmp_path / each, "model.safetensors").read_bytes() for each in (name, f"{name}-again"))
        assert one == other
        kept[name] = one
    assert kept["with"] != kept["without"]


def test_a_file_for_validation_is_learnt_from_only_where_that_is_asked_for(tmp_path: Path) -> None:
    parts = {"train": slice(0, 120), "validation": slice(120, 180), "test": slice(180, COUNT)}
    options = {name: str(written(tmp_path / f"{name}.csv", some)) for name, some in parts.items()}
    options |= {"strategy": "tf-idf", "controls": False, "threads": 1}
    assert run(assemble("fit", options)).result["refit"] is None
    assert run(assemble("fit", options | {"refit": True})).result["refit"]["rows"] == 180


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DivergedError("no number at rate 9"), "no number at rate 9"),
        (np.linalg.LinAlgError("singular"), "singular"),
        (OutOfTime(), "its time was over"),
    ],
)
def test_where_it_comes_to_nothing_the_model_before_is_saved(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def second(context: Context) -> None:
        if context.last_epoch is not None or context.shared.joined is not None:
            raise error

    contexts(monkeypatch, TfIdf, second)
    found = go()
    assert found.artifact.predictor is found.chosen.finished.predictor
    assert said in found.artifact.evidence["refit"]["note"]
    assert found.artifact.recipe["refit"] is False
    assert any(
        each.startswith("The saved model did not learn from the validation rows: ")
        for each in found.artifact.evidence["verdict"]
    )


def test_stopped_on_the_way_the_model_before_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    def second(context: Context) -> None:
        if context.shared.joined is not None:
            raise KeyboardInterrupt

    contexts(monkeypatch, TfIdf, second)
    found = go()
    assert found.interrupted and found.artifact.predictor is found.chosen.finished.predictor
    assert found.chosen.scores["test"], "what is kept is scored all the same"


def test_it_goes_on_to_the_same_bits_after_a_stop(
    tmp_path: Path, train: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"strategy": "fine-tuning", "backbone": str(tiny_backbone), "controls": False, "threads": 1, "epochs": 2}
    options |= {"head": "mean", "checkpoint_every": "0s", "train": str(train)}
    whole = run(assemble("fit", options | {"output": str(tmp_path / "whole")}))
    monkeypatch.setattr("headstart.runs.workspace.LEAST_SECONDS", 0.0)
    stop = [True]

    def second(context: Context) -> None:
        if context.shared.joined is not None and stop.pop():
            raise KeyboardInterrupt

    stop = [False, True]
    contexts(monkeypatch, FineTuning, second)
    broken = run(assemble("fit", options | {"output": str(tmp_path / "broken")}))
    assert broken.interrupted and broken.result["refit"]["note"] == "interrupted"
    headstart.resume(tmp_path / "broken")
    one, other = (whichever(tmp_path / each, "model.safetensors").read_bytes() for each in ("whole", "broken"))
    assert one == other
    refit = [
        json.loads(whichever(tmp_path / each, "evidence.json").read_text())["refit"]["scores"]
        for each in ("whole", "broken")
    ]
    assert refit[0] == refit[1] and whole.result["refit"]["scores"] == refit[0]


@pytest.mark.parametrize(
    ("left", "refit", "done"),
    [(10_000.0, None, True), (5.5, None, False), (5.5, True, False)],
    ids=["time", "none", "asked"],
)
def test_a_budget_has_to_have_the_time_for_it(
    left: float, refit: bool | None, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refitting, "_seconds", lambda chosen, plan: plan.end.left - left + 60 if left < 100 else 1.0)
    found = go(budget="1h", refit=refit).artifact.evidence["refit"]
    assert ("rows" in found) is done
    if not done:
        assert "left" in found["note"]


def test_many_rows_are_left_as_they_are_unless_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tiny_backbone: Path
) -> None:
    monkeypatch.setattr(refitting, "MOST_ROWS", 50)
    options = {"backbone": str(tiny_backbone), "epochs": 1, "head": "mean"}
    found = go(strategy="fine-tuning", **options).artifact.evidence["refit"]
    assert "more than 50 training rows" in found["note"]
    assert "rows" in go(strategy="fine-tuning", refit=True, **options).artifact.evidence["refit"]
    assert "rows" in go().artifact.evidence["refit"], "what trains no network is soon done"


def test_under_cross_validation_there_is_nothing_left_to_learn_from() -> None:
    found = go(folds=3, refit=True)
    assert found.artifact.evidence["refit"] is None
    assert found.artifact.predictor is found.chosen.finished.predictor


def test_the_model_is_loaded_as_it_was_saved(tmp_path: Path, train: Path) -> None:
    found = headstart.fit(train, strategy="tf-idf", controls=False, threads=1, output=str(tmp_path / "m"))
    texts = list(table().columns["text"][:5])
    assert [each.score for each in load(tmp_path / "m").predict(texts)] == [each.score for each in found.predict(texts)]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda outputs: Logits.of(outputs.values * np.nan), "its outputs were not finite"),
        (lambda outputs: Logits.of(-outputs.values), "worse on those of validation, which it had learnt from"),
    ],
)
def test_a_model_that_went_wrong_on_all_rows_is_not_saved(
    spoil: Callable[[Any], Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = TfIdf.fit

    def spoilt(self: Any, context: Context) -> Candidate:
        found = fit(self, context)
        return found if context.shared.joined is None else replace(found, validation=spoil(found.validation))

    monkeypatch.setattr(TfIdf, "fit", spoilt)
    found = go()
    assert found.artifact.predictor is found.chosen.finished.predictor
    assert said in found.artifact.evidence["refit"]["note"]


def test_what_is_kept_is_scored_as_it_was_compared_and_as_it_is_saved_however_long_that_takes(
    monkeypatch: pytest.MonkeyPatch, tiny_backbone: Path
) -> None:
    monkeypatch.setattr("headstart.runs.planning.Estimates.testing", 60.0)
    options = {"strategy": "auto", "backbone": str(tiny_backbone), "epochs": 1, "controls": True, "most_rows": 200}
    found = go(**options)
    evidence = found.artifact.evidence
    chosen = next(row for row in evidence["leaderboard"] if row["chosen"])
    assert chosen["scores"]["test"] and evidence["refit"]["scores"]["test"]
    assert evidence["confusion"]["split"] == "test"


def test_the_head_begins_as_strong_as_it_was_chosen_where_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, tiny_backbone: Path
) -> None:
    from headstart.strategies import trained_heads

    asked: list[int] = []
    usual = trained_heads.strength_by_folds

    def watched(context: Context, *args: Any, **options: Any) -> float:
        asked.append(len(context.train))
        return usual(context, *args, **options)

    monkeypatch.setattr(trained_heads, "strength_by_folds", watched)
    seen = contexts(monkeypatch, FineTuning)
    go(strategy="fine-tuning", backbone=str(tiny_backbone), epochs=1, head="mean")
    first, again = seen
    first.shared.strengths.clear()  # as after an interruption
    FineTuning(head="mean").fit(again)
    assert {*asked} == {len(first.train)}, "it is found on the training rows, whatever the run remembers"


def test_a_text_of_a_validation_file_that_is_learnt_from_and_tested_is_said(tmp_path: Path) -> None:
    parts = {"train": slice(0, 120), "validation": slice(120, 190), "test": slice(180, COUNT)}
    options = {name: str(written(tmp_path / f"{name}.csv", some)) for name, some in parts.items()}
    options |= {"strategy": "tf-idf", "controls": False, "threads": 1}
    said = [
        compare(assemble("fit", options | {"refit": refit}), SILENT).artifact.evidence["data"]["warnings"]  # type: ignore[union-attr]
        for refit in (True, None)
    ]
    leaks = [[each for each in found if "also a validation row" in each] for found in said]
    assert len(leaks[0]) == 1 and leaks[0][0].startswith("10 test rows") and not leaks[1]


def test_a_sample_that_holds_all_rows_is_no_sample(tiny_backbone: Path) -> None:
    options = {"strategy": "fine-tuning", "backbone": str(tiny_backbone), "epochs": 1, "head": "mean"}
    assert "rows" in go(sample=1000, **options).artifact.evidence["refit"]
    assert "sample" in go(sample=50, **options).artifact.evidence["refit"]["note"]
