"""Judging of all tasks: scores and orders as other libraries have them, clusters, and metrics that other packages add."""

import itertools
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as oracle

from headstart.config import parse
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.data.tags import spans_of
from headstart.errors import RecipeError
from headstart.evaluation import judging
from headstart.evaluation.judging import chosen_score, compared, plain, scores, scores_by_type, sort_key
from headstart.metrics import METRICS, hub_name_of, is_better_lower, title_of
from headstart.metrics.base import Metric, Tally
from headstart.metrics.resampling import bootstrap, interval_for_few, paired_test
from headstart.metrics.results import LabelResults
from headstart.tasks import TASKS

LABEL, NUMBER = ("accuracy", "macro_f1", "mcc", "log_loss"), ("pearson", "spearman", "rmse", "mae")
JUDGED = {
    "multi-label-classification": ("f1", "macro_f1", "map", "log_loss"),
    "sentence-similarity": NUMBER,
    "text-classification": LABEL,
    "text-pair-classification": LABEL,
    "text-regression": NUMBER,
    "token-classification": ("f1", "macro_f1", "log_loss"),
}
APART = {
    "dialogue", "question-answering", "response-selection", "retrieval", "summarization", "text-to-text", "translation",
}  # fmt: skip
"""Tasks that give spans, rankings and texts, whose results are tried in tests of their own."""
ALL = pytest.mark.parametrize("name", [name for name in TASKS.names() if name not in APART])


def made(name: str, metric: str | None = None, copies: int = 1) -> tuple[Any, Store[Any]]:
    """A task bound to its toy examples, each `copies` times in a group of its own."""
    examples = TASKS.get(name).toy_examples()
    store = Store(examples, list(range(len(examples))), "toy.csv")
    task = TASKS.get(name)(label="label", metric=metric).bind(store)
    if copies == 1:
        return task, store
    rows = np.repeat(np.arange(len(examples)), copies)
    return task, Store(store.take(rows).examples, list(range(len(rows))), "toy.csv", groups=rows * 3 + 1)


def said(task: Any, rows: Store[Any], *, seed: int = 0, signal: float = 1.0) -> Logits:
    """Outputs that say what is true, and noise; copies of a row have the same."""
    texts = [str(example) for example in rows.examples]
    firsts = rows.take([texts.index(text) for text in dict.fromkeys(texts)])
    targets = task.targets(firsts)
    width = len(task.names)
    true = targets[:, None] if task.target_kind == "number" else (
        2 * targets - 1 if task.target_kind == "labels" else np.eye(width)[targets] * 2
    )  # fmt: skip
    noise = np.random.default_rng(seed).normal(size=true.shape)
    outputs = task.logits((true * signal + noise).astype(np.float32), firsts)
    return outputs.take([list(dict.fromkeys(texts)).index(text) for text in texts])


def shares_of(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values.astype(np.float64))
    return powers / powers.sum(1, keepdims=True)


def loss_by_hand(task: Any, outputs: Logits, rows: Store[Any]) -> float:
    """Mean loss of units, as the docstring of each task has it."""
    values, targets = outputs.values.astype(np.float64), task.targets(rows)
    if task.target_kind == "number":
        return float(((values[:, 0] - targets) ** 2).mean())
    if task.target_kind == "labels":
        shares = 1 / (1 + np.exp(-values))
        return float(-(targets * np.log(shares) + (1 - targets) * np.log(1 - shares)).sum(1).mean())
    return float(-np.log(shares_of(values)[np.arange(len(targets)), targets]).mean())


def spans_found(task: Any, outputs: Logits, rows: Store[Any]) -> list[tuple[str, int, int, int]]:
    """Type, right, predicted and true spans of each type, of the best sequence of tags among all that are allowed."""
    counts = {kind: [0, 0, 0] for kind in task.types}
    for row in range(len(rows)):
        shares = np.log(shares_of(outputs.take([row]).values))
        best, tags = -np.inf, ()
        for path in _paths(task.names, len(shares)):
            value = sum(shares[at, task.names.index(tag)] for at, tag in enumerate(path))
            best, tags = (value, path) if value > best else (best, tags)
        true, given = ({*spans_of(each)} for each in (rows.get(row).label, tags))
        for kind, found in counts.items():
            mine, theirs = ({span for span in each if span.type == kind} for each in (true, given))
            for at, some in enumerate((mine & theirs, theirs, mine)):
                found[at] += len(some)
    return [(kind, *found) for kind, found in counts.items()]  # type: ignore[misc]


