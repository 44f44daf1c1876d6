"""Estimators that write texts, by controls that need no network: what goes in, what comes out, what is refused."""

from typing import Any

import pytest
from sklearn.base import clone

from headstart import TextGenerator, Translator
from headstart.errors import DataError

ENGLISH = [f"the {thing} is {kind}" for kind in ("good", "bad", "old") for thing in ("house", "garden", "dog", "night")]
GERMAN = [
    f"{thing} ist {kind}"
    for kind in ("gut", "schlecht", "alt")
    for thing in ("das Haus", "der Garten", "der Hund", "die Nacht")
]


@pytest.mark.parametrize(("kind", "metric"), [(Translator, "bleu"), (TextGenerator, "chrf")])
def test_what_stands_nearest_is_said_again_and_scored_by_the_metric_of_the_task(kind: Any, metric: str) -> None:
    model = kind(strategy="nearest-sentence", threads=1).fit(ENGLISH, GERMAN)
    assert model.artifact_.task.metric == metric
    said = model.predict(ENGLISH[:2])
    assert said.tolist() == GERMAN[:2]
    assert model.score(ENGLISH, GERMAN) == pytest.approx(1.0)
    assert model.score(ENGLISH[:2], [["nothing", GERMAN[0]], GERMAN[1]]) == pytest.approx(1.0), (
        "one of several is enough"
    )
    assert model.score(ENGLISH, GERMAN[::-1]) < 0.9
    assert model.write(["the old dog"])[0].texts


def test_languages_and_beams_are_parameters_and_reach_the_task() -> None:
    model = Translator(
        strategy="nearest-sentence", source_language="en", target_language="de", beams=3, length_penalty=0.5
    )
    assert clone(model).get_params() == model.get_params()
    task = model.fit(ENGLISH, GERMAN).artifact_.task
    assert (task.source_language, task.target_language, task.beams, task.length_penalty) == ("en", "de", 3, 0.5)
    assert Translator(strategy="nearest-sentence").fit(ENGLISH, GERMAN).artifact_.task.beams == 4


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (None, "Translator requires y to be passed"),
        ("ein Text", "requires y to be a list of texts, found a str"),
        (GERMAN[:3], "y has 3 texts, and X has 12"),
        ([*GERMAN[:11], 7], r"y\[11\] is 7, expected a text"),
        ([[text, text] for text in GERMAN], r"y\[0\] is .* expected a text"),
    ],
)
def test_targets_that_are_no_texts_are_refused(y: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        Translator(strategy="nearest-sentence").fit(ENGLISH, y)
