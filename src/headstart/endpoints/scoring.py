"""Scores of labels from what an endpoint answers: log-probabilities of words or first tokens, or what is written."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from headstart.data.prompts import LABELS, Prompt, Shot
from headstart.endpoints.client import Request

SMOOTHING = 0.1
"""Share of the probability that is dealt evenly to all labels where an endpoint writes one (Szegedy et al. 2016, section 7)."""
ASKING = "Answer with one of these and nothing else: {labels}."
"""In front of a prompt that does not name the labels, where an answer is written."""
COMPLETIONS, CHAT = "/completions", "/chat/completions"
TOP = (20, 5)
"""Likeliest first tokens that are asked for; not every endpoint gives the first number."""
TAIL = 24
"""Characters of a prompt by whose end the tokens of an answer are found."""
MOST_WRITTEN = 32
"""Tokens of a written label at most."""
SLACK = 1e-4
"""By how much a log-probability may be over 0, as rounding does."""
_MARKS = str.maketrans({"▁": " ", "Ġ": " ", "Ċ": "\n"})
"""Blanks and line ends as some tokenizers write them."""
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_THOUGHT = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)


class LabelScoring(ABC):
    """A way in which an endpoint tells labels of a text.

    Args:
        model: that is asked for.
        prompt: with the words of labels.
        shots: examples in front of every text.
    """

    said: ClassVar[str]
    """What it does, in a few words."""
    form: ClassVar[str]
    """How answers are read."""

    def __init__(self, model: str, prompt: Prompt, shots: Sequence[Shot] = ()) -> None:
        self.model = model
        self.prompt = prompt
        self.shots = tuple(shots)

    @abstractmethod
    def request(self, given: Any) -> Request:
        """What is asked about a text or a pair of texts."""

    @abstractmethod
    def scores(self, value: Any) -> np.ndarray:
        """Log-probabilities of labels, float64, shape (labels,); NaN where the answer names none.

        Args:
            value: what was kept of an answer.
        """

    def fault(self, values: Sequence[Any]) -> str:
        """Why answers to known texts show that this does not work, as a clause; empty where it does."""
        return ""

    def _listing(self, given: Any) -> str:
        """A prompt that names the labels, so that one of them is written."""
        field, prompt = f"{{{LABELS}}}", self.prompt
        if field not in prompt.template and field not in prompt.instruction:
            prompt = Prompt(prompt.template, prompt.words, f"{prompt.instruction}\n{ASKING}".strip())
        return prompt.whole(given, self.shots)


class WordScoring(LabelScoring):
    """The log-probability of a label's words behind the prompt, which the endpoint is given whole and echoes with its tokens'.

    Args:
        model: that is asked for.
        prompt: with the words of labels.
        shots: examples in front of every text.
        written: tokens that are written behind them; not every endpoint writes 0.
    """

    said: ClassVar[str] = "the log-probability of the labels' words"
    form: ClassVar[str] = "words-1"

    def __init__(self, model: str, prompt: Prompt, shots: Sequence[Shot] = (), *, written: int = 0) -> None:
        super().__init__(model, prompt, shots)
        self.written = written

    def request(self, given: Any) -> Request:
        before, answers = self.prompt.whole(given, self.shots), self.prompt.answers
        body = {
            "model": self.model, "prompt": [before + answer for answer in answers], "max_tokens": self.written,
            "temperature": 0, "echo": True, "logprobs": 1,
        }  # fmt: skip

        def read(said: Any) -> list[float]:
            choices = sorted(said["choices"], key=lambda each: each["index"])
            if len(choices) != len(answers):
                raise ValueError(f"{len(choices)} answers to {len(answers)} prompts")
            counts = [len(each["logprobs"]["tokens"]) for each in choices]
            _refuse_count(sum(counts), said.get("usage"))
            return [_echoed(each["logprobs"], before, own) for each, own in zip(choices, answers, strict=True)]

        return Request(COMPLETIONS, body, self.form, read)

    def scores(self, value: Any) -> np.ndarray:
        return _normalised(np.array(value, dtype=np.float64))

    def fault(self, values: Sequence[Any]) -> str:
        flat = [score for value in values for score in value]
        return "all labels have the same score" if max(flat) - min(flat) < 1e-9 else ""


class FirstTokenScoring(LabelScoring):
    """The log-probability of the first tokens that begin one label's words and no other's, among the likeliest of an answer.

    Args:
        model: that is asked for.
        prompt: with the words of labels.
        shots: examples in front of every text.
        top: likeliest tokens that are asked for.
        limit: what the API calls the most tokens of an answer.
    """

    said: ClassVar[str] = "the log-probability of the labels' first tokens"
    form: ClassVar[str] = "first-1"

    def __init__(
        self, model: str, prompt: Prompt, shots: Sequence[Shot] = (), *, top: int = TOP[0], limit: str = "max_tokens"
    ) -> None:
        super().__init__(model, prompt, shots)
        self.top = top
        self.limit = limit
        self._words = [_plainly(word) for word in prompt.words]

    def request(self, given: Any) -> Request:
        body = {
            "model": self.model, "messages": [{"role": "user", "content": self._listing(given)}], self.limit: 1,
            "temperature": 0, "logprobs": True, "top_logprobs": self.top,
        }  # fmt: skip
        return Request(CHAT, body, self.form, _first_tokens)

    def scores(self, value: Any) -> np.ndarray:
        """A label without a token among the likeliest gets what all others have left, and no more than the least of these."""
        found = np.full(len(self._words), -np.inf)
        for token, score in value:
            begun = _plainly(token)
            which = [at for at, word in enumerate(self._words) if begun and word.startswith(begun)]
            if len(which) == 1:
                found[which[0]] = np.logaddexp(found[which[0]], score)
        if not np.isfinite(found).any():
            return np.full(len(found), np.nan)
        left = 1.0 - sum(math.exp(score) for _, score in value)
        least = min(score for _, score in value)
        found[~np.isfinite(found)] = min(math.log(max(left, 1e-12)), least)
        return _normalised(found)

    def fault(self, values: Sequence[Any]) -> str:
        if any(max(score for _, score in value) - min(score for _, score in value) < 1e-9 for value in values):
            return "all tokens have the same score"
        if any(not np.isfinite(self.scores(value)).all() for value in values):
            return "no label begins with any of the likeliest tokens"
        if all(np.ptp(self.scores(value)) < 1e-9 for value in values):
            return "all labels have the same score"
        return ""


class WrittenLabels(LabelScoring):
    """The label that the endpoint writes, at temperature 0: as it is, or by a beginning that is one label's alone.

    Args:
        model: that is asked for.
        prompt: with the words of labels.
        shots: examples in front of every text.
        chat: whether by the chat API.
        limit: what the API calls the most tokens of an answer.
    """

    said: ClassVar[str] = "the labels that it writes"
    form: ClassVar[str] = "written-1"

    def __init__(
        self, model: str, prompt: Prompt, shots: Sequence[Shot] = (), *, chat: bool = True, limit: str = "max_tokens"
    ) -> None:
        super().__init__(model, prompt, shots)
        self.chat = chat
        self.limit = limit
        self._words = [_plainly(word) for word in prompt.words]

    def request(self, given: Any) -> Request:
        longest = min(MOST_WRITTEN, 4 + max(len(word.encode()) for word in self.prompt.words))
        body: dict[str, Any] = {
            "model": self.model,
            self.limit if self.chat else "max_tokens": longest,
            "temperature": 0,
        }
        asked = self._listing(given)
        if self.chat:
            return Request(CHAT, body | {"messages": [{"role": "user", "content": asked}]}, self.form, _written_chat)
        return Request(COMPLETIONS, body | {"prompt": asked, "stop": ["\n\n"]}, self.form, _written)

    def scores(self, value: Any) -> np.ndarray:
        found = self.named(value)
        if found is None:
            return np.full(len(self._words), np.nan)
        shares = np.full(len(self._words), SMOOTHING / len(self._words))
        shares[found] += 1.0 - SMOOTHING
        return np.log(shares)

    def named(self, written: str) -> int | None:
        """Number of the label that an answer names; None where it names none, or more than one."""
        said = _plainly(_THOUGHT.sub("", written))
        if not said:
            return None
        if said in self._words:
            return self._words.index(said)
        begun = [at for at, word in enumerate(self._words) if word.startswith(said)]
        if begun:
            return begun[0] if len(begun) == 1 else None
        inside = [at for at, word in enumerate(self._words) if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said)]
        longest = [at for at in inside if not any(_is_part(self._words[at], self._words[other]) for other in inside)]
        return longest[0] if len(longest) == 1 and said.startswith(self._words[longest[0]]) else None


def _is_part(word: str, other: str) -> bool:
    return word != other and word in other


def _plainly(text: str) -> str:
    """A text in small letters, single blanks, and without signs at its ends."""
    return _EDGES.sub("", " ".join(text.translate(_MARKS).casefold().split()))


def _normalised(scores: np.ndarray) -> np.ndarray:
    return scores - np.logaddexp.reduce(scores)


def _number(value: Any) -> float:
    """A log-probability.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value > SLACK:
        raise ValueError(f"{value!r} as a log-probability")
    return min(float(value), 0.0)