def _paths(names: tuple[str, ...], words: int) -> list[tuple[str, ...]]:
    """All sequences of tags in which I- stands behind B- or I- of its own type."""
    paths: list[tuple[str, ...]] = [()]
    for _ in range(words):
        paths = [
            (*path, tag)
            for path in paths
            for tag in names
            if not tag.startswith("I-") or (path and path[-1][2:] == tag[2:])
        ]
    return paths


def value_by_hand(task: Any, metric: str, outputs: Logits, rows: Store[Any]) -> float:
    """A metric as scikit-learn and SciPy have it, at the thresholds that are best for these rows."""
    values, targets = outputs.values.astype(np.float64), task.targets(rows)
    if metric == "log_loss":
        return loss_by_hand(task, outputs, rows)
    if task.target_kind == "number":
        true, given = (each * task.deviation + task.mean for each in (targets, values[:, 0]))
        return float(
            {
                "pearson": lambda: stats.pearsonr(true, given).statistic,
                "spearman": lambda: stats.spearmanr(true, given).statistic,
                "rmse": lambda: oracle.root_mean_squared_error(true, given),
                "mae": lambda: oracle.mean_absolute_error(true, given),
            }[metric]()
        )
    if task.target_kind == "tags":
        counts = [counted for _, *counted in spans_found(task, outputs, rows)]
        if metric == "macro_f1":
            return float(np.mean([2 * right / (given + true) for right, given, true in counts]))
        right, given, true = np.sum(counts, axis=0)
        return float(2 * right / (given + true))
    if task.target_kind == "labels":
        if metric == "map":
            return float(oracle.average_precision_score(targets, values, average="macro"))
        average = "micro" if metric == "f1" else "macro"
        borders = [[np.inf, *np.unique(column)] for column in values.T]
        if metric == "macro_f1":
            each = [
                max(oracle.f1_score(true, column >= border, zero_division=0) for border in some)
                for true, column, some in zip(targets.T, values.T, borders, strict=True)
            ]
            return float(np.mean(each))
        known = targets.sum()
        best = max(
            2 * ((given := values >= np.array(choice)) & (targets > 0)).sum() / (given.sum() + known)
            for choice in itertools.product(*borders)
        )
        assert average == "micro"
        return float(best)
    given = values.argmax(1)
    return float(
        {
            "accuracy": lambda: oracle.accuracy_score(targets, given),
            "macro_f1": lambda: oracle.f1_score(targets, given, average="macro"),
            "mcc": lambda: oracle.matthews_corrcoef(targets, given),
        }[metric]()
    )


def test_every_task_is_judged_here() -> None:
    assert sorted({*JUDGED} | APART) == sorted(TASKS.names())
    for name, metrics in JUDGED.items():
        assert sorted(metrics) == sorted(each.name for each in TASKS.get(name).all_metrics() if each.for_choices)


@pytest.mark.parametrize(("name", "metric"), [(name, metric) for name, each in JUDGED.items() for metric in each])
def test_the_sort_key_is_the_chosen_metric_and_then_the_loss(name: str, metric: str) -> None:
    task, rows = made(name, metric)
    if task.target_kind == "tags":
        rows = rows.take([at for at, row in enumerate(rows.examples) if len(row.input.words) <= 5])
    sign = -1 if metric in ("log_loss", "rmse", "mae") else 1
    for seed in range(3):
        outputs = said(task, rows, seed=seed, signal=0.7)
        found = sort_key(task, outputs, rows)
        assert found[0] == pytest.approx(sign * value_by_hand(task, metric, outputs, rows), rel=1e-5)
        assert found[1] == pytest.approx(-loss_by_hand(task, outputs, rows), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "metric"),
    [(name, metric) for name, each in JUDGED.items() for metric in each if metric not in ("log_loss", "rmse", "mae")],
)
def test_outputs_that_are_as_good_are_told_apart_by_their_loss(name: str, metric: str) -> None:
    task, rows = made(name, metric)
    outputs = said(task, rows)
    keys = {factor: sort_key(task, outputs.scaled(factor), rows) for factor in (0.25, 1.0, 4.0)}
    assert [key[0] for key in keys.values()] == pytest.approx([keys[1.0][0]] * 3)
    losses = {factor: loss_by_hand(task, outputs.scaled(factor), rows) for factor in keys}
    assert sorted(losses, key=lambda factor: losses[factor]) == sorted(keys, key=lambda factor: -keys[factor][1])


