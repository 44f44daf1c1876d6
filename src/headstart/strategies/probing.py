"""Heads on a frozen backbone: its features once per run, logistic regression on them, choices by cross-validation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.cache import no_cache
from headstart.data.splits import fold_groups, folds
from headstart.data.units import Units
from headstart.solving.logistic import (
    FOLD_GRID,
    GRID,
    MEMORY_CELLS,
    Part,
    Solved,
    solve,
    solve_by_folds,
    standard_error,
)
from headstart.solving.ridge import kernel_of, ridge_by_folds
from headstart.strategies.base import CHOOSING_ROWS, Context
from headstart.strategies.cross_validation import home, prepared
from headstart.strategies.label_names import WEIGHT, are_known_words
from headstart.training.features import FeatureStore, tokens_digest
from headstart.training.frozen import frozen_key

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone

SOLVING_ROWS = 200_000
"""Training rows beyond which heads are fitted on a random sample."""
WIDE = 1024
"""Width of states that is reckoned with where a configuration does not say it."""
CHOOSING_WORDS = 40_000
"""Words of training rows on which choices are made where the outputs of a row are a choice of one of its words."""
FEATURE_BYTES = 1_000_000_000
"""What the features of all layers may take in memory; beyond it those of the layers in use are kept, on disk."""
CHOOSING_FOLDS = 3
KEPT_ROWS = 1000
"""Training rows from which on choices and fitted heads are kept from run to run."""
SOLVER_VERSION = 1
"""Version of how choices are compared and heads are fitted; part of what they are kept under."""


def features(context: Context, backbone: Backbone) -> tuple[np.ndarray, np.ndarray]:
    """Pooled states of every layer for training rows (see `solving_rows`) and validation rows, once per run.

    Both of shape (rows or words, depth + 1, poolings, hidden); a fold takes its rows from those of the run it is part of.
    """
    within = context.shared.within
    if within is not None:
        states, _ = features(within.context, backbone)
        units = context.task.units(within.context.train)
        return states[units.of(within.kept)], states[units.of(within.held)]
    joined = context.shared.joined
    if joined is not None and _are_all(joined) and _are_all(context):
        if context.shared.rows is None:
            learnt, held = features(joined, backbone)
            context.shared.rows = learnt, np.concatenate([learnt, held]), held
        return context.shared.rows[1], context.shared.rows[2]
    found = feature_store(context).get(backbone, _tokens(context, backbone), progress=context.progress)
    known = context.shared.rows
    if known is None or known[0] is not found[0]:
        rows = [context.task.row_states(states) for states in found]
        known = context.shared.rows = found[0], rows[0], rows[-1]
    return known[1], known[2]


def has_many_rows(context: Context, backbone: Backbone) -> bool:
    """Whether the features of all layers would take too much memory."""
    if context.folds is not None or context.shared.within is not None:
        return False
    texts = 2 if context.task.pairs and not context.task.together else 1
    per_unit = 4 * texts * (backbone.depth + 1) * len(backbone.poolings) * backbone.hidden_size
    train, validation = (context.task.units(part) for part in (context.train, context.validation))
    total = len(train.of(solving_rows(context))) + validation.total
    if context.task.windowed:  # states of windows are kept until those of texts are made of them
        total = sum(len(tokens.windows) for tokens in _tokens(context, backbone))
    return per_unit * total > FEATURE_BYTES


def _tokens(context: Context, backbone: Backbone) -> list[Any]:
    """Tokens of the training rows that heads are fitted on and, where they are others, of the validation rows."""
    train, validation = prepared(context, backbone.tokenizer)
    chosen = solving_rows(context)
    some = train.of(chosen) if len(chosen) < len(train.targets) else train.tokens
    return [some] if train is validation else [some, validation.tokens]


def feature_store(context: Context) -> FeatureStore:
    """Where the run keeps features."""
    if context.shared.features is None:
        context.shared.features = FeatureStore(context.cache, context.team)
    return context.shared.features


def solving_rows(context: Context) -> np.ndarray:
    """Training rows that heads are fitted on: all, or at random so many that they have `SOLVING_ROWS` outputs."""
    total, solver = len(context.train), context.task.solver
    most = _most(context, SOLVING_ROWS)
    if solver is not None and solver.whole_rows and context.located is not None:
        most = _most(context, MEMORY_CELLS // int(context.located.config.get("hidden_size") or WIDE))
    if total <= most or context.folds is not None or context.shared.within is not None:
        return np.arange(total)
    return np.sort(np.random.default_rng([context.seed, 0x501E]).permutation(total)[:most])


def _are_all(context: Context) -> bool:
    """Whether heads are fitted on all training rows, and not on a sample."""
    return len(solving_rows(context)) == len(context.train)


def _most(context: Context, units: int) -> int:
    """Training rows that have about so many outputs."""
    total = context.task.units(context.train).total
    return max(1, units * len(context.train) // max(total, 1))


def sample_note(context: Context) -> list[str]:
    """One sentence if the head was fitted on a sample."""
    used, total = len(solving_rows(context)), len(context.train)
    return [] if used == total else [f"head fitted on {used:,} of {total:,} rows, at random"]


def solving_part(
    context: Context, backbone: Backbone, *, layers: Sequence[int], pooling: str, rows: np.ndarray | None = None
) -> tuple[Part, Part]:
    """Training and validation rows as pooled states of some layers side by side.

    Args:
        context: of the run.
        backbone: frozen.
        layers: states put side by side.
        pooling: one of the backbone's.
        rows: which of the rows that heads are fitted on to use, without validation rows; all if None.
    """
    train, validation = prepared(context, backbone.tokenizer)
    at = backbone.poolings.index(pooling)
    every = solving_rows(context)
    used = every if rows is None else every[rows]
    units = train.units
    nothing = np.zeros((0, len(layers) * backbone.hidden_size), dtype=np.float32)
    if not has_many_rows(context, backbone):
        states = features(context, backbone)
        some = None if rows is None else Units.counted(units.counts[every]).of(rows)
        learnt = _flat(states[0], layers, at, some)
        held = _flat(states[1], layers, at) if rows is None else nothing
    elif rows is None:
        tokens = _tokens(context, backbone)
        found = feature_store(context).chosen(
            backbone, tokens, layers=layers, pooling=pooling, progress=context.progress
        )
        shape = (-1, len(layers), 1, backbone.hidden_size)
        learnt, held = (
            states.reshape(len(states), -1)
            for states in (context.task.row_states(each.reshape(shape)) for each in found)
        )
    else:
        [few] = feature_store(context).get(backbone, [train.of(used)])
        learnt, held = _flat(context.task.row_states(few), layers, at), nothing
    count = len(held)
    own = units.of(used)
    return (
        Part(learnt, train.targets[own], train.weights[own]),
        Part(held, validation.targets[:count], validation.weights[:count]),
    )


def states_kept(
    context: Context, backbone: Backbone, *, layers: Sequence[int], pooling: str
) -> Callable[[Any], np.ndarray]:
    """A function that gives pooled states of some layers side by side for tokens, from the run's cache where they are."""
    store = FeatureStore(context.cache)

    def states(tokens: Any) -> np.ndarray:
        fast, backbone.fast = backbone.fast, context.fast
        try:
            return store.chosen(backbone, [tokens], layers=layers, pooling=pooling)[0]
        finally:
            backbone.fast = fast

    return states


