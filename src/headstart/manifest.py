"""What the manifest of a folder that headstart wrote says: its shape by format, checked before anything in it is believed."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from headstart.errors import ModelError
from headstart.faults import describe, faults_of
from headstart.runtime.contained import believed, content, differs, digest_of, is_plain, parsed

FORMAT = 2
"""The newest format; folders of the first one are read too."""
MANIFEST = "headstart.json"
PAGE = "report.html"
"""The file of a page for people."""
NETWORK = "network"
"""Kind of an artifact that fits start from and that predicts nothing by itself."""
INDEX = "index"
"""Kind of a folder of passages that are searched."""
TABLES = "tables"
"""Kind of a folder with tables that say what was found in a file, and no model."""
EXPORT = "export"
"""Kind of a folder with a network for another runtime, which lies in that of the artifact that it was made of, or elsewhere."""
SEVERAL = "multi-task"
"""Kind of a folder with one network that answers several tasks, and of the part in it that they share."""
TASKS_FOLDER = "tasks"
"""Folder in such a folder with a folder for each task: evidence, reference, card and report."""
OWN_DIGEST = "sha256"
"""Key of the digest of all else that stands in a manifest."""
MOST_BYTES = 16 << 20
"""Size of the largest manifest, one with a hundred thousand labels."""
MOST_KEYS = 100
"""Keys of the manifest, of a task, a decision or a description, and entries of their lists unless there are more labels."""
MOST_SCORES = 1_000
"""Entries of the lists of decisions, which may hold scores of calibration rows."""
MOST_FILES = 10_000
"""Files of a part, parts and answers."""
USUAL_FILES = frozenset(
    {MANIFEST, "README.md", PAGE, "recipe.yaml", "evidence.json", "reference.json", "reference.safetensors"}
)
"""Files that headstart writes into every folder, or may, whether its manifest names them or not."""
CARDS = ("README.md", PAGE)
"""Files of each task of several that no manifest names."""
TASK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
"""What the name of one of several tasks looks like, so that it can be one of a file."""
EARLY_FOLDERS = frozenset({"", "network", "heads"})
EARLY_FILES = frozenset(
    {"config.json", "model.safetensors", "linear.safetensors", "classification.safetensors", "terms.json", "features.json",
     "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt", "vocab.json",
     "merges.txt", "spiece.model", "sentencepiece.bpe.model", "generation_config.json"}
)  # fmt: skip
"""Files that headstart wrote into folders whose manifests do not name them all."""
LEFT_BY_SYSTEMS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""Files that file managers leave wherever they have been."""
SHOWN, LONGEST = 5, 300
"""Faults that a message lists at most, and characters of each."""

S = TypeVar("S", bound=BaseModel)


def _few(value: Any) -> Any:
    if isinstance(value, dict | list) and len(value) > MOST_FILES:
        raise ValueError(f"holds {len(value):,} entries, more than the {MOST_FILES:,} there can be")
    return value


def _named(value: Any) -> Any:
    if isinstance(value, dict) and (odd := next((name for name in value if not is_plain(name)), None)) is not None:
        raise ValueError(f"{odd[:60]!a} is no plain name of a file inside of the folder")
    return _few(value)


def _texts(value: Any) -> Any:
    if isinstance(value, list) and not all(
        isinstance(each, str) for each in value
    ):  # one fault, not one for each of a million
        raise ValueError("should be a list of texts")
    return value


Few = BeforeValidator(_few)
Texts = Annotated[list[str], BeforeValidator(_texts)]
Files = Annotated[dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]], BeforeValidator(_named)]
"""SHA-256 of files by their names relative to the folder."""
Plain = dict[str, Any]
"""Plain data whose own reader checks it."""


