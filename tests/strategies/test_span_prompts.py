"""Spans of words by what their types are called: a decoder asked for each, with labels, with examples, and without either."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.toys.decoders import make_decoder

import headstart
from headstart.artifact import Artifact
from headstart.data.tags import Span, allowed, best_paths, spans_of
from headstart.errors import HeadstartError
from headstart.loading import load
from headstart.predictors.answer_likelihoods import NOTHING, SpanLikelihoods
from headstart.predictors.prompted_spans import APART, Candidates, tag_values
from headstart.strategies.span_prompts import best_margins, expected_margins

WORDS = [
    ["the", ("cat", "dog")[at % 2], "sat", "in", "the", ("shop", "big shop")[at % 3 == 0], str(at)] for at in range(16)
]
WORDS = [" ".join(each).split() for each in WORDS]
TAGS = [
    ["O", "B-PET", "O", "O", "O", *(["B-PLACE"] if len(each) == 7 else ["B-PLACE", "I-PLACE"]), "O"] for each in WORDS
]
TAGS[3] = ["O"] * len(WORDS[3])
ROWS = {"tokens": WORDS, "tags": TAGS}
TYPES = {"labels": ["PET", "PLACE"], "descriptions": {"PET": "an animal"}}
ASKED = ["the cat sat in the shop , and the dog", "a day"]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_decoder(tmp_path_factory.mktemp("decoder") / "llama"))


@pytest.fixture(scope="module")
def fitted(decoder: str) -> Callable[..., Artifact]:
    def fit(rows: Any = ROWS, **options: Any) -> Artifact:
        given = {
            "task": "token-classification", "strategy": "prompting", "backbone": decoder, "controls": False, "threads": 1,
            "max_length": 250, "measure": ["confusion"],
        }  # fmt: skip
        return headstart.fit(rows, **given | options)

    return fit


def candidates(*rows: tuple[int, int, int, float]) -> Candidates:
    table = np.array(rows, dtype=float).reshape(-1, 4).T
    return Candidates(*table[:3].astype(int), table[3])


def test_of_runs_that_share_words_the_likelier_is_kept_and_tags_are_those_of_the_runs_over_zero() -> None:
    found = candidates((0, 1, 0, 2.0), (1, 2, 1, 3.0), (0, 0, 0, 1.0), (4, 4, 1, -1.0), (3, 3, 1, 90.0))
    assert found.apart() == [4, 1, 2, 3]
    values = tag_values(found, 6, 2)
    assert values.shape == (6, 5) and values.max() == 8.0 and (values[:, 0] == 0).all()
    names = ["O", "B-A", "I-A", "B-B", "I-B"]
    best = best_paths(values, np.array([0, 6]), allowed(names, "iob2"))
    assert spans_of([names[at] for at in best]) == [Span(0, 1, "A"), Span(1, 3, "B"), Span(3, 4, "B")]
    assert values[4, 3] == -1.0 and values[5, 1:].max() == -8.0


def test_a_run_counts_by_how_much_likelier_it_is_than_none_and_by_its_share_among_types() -> None:
    def said(*scores: float) -> SpanLikelihoods:
        firsts = np.array([NOTHING, 0, 2][: len(scores)])
        return SpanLikelihoods(firsts, firsts, np.array(scores), np.ones(len(scores), int))

    alone = Candidates.of([said(-3.0, -1.0, -7.0)])
    assert alone.firsts.tolist() == [0, 2] and alone.scores.tolist() == [2.0, -4.0], "one type has the whole share"
    both = Candidates.of([said(-3.0, -1.0, -7.0), said(-4.0, -5.0)])
    assert both.types.tolist() == [0, 0, 1] and both.firsts.tolist() == [0, 2, 0]
    shares = [2.0 - np.logaddexp(2.0, -1.0), -4.0 - np.logaddexp(-4.0, -1.0), -1.0 - np.logaddexp(2.0, -1.0)]
    np.testing.assert_allclose(both.scores, np.array([2.0, -4.0, -1.0]) + APART * np.array(shares))


def test_margins_make_f1_highest_where_labels_say_it_and_give_as_many_as_expected_where_not() -> None:
    rows = [
        candidates((0, 0, 0, 5.0), (1, 1, 0, 3.0), (2, 2, 1, 2.5)),
        candidates((0, 0, 0, 1.0), (1, 1, 0, 2.0), (2, 2, 1, 3.0)),
    ]
    rows = [*rows, candidates((0, 1, 0, 4.0))]
    true = [{Span(0, 1, "A"), Span(1, 2, "A")}, {Span(at, at + 1, "B") for at in (4, 5, 6)}, {Span(0, 2, "A")}]
    margins = best_margins(rows, true, ["A", "B"], np.array([0.0, 0.0]))
    kept = [each.less(margins) for each in rows]
    assert [len(each.apart()) for each in kept] == [2, 0, 1], "those that are right, and none of B, which is never"
    assert margins.tolist() == [2.5, 3.0] and best_margins(rows, [set()] * 3, ["A", "B"], np.ones(2)).tolist() == [
        1.0,
        1.0,
    ]
    for count in (1.0, 2.0):
        usual = expected_margins(rows, 2, count)
        over = [each._replace(scores=each.scores - usual[each.types]) for each in rows]
        assert sum((each.scores[each.apart()] > 0).sum() for each in over) == round(3 * count)
    means = [(5 + 2 + 4) / 3, 2.75]
    assert np.ptp(usual - means) == pytest.approx(0), "one border behind the mean of each type"


def test_a_saved_model_tags_as_before_and_every_span_stands_in_the_text(
    fitted: Callable[..., Artifact], tmp_path: Path
) -> None:
    model = fitted(shots=2, folds=0, verbalizer={"PET": "an animal"})
    predictor: Any = model.predictor
    assert [each.prompt.template for each in predictor.asking] == [
        f"Text: {{text}}\nName of a {said} in the text, or none:" for said in ("an animal", "PLACE")
    ]
    assert [sorted(bool(shot.label) for shot in each.shots) for each in predictor.asking] == [[False, True]] * 2
    for each in predictor.asking:
        for shot in each.shots:
            assert each.prompt.words[shot.label] in (shot.input if shot.label else "none")
    predictor.margins = np.array([-2.0, -3.0])
    again = load(model.save(tmp_path / "saved"))
    both = [each.predict(ASKED) for each in (model, again)]
    for one, other, text in zip(*both, ASKED, strict=True):
        assert one.tags == other.tags and one.entities
        for entity, same in zip(one.entities, other.entities, strict=True):
            assert text[entity.start : entity.end] == entity.text and entity.score == pytest.approx(
                same.score, abs=1e-5
            )
    (alone,) = again.predict(ASKED[1:])
    assert alone.tags == both[0][1].tags
    assert "network.generate" in again.predictor.usage()
    (row,) = model.evidence["leaderboard"]
    assert row["description"] == "2 balanced shots, words of the text alone, margins by F1"
    assert model.evidence["leaderboard"][0]["scores"]["validation"]["f1"]["n"] > 0


def test_rows_without_tags_take_types_by_name_and_rows_with_tags_are_scored(
    fitted: Callable[..., Artifact], tmp_path: Path
) -> None:
    test = tmp_path / "test.conll"
    test.write_text(
        "\n\n".join("\n".join(map("\t".join, zip(*each, strict=True))) for each in zip(WORDS, TAGS, strict=True))
    )
    model = fitted(
        {"text": [" ".join(each) for each in WORDS]}, strategy="zero-shot", test=str(test), expected_labels=2.0, **TYPES
    )
    (row,) = model.evidence["leaderboard"]
    assert (
        row["description"] == "zero shots, as a conversation, words of the text alone, margins by how many are expected"
    )
    assert row["scores"]["validation"] is None and row["scores"]["test"]["f1"]["n"]
    assert model.labels == ("O", "B-PET", "I-PET", "B-PLACE", "I-PLACE")
    assert model.recipe["strategy"]["descriptions"] == {"PET": "an animal", "PLACE": "PLACE"}
    assert "which is weak as a rule" in model.evidence["verdict"][-1]
    given = sum(len(each.entities) for each in model.predict([" ".join(each) for each in WORDS]))
    assert given == 32, "two spans for each of 16 texts"


def test_folds_are_asked_with_examples_of_the_others(
    fitted: Callable[..., Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.predictors.prompted_spans import PromptedSpans

    seen: list[tuple[set[str], set[str]]] = []
    inner = PromptedSpans.candidates

    def watched(self: Any, inputs: Any, **options: Any) -> Any:
        shown = {shot.input for each in self.asking for shot in each.shots}
        seen.append(({each.text for each in inputs}, shown))
        return inner(self, inputs, **options)

    monkeypatch.setattr(PromptedSpans, "candidates", watched)
    model = fitted({"tokens": WORDS[:6], "tags": TAGS[:6]}, folds=2, shots=1, expected_labels=1.0)
    assert len(seen) == 3 and all(shown and not given & shown for given, shown in seen)
    assert model.recipe["strategy"]["expected_labels"] == 1.0


def test_types_are_told_by_their_names_without_a_run(decoder: str, tiny_backbone: Path) -> None:
    given: dict[str, Any] = {"labels": ["PET", "PLACE"], "spans": True, "threads": 1, "max_length": 250}
    (said,) = headstart.predict(texts=ASKED[:1], **given, backbone=decoder)["predictions"]
    assert len(said["tags"]) == 10 and {"entities", "words"} <= set(said)
    with pytest.raises(HeadstartError, match="cannot tell from names which words are of a type"):
        headstart.predict(texts=ASKED[:1], **given, backbone=str(tiny_backbone))
    with pytest.raises(HeadstartError, match="leave one out"):
        headstart.predict(texts=ASKED[:1], **given, several=True, backbone=decoder)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calibration": "batch"}, "leave out calibration"),
        ({"shot_selection": "nearest", "shots": 1}, "the same for all texts"),
        ({"prompt_template": "{text}"}, "has no {label}, where the words of a type are to stand"),
        ({"prompt_template": "{text} {label} {labels}?"}, "there are no labels"),
        ({"shots": 60}, "60 examples are asked for"),
        ({"strategy": "zero-shot", "clusters": True}, "leave clusters out"),
        ({"verbalizer": {"PETS": "x"}}, "there is no label 'PETS'. did you mean 'PET'"),
    ],
)
def test_what_has_no_meaning_is_refused(options: dict[str, Any], said: str, fitted: Callable[..., Artifact]) -> None:
    with pytest.raises(HeadstartError, match=said):
        fitted(**options, folds=0)


def test_examples_need_labels(fitted: Callable[..., Artifact]) -> None:
    with pytest.raises(HeadstartError, match="examples need labels"):
        fitted({"text": ASKED}, labels=["PET"], shots=1)
