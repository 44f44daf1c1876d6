"""What a model of several tasks says of itself: sentences, one page with a section for each task, cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from headstart.drawing.charts import Line, lines
from headstart.drawing.markdown import cell, fenced, markdown, table
from headstart.drawing.scores import ALPHA, rows_of, significance
from headstart.drawing.text import NOTHING, counted, finite, interval, legible, number, shown, signed
from headstart.manifest import TASKS_FOLDER
from headstart.metrics import is_better_lower, title_of
from headstart.report import card as task_card
from headstart.report import page as task_page
from headstart.report.folders import without_folders

MOST_SENTENCES = 12
"""Sentences of a task's own verdict on the page of all."""


def summary(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """What one task came to, in short: scores, those of its single run, the paired difference.

    Args:
        evidence: of the task, with what was said of it `among` the others.
    """
    among, metric = evidence["among"], evidence["task"]["metric"]
    rows = {row["label"]: row for row in evidence["leaderboard"]}
    own = rows[evidence["chosen"]]
    part = "test" if own["scores"].get("test") else "validation"
    alone = rows.get(among["alone"] or "")
    beside = next((row for row in evidence["comparisons"] if row["b"] == among["alone"]), None)
    return {
        "task": evidence["task"]["name"],
        "metric": metric,
        "part": part,
        "rows": {name: each["rows"] for name, each in evidence["data"]["splits"].items() if each},
        "passes": among["passes"],
        "share": among["share"],
        "weight": among["weight"],
        "score": own["scores"][part][metric],
        "scores": {name: scores for name, scores in own["scores"].items() if scores},
        "alone": None if alone is None or not alone["scores"] else alone["scores"][part][metric],
        "epochs_alone": among["epochs_alone"],
        "why_not_alone": "" if alone is None or alone["scores"] else alone["note"] or alone["status"],
        "difference": None
        if beside is None
        else {**beside["difference"], "p": beside["p"], "p_holm": beside["p_holm"]},
        "seconds": evidence["cost"]["seconds"],
    }


def sentence(evidence: Mapping[str, Any]) -> str:
    """What learning together did to one task, held against its single run."""
    found, name = summary(evidence), evidence["among"]["task"]
    title = title_of(found["metric"])
    score = found["score"]
    reached = f"{name} reaches {title} {shown(score)} on {rows_of(found['part'], score['n'])}, learnt together with "
    reached += f"{counted(len(evidence['among']['tasks']) - 1, 'other task')}"
    if found["alone"] is None:
        return f"{reached}; it was not trained alone, so gain or harm is not known."
    difference = found["difference"]
    epochs = counted(found["epochs_alone"], "epoch")
    return (
        f"{reached}; alone, with as many passes over its rows ({epochs}), {shown(found['alone'])}: "
        f"{_verb(found)} {shown(difference, sign=True)}, {significance(difference)}."
    )


def _gain(found: Mapping[str, Any]) -> float:
    value = found["difference"]["value"]
    return -value if is_better_lower(found["metric"]) else value


def _verb(found: Mapping[str, Any]) -> str:
    gain = _gain(found)
    if not gain:
        return "no difference,"
    sure = found["difference"]["p_holm"] < ALPHA
    if gain > 0:
        return "a gain," if sure else "a gain within noise,"
    return "harm," if sure else "lower within noise,"


def verdict(evidence: Mapping[str, Any]) -> list[str]:
    """Sentences on all tasks, the headline first; harm is said by name."""
    tasks = evidence["tasks"]
    known = {name: found for name, found in tasks.items() if found["difference"] is not None}
    found = [_headline(tasks, known)]
    for name, each in known.items():
        title = title_of(each["metric"])
        found.append(
            f"{name}: {title} {shown(each['score'])} together, {shown(each['alone'])} alone on "
            f"{rows_of(each['part'], each['score']['n'])}; {_verb(each)} {shown(each['difference'], sign=True)}, "
            f"{significance(each['difference'])}."
        )
    for name, each in tasks.items():
        if name not in known:
            why = f" ({each['why_not_alone']})" if each["why_not_alone"] else ""
            found.append(f"{name}: {title_of(each['metric'])} {shown(each['score'])} together; not trained alone{why}.")
    found += _pulling(evidence["mixture"]["conflicts"])
    capped = evidence["mixture"]["capped"]
    if capped:
        found.append(f"Few rows beside the others: {', '.join(capped)}; how often these are seen was limited.")
    return found


def _headline(tasks: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    if not known:
        return (
            f"One network answers {counted(len(tasks), 'task')}; none was trained alone, so gain or harm is not known."
        )
    sure = {name for name, each in known.items() if each["difference"]["p_holm"] < ALPHA}
    harmed = [name for name in known if name in sure and _gain(known[name]) < 0]
    helped = [name for name in known if name in sure and _gain(known[name]) > 0]
    lower = [name for name in known if name not in sure and _gain(known[name]) < 0]
    tied = [name for name in known if name not in sure]
    said = []
    if harmed:
        said.append(f"Learning together harmed {_listed(harmed)}")
    if helped:
        said.append(f"{'it' if harmed else 'Learning together'} helped {_listed(helped)}")
    if tied:
        rest = f"no significant difference for {_listed(tied)}"
        said.append(rest if said else f"N{rest[1:]} between learning together and alone")
        if lower:
            said.append(f"within noise {_listed(lower)} {'is' if len(lower) == 1 else 'are'} lower than alone")
    return f"{'; '.join(said)}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]


def _pulling(observed: Sequence[Mapping[str, float]]) -> list[str]:
    """Which tasks' gradients pull apart, on average over the epochs behind the first."""
    later = observed[1:] or observed
    means = {pair: sum(each[pair] for each in later) / len(later) for pair in (later[0] if later else {})}
    apart = {pair: mean for pair, mean in means.items() if mean < 0}
    if not means:
        return []
    if not apart:
        return ["Gradients of no two tasks point against each other on average (cosines over the epochs)."]
    worst = sorted(apart, key=lambda pair: apart[pair])[:3]
    named = "; ".join(f"{pair.replace(' | ', ' and ')} {number(apart[pair], 2)}" for pair in worst)
    return [f"Gradients that point against each other on average, by their cosine: {named}."]


def printed(evidence: Mapping[str, Any], folder: Path | None) -> dict[str, Any]:
    """What `fit --json` of several tasks prints."""
    return {
        "artifact": None if folder is None else str(folder),
        "strategy": evidence["kind"],
        "backbone": (evidence["backbone"] or {}).get("name"),
        "tasks": evidence["tasks"],
        "mixture": evidence["mixture"],
        "warnings": evidence["warnings"],
        "verdict": evidence["verdict"],
        "seconds": evidence["cost"]["seconds"],
    }


def page(evidence: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]]) -> str:
    """The page of a model of several tasks: one HTML document without script and without network.

    Args:
        evidence: of all tasks, plain data.
        tasks: of each task, plain data.
    """
    seen = legible(evidence)
    observed = seen["mixture"]["conflicts"]
    return (
        task_page.environment()
        .get_template("several.html.j2")
        .render(
            evidence=seen,
            tasks=seen["tasks"],
            verdicts={name: legible(each["verdict"][:MOST_SENTENCES]) for name, each in tasks.items()},
            descriptions={name: _description(legible(each)) for name, each in tasks.items()},
            pairs=list(observed[0]) if observed else [],
            observed=observed,
            charts=_charts(seen),
            folder=TASKS_FOLDER,
        )
    )


