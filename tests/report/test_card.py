"""The model card: front matter the hub can read, and Markdown that hostile text cannot leave."""

from typing import Any

import invented
import pytest
import yaml

from headstart.report import card

SNIPPET = "from transformers import pipeline\n\nprint(pipeline('text-classification', '.')('a text'))"


def _card(made: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Front matter and body of a card."""
    text = card.render(made, files=["config.json", "model.safetensors"], snippet=SNIPPET)
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


def test_the_front_matter_holds_the_test_scores() -> None:
    front, _ = _card(invented.evidence())
    assert front["library_name"] == "transformers"
    assert front["pipeline_tag"] == "text-classification"
    assert front["license"] == "apache-2.0"
    assert front["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    (model,) = front["model-index"]
    (result,) = model["results"]
    assert result["dataset"] == {"name": "held_out.tsv", "type": "tsv", "split": "test"}
    measured = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert measured == pytest.approx(
        {
            "accuracy": 0.874,
            "f1": 0.862,
            "matthews_correlation": 0.748,
            "log_loss": 0.326,
            "expected_calibration_error": 0.031,
        }
    )


@pytest.mark.parametrize("made", [invented.without_test(), invented.without_scores()])
def test_without_test_scores_there_is_no_model_index(made: dict[str, Any]) -> None:
    front, _ = _card(made)
    assert "model-index" not in front


def test_a_linear_model_takes_nothing_from_the_backbone() -> None:
    front, body = _card(invented.evidence(kind="linear-text"))
    assert front["library_name"] == "sklearn"
    assert "base_model" not in front
    assert "license" not in front
    assert "This needs scikit-learn only." in body


@pytest.mark.parametrize("known", ["/models/mini", "./mini", "mini", "a/b/c"])
def test_a_local_folder_is_no_base_model(known: str) -> None:
    front, _ = _card(invented.evidence(backbone={"name": "mini", "id": known}))
    assert "base_model" not in front
    assert "license" not in front


def test_the_card_says_what_it_is_how_to_use_it_and_where_it_ends() -> None:
    _, body = _card(invented.evidence())
    for heading in (
        "Use it with headstart",
        "Use it without headstart",
        "Labels",
        "Scores",
        "Controls",
        "Data",
        "Limits",
        "Reproduce",
    ):
        assert f"\n## {heading}\n" in body
    assert f"```python\n{SNIPPET}\n```" in body
    assert "| accuracy | 0.874 | [0.859, 0.889] | 1,821 | higher |" in body
    assert "| tf-idf | control | 0.793 [0.778, 0.808] |" in body
    assert "feature-extraction against tf-idf" in body
    assert "not significant" in body
    assert "- Dropped rows: 3" in body
    assert "7 texts occur twice" in body
    assert "It reads the first 256 tokens of a text; 3 of the texts here were longer" in body
    assert "The scores hold for data like the test part" in body
    assert "headstart run recipe.yaml" in body


def test_the_card_names_files_and_says_no_folder_of_the_machine() -> None:
    made = invented.evidence()
    made["data"]["files"][0]["path"] = "/home/someone/my data/train.csv"
    made["data"]["warnings"] = ["/home/someone/my data/train.csv: 7 texts occur twice", "and /r/films is a label"]
    made["measured"] = {"kept": {"file": "/srv/x/other.csv"}}
    made["verdict"] = ["More was read from /srv/x/other.csv."]
    text = card.render(made, files=["network/config.json"], snippet="code()")
    assert "/home" not in text and "/srv" not in text
    assert "train.csv: 7 texts occur twice" in text
    assert "read from other.csv" in text
    assert "/r/films is a label" in text


def test_a_network_that_lies_apart_from_its_head_is_not_said_to_be_for_transformers() -> None:
    files = ["network/config.json", "network/model.safetensors", "heads/classification.safetensors"]
    text = card.render(invented.evidence(), files=files, snippet="code()")
    assert "library_name: headstart" in text
    assert "`pipeline` and `AutoModelFor...` find no model in this folder, and the code below reads it" in text
    assert "find no model in this folder" not in card.render(
        invented.evidence(), files=["config.json"], snippet="code()"
    )


def test_a_snippet_with_its_own_fence_is_not_fenced_twice() -> None:
    text = card.render(invented.evidence(), files=[], snippet=f"```python\n{SNIPPET}\n```")
    assert text.count(SNIPPET) == 1
    assert "```python\n```" not in text


def test_a_fence_is_longer_than_any_inside_the_snippet() -> None:
    text = card.render(invented.evidence(), files=[], snippet='print("````")')
    assert '`````python\nprint("````")\n`````' in text


def test_hostile_labels_and_titles_stay_text() -> None:
    made = invented.evidence(title="a: [b]\n---\n# c")
    made["task"]["labels"] = ["<script>", "a|b", "*x*", "line\nbreak", "lone\ud800"]
    front, body = _card(made)
    assert front["model-index"][0]["name"] == "a: [b]↵---↵# c"
    assert r"\<script\>, a\|b, \*x\*, line↵break, lone�" in body
    assert "\n# c" not in body
    body.encode("utf-8")


def test_the_least_evidence_gives_a_card() -> None:
    front, body = _card({"format": 1, "title": "reviews", "task": {"name": "text-classification"}})
    assert front["pipeline_tag"] == "text-classification"
    assert "None were measured." in body


def test_the_card_says_what_abstaining_brings_and_which_slice_is_weakest() -> None:
    _, body = _card(invented.evidence())
    assert (
        "Answering only at a confidence of 0.8 or more, it answers 100 of 200 test rows (50.0 %) and is "
        "right on 0.950 [0.850, 1.000] of those."
    ) in body
    assert (
        r"- Weakest slice, by channel: chat, with accuracy 0.600 \[0.500, 0.700\] on 50 rows against 0.873 on all; "
        "1 of 5 slices is clearly worse than the whole."
    ) in body


def test_a_card_from_before_is_silent_about_both() -> None:
    _, body = _card(invented.from_before())
    assert "Weakest slice" not in body
    assert "Answering only" not in body


def test_a_threshold_that_nothing_reaches_is_said() -> None:
    made = invented.evidence()
    made["abstention"]["asked"] = {"threshold": 0.999, "coverage": 0.0, "accuracy": None, "n": 200}
    _, body = _card(made)
    assert "at a confidence of 0.999 or more, it answers none of 200 test rows." in body


def test_scores_by_cross_validation_are_called_that() -> None:
    front, body = _card(invented.cross_validated())
    assert "model-index" not in front
    assert "Measured by cross-validation:" in body
    assert "the scores are optimistic" in body
    assert "The scores hold for data like the training rows; on other texts" in body
    assert "it answers 100 of 200 rows by cross-validation (50.0 %)" in body


def test_scores_on_named_tests_have_a_table_each() -> None:
    _, body = _card(invented.named_tests())
    assert "\n## Other tests\n\n### corner shop\n\nBy accuracy with 95 % intervals" in body
    assert "| Strategy | on test | on corner shop | Difference | Best against it |" in body
    assert "corner shop 600 rows" in body
    assert "film" not in body
    assert "Out of domain" not in body


def test_scores_out_of_domain_have_a_table_and_no_part_in_the_front_matter() -> None:
    front, body = _card(invented.two_domains())
    assert "\n## Out of domain\n" in body
    assert (
        "| feature-extraction | 0.827 [0.812, 0.842] | 0.727 [0.712, 0.742] | −0.100 [−0.130, −0.070] | "
        "fine-tuning is better |"
    ) in body
    assert "| fine-tuning | – | 0.774 [0.759, 0.789] | – | – |" in body
    assert "target 600 rows" in body
    assert front["model-index"] == _card(invented.evidence())[0]["model-index"]
    assert "Out of domain" not in _card(invented.evidence())[1]
