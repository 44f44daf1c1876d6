"""Choices by cross-validation: what is held out has no part in its own outputs, and every strategy takes part."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contract.pairs import needs_tasks, strategies_of

from headstart.data.outputs import Logits
from headstart.data.table import Table
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import compare, publish
from headstart.runtime.progress import SILENT
from headstart.solving.logistic import Solved, solve_by_folds
from headstart.strategies import STRATEGIES, linear, probing, trained_heads
from headstart.strategies.base import Context
from headstart.strategies.contrastive import Contrastive
from headstart.strategies.cross_validation import by_fold, choosing, prepared, rounds, with_rows
from headstart.strategies.feature_extraction import FeatureExtraction
from headstart.strategies.fine_tuning import FineTuning
from headstart.strategies.from_scratch import FromScratch
from headstart.strategies.lora import Lora
from headstart.strategies.probing import (
    compare_by_folds,
    features,
    named_part,
    solved_head,
    solving_part,
    solving_rows,
)
from headstart.strategies.tf_idf import TfIdf
from headstart.strategies.trained_heads import head_pooling
from headstart.strategies.training_run import Run, held_out
from headstart.training.settings import Training
from headstart.training.state import Epoch, History

SERVING = [
    each
    for each in strategies_of("text-classification")
    if "labels" in STRATEGIES.get(each).needs and not needs_tasks(each)
]
EACH = [pytest.param(name, marks=[pytest.mark.slow] * (name == "domain-adaptation")) for name in SERVING]
"""One at a time; what learns from texts first takes seconds, and fits one of the others in the end."""
"""Strategies that serve tasks with one label for each text."""
Few = Callable[..., Context]


def test_each_row_is_held_out_once_and_learnt_from_in_the_other_folds(few: Few) -> None:
    context = few(6, parts=3)
    found = list(by_fold(context))
    assert sorted(np.concatenate([held for held, _ in found]).tolist()) == list(range(12))
    for held, part in found:
        assert part.validation.lines == held.tolist()
        assert part.train.lines == sorted(set(range(12)) - set(held.tolist()))
        assert (part.folds, part.seed, part.task) == (None, context.seed, context.task)
        assert part.training.patience > 100  # every fold sees the same epochs
        assert part.training.revised(patience=None) == context.training


def test_a_run_with_a_validation_part_has_no_folds(few: Few) -> None:
    context = few(parts=0)
    with pytest.raises(RuntimeError, match="has a validation part and no folds"):
        next(by_fold(context))
    assert rounds(context) == 1


def test_rounds_are_as_many_as_folds(few: Few) -> None:
    # k folds learn from (k - 1) / k of the rows each, and the last run from all.
    assert [rounds(few(parts=parts)) for parts in (2, 3)] == [2, 3]


@pytest.mark.parametrize("strategy", [FeatureExtraction(), Contrastive()], ids=lambda strategy: strategy.name)
def test_a_validation_part_takes_no_choice_away_that_few_rows_make_by_folds(strategy: Any, few: Few) -> None:
    crossed, beside = few(5, ("good", "bad"), parts=2, epochs=1), few(5, ("good", "bad"), beside=True, epochs=1)
    without, found = strategy.fit(crossed), strategy.fit(beside)
    assert found.strategy == without.strategy
    assert found.strategy.label_names is True
    texts = [example.text for example in beside.validation.examples]
    assert texts != [example.text for example in crossed.validation.examples]
    said = found.predictor.outputs(texts).values
    np.testing.assert_allclose(said, without.predictor.outputs(texts).values, atol=1e-5)
    np.testing.assert_allclose(found.validation.values, said, atol=1e-4)
    assert strategy.fit(few(5, ("good", "bad"), parts=0, epochs=1)).strategy.label_names is False


def test_rows_that_are_added_are_dealt_out_to_the_folds(few: Few) -> None:
    more = few(8).train
    for context in (few(6, parts=3), few(6, parts=3, beside=True)):
        found = with_rows(context, more, 4, seed=7)
        dealt = found.folds if context.folds is not None else found.inner_folds
        assert dealt is not None
        assert (found.seed, found.train, dealt.shape) == (7, more, (1, 16))
        assert dealt[0, 12:].tolist() == [0, 1, 2, 0]
        assert found.validation is (more if context.folds is not None else context.validation)
        assert choosing(found).folds is dealt
    plain = few(parts=0)
    assert choosing(plain) is plain


CERTAIN = [
    TfIdf(C=1.0),
    FeatureExtraction(layers=(1, 2), pooling="mean", C=0.01, label_names=False),
    Contrastive(C=0.01, label_names=False),
    FineTuning(head="mean", head_first=False),
    Lora(head="mean", head_first=False, rank=2),
    FromScratch(rates=(1e-3,)),
]
"""Strategies in which no choice is left that labels held out could have a part in; one epoch is the best of one."""


@pytest.mark.parametrize("strategy", CERTAIN, ids=lambda strategy: strategy.name)
def test_no_row_has_a_part_in_its_own_out_of_fold_logits(
    strategy: Any, few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.strategies.base.MOST_EPOCHS", 1)
    row = 5
    context = few(per_label=5, epochs=1, learning_rate=1e-3)
    before = strategy.fit(context).validation.values
    after = strategy.fit(few(per_label=5, epochs=1, learning_rate=1e-3, turned=row)).validation.values
    assert context.folds is not None
    own = context.folds[0] == context.folds[0][row]
    assert before.shape == after.shape == (10, 2)
    np.testing.assert_array_equal(after[own], before[own])
    assert (after[~own] != before[~own]).any(1).all()


@pytest.mark.parametrize("name", EACH)
def test_out_of_fold_logits_are_no_copy_of_what_the_final_model_says(name: str, few: Few) -> None:
    context = few(per_label=5, epochs=1)
    found = STRATEGIES.get(name)().fit(context)
    final = found.predictor.outputs([example.text for example in context.train.examples]).values
    assert found.validation.values.shape == final.shape == (10, 2)
    assert not np.allclose(found.validation.values, final, atol=1e-3)


def fake_runs(outputs: list[list[float]]) -> tuple[list[tuple[Context, int | None]], Callable[..., Run]]:
    """Training that gives, after each epoch, the numbers listed as logits of `up` for the rows held out."""
    asked: list[tuple[Context, int | None]] = []

    def trained(part: Context, last: int | None) -> Run:
        asked.append((part, last))
        losses = [None, *[float(at) for at in range(1, len(outputs))]]
        epochs = [Epoch(at, loss, 0.0, 0.0) for at, loss in enumerate(losses)][: None if last is None else last + 1]
        by_epoch = [Logits.of(np.array([[said[row], 0.0] for row in part.validation.lines])) for said in outputs]
        model: Any = f"model {len(asked)}"
        return Run(model, History(epochs, by_epoch if last is None else [], best=len(outputs) - 1), 7)

    return asked, trained


def test_the_epoch_that_is_best_out_of_fold_ends_training_on_all_rows(few: Few) -> None:
    context = few(per_label=2, parts=2)  # up, down, up, down
    right, wrong = [1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, 1.0]
    half = [1.0, -1.0, -1.0, 1.0]
    asked, trained = fake_runs([wrong, half, right, half])
    run = held_out(context, trained, keep_start=True)
    assert [last for _, last in asked] == [None, None, 2]
    assert asked[-1][0] is context
    assert (run.model, run.trainable, run.history.best) == ("model 3", 7, 2)
    np.testing.assert_array_equal(run.outputs.values, [[said, 0.0] for said in right])
    assert [point["validation"] for point in run.curve] == [0.0, 0.5, 1.0, 0.5]
    assert [point["train_loss"] for point in run.curve] == [None, 1.0, 2.0, None]
    assert run.curve[2]["validation_loss"] == pytest.approx(np.log1p(np.exp(-1)))


@pytest.mark.parametrize(("keep_start", "best"), [(True, 0), (False, 1)])
def test_of_equal_epochs_the_first_that_may_be_kept_is_the_best(keep_start: bool, best: int, few: Few) -> None:
    same = [1.0, -1.0, 1.0, -1.0]
    asked, trained = fake_runs([same, same, same])
    assert held_out(few(per_label=2), trained, keep_start=keep_start).history.best == best
    assert asked[-1][1] == best


def test_with_a_validation_part_a_model_is_trained_once(few: Few) -> None:
    context = few(per_label=2, parts=0)
    asked, trained = fake_runs([[1.0] * 4, [-1.0] * 4])
    assert held_out(context, trained, keep_start=True).model == "model 1"
    assert [(part is context, last) for part, last in asked] == [(True, None)]


def test_features_of_the_folds_are_those_of_the_run(few: Few, monkeypatch: pytest.MonkeyPatch) -> None:
    from headstart.training import features as module

    calls: list[int] = []
    real = module.pooled_states
    monkeypatch.setattr(
        module, "pooled_states", lambda backbone, tokens, *more, **rest: (
            calls.append(len(tokens)), real(backbone, tokens, *more, **rest)
        )[1]
    )  # fmt: skip
    context = few(per_label=6, parts=3)
    backbone = context.backbone()
    whole, same = features(context, backbone)
    assert same is whole
    for held, part in by_fold(context):
        train, validation = features(part, backbone)
        np.testing.assert_array_equal(validation, whole[held])
        np.testing.assert_array_equal(train, np.delete(whole, held, axis=0))
        tokens, others = prepared(part, backbone.tokenizer)
        assert (len(tokens.targets), len(others.targets)) == (8, 4)
    FineTuning(head="mean").fit(context)
    assert calls == [12]


def test_folds_of_many_rows_keep_the_features_of_all_of_them(few: Few, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "SOLVING_ROWS", 1000)
    context = few(per_label=10, parts=2)
    many = context.train.take([at % 20 for at in range(2200)])
    context = replace(context, train=many, validation=many, folds=np.array([[0, 1] * 1100]))
    assert len(solving_rows(context)) == 2200
    for _, part in by_fold(context):
        assert len(solving_rows(part)) == 1100
    assert len(solving_rows(replace(context, folds=None))) == 1000


def test_a_solved_head_of_a_run_with_folds_is_solved_by_them(few: Few) -> None:
    context = few(per_label=6, parts=3, repeats=2)
    backbone = context.backbone()
    found = solved_head(context, backbone, layers=(2,), pooling="mean", grid=(0.01, 0.1))
    assert context.folds is not None
    part, same = solving_part(context, backbone, layers=(2,), pooling="mean")
    expected = solve_by_folds(part, context.folds, labels=2, rank=context.task.unit_sort_key, grid=(0.01, 0.1))
    np.testing.assert_array_equal(found.weight, expected.weight)
    np.testing.assert_array_equal(found.out_of_fold, expected.out_of_fold)
    np.testing.assert_array_equal(part.features, same.features)


def test_label_names_are_rows_of_their_own_of_four_times_the_weight(few: Few) -> None:
    context = few(labels=("good news", "bad_news"))
    backbone = context.backbone()
    names = named_part(context, backbone, layers=(0, 2), pooling="mean")
    assert names is not None
    assert (names.features.shape, names.targets.tolist(), names.weights.tolist()) == ((6, 64), [0, 1] * 3, [4.0] * 6)
    _, part = next(by_fold(context))
    again = named_part(part, backbone, layers=(0, 2), pooling="mean")
    assert again is not None
    np.testing.assert_array_equal(again.features, names.features)
    assert part.shared.features is None  # kept with the run, not once per fold
    assert named_part(few(labels=("up", "down")), backbone, layers=(2,), pooling="mean") is None
    with_names, without = (
        solved_head(context, backbone, layers=(2,), pooling="mean", grid=(0.1,), names=names) for names in (True, False)
    )
    assert not np.allclose(with_names.weight, without.weight)


USUAL, TOP = ((1, 2), "mean"), ((2,), "mean")


@pytest.mark.parametrize(
    ("told", "names", "known", "expected"),
    [
        ({(TOP, False): 1.0}, None, True, (*TOP, False)),  # one standard error of 1 is nothing
        ({(TOP, True): 1.0}, None, False, (*TOP, True)),
        ({(USUAL, True): 1.0}, None, False, (*USUAL, True)),
        # Twelve rows: a standard error of 0.8 is 0.115, so what reaches 0.685 may be the best as well.
        ({(TOP, False): 0.8, (USUAL, False): 0.75, (USUAL, True): 0.7}, None, True, (*USUAL, True)),
        ({(TOP, False): 0.8, (USUAL, False): 0.7, (USUAL, True): 0.75}, None, False, (*USUAL, False)),
        ({(TOP, False): 0.8, (USUAL, False): 0.69, (USUAL, True): 0.68}, None, True, (*USUAL, False)),
        ({(TOP, False): 0.8, (USUAL, False): 0.68, (USUAL, True): 0.68}, None, True, (*TOP, False)),
        ({(USUAL, True): 1.0, (TOP, False): 0.8}, False, True, (*TOP, False)),
        ({(USUAL, False): 1.0, (TOP, True): 0.8}, True, True, (*TOP, True)),
    ],
)
def test_layers_and_label_names_are_chosen_by_rank_and_the_usual_ones_where_noise_allows(
    told: Any, names: bool | None, known: bool, expected: Any, few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ridge(train: Any, folds: Any, *, beside: Any, **_: Any) -> tuple[float, float]:
        option = {64: USUAL, 32: TOP}[train.features.shape[1]]
        return told.get((option, beside is not None), 0.5), 0.0

    monkeypatch.setattr(probing, "ridge_by_folds", ridge)
    monkeypatch.setattr(probing, "are_known_words", lambda *_: known)
    context = few(labels=("good news", "bad news"))
    assert compare_by_folds(context, context.backbone(), [USUAL, TOP], names) == expected


def test_names_that_are_wanted_and_are_no_words_are_left(few: Few) -> None:
    context = few(labels=("0", "1"))
    assert compare_by_folds(context, context.backbone(), [((2,), "mean")], True) == ((2,), "mean", False)
    for strategy in (FeatureExtraction(label_names=True), Contrastive(label_names=True)):
        found = strategy.fit(context)
        assert found.strategy.label_names is False  # type: ignore[attr-defined]
        assert "label names" not in found.description


def test_the_head_of_a_trained_model_reads_what_the_solved_head_reads_best(
    few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, better = few(), "mean"

    def told(context: Any, backbone: Any, *, layers: Any, pooling: str) -> Solved:
        assert layers == (2,)
        return Solved(np.zeros((2, 1)), np.zeros(2), 1.0, (float(pooling == better), 0.0))

    monkeypatch.setattr(trained_heads, "solved_head", told)
    backbone = context.backbone()
    assert head_pooling(context, backbone, "auto") == "mean"
    better = "first"
    assert head_pooling(context, backbone, "auto") == "first"
    assert [head_pooling(context, backbone, wanted) for wanted in ("native", "mean")] == ["first", "mean"]
    better = "mean"
    assert head_pooling(few(parts=0), backbone, "auto") == "first"


def test_feature_extraction_chooses_among_its_own_options_and_says_what_it_chose(few: Few) -> None:
    found = FeatureExtraction(label_names=True).fit(few(labels=("good news", "bad news"), repeats=2))
    strategy: Any = found.strategy
    assert strategy.label_names is True
    assert found.description.endswith(", label names")
    again = strategy.fit(few(labels=("good news", "bad news"), repeats=2))
    assert again.strategy == strategy
    np.testing.assert_array_equal(again.validation.values, found.validation.values)
    weights = [each.predictor.model.heads["classification"].state_dict() for each in (found, again)]
    for name, tensor in weights[0].items():
        assert (tensor == weights[1][name]).all()


def test_from_scratch_compares_its_rates_on_one_fold_and_takes_the_best_through_all(
    few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, float]] = []
    train = FromScratch._train

    def noted(self: Any, context: Context, rate: float, epochs: int, last: int | None, relay: Any = None) -> Run:
        asked.append((len(context.train), rate))
        run = train(self, context, rate, epochs, last, relay)
        right = np.eye(2)[context.task.targets(context.validation)]
        said = Logits.of(right if rate == 2e-4 else 1 - right)
        run.history.outputs = [said for _ in run.history.outputs]
        return run

    monkeypatch.setattr(FromScratch, "_train", noted)
    monkeypatch.setattr("headstart.strategies.base.MOST_EPOCHS", 1)
    context = few(per_label=6, parts=3, epochs=1)
    found = FromScratch(rates=(1e-4, 2e-4, 3e-4)).fit(context)
    assert asked == [(8, 1e-4), (8, 2e-4), (8, 3e-4), (8, 2e-4), (8, 2e-4), (8, 2e-4), (12, 2e-4)]
    assert found.strategy.rates == (2e-4,)  # type: ignore[attr-defined]


def table(per_label: int, labels: tuple[str, ...] = ("up", "down", "level")) -> Table:
    words = ["good", "bad", "rather"]
    rows = [
        (f"it is {words[at]} {'now ' * copy}", labels[at]) for copy in range(per_label) for at in range(len(labels))
    ]
    columns = {"text": [text for text, _ in rows], "label": [label for _, label in rows]}
    return Table(MEMORY, columns, list(range(1, len(rows) + 1)))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target.csv"
    path.write_text("text\nnow it is good\nnow it is bad\nnow it is rather\nand you say it is good\n", encoding="utf-8")
    return path


def test_from_two_rows_per_label_every_strategy_works_to_the_end(
    wide_backbone: Path, target: Path, tmp_path: Path
) -> None:
    given = {"train": MEMORY, "backbone": str(wide_backbone), "epochs": 1, "threads": 1, "controls": False}
    given |= {"target": str(target)}
    recipe = assemble("compare", given | {"strategies": tuple(SERVING)})
    found = compare(recipe, SILENT, table(2))
    assert {entry.strategy.name: (entry.status, entry.note) for entry in found.entries} == dict.fromkeys(
        SERVING, ("done", "")
    )
    for entry in found.entries:
        assert entry.finished.validation.values.shape == (6, 3)
        assert entry.finished.predictor.outputs(["it is good", "it is bad"]).values.shape == (2, 3)
        assert "test" not in entry.scores
    evidence = json.loads(json.dumps(found.artifact.evidence, allow_nan=False))
    assert evidence["data"]["choices"] == "cross-validation"
    assert {name: part and part["rows"] for name, part in evidence["data"]["splits"].items()} == {
        "train": 6, "validation": None, "test": None
    }  # fmt: skip
    assert {row["scores"]["test"] for row in evidence["leaderboard"]} == {None}
    assert {row["scores"]["validation"]["accuracy"]["n"] for row in evidence["leaderboard"]} == {6}
    assert {path.name for path in publish(found.artifact, tmp_path / "m").iterdir()} >= {"report.html", "README.md"}


@pytest.mark.parametrize("name", EACH)
def test_a_strategy_that_was_asked_for_is_published_with_its_curve(
    name: str, wide_backbone: Path, target: Path, tmp_path: Path
) -> None:
    given = {"train": MEMORY, "backbone": str(wide_backbone), "threads": 1, "controls": False}
    given |= {"target": str(target)} | ({} if STRATEGIES.get(name)().unused(Training()) else {"epochs": 1})
    folder = publish(compare(assemble("fit", given | {"strategy": name}), SILENT, table(3)).artifact, tmp_path / "m")
    assert name in (folder / "report.html").read_text(encoding="utf-8")
    assert name in (folder / "README.md").read_text(encoding="utf-8")


def test_probabilities_are_calibrated_on_out_of_fold_logits(wide_backbone: Path) -> None:
    given = {"train": MEMORY, "backbone": str(wide_backbone), "threads": 1, "controls": False}
    recipe = assemble("fit", given | {"strategy": {"name": "feature-extraction", "layers": 2, "C": 1.0}})
    noisy = table(12)
    noisy.columns["label"][::5] = ["level"] * len(noisy.columns["label"][::5])  # type: ignore[index]
    entry = compare(recipe, SILENT, noisy).chosen
    targets = np.array([("down", "level", "up").index(label) for label in noisy.columns["label"]])  # type: ignore[arg-type]
    values = entry.finished.validation.values

    def loss(temperature: float) -> float:
        logits = values / temperature
        return float(np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(targets)), targets]))

    assert loss(1.0) < min(loss(1 / 1.02), loss(1.02))


def test_tf_idf_says_nothing_of_numbers_where_most_labels_have_two_rows(recwarn: pytest.WarningsRecorder) -> None:
    linear._one_label(np.eye(60), np.arange(60) % 40, np.ones(60), 1.0, 40)
    assert not [str(each.message) for each in recwarn if "unique classes" in str(each.message)]


def test_where_one_way_of_reading_is_left_none_is_ranked(
    few: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The products of all rows, or words, with all others take memory and time that grow with their square and cube."""
    monkeypatch.setattr(probing, "ridge_by_folds", None)
    monkeypatch.setattr(probing, "kernel_of", None)
    context = few()
    assert compare_by_folds(context, context.backbone(), [((2,), "mean")], False) == ((2,), "mean", False)
