"""Label sets that nothing can be learnt from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from headstart.data.splits import folded
from headstart.data.store import Store
from headstart.errors import DataError
from headstart.registry import did_you_mean


def refuse_lookalikes(counts: Counter[str], file: str) -> None:
    """Labels that differ only by case or white space.

    Raises:
        DataError: there are some.
    """
    spellings: dict[str, list[str]] = {}
    for label in sorted(counts):
        spellings.setdefault(folded(label), []).append(label)
    twins = [labels for labels in spellings.values() if len(labels) > 1]
    if twins:
        shown = "; ".join(" and ".join(f"'{label}' ({counts[label]} rows)" for label in labels) for labels in twins[:5])
        raise DataError(
            f"{file}: labels differ only by case or white space: {shown}; fix the file, or merge them with --merge-labels"
        )


def refuse_thresholds(thresholds: Sequence[float] | None, labels: Sequence[str], file: str) -> None:
    """Thresholds that are not one for each label.

    Raises:
        DataError: they are fewer or more.
    """
    if thresholds is not None and len(thresholds) != len(labels):
        raise DataError(
            f"{file}: {len(thresholds)} thresholds were given for {len(labels)} labels; give one for each, in the order of "
            "'labels', or leave them out to have them found"
        )


def refuse_numbers(distinct: int, few: int, examples: Store[Any], column: str | None) -> None:
    """A column of numbers or free text.

    Stands before the check for single examples, which such a column would fail too, with the wrong advice.

    Raises:
        DataError: it looks like one.
    """
    if distinct > max(few, len(examples) // 2):
        raise DataError(
            f"{examples.file}: column '{column}' has {distinct:,} distinct values in {len(examples):,} rows, "
            "which looks like numbers or free text rather than labels; choose another with --label"
        )


def refuse_rare(counts: Counter[str], examples: Store[Any], *, least_labels: int = 2) -> None:
    """A single label, or labels of a single row.

    Args:
        counts: rows of each label.
        examples: labelled with one each, or with a tuple of them.
        least_labels: that are needed.

    Raises:
        DataError: that is all there is, or there are some.
    """
    if len(counts) < least_labels:
        only = next(iter(counts), "")
        raise DataError(
            f"{examples.file}: all {len(examples)} rows have the label '{only}'; two labels or more are needed to learn from"
        )
    rare = sorted(label for label, count in counts.items() if count < 2)
    if rare:
        at = {
            one: line
            for label, line in zip(examples.labels, examples.lines, strict=True)
            for one in (label if isinstance(label, tuple) else (label,))
        }
        shown = ", ".join(f"'{label}' (line {at[label]})" for label in rare[:10])
        raise DataError(
            f"{examples.file}: {len(rare)} label(s) with one example only: {shown}; a part to learn from and a part to "
            "check on need one each: add rows, or leave them out with --drop-rare-labels"
        )


def refuse_rare_types(counts: Counter[str], places: Mapping[str, int], file: str) -> None:
    """Types of a single span.

    Args:
        counts: spans of each type.
        places: line of the first span of each.
        file: where they stand.

    Raises:
        DataError: there are some.
    """
    rare = sorted(kind for kind, count in counts.items() if count < 2)
    if rare:
        shown = ", ".join(
            f"'{kind}' (line {places[kind]}{did_you_mean(kind, [other for other in counts if other != kind])})"
            for kind in rare[:10]
        )
        raise DataError(
            f"{file}: {len(rare)} type(s) with one span only: {shown}; a part to learn from and a part to check "
            "on need one each: fix the tags, or take them for words outside with --drop-rare-labels"
        )
