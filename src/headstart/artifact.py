"""The artifact: a trained result as one folder that anyone can load, without pickle and without headstart if need be."""

import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from safetensors import safe_open

from headstart.attribution.explanation import Explained, Explanation, Method
from headstart.attribution.methods import refuse_unweighed, weighed
from headstart.attribution.scorer import Scorer
from headstart.data.arrays import as_texts
from headstart.data.outputs import Outputs
from headstart.data.reference import FILES as REFERENCE
from headstart.data.reference import Reference
from headstart.data.store import Store
from headstart.decisions.base import Decision, applied
from headstart.decisions.out_of_scope import scope_asked
from headstart.decisions.prediction_sets import PredictionSets, sets_asked
from headstart.errors import (
    DivergedError,
    ModelError,
    UsageError,
)
from headstart.folders import new_folder, write_manifest
from headstart.predictors.base import Predictor
from headstart.predictors.scope import save_scope
from headstart.runtime.contained import digest_of
from headstart.runtime.durable import write_json
from headstart.runtime.progress import SILENT, Progress
from headstart.tasks.base import Task
from headstart.types import Prediction, Unanswered
from headstart.unseen import escaped

RECIPE = "recipe.yaml"
EVIDENCE = "evidence.json"
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

    def answer(self, part: str) -> dict[str, Any]:
        """What a manifest says of the task and of the decisions, plain data; see `manifest.StatedAnswer`.

        Args:
            part: name of the part of the manifest that gives outputs.
        """
        decisions = [decision.plain() for decision in self.decisions]
        return {"part": part, "task": self.task.plain(), "labels": list(self.labels), "decisions": decisions}

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
            "answers": {self.task.head: self.answer(MODEL)},
            "backbone": self.evidence.get("backbone"),
        }
        write_manifest(folder, self.predictor.kind, (RECIPE, EVIDENCE, *REFERENCE), **more)


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
