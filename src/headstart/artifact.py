"""The artifact: a trained result as one folder that anyone can load, without pickle and without headstart if need be."""

import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import yaml
from safetensors import safe_open

from headstart.attribution.explanation import Explained, Explanation, Method
from headstart.attribution.methods import refuse_unweighed, weighed
from headstart.attribution.scorer import Scorer
from headstart.backbones import DECODERS, KNOWN
from headstart.backbones.folders import read_json
from headstart.backbones.location import CONFIG, BackboneSource, location_of
from headstart.config import describe, parse
from headstart.data.arrays import as_texts
from headstart.data.outputs import Outputs
from headstart.data.reference import FILES as REFERENCE
from headstart.data.reference import Reference
from headstart.data.store import Store
from headstart.decisions import DECISIONS
from headstart.decisions.base import Decision, applied, parse_decision
from headstart.decisions.out_of_scope import scope_asked
from headstart.decisions.prediction_sets import PredictionSets, sets_asked
from headstart.errors import (
    DataError,
    DivergedError,
    MissingInputError,
    ModelError,
    RecipeError,
    UsageError,
)
from headstart.folders import new_folder, write_manifest
from headstart.manifest import (
    EXPORT,
    INDEX,
    MANIFEST,
    NETWORK,
    SEVERAL,
    TABLES,
    TASKS_FOLDER,
    Manifest,
    StatedAnswer,
    StatedPart,
    checked_manifest,
    identity,
    is_index,
    own_version,
    read_manifest,
    shown_version,
)
from headstart.predictors import PREDICTORS
from headstart.predictors.base import AskedRuntime, Predictor, refuse_damaged
from headstart.predictors.scope import SCOPE, load_scope, save_scope
from headstart.registry import did_you_mean
from headstart.runtime.contained import believed, content, digest_of, parsed, parsed_yaml
from headstart.runtime.device import Device
from headstart.runtime.durable import write_json
from headstart.runtime.precision import Precision
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks import TASKS
from headstart.tasks.base import Task
from headstart.types import Prediction, Unanswered
from headstart.unseen import escaped

RECIPE = "recipe.yaml"
EVIDENCE = "evidence.json"
MOST_RECIPE = 4 << 20
"""Bytes of the longest recipe: YAML is read at a megabyte a second."""
MOST_EVIDENCE = 128 << 20
"""Bytes of the most that was ever measured, with the rows that it shows."""
MODEL = "model"
"""Name of the part that answers, in an artifact of one part."""


