"""What a verb came to, in words on standard output and where to go on from there on standard error."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from shlex import quote
from typing import TYPE_CHECKING, Any

from headstart.cli.audited import audit_shown
from headstart.cli.checked import findings_shown
from headstart.cli.curves import curve_plan, curve_table
from headstart.cli.display import (
    abstention_line,
    gap_table,
    leaderboard,
    plan_table,
    score_table,
    table,
)
from headstart.cli.explained import explained_texts
from headstart.cli.found import hit_list, is_marked, reply_list
from headstart.cli.groups import clusters, duplicate_groups, suggested
from headstart.cli.network import network_table, trimmed_table
from headstart.cli.ranked import ranking_table
from headstart.cli.several import tasks_plan, tasks_scores, tasks_table
from headstart.drawing.scores import out_of_scope_line
from headstart.drawing.text import counted, shown
from headstart.unseen import escaped, on_one_line

if TYPE_CHECKING:
    from headstart.runs.outcome import Outcome


def show(outcome: Outcome, quiet: bool) -> None:
    """Print an outcome for people: by what its result holds, line by line where that is nothing known."""
    for key, printed in SHOWN.items():
        if key in outcome.result:
            printed(outcome, quiet)
            return
    for key, value in outcome.result.items():
        said = value if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
        print(f"{key:<16} {on_one_line(str(said))}")


def print_json(value: Any, *, indent: int | None = None) -> None:
    """Print one JSON value, on a line of its own; what is not seen, or what the terminal cannot show, in JSON's own escapes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    if escaped(text) != text or not _is_wide(sys.stdout.encoding):
        text = json.dumps(value, allow_nan=False, indent=indent).replace("\x7f", "\\u007f")
    print(text)


def _is_wide(encoding: str | None) -> bool:
    """Whether an encoding has all characters."""
    return (encoding or "utf-8").lower().replace("_", "-").startswith("utf")


def say_notes(lines: list[str], quiet: bool) -> None:
    """Say what to know of an outcome."""
    for line in lines if not quiet else ():
        print(f"{'check':<12} !! {on_one_line(line)}", file=sys.stderr)


def _say(topic: str, message: str, quiet: bool) -> None:
    if not quiet:
        print(f"{topic:<12} {on_one_line(message)}", file=sys.stderr)


def _plan(outcome: Outcome, quiet: bool) -> None:
    print(plan_table(outcome.result))


def _experiment(outcome: Outcome, quiet: bool) -> None:
    if outcome.artifact is None:
        raise RuntimeError("an experiment ended without an artifact")
    evidence = outcome.artifact.evidence
    print(leaderboard(evidence))
    if evidence.get("tests"):
        print(f"\n{gap_table(evidence['tests'])}")
    print()
    for sentence in evidence["verdict"]:
        print(on_one_line(sentence))
    if outcome.folder:
        _say("\nsaved".ljust(13), f"{outcome.folder}: model, recipe.yaml, README.md, report.html", quiet)
        given = '"a text" "another text"' if outcome.artifact.task.pairs else '"your text"'
        _say("next", f"headstart predict {quote(str(outcome.folder))} {given}", quiet)


def _network(outcome: Outcome, quiet: bool) -> None:
    print(network_table(outcome.result))
    for note in outcome.result["notes"]:
        print(on_one_line(note))
    _say("\nsaved".ljust(13), f"{outcome.folder}: network, tokenizer, recipe.yaml, README.md, report.html", quiet)
    _say("next", f"headstart fit DATA --backbone {quote(str(outcome.folder))}", quiet)


def _scores(outcome: Outcome, quiet: bool) -> None:
    result = outcome.result
    print(score_table(result["scores"]))
    if signatures := result.get("signatures"):
        print()
        for name, signature in signatures.items():
            print(f"{name:<5} {signature}")
    if doubts := result.get("doubts"):
        from headstart.evaluation.measurements.doubts import Doubts

        for sentence in Doubts().sentences(doubts, {}):
            print(f"\n{sentence}")
    for column, values in result["groups"].items():
        names = list(result["scores"])
        body = []
        for value, scores in values.items():
            body.append(
                [value or "(empty)", f"{scores[names[0]]['n']:,}", *(shown(scores[name]) for name in names[:2])]
            )
        print(f"\nby {on_one_line(column)}\n{table([column, 'rows', *names[:2]], body)}")
    if "abstention" in result:
        print(f"\n{abstention_line(result['abstention'])}")
    if "out_of_scope" in result:
        print(f"\n{out_of_scope_line(result['out_of_scope'])}")


