"""What the numbers mean, in a few plain sentences: did transfer help, and which strategy is enough?"""

from __future__ import annotations

from typing import Any

from headstart.metrics.directions import LOWER_IS_BETTER

ALPHA = 0.05
NOISE = "inside the noise"
MOST_NAMED = 6
"""Labels that a sentence names."""


def verdict(evidence: dict[str, Any]) -> list[str]:
    """Sentences about the evidence of a run, the headline first."""
    rows = {row.get("label", row["strategy"]): row for row in evidence["leaderboard"]}
    chosen = rows[evidence["chosen"]]
    comparisons = {row["b"]: row for row in evidence["comparisons"]}
    metric = evidence["task"]["metric"]
    choices = evidence.get("data", {}).get("choices", "validation")
    score = (chosen["scores"]["test"] or chosen["scores"]["validation"])[metric]
    where = rows_of("test" if chosen["scores"]["test"] else choices, score["n"])
    reached = f"{evidence['chosen']} reaches {metric} {shown(score)} on {where}"
    controls = [name for name, row in rows.items() if row["role"] == "control" and row["status"] == "done"]
    transferred = any(row["role"] == "transfer" and row["status"] == "done" for row in rows.values())
    sentences = [_headline(chosen, reached, controls, comparisons, transferred, choices)]
    for name in controls:
        if name in comparisons:
            sentences.append(_against(comparisons[name]))
    sentences += _cheapest(chosen, rows, comparisons)
    sentences += _out_of_domain(evidence, [name for name, row in rows.items() if row.get("usual")])
    sentences += _thresholds(evidence["task"])
    sentences += _abstaining(evidence)
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
        return f"The control {reached}; no way of transferring was carried out, so what transfer buys is not known."
    if chosen["role"] == "control":
        return f"Transfer did not pay here: the control {reached}, and no way of transferring was better on {choices}."
    if not against:
        return f"{reached[0].upper()}{reached[1:]}; no control ran beside it, so what transfer bought is not known."
    lost = [row["b"] for row in against if _gain(row) < 0 and row["p_holm"] < ALPHA]
    won = [row["b"] for row in against if _gain(row) > 0 and row["p_holm"] < ALPHA]
    lower = all(row["metric"] in LOWER_IS_BETTER for row in against)
    more, less = ("less", "more") if lower else ("more", "less")
    if lost:
        return f"Transfer lost: {reached}, {less} than {' and '.join(lost)}."
    if len(won) == len(against):
        return f"Transfer helped: {reached}, {more} than {' and '.join(won)}."
    if won:
        open_ = [row["b"] for row in against if row["b"] not in won]
        rest = f"against {' and '.join(open_)} nothing can be told"
        return f"Transfer helped in part: {reached}, {more} than {' and '.join(won)}; {rest}."
    return f"Nothing can be told: {reached}, and every difference to the controls is {NOISE}."


def _gain(row: dict[str, Any]) -> float:
    """The difference of a comparison, over 0 where the first one is better."""
    value = row["difference"]["value"]
    return -value if row["metric"] in LOWER_IS_BETTER else value


def _against(row: dict[str, Any]) -> str:
    gain = row["difference"]
    return (
        f"Against {row['b']}: {gain['value']:+.3f} {row['metric']} [{gain['low']:+.3f}, {gain['high']:+.3f}] "
        f"on {rows_of(row['split'], gain['n'])}, {_significance(row)}."
    )


def _cheapest(chosen: dict[str, Any], rows: dict[str, Any], comparisons: dict[str, Any]) -> list[str]:
    """The cheapest of those that can't be told from the chosen one."""
    equal = [
        name
        for name, row in comparisons.items()
        if rows[name]["status"] == "done" and row["p_holm"] >= ALPHA and rows[name]["seconds"] < chosen["seconds"]
    ]
    if not equal:
        return []
    least = min(equal, key=lambda name: rows[name]["seconds"])
    return [
        f"The cheapest strategy that can't be told from it is {least}: {rows[least]['seconds']:.0f} s "
        f"instead of {chosen['seconds']:.0f} s."
    ]


def _out_of_domain(evidence: dict[str, Any], usual: list[str]) -> list[str]:
    """Which strategy is best on labelled rows of the target domain, against the usual ones; what the kept one does there."""
    domains = evidence.get("domains")
    if not domains:
        return []
    best, metric = domains["rows"][0], domains["metric"]
    said = f"Out of domain {best['strategy']} is best: {metric} {shown(best['outside'])} on "
    said += rows_of("target", best["outside"]["n"])
    if best["gap"]:
        said += f", {_difference(best['gap'])} from {domains['inside']}"
    tested = {row["b"]: row for row in domains["comparisons"]}
    for name in usual:
        if name in tested:
            row = tested[name]
            said += f"; against {name} {_difference(row['difference'])} {row['metric']}, {_significance(row)}"
    sentences = [f"{said}."]
    own = next((row for row in domains["rows"] if row["strategy"] == evidence["chosen"]), best)
    if own is not best:
        against = tested[own["strategy"]]
        sentences.append(
            f"The model that was kept, {own['strategy']}, reaches {metric} {shown(own['outside'])} there "
            f"({_significance(against)}); no choice was made on rows of the target domain."
        )
    return sentences


def _difference(score: dict[str, Any]) -> str:
    return f"{score['value']:+.3f} [{score['low']:+.3f}, {score['high']:+.3f}]"


def _significance(row: dict[str, Any]) -> str:
    """What a paired test says, in a few words."""
    p = f"p {p_value(row['p_holm'])} (Holm)"
    return p if row["p_holm"] < ALPHA else f"{NOISE}, {p}"


def _thresholds(task: dict[str, Any]) -> list[str]:
    """That the one label of a row is not always the most probable one, where it is not."""
    thresholds = task.get("thresholds")
    if not thresholds or task.get("answers") != "label":
        return []
    each = [f"{label} {share:.3g}" for label, share in zip(task["labels"], thresholds, strict=True)]
    if len(each) == 2:
        return [f"For the sake of {task['metric']} a label is given from this probability on: {', '.join(each)}."]
    rest = f" and {len(each) - MOST_NAMED} more" if len(each) > MOST_NAMED else ""
    return [
        f"For the sake of {task['metric']} the label given is the one whose probability is highest as a multiple of its "
        f"threshold: {', '.join(each[:MOST_NAMED])}{rest}."
    ]


def _abstaining(evidence: dict[str, Any]) -> list[str]:
    """What answering only above the threshold that was asked for comes to."""
    abstention = evidence.get("abstention") or {}
    asked = abstention.get("asked")
    if not asked:
        return []
    rows = rows_of(abstention["split"], asked["n"])
    if not asked["accuracy"]:
        return [f"With --abstain {asked['threshold']:g} it answers none of {rows}."]
    return [
        f"With --abstain {asked['threshold']:g} it answers {asked['accuracy']['n']:,} of {rows} "
        f"({100 * asked['coverage']:.0f} %) and is right on {shown(asked['accuracy'])} of those."
    ]


def rows_of(split: str, n: int) -> str:
    """How many rows of which part, in words: `test`, `validation`, or training rows held out by `cross-validation`."""
    return f"{n:,} rows by cross-validation" if split == "cross-validation" else f"{n:,} {split} rows"


def shown(score: dict[str, Any]) -> str:
    """A score with its interval, three digits."""
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


def p_value(p: float) -> str:
    """A p-value as text."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