@ALL
def test_scores_are_all_metrics_of_the_task_in_order_and_the_chosen_one_is_among_them(name: str) -> None:
    task, rows = made(name)
    outputs = said(task, rows)
    found = scores(task, outputs, rows)
    assert list(found)[: len(task.metrics)] == list(task.metrics)
    assert all(score.low <= score.value <= score.high and score.n == 12 for score in found.values())
    chosen = chosen_score(task, outputs, rows)
    assert (chosen.value, chosen.n) == (pytest.approx(found[task.chosen_metric].value), 12)
    assert plain(found)[task.chosen_metric] == found[task.chosen_metric].plain()


@ALL
def test_perfect_outputs_are_better_than_noise_by_a_paired_test(name: str) -> None:
    task, rows = made(name)
    good, bad = said(task, rows, signal=20.0), said(task, rows, signal=0.0, seed=4)
    if task.target_kind == "number":
        good = task.logits(task.targets(rows)[:, None], rows)
    found = compared(task, good, bad, rows)
    assert found.metric == task.chosen_metric
    assert found.p < 0.05
    assert sort_key(task, good, rows) > sort_key(task, bad, rows)
    back = compared(task, bad, good, rows)
    assert back.difference.value == pytest.approx(-found.difference.value)
    assert compared(task, good, good, rows).p == 1


@ALL
def test_groups_are_what_is_resampled(name: str) -> None:
    task, rows = made(name, copies=4)
    alone, _ = made(name)
    apart = Store(rows.examples, rows.lines, rows.file)
    outputs, other = said(task, rows), said(task, rows, seed=5)
    found, single = scores(task, outputs, rows), scores(task, outputs, apart)
    results = task.results(outputs, rows)
    for metric in task.all_metrics():
        tally = metric.tally(results)
        assert found[metric.name] == bootstrap(metric, tally, clusters=rows.groups)
        assert found[metric.name].value == single[metric.name].value
        assert found[metric.name].n == 48
    chosen = judging.chosen_metric(task)
    tally = chosen.tally(results)
    assert chosen_score(task, outputs, rows) == interval_for_few(chosen, tally, clusters=rows.groups)
    test = compared(task, outputs, other, rows, seed=3)
    assert test == paired_test(chosen, tally, chosen.tally(task.results(other, rows)), clusters=rows.groups, seed=3)
    wide, narrow = (each[task.chosen_metric].high - each[task.chosen_metric].low for each in (found, single))
    once = scores(alone, said(alone, made(name)[1]), made(name)[1])[task.chosen_metric]
    assert narrow < 0.8 * wide
    assert wide == pytest.approx(once.high - once.low, rel=0.2)


def test_types_are_scored_by_groups_too_and_tasks_without_types_have_none() -> None:
    task, rows = made("token-classification", copies=4)
    outputs = said(task, rows, signal=0.7)
    together = scores_by_type(task, outputs, rows)
    apart = scores_by_type(task, outputs, Store(rows.examples, rows.lines, rows.file))
    counts = {kind: counted for kind, *counted in spans_found(task, *_short(task, outputs, rows))}
    assert set(together) == {"DAY", "TIME"} == set(counts)
    for kind in together:
        assert together[kind].value == apart[kind].value
        assert together[kind].n == apart[kind].n == task.counts(rows)[kind]
        assert together[kind].high - together[kind].low > apart[kind].high - apart[kind].low
    short = scores_by_type(task, *_short(task, outputs, rows))
    for kind, (right, given, true) in counts.items():
        assert (short[kind].value, short[kind].n) == (pytest.approx(2 * right / (given + true)), true)
    other, rows = made("text-classification")
    assert scores_by_type(other, said(other, rows), rows) == {}


def _short(task: Any, outputs: Logits, rows: Store[Any]) -> tuple[Logits, Store[Any]]:
    """Sentences of which all sequences of tags can be looked at."""
    chosen = [at for at, row in enumerate(rows.examples) if len(row.input.words) <= 4]
    return outputs.take(chosen), rows.take(chosen)


def right_by_label(results: LabelResults) -> Tally:
    """Right rows of each true label, then all of its rows."""
    one = np.eye(results.probabilities.shape[1], dtype=np.int64)[results.true]
    return Tally.of(np.hstack([one * (results.true == results.predicted)[:, None], one]))


