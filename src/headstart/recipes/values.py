"""What may stand for a key of a recipe, in words: kind, choices, range, unit, default and an example."""

from __future__ import annotations

import re
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Interval, Le, Lt
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from headstart.config import components, seconds, split_at_commas
from headstart.recipes.base import budgeted

EXAMPLES: dict[str, str] = {
    "C": "0.1",
    "abstain": "0.8",
    "prediction_sets": "0.95",
    "architecture": "gpt2",
    "attention_heads": "4",
    "auxiliary": "rich.csv",
    "average": "wise",
    "backbone": "mini",
    "block_length": "128",
    "budget": "3m",
    "by": "channel",
    "checkpoint_every": "1m",
    "class_weight": "balanced",
    "descriptions": "{pos: a happy customer, neg: a complaint}",
    "describe": "labels.csv",
    "embedding_backbone": "mini",
    "verbalizer": "{pos: good, neg: bad}",
    "prompt_template": "{text} Is it {labels}?",
    "instruction": "Is each of these {labels}?",
    "ask": "500",
    "column": "body",
    "confidence": "0.9",
    "data": "reviews.csv",
    "delimiter": ";",
    "encoding": "cp1252",
    "end_share": "0.5",
    "epochs": "3",
    "exclude": "test.csv",
    "folds": "5",
    "gate_folds": "4",
    "general": "wiki.txt",
    "group_column": "customer",
    "held_out": "held-out.txt",
    "hidden_size": "256",
    "input": "new.csv",
    "label": "stars",
    "labelled": "labelled.csv",
    "labels": "no,yes",
    "layers": "2",
    "learning_rate": "5e-5",
    "max_length": "128",
    "measure": "slices,confusion",
    "member_runs": "runs/a,runs/b",
    "member_seeds": "0,1,2",
    "mask_terms": "{belief: [christian, muslim]}",
    "metric": "macro_f1",
    "model": "runs/reviews",
    "most_rows": "5000",
    "most_test_rows": "2000",
    "network_layers": "6",
    "output": "runs/reviews",
    "rates": "1e-4,3e-4",
    "replay": "0.1",
    "parallel": "en.txt,de.txt",
    "columns": "en,de",
    "lora_rank": "8",
    "revision": "main",
    "run": "runs/reviews",
    "separator": "|",
    "share": "0.2",
    "source_language": "en",
    "stone": "rich",
    "strategies": "tf-idf,fine-tuning",
    "strategy": "fine-tuning",
    "student_layers": "2",
    "target": "other-domain.csv",
    "target_language": "de",
    "target_test": "other-domain-labelled.csv",
    "targets": "query,value",
    "test": "test.csv",
    "test_share": "0.3",
    "tests": "shop=shop.csv,film=film.csv",
    "text": "title,body",
    "text_learning_rate": "1e-5",
    "texts": "books/*.txt",
    "then": "feature-extraction",
    "focus": "rte",
    "time_column": "date",
    "top_layers": "2",
    "train": "reviews.csv",
    "train_rows": "32",
    "translations": "reviews.de.csv",
    "counterfactuals": "identity.yaml",
    "balance_groups": "region",
    "swap": "identity.yaml",
    "contrast": "contrast.csv",
    "sentence_pairs": "crows_pairs.csv",
    "templates": "negations.yaml",
    "baseline": "runs/tf-idf",
    "positive_label": "toxic",
    "typo_rates": "0.1,0.3",
    "forms": "lower-case,no-punctuation",
    "validation": "validation.csv",
    "values": "0.4,0.6",
    "scores": "0.1,0.4",
    "strangeness": "0.1,0.4",
    "scales": "50,10,0.4,0.2",
    "outside": "0.01,0.04",
    "label_scores": "{good: [2, [0.1, 0.4]]}",
    "validation_share": "0.2",
    "weight": "importance",
}
"""Values that stand for keys in help and schema, where the field itself has no `examples`."""
PLACEHOLDERS = {
    "file": "FILE", "files": "FILE,...", "folder": "FOLDER", "folders": "FOLDER,...", "column": "COLUMN",
    "columns": "COLUMN,...", "column(s)": "COLUMN,..."
}  # fmt: skip
"""What stands for a text whose description begins with this word."""
UNITS = (
    "characters", "epochs", "folds", "heads", "layers", "passes", "probability", "rounds", "rows", "share", "threads", "tokens",
    "updates", "words",
)  # fmt: skip
BOUNDS: tuple[tuple[type[Any], str, str], ...] = (
    (Ge, "minimum", "ge"), (Gt, "exclusiveMinimum", "gt"), (Le, "maximum", "le"), (Lt, "exclusiveMaximum", "lt"),
)  # fmt: skip
"""Ends of a range: what annotates a field, the name of JSON Schema, where the number is."""
WIDEST = 28
"""Characters of choices that are shown in place of a placeholder."""


