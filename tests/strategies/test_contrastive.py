"""What contrastive fine-tuning decides, moves and reaches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from headstart.errors import RecipeError
from headstart.strategies import contrastive as module
from headstart.strategies.base import Context
from headstart.strategies.contrastive import GRID, LEARNING_RATE, Contrastive
from headstart.training.features import pooled_states
from headstart.training.settings import Training

Few = Callable[..., Context]


def moved(candidate: Any, folder: Path) -> set[str]:
    """Levels of the network in which a weight differs from those in the backbone's folder."""
    before = load_file(folder / "model.safetensors")
    after = candidate.predictor.model.backbone.network.state_dict()
    assert set(after) <= set(before)
    return {".".join(name.split(".")[:3]) for name, tensor in after.items() if not np.array_equal(tensor, before[name])}


def spread(context: Context, backbone: Any) -> float:
    """Mean cosine of rows of a label less that of rows of different labels."""
    tokens = backbone.tokenizer.encode([example.text for example in context.train.examples])
    vectors = pooled_states(backbone, tokens, ("mean",))[:, -1, 0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    targets = context.task.targets(context.train)
    alike = targets[:, None] == targets[None, :]
    cosines = vectors @ vectors.T
    return float(cosines[alike & ~np.eye(len(targets), dtype=bool)].mean() - cosines[~alike].mean())


@pytest.mark.parametrize("loss", ["supervised", "pairs"])
def test_texts_of_a_label_are_drawn_together(loss: Any, few: Few) -> None:
    context = few(per_label=8, epochs=10, learning_rate=1e-3)
    found = Contrastive(loss=loss, label_names=False).fit(context)
    network: Any = found.predictor
    assert spread(context, network.model.backbone) > spread(context, context.backbone()) + 0.2
    losses = [point["train_loss"] for point in found.curve]
    assert len(losses) == 10
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("top_layers", "expected"),
    [("all", {"encoder.layer.0", "encoder.layer.1"}), (2, {"encoder.layer.0", "encoder.layer.1"}), (1, {"encoder.layer.1"}),
     (9, {"encoder.layer.0", "encoder.layer.1"})],
)  # fmt: skip
def test_the_layers_that_were_named_move_and_nothing_below(
    top_layers: Any, expected: set[str], few: Few, wide_backbone: Path
) -> None:
    found = Contrastive(top_layers=top_layers, C=0.01, label_names=False).fit(few(per_label=3, epochs=1))
    assert moved(found, wide_backbone) == expected


def test_trainable_are_the_layers_that_move_and_the_head(few: Few) -> None:
    # A layer of 32 with 64 between: 4 x (32 x 32 + 32) + 64 x 33 + 32 x 65 + 2 x 64 = 8544; the head has 2 x 33.
    found = Contrastive(top_layers=1, C=0.01, label_names=False).fit(few(per_label=3, epochs=1))
    assert found.trainable_parameters == 4 * 32 * 33 + 64 * 33 + 32 * 65 + 2 * 64 + 66
    assert found.description == "top 1 layer, 2 updates, C 0.01"


def test_no_layer_to_move_is_a_fault_of_the_recipe(few: Few) -> None:
    with pytest.raises(RecipeError, match=r"strategy\.top_layers: no layer would move; give 'all' or a number"):
        Contrastive(top_layers=0).fit(few())


@pytest.mark.parametrize(
    ("per_label", "options", "training", "expected"),
    [
        (6, {}, {"batch_size": 32}, 12),  # one batch an epoch: twelve updates
        (6, {}, {"batch_size": 4}, 4),  # three batches an epoch
        (20, {}, {"batch_size": 4}, 2),  # ten: two epochs at least
        (80, {}, {"batch_size": 4}, 2),
        (6, {"updates": 7}, {"batch_size": 4}, 2),  # 7 / 3 rounded
        (6, {"updates": 1}, {"batch_size": 4}, 1),
        (6, {"updates": 7}, {"batch_size": 4, "epochs": 3}, 3),
    ],
)
def test_few_rows_get_twelve_updates_and_two_epochs_at_least_unless_told(
    per_label: int, options: Any, training: Any, expected: int, few: Few
) -> None:
    context = few(per_label, parts=0)
    context.training = Training(**training)
    assert Contrastive(**options)._epochs(context, False) == expected


def test_what_was_decided_is_written_down(few: Few) -> None:
    context = few(per_label=4, parts=2, epochs=None)
    found = Contrastive(updates=4, label_names=None).fit(context)
    strategy: Any = found.strategy
    assert strategy.C in GRID
    assert (strategy.updates, strategy.label_names, found.training.epochs) == (None, False, 2)
    assert found.training.learning_rate == LEARNING_RATE
    assert found.description == f"all layers, 4 updates, C {strategy.C:g}"
    assert [point["epoch"] for point in found.curve] == [1, 2]


