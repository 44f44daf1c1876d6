"""Windows over long texts: every token is read, each text knows its windows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.long_texts import TextWindows, in_windows
from headstart.data.tokens import pack


def windows_of(*lengths: int, room: int, overlap: int) -> TextWindows:
    """Texts whose tokens are 10, 11, 12 and so on, between 1 and 2."""
    texts = pack([range(10, 10 + length) for length in lengths], [0] * len(lengths))
    return in_windows(texts, room=room, overlap=overlap, before=(1,), after=(2,))


def rows(tokens: TextWindows) -> list[list[int]]:
    return [tokens.windows.get(row).tolist() for row in range(len(tokens.windows))]


def test_windows_are_as_long_as_may_be_and_begin_with_the_end_of_the_one_before() -> None:
    found = windows_of(3, 8, 4, room=4, overlap=1)
    assert rows(found) == [
        [1, 10, 11, 12, 2],
        [1, 10, 11, 12, 13, 2], [1, 13, 14, 15, 16, 2], [1, 16, 17, 2],
        [1, 10, 11, 12, 13, 2],
    ]  # fmt: skip
    assert found.homes.counts.tolist() == [1, 3, 1]
    assert found.lengths.tolist() == [5, 16, 6]
    assert found.uncut.tolist() == [5, 10, 6]
    assert found.lost.tolist() == [0, 0, 0]
    assert (len(found), found.units.counts.tolist()) == (3, [1, 1, 1])


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(1, 9), st.data())
def test_without_the_overlap_windows_put_one_after_the_other_are_the_text(
    lengths: list[int], room: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, room - 1))
    found = windows_of(*lengths, room=room, overlap=overlap)
    for text, length in enumerate(lengths):
        own = [rows(found)[at] for at in found.homes.of([text])]
        assert all(each[0] == 1 and each[-1] == 2 and len(each) <= room + 2 for each in own)
        assert all(len(each) == room + 2 for each in own[:-1])
        inner = [each[1:-1] for each in own]
        assert sum(([*each[overlap:]] for each in inner[1:]), inner[0]) == [*range(10, 10 + length)]
        assert all(len(each) > overlap for each in inner[1:])  # none that says nothing new


def test_more_windows_than_are_copied_at_once_are_the_same(monkeypatch: object) -> None:
    whole = windows_of(30, 5, 17, room=4, overlap=1)
    import headstart.data.long_texts as module

    monkeypatch.setattr(module, "BATCH_ROWS", 3)  # type: ignore[attr-defined]
    assert rows(windows_of(30, 5, 17, room=4, overlap=1)) == rows(whole)


def test_a_batch_has_all_windows_of_its_texts_and_says_which_are_of_one() -> None:
    found = windows_of(3, 6, 7, room=4, overlap=1)
    ids, mask = found.pad([2, 0], 0)
    assert ids.tolist() == [[1, 10, 11, 12, 13, 2], [1, 13, 14, 15, 16, 2], [1, 10, 11, 12, 2, 0]]
    assert mask.sum(1).tolist() == [6, 6, 5]
    homes = found.homes_of([2, 0])
    assert homes is not None
    assert homes.tolist() == [0, 0, 1]
    assert found.homes_of([0]) is None
    assert found.spans_of([2, 0]) is None


def test_taken_texts_keep_their_windows() -> None:
    found = windows_of(3, 6, 7, room=4, overlap=1)
    some = found.take(np.array([2, 0]))
    assert rows(some) == [[1, 10, 11, 12, 13, 2], [1, 13, 14, 15, 16, 2], [1, 10, 11, 12, 2]]
    assert some.homes.counts.tolist() == [2, 1]
    assert some.uncut.tolist() == [9, 5]
    assert found.whole.get(1).tolist() == [1, 10, 11, 12, 13, 2, 1, 13, 14, 15, 2]