def parts_of(annotation: Any) -> list[Any]:
    """The kinds of value that an annotation allows, without None; what annotates them is left out."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return parts_of(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [part for inner in get_args(annotation) for part in parts_of(inner)]
    return [] if annotation is NoneType else [annotation]


def choices_of(info: FieldInfo) -> tuple[str, ...]:
    """Words that may stand for a field: names of components, or choices that are listed beside whatever else may."""
    words = [str(word) for part in parts_of(info.annotation) if get_origin(part) is Literal for word in get_args(part)]
    return tuple(components(info)) or tuple(words)


def is_many(info: FieldInfo) -> bool:
    """Whether a field holds several values."""
    return any(get_origin(part) in (tuple, list) for part in parts_of(info.annotation))


def is_switch(info: FieldInfo) -> bool:
    """Whether a field is on or off."""
    return parts_of(info.annotation) == [bool]


def is_time(info: FieldInfo) -> bool:
    """Whether a field is a length of time, which may be given with its unit."""
    return any(isinstance(part, BeforeValidator) and part.func in (seconds, budgeted) for part in _metadata(info))


def kind(info: FieldInfo) -> str:
    """What may stand for a field, in words: `whole number or 'all'`, `time`, `name of a strategy`."""
    if components(info):
        return "names, separated by commas" if is_many(info) else "name"
    if is_time(info):
        return " or ".join(["time", *(f"'{word}'" for word in choices_of(info))])
    commas = any(isinstance(part, BeforeValidator) and part.func is split_at_commas for part in _metadata(info))
    *said, last = [word for part in parts_of(info.annotation) for word in _called(part)]
    words = f"{', '.join(said)} or {last}" if said else last
    return f"{words}{', separated by commas' * (commas or is_many(info))}"


def bounds(info: FieldInfo) -> dict[str, float]:
    """The range of a number, by the names that JSON Schema has for its ends."""
    found = {}
    for part in _metadata(info):
        for bound in part if isinstance(part, Interval) else (part,):
            for cls, name, end in BOUNDS:
                if isinstance(bound, cls):
                    found[name] = getattr(bound, end)
    return found


def span(info: FieldInfo) -> str:
    """The range of a number as `[1, 1000]`, `(0, 1]`, `at least 1` or `over 0`; empty where it has none."""
    known = {name: f"{value:,.12g}" for name, value in bounds(info).items()}
    low, over = known.get("minimum", ""), known.get("exclusiveMinimum", "")
    high, below = known.get("maximum", ""), known.get("exclusiveMaximum", "")
    if (low or over) and (high or below):
        return f"{'[' if low else '('}{low or over}, {high or below}{']' if high else ')'}"
    if low or over:
        return f"at least {low}" if low else f"over {over}"
    return f"at most {high}" if high else f"below {below}" if below else ""


def unit(info: FieldInfo) -> str:
    """What a number counts; empty where it counts nothing or the field holds no number."""
    if is_time(info):
        return "seconds; or with s, m or h: 90s, 3m, 1h, 2m30s"
    if not any(part in (int, float) for part in parts_of(info.annotation)):
        return ""
    words = re.findall(r"[a-z]+", (info.description or "").lower().split(",")[0])[:2]
    return next((word for word in words if word in UNITS), "")


def default(info: FieldInfo) -> str:
    """What holds where nothing is given, as one would write it; empty where that depends on the run."""
    if info.is_required() or info.default is None or info.default == () or info.default_factory is not None:
        return ""
    return f"{info.default:g}s" if is_time(info) and isinstance(info.default, float) else written(info.default)


def written(value: Any) -> str:
    """A value as it stands on the command line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ",".join(map(written, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def placeholder(name: str, info: FieldInfo) -> str:
    """What stands for the value in help: `INT`, `auto|cpu|cuda`, `FILE`, `NAME,...`; empty for what is on or off."""
    if components(info):
        return "NAME,..." if is_many(info) else "NAME"
    if is_time(info):
        return "TIME"
    kinds = parts_of(info.annotation)
    if is_switch(info):
        return ""
    words = "|".join(choices_of(info))
    if all(get_origin(part) is Literal for part in kinds):
        return words if len(words) <= WIDEST and "||" not in words else "WORD"
    first = (info.description or "").split(maxsplit=1)[0].lower()
    if str in kinds or tuple[str, ...] in kinds:
        return PLACEHOLDERS.get(first, "TEXT,..." if is_many(info) else _noun(name))
    inside = [inner for part in kinds for arg in (get_args(part) or (part,)) for inner in parts_of(arg)]
    number = "INT" if int in inside else "NUMBER"
    if any(get_origin(part) is dict for part in kinds):
        number = "NAME=FILE,..." if str in get_args(kinds[0])[1:] else "{LABEL: NUMBER}"
    return "|".join(word for word in (words, f"{number},..." if is_many(info) else number) if word)


def example(name: str, info: FieldInfo) -> str:
    """A value that may stand for a field and is not what holds anyway, as it stands on the command line."""
    if info.examples:
        return written(info.examples[0])
    key = name.rpartition(".")[2]
    if key in EXAMPLES and EXAMPLES[key] != default(info):
        return EXAMPLES[key]
    usual = default(info)
    words = [word for word in choices_of(info) if word != usual]
    if words:
        return words[-1 if components(info) else 0]
    kinds = parts_of(info.annotation)
    if bool in kinds:
        return "false" if info.default is True else "true"
    if int in kinds:
        return str(info.default * 2 if isinstance(info.default, int) and info.default else 2)
    if float in kinds:
        small = isinstance(info.default, float) and 0 < info.default <= 0.25
        return f"{info.default * 2 if small else 0.5:g}"
    return EXAMPLES.get(key, key)


def _called(part: Any) -> list[str]:
    origin, inside = get_origin(part), get_args(part)
    if origin is Literal:
        return [f"'{word}'" for word in inside]
    if origin in (tuple, list):
        return [f"{_called(parts_of(inside[0])[0])[0]}s"]
    if origin is dict:
        return [f"mapping of names to {_called(parts_of(inside[1])[0])[0]}s"]
    return [{int: "whole number", float: "number", str: "text", bool: "true or false"}.get(part, "value")]


def _noun(name: str) -> str:
    return {"backbone": "NAME", "model": "RUN", "run": "RUN", "architecture": "NAME"}.get(name, "TEXT")


def _metadata(info: FieldInfo) -> list[Any]:
    """All that annotates a field or one of the kinds of value that it allows."""
    found, pending = [], [*info.metadata, info.annotation]
    while pending:
        part = pending.pop(0)
        found.append(part)
        inner = [*get_args(part)] if get_origin(part) in (Annotated, Union, UnionType) else []
        pending += [*inner, *(part.metadata if isinstance(part, FieldInfo) else [])]
    return found
