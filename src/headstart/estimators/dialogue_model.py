"""Replies that are written to a dialogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from headstart.data.dialogues import json_of
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.estimators.turns import COLUMN, DialogueTransfer, continued
from headstart.recipes.sources import MEMORY
from headstart.tasks.written_texts import WrittenText


class DialogueModel(DialogueTransfer):
    """Write the assistant's next turn of a dialogue.

    A dialogue is a list of texts, which user and assistant say by turns; a list of messages with `role` and `content`; or a text
    with a turn on each line. Parameters and attributes are those of `Transfer`, and those below; `backbone` is a decoder, and
    `metric` is `token_loss`, `bits_per_byte` or `perplexity`.

    Args:
        template: chat template, `own`, `chatml` or `plain`; by default the network's own, or `plain` where it has none.
        max_new_tokens: tokens of a reply at most; 256 if None.
        sampling_temperature: over 0 words are drawn by chance; 0 takes the likeliest texts.
        **settings: those of `Transfer`.
    """

    _task: ClassVar[str] = "dialogue"

    def __init__(
        self,
        *,
        template: str | None = None,
        max_new_tokens: int | None = None,
        sampling_temperature: float = 0.0,
        strategy: Any = None,
        backbone: Any = "smol",
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
        self.template = template
        self.max_new_tokens = max_new_tokens
        self.sampling_temperature = sampling_temperature

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the assistant's turns of dialogues.

        Args:
            X: n dialogues.
            y: n texts, each the assistant's next turn of its dialogue; None where dialogues hold their replies.

        Raises:
            HeadstartError: the data or settings can't be used; a DataError or RecipeError is a ValueError too.
        """
        dialogues = continued(self._inputs(X, fitting=True), y, type(self).__name__)
        self._learn(dialogues, [""] * len(dialogues))
        return self

    def write(self, X: Any) -> list[WrittenText]:
        """The reply to each dialogue, with its score and what is doubtful about it.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: X is not made of dialogues, or the chat template refuses one.
        """
        return self._answers(X)

    def predict(self, X: Any) -> np.ndarray:
        """The reply to each dialogue, shape (n,); raises as `write`."""
        return np.array([*(each.text for each in self.write(X)), None], dtype=object)[:-1]

    def stream(self, dialogue: Any) -> Iterator[str]:
        """The reply to one dialogue, bit by bit as it is written; raises as `write`."""
        (turns,) = self._inputs([dialogue], fitting=False)
        return self.artifact_.stream_text(json_of(tuple(turns)))

    def score(self, X: Any, y: Any = None) -> float:
        """The negative loss of the assistant's turns in nats per token, so that larger is better; X and y as in `fit`."""
        from headstart.evaluation.judging import chosen_metric

        cells = self._written(continued(self._inputs(X, fitting=False), y, type(self).__name__))
        task: Any = self.artifact_.task
        rows, dropped = task.parse(Table(MEMORY, cells, range(1, len(cells[COLUMN]) + 1)))
        if not len(rows):
            raise DataError(
                f"no dialogue of X has a turn of the assistant{f': {dropped[0].reason}' if dropped else ''}"
            )
        metric = chosen_metric(task)
        return -metric.of(metric.tally(task.results(self.artifact_.predictor.outputs(list(rows.inputs)), rows)))
