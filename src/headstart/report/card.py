"""The model card: a README.md that the Hugging Face hub understands, made from the evidence of a run."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from headstart.backbones.location import NETWORK
from headstart.drawing.markdown import cell, fenced, markdown, table
from headstart.drawing.scores import (
    AGREEMENT,
    LIST_LIMIT,
    WITHOUT_NETWORK,
    Wording,
    by_choices,
    chosen_entry,
    chosen_scores,
    measured_as,
    on,
    parts_of,
    reading,
    score_of,
    splits_of,
    standing,
    words,
)
from headstart.drawing.text import (
    NOTHING,
    count,
    counted,
    dig,
    duration,
    interval,
    legible,
    moment,
    number,
    probability,
    reached,
    share,
)
from headstart.evaluation.measurements.base import measured, said_of, unmeasured
from headstart.metrics import is_better_lower, title_of
from headstart.report.folders import without_folders
from headstart.report.hub import front_matter

ROWS_SHOWN = 50
"""Longest list of labels, comparisons or strategies on the card; the rest is counted."""


def render(evidence: Mapping[str, Any], *, files: Sequence[str], snippet: str) -> str:
    """The whole README.md: YAML front matter for the hub, then Markdown for people.

    Args:
        evidence: what a run measured, as plain JSON data; parts that are null or absent are left out.
        files: names of the files in the model folder.
        snippet: complete Python code that uses the model without headstart, with or without its code fence.
    """
    data = dict(evidence.get("data") or {})
    dropped = len(data.get("dropped") or [])
    seen = by_choices(legible(without_folders({**evidence, "data": {**data, "dropped": None}})))
    under = _measured(seen)
    apart = any(name.startswith(f"{NETWORK}/") for name in files)
    front = yaml.safe_dump(front_matter(seen, apart=apart), sort_keys=False, allow_unicode=True, width=1000)
    sections = [
        _summary(seen),
        _with_headstart(seen),
        _without_headstart(seen, snippet, apart=apart),
        _labels(seen),
        _scores(seen),
        _controls(seen),
        _data(seen, dropped),
        _limits(seen, under.pop("Limits", [])),
        _provenance(seen, files),
    ]
    sections = [[*lines, *under.pop(lines[0].removeprefix("## "), [])] for lines in sections if lines]
    at = next(at for at, lines in enumerate(sections) if lines[0] == "## Data")
    sections[at:at] = [[f"## {heading}", "", *lines] for heading, lines in under.items()]
    body = "\n\n".join("\n".join(lines) for lines in sections)
    return f"---\n{front}---\n\n{body}\n"


def _measured(evidence: Mapping[str, Any]) -> dict[str, list[str]]:
    """Lines of all that was measured, by the heading that they stand under."""
    found: dict[str, list[str]] = {}
    for each, plain in measured(evidence):
        none = [f"- {why}" for why in said_of(each, plain, evidence)] if unmeasured(plain) else None
        if lines := none or each.card(plain, evidence):
            found.setdefault(each.card_under or each.heading, []).extend(lines)
    return found


def _reported(evidence: Mapping[str, Any]) -> tuple[str, Wording]:
    """The part of the data that the chosen entry's scores are reported on, and how to speak of it."""
    names = parts_of(evidence.get("leaderboard") or [])
    split = next((name for name in names if chosen_scores(evidence, name)), "validation")
    return split, words(split)


def _summary(evidence: Mapping[str, Any]) -> list[str]:
    """What the model is, in a few sentences."""
    task, backbone = evidence.get("task") or {}, evidence.get("backbone") or {}
    chosen = chosen_entry(evidence) or {}
    inputs = " and ".join(markdown(name) for name in task.get("text") or ["text"])
    answer = task.get("label") or ("a reply" if task.get("answers") == "passages" else "a label")
    about = f"It reads {inputs} and predicts {markdown(answer)}."
    if evidence.get("kind") in WITHOUT_NETWORK:
        origin = f"{WITHOUT_NETWORK[evidence['kind']][2]}; in the comparison below it was the one to keep."
    else:
        name = markdown(backbone.get("id") or backbone.get("name") or "a pretrained model")
        origin = f"A model transferred from {name} by {markdown(chosen.get('strategy') or 'headstart')}."
        if chosen.get("description"):
            origin = f"{origin[:-1]} ({markdown(chosen['description'])})."
    if backbone.get("prompt") and evidence.get("kind") not in WITHOUT_NETWORK:
        about += f" Its tokenizer puts {markdown(repr(backbone['prompt']))} in front of each text, as the network was trained."
    verdict = [markdown(sentence) for sentence in (evidence.get("verdict") or [])[:LIST_LIMIT]]
    lines = [f"# {markdown(evidence.get('title') or 'headstart model')}", "", origin, about]
    return [*lines, "", *verdict] if verdict else lines


