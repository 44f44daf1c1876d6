"""For people without headstart: the folder works with transformers, or scikit-learn, alone."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.alone import run_in
from tests.folders import snippet

import headstart

LONG = "The kettle was wonderful for a week, and then " + "it leaked and hissed and nobody answered, " * 80


@pytest.fixture
def texts(feedback: Any) -> list[str]:
    """The 200 test texts, shortest first, and one far above the length limit."""
    assert len(feedback.texts) == 200
    return [*sorted(feedback.texts, key=len), LONG]


def test_plain_transformers_gives_the_same_answers(fine_tuned: Path, texts: list[str]) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(fine_tuned))
    model = AutoModelForSequenceClassification.from_pretrained(str(fine_tuned)).eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(texts), 8):
            batch = tokenizer(texts[start : start + 8], truncation=True, padding=True, return_tensors="pt")
            assert batch["input_ids"].shape[1] <= 256
            found.append(model(**batch).logits.softmax(1).numpy())
    artifact = headstart.load(fine_tuned)
    assert tuple(model.config.id2label[at] for at in range(3)) == artifact.labels
    assert tokenizer.model_max_length == 256
    ours = artifact.predict_proba(texts)
    np.testing.assert_allclose(np.concatenate(found), ours, atol=1e-4)
    assert (np.concatenate(found).argmax(1) == ours.argmax(1)).all()
    assert [row.truncated for row in artifact.predict(texts)] == [False] * 200 + [True]


def test_a_plain_pipeline_gives_the_same_answers(fine_tuned: Path, texts: list[str]) -> None:
    from transformers import pipeline

    classify: Any = pipeline("text-classification", model=str(fine_tuned))
    found = classify(texts, truncation=True, batch_size=8)
    ours = headstart.load(fine_tuned).predict(texts)
    assert [row["label"] for row in found] == [row.label for row in ours]
    np.testing.assert_allclose([row["score"] for row in found], [row.score for row in ours], atol=1e-4)


def probabilities(texts: list[str]) -> str:
    """Code after a card's own that prints what its `predict` gives, the long text in a batch of its own."""
    return (
        f"\nimport json\ntexts = json.loads({json.dumps(json.dumps(texts))})\n"
        "print(json.dumps([[float(share) for share in row] for part in (texts[:1], texts[1:])\n"
        "    for row in predict(part)]))"
    )


@pytest.fixture
def some(feedback: Any) -> list[str]:
    """A few texts, the long one first."""
    marked = "great\u0948 plot\u0948, we\u00adak end\u200bing"
    return [LONG, *feedback.texts[:12], "great plot, weak ending", marked, "\U0001f600 caf\u00e9 \u4f60\u597d"]


def assert_same(printed: list[str], folder: Path, texts: list[str]) -> None:
    artifact = headstart.load(folder)
    np.testing.assert_allclose(json.loads(printed[1]), artifact.predict_proba(texts), atol=1e-4)
    assert all(label in printed[0] for label in artifact.labels)


def test_the_code_on_the_card_of_a_linear_model_gives_the_same_probabilities(linear: Path, some: list[str]) -> None:
    code = snippet(linear)
    assert len(code.strip().split("\n")) <= 25, "a screen, with the rule by which words are cut"
    assert_same(run_in(linear, code + probabilities(some)), linear, some)


def test_the_code_on_the_cards_of_networks_gives_the_same_probabilities(
    extracted: Path, fine_tuned: Path, some: list[str]
) -> None:
    codes = [snippet(extracted), snippet(fine_tuned)]
    assert all(len(code.strip().split("\n")) < 25 for code in codes)
    # One process for both, as importing transformers takes seconds.
    both = codes[0] + probabilities(some) + f"\nimport os\nos.chdir({str(fine_tuned)!r})\n" + codes[1]
    both += f"\nprint(classify([{LONG!r}], truncation=True))"
    printed = run_in(extracted, both)
    assert len(printed) == 4
    assert_same(printed[:2], extracted, some)
    ours = headstart.load(fine_tuned).predict(["great plot, weak ending", LONG])
    for line, expected in zip(printed[2:], ours, strict=True):
        shares = {label: float(score) for label, score in re.findall(r"'label': '(\w+)', 'score': ([\d.e-]+)", line)}
        assert shares == pytest.approx(dict(expected.probabilities), abs=1e-4)


def test_transfer_beats_the_words_alone_on_the_example_data(extracted: Path, linear: Path) -> None:
    scores = [headstart.load(folder).evidence["leaderboard"] for folder in (extracted, linear)]
    transferred, words = (rows[0]["scores"]["test"]["accuracy"] for rows in scores)
    assert [rows[0]["strategy"] for rows in scores] == ["feature-extraction", "tf-idf"]
    assert transferred["n"] == words["n"] == 200
    assert transferred["value"] > words["value"] + 0.05
