"""Answers against references: by hand, and equal to a transcription of the official rules on random texts."""

import random
import re
import string
import unicodedata
from collections import Counter

import numpy as np
import pytest

from headstart.metrics import METRICS
from headstart.metrics.answers import ARTICLES, Rules, exact, f1, mlqa_normaliser, squad_normalised
from headstart.metrics.resampling import bootstrap
from headstart.metrics.results import AnswerResults

WORDS = [
    "the", "The", "a", "An", "Norman", "normans", "1,066", "(France)", "„Köln“", "¿que?", "das", "el", "ال", "中国", "人,民", "U.S.", "--",
    "naïve", "İzmir", "ΣΑΣ", "\u00a0", "an-other", "the-end", "'s", "ﬁn", "\u200b", "e\u0301", "😀", "।", "...", "",
]  # fmt: skip


def official_squad(text: str) -> str:
    """Lower case, then no ASCII punctuation, then no articles, then single blanks: the order of both scripts."""
    kept = [sign for sign in text.lower() if sign not in set(string.punctuation)]
    return " ".join(re.compile(r"\b(a|an|the)\b", re.UNICODE).sub(" ", "".join(kept)).split())


def official_mlqa(text: str, language: str) -> str:
    """The order of MLQA's script: the same four steps, with every punctuation of Unicode and the articles of the language."""
    kept = "".join(
        sign
        for sign in text.lower()
        if not unicodedata.category(sign).startswith("P") and sign not in string.punctuation
    )
    for article in {"de": "ein eine einen einem eines einer der die das den dem des", "en": "a an the"}.get(
        language, ""
    ).split():
        kept = re.sub(rf"\b{article}\b", " ", kept)
    if language != "zh":
        return " ".join(kept.split())
    words, run = [], ""
    for sign in kept:
        if "\u4e00" <= sign <= "\u9fa5":
            words, run = [*words, *run.split(), sign], ""
        else:
            run += sign
    return " ".join([*words, *run.split()])


def official_11(predicted: str, references: list[str], normal: object = official_squad) -> tuple[float, float]:
    matches, shares = [], []
    for reference in references:
        said, true = normal(predicted), normal(reference)  # type: ignore[operator]
        matches.append(said == true)
        same = sum((Counter(said.split()) & Counter(true.split())).values())
        if same == 0:
            shares.append(0)
            continue
        precision, recall = 1.0 * same / len(said.split()), 1.0 * same / len(true.split())
        shares.append((2 * precision * recall) / (precision + recall))
    return float(max(matches)), max(shares)


def official_20(predicted: str, references: list[str]) -> tuple[float, float]:
    kept = [each for each in references if official_squad(each)]
    matches, shares = [], []
    for reference in kept or [""]:
        said, true = official_squad(predicted).split(), official_squad(reference).split()
        matches.append(int(official_squad(predicted) == official_squad(reference)))
        same = sum((Counter(true) & Counter(said)).values())
        if len(said) == 0 or len(true) == 0:
            shares.append(int(said == true))
        elif same == 0:
            shares.append(0)
        else:
            precision, recall = 1.0 * same / len(said), 1.0 * same / len(true)
            shares.append((2 * precision * recall) / (precision + recall))
    return max(matches), max(shares)


def drawn(seed: int) -> tuple[str, list[str]]:
    dice = random.Random(seed)
    texts = [" ".join(dice.choices(WORDS, k=dice.choice([0, 1, 1, 2, 3, 6]))) for _ in range(dice.choice([2, 2, 4]))]
    if dice.random() < 0.3:
        texts.append(texts[0].upper())
    return texts[0], texts[1:]


def test_a_thousand_random_predictions_score_as_the_official_scripts_say_to_the_last_digit() -> None:
    kinds = Counter[float]()
    for seed in range(1000):
        predicted, references = drawn(seed)
        for rules, official in (("1.1", official_11), ("2.0", official_20)):
            found = exact(predicted, references, rules=rules), f1(predicted, references, rules=rules)  # type: ignore[arg-type]
            assert found == official(predicted, references), (rules, predicted, references)
            kinds[found[1]] += 1
    assert kinds[0.0] > 200
    assert kinds[1.0] > 200
    assert len(kinds) > 15, "and many between"


