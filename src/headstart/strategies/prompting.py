"""In-context prompting: a decoder is asked about each text, with some examples in front, and nothing of it moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from headstart.data.outputs import Generated, Logits
from headstart.data.prompts import (
    LABELS,
    NOTHING,
    NUMBERED,
    USUAL,
    Prompt,
    Shot,
    number_words,
    template_fault,
    verbalized,
)
from headstart.data.store import Store
from headstart.errors import DataError, RecipeError
from headstart.strategies.base import Candidate, Context, Need, Strategy, Work
from headstart.strategies.opinions import bordered
from headstart.strategies.prompt_ways import (
    CALIBRATIONS,
    TRIED,
    TRIED_SENTENCES,
    Calibration,
    Way,
    answers_of,
    drawn,
    loss_of,
    mean_answer,
    numbers_of,
    refuse_shots,
    tried_rows,
    way_of,
)
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.predictors.prompted import NumberScale, PromptedPredictor

ANSWERING = 3.0
"""Passes that a question takes, the prompt once and then the answers that are followed."""


class Prompting(Strategy):
    """In-context learning: the words of each label, by how likely they stand behind a prompt (Brown et al. 2020, section 2).

    Scores are log-probabilities of whole words, summed over their tokens or, with `length_normalised`, their mean. From them a bias
    is taken away: what the network says of texts without content (`contextual`, Zhao et al. 2021, section 5), its mean answer to
    training texts, whose labels are not read (`batch`, Zhou et al. 2024, "Batch Calibration", section 3), or how likely the words
    are without any text (`domain-conditional`, Holtzman et al. 2021, section 3). Which of these, and which template, is chosen by
    the log-loss of up to 120 training rows unless it is given.

    Where rows have numbers, the words are numbers from the lowest to the highest of the training rows; the mean of these by their
    probabilities is mapped to the rows' own numbers by a slope and an offset of least squares on the same training rows.

    Where texts are written, as in translation, examples are turns of a conversation in front of each text, and the network
    writes the assistant's next one.

    Where a text is to answer a question, the network may write words of the text alone: each run of them is scored by how likely
    the network is to write it and to stop then, from the likeliest first words on, and beginnings and ends get what the answers
    that have them come to. It asks as in a conversation where the network has a chat template.

    Where a text may have several labels, each is given from a border on that is the same number of standard deviations for all
    labels, and with which texts have as many labels on average as are expected (`expected_labels`); rows with labels set
    thresholds. An example shows its rarest label.

    Where words are tagged, each type is asked for by its words, and answered with words of the text, as for questions. Runs of
    words that are likelier than that there is none by a margin are spans; the margin of each type is the one with the highest F1
    on up to 60 labelled training rows.

    Needs: a decoder such as `smol`; labels, to choose by and for the examples, or none (then the first template, and `batch`).
    Inputs: texts with one label, several, or a number each, pairs of texts with one label or number; texts that others are written
        for; questions with texts; words with tags.
    See also: `lora`, which trains the same decoder; `contrastive`, which few labels suffice for.

    Example:
        headstart fit examples/feedback/train.csv --strategy prompting --backbone smol --shots 4
    """

    name: ClassVar[str] = "prompting"
    cost: ClassVar[int] = 3
    needs: ClassVar[frozenset[Need]] = frozenset()
    frozen: ClassVar[bool] = True
    gives: ClassVar[frozenset[str]] = frozenset({Logits.kind, Generated.kind})
    why_no_refit: ClassVar[str] = "learns nothing from rows beyond its examples"

    shots: int = Field(default=0, ge=0, le=100)
    """Examples with their answers in front of each text, in [0, 100]."""
    shot_selection: Literal["balanced", "random", "nearest"] = "balanced"
    """Which training rows `shots` are: as many of each label, any, or for each text the most similar ones by BM25."""
    prompt_template: str | None = None
    """What is asked, with `{text}`, or `{first}` and `{second}` of pairs, and `{labels}` for their words; chosen on training
    rows if not given."""
    chat: bool | None = None
    """Ask as in a conversation, by the network's own chat template: the system says the instruction, examples are turns, and the
    assistant's turn begins with the words of a label. If not given, the best template is tried so, too."""
    instruction: str = ""
    """In front of examples and text; `{labels}` stands for the words of all labels. Where texts are written, in front of each text
    that is read; by default what the task says, such as `Translate this text from English to German: `."""
    verbalizer: dict[str, str] | None = None
    """Words that stand for labels (Schick and Schütze 2021, section 3); by default their names without underscores."""
    calibration: Calibration | None = None
    """What is taken away from scores: `none`, `contextual`, `batch` or `domain-conditional`; chosen on training rows if not
    given."""
    length_normalised: bool = False
    """Means over the tokens of a label's words in place of sums."""
    expected_labels: float | None = Field(default=None, gt=0, le=1000, examples=[1.5])
    """Labels that a text has on average where it may have several, or spans of words where these are tagged, over 0; by default
    as labelled rows have it, and 1.5 where there are none."""

    def refuses(self, task: Task) -> str:
        """Refuses tasks whose rows have nothing that could be asked for, and options that have no meaning for them."""
        kind = task.target_kind
        if self.expected_labels is not None and kind not in ("labels", "tags"):
            return "rows have one label, number, answer or text each, so none are expected; leave expected_labels out"
        if kind in ("answer", "tags"):
            return self._refuses_words(kind)
        if kind == "text":
            idle = ("prompt_template", "verbalizer", "calibration", "length_normalised", "chat")
            if odd := self._given(idle):
                return f"texts are written in a conversation, and no words are scored; leave out {odd}"
            nearest = self.shot_selection == "nearest"
            return "examples are the same for all texts; give balanced or random" if nearest else ""
        if kind not in ("label", "labels", "number") or task.words:
            return "it scores the words of labels or numbers for each row, finds words of a text, or writes one"
        if kind == "number" and self.verbalizer is not None:
            return "numbers are their own words; leave out the verbalizer"
        if kind == "labels" and self.calibration is not None:
            return "each label has a border of its own where a text may have several; leave out calibration"
        return "" if self.prompt_template is None else template_fault(self.prompt_template, pairs=task.pairs)

    def _given(self, keys: Sequence[str]) -> str:
        """The first of some options that was given; empty where none was."""
        return next((key for key in keys if getattr(self, key) not in (None, False)), "")

    def _refuses_words(self, kind: str) -> str:
        """What has no meaning where words of a text are found: those that answer a question, or those of a type."""
        tags = kind == "tags"
        idle = ("calibration", "length_normalised") if tags else ("verbalizer", "calibration", "length_normalised")
        if odd := self._given(idle):
            return f"answers are words of the text, and nothing is chosen among labels; leave out {odd}"
        if self.shot_selection == "nearest":
            return f"examples are the same for all {'texts' if tags else 'questions'}; give balanced or random"
        if self.prompt_template is None:
            return ""
        if f"{{{LABELS}}}" in self.prompt_template + self.instruction:
            return "there are no labels that {labels} could stand for"
        return template_fault(self.prompt_template, pairs=not tags, typed=tags)

    def refuses_network(self, task: Task, config: Mapping[str, Any]) -> str:
        """Refuses networks that do not go on with a text."""
        from headstart.backbones.location import DECODE, GENERATE, abilities

        can = abilities(config)
        if GENERATE in can and DECODE not in can:
            return ""
        return f"networks of the architecture {config['model_type']} do not go on with a text; decoders such as smol do"

    def work(self, context: Context) -> Work:
        """Validation rows once, and some training rows once for each template; of texts those that are written."""
        if context.task.target_kind == "text":
            written = context.task.decoding.beams * len(context.validation)  # type: ignore[attr-defined]
            return Work(0.0, 0.0, generating=written / max(len(context.train), 1))
        if context.task.target_kind == "answer":
            return Work(0.0, ANSWERING * len(context.validation) / max(len(context.train), 1))
        if context.task.words:
            rows = len(context.validation) + min(TRIED_SENTENCES, len(context.train))
            return Work(0.0, ANSWERING * len(context.task.label_names) * rows / max(len(context.train), 1))
        templates = len(self._templates(context.task)) + (self.chat is None)
        rows = len(context.validation) + templates * min(TRIED, len(context.train))
        longer = 1 + self.shots * (self.shot_selection == "nearest")
        return Work(0.0, longer * rows / max(len(context.train), 1))

    def fit(self, context: Context) -> Candidate:
        """Compare templates and calibrations on training rows, then read the validation rows; texts are written at once."""
        if context.task.target_kind == "text":
            from headstart.strategies.open_prompts import written

            return written(self, context)
        if context.task.target_kind == "answer":
            from headstart.strategies.open_prompts import answered

            return answered(self, context)
        if context.task.words:
            from headstart.strategies.span_prompts import tagged

            return tagged(self, context)
        words, scale = self._words(context)
        templates = self._templates(context.task)
        if not context.labelled:
            return self._unlabelled(context, Prompt(templates[0], words, self.instruction, bool(self.chat)))
        some = tried_rows(context)
        model = self.model_of(context)
        both = self.tries_conversations(model)
        prompts = [Prompt(each, words, self.instruction, bool(self.chat)) for each in templates]
        context.progress.begin(self.name, len(context.validation) + (len(prompts) + both) * len(some))
        ways = self._ways(context, self._asking(context, model, prompts[0], scale), prompts, some)
        best = min(ways, key=loss_of)
        if both:
            as_chat = replace(best.asked.prompt, chat=True)
            best = min([best, *self._ways(context, best.asked, [as_chat], some, needed=False)], key=loss_of)
        prompt = best.asked.prompt
        values, cut = self._read(context, best.asked)
        best.asked.bias, best.asked.scale = best.bias, best.scale
        context.progress.end()
        outputs = best.asked.decided(values, cut)
        shots = f"{self.shots} {self.shot_selection} shots" if self.shots else "zero shots"
        number = templates.index(prompt.template) + 1
        which = f", template {number} of {len(templates)}" if len(templates) > 1 else ""
        resolved, how = self._resolved(prompt, best.calibration, best.expected)
        said = f"{shots}{which}{', as a conversation' if prompt.chat else ''}, {how}"
        return Candidate(resolved, context.training, best.asked, outputs, said, 0)

    def _resolved(self, prompt: Prompt, calibration: Calibration, expected: float | None) -> tuple[Prompting, str]:
        """Itself with what was chosen, and how scores are calibrated in a few words."""
        own = None if expected is not None else calibration
        resolved = self.revised(prompt_template=prompt.template, chat=prompt.chat, calibration=own)
        if expected is not None:
            return resolved, f"{expected:.2g} labels expected for each text"
        return resolved, f"{calibration} calibration"

    def _unlabelled(self, context: Context, prompt: Prompt) -> Candidate:
        """What asks, calibrated by texts without labels."""
        refuse_shots(self.shots)
        asked = self._asking(context, self.model_of(context), prompt, None)
        calibration = self.calibration or ("batch" if len(context.train) else "domain-conditional")
        texts, sets, expected = list(tried_rows(context).inputs), context.task.target_kind == "labels", None
        context.progress.begin(self.name, len(texts))
        read = bool(texts) if sets else calibration == "batch"
        values = asked.scores(texts, progress=context.progress)[0] if read else np.zeros((1, len(prompt.words)))
        if sets:
            expected = bordered(context, asked, values, texts, self.expected_labels)
        else:
            asked.bias = self._bias(asked, calibration, values)
        context.progress.end()
        resolved, how = self._resolved(prompt, calibration, expected)
        nothing = Logits(np.zeros(0, dtype=bool), np.zeros((0, len(prompt.words)), dtype=np.float32))
        return Candidate(resolved, context.training, asked, nothing, f"zero shots, {how}", 0)

    def shot_rows(self, context: Context, *, pool: int | None = None) -> np.ndarray:
        """Training rows that are the examples, or what these are picked from.

        Args:
            context: whose training rows.
            pool: rows at most that they are picked from; the examples themselves if None.

        Raises:
            RecipeError: there are fewer rows than examples.
        """
        if self.shots > len(context.train):
            few = f"{self.shots} examples are asked for, and there are {len(context.train)} training rows"
            raise RecipeError([f"strategy.shots: {few}"])
        return drawn(context, pool or self.shots, balanced=self.shot_selection == "balanced")

    def _templates(self, task: Task) -> tuple[str, ...]:
        """Templates that are tried: the one that is given, else the usual ones."""
        usual = NUMBERED if task.target_kind == "number" else USUAL
        return usual[task.pairs] if self.prompt_template is None else (self.prompt_template,)

    def _words(self, context: Context) -> tuple[tuple[str, ...], NumberScale | None]:
        """Words to choose between, and what makes a number of them where rows have numbers."""
        from headstart.predictors.prompted import NumberScale

        if context.task.target_kind != "number":
            return verbalized(context.task.names, self.verbalizer), None
        words, values = number_words(numbers_of(context.train).tolist())
        return words, NumberScale(values)

    def model_of(self, context: Context) -> Any:
        from headstart.heads import HEAD
        from headstart.heads.model import Model
        from headstart.heads.vocabulary import VocabularyHead

        backbone = context.backbone()
        return Model(backbone, {HEAD: VocabularyHead(backbone, "causal")})

    def tries_conversations(self, model: Any) -> bool:
        """Whether the best prompt is compared with itself as a conversation.

        Raises:
            RecipeError: prompts are to be conversations, and the network has no chat template.
        """
        has_template = model.backbone.tokenizer.chat_template is not None
        if self.chat and not has_template:
            raise RecipeError(["strategy.chat: the network has no chat template; leave it out"])
        return self.chat is None and has_template

    def _ways(
        self,
        context: Context,
        first: PromptedPredictor,
        prompts: Sequence[Prompt],
        some: Store[Any],
        *,
        needed: bool = True,
    ) -> list[Way]:
        """What comes of each prompt with each calibration on some training rows.

        Args:
            context: of the run.
            first: what asks, with its examples.
            prompts: to compare; those that do not fit are left out.
            some: labelled rows.
            needed: whether one has to fit.

        Raises:
            DataError: none fits, and one has to.
        """
        calibrations = CALIBRATIONS if self.calibration is None else (self.calibration,)
        found, long = list[Way](), list[DataError]()
        for prompt in prompts:
            asked = first.asking(prompt)
            try:
                values, _ = asked.scores(list(some.inputs), apart=True, progress=context.progress)
            except (
                DataError
            ) as error:  # longer with its examples than the network reads, or no conversation to a template
                long.append(error)
                continue
            if context.task.target_kind == "labels":
                expected = bordered(context, asked, values, list(some.inputs), self.expected_labels)
                found.append(way_of(context.task, asked, "batch", asked.bias, values, some)._replace(expected=expected))
                continue
            for calibration in calibrations:
                bias = self._bias(asked, calibration, values)
                found.append(way_of(context.task, asked, calibration, bias, values, some))
        if needed and not found:
            raise long[0]
        return found

    def _read(self, context: Context, asked: PromptedPredictor) -> tuple[np.ndarray, np.ndarray]:
        """Scores of the validation rows, under folds each by examples that it is not among, and which rows were cut."""
        from headstart.strategies.cross_validation import by_fold

        if context.folds is None or not self.shots:
            return asked.scores(list(context.validation.inputs), progress=context.progress)
        found = np.zeros((len(context.validation), len(asked.prompt.words)))
        cut = np.zeros(len(found), dtype=bool)
        for held, part in by_fold(context):
            own = self._asking(part, asked.model, asked.prompt, asked.scale)
            found[held], cut[held] = own.scores(list(part.validation.inputs), progress=context.progress)
        return found, cut

    def _asking(self, context: Context, model: Any, prompt: Prompt, scale: NumberScale | None) -> PromptedPredictor:
        """What asks, with examples of the training rows of a context."""
        from headstart.predictors.prompted import MOST_POOLED, PromptedPredictor

        if not self.shots:
            return PromptedPredictor(model, context.task, prompt, normalised=self.length_normalised, scale=scale)
        nearest = self.shot_selection == "nearest"
        if context.task.target_kind == "labels":  # an example shows one of its labels
            there = [row for row, labels in enumerate(context.train.labels) if labels]
            context = replace(context, train=context.train.take(there))
        rows = self.shot_rows(context, pool=MOST_POOLED if nearest else None)
        chosen = context.train.take(rows.tolist())
        shots = [Shot(*each) for each in zip(chosen.inputs, answers_of(context.task, chosen, scale), strict=True)]
        return PromptedPredictor(
            model,
            context.task,
            prompt,
            shots,
            nearest=self.shots * nearest,
            normalised=self.length_normalised,
            scale=scale,
        )

    def _bias(self, asked: PromptedPredictor, calibration: Calibration, values: np.ndarray) -> np.ndarray:
        """What is added to scores, shape (labels,).

        Args:
            asked: what asks.
            calibration: which one.
            values: scores of training texts.
        """
        from headstart.data.prompts import bare

        if calibration == "none":
            return np.zeros(len(asked.prompt.words))
        if calibration == "domain-conditional":
            return -asked.asking(bare(asked.prompt), shots=()).scores([""])[0][0]
        if calibration == "batch":
            return -mean_answer(values)
        nothing = [(each, each) if asked.task.pairs else each for each in NOTHING]
        return -mean_answer(asked.scores(nothing)[0])
