"""Control: the zero-shot baseline, the cosine of two texts from the pretrained network as it is."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from headstart.strategies.base import Auto, Candidate, Context, Need, Strategy
from headstart.tasks.base import Task

SCALE_ROWS = 2000
"""Training pairs at most whose cosines say how they are spread."""


class Untouched(Strategy):
    """The zero-shot baseline: the cosine of the two texts' mean states in the last layer of the pretrained network.

    Where a sentence encoder is good already, this is what training has to beat. So that errors can be told, cosines are
    moved and scaled to the mean and spread of the numbers, which leaves their order as it is.

    Needs: pairs of texts.
    Inputs: two texts with a number that says how alike they are.
    See also: `feature-extraction`, which fits a head on the same cosines of all layers.

    Example:
        headstart fit examples/pairs/train.csv --task sentence-similarity --strategy untouched
    """

    name: ClassVar[str] = "untouched"
    cost: ClassVar[int] = 1
    role: ClassVar[Literal["transfer", "control"]] = "control"
    needs: ClassVar[frozenset[Need]] = frozenset({"pairs"})
    frozen: ClassVar[bool] = True
    auto: ClassVar[Auto | None] = Auto()

    def refuses(self, task: Task) -> str:
        """Refuses all tasks but those on how alike two texts are."""
        alike = task.pairs and task.target_kind == "number"
        return "" if alike else "it compares the two texts of a pair, and needs nothing else"

    def fit(self, context: Context) -> Candidate:
        """Read the texts, learn nothing."""
        from headstart.heads import HEAD
        from headstart.heads.base import LinearMap
        from headstart.heads.cosine import CosineHead
        from headstart.heads.model import Model
        from headstart.predictors.twins import TwinPredictor

        backbone = context.backbone()
        backbone.pairs = False
        head = CosineHead(layers=(backbone.depth,), pooling="mean", depth=backbone.depth)
        head.set(LinearMap(np.ones((1, 1)), np.zeros(1)))
        predictor = TwinPredictor(Model(backbone, {HEAD: head}), context.task)
        rows = np.sort(np.random.default_rng([context.seed, 0xC05]).permutation(len(context.train))[:SCALE_ROWS])
        held = list(context.validation.inputs)
        context.progress.begin(self.name, len(rows) + len(held))
        cosines = predictor.outputs([context.train.get(int(row)).input for row in rows], progress=context.progress)
        spread = max(float(cosines.values.std(dtype=np.float64)), 1e-6)
        middle = float(cosines.values.mean(dtype=np.float64))
        head.set(LinearMap(np.array([[1 / spread]]), np.array([-middle / spread])))
        outputs = predictor.outputs(held, progress=context.progress)
        context.progress.end()
        return Candidate(self, context.training, predictor, outputs, "cosine of the mean states, nothing learnt", 0)
