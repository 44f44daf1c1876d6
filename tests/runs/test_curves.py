"""The verb `curve`: points are ordinary runs, a study goes on after an interruption, faults are gaps, and the page shows both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.runs.test_studies import words

import headstart
from headstart.errors import DataError, DivergedError, HeadstartError, ModelError, RecipeError, UsageError
from headstart.recipes.curves import Curve
from headstart.recipes.parsing import assemble
from headstart.report import curves as report
from headstart.runs import cells, curves
from headstart.runs.run import run
from headstart.runs.workspace import Workspace
from headstart.runtime.progress import SILENT

OPTIONS: dict[str, Any] = {"strategies": "tf-idf", "C": 3, "threads": 1, "text": "text", "label": "label"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("curve")
    (folder / "train.csv").write_text(words(120))
    (folder / "test.csv").write_text(words(60, 1))
    return {"train": str(folder / "train.csv"), "test": str(folder / "test.csv")}


@pytest.fixture(scope="module")
def made(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("made") / "curve"
    found = headstart.curve(files["train"], test=files["test"], sizes=(60, 20), draws=2, output=str(folder), **OPTIONS)
    return folder, found


def evidence(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "evidence.json").read_text())


def test_points_are_those_of_ordinary_runs(made: tuple[Path, dict[str, Any]], files: dict[str, str]) -> None:
    _, found = made
    (own,) = found["curves"]
    assert (found["sizes"], found["rows"], found["test_rows"]) == ([20, 60], 120, 60)
    assert [(point["size"], point["draws"]) for point in own["points"]] == [(20, 2), (60, 2)]
    for at, size in enumerate((20, 60)):
        alone = headstart.compare(
            files["train"], test=files["test"], train_rows=size, draw=1, seed=1, test_seed=0, controls=False, refit=False,
            **OPTIONS,
        )  # fmt: skip
        assert own["by_draw"][1][at] == alone.evidence["leaderboard"][0]["scores"]["test"]["accuracy"]["value"]
    assert own["points"][1]["score"]["value"] == pytest.approx(sum(row[1] for row in own["by_draw"]) / 2)


def test_the_folder_has_the_evidence_and_a_page_and_is_believed_only_as_it_was_written(
    made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, found = made
    assert report.curve_in(folder) == evidence(folder)
    assert headstart.resume(folder)["verdict"] == found["verdict"]  # type: ignore[index]
    page = (folder / "report.html").read_text()
    assert page.count("<svg") >= 2
    assert found["verdict"][0] in page.replace("&#39;", "'")
    assert (folder / "recipe.yaml").read_text().startswith("verb: curve") or "verb: curve" in (
        folder / "recipe.yaml"
    ).read_text()
    for name in ("headstart.json", "recipe.yaml", "report.html"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "evidence.json").write_text("{}")
    with pytest.raises(ModelError):
        report.curve_in(tmp_path)
    assert report.curve_in(tmp_path / "nowhere") is None


def test_a_study_that_was_stopped_goes_on_to_the_same_numbers(
    made: tuple[Path, dict[str, Any]], files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = OPTIONS | {
        "test": files["test"],
        "sizes": (20, 60),
        "draws": 2,
        "output": str(tmp_path / "curve"),
    }
    before, calls = cells.carry_out, []

    def stopping(*given: Any, **options: Any) -> Any:
        calls.append(given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return before(*given, **options)

    monkeypatch.setattr(cells, "carry_out", stopping)
    first = run(assemble("curve", {"train": files["train"]} | options))
    assert first.interrupted and "resume" in first.resume
    assert [point["draws"] for point in first.result["curves"][0]["points"]] == [1, 1]
    assert first.result["not_run"] == ["20 rows, draw 1", "60 rows, draw 1"]
    found = headstart.resume(tmp_path / "curve")
    assert isinstance(found, dict)
    assert len(calls) == 5  # what was done is not done again
    whole = made[1]
    for key in ("sizes", "rows", "savings", "verdict"):
        assert found[key] == whole[key], key
    assert found["curves"][0]["by_draw"] == whole["curves"][0]["by_draw"]


def test_where_the_data_have_changed_all_is_done_again(files: dict[str, str], tmp_path: Path) -> None:
    recipe = assemble("curve", {"train": files["train"], "test": files["test"], "sizes": (20,), "draws": 1} | OPTIONS)
    assert isinstance(recipe, Curve)
    with Workspace(tmp_path / "curve", recipe.plain()) as work:
        work.stopped = True
        (work.folder / "cells").mkdir()
        conditions = {"inputs": {"train": "other"}, "machine": {}}
        work.remember(conditions=conditions)
    with pytest.raises(HeadstartError, match="begun under other conditions"):
        headstart.resume(tmp_path / "curve", strict=True)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"sizes": (20, 500)}, RecipeError, "500 is above the 120 training rows"),
        ({"sizes": (20, 20)}, RecipeError, "20 is named twice"),
        ({"sizes": (2, 20)}, RecipeError, "at least 4"),
        ({"draws": 0}, RecipeError, "draws"),
        ({"test_share": 0, "test": None}, DataError, "--test"),
        ({"workers": 0}, RecipeError, "workers"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(
    files: dict[str, str], options: dict[str, Any], error: type[HeadstartError], said: str, tmp_path: Path
) -> None:
    given: dict[str, Any] = OPTIONS | {"test": files["test"], "output": str(tmp_path / "curve")} | options
    with pytest.raises(error, match=said):
        headstart.curve(files["train"], **{key: value for key, value in given.items() if value is not None})
    assert not (tmp_path / "curve").exists()


def test_a_size_holds_a_row_of_each_label(tmp_path: Path) -> None:
    rows = [f"text {at} {label},{label}" for at in range(12) for label in "abcdef"]
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    options: dict[str, Any] = OPTIONS | {"test": str(tmp_path / "train.csv")}
    with pytest.raises(RecipeError, match="cannot hold each of 6 labels"):
        headstart.curve(str(tmp_path / "train.csv"), sizes=(5, 20), **options)


def test_a_run_that_fails_is_a_gap_and_others_go_on(
    files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cells.carry_out

    def failing(cell: Any, *given: Any, **options: Any) -> Any:
        if cell.key.size == 60:
            raise DivergedError("loss is not finite")
        return before(cell, *given, **options)

    monkeypatch.setattr(cells, "carry_out", failing)
    found = headstart.curve(
        files["train"], test=files["test"], sizes=(20, 60, 80), draws=1, output=str(tmp_path / "c"), **OPTIONS
    )
    (own,) = found["curves"]
    assert [point["size"] for point in own["points"]] == [20, 80]
    assert own["gaps"] == [{"size": 60, "draw": 0, "why": "loss is not finite"}]
    assert any("1 run(s) without a score, at 60 rows: loss is not finite" in each for each in found["verdict"])
    page = (tmp_path / "c" / "report.html").read_text()
    assert "loss is not finite" in page and "Not run, and why" in page
    monkeypatch.setattr(cells, "carry_out", lambda *_, **__: (_ for _ in ()).throw(DivergedError("never")))
    with pytest.raises(DivergedError, match="never"):
        headstart.curve(files["train"], test=files["test"], sizes=(20,), draws=1, output=str(tmp_path / "d"), **OPTIONS)


def test_draws_vary_rows_and_seeds_and_leave_the_test_part_as_it_is(files: dict[str, str]) -> None:
    options: dict[str, Any] = {"sizes": (20, 40), "draws": 2, "seed": 7, "train_rows": 9}
    recipe = assemble("curve", files | options | OPTIONS)
    assert isinstance(recipe, Curve)
    made = [cell.recipe for cell in curves._set_up(recipe, SILENT, None).cells()]
    assert [(each.data.draw, each.data.train_rows, each.seed) for each in made] == [
        (0, 20, 7),
        (0, 40, 7),
        (1, 20, 8),
        (1, 40, 8),
    ]
    assert {each.test_seed for each in made} == {7}


def test_sizes_are_halves_of_the_largest_by_default(files: dict[str, str]) -> None:
    recipe = assemble("curve", {"train": files["train"]} | OPTIONS)
    assert isinstance(recipe, Curve)
    assert curves._sizes(recipe, 5000, 4) == (32, 64, 128, 256, 512, 1024)
    assert curves._sizes(recipe, 520, 3) == (16, 32, 65, 130, 260, 520)
    assert curves._sizes(recipe, 520, 60) == (130, 260, 520)
    assert curves._sizes(recipe, 50, 40) == (50,)


def test_controls_that_train_a_network_run_only_where_they_are_named(files: dict[str, str]) -> None:
    def names(**options: Any) -> list[str]:
        recipe = assemble("curve", {"train": files["train"], "task": "text-classification"} | options)
        assert isinstance(recipe, Curve)
        return [each.name for each in recipe.planned()]

    assert names() == ["tf-idf", "feature-extraction", "fine-tuning"]
    assert names(strategies="feature-extraction,from-scratch") == ["tf-idf", "feature-extraction", "from-scratch"]
    assert names(strategies="feature-extraction", controls=False) == ["feature-extraction"]


def fabricated(**changes: Any) -> dict[str, Any]:
    """Evidence of two curves."""

    def line(name: str, role: str, values: list[float]) -> dict[str, Any]:
        points = [
            {"size": size, "draws": 3, "of_draws": True, "seconds": 1.0}
            | {"score": {"value": value, "low": value - 0.02, "high": value + 0.02, "n": 500}}
            for size, value in zip((32, 128, 512), values, strict=True)
        ]
        refused = {"points": [], "refusal": "it has not risen by more than noise", "families": {}}
        return {
            "strategy": name,
            "role": role,
            "points": points,
            "by_draw": [],
            "forecast": refused,
            "falls": [],
            "gaps": [],
        }

    own, control = line("fine-<b>tuning", "transfer", [0.7, 0.8, 0.85]), line("tf-idf", "control", [0.5, 0.6, 0.72])
    point = {"size": 1024, "value": 0.87, "low": 0.84, "high": 0.9, "gain": 0.02, "gain_low": 0.005, "gain_high": 0.03}
    own["forecast"] = {"points": [point], "refusal": "", "families": {"pow3": 1.0}}
    times = [
        {"size": 32, "rows": 451.2, "times": 14.1, "at_least": False, "low": 9.0, "high": 22.0},
        {"size": 128, "rows": 512.0, "times": 4.0, "at_least": True, "low": 4.0, "high": None},
    ]
    found = {
        "title": "c", "created": "2026-01-01T00:00:00+00:00", "task": "text-classification", "metric": "accuracy", "file": "a.csv",
        "rows": 600, "test_rows": 500, "sizes": [32, 128, 512], "draws": 3, "curves": [own, control], "not_run": [], "notes": [],
        "savings": [{"strategy": "fine-<b>tuning", "control": "tf-idf", "sizes": times}], "seconds": 5.0, "backbone": "mini",
    }  # fmt: skip
    return found | changes


def test_the_verdict_says_what_labels_are_worth_and_what_more_would_buy() -> None:
    said = report.verdict(fabricated())
    assert said[0].startswith(
        "With 512 training rows fine-<b>tuning reaches accuracy 0.850 [0.830, 0.870] on 500 test rows, mean of 3"
    )
    assert "the best control, tf-idf, 0.720" in said[0]
    assert said[1].startswith(
        "For what fine-<b>tuning does with 32 rows, tf-idf needs 451: 14 times (9.0 to 22); with 128 rows"
    )
    assert "tf-idf needs more than 512: at least 4.0 times as many" in said[1]
    assert (
        "More labels than 512 would buy with fine-<b>tuning about +0.020 [+0.005, +0.030] accuracy with 1,024 rows"
        in said[2]
    )
    assert report.more_labels(fabricated()["curves"][1], "accuracy").endswith(
        "is not forecast: it has not risen by more than noise."
    )


def test_a_control_that_wins_is_said_to() -> None:
    found = fabricated()
    found["curves"][1]["points"][-1]["score"]["value"] = 0.95
    assert report.verdict(found)[0].startswith("Transfer does not pay there: with 512 training rows tf-idf reaches")


def test_the_page_escapes_names_and_shows_bands_forecast_and_what_was_not_run() -> None:
    found = fabricated(not_run=["512 rows, draw 2"])
    page = report.page(found | {"verdict": report.verdict(found), "headstart": "0"})
    assert "fine-<b>" not in page
    assert page.count("fine-&lt;b&gt;tuning</text>") == 2  # for desk and phone
    assert 'class="band ahead"' in page and 'class="line ahead"' in page and 'class="band dashed"' in page
    assert "512 rows, draw 2" in page and "14 times (9.0 to 22)" in page
    assert "it has not risen by more than noise" in page


def test_suggest_says_what_more_labels_would_bring(
    made: tuple[Path, dict[str, Any]], files: dict[str, str], tmp_path: Path
) -> None:
    folder, found = made
    assert report.outlook(folder, evidence(folder), None) in found["verdict"]
    damaged = evidence(folder) | {"curves": [{"strategy": "x"}]}
    with pytest.raises(ModelError):
        report.outlook(folder, damaged, "x")
    with pytest.raises(UsageError, match="holds no learning curve"):
        headstart.suggest(["a text", "another text", "a third"], best=1, curve=str(tmp_path))
