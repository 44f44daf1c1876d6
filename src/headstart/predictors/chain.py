"""A linear chain over the tags of a sentence (Lafferty, McCallum & Pereira 2001): what tags words without a network."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headstart.data.outputs import Logits
from headstart.data.units import Units
from headstart.data.words import Words
from headstart.errors import ModelError
from headstart.manifest import Stated
from headstart.predictors.base import Runtime, ScaledPredictor, digests, refuse_task, stated
from headstart.runtime.contained import arrays, content, parsed
from headstart.runtime.progress import SILENT, Progress
from headstart.solving.forward_backward import Chain, log_marginals
from headstart.tasks.base import Task

WEIGHTS, FEATURES = "chain.safetensors", "features.json"
CHUNK = 2000
"""Sentences tagged at once."""


def shapes_of(words: Sequence[str]) -> list[list[str]]:
    """What a word looks like and stands beside, as names of features: the usual ones of taggers without a network.

    The word in lower case, its shape (`Xxx-00`), prefixes and suffixes of up to four characters, and word and shape of the
    two neighbours on each side (Ratinov & Roth 2009, section 3).

    Args:
        words: of a sentence.

    Returns:
        Of each word.
    """
    lower = [word.lower() for word in words]
    shapes = [_shape(word) for word in words]
    found = []
    for at, word in enumerate(words):
        own = ["bias", f"w={lower[at]}", f"s={shapes[at]}", f"t={_short(shapes[at])}"]
        own += [f"p{size}={word[:size]}" for size in range(1, min(4, len(word)) + 1)]
        own += [f"e{size}={lower[at][-size:]}" for size in range(1, min(4, len(word)) + 1)]
        for shift in (-2, -1, 1, 2):
            place = at + shift
            inside = 0 <= place < len(words)
            own.append(f"{shift}w={lower[place] if inside else '<>'}")
            own.append(f"{shift}s={_short(shapes[place]) if inside else '<>'}")
        if at > 0:
            own.append(f"-1,0w={lower[at - 1]}|{lower[at]}")
        found.append(own)
    return found


def _shape(word: str) -> str:
    return "".join(
        "X" if sign.isupper() else "x" if sign.islower() else "0" if sign.isdigit() else sign for sign in word
    )


def _short(shape: str) -> str:
    return "".join(sign for at, sign in enumerate(shape) if at == 0 or shape[at - 1] != sign)


def known_features(sentences: Sequence[Sequence[str]], places: Mapping[str, int]) -> Any:
    """Features of words that are among those known, sparse of shape (words, features), a word of each sentence after the other.

    Args:
        sentences: words of each.
        places: column of each feature.
    """
    from scipy.sparse import csr_matrix

    columns, offsets = [], [0]
    for words in sentences:
        for names in shapes_of(words):
            columns += [places[name] for name in names if name in places]
            offsets.append(len(columns))
    shape = (len(offsets) - 1, len(places))
    return csr_matrix((np.ones(len(columns)), np.array(columns, dtype=np.int64), np.array(offsets)), shape=shape)


class ChainPredictor(ScaledPredictor):
    """Logarithms of the probability of each tag of each word, so that softmax gives these probabilities back.

    Args:
        chain: its weights.
        features: names of the features, in the order of the weights.
        task: bound.
        factor: what logarithms are multiplied by.
    """

    kind: ClassVar[str] = "crf"
    reads: ClassVar[tuple[str, ...]] = (WEIGHTS, FEATURES)
    runtime: ClassVar[Runtime] = "numpy"

    def __init__(self, chain: Chain, features: Sequence[str], task: Task[Any, Any], factor: float = 1.0) -> None:
        super().__init__(task)
        self.chain = chain
        self.features = list(features)
        self.factor = factor
        """What logarithms are multiplied by, so that probabilities are calibrated."""
        self._places = {name: at for at, name in enumerate(self.features)}

    def outputs(self, inputs: Sequence[Words], *, progress: Progress = SILENT) -> Logits:
        """Outputs of the words of all sentences, one sentence after the other; nothing is ever cut."""
        found = []
        for start in range(0, len(inputs), CHUNK):
            some = inputs[start : start + CHUNK]
            scores = known_features([each.composed for each in some], self._places) @ self.chain.weight
            units = Units.counted([len(each.words) for each in some])
            found.append(self.factor * log_marginals(scores, self.chain.transitions, units))
            progress.advance(len(some))
        units = Units.counted([len(each.words) for each in inputs])
        return Logits.of(np.concatenate(found).astype(np.float32), units)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write `chain.safetensors` and `features.json`."""
        from safetensors.numpy import save_file

        tensors = {
            "weight": np.ascontiguousarray(self.chain.weight, dtype=np.float32),
            "transitions": np.ascontiguousarray(self.chain.transitions, dtype=np.float32),
            "factor": np.array([self.factor]),
        }
        save_file(tensors, str(folder / WEIGHTS))
        (folder / FEATURES).write_text(json.dumps(self.features, ensure_ascii=True), encoding="utf-8")
        return {"digests": digests(folder)}

    @classmethod
    def load(cls, folder: Path, task: Task[Any, Any], description: Mapping[str, Any]) -> ChainPredictor:
        """Read what `save` wrote."""
        stated(Stated, folder, description)
        refuse_task(folder, cls.kind, task, suits=task.words)
        features = parsed(content(folder, FEATURES), folder / FEATURES)
        if not isinstance(features, list) or not all(isinstance(name, str) for name in features):
            raise ModelError(f"{folder / FEATURES} is damaged: expected a list of names")
        tags = len(task.names)
        shapes = {"weight": (len(features), tags), "transitions": (tags, tags), "factor": (1,)}
        tensors = arrays(folder, WEIGHTS, shapes, digest=description["digests"].get(WEIGHTS))
        if len({*features}) < len(features) or tensors["factor"][0] <= 0:
            raise ModelError(f"{folder} is damaged: a feature stands twice, or the factor of the chain is not over 0")
        return cls(Chain(tensors["weight"], tensors["transitions"]), features, task, float(tensors["factor"][0]))

    def usage(self) -> str:
        """Code with numpy and safetensors only."""
        shapes = "\n\n".join(bare_source(each) for each in (_shape, _short, shapes_of))
        return _CODE.format(labels=list(self.task.names), weights=WEIGHTS, features=FEATURES, shapes=shapes)


