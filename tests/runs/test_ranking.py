"""The verb `rank`, whole: which backbone suits labelled rows, by scores of its states as they are."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.backbones.location import BackboneSource, locate
from headstart.cli.ranked import ranking_table
from headstart.errors import DataError, MissingInputError, ModelError, RecipeError, RunFolderError
from headstart.recipes.effects import without_effect
from headstart.recipes.parsing import assemble
from headstart.runs.preparation import into_parts, read
from headstart.runs.scored_states import layers_of, lead, scores_by_layer, without_parts
from headstart.runs.splitting import bound
from headstart.runs.truth import Truth
from headstart.runtime.progress import SILENT
from headstart.transferability import TITLES
from headstart.transferability.logme import logme
from headstart.transferability.spectrum import Spectrum

WORDS = [
    "good",
    "bad",
    "very",
    "the",
    "a",
    "is",
    "it",
    "and",
    "you",
    "to",
    "on",
    "at",
    "way",
    "day",
    "night",
    "shop",
    "opens",
    "nine",
    "start",
    "end",
    "parcel",
    "now",
]


def texts(count: int, seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS[2:], 6)) + f" {WORDS[at % 2]} day" for at in range(count)]


def written(folder: Path, rows: list[dict[str, Any]]) -> str:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


KINDS: dict[str, Callable[[int, str], dict[str, Any]]] = {
    "text-classification": lambda at, text: {"text": text, "label": "ab"[at % 2]},
    "text-pair-classification": lambda at, text: {
        "one": text,
        "two": f"the {WORDS[at % 2]} shop {at}",
        "label": "ab"[at % 2],
    },
    "multi-label-classification": lambda at, text: {
        "text": text,
        "label": ["x", "y"] if at % 2 else ["y"] * (at % 3 > 0),
    },
    "text-regression": lambda at, text: {"text": text, "label": at % 2 + len(text) / 100},
    "sentence-similarity": lambda at, text: {
        "one": text,
        "two": f"the {WORDS[at % 2]} shop",
        "label": at % 2 + at / 100,
    },
    "token-classification": lambda at, text: {
        "words": text.split(),
        "tags": ["B-X" if word in ("good", "shop") else "O" for word in text.split()],
    },
}


def of(kind: str, folder: Path, count: int = 40) -> str:
    return written(folder, [KINDS[kind](at, text) for at, text in enumerate(texts(count))])


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    return of("text-classification", tmp_path_factory.mktemp("rows"))


@pytest.fixture
def other(make_backbone: Callable[..., Path], once: Callable[..., Path]) -> Path:
    """A decoder of another width and tokens."""
    return once("ranked-gpt2", lambda folder: make_backbone(folder, "gpt2", hidden_size=48))


def truth_of(rows: str, most: int = 1000) -> Truth:
    comparison = assemble("rank", {"train": rows}).comparison()
    labelled = bound(read(comparison), comparison)
    return Truth.of(labelled.task, labelled.train, comparison.data, most=most, seed=0)


def test_networks_of_any_width_have_a_place_and_one_that_cannot_be_opened_a_reason(
    rows: str, tiny_backbone: Path, other: Path, tmp_path: Path
) -> None:
    said = headstart.rank(rows, backbones=(tiny_backbone, other, tmp_path / "nowhere"))
    assert {row["backbone"] for row in said["ranking"]} == {str(tiny_backbone), str(other)}
    assert {(row["architecture"], row["width"], row["layers"]) for row in said["ranking"]} == {
        ("bert", 32, 2),
        ("gpt2", 48, 2),
    }
    first, second = said["ranking"]
    assert first["score"] >= second["score"] and (first["rank"], second["rank"], first["lead"]) == (1, 2, None)
    assert second["lead"]["value"] == pytest.approx(first["score"] - second["score"])
    assert [reading["states"] for reading in first["by_layer"]] == ["embeddings", "layer 1", "layer 2", "mean"]
    assert first["score"] == max(reading["scores"]["logme"] for reading in first["by_layer"][:-1])
    assert "is not a folder" in said["not_ranked"][0]["why"]
    assert "nowhere: backbone" in ranking_table(said)


def test_scores_are_those_of_the_pooled_states_of_the_rows(rows: str, tiny_backbone: Path) -> None:
    from headstart.backbones.base import open_backbone
    from headstart.training.features import pooled_states

    said, truth = headstart.rank(rows, backbones=str(tiny_backbone), states="last"), truth_of(rows)
    backbone = open_backbone(locate(BackboneSource(location=str(tiny_backbone))))
    states = pooled_states(backbone, backbone.tokenizer.read(truth.rows.inputs), ["mean"])[:, :, 0]
    scores = [logme(Spectrum.of(each), truth.wanted) for each in (*states.transpose(1, 0, 2), states[:, 1:].mean(1))]
    assert [row["scores"]["logme"] for row in said["ranking"][0]["by_layer"]] == pytest.approx(scores, rel=1e-5)
    assert said["ranking"][0]["score"] == pytest.approx(scores[2], rel=1e-5)
    assert said["ranking"][0]["states"] == "layer 2"


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "text-classification"])
def test_labels_sets_numbers_pairs_and_words_are_scored(kind: str, tiny_backbone: Path, tmp_path: Path) -> None:
    said = headstart.rank(of(kind, tmp_path), task=kind, backbones=str(tiny_backbone), states="mean")
    scores = said["ranking"][0]["scores"]
    assert (scores.pop("h-score") is None) == (kind in ("text-regression", "sentence-similarity"))
    assert all(np.isfinite(score) for score in scores.values())
    assert ("words" in said) == (kind == "token-classification")


@pytest.mark.parametrize("by", TITLES)
def test_two_copies_of_a_network_are_not_told_apart_and_noise_is(by: str, rows: str) -> None:
    truth = truth_of(rows)
    random = np.random.default_rng(0)
    states = random.normal(size=(len(truth.rows), 1, 12)).astype(np.float32)
    states[:, 0, 0] += 3 * truth.wanted[:, 0]
    noise = random.normal(size=states.shape).astype(np.float32)
    (good,), (bad,) = scores_by_layer(states, [0], truth), scores_by_layer(noise, [0], truth)
    parts, others = (
        without_parts(each[:, 0], truth, "h-score" if by == "h-score" else "logme") for each in (states, noise)
    )
    apart = lead(by, (good, parts), (bad, others), truth)
    assert apart.value == pytest.approx((good.scores[by] or 0.0) - (bad.scores[by] or 0.0))
    assert 0 < apart.low < apart.value < apart.high
    same = lead(by, (good, parts), (good, parts), truth)
    assert same.low <= 0 == same.value <= same.high


def test_states_that_are_no_numbers_are_refused(rows: str) -> None:
    truth = truth_of(rows)
    with pytest.raises(ModelError, match="no finite numbers"):
        scores_by_layer(np.full((len(truth.rows), 1, 3), np.nan, dtype=np.float32), [0], truth)


def test_rows_that_a_fit_would_hold_out_for_a_test_play_no_part(tmp_path: Path) -> None:
    path = of("text-classification", tmp_path, 260)
    comparison = assemble("compare", {"train": path})
    test = into_parts(read(comparison), comparison, SILENT).test
    assert test is not None
    truth = truth_of(path)
    assert len(truth.rows) == truth.of_rows == 260 - len(test)
    assert not {*truth.rows.lines} & {*test.lines}
    sample = truth_of(path, most=50)
    assert len(sample.rows) == 50 and sample.task.counts(sample.rows) == {"a": 25, "b": 25}


def test_of_deep_networks_layers_evenly_spread_are_scored() -> None:
    assert layers_of(6) == [0, 1, 2, 3, 4, 5, 6]
    deep = layers_of(48)
    assert len(deep) == 13 and deep[0] == 0 and deep[-1] == 48 and {*np.diff(deep)} == {4}


def test_the_folder_has_evidence_a_page_and_a_recipe_that_gives_the_same_again(
    rows: str, tiny_backbone: Path, tmp_path: Path
) -> None:
    copy, folder = shutil.copytree(tiny_backbone, tmp_path / "copy"), tmp_path / "ranking"
    said = headstart.rank(rows, backbones=(tiny_backbone, copy), output=str(folder))
    assert [row["tied"] for row in said["ranking"]] == [False, True]
    assert json.loads((folder / "evidence.json").read_text())["ranking"] == said["ranking"]
    page = (folder / "report.html").read_text()
    assert "not told apart" in page and "Layer by layer" in page and "<script" not in page
    again = headstart.run(folder / "recipe.yaml")
    for one, two in zip(said["ranking"], again["ranking"], strict=True):
        assert one | {"seconds": 0} == two | {"seconds": 0}
    with pytest.raises(RunFolderError, match="exists"):
        headstart.rank(rows, backbones=str(tiny_backbone), output=str(folder))
    with pytest.raises(ModelError, match="no model"):
        headstart.load(folder)


def test_states_are_kept_from_run_to_run(
    rows: str, tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HEADSTART_CACHE_GB", "1")
    first = headstart.rank(rows, backbones=str(tiny_backbone))
    monkeypatch.setattr("headstart.training.features.pooled_states", None)  # whoever computes again fails
    again = headstart.rank(rows, backbones=str(tiny_backbone), by="probe")
    assert [row["scores"] for row in again["ranking"][0]["by_layer"]] == [
        row["scores"] for row in first["ranking"][0]["by_layer"]
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "translation"}, "has no labels or numbers that frozen states could be scored against"),
        ({"task": "question-answering"}, "has no labels or numbers"),
        ({"backbones": ("mini", "mini")}, "'mini' is named twice"),
        ({"backbones": ()}, "backbones"),
        ({"by": "logm"}, "by"),
        ({"most_rows": 5}, "most_rows"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        assemble("rank", {"train": "rows.csv"} | options)


def test_an_output_that_is_to_be_replaced_and_is_not_named_is_said() -> None:
    [idle] = without_effect(assemble("rank", {"train": "rows.csv", "overwrite": True}))
    assert idle.place == ("overwrite",)


def test_files_and_backbones_that_cannot_be_used_are_refused_with_the_reason(
    rows: str, tiny_backbone: Path, tmp_path: Path
) -> None:
    with pytest.raises(MissingInputError, match=r"no-such\.csv"):
        headstart.rank("no-such.csv")
    with pytest.raises(MissingInputError, match="is not a folder"):
        headstart.rank(rows, backbones=str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match="none of the backbones can be ranked"):
        headstart.rank(rows, backbones=(tmp_path / "nowhere", tmp_path / "there"))
    with pytest.raises(DataError, match="give at least 20"):
        headstart.rank({"text": texts(6), "label": ["a", "b"] * 3}, backbones=str(tiny_backbone))
    with pytest.raises(DataError, match="no labels or numbers"):
        asked = {
            "question": ["who is it"] * 30,
            "context": texts(30),
            "answer": ["day"] * 30,
            "id": [*map(str, range(30))],
        }
        headstart.rank(asked, backbones=str(tiny_backbone))
    with pytest.raises(RecipeError, match="the H-score needs labels"):
        headstart.rank(of("text-regression", tmp_path), backbones=str(tiny_backbone), by="h-score")