def _predictions(outcome: Outcome, quiet: bool) -> None:
    if outcome.explained is not None:
        print(explained_texts(outcome.result["predictions"], outcome.explained, is_marked(sys.stdout)))
        return
    for row in outcome.result["predictions"]:
        print_json(row)


def _export(outcome: Outcome, quiet: bool) -> None:
    result, found = outcome.result, outcome.result["agreement"]
    rows = [
        ["the same texts", f"{found['texts']:.1%}"],
        ["other texts of the same score", f"{found['ties']:.1%}"],
        ["the same tokens", f"{found['tokens']:.1%}"],
    ]
    for name, key in (("BLEU", "bleu"), ("chrF", "chrf")):
        if found[key] is not None:
            rows.append([name, f"{found[key][0]:.2f} -> {found[key][1]:.2f}"])
    print(table([f"{result['to']}, {result['quantization']}", f"{found['rows']:,} texts"], rows))
    _say("\nsaved".ljust(13), f"{result['export']} ({result['bytes'] / 1e6:.0f} MB)", quiet)


def _trimmed(outcome: Outcome, quiet: bool) -> None:
    result, held = outcome.result, outcome.result["held_out"]
    print(trimmed_table(result))
    if held:
        print(f"\nof {held['texts']:,} other texts {held['same_pieces']:.1%} are cut up as before")
        print(f"and {held['same_text_back']:.1%} are the same when they are put together again")
    _say("\nsaved".ljust(13), f"{outcome.folder}: network, tokenizer, README.md", quiet)
    _say("next", f"headstart fit DATA --backbone {quote(str(outcome.folder))}", quiet)


def _recipe(outcome: Outcome, quiet: bool) -> None:
    path = outcome.result["recipe"]
    _say("saved", f"{path}: a recipe for {outcome.result['task']}", quiet)
    _say("next", f"headstart run {shlex.quote(path)}", quiet)


def _duplicates(outcome: Outcome, quiet: bool) -> None:
    print(duplicate_groups(outcome.result))
    _written(outcome, quiet)


def _clusters(outcome: Outcome, quiet: bool) -> None:
    print(clusters(outcome.result))
    _written(outcome, quiet)


def _suggested(outcome: Outcome, quiet: bool) -> None:
    result = outcome.result
    print(suggested(result))
    if "more_labels" in result:
        print(f"\n{on_one_line(result['more_labels'])}")
    if "output" in result:
        _say("saved", f"{result['output']} ({counted(len(result['suggested']), 'row')})", quiet)
        _say("next", f"fill in {', '.join(result['label'])}, then: headstart fit {quote(result['output'])}", quiet)


def _ranking(outcome: Outcome, quiet: bool) -> None:
    result = outcome.result
    print(ranking_table(result))
    if outcome.folder:
        _say("\nsaved".ljust(13), f"{outcome.folder}: evidence.json, recipe.yaml, report.html", quiet)
    _say("next", f"headstart fit {quote(result['file'])} --backbone {quote(result['ranking'][0]['backbone'])}", quiet)


def _findings(outcome: Outcome, quiet: bool) -> None:
    result = outcome.result
    for line in findings_shown(result).split("\n"):
        print(on_one_line(line))
    if fixed := result.get("fixed"):
        _say(
            "\nsaved".ljust(13),
            f"{fixed['file']} ({counted(fixed['rows'], 'row')}), {fixed['changes']}: what was done",
            quiet,
        )
    if outcome.folder:
        _say("\nsaved".ljust(13), f"{outcome.folder}: evidence.json, recipe.yaml, report.html, rows.csv", quiet)
    if not fixed and result["counts"]["error"] + result["counts"]["warning"]:
        _say("next", f"headstart check {quote(result['file'])} --fix cleaned.csv", quiet)


