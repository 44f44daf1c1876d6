"""The network that an artifact keeps, opened again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headstart.backbones.base import Backbone, open_backbone
from headstart.backbones.location import BackboneSource, locate, location_of
from headstart.predictors.base import network_digest


def reopened(
    folder: Path, description: Mapping[str, Any], max_length: int, *, needs: frozenset[str] = frozenset()
) -> Backbone:
    """The network of a folder, whose weights have to be those that were described.

    Args:
        folder: of the artifact, or the one in it that holds the network.
        description: what `Predictor.save` gave.
        max_length: tokens of a text at most.
        needs: what it has to be able to do, see `Backbone.can`.

    Raises:
        ModelError: there is no such network, or it has other weights.
    """
    source = BackboneSource(location=location_of(folder), max_length=max_length, digest=network_digest(description))
    return open_backbone(locate(source, needs), needs=needs)
