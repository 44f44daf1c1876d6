"""What every measurement promises, and that one more takes its file and a line of the table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

import headstart
from headstart.config import parse
from headstart.errors import RecipeError
from headstart.evaluation import MEASUREMENTS
from headstart.evaluation.measurements.asked_again import AskedAgain
from headstart.evaluation.measurements.base import Measurement, Want, measure, measured, wanted
from headstart.evaluation.measurements.confusion import Confusion
from headstart.evaluation.measurements.slices import Slices
from headstart.evaluation.subjects import Subject
from headstart.loading import load
from headstart.readers.opening import open_table
from headstart.recipes.parsing import assemble
from headstart.runs.planning import LAST_STEPS, Plan
from headstart.runs.run import run
from headstart.runtime.deadline import Deadline


class Repeats(Measurement):
    """How many rows hold a word twice."""

    name: ClassVar[str] = "repeats"
    title: ClassVar[str] = "Repeated words"
    wants: ClassVar[frozenset[Want]] = frozenset({"texts"})
    by_default: ClassVar[bool] = True

    least: int = 2
    """Times that a word has to occur, at least 2."""

    def seconds(self, rows: int, seconds_per_row: float) -> float:
        return rows * seconds_per_row

    def measure(self, subject: Subject) -> dict[str, Any]:
        most = [max(map(text.split().count, text.split())) for text in subject.rows.texts]
        return {"split": subject.part, "rows": sum(times >= self.least for times in most), "most": max(most)}

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        return [f"In {plain['rows']} {plain['split']} rows a word is repeated."]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        return {"columns": ["What", "Count|n"], "rows": [["<rows>", plain["rows"]], ["most", None]]}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        return [f"A word occurs up to {plain['most']} times."]


@pytest.fixture
def repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MEASUREMENTS._table, "repeats", f"{__name__}:Repeats")


@pytest.mark.usefixtures("repeats")
def test_one_more_measurement_is_in_evidence_json_verdict_page_and_card(
    tiny_csv: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    lines = tiny_csv.read_text().splitlines()
    lines[1:] = [f"day day day {line}" if at % 3 else line for at, line in enumerate(lines[1:])]
    tiny_csv.write_text("\n".join(lines) + "\n")
    options = {"train": str(tiny_csv), "backbone": str(tiny_backbone), "strategy": "feature-extraction"}
    recipe = assemble("fit", options | {"controls": False, "threads": 1, "output": str(tmp_path / "out")})
    found = run(recipe)
    evidence = json.loads((tmp_path / "out" / "evidence.json").read_text())
    texts = [line.rsplit(",", 2)[0] for line in lines[1:]]
    expected = {  # 60 rows are few: choices are made on all of them, by cross-validation
        "split": "cross-validation",
        "rows": sum(len(set(text.split())) < len(text.split()) for text in texts),
        "most": max(text.split().count("day") for text in texts),
    }
    assert evidence["repeats"] == found.result["repeats"] == expected
    sentence = f"In {expected['rows']} cross-validation rows a word is repeated."
    assert sentence in evidence["verdict"]
    page = (tmp_path / "out" / "report.html").read_text()
    section = page[page.index('<section id="measured-repeats"') :]
    assert page.index('<section id="slices"') < page.index('<section id="measured-repeats"') < page.index('id="data"')
    section = section[: section.index("</section>")]
    assert '<a href="#measured-repeats">Repeated words</a>' in page
    assert f"<p>{sentence}</p>" in section
    assert f'<bdi>&lt;rows&gt;</bdi></th><td class="n">{expected["rows"]}</td>' in section
    assert '<td class="n">\N{EN DASH}</td>' in section
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"\n\n## Repeated words\n\nA word occurs up to {expected['most']} times.\n\n## Data" in card


@pytest.mark.usefixtures("repeats")
def test_what_a_measurement_costs_is_kept_back_from_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"train": "a.csv", "measure": "repeats", "budget": 100}

    class Parts:
        test = range(40)

    def kept(**options: Any) -> float:
        plan = Plan(assemble("fit", named | options), Parts(), None, Deadline(0.0))  # type: ignore[arg-type]
        plan.rate = 0.5
        return plan.kept

    assert kept() == pytest.approx(LAST_STEPS + 3.0 + 40 * 0.5)  # 3 % of the budget, and a pass over 40 rows
    assert kept(measure="slices") == pytest.approx(LAST_STEPS + 3.0)
    assert kept(measure="slices", budget="100h") == pytest.approx(LAST_STEPS + 120.0)  # not three hours


@pytest.mark.usefixtures("repeats")
def test_measurements_are_named_at_every_door_and_kept_in_the_resolved_recipe(tiny_csv: Path) -> None:
    assert assemble("fit", {"train": "a.csv"}).measure is None
    assert "measure" not in assemble("fit", {"train": "a.csv"}).plain()
    named = assemble("fit", {"train": "a.csv", "measure": "slices,confusion"})
    assert [each.name for each in named.measure] == ["slices", "confusion"]
    # In the order of the report, with what report and card rely on.
    assert [each.name for each in named.measured()] == [
        "teacher",
        "added",
        "thresholds",
        "confusion",
        "slices",
        "lengths",
    ]
    assert named.plain()["measure"] == [{"name": "slices"}, {"name": "confusion"}]
    settings = assemble("fit", {"train": "a.csv"}, {"measure": [{"name": "repeats", "least": 3}]})
    assert settings.measure == (Repeats(least=3),)
    options = {"strategy": "tf-idf", "C": 1.0, "controls": False, "threads": 1, "cache": False}
    model = headstart.fit(str(tiny_csv), measure=[{"name": "repeats", "least": 3}], **options)
    assert model.recipe["measure"] == [{"name": "repeats", "least": 3}]
    texts = [line.rsplit(",", 2)[0].split() for line in tiny_csv.read_text().splitlines()[1:]]
    thrice = sum(any(text.count(word) > 2 for word in text) for text in texts)
    assert model.evidence["repeats"]["rows"] == thrice > 0
    assert "slices" not in model.evidence
    assert model.evidence["task"]["thresholds"] == []


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("slice", "unknown measurement 'slice'; did you mean 'slices'"),
        ("slices,slices", "a measurement is named twice"),
    ],
)
def test_a_measurement_that_is_not_there_or_named_twice_is_a_fault_of_the_recipe(named: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        assemble("fit", {"train": "a.csv", "measure": named})


def test_an_artifact_is_measured_without_its_run(tiny_csv: Path, tmp_path: Path) -> None:
    options = {"train": str(tiny_csv), "strategy": "tf-idf", "C": 1.0, "controls": False, "threads": 1}
    run(assemble("fit", options | {"abstain": 0.6, "output": str(tmp_path / "out")}))
    artifact = load(tmp_path / "out")
    rows, _ = artifact.task.parse(open_table(str(tiny_csv)))
    outputs = artifact.outputs(list(rows.inputs))
    subject = Subject(artifact.predictor, artifact.task, rows, outputs, "tiny")
    evidence: dict[str, Any] = {}
    measure([Slices(), Confusion()], subject, evidence)
    assert evidence["confusion"]["split"] == evidence["slices"]["split"] == "tiny"
    matrix = evidence["confusion"]["matrix"]
    assert [sum(row) for row in matrix] == [30, 30]
    assert evidence["slices"]["overall"]["value"] == pytest.approx((matrix[0][0] + matrix[1][1]) / 60)
    assert [
        (group["by"], sorted(row["score"]["n"] for row in group["slices"])) for group in evidence["slices"]["groups"]
    ][-1] == ("channel", [20, 40])
    every: dict[str, Any] = {}
    measure(wanted(None), subject, every)
    strange = {
        "out_of_scope",
        "prediction_sets",
        "by_label",
        "span_errors",
        "number_errors",
    }  # rows have one label each
    strange |= {"doubts", "written_texts", "source_lengths", "rare_words"}  # and no text is written for them
    assert {name for name in every if every[name] is None} == {
        "added",
        "domains",
        "teacher",
        "tests",
    } | strange  # the former compare strategies
    assert every["data"] == {"lengths": None}
    assert every["abstention"]["asked"]["threshold"] == 0.6


def test_texts_and_columns_that_may_not_be_shown_are_not_measured(tiny_csv: Path) -> None:
    options = {"strategy": "tf-idf", "C": 1.0, "controls": False, "threads": 1, "cache": False}
    model = headstart.fit(str(tiny_csv), rows=False, **options)
    assert model.evidence["worst_rows"] is None
    assert [group["kind"] for group in model.evidence["slices"]["groups"]] == ["length"]


@pytest.mark.parametrize("name", MEASUREMENTS.names())
def test_a_measurement_is_a_frozen_component_that_speaks_of_nothing_where_it_was_not_measured(name: str) -> None:
    cls = MEASUREMENTS.get(name)
    assert issubclass(cls, Measurement)
    assert cls.name == name
    written = json.loads(json.dumps(cls().plain()))
    assert written.pop("name") == name
    assert parse(cls, written) == cls()
    assert cls().seconds(1000, 0.0) == 0.0
    if not issubclass(cls, AskedAgain):  # of these it hangs on files
        assert (cls().seconds(1000, 1.0) > 0) == (name == "faithfulness"), "all others read what is known"
    assert cls.of({}) is None
    assert measured({}) == []
