"""Zero-shot classification: labels by what they are called, without a row that has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from headstart.config import InputPath
from headstart.data.outputs import Logits
from headstart.data.prompts import usual_words, verbalized
from headstart.errors import RecipeError
from headstart.strategies.base import Candidate, Context, Need, Shared, Strategy, Work
from headstart.strategies.descriptions import read_descriptions
from headstart.strategies.opinions import (
    EVENED,
    FORMS,
    LEAST_STEADIED,
    MATCHED,
    SURE_OF_SETS,
    Opinion,
    borders,
    is_decoder,
    least_loss,
    named_texts,
    network_of_directions,
    steady_over_prompts,
)
from headstart.strategies.prompt_ways import tried_rows
from headstart.strategies.prompting import Prompting
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.predictors.network import NetworkPredictor

NAMES = "names"
"""How the opinion of names alone is called."""
MOST_TEXTS = 5_000
"""Training texts at most that names are held against and clusters are made of."""
LEAST_STEADY = 0.42
"""Agreement of a decoder's answers to two prompts, in that of names over the ways to put them, below which a decoder is left out
where no labels tell what it is worth; see docs/zero-shot.md."""
PLACE = "{label}"
"""Stands for the words of a label in a sentence about it."""
ALONE = "none"
"""Stands for no encoder beside a decoder."""
SURE, SURE_OF_NAMES, SURE_OF_CLUSTERS = 0.5, 0.3, 0.85
"""How sure a decoder, names and clusters are to be, from 0 for chance to 1 for certain; see docs/zero-shot.md."""


class ZeroShot(Strategy):
    """Labels by their names (Chang et al. 2008, "Importance of Semantic Representation: Dataless Classification").

    With an encoder such as `mini`, a label is the direction in which texts lie that are made of its words, and a text gets the
    label whose direction is nearest. Where clusters of the training texts that begin at these directions (spherical k-means)
    still agree with the names, they take the place of these: that gains much where labels are topics, and would lose all where
    they are not. With a decoder such as `smol`, it is how likely the network is to write the label's words behind the text (see
    `prompting`), times what an encoder says, which weighs more where clusters are kept. Labels of rows are not read; where there
    are some, they calibrate, and they choose between names, clusters and prompts by the log-loss of up to 120 training rows.
    With `entailment`, a model of pairs is asked whether a text entails a sentence about each label.

    Where a text may have several labels, each is a decision of its own. A text has a label where it lies nearer to its name, or
    makes a decoder likelier to write it (both are added), than a border says that is the same number of standard deviations for all
    labels, and with which texts have as many labels on average as are expected (`expected_labels`); a model of pairs gives a label
    where it is likelier entailed than not. Rows with labels set temperature and thresholds.

    Where words are tagged, a decoder is asked for the words of each type in a text, as by `prompting`.

    Needs: the labels' names, by `--labels` where the file has none.
    Inputs: texts with one label or several each; with a decoder pairs of texts and words with tags too.
    See also: `prompting`, the decoder alone, with examples; `distillation`, which makes a small model of what it says;
    `feature-extraction`, which few labels suffice for.

    Example:
        headstart fit examples/feedback/train.csv --strategy zero-shot
    """

    name: ClassVar[str] = "zero-shot"
    cost: ClassVar[int] = 1
    needs: ClassVar[frozenset[Need]] = frozenset()
    frozen: ClassVar[bool] = True
    why_no_refit: ClassVar[str] = "learns nothing from labels"

    descriptions: dict[str, str] | None = None
    """Words that stand for labels, such as `{pos: "a happy customer", neg: "a complaint"}`; by default the labels' names."""
    describe: InputPath | None = None
    """File with such words: a table with the columns label and description, or a mapping in JSON or YAML."""
    clusters: bool | None = None
    """Whether clusters of the training texts that begin at the names take their place; by default where both agree."""
    entailment: InputPath | None = Field(default=None, examples=["runs/pairs"])
    """Folder of a run for pairs of texts with labels such as entailment, which is asked about each label in place of the backbone
    (Yin et al. 2019)."""
    entailment_label: str | None = Field(default=None, examples=["entailment"])
    """Label of that run that says that the first text entails the second; by default the one that begins with `entail`."""
    hypothesis_template: str = Field(default="This text is about {label}.", examples=["It was {label}."])
    """Sentence about a label that a text may entail, with `{label}` for its words."""
    expected_labels: float | None = Field(default=None, gt=0, le=1000, examples=[1.5])
    """Labels that a text has on average where it may have several, or spans of words where these are tagged, over 0; by default as
    labelled rows have it, and 1.5 where there are none."""
    embedding_backbone: InputPath = "mini"
    """Encoder beside a decoder: the two opinions are multiplied; `none` asks the decoder alone."""

    @model_validator(mode="after")
    def _once(self) -> ZeroShot:
        if self.descriptions is not None and self.describe is not None:
            raise ValueError("give descriptions or a file of them (describe), not both")
        if PLACE not in self.hypothesis_template:
            raise ValueError(f"hypothesis_template has no {PLACE}, where the words of a label are to stand")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """Descriptions, and the model of pairs."""
        return tuple(each for each in (self.describe, self.entailment) if each is not None)

    def refuses(self, task: Task) -> str:
        """Refuses tasks whose rows have no labels as a whole, and options that have no meaning for one label or for several."""
        if task.target_kind == "answer":
            return "answers have no names to tell them by; a decoder answers questions by prompting"
        if task.target_kind == "tags":
            odd = next((key for key in ("clusters", "entailment") if getattr(self, key)), None)
            return f"words of a text are asked for by each type's name; leave {odd} out" if odd else ""
        if task.target_kind not in ("label", "labels") or task.words:
            return "it tells labels of each row by the labels' names"
        if task.target_kind == "labels" and self.clusters:
            return "a text lies in one cluster and may have several labels; leave clusters out"
        if self.expected_labels is not None and (task.target_kind == "label" or self.entailment is not None):
            why = "a model of pairs says" if task.target_kind == "labels" else "rows have one label each"
            return f"{why}, so none are expected; leave expected_labels out"
        return (
            "a model of pairs is asked about single texts alone" if task.pairs and self.entailment is not None else ""
        )

    def refuses_network(self, task: Task, config: Mapping[str, Any]) -> str:
        """Refuses encoders for pairs of texts, whose labels say how two texts relate and name no topic, and for words of a text."""
        if self.entailment is not None:
            return ""
        if (task.pairs or task.words) and not is_decoder(config):
            what = "how two texts relate" if task.pairs else "which words are of a type"
            return f"an encoder cannot tell from names {what}; take a decoder such as smol (--backbone smol)"
        return ""

    def work(self, context: Context) -> Work:
        """Texts once by the encoder; with a decoder, what prompting does beside it."""
        rows = max(len(context.train), 1)
        if context.located is not None and is_decoder(context.located.config):
            return Prompting().work(context)
        return Work(0.0, (min(MOST_TEXTS, rows) + len(context.validation)) / rows)

    def fit(self, context: Context) -> Candidate:
        """Put every way into words, choose by labels where there are some, by agreement where there are none."""
        words = self._words(context.task)
        located = context.located
        assert located is not None
        if context.task.words:
            asked = Prompting(verbalizer=words, expected_labels=self.expected_labels).fit(context)
            return replace(asked, strategy=self.revised(descriptions=words, describe=None, clusters=False))
        context.progress.begin(self.name, min(MOST_TEXTS, len(context.train)) + len(context.validation))
        if self.entailment is not None:
            found = [self._by_entailment(context, words)]
        else:
            decoder = self._several_by_decoder if context.task.target_kind == "labels" else self._with_decoder
            found = (decoder if is_decoder(located.config) else self._by_encoder)(context, words)
        kept = least_loss(context, found)
        context.progress.end()
        resolved = self.revised(descriptions=words, describe=None, clusters="clusters" in kept.said)
        return Candidate(resolved, context.training, kept.predictor, kept.held, kept.said, 0)

    def _words(self, task: Task) -> dict[str, str]:
        """Words by label; raises DataError for what cannot stand for one."""
        labels = task.label_names
        usual = usual_words(labels) if task.words else {}
        given = read_descriptions(Path(self.describe), labels) if self.describe else self.descriptions
        return dict(zip(labels, verbalized(labels, usual | (given or {}), what="descriptions"), strict=True))

    def _by_entailment(self, context: Context, words: Mapping[str, str]) -> Opinion:
        """What a model of pairs says of each text and a sentence about each label.

        Raises:
            RecipeError: the run is none of pairs, or no label of it says that one text entails another.
        """
        from headstart.loading import load
        from headstart.predictors.entailment import NETWORK, EntailmentPredictor

        assert self.entailment is not None
        artifact = load(self.entailment, precision=context.precision, device=context.device)
        if not artifact.task.pairs or artifact.task.target_kind != "label" or artifact.predictor.kind != NETWORK:
            raise RecipeError(
                [
                    f"strategy.entailment: {self.entailment} does {artifact.task.name}; name one that reads pairs of texts"
                ]
            )
        known = artifact.labels
        wanted = self.entailment_label or next((each for each in known if each.casefold().startswith("entail")), None)
        if wanted not in known:
            named = ", ".join(known[:20])
            raise RecipeError(
                [
                    f"strategy.entailment_label: name the label of {self.entailment} for a text that entails another: {named}"
                ]
            )
        sentences = [self.hypothesis_template.replace(PLACE, each) for each in words.values()]
        predictor = EntailmentPredictor(artifact.predictor, context.task, sentences, known.index(wanted))
        held = predictor.outputs(list(context.validation.inputs), progress=context.progress)
        return Opinion(f"entailment by {Path(self.entailment).name}", predictor, held)

    def _by_encoder(self, context: Context, words: Mapping[str, str]) -> list[Opinion]:
        """Names, clusters, or both to choose from where there are labels; clusters where they agree where there are none."""
        from headstart.grouping.named import by_names, grown, steadiness
        from headstart.predictors.encoding import encode

        backbone = context.backbone()
        order = np.random.default_rng([context.seed, 0x2E05]).permutation(len(context.train))[:MOST_TEXTS]
        texts = list(context.train.take(np.sort(order).tolist()).inputs)
        precision = context.precision
        vectors = encode(backbone, texts, precision=precision, progress=context.progress).vectors
        names = np.stack([encode(backbone, named_texts(words, form)).vectors for form in FORMS])
        named = by_names(names, vectors)
        sets = context.task.target_kind == "labels"
        clusters = grown(named, vectors)
        apart = [by_names(each[None], vectors).cosines(vectors).argmax(axis=1) for each in names] if texts else []
        steady = steadiness(np.stack(apart), len(words)) if apart else 0.0
        ways = [(NAMES, named)] * (self.clusters is not True)
        if not sets and (self.clusters is True or (self.clusters is None and clusters.kept)):
            agreed = f"clusters from names (agreement {clusters.agreement:.2f})"
            ways = [*(ways if context.labelled else []), (agreed, clusters.named)]
        found = []
        for said, directions in ways:
            predictor = network_of_directions(context, backbone, directions, texts or named_texts(words))
            if sets:
                said = f"{said}, {self._evened(context, predictor, texts, words):.2g} labels expected for each text"
            held = predictor.outputs(list(context.validation.inputs), progress=context.progress)
            found.append(Opinion(said, predictor, held, steady))
        return found

    def _evened(
        self, context: Context, predictor: NetworkPredictor, texts: Sequence[str], words: Mapping[str, str]
    ) -> float:
        """Give a network's head a border for each label, from which on it is given; returns the labels of a text that are expected.

        Args:
            context: of the run.
            predictor: whose head has a direction for each label.
            texts: whose labels are not read; texts made of the labels' words stand in for them where they are too few.
            words: of each label.

        Raises:
            RecipeError: more labels are expected than there are.
        """
        from headstart.heads.base import LinearMap

        def scores(some: Sequence[Any]) -> np.ndarray:
            return predictor.outputs(list(some)).values

        factors, summands, count = borders(context, scores, texts[:EVENED], words, self.expected_labels)
        weight, bias = (predictor.head.tensors()[name].cpu().numpy() for name in ("weight", "bias"))
        sure = SURE_OF_SETS * factors
        predictor.head.set(LinearMap(sure[:, None] * weight, sure * bias + SURE_OF_SETS * summands))
        return count

    def _several_by_decoder(self, context: Context, words: Mapping[str, str]) -> list[Opinion]:
        """Each label by how likely the decoder is to write its words, against how likely it is behind other texts.

        Unless it is to be alone, the encoder's log-odds are added, and borders set anew for the sum.
        """
        from headstart.predictors.zero_shot import ZeroShotPredictor

        prompted = Prompting(verbalizer=dict(words), expected_labels=self.expected_labels).fit(context)
        asked: Any = prompted.predictor
        held: Any = prompted.validation
        alone = Opinion(f"likelihood ({prompted.description})", asked, held)
        if self.embedding_backbone == ALONE:
            return [alone]
        (second,) = self._by_encoder(self._encoding(context), words)
        named: Any = second.predictor

        def scores(some: Sequence[Any]) -> np.ndarray:
            return asked.outputs(list(some)).values + named.outputs(list(some)).values

        factors, summands, _ = borders(context, scores, tried_rows(context).inputs, words, self.expected_labels)
        moved = summands / factors
        asked.bias = asked.bias + moved / asked.factor
        share = SURE_OF_SETS * float(factors.mean())
        both = ZeroShotPredictor(asked, named, (share, share))
        values = (share * (held.values + moved + second.held.values)).astype(np.float32)
        said = f"{alone.said} times names"
        return [
            Opinion(said, both, Logits(held.truncated | second.held.truncated, values)),
            *[second] * context.labelled,
        ]

    def _encoding(self, context: Context) -> Context:
        """The run with the encoder that stands beside a decoder."""
        from headstart.backbones.location import BackboneSource, locate

        located = locate(BackboneSource(location=self.embedding_backbone), context.task.needs)
        return replace(context, located=located, shared=Shared())

    def _with_decoder(self, context: Context, words: Mapping[str, str]) -> list[Opinion]:
        """The decoder's opinion and, unless it is to be alone, its product with the encoder's."""
        from headstart.predictors.zero_shot import ZeroShotPredictor, factor_for, product

        prompted = Prompting(verbalizer=dict(words)).fit(context)
        asked: Any = prompted.predictor
        alone = Opinion(f"likelihood ({prompted.description})", asked, prompted.validation)  # type: ignore[arg-type]
        if self.embedding_backbone == ALONE or context.task.pairs:
            return [alone]
        second = least_loss(context, self._by_encoder(self._encoding(context), words))
        if not context.labelled and len(context.train) >= LEAST_STEADIED:
            steady = steady_over_prompts(context, asked)
            if steady < LEAST_STEADY * second.steady:
                why = f"the decoder's answers hang on the prompt: agreement {steady:.2f}, of names {second.steady:.2f}"
                return [second._replace(said=f"{second.said}, alone, since {why}")]
        named: Any = second.predictor
        some = list(context.train.inputs[:MATCHED]) or named_texts(words)
        chance, own = 1 / len(context.task.names), SURE_OF_NAMES if second.said == NAMES else SURE_OF_CLUSTERS
        factors = [
            factor_for(each.outputs(some).values, chance + (1 - chance) * sure)
            for each, sure in ((asked, SURE), (named, own))
        ]
        both = ZeroShotPredictor(asked, named, factors)
        values = product(alone.held.values, second.held.values, factors)
        held = Logits(alone.held.truncated | second.held.truncated, values)
        return [
            Opinion(f"{alone.said} times {second.said}", both, held),
            *([alone, second] if context.labelled else []),
        ]