def _refuse_count(tokens: int, usage: Any) -> None:
    """Refuse an echo that has not as many tokens as the endpoint counts.

    Raises:
        ValueError: it has more or fewer.
    """
    if isinstance(usage, Mapping) and isinstance(asked := usage.get("prompt_tokens"), int):
        written = usage.get("completion_tokens") or 0
        if not asked <= tokens <= asked + written:
            raise ValueError(f"log-probabilities of {tokens} tokens, of {asked} that were read")


def _echoed(about: Mapping[str, Any], before: str, answer: str) -> float:
    """The log-probability of an answer, summed over its tokens.

    Args:
        about: what the endpoint says of the tokens of prompt and answer.
        before: the prompt.
        answer: what stands behind it.

    Raises:
        ValueError: the answer is not there, or has something else than log-probabilities.
    """
    tokens, values = [str(each).translate(_MARKS) for each in about["tokens"]], about["token_logprobs"]
    if len(tokens) != len(values):
        raise ValueError(f"{len(values)} log-probabilities of {len(tokens)} tokens")
    tail = before[-TAIL:]
    start = "".join(tokens).rfind(tail + answer)
    if start < 0:
        raise ValueError("log-probabilities, and not those of the prompt that was to be echoed")
    first, last = start + len(tail), start + len(tail) + len(answer)
    total, at = 0.0, 0
    for token, value in zip(tokens, values, strict=True):
        if at < last and at + len(token) > first:
            total += _number(value)
        at += len(token)
    return total


def _first_tokens(said: Any) -> list[list[Any]]:
    """The likeliest first tokens with their log-probabilities."""
    top = said["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    found = [[str(each["token"]), _number(each["logprob"])] for each in top]
    if len(found) < 2:
        raise ValueError(f"{len(found)} of the likeliest tokens")
    return found


def _written_chat(said: Any) -> str:
    content = said["choices"][0]["message"]["content"]
    if content is not None and not isinstance(content, str):
        raise ValueError("a message that is no text")
    return (content or "")[:1000]


def _written(said: Any) -> str:
    if not isinstance(text := said["choices"][0]["text"], str):
        raise ValueError("a completion that is no text")
    return text[:1000]
