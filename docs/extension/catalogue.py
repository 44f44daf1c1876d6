"""A page for every verb, task and strategy, written from registries, docstrings and fields whenever the site is built.

`pages` gives them all as Markdown; Sphinx calls `setup`. A new line in a registry is a new page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

import docstrings
import fields
import headstart
import python_door
from headstart import estimators
from headstart.cli.help import REST, SECTIONS, options_of, spelled
from headstart.config import Component
from headstart.recipes.flags import HIDDEN, flags, sections
from headstart.recipes.verbs import VERBS
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Strategy, refusal
from headstart.tasks import TASKS

FOLDER = "catalogue"
"""Where the pages go, below the folder of the documentation."""
COMMANDS = {
    "run": ["headstart run examples/recipe.yaml"],
    "explain": ["headstart explain layers"],
    "schema": ["headstart schema"],
    "list": ["headstart list strategies"],
    "show": ["headstart show model mini", "headstart show recipe examples/recipe.yaml --resolved"],
    "cache": ["headstart cache show"],
    "doctor": ["headstart doctor"],
}
"""Examples of commands that have no recipe of their own."""


def pages() -> dict[str, str]:
    """All pages as Markdown, by their path below `FOLDER`."""
    found = {f"verbs/{name}.md": verb_page(name) for name in VERBS.names()}
    found |= {f"verbs/{name}.md": command_page(name) for name in commands() if name not in VERBS.names()}
    found |= {f"tasks/{name}.md": task_page(name) for name in TASKS.names()}
    found |= {f"strategies/{name}.md": strategy_page(name) for name in STRATEGIES.names()}
    texts = {
        "verbs": "What `headstart` can be told to do.",
        "tasks": "What can be learned. It is guessed from the content of the file; `--task NAME` names another.",
        "strategies": "Ways to transfer, and the controls that they are compared with. `--strategy NAME` asks for one.",
    }
    summaries = {"verbs": _verb_line, "tasks": TASKS.summary, "strategies": STRATEGIES.summary}
    found |= {f"{kind}/overview.md": index(kind, text, found, summaries[kind]) for kind, text in texts.items()}
    found["recipes.md"] = recipes_page()
    found["python.md"] = python_door.page()
    return found


def index(folder: str, text: str, found: dict[str, str], summary: Callable[[str], str]) -> str:
    """A page that lists those of a folder."""
    names = [Path(path).stem for path in found if path.startswith(f"{folder}/")]
    rows = [f"| [{name}]({name}.md) | {summary(name)} |" for name in names]
    table = "\n".join(["| name | |", "| --- | --- |", *rows])
    tree = "\n".join(["```{toctree}", ":hidden:", "", *names, "```"])
    return f"# {folder.capitalize()}\n\n{text}\n\n{table}\n\n{tree}\n"


def examples() -> Iterator[tuple[str, list[str]]]:
    """The examples of all pages: `KIND NAME`, and its lines as they are typed."""
    for name in commands():
        yield (
            f"verb {name}",
            docstrings.read(VERBS.get(name)).examples if name in VERBS.names() else COMMANDS.get(name, []),
        )
    for kind, registry in (("task", TASKS), ("strategy", STRATEGIES)):
        for name in registry.names():
            yield f"{kind} {name}", docstrings.read(registry.get(name)).examples


def strategy_page(name: str) -> str:
    """What a strategy does, whom it serves, when runs take it up, and its keys."""
    cls: type[Strategy] = STRATEGIES.get(name)
    doc = docstrings.read(cls)
    whys = {each: refusal(cls(), TASKS.get(each)()) for each in TASKS.names()}
    kind = "A control: transfer is measured against it." if cls.role == "control" else "A way to transfer."
    parts = [
        f"# {name}", STRATEGIES.summary(name), f"{kind} {_taken_up(cls)}", _prose(doc), _example(doc.examples),
        f"## Tasks\n\n{_served(whys)}", f"## Settings\n\n{_settings('strategies', name, cls)}",
    ]  # fmt: skip
    return _page(parts)


def _taken_up(cls: type[Strategy]) -> str:
    """When runs that name no strategy run it."""
    if cls.auto is None:
        return f"It runs where it is named: `--strategy {cls.name}`."
    verbs = " and ".join(f"`headstart {verb}`" for verb in sorted(cls.auto.verbs))
    if cls.role == "control":
        also = f" {verbs} runs it beside the strategies by default." if verbs else ""
        return f"It runs beside strategies of the tasks that it is the control of; `--no-controls` leaves it out.{also}"
    return f"Where no strategy is named, it is tried by {verbs} if it may pay."


def _served(whys: dict[str, str]) -> str:
    """Which names go together, then why the others do not."""
    served = ", ".join(f"`{name}`" for name, why in whys.items() if not why)
    refused = [f"- `{name}` does not: {why}." for name, why in whys.items() if why]
    return "\n".join([f"{served}.", "", *refused]).strip()


def task_page(name: str) -> str:
    """What a task reads and predicts, how it is scored, who serves it, and its keys."""
    cls = TASKS.get(name)
    doc = docstrings.read(cls)
    metrics = [
        f"| `{each.name}` | {each.title} | {'lower' if each.lower_is_better else 'higher'} |"
        for each in cls.all_metrics()
    ]
    scores = "\n".join(["| metric | name | better is |", "| --- | --- | --- |", *metrics])
    whys = {each: refusal(STRATEGIES.get(each)(), cls()) for each in STRATEGIES.names()}
    keys = ", ".join(f"`{key}`" for key in cls.nothing)
    parts = [
        f"# {name}", TASKS.summary(name), _prose(doc), _example(doc.examples),
        f"## Predictions\n\nEach has the keys {keys}.{_estimator(name)}",
        f"## Scores\n\nChoices are made by the first that fits; `--metric` names another.\n\n{scores}",
        f"## Strategies\n\n{_served(whys)}", f"## Settings\n\n{_settings('task', name, cls)}",
    ]  # fmt: skip
    return _page(parts)


def _estimator(task: str) -> str:
    found = [name for name in estimators.__all__ if getattr(estimators, name)._task == task]
    return f" In scikit-learn the task is `headstart.{found[0]}`." if found else ""


def _settings(field: str, name: str, cls: type[Component]) -> str:
    """Keys of a component with the flags that reach them."""
    verb = next((verb for verb in VERBS.names() if field in VERBS.get(verb).model_fields), "fit")
    known = flags(verb)
    rows = []
    for key, info in cls.model_fields.items():
        short = known.get(key)
        mine = known.get(f"{name}.{key}")
        if mine is None:
            continue
        owned = short is not None and short.listed and name in short.owners
        rows.append((spelled(key if owned else f"{name}.{key}", mine).partition(" ")[0], info, info.description or ""))
    return fields.table(rows) if rows else "It has none."


def verb_page(name: str) -> str:
    """What a verb does, how it is called from shell and Python, and all its flags by section."""
    cls = VERBS.get(name)
    doc = docstrings.read(cls)
    words = " ".join(key.upper() for key in cls.positional)
    parts = [f"# {name}", doc.summary, f"```text\nheadstart {name} {words} [OPTIONS]\n```", _prose(doc, summary=False)]
    parts += [_example(doc.examples), _python_of(name), "## Flags"]
    parts.append(
        "Keyword arguments in Python have the same names with `_` for `-`, and so have the keys of [recipes](../recipes.md). "
        f"`headstart {name} --help` shows the most important ones, `headstart explain FLAG` all about one."
    )
    for title, rows in _by_section(name):
        if rows:
            parts.append(f"### {title}\n\n{fields.table(rows)}")
    return _page(parts)


def _python_of(verb: str) -> str:
    function = getattr(headstart, verb, None)
    return f"In Python: [`headstart.{verb}`](../python.md#{verb})." if function else ""


def _by_section(verb: str) -> list[tuple[str, list[tuple[str, FieldInfo | None, str]]]]:
    """Headings and options, in the order of `headstart VERB --help-all`."""
    known = flags(verb)
    words: list[tuple[str, FieldInfo | None, str]]
    words = [(key.upper(), known[key].info, known[key].help) for key in VERBS.get(verb).positional]
    found: dict[str, list[tuple[str, FieldInfo | None, str]]] = {"Words": words}
    found |= {heading: [] for heading in (*SECTIONS.values(), REST)}
    for option in options_of(verb):
        info = known[option.name].info if option.name in known else None
        owners = f" Of {', '.join(f'`{name}`' for name in option.owners)}." if option.owners else ""
        written = option.spelled.partition(" ")[0] if info is not None else option.spelled
        written = "-o, --output" if option.name == "output" else written
        found[option.section].append((written, info, option.help + owners))
    return list(found.items())


def commands() -> list[str]:
    """Names of all commands, in the order of `headstart --help`."""
    return list(_tree().commands)


def _tree() -> Any:
    import typer

    from headstart.cli.main import application

    return typer.main.get_command(application([]))


def _verb_line(name: str) -> str:
    return VERBS.summary(name) if name in VERBS.names() else _tree().commands[name].help or ""


def command_page(name: str) -> str:
    """What a command without a recipe does, with its words and options."""
    command = _tree().commands[name]
    parts = [f"# {name}", command.help or "", _example(COMMANDS.get(name, []))]
    for inner in getattr(command, "commands", {}).values():
        parts += [f"## {name} {inner.name}", inner.help or "", _parameters(inner)]
    if not hasattr(command, "commands"):
        parts.append(_parameters(command))
    return _page(parts)


def _parameters(command: Any) -> str:
    rows = []
    for each in command.params:
        if each.name != "help" and not getattr(each, "hidden", False):
            names = (
                ", ".join(f"`{flag}`" for flag in each.opts)
                if each.param_type_name == "option"
                else f"`{each.name.upper()}`"
            )
            rows.append(f"| {names} | {' '.join((getattr(each, 'help', '') or '').split())} |")
    return "\n".join(["| name | meaning |", "| --- | --- |", *rows]) if rows else ""


def recipes_page() -> str:
    """All keys of the recipe of each verb."""
    parts = [
        "# Recipe keys",
        "A recipe is a YAML file with the key `verb` and the keys of that verb. Keys of tasks, strategies and objectives "
        "stand on the pages of these, below `name`. `headstart run FILE` runs a recipe, and `--set KEY=VALUE` changes a key.",
    ]
    for verb in VERBS.names():
        cls = VERBS.get(verb)
        inner = sections(cls)
        own = [
            (key, info, info.description or "")
            for key, info in cls.model_fields.items()
            if key not in {*inner, *HIDDEN}
        ]
        parts.append(f"## {verb}\n\n{fields.table(own)}")
        for section, component in inner.items():
            keys = component.model_fields.items()
            rows = [
                (f"{section}.{key}", info, info.description or "")
                for key, info in keys
                if f"{section}.{key}" not in HIDDEN
            ]
            parts.append(fields.table(rows))
    return _page(parts)


def _prose(doc: docstrings.Doc, *, summary: bool = True) -> str:
    lines = [f"**{name}**: {text}" for name, text in doc.facts.items() if text != "`encode`."]
    return "\n\n".join(part for part in (doc.summary if summary else "", doc.body, *lines) if part)


def _example(lines: list[str]) -> str:
    text = "Run from the folder of the project, this uses the sample data in `examples/`."
    return "## Example\n\n" + text + "\n\n```sh\n" + "\n".join(lines) + "\n```" if lines else ""


def _page(parts: list[str]) -> str:
    """Parts of a page below each other; names of components in its prose become links."""
    blocks = [block.strip() for part in parts for block in part.strip().split("\n\n") if block.strip()]
    plain = ("#", "```", "|", "{")
    return "\n\n".join(each if each.startswith(plain) else _with_links(each, blocks[0]) for each in blocks) + "\n"


def _with_links(text: str, title: str) -> str:
    places = {name: f"../tasks/{name}.md" for name in TASKS.names()}
    places |= {name: f"../strategies/{name}.md" for name in STRATEGIES.names()}
    places |= {name: f"../verbs/{name}.md" for name in VERBS.names()}

    def linked(found: re.Match[str]) -> str:
        place = places.get(found[1]) if title != f"# {found[1]}" else None
        return f"[`{found[1]}`]({place})" if place else found[0]

    return re.sub(r"`([a-z-]+)`(?!\])", linked, text.replace("(docs/log.md)", "([log](../../log.md))"))


def write(folder: Path) -> None:
    """Write all pages below a folder, and remove those of components that are gone."""
    found = pages()
    for path in folder.rglob("*.md"):
        if str(path.relative_to(folder)) not in found:
            path.unlink()
    for name, text in found.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:  # what is as it was is not built again
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Have the pages written before Sphinx looks for files."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / FOLDER))
    return {"parallel_read_safe": True}
