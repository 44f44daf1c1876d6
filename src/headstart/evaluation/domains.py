"""Scores in and out of domain side by side: what is lost on the way, with its interval."""

import numpy as np

from headstart.types import Score


def gap(inside: Score, outside: Score) -> Score:
    """The score out of domain minus that in domain, with a 95 % interval, for scores on different rows.

    The interval is made of those of the two scores (Zou & Donner 2008, section 2), so it holds for whatever score has one.

    Args:
        inside: on rows of the domain that labels were learnt in.
        outside: on rows of the target domain.

    Returns:
        The difference; `n` is the number of rows out of domain.
    """
    value = outside.value - inside.value
    down = np.hypot(outside.value - outside.low, inside.high - inside.value)
    up = np.hypot(outside.high - outside.value, inside.value - inside.low)
    return Score(value, value - float(down), value + float(up), outside.n)
