"""Feature extraction: the backbone stays frozen, a linear head reads the layers that say most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from headstart.errors import RecipeError
from headstart.strategies.base import (
    CHOOSING_ROWS,
    LEAST_STRENGTH,
    MOST_STRENGTH,
    Auto,
    Candidate,
    Context,
    Strategy,
    Work,
    fitting_heads,
)
from headstart.tuning.space import Choices, Dimension, Range

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone

COMPARING = 4.0
"""Seconds in which layers are compared on as many rows as they ever are."""


class FeatureExtraction(Strategy):
    """Frozen backbone, logistic regression on pooled states (Peters et al. 2018, section 3; Devlin et al. 2019, table 7).

    Which layers and which pooling is chosen by cross-validation on training rows: the last layer alone is rarely the best.

    Needs: labels.
    Inputs: those of the task.
    See also: `fine-tuning`, which moves the layers too; `contrastive`, which moves them before a head is fitted.

    Example:
        headstart fit examples/feedback/train.csv --strategy feature-extraction --layers 4,5,6 --pooling mean
    """

    name: ClassVar[str] = "feature-extraction"
    cost: ClassVar[int] = 2
    frozen: ClassVar[bool] = True
    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"fit", "compare"}))
    searched: ClassVar[Mapping[str, Dimension]] = {
        "strategy.pooling": Choices(("first", "mean")),
        "strategy.C": Range(1e-5, 1e2, log=True),
    }

    layers: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] | None = None
    """States read side by side, 0 for the embeddings up to the number of layers; chosen by cross-validation if not
    given."""
    pooling: Literal["first", "mean", "last"] | None = None
    """How tokens become one vector; chosen by cross-validation if not given."""
    C: float | None = Field(default=None, ge=LEAST_STRENGTH, le=MOST_STRENGTH)
    """Inverse strength of regularisation, in [1e-15, 1e15]; of the head on standardised features, chosen if not given, by
    cross-validation up to 2,000 rows and on validation beyond."""
    label_names: bool | None = None
    """Learn from the labels' own words too, as three more texts per label: "This text is about sports." and the like. By
    default with few labels, where choices are made by cross-validation, beside a validation file too: there names that the
    network knows as words are used unless they do harm, others if they help."""

    @field_validator("layers", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, int) else value

    def work(self, context: Context) -> Work:
        """A pass over all rows, and the seconds in which layers are compared and heads are fitted."""
        rows, held = len(context.train), 0 if context.folds is not None else len(context.validation)
        compared = min(rows, CHOOSING_ROWS) / CHOOSING_ROWS
        return Work(0.0, 1.0 + held / max(rows, 1), 0.5, COMPARING * compared**2 + fitting_heads(context))

    def fit(self, context: Context) -> Candidate:
        """Extract once, compare sets of layers, fit the best on all rows."""
        from headstart.heads import HEAD
        from headstart.heads.model import Model
        from headstart.predictors.network import NetworkPredictor
        from headstart.predictors.trained import predictor_of
        from headstart.strategies.crf_heads import outputs, trainable, with_chain
        from headstart.strategies.cross_validation import choosing
        from headstart.strategies.probing import (
            compare_by_folds,
            features,
            has_many_rows,
            sample_note,
            solved_head,
            solving_part,
            solving_rows,
            states_kept,
            strength_by_folds,
        )

        backbone = context.backbone()
        own = context.task.pooling == "native"  # the head of the architecture itself, which reads one state
        options = [((backbone.depth,), backbone.poolings[0])] if own else readings(backbone, self.layers, self.pooling)
        total = len(context.train) + len(context.validation)
        context.progress.begin(self.name, total * 1.5)
        if not has_many_rows(context, backbone):
            features(context, backbone)
        names, chooser = self.label_names, choosing(context)
        if chooser.folds is not None:
            layers, pooling, names = compare_by_folds(chooser, backbone, options, names)
        elif len(options) > 1:
            layers, pooling, _ = compare_by_folds(context, backbone, options, bool(names))
        else:
            layers, pooling = options[0]
        context.progress.advance(0.4 * total)
        settings: dict[str, Any] = {"layers": layers, "pooling": pooling, "names": bool(names)}
        few = chooser.folds is not None or len(solving_rows(context)) <= CHOOSING_ROWS
        strength = self.C or (strength_by_folds(chooser, backbone, **settings) if few else None)
        solved = solved_head(context, backbone, **settings, grid=(strength,) if strength else None)
        solved = with_chain(context, backbone, solved, layers=layers, pooling=pooling)
        head = context.task.heads(backbone, layers=layers, pooling=pooling)
        head[HEAD].set(solved)
        model = Model(backbone, head)
        logits = solved.out_of_fold
        if logits is None:
            _, held = solving_part(context, backbone, layers=layers, pooling=pooling)
            logits = outputs(solved, held.features, context.task.units(context.validation))
        predictor = predictor_of(model, context.task)
        if isinstance(predictor, NetworkPredictor):  # one that reads the two texts of a pair apart keeps no states
            predictor.frozen_states = states_kept(context, backbone, layers=layers, pooling=pooling)
        context.progress.end()
        read = "all layers" if len(layers) == backbone.depth + 1 else f"layer{'s' * (len(layers) > 1)} {_spans(layers)}"
        return Candidate(
            self.revised(layers=layers, pooling=pooling, C=solved.C, label_names=bool(names)),
            context.training,
            predictor,
            context.task.logits(logits, context.validation),
            f"frozen, {pooling} of {read}, C {solved.C:g}{', label names' * bool(names)}",
            trainable(solved),
            notes=sample_note(context),
        )


def readings(
    backbone: Backbone, layers: tuple[int, ...] | None, pooling: str | None
) -> list[tuple[tuple[int, ...], str]]:
    """Layers and pooling to choose from: those that are given, and all that suit the backbone where none are.

    Raises:
        RecipeError: the backbone has no such layer or pooling.
    """
    if layers and max(layers) > backbone.depth:
        raise RecipeError([f"strategy.layers: {max(layers)} is above {backbone.depth}, the last layer of the backbone"])
    if pooling and pooling not in backbone.poolings:
        raise RecipeError(
            [f"strategy.pooling: '{pooling}' does not suit this backbone ({', '.join(backbone.poolings)})"]
        )
    return [
        (some, way)
        for way in ([pooling] if pooling else reversed(backbone.poolings))
        for some in ([layers] if layers else layer_sets(backbone.depth))
    ]


def layer_sets(depth: int) -> list[tuple[int, ...]]:
    """Sets of layers worth comparing: the last, the one before, the middle, the last three, the upper half, all."""
    sets = [
        (depth,),
        (max(depth - 1, 0),),
        (max(depth // 2, 0),),
        tuple(range(max(depth - 2, 0), depth + 1)),
        tuple(range(depth // 2, depth + 1)),
        tuple(range(depth + 1)) if depth <= 12 else tuple(range(0, depth + 1, max(1, depth // 6))),
    ]
    return list(dict.fromkeys(sets))


def _spans(layers: tuple[int, ...]) -> str:
    if len(layers) > 2 and layers == tuple(range(layers[0], layers[-1] + 1)):
        return f"{layers[0]}-{layers[-1]}"
    return ", ".join(map(str, layers))
