"""What becomes of true and predicted spans: right, of another type, of other words, missed, invented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from headstart.drawing.text import count, counted
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject
from headstart.metrics.span_errors import INVENTED, KINDS, MISSED, RIGHT

MOST_TYPES = 150
MATRIX_LIMIT = 12
"""Types up to which the matrix of types is shown; beyond, the most frequent confusions are."""
MOST_PAIRS = 15


class SpanErrors(Measurement):
    """Outcomes of spans by type, and which types are taken for which, where the task finds spans."""

    name: ClassVar[str] = "span_errors"
    title: ClassVar[str] = "Errors"
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None
    template: ClassVar[str] = "errors.html.j2"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split`, `kinds`, `types` and `confused`; None where the task finds no spans.

        `types` has, by type, how many spans came to each of `kinds`; invented spans count for the type that was predicted, all
        others for the true one. `confused` has how often spans of a true type (None: no span) overlap with spans of a predicted
        type (None: no span).
        """
        found = subject.task.span_outcomes(subject.outputs, subject.rows)
        if found is None:
            return None
        types: dict[str, Counter[str]] = {}
        confused: Counter[tuple[str | None, str | None]] = Counter()
        for outcome in (outcome for row in found for outcome in row):
            true, predicted = (span and span.type for span in (outcome.true, outcome.predicted))
            types.setdefault(true or predicted or "", Counter())[outcome.kind] += 1
            confused[true, predicted] += 1
        order = sorted(types, key=lambda name: (-types[name].total(), name))[:MOST_TYPES]
        return {
            "split": subject.part,
            "kinds": [*KINDS],
            "types": {name: [types[name][kind] for kind in KINDS] for name in order},
            "confused": [[*pair, n] for pair, n in confused.most_common(MOST_TYPES**2)],
        }

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """Counts by type and in all, in words and numbers, and types against types."""
        types = plain.get("types") or {}
        if not types:
            return None
        kinds = list(plain["kinds"])
        total = [sum(counts) for counts in zip(*types.values(), strict=True)]
        each = dict(zip(kinds, total, strict=True))
        true = sum(total) - each[INVENTED]
        wrong = ", ".join(_said(kind, n) for kind, n in each.items() if kind != INVENTED and n)
        said = f"Of {counted(true, 'true span')}, {wrong}." if true else "There is no true span."
        said += f" {_said(INVENTED, each[INVENTED])} where there is none."
        pairs = [tuple(pair) for pair in plain.get("confused") or []]
        names = list(types)
        cells = {(one, other): n for one, other, n in pairs}
        small = len(names) <= MATRIX_LIMIT
        matrix = [(one, [cells.get((one, other), 0) for other in [*names, None]]) for one in [*names, None]]
        crossed = sorted((pair for pair in pairs if pair[0] != pair[1]), key=lambda pair: -pair[2])
        return {
            "split": str(plain.get("split") or "test"),
            "kinds": kinds,
            "types": types,
            "total": total,
            "said": said,
            "names": names,
            "matrix": matrix if small else None,
            "pairs": crossed[:MOST_PAIRS],
        }


def _said(kind: str, n: int) -> str:
    """How many spans came to what, as part of a sentence."""
    were, have = ("was", "has") if n == 1 else ("were", "have")
    said = {RIGHT: f"{were} found exactly", MISSED: f"{were} missed", INVENTED: f"{were} predicted"}
    number = counted(n, "span") if kind == INVENTED else count(n)
    return f"{number} {said.get(kind, f'{have} the {kind}')}"
