"""Folders with one thing changed at random: a byte, a key, a file. The same number changes the same thing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from tests.attacks.artifacts import MANIFEST
from tests.attacks.honest import PICKLED, SPECIAL, changed, deep, special

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 7, 0.5, 1e-9, 1e308, -1e308, float("nan"), float("inf"), 2**31, 2**63, 10**30, "", "x",
    "0", "up", "../x", "/etc/hostname", "/dev/zero", "a\0b", "\ud800", "\x1b]0;title\x07", "\u202e", "x" * 5000, [], {}, [[]],
    [None], ["x"], [0, 1], {"x": 1}, {"": {}}, json.loads(deep(300)), "model.safetensors", "float16", "bert", "classification",
)  # fmt: skip
"""What stands in the place of something else."""
KEYS = (
    "",
    "name",
    "auto_map",
    "transformers_weights",
    "quantization_config",
    "__class__",
    "\x1b[31m",
    "x" * 3000,
    "files",
    "labels",
)
EXTRA = ("pytorch_model.bin", "adapter_config.json", "model.safetensors.index.json", "merges.txt", "modeling_own.py",
         "config.json", "tokenizer.json", "model.safetensors", "chat_template.jinja")  # fmt: skip
"""Files that transformers or others would look for."""

Place = tuple[Any, Any]
"""A list or mapping, and a key in it."""


def mutate(folder: Path, random: Random) -> tuple[str, bool]:
    """Change one thing in a folder; returns what, and whether a manifest was forged: its own digest taken away before."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    data = [path for path in files if path.suffix in (".json", ".yaml", ".safetensors")]
    path = random.choice(data + 3 * [path for path in data if path.name == MANIFEST])
    way = random.choice([in_bytes, in_bytes, in_json, in_json, in_json, in_files])
    if way is in_json and path.suffix != ".json":
        path = random.choice([each for each in data if each.suffix == ".json"])
    forged = path.name == MANIFEST and way is in_json and random.random() < 0.6
    if forged:
        changed(path, lambda values: (values.pop("sha256", None), None)[1])
    return f"{'forged ' * forged}{path.relative_to(folder)}: {way(path, random)}", forged


def in_bytes(path: Path, random: Random) -> str:
    """Change bytes of a file; returns how."""
    content = bytearray(path.read_bytes())
    at, some = random.randrange(len(content) or 1), random.randrange(1, 40)
    way = random.choice(["bit", "byte", "cut", "take out", "twice", "noise", "zeros", "longer", "swap"])
    if way == "bit" and content:
        content[at] ^= 1 << random.randrange(8)
    elif way == "byte" and content:
        content[at] = random.choice([0, 0x0A, 0x22, 0x5B, 0x7B, 0x7D, 0x80, 0xFF, random.randrange(256)])
    elif way == "cut":
        del content[at:]
    elif way == "take out":
        del content[at : at + some]
    elif way == "twice":
        content[at:at] = content[at : at + some]
    elif way == "noise":
        content[at : at + some] = random.randbytes(some)
    elif way == "zeros":
        content[at : at + some] = bytes(some)
    elif way == "longer":
        content += random.choice([b" ", b"\n", b"}", b"\0" * 8, random.randbytes(some)])
    else:
        other = random.randrange(len(content) or 1)
        content[at : at + 4], content[other : other + 4] = content[other : other + 4], content[at : at + 4]
    path.write_bytes(content)
    return f"{way} at {at}"


def in_json(path: Path, random: Random) -> str:
    """Change a key or value of a JSON file; returns how."""
    values = json.loads(path.read_text(encoding="utf-8"))
    found = edited(values, random)
    text = json.dumps(values)
    if random.random() < 0.1 and '"' in text:  # the first key once more, with another value
        name = text[text.index('"') :].split(":")[0]
        text, found = text.replace("{", "{" + f"{name}: {json.dumps(random.choice(VALUES[:20]))}, ", 1), f"{name} twice"
    path.write_text(text, encoding="utf-8")
    return found


