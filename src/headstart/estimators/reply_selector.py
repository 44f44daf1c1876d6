"""Replies to the last turns of a dialogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np

from headstart.data.table import Table
from headstart.errors import DataError
from headstart.estimators.turns import COLUMN, DialogueTransfer, continued
from headstart.recipes.sources import MEMORY
from headstart.tasks.ranked_passages import RankedReplies


class ReplySelector(DialogueTransfer):
    """Pick the reply to the last turns of a dialogue, out of replies that were written before.

    A dialogue is a list of texts, which user and assistant say by turns; a list of messages with `role` and `content`; or a text
    with a turn on each line. Parameters and attributes are those of `Transfer`, and those below; `metric` is `recall_at_1_of_10`,
    `mrr_of_10` or `recall_at_10`. Candidates are the replies of `fit`.

    Args:
        turns: turns before a reply that are read, the last ones, in [1, 100].
        reply_role: whose turns are replies, `any` or `assistant`.
        **settings: those of `Transfer`.
    """

    _task: ClassVar[str] = "response-selection"

    def __init__(
        self,
        *,
        turns: int = 2,
        reply_role: Literal["any", "assistant"] = "any",
        strategy: Any = None,
        backbone: Any = "mini",
        training: Any = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        batch_size: int | None = None,
        max_length: int | None = None,
        metric: str | None = None,
        validation_share: float | None = None,
        controls: bool = False,
        budget: float | str | None = None,
        seed: int = 0,
        threads: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            strategy=strategy, backbone=backbone, training=training, epochs=epochs, learning_rate=learning_rate,
            batch_size=batch_size, max_length=max_length, metric=metric, validation_share=validation_share,
            controls=controls, budget=budget, seed=seed, threads=threads, options=options,
        )  # fmt: skip
        self.turns = turns
        self.reply_role = reply_role

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from dialogues.

        Args:
            X: n dialogues.
            y: n texts, each the next turn of its dialogue; None where dialogues hold their replies.

        Raises:
            HeadstartError: the data or settings can't be used; a DataError or RecipeError is a ValueError too.
        """
        dialogues = continued(self._inputs(X, fitting=True), y, type(self).__name__)
        self._learn(dialogues, [""] * len(dialogues))
        return self

    def select(self, X: Any) -> list[RankedReplies]:
        """The best replies to each dialogue, each with text, score and the place where it was read.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: X is not made of dialogues.
        """
        return self._answers(X)

    def predict(self, X: Any) -> np.ndarray:
        """The best reply to each dialogue, empty where none has a word of it, shape (n,); raises as `select`."""
        found = [each.replies[0].text if each.replies else "" for each in self.select(X)]
        return np.array([*found, None], dtype=object)[:-1]

    def score(self, X: Any, y: Any = None) -> float:
        """Share of the replies in X that are told from nine others of X, in [0, 1]; X and y as in `fit`."""
        from headstart.evaluation.judging import chosen_metric
        from headstart.runs.searched import contested, with_passages

        cells = self._written(continued(self._inputs(X, fitting=False), y, type(self).__name__))
        own: Any = self.artifact_.task
        rows, dropped = own.parse(Table(MEMORY, cells, range(1, len(cells[COLUMN]) + 1)))
        if not len(rows):
            raise DataError(f"no dialogue of X has a reply{f': {dropped[0].reason}' if dropped else ''}")
        task, found = with_passages(own, {MEMORY: rows}, own.passages)
        rows = contested(task, {MEMORY: found[MEMORY].rows})[MEMORY]
        predictor: Any = self.artifact_.predictor
        metric = chosen_metric(task)
        return metric.of(metric.tally(task.results(predictor.over(task).outputs_of(rows), rows)))
