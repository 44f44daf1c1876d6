"""Answers by the words that a question and a text have in common: what answers questions without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headstart.data.outputs import Logits
from headstart.data.questions import AskedText
from headstart.data.units import Units
from headstart.errors import ModelError
from headstart.manifest import Stated
from headstart.predictors import overlap
from headstart.predictors.base import Runtime, ScaledPredictor, digests, refuse_task, stated
from headstart.predictors.chain import bare_source
from headstart.predictors.overlap import NOTHING, WIDTH, Terms
from headstart.runtime.contained import arrays, content, parsed
from headstart.runtime.progress import SILENT, Progress
from headstart.solving.span_scores import KINDS, LENGTHS, LONGEST, WHOLE, SpanLayout, SpanMap, best_through
from headstart.tasks.base import Task

WEIGHTS, TERMS = "overlap.safetensors", "terms.json"
CHUNK = 200
"""Questions answered at once."""
LISTS = ("asked", "traits", "stems")
"""Lists of names in the file of terms; its `pairs` are numbers of the first two."""


class WordOverlapPredictor(ScaledPredictor):
    """Half the score of the best span through each word, as its first and as its last one, so that their sum finds that span.

    Args:
        terms: what is known of questions and words.
        weight: maps of features to numbers of first and last words, shape (2, features).
        judged: what spans are judged by as a whole.
        task: bound, `question-answering`.
        factor: what scores are multiplied by, so that probabilities are calibrated.
    """

    kind: ClassVar[str] = "word-overlap"
    reads: ClassVar[tuple[str, ...]] = (WEIGHTS, TERMS)
    runtime: ClassVar[Runtime] = "numpy"

    def __init__(
        self, terms: Terms, weight: np.ndarray, judged: SpanMap, task: Task[Any, Any], factor: float = 1.0
    ) -> None:
        super().__init__(task)
        self.terms = terms
        self.weight = np.ascontiguousarray(weight, dtype=np.float32)
        self.judged = judged
        self.factor = factor

    @property
    def longest(self) -> int:
        """Words of an answer at most."""
        return longest_of(self.task)

    def values(self, inputs: Sequence[AskedText]) -> tuple[np.ndarray, SpanLayout]:
        """Numbers of first and last words, float64, shape (units, 2), and how units lie."""
        features, layout = self.terms.features(inputs)
        return (features @ self.weight.T).astype(np.float64), layout

    def outputs(self, inputs: Sequence[AskedText], *, progress: Progress = SILENT) -> Logits:
        """Outputs of "no answer" and of the words of each context, one row after the other; nothing is ever cut."""
        found = [np.zeros((0, 2))]
        for start in range(0, len(inputs), CHUNK):
            some = inputs[start : start + CHUNK]
            found.append(self.factor * best_through(*self.values(some), self.judged, self.longest))
            progress.advance(len(some))
        units = Units.counted([len(each.context_words.words) + 1 for each in inputs])
        return Logits.of(np.concatenate(found).astype(np.float32), units)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write `overlap.safetensors` and `terms.json`."""
        from safetensors.numpy import save_file

        tensors = {
            "weight": self.weight,
            "spans": np.array([*self.judged.weights, self.judged.scale, self.judged.nothing]),
            "rarity": np.array(list(self.terms.rarity.values())),
            "factor": np.array([self.factor]),
        }
        save_file(tensors, str(folder / WEIGHTS))
        lists = dict(zip(LISTS, (self.terms.asked, self.terms.traits, list(self.terms.rarity)), strict=True))
        said = json.dumps({**lists, "pairs": self.terms.pairs.tolist()}, ensure_ascii=True)
        (folder / TERMS).write_text(said, encoding="utf-8")
        return {"digests": digests(folder)}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> WordOverlapPredictor:
        """Read what `save` wrote."""
        stated(Stated, folder, description)
        refuse_task(folder, cls.kind, task, suits=task.target_kind == "answer")
        (asked, traits, stems), pairs = _terms(folder)
        shapes = {
            "weight": (2, len(pairs) + WIDTH + NOTHING),
            "spans": (KINDS + WHOLE + 2,),
            "rarity": (len(stems),),
            "factor": (1,),
        }
        tensors = arrays(folder, WEIGHTS, shapes, digest=description["digests"].get(WEIGHTS))
        if tensors["factor"][0] <= 0 or (tensors["rarity"] <= 0).any():
            raise ModelError(f"{folder / WEIGHTS} is damaged: its factor, or how rare a stem is, is not over 0")
        *weights, scale, nothing = tensors["spans"].tolist()
        terms = Terms(asked, traits, pairs, dict(zip(stems, tensors["rarity"].tolist(), strict=True)))
        judged = SpanMap(np.array(weights), scale, nothing)
        return cls(terms, tensors["weight"], judged, task, float(tensors["factor"][0]))

    def usage(self) -> str:
        """Code with numpy and safetensors only."""
        names = ("shape_of", "traits_of", "asked_for", "stem_of", "overlaps")
        options: Any = self.task
        given: dict[str, Any] = {
            "weights": WEIGHTS, "terms": TERMS, "width": WIDTH, "kinds": KINDS, "longest": self.longest,
            "functions": "\n\n".join(bare_source(getattr(overlap, name)) for name in names),
            "constants": "\n".join(f"{name} = {_plain(getattr(overlap, name))}" for name in CONSTANTS),
            "lengths": LENGTHS.tolist(),
            "ending": _REFUSING.format(limits=self.thresholds or (0.5, 0.5)) if options.may_refuse else _ANSWERING,
        }  # fmt: skip
        return _CODE.format(**given)