def places(value: Any) -> Iterator[Place]:
    """Every key of a tree, with what holds it."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def edited(values: Any, random: Random, fresh: Callable[[], Any] | None = None) -> str:
    """Change one place in a tree of plain data; returns how.

    Args:
        values: the tree, a list or mapping.
        random: draws the place and the way.
        fresh: gives new values; those of `VALUES` if None.
    """
    everywhere = list(places(values))
    if not everywhere:
        return "nothing to change"
    holder, key = random.choice(everywhere)
    way = random.choice(["value", "value", "value", "remove", "rename", "add", "swap", "again"])
    new = random.choice(VALUES) if fresh is None else fresh()
    if way == "value":
        holder[key] = new
    elif way == "remove":
        del holder[key]
    elif way == "rename" and isinstance(holder, dict):
        holder[random.choice(KEYS)] = holder.pop(key)
    elif way == "add" and isinstance(holder, dict):
        holder[random.choice(KEYS)] = new
    elif way == "again" and isinstance(holder, list):
        holder.append(holder[key])
    else:
        other, place = random.choice(everywhere)
        if isinstance(holder[key], list | dict) or isinstance(other[place], list | dict):
            holder[key], way = new, "value"  # a tree must not come to hold itself
        else:
            holder[key], other[place] = other[place], holder[key]
    return f"{way} {str(key)[:60]!r} {str(new)[:60]!r}"


def in_files(path: Path, random: Random) -> str:
    """Change what lies in the place of a file, or beside it; returns how."""
    way = random.choice(["remove", "empty", "special", "special", "extra", "other", "pickle", "deep"])
    if way == "remove":
        path.unlink()
    elif way == "empty":
        path.write_bytes(b"")
    elif way == "special":
        way = random.choice(SPECIAL)
        special(path.parent, path.name, way)
    elif way == "extra":
        name = random.choice(EXTRA)
        if not (path.parent / name).exists():
            (path.parent / name).write_bytes(random.choice([PICKLED, b"{}", b"raise SystemExit(9)", b"[" * 5000]))
        way = f"beside it {name}"
    elif way == "other":
        other = random.choice(sorted(each for each in path.parent.iterdir() if each.is_file()))
        content, way = other.read_bytes(), f"content of {other.name}"
        path.write_bytes(content)
    elif way == "pickle":
        path.write_bytes(PICKLED)
    else:
        path.write_text(deep(random.choice([300, 5000, 100_000])), encoding="utf-8")
    return way


RECIPE = """verb: fit
data: {train: d.csv, test: t.csv}
task: {name: text-classification, text: text, label: label}
strategies: [tf-idf, {name: fine-tuning, epochs: 2}, {name: feature-extraction, pooling: mean}]
backbone: mini
training: {batch_size: 16, learning_rate: 0.0001}
seed: 3
budget: 3m
output: runs/x
"""
SPELLINGS = ("yes", "1:30", "0o17", "2020-01-01", ".nan", "-.inf", "~", "!!python/name:os.system", "&a [*a]", "*a", "[" * 2000, "{", "- x",
             "9" * 5000, '"\\0"', '"\\ud800"', "|", ">", "? x", "<<: {seed: 1}", "x" * 5000, "%", "@", "`", "!own", "\t", "1e999",
             "seed: 1")  # fmt: skip


def recipe(random: Random) -> tuple[bytes, str]:
    """A recipe with one thing changed, and what."""
    if random.random() < 0.3:
        content = bytearray(RECIPE.encode())
        at = random.randrange(len(content))
        content[at : at + random.randrange(3)] = random.randbytes(random.randrange(1, 4))
        return bytes(content), f"bytes at {at}"
    lines = RECIPE.split("\n")
    at, spelling = random.randrange(len(lines) - 1), random.choice(SPELLINGS)
    key, colon, value = lines[at].partition(": ")
    way = random.choice(["value", "key", "twice", "line", "inside", "remove", "indent"])
    if way == "value":
        lines[at] = f"{key}: {spelling}"
    elif way == "key":
        lines[at] = f"{spelling}: {value}"
    elif way == "twice":
        lines.insert(random.randrange(len(lines)), lines[at])
    elif way == "line":
        lines.insert(at, spelling)
    elif way == "inside":
        words = value.split(" ")
        words[random.randrange(len(words))] = spelling
        lines[at] = f"{key}{colon}{' '.join(words)}"
    elif way == "remove":
        del lines[at]
    else:
        lines[at] = " " * random.randrange(1, 5) + lines[at]
    return "\n".join(lines).encode("utf-8", "surrogatepass"), f"{way} {at} {spelling[:30]!r}"


def content_of(folder: Path) -> dict[str, bytes]:
    """Every plain file of a folder, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if not path.is_symlink() and path.is_file() and os.stat(path).st_size < 1 << 30
    }
