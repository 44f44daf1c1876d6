"""Pairs with a number: columns found, two ways of reading, and a bi-encoder that is its network's cosine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import headstart
from headstart.backbones.base import Inputs
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.examples import Pair
from headstart.data.store import Store
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.heads.base import LinearMap
from headstart.heads.model import Model
from headstart.heads.pooled import pool
from headstart.tasks.sentence_similarity import SentenceSimilarity

TASK = SentenceSimilarity(text=("a", "b"), label="score")
PAIRS = [
    Pair("good", "a good day to you", 4.0), Pair("the shop opens at nine", "it is bad", 1.0), Pair("bad", "bad", 5.0),
]  # fmt: skip


def table(**columns: list[Any]) -> Table:
    return Table("pairs.csv", columns, list(range(2, 2 + len(next(iter(columns.values()))))))


@pytest.fixture
def backbone(make_backbone: Callable[..., Path], tmp_path: Path) -> TextEncoder:
    return TextEncoder(
        locate(BackboneSource(location=str(make_backbone(tmp_path / "wide", initializer_range=0.2))))
    ).eval()


def test_columns_are_found_by_name_or_by_what_is_in_them() -> None:
    texts, numbers = [f"the parcel number {at}" for at in range(10)], [str(at / 2) for at in range(10)]
    task = SentenceSimilarity().guess(table(sentence1=texts, sentence2=texts, score=numbers))
    assert (task.text, task.label) == (("sentence1", "sentence2"), "score")
    task = SentenceSimilarity().guess(table(x=numbers, left=texts, right=texts))
    assert (task.text, task.label) == (("left", "right"), "x")
    with pytest.raises(DataError, match="two columns with text"):
        SentenceSimilarity(label="x").guess(table(x=numbers, left=texts))


def test_rows_that_lack_a_text_or_a_number_are_named() -> None:
    rows, dropped = TASK.parse(table(a=["x", "", "y", "z"], b=["x", "y", "z", " "], score=["1", "2", "high", "4"]))
    assert list(rows.examples) == [Pair("x", "x", 1.0)]
    assert [(row.line, row.reason) for row in dropped] == [
        (3, "no text in column 'a'"), (4, "'high' is no finite number"), (5, "no text in column 'b'"),
    ]  # fmt: skip


def test_a_bi_encoder_is_the_cosine_of_mean_states_read_apart(backbone: TextEncoder) -> None:
    store = Store(PAIRS, [2, 3, 4], "pairs.csv")
    task = TASK.bind(store)
    model = Model(backbone, task.heads(backbone)).eval()
    model.heads["classification"].set(LinearMap(np.array([[1.0]]), np.array([0.0])))  # type: ignore[operator]
    prepared = task.prepare(store, backbone.tokenizer)
    assert prepared.lengths.tolist() == [
        sum(len(backbone.tokenizer.encode([text]).get(0)) for text in pair.input) for pair in PAIRS
    ]
    with torch.inference_mode():
        found = task.forward(model, task.collate(prepared, np.array([2, 0]), backbone.tokenizer.pad_id))
        expected = []
        for pair in (PAIRS[2], PAIRS[0]):
            sides = []
            for text in pair.input:
                ids, mask = (torch.from_numpy(each) for each in backbone.tokenizer.encode([text]).pad([0], 0))
                sides.append(pool(backbone.encode(Inputs(ids, mask)).hidden, mask, "mean"))
            expected.append(float(torch.cosine_similarity(*sides)))
    assert found[:, 0].tolist() == pytest.approx(expected, abs=1e-5)
    assert expected[0] == pytest.approx(1, abs=1e-5)


def test_features_of_a_pair_are_the_cosines_of_its_layers() -> None:
    states = np.zeros((4, 2, 1, 2), dtype=np.float32)
    states[:, :, 0] = [[[1, 0], [3, 0]], [[0, 2], [1, 0]], [[1, 1], [0, 0]], [[2, 2], [1, 1]]]
    found = TASK.row_states(states)
    assert found.shape == (2, 2, 1, 1)
    assert found[:, :, 0, 0].tolist() == [pytest.approx([0, 1]), pytest.approx([1, 0])]
    assert TASK.revised(encoder="cross").row_states(states) is states


def rows(count: int) -> dict[str, list[Any]]:
    words = ["parcel", "shop", "day", "night", "way", "nine", "monday", "start", "end", "yours"]
    found: dict[str, list[Any]] = {"sentence1": [], "sentence2": [], "score": []}
    for at in range(count):
        one, two, three = words[at % 10], words[at // 10 % 10], words[(at + 3) % 10]
        level = at % 3
        second = [f"good {three} of yours", f"the {one} and {three} {at}", f"the {one} {two} {at}"][level]
        found["sentence1"].append(f"the {one} {two} {at}")
        found["sentence2"].append(second)
        found["score"].append(2.5 * level)
    return found


@pytest.mark.parametrize("encoder", ["bi", "cross"])
def test_all_ways_run_and_the_untouched_network_stands_beside_them(
    encoder: str, make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    wide = make_backbone(tmp_path / "wide", initializer_range=0.2)
    folder = tmp_path / "run"
    artifact = headstart.fit(
        rows(240), task={"name": "sentence-similarity", "encoder": encoder}, strategies=["feature-extraction", "fine-tuning"], folds=0,
        backbone=str(wide), threads=1, epochs=1, output=str(folder),
    )  # fmt: skip
    board = {row["strategy"]: row for row in artifact.evidence["leaderboard"]}
    assert {name: row["status"] for name, row in board.items()} == dict.fromkeys(
        ("feature-extraction", "fine-tuning", "from-scratch", "tf-idf", "untouched"), "done"
    )
    assert board["untouched"]["trainable_parameters"] == 0
    assert board["tf-idf"]["scores"]["test"]["spearman"]["value"] > 0.7, "shared words tell here"
    assert {*board["untouched"]["scores"]["test"]} == {"pearson", "spearman", "rmse", "mae"}
    assert any("untouched" in sentence for sentence in artifact.evidence["verdict"])
    pairs = [("the shop day", "the shop day"), ("good", "the end of monday"), ("good", "good")]
    again = headstart.load(folder)
    assert [row.value for row in again.predict(pairs)] == pytest.approx(
        [row.value for row in artifact.predict(pairs)], abs=1e-4
    )
    with pytest.raises(DataError, match="expected a pair of texts"):
        again.predict(["one text"])


def test_the_untouched_network_is_ranked_by_its_cosine_alone(backbone: TextEncoder) -> None:
    from headstart.strategies.base import Context
    from headstart.strategies.untouched import Untouched
    from headstart.training.settings import Training

    store = Store(PAIRS, [2, 3, 4], "pairs.csv")
    for encoder in ("bi", "cross"):
        task = TASK.revised(encoder=encoder).bind(store)
        found = Untouched().fit(Context(task, store, store, backbone.located, Training(), 0))
        states = []
        for text in [text for pair in PAIRS for text in pair.input]:
            ids, mask = (torch.from_numpy(each) for each in backbone.tokenizer.encode([text]).pad([0], 0))
            with torch.inference_mode():
                states.append(pool(backbone.encode(Inputs(ids, mask)).hidden, mask, "mean").numpy()[0])
        cosines = task.revised(encoder="bi").row_states(np.array(states)[:, None, None])[:, 0, 0, 0]
        expected = (cosines - cosines.mean()) / cosines.std()
        np.testing.assert_allclose(found.validation.values[:, 0], expected, atol=1e-3)