def mean_recall(summed: np.ndarray) -> np.ndarray:
    right, rows = np.split(np.asarray(summed, dtype=np.float64), 2, axis=-1)
    there = rows > 0
    return np.where(there, right / np.maximum(rows, 1), 0).sum(-1) / np.maximum(there.sum(-1), 1)


def worst_loss(numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.array([numbers[drawn > 0, 0].max() for drawn in weights])


BALANCED = Metric("balanced_accuracy", "balanced accuracy", frozenset({"label"}), right_by_label, mean_recall)
WORST = Metric(
    "worst_loss", "largest loss", frozenset({"label"}), lambda results: results.loss_tally(), of_rows=worst_loss,
    lower_is_better=True, bounds=(0.0, np.inf),
)  # fmt: skip


@pytest.fixture
def toy_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two metrics that another package adds."""
    module = ModuleType("toy_metrics")
    module.BALANCED, module.WORST = BALANCED, WORST  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toy_metrics", module)
    METRICS.names()
    monkeypatch.setitem(METRICS._table, "balanced_accuracy", "toy_metrics:BALANCED")
    monkeypatch.setitem(METRICS._table, "worst_loss", "toy_metrics:WORST")


@pytest.mark.usefixtures("toy_metrics")
@pytest.mark.parametrize("name", ["text-classification", "text-pair-classification"])
def test_a_metric_that_is_added_can_be_chosen_and_is_among_the_scores(name: str) -> None:
    task, rows = made(name, "balanced_accuracy")
    outputs = said(task, rows, signal=0.4)
    given, true = outputs.values.argmax(1), task.targets(rows)
    expected = oracle.balanced_accuracy_score(true, given)
    assert 0.3 < expected < 1
    found = scores(task, outputs, rows)
    assert list(found) == [*LABEL, "ece", "balanced_accuracy", "worst_loss"]
    assert found["balanced_accuracy"].value == pytest.approx(expected)
    assert found["balanced_accuracy"].low < expected < found["balanced_accuracy"].high
    assert sort_key(task, outputs, rows)[0] == pytest.approx(expected)
    assert chosen_score(task, outputs, rows).value == pytest.approx(expected)
    assert compared(task, said(task, rows, signal=9.0), outputs, rows).metric == "balanced_accuracy"
    assert task.unit_sort_key(outputs.values, true)[0] == pytest.approx(expected)
    assert (title_of("balanced_accuracy"), hub_name_of("balanced_accuracy")) == (
        "balanced accuracy", "balanced_accuracy",
    )  # fmt: skip
    assert not is_better_lower("balanced_accuracy")


@pytest.mark.usefixtures("toy_metrics")
def test_a_metric_that_has_no_paired_test_can_be_chosen_and_gives_way_to_the_usual_one() -> None:
    task, rows = made("text-classification", "worst_loss")
    outputs = said(task, rows)
    worst = -np.log(shares_of(outputs.values)[np.arange(12), task.targets(rows)].min())
    assert scores(task, outputs, rows)["worst_loss"].value == pytest.approx(worst)
    assert sort_key(task, outputs, rows)[0] == pytest.approx(-worst)
    assert compared(task, outputs, said(task, rows, seed=1), rows).metric == "accuracy"


@pytest.mark.usefixtures("toy_metrics")
def test_tasks_with_other_results_do_not_know_it() -> None:
    for name in ("text-regression", "token-classification", "multi-label-classification"):
        task, rows = made(name)
        assert "balanced_accuracy" not in scores(task, said(task, rows), rows)
        with pytest.raises(RecipeError, match=f"{name} is not judged by 'balanced_accuracy'"):
            task_from({"name": name, "metric": "balanced_accuracy"})


def test_a_metric_that_is_not_registered_is_refused_with_the_one_that_may_be_meant() -> None:
    with pytest.raises(RecipeError, match=r"text-classification is not judged by 'acuracy'; did you mean 'accuracy'\?"):
        task_from({"name": "text-classification", "metric": "acuracy"})
    with pytest.raises(RecipeError, match="text-classification is not judged by 'ece'"):
        task_from({"name": "text-classification", "metric": "ece"})


def task_from(values: dict[str, Any]) -> Any:
    rest = dict(values)
    return parse(TASKS.get(rest.pop("name")), rest)
