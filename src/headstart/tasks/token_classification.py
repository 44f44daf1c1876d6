"""Token classification: spans of words with a type, such as named entities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast

import numpy as np
from pydantic import BeforeValidator, field_validator

from headstart.checks.labels import refuse_rare_types, unseen
from headstart.config import describe
from headstart.data.outputs import Logits
from headstart.data.profile import TableProfile
from headstart.data.spelling import Spelling, position_tags
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.tagged import Mark, input_words, marks_of
from headstart.data.tags import OUTSIDE, Span, allowed, best_paths, lacking, spans_of, split_tag, tags_of
from headstart.data.units import Units
from headstart.data.words import Sentence, Words, joined_words
from headstart.errors import DataError, UsageError
from headstart.metrics import entities
from headstart.metrics.calibration import softmax
from headstart.metrics.classification import log_losses
from headstart.metrics.results import SpanResults
from headstart.metrics.span_errors import SpanOutcome, outcomes
from headstart.tasks.columns import checked_input, require_columns
from headstart.tasks.fitness import Fitness
from headstart.tasks.mistakes import Mistake
from headstart.tasks.pooled import PooledTask, pooled_logits
from headstart.tasks.span_mistakes import span_mistakes
from headstart.tasks.tagged_tables import (
    layout_of,
    remarks_on,
    sentences_of,
    tagged_columns,
    tagged_fitness,
    written,
)
from headstart.types import Dropped, Entity, Tagged

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.heads.base import Head
    from headstart.heads.model import Model
    from headstart.solving.logistic import Solver


SCHEMES = {"bio": "iob2", "iob": "iob1", "io": "iob1", "bilou": "bioes", "bmes": "bioes", "iobes": "bioes"}
"""Other names of schemes."""


def _scheme(value: Any) -> Any:
    return SCHEMES.get(value.lower(), value.lower()) if isinstance(value, str) else value


class TokenClassification(PooledTask[Sentence]):
    """Spans of words with a type: named entities, parts of a citation, chunks.

    Each word has a tag, read at the state of its first subword token (Devlin et al. 2019, section 5.3) or the mean of them.
    Predicted tags are the best sequence that the scheme allows. Sentences longer than the network reads are read in windows
    that overlap; every word is taken from the window in which it has most words around it.

    Needs: `encode`.
    Inputs: CoNLL columns, or a column with words (a JSON list) and one with as many tags, or a column with text and one
        with spans of characters (`[[0, 5, "PER"]]`, or objects with start, end and label as doccano and spaCy have them).
        Tags may be in IOB1, IOB2, BIOES (BILOU, BMES) or bare types, and spelt in other ways, such as `b_per`, `PER-B` or a bare
        B; what is read as what is said, and they are converted to IOB2.
    Loss: cross-entropy in nats over softmax(logits), word by word; with `crf` the negative log-likelihood of the sequence.
    See also: `text-classification` for one label per text.

    Example:
        headstart fit examples/entities/train.conll --test examples/entities/test.conll --task token-classification
    """

    name: ClassVar[str] = "token-classification"
    hub: ClassVar[str] = "token-classification"
    target_kind: ClassVar[str] = "tags"
    metrics: ClassVar[tuple[str, ...]] = ("f1", "precision", "recall", "macro_f1", "log_loss")
    results_kind: ClassVar[str] = SpanResults.kind
    test_metric: ClassVar[Mapping[str, str]] = {"log_loss": "f1"}
    least_for_calibration: ClassVar[int] = 0
    words: ClassVar[bool] = True
    no_windows: ClassVar[str] = "reads long sentences in windows whatever is said, so no word is lost; leave it out"
    can_abstain: ClassVar[bool] = False
    nothing: ClassVar[Mapping[str, Any]] = {"entities": None, "words": None, "tags": None, "truncated": False}

    scheme: Annotated[Literal["iob1", "iob2", "bioes", "plain"] | None, BeforeValidator(_scheme)] = None
    """In which tags are written: `iob1`, `iob2` (`bio`), `bioes` (`bilou`, `bmes`), or `plain` for types as they stand; found
    for each file if not given. Spans of characters need none."""
    drop_rare_labels: bool = False
    """Leave out labels of a single example instead of stopping: their words are taken for words outside of all spans."""
    crf: bool = False
    """Learn how well each tag follows the one before it, too: a chain on top of the head (Lample et al. 2016, section 2.2)."""

    @field_validator("labels")
    @classmethod
    def _tags(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Types that are named without tags as the tags that they come to."""
        if not value or any(tag == OUTSIDE or tag[:2] in ("B-", "I-") for tag in value):
            return value
        return (OUTSIDE, *(f"{prefix}-{kind}" for kind in value for prefix in "BI"))

    @property
    def solver(self) -> Solver:
        """Multinomial logistic regression, word by word."""
        from headstart.solving.logistic import SOFTMAX

        return SOFTMAX

    @property
    def chained(self) -> bool:
        """As `crf` says."""
        return self.crf

    @property
    def types(self) -> tuple[str, ...]:
        """Types of spans, in order of their names."""
        return tuple(sorted({split_tag(name)[1] for name in self.names} - {""}))

    @property
    def label_names(self) -> tuple[str, ...]:
        """Types of spans."""
        return self.types

    @property
    def kinds(self) -> int:
        """Types of spans."""
        return len(self.types)

    def guess(self, table: Table) -> Self:
        """Fill in columns that were not named: those that fit each other, usual names first."""
        require_columns(table, self.text, self.label)
        if self.text is not None and len(self.text) != 1:
            raise DataError(f"{table.file}: {self.name} reads one text column; {len(self.text)} are named with --text")
        said = None if self.label is None else table.named(self.label)
        text, label = tagged_columns(table, table.named(self.text[0]) if self.text else None, said)
        require_columns(table, (text,), label)
        return self.revised(text=(text,), label=label)

    def fitness(self, profile: TableProfile) -> Fitness:
        """Words with as many tags, or texts with spans inside of them."""
        text, label = profile.columns[(self.text or ("",))[0]], profile.columns[self.label or ""]
        return tagged_fitness(text, label)

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Sentence], list[Dropped]]:
        """Sentences of a table; rows that cannot be used, such as those with overlapping spans, are reported."""
        if not labelled:
            return sentences_of(table, self._inputs(table), None)
        return sentences_of(table, self._inputs(table), self._labels(table), self._spelling(table))

    def remarks(self, table: Table) -> list[str]:
        """Sentences about where words and tags stand, how tags are written, and which are not possible where they stand.

        The latter are read as `conlleval` reads them.
        """
        own = (table.named((self.text or ("",))[0]), table.named(self.label or ""))
        found = remarks_on(table, self._inputs(table), self._labels(table), self._spelling(table))
        return [*layout_of(table, *own), *found]

    def bind(self, examples: Store[Sentence]) -> Self:
        """Learn the types, refusing those of a single span."""
        counts, places = Counter[str](), dict[str, int]()
        for row, line in zip(examples.examples, examples.lines, strict=True):
            for span in spans_of(row.label or ()):
                counts[span.type] += 1
                places.setdefault(span.type, line)
        if self.labels:
            known = {split_tag(label)[1] for label in self.labels}
            if unknown := sorted(set(counts) - known):
                raise DataError(
                    f"{examples.file}: type(s) {', '.join(map(repr, unknown[:5]))} are not among those that were given "
                    f"({', '.join(sorted(known - {''}))}); fix the file, or leave 'labels' out of the recipe"
                )
            if odd := lacking(self.labels):
                raise DataError(
                    f"{examples.file}: 'labels' of the recipe lack {odd}, without which the others mean nothing"
                )
            return self
        if self.scheme != "plain" and position_tags(counts):
            raise DataError(
                f"{examples.file}: the types of spans say positions ({', '.join(sorted(counts)[:4])}), and a span is one piece "
                "from its first word to its last; join them, or say --scheme plain if these are types as they stand"
            )
        if self.drop_rare_labels:
            counts = Counter({kind: count for kind, count in counts.items() if count > 1})
        else:
            refuse_rare_types(counts, places, examples.file)
        if not counts:
            raise DataError(
                f"{examples.file}: no row has a span, so there is nothing to learn (all tags in column '{self.label}' say "
                "that their words are outside of every span)"
            )
        tags = [f"{prefix}-{kind}" for kind in sorted(counts) for prefix in "BI"]
        return self.revised(labels=(OUTSIDE, *tags))

    def require_bound(self) -> None:
        """Refuse tags too by which no span can begin, or no word be outside of one; see `Task.require_bound`."""
        super().require_bound()
        if odd := lacking(self.names):
            raise UsageError(f"the task {self.name} has no tag {odd}, without which its others mean nothing")

    def cleaned(self, examples: Store[Sentence]) -> tuple[Store[Sentence], list[Dropped]]:
        """Nothing is left out; types of a single span become words outside where that was asked for, see `targets`."""
        return examples, []

    def known(self, examples: Store[Sentence]) -> tuple[Store[Sentence], list[Dropped]]:
        """The sentences whose types are all known; the others, reported."""
        kept, dropped = [], []
        types = {*self.types}
        for at, row in enumerate(examples.examples):
            strange = sorted({span.type for span in spans_of(row.label or ())} - types)
            if strange:
                reason = unseen(strange[0], types)
                dropped.append(Dropped(examples.file, examples.lines[at], reason))
            else:
                kept.append(at)
        return examples.take(kept) if dropped else examples, dropped

    def checked(self, at: int, given: Any) -> Words:
        """Words of a text, or words given one by one."""
        if isinstance(given, Words):
            return given
        if isinstance(given, str):
            words = input_words(checked_input(at, given, pairs=False))
        elif isinstance(given, Sequence) and all(isinstance(word, str) and word.strip() for word in given):
            words = joined_words([checked_input(at, word, pairs=False) for word in given])
        else:
            raise DataError(f"input {at} is {describe(given)}, expected a text or a list of words")
        if not words.words:
            raise DataError(f"input {at} has no words")
        return words

    def is_blank(self, given: Any) -> bool:
        """Whether a text has no words."""
        return isinstance(given, str) and not input_words(given).words

    def input_of(self, parts: Sequence[str | None]) -> Words | None:
        """Words of a cell or line; None where it has none."""
        text = parts[0]
        words = input_words(text) if text and text.strip() else None
        return words if words and words.words else None

    def units(self, rows: Store[Any]) -> Units:
        """One output for each word."""
        own = getattr(rows.examples, "counts", None)
        return Units.counted([len(row.input.words) for row in rows.examples] if own is None else own)

    def strata(self, rows: Store[Any]) -> Sequence[str]:
        """The rarest type in each sentence; rarest of all are those of the fewest spans."""
        own = [{span.type for span in spans_of(row.label or ())} for row in rows.examples]
        counts = Counter(kind for kinds in own for kind in kinds)
        return [min(kinds, key=lambda kind: (counts[kind], kind)) if kinds else OUTSIDE for kinds in own]

    def counts(self, rows: Store[Any]) -> Mapping[str, int]:
        """Spans of each type, the most frequent first."""
        return dict(Counter(span.type for row in rows.examples for span in spans_of(row.label or ())).most_common())

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """One `PooledHead` that reads words; options: `layers`, `pooling` (of a word's subword tokens), `dropout`."""
        return super().heads(backbone, chained=self.crf, **options)

    def targets(self, examples: Store[Any]) -> np.ndarray:
        """Index of each word's tag, shape (words,); a tag that is not among `names` counts as outside."""
        index = {name: at for at, name in enumerate(self.names)}
        own = [index.get(tag, 0) for row in examples.examples for tag in row.label or (OUTSIDE,) * len(row.input.words)]
        return np.array(own, dtype=np.int64)

    def weights(self, examples: Sequence[Any]) -> np.ndarray:
        """All words alike, shape (words,)."""
        own = getattr(examples, "counts", None)
        return np.ones(sum(len(row.input.words) for row in examples) if own is None else int(own.sum()))

    def forward(self, model: Model, batch: dict[str, Tensor]) -> Tensor:
        """Scores of shape (words, tags), those of a chain left to `criterion` and `read`."""
        return pooled_logits(model, batch, self.head)

    def criterion(self, scores: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Cross-entropy summed over words, and the number of words."""
        from torch.nn.functional import cross_entropy

        each = cross_entropy(scores, batch["targets"], reduction="none")  # (words,)
        return (each * batch["weights"]).sum(), float(batch["weights"].sum())

    def loss(self, model: Model, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Cross-entropy, or what the chain loses, summed over words, and the number of words."""
        scores = self.forward(model, batch)
        if not self.crf:
            return self.criterion(scores, batch)
        head = cast("Any", model.heads[self.head])
        return head.chain.loss(scores, batch["targets"], batch["counts"]), float(batch["weights"].sum())

    def read(self, model: Model, batch: dict[str, Tensor]) -> Logits:
        """Logits of words; with `crf` logarithms of probabilities under the chain."""
        scores = self.forward(model, batch)
        if self.crf:
            scores = cast("Any", model.heads[self.head]).chain(scores, batch["counts"])
        return Logits.of(scores.cpu().numpy(), Units.counted(batch["counts"].cpu().numpy()))

    def decoded(self, outputs: Logits, units: Units) -> np.ndarray:
        """Index of the tag of each word in the best sequence that the scheme allows, shape (words,)."""
        scores = np.log(np.maximum(softmax(outputs.values), 1e-30))
        return best_paths(scores, units.offsets, allowed(self.names, "iob2"))

    def results(self, outputs: Logits, rows: Store[Sentence]) -> SpanResults:
        """Right, predicted and true spans of each sentence and type; losses are those of its words."""
        units = self.units(rows)
        true, said = self._true_spans(rows), self._spans(self.decoded(outputs, units), units)
        losses = units.sums(log_losses(softmax(outputs.values), self.targets(rows)))
        return SpanResults(losses, units.counts, entities.tally(true, said, self.types), self.types)

    def losses_at(self, outputs: Logits, rows: Store[Sentence]) -> Callable[[float], np.ndarray]:
        """Log-loss of each word as a function of the temperature."""
        targets = self.targets(rows)
        return lambda temperature: log_losses(softmax(outputs.values / temperature), targets)

    def losses(self, outputs: Logits, rows: Store[Sentence]) -> np.ndarray:
        """Mean negative log-probability of the true tags of each sentence."""
        units = self.units(rows)
        return units.sums(log_losses(softmax(outputs.values), self.targets(rows))) / np.maximum(units.counts, 1)

    def unit_sort_key(self, values: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """F1 of single words that are not outside, then the negative log-loss."""
        said, loss = values.argmax(1), float(log_losses(softmax(values), targets).mean())
        right = int(((said == targets) & (targets > 0)).sum())
        value = 2 * right / max(int((said > 0).sum() + (targets > 0).sum()), 1)
        return (-loss if self.chosen_metric == "log_loss" else value), -loss

    def choices(self, outputs: Logits) -> tuple[np.ndarray, Units]:
        """A choice for each word, between all tags."""
        return softmax(outputs.values), outputs.units or Units.one_each(len(outputs.values))

    @property
    def columns(self) -> tuple[str, ...]:
        """Tags, and entities with their places."""
        return ("prediction", "entities")

    def predictions(self, outputs: Logits, inputs: Sequence[Any]) -> list[Tagged]:
        """Tags of the words of each input and the entities that they mean, with their places in the text."""
        units = Units.counted([len(each.words) for each in inputs])
        best, shares = self.decoded(outputs, units), softmax(outputs.values)
        sure = shares[np.arange(len(best)), best]
        found = []
        for row, (given, cut) in enumerate(zip(inputs, outputs.truncated, strict=True)):
            own = slice(units.offsets[row], units.offsets[row + 1])
            tags = [self.names[at] for at in best[own]]
            spans = spans_of(tags)
            marks: list[Mark] = marks_of(given, spans)
            named = [
                Entity(*mark, given.text[mark.start : mark.end], float(sure[own][span.start : span.end].min()))
                for mark, span in zip(marks, spans, strict=True)
            ]
            found.append(Tagged(given.words, tuple(tags), tuple(named), bool(cut)))
        return found

    def span_outcomes(self, outputs: Logits, rows: Store[Sentence]) -> list[list[SpanOutcome]]:
        """What became of the true and predicted spans of each sentence."""
        units = self.units(rows)
        said = self._spans(self.decoded(outputs, units), units)
        return [outcomes(true, each) for true, each in zip(self._true_spans(rows), said, strict=True)]

    def mistakes(self, outputs: Logits, rows: Store[Sentence], most: int) -> list[Mistake]:
        """Sentences with a wrong or missing span, those first in which the model is surest of an error."""
        units = self.units(rows)
        best, shares = self.decoded(outputs, units), softmax(outputs.values)
        return span_mistakes(rows, self.span_outcomes(outputs, rows), units, shares[np.arange(len(best)), best], most)

    @classmethod
    def toy_examples(cls) -> list[Sentence]:
        """Twelve sentences, two types, lengths from 1 to 12 words."""
        rows = [
            ("monday", "DAY"), ("the shop opens at nine", "- - - - TIME"), ("on monday at nine", "- DAY - TIME"),
            ("the parcel arrives on monday", "- - - - DAY"), ("it is good", "- - -"), ("nine", "TIME"),
            ("the shop opens on monday at nine now", "- - - - DAY - TIME -"), ("you say monday night", "- - DAY DAY"),
            ("nine at night it is", "TIME TIME TIME - -"), ("a good day to you", "- - - - -"),
            ("the parcel is on its way and it arrives on monday night", "- - - - - - - - - - DAY DAY"),
            ("bad start , bad end", "- - - - -"),
        ]  # fmt: skip
        found = []
        for text, types in rows:
            words = text.split(" ")
            plain = [OUTSIDE if kind == "-" else kind for kind in types.split(" ")]
            found.append(Sentence(joined_words(words), tuple(tags_of(spans_of(plain, "plain"), len(words)))))
        return found

    def _inputs(self, table: Table) -> Sequence[str | None]:
        [name] = self.text or ("text",)
        return table.column(name, "--text")

    def _labels(self, table: Table) -> Sequence[str | None]:
        return table.column(self.label or "", "--label")

    def _spelling(self, table: Table) -> Spelling:
        types = self.types if self.labels else ()
        return written(table, self._inputs(table), self._labels(table), self.scheme, types)

    def _true_spans(self, rows: Store[Sentence]) -> list[list[Span]]:
        """Spans of known types of each sentence."""
        types = {*self.types}
        return [[span for span in spans_of(row.label or ()) if span.type in types] for row in rows.examples]

    def _spans(self, tags: np.ndarray, units: Units) -> list[list[Span]]:
        """Spans of each sentence, from the index of the tag of each word."""
        bounds = zip(units.offsets, units.offsets[1:], strict=False)
        return [spans_of([self.names[at] for at in tags[begin:end]]) for begin, end in bounds]
