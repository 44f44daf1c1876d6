"""What the code on cards says of a task, for those who use a folder without headstart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal


class CardCode:
    """Python code that makes answers of what a network or a linear map gives."""

    def activation_code(self, library: Literal["torch", "numpy"]) -> str:
        """Python code that follows a variable of logits and makes of it what people read, for cards."""
        return ""

    def pipeline_code(self) -> str:
        """Python code that gives the labels by `thresholds` of `found`, what a pipeline of transformers says, for cards."""
        return 'max(found, key=lambda each: each["score"] / thresholds[each["label"]])["label"]'

    def usage_code(self, found: str, thresholds: Sequence[float]) -> str:
        """Python code that prints what the model says of one input, for cards.

        Args:
            found: code of what `predict` gives for it, a list.
            thresholds: by which labels are given; empty where there are none.
        """
        return f"print({found})"
