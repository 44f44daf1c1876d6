"""YAML as recipes and options are written in it: the part in which a value is what it looks like, and which has an end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from headstart.errors import Fault, RecipeError, quoted
from headstart.faults import describe

MOST_CHARACTERS = 1 << 20
"""Longest text that is read."""
LONG = 1 << 16
"""Characters from which on a text is parsed by libyaml where it is installed, which is faster and says less of what is wrong."""
MOST_VALUES = 100_000
"""Most values in it; one that an anchor repeats is counted every time."""
MOST_LEVELS = 30
"""Lists and mappings inside of each other at most."""
MOST_DIGITS = 40
"""Longest number, in characters."""
MANY = f"comes to more than {MOST_VALUES:,} values, which no recipe does"
DEEP = f"nested more than {MOST_LEVELS} levels deep"

_HIDDEN_END = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
"""What ends a line to YAML and is not shown as the end of one: a comment would end there, and a key begin."""
_OCTAL, _BASE, _SIXTY = (re.compile(form).fullmatch for form in (r"[-+]?0[0-9_]+", r"[-+]?0b[01_]+", r"[-+\d_:.]+"))


class Written(NamedTuple):
    """What stands in a text."""

    root: Node | None
    """Its nodes, which know their lines; None where there is nothing."""
    values: Any
    """The same as plain data; what is a fault stands there as it is written."""
    faults: list[Fault]
    """Keys that stand twice at one level, and values that readers of YAML understand in different ways."""


def written(text: str, where: str, *, names: bool = False) -> Written:
    """Read a YAML text: mappings, lists, texts, numbers, true, false and null, without tags and keys to merge.

    Args:
        text: of one value.
        where: its name, for messages.
        names: whether keys are names whatever they look like, as those of labels are.

    Raises:
        RecipeError: it is no YAML, has a tag, or is longer, deeper or larger than anything that is meant.
    """
    if len(text) > MOST_CHARACTERS:
        raise RecipeError([f"is over {MOST_CHARACTERS:,} characters long, which no recipe is"], where)
    if hidden := _HIDDEN_END.search(text):
        line, sign = text.count("\n", 0, hidden.start()) + 1, ord(hidden[0])
        raise RecipeError(
            [
                f"line {line}: the character U+{sign:04X} ends a line to some readers of YAML and is not seen by people; remove it"
            ],
            where,
        )
    try:
        root = _Composer(text).document()
        reading = _Reading(names)
        return Written(root, None if root is None else reading.value(root, ()), reading.faults)
    except _Refused as error:
        raise RecipeError([str(error)], where) from None
    except yaml.YAMLError as error:
        raise RecipeError([_not_yaml(error, text)], where) from None


def unwritable(values: Mapping[str, Any]) -> list[Fault]:
    """What no file could hold of plain data that came from anywhere: half of a surrogate pair, and what has no end."""
    faults: list[Fault] = []
    pending = [(tuple(".".join(place).split(".")), value) for place, value in _inside(values, ())]
    while pending:
        place, value = pending.pop()
        if len(place) > MOST_LEVELS:
            return [Fault(place[:3], f"is {DEEP}")]
        if isinstance(value, str | Path) and not _is_whole(str(value)):
            faults.append(
                Fault(
                    place,
                    f"{quoted(str(value))} has half of a surrogate pair, which is no character; write a whole one",
                )
            )
        elif isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
            faults.append(Fault(place, f"is {describe(value)}, the limit is {MOST_DIGITS}"))
        pending += _inside(value, place)
    return faults


def _inside(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = key if isinstance(key, str) else describe(key)
            yield (*place, name), inner
            if isinstance(key, str) and not _is_whole(key):
                yield (*place, name), key
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield (*place, str(at)), inner


def _is_whole(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


class _Refused(Exception):
    """Something that YAML allows and recipes do not, and where it stands."""

    def __init__(self, problem: str, mark: yaml.Mark) -> None:
        super().__init__(f"line {mark.line + 1}: {problem}")


class _Composer:
    """Nodes of a text, made of the parser's events one by one, so that nothing is deeper or larger than it may be."""

    def __init__(self, text: str) -> None:
        fast = len(text) > LONG and yaml.__with_libyaml__
        self._events: Any = (yaml.CSafeLoader if fast else yaml.SafeLoader)(text)
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def document(self) -> Node | None:
        """The root of the only document; None where there is none."""
        events = self._events
        try:
            events.get_event()
            if events.check_event(StreamEndEvent):
                return None
            events.get_event()
            root = self._node(1)
            events.get_event()
            if not events.check_event(StreamEndEvent):
                raise _Refused("another document begins, and a recipe is one", events.peek_event().start_mark)
            return root
        except (ValueError, OverflowError):  # of escapes such as \\UFFFFFFFF
            raise _Refused("has a number or a character that is out of range", events.get_mark()) from None

    def _node(self, level: int) -> Node:
        event = self._events.get_event()
        self._count += 1
        if level > MOST_LEVELS or self._count > MOST_VALUES:
            raise _Refused(f"is {DEEP}" if level > MOST_LEVELS else MANY, event.start_mark)
        if isinstance(event, AliasEvent):
            if event.anchor not in self._anchors:
                raise _Refused(f"there is no anchor {quoted(event.anchor)} before this", event.start_mark)
            return self._anchors[event.anchor]
        if event.tag is not None:
            raise _Refused(f"the tag {quoted(event.tag)} is not read; leave it away", event.start_mark)
        marks = event.start_mark, event.end_mark
        if isinstance(event, ScalarEvent):
            tag = self._events.resolve(ScalarNode, event.value, event.implicit)
            return self._kept(event, ScalarNode(tag, event.value, *marks, style=event.style))
        if isinstance(event, SequenceStartEvent):
            node: Node = self._kept(event, SequenceNode("", [], *marks))
            while not self._events.check_event(SequenceEndEvent):
                node.value.append(self._node(level + 1))
        else:
            node = self._kept(event, MappingNode("", [], *marks))
            while not self._events.check_event(MappingEndEvent):
                node.value.append((self._node(level + 1), self._node(level + 1)))
        self._events.get_event()
        return node

    def _kept(self, event: Any, node: Node) -> Node:
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node


