"""The model card: a README.md that the Hugging Face hub understands, made from the evidence of a run."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from headstart.report.drawing import (
    NOTHING,
    count,
    dig,
    duration,
    interval,
    legible,
    moment,
    number,
    probability,
    share,
    shortened,
    signed,
)
from headstart.report.hub import WITHOUT_NETWORK, chosen_entry, chosen_scores, front_matter
from headstart.report.lengths import reading_sentence
from headstart.report.scores import (
    LABEL_LIMIT,
    LIST_LIMIT,
    LOWER_IS_BETTER,
    METRIC_NAMES,
    SPLITS,
    TARGET,
    Wording,
    by_choices,
    on,
    parts_of,
    reading,
    score_of,
    standing,
    words,
)
from headstart.report.sections import abstention_sentence, domains, weakest_sentence

ROWS_SHOWN = 50
"""Longest list of labels, comparisons or strategies on the card; the rest is counted."""

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~$&!])")


def render(evidence: Mapping[str, Any], *, files: Sequence[str], snippet: str) -> str:
    """The whole README.md: YAML front matter for the hub, then Markdown for people.

    Args:
        evidence: what a run measured, as plain JSON data; parts that are null or absent are left out.
        files: names of the files in the model folder.
        snippet: complete Python code that uses the model without headstart, with or without its code fence.
    """
    data = dict(evidence.get("data") or {})
    dropped = len(data.get("dropped") or [])
    seen = by_choices(legible({**evidence, "worst_rows": None, "confusion": None, "data": {**data, "dropped": None}}))
    front = yaml.safe_dump(front_matter(seen), sort_keys=False, allow_unicode=True, width=1000)
    sections = [
        _summary(seen),
        _with_headstart(seen),
        _without_headstart(seen, snippet),
        _labels(seen),
        _scores(seen),
        _controls(seen),
        _domains(seen),
        _data(seen, dropped),
        _limits(seen),
        _provenance(seen, files),
    ]
    body = "\n\n".join("\n".join(section) for section in sections if section)
    return f"---\n{front}---\n\n{body}\n"


def markdown(text: Any) -> str:
    """`text` on one line, with every character that Markdown or HTML would read escaped."""
    return _MARKDOWN.sub(r"\\\1", shortened(legible(str(text)), 4 * LABEL_LIMIT))


def _reported(evidence: Mapping[str, Any]) -> tuple[str, Wording]:
    """The part of the data that the chosen entry's scores are reported on, and how to speak of it."""
    names = parts_of(evidence.get("leaderboard") or [])
    split = next((name for name in names if chosen_scores(evidence, name)), "validation")
    return split, words(split)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table; a column whose name ends in `|` is aligned to the right."""
    heads = [column.rstrip("|") for column in columns]
    rule = ["---:" if column.endswith("|") else "---" for column in columns]
    return [f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows)]


def _fenced(code: str, language: str) -> list[str]:
    """A code block whose fence is longer than any run of backticks inside it."""
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", code, fence]


def _summary(evidence: Mapping[str, Any]) -> list[str]:
    """What the model is, in a few sentences."""
    task, backbone = evidence.get("task") or {}, evidence.get("backbone") or {}
    chosen = chosen_entry(evidence) or {}
    inputs = " and ".join(markdown(name) for name in task.get("text") or ["text"])
    about = f"It reads {inputs} and predicts {markdown(task.get('label') or 'a label')}."
    if evidence.get("kind") in WITHOUT_NETWORK:
        origin = f"{WITHOUT_NETWORK[evidence['kind']][2]}; in the comparison below it was the one to keep."
    else:
        name = markdown(backbone.get("id") or backbone.get("name") or "a pretrained model")
        origin = f"A model transferred from {name} by {markdown(chosen.get('strategy') or 'headstart')}."
        if chosen.get("description"):
            origin = f"{origin[:-1]} ({markdown(chosen['description'])})."
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
        *_fenced(
            f"headstart predict FOLDER {said}\nheadstart predict FOLDER --input new.csv --output scored.csv",
            "sh",
        ),
        "",
        *_fenced(
            f'import headstart\n\nmodel = headstart.load("FOLDER")\nmodel.predict([{given}])',
            "python",
        ),
    ]


def _without_headstart(evidence: Mapping[str, Any], snippet: str) -> list[str]:
    """How to use the model where headstart is not installed."""
    code = snippet.strip("\n")
    block = [code] if code.startswith("```") else _fenced(code, "python")
    needs = WITHOUT_NETWORK.get(str(evidence.get("kind")), ("", "transformers and torch", ""))[1]
    said = f"This needs {needs} only."
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
    return ["## Use it without headstart", "", said, "", *block]


def _labels(evidence: Mapping[str, Any]) -> list[str]:
    """The labels the model can answer with."""
    labels = dig(evidence, "task", "labels") or []
    if not labels:
        return []
    shown = ", ".join(markdown(shortened(str(label), LABEL_LIMIT)) for label in labels[:ROWS_SHOWN])
    rest = f" and {count(len(labels) - ROWS_SHOWN)} more" if len(labels) > ROWS_SHOWN else ""
    lines = ["## Labels", "", f"{len(labels)}: {shown}{rest}."]
    thresholds = dig(evidence, "task", "thresholds") or []
    if thresholds:
        each = zip(labels[:ROWS_SHOWN], thresholds, strict=False)
        borders = ", ".join(
            f"{markdown(shortened(str(label), LABEL_LIMIT))} {number(border)}" for label, border in each
        )
        if dig(evidence, "task", "answers") == "labels":
            said = (
                "A text has any number of them. Thresholds decide: a label is given where its probability is at least"
            )
        elif len(thresholds) == 2:
            said = "Thresholds decide, for the sake of the chosen score: a label is given where its probability is at least"
        else:
            said = (
                "Thresholds decide, for the sake of the chosen score: given is the label whose probability is highest as a "
                "multiple of its threshold,"
            )
        lines += ["", f"{said} {borders}{rest}."]
    return lines


def _scores(evidence: Mapping[str, Any]) -> list[str]:
    """Every metric of the chosen model with its interval and number of rows."""
    split, said = _reported(evidence)
    scores = chosen_scores(evidence, split)
    if not scores:
        return ["## Scores", "", "None were measured."]
    rows = [
        [
            METRIC_NAMES.get(name, name),
            number(measured["value"]),
            interval(measured) or NOTHING,
            count(measured.get("n")),
            "lower" if name in LOWER_IS_BETTER else "higher",
        ]
        for name, measured in scores.items()
    ]
    lines = ["## Scores", "", f"Measured {said.on}:", ""]
    lines += _table(["Metric", "Value|", "95 % interval|", "Rows|", "Better is"], rows)
    if split != "test":
        lines += [
            "",
            "There was no test part. Choices were made on these rows, so the scores flatter the model.",
        ]
    abstaining = abstention_sentence(evidence)
    if abstaining:
        lines += ["", abstaining]
    return lines


def _controls(evidence: Mapping[str, Any]) -> list[str]:
    """The leaderboard and the paired comparisons."""
    metric, board, split = standing(evidence)
    if not board:
        return []
    rows = []
    for entry in board[:ROWS_SHOWN]:
        measured = score_of(entry, split, metric)
        name = markdown(shortened(str(entry["strategy"]), LABEL_LIMIT))
        value = f"{number(measured['value'])} {interval(measured)}".strip() if measured else NOTHING
        status = markdown(entry.get("status") or NOTHING)
        note = f": {markdown(entry['note'])}" if entry.get("note") else ""
        rows.append(
            [
                f"**{name}** (this model)" if entry.get("chosen") else name,
                markdown(entry.get("role") or NOTHING),
                value,
                duration(entry.get("seconds")),
                count(entry.get("trainable_parameters")),
                status + note,
            ]
        )
    about = f"{METRIC_NAMES.get(metric, metric)} {on(split)}"
    lines = ["## Controls", "", f"What else was tried on the same data, by {about} with 95 % intervals:", ""]
    lines += _table(["Strategy", "Role", f"{about}|", "Time|", "Trained parameters|", "Status"], rows)
    if len(board) > ROWS_SHOWN:
        lines += ["", f"{count(ROWS_SHOWN)} of {count(len(board))} strategies are shown."]
    return lines + _comparisons(evidence)


def _domains(evidence: Mapping[str, Any]) -> list[str]:
    """Every strategy's score in and out of domain, and the gap."""
    found = domains(evidence)
    if found is None:
        return []
    rows = [
        [
            markdown(shortened(str(row["strategy"]), LABEL_LIMIT)),
            *(f"{number(dig(row[at], 'value'))} {interval(row[at])}".strip() for at in ("inside", "outside")),
            f"{signed(dig(row['gap'], 'value'))} {interval(row['gap'], sign=True)}".strip(),
            markdown(found["readings"].get(row["strategy"], NOTHING)),
        ]
        for row in found["rows"]
    ]
    about = f"By {found['metric']} with 95 % intervals, best out of domain first; no choice was made on target rows:"
    columns = ["Strategy", f"{on(found['inside'])}|", f"{on(TARGET)}|", "Difference|", "Best against it"]
    return ["## Out of domain", "", about, "", *_table(columns, rows)]


