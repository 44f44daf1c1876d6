"""What the numbers are said to mean."""

from typing import Any

import pytest

from headstart.drawing.text import probability, shown
from headstart.report.verdict import verdict


def score(value: float, n: int = 500) -> dict[str, Any]:
    return {"accuracy": {"value": value, "low": value - 0.03, "high": value + 0.03, "n": n}}


def row(
    name: str, role: str = "transfer", *, seconds: float = 60.0, status: str = "done", note: str = "", test: bool = True
) -> dict[str, Any]:
    scores = {"validation": score(0.88), "test": score(0.9) if test else None}
    return {"strategy": name, "role": role, "status": status, "seconds": seconds, "note": note, "scores": scores}


def against(name: str, gain: float, p: float, split: str = "test") -> dict[str, Any]:
    difference = {"value": gain, "low": gain - 0.02, "high": gain + 0.02, "n": 500}
    return {"b": name, "difference": difference, "p_holm": p, "metric": "accuracy", "split": split}


def said(rows: list[dict[str, Any]], comparisons: list[dict[str, Any]], chosen: str = "fine-tuning") -> list[str]:
    return verdict({"leaderboard": rows, "comparisons": comparisons, "chosen": chosen, "task": {"metric": "accuracy"}})


TUNED, TERMS, SCRATCH = (
    row("fine-tuning"),
    row("tf-idf", "control", seconds=2),
    row("from-scratch", "control", seconds=200),
)
REACHED = "fine-tuning reaches accuracy 0.900 [0.870, 0.930] on 500 test rows"


def test_a_clear_win() -> None:
    found = said([TUNED, TERMS, SCRATCH], [against("tf-idf", 0.1, 0.0001), against("from-scratch", 0.2, 0.01)])
    assert found == [
        f"Transfer helped: {REACHED}, more than tf-idf and from-scratch.",
        "Against tf-idf: +0.100 accuracy [+0.080, +0.120] on 500 test rows, p < 0.001 (Holm).",
        "Against from-scratch: +0.200 accuracy [+0.180, +0.220] on 500 test rows, p 0.010 (Holm).",
    ]


def test_a_loss_to_a_control_is_said_first_even_where_another_is_beaten() -> None:
    found = said([TUNED, TERMS, SCRATCH], [against("tf-idf", -0.1, 0.001), against("from-scratch", 0.2, 0.001)])
    assert found[0] == f"Transfer lost: {REACHED}, less than tf-idf."


def test_a_tie_is_called_a_tie() -> None:
    found = said([TUNED, TERMS, SCRATCH], [against("tf-idf", 0.02, 0.4), against("from-scratch", -0.01, 0.9)])
    assert found[0] == f"No significant difference: {REACHED}, statistically tied with tf-idf and from-scratch."
    assert found[1].endswith("on 500 test rows, not significant, p 0.400 (Holm).")
    assert found[3] == "The cheapest strategy that is statistically tied with it is tf-idf: 2 s instead of 60 s."


def test_a_win_over_one_control_alone_is_a_win_in_part() -> None:
    found = said([TUNED, TERMS, SCRATCH], [against("tf-idf", 0.02, 0.4), against("from-scratch", 0.2, 0.001)])
    assert (
        found[0]
        == f"Transfer helped in part: {REACHED}, more than from-scratch; the difference from tf-idf is not significant."
    )


@pytest.mark.parametrize(("p", "helped"), [(0.0499, True), (0.05, False)])
def test_the_limit_is_five_in_a_hundred(p: float, helped: bool) -> None:
    assert said([TUNED, TERMS], [against("tf-idf", 0.1, p)])[0].startswith("Transfer helped:") is helped


def test_a_control_that_is_chosen_means_transfer_did_not_pay() -> None:
    found = said([TUNED, TERMS], [against("fine-tuning", 0.01, 0.5)], "tf-idf")
    assert found[0].startswith("Transfer did not pay here: the control tf-idf reaches accuracy 0.900")
    assert found[0].endswith("no pretrained strategy was better on validation.")


