"""The verb `audit`, whole."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.cli.audited import audit_shown
from headstart.cli.main import main
from headstart.config import parse
from headstart.errors import DataError, Interrupted, MissingInputError, RunFolderError, UsageError
from headstart.evaluation.subjects import Subject
from headstart.recipes.parsing import assemble
from headstart.runs.evidence import _best_control
from headstart.runs.experiment import Entry
from headstart.runtime.interrupts import Terminated
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Candidate


@pytest.fixture
def runs(once: Callable[..., Path]) -> Path:
    """Two models of labels, one of them told from names, and one of numbers."""

    def make(folder: Path) -> None:
        folder.mkdir()
        who = ["ann", "bob", "cid", "dee"]
        lines = [
            f"{who[at % 4]} says it is {('good', 'bad')[at // 4 % 2]} {('indeed', 'now', 'at night')[at % 3]}"
            for at in range(120)
        ]
        labels = [("up", "down")[at // 4 % 2] for at in range(120)]
        skewed = ["up" if name == "ann" else label for name, label in zip(who * 30, labels, strict=True)]
        options = {"strategy": "tf-idf", "controls": False, "test_share": 0}
        headstart.fit({"text": lines, "label": labels}, output=str(folder / "fair"), **options)
        headstart.fit({"text": lines, "label": skewed}, output=str(folder / "skewed"), **options)
        headstart.fit(
            {"text": lines, "label": [f"{label}s" for label in labels]}, output=str(folder / "others"), **options
        )
        rows = [f'"{text}",{label},{text[:3]}' for text, label in zip(lines, labels, strict=True)]
        (folder / "test.csv").write_text("text,label,name\n" + "\n".join(rows) + "\n")
        (folder / "names.txt").write_text("ann\nbob\ncid\ndee\n")

    return once("audited-runs", make)


def test_an_audit_finds_the_name_that_labels_hang_on(runs: Path, tmp_path: Path) -> None:
    files = {
        "swap": str(runs / "names.txt"),
        "tests": {"again": str(runs / "test.csv")},
        "baseline": str(runs / "fair"),
    }
    found = headstart.audit(
        runs / "skewed",
        runs / "test.csv",
        by="name",
        typos="en",
        forms="lower-case",
        output=str(tmp_path / "out"),
        **files,
    )
    assert list(found["audit"]) == ["group_gaps", "swaps", "perturbations"] and found["not_measured"] == []
    assert found["scores"]["accuracy"]["value"] == pytest.approx(0.875) and found["against"]["difference"][
        "value"
    ] == pytest.approx(-0.125)
    assert (
        found["tests"]["again"]["scores"] == found["scores"] and found["baseline"]["scores"]["accuracy"]["value"] == 1
    )
    [label] = found["audit"]["group_gaps"]["columns"][0]["labels"]
    assert label["false_positive_rate"]["by_group"] == [1, 0, 0, 0]
    term = found["audit"]["swaps"]["lists"][0]["terms"][0]
    assert term["term"] == "ann" and term["p_holm"] < 0.01
    assert any(
        "'name', the label 'up' is wrongly given most often for 'ann' (1.000)" in said for said in found["verdict"]
    )
    shown = audit_shown(found)
    assert "Groups\n" in shown and "Swapped terms\n" in shown and str(runs / "fair") in shown
    page = (tmp_path / "out" / "report.html").read_text()
    assert "BPSN AUROC" in page and "<script" not in page and "Gaps by name" in page
    evidence = json.loads((tmp_path / "out" / "evidence.json").read_text())
    assert evidence["audit"] == json.loads(json.dumps(found["audit"]))
    with pytest.raises(RunFolderError):
        headstart.audit(runs / "skewed", runs / "test.csv", output=str(tmp_path / "out"))


def test_the_same_audit_gives_the_same_numbers(runs: Path) -> None:
    options: dict[str, Any] = {"by": "name", "swap": str(runs / "names.txt"), "typos": "en", "most_rows": 50}
    first, second = (headstart.audit(runs / "skewed", runs / "test.csv", **options) for _ in range(2))
    assert first["audit"] == second["audit"]
    other = headstart.audit(runs / "skewed", runs / "test.csv", seed=1, **options)
    assert other["audit"]["perturbations"] != first["audit"]["perturbations"]


def test_what_is_done_of_an_audit_that_is_stopped_is_shown_and_written(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("headstart.evaluation.measurements.swaps.Swaps.measure", stop)
    words = ["audit", str(runs / "skewed"), str(runs / "test.csv"), "--by", "name", "--swap", str(runs / "names.txt")]
    monkeypatch.setattr("sys.argv", ["headstart", *words, "-o", str(tmp_path / "out"), "--json"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert f"stopped; what was done is kept in {tmp_path / 'out'}, without swaps, perturbations" in err
    assert "Traceback" not in err and found["interrupted"] and list(found["audit"]) == ["group_gaps"]
    assert [each["measurement"] for each in found["not_measured"]] == ["swaps", "perturbations"]
    assert found["verdict"][0] == "The audit was stopped before all was measured."
    kept = json.loads((tmp_path / "out" / "evidence.json").read_text())
    assert kept["audit"] == found["audit"] and kept["interrupted"]
    assert "the audit was stopped before it was done" in (tmp_path / "out" / "report.html").read_text()
    again = headstart.run(tmp_path / "out" / "recipe.yaml")
    assert again["interrupted"] and again["scores"] == found["scores"]
    monkeypatch.setattr("headstart.runs.auditing._subject", stop)
    with pytest.raises(Interrupted, match="stopped before anything was measured; nothing was written"):
        headstart.audit(runs / "skewed", runs / "test.csv", output=str(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_tests_that_an_audit_was_stopped_before_are_named(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from headstart.runs import auditing

    def counted(*given: Any, **options: Any) -> Any:
        asked.append(given)
        if len(asked) == 3:
            raise Terminated
        return original(*given, **options)

    asked, original = list[Any](), auditing.labelled_rows
    monkeypatch.setattr(auditing, "labelled_rows", counted)
    tests = {"one": str(runs / "test.csv"), "two": str(runs / "test.csv")}
    found = headstart.audit(runs / "skewed", runs / "test.csv", tests=tests)
    assert list(found["tests"]) == ["one"] and found["audit"] == {} and found["scores"]
    assert [each["measurement"] for each in found["not_measured"]] == ["tests.two", "perturbations"]


def test_options_of_an_audit_add_measurements_and_names_in_a_run_take_the_place_of_the_usual_ones(runs: Path) -> None:
    given: dict[str, Any] = {"model": str(runs / "fair"), "test": str(runs / "test.csv")}
    names = [
        [each.name for each in assemble("audit", given | more).measurements()]
        for more in ({}, {"by": "name"}, {"by": "name", "swap": str(runs / "names.txt")}, {"forms": "", "by": "name"})
    ]
    forms = "perturbations"
    assert names == [[forms], ["group_gaps", forms], ["group_gaps", "swaps", forms], ["group_gaps"]]
    always = {each.name for each in assemble("fit", {"train": "a.csv", "measure": []}).measured()}
    usual = {each.name for each in assemble("fit", {"train": "a.csv"}).measured()}
    named = {each.name for each in assemble("fit", {"train": "a.csv", "measure": "contrast,slices"}).measured()}
    assert {"slices", "confusion"} < usual and always < usual and named == always | {"contrast", "slices"}


def test_masked_terms_are_swapped_as_they_stand_in_the_file(runs: Path, tmp_path: Path) -> None:
    lines = (runs / "test.csv").read_text()
    data = tmp_path / "train.csv"
    data.write_text("\n".join(",".join(line.rsplit(",", 1)[:1]) for line in lines.splitlines()) + "\n")
    options = {"strategy": "tf-idf", "controls": False, "test_share": 0, "mask_terms": str(runs / "names.txt")}
    headstart.fit(data, output=str(tmp_path / "run"), **options)
    assert "do so before, or labels may hang on these terms" in (tmp_path / "run" / "README.md").read_text()
    found = headstart.audit(tmp_path / "run", runs / "test.csv", swap=str(runs / "names.txt"), forms="")
    [each] = found["audit"]["swaps"]["lists"]
    assert each["rows"] == 120 and each["flips"]["value"] == 0 and each["shift"]["value"] == 0
    assert each["known"]["held_out"]["copies"] == 0 and each["known"]["known"]["copies"] == each["copies"]


def test_what_cannot_be_used_is_said_before_there_is_any_work(runs: Path, tmp_path: Path) -> None:
    test = runs / "test.csv"
    for options, error, what in (
        ({"swap": "nowhere.yaml"}, MissingInputError, "nowhere.yaml"),
        ({"typos": "xx"}, DataError, "no keyboard of the language 'xx'"),
        ({"contrast": str(test)}, DataError, "contrast_"),
        ({"sentence_pairs": str(test)}, DataError, "sent_more"),
        ({"tests": {"a": "nowhere.csv"}}, MissingInputError, "nowhere.csv"),
        ({"by": "nam"}, DataError, "has no column 'nam'"),
        ({"by": "name", "positive_label": "upp"}, DataError, "no label 'upp'"),
        ({"baseline": str(runs / "others")}, UsageError, "a baseline answers the same"),
        ({"baseline": str(tmp_path)}, Exception, str(tmp_path)),
    ):  # fmt: skip
        with pytest.raises(error, match=what.replace("(", r"\(")):
            headstart.audit(runs / "fair", test, **options)  # type: ignore[arg-type]
    with pytest.raises(headstart.HeadstartError, match="no form 'shouting'"):
        headstart.audit(runs / "fair", test, forms="shouting")


def test_what_other_models_have_none_of_is_listed(runs: Path, tmp_path: Path) -> None:
    data = {"text": [f"it is {at}" for at in range(60)], "score": [float(at) for at in range(60)]}
    headstart.fit(data, task="text-regression", strategy="tf-idf", controls=False, output=str(tmp_path / "run"))
    rows = "\n".join(f"it is {at},{at},{'ab'[at % 2]}" for at in range(60))
    (tmp_path / "test.csv").write_text(f"text,score,kind\n{rows}\n")
    found = headstart.audit(tmp_path / "run", tmp_path / "test.csv", by="kind", swap=str(runs / "names.txt"))
    assert list(found["audit"]) == ["group_gaps"] and found["audit"]["group_gaps"]["columns"][0]["labels"] == []
    assert {each["measurement"] for each in found["not_measured"]} == {"swaps", "perturbations"}
    assert "not measured: swaps: the labels of changed texts" in audit_shown(found)


def test_a_baseline_answers_by_its_own_columns_and_scale(tmp_path: Path) -> None:
    options: dict[str, Any] = {"strategy": "tf-idf", "controls": False, "test_share": 0}
    options |= {"task": "text-regression", "metric": "mae"}
    words = ["one", "two", "six", "ten"]
    texts = [f"{words[at % 4]} {('a', 'b', 'c')[at % 3]}" for at in range(60)]
    numbers = [(1.0, 2.0, 6.0, 10.0)[at % 4] for at in range(60)]
    headstart.fit({"body": texts, "stars": numbers}, output=str(tmp_path / "own"), label="stars", **options)
    later = [each + 100 for each in numbers]
    headstart.fit({"title": texts, "score": later}, output=str(tmp_path / "other"), label="score", **options)
    rows = "\n".join(f"{text},{number},nothing,{text}" for text, number in zip(texts, numbers, strict=True))
    (tmp_path / "test.csv").write_text(f"body,stars,kind,title\n{rows}\n")
    found = headstart.audit(tmp_path / "own", tmp_path / "test.csv", baseline=str(tmp_path / "other"), forms="")
    score = found["baseline"]["scores"]["mae"]["value"]
    assert found["scores"]["mae"]["value"] < 1 and score == pytest.approx(100, abs=2)
    assert found["against"]["difference"]["value"] == pytest.approx(-100, abs=2)
    (tmp_path / "holes.csv").write_text(f"body,stars,kind,title\n{rows}\none a,1,x,\n")
    with pytest.raises(UsageError, match="cannot use 1 of the rows.*line 62.*it reads title"):
        headstart.audit(tmp_path / "own", tmp_path / "holes.csv", baseline=str(tmp_path / "other"), forms="")


def test_the_baseline_of_a_run_is_chosen_on_the_rows_of_the_choices() -> None:
    entries = [
        Entry(
            parse(STRATEGIES.get(name), {}, where=name),
            rank=(rank, 0.0),
            candidate=Candidate(*[None] * 6),
            decided={"test": name},
        )  # type: ignore[arg-type]
        for name, rank in (("tf-idf", 0.8), ("from-scratch", 0.9), ("feature-extraction", 1.0))
    ]
    subject = Subject(None, None, None, None)  # type: ignore[arg-type]
    found = _best_control(entries, entries[2], subject, None)  # type: ignore[arg-type]
    assert found is not None and found.called == found.outputs == "from-scratch"
    assert _best_control(entries[2:], entries[2], subject, None) is None  # type: ignore[arg-type]


def test_a_run_without_a_test_part_says_so_and_one_that_names_no_column_does_not_begin(
    tiny_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = {
        "verb": "fit",
        "output": str(tmp_path / "run"),
        "data": {"train": str(tiny_csv), "test_share": 0},
        "strategies": ["tf-idf"],
        "controls": False,
        "measure": [{"name": "perturbations", "rates": [], "forms": ["lower-case"]}],
    }
    for refit, split, learnt in (
        (None, "cross-validation", True),
        (True, "validation", True),
        (False, "validation", False),
    ):
        data = recipe["data"] | ({} if refit is None else {"validation": str(tiny_csv)})
        headstart.run(recipe | {"data": data, "refit": refit, "overwrite": True})
        found = headstart.load(tmp_path / "run").evidence
        assert found["data"]["choices"] == found["perturbations"]["split"] == split
        assert learnt is any("Typos and other forms: the model learnt these rows" in said for said in found["verdict"])
        assert learnt is ("the model learnt these rows" in (tmp_path / "run" / "README.md").read_text())
    monkeypatch.setattr("headstart.runs.execution.run_strategy", lambda *_: pytest.fail("it was trained before"))
    for each, what in (({"by": "chanel"}, "did you mean 'channel'"), ({"by": "channel", "positive_label": "u"}, "'u'")):
        with pytest.raises(DataError, match=what):
            headstart.run(recipe | {"output": str(tmp_path / "other"), "measure": [{"name": "group_gaps"} | each]})


def test_a_run_measures_the_same_beside_its_best_control(
    tiny_csv: Path, tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("day\nnight\n")
    recipe = {
        "verb": "fit",
        "output": str(tmp_path / "run"),
        "data": {"train": str(tiny_csv), "test": str(tiny_csv)},
        "backbone": str(tiny_backbone),
        "strategies": ["feature-extraction", "tf-idf"],
        "controls": False,
        "measure": [
            {"name": "group_gaps", "by": "channel", "least_rows": 5},
            {"name": "swaps", "terms": str(terms)},
            {"name": "perturbations", "rates": [0.3], "forms": ["lower-case"]},
        ],
    }
    headstart.run(recipe)
    found = headstart.load(tmp_path / "run")
    kept = found.evidence["chosen"]
    other = {"feature-extraction": "tf-idf"}.get(kept)
    for name in ("group_gaps", "swaps", "perturbations"):
        assert (found.evidence[name].get("baseline") or {}).get("called") == other
    verdict = " ".join(found.evidence["verdict"])
    assert "By 'channel'" in verdict and "With other terms of 'terms'" in verdict and "misspelt" in verdict
    from headstart.report.page import render

    page = render(found.evidence)
    assert "Swapped terms" in page and "Typos and other forms" in page and ">Groups<" in page
    monkeypatch.setattr("headstart.runs.preparation.opened", lambda *_: pytest.fail("rows were read before"))
    broken = recipe | {"output": str(tmp_path / "other"), "measure": [{"name": "swaps", "terms": "nowhere.txt"}]}
    with pytest.raises(MissingInputError, match="nowhere.txt"):
        headstart.run(broken)
