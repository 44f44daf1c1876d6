"""What sets the entries of a run apart: values by axis, and a label for people made from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headstart.backbones.location import Located
from headstart.strategies.base import Strategy


@dataclass(frozen=True)
class Key:
    """An entry's place on each axis that varies in its run; other axes are None or empty.

    Labels are for people: nothing is read out of them.
    """

    strategy: str = ""
    """Its registry name."""
    backbone: str | None = None
    """Identity of the pretrained network."""
    settings: tuple[tuple[str, Any], ...] = ()
    """Settings of the strategy as plain data, by path (`rank`, `then.layers`)."""
    seed: int | None = None
    size: int | None = None
    """Training rows."""
    draw: int | None = None
    """Number of the sample that the training rows are."""

    def plain(self) -> dict[str, Any]:
        """Axes that vary, as plain data."""
        found: dict[str, Any] = {"strategy": self.strategy}
        if self.settings:
            found["settings"] = dict(self.settings)
        axes = {"backbone": self.backbone, "seed": self.seed, "size": self.size, "draw": self.draw}
        return found | {axis: value for axis, value in axes.items() if value is not None}

    @property
    def label(self) -> str:
        """`fine-tuning`, `lora rank=16`, `org/model: lora, seed 1, 200 rows`; no two keys of a run have the same."""
        network = "" if self.backbone is None else f"{self.backbone}: "
        settings = "".join(f" {path}={_shown(value)}" for path, value in self.settings)
        drawn = "" if self.seed is None else f", seed {self.seed}"
        drawn += "" if self.size is None else f", {self.size:,} rows"
        drawn += "" if self.draw is None else f", draw {self.draw}"
        return f"{network}{self.strategy}{settings}{drawn}"


def keys_of(entries: Sequence[tuple[Strategy, Located | None]]) -> list[Key]:
    """Keys of strategies, each on its backbone, by what varies among them.

    Raises:
        ValueError: two of them are the same in every respect.
    """
    sources = {located.source: located.identity for _, located in entries if located is not None}
    clear = len(set(sources.values())) == len(sources)
    varying = _varying([strategy for strategy, _ in entries])
    found = []
    for (strategy, located), settings in zip(entries, varying, strict=True):
        backbone = None
        if located is not None and len(sources) > 1:
            backbone = located.identity if clear else located.source.location
        found.append(Key(strategy.name, backbone, settings))
    if len({key.label for key in found}) < len(found):
        raise ValueError(f"entries cannot be told apart: {', '.join(sorted(key.label for key in found))}")
    return found


def _varying(strategies: Sequence[Strategy]) -> list[tuple[tuple[str, Any], ...]]:
    """For each strategy its settings that are others in another one of the same name."""
    flat = [(strategy.name, dict(_flat(strategy.plain()))) for strategy in strategies]
    return [
        tuple(
            (path, value)
            for path, value in own.items()
            if any(name == other and values.get(path, value) != value for other, values in flat)
        )
        for name, own in flat
    ]


def _flat(plain: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Settings by path; a component within another stands under its own name."""
    found: list[tuple[str, Any]] = []
    for key, value in plain.items():
        path = before + key
        if isinstance(value, Mapping) and "name" in value:
            found += [(path, value["name"]), *_flat({k: v for k, v in value.items() if k != "name"}, f"{path}.")]
        elif path != "name":
            found.append((path, value))
    return found


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_shown, value))
    if value is None:
        return "auto"
    return value if isinstance(value, str) else json.dumps(value)
