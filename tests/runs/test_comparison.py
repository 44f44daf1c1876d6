"""Many strategies on the same rows: the plan, the choice, what an interruption leaves, what is published."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from headstart import strategies
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DivergedError, Interrupted
from headstart.loading import load
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.sources import MEMORY, TRAIN, VALIDATION
from headstart.runs.choosing import choose as chosen_of
from headstart.runs.comparison import compare, publish
from headstart.runs.execution import score_all, to_test
from headstart.runs.experiment import Entry
from headstart.runs.parts import Parts
from headstart.runs.run import run
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Candidate, Context
from headstart.strategies.tf_idf import TfIdf
from headstart.tasks.text_classification import Example, TextClassification
from headstart.training.settings import Training

TASK = TextClassification(text=("text",), label="label", labels=("up", "down"), metric="accuracy")


def table(count: int = 240) -> Table:
    words = ["parcel", "shop", "day", "night", "way"]
    texts = [f"the {words[at % 5]} number {at} is {('good', 'bad')[at % 2]}" for at in range(count)]
    labels = [("up", "down")[at % 2] for at in range(count)]
    return Table(MEMORY, {"text": texts, "label": labels}, list(range(1, count + 1)))


class Second(TfIdf):
    """A control of the same kind under another name."""

    name: ClassVar[str] = "from-scratch"
    cost: ClassVar[int] = 9
    needs_backbone: ClassVar[bool] = False


class Stopped(Second):
    def fit(self, context: Context) -> Candidate:
        raise KeyboardInterrupt


class Diverged(Second):
    def fit(self, context: Context) -> Candidate:
        raise DivergedError("no number at rate 9")


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a class in the place of from-scratch, and another in that of tf-idf."""

    def put(cls: type, terms: type = TfIdf) -> None:
        get = strategies.STRATEGIES.get
        monkeypatch.setattr(
            strategies.STRATEGIES, "get", lambda name: {"from-scratch": cls, "tf-idf": terms}.get(name) or get(name)
        )

    return put


def go(**options: Any) -> Any:
    given: Mapping[str, Any] = {"train": MEMORY, "strategy": "tf-idf", "threads": 1}
    return compare(assemble("fit", given | options), SILENT, table())


def test_the_strategy_asked_for_is_kept_whatever_the_controls_reach(second: Any) -> None:
    second(Second)
    found = go(C=1.0)
    assert [entry.strategy.name for entry in found.entries] == ["tf-idf", "from-scratch"]
    assert found.chosen.strategy.name == "tf-idf"
    assert [row["b"] for row in found.artifact.evidence["comparisons"]] == ["from-scratch"]
    assert found.artifact.recipe["controls"] is False
    assert found.artifact.recipe["strategy"] == {"name": "tf-idf", "C": 1.0}


def test_equals_on_validation_go_to_the_cheaper(second: Any) -> None:
    second(Second)
    found = go(strategy=None, strategies=("from-scratch", "tf-idf"), C=1.0)
    assert found.entries[0].rank == found.entries[1].rank
    assert found.chosen.strategy.name == "tf-idf"


def choose(entries: list[Entry], *, crossed: bool, few: bool = False) -> tuple[str, str]:
    count = len(entries[0].finished.validation)
    store = Store([Example("a", ("up", "down")[at % 2]) for at in range(count)], list(range(count)), "rows.csv")
    task = TASK.revised(labels=("up", "down"))
    dealt = np.zeros((1, count), dtype=int)
    parts = Parts(
        task, {TRAIN: store, VALIDATION: store}, "", dealt if crossed else None, inner_folds=dealt if few else None
    )
    recipe = assemble("fit", {"train": MEMORY, "strategies": ("tf-idf", "feature-extraction")})
    found = chosen_of(recipe, entries, entries, parts)
    return found.entry.strategy.name, found.reason


def shown(name: str, right: list[float], for_few: bool = False, role: str = "control") -> Entry:
    """An entry that gave the true labels of some rows these logits over the other one."""
    targets = np.arange(len(right)) % 2
    logits = np.where(targets[:, None] == np.arange(2), np.array(right)[:, None], 0.0)
    strategy = type("Shown", (TfIdf,), {"name": name, "for_few": for_few, "role": role, "__module__": __name__})()
    task = TASK.revised(labels=("up", "down"))
    candidate = Candidate(strategy, Training(), None, Logits.of(logits), "", 1)  # type: ignore[arg-type]
    return Entry(strategy, "done", 1.0, candidate, rank=task.unit_sort_key(logits, targets))


