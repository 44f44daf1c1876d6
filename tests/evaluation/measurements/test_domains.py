"""What is lost out of domain, how sure that is, and which strategy loses least."""

from typing import Any

import invented
import numpy as np
import pytest

from headstart.data.examples import Example
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.evaluation.judging import plain, scores
from headstart.evaluation.measurements.base import measure
from headstart.evaluation.measurements.domains import Domains, gap
from headstart.evaluation.measurements.named_tests import NamedTests
from headstart.evaluation.subjects import Contender, FinishedRun, Subject
from headstart.metrics.intervals import proportion
from headstart.tasks.text_classification import TextClassification
from headstart.types import Score


def test_the_interval_of_the_gap_is_made_of_those_of_the_scores() -> None:
    found = gap(Score(0.9, 0.86, 0.93, 400), Score(0.7, 0.67, 0.78, 250))
    assert found.value == pytest.approx(-0.2)
    # Down: 0.03 below the score outside and 0.03 above that inside; up: 0.08 above and 0.04 below.
    assert found.low == pytest.approx(-0.2 - np.sqrt(0.03**2 + 0.03**2))
    assert found.high == pytest.approx(-0.2 + np.sqrt(0.08**2 + 0.04**2))
    assert found.n == 250


def test_nineteen_of_twenty_intervals_hold_the_true_gap() -> None:
    random = np.random.default_rng(0)
    hits = 0
    for _ in range(400):
        inside, outside = random.binomial(200, 0.85), random.binomial(100, 0.7)
        found = gap(proportion(int(inside), 200), proportion(int(outside), 100))
        hits += found.low <= -0.15 <= found.high
    assert 0.92 <= hits / 400 <= 0.98


def subject(*parts: str) -> Subject:
    """Of three strategies that are wrong on 20, none and one of 40 rows, the same rows in each part."""
    task = TextClassification(text=("text",), label="label", labels=("no", "yes"), metric="accuracy")
    targets = np.arange(40) % 2
    rows = Store([Example("a", ("no", "yes")[at]) for at in targets], list(range(40)), "t.csv")

    def contender(label: str, wrong: int) -> Contender:
        values = np.where(targets[:, None] == np.arange(2), 2.0, 0.0)
        values[:wrong] = values[:wrong, ::-1]
        outputs = Logits.of(values)
        found = plain(scores(task, outputs, rows))
        return Contender(label, "transfer", dict.fromkeys(parts, found), dict.fromkeys(parts, outputs))

    contenders = tuple(contender(*each) for each in (("first", 20), ("second", 0), ("third", 1)))
    settings = {"data": {"tests": {"shop": "shop.csv", "film": "film.csv"}}}
    run = FinishedRun(contenders, dict.fromkeys(parts, rows), {"choices": "validation"}, settings)
    return Subject(None, task, rows, contenders[0].outputs["validation"], "validation", run=run)  # type: ignore[arg-type]


def test_the_best_out_of_domain_is_tested_on_those_rows_and_p_values_are_corrected_together() -> None:
    evidence: dict[str, Any] = {}
    measure([Domains(), NamedTests()], subject("validation", "target", "shop"), evidence)
    found = evidence["domains"]
    assert [row["strategy"] for row in found["rows"]] == ["second", "third", "first"]
    assert found["inside"] == "validation"
    far, near = sorted(found["comparisons"], key=lambda row: row["b"])
    assert (far["a"], far["b"], far["split"], far["difference"]["value"]) == ("second", "first", "target", 0.5)
    assert far["p_holm"] == pytest.approx(2 * far["p"])
    assert near["p_holm"] == near["p"] > 0.5
    assert list(evidence["tests"]) == ["shop"]  # film has no rows
    assert {row["split"] for row in evidence["tests"]["shop"]["comparisons"]} == {"shop"}


def test_without_rows_of_a_target_domain_nothing_is_measured_there() -> None:
    evidence: dict[str, Any] = {}
    measure([Domains(), NamedTests()], subject("validation", "test"), evidence)
    assert evidence == {"domains": None, "tests": {}}


def shown(evidence: dict[str, Any]) -> dict[str, Any] | None:
    return Domains().view(evidence.get("domains") or {}, evidence)


def test_domains_stand_side_by_side_with_what_tests_say_of_the_best() -> None:
    found = shown(invented.two_domains())
    assert found is not None
    assert (found["metric"], found["inside"], found["texts"], found["lower"]) == ("accuracy", "test", 2000, False)
    assert [row["strategy"] for row in found["rows"]] == ["fine-tuning", "feature-extraction", "tf-idf", "from-scratch"]
    assert found["rows"][0]["tested"] is None
    assert found["readings"] == dict.fromkeys(["feature-extraction", "tf-idf", "from-scratch"], "fine-tuning is better")


def test_named_tests_have_a_table_each_of_what_was_scored_on_them() -> None:
    made = invented.named_tests()
    found, wanted = NamedTests().view(made["tests"], made), shown(invented.two_domains())
    assert found is not None
    assert wanted is not None
    assert [*found] == ["corner shop"]
    assert found["corner shop"]["rows"][0]["outside"] == wanted["rows"][0]["outside"]
    assert found["corner shop"]["readings"] == wanted["readings"]
    assert NamedTests().view({}, {}) is None


def test_without_rows_of_a_target_domain_there_is_no_such_section() -> None:
    assert shown(invented.evidence()) is None
    assert shown({"domains": {"rows": [{"strategy": "a", "outside": {"value": float("nan")}}]}}) is None
