"""Terms that models never read."""

from pathlib import Path

import pytest

import headstart
from headstart.data.examples import Pair
from headstart.errors import DataError
from headstart.readers.memory import table_of
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_pair_classification import TextPairClassification

TERMS = {"belief": ["muslim", "christian"], "gender": [["he", "she"], ["his", "her"]]}
ROWS = {"text": ["a good Muslim shop", "she is bad"], "label": ["up", "down"]}


def test_texts_are_masked_wherever_they_come_in() -> None:
    task = TextClassification(text=("text",), label="label", mask_terms=TERMS, mask_word="one")  # type: ignore[arg-type]
    rows, _ = task.parse(table_of(ROWS, "memory"))
    assert list(rows.texts) == ["a good one shop", "one is bad"]
    assert task.input_of(["her christian day"]) == task.checked(0, "her christian day") == "one one day"
    plain = TextClassification(text=("text",), label="label")
    raw, _ = plain.parse(table_of(ROWS, "memory"))
    assert list(raw.texts) == ROWS["text"] and plain.as_read(raw) is raw
    assert list(task.as_read(raw).texts) == list(rows.texts)


def test_both_texts_of_a_pair_are_masked() -> None:
    task = TextPairClassification(text=("a", "b"), label="label", mask_terms=TERMS)  # type: ignore[arg-type]
    rows, _ = task.parse(table_of({"a": ["he is good"], "b": ["her day"], "label": ["same"]}, "memory"))
    assert rows.get(0) == Pair("person is good", "person day", "same")
    assert task.checked(0, ("he", "a muslim")) == ("person", "a person")


def test_a_task_with_masks_comes_back_from_plain_data(tmp_path: Path) -> None:
    path = tmp_path / "terms.yaml"
    path.write_text("belief: [muslim, christian]\ngender:\n- [he, she]\n- [his, her]\n")
    task = TextClassification(mask_terms=str(path))  # type: ignore[arg-type]
    assert (
        task
        == TextClassification(mask_terms=TERMS)
        == TextClassification(**{k: v for k, v in task.plain().items() if k != "name"})
    )  # type: ignore[arg-type]
    assert task.revised(label="x").masks == task.masks
    assert TextClassification(mask_terms={"belief": ["muslim"]}).masked("a Muslim") == "a person"  # type: ignore[arg-type]
    with pytest.raises((DataError, ValueError), match="has no term"):
        TextClassification(mask_terms={"belief": []})  # type: ignore[arg-type]


def test_no_label_hangs_on_a_masked_term(tmp_path: Path, tiny_csv: Path) -> None:
    text = tiny_csv.read_text().replace(" good ", " good muslim ").replace(" bad ", " bad christian ")
    tiny_csv.write_text(text)
    terms = tmp_path / "terms.txt"
    terms.write_text("muslim\nchristian\n")
    options = {"strategy": "tf-idf", "controls": False, "test_share": 0}
    open_ = headstart.fit(tiny_csv, **options)
    masked = headstart.fit(tiny_csv, mask_terms=str(terms), output=str(tmp_path / "run"), **options)
    pair = ["the muslim shop", "the christian shop"]
    one, other = open_.predict_proba(pair)
    assert abs(one - other).max() > 0.05
    for model in (masked, headstart.load(tmp_path / "run")):
        one, other = model.predict_proba(pair)
        assert (one == other).all()
        [why] = model.explain(["he is a Muslim shop"])
        assert why is not None and why.plain()["why"]["read"] == "he is a person shop"
    [why] = open_.explain(["a shop"])
    assert why is not None and "read" not in why.plain()["why"]
