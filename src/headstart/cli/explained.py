"""Predictions with the words that they hang on, as people read them: the text in colours, and the words that weigh most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.unseen import on_one_line

if TYPE_CHECKING:
    from headstart.attribution.explanation import Explanation

MOST_LISTED = 10
"""Words of a text that are listed where there are no colours; those of several labels have as many each."""
STRONG, WEAK = 0.5, 0.15
"""Shares of the largest weight from which on a word is written in bold, and in colour."""
GREEN, RED, BOLD, FAINT, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"


def explained_texts(
    predictions: Sequence[Mapping[str, Any]], explanations: Sequence[Explanation | None], coloured: bool
) -> str:
    """What is predicted of each text, and why.

    Args:
        predictions: plain ones.
        explanations: of the same texts; None for a blank one.
        coloured: write words for the answer in green, words against it in red and words that were not read faint, and the
            heaviest ones behind the text; otherwise the heaviest ones are listed.
    """
    parts = []
    for row, why in zip(predictions, explanations, strict=True):
        if why is None:
            parts.append("no prediction: the text is blank")
            continue
        withheld = row.get("abstained") or ("label" in row and row["label"] is None)
        for at, score in enumerate(why.scores):
            label = on_one_line(why.labels[at]) if why.labels else ""
            head = f"{label}  {score:.3f}" if why.labels else f"{score:.4g}"
            lines = [f"{head}  (withheld)" if withheld else head]
            lines += _coloured(why, at) if coloured else [f"  {line}" for line in _listed(why, at, MOST_LISTED)]
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _heaviest(why: Explanation, at: int) -> list[int]:
    """Numbers of the words that have a weight, the heaviest first."""
    weights = np.abs(why.weights[at])
    return [int(word) for word in np.argsort(-weights, kind="stable") if not np.isnan(weights[word])]


def _listed(why: Explanation, at: int, most: int) -> Iterator[str]:
    words = _heaviest(why, at)
    for word in words[:most]:
        side, start, end = why.places[word]
        where = f"  ({('first', 'second')[side]} text)" if len(why.texts) > 1 else ""
        yield f"{why.weights[at, word]:+.3f}  {on_one_line(why.texts[side][start:end])}{where}"
    if len(words) > most:
        yield f"and {len(words) - most:,} words that weigh less"


def _coloured(why: Explanation, at: int) -> list[str]:
    """The texts with their words in colours, then the three heaviest words with their weights."""
    largest = float(np.nanmax(np.abs(why.weights[at]), initial=0.0)) or 1.0
    lines = []
    for side, text in enumerate(why.texts):
        parts, begun = [], 0
        for word, place in enumerate(why.places):
            if place.side == side:
                code = _code(float(why.weights[at, word]) / largest)
                shown = on_one_line(text[place.start : place.end])
                parts += [on_one_line(text[begun : place.start]), f"{code}{shown}{PLAIN}" if code else shown]
                begun = place.end
        lines.append("  " + "".join([*parts, on_one_line(text[begun:])]))
    heaviest = [line.replace("  ", " ", 1) for line in _listed(why, at, 3) if not line.startswith("and ")]
    return [*lines, f"  {FAINT}{', '.join(heaviest)}{PLAIN}"] if heaviest else lines


def _code(share: float) -> str:
    """How a word is written, by its weight as a share of the largest one, in [-1, 1]; NaN where it has none."""
    if np.isnan(share):
        return FAINT
    colour = GREEN if share > 0 else RED
    return f"{BOLD}{colour}" if abs(share) >= STRONG else colour if abs(share) >= WEAK else ""
