"""Where a key belongs that stands at the wrong level of a recipe."""

from __future__ import annotations

from headstart.errors import Fault
from headstart.recipes.flags import MANY, flags, meant_by, sections
from headstart.recipes.verbs import VERBS
from headstart.registry import near

TOP = "at the top level"
MOST_NAMED = 5
"""Components that are named as owners of a key; more are nearly all of them."""


def at_home(fault: Fault, verb: str) -> Fault:
    """A fault that says where a key belongs that is not known at its place; other faults as they are."""
    if not fault.key:
        return fault
    key, here = fault.key.replace("-", "_"), "" if fault.place else f" {TOP}"
    said = f"unknown key '{fault.key}'{here}"
    if key != fault.key and key in fault.known:
        return fault._replace(text=f"{said}; did you mean '{key}'?")
    homes = _homes(verb)
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
        others = [each for each in VERBS.names() if each != verb and key in _homes(each)]
        if others:
            return fault._replace(text=f"{said}; it belongs to {', '.join(others)}, and this is {verb}")
    return fault._replace(text=fault.text.replace(f"unknown key '{fault.key}'", said, 1))


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
