"""A model: one backbone and its named heads, what the trainer moves and predictors run."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from torch import nn

from headstart.backbones.base import MAIN, Backbone, Encoding, Inputs
from headstart.heads import HEAD
from headstart.heads.base import Head
from headstart.runtime.team import ALONE, Team


class Model(nn.Module):
    """A backbone with heads by name; several heads share one pass over the backbone.

    Args:
        backbone: the pretrained network.
        heads: modules that take an `Encoding`.
        team: processes that train it together.
        others: further networks by role, such as the generator beside a discriminator.
        faces: the backbone as the task of each head reads it, by the head's name (`Backbone.face`), where several tasks share it.
    """

    def __init__(
        self,
        backbone: Backbone,
        heads: Mapping[str, Head],
        team: Team = ALONE,
        *,
        others: Mapping[str, Backbone] | None = None,
        faces: Mapping[str, Backbone] | None = None,
    ) -> None:
        super().__init__()
        self._views: dict[str, Model] = {}
        self.backbone = backbone
        self.others = nn.ModuleDict(dict(others or {}))
        self.team = team
        self.lean = False
        """Whether an objective that needs all rows of a batch at once keeps no activations, computing them again for the
        gradient: less memory, a third more time, the same numbers."""
        self.heads = nn.ModuleDict(dict(heads)).to(backbone.device)
        for name, face in (faces or {}).items():
            self._views[name] = Model(face, {HEAD: heads[name]}, team)

    def view(self, name: str) -> "Model":
        """The model as the task of one head knows it: the backbone's face for it, and its head as the only one."""
        return self._views[name]

    @property
    def backbones(self) -> dict[str, Backbone]:
        """All networks by role; the main one, which heads read unless they say otherwise, is `MAIN`."""
        return {MAIN: self.backbone, **self.others}  # type: ignore[dict-item]

    def __getstate__(self) -> dict[str, Any]:
        """For copies and other processes, which may have no GPU; see the backbone's."""
        parts = {"backbone": self.backbone, "others": self.others, "heads": deepcopy(self.heads).cpu()}
        return vars(self) | {"_modules": parts}

    @property
    def learning(self) -> list[nn.Module]:
        """Modules of all heads that learn with them, see `Head.moving`."""
        return [module for head in self.heads.values() for module in head.moving]  # type: ignore[union-attr]

    def encode(self, inputs: Inputs) -> Encoding:
        """States of a batch, of every layer where some head reads more than the last."""
        return self.backbone.encode(inputs, layers=not all(head.only_last for head in self.heads.values()))
