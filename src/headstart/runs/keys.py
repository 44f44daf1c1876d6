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

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Key:
        """The key whose plain data is given."""
        known = {axis: plain.get(axis) for axis in ("backbone", "seed", "size", "draw")}
        return cls(plain.get("strategy", ""), settings=tuple(plain.get("settings", {}).items()), **known)

    @property
    def place(self) -> str:
        """The label without the strategy: where a cell of a study stands."""
        return Key("", self.backbone, self.settings, self.seed, self.size, self.draw).label.strip(" ,:") or "all"

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
    varying = _apart([strategy.plain() for strategy, _ in entries])
    found = []
    for (strategy, located), settings in zip(entries, varying, strict=True):
        backbone = None
        if located is not None and len(sources) > 1:
            backbone = located.identity if clear else located.source.location
        found.append(Key(strategy.name, backbone, tuple(settings.items())))
    if len({key.label for key in found}) < len(found):
        raise ValueError(f"entries cannot be told apart: {', '.join(sorted(key.label for key in found))}")
    return found


def _apart(components: Sequence[Any]) -> list[dict[str, Any]]:
    """For each component, given as plain data, its settings that are others in another one of its name."""
    found: list[dict[str, Any]] = [{} for _ in components]
    for name in {_name(each) for each in components} - {None}:
        own = [at for at, each in enumerate(components) if _name(each) == name]
        for key in [key for key in components[own[0]] if key != "name"]:
            values = [components[at][key] for at in own]
            shown = [_name(value) or value for value in values]
            for at, value, within in zip(own, shown, _apart(values), strict=True):
                found[at] |= {key: value} if any(other != value for other in shown) else {}
                found[at] |= {f"{key}.{path}": inner for path, inner in within.items()}
    return found


def _name(plain: Any) -> str | None:
    """Registry name of a component given as plain data; None for any other value."""
    return plain.get("name") if isinstance(plain, Mapping) else None


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_shown, value))
    if value is None:
        return "auto"
    return value if isinstance(value, str) else json.dumps(value)
