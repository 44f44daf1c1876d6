"""Stretches of texts: they cover all tokens, none is longer than it may be, neighbours share half of theirs."""

import numpy as np
import pytest

from headstart.data.stretches import stretches


@pytest.mark.parametrize("tokens", [2, 3, 24])
def test_stretches_cover_each_text_and_neighbours_share_half(tokens: int) -> None:
    lengths = np.arange(1, 80)
    found = stretches(lengths, tokens)
    for text, length in enumerate(lengths):
        own = found[found[:, 0] == text, 1:]
        assert (own[0, 0], own[-1, 1]) == (0, length)
        assert ((own[:, 1] - own[:, 0]) == min(length, tokens)).all()
        assert (np.diff(own[:, 0]) >= 1).all()
        assert (np.diff(own[:, 0]) <= tokens // 2).all()
    assert (np.diff(found[:, 0]) >= 0).all()


def test_a_short_text_is_one_stretch() -> None:
    assert stretches(np.array([24, 25, 3]), 24).tolist() == [[0, 0, 24], [1, 0, 24], [1, 1, 25], [2, 0, 3]]
