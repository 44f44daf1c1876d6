"""What the numbers mean, in a few plain sentences: did transfer help, and which strategy is enough?"""

from __future__ import annotations

from typing import Any

from headstart.drawing.scores import ALPHA, measured_as, rows_of, significance
from headstart.drawing.text import count, shown
from headstart.evaluation.measurements.base import measured, said_of
from headstart.metrics import is_better_lower, title_of

NO_LABELS = (
    "{}: no labels were given, so nothing was chosen by them and nothing is known of how often it is right; label some rows "
    "and score them with `headstart evaluate`."
)
"""The verdict of a run in which no row had a label."""
WEAK = {
    "prompted-spans": (
        "Words were tagged by asking a decoder for each type by its name, which is weak as a rule: label some sentences, and "
        "train mini on them."
    )
}
"""What is said of kinds of models whatever their scores are."""


def verdict(evidence: dict[str, Any]) -> list[str]:
    """Sentences about the evidence of a run, the headline first."""
    weak = WEAK.get(evidence.get("kind", ""))
    return [*_sentences(evidence), *([weak] if weak else [])]


def _sentences(evidence: dict[str, Any]) -> list[str]:
    rows = {row.get("label", row["strategy"]): row for row in evidence["leaderboard"]}
    chosen = rows[evidence["chosen"]]
    if not any((chosen["scores"] or {}).values()):
        return [NO_LABELS.format(evidence["chosen"])]
    comparisons = {row["b"]: row for row in evidence["comparisons"]}
    metric = evidence["task"]["metric"]
    choices = evidence.get("data", {}).get("choices", "validation")
    scores = chosen["scores"]
    part = "test" if scores["test"] else "validation" if scores["validation"] else next(filter(scores.get, scores))
    score = scores[part][metric]
    split = choices if part == "validation" else part
    reached = f"{evidence['chosen']} reaches {measured_as(evidence, split, metric)} {shown(score)} on {rows_of(split, score['n'])}"
    controls = [name for name, row in rows.items() if row["role"] == "control" and row["status"] == "done"]
    transferred = any(row["role"] == "transfer" and row["status"] == "done" for row in rows.values())
    sentences = [_headline(chosen, reached, controls, comparisons, transferred, choices)]
    for name in controls:
        if name in comparisons:
            sentences.append(_against(comparisons[name], evidence))
    sentences += _cheapest(chosen, rows, comparisons)
    sentences += _saved(evidence, metric)
    for each, plain in measured(evidence):
        sentences += said_of(each, plain, evidence)
    for name, row in rows.items():
        if row["status"] in ("failed", "stopped", "not run"):
            sentences.append(f"{name}: {row['status']}{': ' + row['note'] if row['note'] else ''}.")
    return sentences


def _headline(
    chosen: dict[str, Any],
    reached: str,
    controls: list[str],
    comparisons: dict[str, Any],
    transferred: bool,
    choices: str,
) -> str:
    against = [comparisons[name] for name in controls if name in comparisons]
    if chosen["role"] == "control" and not transferred:
        return f"The control {reached}; no pretrained strategy ran, so there is nothing to compare with."
    if chosen["role"] == "control":
        return f"Transfer did not pay here: the control {reached}, and no pretrained strategy was better on {choices}."
    if not against:
        return f"{reached[0].upper()}{reached[1:]}; no control ran beside it, so the gain from transfer is not known."
    lost = [row["b"] for row in against if _gain(row) < 0 and row["p_holm"] < ALPHA]
    won = [row["b"] for row in against if _gain(row) > 0 and row["p_holm"] < ALPHA]
    lower = all(is_better_lower(row["metric"]) for row in against)
    more, less = ("less", "more") if lower else ("more", "less")
    if lost:
        return f"Transfer lost: {reached}, {less} than {' and '.join(lost)}."
    if len(won) == len(against):
        return f"Transfer helped: {reached}, {more} than {' and '.join(won)}."
    if won:
        open_ = [row["b"] for row in against if row["b"] not in won]
        rest = f"the difference from {' and '.join(open_)} is not significant"
        return f"Transfer helped in part: {reached}, {more} than {' and '.join(won)}; {rest}."
    return f"No significant difference: {reached}, statistically tied with {' and '.join(row['b'] for row in against)}."


def _saved(evidence: dict[str, Any], metric: str) -> list[str]:
    """What the saved model reaches where it learnt again from all rows; why it did not where that is worth knowing."""
    again = evidence.get("refit")
    if not again:
        return []
    if again.get("note"):
        return [f"The saved model did not learn from the validation rows: {again['note']}."]
    said = f"The saved model is {evidence['chosen']} after learning from all {count(again['rows'])} labelled rows"
    if not again["scores"]:
        return [f"{said}; the scores are those of the model before, which had not seen the validation rows."]
    reached = [
        f"{shown(found[metric])} on {rows_of(part, found[metric]['n'])}" for part, found in again["scores"].items()
    ]
    return [f"{said}, those of validation too: {title_of(metric)} {', '.join(reached)}."]


def _gain(row: dict[str, Any]) -> float:
    """The difference of a comparison, over 0 where the first one is better."""
    value = row["difference"]["value"]
    return -value if is_better_lower(row["metric"]) else value


def _against(row: dict[str, Any], evidence: dict[str, Any]) -> str:
    gain, title = row["difference"], measured_as(evidence, row["split"], row["metric"])
    return (
        f"Against {row['b']}: {gain['value']:+.3f} {title} [{gain['low']:+.3f}, {gain['high']:+.3f}] "
        f"on {rows_of(row['split'], gain['n'])}, {significance(row)}."
    )


def _cheapest(chosen: dict[str, Any], rows: dict[str, Any], comparisons: dict[str, Any]) -> list[str]:
    """The cheapest of those that are statistically tied with the chosen one."""
    equal = [
        name
        for name, row in comparisons.items()
        if rows[name]["status"] == "done" and row["p_holm"] >= ALPHA and rows[name]["seconds"] < chosen["seconds"]
    ]
    if not equal:
        return []
    least = min(equal, key=lambda name: rows[name]["seconds"])
    return [
        f"The cheapest strategy that is statistically tied with it is {least}: {rows[least]['seconds']:.0f} s "
        f"instead of {chosen['seconds']:.0f} s."
    ]
