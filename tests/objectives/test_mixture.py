"""Several objectives on one network: whose rows a batch holds, what losses are multiplied by, which epoch is better."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from headstart.data.mixed_outputs import Mixed
from headstart.data.mixing import MixedBatches
from headstart.data.outputs import Logits
from headstart.errors import UsageError
from headstart.objectives.mixture import MixedRows, Mixture, head_of
from headstart.strategies import learning_together


class Known:
    """An objective that says what it was given, and gives a known loss."""

    def __init__(self, loss: float, kind: str = "label") -> None:
        self.value, self.target_kind = loss, kind

    def collate(self, prepared: Any, indices: np.ndarray, pad_id: int) -> Any:
        return prepared.lengths[indices], pad_id

    def loss(self, model: Any, batch: Any) -> tuple[torch.Tensor, float]:
        assert model == "view of of-" + ("a" if self.target_kind == "label" else "b")
        return torch.tensor(self.value), 4.0


LENGTHS = {"a": np.array([3, 4, 5]), "b": np.array([6, 7])}
MODEL: Any = SimpleNamespace(view=lambda name: f"view of {name}")


def mixture(**weights: float) -> Mixture:
    return Mixture({"a": Known(8.0), "b": Known(2.0, "number")}, weights)  # type: ignore[dict-item]


def rows() -> MixedRows:
    batches = MixedBatches(LENGTHS, rows=2, seed=0, power=1.0, most_passes=4)
    return MixedRows({name: SimpleNamespace(lengths=each) for name, each in LENGTHS.items()}, batches)


def test_a_batch_is_collated_by_the_task_whose_rows_it_holds() -> None:
    assert rows().lengths.tolist() == [3, 4, 5, 6, 7]
    name, (lengths, pad) = mixture().collate(rows(), np.array([4, 3]), 9)
    assert (name, lengths.tolist(), pad) == ("b", [7, 6], 9)
    assert [part.tolist() for part in mixture().parted(rows(), np.array([0, 4, 2]))] == [[0, 2], [4]]
    with pytest.raises(UsageError, match="prepared by each task"):
        mixture().prepare([], None)  # type: ignore[arg-type]


def test_losses_are_multiplied_by_fixed_weights() -> None:
    assert mixture(a=0.5).loss(MODEL, ("a", None)) == (torch.tensor(4.0), 4.0)
    assert mixture(a=0.5).loss(MODEL, ("b", None)) == (torch.tensor(2.0), 4.0)


def test_learnt_weights_are_those_of_the_paper() -> None:
    s = torch.nn.ParameterDict({head_of(name): torch.nn.Parameter(torch.tensor([0.7])) for name in "ab"})
    model: Any = SimpleNamespace(view=MODEL.view, uncertainty=s)
    label, _ = mixture().loss(model, ("a", None))
    number, _ = mixture(b=3.0).loss(model, ("b", None))
    # exp(-s) L + s / 2 for labels and exp(-s) L / 2 + s / 2 for numbers, of the mean loss; here of the sum over 4 rows
    assert label.item() == pytest.approx(np.exp(-0.7) * 8 + 4 * 0.35)
    assert number.item() == pytest.approx(0.5 * np.exp(-0.7) * 6 + 4 * 0.35)
    label.backward()
    assert s[head_of("a")].grad.item() == pytest.approx(-np.exp(-0.7) * 8 + 2)


def outputs(*values: float) -> Mixed:
    return Mixed.of({name: Logits.of(np.array([[value]])) for name, value in zip("abc", values, strict=True)})


@pytest.mark.parametrize(
    ("new", "best", "better"),
    [
        ((0.9, 0.9, 0.1), (0.5, 0.5, 0.5), True),
        ((0.9, 0.1, 0.1), (0.5, 0.5, 0.5), False),
        ((0.9, 0.5, 0.4), (0.5, 0.5, 0.5), True),
        ((0.6, 0.5, 0.1), (0.5, 0.5, 0.5), False),
        ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), False),
    ],
)
def test_an_epoch_is_better_if_more_tasks_are_and_in_a_tie_by_the_losses(
    new: tuple[float, ...], best: tuple[float, ...], *, better: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The score of a task is its output, and its loss one less that."""
    monkeypatch.setattr(
        learning_together, "_key", lambda _, found: (float(found.values[0, 0]), float(found.values[0, 0]) - 1)
    )
    contexts: Any = dict.fromkeys("abc")
    assert learning_together._more_are_better(contexts, outputs(*new), outputs(*best)) is better
