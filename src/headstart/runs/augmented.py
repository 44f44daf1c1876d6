"""Training rows that are learnt from in other words too, and that count as their groups are to count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from headstart.data.examples import Examples, Pairs, texts_of, with_texts
from headstart.data.store import Store, joined_rows
from headstart.data.terms import read_terms
from headstart.data.typos import typos
from headstart.drawing.text import count, counted
from headstart.errors import DataError, quoted
from headstart.recipes.sources import Data
from headstart.registry import did_you_mean
from headstart.tasks.base import Task

KINDS = ("label", "labels")
"""Kinds of targets that stay right where a text is written otherwise."""


class Augmented(NamedTuple):
    """Training rows with copies of them."""

    rows: Store[Any]
    facts: dict[str, Any]
    """What was done, as plain data."""
    said: list[str]


def wanted(data: Data) -> bool:
    """Whether rows are learnt from in other words too."""
    return data.counterfactuals is not None or data.typo_copies is not None


def require(data: Data) -> None:
    """Refuse files of terms and misspellings that cannot be used, before there is any work; raises as their readers do."""
    if data.counterfactuals is not None:
        read_terms(data.counterfactuals)
    if data.typo_copies is not None:
        typos(data.typo_copies)


def augmented(train: Store[Any], data: Data, task: Task, seed: int) -> Augmented:
    """Training rows with their copies, which stay with the rows that they are of.

    Args:
        train: rows that are learnt from, after others were cut off.
        data: says which copies are made.
        task: bound.
        seed: of what is drawn.

    Raises:
        DataError: the task has none, no row has a term, or a column is missing.
    """
    facts: dict[str, Any] = {}
    said: list[str] = []
    rows = train
    if wanted(data):
        if task.target_kind not in KINDS or task.words:
            raise DataError(f"copies of rows in other words are for labels of whole texts; this task is {task.name}")
        of, texts = [], []
        for name, found in (
            ("counterfactuals", _swapped(train, data, seed)),
            ("typo_copies", _misspelt(train, data, seed)),
        ):
            copies = list(found)
            if not copies:
                continue
            of += [row for row, _ in copies]
            texts += [example for _, example in copies]
            facts[name] = {"file": getattr(data, name), "copies": len(copies), "rows": len({row for row, _ in copies})}
            said.append(
                f"{count(len(copies))} copies of {counted(facts[name]['rows'], 'training row')} "
                f"{'with other terms' if name == 'counterfactuals' else 'with misspelt words'} are learnt from too"
            )
        if data.counterfactuals is not None:
            if "counterfactuals" not in facts:
                raise DataError(f"no training row of {train.file} has a term of {data.counterfactuals}")
            facts["counterfactuals"]["terms"] = [
                term for each in read_terms(data.counterfactuals) for term in each.terms
            ]
        rows = _joined(train, np.array(of, dtype=np.int64), texts)
    if data.balance_groups is not None:
        rows, spread = _balanced(rows, data.balance_groups, task)
        facts["balance_groups"] = {"column": data.balance_groups} | spread
        said.append(
            f"rows count so that labels are as frequent in each group of '{data.balance_groups}' as in all: from "
            f"{spread['least']:.2f} to {spread['most']:.2f} times"
        )
    return Augmented(rows, facts, said)


def _swapped(train: Store[Any], data: Data, seed: int) -> Iterator[tuple[int, Any]]:
    """Copies with other terms, with the number of the row that each is of."""
    if data.counterfactuals is None:
        return
    lists = read_terms(data.counterfactuals)
    for row, example in enumerate(train.examples):
        texts = texts_of(example)
        for terms in lists:
            for side, text in enumerate(texts):
                for swap in terms.swaps(text, data.copies, seed):
                    yield row, with_texts(example, [*texts[:side], swap.text, *texts[side + 1 :]])


def _misspelt(train: Store[Any], data: Data, seed: int) -> Iterator[tuple[int, Any]]:
    """Copies with misspelt words, with the number of the row that each is of."""
    if data.typo_copies is None:
        return
    slips = typos(data.typo_copies)
    for row, example in enumerate(train.examples):
        texts = texts_of(example)
        for number in range(data.copies):
            others = tuple(slips.misspelt(text, data.typo_rate, seed + number).text for text in texts)
            if others != texts:
                yield row, with_texts(example, others)


def _joined(train: Store[Any], of: np.ndarray, examples: list[Any]) -> Store[Any]:
    """Rows and copies, each copy in the group of its row."""
    groups = np.arange(len(train)) if train.groups is None else train.groups
    own = replace(train, groups=groups)
    return joined_rows(own, replace(own.take(of), examples=examples))


def _balanced(rows: Store[Any], column: str, task: Task) -> tuple[Store[Any], dict[str, float]]:
    """Rows that count so that label and group are independent (reweighing: Kamiran & Calders 2012, section 5)."""
    if column not in rows.columns:
        hint = did_you_mean(column, list(rows.columns))
        raise DataError(f"{rows.file} has no column {quoted(column)}{hint} (columns: {', '.join(rows.columns)})")
    if task.target_kind != "label" or task.words:
        raise DataError(f"rows are weighted by group for one label a text; this task is {task.name}")
    groups = [(cell or "").strip() for cell in rows.columns[column]]
    labels = list(rows.labels)
    total, by_group, by_label = len(rows), Counter(groups), Counter(labels)
    both = Counter(zip(groups, labels, strict=True))
    weights = np.array(
        [by_group[g] * by_label[label] / (total * both[g, label]) for g, label in zip(groups, labels, strict=True)]
    )
    examples = rows.examples
    own = [example.weight for example in examples] if not isinstance(examples, Examples | Pairs) else examples.weights
    counted_as = (np.asarray(own, dtype=np.float64) * weights).tolist()
    if isinstance(examples, Examples | Pairs):
        examples = replace(examples, weights=counted_as)
    else:
        examples = [replace(example, weight=weight) for example, weight in zip(examples, counted_as, strict=True)]
    spread = {"groups": len(by_group), "least": float(weights.min()), "most": float(weights.max())}
    return replace(rows, examples=examples), spread
