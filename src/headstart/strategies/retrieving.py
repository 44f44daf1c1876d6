"""What strategies of retrieval share: which passages choices are made on, rankings held out, negatives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.outputs import Ranked
from headstart.strategies.base import Candidate, Context, Strategy

if TYPE_CHECKING:
    from headstart.predictors.bm25 import Bm25Predictor
    from headstart.predictors.passages import RetrievalPredictor

MOST_WHOLE = 20_000
"""Passages up to which choices are made by rankings of all of them; beyond, of those that answer and the best by words."""
BESIDE = 10
"""Passages by words that stand beside those that answer where there are more."""


def is_retrieval(task: Any) -> bool:
    """Whether a task asks for passages."""
    return task.target_kind == "passages"


NOT_RETRIEVAL = "it ranks passages for questions, and the task asks for something else"
"""Why strategies of retrieval refuse other tasks."""
DRAWN = "it is fitted on the first places of rankings, and replies are picked out of a few that were drawn"


def refused_ranking(task: Any) -> str:
    """Why a strategy that is fitted on the first places of rankings cannot serve a task; empty where it can."""
    if not is_retrieval(task):
        return NOT_RETRIEVAL
    return "" if task.results_kind == "ranking" else DRAWN


def words_of(context: Context, **settings: Any) -> Bm25Predictor:
    """BM25 over what is searched, made once in a run by each setting."""
    from headstart.predictors.bm25 import Bm25Predictor
    from headstart.ranking.bm25 import Bm25Settings
    from headstart.strategies.cross_validation import home

    known = home(context).shared.searched
    chosen = Bm25Settings(**settings)
    key = f"bm25 {chosen}"
    if key not in known:
        known[key] = Bm25Predictor(context.task, chosen)
    return known[key]


def vectors_before(context: Context, backbone: Any, numbers: np.ndarray) -> np.ndarray:
    """Vectors of whole passages by the network before training, read once in a run, float32, shape (numbers, hidden).

    Args:
        context: of the run.
        backbone: as it is before training.
        numbers: of the passages, which are among the distinct ones.
    """
    from headstart.predictors.dense import PASSAGE
    from headstart.predictors.encoding import encode
    from headstart.strategies.cross_validation import home

    passages = context.task.passages  # type: ignore[attr-defined]

    def read(some: np.ndarray) -> np.ndarray:
        return encode(backbone, passages.read(some), role=PASSAGE, precision=context.precision).vectors

    if len(passages.distinct) > MOST_WHOLE:
        return read(numbers)
    known = home(context).shared.searched
    if "vectors before" not in known:
        known["vectors before"] = read(passages.distinct)
    return known["vectors before"][np.searchsorted(passages.distinct, numbers)]


def choosing_passages(context: Context) -> np.ndarray | None:
    """Numbers of the passages that validation questions are ranked on, ascending; None for all."""
    passages = context.task.passages  # type: ignore[attr-defined]
    if len(passages.distinct) <= MOST_WHOLE:
        return None
    words = words_of(context).search(list(context.validation.inputs), BESIDE).ids
    answering = [number for example in context.validation.examples for number in example.relevant]
    return np.unique(np.concatenate([words[words >= 0], np.array(answering, dtype=np.int64)]))


def held_out(context: Context, predictor: RetrievalPredictor, k: int | None = None) -> Ranked:
    """What a retriever gives for the validation rows, among the passages that choices are made on.

    Args:
        context: of the run.
        predictor: that searches.
        k: places of each ranking; as many as are kept if None.
    """
    from headstart.tasks.ranking import PLACES

    if k is None and predictor.task.pool(context.validation) is not None:
        return predictor.outputs_of(context.validation, progress=context.progress)
    questions = list(context.validation.inputs)
    return predictor.search(questions, k or PLACES, among=choosing_passages(context), progress=context.progress)


def length_ratio(context: Context) -> float:
    """Characters of a passage in those of a question, about: what it costs to read one, in reads of the other."""
    passages = context.task.passages  # type: ignore[attr-defined]
    some = passages.distinct[:: max(1, len(passages.distinct) // 200)]
    characters = np.mean([len(text) for text in passages.read(some)]) if len(some) else 1.0
    asked = np.mean([len(context.train.get(at).text) for at in range(min(len(context.train), 200))])
    return float(characters / max(asked, 1.0))


def passages_read(context: Context) -> float:
    """Passages that an epoch reads, in training questions: those of one passage are together, `TOGETHER` at most."""
    from headstart.objectives.passage_ranking import TOGETHER

    first = [example.relevant[0] for example in context.train.examples]
    _, counts = np.unique(first, return_counts=True)
    return float((-(-counts // TOGETHER)).sum() / max(len(first), 1))


def reading_work(context: Context) -> float:
    """Reading all passages, in passes over the training questions."""
    count = len(context.task.passages.distinct)  # type: ignore[attr-defined]
    return length_ratio(context) * min(count, MOST_WHOLE) / max(len(context.train), 1)


def mined(ids: np.ndarray, relevant: Sequence[Sequence[int]], count: int, *, seed: int) -> np.ndarray:
    """Negatives drawn from rankings: of the passages that were found and do not answer, some at random.

    Args:
        ids: numbers of passages by question, the hardest first, int64, shape (questions, found); -1 behind the last one.
        relevant: numbers of the passages that answer, by question.
        count: negatives of each question; they are drawn from the hardest `4 * count`.
        seed: of the draw.

    Returns:
        int64, shape (questions, count); -1 where there are fewer.
    """
    random = np.random.default_rng([seed, 0x4E67])
    found = np.full((len(ids), count), -1, dtype=np.int64)
    for row, (own, answers) in enumerate(zip(ids, relevant, strict=True)):
        left = own[(own >= 0) & ~np.isin(own, np.asarray(answers, dtype=np.int64))][: 4 * count]
        drawn = random.permutation(left)[:count]
        found[row, : len(drawn)] = drawn
    return found


def ranked_by_fold(context: Context, ranked: Callable[[Context], Ranked]) -> Ranked:
    """Rankings of the training rows, each by what did not learn from it.

    Args:
        context: with folds.
        ranked: learns from a fold's training rows and gives rankings of its validation rows.
    """
    from headstart.strategies.cross_validation import by_fold

    outputs = context.task.blank(context.train)
    for held, part in by_fold(context):
        outputs.put(held, ranked(part))
    return outputs


def known_fit(context: Context, strategy: Strategy) -> Candidate | None:
    """What a strategy has come to in this run on the rows of the context; None where it has not been fitted on them."""
    return context.shared.searched.get(_key(context, strategy))


def kept(context: Context, strategy: Strategy, candidate: Candidate) -> Candidate:
    """The candidate, remembered for strategies that fit the same one within themselves."""
    context.shared.searched[_key(context, strategy)] = candidate
    return candidate


def staged(context: Context, name: str) -> Context:
    """A run whose checkpoints are kept by name: whether a part is fitted at all may differ where it is resumed."""
    return replace(context, stages=None if context.stages is None else context.stages.within(name))


def _key(context: Context, strategy: Strategy) -> str:
    """Strategy, settings of training, and epoch at which it ends: what its weights depend on within a run."""
    return f"{strategy.plain()} {context.training.plain()} {context.last_epoch} {len(context.train)}"