def _comparisons(evidence: Mapping[str, Any]) -> list[str]:
    """The paired comparisons, in words and numbers."""
    rows = []
    for comparison in (evidence.get("comparisons") or [])[:ROWS_SHOWN]:
        difference = comparison.get("difference")
        metric, split = comparison.get("metric"), comparison.get("split") or "test"
        rows.append(
            [
                f"{markdown(comparison.get('a'))} against {markdown(comparison.get('b'))}",
                f"{METRIC_NAMES.get(str(metric), markdown(metric))} {markdown(on(split))}",
                f"{signed(dig(difference, 'value'))} {interval(difference, sign=True)}".strip(),
                probability(comparison.get("p_holm")),
                markdown(reading(comparison)),
            ]
        )
    columns = ["Compared", "By", "Difference|", "p (Holm)|", "Reading"]
    return ["", "Paired, first minus second:", "", *_table(columns, rows)] if rows else []


def _data(evidence: Mapping[str, Any], dropped: int) -> list[str]:
    """Files, parts, dropped rows and warnings."""
    data = evidence.get("data") or {}
    lines = ["## Data", ""]
    files = [
        [
            markdown(file.get("path")),
            markdown(file.get("role")),
            count(file.get("rows")),
            count(file.get("used")),
        ]
        for file in (data.get("files") or [])[:LIST_LIMIT]
    ]
    if files:
        lines += [*_table(["File", "Role", "Rows read|", "Rows used|"], files), ""]
    parts = [f"{name} {count(dig(data, 'splits', name, 'rows'))}" for name in SPLITS if dig(data, "splits", name)]
    if parts:
        rule = f" ({markdown(data['rule'])})" if data.get("rule") else ""
        lines.append(f"- Parts: {', '.join(parts)} rows{rule}.")
    lines.append(f"- Dropped rows: {count(dropped)}{'; report.html names them' if dropped else ''}.")
    lines += [f"- Warning: {markdown(warning)}" for warning in (data.get("warnings") or [])[:LIST_LIMIT]]
    return lines


