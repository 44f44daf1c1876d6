"""What lies beside an output: that of a run is read with care, that of others is never touched."""

import json
import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from headstart.endpoints.answers import AnswerJournal, Received
from headstart.endpoints.spending import Spent
from headstart.errors import (
    DataError,
    HeadstartError,
    MissingInputError,
    RunFolderError,
    StorageError,
    UnavailableError,
)
from headstart.recipes.labelled import Fit
from headstart.runs.conditions import conditions
from headstart.runs.recorded import StatedModelEntry, place_of, recorded, refuse_misshapen
from headstart.runs.workspace import Workspace

RECIPE = {"verb": "fit"}
WHOLE: dict[str, Any] = {
    "format": 1,
    "recipe": RECIPE,
    "directory": "/",
    "spent": 1.5,
    "measured": {"rate": 0.1, "test_rate": 0.1, "fewer": {}},
    "planned": {"updates": 3},
    "steps": {"0": {"reason": "", "training": None, "brief": None, "most": None}},
    "conditions": {"inputs": {}, "machine": {}},
    "published": False,
    "finished": False,
}


def contents(folder: Path) -> dict[str, Any]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("files", [["chapter/one.txt"], ["notes.txt"], ["lock", "chapter/one.txt"]])
def test_a_folder_that_no_run_has_left_is_refused_and_stays(tmp_path: Path, files: list[str], overwrite: bool) -> None:
    for name in files:
        path = tmp_path / "thesis.part" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(
        RunFolderError, match=r"thesis\.part is needed for what the run has done so far, and holds something"
    ):
        Workspace(tmp_path / "thesis", RECIPE, overwrite=overwrite)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("make", [lambda p: p.symlink_to("nowhere"), lambda p: p.write_text("mine")])
def test_what_is_no_folder_in_the_place_of_a_run_is_refused_and_stays(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "m.part")
    with pytest.raises(RunFolderError, match=r"m\.part is needed for what the run has done so far, and is no folder"):
        Workspace(tmp_path / "m", RECIPE, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["m.part"]


@pytest.mark.parametrize("error", [UnavailableError("a cap is reached"), DataError("hopeless")])
def test_answers_that_were_paid_for_stay_until_the_run_is_well(tmp_path: Path, error: HeadstartError) -> None:
    with pytest.raises(type(error)), Workspace(tmp_path / "m", RECIPE) as work:
        with AnswerJournal(work.answers) as journal:
            journal.answered("a", Received("good"), Spent(1))
        assert work.holds_work and "headstart resume" in work.how
        raise error
    with Workspace(tmp_path / "m", RECIPE, overwrite=True) as work:
        work.forget()
        with AnswerJournal(work.answers) as journal:
            assert journal.get("a") == Received("good")
    assert not (tmp_path / "m.part").exists()


@pytest.mark.parametrize("error", [None, StorageError("m.part cannot be written")])
def test_what_somebody_takes_away_while_the_run_is_at_work_is_no_fault_of_its_own(
    tmp_path: Path, error: StorageError | None
) -> None:
    with (
        pytest.raises(StorageError, match="cannot be written") if error else nullcontext(),
        Workspace(tmp_path / "m", RECIPE),
    ):
        shutil.rmtree(tmp_path / "m.part")
        if error:
            raise error
    assert not (tmp_path / "m.part").exists()


def test_what_a_run_left_before_it_began_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "m.part" / ".new-abcdefgh").mkdir(parents=True)
    (tmp_path / "m.part" / "lock").write_text("{}")
    with Workspace(tmp_path / "m", RECIPE):
        assert recorded(tmp_path / "m") is not None
    assert list(tmp_path.iterdir()) == []


def test_the_whole_shape_is_read_and_every_key_of_another_kind_is_named(tmp_path: Path) -> None:
    place = place_of(tmp_path / "m") / "run.json"
    place.parent.mkdir()
    place.write_text(json.dumps(WHOLE))
    assert recorded(tmp_path / "m") == WHOLE
    others = [None, [], "x", -1, {"x": []}, float("nan"), 1e400, [[]]]
    for key in WHOLE:
        for other in others:
            place.write_text(json.dumps(WHOLE | {key: other}))
            if key == "directory" and other == "x":
                continue
            if other is None and key in ("measured", "planned", "conditions"):  # not come to yet
                assert recorded(tmp_path / "m") is not None
                continue
            with pytest.raises(RunFolderError, match=r"run\.json (is damaged|was written by a later)"):
                recorded(tmp_path / "m")


@pytest.mark.parametrize("kind", ["pipe", "folder", "zeros", "deep"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    place = place_of(tmp_path / "m") / "run.json"
    place.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "zeros":
        place.symlink_to("/dev/zero")
    else:
        place.write_text("[" * 100_000)
    with pytest.raises(RunFolderError, match=r"run\.json is damaged"):
        recorded(tmp_path / "m")


def test_a_run_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="there is no run"):
        recorded(tmp_path / "m")


def test_data_that_was_removed_while_the_run_was_at_work_is_named(tmp_path: Path) -> None:
    recipe: Any = Fit(data={"train": str(tmp_path / "train.csv")})
    with pytest.raises(MissingInputError, match=r"train\.csv: cannot be read any more while it is in use"):
        conditions(recipe, None, None, 1, 1)


MODEL: dict[str, Any] = {
    "status": "done", "seconds": 1.0, "note": "", "description": "", "trainable_parameters": 3, "curve": [], "notes": [],
    "rank": [0.5, -1.0], "validation_scores": {"accuracy": {"value": 0.5, "low": 0.1, "high": 0.9, "n": 3}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "own"), ("seconds", -1.0), ("note", 7), ("description", [1]), ("trainable_parameters", "x"), ("curve", "x"),
        ("notes", 7), ("rank", ["x"]), ("rank", [0.5]), ("validation_scores", {"accuracy": 2.0}),
    ],
)  # fmt: skip
def test_what_was_kept_of_an_entry_has_the_shape_that_it_is_read_in(key: str, value: object) -> None:
    refuse_misshapen(StatedModelEntry, MODEL)
    with pytest.raises(ValueError, match=rf"entry\.json: {key}.* is of another kind"):
        refuse_misshapen(StatedModelEntry, MODEL | {key: value})


def test_a_description_of_any_length_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "m.part").mkdir()
    (tmp_path / "m.part" / "run.json").touch()
    os.truncate(tmp_path / "m.part" / "run.json", 1 << 40)
    with pytest.raises(RunFolderError, match=r"run\.json is damaged"):
        recorded(tmp_path / "m")


def test_a_description_that_was_changed_since_it_was_written_is_not_gone_on_with(tmp_path: Path) -> None:
    with Workspace(tmp_path / "m", RECIPE | {"seed": 0}):
        path = tmp_path / "m.part" / "run.json"
        path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
        with pytest.raises(RunFolderError, match=r"run\.json is damaged: it is not what was written"):
            recorded(tmp_path / "m")
