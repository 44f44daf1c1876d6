"""The mistakes that a model makes with most confidence, for people to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from headstart.drawing.text import dig, finite, sure
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Subject
from headstart.metrics.span_errors import RIGHT
from headstart.tasks.mistakes import MarkedSpan, Mistake

MOST_ROWS = 20
MOST_CHARACTERS = 2000
"""Characters of a text that are kept."""
MARKED_CHARACTERS = 400
"""Characters of a text with marked spans that are kept, from just before the first error."""
BEFORE = 120
"""Characters before the first error that are kept."""


class WorstRows(Measurement):
    """Mistakes made with most confidence, or the largest errors of numbers; some rows may be labelled wrongly."""

    name: ClassVar[str] = "worst_rows"
    title: ClassVar[str] = "Errors"
    wants: ClassVar[frozenset[Want]] = frozenset({"texts"})
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None
    template: ClassVar[str] = "errors.html.j2"

    def measure(self, subject: Subject) -> list[dict[str, Any]]:
        """Rows with `text`, `label`, `predicted`, `score`, `file` and `line`, the worst first.

        Pairs have both `texts` too, rows with any number of labels have those that are right, missed and invented (`labels`), and
        texts with spans are cut at their borders (`marked`, once with the `true` spans and once with those `predicted`).
        Questions have the `passages` that were found and that which answers, with `rank`, `id`, `text` and `answers`.
        """
        rows, task = subject.rows, subject.task
        found = []
        if task.target_kind == "text":  # `written_texts` shows them
            return found
        for mistake in task.mistakes(subject.outputs, rows, MOST_ROWS):
            example = rows.get(mistake.row)
            row: dict[str, Any] = {
                "text": example.text[:MOST_CHARACTERS],
                "label": mistake.label,
                "predicted": mistake.predicted,
                "score": mistake.score,
                "file": rows.file,
                "line": rows.lines[mistake.row],
            }
            if task.pairs:
                row["texts"] = [text[:MOST_CHARACTERS] for text in example.input]
            if mistake.labels is not None:
                row["labels"] = {kind: [*labels] for kind, labels in mistake.labels.items()}
            if mistake.spans:
                row["marked"] = _marked(mistake.text or example.text, mistake)
            if mistake.passages:
                row["passages"] = [passage._asdict() for passage in mistake.passages]
            found.append(row)
        return found

    def view(self, plain: Sequence[Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """The rows, laid out by what they hold, and whether they hold numbers."""
        if not plain:
            return None
        numbers = dig(evidence, "task", "answers") == "number"
        names = dig(evidence, "task", "text") or []
        rows = []
        for row in plain[:MOST_ROWS]:
            shown = {**row, "sure": None if finite(row.get("score")) is None else sure(row["score"])}
            if row.get("texts"):
                shown["texts"] = [
                    {"name": names[at] if at < len(names) else f"text {at + 1}", "text": text}
                    for at, text in enumerate(row["texts"])
                ]
            if numbers:
                shown |= _numbers(row)
            rows.append(shown)
        kind = (
            "answers"
            if dig(evidence, "task", "answers") == "answer"
            else "spans"
            if any(row.get("marked") for row in rows)
            else "passages"
            if any(row.get("passages") for row in rows)
            else "labels"
            if any(row.get("labels") for row in rows)
            else ""
        )
        return {"rows": rows, "numbers": numbers, "kind": kind}


def _numbers(row: Mapping[str, Any]) -> dict[str, str]:
    """Both numbers with four significant digits, and how far apart they are; nothing where the row has none."""
    try:
        true, predicted = float(row["label"]), float(row["predicted"])
    except (TypeError, ValueError):
        return {}
    off = f"{abs(predicted - true):.3g} too {'high' if predicted > true else 'low'}"
    return {"label": f"{true:.4g}", "predicted": f"{predicted:.4g}", "off": off}


def _marked(text: str, mistake: Mistake) -> dict[str, list[dict[str, Any]]]:
    """The text cut at the borders of its true spans, and at those of the predicted ones."""
    first = min((span.start for span in mistake.spans if span.kind != RIGHT), default=0)
    begin = 0 if first <= 2 * BEFORE else text.rfind(" ", 0, first - BEFORE) + 1
    end = begin + MARKED_CHARACTERS
    true = [span for span in mistake.spans if span.score is None]
    predicted = [span for span in mistake.spans if span.score is not None]
    return {name: [*_cut(text, spans, begin, end)] for name, spans in (("true", true), ("predicted", predicted))}


def _cut(text: str, spans: Iterable[MarkedSpan], begin: int, end: int) -> Iterable[dict[str, Any]]:
    """Parts of a text in their order, those of spans with `type`, `kind` and `score`.

    Args:
        text: of any length.
        spans: that do not overlap.
        begin: where it is cut off in front.
        end: behind which it is cut off; a span that begins before is whole.
    """
    place = begin
    if begin:
        yield {"text": "… "}
    for span in sorted(spans):
        if span.start < place or span.start >= end:
            continue
        if span.start > place:
            yield {"text": text[place : span.start]}
        yield {"text": text[span.start : span.end], "type": span.type, "kind": span.kind, "score": span.score}
        place = span.end
    if place < end and text[place:end]:
        yield {"text": text[place:end]}
    if max(place, end) < len(text):
        yield {"text": " …"}