def _with_headstart(evidence: Mapping[str, Any]) -> list[str]:
    """How to use the model from the command line and from Python, with headstart."""
    pairs = dig(evidence, "task", "pairs")
    said, given = ('"a text" "another text"', '("a text", "another text")') if pairs else ('"a text to label"',) * 2
    return [
        "## Use it with headstart",
        "",
        "FOLDER is the folder this file lies in.",
        "",
        *fenced(f"headstart predict FOLDER {said}\nheadstart predict FOLDER --input new.csv --output scored.csv", "sh"),
        "",
        *fenced(f'import headstart\n\nmodel = headstart.load("FOLDER")\nmodel.predict([{given}])', "python"),
    ]


def _without_headstart(evidence: Mapping[str, Any], snippet: str, *, apart: bool) -> list[str]:
    """How to use the model where headstart is not installed."""
    code = snippet.strip("\n")
    block = [code] if code.startswith("```") else fenced(code, "python")
    needs = WITHOUT_NETWORK.get(str(evidence.get("kind")), ("", "transformers and torch", ""))[1]
    said = f"This needs {needs} only."
    if apart:
        said += (
            f" The network lies in `{NETWORK}` and the head in `heads`, since no head of its kind in transformers computes what "
            "this one does: `pipeline` and `AutoModelFor...` find no model in this folder, and the code below reads it."
        )
    if dig(evidence, "task", "thresholds"):
        said += " Thresholds decide what is given, as with headstart; a pipeline that takes the most probable label may say others."
    if dig(evidence, "task", "words"):
        said += (
            " Its tags are the best that are possible together, as with headstart; a pipeline that takes the best tag of each "
            "word by itself may say others."
        )
    if dig(evidence, "task", "chained") and str(evidence.get("kind")) not in WITHOUT_NETWORK:
        said += (
            " They hang on learnt transitions between tags, which no head of transformers holds: the network alone gives the "
            "scores of single words, and this code the rest."
        )
    if dig(evidence, "task", "windows") and evidence.get("kind") not in WITHOUT_NETWORK:
        said += (
            " It reads long texts in windows as headstart does; a pipeline, or any other code that truncates, answers alike for "
            "texts of one window only."
        )
    if dig(evidence, "task", "masked"):
        said += (
            " The model was trained on texts in which one word stands in the place of the terms that it is not to read. headstart "
            "puts it there, and this code does not: do so before, or labels may hang on these terms."
        )
    if dig(evidence, "task", "refuses"):
        said += " headstart gives no label to texts that are out of scope; this code gives every text one."
    return ["## Use it without headstart", "", said, "", *block]


def _labels(evidence: Mapping[str, Any]) -> list[str]:
    """The labels the model can answer with."""
    labels = dig(evidence, "task", "labels") or []
    if not labels:
        return []
    shown = ", ".join(cell(label) for label in labels[:ROWS_SHOWN])
    rest = f" and {count(len(labels) - ROWS_SHOWN)} more" if len(labels) > ROWS_SHOWN else ""
    return ["## Labels", "", f"{len(labels)}: {shown}{rest}."]


def _scores(evidence: Mapping[str, Any]) -> list[str]:
    """Every metric of the chosen model with its interval and number of rows."""
    split, said = _reported(evidence)
    scores = chosen_scores(evidence, split)
    if not scores:
        return ["## Scores", "", "None were measured."]
    rows = [
        [
            title_of(name),
            number(measured["value"]),
            interval(measured) or NOTHING,
            count(measured.get("n")),
            "lower" if is_better_lower(name) else "higher",
        ]
        for name, measured in scores.items()
    ]
    by = dig(evidence, "data", "labels_by", split)
    whose = f", as {AGREEMENT} {markdown(by)}, whose labels these rows have" if by else ""
    lines = ["## Scores", "", f"Measured {said.on}{whose}:", ""]
    lines += table(["Metric", "Value|", "95 % interval|", "Rows|", "Better is"], rows)
    if split != "test":
        lines += ["", "There was no test part. Choices were made on these rows, so the scores are optimistic."]
    return lines


