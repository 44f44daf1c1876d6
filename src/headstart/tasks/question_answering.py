"""Question answering: the words of a text that answer a question about it, or that it has no answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from headstart.data.answers import Answer
from headstart.data.outputs import Logits
from headstart.data.profile import TableProfile
from headstart.data.questions import AskedText, Question, context_words, words_between
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.data.units import Units
from headstart.errors import DataError, ModelError
from headstart.metrics.answers import Normaliser, exact, f1, mlqa_normaliser, squad_normalised
from headstart.metrics.results import AnswerResults
from headstart.tasks.answer_mistakes import answer_mistakes
from headstart.tasks.answer_spans import best_spans, log_losses_of, log_partitions, row_outputs, shares_of_answers
from headstart.tasks.answer_tables import asked_fitness, guessed, questions_of, remarks_on
from headstart.tasks.columns import checked_input
from headstart.tasks.fitness import Fitness
from headstart.tasks.mistakes import Mistake
from headstart.tasks.pooled import PooledTask
from headstart.types import AnswerPrediction, Dropped, FoundAnswer

if TYPE_CHECKING:
    from torch import Tensor

    from headstart.backbones.base import Backbone
    from headstart.heads.base import Head
    from headstart.solving.logistic import Solver

NEUTRAL = 0.5
"""Threshold of "no answer" and of answers that prefers neither."""


class QuestionAnswering(PooledTask[Question]):
    """The words of a text that answer a question, or that it has no answer (Rajpurkar et al. 2016, 2018).

    The network reads question and context as one input; two linear maps of a word's state say how likely the answer begins and
    ends there (Devlin et al. 2019, section 4.2). Contexts longer than the network reads are read in windows that overlap; every
    word is taken from the window in which it has most around it, so that all of a context's answers share one softmax. "No
    answer" is one more of them, and of several windows the one counts that is least for it. Questions are read up to 64 tokens.

    Needs: `encode`, in both directions.
    Inputs: SQuAD 1.1 or 2.0 JSON, or columns with questions, contexts and answers: a text that stands in the context, with its
        place in `answer_start` or without; a list of objects with text and answer_start; empty where there is no answer.
    Loss: mean of the cross-entropies in nats of beginning and end, over the words of the context and "no answer".
    See also: `token-classification` for all spans of a kind; `text-pair-classification` for yes and no.

    Example:
        headstart fit examples/questions/train.csv --test examples/questions/test.csv --task question-answering
    """

    name: ClassVar[str] = "question-answering"
    hub: ClassVar[str] = "question-answering"
    target_kind: ClassVar[str] = "answer"
    metrics: ClassVar[tuple[str, ...]] = ("answer_f1", "exact_match", "log_loss")
    results_kind: ClassVar[str] = AnswerResults.kind
    pairs: ClassVar[bool] = True
    words: ClassVar[bool] = True
    contradicts: ClassVar[bool] = False  # several people may well answer in different words
    named_outputs: ClassVar[bool] = False
    no_windows: ClassVar[str] = "reads long contexts in windows whatever is said, so no word is lost; leave it out"
    nothing: ClassVar[Mapping[str, Any]] = {
        "answer": None, "score": None, "start": None, "end": None, "no_answer": None, "others": None, "truncated": False,
    }  # fmt: skip

    text: tuple[str, str] | None = None
    """Column(s) with the text: two, the question and the context (`question,context`); guessed if not given."""
    answer_start: str | None = None
    """Column with the place of the answer's first character in the context, from 0; guessed if not given, and not needed where
    the answers' column says places or answers stand once in their context."""
    no_answer: Literal["auto", "always", "never"] = "auto"
    """Whether the model may say that a context has no answer: `auto` where training rows have such questions."""
    max_answer: int = Field(default=30, ge=1, le=10_000)
    """Words of an answer at most, in [1, 10000]; signs count as words."""
    best: int = Field(default=1, ge=1, le=100)
    """Answers or passages that a prediction lists at most, the best one included, in [1, 100]; answers do not overlap."""
    normalise: Literal["squad", "mlqa"] = "squad"
    """How answers are made comparable before they are scored: `squad` as its official scripts have it, without case, English
    articles and ASCII punctuation; `mlqa` without all punctuation of Unicode and the articles of `answer_language` (Lewis et
    al. 2020)."""
    answer_language: Literal["ar", "de", "en", "es", "hi", "vi", "zh"] = "en"
    """Language of the answers under `normalise: mlqa`."""

    @property
    def names(self) -> tuple[str, ...]:
        """Two outputs of each word."""
        return ("start", "end")

    @property
    def label_names(self) -> tuple[str, ...]:
        """There are none."""
        return ()

    @property
    def kinds(self) -> int:
        """Questions are of one kind."""
        return 1

    @property
    def pooling(self) -> str | None:
        """At the token that the architecture's own head reads, so that plain transformers loads the result."""
        return "native"

    @property
    def solver(self) -> Solver:
        """A softmax over the words of each context, once for beginnings and once for ends."""
        from headstart.solving.spans import SPANS

        return SPANS

    @property
    def may_refuse(self) -> bool:
        """Whether "no answer" is one of the answers."""
        return self.no_answer == "always"

    def guess(self, table: Table) -> Self:
        """Fill in columns that were not named: by usual names, else the longer text is the context."""
        text, label, start = guessed(table, self.text, self.label, self.answer_start)
        return self.revised(text=text, label=label, answer_start=start)

    def fitness(self, profile: TableProfile) -> Fitness:
        """Two texts and a third that stands in the second one."""
        return asked_fitness(profile, self.text or ("", ""), self.label or "")

    def parse(self, table: Table, *, labelled: bool = True) -> tuple[Store[Question], list[Dropped]]:
        """Questions of a table; rows without question or context, and those whose answer is not where it is said, are reported."""
        return questions_of(table, self.text or ("", ""), self.label if labelled else None, self.answer_start)

    def remarks(self, table: Table) -> list[str]:
        """How offsets of answers are counted, which were repaired, and which stand more than once."""
        return remarks_on(table, self.text or ("", ""), self.label or "", self.answer_start)

    def bind(self, examples: Store[Question]) -> Self:
        """Learn whether there are questions without an answer.

        Raises:
            DataError: no question has an answer, or fewer than two rows.
        """
        empty = sum(not label for label in examples.labels)
        if empty == len(examples):
            raise DataError(f"{examples.file}: no question has an answer, so there is nothing to learn")
        if len(examples) < 2:
            raise DataError(f"{examples.file}: one question only; give at least two to learn from")
        possible = self.no_answer == "always" or (self.no_answer == "auto" and empty > 0)
        return self.revised(no_answer="always" if possible else "never", metric=self.chosen_metric)

    def require_bound(self) -> None:
        """Refuse a task that is open in whether there may be no answer; see `Task.require_bound`."""
        super().require_bound()
        if self.no_answer == "auto":
            raise DataError(
                f"the task {self.name} does not say whether there may be no answer; bind it to training rows"
            )

    def cleaned(self, examples: Store[Question]) -> tuple[Store[Question], list[Dropped]]:
        """Questions without an answer are left out where it is never said."""
        if self.no_answer != "never":
            return examples, []
        kept = [at for at, label in enumerate(examples.labels) if label]
        reason = "has no answer, and --no-answer never says that all have one"
        dropped = [
            Dropped(examples.file, examples.lines[at], reason) for at in range(len(examples)) if not examples.labels[at]
        ]
        return (examples.take(kept), dropped) if dropped else (examples, [])

    def checked(self, at: int, given: Any) -> AskedText:
        """A question and its context."""
        if isinstance(given, AskedText):
            return given
        if isinstance(given, Mapping) and {"question", "context"} <= {*given}:
            given = given["question"], given["context"]
        question, context = checked_input(at, given, pairs=True)
        return AskedText(question, context)

    def is_blank(self, given: Any) -> bool:
        """Whether question or context has nothing to read."""
        return isinstance(given, Sequence) and not isinstance(given, str) and self.input_of(given) is None

    def input_of(self, parts: Sequence[str | None]) -> AskedText | None:
        """Question and context of a row; None where one of them has nothing to read."""
        question, context = parts
        if not question or not question.strip() or not context or not context_words(context).words:
            return None
        return AskedText(question, context)

    def units(self, rows: Store[Any]) -> Units:
        """One output for "no answer", then one for each word of the context."""
        own = getattr(rows.examples, "counts", None)
        counts = np.array([len(row.input.context_words.words) for row in rows.examples]) if own is None else own
        return Units.counted(np.asarray(counts, dtype=np.int64) + 1)

    def strata(self, rows: Store[Any]) -> Sequence[str]:
        """Whether there is an answer."""
        return ["answer" if label else "no answer" for label in rows.labels]

    def missing(self, rows: Store[Any], kept: Sequence[int] | np.ndarray) -> list[str]:
        """Nothing: no answer need stand in the training rows."""
        return []

    def counts(self, rows: Store[Any]) -> Mapping[str, int]:
        """Questions with an answer and without one."""
        return dict(Counter(self.strata(rows)).most_common())

    def heads(self, backbone: Backbone, **options: Any) -> dict[str, Head]:
        """One `PooledHead` on the last layer that reads words at the token that the architecture's own head reads.

        It begins with the maps that lie beside the network's weights where there are any, such as those of `span-selection`.

        Raises:
            ModelError: the network reads from left to right, so that what stands for "no answer" sees nothing.
        """
        from headstart.backbones.encoder import DECODERS
        from headstart.heads.span_map import known_map

        if (kind := backbone.located.config["model_type"]) in DECODERS:
            raise ModelError(
                f"{backbone.located.identity} ({kind}) reads from left to right; question answering needs a network that reads in "
                "both directions, such as BERT"
            )
        found = super().heads(backbone, **{**options, "layers": (backbone.depth,), "pooling": backbone.poolings[0]})
        if (known := known_map(backbone)) is not None:
            found[self.head].set(known)
            found[self.head].known = True
        return found

    def targets(self, examples: Store[Any]) -> np.ndarray:
        """Number of the row of each output, -1 where it does not count, and the shares of its answers that begin and end there.

        float32, shape (outputs, 3). A row of several answers has each by how often it is given.
        """
        true = [self._true(example) for example in examples.examples]
        return shares_of_answers(true, self.units(examples), nothing=self.may_refuse)

    def weights(self, examples: Sequence[Any]) -> np.ndarray:
        """All outputs alike, shape (outputs,)."""
        return np.ones(self.units(Store(examples, range(len(examples)), "")).total)

    def criterion(self, scores: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, float]:
        """Cross-entropies of beginning and end, their mean summed over questions that have what is to be said, and their number."""
        from headstart.heads.span_map import span_loss

        return span_loss(scores, batch["counts"], batch["targets"])

    def _true(self, example: Question) -> list[tuple[int, int]]:
        """First and last word of each answer of a row, as often as it is given."""
        spans = (words_between(example.input.context_words, each.start, each.end) for each in example.label or ())
        return [span for span in spans if span is not None]

    def losses_at(self, outputs: Logits, rows: Store[Question]) -> Callable[[float], np.ndarray]:
        """Log-loss of each question as a function of the temperature."""
        true = [self._distinct(example) for example in rows.examples]
        units = self.units(rows)
        return lambda temperature: log_losses_of(
            outputs.values.astype(np.float64) / temperature, units, true, nothing=self.may_refuse
        )

    def _distinct(self, example: Question) -> list[tuple[int, int]]:
        return list(dict.fromkeys(self._true(example)))

    def results(self, outputs: Logits, rows: Store[Question]) -> AnswerResults:
        """Exact match and F1 of each question; the loss is that of any of its answers."""
        said = [each.answer for each in self.predictions(outputs, list(rows.inputs))]
        return AnswerResults(self.losses_at(outputs, rows)(1.0), np.ones(len(rows)), *self._matched(said, rows))

    def answer_results(self, said: Sequence[str], rows: Store[Question]) -> AnswerResults:
        """Exact match and F1 of answers, wherever they were found; there are no losses.

        Args:
            said: an answer to each question, empty where it is said that there is none.
            rows: labelled.
        """
        return AnswerResults(np.zeros(len(rows)), np.ones(len(rows)), *self._matched(said, rows))

    def _matched(self, said: Sequence[str], rows: Store[Question]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Exact match and F1 of what is said, and whether there is an answer, each of shape (rows,)."""
        rules: Any = {"rules": "2.0" if self.may_refuse else "1.1", "normalise": self.normaliser}
        true = [[answer.text for answer in label or ()] for label in rows.labels]
        pairs = list(zip(said, true, strict=True))
        matched = np.array([exact(*each, **rules) for each in pairs], dtype=np.float64)
        shared = np.array([f1(*each, **rules) for each in pairs], dtype=np.float64)
        return matched, shared, np.array([bool(each) for each in true], dtype=bool)

    @property
    def normaliser(self) -> Normaliser:
        """How texts are made comparable, as `normalise` says."""
        return squad_normalised if self.normalise == "squad" else mlqa_normaliser(self.answer_language)

    def unit_sort_key(self, values: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """Share of the log-loss that is explained, and the negative log-loss; see `solving.spans`."""
        from headstart.solving.spans import explained

        return explained(values, targets)

    def best_thresholds(self, outputs: Logits, rows: Store[Question]) -> tuple[float, ...] | None:
        """Thresholds of "no answer" and of answers by which the chosen metric is best; None where there always is an answer."""
        if not self.may_refuse or self.chosen_metric == "log_loss":
            return None
        best = self._compared(outputs)
        always = self.revised(no_answer="never").predictions(outputs, list(rows.inputs))
        matched, shared, _ = self._matched([each.answer for each in always], rows)
        value = matched if self.chosen_metric == "exact_match" else shared
        empty = np.array([not label for label in rows.labels], dtype=np.float64)
        order = np.argsort(
            best, kind="stable"
        )  # log of p(no answer) / p(span), rising: from some point on nothing is said
        gains = np.concatenate([[empty.sum()], empty.sum() + np.cumsum((value - empty)[order])])
        at = int(gains.argmax())
        ordered = best[order]
        low = ordered[at - 1] if at else ordered[0] - 1.0
        high = ordered[at] if at < len(ordered) else ordered[-1] + 1.0
        share = float(np.clip(1 / (1 + np.exp(-np.clip((low + high) / 2, -30, 30))), 1e-6, 1 - 1e-6))
        return share, 1 - share

    def _compared(self, outputs: Logits) -> np.ndarray:
        """How much likelier "no answer" is than the best span of each row, as the logarithm of their ratio."""
        found = np.zeros(len(outputs))
        for row in range(len(outputs)):
            own = row_outputs(outputs, row)
            best = best_spans(own, longest=self.max_answer, most=1)
            found[row] = float(own[0].sum(dtype=np.float64)) - (best[0].score if best else 0.0)
        return found

    @property
    def columns(self) -> tuple[str, ...]:
        """The answer (empty where there is none), its probability, its place, the probability of no answer, and the cut."""
        return ("prediction", "score", "start", "end", "no_answer", "truncated")

    def predictions(self, outputs: Logits, inputs: Sequence[Any]) -> list[AnswerPrediction]:
        """The best answer to each question and, as `best` says, others that do not overlap with it."""
        units = outputs.units or Units.counted([])
        partitions = log_partitions(outputs.values, units, nothing=self.may_refuse) if len(units) else np.zeros(0)
        limits = np.array(outputs.thresholds if outputs.thresholds is not None else (NEUTRAL, NEUTRAL))
        found = []
        for row, given in enumerate(inputs):
            own = row_outputs(outputs, row)
            spans = best_spans(own, longest=self.max_answer, most=self.best)
            words = given.context_words
            answers = []
            for span in spans:
                start, end = words.starts[span.first], words.starts[span.last] + len(words.words[span.last])
                share = float(np.exp(span.score - partitions[row]))
                answers.append(FoundAnswer(given.context[start:end], start, end, min(share, 1.0)))
            nothing = float(np.exp(float(own[0].sum(dtype=np.float64)) - partitions[row])) if self.may_refuse else 0.0
            refused = self.may_refuse and nothing / limits[0] >= answers[0].score / limits[1]
            found.append(AnswerPrediction(tuple(answers), min(nothing, 1.0), refused, bool(outputs.truncated[row])))
        return found

    def confidence(self, outputs: Logits) -> np.ndarray:
        """Probability of what is said, shape (rows,)."""
        found = np.zeros(len(outputs))
        units = outputs.units or Units.counted([])
        partitions = log_partitions(outputs.values, units, nothing=self.may_refuse) if len(units) else found
        limits = outputs.thresholds if outputs.thresholds is not None else (NEUTRAL, NEUTRAL)
        margin = float(np.log(limits[0]) - np.log(limits[1]))
        for row in range(len(outputs)):
            own = row_outputs(outputs, row)
            best, empty = best_spans(own, longest=self.max_answer, most=1)[0].score, float(own[0].sum(dtype=np.float64))
            said = empty if self.may_refuse and empty - margin >= best else best
            found[row] = min(float(np.exp(said - partitions[row])), 1.0)
        return found

    def is_right(self, outputs: Logits, rows: Store[Question]) -> np.ndarray:
        """Whether what is said matches an answer exactly, shape (rows,)."""
        return self.results(outputs, rows).exact > 0

    def mistakes(self, outputs: Logits, rows: Store[Question], most: int) -> list[Mistake]:
        """Questions whose answer has no word in common with a true one, or some, the surest first."""
        said = self.predictions(outputs, list(rows.inputs))
        return answer_mistakes(said, self._matched([each.answer for each in said], rows)[1], rows, most)

    @classmethod
    def toy_examples(cls) -> list[Question]:
        """Twelve questions about short texts, two of them without an answer."""
        shop, parcel, day = "the shop opens at nine", "the parcel arrives on monday", "a good day and a bad night"
        way, good = "the parcel is on its way to you now", "it is good on monday"
        rows = [
            ("who opens at nine", shop, "the shop"), ("when is it good", good, "on monday"), ("what arrives", parcel, "the parcel"),
            ("when", "nine", "nine"), ("when does the parcel arrive", parcel + " night", "on monday night"),
            ("what is bad", day, "a bad night"), ("is it rather bad", "it is rather bad , I say", "rather bad"),
            ("what is on its way", way, "the parcel"), ("who says it", "you say it is good", "you"), ("what", "good", "good"),
            ("who says it", "bad", ""), ("what arrives", "yours", ""),
        ]  # fmt: skip
        found = []
        for question, context, answer in rows:
            start = context.find(answer)
            label = (Answer(answer, start, start + len(answer)),) if answer else ()
            found.append(Question(AskedText(question, context), label))
        return found
