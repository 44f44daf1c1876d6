"""Options that a command does not have: all of them at once, with the near one or the verb whose they are."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.cli.dashes import is_text
from headstart.cli.help import options_of
from headstart.recipes.flags import MANY, flags, meant_by
from headstart.recipes.verbs import VERBS


def unknown_options(verb: str, words: Sequence[str]) -> str:
    """What is wrong with the options among the words of a command, in one line; empty where all are known.

    Args:
        verb: name in `headstart.recipes.verbs.VERBS`.
        words: of the command line.
    """
    known = _spellings(verb)
    given = [word.partition("=")[0] for word in words[: words.index("--") if "--" in words else None]]
    strange = [
        word for word in dict.fromkeys(given) if word.startswith("--") and word not in known and not is_text(word)
    ]
    if not strange:
        return ""
    said = [f"{word}{_hint(word, verb)}" for word in strange]
    return f"no such option{'s' * (len(said) > 1)}: {', '.join(said)}"


def as_sets(words: Sequence[str]) -> str:
    """How keys of a recipe are changed for `headstart run`, which has no options of their names; empty where none is meant."""
    known = flags("fit")
    given = dict.fromkeys(
        word.removeprefix("--").partition("=")[0].replace("-", "_") for word in words if word[:2] == "--"
    )
    paths = {
        name: ".".join(("strategy" if part == MANY else part) for part in known[name].path)
        for name in given
        if name in known
    }
    if not paths:
        return ""
    told = ", ".join(f"--{name.replace('_', '-')}" for name in paths)
    sets = " ".join(f"--set {path}=..." for path in paths.values())
    return f"no such option: {told}; keys of the recipe are changed by {sets}"


def _spellings(verb: str) -> set[str]:
    names = [*flags(verb), *(option.name for option in options_of(verb))]
    written = {"--" + name.replace("_", "-") for name in names}
    return written | {f"--no-{each.removeprefix('--')}" for each in written}


def _hint(word: str, verb: str) -> str:
    names = [
        name for name in (*flags(verb), *(option.name for option in options_of(verb))) if ("." in name) == ("." in word)
    ]
    meant = meant_by(word.removeprefix("--"), [*dict.fromkeys(names)])
    if meant:
        return f" (did you mean --{meant.replace('_', '-')}?)"
    name = word.removeprefix("--").replace("-", "_")
    others = [each for each in VERBS.names() if each != verb and name in flags(each)]
    return f" (an option of {', '.join(others)})" if others else ""
