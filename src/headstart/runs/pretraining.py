"""From raw text to a network: `pretrain` from random weights, `adapt` from pretrained ones; what was learnt and what it cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.artifact import EVIDENCE as EVIDENCE_FILE
from headstart.artifact import RECIPE, recipe_text
from headstart.backbones.location import LEARNED, Located
from headstart.errors import RecipeError
from headstart.folders import new_folder, write_manifest
from headstart.manifest import NETWORK, PAGE
from headstart.recipes.languages import DistillVectors
from headstart.recipes.raw_text import Adapt, LanguageModelling, Pretrain
from headstart.runs.conditions import text_conditions
from headstart.runs.learning import measured
from headstart.runs.networks import found_network, made_network, model_of
from headstart.runs.texts import Texts, rows_of
from headstart.runs.transplanted import initial_losses, transplanted_network
from headstart.runs.workspace import Workspace
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.runtime.device import name_of, settled
from headstart.runtime.durable import write_json
from headstart.runtime.finite import require_finite
from headstart.runtime.machine import set_threads
from headstart.runtime.progress import NamedStage, Progress
from headstart.runtime.team import ALONE, Team

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.corpora.survey import Survey
    from headstart.heads.model import Model
    from headstart.training.language import Learned, Learner

SAVING = 6.0
"""Seconds of a budget that saving and the report need."""
LEAST_UPDATES = {"pretrain": 2000, "adapt": 500, "distill-vectors": 2000}
LOW_RANK_RATE = 1e-3
"""Highest learning rate of corrections of low rank."""
SMALLER = {"pretrain": "a smaller --size", "adapt": "fewer --batch-tokens", "distill-vectors": "fewer lines"}
"""What helps where a budget is too short."""
MOST_EPOCHS = 20
"""Where neither updates, epochs nor a budget are given: one pass, or as many as come to so many updates, up to 20."""


@dataclass
class PretrainedNetwork:
    """A network that has learnt from raw text, and what was measured about it."""

    model: Model
    recipe: LanguageModelling | DistillVectors
    evidence: dict[str, Any] = field(default_factory=dict)
    network: Any = None
    """What is saved."""


def learn_language(
    recipe: LanguageModelling,
    progress: Progress,
    work: Workspace | None,
    *,
    started: float,
    team: Team = ALONE,
    strict: bool = False,
) -> PretrainedNetwork | None:
    """Run a recipe of the verb `pretrain` or `adapt`.

    Args:
        recipe: what to learn from, and how.
        progress: told about everything.
        work: the first process's workspace, which holds the shards and the checkpoints; None in the others.
        started: when the command began, on the clock of `time.perf_counter`; a budget counts from there.
        team: processes that all make this call; the first one is given what it came to, the others None.
        strict: go on only under the very conditions that the run was begun under.

    Raises:
        HeadstartError: text or network can't be used.
        RecipeError: nothing fits into the budget.
    """
    if team.size > 1 and recipe.budget is not None:
        raise RecipeError(["budget: several processes keep no common clock; leave the budget out, or run one process"])
    device = settled(recipe.device, processes=team.size)
    threads = set_threads(recipe.threads, torch_runs=True)
    begun = started - (work.spent if work is not None else 0.0)
    deadline = None if recipe.budget is None else Deadline(begun + recipe.budget - SAVING)
    found, surveyed = _found(recipe, progress, work, threads, team, strict)
    place = Path(team.same("" if work is None else str(work.folder)))
    located, vocabulary = found, dict[str, Any]()
    if located is None:
        located = made_network(recipe, surveyed, place, progress, team)
    elif isinstance(recipe, Adapt) and recipe.transplant.vocabulary == "transplant":
        located, vocabulary = transplanted_network(recipe, located, surveyed, place, progress, team)
    model, backbone = model_of(recipe, located, found is not None, team, device)
    progress.enter("tokenising")
    texts = rows_of(recipe, surveyed, backbone, place, progress, team)
    learner = _learner(recipe, model, texts, progress)
    if vocabulary and work is not None and team.size == 1 and learner.objective.direction:
        vocabulary |= {"initial_loss": _initial(learner, work)}
    updates, speed = planned_updates(recipe, learner, deadline, work, team, progress)
    rate = speed.get("rate")
    progress.expect([NamedStage(recipe.verb, updates * recipe.training.batch_tokens / rate if rate else None)])
    progress.enter(recipe.verb)
    made = found is None
    learned, before = _learned(recipe, learner, updates, texts, deadline, work, primed=not made)
    if isinstance(recipe, Adapt) and recipe.lora_rank is not None:
        from headstart.training.low_rank import merge

        merge(backbone)
    if team.rank:
        return None
    operations = speed.get("operations", 0.0)
    evidence = measured(recipe, learner, learned, texts, located, before=before, operations=operations, made=made)
    machine = {"threads": threads, "processes": team.size, "device": name_of(backbone.device.type)}
    evidence |= {"vocabulary": vocabulary} if vocabulary else {}
    evidence |= {"seconds": round(time.perf_counter() - begun, 1), "machine": machine}
    resolved = _resolved(recipe, learner, updates, threads, found or located)
    return PretrainedNetwork(model, resolved, evidence, recipe.objective.published(model))


def _initial(learner: Learner, work: Workspace) -> dict[str, float]:
    """Losses at the start, found once for a run."""
    if "initial_loss" not in work.about:
        work.remember(initial_loss=initial_losses(learner))
    return dict(work.about["initial_loss"])


def _found(
    recipe: LanguageModelling, progress: Progress, work: Workspace | None, threads: int, team: Team, strict: bool
) -> tuple[Located | None, Survey]:
    """The pretrained network, if there is one, and what a first look at the texts finds: those of the run that goes on."""
    from headstart.corpora.survey import survey
    from headstart.training.rawtext import by_objective

    objective: Any = recipe.objective
    progress.expect([NamedStage(name) for name in ("reading", "tokenising", recipe.verb)])
    progress.enter("reading")
    found = found_network(recipe)
    surveyed = survey(by_objective(recipe.data, objective), progress)
    if work is not None:
        inputs: dict[str, Any] = {"texts": surveyed.digest}
        if found is not None:
            inputs["backbone"] = found.source.digest
        work.check(text_conditions(recipe, inputs, threads, team.size), strict=strict)
    return found, surveyed


def _learned(
    recipe: LanguageModelling,
    learner: Learner,
    updates: int,
    texts: Texts,
    deadline: Deadline | None,
    work: Workspace | None,
    *,
    primed: bool,
) -> tuple[Learned, float | None]:
    """What comes of so many updates, where `primed` after a warm-up of the head; and the loss on general text before them."""
    from headstart.training.checkpoints import Stages
    from headstart.training.head_warmup import prime

    stages = Stages(
        None if work is None else work.folder / "stages", recipe.training.checkpoint_every, learner.progress
    )
    if primed:
        prime(learner, updates, stages)
    before = texts.general_loss(learner.model, learner.objective)
    if isinstance(recipe, Adapt):
        _forecast(learner, texts, before)
    try:
        return learner.learn(updates, deadline=deadline, stages=stages, sampled=True), before
    except OutOfTime:
        rounds = learner.settings.rounds
        said = f"budget: {recipe.budget:g} s ended before the first of {rounds} rounds; give more time"
        raise RecipeError([said]) from None


def _resolved(
    recipe: LanguageModelling, learner: Learner, updates: int, threads: int, located: Located
) -> LanguageModelling:
    """The recipe that comes to the same weights again, without a clock."""
    settled = {"epochs": None, "learning_rate": learner.learning_rate, "measured_tokens": learner.held.tokens}
    settled |= {"optimizer": learner.settings.optimizer, "rounds": learner.settings.rounds}
    return recipe.revised(
        training=recipe.training.revised(updates=updates, **settled),
        budget=None,
        threads=threads,
        device=learner.model.backbone.device.type,
        precision="bfloat16" if learner.model.backbone.fast else "float32",
        output=None,
        overwrite=False,
        **({"backbone": located.source} if isinstance(recipe, Adapt) else {}),
    )


def publish_network(
    pretrained: PretrainedNetwork, folder: Path, *, overwrite: bool = False, within: Path | None = None
) -> Path:
    """Write the network as plain transformers loads it, with recipe, evidence, card and report.

    Raises:
        RunFolderError: the folder is there already.
        StorageError: the disk refuses.
        DivergedError: a weight is not finite.
    """
    from headstart.report import language

    network = pretrained.network
    evidence = pretrained.evidence | {"title": folder.name}
    with new_folder(folder, overwrite=overwrite, within=within) as work:
        require_finite(network.state_dict())
        pretrained.model.backbone.save(work, network)
        (work / RECIPE).write_text(recipe_text(pretrained.recipe.plain()), encoding="utf-8")
        write_json(work / EVIDENCE_FILE, evidence)
        write_manifest(work, NETWORK, backbone=evidence["backbone"], **{LEARNED: evidence[LEARNED]})
        (work / PAGE).write_text(language.page(evidence), encoding="utf-8")
        (work / "README.md").write_text(language.card(evidence), encoding="utf-8")
    return folder


def _learner(recipe: LanguageModelling, model: Model, texts: Texts, progress: Progress) -> Learner:
    from headstart.training.head_warmup import own_weights
    from headstart.training.language import Learner
    from headstart.training.stage import LayerGroup

    objective: Any = recipe.objective
    backbone: Backbone = model.backbone
    usual = min(1e-3, 0.5 / backbone.hidden_size) if isinstance(recipe, Pretrain) else 3e-5 if objective.joint else 1e-4
    groups = None
    if isinstance(recipe, Adapt) and recipe.lora_rank is not None:
        groups, usual = [LayerGroup(_low_rank(recipe, model), 1.0)], LOW_RANK_RATE
    elif isinstance(recipe, Adapt) and recipe.top_layers != "all":
        blocks = backbone.blocks()[1:]
        if not 1 <= recipe.top_layers <= len(blocks):
            raise RecipeError([f"top_layers: {recipe.top_layers} is outside [1, {len(blocks)}], the layers there are"])
        moving = [module for block in blocks[-recipe.top_layers :] for module in block]
        groups = [LayerGroup([*moving, *own_weights(model)], 1.0)]
    optimizer = recipe.training.optimizer or ("muon" if isinstance(recipe, Pretrain) else "adamw")
    settings = recipe.training.revised(optimizer=optimizer)
    learner = Learner(
        model, objective, texts.rows, texts.held, settings, settings.learning_rate or usual, recipe.seed,
        backbone.tokenizer, progress, groups, recipe.verb,
    )  # fmt: skip
    learner.measure_on(settings.measured_tokens)
    return learner


def _low_rank(recipe: Adapt, model: Model) -> list[Any]:
    """Corrections of all linear maps; with them what is of the head alone, and vectors of words that are new."""
    from headstart.training.head_warmup import own_weights
    from headstart.training.low_rank import corrected

    if recipe.top_layers != "all":
        raise RecipeError(["top_layers: corrections of --lora-rank are in all layers; leave out one of the two"])
    backbone: Any = model.backbone
    own = own_weights(model)  # before there are corrections
    new = [backbone.network.get_input_embeddings()] if recipe.transplant.vocabulary == "transplant" else []
    return [*corrected(backbone, recipe.lora_rank or 1, seed=recipe.seed), *own, *new]


def planned_updates(
    recipe: LanguageModelling | DistillVectors,
    learner: Learner,
    deadline: Deadline | None,
    work: Workspace | None,
    team: Team,
    progress: Progress,
) -> tuple[int, dict[str, Any]]:
    """How many updates there will be, and the speed that was found: as asked for, or as many as fit until a deadline.

    A run that goes on keeps to its plan.

    Raises:
        RecipeError: not one update fits.
    """
    known = team.same({} if work is None else work.about.get("planned", {}))
    if known:
        learner.measure_on(known.get("measured_tokens"))
        learner.settings = learner.settings.revised(rounds=known.get("rounds", learner.settings.rounds))
        return known["updates"], known
    settings = recipe.training
    limited = deadline is not None and settings.updates is None and settings.epochs is None
    left = deadline.left if deadline is not None and limited else None
    measured = learner.measure(left) if team.size == 1 else None
    speed: dict[str, Any] = {} if measured is None else {"rate": measured[0].rate, "operations": measured[0].operations}
    if settings.updates is not None:
        updates = settings.updates
    elif settings.epochs is not None or deadline is None or measured is None:
        least = min(LEAST_UPDATES[recipe.verb] / max(learner.updates_of(1), 1), MOST_EPOCHS)
        updates = learner.updates_of(settings.epochs or max(1.0, least))
    else:
        found, evaluating = measured
        if settings.measured_tokens is None:
            evaluating = learner.measure_less(deadline, evaluating)
            speed["measured_tokens"] = learner.held.tokens
        learner.measure_seldom(deadline, evaluating)
        speed["rounds"] = learner.settings.rounds
        updates = learner.updates_in(deadline, found, evaluating)
        if updates < 1:
            raise RecipeError(
                [f"budget: {recipe.budget:g} s end before one update would; give more time, or {SMALLER[recipe.verb]}"]
            )
    epochs = updates / learner.updates_of(1)
    rate = f", {speed['rate']:,.0f} tokens/s" if speed else ""
    progress.say("plan", f"{updates:,} updates of about {settings.batch_tokens:,} tokens, {epochs:.2g} passes{rate}")
    planned = {"updates": updates, **speed}
    if work is not None:
        work.remember(planned=planned)
    return updates, planned


def _forecast(learner: Learner, texts: Texts, general: float | None) -> None:
    """Say how strange the text is to the network, before anything is spent on it."""
    from headstart.corpora.forecast import english_splits, forecast

    facts, beside = texts.facts, texts.general_facts
    plain = beside["tokens"] / max(beside["words"], 1) if beside else english_splits(learner.tokenizer.plain)
    own = facts["tokens"] / max(facts["words"], 1)
    loss = learner.held_loss() if general is not None and learner.objective.direction else None
    learner.progress.say("forecast", forecast(own, plain, loss, general))