@pytest.mark.parametrize("others", [[], [row("fine-tuning", status="failed")]])
def test_a_control_alone_does_not_say_what_transfer_would_have_done(others: list[dict[str, Any]]) -> None:
    found = said([TERMS, SCRATCH, *others], [against("from-scratch", 0.1, 0.01)], "tf-idf")
    assert found[0].startswith("The control tf-idf reaches")
    assert found[0].endswith("no pretrained strategy ran, so there is nothing to compare with.")


def test_without_controls_the_gain_is_not_known() -> None:
    found = said([TUNED, row("feature-extraction", seconds=5)], [against("feature-extraction", 0.01, 0.6)])
    assert found == [
        f"F{REACHED[1:]}; no control ran beside it, so the gain from transfer is not known.",
        "The cheapest strategy that is statistically tied with it is feature-extraction: 5 s instead of 60 s.",
    ]


def test_a_strategy_that_failed_or_was_stopped_is_said_and_not_compared_with() -> None:
    rows = [
        TUNED,
        TERMS,
        row("from-scratch", "control", status="failed", note="loss was not finite"),
        row("x", status="not run"),
    ]
    found = said(rows, [against("tf-idf", 0.1, 0.001)])
    assert found[0] == f"Transfer helped: {REACHED}, more than tf-idf."
    assert found[-2:] == ["from-scratch: failed: loss was not finite.", "x: not run."]


def test_a_cheaper_strategy_that_is_clearly_worse_is_not_recommended() -> None:
    assert not any("cheapest" in line for line in said([TUNED, TERMS], [against("tf-idf", 0.1, 0.001)]))
    slow = row("feature-extraction", seconds=90)
    assert not any("cheapest" in line for line in said([TUNED, slow], [against("feature-extraction", 0.0, 1.0)]))


def test_the_cheapest_of_several_equals_is_named() -> None:
    rows = [TUNED, row("feature-extraction", seconds=8), TERMS]
    found = said(rows, [against("feature-extraction", 0.01, 0.9), against("tf-idf", 0.02, 0.5)])
    assert "The cheapest strategy that is statistically tied with it is tf-idf: 2 s instead of 60 s." in found


def test_without_a_test_part_validation_is_named() -> None:
    found = said([row("fine-tuning", test=False), TERMS], [against("tf-idf", 0.1, 0.001, "validation")])
    assert "reaches accuracy 0.880 [0.850, 0.910] on 500 validation rows" in found[0]
    assert "validation rows" in found[1]


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            {
                "threshold": 0.8,
                "coverage": 0.71,
                "n": 500,
                "accuracy": {"value": 0.95, "low": 0.9, "high": 0.98, "n": 355},
            },
            "With --abstain 0.8 it answers 355 of 500 test rows (71 %) and is right on 0.950 [0.900, 0.980] of those.",
        ),
        (
            {"threshold": 0.99, "coverage": 0.0, "n": 500, "accuracy": None},
            "With --abstain 0.99 it answers none of 500 test rows.",
        ),
        (None, None),
    ],
)
def test_a_threshold_that_was_asked_for_gets_one_sentence(asked: dict[str, Any] | None, sentence: str | None) -> None:
    found = verdict(
        {
            "leaderboard": [TUNED, TERMS],
            "comparisons": [against("tf-idf", 0.1, 0.001)],
            "chosen": "fine-tuning",
            "task": {"metric": "accuracy"},
            "data": {},
            "abstention": {"split": "test", "asked": asked, "curve": []},
        }
    )
    assert found[2:] == ([sentence] if sentence else [])


@pytest.mark.parametrize(
    ("answers", "thresholds", "sentence"),
    [
        (
            "label",
            [0.2559, 0.7441],
            "A label is predicted from this probability on, chosen for Matthews correlation: a 0.256, b 0.744.",
        ),
        (
            "label",
            [0.1] * 8,
            "Predicted label: the highest probability relative to its threshold, chosen for Matthews correlation: "
            "a 0.1, b 0.1, c 0.1, d 0.1, e 0.1, f 0.1 and 2 more.",
        ),
        ("label", [], None),
        ("labels", [0.2, 0.4], None),
    ],
)
def test_thresholds_of_the_one_label_get_one_sentence(
    answers: str, thresholds: list[float], sentence: str | None
) -> None:
    task = {
        "metric": "mcc",
        "answers": answers,
        "labels": list("abcdefgh"[: len(thresholds)]),
        "thresholds": thresholds,
    }
    rows = [{**TERMS, "scores": {"test": {"mcc": score(0.9)["accuracy"]}}}]
    found = verdict({"leaderboard": rows, "comparisons": [], "chosen": "tf-idf", "task": task})
    assert found[1:] == ([sentence] if sentence else [])


