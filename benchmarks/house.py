"""The house in numbers: rooms, arrows, floors, circles, the climbs on the way of a recipe, lines of code.

    python benchmarks/house.py [--src SRC] [--run MODULE:FUNCTION] [--no-climbs]

- A room is a top-level module or package of headstart; an arrow is a pair of rooms of which one imports the other, anywhere:
  at the top, inside functions or under `TYPE_CHECKING`. A room's floor is the number of rooms on the longest chain of arrows
  down from it, itself included; rooms in one circle share a floor. Names that registries look up are not imports.
- A circle is a set of rooms that import each other, or of modules of one room that do; once with the imports that are carried
  out when a module is loaded, once with all.
- Climbs: `fit` with TF-IDF, feature extraction and fine-tuning on 60 rows and a tiny random BERT, from the call of the function
  that runs a recipe until it returns. Each function of headstart counts when the main thread enters it for the first time, its
  room being that of its file; modules are all imported before. Of the rooms so entered, those on the floor of `strategies` and
  above are kept and repeats collapsed: from one to the next is a move, and a move to a higher floor is a climb.
- Lines hold code: no blank lines, no comments, no strings that stand alone (docstrings).

JSON goes to standard output, a table to standard error. `SRC` is by default the `src` folder beside this one.
"""

import argparse
import ast
import importlib
import inspect
import io
import json
import os
import pkgutil
import sys
import tempfile
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "HEADSTART_CACHE_GB": "0", "OMP_NUM_THREADS": "1"}
os.environ["TOKENIZERS_PARALLELISM"] = "false"

SRC = Path(__file__).resolve().parents[1] / "src"
PACKAGE = "headstart"
RUNS = ("headstart.verbs:run", "headstart.runs.run:run", "headstart.runs.verbs:run", "headstart.runs:run")
"""Where the function that runs a recipe has been."""
FROM = "strategies"
STRATEGIES = ("tf-idf", "feature-extraction", "fine-tuning")
WORDS = "good bad very the a is it and you to on at way day night shop opens nine start end parcel now all of its"
SHOWN = 10
"""Largest files that are listed."""
EMPTY = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}

Arrows = dict[str, set[str]]


def modules(package: Path) -> dict[str, Path]:
    """Dotted name to file of every module."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = [PACKAGE, *path.relative_to(package).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    """The room of a module; empty for the package itself, which is none."""
    return module.split(".")[1] if "." in module else ""


def imports(tree: ast.AST, *, late: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import below a node, and whether loading the module leaves it out: in a function, or for types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, late
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports(ast.Module(node.body, []), late=True)
            yield from imports(ast.Module(node.orelse, []), late=late)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(node, late=late or inside)


def targets(node: ast.Import | ast.ImportFrom, module: str, path: Path, known: Iterable[str]) -> Iterator[str]:
    """The modules of headstart that an import names; what is no module is taken from the one that it stands in."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        base = node.module or ""
        if node.level:
            own = module.split(".")
            ups = own[: len(own) - node.level + (path.name == "__init__.py")]
            base = ".".join([*ups, *([base] if base else [])])
        names = [f"{base}.{alias.name}" for alias in node.names]
        names = [name if name in known else base for name in names]
    yield from (name for name in names if name in known)


def drawn(files: Mapping[str, Path]) -> tuple[Arrows, Arrows]:
    """What each module imports: when it is loaded, and in all."""
    loaded: Arrows = {module: set() for module in files}
    whole: Arrows = {module: set() for module in files}
    for module, path in files.items():
        for node, late in imports(ast.parse(path.read_text(encoding="utf-8"))):
            for name in targets(node, module, path, files):
                whole[module].add(name)
                if not late:
                    loaded[module].add(name)
    return loaded, whole


def of_rooms(arrows: Arrows) -> Arrows:
    """The same between rooms."""
    found: Arrows = {room_of(module): set() for module in arrows if room_of(module)}
    for module, names in arrows.items():
        if room_of(module):
            found[room_of(module)] |= {room_of(name) for name in names} - {room_of(module), ""}
    return found


