"""Whether the backbone reads the language of the texts: what is said where it does not, and which one does."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from headstart.backbones import KNOWN
from headstart.backbones.folders import WHOLE, own_file
from headstart.backbones.hub import kept_here
from headstart.backbones.location import AUTO, BackboneSource, Located, packed_file
from headstart.backbones.tokenizer_files import open_tokenizer
from headstart.corpora.language_fit import LanguageFit, language_fit
from headstart.data.store import Store
from headstart.drawing.text import share
from headstart.runs.parts import Parts
from headstart.runtime.progress import Progress
from headstart.tasks.base import Task

SAMPLE = 200
"""Training rows that are looked at."""
BETTER = "multi"
"""The known backbone that reads other languages than English."""


def measured(located: Located, rows: Store[Any]) -> LanguageFit | None:
    """How the tokenizer of a backbone cuts the words of a sample of rows.

    Args:
        located: the backbone.
        rows: to learn from.

    Returns:
        None for a backbone that is known to read most languages, or has no such file.
    """
    if own_file(located.folder, WHOLE) is None or reads(located) == ():
        return None
    tokenizer = open_tokenizer(located.folder, 512, 0)
    chosen = np.arange(len(rows))
    if len(rows) > SAMPLE:
        chosen = np.sort(np.random.default_rng(len(rows)).choice(len(rows), SAMPLE, replace=False))
    inputs = rows.inputs
    texts = [text for at in chosen for text in _texts(inputs[int(at)])]
    return language_fit(tokenizer.plain, texts, tokenizer.special.get("unk"))


def _texts(given: Any) -> Sequence[str]:
    """The texts of what a tokenizer is given of a row."""
    if isinstance(given, str):
        return (given,)
    if isinstance(given, tuple | list) and all(isinstance(part, str) for part in given):
        return tuple(given)
    found = [getattr(given, name, None) for name in ("text", "question", "context")]
    return [text for text in found if isinstance(text, str)]


def reads(located: Located) -> tuple[str, ...] | None:
    """Languages that a backbone is known to read: of a known one those of its card; None where nothing is known."""
    module = KNOWN.get(located.source.location)
    return None if module is None else importlib.import_module(module).LANGUAGES


def strangeness(located: Located, found: LanguageFit | None) -> str:
    """What is said where a backbone does not read the language of the texts, a sentence; empty where it does."""
    languages = reads(located)
    if found is None or not found.is_strange(only_english=languages == ("English",)):
        return ""
    name = located.source.location
    said = [f"it cuts a word into {found.pieces:.2f} pieces, one of English into {found.english:.2f}"] * bool(
        found.pieces
    )
    if found.unknown >= 0.01:
        said.append(f"it has no piece for {share(round(found.unknown * 10_000), 10_000)} of what it reads")
    what = f"{name} reads {languages[0]}, and the texts are not" if languages else f"{name} was not made for the texts"
    return f"{what} ({'; '.join(said)}); --backbone {BETTER} reads about a hundred languages"


def at_hand() -> bool:
    """Whether the multilingual backbone can be had without the hub."""
    card = importlib.import_module(KNOWN[BETTER])
    return packed_file(BETTER) is not None or kept_here(card.HUB_ID, card.REVISION)


def chosen(source: BackboneSource, usual: Located, rows: Store[Any]) -> BackboneSource:
    """The backbone in the place of `auto`: the multilingual one where it is at hand and the usual one does not read the texts.

    Args:
        source: whose location is `auto`.
        usual: the default backbone.
        rows: to learn from.
    """
    if source.location != AUTO:
        return source
    other = at_hand() and strangeness(usual, measured(usual, rows))
    return source.revised(location=BETTER if other else usual.source.location)


def with_language(parts: Parts, located: Located | None, progress: Progress) -> Parts:
    """The parts with what is known of how the backbone cuts their words, and a warning where it does not read their language."""
    if located is None or parts.task.sides or (found := measured(located, parts.train)) is None:
        return parts
    said = strangeness(located, found)
    warnings = [each for each in (said, _homeless(located, parts.task)) if each]
    for warning in warnings:
        progress.say("language", warning, warning=True)
    language = found.plain() | {"strange": bool(said), "said": said}
    return replace(parts, language=language, warnings=(*parts.warnings, *warnings))


def _homeless(located: Located, task: Task) -> str:
    """That the prompt of a network has no place in its tokenizer's template, a sentence; empty where it has, or is not wanted."""
    prompt = located.default_prompt
    if not prompt or task.roles or open_tokenizer(located.folder, 512, 0).put_prompt(prompt):
        return ""
    return (
        f"{located.source.location} was trained with {prompt[:60]!r} in front of texts, which its tokenizer has no place for "
        "(it is too long, or is cut up in another way alone than in front of a text); texts are read without it"
    )
