"""Studies: cells give the numbers of their recipes wherever they run, are kept once, and go on after whatever ended them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headstart.data.table import Table
from headstart.errors import DataError, MissingInputError, UsageError
from headstart.recipes.labelled import Compare
from headstart.recipes.parsing import assemble, from_mapping
from headstart.runs import cells, studies
from headstart.runs.cells import Cell, CellResult, carry_out, done_at, keep, kept
from headstart.runs.comparison import compare
from headstart.runs.keys import Key
from headstart.runs.studies import Study, Subprocesses, cell_recipe
from headstart.runs.workspace import Workspace
from headstart.runtime.deadline import Deadline
from headstart.runtime.durable import read_json
from headstart.runtime.progress import SILENT


def words(count: int, seed: int = 0) -> str:
    """A CSV file of texts of two labels that a few words tell apart."""
    random = np.random.default_rng(seed)
    lines = ["text,label"]
    for at in range(count):
        label = "ab"[at % 2]
        told = [
            f"{label}{random.integers(4)}" if random.random() < 0.5 else f"w{random.integers(30)}" for _ in range(6)
        ]
        lines.append(f"{' '.join(told)} number {at},{label}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def recipe(tmp_path: Path) -> Compare:
    (tmp_path / "train.csv").write_text(words(160))
    (tmp_path / "test.csv").write_text(words(60, 1))
    options = {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv"), "strategies": "tf-idf"}
    found = assemble("compare", options | {"threads": 1, "controls": False, "text": "text", "label": "label"})
    assert isinstance(found, Compare)
    return found


@pytest.fixture
def work(recipe: Compare, tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "study", recipe.plain()) as found:
        found.stopped = True
        yield found


def drawn(recipe: Compare, size: int, draw: int = 0) -> Cell:
    return Cell(Key(size=size, draw=draw), cell_recipe(recipe, data=recipe.data.revised(train_rows=size, draw=draw)))


def numbers(result: CellResult) -> list[tuple[object, ...]]:
    return [
        (each.key, each.status, each.scores, {name: rows.losses.tolist() for name, rows in each.judged.items()})
        for each in result.entries
    ]


def test_a_cell_gives_the_scores_of_its_recipe_run_by_hand_and_rows_that_sum_to_them(recipe: Compare) -> None:
    cell = drawn(recipe, 40)
    found = carry_out(cell, SILENT)
    alone = compare(from_mapping(cell.recipe.plain(), "by hand"), SILENT)  # type: ignore[arg-type]
    assert alone is not None
    (entry,) = found.entries
    assert entry.scores["test"] == alone.entries[0].scores["test"]
    assert entry.key == Key("tf-idf", size=40, draw=0)
    assert found.rows == {"validation": 40, "test": 60, "train": 40}
    right, rows = entry.judged["test"].tally.sums()
    assert right / rows == pytest.approx(entry.scores["test"]["accuracy"]["value"])
    assert entry.judged["test"].losses.mean() == pytest.approx(entry.scores["test"]["log_loss"]["value"])


def test_what_is_kept_of_a_cell_is_read_back_and_nothing_that_is_damaged(recipe: Compare, tmp_path: Path) -> None:
    found, place = carry_out(drawn(recipe, 40), SILENT), tmp_path / "cell"
    keep(replace(found, groups={"test": np.arange(60)}), place)
    again = kept(place)
    assert again is not None
    assert numbers(again) == numbers(found)
    assert (again.digests, again.rows, again.metric) == (found.digests, found.rows, found.metric)
    assert again.groups["test"].tolist() == list(range(60))
    (place / cells.ARRAYS).write_bytes(b"")
    assert kept(place) is None
    assert kept(tmp_path / "nowhere") is None


def test_fewer_rows_of_a_draw_are_among_more_and_another_draw_has_others(recipe: Compare) -> None:
    small, large, other = (carry_out(drawn(recipe, *which), SILENT) for which in ((20, 0), (80, 0), (20, 1)))
    assert small.digests["test"] == large.digests["test"] == other.digests["test"]
    assert small.digests["validation"] != other.digests["validation"]


def test_cells_are_kept_once_and_their_order_is_that_of_the_plan(
    recipe: Compare, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, study = [drawn(recipe, 40), drawn(recipe, 20, 1), drawn(recipe, 20)], Study(work)
    first = study.run(plan[:2])
    monkeypatch.setattr(cells, "carry_out", lambda cell, *_, **__: CellResult(cell.key, note="was run"))
    found = study.run(plan)
    assert [each and each.key.place for each in found] == ["40 rows, draw 0", "20 rows, draw 1", "20 rows, draw 0"]
    assert [each and each.note for each in found] == ["", "", "was run"]
    assert study.result(plan[0]).note == ""
    assert [numbers(each) for each in found[:2] if each] == [numbers(each) for each in first if each]


def test_a_cell_that_cannot_be_learnt_from_is_a_gap_with_its_reason_and_others_go_on(
    recipe: Compare, work: Workspace
) -> None:
    found = Study(work).run([drawn(recipe, 500), drawn(recipe, 20)])
    assert found[0] is not None and found[1] is not None
    assert found[0].entries == ()
    assert "500 training rows were asked for, and there are 160" in found[0].note
    assert found[1].entries[0].done


def test_no_cell_is_begun_that_would_not_be_done_in_time(recipe: Compare, work: Workspace) -> None:
    study, plan = Study(work, end=Deadline(time.perf_counter() + 1000)), [drawn(recipe, 40), drawn(recipe, 20)]
    study.seconds = {str(study.place(plan[0])): 5000.0, str(study.place(plan[1])): 1.0}
    assert [each and each.key.size for each in study.run(plan)] == [None, 20]


def test_a_plan_says_seconds_of_one_cell_of_each_size(
    recipe: Compare, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int | None] = []

    def outline(recipe: Compare, *_: object) -> dict[str, float]:
        looked.append(recipe.data.train_rows)
        return {"seconds": float(recipe.data.train_rows or 0)}

    monkeypatch.setattr(studies, "outline", outline)
    assert Study(work).plan([drawn(recipe, 40), drawn(recipe, 20), drawn(recipe, 40, 1)]) == [40.0, 20.0, 40.0]
    assert looked == [40, 20]


def test_rows_in_memory_stay_in_this_process(work: Workspace) -> None:
    with pytest.raises(UsageError, match="stay in this process"):
        Study(work, table=Table("rows", {}, []), workers=2).executor  # noqa: B018


def test_the_name_of_a_cell_does_not_hang_on_the_folder_one_is_in(
    recipe: Compare, work: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = recipe.revised(data=recipe.data.revised(train="train.csv", test="test.csv"))
    there = Study(work).place(drawn(named, 40))
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert Study(work).place(drawn(named.moved(tmp_path), 40)) == there
    assert Study(work, test=False).place(drawn(named.moved(tmp_path), 40)) != there


@pytest.mark.slow
def test_processes_give_the_same_numbers_and_what_went_wrong_in_one_is_raised_here(
    recipe: Compare, work: Workspace, tmp_path: Path
) -> None:
    plan = [drawn(recipe, 40), drawn(recipe, 20)]
    found = Study(work, workers=2).run(plan)
    assert [numbers(each) for each in found if each] == [numbers(carry_out(cell, SILENT)) for cell in plan]
    lost = recipe.revised(data=recipe.data.revised(train=str(tmp_path / "lost.csv")))
    with pytest.raises(MissingInputError, match=r"lost\.csv"):
        Study(work, workers=2).run([drawn(lost, 40)])


@pytest.mark.slow
def test_where_the_process_that_asked_for_a_cell_dies_that_of_the_cell_ends(
    recipe: Compare, work: Workspace, tmp_path: Path
) -> None:
    cell = drawn(recipe, 40)
    told = json.dumps({"recipe": cell.recipe.plain(), "key": cell.key.plain(), "test": True}) + "\n"
    command = [sys.executable, "-m", "headstart.runs.cell_process", str(tmp_path / "cell")]
    asked = subprocess.run(command, input=told, text=True, capture_output=True, timeout=120, check=False)
    assert asked.returncode in (0, 128 + signal.SIGTERM)  # standard input has ended at once
    assert not (kept(tmp_path / "cell") is None and asked.returncode == 0)


@pytest.mark.slow
def test_a_cell_that_was_stopped_goes_on_and_comes_to_the_same_numbers(
    recipe: Compare, tmp_path: Path, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = assemble(
        "compare",
        {
            **json.loads(json.dumps({})),
            "train": recipe.data.train,
            "strategies": "fine-tuning",
            "backbone": str(tiny_backbone),
            "epochs": 3,
            "threads": 1,
            "controls": False,
            "checkpoint_every": 0,
            "seed": 1,
        },
    )
    cell = Cell(Key(seed=1), trained)  # type: ignore[arg-type]
    whole = done_at(cell, tmp_path / "whole")
    from headstart.training import trainer

    calls, before = [0], trainer.shielded

    def stop(*args: object) -> object:
        calls[0] += 1
        if calls[0] == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return before(*args)

    monkeypatch.setattr(trainer, "shielded", stop)
    with pytest.raises(KeyboardInterrupt):
        done_at(cell, tmp_path / "cell")
    monkeypatch.setattr(trainer, "shielded", before)
    assert read_json(tmp_path / "cell.part" / "run.json")
    assert numbers(done_at(cell, tmp_path / "cell"))[0][2] == numbers(whole)[0][2]


def test_a_draw_needs_a_row_of_each_label(recipe: Compare) -> None:
    more = "".join(f"odd {at} {label},{label}\n" for label in "cde" for at in range(3))
    Path(recipe.data.train).write_text(words(40) + more)
    with pytest.raises(DataError, match="none would have the label"):
        carry_out(drawn(recipe, 4), SILENT)
    assert carry_out(drawn(recipe, 10), SILENT).entries[0].done


def test_more_cells_than_workers_are_carried_out_in_turn(
    recipe: Compare, work: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Done:
        """A process that has done its cell at once."""

        def __init__(self, cell: Cell) -> None:
            self.cell = cell

        def poll(self) -> int:
            return 0

    monkeypatch.setattr(studies, "_begun", lambda study, cell: Done(cell))
    monkeypatch.setattr(studies, "_ended", lambda study, cell, process: CellResult(cell.key, seconds=1.0))
    plan = [drawn(recipe, size) for size in (10, 20, 30, 40, 50)]
    assert {cell.key.size for cell, _ in Subprocesses(2).results(Study(work), iter(plan))} == {10, 20, 30, 40, 50}
