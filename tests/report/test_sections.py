"""What the sections on cost and on what did not end show."""

import invented

from headstart.report.sections import cost, unfinished


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
