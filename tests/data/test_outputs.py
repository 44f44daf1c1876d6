"""Outputs of every kind: taken and filled in by row, written as arrays and read back."""

from typing import Any

import numpy as np
import pytest

from headstart.data.mixed_outputs import Mixed
from headstart.data.outputs import OUTPUTS, Generated, Logits, Outputs, Ranked, Replies, Spans, outputs_of
from headstart.data.units import Units
from headstart.errors import RecipeError

CUT = np.array([False, True, False, True])


def logits() -> Logits:
    values = np.arange(8, dtype=np.float32).reshape(4, 2)
    return Logits(CUT.copy(), values, strangeness=np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32))


def words() -> Logits:
    """Of rows with two, no, one and three words."""
    return Logits(CUT.copy(), np.arange(12, dtype=np.float32).reshape(6, 2), Units.counted([2, 0, 1, 3]))


def spans() -> Spans:
    starts = np.array([[0, 3], [2, -1], [-1, -1], [5, 0]])
    scores = np.array([[4, 2], [3, 0], [0, 0], [1, 0.5]], dtype=np.float32)
    nothing, partition = np.array([1, 2, 3, 4], dtype=np.float32), np.array([5, 6, 7, 8], dtype=np.float32)
    return Spans(CUT.copy(), starts, starts + 1, scores, nothing, partition)


def generated() -> Generated:
    texts = ["gr\u00fc\u00df dich", "", '\u4f60\u597d \U0001f30d\n"quoted"', "\u0635\u0628\u0627\u062d\ud800"]
    ranks = [(texts[0], "b"), (texts[1],), (texts[2],), (texts[3], "", "c")]
    scores = np.array([[-1, -2, 0], [-0.5, 0, 0], [-3, 0, 0], [-1, -1.5, -2]], dtype=np.float32)
    return Generated(CUT.copy(), ranks, scores, ~CUT, np.array([0.5, 0, 2, 1], dtype=np.float32))


def replies() -> Replies:
    plain = generated()
    texts = (plain.texts, plain.scores, plain.ended, plain.losses)
    return Replies(CUT.copy(), *texts, np.array([4, 0, 7, 2]), np.array([11, 0, 30, 5]))


def ranked() -> Ranked:
    ids = np.array([[7, 2, 9], [1, -1, -1], [3, 4, -1], [-1, -1, -1]])
    scores = np.array([[3, 2, 1], [5, 0, 0], [2, 1, 0], [0, 0, 0]], dtype=np.float32)
    return Ranked(CUT.copy(), ids, scores, np.array([0.1, 0, 0.3, 0], dtype=np.float32), np.array([1, 0, 3, 0]))


def mixed() -> Mixed:
    """Two tasks, of two labels and of three, whose rows are mixed up."""
    one = Logits(np.array([False, False]), np.array([[0.1, 0.2], [0.3, 0.4]], np.float32))
    other = Logits(np.array([True, True]), np.array([[1, 2, 3], [4, 5, 6]], np.float32))
    return Mixed(
        np.array([False, True, False, True]), {"a": one, "b": other}, np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    )


MADE = {
    "logits": logits,
    "words": words,
    "spans": spans,
    "generated": generated,
    "replies": replies,
    "ranked": ranked,
    "mixed": mixed,
}
KINDS = pytest.mark.parametrize("make", MADE.values(), ids=MADE)


def plain(outputs: Outputs) -> dict[str, list[Any]]:
    return {name: each.tolist() for name, each in outputs.arrays().items()}


def emptied(outputs: Any) -> Any:
    """Outputs of as many rows and units that say nothing yet."""
    arrays = {name: np.zeros_like(each) for name, each in outputs.arrays().items()}
    if "offsets" in arrays:
        arrays["offsets"] = outputs.units.offsets
    arrays |= {name: each for name, each in outputs.arrays().items() if name in ("homes", "places")}
    if isinstance(outputs, Generated):
        return type(outputs).of([""] * len(outputs))
    return type(outputs).from_arrays(arrays)


def test_every_registered_kind_is_tested_here() -> None:
    assert {make().kind for make in MADE.values()} == set(OUTPUTS.names())
    assert all(OUTPUTS.get(make().kind) is type(make()) for make in MADE.values())


@KINDS
def test_arrays_are_read_back_as_they_were(make: Any) -> None:
    outputs = make()
    arrays = outputs.arrays()
    assert all(isinstance(each, np.ndarray) and each.dtype != object for each in arrays.values())
    again = outputs_of(outputs.kind, arrays)
    assert type(again) is type(outputs)
    assert plain(again) == plain(outputs)
    assert {name: each.dtype for name, each in again.arrays().items()} == {n: e.dtype for n, e in arrays.items()}
    assert len(again) == 4


