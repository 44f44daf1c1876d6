"""Words of the command line that have no end or no meaning: refused before any work, in a message that has an end."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("fit", "a.csv", "--seed", "9" * 5_000), f"seed: should be a whole number, found '{'9' * 57}...'"),
        (("fit", "a.csv", "--layers", "9" * 5_000, "-s", "fine-tuning"), f"whole number, found '{'9' * 57}...'"),
        (("fit", "a.csv", "-o", "o" * 300), "output: "),
        (("fit", "a.csv", "--class-weight", "{up: 1, up: 2}"), "--class-weight.up: stands there twice"),
        (("fit", "a.csv", "--class-weight", "{up: yes}"), "--class-weight.up: 'yes' is true to some readers"),
        (("predict", "m" * 300, "text"), "model: "),
        (("resume", "m" * 300), "run: "),
        (("show", "model", "m" * 5_000), "location: "),
        (("pretrain", "a/" + "**/" * 200 + "*.txt"), "goes through folders more than 2 times"),
        (("init", "a.csv", "-o", "i" * 300), "output: "),
    ],
)
def test_flags_have_bounds_too(refused: Callable[..., str], words: tuple[str, ...], fault: str) -> None:
    message = refused(64, *words)
    assert fault in message
    assert len(message) < 500


def test_words_without_an_end_are_not_repeated(refused: Callable[..., str]) -> None:
    for words in (["fit", "--" + "x" * 9_000], ["x" * 9_000], ["list", "x" * 9_000], ["explain", "x" * 9_000]):
        assert len(refused(2, *words)) < 2_200