@pytest.mark.parametrize(
    ("others", "crossed", "kept", "reason"),
    [
        # better on average, by less than rows differ
        ([1.0, 2.0, 0.1, 2.0, 1.0, 3.0], True, "made",
         "made for few labels, and no other has a clearly lower log-loss in cross-validation"),
        # better on every row
        ([1.5, 1.4, 1.5, 1.6, 1.5, 1.4], True, "other", "lowest log-loss in cross-validation"),
        ([1.0, 2.0, 0.1, 2.0, 1.0, 3.0], False, "other",
         "highest accuracy on validation, statistically tied with made, and the lowest log-loss of these"),
    ],
)  # fmt: skip
def test_what_was_made_for_few_labels_is_kept_unless_another_is_clearly_better(
    others: list[float], crossed: bool, kept: str, reason: str
) -> None:
    made, other = shown("made", [1.0] * 6, True), shown("other", others)
    assert other.rank[1] > made.rank[1]
    assert choose([made, other], crossed=crossed) == (kept, reason)


@pytest.mark.parametrize(
    ("others", "kept", "reason"),
    [
        ([1.0, 2.0, 0.1, 2.0, 1.0, 3.0], "made",
         "made for few labels, and no other has a clearly lower log-loss on validation of those that are statistically tied"),
        ([1.5, 1.4, 1.5, 1.6, 1.5, 1.4], "other",
         "lowest log-loss on validation of those that are statistically tied"),
    ],
)  # fmt: skip
def test_beside_a_validation_file_few_rows_keep_what_was_made_for_them_too(
    others: list[float], kept: str, reason: str
) -> None:
    assert choose([shown("made", [1.0] * 6, True), shown("other", others)], crossed=False, few=True) == (kept, reason)


def test_what_was_made_for_few_labels_is_not_kept_where_validation_says_that_it_is_worse() -> None:
    made, other = shown("made", [1.0] * 25 + [-1.0] * 15, True), shown("other", [2.0] * 40)
    reason = "highest accuracy on validation, significantly better than all others"
    assert choose([made, other], crossed=False, few=True) == ("other", reason)


@pytest.mark.parametrize(
    ("bold", "kept", "reason"),
    [
        # 31 of 40 right against 30: inside the noise, and its mistakes cost more
        ([2.0] * 31 + [-4.0] * 9, "shy",
         "lowest log-loss on validation of those that are statistically tied with bold, the highest accuracy on validation"),
        # all right: more than noise, and surer
        ([2.0] * 40, "bold", "highest accuracy on validation, significantly better than all others"),
        # all right: more than noise, though hardly sure of any
        ([0.05] * 40, "bold", "highest accuracy on validation, significantly better than all others"),
    ],
)  # fmt: skip
def test_what_is_inside_the_noise_of_the_best_is_ordered_by_log_loss(bold: list[float], kept: str, reason: str) -> None:
    shy = shown("shy", [2.0] * 30 + [-1.0] * 10)
    found = shown("bold", bold)
    assert found.rank[0] > shy.rank[0]
    assert choose([shy, found], crossed=False) == (kept, reason)


def test_where_a_control_is_kept_the_best_transfer_is_scored_on_test_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    control = shown("tf-idf", [3.0] * 6)
    first, second = shown("first", [1.0] * 6, role="transfer"), shown("second", [2.0] * 6, role="transfer")
    ordered = to_test(control, [first, control, second], False)
    assert [entry.strategy.name for entry in ordered] == ["tf-idf", "second", "first"]
    asked = {}

    class Slow:
        context, parts = None, Parts(TASK, {}, "")

        def untested(self, entry: Entry, *, wanted: bool) -> str:
            asked[entry.strategy.name] = wanted
            return "takes too long"

        def tested(self, entry: Entry, seconds: float) -> None:
            pass

    monkeypatch.setattr("headstart.runs.execution.score", lambda *_: None)
    assert not score_all(ordered, Slow())  # type: ignore[arg-type]
    assert asked == {"second": True, "first": True}


def test_a_strategy_that_diverges_is_reported_and_the_run_goes_on(second: Any) -> None:
    second(Diverged)
    found = go()
    assert [entry.status for entry in found.entries] == ["done", "failed"]
    assert any("from-scratch: failed: no number at rate 9" in line for line in found.artifact.evidence["verdict"])


def test_a_run_of_which_nothing_came_is_an_error(second: Any) -> None:
    second(Diverged, Diverged)
    with pytest.raises(DivergedError, match="no number at rate 9"):
        go(controls=False)


