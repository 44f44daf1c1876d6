"""The last lines of code for the card: what a model says of one input, printed."""

from headstart.types import Meaning


def print_code(meaning: Meaning, found: str) -> str:
    """Code that prints what the model says of one input.

    Args:
        meaning: of the outputs.
        found: code of what `predict` gives for it, a list.
    """
    if meaning.answers == "labels":
        return (
            f"thresholds = {list(meaning.thresholds)!r}\nshares = {found}\nprint(dict(zip(labels, shares)))\n"
            "print([label for label, share, least in zip(labels, shares, thresholds) if share >= least])"
        )
    if meaning.thresholds:
        return (
            f"thresholds = {list(meaning.thresholds)!r}\nshares = {found}\nprint(dict(zip(labels, shares)))\n"
            "print(max(zip(labels, shares, thresholds), key=lambda each: each[1] / each[2])[0])"
        )
    return f"print(dict(zip(labels, {found})))"