def _controls(evidence: Mapping[str, Any]) -> list[str]:
    """The leaderboard and the paired comparisons."""
    metric, board, split = standing(evidence)
    if not board:
        return []
    again, rows = dig(evidence, "refit", "scores"), []
    for entry in board[:ROWS_SHOWN]:
        measured = score_of(entry, split, metric)
        name = cell(entry["strategy"])
        status = markdown(entry.get("status") or NOTHING)
        note = f": {markdown(entry['note'])}" if entry.get("note") else ""
        rows.append(
            [
                f"**{name}** ({'kept' if again else 'this model'})" if entry.get("chosen") else name,
                markdown(entry.get("role") or NOTHING),
                reached(measured),
                duration(None if entry.get("status") == "not run" else entry.get("seconds")),
                count(entry.get("trainable_parameters")),
                status + note,
            ]
        )
    about = f"{measured_as(evidence, split, metric)} {on(split)}"
    lines = ["## Controls", "", f"What else was tried on the same data, by {about} with 95 % intervals:", ""]
    lines += table(["Strategy", "Role", f"{about}|", "Time|", "Trained parameters|", "Status"], rows)
    if len(board) > ROWS_SHOWN:
        lines += ["", f"{count(ROWS_SHOWN)} of {count(len(board))} strategies are shown."]
    return lines + _comparisons(evidence)


def _comparisons(evidence: Mapping[str, Any]) -> list[str]:
    """The paired comparisons, in words and numbers."""
    rows = []
    for comparison in (evidence.get("comparisons") or [])[:ROWS_SHOWN]:
        metric, split = comparison.get("metric"), comparison.get("split") or "test"
        rows.append(
            [
                f"{markdown(comparison.get('a'))} against {markdown(comparison.get('b'))}",
                f"{markdown(title_of(str(metric)))} {markdown(on(split))}",
                reached(comparison.get("difference"), sign=True),
                probability(comparison.get("p_holm")),
                markdown(reading(comparison)),
            ]
        )
    columns = ["Compared", "By", "Difference|", "p (Holm)|", "Reading"]
    return ["", "Paired, first minus second:", "", *table(columns, rows)] if rows else []


def _data(evidence: Mapping[str, Any], dropped: int) -> list[str]:
    """Files, parts, dropped rows and warnings."""
    data = evidence.get("data") or {}
    lines = ["## Data", ""]
    files = [
        [markdown(file.get("path")), markdown(file.get("role")), count(file.get("rows")), count(file.get("used"))]
        for file in (data.get("files") or [])[:LIST_LIMIT]
    ]
    if files:
        lines += [*table(["File", "Role", "Rows read|", "Rows used|"], files), ""]
    parts = [f"{markdown(name)} {count(part.get('rows'))}" for name, part in splits_of(evidence).items()]
    if parts:
        rule = f" ({markdown(data['rule'])})" if data.get("rule") else ""
        lines.append(f"- Parts: {', '.join(parts)} rows{rule}.")
    lines.append(f"- Dropped rows: {count(dropped)}{'; report.html names them' if dropped else ''}.")
    lines += [f"- Warning: {markdown(warning)}" for warning in (data.get("warnings") or [])[:LIST_LIMIT]]
    return lines


def _limits(evidence: Mapping[str, Any], measured: Sequence[str]) -> list[str]:
    """What the scores do not say, and what the model does not see."""
    lines = [
        "## Limits",
        "",
        f"- The scores hold for data like {_reported(evidence)[1].part}; on other texts, measure again."
        if parts_of(evidence.get("leaderboard") or [])
        else "- It has no scores: no row had a label. Label some and measure with `headstart evaluate`.",
    ]
    lines += measured
    counts = dig(evidence, "data", "splits", "train", "labels") or {}
    if len(counts) > 1 and dig(evidence, "task", "answers") != "number":
        most, least = (max(counts, key=lambda label: counts[label]), min(counts, key=lambda label: counts[label]))
        whole = sum(counts.values())
        lines.append(
            f"- Labels are not equally frequent in training: {markdown(most)} {share(counts[most], whole)}, "
            f"{markdown(least)} {share(counts[least], whole)} ({count(counts[least])} rows)."
            if counts[most] > counts[least]
            else f"- All labels are equally frequent in training ({count(counts[least])} rows each)."
        )
    return lines


def _provenance(evidence: Mapping[str, Any], files: Sequence[str]) -> list[str]:
    """How to get the same model again, from which versions, and what lies in the folder."""
    lines = ["## Reproduce", "", *fenced("headstart run recipe.yaml", "sh"), ""]
    versions = (evidence.get("versions") or {}).items()
    lines.append(f"- Made: {moment(evidence.get('created'))}.")
    if versions:
        lines.append(f"- Versions: {', '.join(f'{markdown(name)} {markdown(version)}' for name, version in versions)}.")
    machine, backbone = evidence.get("machine") or {}, evidence.get("backbone") or {}
    if machine:
        platform, device = (markdown(machine.get(key) or NOTHING) for key in ("platform", "device"))
        lines.append(f"- Machine: {platform}, device {device}, {counted(machine.get('threads'), 'thread')}.")
    for key in ("revision", "digest"):
        if backbone.get(key):
            lines.append(f"- Backbone {key}: {markdown(backbone[key])}.")
    if files:
        lines.append(f"- Files: {', '.join(markdown(name) for name in files[:LIST_LIMIT])}.")
    return lines