CONSTANTS = ("ASKING", "ENDS", "REACHES", "STEM", "OWN", "COVERED", "FOUND", "SIGNS")


def longest_of(task: Task[Any, Any]) -> int:
    """Words of an answer at most, as the task says and no more than spans are scored for."""
    return min(int(getattr(task, "max_answer", LONGEST)), LONGEST)


def _plain(value: Any) -> str:
    return f"{{{', '.join(map(ascii, sorted(value)))}}}" if isinstance(value, frozenset) else repr(value)


def _terms(folder: Path) -> tuple[list[list[str]], np.ndarray]:
    """Names and pairs of the file of terms.

    Raises:
        ModelError: it is of another shape.
    """
    said = parsed(content(folder, TERMS), folder / TERMS)
    if not isinstance(said, dict) or {*said} != {*LISTS, "pairs"}:
        raise ModelError(f"{folder / TERMS} is damaged: expected {', '.join(LISTS)} and pairs")
    for key in LISTS:
        names = said[key]
        if (
            not isinstance(names, list)
            or not all(isinstance(name, str) for name in names)
            or len({*names}) < len(names)
        ):
            raise ModelError(f"{folder / TERMS} is damaged: '{key}' is no list of names, each once")
    pairs, asked, traits = said["pairs"], len(said["asked"]), len(said["traits"])
    sound = isinstance(pairs, list) and all(
        isinstance(pair, list) and [*map(type, pair)] == [int, int] and 0 <= pair[0] < asked and 0 <= pair[1] < traits
        for pair in pairs
    )
    if not sound or any(one >= other for one, other in pairwise(pairs)):
        raise ModelError(f"{folder / TERMS} is damaged: 'pairs' are not numbers of asked and traits in rising order")
    return [said[key] for key in LISTS], np.array(pairs, dtype=np.int64).reshape(-1, 2)


_CODE = """import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

tensors, terms = load_file("{weights}"), json.loads(Path("{terms}").read_text())
weight, factor, (*spans, scale, nothing) = tensors["weight"].astype(float), tensors["factor"][0], tensors["spans"]
rarity = dict(zip(terms["stems"], tensors["rarity"].tolist()))
places = {{(terms["asked"][a], terms["traits"][b]): at for at, (a, b) in enumerate(terms["pairs"])}}
{constants}

{functions}

question, context = "Who wrote the first program?", "Ada Lovelace wrote the first program for a machine."
found = [match for match in re.finditer(r"[^\\W\\d]+|\\d+|\\.{{2,}}|[^\\w\\s]", context)]
words = [match.group() for match in found]
asked = re.findall(r"[^\\W\\d]+|\\d+|\\.{{2,}}|[^\\w\\s]", question)
near = overlaps(asked, words, rarity)
values = near @ weight[:, len(places) : len(places) + {width}].T
for at, traits in enumerate(traits_of(words)):
    for pair in ((one, other) for one in asked_for(asked) for other in traits):
        values[at] += weight[:, places[pair]] if pair in places else 0.0
lengths = {lengths}

def score(first, last):
    inside = words[first : last + 1]
    over, sign = any(word in ENDS for word in inside[:-1]), any(word in SIGNS for word in inside)
    whole = spans[{kinds}] * over + spans[{kinds} + 1] * sign + spans[{kinds} + 2] * near[first : last + 1, OWN].sum()
    return factor * (scale * (values[first, 0] + values[last, 1]) + spans[lengths[last - first]] + whole)

scores = {{
    (first, last): score(first, last)
    for first in range(len(words))
    for last in range(first, min(first + {longest}, len(words)))
}}
first, last = max(scores, key=scores.get)
begins, ends = np.full(len(words), -np.inf), np.full(len(words), -np.inf)
for (one, other), each in scores.items():
    begins[one], ends[other] = max(begins[one], each / 2), max(ends[other], each / 2)
every = (begins[:, None] + ends)[np.triu_indices(len(words))]
{ending}"""
_ANSWERING = """share = np.exp(scores[first, last] - np.logaddexp.reduce(every))
print(context[found[first].start() : found[last].end()], float(share))
"""
_REFUSING = """empty = [1.0, near[:, COVERED].max(), near[:, FOUND].max()] @ weight[:, -3:].T
empty = factor * (scale * empty.sum() + nothing)
total = np.logaddexp(np.logaddexp.reduce(every), empty)
answer, none = np.exp(scores[first, last] - total), np.exp(empty - total)
refused = none / {limits[0]!r} >= answer / {limits[1]!r}
print("no answer" if refused else context[found[first].start() : found[last].end()], float(answer), float(none))
"""
