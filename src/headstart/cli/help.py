"""What `headstart VERB --help` shows: the essentials on one screen, and with `--help-all` every option by section."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from headstart.recipes.flags import MANY, OF_ONE, Flag, first_sentence, flat
from headstart.recipes.values import choices_of, default, is_switch, placeholder
from headstart.recipes.verbs import VERBS

SCREEN = 20
"""Options up to which the first screen shows all, with their whole help."""
ESSENTIAL = {
    "add": "Documents that come into an index that is there.",
    "backbone": "Pretrained network: mini, folder, run or hub id.",
    "backbones": "Several to compare, separated by commas.",
    "budget": "Time for the whole command, such as 90s, 3m or 1h.",
    "draws": "Samples of the training rows for each size.",
    "dry_run": "Show what would run and for how long, then stop.",
    "epochs": "Passes over what is learnt from.",
    "held_out": "Texts that the loss is measured on.",
    "json": "Print one JSON object on standard output.",
    "language": "Language of the documents, such as german.",
    "label": "Column with the label.",
    "learning_rate": "Highest learning rate, in (0, 1].",
    "max_length": "Tokens read of each text.",
    "metric": "Score by which choices are made.",
    "objective": "What is learnt from raw text.",
    "output": "Folder for what is learnt, report and evidence.",
    "passage_tokens": "Tokens of a passage at most.",
    "remove": "Ids or names that go out of an index that is there.",
    "retriever": "What ranks: bm25, dense or hybrid (both).",
    "seed": "Seed of all that is drawn at random.",
    "size": "Size of the network.",
    "sizes": "Numbers of training rows, such as 32,125,500.",
    "strategies": "Several to compare, separated by commas.",
    "strategy": "One way of transferring; else several are tried.",
    "student_layers": "Layers of the student: how many, or 0,3.",
    "task": "What is learnt, such as token-classification.",
    "test": "Rows to report scores on, in place of a part.",
    "text": "Column with the text, or several.",
    "updates": "Steps of the optimiser.",
}
"""Options on the first screen of verbs that have more than `SCREEN`, in a line each."""
OF_VERB = {
    ("check", "fix"): "File for a cleaned copy of the training rows.",
    ("check", "most_doubtful"): "Doubtful rows that are listed.",
    ("check", "noise"): "Rank rows by how likely their label is wrong.",
    ("check", "output"): "Folder for the findings, with a page.",
    ("check", "strict"): "Exit code 65 where there is more than a note.",
    ("check", "test"): "Rows to report scores on.",
    ("check", "validation"): "Rows to make choices on.",
    ("distill", "texts"): "Texts to learn from: a line each, or a table.",
    ("init", "output"): "Name of the recipe, by default recipe.yaml.",
    ("index", "output"): "Folder of a new index.",
    ("index", "text"): "Column of tables with the text.",
    ("rank", "by"): "Score that gives the order.",
    ("rank", "most_rows"): "Rows that states are scored on at most.",
    ("rank", "output"): "Folder for the ranking, with a page.",
    ("rank", "states"): "Layer that counts: best, mean or last.",
}
"""Those that mean another thing to one verb, or are on the first screen of that one alone."""
SECTIONS = {
    "data": "Data", "task": "Task", "objective": "Task", MANY: "Strategy", "strategy": "Strategy", "backbone": "Strategy",
    "controls": "Strategy", "network": "Network", "training": "Training",
}  # fmt: skip
"""Heading over the options of a section of recipes, in the order in which they are shown; what has none is of the run."""
REST = "Run"
NAMES = 26
"""Width of the column of options."""
WIDEST = 110
"""Characters of a line at most."""


class Option(NamedTuple):
    """A line of help."""

    name: str
    spelled: str
    """As one types it, with what stands for its value."""
    help: str
    section: str
    owners: tuple[str, ...] = ()
    default: str = ""


def options_of(verb: str) -> list[Option]:
    """All options of a verb, those of the command line alone last."""
    known = flat(verb)
    found = [_strategy(known[MANY])] if verb in OF_ONE else []
    found += [_option(name, flag, verb) for name, flag in known.items() if name not in VERBS.get(verb).positional]
    found += [
        Option("set", "--set KEY=VALUE", "Any key of the recipe, such as strategy.layers=2; may be repeated.", REST),
        Option("json", "--json", "Print one JSON object on standard output.", REST),
        Option("quiet", "--quiet", "No progress and log messages on standard error.", REST),
        Option("help", "-h, --help", "Show the essentials and leave.", REST),
        Option("help_all", "--help-all", "Show all options by section and leave.", REST),
    ]
    return found


def text_of(verb: str, *, everything: bool) -> str:
    """The help of a verb.

    Args:
        verb: name in `headstart.recipes.verbs.VERBS`.
        everything: all options with their whole help, and not the essentials in a line each.
    """
    width = min(WIDEST, max(60, shutil.get_terminal_size().columns))
    known, cls = flat(verb), VERBS.get(verb)
    words = " ".join(_argument(name, known[name]) for name in cls.positional)
    lines = [f"Usage: headstart {verb} {words} [OPTIONS]", "", *textwrap.wrap(VERBS.summary(verb), width), ""]
    options = options_of(verb)
    short = not everything and len(options) > SCREEN
    for name in cls.positional:
        text = known[name].help
        lines += _entry(_argument(name, known[name]), f"{first_sentence(text)}." if short else text, width)
    for heading, some in _by_section(options):
        shown = [option for option in some if not short or _is_essential(verb, option)]
        lines += [""] * (everything and bool(shown)) + [heading] * bool(shown)
        for option in shown:
            essential = OF_VERB.get((verb, option.name)) or ESSENTIAL.get(option.name, "")
            lines += _entry(option.spelled, essential if short else _whole(option), width)
    if example := VERBS.example(verb):
        lines += ["", f"Example: {example}"]
    if short:
        lines.append(
            f"All {len(options)} options: headstart {verb} --help-all.  One of them: headstart explain epochs."
        )
    return "\n".join(lines) + "\n"


def spelled(name: str, flag: Flag) -> str:
    """An option as one types it: `--epochs INT`, `--[no-]controls`, `-o, --output FOLDER`."""
    written = "--" + name.replace("_", "-")
    if is_switch(flag.info):
        return written if default(flag.info) == "false" else f"--[no-]{written.removeprefix('--')}"
    return f"{'-o, ' * (name == 'output')}{written} {placeholder(name, flag.info)}".rstrip()


def _option(name: str, flag: Flag, verb: str) -> Option:
    field = VERBS.get(verb).model_fields[flag.path[0]]
    owners = () if {*flag.owners} == {*choices_of(field)} else flag.owners
    section = SECTIONS.get(flag.path[0], REST)
    return Option(name, spelled(name, flag), flag.help, section, owners, default(flag.info))


def _strategy(flag: Flag) -> Option:
    ways = ", ".join(choices_of(flag.info))
    text = f"One way of transferring; by default several are tried and the best on validation is kept: {ways}."
    return Option("strategy", "-s, --strategy NAME", text, SECTIONS[MANY])


def _by_section(options: Sequence[Option]) -> Iterator[tuple[str, list[Option]]]:
    for heading in dict.fromkeys([*SECTIONS.values(), REST]):
        some = [option for option in options if option.section == heading]
        if some:
            yield heading, sorted(some, key=lambda option: (len(option.owners) > 0, -len(option.owners), option.owners))


def _argument(name: str, flag: Flag) -> str:
    required, many = flag.info.is_required(), flag.info.annotation is not str
    word = name.upper().removesuffix("S") if many else name.upper()
    return f"{word}{'...' * many}" if required else f"[{word}]{'...' * many}"


def _whole(option: Option) -> str:
    """The help with whose option it is and what holds without it."""
    notes = []
    if option.owners:
        notes.append(f"of {', '.join(option.owners)}")
    if option.default and option.default != "false":
        notes.append(f"default: {option.default.replace('true', 'yes')}")
    return option.help + (f" [{'; '.join(notes)}]" if notes else "")


def _is_essential(verb: str, option: Option) -> bool:
    """Whether an option is on the first screen; those of single strategies never are."""
    listed = option.name in ESSENTIAL or (verb, option.name) in OF_VERB
    return listed and not (option.owners and option.section == SECTIONS[MANY])


def _entry(name: str, text: str, width: int) -> list[str]:
    lines = textwrap.wrap(text, width - NAMES - 2, break_on_hyphens=False) or [""]
    if len(name) > NAMES - 2:
        return [f"  {name}", *(f"{'':{NAMES + 2}}{line}" for line in lines)]
    return [f"  {name:<{NAMES}}{lines[0]}", *(f"{'':{NAMES + 2}}{line}" for line in lines[1:])]


def command_class(verb: str, base: type[Any]) -> type[Any]:
    """A class of typer's commands that shows this help for a verb in place of its own."""

    def format_help(self: Any, ctx: Any, formatter: Any) -> None:
        formatter.write(text_of(verb, everything=False))

    return type("VerbCommand", (base,), {"format_help": format_help})