def out_of_domain(best: str, others: dict[str, float], p: float = 0.2) -> dict[str, Any]:
    rows = [
        {"strategy": name, "inside": score(0.9)["accuracy"], "outside": score(0.8 - lead)["accuracy"],
         "gap": {"value": -0.1 - lead, "low": -0.15 - lead, "high": -0.05 - lead, "n": 500}}
        for name, lead in ({best: 0.0} | others).items()
    ]  # fmt: skip
    comparisons = [against(name, lead, p, "target") for name, lead in others.items()]
    return {"metric": "accuracy", "inside": "test", "best": best, "rows": rows, "comparisons": comparisons}


def told_of(domains: dict[str, Any], chosen: str) -> list[str]:
    names = [found["strategy"] for found in domains["rows"]]
    evidence = {
        "leaderboard": [row(name) | {"usual": name in ("feature-extraction", "fine-tuning")} for name in names], "comparisons": [], "chosen": chosen,
        "task": {"metric": "accuracy"}, "domains": domains,
    }  # fmt: skip
    return verdict(evidence)[1:]


def test_what_the_kept_model_does_on_a_named_test_is_said_and_which_one_is_best_there() -> None:
    measured = out_of_domain("coral", {"feature-extraction": 0.02})
    evidence = {
        "leaderboard": [row("coral"), row("feature-extraction")], "comparisons": [], "chosen": "feature-extraction",
        "task": {"metric": "accuracy"}, "tests": {"shop": measured, "film": None},
    }  # fmt: skip
    assert verdict(evidence)[1:] == [
        "On shop feature-extraction reaches accuracy 0.780 [0.750, 0.810] on 500 shop rows, -0.120 [-0.170, -0.070] from "
        "test; best there is coral with 0.800 [0.770, 0.830] (not significant, p 0.200 (Holm))."
    ]
    assert verdict(evidence | {"chosen": "coral"})[1:] == [
        "On shop coral reaches accuracy 0.800 [0.770, 0.830] on 500 shop rows, -0.100 [-0.150, -0.050] from test."
    ]


def test_what_is_best_out_of_domain_is_held_against_strategies_that_learn_from_labelled_rows_alone() -> None:
    found = told_of(out_of_domain("coral", {"self-training": 0.01, "feature-extraction": 0.05}, p=0.01), "coral")
    assert found == [
        "Out of domain coral is best: accuracy 0.800 [0.770, 0.830] on 500 target rows, -0.100 [-0.150, -0.050] from test; "
        "against feature-extraction +0.050 [+0.030, +0.070] accuracy, p 0.010 (Holm)."
    ]


def test_what_the_kept_model_does_out_of_domain_is_said_where_another_is_best_there() -> None:
    found = told_of(out_of_domain("coral", {"feature-extraction": 0.02}), "feature-extraction")
    assert found[0].endswith("accuracy, not significant, p 0.200 (Holm).")
    assert found[1] == (
        "The strategy that was kept, feature-extraction, reaches accuracy 0.780 [0.750, 0.810] there (not significant, "
        "p 0.200 (Holm)); no choice was made on rows of the target domain."
    )


def test_a_strategy_alone_out_of_domain_has_no_gap_where_it_was_not_scored_within() -> None:
    domains = out_of_domain("fine-tuning", {})
    domains["rows"][0] |= {"inside": None, "gap": None}
    assert told_of(domains, "fine-tuning") == [
        "Out of domain fine-tuning is best: accuracy 0.800 [0.770, 0.830] on 500 target rows."
    ]


def test_numbers_are_shown_with_three_digits() -> None:
    assert shown({"value": 0.12345, "low": 0.1, "high": 0.2}) == "0.123 [0.100, 0.200]"
    assert [probability(p) for p in (0.0009, 0.001, 0.25)] == ["< 0.001", "0.001", "0.250"]