def test_label_names_are_learnt_from_as_rows_of_their_own(few: Few, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    real = module._with_names

    def noted(context: Context, names: bool) -> Any:
        store = real(context, names)
        seen.append([example.text for example in store.examples])
        return store

    monkeypatch.setattr(module, "_with_names", noted)
    context = few(per_label=3, labels=("goodNews", "bad_news"), epochs=1)
    with_names, without = (Contrastive(C=0.01, label_names=names).fit(context) for names in (True, False))
    spoken = [
        "This text is about good news.", "This text is about bad news.", "good news", "bad news",
        "The topic is good news.", "The topic is bad news.",
    ]  # fmt: skip
    rows = [example.text for example in context.train.examples]
    assert [*rows, *spoken] in seen
    assert rows in seen
    assert all(len(texts) in (3, 6) or texts[-6:] == spoken for texts in seen)  # in every fold too
    assert with_names.description.endswith(", label names")
    assert not np.allclose(with_names.validation.values, without.validation.values)
    assert with_names.validation.values.shape == without.validation.values.shape == (6, 2)


@pytest.mark.parametrize(
    ("gain", "parts", "expected"),
    [
        # Losses with names are less by the gain, +- 0.1 in turn: a standard error of 0.041.
        (0.0, 2, False),
        (0.03, 2, False),  # within noise
        (0.1, 2, True),
        (-0.1, 2, False),
        (0.1, 0, False),  # no folds to tell by
    ],
)
def test_names_that_are_no_known_words_are_used_where_training_with_them_says_so(
    gain: float, parts: int, expected: bool, few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [np.array([0.9 - gain, 1.1 - gain] * 3), np.array([1.0, 1.0] * 3)]
    monkeypatch.setattr(module, "_losses", lambda *_: losses.pop(0))
    context = few(per_label=3, labels=("abbreviated", "enty"), parts=parts, epochs=1)
    assert Contrastive(C=0.01).fit(context).strategy.label_names is expected  # type: ignore[attr-defined]


@pytest.mark.parametrize("helps", [False, True])
@pytest.mark.parametrize(
    ("labels", "most"), [(("good", "bad"), 400), (("good", "enty"), 5)], ids=["known", "many rows"]
)
def test_the_frozen_network_says_whether_known_words_help_and_of_others_where_rows_are_many(
    helps: bool, labels: tuple[str, str], most: int, few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMPARED_ROWS", most)
    monkeypatch.setattr(
        "headstart.strategies.probing.compare_by_folds", lambda context, backbone, options, names: (*options[0], helps)
    )
    context = few(per_label=3, labels=labels, epochs=1)
    assert Contrastive(C=0.01).fit(context).strategy.label_names is helps  # type: ignore[attr-defined]


def test_the_work_is_that_of_all_that_is_trained(few: Few) -> None:
    # Three folds learn from two thirds of the rows each, here with names and without, then all of them once.
    spelled = few(labels=("abbreviated", "enty"), parts=3)
    epochs = Contrastive()._epochs(spelled, False)
    assert Contrastive().work(spelled).training == epochs * 5
    assert Contrastive(label_names=True).work(spelled).training == epochs * 3
    assert Contrastive().work(few(labels=("good", "bad"), parts=3)).training == epochs * 3
    # Beside a validation part they are trained on where something is open.
    beside = few(labels=("good", "bad"), parts=3, beside=True)
    assert Contrastive().work(beside).training == epochs * 3
    assert Contrastive(C=0.01).work(beside).training == epochs
    assert Contrastive(C=0.01).work(few(labels=("abbreviated", "enty"), parts=3, beside=True)).training == epochs * 5


def test_the_strength_is_the_strongest_within_noise_of_the_best_out_of_fold(
    few: Few, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = few(per_label=8, labels=("up", "down"), epochs=1)
    targets = context.task.targets(context.train)

    def right(count: int) -> Any:
        """Logits with which so many of the sixteen rows are right."""
        good = np.eye(2)[targets]
        return np.where(np.arange(16)[:, None] < count, good, 1 - good)

    # 12 of 16 are best; a standard error there is 0.108, so 11 of 16 (0.6875) is as good and 10 (0.625) is not.
    grid = (0.001, 0.01, 0.1, 1.0)
    monkeypatch.setattr(module, "GRID", grid)
    told = dict(zip(grid, (right(10), right(11), right(12), right(12)), strict=True))
    real, asked = module._solved, []

    class Told:
        def __init__(self, context: Context, strength: float) -> None:
            self.rows, self.strength = context.validation.lines, strength

        def logits(self, _: Any) -> Any:
            return told[self.strength][list(self.rows)]

    def solved(part: Context, model: Any, names: bool, grid: tuple[float, ...], states: Any = None) -> Any:
        asked.append((part is context, grid))
        return real(part, model, names, grid, states) if part is context else Told(part, grid[0])

    monkeypatch.setattr(module, "_solved", solved)
    found = Contrastive(label_names=False).fit(context)
    assert found.strategy.C == 0.01  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found.validation.values, right(11))
    assert [grid for whole, grid in asked if whole] == [(0.01,)]


@pytest.mark.parametrize(("per_label", "expected"), [(2, module.WEAK), (3, module.WEAK), (4, None)])
def test_with_fewer_than_four_rows_per_label_the_head_is_regularised_weakly(
    per_label: int, expected: float | None, few: Few
) -> None:
    found: Any = Contrastive(label_names=False).fit(few(per_label=per_label, epochs=1)).strategy
    assert found.C == expected or (expected is None and found.C in GRID)
    assert Contrastive(C=0.02, label_names=False).fit(few(per_label=2, epochs=1)).strategy.C == 0.02  # type: ignore[attr-defined]


def test_with_a_validation_part_its_logits_are_those_of_the_model(few: Few) -> None:
    context = few(per_label=4, parts=0, epochs=1)
    found = Contrastive().fit(context)
    said = found.predictor.outputs([example.text for example in context.validation.examples]).values
    np.testing.assert_allclose(found.validation.values, said, atol=1e-4)


def test_the_two_losses_and_the_temperature_make_a_difference(few: Few) -> None:
    context = few(per_label=3, epochs=1, learning_rate=1e-3)
    heads = [
        Contrastive(C=0.01, label_names=False, **options).fit(context).validation.values  # type: ignore[arg-type]
        for options in ({}, {"loss": "pairs"}, {"temperature": 1.0})
    ]
    assert not np.allclose(heads[0], heads[1])
    assert not np.allclose(heads[0], heads[2])
