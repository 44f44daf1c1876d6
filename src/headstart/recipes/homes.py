"""Where a key belongs that stands at the wrong level of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from headstart.errors import Fault, quoted
from headstart.recipes.flags import MANY, flags, meant_by, sections
from headstart.recipes.verbs import VERBS
from headstart.registry import near

TOP = "at the top level"
MOST_NAMED = 5
"""Components that are named as owners of a key; more are nearly all of them."""


Homes = Callable[[str], dict[str, list[str]]]
"""Places of every key of a verb's recipe, in words."""


def at_home(faults: Iterable[Fault], verb: str) -> list[Fault]:
    """Faults that say where a key belongs that is not known at its place; other faults as they are."""
    homes = cache(_homes)  # for all of them at once, and no longer, as other packages may add to the registries
    return [_at_home(fault, verb, homes) if fault.key else fault for fault in faults]


def _at_home(fault: Fault, verb: str, homes_of: Homes) -> Fault:
    key, here = fault.key.replace("-", "_"), "" if fault.place else f" {TOP}"
    plain = f"unknown key {quoted(fault.key)}"
    said = f"{plain}{here}"
    if key != fault.key and key in fault.known:
        return fault._replace(text=f"{said}; did you mean '{key}'?")
    homes = homes_of(verb)
    if key in homes:
        told = [
            home.partition(", as ")[2]
            for home in homes[key]
            if home.startswith(f"under '{(*fault.place, '')[0]}', as ")
        ]
        belongs = f"it is {told[0]}" if told else f"it belongs {' or '.join(homes[key])}"
        return fault._replace(text=f"{said}; {belongs}")
    if not near(key, fault.known):
        meant = meant_by(key, [*homes])
        if meant:
            return fault._replace(text=f"{said}; did you mean '{meant}', {' or '.join(homes[meant])}?")
        others = [each for each in VERBS.names() if each != verb and key in homes_of(each)]
        if others:
            return fault._replace(text=f"{said}; it belongs to {', '.join(others)}, and this is {verb}")
    return fault._replace(text=fault.text.replace(plain, said, 1))


def _homes(verb: str) -> dict[str, list[str]]:
    """Places of every key of a verb's recipe, in words."""
    found: dict[str, list[str]] = {}
    cls = VERBS.get(verb)
    for key in cls.model_fields:
        found.setdefault(key, []).append(TOP)
    if MANY in cls.model_fields:
        found["strategy"] = [TOP]
    for section, component in sections(cls).items():
        for key in component.model_fields:
            found.setdefault(key, []).append(f"under '{section}'")
    owned: dict[tuple[str, str], list[str]] = {}
    for flag in flags(verb).values():
        if flag.owners:
            field, key = flag.path
            known = owned.setdefault((key, "strategy" if field == MANY else field), [])
            known += [name for name in flag.owners if name not in known]
    for (key, field), names in owned.items():
        found.setdefault(key, []).append(
            f"under '{field}'" + (f", as a key of {', '.join(names)}" if len(names) <= MOST_NAMED else "")
        )
    return found
