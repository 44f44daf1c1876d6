"""Artifacts that lie: manifests that contradict themselves or name other files, and files that are not those of the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from tests.attacks.corpus import Corpus
from tests.attacks.honest import PICKLED, SPECIAL, as_text, changed, deep, special

LINEAR, NETWORK = Corpus(65), Corpus(65)
"""Attacks on an artifact with a linear model over terms, and on one with a network whose head lies apart."""
MANIFEST = "headstart.json"
MANY_KEYS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [{', '.join([f'*{chr(97 + at)}'] * 9)}]\n" for at in range(9)
)
"""YAML of a few hundred characters that stands for 9 ** 10 entries."""

Change = Callable[[dict[str, Any]], object]


def manifest(change: Change) -> Callable[[Path], None]:
    """The attack that changes the manifest, and takes away the digest that tells of it, as earlier versions had none."""
    return lambda folder: changed(
        folder / MANIFEST, lambda values: (values.pop("sha256", None), change(values), None)[2]
    )


def stated(**keys: Any) -> Callable[[Path], None]:
    """The attack that sets keys at the top of the manifest."""
    return manifest(lambda values: values.update(keys))


def in_task(change: Change) -> Callable[[Path], None]:
    """The attack that changes what the manifest says of the task."""
    return manifest(lambda values: change(answer(values)["task"]))


def answer(values: dict[str, Any]) -> dict[str, Any]:
    [found] = values["answers"].values()
    return found


def part(values: dict[str, Any]) -> dict[str, Any]:
    [found] = values["parts"].values()
    return found


def about(**keys: Any) -> Callable[[Path], None]:
    """The attack that changes the description of the part."""
    return manifest(lambda values: part(values)["description"].update(keys))


def decided(*decisions: Any) -> Callable[[Path], None]:
    """The attack that changes the decisions."""
    return manifest(lambda values: answer(values).update(decisions=list(decisions)))


def relabelled(*labels: str) -> Callable[[Path], None]:
    """The attack that gives the outputs other names, in both places."""
    return manifest(
        lambda values: (answer(values).update(labels=[*labels]), answer(values)["task"].update(labels=[*labels]))
    )


def beyond_floats(folder: Path) -> None:
    """A weight is a double that is finite, and is not in the precision that is computed with; the manifest knows of it."""
    name = "network/model.safetensors"
    weights = load_file(folder / name)
    key = "encoder.layer.0.output.dense.weight"
    weights[key] = weights[key].astype(np.float64)
    weights[key][0, 0] = 1e300
    save_file(weights, folder / name)
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    manifest(lambda values: part(values)["files"].update({name: digest}))(folder)


def twice(folder: Path) -> None:
    """A key stands twice, of which JSON takes the last."""
    text = (folder / MANIFEST).read_text(encoding="utf-8")
    (folder / MANIFEST).write_text(
        text.replace('"format": 2', '"format": 2, "format": 2', 1).replace('"labels"', '"labels": ["x", "y"], "labels"')
    )


def swapped(folder: Path) -> None:
    """Labels change places in one of the two lists of them."""
    manifest(lambda values: answer(values)["labels"].reverse())(folder)


def other_numbers(name: str) -> Callable[[Path], None]:
    """The attack that negates the numbers in a file of weights."""

    def change(folder: Path) -> None:
        found = {key: np.ascontiguousarray(-array) for key, array in load_file(folder / name).items()}
        save_file(found, folder / name)

    return change


def appended(name: str) -> Callable[[Path], object]:
    """The attack that puts a blank behind a file."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b" ")