def named_part(context: Context, backbone: Backbone, *, layers: Sequence[int], pooling: str) -> Part | None:
    """Texts made of the labels' own words as rows to fit on; None where the labels are no words."""
    examples = context.task.label_examples()
    if not examples:
        return None
    tokens = backbone.tokenizer.encode([example.text for example in examples])
    [states] = feature_store(home(context)).get(backbone, [tokens])
    targets = np.array([context.task.names.index(example.label) for example in examples])
    flat = _flat(states, layers, backbone.poolings.index(pooling))
    return Part(flat, targets, np.full(len(examples), WEIGHT))


def _flat(states: np.ndarray, layers: Sequence[int], pooling: int, rows: np.ndarray | None = None) -> np.ndarray:
    """States of some layers side by side, shape (rows, layers * hidden)."""
    if rows is None:
        return states[:, list(layers), pooling].reshape(len(states), -1)
    return states[rows[:, None], np.array(layers)[None, :], pooling].reshape(len(rows), -1)


class _CutShort(Exception):
    """A head that was solved when the time was over, so perhaps not on all strengths: it is used and not kept."""

    def __init__(self, solved: Solved) -> None:
        super().__init__()
        self.solved = solved


def solved_head(
    context: Context,
    backbone: Backbone,
    *,
    layers: Sequence[int],
    pooling: str,
    grid: Sequence[float] | None = None,
    names: bool = False,
) -> Solved:
    """Logistic regression on the pooled states of some layers, strength chosen on validation or by cross-validation.

    Args:
        context: of the run.
        backbone: frozen.
        layers: states put side by side.
        pooling: one of the backbone's.
        grid: values of C; the default grid if None.
        names: solve on the labels' own words too, where they are words.
    """
    train, validation = solving_part(context, backbone, layers=layers, pooling=pooling)
    options: dict[str, Any] = {"labels": len(context.task.names), "rank": context.task.unit_sort_key}
    options["solver"] = context.task.solver
    options["beside"] = named_part(context, backbone, layers=layers, pooling=pooling) if names else None
    if grid is not None:
        options["grid"] = grid
    if context.folds is not None:
        return solve_by_folds(train, _spread(context, context.folds), **options)
    few = len(train.targets) < KEPT_ROWS
    options["late"] = lambda: context.late
    if few or context.shared.within is not None:  # soon done, or one of many
        return solve(train, validation, **options)
    labels, width = len(context.task.names), train.features.shape[1]

    def fill(found: np.ndarray) -> None:
        solved = solve(train, validation, **options)
        if context.late:
            raise _CutShort(solved)
        found[:] = [solved.C, *solved.rank, *solved.bias, *solved.weight.ravel()]

    about = {"layers": list(layers), "pooling": pooling, "grid": list(grid or GRID), "names": names}
    data = [train.targets, train.weights, validation.targets]
    key = _key(context, backbone, _tokens(context, backbone), data) | about
    try:
        found = np.array(context.cache.get("heads", key, (3 + labels * (1 + width),), fill, dtype="float64"))
    except _CutShort as cut:
        return cut.solved
    return Solved(found[3 + labels :].reshape(labels, width), found[3 : 3 + labels], found[0], (found[1], found[2]))


