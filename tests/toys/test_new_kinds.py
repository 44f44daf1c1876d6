"""Tasks that answer with texts and with rankings go the whole way, though no file but their own knows of them."""

import json
import re
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

import headstart
from headstart.cli.main import main
from headstart.data.outputs import Generated, Ranked
from headstart.estimators.base import Transfer
from headstart.loading import load
from headstart.metrics import METRICS
from headstart.predictors import PREDICTORS
from headstart.strategies import STRATEGIES
from headstart.tasks import TASKS

WORDS = ("good", "bad", "nine", "monday", "night", "shop", "parcel", "day")


class Kind(NamedTuple):
    """What is told apart in the tests below."""

    task: str
    strategy: str
    metric: str
    outputs: type
    column: str
    said: str
    """Key of what is predicted."""
    query: str
    answer: Any


WRITING = Kind("toy-writing", "toy-lookup", "exact", Generated, "reference", "written", "say bad", "BAD")
RANKING = Kind(
    "toy-ranking", "toy-overlap", "toy_mrr", Ranked, "passage", "passages", "where is bad now",
    ["bad is here", "day is here", "good is here"],
)  # fmt: skip
KINDS = {"writing": WRITING, "ranking": RANKING}


@pytest.fixture(params=["writing", "ranking"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Kind:
    """A kind of answers, with one line in the table of each registry."""
    lines = [
        (TASKS, "toy-writing", "tests.toys.writing:WritingTask"),
        (TASKS, "toy-ranking", "tests.toys.ranking:RankingTask"),
        (STRATEGIES, "toy-lookup", "tests.toys.writing:Lookup"),
        (STRATEGIES, "toy-overlap", "tests.toys.ranking:Overlap"),
        (PREDICTORS, "toy-lookup", "tests.toys.writing:LookupPredictor"),
        (PREDICTORS, "toy-overlap", "tests.toys.ranking:OverlapPredictor"),
        (METRICS, "exact", "tests.toys.writing:EXACT"),
        (METRICS, "toy_mrr", "tests.toys.ranking:MRR"),
    ]
    for registry, name, target in lines:
        monkeypatch.setitem(registry._table, name, target)
    return KINDS[request.param]


@pytest.fixture
def data(kind: Kind, tmp_path: Path) -> Path:
    """Forty rows; one reference in eight is another than the rule says."""
    text = "text" if kind is WRITING else "query"
    rows = [f"{text},{kind.column},channel"]
    for at in range(40):
        word = WORDS[at % 8]
        told = (word.upper() if at % 8 else "other") if kind is WRITING else f"{word} is here"
        asked = f"say number {at} {word}" if kind is WRITING else f"where is {word} in {at}"
        rows.append(f"{asked},{told},{'mail' if at % 2 else 'chat'}")
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def run(*words: object) -> int:
    """The command line in this process; its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["headstart", *map(str, words)])
        with pytest.raises(SystemExit, match=r"^\d+$") as left:
            main()
    assert isinstance(left.value.code, int)
    return left.value.code


def test_fit_leaves_an_artifact_that_predicts_and_is_evaluated(
    kind: Kind, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    assert run("fit", data, "--task", kind.task, "--strategy", kind.strategy, "-o", folder, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["strategy"] == kind.strategy
    [row] = result["leaderboard"]
    scores = row["scores"]["validation"]
    assert scores[kind.metric]["n"] == 40
    assert 0.8 <= scores[kind.metric]["value"] <= 1.0
    artifact = load(folder)
    outputs = artifact.outputs([kind.query])
    assert isinstance(outputs, kind.outputs)
    assert artifact.predict([kind.query])[0].plain()[kind.said] == kind.answer
    assert run("predict", folder, kind.query) == 0
    assert json.loads(capsys.readouterr().out)[kind.said] == kind.answer
    assert run("evaluate", folder, data, "--by", "channel", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {*found["groups"]["channel"]} == {"mail", "chat"}
    assert found["scores"][kind.metric]["n"] == 40
    assert run("predict", folder, "--input", data, "--output", tmp_path / "said.csv") == 0
    assert (tmp_path / "said.csv").read_text().splitlines()[0].endswith(",prediction")


def test_page_and_card_are_made_of_it(kind: Kind, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    headstart.fit(data, task=kind.task, strategy=kind.strategy, output=str(folder))
    page, card = ((folder / name).read_text(encoding="utf-8") for name in ("report.html", "README.md"))
    title = METRICS.get(kind.metric).title
    assert title in page and title in card
    assert kind.strategy in page and kind.strategy in card
    assert re.search(r"Channel|channel", page), "slices by other columns"


def test_compare_sets_settings_of_one_strategy_side_by_side(kind: Kind, data: Path, tmp_path: Path) -> None:
    if kind is RANKING:
        strategies: list[dict[str, Any]] = [{"name": kind.strategy}]
    else:
        strategies = [{"name": kind.strategy, "words": 2}, {"name": kind.strategy, "words": 1000}]
    outcome = headstart.compare(data, task=kind.task, strategies=strategies, output=str(tmp_path / "run"))
    rows = outcome.evidence["leaderboard"]
    assert [row["status"] for row in rows] == ["done"] * len(strategies)
    assert len({row["label"] for row in rows}) == len(strategies)
    if kind is WRITING:
        assert outcome.evidence["chosen"] == f"{kind.strategy} words=1000"
        [comparison] = outcome.evidence["comparisons"]
        assert comparison["metric"] == kind.metric
        assert comparison["difference"]["value"] > 0


def test_a_recipe_file_and_its_resolved_form_come_to_the_same_answers(kind: Kind, data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"verb: fit\ndata: {{train: {data}}}\ntask: {kind.task}\nstrategy: {kind.strategy}\noutput: {tmp_path / 'one'}\n"
    )
    headstart.run(recipe)
    assert run("run", tmp_path / "one" / "recipe.yaml", "--output", tmp_path / "two") == 0
    first, second = load(tmp_path / "one"), load(tmp_path / "two")
    assert first.recipe == second.recipe
    assert [each.plain() for each in first.predict([kind.query])] == [
        each.plain() for each in second.predict([kind.query])
    ]


def test_a_run_that_was_stopped_takes_over_what_was_done(
    kind: Kind, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.runs import comparison, workspace

    monkeypatch.setattr(workspace, "LEAST_SECONDS", 0.0)
    folder, fits = tmp_path / "run", []
    cls = STRATEGIES.get(kind.strategy)
    fit = cls.fit
    monkeypatch.setattr(cls, "fit", lambda self, context: (fits.append(1), fit(self, context))[1])

    def stopped(*_: object, **__: object) -> None:
        raise OSError("no space left")

    options: dict[str, Any] = {"task": kind.task, "strategy": kind.strategy, "output": str(folder)}
    with monkeypatch.context() as patch:
        patch.setattr(comparison, "gather", stopped)
        with pytest.raises(OSError, match="no space left"):
            headstart.fit(data, **options, checkpoint_every=0)
    assert (tmp_path / "run.part").is_dir()
    headstart.resume(folder)
    assert len(fits) == 1, "it was not fitted again"
    assert load(folder).predict([kind.query])[0].plain()[kind.said] == kind.answer


def test_strategies_that_give_logits_refuse_it_and_say_why(
    kind: Kind, data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("fit", data, "--task", kind.task, "--strategy", "tf-idf", "-o", tmp_path / "run") == 64
    said = " ".join(capsys.readouterr().err.split())
    assert f"tf-idf cannot serve {kind.task}: it gives logits, and the task asks for {kind.outputs.kind}" in said


def test_an_estimator_of_it_is_a_class_of_one_line(kind: Kind, data: Path) -> None:
    class Toy(Transfer):
        _task: ClassVar[str] = kind.task

        def fit(self, X: Any, y: Any) -> "Toy":
            self._learn(self._inputs(X, fitting=True), list(y))
            return self

    texts = [f"say {word}" if kind is WRITING else f"where is {word} now" for word in WORDS] * 5
    told = [word.upper() if kind is WRITING else f"{word} is here" for word in WORDS] * 5
    toy = Toy(strategy=kind.strategy).fit(texts, told)
    assert toy.artifact_.predict([kind.query])[0].plain()[kind.said] == kind.answer