@dataclass
class Artifact:
    """A trained result.

    Args:
        predictor: what turns texts into logits.
        task: bound, so it knows the labels.
        recipe: the resolved recipe as plain data; running it gives the same weights.
        evidence: what was measured, plain data.
        digest: SHA-256 of the manifest that it was read from, which names those of all files that its answers hang on; in folders
            of the first format, of these files too. Empty where it was not read.
        decisions: what outputs go through before predictions are made of them, in order.
        reference: what the training rows look like; None where it was not kept.
        why: how words are weighed in predictions, see `with_why`; None where they are not.
    """

    predictor: Predictor
    task: Task[Any, Any]
    recipe: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    decisions: tuple[Decision, ...] = ()
    reference: Reference | None = None
    why: Method | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the probabilities' columns."""
        return self.task.names

    @property
    def nothing(self) -> dict[str, Any]:
        """What is said of an input without a text: every key of a prediction, with nulls."""
        return dict(self.task.nothing) | dict.fromkeys((*self._asked, *(() if self.why is None else ("why",))))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that predictions are written to."""
        return (*self.task.columns, *self._asked)

    @property
    def _asked(self) -> tuple[str, ...]:
        """What predictions have beside what the task says."""
        sets, scope = sets_asked(self.decisions), scope_asked(self.decisions)
        told = None if scope is None else scope.strangeness  # without held-out rows nothing is refused
        return tuple(
            name for name, asked in (("set", sets), ("in_scope", told), ("words", self.why)) if asked is not None
        )

    def with_sets(self, level: float) -> "Artifact":
        """A copy of the model whose predictions come with sets of labels.

        Args:
            level: probability with which a set is to hold the true label, in (0, 1).

        Raises:
            UsageError: the model does not give one label for each text, or was kept by a version that knew no sets.
        """
        if self.task.target_kind != "label":
            raise UsageError(
                f"prediction sets are for models with one label for each text; this one does {self.task.name}"
            )
        known = next((each for each in self.decisions if isinstance(each, PredictionSets)), None)
        if known is None or known.scores is None:
            raise UsageError(
                "this model has no calibration rows for prediction sets (it was fitted without labels, or by an earlier "
                "version); fit it again on labelled rows"
            )
        decisions = tuple(each.revised(level=level) if each is known else each for each in self.decisions)
        return replace(self, decisions=decisions)

    def with_why(self, method: Method = "occlusion") -> "Artifact":
        """A copy of the model whose predictions come with what each word weighs, see `explain`.

        Args:
            method: how words are weighed.

        Raises:
            UsageError: the model gives no label and no number for a text, or is no network where gradients are asked for.
        """
        refuse_unweighed(self.predictor, self.task, method)
        return replace(self, why=method)

    def explain(
        self, texts: Sequence[Any], *, method: Method = "occlusion", progress: Progress = SILENT
    ) -> list[Explanation | None]:
        """How much each word of each text mattered for what the model says of it: of a label for its probability.

        Args:
            texts: or pairs of them as tuples.
            method: `occlusion`, one pass for each word and one for all of them, for every model that gives labels or numbers;
                `integrated-gradients` for networks.
            progress: advanced by passes.

        Returns:
            One for each text; None for a blank one.

        Raises:
            UsageError: the model gives no label and no number for a text, or is no network where gradients are asked for.
            DataError: as `outputs`.
        """
        refuse_unweighed(self.predictor, self.task, method)
        texts = as_texts(texts)
        blank = [self.task.is_blank(text) for text in texts]
        inputs = [self.task.checked(at, text) for at, text in enumerate(texts) if not blank[at]]
        found = iter(self._weighed(inputs, method, progress))
        return [None if none else next(found) for none in blank]

    def _weighed(self, inputs: Sequence[Any], method: Method, progress: Progress = SILENT) -> list[Explanation]:
        found = weighed(Scorer(self.predictor, self.task, self.decisions), inputs, method, progress=progress)
        return [replace(each, is_altered=True) for each in found] if self.task.alters_texts else found

    def outputs(self, texts: Sequence[Any], *, progress: Progress = SILENT) -> Outputs:
        """Decided outputs of texts, or of pairs of them as tuples; they say which were cut.

        Raises:
            DataError: something that is not a text, a text with half a character (a lone surrogate), one over a
                million characters.
        """
        return self.decide(self.raw_outputs(self.inputs(texts), progress=progress))

    def outputs_of(self, rows: Store[Any], *, progress: Progress = SILENT) -> Outputs:
        """Decided outputs of rows of a file, as the task parsed them.

        Raises:
            ModelError: as `raw_outputs`.
        """
        with np.errstate(all="ignore"):
            return self.decide(_finite(self.predictor.outputs_of(rows, progress=progress)))

    def inputs(self, texts: Sequence[Any]) -> list[Any]:
        """What the tokenizer is given of what users hand over; raises as `outputs` does."""
        return [self.task.checked(at, text) for at, text in enumerate(as_texts(texts))]

    def raw_outputs(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> Outputs:
        """Outputs before any decision, as journals keep them.

        Args:
            inputs: what `inputs` gave.
            progress: advanced by rows.

        Raises:
            ModelError: the weights are so large that what comes out is not finite.
        """
        if not len(inputs):
            return self.task.no_outputs()
        with np.errstate(all="ignore"):
            return _finite(self.predictor.outputs(inputs, progress=progress))

    def decide(self, outputs: Outputs) -> Outputs:
        """Outputs after all decisions, in their order."""
        with np.errstate(all="ignore"):
            return _finite(applied(self.decisions, self.task, outputs))

    def predict_proba(self, texts: Sequence[Any], *, progress: Progress = SILENT) -> np.ndarray:
        """Calibrated probabilities of shape (texts, labels), columns in the order of `labels`.

        Blank texts have some too, which mean nothing; a UserWarning says which they are.

        Raises:
            UsageError: the model says numbers, which have none.
        """
        texts = as_texts(texts)
        self.warn_of_blank(texts)
        return self.task.probabilities(self.outputs(texts, progress=progress))

    def predict(self, texts: Sequence[Any], *, progress: Progress = SILENT) -> list[Any]:
        """What the model says of each input: for tasks with one label per text a `LabelPrediction` with all probabilities.

        Of a blank text it says nothing, as on the command line: `label` and all else is None (see `types.Unanswered`).
        """
        texts = as_texts(texts)
        blank = [self.task.is_blank(text) for text in texts]
        inputs = [self.task.checked(at, text) for at, text in enumerate(texts) if not blank[at]]
        said = iter(self.predictions(self.raw_outputs(inputs, progress=progress), inputs))
        return [Unanswered(self.nothing) if none else next(said) for none in blank]

    def stream(self, texts: Iterable[Any]) -> Iterator[Any]:
        """What the model says of each input as it comes: the next one is asked for when the answer was taken.

        Raises:
            DataError: as `outputs`, at the input that can't be read.
        """
        for text in texts:
            yield self.predict([text])[0]

    def stream_text(self, text: Any) -> Generator[str, None, bool]:
        """The text that is written for one input, bit by bit as it is written, the likeliest word every time or drawn by chance.

        Args:
            text: as `predict` takes it.

        Returns:
            Whether the input was cut.

        Raises:
            UsageError: the model does not write.
            DataError: as `outputs`.
        """
        return self.predictor.stream(*self.inputs([text]))

    def warn_of_blank(self, texts: Sequence[Any]) -> None:
        """Warn of texts without anything to read, where an answer to each is expected."""
        blank = [at for at, text in enumerate(texts) if self.task.is_blank(text)]
        if blank:
            warnings.warn(
                f"{len(blank):,} of {len(texts):,} inputs have a blank text (number {blank[0]} is the first, counted from 0); "
                "what is predicted for them means nothing",
                stacklevel=3,
            )

    def predictions(self, outputs: Outputs, inputs: Sequence[Any]) -> Sequence[Prediction]:
        """What outputs say after all decisions.

        Args:
            outputs: raw ones of the inputs.
            inputs: what `inputs` gave.
        """
        said = self.task.predictions(self.decide(outputs), inputs)
        if self.why is None:
            return said
        return [Explained(*each) for each in zip(said, self._weighed(inputs, self.why), strict=True)]

    def save(self, folder: "str | Path", *, overwrite: bool = False) -> Path:
        """Write the artifact; the folder appears whole or not at all. See `publish` for report and card.

        Raises:
            RunFolderError: the folder is there already.
            StorageError: the disk refuses.
        """
        with new_folder(Path(folder), overwrite=overwrite) as work:
            self.write(work)
        return Path(folder)

    def write(self, folder: Path) -> None:
        """Write all files into an existing folder.

        Raises:
            DivergedError: a weight is not finite.
        """
        described = self.predictor.save(folder)
        save_scope(self.predictor, folder)
        refuse_not_finite(folder)
        own = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
        known = described.pop("digests", {})
        answer = {
            "part": MODEL,
            "task": self.task.plain(),
            "labels": list(self.labels),
            "decisions": [decision.plain() for decision in self.decisions],
        }
        part = {
            "kind": self.predictor.kind,
            "description": described,
            "files": {name: known.get(name) or digest_of(folder, name) for name in own},
        }
        if self.reference is not None:
            self.reference.save(folder)
        (folder / RECIPE).write_text(recipe_text(self.recipe), encoding="utf-8")
        write_json(folder / EVIDENCE, self.evidence)
        more = {
            "parts": {MODEL: part},
            "answers": {self.task.head: answer},
            "backbone": self.evidence.get("backbone"),
        }
        write_manifest(folder, self.predictor.kind, (RECIPE, EVIDENCE, *REFERENCE), **more)


def load(
    folder: "str | Path",
    *,
    task: str | None = None,
    precision: Precision = "auto",
    device: Device = "auto",
    runtime: AskedRuntime = "auto",
) -> Artifact:
    """Read an artifact, or a decoder that goes on with a text.

    Args:
        folder: that `save` or a run wrote; or a decoder as it is: a folder of the hub's format, one of `pretrain`, or a known name.
        task: name of one of several tasks, where the folder is that of a run that learnt several together.
        precision: `auto` scores many texts (512 and more at once) in bfloat16 where the processor has it, and those
            whose label could hang on it again in float32; `float32` all of them.
        device: where a network computes: `cpu`, `cuda`, or `auto`, a GPU where torch can use one.
        runtime: what computes: `auto` is an exported network where there is one that suits, see `headstart export`.

    Raises:
        UnavailableError: a GPU, or a runtime, is asked for that is not there.
        MissingInputError: there is no such folder.
        UsageError: the folder answers several tasks and none of them is named, or the one that is named is not there.
        ModelError: the folder is no artifact, was written by a later format, is damaged, or contradicts itself.
    """
    path = Path(folder)
    if (continued := _continued(str(folder), path)) is not None:
        continued.predictor.place(device)
        return continued
    if not path.is_dir():
        near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise MissingInputError(f"there is no run folder {path}{did_you_mean(path.name, near)}")
    if not os.path.lexists(path / MANIFEST):
        raise ModelError(
            f"{path} holds no headstart model (no {MANIFEST}); make one with: headstart fit DATA -o {quote(str(path))}"
        )
    said, digest = read_manifest(path)
    if said.get("kind") == NETWORK:
        raise ModelError(
            f"{path} holds a network without labels; fit it first: headstart fit DATA --backbone {quote(str(path))}"
        )
    if said.get("kind") == INDEX:
        raise is_index(path)
    if said.get("kind") == EXPORT:
        raise ModelError(
            f"{path} holds a network exported for another runtime; name the folder of the run that it was made of"
        )
    if said.get("kind") == TABLES:
        raise ModelError(f"{path} holds tables of what was found in a file, and no model")
    try:
        with believed(path):
            manifest = checked_manifest(path, said)
            name = _asked(path, manifest, task)
            found = _read(path, manifest, digest, name)
    except ModelError as error:
        raise ModelError(f"{error}{_of_another_version(said)}") from None
    except _NotAsked as error:
        raise UsageError(str(error)) from None
    except (RecipeError, UsageError, DataError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path} is damaged: {reason}{_of_another_version(said)}") from None
    found.predictor.precision = precision
    found.predictor.place(device)
    found.predictor.decisions = found.decisions
    found.predictor.compute_with(runtime)
    return found


def _continued(name: str, path: Path) -> Artifact | None:
    """A decoder as it is, which goes on with texts; None for what is no network of its own."""
    is_known = name in KNOWN and not path.is_dir()
    if not is_known:
        if not path.is_dir() or (os.path.lexists(path / MANIFEST) and read_manifest(path)[0].get("kind") != NETWORK):
            return None
        if (read_json(path, CONFIG) or {}).get("model_type") not in DECODERS:
            return None
    from headstart.predictors.causal import CausalPredictor
    from headstart.tasks.text_generation import TextGeneration

    source = BackboneSource(location=name if is_known else location_of(path))
    predictor = CausalPredictor.of(source, TextGeneration(text=("text",), reference=("text",), metric="chrf"))
    return Artifact(predictor, predictor.task)


def _of_another_version(said: dict[str, Any]) -> str:
    """That a folder was written by another version than this one, as a clause; empty where it was not."""
    return "" if said.get("headstart") in (None, own_version()) else f" (written by headstart {shown_version(said)})"


class _NotAsked(Exception):
    """A task is to be named and is not, or another is; the folder is well."""


def _asked(path: Path, manifest: Manifest, task: str | None) -> str:
    """The name of the answer that is asked for.

    Raises:
        _NotAsked: there are several and none of them is named so, or one and a name is given.
    """
    names = [*manifest.answers]
    if manifest.kind != SEVERAL:
        if task is not None:
            raise _NotAsked(f"{path} answers one task; leave --task {task} out")
        return names[0]
    listed = ", ".join(names)
    if task is None:
        raise _NotAsked(
            f"{path} answers several tasks ({listed}); name one with --task, or take one out with: headstart extract "
            f"{quote(str(path))} --task {names[0]} -o FOLDER"
        )
    if task not in names:
        raise _NotAsked(f"{path} knows no task '{task}'{did_you_mean(task, names)} (tasks: {listed})")
    return task


def tasks_of(folder: "str | Path") -> tuple[str, ...]:
    """Names of the tasks that a folder answers, where a run has learnt several together; empty for any other.

    Raises:
        ModelError: its manifest is damaged.
    """
    path = Path(folder)
    if not os.path.lexists(path / MANIFEST):
        return ()
    said, _ = read_manifest(path)
    return tuple(checked_manifest(path, said).answers) if said.get("kind") == SEVERAL else ()


def task_of(folder: "str | Path", name: str | None = None) -> type[Task[Any, Any]] | None:
    """What a folder does, by its manifest alone; None where it does not say so, which `load` may have words for.

    Args:
        folder: of a run.
        name: of one of several tasks.

    Raises:
        ModelError: its manifest is damaged.
    """
    path = Path(folder)
    if not os.path.lexists(path / MANIFEST):
        return None
    said, _ = read_manifest(path)
    if said.get("kind") in (NETWORK, INDEX, EXPORT, TABLES):
        return None
    answers = checked_manifest(path, said).answers
    answer = answers.get(name) if name is not None else next(iter(answers.values())) if len(answers) == 1 else None
    known = None if answer is None else str(answer.task.get("name"))
    return TASKS.get(known) if known in TASKS.names() else None


def _read(path: Path, manifest: Manifest, digest: str, name: str) -> Artifact:
    """The answer of a name in a folder with a manifest of the right shape, whose SHA-256 is `digest`."""
    answer = manifest.answers[name]
    part, home = manifest.parts[answer.part], path
    if manifest.kind == SEVERAL:
        shared = next(each for each in manifest.parts.values() if each.kind == SEVERAL)
        part, home = part.model_copy(update={"files": {**shared.files, **part.files}}), path / TASKS_FOLDER / name
    task, decisions = _task_and_decisions(answer, str(path / MANIFEST))
    cls = PREDICTORS.get(part.kind)
    unnamed = [name for name in cls.reads if name not in part.files and os.path.lexists(path / name)]
    strange = unnamed if manifest.format > 1 else []
    if manifest.files is not None:
        strange += [name for name in REFERENCE if name not in manifest.files and os.path.lexists(path / name)]
    if strange:
        raise ModelError(
            f"{path / strange[0]} does not belong to the model: {MANIFEST} does not name it; remove the file"
        )
    refuse_damaged(path, {"digests": manifest.files or {}})
    predictor = cls.load(path, task, _checked(path, part))
    load_scope(predictor, path, decisions, digest=part.files.get(SCOPE))
    recipe = parsed_yaml(content(path, RECIPE, most=MOST_RECIPE), path / RECIPE) or {}
    evidence = parsed(content(home, EVIDENCE, most=MOST_EVIDENCE), home / EVIDENCE)
    for place, value in ((path / RECIPE, recipe), (home / EVIDENCE, evidence)):
        if not isinstance(value, dict):
            raise ModelError(f"{place} is damaged: it holds {describe(value)}, expected a mapping of keys to values")
    own = identity(path, digest, unnamed)
    return Artifact(predictor, predictor.task, recipe, evidence, own, decisions, Reference.load(home))  # type: ignore[arg-type]


def _checked(folder: Path, part: StatedPart) -> dict[str, Any]:
    """The description of a part whose files are those that were written with it; weights are left to who reads them.

    Raises:
        ModelError: a file is missing or differs.
    """
    weights = {name: digest for name, digest in part.files.items() if name.endswith(".safetensors")}
    refuse_damaged(folder, {"digests": {name: part.files[name] for name in part.files if name not in weights}})
    return part.description | {"digests": weights}


def _task_and_decisions(answer: StatedAnswer, where: str) -> tuple[Task[Any, Any], tuple[Decision, ...]]:
    """What an answer of a manifest is for, and what its outputs go through.

    Raises:
        HeadstartError: they are not known, do not suit each other, or lack what training rows say.
    """
    values = dict(answer.task)
    task = parse(TASKS.get(str(values.pop("name", None))), values, where=where)
    if [*task.names] != answer.labels and answer.labels:
        raise ModelError(f"{where} is damaged: the labels of the answer are not those of its task")
    task.require_bound()
    decisions = tuple(parse_decision(each, where) for each in answer.decisions)
    names = [decision.name for decision in decisions]
    if names != [name for name in DECISIONS.names() if name in names]:
        raise ModelError(f"{where} is damaged: decisions stand twice or out of order ({', '.join(names)})")
    for decision in decisions:
        decision.require_fitting(task, where)
    return task, decisions


def _finite(outputs: Outputs) -> Outputs:
    if not outputs.is_finite:
        raise ModelError(
            "the model gives numbers that are not finite: its weights, or what it is calibrated by, are too large"
        )
    return outputs


def refuse_not_finite(folder: Path) -> None:
    """Refuse a folder with weights that are not finite.

    Raises:
        DivergedError: there are some.
    """
    for path in sorted(folder.rglob("*.safetensors")):
        with safe_open(str(path), framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118
                if not np.isfinite(file.get_tensor(name)).all():
                    raise DivergedError(f"{name} in {path.name} holds numbers that are not finite; nothing was saved")


def recipe_text(recipe: dict[str, Any]) -> str:
    """A recipe as YAML with a line that says how to run it, in YAML's own escapes where there is something that is not seen."""
    text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
    if escaped(text) != text:
        text = yaml.safe_dump(recipe, sort_keys=False, allow_unicode=False)
    return f"# Run it again: headstart run recipe.yaml --output NEW_FOLDER\n{text}"
