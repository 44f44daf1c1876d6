"""Stepping stones: another task is learnt first, kept only where validation gains, and never with rows of the run's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from headstart.data.table import Table
from headstart.errors import DataError, HeadstartError, MissingInputError, RecipeError
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.sources import MEMORY
from headstart.runs.auxiliary import with_auxiliary
from headstart.runs.comparison import RunResult, compare
from headstart.runs.preparation import prepare
from headstart.runtime.progress import SILENT
from headstart.strategies.intermediate_task import STONE_RATE, _parted

NAME = "encoder.layer.0.attention.self.query.weight"
WORDS = ["shop", "day", "night", "parcel", "way"]
PLAIN = {"name": "feature-extraction", "pooling": "mean", "layers": [2], "label_names": False}


def rows() -> Table:
    texts = [f"{'good' if at % 2 else 'bad'} {WORDS[at % 5]} {at}" for at in range(40)]
    return Table(MEMORY, {"text": texts, "label": [("down", "up")[at % 2] for at in range(40)]}, list(range(1, 41)))


def rich(
    folder: Path, name: str = "rich", count: int = 60, said: Callable[[int], str] = lambda at: "xy"[at % 2]
) -> Path:
    lines = [f"it is {('bad', 'good')[at % 2]} to {WORDS[at % 5]} {at},{said(at)}" for at in range(count)]
    path = folder / f"{name}.csv"
    path.write_text("\n".join(["body,mood", *lines]) + "\n")
    return path


@pytest.fixture
def ran(tiny_backbone: Path, tmp_path: Path) -> Callable[..., RunResult]:
    def run(**options: Any) -> RunResult:
        given = {
            "train": MEMORY, "backbone": str(tiny_backbone), "controls": False, "threads": 1, "folds": 0, "then": PLAIN,
            "validation_share": 0.3, "refit": False, "precision": "float32", "cache": False, "measure": [], "stone_epochs": 1,
        }  # fmt: skip
        given |= {} if options.get("gate") is False else {"gate_folds": 0}
        found = compare(assemble("fit", given | options), SILENT, rows())
        assert found is not None
        return found

    return run


def query(found: RunResult) -> np.ndarray:
    predictor: Any = found.artifact.predictor
    return predictor.model.backbone.network.state_dict()[NAME].numpy().copy()


def again(found: RunResult) -> np.ndarray:
    repeated = compare(from_mapping(found.artifact.recipe, "recipe"), SILENT, rows())  # type: ignore[arg-type]
    assert repeated is not None
    return query(repeated)


def test_rows_of_one_customer_are_learnt_from_or_held_out_together(tmp_path: Path) -> None:
    path = tmp_path / "rich.csv"
    lines = [f"it is {('bad', 'good')[at % 2]} to {WORDS[at % 5]} {at},{'xy'[at % 2]},c{at // 6}" for at in range(120)]
    path.write_text("\n".join(["body,mood,customer", *lines, "so it is,x,"]) + "\n")
    table = Table(MEMORY, {**rows().columns, "customer": [f"c{at}" for at in range(40)]}, list(range(1, 41)))
    given = {"train": MEMORY, "auxiliary": str(path), "label": "label", "text": "text"}
    recipe: Any = assemble("fit", given | {"group_column": "customer"})
    _, [other] = with_auxiliary(prepare(recipe, SILENT, table), recipe, SILENT)
    customers = np.array([value or "none" for value in other.rows.columns["customer"]])
    taken = np.arange(3, len(customers))
    for seed in range(3):
        learnt, held = _parted(other, taken, seed)
        assert sorted([*learnt, *held]) == taken.tolist() and len(held) >= 6
        assert not {*customers[learnt]} & {*customers[held]}
    recipe = assemble("fit", given)
    _, [other] = with_auxiliary(prepare(recipe, SILENT, table), recipe, SILENT)
    learnt, held = _parted(other, taken, 0)
    assert {*customers[learnt]} & {*customers[held]}  # texts that differ are apart where nothing keeps them together


def test_groups_are_parted_where_a_label_would_have_nothing_to_learn_from(tmp_path: Path) -> None:
    path = tmp_path / "rich.csv"
    lines = [f"it is {('bad', 'good')[at % 2]} to {WORDS[at % 5]} {at},{'xy'[at % 2]},c{at % 2}" for at in range(120)]
    path.write_text("\n".join(["body,mood,customer", *lines]) + "\n")
    table = Table(MEMORY, {**rows().columns, "customer": [f"c{at}" for at in range(40)]}, list(range(1, 41)))
    recipe: Any = assemble("fit", {"train": MEMORY, "auxiliary": str(path), "text": "text", "group_column": "customer"})
    _, [other] = with_auxiliary(prepare(recipe, SILENT, table), recipe, SILENT)
    learnt, held = _parted(other, np.arange(120), 0)
    assert len(held) == 12 and {other.rows.labels[row] for row in learnt} == {"x", "y"}


def test_without_a_gate_the_network_that_learnt_the_other_task_is_the_model(
    ran: Callable[..., RunResult], tiny_backbone: Path, tmp_path: Path
) -> None:
    found = ran(auxiliary=str(rich(tmp_path)), gate=False)
    before = load_file(tiny_backbone / "model.safetensors")[NAME].numpy()
    assert 0 < np.abs(query(found) - before).max() < 20 * STONE_RATE
    candidate = found.chosen.finished
    assert candidate.description.startswith("after rich; ")
    assert "rich (text-classification) was learnt first, in 1 epoch of 54 rows: accuracy" in candidate.notes[0]
    resolved = found.artifact.recipe
    assert (resolved["strategy"]["stone"], resolved["strategy"]["gate"]) == ("rich", False)
    assert np.array_equal(again(found), query(found))
    assert [file["role"] for file in found.artifact.evidence["data"]["files"]] == ["train", "auxiliary"]


def test_what_the_gate_refuses_leaves_the_network_as_it_was_and_is_said(
    ran: Callable[..., RunResult], tiny_backbone: Path, tmp_path: Path
) -> None:
    (tmp_path / "test.csv").write_text("text,label\ngood way 500,up\nbad day 501,down\n")
    odd = rich(tmp_path, said=lambda at: "xyz"[at % 3])
    found = ran(auxiliary=str(odd), test=str(tmp_path / "test.csv"))
    before = load_file(tiny_backbone / "model.safetensors")[NAME].numpy()
    assert np.array_equal(query(found), before)
    added = found.artifact.evidence["added"]
    assert (added["what"], added["kept"]) == ("the stepping stone rich", False)
    assert [*added["parts"]["test"]["without"]] == ["the kept model"]
    assert "On 2 test rows it would have reached accuracy" in " ".join(found.artifact.evidence["verdict"])
    assert "The stepping stone rich was not kept: on validation" in " ".join(found.artifact.evidence["verdict"])
    assert found.artifact.recipe["strategy"]["stone"] == "none"
    assert np.array_equal(again(found), before)


def test_of_several_the_one_whose_states_suit_the_labels_best_is_learnt(
    ran: Callable[..., RunResult], tmp_path: Path
) -> None:
    files = f"{rich(tmp_path, 'moods')},{rich(tmp_path, 'places', said=lambda at: WORDS[at % 5])}"
    found = ran(auxiliary=files, gate=False, probe_rows=40)
    [said] = [note for note in found.chosen.finished.notes if note.startswith("LogME")]
    scores = {part.split(" ")[-2]: float(part.split(" ")[-1]) for part in said.partition(": ")[2].split(", ")}
    assert sorted(scores) == ["moods", "places", "task"]
    best = max(("moods", "places"), key=lambda name: scores[name])
    assert abs(scores["moods"] - scores["places"]) > 1e-4
    assert found.artifact.recipe["strategy"]["stone"] == best
    assert found.chosen.finished.description.startswith(f"after {best}; ")


def test_rows_of_the_run_are_not_learnt_from_as_another_task(ran: Callable[..., RunResult], tmp_path: Path) -> None:
    path, test = rich(tmp_path), tmp_path / "test.csv"
    test.write_text("text,label\nit is good to day 1,up\nbad day,down\n")
    with path.open("a") as file:
        file.write("good shop 5,x\nbad shop 900,y\n")
    found = ran(auxiliary=str(path), test=str(test), gate=False)
    data = found.artifact.evidence["data"]
    dropped = [(row["line"], row["reason"]) for row in data["dropped"] if row["file"] == str(path)]
    assert dropped == [(3, "its text is also one of the test rows"), (62, "its text is also one of the train rows")] or dropped == [
        (3, "its text is also one of the test rows"), (62, "its text is also one of the validation rows"),
    ]  # fmt: skip
    assert data["files"][-1]["used"] == 60
    assert any(
        "2 rows of" in warning and "(lines 3, 62): they are not learnt from" in warning for warning in data["warnings"]
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "line", "task"),
    [
        (
            "a,b,label",
            "good {word} {at},bad {word},{odd}",
            {"name": "text-pair-classification", "text": "a,b", "label": "label"},
        ),
        ("text,score", "good {word} {at},{at}.5", {"name": "text-regression", "text": "text", "label": "score"}),
        (
            "text,tags",
            "good {word} {at},{odd};{word}",
            {"name": "multi-label-classification", "text": "text", "label": "tags"},
        ),
    ],
)
def test_other_kinds_of_tasks_are_learnt_too(
    ran: Callable[..., RunResult], tmp_path: Path, header: str, line: str, task: dict[str, str]
) -> None:
    path = tmp_path / "other.csv"
    lines = [line.format(word=WORDS[at % 5], at=at, odd="pq"[at % 2]) for at in range(40, 80)]
    path.write_text("\n".join([header, *lines]) + "\n")
    found = ran(auxiliary=[{"file": str(path), "task": task}], gate=False)
    assert f"other ({task['name']}) was learnt first, in 1 epoch of 36 rows" in found.chosen.finished.notes[0]


@pytest.mark.slow
def test_what_folds_of_the_gate_refuse_is_scored_on_test_too(ran: Callable[..., RunResult], tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("text,label\ngood way 500,up\nbad day 501,down\n")
    odd = rich(tmp_path, said=lambda at: "xyz"[at % 3])
    found = ran(auxiliary=str(odd), test=str(tmp_path / "test.csv"), gate_folds=2)
    [refused] = found.chosen.finished.added.beside.values()  # type: ignore[union-attr]
    assert len(refused.validation) == len(found.chosen.finished.validation) == 12
    assert [*found.artifact.evidence["added"]["parts"]["test"]["without"]] == ["the kept model"]


@pytest.mark.slow
def test_few_rows_choose_by_cross_validation_and_what_it_bought_is_scored_on_test(
    ran: Callable[..., RunResult], tmp_path: Path
) -> None:
    test = tmp_path / "test.csv"
    test.write_text("text,label\ngood way 500,up\nbad day 501,down\n")
    found = ran(auxiliary=str(rich(tmp_path)), folds=3, validation_share=None, gate_folds=None, test=str(test))
    added = found.artifact.evidence["added"]
    assert "in cross-validation" in added["said"]
    assert [*added["parts"]["test"]["without"]] == ["without rich" if added["kept"] else "the kept model"]


@pytest.mark.parametrize(
    ("lines", "error", "message"),
    [
        (
            ["good day,x"],
            DataError,
            "1 of its 1 rows can be learnt from, and another task is worth learning from 16 on",
        ),
        ([f"day {at},x" for at in range(30)], DataError, "rich.csv"),
        (None, MissingInputError, "rich.csv"),
    ],
)
def test_files_that_teach_nothing_are_refused_before_anything_is_trained(
    ran: Callable[..., RunResult], tmp_path: Path, lines: list[str] | None, error: type[HeadstartError], message: str
) -> None:
    path = tmp_path / "rich.csv"
    if lines is not None:
        path.write_text("\n".join(["body,mood", *lines]) + "\n")
    task = {"name": "text-classification", "text": "body", "label": "mood"}
    with pytest.raises(error, match=message):
        ran(auxiliary=[{"file": str(path), "task": task}])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auxiliary": [{"file": "b.csv", "task": "text-clasification"}]}, "text-classification"),
        ({"auxiliary": "x/b.csv,y/b.csv"}, "two auxiliary files are called 'b'"),
        ({"auxiliary": "none.csv"}, "cannot be called 'none'"),
        ({"auxiliary": "b.csv", "then": "tf-idf"}, "tf-idf gains nothing from a network that has learnt another task"),
    ],
)
def test_recipes_that_mean_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        assemble("fit", {"train": "a.csv"} | options)


def test_the_strategy_without_another_task_is_refused(ran: Callable[..., RunResult]) -> None:
    with pytest.raises(RecipeError, match="intermediate-task learns another task first, and there is none"):
        ran(strategy="intermediate-task")


def test_the_option_fits_what_is_named_within_it_averages_inside() -> None:
    alone = assemble("fit", {"train": "a.csv", "auxiliary": "b.csv"})
    assert [(each.name, each.then.name) for each in alone.strategies or ()] == [("intermediate-task", "fine-tuning")]  # type: ignore[attr-defined]
    both = assemble("fit", {"train": "a.csv", "auxiliary": "b.csv", "average": "soup", "strategy": "lora"})
    [outer] = both.strategies or ()
    assert (outer.name, outer.then.name, outer.then.then.name) == ("intermediate-task", "weight-averaging", "lora")  # type: ignore[attr-defined]
    beside = assemble(
        "compare", {"train": "a.csv", "auxiliary": "b.csv", "strategies": "tf-idf,lora", "rank": 4, "gate": False}
    )
    assert [each.name for each in beside.strategies or ()] == ["tf-idf", "intermediate-task"]
    assert beside.strategies[1].then.rank == 4  # type: ignore[index, attr-defined]
    written = from_mapping({"data": {"train": "a.csv", "auxiliary": ["b.csv"]}, "strategy": "fine-tuning"}, "r.yaml")
    assert [each.name for each in written.strategies or ()] == ["intermediate-task"]  # type: ignore[attr-defined]