class _Reading:
    """From nodes to plain data, with what is wrong on the way."""

    def __init__(self, names: bool) -> None:
        self.faults: list[Fault] = []
        self._names = names
        self._count = 0
        self._seen: set[int] = set()

    def value(self, node: Node, path: tuple[str, ...]) -> Any:
        self._count += 1
        if len(path) > MOST_LEVELS:
            raise _Refused(f"is {DEEP}, or has an anchor that holds itself", node.start_mark)
        if self._count > MOST_VALUES:
            raise _Refused(MANY, node.start_mark)
        first = id(node) not in self._seen
        self._seen.add(id(node))
        if isinstance(node, SequenceNode):
            return [self.value(inner, (*path, str(at))) for at, inner in enumerate(node.value)]
        if isinstance(node, MappingNode):
            return self._mapping(node, path, first)
        found, fault = _scalar(node)
        if fault and first:
            self.faults.append(Fault(path, fault))
        return found

    def _mapping(self, node: MappingNode, path: tuple[str, ...], first: bool) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        lines: dict[str, int] = {}
        for key, inner in node.value:
            if not isinstance(key, ScalarNode):
                raise _Refused("a list or a mapping stands where a key is expected", key.start_mark)
            name, line = key.value, key.start_mark.line + 1
            if name in lines:
                fault = f"stands there twice, in lines {lines[name]} and {line}; YAML would take the last one"
            else:
                fault = "" if self._names and not path else _no_name(key)
            if fault and first:
                self.faults.append(Fault((*path, name), fault))
            lines.setdefault(name, line)
            found[name] = self.value(inner, (*path, name))
        return found


def _no_name(node: Node) -> str:
    """What is wrong with a key; empty where nothing is."""
    value, fault = _scalar(node)
    no_text = f"the name {describe(value)} is no text here; put names such as yes, no and 1 in quotes"
    return fault or ("" if isinstance(value, str) else no_text)


def _scalar(node: Node) -> tuple[Any, str]:
    """The value of a single node, and what is wrong with it; then the value is what is written."""
    text, kind = _paired(node.value), node.tag.rpartition(":")[2]
    if kind == "str":
        return text, ""
    if kind in ("int", "float"):
        return _number(text, kind)
    if kind == "null":
        return None, ""
    if kind == "bool":
        word = text.lower()
        if word in ("true", "false"):
            return word == "true", ""
        return text, _read_as(text, "true" if word in ("yes", "on") else "false", ", or write true or false")
    if kind == "merge":
        return text, "'<<' would merge keys, which is not read; write them out"
    return text, _read_as(text, "a date" if kind == "timestamp" else "a sign")


def _number(text: str, kind: str) -> tuple[Any, str]:
    if len(text) > MOST_DIGITS:
        return text, f"is a number of {len(text):,} characters, the limit is {MOST_DIGITS}"
    if ":" in text and _SIXTY(text):
        return text, _read_as(text, "a number to the base of 60", ", or write the number itself")
    if kind == "int" and _OCTAL(text):
        return text, _read_as(text, "a number to the base of 8", ", or write it without zeros in front")
    if _BASE(text):
        return text, _read_as(text, "a number to the base of 2", ", or write the number itself")
    plain = text.replace("_", "").lower()
    return (int(plain, 0) if kind == "int" else float(plain.replace(".inf", "inf").replace(".nan", "nan"))), ""


def _read_as(text: str, what: str, remedy: str = "") -> str:
    return f"{quoted(text)} is {what} to some readers of YAML and something else to others; put it in quotes{remedy}"


def _paired(text: str) -> str:
    """A text in which pairs of surrogates, which JSON escapes a character by, are that character."""
    if not _is_whole(text):
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            pass
    return text


def _not_yaml(error: Exception, text: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        where, problem = f"line {line}: ", f"the character U+{error.character:04X} cannot stand in it"
    hint = "; indent with blanks, not with tabs" if "'\\t'" in problem else ""
    return f"{where}not YAML: {problem}{hint}"
