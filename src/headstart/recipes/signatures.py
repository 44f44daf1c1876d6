"""The signatures of the Python door from the fields of recipes: the stub that editors complete from.

`python -m headstart.recipes.signatures` writes it anew.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from headstart.config import components
from headstart.recipes.flags import MANY, Flag, first_sentence, flags, sections
from headstart.recipes.values import is_many, is_time, parts_of
from headstart.recipes.verbs import VERBS

STUB = Path(__file__).resolve().parents[1] / "__init__.pyi"
"""Where the stub stands."""
WIDEST = 116
HEAD = '''"""headstart: transfer learning with language models, measured.

Made of the fields of recipes by `python -m headstart.recipes.signatures`; change those.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from headstart.api import TableLike
from headstart.api import resume as resume
from headstart.api import run as run
from headstart.artifact import Artifact as Artifact
from headstart.loading import load as load
from headstart.config import Component
from headstart.data.cache import clear_cache as clear_cache
from headstart.errors import HeadstartError as HeadstartError
from headstart.estimators import DialogueModel as DialogueModel
from headstart.estimators import MultiLabelClassifier as MultiLabelClassifier
from headstart.estimators import QuestionAnswerer as QuestionAnswerer
from headstart.estimators import ReplySelector as ReplySelector
from headstart.estimators import Retriever as Retriever
from headstart.estimators import SimilarityRegressor as SimilarityRegressor
from headstart.estimators import TextClassifier as TextClassifier
from headstart.estimators import TextGenerator as TextGenerator
from headstart.estimators import TextPairClassifier as TextPairClassifier
from headstart.estimators import TextRegressor as TextRegressor
from headstart.estimators import TokenClassifier as TokenClassifier
from headstart.estimators import Translator as Translator
from headstart.indexes.index import Index as Index
from headstart.multi_task import MultiTaskModel as MultiTaskModel
from headstart.runs.chatting import Conversation as Conversation
from headstart.runtime.progress import Progress

__version__: str

