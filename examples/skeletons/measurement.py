"""Questions: is the model as good on texts that ask something as on all?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Subject


class Questions(Measurement):
    """Accuracy on texts that end in a question mark."""

    name: ClassVar[str] = "questions"
    title: ClassVar[str] = "Questions"
    wants: ClassVar[frozenset[Want]] = frozenset({"confidence"})

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """How many questions there are, and the share of them that is right; plain data, since it is kept as JSON."""
        right = subject.task.is_right(subject.outputs, subject.rows)
        asks = [text.rstrip().endswith("?") for text in subject.rows.texts]
        if right is None or not any(asks):
            return None
        return {"rows": sum(asks), "accuracy": float(right[asks].mean())}

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """A sentence for the verdict, from what was measured alone: it may be of an earlier run."""
        return [f"On {plain['rows']} questions the accuracy is {plain['accuracy']:.3f}."]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any]:
        """A table on the page."""
        return {
            "columns": ["texts", "rows|n", "accuracy|n"],
            "rows": [["questions", plain["rows"], f"{plain['accuracy']:.3f}"]],
        }

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """Lines of Markdown on the card."""
        return self.sentences(plain, evidence)