class Stated(BaseModel):
    """Plain data that others may have written: no key that is not known, no value of another kind, no number that is not finite."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class StatedPart(Stated):
    """Something that computes, and its files."""

    kind: str
    description: Plain
    files: Files


class StatedAnswer(Stated):
    """What a part answers: for which task, and which decisions its outputs go through."""

    part: str
    task: Plain
    labels: Texts
    decisions: Annotated[list[Plain], Few]


class Manifest(Stated):
    """The second format: parts by digest, and answers."""

    format: int
    headstart: str = ""
    kind: str
    parts: Annotated[dict[str, StatedPart], Few] = Field(min_length=1)
    answers: Annotated[dict[str, StatedAnswer], Few] = Field(min_length=1)
    backbone: Plain | None = None
    files: Files | None = None
    """Files that belong to no part: recipe, evidence, reference; None in folders that were written before they stood here."""


class FirstManifest(Stated):
    """The first format: one part, one answer, digests of weights alone, thresholds among the keys of the task."""

    format: int
    headstart: str = ""
    kind: str
    predictor: Plain
    task: Plain
    labels: Texts | None = None
    backbone: Plain | None = None

    def in_second_format(self) -> Manifest:
        """This manifest in the second format, as it would be written today; raises a ValidationError where it cannot be."""
        task, description = dict(self.task), dict(self.predictor)
        thresholds = task.pop("thresholds", None)
        decisions = [{"name": "thresholds", "values": thresholds}] if thresholds is not None else []
        labels = self.labels if self.labels is not None else task.get("labels")
        part = {"kind": self.kind, "files": description.pop("digests", None), "description": description}
        answer = {"part": "model", "task": task, "labels": labels or [], "decisions": decisions}
        return Manifest.model_validate(
            {"format": self.format, "headstart": self.headstart, "kind": self.kind, "backbone": self.backbone}
            | {"parts": {"model": part}, "answers": {"classification": answer}}
        )


class NetworkManifest(Stated):
    """What is said of a folder that answers nothing: a network without labels, or tables."""

    format: int
    headstart: str = ""
    kind: str
    backbone: Plain | None = None
    tokens_per_weight: float | None = None
    files: Files | None = None
    """Digests of all files but card and report; None in folders that were written before they stood here."""


class ExportManifest(Stated):
    """What is said of a network that was converted for another runtime."""

    format: int
    headstart: str = ""
    kind: str
    to: str
    """Name of the export format."""
    quantization: str
    """Kind of numbers that weights are kept in."""
    network: str
    """Joint digest of the weights that it was made of."""
    files: Files


def own_version() -> str:
    """Version of the installed package."""
    try:
        return version("headstart")
    except PackageNotFoundError:
        return "0+unknown"


def checkable(values: dict[str, Any]) -> dict[str, Any]:
    """A manifest with the SHA-256 of all that stands in it, so that a change of a label or a threshold is found too."""
    values = json.loads(json.dumps(values))  # as it will be read back
    values.pop(OWN_DIGEST, None)
    return values | {OWN_DIGEST: _digest_of(values)}


def has_changed(said: dict[str, Any]) -> bool:
    """Whether plain data with a digest of itself, which is taken out of it, is not what `checkable` gave."""
    return OWN_DIGEST in said and said.pop(OWN_DIGEST) != _digest_of(said)


def _digest_of(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """What the manifest of a folder says as plain data, and its SHA-256; the format is one that is known.

    Raises:
        ModelError: it cannot be read, is no JSON, is of a later format, or was changed.
    """
    path = folder / MANIFEST
    data = content(folder, MANIFEST, most=MOST_BYTES)
    said = parsed(data, path)
    if isinstance(said, dict) and len(said) > MOST_KEYS:
        raise ModelError(f"{path} is damaged: it has {len(said):,} keys")
    number = said.get("format") if isinstance(said, dict) else None
    if not isinstance(said, dict) or isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ModelError(f"{path} is damaged: it does not say of which format the folder is")
    if number > FORMAT:
        raise ModelError(f"{folder} was written by headstart {shown_version(said)}, which is newer than this; upgrade")
    with believed(path):
        if has_changed(said):
            raise differs(path)
    return said, hashlib.sha256(data).hexdigest()


def checked_manifest(folder: Path, said: dict[str, Any]) -> Manifest:
    """The manifest of an artifact that answers, in the second format whatever it was written in.

    Raises:
        ModelError: it is not of the shape of its format, or contradicts itself.
    """
    path = folder / MANIFEST
    if said["format"] == 1:
        first = shaped(FirstManifest, said, str(path))
        try:
            found = first.in_second_format()
        except ValidationError as error:
            raise _damaged(Manifest, error, str(path)) from None
    else:
        found = shaped(Manifest, said, str(path))
    for name, answer in found.answers.items():
        own = max(MOST_KEYS, len(answer.labels))
        for each, most in ((answer.task, own), *((each, max(own, MOST_SCORES)) for each in answer.decisions)):
            if len(each) > MOST_KEYS or any(
                len(value) > most for value in each.values() if isinstance(value, dict | list)
            ):
                raise ModelError(f"{path} is damaged: the answer {name!a} has more values than labels")
        if answer.part not in found.parts:
            raise ModelError(f"{path} is damaged: the answer {name!a} is that of a part which is not there")
    own = [*found.parts.values()]
    if any(len(part.description) > MOST_KEYS for part in own):
        raise ModelError(f"{path} is damaged: a description has more than {MOST_KEYS} keys")
    if all(part.kind != found.kind for part in own):
        raise ModelError(
            f"{path} is damaged: its kind is {describe(found.kind)}, that of its part {describe(own[0].kind)}"
        )
    if found.kind == SEVERAL:
        odd = next((name for name in found.answers if not TASK_NAME.fullmatch(name)), None)
        if odd is not None or sum(part.kind == SEVERAL for part in own) != 1:
            raise ModelError(
                f"{path} is damaged: the tasks of a shared network have odd names, or there is no such network"
            )
    named = Counter(name for files in (*(part.files for part in own), found.files or {}) for name in files)
    if twice := [name for name, count in named.items() if count > 1 or name == MANIFEST]:
        raise ModelError(f"{path} is damaged: the file {twice[0]!a} has two places in it")
    return found


def shaped(cls: type[S], values: Any, where: str) -> S:
    """Plain data as a shape.

    Raises:
        ModelError: it is none.
    """
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        raise _damaged(cls, error, where) from None


def _damaged(cls: type[BaseModel], error: ValidationError, where: str) -> ModelError:
    faults = [str(fault)[:LONGEST] for fault in faults_of(error, cls)]
    more = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
    return ModelError(f"{where} is damaged: {'; '.join([*faults[:SHOWN], *more])}")


def shown_version(said: dict[str, Any]) -> str:
    """The version of headstart that a manifest says it is of, for messages."""
    version = said.get("headstart")
    return version[:40] if isinstance(version, str) and version.isprintable() else "of another version"


def refuse_changed(folder: Path, names: Iterable[str]) -> None:
    """Refuse a folder that headstart wrote of which a file is not the one that was written, or was put there since.

    Args:
        folder: of an artifact or a network; any other is none of its business.
        names: of files that will be read where they are there, relative to it.

    Raises:
        ModelError: one of them differs, or its manifest is damaged.
    """
    if not os.path.lexists(folder / MANIFEST):
        return
    said, _ = read_manifest(folder)
    if said.get("kind") == INDEX:
        raise is_index(folder)
    if said.get("kind") in (NETWORK, TABLES):
        files = shaped(NetworkManifest, said, str(folder / MANIFEST)).files
    else:
        parts = checked_manifest(folder, said).parts.values()
        files = {name: digest for part in parts for name, digest in part.files.items()}
    if files is None:
        return
    for name in {*names, *(name for name in files if name.endswith(".safetensors"))}:
        if name in files and digest_of(folder, name) != files[name]:
            raise differs(folder / name)
        if name not in files and said["format"] > 1 and os.path.lexists(folder / name):
            raise unnamed_file(folder / name)


def stranger_in(folder: Path) -> str:
    """A file of a folder that headstart wrote which headstart did not write there; empty where there is none.

    Card and report stand in no manifest, and the first ones name weights alone; there, files are known by their names.

    Raises:
        ModelError: the manifest cannot be believed, so nobody knows whose files these are.
    """
    said, _ = read_manifest(folder)
    parts: list[StatedPart] = []
    cards: set[str] = set()
    if said.get("kind") in (NETWORK, TABLES):
        files = shaped(NetworkManifest, said, str(folder / MANIFEST)).files
    elif said.get("kind") == EXPORT:
        files = shaped(ExportManifest, said, str(folder / MANIFEST)).files
    else:
        found = checked_manifest(folder, said)
        files, parts = found.files, [*found.parts.values()]
        if found.kind == SEVERAL:
            cards = {f"{TASKS_FOLDER}/{name}/{each}" for name in found.answers for each in CARDS}
    own = {*USUAL_FILES, *cards, *(files or {}), *(name for part in parts for name in part.files)}
    early = files is None
    for place, folders, names in os.walk(folder):
        own |= _exported(folder, Path(place), names)
        linked = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in sorted([*names, *linked]):
            path = os.path.relpath(os.path.join(place, name), folder)
            by_name = early and name in EARLY_FILES and os.path.dirname(path) in EARLY_FOLDERS
            if path not in own and not by_name and name not in LEFT_BY_SYSTEMS:
                return path
    return ""


def _exported(folder: Path, place: Path, names: Sequence[str]) -> set[str]:
    """Files of a network that was exported into a folder of an artifact, relative to the artifact."""
    if place == folder or MANIFEST not in names:
        return set()
    try:
        said, _ = read_manifest(place)
        found = (
            {MANIFEST, *shaped(ExportManifest, said, str(place / MANIFEST)).files} if said["kind"] == EXPORT else set()
        )
    except (ModelError, KeyError):
        return set()
    return {os.path.relpath(place / name, folder) for name in found}


def is_index(folder: Path) -> ModelError:
    """The error to raise where an index is in the place of a model."""
    return ModelError(
        f"{folder} holds an index and no model; search it with: headstart search {quote(str(folder))} QUERY"
    )


def unnamed_file(path: Path) -> ModelError:
    """The error to raise where a file would have a say that the manifest does not know."""
    return ModelError(f"{path} does not belong to the model: {MANIFEST} does not name it; remove the file")


def is_network(folder: Path) -> bool:
    """Whether a folder is an artifact without labels, which fits start from."""
    try:
        return read_manifest(folder)[0].get("kind") == NETWORK
    except ModelError:
        return False


def identity(folder: Path, digest: str, unnamed: Sequence[str]) -> str:
    """SHA-256 of all that an artifact answers by.

    Args:
        folder: of the artifact.
        digest: of its manifest, which names the digests of its files.
        unnamed: files that answers hang on too and that the manifest of an earlier version does not name.

    Returns:
        That of the manifest where it names all.
    """
    if not unnamed:
        return digest
    found = [digest, *(f"{name} {digest_of(folder, name)}" for name in sorted(unnamed))]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()
