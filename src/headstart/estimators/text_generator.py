"""Texts for texts: a translation, a summary, an answer in free words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from headstart.errors import DataError
from headstart.estimators.base import Transfer
from headstart.tasks.written_texts import WrittenText


class TextGenerator(Transfer):
    """Write a text for each text.

    Parameters and attributes are those of `Transfer`, and those below; `metric` is `chrf`, `bleu` or `rouge_l`.

    Args:
        beams: texts that are followed at the same time, in [1, 64]; 4 by default.
        length_penalty: power of a text's length that its log-probability is divided by, in [-10, 10]; 1 by default.
        **settings: those of `Transfer`.
    """

    _task: ClassVar[str] = "text-to-text"
    _own: ClassVar[tuple[str, ...]] = ("beams", "length_penalty")

    def __init__(
        self,
        *,
        beams: int | None = None,
        length_penalty: float | None = None,
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
        self.beams = beams
        self.length_penalty = length_penalty

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from texts and what is to be written for each.

        Args:
            X: n texts, as `TextClassifier.fit` takes them.
            y: n texts.

        Raises:
            HeadstartError: the data or settings can't be used; a DataError or RecipeError is a ValueError too.
        """
        inputs = self._inputs(X, fitting=True)
        self._learn(inputs, [own[0] for own in self._references(y, len(inputs), most=1)])
        return self

    def predict(self, X: Any) -> np.ndarray:
        """A text for each text, shape (n,); empty where there is nothing to read.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: X is not made of texts.
        """
        return np.array([*(each.texts[0] for each in self.write(X)), None], dtype=object)[:-1]

    def write(self, X: Any) -> list[WrittenText]:
        """What is written for each text: as `texts` the best ones, their log-probabilities, doubts; raises as `predict`."""
        return self._answers(X)

    def stream(self, text: str) -> Iterator[str]:
        """What is written for one text, bit by bit, the likeliest word every time; raises as `predict`."""
        (given,) = self._inputs([text], fitting=False)
        return self.artifact_.stream_text(given)

    def score(self, X: Any, y: Any) -> float:
        """The metric by which choices are made (chrF unless another is named), over all rows and by 100, in [0, 1].

        Args:
            X: n texts.
            y: n texts, or n lists of texts each of which would be right.
        """
        from headstart.data.examples import Examples
        from headstart.data.outputs import Generated
        from headstart.data.store import Store
        from headstart.evaluation.judging import chosen_metric

        said = [str(each) for each in self.predict(X)]
        references = self._references(y, len(said))
        rows = Store(Examples([said], references, [1.0] * len(said)), range(len(said)), "y")
        task = self.artifact_.task
        metric = chosen_metric(task)
        return metric.of(metric.tally(task.results(Generated.of(said), rows))) / metric.bounds[1]

    def _given(self, labels: Sequence[str]) -> dict[str, Any]:
        given = super()._given(labels)
        return {name: value for name, value in given.items() if name not in self._own or value is not None}

    def _references(self, y: Any, count: int, *, most: int | None = None) -> list[tuple[str, ...]]:
        """Raises DataError where there are not as many texts as inputs, or more for one than can be taken."""
        name = type(self).__name__
        if y is None:
            raise DataError(f"{name} requires y to be passed: the text that is to be written for each input")
        if isinstance(y, str) or not hasattr(y, "__iter__"):
            raise DataError(f"{name} requires y to be a list of texts, found a {type(y).__name__}")
        given = list(y)
        if len(given) != count:
            raise DataError(f"y has {len(given)} texts, and X has {count}")
        found = [(each,) if isinstance(each, str) else each for each in given]
        for at, own in enumerate(found):
            texts = isinstance(own, Sequence) and bool(own) and all(isinstance(each, str) for each in own)
            if not texts or (most is not None and len(own) > most):
                raise DataError(
                    f"y[{at}] is {given[at]!r:.60}, expected a text{'' if most == 1 else ' or a list of texts'}"
                )
        return [tuple(own) for own in found]
