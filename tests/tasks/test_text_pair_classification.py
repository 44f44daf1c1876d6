"""Pairs of texts: columns found, rows read, and the network told which text is which."""

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
from headstart.data.examples import Pair, Pairs, relabelled
from headstart.data.table import Table
from headstart.errors import DataError
from headstart.tasks.text_pair_classification import TextPairClassification

TASK = TextPairClassification()
WORDS = ["parcel", "shop", "day", "night", "way", "nine", "monday", "start", "end", "yours"]


def table(**columns: list[Any]) -> Table:
    return Table("pairs.csv", columns, list(range(2, 2 + len(next(iter(columns.values()))))))


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["premise", "hypothesis", "label"], (("premise", "hypothesis"), "label")),
        (["id", "Sentence2", "sentence1", "label"], (("sentence1", "Sentence2"), "label")),
        (["label", "x", "y2", "short"], (("x", "y2"), "label")),
    ],
)
def test_columns_are_found_by_name_or_by_length(columns: list[str], found: tuple[Any, ...]) -> None:
    values = {"label": ["a", "b"] * 5, "id": list("0123456789"), "short": list("abcdefghij")}
    texts = [f"the {word} is here" for word in WORDS]
    bound = TASK.guess(table(**{name: values.get(name, texts) for name in columns}))
    assert (bound.text, bound.label) == found


def test_named_columns_may_be_one_text_with_a_comma() -> None:
    task = TextPairClassification(text="b, a", label="c")  # type: ignore[arg-type]
    assert task.text == ("b", "a")
    with pytest.raises(DataError, match="column 'a' is named as text and as label"):
        task.revised(label="a").guess(table(a=["x"], b=["y"]))


def test_two_columns_are_needed() -> None:
    with pytest.raises(
        DataError, match=r"two columns with text and one with the label are needed \(columns: text, label\)"
    ):
        TASK.guess(table(text=["a b", "c d"], label=["x", "y"]))


def test_rows_that_lack_a_text_are_named_with_its_column() -> None:
    task = TextPairClassification(text=("a", "b"), label="c")
    store, dropped = task.parse(table(a=["one", "", "x"], b=["two", "y", None], c=["l", "l", "m"]))
    assert list(store.examples) == [Pair("one", "two", "l")]
    assert [(row.line, row.reason) for row in dropped] == [(3, "no text in column 'a'"), (4, "no text in column 'b'")]
    assert store.inputs[0] == ("one", "two")
    assert store.texts[0] == "one\ntwo"


def test_pairs_stay_columns_when_rows_are_taken_or_labels_changed() -> None:
    pairs = Pairs(["a", "b", "c"], ["d", "e", "f"], ["x", "y", "x"], [1.0, 2.0, 3.0])
    assert list(pairs.take([2, 0])) == [Pair("c", "f", "x", 3.0), Pair("a", "d", "x", 1.0)]
    assert pairs[1:] == [pairs[1], pairs[2]]
    assert [pair.label for pair in relabelled(pairs, ["z", "z", "z"])] == ["z"] * 3
    assert pairs == list(pairs)


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert", "electra"])
def test_the_network_sees_what_plain_transformers_would_give_it(
    architecture: str, make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    from transformers import AutoModel, AutoTokenizer

    folder = make_backbone(tmp_path / architecture, architecture)
    pairs = [("the shop opens at nine", "it is good"), ("good", "the parcel is on its way to you")]
    backbone = TextEncoder(locate(BackboneSource(location=str(folder)))).eval()
    backbone.pairs = True
    ids, mask = (
        torch.from_numpy(each) for each in backbone.tokenizer.encode(pairs).pad([0, 1], backbone.tokenizer.pad_id)
    )
    batch = AutoTokenizer.from_pretrained(folder)(
        *map(list, zip(*pairs, strict=True)), padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        ours = backbone.encode(Inputs(ids, mask)).hidden
        theirs = AutoModel.from_pretrained(folder).eval()(**batch).last_hidden_state
    assert torch.equal(ids, batch["input_ids"])
    for row, length in enumerate(mask.sum(1).tolist()):
        torch.testing.assert_close(ours[row, :length], theirs[row, :length], atol=1e-5, rtol=1e-4)


def test_a_pair_that_is_too_long_loses_of_the_longer_text_first(tiny_backbone: Path) -> None:
    backbone = TextEncoder(locate(BackboneSource(location=str(tiny_backbone), max_length=12)))
    whole = TextEncoder(locate(BackboneSource(location=str(tiny_backbone), max_length=32)))
    pair = ("good " * 15, "bad day")
    short, long = (each.tokenizer.encode([pair, ("good", "bad")]) for each in (backbone, whole))
    assert short.lengths.tolist() == [12, long.lengths[1]]
    assert short.lost.tolist() == [long.lengths[0] - 12, 0]
    assert short.get(0)[-3:].tolist() == long.get(0)[-3:].tolist(), "the second text is whole"


def rows(count: int) -> dict[str, list[str]]:
    """Pairs of the same label where both texts speak of the same word."""
    found: dict[str, list[str]] = {"premise": [], "hypothesis": [], "label": []}
    for at in range(count):
        word, other = WORDS[at % 10], WORDS[(at * 3 + 1) % 10]
        same = at % 2 == 0
        found["premise"].append(f"the {word} is good {at}")
        found["hypothesis"].append(f"it is a {word if same else other} {at}")
        found["label"].append("same" if same else "other")
    return found


def test_pairs_go_through_all_strategies_and_come_back_from_disk(
    make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    wide = make_backbone(tmp_path / "wide", initializer_range=0.2)
    folder = tmp_path / "run"
    artifact = headstart.fit(
        rows(80), task="text-pair-classification", strategies=["feature-extraction", "fine-tuning"], epochs=1, folds=0,
        backbone=str(wide), threads=1, output=str(folder), label="label",
    )  # fmt: skip
    assert artifact.task.text == ("premise", "hypothesis")
    names = {row["strategy"] for row in artifact.evidence["leaderboard"] if row["status"] == "done"}
    assert names == {"feature-extraction", "fine-tuning", "from-scratch", "tf-idf"}
    tested = {
        row["strategy"]: row["scores"]["validation"]["accuracy"]["value"] for row in artifact.evidence["leaderboard"]
    }
    assert tested["tf-idf"] > 0.9, "what the texts share is what tells the labels apart"
    pairs = [("the shop is good", "it is a shop"), ("good", "monday"), ("the parcel is good now", "it is a night")]
    found = artifact.predict_proba(pairs)
    again = headstart.load(folder)
    np.testing.assert_allclose(again.predict_proba(pairs), found, atol=1e-5)
    for bad, message in (
        ("text", "expected a pair of texts"),
        (("a", "b", "c"), "expected a pair"),
        (("a", 3), "second text of pair 0"),
    ):
        with pytest.raises(DataError, match=message):
            again.predict([bad])
