"""Texts in another language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from headstart.estimators.text_generator import TextGenerator


class Translator(TextGenerator):
    """Say texts in another language; X are texts in the one, y those in the other.

    Parameters and attributes are those of `TextGenerator`, and those below; `metric` is `bleu` or `chrf`.

    Args:
        source_language: code of the language of X, such as `en`; where the network has to be told.
        target_language: code of the language of y, such as `de`; BLEU, by which `score` judges, cuts words by it.
        **settings: those of `TextGenerator`.
    """

    _task: ClassVar[str] = "translation"
    _own: ClassVar[tuple[str, ...]] = ("source_language", "target_language", "beams", "length_penalty")

    def __init__(
        self,
        *,
        source_language: str | None = None,
        target_language: str | None = None,
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
            beams=beams, length_penalty=length_penalty, strategy=strategy, backbone=backbone, training=training, epochs=epochs,
            learning_rate=learning_rate, batch_size=batch_size, max_length=max_length, metric=metric,
            validation_share=validation_share, controls=controls, budget=budget, seed=seed, threads=threads, options=options,
        )  # fmt: skip
        self.source_language = source_language
        self.target_language = target_language
