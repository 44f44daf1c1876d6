"""Training rows that are learnt from in other words too, and that count as their groups are to count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from headstart.data.examples import Examples, Pairs, texts_of, with_texts
from headstart.data.splits import fingerprints
from headstart.data.store import Store, joined_rows
from headstart.data.terms import TermList, copies, read_terms
from headstart.data.typos import typos
from headstart.drawing.text import count, counted
from headstart.errors import DataError, quoted
from headstart.evaluation.groups import grouped
from headstart.recipes.sources import Data
from headstart.tasks.base import Task
from headstart.tasks.pooled import own_weights

LEAST_ROWS = 20
"""Rows of a group below which its labels are not made as frequent as in the others."""


class Augmented(NamedTuple):
    """Training rows with copies of them."""

    rows: Store[Any]
    facts: dict[str, Any]
    """What was done, as plain data."""
    said: list[str]
    copies: int
    """Rows at the end that are copies of others."""


def wanted(data: Data) -> bool:
    """Whether rows are learnt from in other words too."""
    return data.counterfactuals is not None or data.typo_copies is not None


def require(data: Data) -> None:
    """Refuse files of terms and misspellings that cannot be used, before there is any work; raises as their readers do."""
    if data.counterfactuals is not None:
        read_terms(data.counterfactuals)
    if data.typo_copies is not None:
        typos(data.typo_copies)


def augmented(train: Store[Any], data: Data, task: Task, seed: int, others: Sequence[Store[Any]] = ()) -> Augmented:
    """Training rows with their copies, which stay with the rows that they are of and are behind all of them.

    Args:
        train: rows that are learnt from, after others were cut off.
        data: says which copies are made.
        task: bound.
        seed: of what is drawn.
        others: rows that are chosen on or scored; a copy that is one of them is left out.

    Raises:
        DataError: the task has none, no row has a term, or a column is missing or parts the rows into no groups.
    """
    facts: dict[str, Any] = {}
    said: list[str] = []
    rows = train
    if wanted(data):
        if not task.labels_texts:
            raise DataError(f"copies of rows in other words are for labels of whole texts; this task is {task.name}")
        known = np.concatenate([np.zeros(0, np.uint64), *(fingerprints(each.keys) for each in others)])
        of, texts = [], []
        for name, made in _made(train, data, task, seed).items():
            new = ~np.isin(fingerprints(example.key for _, example in made), known)
            kept = [copy for copy, is_new in zip(made, new, strict=True) if is_new]
            of += [row for row, _ in kept]
            texts += [example for _, example in kept]
            facts[name] = {
                "file": getattr(data, name), "copies": len(kept), "rows": len({row for row, _ in kept}),
                "left_out": len(made) - len(kept),
            }  # fmt: skip
            said.append(_said(name, facts[name]))
        if data.counterfactuals is not None:
            lists = read_terms(data.counterfactuals)
            unclear = sum(any(terms.is_unclear(texts_of(each)) for terms in lists) for each in train.examples)
            facts["counterfactuals"] |= {"terms": [term for each in lists for term in each.terms], "unclear": unclear}
            if unclear:
                said.append(
                    f"terms of {counted(unclear, 'training row')} stand in several lists of a table of {data.counterfactuals}, as "
                    "'her' beside 'his' and 'him'; they are never swapped, for what would stand in their place is not known"
                )
        rows = _joined(train, np.array(of, dtype=np.int64), texts)
    if data.balance_groups is not None:
        rows, facts["balance_groups"], sentence = _balanced(rows, data.balance_groups, task)
        said.append(sentence)
    return Augmented(rows, facts, said, len(rows) - len(train))


def _made(train: Store[Any], data: Data, task: Task, seed: int) -> dict[str, list[tuple[int, Any]]]:
    """Copies by the option that asks for them, each with the number of the row that it is of.

    Raises:
        DataError: no row has a term that is to be swapped.
    """
    found: dict[str, list[tuple[int, Any]]] = {}
    if data.counterfactuals is not None:
        lists = read_terms(data.counterfactuals)
        found["counterfactuals"] = list(_swapped(train, lists, data, seed))
        if not found["counterfactuals"]:
            masked = {term.casefold() for each in getattr(task, "masks", ()) for term in each.terms}
            why = (
                "; its terms are masked (mask_terms), so rows that differ in them are one and the same: leave one of the two out"
                if any(term.casefold() in masked for each in lists for term in each.terms)
                else " that can be swapped"
            )
            raise DataError(f"no training row of {train.file} has a term of {data.counterfactuals}{why}")
    if data.typo_copies is not None and (misspelt := list(_misspelt(train, data, seed))):
        found["typo_copies"] = misspelt
    return found


def _said(name: str, facts: Mapping[str, Any]) -> str:
    """What is said of copies of one kind."""
    left = facts["left_out"]
    said = (
        f"{count(facts['copies'])} copies of {counted(facts['rows'], 'training row')} "
        f"{'with other terms' if name == 'counterfactuals' else 'with misspelt words'} are learnt from too"
    )
    return said + (f"; {count(left)} more are rows that are chosen on or scored, and left out" if left else "")


def _swapped(train: Store[Any], lists: Sequence[TermList], data: Data, seed: int) -> Iterator[tuple[int, Any]]:
    """Copies with other terms, with the number of the row that each is of."""
    for row, example in enumerate(train.examples):
        for terms in lists:
            for copy, _ in copies(example, terms, data.copies, seed):
                yield row, copy


def _misspelt(train: Store[Any], data: Data, seed: int) -> Iterator[tuple[int, Any]]:
    """Copies with misspelt words, with the number of the row that each is of."""
    assert data.typo_copies is not None
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


def _balanced(rows: Store[Any], column: str, task: Task) -> tuple[Store[Any], dict[str, Any], str]:
    """Rows that count so that label and group are independent (reweighing: Kamiran & Calders 2012, section 5).

    Groups are those that an audit compares. Rows of smaller ones, and without a value, count as they did: their few labels say
    nothing of their group. A label that no row of a group has cannot be made more frequent there.

    Returns:
        The rows, plain data of what was done, and a sentence on it.
    """
    if task.target_kind != "label" or task.words:
        raise DataError(f"rows are weighted by group for one label a text; this task is {task.name}")
    groups = grouped(rows, column, LEAST_ROWS)
    if len(groups.names) < 2:
        raise DataError(f"{rows.file}: rows cannot be balanced by '{column}': {groups.why(LEAST_ROWS)}")
    inside, labels = np.flatnonzero(groups.codes >= 0), task.label_names
    examples = rows.examples
    own = own_weights(examples)
    cells = groups.codes[inside], np.asarray(task.targets(rows), dtype=np.int64)[inside]
    both = np.zeros((len(groups.names), len(labels)))
    np.add.at(both, cells, own[inside])
    apart = np.outer(both.sum(1), both.sum(0)) / both.sum()
    factors = np.ones(len(rows))
    factors[inside] = np.divide(apart, both, out=np.ones_like(both), where=both > 0)[cells]
    counted_as = (own * factors).tolist()
    if isinstance(examples, Examples | Pairs):
        examples = replace(examples, weights=counted_as)
    else:
        examples = [replace(example, weight=weight) for example, weight in zip(examples, counted_as, strict=True)]
    missing = [(groups.names[group], labels[label]) for group, label in np.argwhere((both == 0) & (apart > 0))]
    facts = {
        "column": column, "groups": len(groups.names), "least": float(factors.min()), "most": float(factors.max()),
        "others": len(rows) - len(inside), "missing": [list(each) for each in missing],
    }  # fmt: skip
    return replace(rows, examples=examples), facts, _balance_said(facts)


def _balance_said(facts: Mapping[str, Any]) -> str:
    """How rows count, and for which of them nothing could be done."""
    said = (
        f"rows count so that labels are as frequent in each of {facts['groups']} groups of '{facts['column']}' as in all of these: "
        f"from {facts['least']:.2f} to {facts['most']:.2f} times"
    )
    if facts["others"]:
        said += f"; {counted(facts['others'], 'row')} of no group of {LEAST_ROWS} rows count as they did"
    if missing := facts["missing"]:
        named = ", ".join(f"{quoted(label)} in {quoted(group)}" for group, label in missing[:5])
        said += f"; labels that no row of a group has stay so ({named}{', ...' if len(missing) > 5 else ''})"
    return said