JSONS: dict[str, str | bytes] = {
    "deep": deep(),
    "deep with keys": deep(50_000, '{"a":', "}"),
    "a list": "[1]",
    "a number": "7",
    "a number of 5,000 digits": '{"format": ' + "9" * 5000 + "}",
    "empty": "",
    "null": "null",
    "no JSON": "{,}",
    "not UTF-8": b'{"format": "\xff"}',
    "UTF-16": '{"format": 2}'.encode("utf-16"),
}
MANIFESTS: dict[str, Callable[[Path], object]] = {
    f"the manifest is {what}": as_text(MANIFEST, text) for what, text in JSONS.items()
} | {
    f"the format is {str(value)[:20]!r}": stated(format=value)
    for value in (3, 10**6, 0, -1, "2", 2.5, True, None, [2], 10**300)
} | {
    "labels twice": in_task(lambda task: task.update(labels=["up", "up"])),
    "a label more": in_task(lambda task: task.update(labels=["a", "b", "c"])),
    "a label less": in_task(lambda task: task.update(labels=["a"])),
    "no labels": in_task(lambda task: task.update(labels=None)),
    "a label without a letter": relabelled("up", " "),
    "a label of half a character": relabelled("up", "\ud800"),
    "no column with a text": in_task(lambda task: task.update(text=[])),
    "a column with a text twice": in_task(lambda task: task.update(text=["text", "text"])),
    "a text that is the label": in_task(lambda task: task.update(text=["label"])),
    "labels that are numbers": in_task(lambda task: task.update(labels=[1, 2])),
    "labels that are one text": in_task(lambda task: task.update(labels="up")),
    "labels in another order": in_task(lambda task: task["labels"].reverse()),
    "labels of the answer in another order": swapped,
    "a task of another kind": in_task(lambda task: (task.clear(), task.update(name="token-classification", labels=["x", "y"]))),
    "a task of numbers": in_task(lambda task: (task.clear(), task.update(name="text-regression", text=["text"], label="label"))),
    "a task that is not known": in_task(lambda task: task.update(name="own")),
    "a task whose name is a list": in_task(lambda task: task.update(name=["text-classification"])),
    "a task with a key too many": in_task(lambda task: task.update(own=1)),
    "a task that is a list": manifest(lambda values: answer(values).update(task=[])),
    "no answers": manifest(lambda values: values.update(answers={})),
    "answers in a list": manifest(lambda values: values.update(answers=[answer(values)])),
    "no parts": manifest(lambda values: values.update(parts={})),
    "an answer of a part that is not there": manifest(lambda values: answer(values).update(part="own")),
    "an answer of a part that is a list": manifest(lambda values: answer(values).update(part=["model"])),
    "a kind that is not known": manifest(lambda values: part(values).update(kind="own")),
    "a kind that is a path": manifest(lambda values: part(values).update(kind="../own")),
    "a kind that is a list": manifest(lambda values: part(values).update(kind=[])),
    "the kind of another predictor": manifest(lambda values: part(values).update(kind="bi-encoder")),
    "kinds that contradict": manifest(lambda values: values.update(kind="bi-encoder")),
    "digests in a list": manifest(lambda values: part(values).update(files=["a"])),
    "no digests": manifest(lambda values: part(values).update(files={})),
    "digests that are none": manifest(lambda values: part(values).update(files=dict.fromkeys(part(values)["files"], "x"))),
    "digests that are numbers": manifest(lambda values: part(values).update(files=dict.fromkeys(part(values)["files"], 7))),
    "a digest of a file outside": manifest(lambda values: part(values)["files"].update({"../x": "a" * 64})),
    "a digest of a file by its whole path": manifest(lambda values: part(values)["files"].update({"/etc/hostname": "a" * 64})),
    "a digest of an endless file": manifest(lambda values: part(values)["files"].update({"/dev/zero": "a" * 64})),
    "a digest of a name that can't be one": manifest(lambda values: part(values)["files"].update({"a\0b": "a" * 64})),
    "a digest of half a character": manifest(lambda values: part(values)["files"].update({"\ud800": "a" * 64})),
    "a digest of a file that is not there": manifest(lambda values: part(values)["files"].update({"more": "a" * 64})),
    "no description": manifest(lambda values: part(values).pop("description")),
    "a description that is a list": manifest(lambda values: part(values).update(description=[1])),
    "a label that the digest of the manifest does not know": lambda folder: changed(
        folder / MANIFEST, lambda values: (answer(values)["labels"].sort(reverse=True), answer(values)["task"]["labels"].reverse(), None)[2]
    ),
    "a decision that is not known": decided({"name": "own"}),
    "a decision without a name": decided({}),
    "a decision that is a text": decided("x"),
    "deep decisions": decided(json.loads(deep(900))),
    "too many thresholds": decided({"name": "thresholds", "values": [0.5, 0.5, 0.5]}),
    "thresholds beyond one": decided({"name": "thresholds", "values": [7.0, -7.0]}),
    "thresholds that are texts": decided({"name": "thresholds", "values": ["a", "b"]}),
    "thresholds twice": decided(*[{"name": "thresholds", "values": [0.5, 0.5]}] * 2),
    "a temperature of zero": decided({"name": "temperature", "factor": 0.0}),
    "a temperature that is no number": decided({"name": "temperature", "factor": float("nan")}),
    "a temperature below zero": decided({"name": "temperature", "factor": -1.0}),
    "a temperature without end": decided({"name": "temperature", "factor": 1e999}),
    "an abstention beyond one": decided({"name": "abstention", "least": 7}),
    "keys that stand twice": twice,
}  # fmt: skip
BESIDE: dict[str, Callable[[Path], object]] = {
    f"{name} is {what}": as_text(name, text)
    for name in ("evidence.json", "reference.json")
    for what, text in JSONS.items()
} | {
    "the recipe is deep": as_text("recipe.yaml", deep(5000)),
    "the recipe builds objects": as_text("recipe.yaml", "!!python/object/apply:os.system ['touch was-here']"),
    "the recipe has a tag": as_text("recipe.yaml", "verb: !own fit"),
    "the recipe has many entries": as_text("recipe.yaml", MANY_KEYS),
    "the recipe holds itself": as_text("recipe.yaml", "&a [*a]"),
    "the recipe is a list": as_text("recipe.yaml", "[1]"),
    "the recipe is no text": as_text("recipe.yaml", PICKLED),
}
"""Files that no answer hangs on: refused, or without a vote."""
for corpus in (LINEAR, NETWORK):
    corpus.each((), (65,), MANIFESTS)
    corpus.each((), (0, 65), {
        "headstart is of another version": stated(headstart="99.0"),
        "the version is a list": stated(headstart=[]),
        "the version talks to terminals": stated(headstart="\x1b]0;title\x07", format=99),
        "the backbone is a list": stated(backbone=[1]),
        "the manifest has a mark of order": lambda folder: (folder / MANIFEST).write_bytes(
            b"\xef\xbb\xbf" + (folder / MANIFEST).read_bytes()
        ),
    })  # fmt: skip
    for name in (MANIFEST, "evidence.json", "recipe.yaml", "reference.json"):
        right = (65,) if name == MANIFEST else (0, 65)
        corpus.each((), right, {f"{name} is a {kind}": partial(special, name=name, kind=kind) for kind in SPECIAL})
