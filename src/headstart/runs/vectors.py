"""A student learns a teacher's sentence vectors of lines and of their translations: the verb `distill-vectors`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.backbones.location import ENCODE, LEARNED, BackboneSource, Located, locate
from headstart.data.columns import texts_digest
from headstart.errors import ModelError, RecipeError
from headstart.recipes.languages import DistillVectors
from headstart.runs.conditions import text_conditions
from headstart.runs.parallel import Languages, ParallelLines, cuts_remark, lexicon_of, read_parallel
from headstart.runs.pretraining import SAVING, PretrainedNetwork, planned_updates
from headstart.runs.vocabularies import FOLDER, exchanged, found_again, new_vocabulary, say_origins
from headstart.runs.workspace import Workspace
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.runtime.device import name_of, settled
from headstart.runtime.durable import damage
from headstart.runtime.machine import set_threads
from headstart.runtime.precision import is_fast
from headstart.runtime.progress import NamedStage, Progress
from headstart.runtime.team import ALONE, Team

if TYPE_CHECKING:
    from headstart.backbones.base import Backbone
    from headstart.heads.model import Model
    from headstart.training.language import Learned, Learner
    from headstart.training.teacher_vectors import SentenceVectors, TaughtTexts

KIND = "teacher-vectors"
HELD, SHARE = 1_000, 0.1
"""Lines that are held out at most, and the share of all that is."""
RATE = 3e-4
"""Highest learning rate for a student with pieces that are new to it."""
KEPT_RATE = 1e-4
"""That for a student that keeps its pieces."""
ROLE = "query"
"""Role of texts whose prompt a network may want in front of them."""


def learn_vectors(
    recipe: DistillVectors,
    progress: Progress,
    work: Workspace | None,
    *,
    started: float,
    team: Team = ALONE,
    strict: bool = False,
) -> PretrainedNetwork | None:
    """Run a recipe of the verb `distill-vectors`; arguments as of `learn_language`.

    Raises:
        HeadstartError: lines, teacher or student can't be used.
        RecipeError: nothing fits into the budget.
    """
    if team.size > 1 or work is None:
        raise RecipeError(["distill-vectors runs in one process; start it without torchrun"])
    device, threads = settled(recipe.device), set_threads(recipe.threads, torch_runs=True)
    begun = started - work.spent
    deadline = None if recipe.budget is None else Deadline(begun + recipe.budget - SAVING)
    progress.expect([NamedStage(name) for name in ("reading", "vocabulary", "teacher", recipe.verb)])
    progress.enter("reading")
    lines, held = _lines(recipe, progress)
    teacher = locate(BackboneSource(location=recipe.teacher), frozenset({ENCODE}))
    begins = locate(recipe.student, frozenset({ENCODE}))
    inputs = {"lines": texts_digest([*lines.sources, *lines.targets, *held.sources, *held.targets])}
    inputs |= {"teacher": teacher.source.digest, "backbone": begins.source.digest}
    work.check(text_conditions(recipe, inputs, threads, 1), strict=strict)
    progress.enter("vocabulary")
    located, vocabulary = _student(recipe, begins, lines, work.folder, progress)
    progress.enter("teacher")
    vectors = _teacher_vectors(recipe, teacher, [*lines.sources, *held.sources], device, progress)
    model, objective = _model(recipe, located, vectors, device)
    if vectors.shape[1] != model.backbone.hidden_size:
        raise ModelError(
            f"{teacher.identity} has vectors of {vectors.shape[1]} numbers, the student {begins.identity} of "
            f"{model.backbone.hidden_size}; give a student that is as wide"
        )
    learner = _learner(recipe, model, objective, lines, held, progress)
    updates, speed = planned_updates(recipe, learner, deadline, work, team, progress)
    rate = speed.get("rate")
    progress.expect([NamedStage(recipe.verb, updates * recipe.training.batch_tokens / rate if rate else None)])
    progress.enter(recipe.verb)
    before = _translations(model, held)
    learned = _learned(recipe, learner, updates, deadline, work)
    evidence = _evidence(recipe, learner, learned, (before, _translations(model, held)), teacher, lines, len(held))
    evidence |= {"vocabulary": vocabulary, "backbone": _named(begins, model), LEARNED: None}
    evidence |= {"seconds": round(time.perf_counter() - begun, 1)}
    evidence["machine"] = {"threads": threads, "processes": 1, "device": name_of(device)}
    return PretrainedNetwork(
        model, _resolved(recipe, learner, updates, threads, begins), evidence, model.backbone.network
    )


def _lines(recipe: DistillVectors, progress: Progress) -> tuple[ParallelLines, ParallelLines]:
    """Lines to learn from, and lines that retrieval is measured on."""
    named = Languages(recipe.source_language, recipe.target_language)
    options: dict[str, Any] = {"columns": recipe.columns, "encoding": recipe.encoding, "named": named}
    lines = read_parallel(recipe.source, recipe.target, **options)
    for remark in lines.remarks:
        progress.say("lines", remark, warning=True)
    if recipe.held_out:
        if len(recipe.held_out) > 2:
            raise RecipeError(["held_out: names one table or two aligned files"])
        first, second = (*recipe.held_out, None)[:2]
        beside = read_parallel(str(first), second, **options)
        seen = {*lines.sources}
        fresh = [row for row, text in enumerate(beside.sources) if text not in seen]
        held = beside.take(fresh[:HELD] or range(min(HELD, len(beside))))
        return lines, held
    distinct = list({text: row for row, text in enumerate(lines.sources)}.values())  # a question has one answer
    order = np.random.default_rng([recipe.seed, 0x11E5]).permutation(np.array(distinct))
    count = min(HELD, max(1, round(SHARE * len(lines))))
    chosen = {lines.sources[row] for row in order[:count].tolist()}
    rest = [row for row, text in enumerate(lines.sources) if text not in chosen]
    return lines.take(rest), lines.take(np.sort(order[:count]).tolist())


def _student(
    recipe: DistillVectors, begins: Located, lines: ParallelLines, place: Path, progress: Progress
) -> tuple[Located, dict[str, Any]]:
    """The folder of the student with its vocabulary, and what is said of that."""
    from headstart.backbones.exchange import require_exchangeable, tokenizer_of
    from headstart.backbones.transplanting import is_lowercase

    if recipe.vocabulary == "kept":
        return begins, {"how": "kept"}
    if not damage(place / FOLDER):
        return found_again(begins, place)
    require_exchangeable(begins)
    before = tokenizer_of(begins)
    if remark := cuts_remark(_cuts(before, lines), begins.identity):
        progress.say("lines", remark, warning=True)
    lexicon = {}
    if recipe.word_vectors == "dictionary" and recipe.vocabulary in ("new", "extended"):
        lexicon = lexicon_of(lines, lowercase=is_lowercase(before), seed=recipe.seed)
    after, origins = new_vocabulary(
        begins, before, [*lines.sources, *lines.targets], how=recipe.vocabulary, size=recipe.vocabulary_size,
        vectors=recipe.word_vectors, dictionary=lexicon, seed=recipe.seed, further=lines.targets,
    )  # fmt: skip
    pieces = after.get_vocab_size(with_added_tokens=True)
    say_origins(origins.counts, pieces, progress)
    said = {"how": recipe.vocabulary, "pieces": pieces, **origins.counts}
    return exchanged(begins, before, after, origins.rows, place, said)


def _cuts(tokenizer: Any, lines: ParallelLines) -> tuple[float, float]:
    from headstart.corpora.forecast import splits

    some = slice(None, None, max(1, len(lines) // 500))
    return splits(tokenizer, lines.sources[some]), splits(tokenizer, lines.targets[some])


def _teacher_vectors(
    recipe: DistillVectors, teacher: Located, texts: list[str], device: str, progress: Progress
) -> np.ndarray:
    """The teacher's vectors of texts, of length 1, float32, shape (texts, hidden); kept from run to run."""
    from headstart.backbones.base import open_backbone
    from headstart.data.cache import no_cache, user_cache
    from headstart.predictors.encoding import encode

    names = sorted({*texts})
    cache = user_cache() if recipe.cache else no_cache()

    def fill(found: np.ndarray) -> None:
        backbone = open_backbone(teacher, needs=frozenset({ENCODE}))
        backbone.to(device)
        progress.begin(f"vectors of {teacher.identity}", len(names))
        encode(backbone, names, role=ROLE, precision=recipe.precision, into=found, progress=progress)
        progress.end()

    about = {"teacher": teacher.source.digest, "length": teacher.source.max_length, "texts": texts_digest(names)}
    about |= {"fast": is_fast(recipe.precision, device)}
    found = np.asarray(cache.get(KIND, about, (len(names), int(teacher.config["hidden_size"])), fill))
    rows = {text: row for row, text in enumerate(names)}
    return found[[rows[text] for text in texts]]


