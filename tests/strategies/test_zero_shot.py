"""Zero-shot classification: files without labels, names and clusters, a decoder beside an encoder."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax
from tests.toys.decoders import make_decoder

import headstart
from headstart.artifact import Artifact
from headstart.errors import HeadstartError
from headstart.grouping.named import by_names, evened, grown, kappa, steadiness, usual_count
from headstart.loading import load
from headstart.report.page import render
from headstart.strategies.descriptions import read_descriptions
from headstart.strategies.opinions import borders, steady_over_prompts

LABELS = ["good", "bad"]
TEXTS = [f"the cat is {word} , {at}" for at in range(24) for word in LABELS]
ALONE = {"text": TEXTS}
TEST = {"words": TEXTS[:6], "what": LABELS * 3}


def scattered(centres: np.ndarray, each: int, spread: float, seed: int = 0) -> np.ndarray:
    """Vectors of length 1 around each centre, one centre after the other."""
    draw = np.random.default_rng(seed)
    found = np.repeat(centres, each, axis=0) + spread * draw.standard_normal((each * len(centres), centres.shape[1]))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def test_clusters_take_the_place_of_names_only_where_both_agree() -> None:
    centres = np.eye(3, 16)
    texts = scattered(centres, 60, 0.1)
    own = np.repeat(np.arange(3), 60)
    near = scattered(centres, 1, 0.35, seed=1)[None]
    names = by_names(near, texts)
    found = grown(names, texts)
    right = (found.named.cosines(texts).argmax(1) == own).mean()
    assert found.kept and found.agreement > 0.6 and right == 1.0
    assert right >= (names.cosines(texts).argmax(1) == own).mean()
    elsewhere = scattered(np.eye(16)[8:11], 60, 0.1)  # texts differ by something else than what the names are about
    assert not grown(by_names(centres[None].astype(np.float32), elsewhere), elsewhere).kept
    assert not grown(names, texts[:50]).kept, "too few texts to cluster"
    assert not by_names(near, texts[:5]).middle.any() and by_names(near, texts).middle.any()


def test_labels_reach_their_border_as_often_as_is_expected_each_on_its_own_scale() -> None:
    values = np.array([[0.0, 10.0], [1.0, 30.0], [2.0, 20.0], [5.0, 40.0]])
    factors, summands = evened(values, 1.0)
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    scores = values * factors + summands
    np.testing.assert_allclose(scores - scores.mean(), standard - standard.mean(), atol=1e-9)
    assert (scores >= 0).sum() == 4 and scores[3].min() > 0
    few = evened(values, 0.5)
    assert (values * few[0] + few[1] >= 0).sum() == 2, "half a label for each of four texts"
    assert evened(values[:, :1], 0.75)[1].shape == (1,)
    assert [usual_count(each) for each in (1, 2, 3, 90)] == [0.75, 1.5, 1.5, 1.5]
    names = by_names(scattered(np.eye(1, 16), 1, 0.3)[None], scattered(np.eye(1, 16), 5, 0.3))
    assert np.linalg.norm(names.directions) == pytest.approx(1), "one name has nothing in common with others"


@pytest.fixture(scope="module")
def fitted(tiny_backbone: Path) -> Callable[..., Artifact]:
    def fit(rows: Any = ALONE, **options: Any) -> Artifact:
        given = {"strategy": "zero-shot", "backbone": str(tiny_backbone), "threads": 1, "labels": LABELS}
        return headstart.fit(rows, **given | options)

    return fit


def test_texts_alone_make_a_model_of_which_nothing_is_claimed(fitted: Callable[..., Artifact], tmp_path: Path) -> None:
    model = fitted()
    (row,) = model.evidence["leaderboard"]
    assert row["chosen"] and not any(row["scores"].values()) and model.evidence["comparisons"] == []
    assert model.evidence["data"]["labelled"] is False and model.evidence["data"]["splits"]["train"]["labels"] == {}
    assert "nothing is known of how often it is right" in model.evidence["verdict"][0]
    page = render(model.evidence)
    assert "It has no scores yet" in page
    again = load(model.save(tmp_path / "saved"))
    np.testing.assert_allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-5)
    once_more = headstart.fit(ALONE, **{**_flat(model.recipe), "labels": LABELS})
    np.testing.assert_array_equal(once_more.predict_proba(TEXTS), model.predict_proba(TEXTS))


def _flat(recipe: dict[str, Any]) -> dict[str, Any]:
    strategy = dict(recipe["strategy"])
    return {
        "strategy": strategy,
        "backbone": recipe["backbone"],
        "threads": recipe["threads"],
        "precision": recipe["precision"],
    }


def test_a_test_with_labels_is_scored_and_its_column_is_found_by_them(
    fitted: Callable[..., Artifact], tmp_path: Path
) -> None:
    import csv

    path = tmp_path / "test.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "how", "what"])
        writer.writerows(zip(TEST["words"], "abcabc", TEST["what"], strict=True))
    model = fitted(test=str(path))
    scores = model.evidence["leaderboard"][0]["scores"]
    right = np.mean(
        [given.label == true for given, true in zip(model.predict(TEST["words"]), TEST["what"], strict=True)]
    )
    assert scores["validation"] is None and scores["test"]["accuracy"]["value"] == pytest.approx(right)
    assert "on 6 test rows" in model.evidence["verdict"][0]
    assert model.task.label == "what"


def test_a_column_of_nothing_but_labels_holds_the_labels_whatever_it_is_called(fitted: Callable[..., Artifact]) -> None:
    model = fitted(ALONE | {"mood": LABELS * 24}, controls=False)
    assert model.evidence["data"].get("labelled", True) and model.task.label == "mood"
    assert model.evidence["leaderboard"][0]["scores"]["validation"]["accuracy"]["n"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strategy": None}, "told by their names: --strategy zero-shot"),
        ({"labels": None}, "or name the labels that texts are to be given: --labels good,bad"),
        ({"strategy": None, "strategies": ["zero-shot", "prompting"]}, "has no labels to choose by"),
        ({"strategy": "feature-extraction"}, "no task fits its columns"),
        ({"out_of_scope": True}, "no rows in scope by which others are told; leave out --out-of-scope"),
        ({"labels": ["good", "good"]}, "stands twice"),
        ({"labels": ["good", "good "]}, "the same words"),
        ({"descriptions": {"ugly": "x"}}, "there is no label 'ugly'"),
        ({"descriptions": {"good": " "}}, "has no words that could be written"),
        ({"descriptions": {"good": "x"}, "describe": "labels.csv"}, "not both"),
    ],
)
def test_what_cannot_be_done_without_labels_is_said(
    fitted: Callable[..., Artifact], options: dict[str, Any], said: str
) -> None:
    given = {key: value for key, value in options.items() if value is not None}
    gone = [key for key, value in options.items() if value is None]
    with pytest.raises(HeadstartError, match=said):
        if gone:
            fixed = {"strategy": "zero-shot", "labels": LABELS, "threads": 1, "controls": False} | given
            headstart.fit(ALONE, **{key: value for key, value in fixed.items() if key not in gone})
        else:
            fitted(**given)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("d.csv", "label,description\ngood,a happy customer\n", "the label 'bad' has no description"),
        ("d.csv", "label,description\ngood,x\ngood,y\n", ":3: the label 'good' is described twice"),
        ("d.csv", "name,description\ngood,x\nbad,y\n", "has no column 'label'"),
        ("d.json", '["good"]', "expected a mapping of labels to texts"),
        ("d.yaml", "good: [", "cannot be read as yaml"),
        ("d.yaml", "good: x\nbad: y\nugly: z\n", "there is no label 'ugly'"),
    ],
)
def test_descriptions_that_cannot_be_used_are_refused_with_their_place(
    name: str, content: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(HeadstartError, match=said):
        read_descriptions(tmp_path / name, LABELS)


def test_descriptions_of_a_file_stand_in_the_resolved_recipe(fitted: Callable[..., Artifact], tmp_path: Path) -> None:
    path = tmp_path / "d.yaml"
    path.write_text("good: a very good day\nbad: a bad night\n")
    strategy = fitted(describe=str(path)).recipe["strategy"]
    assert (
        strategy["descriptions"] == {"good": "a very good day", "bad": "a bad night"} and strategy["describe"] is None
    )


def test_a_decoder_and_an_encoder_are_multiplied(
    fitted: Callable[..., Artifact], tiny_backbone: Path, tmp_path: Path
) -> None:
    decoder = make_decoder(tmp_path / "llama")
    model = fitted(backbone=str(decoder), embedding_backbone=str(tiny_backbone), max_length=120)
    both: Any = model.predictor
    parts = [
        log_softmax(factor * each.outputs(TEXTS).values, axis=1)
        for factor, each in zip(both.factors, (both.asked, both.named), strict=True)
    ]
    expected = log_softmax(sum(parts), axis=1)
    np.testing.assert_allclose(np.log(model.predict_proba(TEXTS)), expected, atol=1e-4)
    again = load(model.save(tmp_path / "saved"))
    np.testing.assert_allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-5)
    alone = fitted(backbone=str(decoder), embedding_backbone="none", max_length=120)
    assert alone.predictor.kind == "prompted"
    np.testing.assert_allclose(
        alone.predict_proba(TEXTS), np.exp(log_softmax(both.asked.outputs(TEXTS).values, axis=1)), atol=1e-5
    )


def test_ways_of_asking_are_steady_by_the_pairs_that_agree() -> None:
    answers = np.array([[0, 1, 2, 0], [0, 1, 2, 0], [0, 1, 0, 1]])
    assert kappa(answers[0], answers[2], 3) == pytest.approx((0.5 - 1 / 3) / (2 / 3))
    assert steadiness(answers, 3) == pytest.approx((1 + 0.25 + 0.25) / 3)


@pytest.mark.parametrize("steady", [0.0, 1.0])
def test_a_decoder_whose_answers_hang_on_the_prompt_is_left_out_and_that_is_said(
    fitted: Callable[..., Artifact], tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steady: float
) -> None:
    seen: list[float] = []

    def watched(*given: Any) -> float:
        seen.append(steady_over_prompts(*given))
        return steady

    monkeypatch.setattr("headstart.strategies.zero_shot.steady_over_prompts", watched)
    decoder = str(make_decoder(tmp_path / "llama"))
    rows = {"text": [f"the cat is {word} , {at}" for at in range(30) for word in LABELS]}
    model = fitted(rows, backbone=decoder, embedding_backbone=str(tiny_backbone), max_length=120)
    assert len(seen) == 1 and -1 <= seen[0] <= 1
    said = model.evidence["leaderboard"][0]["description"]
    assert model.predictor.kind == ("zero-shot" if steady else "transformers")
    assert ("answers hang on the prompt: agreement 0.00, of names " in said) is not bool(steady)


def test_prompting_reads_texts_alone_and_examples_need_labels(fitted: Callable[..., Artifact], tmp_path: Path) -> None:
    decoder = str(make_decoder(tmp_path / "llama"))
    model = fitted(backbone=decoder, strategy="prompting", max_length=120)
    asked: Any = model.predictor
    assert model.recipe["strategy"]["calibration"] == "batch" and np.abs(asked.bias).max() > 0
    with pytest.raises(HeadstartError, match="examples need labels"):
        fitted(backbone=decoder, strategy="prompting", shots=2, max_length=120)


def test_labels_are_told_by_their_names_without_a_run_each_text_by_itself(tiny_backbone: Path, tmp_path: Path) -> None:
    given: dict[str, Any] = {"labels": LABELS, "backbone": str(tiny_backbone), "threads": 1}
    said = headstart.predict(texts=TEXTS[:3], **given)["predictions"]
    assert [row["label"] in LABELS for row in said] == [True] * 3
    (alone,) = headstart.predict(texts=TEXTS[2:3], **given)["predictions"]
    assert alone["probabilities"] == pytest.approx(said[2]["probabilities"], abs=1e-5)
    decoder = given | {"backbone": str(make_decoder(tmp_path / "llama")), "max_length": 120}
    (one,) = headstart.predict(texts=TEXTS[:1], **decoder)["predictions"]
    assert sum(one["probabilities"].values()) == pytest.approx(1)
    with pytest.raises(HeadstartError, match="model: is required"):
        headstart.predict(texts=TEXTS[:1])
    for how in (given, decoder):
        (several,) = headstart.predict(texts=TEXTS[:1], **how, several=True)["predictions"]
        assert {name for name, share in several["probabilities"].items() if share >= 0.5} == {*several["labels"]}


@pytest.fixture(scope="module")
def pairs(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    rows = {
        "premise": TEXTS, "hypothesis": [f"it was {word}" for _ in range(24) for word in ("good", "good")],
        "label": ["entailment", "contradiction"] * 24,
    }  # fmt: skip
    model = headstart.fit(
        rows, task="text-pair-classification", text=["premise", "hypothesis"], strategy="feature-extraction",
        backbone=str(tiny_backbone), controls=False, threads=1, folds=0,
    )  # fmt: skip
    return str(model.save(tmp_path_factory.mktemp("pairs") / "run"))


def test_a_model_of_pairs_is_asked_for_a_sentence_about_each_label(
    fitted: Callable[..., Artifact], pairs: str, tmp_path: Path
) -> None:
    model = fitted(entailment=pairs, hypothesis_template="it was {label}")
    reader = load(pairs)
    column = reader.labels.index("entailment")
    share = np.array(
        [[reader.predict_proba([(text, f"it was {label}")])[0][column] for label in LABELS] for text in TEXTS[:4]]
    )
    odds = np.log(share / (1 - share))
    np.testing.assert_allclose(np.log(model.predict_proba(TEXTS[:4])), log_softmax(odds, axis=1), atol=2e-4)
    again = load(model.save(tmp_path / "saved"))
    np.testing.assert_allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-5)
    assert "it was good" in again.predictor.usage()


def test_what_is_no_model_of_entailment_is_refused(fitted: Callable[..., Artifact], pairs: str, tmp_path: Path) -> None:
    own = fitted().save(tmp_path / "own")
    with pytest.raises(HeadstartError, match="name one that reads pairs of texts"):
        fitted(entailment=str(own))
    with pytest.raises(HeadstartError, match="name the label of .* contradiction, entailment"):
        fitted(entailment=pairs, entailment_label="yes")
    with pytest.raises(HeadstartError, match="has no {label}"):
        fitted(entailment=pairs, hypothesis_template="it was")


SETS: dict[str, Any] = {"task": "multi-label-classification", "labels": ["good", "bad", "cat"]}
BOTH = {"text": TEXTS, "topics": [["cat", word] for _ in range(24) for word in LABELS]}


def test_each_of_several_labels_is_given_so_often_that_texts_have_as_many_as_are_expected(
    fitted: Callable[..., Artifact], tmp_path: Path
) -> None:
    for options, count in (({}, 1.5), ({"expected_labels": 1.0}, 1.0)):
        model = fitted(**SETS, **options)
        shares = model.predict_proba(TEXTS)
        assert (shares >= 0.5).sum() == pytest.approx(count * len(TEXTS), abs=1.5)
        assert [*model.predict(TEXTS[:1])[0].labels] == [
            name for name, p in zip(model.labels, shares[0], strict=True) if p >= 0.5
        ]
        odds = np.log(shares / (1 - shares))
        np.testing.assert_allclose(odds.std(axis=0), 0.75, atol=1e-2)
    assert model.evidence["leaderboard"][0]["description"] == "names, 1 labels expected for each text"
    again = load(model.save(tmp_path / "saved"))
    np.testing.assert_allclose(again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-5)
    few = fitted({"text": TEXTS[:3]}, **SETS).predict_proba(TEXTS[:3])
    assert (few >= 0.5).sum() == pytest.approx(4.5, abs=1.5), "names say how labels lie, few texts where the border is"


def test_few_texts_say_where_the_border_is_and_names_how_scores_lie() -> None:
    context: Any = SimpleNamespace(task=SimpleNamespace(names=("a", "b")), labelled=False)
    words = {"a": "one", "b": "two"}
    texts = ["first", "second", "third"]

    def scores(some: Sequence[str]) -> np.ndarray:
        """Names are near to themselves; texts are far from all of them."""
        if some is not texts:
            return np.array([[0.9, 0.3] if "one" in each else [0.2, 0.8] for each in some])
        return np.array([[0.05, 0.22], [0.06, 0.3], [0.25, 0.2]])

    found = borders(context, scores, texts, words, 1.0)
    given = scores(texts) * found.factors + found.summands >= 0
    assert found.expected == 1.0 and given.sum() == 3 and given.any(axis=0).all()
    alone = borders(context, scores, [], words, 1.0)
    assert (scores(texts) * alone.factors + alone.summands < 0).all(), "by names alone the texts are too far from all"


def test_rows_with_several_labels_set_thresholds_and_how_many_are_expected(fitted: Callable[..., Artifact]) -> None:
    model = fitted(BOTH, **SETS, folds=0, controls=False)
    (row,) = model.evidence["leaderboard"]
    assert row["description"].endswith("2 labels expected for each text")
    thresholds = next(each for each in model.decisions if each.name == "thresholds")
    assert len(thresholds.values) == 3 and row["scores"]["validation"]["f1"]["value"] > 0.75


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (SETS | {"expected_labels": 3.0}, "cannot have 3 of 3 labels"),
        (SETS | {"clusters": True}, "leave clusters out"),
        (SETS | {"entailment": "runs/pairs", "expected_labels": 1.0}, "leave expected_labels out"),
        ({"expected_labels": 1.0}, "rows have one label each"),
    ],
)
def test_what_has_no_meaning_for_one_label_or_for_several_is_refused(
    fitted: Callable[..., Artifact], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(HeadstartError, match=said):
        fitted(**options)


def test_a_decoder_gives_labels_that_a_text_makes_likelier_than_others_do(
    fitted: Callable[..., Artifact], tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    decoder: dict[str, Any] = {"backbone": str(make_decoder(tmp_path / "llama")), "max_length": 120} | SETS
    model = fitted(**decoder, embedding_backbone="none")
    asked: Any = model.predictor
    scores, shares = asked.scores(TEXTS)[0], model.predict_proba(TEXTS)
    standard = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    given = shares >= 0.5
    assert given.sum() == pytest.approx(1.5 * len(TEXTS), abs=1.5)
    assert standard[given].min() >= standard[~given].max() - 1e-6, "one border for all, in standard deviations"
    again = load(model.save(tmp_path / "saved"))
    np.testing.assert_allclose(again.predict_proba(TEXTS), shares, atol=1e-5)
    monkeypatch.chdir(tmp_path / "saved")
    exec(compile(again.predictor.usage().replace("a text", TEXTS[1]), "card", "exec"), {})
    said = eval(capsys.readouterr().out.strip().split("\n")[-1])
    np.testing.assert_allclose([said[label] for label in again.labels], shares[1], atol=1e-4)
    both = fitted(**decoder, embedding_backbone=str(tiny_backbone))
    two: Any = both.predictor
    odds = sum(two.factors[0] * each.outputs(TEXTS).values for each in (two.asked, two.named))
    shares = both.predict_proba(TEXTS)
    np.testing.assert_allclose(np.log(shares / (1 - shares)), odds, atol=1e-3)
    assert (shares >= 0.5).sum() == pytest.approx(1.5 * len(TEXTS), abs=1.5)
    again = load(both.save(tmp_path / "both"))
    np.testing.assert_allclose(again.predict_proba(TEXTS), shares, atol=1e-5)


def test_a_model_of_pairs_gives_every_label_that_is_entailed_rather_than_not(
    fitted: Callable[..., Artifact], pairs: str, tmp_path: Path
) -> None:
    model = fitted(**SETS, entailment=pairs, hypothesis_template="it was {label}")
    reader = load(pairs)
    column = reader.labels.index("entailment")
    share = [reader.predict_proba([(TEXTS[0], f"it was {label}")])[0][column] for label in model.labels]
    np.testing.assert_allclose(model.predict_proba(TEXTS[:1])[0], share, atol=1e-4)
    again = load(model.save(tmp_path / "saved"))
    np.testing.assert_allclose(again.predict_proba(TEXTS[:4]), model.predict_proba(TEXTS[:4]), atol=1e-4)
    assert "all that are at least as likely as not" in again.predictor.usage()