def reached(arrows: Arrows, start: str) -> set[str]:
    """All that lies behind a node's arrows."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = arrows[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


def circles(arrows: Arrows) -> list[list[str]]:
    """Sets of more than one node that reach each other."""
    behind = {node: reached(arrows, node) for node in arrows}
    found = {frozenset(other for other in behind[node] if node in behind[other]) for node in arrows}
    return sorted(sorted(circle) for circle in found if len(circle) > 1)


def circles_inside(arrows: Arrows) -> list[list[str]]:
    """Circles of modules of one room."""
    within: Arrows = {
        module: {name for name in names if name != module and room_of(name) == room_of(module)}
        for module, names in arrows.items()
        if room_of(module)
    }
    return circles(within)


def floors(arrows: Arrows) -> dict[str, int]:
    """Each room's floor, from 1 for rooms that import none."""
    whole = {room: frozenset(circle) for circle in circles(arrows) for room in circle}
    groups = {room: whole.get(room, frozenset([room])) for room in arrows}
    known: dict[frozenset[str], int] = {}

    def floor(group: frozenset[str]) -> int:
        if group not in known:
            below = {groups[name] for room in group for name in arrows[room]} - {group}
            known[group] = 1 + max((floor(each) for each in below), default=0)
        return known[group]

    return {room: floor(group) for room, group in groups.items()}


def lines(path: Path) -> int:
    """Lines with code."""
    text = path.read_text(encoding="utf-8")
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in EMPTY:
            held |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Expr) or node.end_lineno is None or not isinstance(node.value, ast.Constant):
            continue
        if isinstance(node.value.value, str):
            held -= set(range(node.lineno, node.end_lineno + 1))
    blank = {at for at, line in enumerate(text.split("\n"), 1) if not line.strip()}
    return len(held - blank)


