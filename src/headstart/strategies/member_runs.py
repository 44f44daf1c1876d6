"""Networks of finished runs that are averaged: opened, and refused where they are not of one shape, or do not answer alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from headstart.artifact import Artifact
from headstart.backbones.tokenizing import TextTokenizer
from headstart.errors import DataError, ModelError, RecipeError
from headstart.heads.weights import Weights
from headstart.loading import load
from headstart.predictors.network import NetworkPredictor
from headstart.predictors.stored import StoredPredictor
from headstart.predictors.trained import predictor_of
from headstart.predictors.twins import TwinPredictor
from headstart.strategies.base import Candidate, Context, Strategy
from headstart.tasks.base import Task

Network = NetworkPredictor | TwinPredictor
"""Predictors that are one network with a head, whose weights have a mean."""
WHERE = "strategy.member_runs"
READING = ("long", "encoder", "crf", "scheme", "mask_terms", "mask_word")
"""Options of tasks that say what a network reads of a row and what its outputs mean."""
OF_HEADS = ("pooling", "layers")
"""What heads read of the states."""
CROSSED = (
    f"{WHERE}: choices are made by cross-validation of the training rows, and none of them can be held out from networks that are "
    "finished; give rows that they have not learnt from with --validation, or cut some off with --folds 0"
)


def opened_members(folders: Sequence[str], context: Context) -> list[Artifact]:
    """The models of run folders, whose weights can be averaged.

    Args:
        folders: at least two.
        context: of the run, whose task and backbone they have to suit.

    Raises:
        DataError: choices are made by cross-validation.
        MissingInputError: there is no such folder.
        ModelError: one holds no network with a head of its own, or is damaged.
        RecipeError: networks, tokenizers, heads, tasks or labels are not alike, or two networks are the same.
    """
    if context.folds is not None:
        raise DataError(CROSSED)
    found = [load(each, device=context.device) for each in folders]
    networks = [_network(folder, each) for folder, each in zip(folders, found, strict=True)]
    faults = [
        _unlike_task(folder, each, context.task) or _unlike_backbone(folder, network, context)
        for folder, each, network in zip(folders, found, networks, strict=True)
    ]
    faults += [
        _unlike_head(folders[0], networks[0], folder, other)
        for folder, other in zip(folders[1:], networks[1:], strict=True)
    ]
    if any(faults):
        raise RecipeError([f"{WHERE}: {fault}" for fault in faults if fault])
    _refuse_equal(folders, networks)
    return found


def _refuse_equal(folders: Sequence[str], networks: Sequence[Network]) -> None:
    """Raises RecipeError where two networks have the same weights, ModelError where tensors have other shapes."""
    points = [each.weights() for each in networks]
    for at, point in enumerate(points[1:], 1):
        points[0].require_shape_of(point)
        if same := next((folders[other] for other in range(at) if _equal(points[other], point)), ""):
            raise RecipeError(
                [f"{WHERE}: {folders[at]} has the weights of {same}, which would count one network as two"]
            )


def members_as_candidates(strategy: Strategy, folders: Sequence[str], context: Context) -> list[Candidate]:
    """The models of run folders as candidates of a run, which have not said anything of its rows yet.

    Args:
        strategy: that averages them.
        folders: of the runs.
        context: of the run, with a validation part.

    Raises:
        HeadstartError: as `opened_members`.
    """
    found = []
    for folder, each in zip(folders, opened_members(folders, context), strict=True):
        model = _network(folder, each).model
        model.backbone.fast, model.backbone.tokenizer.cache = context.fast, context.cache
        nothing = context.task.blank(context.validation)
        predictor = predictor_of(model, context.task)
        found.append(Candidate(strategy, context.training, predictor, nothing, f"network of {folder}", 0))
    return found


def _network(folder: str, artifact: Artifact) -> Network:
    """The predictor of a run that is one network with a pooled head.

    Raises:
        ModelError: it is something else.
    """
    predictor: Any = artifact.predictor
    if isinstance(predictor, StoredPredictor):
        predictor = predictor.network
    if not isinstance(predictor, NetworkPredictor | TwinPredictor):
        kind = artifact.evidence.get("chosen") or predictor.kind
        raise ModelError(
            f"{folder} ({kind}) holds no network with a head whose weights could be averaged; name runs of strategies such as "
            "fine-tuning or lora with --member-runs"
        )
    return predictor


def _unlike_task(folder: str, artifact: Artifact, task: Task[Any, Any]) -> str:
    """What of the task of a model is not that of the run; empty where they are alike."""
    theirs = artifact.task
    if theirs.name != task.name:
        return f"{folder} is a model for {theirs.name}, and this run is about {task.name}"
    if theirs.names != task.names:
        return f"{folder} knows the labels {_shown(theirs.names)}, and the data has {_shown(task.names)}"
    if theirs.output_scale != task.output_scale:
        said = [
            f"{mean:g} with a standard deviation of {spread:g}"
            for mean, spread in (theirs.output_scale, task.output_scale)
        ]
        return (
            f"{folder} has learnt numbers around {said[0]}, and those here are around {said[1]}; name runs of the same "
            "training rows"
        )
    mine, other = ({key: getattr(each, key, None) for key in READING} for each in (theirs, task))
    odd = _differing(mine, other, every=True)
    return f"{folder} has learnt another task than that of this run: {odd}" if odd else ""


def _unlike_backbone(folder: str, network: Network, context: Context) -> str:
    """What sets a network apart from those that start from the backbone of the run; empty where nothing does."""
    if context.located is None:
        return ""
    own = f"this run's backbone {context.located.source.location}"
    if odd := _differing(network.backbone.located.config, context.located.config):
        return f"{folder} has another network than {own}: {odd}; name the backbone of the runs with --backbone"
    if odd := _differing(_of_tokenizer(network.tokenizer), _of_tokenizer(context.backbone().tokenizer), every=True):
        return f"{folder} has another tokenizer than {own}: {odd}; name backbone and --max-length of the runs"
    return ""


def _unlike_head(name: str, first: Network, folder: str, other: Network) -> str:
    """What heads of two networks do not read alike; empty where they do."""
    mine, theirs = ({key: each.head.settings().get(key) for key in OF_HEADS} for each in (first, other))
    odd = _differing(mine, theirs, every=True)
    return f"the heads of {name} and {folder} read different states: {odd}; fit both with one --head" if odd else ""


def _of_tokenizer(tokenizer: TextTokenizer) -> dict[str, Any]:
    """What two tokenizers have to have in common."""
    return {
        "max_length": tokenizer.max_length,
        "overlap of windows": tokenizer.overlap,
        "prompt": tokenizer.prompt,
        "vocabulary": tokenizer.vocabulary,
    }


SILENT_KEYS = frozenset(
    {
        "_name_or_path", "architectures", "dtype", "id2label", "label2id", "problem_type", "torch_dtype",
        "transformers_version", "use_cache", "num_labels", "initializer_range",
    }
)  # fmt: skip
"""Keys of a configuration that say nothing of what can be averaged; those about dropout say nothing either."""
DROPOUT = "drop"


def _differing(mine: Mapping[str, Any], theirs: Mapping[str, Any], *, every: bool = False) -> str:
    """Fields that are not equal, with both values; empty where all are.

    Args:
        mine: values by field.
        theirs: the same.
        every: whether a field that one of them lacks differs; configurations leave out what is usual.
    """
    names = ({*mine} | {*theirs} if every else {*mine} & {*theirs}) - SILENT_KEYS
    odd = sorted(name for name in names if DROPOUT not in name and mine.get(name) != theirs.get(name))
    return ", ".join(f"{name} {_value(mine.get(name))} and {_value(theirs.get(name))}" for name in odd[:5])


def _value(value: Any) -> str:
    """A value in a few words."""
    return f"of {len(value):,} pieces" if isinstance(value, Mapping) and len(value) > 5 else f"{value!r}"[:60]


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(f"'{name}'" for name in names[:5]) + more


def _equal(first: Weights, second: Weights) -> bool:
    """Whether two points of one shape are the same."""
    return all(torch.equal(each, second.tensors[name]) for name, each in first.tensors.items())
