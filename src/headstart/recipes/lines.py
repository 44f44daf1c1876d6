"""Which line of a recipe file a key stands on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from yaml.nodes import MappingNode, Node, SequenceNode

from headstart.errors import Fault


class RecipeLines:
    """The keys of a YAML file with their lines.

    Args:
        root: nodes of the file; None where it is empty.
    """

    def __init__(self, root: Node | None) -> None:
        self._root = root
        self._found: dict[int, dict[str, tuple[Node, Node]]] = {}

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
            found.append(
                (
                    line or (0 if path else math.inf),
                    fault._replace(place=(), text=f"line {line}: {fault}") if line else fault,
                )
            )
        return [fault for _, fault in sorted(found, key=lambda each: each[0])]

    def line(self, path: Sequence[str]) -> int | None:
        """Line of a key, or of the innermost key above it that is there, counted from 1; None where there is none."""
        node, line = self._root, None
        for part in path:
            if isinstance(node, MappingNode) and part == "0" and "0" not in self._keys(node):
                continue  # one component that is given without a list
            if isinstance(node, MappingNode) and part not in self._keys(node) and len(node.value) == 1:
                node = node.value[0][1]  # of the form {NAME: {...}}
            if isinstance(node, MappingNode) and part in self._keys(node):
                key, node = self._keys(node)[part]
                line = key.start_mark.line + 1
            elif isinstance(node, SequenceNode) and part.isdigit() and int(part) < len(node.value):
                node = node.value[int(part)]
                line = node.start_mark.line + 1
            else:
                return self._dotted(path) or line
        return line

    def _keys(self, node: MappingNode) -> dict[str, tuple[Node, Node]]:
        if id(node) not in self._found:
            self._found[id(node)] = {key.value: (key, value) for key, value in node.value}
        return self._found[id(node)]

    def _dotted(self, path: Sequence[str]) -> int | None:
        """Line of a key of the form NAME.key at the top level that reaches the end of a path."""
        for name, (key, _) in self._keys(self._root).items() if isinstance(self._root, MappingNode) and path else ():
            if "." in name and name.rpartition(".")[2] == path[-1]:
                return key.start_mark.line + 1
        return None