@pytest.mark.parametrize("language", ["de", "en", "zh", "hi"])
def test_so_do_those_of_mlqa_in_its_languages(language: str) -> None:
    normalise = mlqa_normaliser(language)
    for seed in range(300):
        predicted, references = drawn(seed)
        expected = official_11(predicted, references, lambda text: official_mlqa(text, language))
        assert (
            exact(predicted, references, normalise=normalise),
            f1(predicted, references, normalise=normalise),
        ) == expected


@pytest.mark.parametrize(
    ("predicted", "references", "rules", "expected"),
    [
        ("the Denver Broncos!", ["Denver Broncos"], "1.1", (1.0, 1.0)),
        ("Broncos", ["Denver Broncos", "Panthers"], "1.1", (0.0, 2 / 3)),  # 1 of 1 and 1 of 2 words
        ("in the year 1066", ["1066"], "2.0", (0.0, 0.5)),  # in, year, 1066: 1 of 3 and 1 of 1
        ("The", ["a"], "1.1", (1.0, 0.0)),
        ("The", ["a"], "2.0", (1.0, 1.0)),
        ("", ["the", "Rome"], "1.1", (1.0, 0.0)),
        ("", ["the", "Rome"], "2.0", (0.0, 0.0)),
        ("", [], "1.1", (1.0, 0.0)),
        ("", [], "2.0", (1.0, 1.0)),
        ("Rome", [], "2.0", (0.0, 0.0)),
        ("a a Rome Rome", ["Rome"], "2.0", (0.0, 2 / 3)),  # words count as often as they stand there
    ],
)
def test_scores_by_hand(predicted: str, references: list[str], rules: Rules, expected: tuple[float, float]) -> None:
    assert (exact(predicted, references, rules=rules), f1(predicted, references, rules=rules)) == pytest.approx(
        expected
    )


def test_punctuation_and_articles_are_those_of_the_script_that_is_followed() -> None:
    assert squad_normalised(" Die „Stadt“,  the END. ") == "die „stadt“ end"
    assert mlqa_normaliser("de")(" Die „Stadt“,  the END. ") == "stadt the end"
    assert mlqa_normaliser("zh")("在 1949年,中国") == "在 1949 年 中 国"
    assert mlqa_normaliser("ar")("القاهرة") == "قاهرة"
    assert {*ARTICLES} == {"en", "es", "vi", "de", "ar", "hi", "zh"}


RESULTS = AnswerResults(
    np.array([0.5, 2.0, 1.0, 0.5]), np.ones(4), np.array([1.0, 0.0, 1.0, 0.0]), np.array([1.0, 0.5, 1.0, 0.0]),
    np.array([True, True, False, False]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("exact_match", 0.5),
        ("answer_f1", 0.625),
        ("has_answer_f1", 0.75),
        ("no_answer_accuracy", 0.5),
        ("log_loss", 1.0),
    ],
)
def test_metrics_of_four_questions_two_of_which_have_an_answer(name: str, expected: float) -> None:
    metric = METRICS.get(name)
    assert metric.serves >= {"answers"}
    assert metric.of(metric.tally(RESULTS)) == expected


def test_a_metric_of_questions_that_are_not_there_says_nothing() -> None:
    answered = AnswerResults(
        *(each[:2] for each in (RESULTS.losses, RESULTS.counts, RESULTS.exact, RESULTS.f1, RESULTS.has_answer))
    )
    named = ("exact_match", "answer_f1", "has_answer_f1", "no_answer_accuracy")
    assert [METRICS.get(name).is_about(METRICS.get(name).tally(answered)) for name in named] == [
        True,
        True,
        True,
        False,
    ]


def test_intervals_are_over_articles_where_questions_have_one() -> None:
    metric = METRICS.get("answer_f1")
    found = bootstrap(metric, metric.tally(RESULTS), clusters=np.array([7, 7, 3, 3]), draws=400)
    assert (found.value, found.low, found.high) == (0.625, 0.5, 0.75), "an article is drawn as a whole"