def test_an_interruption_keeps_what_is_done_and_tests_the_chosen_alone(second: Any) -> None:
    second(Stopped)
    found = go()
    assert found.interrupted
    assert [(entry.status, entry.note) for entry in found.entries] == [("done", ""), ("stopped", "interrupted")]
    assert "test" in found.chosen.scores


def test_an_interruption_before_anything_is_done_keeps_nothing(second: Any) -> None:
    second(Second, Stopped)
    with pytest.raises(Interrupted, match="stopped before any strategy was done; nothing was kept"):
        go()


def test_the_evidence_is_plain_data_and_adds_up(second: Any) -> None:
    second(Second)
    evidence = json.loads(json.dumps(go().artifact.evidence, allow_nan=False))
    matrix = np.array(evidence["confusion"]["matrix"])
    assert evidence["confusion"]["split"] == "test"
    assert matrix.sum() == evidence["data"]["splits"]["test"]["rows"] == 48
    accuracy = evidence["leaderboard"][0]["scores"]["test"]["accuracy"]["value"]
    assert accuracy == pytest.approx(np.trace(matrix) / 48)
    assert sum(part["rows"] for part in evidence["data"]["splits"].values()) == 240
    assert len(evidence["worst_rows"]) == 48 - np.trace(matrix)
    assert evidence["task"]["labels"] == ["down", "up"]


def test_a_resolved_recipe_holds_decisions_that_were_given_though_the_weights_have_taken_them_up() -> None:
    given = [{"name": "abstention", "least": 0.6}, {"name": "temperature", "factor": 0.5}]
    plain = go(controls=False, C=1.0).artifact
    none = {"name": "thresholds", "values": []}
    assert plain.recipe["decisions"] == [none]
    found = go(controls=False, C=1.0, decisions=given, abstain=0.7).artifact
    # What the flag says goes before; it has a key of its own.
    assert (found.recipe["decisions"], found.recipe["abstain"]) == ([given[1], none], 0.7)
    again = compare(from_mapping(found.recipe, "recipe.yaml"), SILENT, table())
    assert again is not None
    weights: list[Any] = [each.predictor for each in (found, again.artifact, plain)]
    np.testing.assert_array_equal(weights[0].weight, weights[1].weight)
    assert not np.allclose(weights[0].weight, weights[2].weight)
    assert again.artifact.recipe == found.recipe
    assert again.artifact.decisions == found.decisions


def test_rows_of_the_data_stay_out_of_the_evidence_where_asked() -> None:
    assert go(controls=False, rows=False).artifact.evidence["worst_rows"] is None


def test_the_worst_rows_are_the_surest_mistakes_first() -> None:
    mixed = table(100)
    labels = [label if at % 7 else "up" for at, label in enumerate(mixed.columns["label"])]
    noisy = Table(MEMORY, {"text": mixed.columns["text"], "label": labels}, mixed.lines)
    recipe = assemble(
        "fit", {"train": MEMORY, "strategy": "tf-idf", "controls": False, "threads": 1, "test_share": 0.5}
    )
    worst = compare(recipe, SILENT, noisy).artifact.evidence["worst_rows"]
    assert worst
    assert all(row["label"] != row["predicted"] for row in worst)
    scores = [row["score"] for row in worst]
    assert scores == sorted(scores, reverse=True)
    for row in worst:
        at = mixed.lines.index(row["line"])
        assert (row["text"], row["label"]) == (mixed.columns["text"][at], labels[at])


def test_a_published_folder_holds_model_report_and_card(tmp_path: Path) -> None:
    artifact = go(controls=False).artifact
    folder = publish(artifact, tmp_path / "run")
    assert {path.name for path in folder.iterdir()} >= {
        "headstart.json",
        "recipe.yaml",
        "evidence.json",
        "report.html",
        "README.md",
    }
    np.testing.assert_allclose(load(folder).predict_proba(["good"]), artifact.predict_proba(["good"]), atol=1e-6)


def test_a_recipe_of_a_published_folder_runs_again_to_the_same_weights(tiny_csv: Path, tmp_path: Path) -> None:
    options = {"train": str(tiny_csv), "strategy": "tf-idf", "controls": False, "threads": 1}
    run(assemble("fit", options | {"output": str(tmp_path / "one")}))
    from headstart.recipes.parsing import read

    run(read(tmp_path / "one" / "recipe.yaml", {"output": str(tmp_path / "two")}))
    weights = [(tmp_path / name / "linear.safetensors").read_bytes() for name in ("one", "two")]
    assert weights[0] == weights[1]