def _description(evidence: Mapping[str, Any]) -> str:
    row = next((row for row in evidence["leaderboard"] if row.get("chosen")), {})
    return str(row.get("description") or "")


def _charts(evidence: Mapping[str, Any]) -> list[Any]:
    """Loss of all tasks by epoch."""
    epochs = evidence["mixture"]["curve"]
    named = (("train_loss", "train loss", False), ("validation_loss", "validation loss", True))
    drawn = [
        Line(label, [(epoch["epoch"], finite(epoch.get(key))) for epoch in epochs], dashed)
        for key, label, dashed in named
    ]
    found = lines(
        drawn,
        key="mixture",
        title="Loss by epoch, mean over tasks",
        description=f"It ends at {number(epochs[-1].get('validation_loss'))} on validation." if epochs else "",
        axes=("epoch", "loss"),
    )
    return [found] if found else []


def card(evidence: Mapping[str, Any], files: Sequence[str]) -> str:
    """The README.md of a model of several tasks.

    Args:
        evidence: of all tasks, plain data.
        files: names of the files in the folder.
    """
    seen = legible(without_folders(evidence))
    backbone = seen["backbone"] or {}
    front = {
        "library_name": "headstart",
        "license": backbone.get("license"),
        "tags": ["headstart", "multi-task-learning"],
    }
    head = yaml.safe_dump({key: value for key, value in front.items() if value}, sort_keys=False, allow_unicode=True)
    first = next(iter(seen["tasks"]))
    rows = [
        [
            cell(name),
            cell(each["task"]),
            cell(title_of(each["metric"])),
            f"{number(each['score']['value'])} {interval(each['score'])}",
            NOTHING if each["alone"] is None else number(each["alone"]["value"]),
            NOTHING if each["difference"] is None else f"{signed(each['difference']['value'])}",
            f"[{TASKS_FOLDER}/{name}/README.md]({TASKS_FOLDER}/{name}/README.md)",
        ]
        for name, each in seen["tasks"].items()
    ]
    columns = ["Task", "Kind", "Metric", "Together|", "Alone|", "Difference|", "Card"]
    lines_ = [
        f"# {markdown(seen['title'])}",
        "",
        f"One network, {markdown(backbone.get('id') or backbone.get('name') or 'a pretrained model')}, that answers "
        f"{counted(len(rows), 'task')}, each by a head of its own; all were learnt together (`multi-task`).",
        "",
        *(markdown(each) for each in seen["verdict"]),
        "",
        "## Tasks",
        "",
        *table(columns, rows),
        "",
        "## Use it",
        "",
        *fenced(
            f'headstart predict FOLDER --task {first} "a text"\nheadstart extract FOLDER --task {first} -o {first}',
            "sh",
        ),
        "",
        "What `extract` writes is a model of one task that loads without headstart too; in Python:",
        "",
        *fenced(
            f'import headstart\n\nmodel = headstart.MultiTaskModel.load("FOLDER")\nmodel.predict("{first}", ["a text"])',
            "python",
        ),
        "",
        "## Files",
        "",
        *(f"- `{name}`" for name in [*files, "README.md", "report.html"]),
    ]
    return f"---\n{head}---\n\n" + "\n".join(lines_) + "\n"


def write_task(folder: Path, name: str, evidence: Mapping[str, Any], *, snippet: str) -> None:
    """Write page and card of one task into its place in the folder of the model.

    Args:
        folder: of the model.
        name: of the task.
        evidence: of the task, plain data.
        snippet: Python code that uses the task's model without headstart, once it was taken out.
    """
    home = folder / TASKS_FOLDER / name
    (home / "report.html").write_text(task_page.render(evidence), encoding="utf-8")
    text = task_card.render(evidence, files=[], snippet=snippet)
    front, end, rest = text.partition("---\n\n")
    note = f"> A part of a model of several tasks. Take it out first: `headstart extract FOLDER --task {name} -o {name}`.\n\n"
    (home / "README.md").write_text(f"{front}{end}{note}{rest}", encoding="utf-8")