def _model(recipe: DistillVectors, located: Located, vectors: np.ndarray, device: str) -> tuple[Model, SentenceVectors]:
    import torch

    from headstart.backbones.base import open_backbone
    from headstart.heads.model import Model
    from headstart.training.teacher_vectors import SentenceVectors

    torch.manual_seed(recipe.seed)
    backbone = open_backbone(located, needs=frozenset({ENCODE}))
    backbone.to(device)
    backbone.fast = is_fast(recipe.precision, device)
    return Model(backbone, {}), SentenceVectors(vectors)


def _learner(
    recipe: DistillVectors, model: Model, objective: SentenceVectors, lines: ParallelLines, held: ParallelLines, progress: Progress
) -> Learner:  # fmt: skip
    from headstart.training.language import Learner

    backbone: Backbone = model.backbone
    learnt = _taught(objective, backbone, lines, 0)
    beside = _taught(objective, backbone, held, len(lines))
    if cut := int((learnt.texts.lost > 0).sum()):
        progress.say(
            "lines", f"{cut:,} of {len(learnt):,} lines are longer than the student reads; their ends are cut off"
        )
    rate = recipe.training.learning_rate or (KEPT_RATE if recipe.vocabulary in ("kept", "trimmed") else RATE)
    settings = recipe.training.revised(optimizer=recipe.training.optimizer or "adamw")
    learner = Learner(
        model, objective, learnt, beside, settings, rate, recipe.seed, backbone.tokenizer, progress, None, recipe.verb,
        judge=lambda model: sum(_translations(model, held)) / 2,
    )  # fmt: skip
    learner.measure_on(settings.measured_tokens)
    return learner


