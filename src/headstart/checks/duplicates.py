"""Texts that occur more than once: within a part, with contradicting labels, or on both sides of a cut."""

from collections import defaultdict
from collections.abc import Sequence

from headstart.data.splits import folded


def repeated(texts: Sequence[str]) -> int:
    """Rows whose text, case and white space folded, stood before."""
    return len(texts) - len({folded(text) for text in texts})


def contradictory(texts: Sequence[str], labels: Sequence[str]) -> list[list[int]]:
    """Groups of rows with one text and more than one label, in order of first appearance."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        rows[folded(text)].append(row)
    return [group for group in rows.values() if len({labels[row] for row in group}) > 1]


def shared(texts: Sequence[str], others: Sequence[str]) -> list[int]:
    """Rows of `others` whose text also occurs in `texts`."""
    known = {folded(text) for text in texts}
    return [row for row, text in enumerate(others) if folded(text) in known]
