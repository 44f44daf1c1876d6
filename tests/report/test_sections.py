"""What the sections on slices and cost show."""

import invented

from headstart.report.sections import cost, domains, unfinished, weakest_sentence, worst_slices
from headstart.report.sections import slices as shown


def test_the_worst_slice_comes_first_by_the_direction_of_the_metric() -> None:
    made = invented.evidence()
    first = made["slices"]["groups"][0]["slices"]
    first[0]["worse"] = True  # 0.85, better than the 0.6 of chat
    assert [entry["name"] for entry in worst_slices(made)] == ["chat", "1 to 9 words"]
    made["slices"]["metric"] = "log_loss"
    assert [entry["name"] for entry in worst_slices(made)] == ["1 to 9 words", "chat"]
    assert weakest_sentence(made).startswith(
        "Weakest slice, by length of the text in words: 1 to 9 words, with log loss"
    )


def test_without_a_worse_slice_there_is_no_sentence() -> None:
    made = invented.evidence()
    made["slices"]["groups"][1]["slices"][1]["worse"] = False
    assert worst_slices(made) == []
    assert weakest_sentence(made) == ""
    assert weakest_sentence({}) == ""


def test_a_score_that_cannot_be_shown_is_left_out() -> None:
    made = invented.evidence()
    made["slices"]["groups"][1]["slices"][0]["score"]["low"] = None
    found = shown(made)
    assert found is not None
    assert [row["name"] for row in found["groups"][1]["rows"]] == ["chat", "other"]
    assert shown({"slices": {"overall": {"value": None}, "groups": [{"slices": [{}]}]}}) is None


def test_macro_f1_comes_with_a_word_on_labels_and_accuracy_without() -> None:
    made = invented.evidence()
    assert shown(made)["mixed"] is False  # type: ignore[index]
    made["slices"]["metric"] = "macro_f1"
    assert shown(made)["mixed"] is True  # type: ignore[index]


def test_cost_is_drawn_for_strategies_with_time_and_score() -> None:
    board = invented.evidence()["leaderboard"]
    drawn = cost(board, "accuracy", "test")
    assert drawn.count('class="dot filled"') == 2
    assert drawn.count('class="dot hollow"') == 2
    assert "lora" not in drawn
    assert "fine-tuning: 1 min 21 s, 0.874 [0.859, 0.889]" in drawn
    assert cost(board[:1], "accuracy", "test") is None


def test_only_what_did_not_end_is_unfinished() -> None:
    assert [line["strategy"] for line in unfinished(invented.evidence()["leaderboard"])] == ["lora", "prompting"]


def test_domains_stand_side_by_side_with_what_tests_say_of_the_best() -> None:
    found = domains(invented.two_domains())
    assert found is not None
    assert (found["metric"], found["inside"], found["texts"], found["lower"]) == ("accuracy", "test", 2000, False)
    assert [row["strategy"] for row in found["rows"]] == ["fine-tuning", "feature-extraction", "tf-idf", "from-scratch"]
    assert found["rows"][0]["tested"] is None
    assert found["readings"] == dict.fromkeys(["feature-extraction", "tf-idf", "from-scratch"], "fine-tuning is better")


def test_without_rows_of_a_target_domain_there_is_no_such_section() -> None:
    assert domains(invented.evidence()) is None
    assert domains(invented.evidence(domains=None)) is None
    assert domains({"domains": {"rows": [{"strategy": "a", "outside": {"value": float("nan")}}]}}) is None