def _taught(objective: SentenceVectors, backbone: Backbone, lines: ParallelLines, first: int) -> TaughtTexts:
    """Lines and their translations, each with the number of the line's vector, as the student reads them."""
    from headstart.data.examples import Example
    from headstart.data.store import Store

    prompt = backbone.prompts.get(ROLE, "")
    sides = (lines.sources, lines.targets)
    examples = [Example(prompt + text, float(first + at)) for side in sides for at, text in enumerate(side)]
    return objective.prepare(Store(examples, range(1, len(examples) + 1), "lines"), backbone.tokenizer)


def _translations(model: Model, held: ParallelLines) -> tuple[float, float]:
    """Retrieval accuracy of the student on held-out lines: translations of the source, and of the target."""
    from headstart.predictors.encoding import encode
    from headstart.training.teacher_vectors import retrieval_accuracy

    training = model.training
    precision = "bfloat16" if model.backbone.fast else "float32"
    vectors = [
        encode(model.backbone, side, role=ROLE, precision=precision).vectors for side in (held.sources, held.targets)
    ]
    model.train(training)
    return retrieval_accuracy(*vectors)


def _learned(
    recipe: DistillVectors, learner: Learner, updates: int, deadline: Deadline | None, work: Workspace
) -> Learned:
    from headstart.training.checkpoints import Stages

    stages = Stages(work.folder / "stages", recipe.training.checkpoint_every, learner.progress)
    try:
        return learner.learn(updates, deadline=deadline, stages=stages)
    except OutOfTime:
        said = f"budget: {recipe.budget:g} s ended before the first of {learner.settings.rounds} rounds; give more time"
        raise RecipeError([said]) from None


def _named(begins: Located, model: Model) -> dict[str, Any]:
    parameters = sum(each.numel() for each in model.backbone.parameters())
    return {"name": begins.identity, "architecture": begins.config["model_type"], "parameters": parameters}


def _evidence(
    recipe: DistillVectors,
    learner: Learner,
    learned: Learned,
    accuracy: tuple[tuple[float, float], tuple[float, float]],
    teacher: Located,
    lines: ParallelLines,
    held: int,
) -> dict[str, Any]:
    from headstart.runs.learning import notes_of

    losses, best = [row["loss"] for row in learned.curve], learned.history.best
    sides = ("source_to_target", "target_to_source")
    facts = {"documents": len(lines), "characters": sum(map(len, (*lines.sources, *lines.targets)))}
    names = [recipe.source, *([] if recipe.target is None else [recipe.target])]
    return {
        "verb": recipe.verb,
        "objective": {"name": "sentence-vectors"},
        "teacher": teacher.identity,
        "languages": lines.languages._asdict(),
        "data": {"texts": names, "facts": facts, "tokens": learner.rows.tokens, "rows": len(learner.rows),
                 "held_out_tokens": learner.held.tokens},
        "updates": learned.updates,
        "done_updates": learned.curve[-1]["updates"],
        "tokens": learned.curve[-1]["tokens"],
        "loss": {"before": losses[0], "after": losses[best]},
        "retrieval": {"before": sum(accuracy[0]) / 2, "after": sum(accuracy[1]) / 2, "lines": held,
                      **{side: {"before": accuracy[0][at], "after": accuracy[1][at]} for at, side in enumerate(sides)}},
        "curve": learned.curve,
        "best": best,
        "speed": {"tokens_per_second": round(learned.speed.rate, 1), "seconds": round(learned.speed.seconds, 1),
                  "operations_per_token": learned.speed.operations},
        "samples": [],
        "notes": notes_of(learned),
    }  # fmt: skip


def _resolved(recipe: DistillVectors, learner: Learner, updates: int, threads: int, begins: Located) -> DistillVectors:
    """The recipe that comes to the same weights again, without a clock."""
    settled = {"epochs": None, "learning_rate": learner.learning_rate, "measured_tokens": None}
    settled |= {"optimizer": learner.settings.optimizer, "rounds": learner.settings.rounds}
    return recipe.revised(
        training=recipe.training.revised(updates=updates, **settled),
        backbone=begins.source,
        budget=None,
        threads=threads,
        device=learner.model.backbone.device.type,
        precision="bfloat16" if learner.model.backbone.fast else "float32",
        output=None,
        overwrite=False,
    )
