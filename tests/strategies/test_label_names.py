"""Whether labels' names are words that a network knows."""

from collections.abc import Callable

import pytest

from headstart.strategies.base import Context
from headstart.strategies.label_names import are_known_words


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("good", "bad"), True),
        (("good", "abbr"), False),  # the vocabulary has its letters only
        (("good", "\u597d\u597d\u597d"), False),  # or not even these
        (("up", "no"), False),  # no word of three letters: nothing to learn from
    ],
)
def test_names_are_held_against_the_texts(labels: tuple[str, str], expected: bool, few: Callable[..., Context]) -> None:
    assert are_known_words(few(labels=labels)) is expected
