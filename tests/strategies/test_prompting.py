"""Prompting: scores that are those of plain transformers, examples that a row is not among, calibrations by their formulas."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.toys.decoders import CHATML, make_decoder

import headstart
from headstart.artifact import Artifact
from headstart.data.prompts import NOTHING
from headstart.errors import HeadstartError
from headstart.loading import load
from headstart.metrics.calibration import softmax

ROWS = {
    "text": [f"the cat is {word} {at}" for at in range(20) for word in ("good", "bad")],
    "label": ["good", "not good at all"] * 20,
}
STARS = {"text": ROWS["text"], "stars": [float(1 + at % 5) for at in range(40)]}
TEXTS = ["the cat is good 3", "day and night"]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_decoder(tmp_path_factory.mktemp("decoder") / "llama"))


@pytest.fixture(scope="module")
def fitted(decoder: str) -> Callable[..., Artifact]:
    def fit(rows: Any = ROWS, **options: Any) -> Artifact:
        given = {
            "strategy": "prompting",
            "backbone": decoder,
            "controls": False,
            "threads": 1,
            "max_length": 250,
            "folds": 0,
        }
        return headstart.fit(rows, **given | options)

    return fit


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shots": 3, "calibration": "batch", "prompt_template": "{text}\nIs it {labels}?", "instruction": "Read.", "length_normalised": True},
        {"chat": True, "shots": 3, "calibration": "batch", "prompt_template": "{text}\nIs it {labels}?", "instruction": "Read."},
        {"chat": True, "calibration": "none", "prompt_template": "{text}\nIs it?", "verbalizer": {"good": "not"}},
    ],
)  # fmt: skip
def test_saved_and_loaded_it_says_the_same_as_plain_transformers_by_the_card(
    options: dict[str, Any], fitted: Callable[..., Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    model = fitted(**options)
    again = load(model.save(tmp_path / "saved"))
    np.testing.assert_allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-5)
    np.testing.assert_allclose(again.predict_proba(TEXTS[1:]), model.predict_proba(TEXTS)[1:], atol=1e-5)
    monkeypatch.chdir(tmp_path / "saved")
    exec(compile(again.predictor.usage().replace("a text", TEXTS[1]), "card", "exec"), {})
    said = eval(capsys.readouterr().out.strip().split("\n")[-1])
    np.testing.assert_allclose([said[label] for label in again.labels], again.predict_proba(TEXTS[1:])[0], atol=1e-4)
    assert again.recipe["strategy"] == model.recipe["strategy"]


def test_calibrations_take_away_what_their_formulas_say(fitted: Callable[..., Artifact]) -> None:
    common = {"prompt_template": "{text}\nWhat is it?", "chat": False}
    plain: Any = fitted(**common, calibration="none").predictor
    for name, texts in (("contextual", NOTHING), ("batch", ROWS["text"])):
        asked: Any = fitted(**common, calibration=name).predictor
        mean = softmax(plain.scores(texts)[0]).mean(0)
        if name == "batch":  # of a sample of the rows that are left for training
            assert np.abs(asked.bias + np.log(mean)).max() < 0.2
        else:
            np.testing.assert_allclose(asked.bias, -np.log(mean), atol=1e-6)
    asked = fitted(**common, calibration="domain-conditional").predictor
    assert plain.bias.tolist() == [0.0, 0.0]
    from headstart.predictors.continuations import Continuations

    alone = Continuations(asked.model.heads["classification"], asked.backbone.tokenizer).scores(
        ["What is it?"], asked.prompt.answers
    )
    np.testing.assert_allclose(asked.bias, -alone.scores[0], atol=1e-5)


def test_examples_are_balanced_near_or_any_and_none_is_asked_about_itself(fitted: Callable[..., Artifact]) -> None:
    one = {"prompt_template": "{text} is?", "calibration": "batch", "chat": False}
    balanced: Any = fitted(**one, shots=4).predictor
    assert sorted(shot.label for shot in balanced.shots) == [0, 0, 1, 1]
    nearest: Any = fitted(**one, shots=2, shot_selection="nearest").predictor
    assert len(nearest.shots) > 20
    own = nearest.shots[5].input
    (found,) = nearest._chosen([own], apart=False)
    assert len(found) == 2 and found[-1].input == own, "the most similar one stands last"
    (apart,) = nearest._chosen([own], apart=True)
    assert own not in [shot.input for shot in apart] and len(apart) == 2


def test_with_folds_no_row_is_among_its_own_examples(
    fitted: Callable[..., Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.predictors.prompted import PromptedPredictor

    seen: list[tuple[list[Any], set[Any]]] = []
    inner = PromptedPredictor.scores

    def watched(self: Any, inputs: Any, *, apart: bool = False, **options: Any) -> Any:
        if not apart and self.shots:
            seen.append((list(inputs), {shot.input for shot in self.shots}))
        return inner(self, inputs, apart=apart, **options)

    monkeypatch.setattr(PromptedPredictor, "scores", watched)
    fitted(shots=4, prompt_template="{text} is?", calibration="batch", folds=2)
    assert len(seen) >= 2
    assert not any(own & {*inputs} for inputs, own in seen)


def test_a_long_text_is_cut_and_a_prompt_that_leaves_no_room_is_refused(
    fitted: Callable[..., Artifact], decoder: str
) -> None:
    model = fitted(prompt_template="{text}\nGood?", calibration="none", chat=False, max_length=60)
    said = model.predict(["x " * 300, "a day"])
    assert [each.truncated for each in said] == [True, False]
    asked, cut = model.predictor._asked(["x " * 300], False)  # type: ignore[attr-defined]
    assert asked[0].endswith("\nGood?") and cut.tolist() == [True]
    with pytest.raises(HeadstartError, match="give fewer shots or a shorter instruction"):
        fitted(prompt_template="{text}\nGood?", calibration="none", instruction="a word and " * 40, max_length=60)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"backbone": "mini"}, "networks of the architecture bert do not go on with a text"),
        ({"prompt_template": "What?"}, "the template has no {text}"),
        ({"shots": 90}, "90 examples are asked for, and there are"),
        ({"verbalizer": {"good": "not good at all"}}, "have the same words"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], said: str, fitted: Callable[..., Artifact]) -> None:
    with pytest.raises(HeadstartError, match=said):
        fitted(**options)


def test_a_conversation_is_what_transformers_makes_of_it_and_answers_begin_the_assistant_s_turn(
    fitted: Callable[..., Artifact], decoder: str
) -> None:
    from transformers import AutoTokenizer

    asked: Any = fitted(
        chat=True, shots=2, prompt_template="Say: {text}", calibration="none", instruction="Is it {labels}?",
        verbalizer={"good": "not"},
    ).predictor  # fmt: skip
    (text,), cut = asked._asked(["a day"], False)
    messages = [{"role": "system", "content": "Is it not or not good at all?"}]
    for shot in asked.shots:
        answer = ("not", "not good at all")[shot.label]
        messages += [{"role": "user", "content": f"Say: {shot.input}"}, {"role": "assistant", "content": answer}]
    messages.append({"role": "user", "content": "Say: a day"})
    plain = AutoTokenizer.from_pretrained(decoder)
    assert text == plain.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert cut.tolist() == [False]
    assert asked._rendered.answers == ("not<|im_end|>", "not good at all<|im_end|>")
    assert asked._rendered.start == ()


def test_a_long_text_in_a_conversation_is_cut_and_what_stands_behind_it_stays(fitted: Callable[..., Artifact]) -> None:
    asked: Any = fitted(chat=True, prompt_template="{text}\nGood?", calibration="none", max_length=120).predictor
    (text,), cut = asked._asked(["x " * 300], False)
    assert text.endswith("\nGood?<|im_end|>\n<|im_start|>assistant\n") and cut.tolist() == [True]
    ids = asked.backbone.tokenizer.whole(text + asked._rendered.answers[1]).ids
    assert 110 < len(ids) <= 120


def test_whether_it_is_a_conversation_is_found_out_where_the_network_has_a_template(
    fitted: Callable[..., Artifact], tmp_path: Path
) -> None:
    one = {"prompt_template": "{text} is?", "calibration": "batch"}
    chosen = fitted(**one)
    assert chosen.recipe["strategy"]["chat"] == chosen.predictor.prompt.chat  # type: ignore[attr-defined]
    bare = str(make_decoder(tmp_path / "bare", template=None))
    assert fitted(**one, backbone=bare).recipe["strategy"]["chat"] is False
    with pytest.raises(HeadstartError, match=r"strategy\.chat: the network has no chat template"):
        fitted(**one, backbone=bare, chat=True)
    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}" + CHATML
    picky = str(make_decoder(tmp_path / "picky", template=refusing))
    assert fitted(**one, backbone=picky, instruction="Read.").recipe["strategy"]["chat"] is False
    with pytest.raises(HeadstartError, match="the chat template refuses it: no system here"):
        fitted(**one, backbone=picky, instruction="Read.", chat=True)


def test_a_number_is_the_mean_of_its_words_by_their_probabilities_on_the_line_of_least_squares(
    fitted: Callable[..., Artifact], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from headstart.predictors.prompted import NumberScale

    options = {"task": "text-regression", "text": "text", "label": "stars", "metric": "rmse", "chat": False}
    model = fitted(STARS, **options, prompt_template="{text}\nStars ({labels}):", calibration="batch", shots=2)
    asked: Any = model.predictor
    assert (asked.prompt.words, asked.scale.values) == (("1", "2", "3", "4", "5"), (1.0, 2.0, 3.0, 4.0, 5.0))
    scores = asked.scores(TEXTS)[0] + asked.bias
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    mean, deviation = model.task.output_scale
    wanted = (asked.scale.slope * (shares @ np.arange(1.0, 6.0)) + asked.scale.offset) * deviation + mean
    assert [each.value for each in model.predict(TEXTS)] == pytest.approx(wanted, abs=1e-4)
    for shot in asked.shots:
        assert asked.prompt.words[shot.label] == f"{STARS['stars'][STARS['text'].index(shot.input)]:g}"
    x, y = np.array([1.0, 2.0, 4.0]), np.array([3.0, 2.0, -1.0])
    line = np.polyfit(x, y, 1)
    found = NumberScale((1.0, 2.0)).fitted(x, y)
    assert (found.slope, found.offset) == pytest.approx(tuple(line))
    assert NumberScale((1.0, 2.0)).fitted(x * 0 + 1, y)[1:] == pytest.approx((0.0, y.mean()))
    again = load(model.save(tmp_path / "saved"))
    assert [each.value for each in again.predict(TEXTS)] == pytest.approx(wanted, abs=1e-4)
    monkeypatch.chdir(tmp_path / "saved")
    exec(compile(again.predictor.usage().replace("a text", TEXTS[1]), "card", "exec"), {})
    assert eval(capsys.readouterr().out.strip().split("\n")[-1]) == {"stars": pytest.approx(wanted[1], abs=1e-4)}
    with pytest.raises(HeadstartError, match="numbers are their own words"):
        fitted(STARS, **options, verbalizer={"1": "one"})


def test_the_line_that_makes_numbers_makes_the_error_of_training_rows_least(fitted: Callable[..., Artifact]) -> None:
    rows = {
        "first": [f"the cat {at}" for at in range(30)], "second": [f"sat {at % 3}" for at in range(30)],
        "score": [at % 4 for at in range(30)],
    }  # fmt: skip
    options = {
        "task": "sentence-similarity",
        "text": ("first", "second"),
        "label": "score",
        "metric": "rmse",
        "chat": False,
    }
    asked: Any = fitted(rows, **options, calibration="none", prompt_template="{first} {second}:").predictor
    assert asked.prompt.answers == (" 0", " 1", " 2", " 3")
    pairs = list(zip(rows["first"], rows["second"], strict=True))
    true = np.array(rows["score"])
    said = asked.outputs(pairs).values[:, 0] * true.std() + true.mean()
    assert np.mean((said - true) ** 2) <= true.var() + 1e-9


def test_pairs_are_asked_about_too(fitted: Callable[..., Artifact]) -> None:
    rows = {
        "first": [f"the cat {at}" for at in range(30)], "second": [f"sat {at % 3}" for at in range(30)], "label": ["yes", "no"] * 15
    }  # fmt: skip
    model = fitted(rows, task="text-pair-classification", text=("first", "second"), label="label", shots=1)
    assert model.predict([("the cat 3", "sat")])[0].label in ("yes", "no")


TOPICS = {
    "text": [
        f"the cat is {word} and it {says} {at}" for at in range(12) for word, says in (("good", "sat"), ("bad", "is"))
    ],
    "topics": [["good", "sat"], ["bad"]] * 8 + [["good"], ["bad"]] * 3 + [["good"], []],
}
SETS: dict[str, Any] = {"task": "multi-label-classification", "prompt_template": "{text} is?", "chat": False}


def test_of_several_labels_each_has_a_border_and_an_example_shows_its_rarest_one(
    fitted: Callable[..., Artifact], tmp_path: Path
) -> None:
    from headstart.grouping.named import evened

    model = fitted(TOPICS, **SETS, shots=3, length_normalised=True)
    asked: Any = model.predictor
    assert all(shot.input in TOPICS["text"] for shot in asked.shots) and len(asked.shots) == 3
    for shot in asked.shots:
        both = "good" in shot.input and int(shot.input.split()[-1]) < 8
        assert asked.prompt.words[shot.label] == ("sat" if both else shot.input.split()[3])
    (row,) = model.evidence["leaderboard"]
    train = model.evidence["data"]["splits"]["train"]
    mean = sum(train["labels"].values()) / train["rows"]
    assert row["description"] == f"3 balanced shots, {mean:.2g} labels expected for each text"
    assert len(next(each for each in model.decisions if each.name == "thresholds").values) == 3
    again = load(model.save(tmp_path / "saved"))
    np.testing.assert_allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-5)
    alone = fitted({"text": TOPICS["text"]}, **SETS, labels=["good", "bad", "sat"], expected_labels=2.0)
    own: Any = alone.predictor
    scores = own.scores(TOPICS["text"])[0]
    factors, summands = evened(scores, 2.0)
    np.testing.assert_allclose(own.bias, summands / factors, atol=1e-6)
    assert (alone.predict_proba(TOPICS["text"]) >= 0.5).sum() == pytest.approx(48, abs=1)
    assert alone.recipe["strategy"]["calibration"] is None


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (TOPICS, SETS | {"calibration": "batch"}, "leave out calibration"),
        (TOPICS, SETS | {"expected_labels": 3.0}, "cannot have 3 of 3 labels"),
        (ROWS, {"expected_labels": 1.0}, "so none are expected"),
    ],
)
def test_what_has_no_meaning_for_several_labels_or_one_is_refused(
    rows: Any, options: dict[str, Any], said: str, fitted: Callable[..., Artifact]
) -> None:
    with pytest.raises(HeadstartError, match=said):
        fitted(rows, **options)