def compare_by_folds(
    context: Context, backbone: Backbone, options: Sequence[tuple[tuple[int, ...], str]], names: bool | None
) -> tuple[tuple[int, ...], str, bool]:
    """Layers, pooling and use of label names, chosen by cross-validated kernel ridge regression on training rows.

    The validation part is left for comparing strategies: the best of dozens of options on it would be its luckiest.
    With few labels the mean over tokens of the upper half of the layers, with label names where these are known words, is
    taken wherever it is within one standard error of the best. With so few rows it ranks options as logistic regression
    does and costs milliseconds: the kernel of several layers is the sum of theirs.

    Args:
        context: of the run.
        backbone: frozen.
        options: layers and pooling to compare.
        names: whether the labels' own words are learnt from; compared too if None.
    """
    rows, dealt = _choosing_folds(context, backbone)
    tried = [
        (layers, pooling, with_names)
        for layers, pooling in options
        for with_names in ((False, True) if names is None else (names,))
        if not with_names or context.task.label_examples()
    ]
    if not tried:
        return *options[0], False
    if len(tried) == 1:
        return tried[0]
    ranks = np.asarray(context.team.same(_ranks(context, backbone, tried, rows, dealt)))
    found = [
        ((float(rank[0]), float(rank[1])), with_names, -len(layers), layers, pooling)
        for rank, (layers, pooling, with_names) in zip(ranks, tried, strict=True)
    ]
    best = max(found)
    if context.folds is None:
        return best[3], best[4], best[1]
    value = best[0][0]
    least = value - standard_error(value, len(context.train))
    upper = tuple(range(backbone.depth // 2, backbone.depth + 1))
    usual = [each for each in found if each[0][0] >= least and each[3:] == (upper, "mean")]
    preferred = are_known_words(context)
    _, with_names, _, layers, pooling = max(usual, key=lambda each: each[1] == preferred, default=best)
    return layers, pooling, with_names


def _ranks(
    context: Context,
    backbone: Backbone,
    tried: Sequence[tuple[tuple[int, ...], str, bool]],
    rows: np.ndarray | None,
    dealt: np.ndarray,
) -> np.ndarray:
    """How well each choice of layers, pooling and use of label names does, shape (choices, 2), once for all runs."""
    train, _ = prepared(context, backbone.tokenizer)
    used = solving_rows(context) if rows is None else solving_rows(context)[rows]
    own = context.task.units(context.train).of(used)
    data = [train.targets[own], train.weights[own], dealt]
    key = _key(context, backbone, [train.of(used)], data) | {"tried": [list(map(str, each)) for each in tried]}

    def fill(ranks: np.ndarray) -> None:
        kernels: dict[tuple[int, str], np.ndarray] = {}

        def part(layers: Sequence[int], pooling: str) -> tuple[Part, Part | None]:
            some, _ = solving_part(context, backbone, layers=layers, pooling=pooling, rows=rows)
            wanted = any(with_names for *_, with_names in tried)
            return some, named_part(context, backbone, layers=layers, pooling=pooling) if wanted else None

        for at, (layers, pooling, with_names) in enumerate(tried):
            for layer in layers:
                if (layer, pooling) not in kernels:
                    one, beside = part((layer,), pooling)
                    kernels[layer, pooling] = kernel_of(one.features, None if beside is None else beside.features)
            some, beside = part(layers, pooling)
            kernel = np.sum([kernels[layer, pooling] for layer in layers], axis=0)
            count = len(some.targets)
            ranks[at] = ridge_by_folds(
                some,
                dealt,
                labels=len(context.task.names),
                rank=context.task.unit_sort_key,
                beside=beside if with_names else None,
                kernel=kernel if with_names else kernel[:count, :count],
                solver=context.task.solver,
            )

    cache = context.cache if len(used) >= KEPT_ROWS else no_cache()
    return cache.get("choices", key, (len(tried), 2), fill, dtype="float64")


def _key(context: Context, backbone: Backbone, tokens: Sequence[Any], data: Sequence[np.ndarray]) -> dict[str, Any]:
    """All that what is fitted on features depends on, beside the options of the solver."""
    digests = "".join(tokens_digest(each) for each in tokens)
    numbers = hashlib.sha256(b"".join(np.ascontiguousarray(each).tobytes() for each in data)).hexdigest()
    frozen = frozen_key(backbone, backbone.blocks(), digests)
    return frozen | {"data": numbers, "task": context.task.plain(), "solver": SOLVER_VERSION}


def _choosing_folds(context: Context, backbone: Backbone) -> tuple[np.ndarray | None, np.ndarray]:
    """Rows to choose on (None for all with features) and the folds of their outputs; the same for every seed.

    Folds are of shape (repeats, outputs).
    """
    if context.folds is not None:
        return None, _spread(context, context.folds)
    every = solving_rows(context)
    solver = context.task.solver
    units = CHOOSING_WORDS if solver is not None and solver.whole_rows else CHOOSING_ROWS
    most = min(len(every), _most(context, units))
    rows = np.sort(np.random.default_rng(0xFEA7).permutation(len(every))[:most])
    some = context.train.take(every[rows])
    dealt = folds(context.task.strata(some), fold_groups(some), parts=CHOOSING_FOLDS, seed=0)[None]
    return rows, dealt[:, context.task.units(some).rows]


def _spread(context: Context, dealt: np.ndarray) -> np.ndarray:
    """Folds of rows as folds of outputs, shape (repeats, outputs of all training rows)."""
    return dealt[:, context.task.units(context.train).rows]


def strength_by_folds(
    context: Context, backbone: Backbone, *, layers: Sequence[int], pooling: str, names: bool = False
) -> float:
    """Strength of the head by cross-validation on (a sample of) the training rows, the strongest of those as good.

    Accuracy on a small validation part hardly tells strengths apart, and a head that is too sure of itself is a bad start
    for training (docs/log.md).
    """
    rows, dealt = _choosing_folds(context, backbone)
    train, _ = solving_part(context, backbone, layers=layers, pooling=pooling, rows=rows)
    beside = named_part(context, backbone, layers=layers, pooling=pooling) if names else None
    labels, grid = len(context.task.names), FOLD_GRID if context.folds is not None else GRID[::2]
    options: dict[str, Any] = {"rank": context.task.unit_sort_key, "solver": context.task.solver}
    found = solve_by_folds(train, dealt, labels=labels, grid=grid, beside=beside, **options)
    return context.team.same(found.C)
