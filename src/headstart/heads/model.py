"""A model: one backbone and its named heads, what the trainer moves and predictors run."""

from copy import deepcopy
from typing import Any

from torch import Tensor, nn

from headstart.backbones.base import Backbone, Encoding
from headstart.runtime.team import ALONE, Team


class Model(nn.Module):
    """A backbone with heads by name; several heads share one pass over the backbone.

    Args:
        backbone: the pretrained network.
        heads: modules that take an `Encoding`.
        team: processes that train it together.
    """

    def __init__(self, backbone: Backbone, heads: dict[str, nn.Module], team: Team = ALONE) -> None:
        super().__init__()
        self.backbone = backbone
        self.team = team
        self.lean = False
        """Whether an objective that needs all rows of a batch at once keeps no activations, computing them again for the
        gradient: less memory, a third more time, the same numbers."""
        self.heads = nn.ModuleDict(heads).to(backbone.device)

    def __getstate__(self) -> dict[str, Any]:
        """For copies and other processes, which may have no GPU; see the backbone's."""
        parts = {"backbone": self.backbone, "heads": deepcopy(self.heads).cpu()}
        return vars(self) | {"_modules": parts}

    def encode(self, ids: Tensor, mask: Tensor) -> Encoding:
        """States of a batch, of every layer where some head reads more than the last."""
        layers = any(not getattr(head, "only_last", True) for head in self.heads.values())
        return self.backbone.encode(ids, mask, layers=layers)