LINEAR.each((), (0, 65), BESIDE)
LINEAR.each(("terms.json",), (65,), {"terms.json is longer": appended("terms.json"),
                                     "terms.json is gone": lambda folder: (folder / "terms.json").unlink()}
            | {f"terms.json is a {kind}": partial(special, name="terms.json", kind=kind) for kind in SPECIAL})  # fmt: skip
LINEAR.each(("linear.safetensors",), (65,), {"other weights of terms": other_numbers("linear.safetensors")}
            | {f"linear.safetensors is a {kind}": partial(special, name="linear.safetensors", kind=kind)
               for kind in SPECIAL})  # fmt: skip
LINEAR.each(
    (),
    (65,),
    {"words are cut by a list": about(whole_words=[])},
)

INSIDE = ("network/config.json", "network/tokenizer.json", "network/tokenizer_config.json", "network/model.safetensors",
          "heads/classification.safetensors")  # fmt: skip
for name in INSIDE:
    NETWORK.each((), (65,), {f"{name} is longer": appended(name), f"{name} is a fifo": partial(special, name=name, kind="fifo"),
                             f"{name} is gone": lambda folder, name=name: (folder / name).unlink()})  # fmt: skip
NETWORK.each((), (65,), {
    "other weights of the head": other_numbers("heads/classification.safetensors"),
    "other weights of the network": other_numbers("network/model.safetensors"),
    "the network is a file": lambda folder: ((folder / "network").rename(folder / "aside"), (folder / "network").touch()),
    "the network is a link outside": lambda folder: (
        (folder / "network").rename(folder.with_name("aside")),
        (folder / "network").symlink_to(folder.with_name("aside")),
        changed(folder.with_name("aside") / "config.json", lambda values: values.update(layer_norm_eps=0.5)),
    ),
    "texts of no tokens": about(max_length=0),
    "texts of fewer tokens than none": about(max_length=-5),
    "texts of no tokens but those around them": about(max_length=2),
    "a weight that only doubles can hold": beyond_floats,
    "texts of a billion tokens": about(max_length=10**9),
    "texts of many tokens": about(max_length="many"),
    "windows that lie apart": about(overlap=-3),
    "windows that all are one": about(overlap=10**9),
    "windows that lap over by a text": about(overlap="x"),
    "a pooling that is not known": about(pooling="sum"),
    "a pooling that is a list": about(pooling=[]),
    "layers that are not there": about(layers=[99]),
    "no layers": about(layers=[]),
    "layers below the first": about(layers=[-7]),
    "layers that are a text": about(layers="all"),
    "a description with nothing in it": manifest(lambda values: part(values).update(description={})),
    "words in place of texts": about(words=True),
    "pairs in place of texts": about(pairs=True),
})  # fmt: skip
LINEAR.each((), (0, 65), {
    "a description with nothing in it": manifest(lambda values: part(values).update(description={})),
    "words are cut in another way": about(whole_words=False),
}, free=True)  # fmt: skip
NETWORK.each((), (0, 65), {
    "a head that is the architecture's": about(native=True),
    "an adapter beside the network": lambda folder: (folder / "network" / "adapter_config.json").write_text("{}"),
    "an index beside the network": lambda folder: (folder / "network" / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "../../x"}}'
    ),
    "a pickle beside the network": lambda folder: (folder / "network" / "pytorch_model.bin").write_bytes(PICKLED),
    "code beside the network": lambda folder: (folder / "network" / "modeling_own.py").write_text("raise SystemExit(9)"),
    "a configuration beside the head": lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'),
    "words beside the tokenizer": lambda folder: (folder / "network" / "vocab.txt").write_text("own\n"),
})  # fmt: skip
