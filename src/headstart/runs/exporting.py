"""A network kept for another runtime, once both have written the same: the verb `export`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from importlib.metadata import version
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.artifact import Artifact
from headstart.errors import DataError, HeadstartError, ModelError, UsageError
from headstart.exports import EXPORTS
from headstart.folders import check_free, new_folder
from headstart.loading import load
from headstart.manifest import EXPORT, FORMAT, MANIFEST, checkable, own_version
from headstart.readers.opening import open_table
from headstart.recipes.exporting import Exporting
from headstart.runs.outcome import Call, Outcome
from headstart.runtime.contained import digest_of
from headstart.runtime.durable import write_json
from headstart.runtime.machine import set_threads

if TYPE_CHECKING:
    from headstart.data.outputs import Generated
    from headstart.predictors.seq2seq import Seq2SeqPredictor

SAMPLE = 200
"""Texts that both write for at most."""
LEAST_TEXTS = 0.99
"""Share of texts that have to be the same in float32, ties left out; one may differ in any case."""
TIE = 1e-3
"""Nats per token by which the scores of two texts differ at most that either could have been written."""
LEAST_TOKENS = 0.95
"""Share of tokens that have to be the same in other kinds of numbers than float32."""
MOST_BLEU, LEAST_COMMON = 0.3, 0.5
"""BLEU that may be lost where fewer tokens are the same, and how many have to be even so: BLEU near 0 says nothing."""
ROLES = ("test", "validation", "train")
"""Files of a run by whose rows networks are compared, the first that is there."""


@dataclass(frozen=True)
class ExportAgreement:
    """How alike the network and its export write."""

    rows: int
    texts: float
    """Share of texts that are the same, in [0, 1]."""
    ties: float
    """Share of texts that are others of about the same score, in [0, 1]."""
    tokens: float
    """Tokens that both write in the same order, twice, over all that they write, in [0, 1]."""
    bleu: tuple[float, float] | None
    """BLEU of the network and of its export; None without references."""
    chrf: tuple[float, float] | None

    def is_enough(self, quantization: str) -> bool:
        """Whether the export stands in for the network."""
        if quantization == "float32":
            differing = self.rows * (1 - self.texts - self.ties)
            return differing <= max(1, self.rows * (1 - LEAST_TEXTS)) + 1e-9 and self.texts > 0
        kept = self.bleu is not None and self.bleu[1] >= self.bleu[0] - MOST_BLEU
        return self.tokens >= LEAST_TOKENS or (kept and self.tokens >= LEAST_COMMON)

    def __str__(self) -> str:
        """The numbers in one line."""
        said = f"of {self.rows:,} texts {self.texts:.1%} are the same and {self.ties:.1%} of the same score"
        said += f", {self.tokens:.1%} of the tokens are the same"
        pairs = ((name, pair) for name, pair in (("BLEU", self.bleu), ("chrF", self.chrf)) if pair)
        return said + "".join(f", {name} {one:.2f} and {other:.2f} exported" for name, (one, other) in pairs)


def export(recipe: Exporting, call: Call) -> Outcome:
    """Carry out `export`.

    Raises:
        HeadstartError: the model, the texts or the output can't be used, or the export does not write as the network does.
    """
    kept = EXPORTS.get(recipe.to)()
    kept.require()
    target = Path(recipe.output) if recipe.output is not None else Path(recipe.model) / recipe.to
    artifact = load(recipe.model, device="cpu", runtime="torch")
    if artifact.predictor.kind != "seq2seq":
        raise UsageError(
            f"export is for networks that write texts; {recipe.model} does {artifact.task.name} by {artifact.predictor.kind}"
        )
    predictor: Any = artifact.predictor
    check_free(target, overwrite=recipe.overwrite)
    set_threads(recipe.threads, torch_runs=True)
    path, texts, rows = _texts(recipe, artifact)
    with new_folder(target, overwrite=recipe.overwrite) as work:
        kept.convert(predictor.backbone, work, recipe.numbers)
        said = {
            "format": FORMAT,
            "headstart": own_version(),
            "kind": EXPORT,
            "to": recipe.to,
            "quantization": recipe.numbers,
        }
        said |= {"network": predictor.network_digest, "files": _digests(work)}
        agreement = _compared(predictor, kept, work, said, texts, rows, call)
        numbers = f"{recipe.numbers} against the network itself on {path}: {agreement}"
        if not agreement.is_enough(recipe.numbers):
            raise ModelError(
                f"nothing was exported, since it would write other texts. {numbers}; {_enough(recipe.numbers)}"
            )
        about = {"data": path, "versions": {recipe.to: version(recipe.to)}, **agreement.__dict__}
        write_json(work / "agreement.json", about)
        write_json(work / MANIFEST, checkable(said | {"files": _digests(work)}))
    size = sum(each.stat().st_size for each in target.iterdir())
    result = {"export": str(target), "to": recipe.to, "quantization": recipe.numbers, "bytes": size, "agreement": about}
    return Outcome(result, artifact, target)


def _enough(quantization: str) -> str:
    """What is asked of an export, in words."""
    if quantization == "float32":
        return f"at least {LEAST_TEXTS:.0%} of the texts have to be the same"
    return f"at least {LEAST_TOKENS:.0%} of the tokens, or BLEU within {MOST_BLEU:g} of its own; try --quantization float32"


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: digest_of(folder, path.name) for path in sorted(folder.iterdir())}


def _texts(recipe: Exporting, artifact: Artifact) -> tuple[str, list[str], Any]:
    """Texts to compare by, spread over a file, and their rows where they have references.

    Raises:
        UsageError: no file is named, and none of those of the run is there.
        DataError: the file has no text that can be used.
    """
    path, reading = recipe.data, recipe.reading
    if path is None:
        files = {
            each["role"]: each["path"] for each in reversed((artifact.evidence.get("data") or {}).get("files", ()))
        }
        path = next((files[role] for role in ROLES if role in files and Path(files[role]).is_file()), None)
        reading = {key: (artifact.recipe.get("data") or {}).get(key) for key in reading}
    if path is None:
        raise UsageError(
            f"no file of the run {recipe.model} is where it was; name one with texts to compare by, with their references or "
            f"without: headstart export {quote(recipe.model)} --to {recipe.to} --data FILE"
        )
    table, task = open_table(path, **reading), artifact.task
    labelled = all(name in table.columns for name in task.reference or ())  # type: ignore[attr-defined]
    if len(table.columns) == 1 and not labelled:
        task = task.revised(text=tuple(table.columns))
    found, dropped = task.parse(table, labelled=labelled)
    if not len(found):
        why = f"; first reason: line {dropped[0].line}: {dropped[0].reason}" if dropped else ""
        raise DataError(f"{path} has no text to compare by{why}")
    chosen = np.unique(np.linspace(0, len(found) - 1, min(SAMPLE, len(found))).astype(int))
    rows = found.take(chosen)
    return path, [str(each) for each in rows.inputs], rows if labelled else None


def _compared(
    predictor: Seq2SeqPredictor,
    kept: Any,
    folder: Path,
    said: dict[str, Any],
    texts: Sequence[str],
    rows: Any,
    call: Call,
) -> ExportAgreement:
    """How the network and its export in a folder agree."""
    from headstart.exports.folder import ExportFolder
    from headstart.manifest import ExportManifest

    how = predictor.decoding
    exported = kept.open(ExportFolder(folder, "", ExportManifest(**said)), predictor.backbone)
    if why := exported.refusal(how):
        raise UsageError(f"the model cannot be exported as it writes: {why}")
    found = []
    for name, writer in (("the network writes", None), (f"{kept.name} writes", exported)):
        call.progress.begin(name, len(texts))
        found.append(predictor.written(texts, how, writer=writer, progress=call.progress))
        call.progress.end()
    return _agreement(predictor, found[0], found[1], rows)


def _agreement(predictor: Seq2SeqPredictor, own: Generated, other: Generated, rows: Any) -> ExportAgreement:
    pairs = [(one[0], two[0]) for one, two in zip(own.texts, other.texts, strict=True)]
    same = np.array([one == two for one, two in pairs])
    tied = ~same & (np.abs(own.scores[:, 0] - other.scores[:, 0]) <= TIE)
    ids = [[row.tolist() for row in _rows(predictor, side)] for side in zip(*pairs, strict=True)]
    common = total = 0
    for one, two in zip(*ids, strict=True):
        common += sum(each.size for each in SequenceMatcher(None, one, two, autojunk=False).get_matching_blocks())
        total += len(one) + len(two)
    bleu, chrf = _scores(predictor, own, other, rows)
    return ExportAgreement(len(pairs), float(same.mean()), float(tied.mean()), 2 * common / max(total, 1), bleu, chrf)


def _rows(predictor: Seq2SeqPredictor, texts: Sequence[str]) -> list[np.ndarray]:
    tokens = predictor.backbone.target.encode(texts)
    return [tokens.get(at) for at in range(len(tokens))]


def _scores(predictor: Seq2SeqPredictor, own: Generated, other: Generated, rows: Any) -> tuple[Any, Any]:
    """BLEU and chrF of both; None without references, or without the package that counts them."""
    from headstart.evaluation.judging import scores

    if rows is None:
        return None, None
    try:
        found = [scores(predictor.task, each, rows) for each in (own, other)]
    except HeadstartError:
        return None, None
    return tuple(
        (found[0][name].value, found[1][name].value) if name in found[0] else None for name in ("bleu", "chrf")
    )  # type: ignore[return-value]