def _curves(outcome: Outcome, quiet: bool) -> None:
    for line in curve_table(outcome.result).split("\n"):
        print(on_one_line(line))
    if outcome.folder:
        _say("\nsaved".ljust(13), f"{outcome.folder}: evidence.json, recipe.yaml, report.html", quiet)


def _tasks(outcome: Outcome, quiet: bool) -> None:
    for line in tasks_table(outcome.result).split("\n"):
        print(on_one_line(line))
    if outcome.folder:
        task = next(iter(outcome.result["tasks"]))
        folder = quote(str(outcome.folder))
        _say("\nsaved".ljust(13), f"{outcome.folder}: model, recipe.yaml, README.md, report.html, tasks/", quiet)
        _say("next", f'headstart predict {folder} --task {task} "your text"', quiet)


def _tasks_plan(outcome: Outcome, quiet: bool) -> None:
    print(tasks_plan(outcome.result))


def _tasks_scored(outcome: Outcome, quiet: bool) -> None:
    print(tasks_scores(outcome.result))


def _extracted(outcome: Outcome, quiet: bool) -> None:
    result = outcome.result
    _say("saved", f"{result['extracted']}: the part {result['part']} ({result['bytes'] / 1e6:.0f} MB)", quiet)
    _say("next", f'headstart predict {quote(result["extracted"])} "your text"', quiet)


def _curve_plan(outcome: Outcome, quiet: bool) -> None:
    print(curve_plan(outcome.result))


def _written(outcome: Outcome, quiet: bool) -> None:
    if "output" in outcome.result:
        _say("saved", f"{outcome.result['output']} ({outcome.result['rows']:,} rows)", quiet)


def _output(outcome: Outcome, quiet: bool) -> None:
    _say("saved", f"{outcome.result['output']} ({outcome.result['rows']:,} rows)", quiet)


def _hits(outcome: Outcome, quiet: bool) -> None:
    print(hit_list(outcome.result["queries"], is_marked(sys.stdout)))


def _replies(outcome: Outcome, quiet: bool) -> None:
    print(reply_list(outcome.result["replies"], is_marked(sys.stdout)))


def _index(outcome: Outcome, quiet: bool) -> None:
    result = outcome.result
    if (changes := result["changes"]) is not None:
        replaced = f" ({changes['replaced']:,} of them in the place of earlier ones)" if changes["replaced"] else ""
        came = f"{changes['documents']:,} documents came in{replaced}: {changes['added']:,} passages"
        print(f"{came}; {changes['removed']:,} passages went out")
    words = [] if result["retriever"] == "dense" else ["words"]
    by = " and ".join([*words, *([f"vectors of {result['backbone']}"] if result["backbone"] else [])])
    print(f"{result['documents']:,} documents in {result['passages']:,} passages, searched by {by}")
    _say("\nsaved".ljust(13), result["index"], quiet)
    _say("next", f'headstart search {quote(result["index"])} "your question"', quiet)


def _audit(outcome: Outcome, quiet: bool) -> None:
    for line in audit_shown(outcome.result).split("\n"):
        print(on_one_line(line))
    if outcome.folder:
        _say("\nsaved".ljust(13), f"{outcome.folder}: evidence.json, recipe.yaml, report.html", quiet)


SHOWN: dict[str, Callable[[Outcome, bool], None]] = {
    "audit": _audit,
    "plan": _plan,
    "findings": _findings,
    "mixture": _tasks,
    "tasks_planned": _tasks_plan,
    "tasks_scored": _tasks_scored,
    "extracted": _extracted,
    "ranking": _ranking,
    "sizes_planned": _curve_plan,
    "curves": _curves,
    "duplicate_groups": _duplicates,
    "clusters": _clusters,
    "suggested": _suggested,
    "trimmed": _trimmed,
    "network": _network,
    "leaderboard": _experiment,
    "groups": _scores,
    "predictions": _predictions,
    "queries": _hits,
    "replies": _replies,
    "changes": _index,
    "output": _output,
    "export": _export,
    "recipe": _recipe,
}
"""How a result is shown, by a key that only results of its kind have."""
