"""Wrong answers to questions, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.data.questions import Question
from headstart.data.store import Store
from headstart.metrics.span_errors import INVENTED, MISSED, WRONG_BOUNDARY
from headstart.tasks.mistakes import MarkedSpan, Mistake
from headstart.types import AnswerPrediction

NOTHING = "(no answer)"
"""What stands for there being no answer."""


def answer_mistakes(
    said: Sequence[AnswerPrediction], f1: np.ndarray, rows: Store[Question], most: int
) -> list[Mistake]:
    """Questions whose answer has no word in common with a true one, then those that have some, the surest first.

    Args:
        said: to each question.
        f1: of what was said, shape (rows,).
        rows: labelled.
        most: mistakes at most.
    """
    sure = np.array([each.score for each in said])
    wrong = np.flatnonzero(f1 < 1)
    found = []
    for row in wrong[np.lexsort((-sure[wrong], f1[wrong]))][:most]:
        example, answered = rows.get(int(row)), said[row]
        true = {(each.start, each.end): each.text for each in example.label or ()}
        marks = [MarkedSpan(start, end, "answer", MISSED) for start, end in true]
        if answered.start is not None and answered.end is not None:
            kind = WRONG_BOUNDARY if f1[row] > 0 else INVENTED
            marks.append(MarkedSpan(answered.start, answered.end, "answer", kind, float(sure[row])))
        label = " / ".join(dict.fromkeys(true.values())) or NOTHING
        text = example.input.context
        found.append(Mistake(int(row), label, answered.answer or NOTHING, float(sure[row]), spans=marks, text=text))
    return found