@KINDS
def test_no_rows_have_outputs_that_are_read_back_too(make: Any) -> None:
    none = make().take([])
    assert len(none) == 0
    assert plain(outputs_of(none.kind, none.arrays())) == plain(none)


@KINDS
def test_an_array_that_is_missing_is_named(make: Any) -> None:
    arrays = make().arrays()
    name = next(reversed([each for each in arrays if each not in ("offsets", "strangeness")]))
    with pytest.raises((KeyError, TypeError), match=name):
        outputs_of(make().kind, {each: value for each, value in arrays.items() if each != name})


@KINDS
def test_rows_are_taken_in_the_order_asked_for_by_number_or_by_a_bool_for_each(make: Any) -> None:
    outputs = make()
    chosen = outputs.take([3, 0])
    assert chosen.truncated.tolist() == [True, False]
    assert plain(outputs.take(np.array([True, False, False, True]))) == plain(outputs.take([0, 3]))
    assert plain(chosen.take([1, 0])) == plain(outputs.take([0, 3]))
    assert plain(outputs.take(np.arange(4))) == plain(outputs)


@KINDS
def test_what_was_taken_is_filled_in_where_it_came_from(make: Any) -> None:
    outputs = make()
    whole = emptied(outputs)
    whole.put([2, 0], outputs.take([2, 0]))
    assert plain(whole.take([0, 2])) == plain(outputs.take([0, 2]))
    assert plain(whole.take([1])) == plain(emptied(outputs).take([1])), "other rows stay"
    whole.put(np.array([False, True, False, True]), outputs.take([1, 3]))
    assert plain(whole) == plain(outputs)


@KINDS
def test_rows_left_out_for_want_of_confidence_go_with_their_rows_and_are_not_written(make: Any) -> None:
    outputs = make()
    outputs.abstained = np.array([True, False, False, True])
    assert outputs.take([0, 2, 3]).abstained.tolist() == [True, False, True]
    assert "abstained" not in outputs.arrays()
    assert make().take([0]).abstained is None


@KINDS
@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_noticed(make: Any, broken: float) -> None:
    outputs = make()
    assert outputs.is_finite
    arrays = {name: each.copy() for name, each in outputs.arrays().items()}
    name = next(each for each, values in arrays.items() if values.dtype.kind == "f")
    arrays[name].flat[-1] = broken
    assert not outputs_of(outputs.kind, arrays).is_finite


def test_units_of_words_follow_their_rows() -> None:
    outputs = words()
    chosen = outputs.take([3, 1, 0])
    assert chosen.values.tolist() == [[6, 7], [8, 9], [10, 11], [0, 1], [2, 3]]
    assert chosen.units is not None
    assert chosen.units.counts.tolist() == [3, 0, 2]
    assert len(chosen) == 3
    assert set(outputs.arrays()) == {"truncated", "values", "offsets"}


def test_what_decisions_say_stays_when_rows_are_taken_and_goes_when_they_are_written() -> None:
    outputs = logits()
    outputs.thresholds = np.array([0.3, 0.7])
    chosen = outputs.take([2, 1])
    assert chosen.thresholds is outputs.thresholds
    assert chosen.strangeness is not None
    assert chosen.strangeness.tolist() == pytest.approx([0.3, 0.2])
    assert set(outputs.arrays()) == {"truncated", "values", "strangeness"}


def test_values_alone_are_outputs_of_rows_none_of_which_is_cut() -> None:
    values = np.ones((3, 2), dtype=np.float32)
    assert Logits.of(values).truncated.tolist() == [False] * 3
    by_word = Logits.of(values, Units.counted([1, 2]))
    assert (by_word.truncated.tolist(), len(by_word)) == ([False] * 2, 2)


def test_only_logits_can_be_scaled_and_nothing_else_of_them_changes() -> None:
    assert [name for name, make in MADE.items() if hasattr(make(), "scaled")] == ["logits", "words"]
    outputs = words()
    outputs.thresholds = np.array([0.3, 0.7])
    half = outputs.scaled(0.5)
    assert half.values.tolist() == (np.arange(12).reshape(6, 2) / 2).tolist()
    assert half.values.dtype == np.float32
    assert half.units is outputs.units
    assert half.thresholds is outputs.thresholds
    assert outputs.values[-1].tolist() == [10, 11], "a copy"


def test_texts_come_through_to_the_character_in_plain_bytes() -> None:
    arrays = generated().arrays()
    assert arrays["texts"].dtype == np.uint8
    assert arrays["texts"].max() < 128
    assert outputs_of("generated", arrays).texts == generated().texts  # type: ignore[attr-defined]


def test_candidates_are_counted_up_to_the_last_one() -> None:
    assert ranked().counts.tolist() == [3, 1, 2, 0]


def test_a_kind_that_is_not_registered_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"unknown kind of outputs 'logit'; did you mean 'logits'\?"):
        outputs_of("logit", {})
