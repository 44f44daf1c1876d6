"""Scores of answers against reference answers, equal to those of the official scripts of SQuAD and MLQA to the last digit.

What the two scripts of SQuAD do differently (evaluate-v1.1.py, Rajpurkar et al. 2016; evaluate-v2.0.py, Rajpurkar et al. 2018) is
said by their version:

- `1.1`: F1 of two texts that share no word is 0, also where both have none left, such as "The" and "a", though these match exactly.
- `2.0`: references that have no word left are left out where others stand beside them; of two texts without a word F1 is 1.

In both a question without a reference expects an empty text, and of several references the best score counts.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

import numpy as np

from headstart.metrics.base import Metric, Tally
from headstart.metrics.classification import mean_of_sums
from headstart.metrics.results import AnswerResults

Rules = Literal["1.1", "2.0"]
"""Which official script of SQuAD is followed."""
Normaliser = Callable[[str], str]
"""From a text to its words with one blank between them."""
ARTICLES = {
    "en": r"\b(?:a|an|the)\b",
    "es": r"\b(?:un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(?:của|là|cái|chiếc|những)\b",
    "de": r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": "ال",
    "hi": "",
    "zh": "",
}
"""Articles by language as the script of MLQA has them (Lewis et al. 2020); its languages are these."""
_ASCII = str.maketrans("", "", string.punctuation)
_SIGN = re.compile("[\u4e00-\u9fa5]|[^\\s\u4e00-\u9fa5]+")
"""A Chinese sign, or what stands between blanks and such signs."""


def squad_normalised(text: str) -> str:
    """A text in lower case without ASCII punctuation, English articles and blanks that say nothing, as SQuAD compares answers.

    Other punctuation, such as `„` and `¿`, stays, and so do articles of other languages.
    """
    return _without(ARTICLES["en"], text.lower().translate(_ASCII))


def mlqa_normaliser(language: str) -> Normaliser:
    """How MLQA compares answers of a language: without any punctuation of Unicode and without its articles; Chinese sign by sign.

    Args:
        language: a key of `ARTICLES`.
    """
    articles = ARTICLES[language]

    def normalised(text: str) -> str:
        bare = _without(articles, "".join(sign for sign in text.lower() if not _is_punctuation(sign)))
        return " ".join(_SIGN.findall(bare)) if language == "zh" else bare

    return normalised


def exact(
    predicted: str, references: Sequence[str], *, rules: Rules = "1.1", normalise: Normaliser = squad_normalised
) -> float:
    """Whether a predicted text is one of the references once both are normalised: 1 or 0.

    Args:
        predicted: empty where there is no answer.
        references: texts of the right answers; none where there is no answer.
        rules: which official script is followed.
        normalise: how texts are compared.
    """
    said = normalise(predicted)
    return float(any(said == reference for reference in _references(references, rules, normalise)))


def f1(
    predicted: str, references: Sequence[str], *, rules: Rules = "1.1", normalise: Normaliser = squad_normalised
) -> float:
    """The largest F1 of the words of a predicted text with those of a reference, in [0, 1].

    Args: as of `exact`.
    """
    said = normalise(predicted).split()
    return max(_shared(said, each.split(), rules) for each in _references(references, rules, normalise))


def _references(references: Sequence[str], rules: Rules, normalise: Normaliser) -> list[str]:
    """Normalised references; an empty text where there is none."""
    found = [normalise(each) for each in references]
    return ([each for each in found if each] if rules == "2.0" else found) or [""]


def _shared(said: list[str], true: list[str], rules: Rules) -> float:
    if rules == "2.0" and not (said and true):
        return float(said == true)
    same = (Counter(said) & Counter(true)).total()
    if not same:
        return 0.0
    precision, recall = same / len(said), same / len(true)
    return (2 * precision * recall) / (precision + recall)


def _without(articles: str, text: str) -> str:
    return " ".join((re.sub(articles, " ", text) if articles else text).split())


@cache
def _is_punctuation(sign: str) -> bool:
    return sign in string.punctuation or unicodedata.category(sign).startswith("P")


def _share(values: np.ndarray, among: np.ndarray) -> Tally:
    return Tally.of(np.stack([values * among, among], axis=1).astype(np.float64))


def _exact(results: AnswerResults) -> Tally:
    return _share(results.exact, np.ones(len(results)))


def _f1(results: AnswerResults) -> Tally:
    return _share(results.f1, np.ones(len(results)))


def _f1_of_answered(results: AnswerResults) -> Tally:
    return _share(results.f1, results.has_answer)


def _exact_of_unanswered(results: AnswerResults) -> Tally:
    return _share(results.exact, ~results.has_answer)


ANSWERS = frozenset({AnswerResults.kind})
EXACT_MATCH = Metric("exact_match", "exact match", ANSWERS, _exact, mean_of_sums, hub="exact_match", is_share=True)
ANSWER_F1 = Metric("answer_f1", "F1", ANSWERS, _f1, mean_of_sums, hub="f1")
HAS_ANSWER_F1 = Metric(
    "has_answer_f1",
    "F1 where there is an answer",
    ANSWERS,
    _f1_of_answered,
    mean_of_sums,
    hub="f1",
    for_choices=False,
    of_some=True,
)
NO_ANSWER_ACCURACY = Metric(
    "no_answer_accuracy",
    "accuracy where there is no answer",
    ANSWERS,
    _exact_of_unanswered,
    mean_of_sums,
    hub="accuracy",
    for_choices=False,
    of_some=True,
)
