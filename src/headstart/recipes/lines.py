"""Which line of a recipe file a key stands on."""

from __future__ import annotations

from collections.abc import Sequence

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from headstart.errors import Fault, RecipeError


class RecipeLines:
    """The keys of a YAML file with their lines.

    Args:
        text: what stands in the file.
        where: its name, for messages.

    Raises:
        RecipeError: the text is no YAML.
    """

    def __init__(self, text: str, where: str) -> None:
        try:
            self._root: Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
            yaml.safe_load(text)  # tags that are not known are found only here
        except yaml.YAMLError as error:
            raise RecipeError([_not_yaml(error)], where) from None
        self.repeated: list[Fault] = []
        """Keys that stand twice at one level, of which YAML itself would take the last without a word."""
        _find_repeated(self._root, (), self.repeated, set())

    def placed(self, faults: Sequence[Fault], given: Sequence[tuple[str, ...]] = ()) -> list[Fault]:
        """Faults with their lines, in the order of lines.

        Args:
            faults: of the recipe in the file.
            given: paths of keys that came from elsewhere and were put on top, which stand on no line.
        """
        found = []
        for fault in faults:
            path = (*fault.place, fault.key) if fault.key else fault.place
            aside = any(path[: len(each)] == each or path[-1:] == each[-1:] for each in given)
            line = None if aside else self.line(path)
            found.append((line or 0, fault._replace(place=(), text=f"line {line}: {fault}") if line else fault))
        return [fault for _, fault in sorted(found, key=lambda each: each[0])]

    def line(self, path: Sequence[str]) -> int | None:
        """Line of a key, or of the innermost key above it that is there, counted from 1; None where there is none."""
        node, line = self._root, None
        for part in path:
            if isinstance(node, MappingNode) and part == "0" and "0" not in _keys(node):
                continue  # one component that is given without a list
            if isinstance(node, MappingNode) and part not in _keys(node) and len(node.value) == 1:
                node = node.value[0][1]  # of the form {NAME: {...}}
            if isinstance(node, MappingNode) and part in _keys(node):
                key, node = _keys(node)[part]
                line = key.start_mark.line + 1
            elif isinstance(node, SequenceNode) and part.isdigit() and int(part) < len(node.value):
                node = node.value[int(part)]
                line = node.start_mark.line + 1
            else:
                return self._dotted(path) or line
        return line

    def _dotted(self, path: Sequence[str]) -> int | None:
        """Line of a key of the form NAME.key at the top level that reaches the end of a path."""
        for name, (key, _) in _keys(self._root).items() if isinstance(self._root, MappingNode) and path else ():
            if "." in name and name.rpartition(".")[2] == path[-1]:
                return key.start_mark.line + 1
        return None


def _keys(node: MappingNode) -> dict[str, tuple[Node, Node]]:
    return {key.value: (key, value) for key, value in node.value if isinstance(key.value, str)}


def _find_repeated(node: Node | None, path: tuple[str, ...], found: list[Fault], seen: set[int]) -> None:
    if id(node) in seen:  # an anchor may hold itself
        return
    seen.add(id(node))
    if isinstance(node, SequenceNode):
        for at, inner in enumerate(node.value):
            _find_repeated(inner, (*path, str(at)), found, seen)
    if not isinstance(node, MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key.value, str):
            continue
        if key.value in lines and key.value != "<<":
            place, first, last = (*path, key.value), lines[key.value], key.start_mark.line + 1
            found.append(Fault(place, f"stands there twice, in lines {first} and {last}; YAML would take the last one"))
        lines.setdefault(key.value, key.start_mark.line + 1)
        _find_repeated(value, (*path, key.value), found, seen)


def _not_yaml(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or " ".join(str(error).split())
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    hint = "; indent with blanks, not with tabs" if "'\\t'" in problem else ""
    return f"{where}not YAML: {problem}{hint}"