def tiny_backbone(folder: Path) -> Path:
    """A random BERT of two layers with a tokenizer of some words and the letters."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel
    from transformers.utils import logging

    logging.disable_progress_bar()

    letters = "abcdefghijklmnopqrstuvwxyz"
    special = {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
    entries = [*special.values(), *WORDS.split(), *letters, *("##" + letter for letter in letters)]
    vocabulary = {word: at for at, word in enumerate(dict.fromkeys(entries))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    ends = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 48, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def tiny_table(path: Path) -> Path:
    """Sixty rows, two labels told apart by a word."""
    rows, words = ["text,label"], WORDS.split()
    for at in range(60):
        word, label = (("good", "up"), ("bad", "down"))[at % 2]
        rows.append(" ".join(["it is", word, *(words[at * step % len(words)] for step in (3, 5, 7))]) + f",{label}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def code_of(place: str | None) -> tuple[str, CodeType]:
    """The function that runs a recipe: the one named, or the first that is there."""
    for name in [place] if place else RUNS:
        module, _, function = name.partition(":")
        try:
            return name, inspect.unwrap(getattr(importlib.import_module(module), function)).__code__
        except (ImportError, AttributeError):
            continue
    sys.exit(f"no function runs a recipe at {place or ', '.join(RUNS)}; name it with --run MODULE:FUNCTION")


def entered(package: Path, place: str | None) -> tuple[str, list[tuple[str, str]]]:
    """The function that runs a recipe, and room and name of each function in the order of the first calls."""
    import headstart

    if Path(headstart.__file__).parent != package:
        sys.exit(f"headstart comes from {headstart.__file__}, not from {package}")
    for module in pkgutil.walk_packages(headstart.__path__, f"{PACKAGE}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    place, start = code_of(place)
    root = f"{package}{os.sep}"
    seen: set[CodeType] = set()
    found: list[tuple[str, str]] = []
    opened: list[FrameType] = []

    def traced(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "return" and opened and frame is opened[0]:
            opened.append(frame)  # over: what comes after the return is not on the way
        if event != "call" or code in seen or not code.co_filename.startswith(root) or len(opened) > 1:
            return
        if not opened:
            if code is not start:
                return
            opened.append(frame)
        seen.add(code)
        named = not code.co_name.startswith("<") or code.co_name == "<lambda>"
        if code.co_flags & inspect.CO_OPTIMIZED and named:  # neither the body of a module or class nor a comprehension
            first = Path(code.co_filename).relative_to(package).parts[0].removesuffix(".py")
            if first != "__init__":
                found.append((first, f"{Path(code.co_filename).relative_to(package)}:{code.co_qualname}"))

    with tempfile.TemporaryDirectory() as folder:
        backbone, data = tiny_backbone(Path(folder) / "tiny"), tiny_table(Path(folder) / "tiny.csv")
        sys.setprofile(traced)
        try:
            headstart.fit(
                str(data), strategies=STRATEGIES, controls=False, backbone=str(backbone), epochs=1, seed=0, threads=1,
                precision="float32", device="cpu", output=f"{folder}/run",
            )  # fmt: skip
        finally:
            sys.setprofile(None)
    if not found:
        sys.exit(f"{place} was not called")
    return place, found


def climbed(order: Iterable[str], floor: Mapping[str, int]) -> dict[str, Any]:
    """Rooms, moves and climbs of the way, from the floor of strategies up."""
    way: list[str] = []
    for room in order:
        if floor[room] >= floor[FROM] and way[-1:] != [room]:
            way.append(room)
    steps = list(pairwise(way))
    climbs = [step for step in steps if floor[step[1]] > floor[step[0]]]
    return {
        "rooms": len(set(way)),
        "moves": len(steps),
        "climbs": len(climbs),
        "way": way,
        "most": [[*pair, count] for pair, count in Counter(climbs).most_common(SHOWN)],
    }


def house(package: Path, place: str | None, *, climbs: bool) -> dict[str, Any]:
    """All numbers."""
    files = modules(package)
    loaded, whole = drawn(files)
    rooms, at_loading = of_rooms(whole), of_rooms(loaded)
    floor = floors(rooms)
    counts = {str(path.relative_to(package)): lines(path) for path in files.values()}
    by_size = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    found: dict[str, Any] = {
        "rooms": len(rooms),
        "arrows": sum(map(len, rooms.values())),
        "floors": max(floor.values()),
        "circles": {
            "rooms, when loaded": circles(at_loading),
            "rooms, all imports": circles(rooms),
            "modules of a room, when loaded": circles_inside(loaded),
            "modules of a room, all imports": circles_inside(whole),
        },
    }
    if climbs:
        run, order = entered(package, place)
        found["climbs"] = {"run": run, **climbed([room for room, _ in order], floor)}
    found["lines"] = {"code": sum(counts.values()), "files": len(counts), "largest": dict(by_size[:SHOWN])}
    found["floor_of"] = dict(sorted(floor.items(), key=lambda each: (-each[1], each[0])))
    found["imports"] = {room: sorted(names) for room, names in sorted(rooms.items())}
    return found


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """The numbers in short."""
    for key in ("rooms", "arrows", "floors"):
        yield f"{key:36} {found[key]:>7,}"
    for key, each in found["circles"].items():
        yield f"{'circles of ' + key:36} {len(each):>7,}  {'; '.join(', '.join(circle) for circle in each)}"
    if "climbs" in found:
        for key in ("rooms", "moves", "climbs"):
            yield f"{'on the way of a recipe: ' + key:36} {found['climbs'][key]:>7,}"
    yield f"{'lines of code':36} {found['lines']['code']:>7,}"
    yield f"{'files':36} {found['lines']['files']:>7,}"
    for name, count in found["lines"]["largest"].items():
        yield f"  {name:34} {count:>7,}"


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--src", type=Path, default=SRC, help="folder that holds the package")
    parser.add_argument("--run", metavar="MODULE:FUNCTION", help="what runs a recipe; found if not given")
    parser.add_argument("--no-climbs", action="store_true", help="read the files alone, run nothing")
    options = parser.parse_args()
    package = options.src.resolve() / PACKAGE
    if not package.is_dir():
        sys.exit(f"there is no {package}")
    sys.path.insert(0, str(package.parent))
    found = house(package, options.run, climbs=not options.no_climbs)
    print(json.dumps(found, indent=1))
    print("\n".join(table(found)), file=sys.stderr)


if __name__ == "__main__":
    main()
