"""A text is written for a text: what tasks of this kind share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field, field_validator

from headstart.checks.languages import language_remarks
from headstart.data.columns import taken
from headstart.data.examples import Example, Examples, joined
from headstart.data.graphemes import is_blank
from headstart.data.outputs import Generated
from headstart.data.profile import TableProfile
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError, UsageError
from headstart.metrics.results import TextResults
from headstart.metrics.written import chrf_of_sums, counted, rouge, signatures
from headstart.objectives.seq2seq import Seq2SeqLoss
from headstart.tasks.base import Task
from headstart.tasks.columns import first_named, require_columns, split_names, stored, text_fault, usable_rows
from headstart.tasks.fitness import Fitness
from headstart.tasks.mistakes import Mistake
from headstart.tasks.written_texts import WrittenText, doubts_of
from headstart.types import Dropped
from headstart.writing.decoding import MOST_TEXTS, Decoding, DecodingOptions

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.heads.base import Head
    from headstart.heads.model import Model

SIDES = (
    ("source", "target"), ("src", "tgt"), ("src", "trg"), ("source", "reference"), ("input", "output"), ("input", "target"),
    ("article", "highlights"), ("article", "summary"), ("document", "summary"), ("dialogue", "summary"), ("text", "summary"),
    ("prompt", "completion"), ("instruction", "response"), ("instruction", "output"), ("question", "answer"), ("text", "reference"),
    ("text", "target"), ("note", "summary"),
)  # fmt: skip
"""Usual names of the columns that are read and written."""
ALIKE = 0.05
"""Share of rows that say the same on both sides, from which on that is said."""
NO_HEAD = "its texts are written by strategies of its own"


class TextWriting(DecodingOptions, Task[Example, Generated]):
    """A task that writes a text for each text, which is held against one reference or several."""

    needs: ClassVar[frozenset[str]] = frozenset()
    outputs_kind: ClassVar[str] = Generated.kind
    target_kind: ClassVar[str] = "text"
    results_kind: ClassVar[str] = TextResults.kind
    can_abstain: ClassVar[bool] = False
    contradicts: ClassVar[bool] = False
    named_outputs: ClassVar[bool] = False
    loss_title: ClassVar[str] = "1 - chrF"
    is_guessed: ClassVar[bool] = False
    no_windows: ClassVar[str] = "reads a text in full; shorten it, or raise --max-length if the backbone allows"
    nothing: ClassVar[Mapping[str, Any]] = {"text": None, "score": None, "others": [], "doubts": [], "truncated": False}

    reference: tuple[str, ...] | None = None
    """Column(s) with the text that is to be written, the first one learnt from (`summary` or `ref1,ref2`); guessed if not given."""

    best: int = Field(default=1, ge=1, le=100)
    """Answers or passages that a prediction lists at most, the best one included, in [1, 100]; of passages 20 are kept."""

    @property
    def decoding(self) -> Decoding:
        """How texts are written.

        Raises:
            UsageError: more texts are asked for than are followed.
        """
        options = {key: getattr(self, key) for key in DecodingOptions.model_fields}
        if self.best > self.beams and not options["sampling_temperature"]:
            raise UsageError(
                f"{self.best} texts are asked for and {self.beams} are followed; raise --beams to {self.best}"
            )
        if self.best > MOST_TEXTS:
            raise UsageError(f"{self.best} texts are asked for; at most {MOST_TEXTS} are written for an input")
        return Decoding(best=self.best, **options)

    @field_validator("reference", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return split_names(value)

    @property
    def sides(self) -> Mapping[str, str]:
        """Columns that were named; line-aligned files end in these names."""
        return {name: name for name in (*(self.text or ()), *(self.reference or ()))}

    @property
    def tokenize(self) -> str:
        """How sacrebleu cuts what is written into words."""
        return "13a"

    @property
    @abstractmethod
    def may_copy(self) -> bool:
        """Whether a text that repeats its input may be right."""

    def guess(self, table: Table) -> Self:
        """Fill in columns that were not named: by usual names, else the first two."""
        references = self.reference or ((self.label,) if self.label else None)
        require_columns(table, self.text, references[0] if references else None)
        names = [*table.columns]
        text = self.text
        if text is None or references is None:
            found = self._sides(names)
            left = [name for name in names if name not in (references or ())]
            text = text or ((found[0],) if found and found[0] in left else tuple(left[:1]))
            left = [name for name in names if name not in text]
            references = references or ((found[1],) if found and found[1] in left else tuple(left[:1]))
        if not text or not references:
            raise DataError(
                f"{table.file} has one column only ({', '.join(names)}); a text and what is to be written for it are needed"
            )
        for name in references:
            require_columns(table, text, name)
        return self.revised(text=text, reference=references, label=references[0])

    def _sides(self, names: Sequence[str]) -> tuple[str, str] | None:
        """Columns that are called as the two sides usually are."""
        for pair in SIDES:
            found = tuple(first_named(names, (each,)) for each in pair)
            if all(found):
                return found  # type: ignore[return-value]
        return None

    def fitness(self, profile: TableProfile) -> Fitness:
        """Never guessed: a text beside a text may as well be a pair with something else to learn."""
        return Fitness(0.0)

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Example], list[Dropped]]:
        """Examples of a table; rows without a text, or without any reference, are reported."""
        names, references = self.text or (), self.reference or ()
        rows = usable_rows(
            table,
            lambda parts: text_fault(joined(parts)),
            texts=names,
            label=references if labelled else None,
            weight=None,
            read=_references,
        )
        columns = [taken(table.column(name, "--text"), rows.kept) for name in names]
        return stored(table, rows, Examples(columns, rows.labels, rows.weights)), rows.dropped

    def remarks(self, table: Table) -> list[str]:
        """Whether many rows say the same on both sides, or are in languages that they are not said to be in."""
        columns = (self.text or ("",))[0], (self.reference or ("",))[0]
        texts, references = (table.columns.get(name) for name in columns)
        if texts is None or references is None or self.may_copy:
            return []
        said = []
        same = sum(one is not None and one == other for one, other in zip(texts, references, strict=True))
        if same > ALIKE * len(table):
            said.append(
                f"{table.file}: {same:,} of {len(table):,} rows say the same on both sides; were they ever translated?"
            )
        source, target = self.languages
        if source and target:
            said += language_remarks(table.file, table.lines, columns, (texts, references), (source, target))
        return said

    def bind(self, examples: Store[Any]) -> Self:
        """A copy with its metric named.

        Raises:
            DataError: all references are the same.
        """
        if len(examples) > 1 and len({*examples.labels}) == 1:
            raise DataError(f"{examples.file}: all rows have the same text to be written, so nothing can be learnt")
        return self.revised(metric=self.chosen_metric)

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """None: words are told by the network's own head."""
        return {}

    def prepare(self, examples: Store[Any], tokenizer: TextTokenizer) -> Any:
        raise UsageError(f"{self.name}: {NO_HEAD}")

    def collate(self, prepared: Any, indices: np.ndarray, pad_id: int) -> Any:
        raise UsageError(f"{self.name}: {NO_HEAD}")

    def forward(self, model: Model, batch: Any) -> Tensor:
        raise UsageError(f"{self.name}: {NO_HEAD}")

    def criterion(self, scores: Tensor, batch: Any) -> tuple[Tensor, float]:
        raise UsageError(f"{self.name}: {NO_HEAD}")

    def blank(self, rows: Store[Example]) -> Generated:
        """Texts of rows to be filled in."""
        return Generated.of([""] * len(rows))

    def targets(self, examples: Store[Example]) -> np.ndarray:
        """The reference that is learnt from of each row, shape (rows,)."""
        return np.array([label[0] for label in examples.labels], dtype=object)

    def weights(self, examples: Sequence[Example]) -> np.ndarray:
        """All rows count alike."""
        return np.ones(len(examples))

    def results(self, outputs: Generated, rows: Store[Example]) -> TextResults:
        """What the first text of each row has in common with its references."""
        written, references = [texts[0] for texts in outputs.texts], [[*label] for label in rows.labels]
        bleu, chrf = counted(written, references, tokenize=self.tokenize)
        shares = np.array([rouge(*each) for each in zip(written, references, strict=True)]).reshape(-1, 3)
        return TextResults(1 - chrf_of_sums(chrf) / 100, np.ones(len(written)), bleu, chrf, shares)

    def signatures(self, rows: Store[Example]) -> dict[str, str]:
        """Those of sacrebleu for BLEU and chrF."""
        counts = {len(label) for label in rows.labels}
        return signatures(self.tokenize, next(iter(counts)) if len(counts) == 1 else None)

    @property
    def columns(self) -> tuple[str, ...]:
        """`prediction` with the text, `score` and `doubts`."""
        return ("prediction", "score", "doubts")

    def predictions(self, outputs: Generated, inputs: Sequence[Any]) -> list[WrittenText]:
        """What was written for each input."""
        rows = zip(outputs.texts, outputs.scores, outputs.ended, outputs.truncated, inputs, strict=True)
        return [
            WrittenText(
                texts, tuple(map(float, scores[: len(texts)])), bool(cut),
                self.doubts(str(given), texts[0], ended=bool(ended)),
            )
            for texts, scores, ended, cut, given in rows
        ]  # fmt: skip

    @property
    def languages(self) -> tuple[str | None, str | None]:
        """Codes of the language that is read and of the one that is written, where they are known."""
        return None, None

    def doubts(self, given: str, written: str, *, ended: bool) -> tuple[str, ...]:
        """What is doubtful about a text that was written, see `doubts_of`."""
        return doubts_of(given, written, ended=ended, may_copy=self.may_copy, languages=self.languages)

    def mistakes(self, outputs: Generated, rows: Store[Example], most: int) -> list[Mistake]:
        """The rows whose text has least in common with its references."""
        losses = self.results(outputs, rows).losses
        worst = np.argsort(-losses, kind="stable")[:most]
        return [
            Mistake(int(row), " / ".join(rows.labels[int(row)]), outputs.texts[row][0], None)
            for row in worst
            if losses[row] > 0
        ]

    @classmethod
    def toy_examples(cls) -> list[Example]:
        """A dozen short sentences with what they are in other words."""
        return Seq2SeqLoss.toy_examples()


def _references(cells: Any) -> tuple[tuple[str, ...] | None, str | None]:
    """The references of a row, and why there are none."""
    cells = cells if isinstance(cells, tuple) else (cells,)
    found = tuple(str(cell) for cell in cells if cell is not None and not is_blank(cell))
    faults = [fault for cell in found if (fault := text_fault(cell))]
    if faults:
        return None, faults[0]
    return (found, None) if found else (None, "no text to be written")
