"""Which strategy is tried on which task, and when: all pairs there are, so a new line in a registry is tested the moment it exists.

By default the whole contract is kept along two axes: every strategy on one task, and every task with one strategy that solves
its head and one that trains it. Of the other pairs a fixed seventh shows that it works at all. The whole contract of all pairs is
that of `make test-all`.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import pytest

from headstart.data.outputs import Logits
from headstart.strategies import STRATEGIES
from headstart.strategies.base import refusal as refused
from headstart.tasks import TASKS

AXIS = "text-classification"
"""The task of every strategy; one that cannot serve it has the first task that it serves."""
SOLVED, TRAINED = "feature-extraction", "fine-tuning"
"""The strategies of every task."""
FAMILIES = (SOLVED, TRAINED, "contrastive", "self-training")
"""One strategy of each kind: solved, trained on labels, trained on pairs of texts, around another strategy."""
VARIANTS: dict[str, dict[str, Any]] = {
    "sentence-similarity: cross": {"task": {"encoder": "cross"}},
    "text-classification: windows": {"task": {"long": "window"}, "max_length": 8},
    "token-classification: chain": {"task": {"crf": True}},
}
"""Tasks that an option makes others, and what it adds to a run. Each is a task of its own here."""
BRIEF: dict[str, dict[str, Any]] = {
    "domain-adaptation": {"text_updates": 4},
    "from-scratch": {"rates": (1e-3,)},
    "intermediate-task": {"gate": False, "stone_epochs": 1},
    "weight-averaging": {"members": 2},
}
"""Options that make a strategy quicker and change nothing that is tested here."""
NOT_OPEN = {
    "contrastive": ["updates"], "lora": ["targets", "prefix"], "fine-tuning": ["prefix"],
    "from-scratch": ["like"], "zero-shot": ["describe", "entailment", "entailment_label", "expected_labels"],
    "weight-averaging": ["end_share"],
}  # fmt: skip
"""Fields whose None is no open choice: updates are written down as epochs, no targets are all linear maps, what labels texts is
like the backbone itself, labels are described by their names and no model of pairs is asked, how many labels a text has is asked
only where it may have several, nothing stands in front of texts that are not written, and a soup has no place on a line."""
BRIEF_BESIDE_THE_AXIS: dict[str, dict[str, Any]] = BRIEF | {"domain-adaptation": {"text_updates": 2, "gate": False}}


HEADED = [name for name in TASKS.names() if TASKS.get(name).outputs_kind == Logits.kind]
"""Tasks whose models have a head of their own; those that answer otherwise have tests of their own, by the same promises."""


def task_of(name: str) -> Any:
    """The class of a task, or of the task that a variant is of."""
    return TASKS.get(name.partition(": ")[0])


def refusal(task: str, strategy: str) -> str:
    """Why a strategy cannot serve a task; empty where it can."""
    return refused(STRATEGIES.get(strategy)(), task_of(task)(**VARIANTS.get(task, {}).get("task", {})))


def needs_target(strategy: str) -> bool:
    """Whether a strategy cannot run without texts of a target domain."""
    return "texts" in STRATEGIES.get(strategy).needs


def needs_tasks(strategy: str) -> bool:
    """Whether a strategy cannot run without rows of another task."""
    return "tasks" in STRATEGIES.get(strategy).needs


def told(task: str, strategy: str, **more: Any) -> dict[str, Any]:
    """Options of a run on the toy rows of a task, with another seed than usual; `more` are fields of the strategy."""
    variant = VARIANTS.get(task, {})
    columns: dict[str, Any] = {"label": "label", "text": ("first", "second") if task_of(task).pairs else ("text",)}
    if task_of(task).words:
        columns = {}  # guessed
    brief = BRIEF if task_of(task) is task_of(AXIS) else BRIEF_BESIDE_THE_AXIS
    return variant | {
        "seed": 5,
        "task": {"name": task.partition(": ")[0]} | columns | variant.get("task", {}),
        "strategy": {"name": strategy} | brief.get(strategy, {}) | more,
    }


def inputs(task: str, texts: Sequence[str]) -> list[Any]:
    """Texts as a task reads them: as they are, or each beside the second one."""
    return [(text, texts[1]) for text in texts] if task_of(task).pairs else list(texts)


def reads_with_an_encoder(task: str, strategy: str) -> bool:
    """Whether a strategy can start from the toy backbone, an encoder; those that need a decoder have tests of their own."""
    return not STRATEGIES.get(strategy)().refuses_network(task_of(task)(), {"model_type": "bert"})


SERVED = [
    (task, name)
    for task in (*HEADED, *VARIANTS)
    for name in STRATEGIES.names()
    if not refusal(task, name) and reads_with_an_encoder(task, name) and not STRATEGIES.get(name).several
]
REFUSED = [(task, name) for task in HEADED for name in STRATEGIES.names() if refusal(task, name)]


def strategies_of(task: str) -> list[str]:
    """Names of the strategies that serve a task."""
    return [name for served, name in SERVED if served == task]


def on_an_axis(task: str, strategy: str) -> bool:
    """Whether a pair keeps the whole contract by default."""
    serves = [each for each, name in SERVED if name == strategy]
    return strategy in (SOLVED, TRAINED) or task == (AXIS if AXIS in serves else serves[0])


def in_the_seventh(task: str, strategy: str) -> bool:
    """Whether a pair that is on no axis shows by default that it works."""
    return zlib.crc32(f"{task}/{strategy}".encode()) % 7 == 3


def of_a_family(task: str, strategy: str) -> bool:
    """Whether a pair is tried by default where that takes several trainings."""
    return strategy == SOLVED or (task == AXIS and strategy in FAMILIES)


def every_pair(*tasks: str, whole: bool = False, folds: bool = False) -> pytest.MarkDecorator:
    """Parametrize a test by `task` and `name` of a strategy; pairs that are not tried by default are marked slow.

    Args:
        tasks: names of tasks and variants; all of them if none is given.
        whole: whether the test is of the whole contract; else it shows that a pair works.
        folds: whether the test takes several trainings.
    """
    return pytest.mark.parametrize(
        ("task", "name"),
        [
            pytest.param(task, name, marks=() if _by_default(task, name, whole, folds) else pytest.mark.slow)
            for task, name in SERVED
            if task in tasks or not tasks
        ],
    )


def every_strategy(task: str = AXIS, *, whole: bool = True, folds: bool = False) -> pytest.MarkDecorator:
    """Parametrize a test by `name`: strategies that serve a task, marked as `every_pair` does."""
    names = strategies_of(task)
    return pytest.mark.parametrize(
        "name", slow_but([name for name in names if _by_default(task, name, whole, folds)], names)
    )


def slow_but(default: Sequence[Any], every: Sequence[Any]) -> list[Any]:
    """Parameters of a test, those that are not tried by default marked slow."""
    assert set(default) <= set(every)
    marks = pytest.mark.slow
    return [
        each if each in default else pytest.param(*(each if isinstance(each, tuple) else (each,)), marks=marks)
        for each in every
    ]


def _by_default(task: str, name: str, whole: bool, folds: bool) -> bool:
    if folds:
        return of_a_family(task, name)
    return on_an_axis(task, name) or (not whole and in_the_seventh(task, name))
