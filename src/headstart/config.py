"""Components: frozen dataclass-like models whose fields are their configuration, from and to plain mappings."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, SerializeAsAny, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from headstart.errors import RecipeError, quoted
from headstart.faults import describe, faults_of
from headstart.registry import Registry


class Component(BaseModel):
    """Base of everything that can stand in a recipe.

    Subclasses declare fields, each with a docstring that gives unit and range; YAML keys, flags and keyword
    arguments are those field names. Instances never change: use `revised` for a changed copy.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    name: ClassVar[str] = ""
    """Registry name; empty for components that are not registered."""

    def revised(self, **changes: Any) -> "Any":
        """A validated copy with some fields replaced."""
        values = {key: getattr(self, key) for key in type(self).model_fields}
        return type(self)(**(values | changes))

    def plain(self) -> dict[str, Any]:
        """Mapping of plain data that `parse` turns back into an equal component."""
        named = {"name": self.name} if self.name else {}
        return named | {key: _plain(getattr(self, key)) for key in type(self).model_fields}


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return value.plain()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def parse(cls: type[Component], values: Any, where: str = "recipe") -> Any:
    """Build a component of class `cls` from plain data.

    Raises:
        RecipeError: with every fault at once, each with its path and, where one is near, the word that was meant.
    """
    if not isinstance(values, Mapping):
        raise RecipeError([f"expected a mapping of keys to values, found {describe(values)}"], where)
    try:
        return cls.model_validate(dict(values))
    except ValidationError as error:
        raise RecipeError(faults_of(error, cls), where) from None


def named(
    registry: Registry,
    default: str | None = None,
    *,
    unnamed: Callable[[Mapping[str, Any]], Component | str] | None = None,
    only: type | Callable[[type], bool] | None = None,
    others: str = "",
) -> Any:
    """Annotation for a field that holds a component of `registry`, given as a name, a mapping or an instance.

    Use it as `Annotated[Strategy, named(STRATEGIES)]`. A mapping says which with the key `name`, or is of the form
    `{NAME: {...}}`; where it does neither, `default` is meant.

    Args:
        registry: what there is.
        default: name that is meant where none is given.
        unnamed: makes a component of options without a name, or gives the name of the one that says what is wrong with them.
        only: class that the component must be of, or whether one of a class will do; what has no name of its own always does.
        others: what those do that are not, for the message that refuses them.
    """

    def build(value: Any) -> Any:
        found = made(value)
        if isinstance(found, Component) and found.name and not _is_one(type(found), only):
            *names, last = _choices(registry, only)
            raise ValueError(f"'{found.name}' {others}; give {', '.join(names)}{' or ' * bool(names)}{last}")
        return found

    def made(value: Any) -> Any:
        if isinstance(value, str):
            value = {"name": value}
        if value is None and unnamed is not None:
            value = {}
        if not isinstance(value, Mapping):
            return value
        rest = {str(key): item for key, item in value.items()}
        name = rest.pop("name", None)
        if name is None and len(rest) == 1 and next(iter(rest)) in registry.names():
            name, inner = next(iter(rest.items()))
            rest = dict(inner or {})
        if name is None and unnamed is not None:
            name = unnamed(rest)
            if isinstance(name, Component):
                return name
        name = name or default
        if not isinstance(name, str):
            raise PydanticCustomError(
                "component", "needs a 'name': one of {known}", {"known": ", ".join(registry.names())}
            )
        try:
            cls = registry.get(name)
        except RecipeError as error:
            raise PydanticCustomError("component", "{problem}", {"problem": error.problems[0]}) from None
        try:
            return cls.model_validate(rest)
        except ValidationError as error:
            raise PydanticCustomError("nested", "has faults", {"faults": faults_of(error, cls)}) from None

    build.components = lambda: {name: registry.get(name) for name in _choices(registry, only)}  # type: ignore[attr-defined]
    return BeforeValidator(build)


def _choices(registry: Registry, only: type | Callable[[type], bool] | None) -> list[str]:
    return [name for name in registry.names() if only is None or _is_one(registry.get(name), only)]


def _is_one(cls: type, only: type | Callable[[type], bool] | None) -> bool:
    return only is None or (issubclass(cls, only) if isinstance(only, type) else only(cls))


def components(info: FieldInfo) -> dict[str, type[Component]]:
    """Classes by registry name that a field holds one or several of, see `named`; none for other fields."""
    pending: list[Any] = [info.annotation, *info.metadata]
    while pending:
        part = pending.pop(0)
        if isinstance(part, BeforeValidator) and hasattr(part.func, "components"):
            return part.func.components()  # type: ignore[union-attr]
        pending += [*get_args(part), *getattr(part, "__metadata__", ())]
    return {}


def is_input(info: FieldInfo) -> bool:
    """Whether a field names a file or folder that is read, as an `InputPath` does."""
    pending: list[Any] = [info.annotation, *info.metadata]
    while pending:
        part = pending.pop(0)
        if isinstance(part, AfterValidator) and part.func is path_of_input:
            return True
        pending += [*get_args(part), *getattr(part, "__metadata__", ())]
    return False


def split_at_commas(value: Any) -> Any:
    """A string as the names between its commas; anything else as it is."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(split_at_commas)]
"""Several names; a string is split at commas."""
LONGEST_NAME, LONGEST_PATH = 255, 4095
"""Bytes of the name of a file, and of a whole path, that Linux allows."""
LONGEST_OUTPUT_NAME, LONGEST_OUTPUT = 215, 1000
"""The same for outputs: there is room for what stands beside them while they are written and for what is inside."""


def path_of_input(value: str) -> str:
    """A path as it is, where the file system can have such a one."""
    return _possible(value, LONGEST_NAME, LONGEST_PATH)


def path_of_output(value: str) -> str:
    """A path as it is, where the file system can have such a one with room for what is written there."""
    if PurePath(value).name.strip() in ("", ".."):
        raise ValueError(f"{quoted(value)} has no name of its own; name a file or a folder")
    return _possible(value, LONGEST_OUTPUT_NAME, LONGEST_OUTPUT)


def _possible(value: str, name: int, whole: int) -> str:
    if "\0" in value:
        raise ValueError(f"{quoted(value)} holds a NUL character, which no name of a file can")
    longest = max(len(os.fsencode(part)) for part in value.split("/"))
    if longest > name:
        raise ValueError(f"{quoted(value)} has a name of {longest:,} bytes, and {name} are possible here")
    if len(os.fsencode(value)) > whole:
        raise ValueError(f"{quoted(value)} has {len(os.fsencode(value)):,} bytes, and {whole:,} are possible here")
    return value


InputPath = Annotated[str, AfterValidator(path_of_input)]
"""Path of a file or folder that is read."""
OutputPath = Annotated[str, AfterValidator(path_of_output)]
"""Path of a file or folder that is written."""


def seconds(value: Any) -> Any:
    """`3m`, `90s`, `1h`, `2m30s` or a number of seconds as seconds; what is none of these is left to be refused."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    match = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s?)?", text)
    if not text or match is None:
        raise ValueError(f"{quoted(value)} is no time; write 90s, 3m, 1h or 2m30s")
    hours, minutes, rest = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


__all__ = [
    "Annotated",
    "Component",
    "Names",
    "SerializeAsAny",
    "describe",
    "named",
    "parse",
    "seconds",
    "split_at_commas",
]
