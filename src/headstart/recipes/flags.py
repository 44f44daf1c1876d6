"""The names of flags and keyword arguments: one list for all three doors, in which a name has one meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from headstart.config import Component, components
from headstart.recipes.base import Recipe
from headstart.recipes.verbs import VERBS
from headstart.registry import near

HIDDEN = frozenset(
    {"decisions", "tasks", "task.mean", "task.deviation", "backbone.digest", "strategies.teacher_digest"}
)
"""Keys that only resolved recipes hold; no flag for them."""
WITHOUT_FLAGS = HIDDEN | {"measure"}
"""Fields whose components have no flags for their keys; recipes, keyword arguments and `--set` hold them."""
MANY = "strategies"
"""Field that holds several components, so that one name may reach several of them."""
OF_ONE = ("fit", "tune")
"""Verbs whose command line has `--strategy`, for the one that is run."""
SHORT = {"location": "backbone"}
"""Keys whose flag has another name."""


ELSEWHERE = {
    "bf16": "precision", "bs": "batch_size", "dev": "validation", "dev_file": "validation", "early_stopping_patience": "patience",
    "fp16": "precision", "gpu": "device", "label_column": "label", "lora_alpha": "alpha", "lora_dropout":
    "adapter_dropout", "lora_r": "rank", "lr": "learning_rate", "max_samples": "most_rows", "max_seq_length": "max_length",
    "max_steps": "updates", "max_train_samples": "most_rows", "method": "strategy", "model": "backbone", "model_name": "backbone",
    "model_name_or_path": "backbone", "n_epochs": "epochs", "num_epochs": "epochs", "num_train_epochs": "epochs", "out": "output",
    "output_dir": "output", "per_device_train_batch_size": "batch_size", "random_state": "seed", "target_modules": "targets",
    "do_sample": "sampling_temperature", "max_tokens": "max_new_tokens", "no_repeat_ngram_size": "no_repeat_ngram", "num_beams":
    "beams", "num_return_sequences": "best", "temperature": "sampling_temperature",
    "test_file": "test", "text_column": "text", "time": "budget", "timeout": "budget", "train_batch_size": "batch_size",
    "train_file": "train", "validation_file": "validation", "warmup_ratio": "warmup",
}  # fmt: skip
"""What other programs call a key: names that are proposed for them."""


def meant_by(word: str, known: Sequence[str]) -> str:
    """The known name that a word may be a slip for, or that other programs have the word for; empty where there is none."""
    name = word.replace("-", "_")
    return ELSEWHERE[name] if ELSEWHERE.get(name) in known else near(word, list(known))


class Flag(NamedTuple):
    """A name by which flags and keyword arguments reach a key of a recipe."""

    path: tuple[str, ...]
    """Where the key is; of a component, its field and the key."""
    info: FieldInfo
    help: str
    """What it means, with unit and range."""
    owners: tuple[str, ...] = ()
    """Registry names of the components that have the key; none for keys of the recipe itself and of its sections."""
    listed: bool = True
    """Whether the help shows it."""

    @property
    def meaning(self) -> tuple[str, str]:
        """Kind of value and first sentence of the help: what has to be equal where a name is."""
        return kind_of(self.info.annotation), first_sentence(self.info.description)


def flags(verb: str) -> dict[str, Flag]:
    """All names that a verb takes.

    Keys of the recipe and its sections stand under their own names, and so do keys of tasks, strategies and objectives
    that mean the same wherever they occur. Where two components mean different things by a name, it is `NAME.key` for
    each. That spelling is understood for every key of a component, and so is the short one of an ambiguous key where
    those of the run agree on it; neither is listed.
    """
    cls: type[Recipe] = VERBS.get(verb)
    fields = ((field, info) for field, info in cls.model_fields.items() if field not in WITHOUT_FLAGS)
    return dict(_named(cls, tuple((field, tuple(components(info).items())) for field, info in fields)))


@cache
def _named(cls: type[Recipe], held: tuple[tuple[str, tuple[tuple[str, type[Component]], ...]], ...]) -> dict[str, Flag]:
    """All names of a recipe, computed once for what components the fields hold, since registries may grow."""
    others = SHORT | dict(cls.called)
    found = {others.get(key, key): Flag(path, info, _words(info)) for path, key, info in _own(cls)}
    owned: dict[str, list[Flag]] = {}
    for field, named in held:
        for name, component in named:
            for key, inner in component.model_fields.items():
                if f"{field}.{key}" not in HIDDEN:
                    owned.setdefault(key, []).append(Flag((field, key), inner, _words(inner), (name,), listed=False))
    for key, given in owned.items():
        clear = key not in found and len({flag.meaning for flag in given}) == len({flag.path for flag in given}) == 1
        owners = tuple(name for flag in given for name in flag.owners)
        if key not in found:
            found[key] = Flag(given[0].path, given[0].info, _together(given), owners, listed=clear)
        found |= {f"{flag.owners[0]}.{key}": flag._replace(listed=not clear) for flag in given}
    return found


def flat(verb: str) -> dict[str, Flag]:
    """The names that the help of a verb lists, without a second spelling of any."""
    return {name: flag for name, flag in flags(verb).items() if flag.listed}


def as_listed(key: str, known: Mapping[str, Flag]) -> str:
    """The name of a flag as `flags` has it: in names of components `_` may stand for `-`."""
    name, dot, rest = key.partition(".")
    return f"{name.replace('_', '-')}.{rest}" if dot and key not in known else key


def sections(cls: type[Recipe]) -> dict[str, type[Component]]:
    """Fields of a recipe whose keys have flags of their own, with the component that they are keys of."""
    found = {}
    for field, info in cls.model_fields.items():
        classes = [part for part in (info.annotation, *get_args(info.annotation)) if isinstance(part, type)]
        if classes and issubclass(classes[0], Component) and not components(info):
            found[field] = classes[0]
    return found


@cache
def kind_of(annotation: Any) -> str:
    """What kind of value an annotation allows, in words: `int`, `word`, `int or word`, `list of word`."""
    origin, inside = get_origin(annotation), [part for part in get_args(annotation) if part is not NoneType]
    if origin is Annotated:
        return kind_of(inside[0])
    if origin in (Union, UnionType):
        return " or ".join(sorted({kind_of(part) for part in inside}))
    if origin is Literal:
        return " or ".join(sorted({"word" if isinstance(part, str) else type(part).__name__ for part in inside}))
    if origin in (tuple, list):
        return f"list of {kind_of(inside[0])}"
    return {str: "word"}.get(annotation, getattr(annotation, "__name__", str(annotation)))


@cache
def first_sentence(text: str | None) -> str:
    """A description up to its first full stop, colon or semicolon."""
    return re.split(r"[.:;](?:\s|$)", " ".join((text or "").split()), maxsplit=1)[0]


def _own(cls: type[Recipe]) -> Iterator[tuple[tuple[str, ...], str, FieldInfo]]:
    """Path, key and field of what is no component's: keys of the recipe, then those of its sections."""
    inner = sections(cls)
    for key, info in cls.model_fields.items():
        if key not in inner and key not in HIDDEN:
            yield (key,), key, info
    for section, component in inner.items():
        for key, info in component.model_fields.items():
            if f"{section}.{key}" not in HIDDEN:
                yield (section, key), key, info


def _words(info: FieldInfo) -> str:
    return " ".join((info.description or "").split())


def _together(given: list[Flag]) -> str:
    """One help for a key of several components: what they have in common, then what each says beside it."""
    texts: dict[str, list[str]] = {}
    for flag in given:
        texts.setdefault(flag.help, []).extend(flag.owners)
    if len(texts) == 1:
        return given[0].help
    common = first_sentence(given[0].help)
    rests = [(text[len(common) :].lstrip(".:; "), names) for text, names in texts.items()]
    return f"{common}. " + " ".join(f"{', '.join(names)}: {rest}" for rest, names in rests if rest)
