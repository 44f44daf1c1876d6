"""The skeletons of `examples/skeletons` are whole: each is registered by one line and does its work."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.bag_of_embeddings import NAME, make_bag
from tests.docs.conftest import ROOT, Shell

import headstart
from headstart.backbones import BACKBONES
from headstart.decisions import DECISIONS
from headstart.evaluation import MEASUREMENTS
from headstart.metrics import METRICS
from headstart.readers import READERS
from headstart.recipes.verbs import VERBS
from headstart.registry import Registry
from headstart.strategies import STRATEGIES
from headstart.tasks import TASKS

KINDS: dict[str, tuple[Registry, str, str]] = {
    "backbone": (BACKBONES, NAME, "BagOfEmbeddings"),
    "decision": (DECISIONS, "prior-shift", "PriorShift"),
    "measurement": (MEASUREMENTS, "questions", "Questions"),
    "metric": (METRICS, "balanced_accuracy", "BALANCED_ACCURACY"),
    "reader": (READERS, "blocks", "Blocks"),
    "strategy": (STRATEGIES, "nearest-mean", "NearestMean"),
    "task": (TASKS, "yes-or-no", "YesOrNo"),
    "verb": (VERBS, "lengths", "Lengths"),
}
FEEDBACK = "examples/feedback/train.csv"


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Register the skeleton of a kind, as a line in a table or an entry point does."""

    def register(kind: str) -> None:
        registry, name, thing = KINDS[kind]
        monkeypatch.setitem(registry._table, name, f"skeletons.{kind}:{thing}")

    return register


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """Forty texts with yes and no in several spellings, and one with neither."""
    rows = [f"{'good' if at % 2 else 'bad'} day {at},{('no', 'Y', 'FALSE', '1')[at % 4]}" for at in range(40)]
    path = tmp_path / "answers.csv"
    path.write_text("\n".join(["text,answer", *rows, "who knows,perhaps"]) + "\n")
    return path


def test_there_is_a_skeleton_for_every_kind_and_a_test_for_every_skeleton() -> None:
    assert {path.stem for path in (ROOT / "examples" / "skeletons").glob("*.py")} == KINDS.keys()


@pytest.mark.parametrize("folds", [0, 3])
def test_the_strategy_fits_chooses_and_is_resolved(folds: int, registered: Callable[[str], None], shell: Shell) -> None:
    registered("strategy")
    options = {"strategy": "nearest-mean", "controls": False, "folds": folds}
    first = headstart.fit(FEEDBACK, **options, output="runs/one")
    chosen = first.recipe["strategy"]["sharpness"]
    assert chosen > 0
    headstart.run(first.recipe | {"output": "runs/two"})
    texts = ["good morning", "it broke"]
    one, two = (headstart.load(f"runs/{name}").predict_proba(texts) for name in ("one", "two"))
    np.testing.assert_array_equal(one, two)


def test_the_means_are_those_of_the_labels() -> None:
    from skeletons.strategy import nearest

    weight, bias = nearest(np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0]]), np.array([0, 0, 1]), 2)
    assert weight.tolist() == [[1.0, 0.0], [0.0, 4.0]]
    assert bias.tolist() == [-0.5, -8.0]


def test_the_task_reads_its_spellings_and_reports_what_is_neither(
    registered: Callable[[str], None], answers: Path, shell: Shell
) -> None:
    registered("task")
    result = json.loads(shell.run(f"headstart fit {answers} --task yes-or-no -s tf-idf --no-controls -o runs/a --json"))
    assert [row["reason"] for row in result["dropped_rows"]] == ["'perhaps' is neither yes nor no"]
    assert json.loads(shell.run('headstart predict runs/a "good day"'))["label"] == "yes"


def test_the_metric_is_reported_and_chosen_by(registered: Callable[[str], None], shell: Shell) -> None:
    registered("metric")
    options = {"strategy": "tf-idf", "controls": False, "metric": "balanced_accuracy"}
    [row] = headstart.fit(FEEDBACK, **options).evidence["leaderboard"]
    assert 0 < row["scores"]["validation"]["balanced_accuracy"]["value"] <= 1


def test_the_metric_is_the_mean_recall() -> None:
    from skeletons.metric import balanced

    assert balanced(np.array([[1, 5, 4, 3, 3, 3, 0, 0, 0]])).tolist() == [0.625]


def test_the_measurement_is_in_verdict_page_and_card(registered: Callable[[str], None], shell: Shell) -> None:
    registered("measurement")
    found = headstart.fit(FEEDBACK, strategy="tf-idf", controls=False, measure="questions", output="runs/q")
    said = next(each for each in found.evidence["verdict"] if each.startswith("On "))
    assert said in Path("runs/q/README.md").read_text()
    assert (
        "<h2>Questions" in Path("runs/q/report.html").read_text()
        or ">Questions<" in Path("runs/q/report.html").read_text()
    )


def test_the_decision_moves_probabilities_and_is_kept(registered: Callable[[str], None], shell: Shell) -> None:
    registered("decision")
    options = {"strategy": "tf-idf", "controls": False}
    plain = headstart.fit(FEEDBACK, **options)
    shares = {"name": "prior-shift", "shares": [0.9, 0.05, 0.05]}
    headstart.fit(FEEDBACK, **options, decisions=[shares], output="runs/moved")
    before, after = (each.predict_proba(["What now?"])[0] for each in (plain, headstart.load("runs/moved")))
    assert after[0] > before[0]


def test_the_backbone_is_opened_by_its_name(
    registered: Callable[[str], None], shell: Shell, tiny_backbone: Path, tmp_path: Path
) -> None:
    registered("backbone")
    bag = make_bag(tmp_path / "bag", tiny_backbone)
    line = f"headstart fit {FEEDBACK} --backbone {bag} -s feature-extraction --no-controls -o runs/bag --json"
    assert json.loads(shell.run(line))["backbone"].endswith("bag")


def test_the_reader_reads_writes_and_drops(registered: Callable[[str], None], shell: Shell) -> None:
    registered("reader")
    rows = [f"text: it is {'good' if at % 2 else 'bad'} {at}\nlabel: {at % 2}\n" for at in range(40)]
    Path("a.blocks").write_text("\n".join([*rows, "text: alone\n"]))
    line = "headstart fit a.blocks -s tf-idf --no-controls -o runs/b --json"
    result = json.loads(shell.run(line))
    assert [(row["line"], row["reason"]) for row in result["dropped_rows"]] == [
        (121, "has the keys text, expected text, label")
    ]
    shell.run("headstart predict runs/b --input a.blocks --output b.blocks")
    assert Path("b.blocks").read_text().startswith("text: it is bad 0\nlabel: 0\nprediction: 0\n")


def test_the_verb_is_called_from_shell_and_python(
    registered: Callable[[str], None], shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered("verb")
    assert json.loads(shell.run('headstart lengths "one text" "and another one" --least 3 --json')) == {"words": 3}
    assert headstart.run({"verb": "lengths", "texts": ["one text"]}) == {"words": 2}