def _limits(evidence: Mapping[str, Any]) -> list[str]:
    """What the scores do not say, and what the model does not see."""
    lines = [
        "## Limits",
        "",
        f"- The scores hold for data like {_reported(evidence)[1].part}; on other texts, measure again.",
    ]
    weakest = weakest_sentence(evidence)
    if weakest:
        lines.append(f"- {markdown(weakest)}")
    reads = reading_sentence(evidence)
    if reads and evidence.get("kind") not in WITHOUT_NETWORK:
        lines.append(f"- {markdown(reads)}")
    counts = dig(evidence, "data", "splits", "train", "labels") or {}
    if len(counts) > 1 and dig(evidence, "task", "answers") != "number":
        most, least = (
            max(counts, key=lambda label: counts[label]),
            min(counts, key=lambda label: counts[label]),
        )
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
    lines = ["## Reproduce", "", *_fenced("headstart run recipe.yaml", "sh"), ""]
    versions = (evidence.get("versions") or {}).items()
    lines.append(f"- Made: {moment(evidence.get('created'))}.")
    if versions:
        lines.append(f"- Versions: {', '.join(f'{markdown(name)} {markdown(version)}' for name, version in versions)}.")
    machine, backbone = evidence.get("machine") or {}, evidence.get("backbone") or {}
    if machine:
        platform, device = (markdown(machine.get(key) or NOTHING) for key in ("platform", "device"))
        lines.append(f"- Machine: {platform}, device {device}, {count(machine.get('threads'))} threads.")
    for key in ("revision", "digest"):
        if backbone.get(key):
            lines.append(f"- Backbone {key}: {markdown(backbone[key])}.")
    if files:
        lines.append(f"- Files: {', '.join(markdown(name) for name in files[:LIST_LIMIT])}.")
    return lines