Keys = Mapping[str, Any] | Component
"""A component as a mapping of its keys, with its `name`, or as an instance."""
'''


class Door(NamedTuple):
    """A function of the Python door."""

    name: str
    verb: str
    first: str
    """Parameters in front of the options."""
    gives: str
    says: str
    without: frozenset[str] = frozenset()
    """Options that it does not take."""


DATA = "data: TableLike"
"""Labelled rows: a file, or columns in memory."""
RAW = "texts: str | Path | Sequence[str | Path]"
"""Raw text."""
TEXTS = "data: TableLike | Sequence[str]"
"""Texts without labels: a file, columns in memory, or a list."""
MODEL = "model: str | Path"
"""Folder of a run."""
RESULT = "dict[str, Any]"
"""What `--json` prints."""
DRY = frozenset({"dry_run"})
"""What `plan` does in place of the option."""
DOORS = (
    Door("fit", "fit", DATA, "Artifact", "Transfer a pretrained model to labelled data; controls run beside it.", DRY),
    Door(
        "fit_tasks",
        "fit",
        "tasks: str | Path | Mapping[str, Mapping[str, Any]]",
        "MultiTaskModel",
        "Several tasks learnt together by one network, each scored beside a run of its own; options as for `fit`.",
        DRY,
    ),
    Door(
        "extract",
        "extract",
        MODEL + ", task: str",
        "Artifact",
        "One task of a run that learnt several, as a model of its own.",
        frozenset({"task"}),
    ),
    Door(
        "compare", "compare", DATA, "Artifact", "Run strategies and controls side by side; options as for `fit`.", DRY
    ),
    Door(
        "tune", "tune", DATA, "Artifact", "The settings of one strategy searched by trials; options as for `fit`.", DRY
    ),
    Door(
        "plan",
        "fit",
        DATA,
        RESULT,
        "What `fit` would run on this data, and for about how long; options as for `fit`.",
        DRY,
    ),
    Door(
        "distill",
        "distill",
        "teacher: str | Path | Sequence[str | Path], texts: TableLike | Sequence[str]",
        "Artifact",
        "What a model knows, taught to a smaller one by texts without labels.",
        DRY | {"texts"},
    ),
    Door(
        "distill_vectors",
        "distill-vectors",
        "source: str | Path, target: str | Path | None = ...",
        RESULT,
        "Teach a sentence encoder another language by line-aligned texts.",
    ),
    Door(
        "curve", "curve", DATA, RESULT, "How good strategies are with so many labels, and what more labels would bring."
    ),
    Door("pretrain", "pretrain", RAW, RESULT, "A language model from raw text, made by configuration."),
    Door("adapt", "adapt", RAW, RESULT, "Let a pretrained network go on learning on raw text of a domain."),
    Door(
        "predict",
        "predict",
        "model: str | Path | None = ..., texts: Sequence[str] = ()",
        RESULT,
        "Predict for texts, or for a file (`input=`).",
    ),
    Door(
        "evaluate",
        "evaluate",
        MODEL + ", test: str | Path",
        RESULT,
        "Score a model on labelled rows, by group with `by=`.",
    ),
    Door(
        "audit",
        "audit",
        MODEL + ", test: str | Path",
        RESULT,
        "Whom a trained model treats worse, and what breaks it: groups, swapped terms, typos, contrast sets.",
        frozenset({"test"}),
    ),
    Door(
        "export",
        "export",
        MODEL,
        RESULT,
        "Keep a model that writes for a faster runtime, once it writes the same there.",
    ),
    Door(
        "index",
        "index",
        "sources: str | Path | Sequence[str | Path]",
        RESULT,
        "Documents to a folder that can be searched by words and vectors.",
    ),
    Door(
        "search",
        "search",
        "index: str | Path, query: str | Sequence[str] = ()",
        RESULT,
        "The best passages of an index for queries, or for a file of them (`input=`).",
    ),
    Door(
        "ask",
        "ask",
        "index: str | Path, query: str | Sequence[str] = ()",
        RESULT,
        "Answers from the passages of an index to questions, or to those of a file (`input=`).",
    ),
    Door(
        "chat", "chat", MODEL + ", messages: str | Sequence[str]", RESULT, "A conversation with a model of dialogues."
    ),
    Door(
        "import_model",
        "import",
        "file: str | Path",
        RESULT,
        "A network in a GGUF file to a folder in the hub's format.",
    ),
    Door(
        "trim",
        "trim",
        "backbone: str | Path, texts: str | Path | Sequence[str | Path]",
        RESULT,
        "A network with the pieces of its vocabulary that some texts need.",
        frozenset({"texts"}),
    ),
    Door(
        "rank", "rank", DATA, RESULT, "Which backbone suits labelled rows, and which of its layers, without training."
    ),
    Door("check", "check", DATA, RESULT, "What is wrong with labelled data, and which labels are likely wrong."),
    Door("duplicates", "duplicates", TEXTS, RESULT, "Which rows say the same, in groups."),
    Door("cluster", "cluster", TEXTS, RESULT, "What a pile of texts is about: clusters with examples and words."),
    Door("suggest", "suggest", TEXTS, RESULT, "Which rows a person should label next."),
)


def stub() -> str:
    """The text of the stub."""
    names = "".join(_alias(field) for field in ("task", MANY, "objective"))
    return f"{HEAD}{names}{''.join(_function(door) for door in DOORS)}"


def _alias(field: str) -> str:
    verb = "pretrain" if field == "objective" else "fit"
    words = "".join(f'    "{name}",\n' for name in components(VERBS.get(verb).model_fields[field]))
    return f'{_class_of(field)} = Literal[\n{words}]\n"""Names that may stand for it; other packages may add some."""\n'


def _class_of(field: str) -> str:
    return {"task": "TaskName", MANY: "StrategyName", "objective": "ObjectiveName"}[field]


def _function(door: Door) -> str:
    """A function with a parameter and a line of its docstring for each option."""
    cls, known = VERBS.get(door.verb), flags(door.verb)
    inner = sections(cls)
    skipped = {*cls.positional, *door.without, *({"data"} & {*inner})}
    parameters, lines = ["    progress: Progress = ...,"], ["        progress: Told what happens; silent by default."]
    options: dict[str, tuple[str, str]] = {}
    if MANY in cls.model_fields and door.verb != "compare":
        options["strategy"] = (
            " | ".join(_types(known[MANY], one=True)),
            "One way of transferring; by default several are tried.",
        )
    for name, flag in known.items():
        if "." not in name and name not in skipped:
            owned = [known[f"{owner}.{name}"] for owner in flag.owners] if not flag.listed else [flag]
            kinds = [kind for each in owned for kind in _types(each)] + ["Keys"] * (name in inner)
            options[name] = (" | ".join(dict.fromkeys(kinds)), _about(name, flag))
    for field in inner:
        if field not in skipped and field not in options:
            text = first_sentence(cls.model_fields[field].description)
            options[field] = ("Keys", f"{text}, as a mapping of its keys.")
    for name, (kind, text) in options.items():
        parameters.append(f"    {name}: {kind} | None = ...,")
        lines += textwrap.wrap(f"{name}: {text}", WIDEST, initial_indent=" " * 8, subsequent_indent=" " * 12)
    about = f"Options are those of `headstart {door.verb} --help-all`; `headstart explain NAME` tells all of one."
    first = ",\n    ".join(door.first.split(", ")) if "Sequence[str | Path]" not in door.first else door.first
    head = "\n".join([f"def {door.name}(", f"    {first},", "    *,", *parameters, f") -> {door.gives}:"])
    told = ["", f"    {about}", "", "    Args:", *lines, '    """'] if "as for `fit`" not in door.says else ['    """']
    body = "\n".join([f'    """{door.says}', *told])
    return f"\n{head}\n{body}\n"


def _about(name: str, flag: Flag) -> str:
    text = first_sentence(flag.help)
    owners = f" (of {', '.join(flag.owners)})" if flag.owners and flag.path[0] == MANY else ""
    return f"{text or name}{owners}."


def _types(flag: Flag, *, one: bool = False) -> list[str]:
    """What a parameter may be, without None."""
    info = flag.info
    if components(info):
        aliases = {"task": "TaskName", MANY: "StrategyName", "then": "StrategyName", "objective": "ObjectiveName"}
        words = [alias] if (alias := aliases.get(flag.path[-1])) else []
        single = [*words, "str", "Keys"]
        return single if one or not is_many(info) else ["str", f"Sequence[{' | '.join(single)}]"]
    kinds = [kind for part in parts_of(info.annotation) for kind in _kinds(part)]
    return [*kinds, *(["str"] if is_time(info) else [])]


def _kinds(part: Any) -> list[str]:
    origin, inside = get_origin(part), get_args(part)
    if origin is Literal:
        return [f"Literal[{', '.join(repr(word) for word in inside)}]".replace("'", '"')]
    if origin in (tuple, list):
        items = [kind for inner in parts_of(inside[0]) for kind in _kinds(inner)]
        return ["str", "Sequence[str | Keys]"] if items == ["Keys"] else [f"Sequence[{items[0]}]", *items]
    if origin is dict:
        values = [kind for inner in parts_of(inside[1]) for kind in _kinds(inner)]
        return [f"Mapping[str, {values[0]}]", *(["str"] if values == ["str"] else [])]
    return [part.__name__ if part in (int, float, str, bool) else "Keys"]


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
