"""Artifacts of others: what they say is checked before it is believed, and what is no file of theirs is never opened."""

import json
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.invented_artifacts import NUMBERS, TEXTS, chain, in_first_format, linear, network, rewrite, twins

from headstart.artifact import Artifact
from headstart.backbones.location import BackboneSource, locate
from headstart.data.reference import Reference, histogram
from headstart.decisions.thresholds import Thresholds
from headstart.errors import HeadstartError, ModelError
from headstart.loading import load
from headstart.manifest import MANIFEST, checkable, is_network
from headstart.runtime.contained import digest_of

ANSWER = ("answers", "classification")
TASK = (*ANSWER, "task")
PART = ("parts", "model")
FILES = (*PART, "files")


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Nothing here may wait for a pipe or a device."""

    def late(*args: Any) -> None:
        raise TimeoutError("over a minute")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A linear model with thresholds and a reference."""
    model = linear()
    model.decisions = (Thresholds(values=(0.4, 0.6)),)
    model.reference = Reference(3, {"no": 1, "yes": 2}, {"characters": histogram([3, 9])}, np.zeros((2, 4), np.float32))
    return model.save(tmp_path / "run")


@pytest.fixture(scope="module")
def kinds(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An artifact of every kind, only to be copied."""
    place = tmp_path_factory.mktemp("kinds")
    made: dict[str, Callable[[], Artifact]] = {
        "linear": linear,
        "number": lambda: linear(NUMBERS),
        "chain": chain,
        "native": lambda: network(tiny_backbone),
        "network": lambda: network(tiny_backbone, pooling="mean", layers=(1, 2)),
        "twins": lambda: twins(tiny_backbone),
    }
    return {name: make().save(place / name) for name, make in made.items()}


def said_by(folder: Path) -> Any:
    model = load(folder)
    inputs = [(one, other) for one, other in zip(TEXTS, TEXTS[1:], strict=False)] if model.task.pairs else TEXTS
    return [prediction.plain() for prediction in model.predict(inputs)]


def put(place: tuple[str, ...], value: Any) -> Callable[[dict[str, Any]], None]:
    """A change of a manifest: a value at a place, or none there if it is None-like `...`."""

    def change(manifest: Any) -> None:
        *way, last = place
        for key in way:
            manifest = manifest[key]
        if value is ...:
            del manifest[last]
        else:
            manifest[last] = value

    return change


CONTRADICTIONS = [
    (("format",), True, "does not say of which format"),
    (("format",), 2.0, "does not say of which format"),
    (("format",), 0, "does not say of which format"),
    (("format",), 1, "predictor"),
    (("format",), 10**30, "newer than this"),
    (("kind",), "crf", "its kind is 'crf', that of its part 'linear-text'"),
    (("more",), 1, "unknown key 'more'"),
    (("headstart",), ["\x1b[2J"], "headstart: should be a text"),
    (("parts",), [], "parts: should be a mapping"),
    (("parts",), {}, "parts"),
    (("answers",), {}, "answers"),
    ((*ANSWER, "part"), "other", "a part which is not there"),
    ((*ANSWER, "labels"), ["yes", "no"], "labels of the answer are not those of its task"),
    ((*ANSWER, "labels"), [1, 2], "list of texts"),
    ((*ANSWER, "decisions"), [{"name": "thresholds", "values": [0.5]}], "1 thresholds were given for 2 labels"),
    ((*ANSWER, "decisions"), [{"name": "thresholds", "values": [0, 1]}], "a threshold is 0"),
    ((*ANSWER, "decisions"), [{"name": "thresholds", "values": [0.5, 7]}], "at most 1"),
    ((*ANSWER, "decisions"), [{"name": "temperature", "factor": -1}], "over 0"),
    ((*ANSWER, "decisions"), [{"name": "abstention"}, {"name": "temperature"}], "twice or out of order"),
    ((*ANSWER, "decisions"), [{"name": "abstention"}, {"name": "abstention"}], "twice or out of order"),
    ((*ANSWER, "decisions"), {"name": "abstention"}, "decisions: should be a list"),
    ((*ANSWER, "decisions"), [[]], "should be a mapping"),
    (TASK, {"name": "token-classification", "labels": ["no", "yes"]}, "are not those of its task"),
    (TASK, {"name": "sentence-similarity", "mean": 0.0, "deviation": 1.0, "labels": ["no", "yes"]}, "gives no labels by them"),
    (TASK, {"name": "text-regression", "labels": ["no", "yes"]}, "knows no numbers yet"),
    (TASK, {"name": ["text-classification"], "labels": ["no", "yes"]}, "unknown task"),
    (TASK, {"labels": ["no", "yes"]}, "unknown task"),
    ((*TASK, "labels"), None, "knows no labels yet"),
    ((*TASK, "labels"), ["no", "no"], "the label 'no' stands twice"),
    ((*TASK, "labels"), "noyes", "are not those of its task"),
    ((*TASK, "metric"), "perplexity", "not judged by"),
    ((*PART, "kind"), "transformers", "its kind is 'linear-text'"),
    ((*PART, "description"), {"whole_words": "yes"}, "whole_words: should be true or false"),
    ((*PART, "description"), {"layers": [1]}, "unknown key 'layers'"),
    ((*PART, "description"), None, "description: should be a mapping"),
    (FILES, ["linear.safetensors"], "files: should be a mapping"),
    (FILES, {}, r"linear\.safetensors does not belong to the model"),
    ((*FILES, "terms.json"), ..., r"terms\.json does not belong to the model"),
    ((*FILES, "terms.json"), 3, r"terms\.json: should be a text"),
    ((*FILES, "terms.json"), "0" * 63, "of the form"),
    ((*FILES, "terms.json"), "0" * 64, r"terms\.json is damaged: its SHA-256"),
    ((*FILES, "/etc/hostname"), "0" * 64, "no plain name"),
    ((*FILES, "../run/terms.json"), "0" * 64, "no plain name"),
    ((*FILES, "heads/../terms.json"), "0" * 64, "no plain name"),
    ((*FILES, "a\\..\\b"), "0" * 64, "no plain name"),
    ((*FILES, "a\0b"), "0" * 64, "no plain name"),
    ((*FILES, "a\ud800"), "0" * 64, "no plain name"),
    ((*FILES, ""), "0" * 64, "no plain name"),
    ((*FILES, "x" * 300), "0" * 64, "File name too long"),
    ((*FILES, "elsewhere.json"), "0" * 64, r"elsewhere\.json cannot be read: No such file"),
    (("files", "terms.json"), "0" * 64, "two places"),
    (("files", "headstart.json"), "0" * 64, "two places"),
    (("files", "reference.json"), ..., r"reference\.json does not belong to the model"),
    (("files", "../x"), "0" * 64, "no plain name"),
    (("backbone",), "mini", "backbone: should be a mapping"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "value", "message"),
    CONTRADICTIONS,
    ids=["-".join(place) + f"-{at}" for at, (place, *_) in enumerate(CONTRADICTIONS)],
)
def test_a_manifest_that_is_no_manifest_or_contradicts_itself_is_refused(
    place: tuple[str, ...], value: Any, message: str, saved: Path
) -> None:
    rewrite(saved, put(place, value))
    with pytest.raises(ModelError, match=message) as error:
        load(saved)
    assert len(str(error.value)) < 2000 and "\x1b" not in str(error.value)


def test_what_is_rewritten_without_a_change_is_the_same_model(saved: Path) -> None:
    before = said_by(saved)
    rewrite(saved)
    assert said_by(saved) == before


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("native", ("layers",), [3], "reads the layers 3 of a network with 2"),
        ("native", ("layers",), [-1], "at least 0"),
        ("native", ("layers",), [], "layers"),
        (
            "native",
            ("layers",),
            [1, 2],
            r"weight' is F32 of shape \[2, 32\], expected F64/F32/F16 of shape \[2, 64\]",
        ),
        ("network", ("layers",), [2, 2], "reads the layers 2, 2"),
        ("native", ("layers",), [True], "should be a whole number"),
        ("native", ("pooling",), "median", "'first', 'mean', 'last' or 'max'"),
        ("native", ("max_length",), 0, "at least 8"),
        ("native", ("max_length",), 10**9, "max_length 1000000000 is outside"),
        ("native", ("max_length",), "48", "should be a whole number"),
        ("native", ("overlap",), 46, "windows of 48 tokens cannot have 46 in common"),
        ("native", ("overlap",), -1, "at least 0"),
        ("native", ("words",), True, "does not do text-classification"),
        ("native", ("pairs",), True, "does not do text-classification"),
        ("native", ("crf",), True, "does not do text-classification"),
        ("native", ("head",), "x", "unknown key 'head'"),
        ("twins", ("layers",), [0, 2], r"shape \[1, 1\], expected F64/F32/F16 of shape \[1, 2\]"),
        ("twins", ("max_length",), 7, "at least 8"),
        ("chain", ("whole_words",), True, "unknown key"),
    ],
)
def test_what_is_said_of_a_network_has_to_fit_it(
    name: str, place: tuple[str, ...], value: Any, message: str, kinds: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(kinds[name], tmp_path / "run"))
    rewrite(folder, put((*PART, "description", *place), value))
    with pytest.raises(ModelError, match=message):
        load(folder).predict(TEXTS)


@pytest.mark.parametrize(
    ("name", "decision", "message"),
    [
        ("number", {"name": "thresholds", "values": [0.5]}, "gives no labels by them"),
        ("chain", {"name": "thresholds", "values": [0.5, 0.5, 0.5]}, "gives no labels by them"),
        ("number", {"name": "abstention", "least": 0.5}, "no one label to withhold"),
        ("chain", {"name": "abstention", "least": 0.5}, "no one label to withhold"),
    ],
)
def test_a_decision_that_would_have_no_vote_is_refused(
    name: str, decision: dict[str, Any], message: str, kinds: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(kinds[name], tmp_path / "run"))
    [answer] = json.loads((folder / MANIFEST).read_text())["answers"]
    rewrite(folder, put(("answers", answer, "decisions"), [decision]))
    with pytest.raises(ModelError, match=message):
        load(folder)


def drop(name: str) -> Callable[[dict[str, np.ndarray]], None]:
    return lambda tensors: tensors.pop(name)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("name", "file", "change", "message"),
    [
        ("linear", "linear.safetensors", drop("idf_1"), "the tensor 'idf_1' is missing"),
        ("linear", "linear.safetensors", lambda t: t.update(more=np.zeros(2)), "'more' does not belong there"),
        (
            "linear",
            "linear.safetensors",
            lambda t: t.update(weight=t["weight"][:, :-1].copy()),
            "'weight' is F32 of shape",
        ),
        ("linear", "linear.safetensors", lambda t: t.update(bias=t["bias"][None]), "'bias' is F32 of shape"),
        ("linear", "linear.safetensors", lambda t: t.update(bias=np.array([1, 2])), "'bias' is I64"),
        ("linear", "linear.safetensors", lambda t: t.update(bias=np.array([np.nan, 0], "f4")), "'bias' holds numbers"),
        (
            "linear",
            "linear.safetensors",
            lambda t: t.update(bias=np.array([3e38, 3e38], "f4") * 0 + 3.4e38),
            "not finite",
        ),
        ("chain", "chain.safetensors", lambda t: t.update(factor=np.array([-1.0])), "the factor of the chain"),
        ("chain", "chain.safetensors", lambda t: t.update(transitions=np.zeros((2, 2), "f4")), "'transitions'"),
        ("native", "heads/classification.safetensors", lambda t: t.update(bias=np.zeros(3, "f4")), "'bias'"),
        ("native", "heads/classification.safetensors", lambda t: t.update(weight=t["weight"] + np.inf), "not finite"),
        ("twins", "heads/classification.safetensors", drop("bias"), "the tensor 'bias' is missing"),
    ],
)
def test_tensors_have_to_fit_the_labels_and_the_network(
    name: str, file: str, change: Callable[[Any], None], message: str, kinds: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(kinds[name], tmp_path / "run"))
    tensors = load_file(folder / file)
    change(tensors)
    if message == "not finite" and name == "linear":
        tensors["weight"] = np.full_like(tensors["weight"], 3e38)
    save_file(tensors, folder / file)
    rewrite(folder)
    with pytest.raises(ModelError, match=message):
        load(folder).predict(TEXTS)


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("headstart.json", DEEP, "nested too deep"),
        ("evidence.json", DEEP, "nested too deep"),
        ("terms.json", DEEP, "nested too deep"),
        ("reference.json", DEEP, "nested too deep"),
        ("recipe.yaml", "[" * 5000, "nested too deep"),
        ("headstart.json", '{"format": ' + "9" * 5000 + "}", "Exceeds the limit"),
        ("headstart.json", '{"format": 2, "format": 2}', "the key 'format' stands twice"),
        ("headstart.json", b"\xff\xfe", "damaged"),
        ("terms.json", "{}", "expected a list of terms of words"),
        ("terms.json", '[["a", "a"], ["b"]]', "a term stands twice"),
        ("terms.json", "[[1], [2]]", "expected a list of terms"),
        ("evidence.json", "[]", "it holds a list, expected a mapping"),
        ("evidence.json", '{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ("recipe.yaml", "a: &a [1, 2]\nb: [*a, *a]\n", "references"),
        ("recipe.yaml", "a: !!python/object/apply:os.system [true]\n", "could not determine a constructor"),
        ("recipe.yaml", "- 1\n", "it holds a list, expected a mapping"),
        ("recipe.yaml", "a: 2026-99-99\n", "month must be in"),
        ("reference.json", '{"rows": -1, "labels": {}, "histograms": {}}', "rows: should be at least 0"),
        ("reference.json", '{"rows": 1, "labels": {}, "histograms": {"a": {"edges": [1, 0], "counts": [1]}}}', "edges"),
    ],
)  # fmt: skip
def test_files_of_another_shape_are_named_whatever_their_digests_say(
    name: str, content: str | bytes, message: str, saved: Path
) -> None:
    (saved / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    if name != MANIFEST:
        rewrite(saved)
    with pytest.raises(ModelError, match=message) as error:
        load(saved)
    assert name in str(error.value)


@pytest.mark.parametrize("name", ["terms.json", "linear.safetensors", "headstart.json", "evidence.json", "recipe.yaml"])
def test_a_file_that_claims_to_be_of_any_size_is_refused_at_once(name: str, saved: Path) -> None:
    os.truncate(saved / name, 1 << 40)  # takes no room on the disk
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        load(saved)


def test_a_head_of_any_size_is_refused_before_it_is_read(kinds: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(kinds["native"], tmp_path / "run"))
    path, size = folder / "heads" / "classification.safetensors", 1 << 40
    head = json.dumps({"bias": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head)
    os.truncate(path, 8 + len(head) + size)
    with pytest.raises(ModelError, match=r"classification\.safetensors"):
        load(folder)


def test_many_entries_are_one_fault(saved: Path) -> None:
    many: list[Any] = list(range(20_000))
    for place, value in (
        (TASK, {"name": "text-classification", "labels": many}),
        ((*TASK, "class_weight"), dict.fromkeys(map(str, many), "x")),
        ((*ANSWER, "labels"), many),
        ((*ANSWER, "decisions"), [{"name": "thresholds", "values": many}]),
        ((*ANSWER, "decisions"), many),
        ((*PART, "description"), dict.fromkeys(map(str, many), 1)),
        (FILES, dict.fromkeys(map(str, many), "0")),
        (("parts",), dict.fromkeys(map(str, many), "0")),
    ):
        manifest = json.loads((saved / MANIFEST).read_text())
        rewrite(saved, put(place, value))
        with pytest.raises(ModelError, match="damaged") as error:
            load(saved)
        assert len(str(error.value)) < 1000
        (saved / MANIFEST).write_text(json.dumps(manifest))


def special(kind: str, path: Path, outside: Path) -> None:
    """Something else in the place of a file."""
    content = path.read_bytes()
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        here = os.getcwd()
        os.chdir(path.parent)  # names of sockets are short
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
        os.chdir(here)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "process":
        path.symlink_to("/proc/self/environ")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "link":
        outside.write_bytes(content)
        path.symlink_to(os.path.relpath(outside, path.parent))


@pytest.mark.parametrize("kind", ["pipe", "folder", "socket", "device", "process", "loop", "link"])
@pytest.mark.parametrize("artifact", ["linear", "chain", "native", "network"])
def test_what_is_no_file_of_the_folder_is_never_opened(
    kind: str, artifact: str, kinds: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(str(path.relative_to(kinds[artifact])) for path in kinds[artifact].rglob("*") if path.is_file())
    assert MANIFEST in names and len(names) > 4
    for at, name in enumerate(names):
        folder = Path(shutil.copytree(kinds[artifact], tmp_path / str(at)))
        special(kind, folder / name, tmp_path / f"outside-{at}")
        with pytest.raises(ModelError, match=name.rpartition("/")[2].replace(".", r"\.")) as error:
            load(folder).predict(TEXTS)
        assert "PATH" not in str(error.value)
        assert not is_network(folder)


@pytest.mark.parametrize("name", ["linear", "number", "chain", "native", "network", "twins"])
def test_every_byte_that_changes_is_found_or_harmless(name: str, kinds: dict[str, Path], tmp_path: Path) -> None:
    expected, random = said_by(kinds[name]), np.random.default_rng(0)
    folder = Path(shutil.copytree(kinds[name], tmp_path / "run"))
    found = 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        tries = 40 if path.name == MANIFEST else 3
        for place in random.integers(len(whole), size=tries):
            changed = bytearray(whole)
            changed[place] ^= 1 << random.integers(8)
            path.write_bytes(bytes(changed))
            try:
                assert said_by(folder) == expected, f"byte {place} of {path.name}"
            except HeadstartError:
                found += 1
        path.write_bytes(whole)
    assert found > 40


@pytest.mark.parametrize("name", ["linear", "network"])
def test_every_key_that_goes_is_found_or_harmless(name: str, kinds: dict[str, Path], tmp_path: Path) -> None:
    expected = said_by(kinds[name])
    folder = Path(shutil.copytree(kinds[name], tmp_path / "run"))
    whole = json.loads((folder / MANIFEST).read_text())

    def ways(value: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        for key, inner in value.items() if isinstance(value, dict) else ():
            yield (*way, key)
            yield from ways(inner, (*way, key))

    for way in ways(whole):
        for value in (..., None, [], {}, "x", -1):
            changed = json.loads(json.dumps(whole))
            put(way, value)(changed)
            (folder / MANIFEST).write_text(json.dumps(changed))
            try:
                assert said_by(folder) == expected, way
            except HeadstartError as error:
                assert error.exit_code == 65, way


@pytest.mark.parametrize(
    ("artifact", "file"),
    [
        ("native", "network/config.json"),
        ("native", "vocab.txt"),
        ("native", "adapter_config.json"),
        ("native", "model.safetensors.index.json"),
        ("network", "config.json"),
        ("network", "network/added_tokens.json"),
        ("network", "network/adapter_config.json"),
        ("linear", "reference.json"),
    ],
)
def test_a_file_that_is_put_beside_the_others_has_no_vote(
    artifact: str, file: str, kinds: dict[str, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(kinds[artifact], tmp_path / "run"))
    (folder / "notes.txt").write_text("mine")
    (folder / "scored.csv").write_text("text\n")
    expected = said_by(folder)
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text("{}")
    with pytest.raises(ModelError, match=f"{file} does not belong to the model"):
        load(folder)
    (folder / file).unlink()
    assert said_by(folder) == expected


@pytest.mark.parametrize("name", ["linear", "chain", "native", "network", "twins"])
def test_a_folder_of_the_first_format_answers_as_before_and_its_identity_hangs_on_every_file(
    name: str, kinds: dict[str, Path], tmp_path: Path
) -> None:
    expected = said_by(kinds[name])
    folder = Path(shutil.copytree(kinds[name], tmp_path / "run"))
    in_first_format(folder)
    assert said_by(folder) == expected
    identity = load(folder).digest
    changed = {
        "linear": "terms.json", "chain": "features.json", "native": "tokenizer.json", "network": "network/tokenizer_config.json",
        "twins": "network/config.json",
    }[name]  # fmt: skip
    path = folder / changed
    path.write_text(json.dumps(json.loads(path.read_text()), separators=(",", ":")))
    assert load(folder).digest != identity


def test_a_folder_of_the_second_format_without_digests_of_recipe_and_evidence_answers_as_before(saved: Path) -> None:
    expected = said_by(saved)
    manifest = json.loads((saved / MANIFEST).read_text())
    del manifest["files"], manifest["sha256"]
    (saved / MANIFEST).write_text(json.dumps(manifest))
    assert said_by(saved) == expected


@pytest.fixture
def pretrained(tiny_backbone: Path, tmp_path: Path) -> Path:
    """A network as `pretrain` leaves it."""
    folder = Path(shutil.copytree(tiny_backbone, tmp_path / "lm"))
    (folder / "README.md").write_text("a card")
    names = sorted(path.name for path in folder.iterdir())
    manifest = {
        "format": 2,
        "kind": "network",
        "backbone": None,
        "tokens_per_weight": 0.5,
        "files": {name: digest_of(folder, name) for name in names},
    }
    (folder / MANIFEST).write_text(json.dumps(checkable(manifest)))
    return folder


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "tokenizer_config.json", "model.safetensors"])
def test_a_network_that_fits_start_from_is_the_one_that_was_written(name: str, pretrained: Path) -> None:
    source = BackboneSource(location=str(pretrained))
    assert locate(source).learned == 0.5
    whole = (pretrained / name).read_bytes()
    (pretrained / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ModelError, match=f"{name} is damaged"):
        locate(source)
    (pretrained / name).write_bytes(whole)
    (pretrained / "added_tokens.json").write_text("{}")
    with pytest.raises(ModelError, match=r"added_tokens\.json does not belong to the model"):
        locate(source)
    (pretrained / "added_tokens.json").unlink()
    (pretrained / "notes.txt").write_text("mine")
    (pretrained / "README.md").write_text("another card")
    assert locate(source).learned == 0.5


def test_a_network_of_an_artifact_is_checked_where_fits_start_from_it(kinds: dict[str, Path], tmp_path: Path) -> None:
    for name, file in (("native", "tokenizer.json"), ("network", "network/tokenizer.json")):
        folder = Path(shutil.copytree(kinds[name], tmp_path / name))
        locate(BackboneSource(location=str(folder)))
        (folder / file).write_text((folder / file).read_text() + " ")
        with pytest.raises(ModelError, match=f"{file} is damaged"):
            locate(BackboneSource(location=str(folder)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens_per_weight": "many"}, "tokens_per_weight: should be a number"),
        ({"files": {"../x": "0" * 64}}, "no plain name"),
        ({"more": 1}, "unknown key 'more'"),
        ({"format": 3}, "newer than this"),
    ],
)
def test_the_manifest_of_a_network_is_checked_too(change: dict[str, Any], message: str, pretrained: Path) -> None:
    manifest = json.loads((pretrained / MANIFEST).read_text())
    del manifest["sha256"]
    (pretrained / MANIFEST).write_text(json.dumps(manifest | change))
    with pytest.raises(ModelError, match=message):
        locate(BackboneSource(location=str(pretrained)))


def test_what_another_version_wrote_says_so(saved: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["headstart"], manifest["parts"]["model"]["kind"] = "9.8.7", "quantum"

    rewrite(saved, change)
    with pytest.raises(ModelError, match=r"\(written by headstart 9\.8\.7\)"):
        load(saved)