_CODE = """import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

tags = {labels!r}
chain = load_file("{weights}")
weight, transitions, factor = chain["weight"], chain["transitions"], chain["factor"][0]
places = {{name: at for at, name in enumerate(json.loads(Path("{features}").read_text()))}}

{shapes}

def total(values):
    highest = values.max(0)
    return highest + np.log(np.exp(values - highest).sum(0))

def log_probabilities(words):
    scores = np.array([sum((weight[places[n]] for n in names if n in places), 0 * weight[0]) for names in shapes_of(words)])
    forward, backward = scores.copy(), np.zeros_like(scores)
    for at in range(1, len(scores)):
        forward[at] += total(forward[at - 1][:, None] + transitions)
    for at in range(len(scores) - 2, -1, -1):
        backward[at] = total((transitions + scores[at + 1] + backward[at + 1]).T)
    logs = forward + backward
    logs = factor * np.maximum(logs - total(logs.T)[:, None], np.log(1e-12))
    return logs - total(logs.T)[:, None]

def predict(words):
    first, *others = log_probabilities(words)
    best = [(score if tag[0] != "I" else -1e9, [tag]) for score, tag in zip(first, tags)]
    for row in others:
        best = [
            max((sum_ + score, path + [tag]) for sum_, path in best if tag[0] != "I" or path[-1][1:] == tag[1:])
            for score, tag in zip(row, tags)
        ]
    return max(best)[1]

words = ["Ada", "met", "Grace", "in", "Paris", "."]
print(list(zip(words, predict(words))))"""


def bare_source(function: Callable[..., Any]) -> str:
    """Source of a function without docstring and annotations of its head, for a card."""
    lines = inspect.getsource(function).rstrip().split("\n")
    marks = [at for at, line in enumerate(lines) if line.count('"' * 3) % 2]
    kept = [*lines[: marks[0]], *lines[marks[-1] + 1 :]] if marks else lines
    head = f"def {function.__name__}({', '.join(inspect.signature(function).parameters)}):"
    return "\n".join([head, *(line for line in kept[1:] if line.strip())])
