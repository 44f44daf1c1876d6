"""What a person sees: progress on standard error, tables on standard output."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Sequence
from typing import Any, TextIO, cast

from headstart.cli.streams import Cursor
from headstart.drawing.text import counted, shown
from headstart.runtime.forecast import Forecast
from headstart.runtime.progress import SILENT, NamedStage, Progress, format_duration
from headstart.unseen import on_one_line

QUIET = 10.0
"""Seconds after which a step says where it stands, whatever it has done."""


class Lines(Progress):
    """Plain lines on standard error: one per topic and per stage, and of a step one per tenth or ten seconds.

    Times left are those of all that is left of the command.
    """

    def __init__(self) -> None:
        self.forecast = Forecast()
        self._step = self._stage = ""
        self._started = self._printed = time.monotonic()
        self._tenth = 0
        self._planned = False

    def expect(self, stages: Sequence[NamedStage]) -> None:
        """Show what is to come, the first time."""
        self.forecast.expect(stages)
        if not self._planned:
            self._planned = True
            known = any(stage.seconds is not None for stage in stages)
            rows = [_stage_row(stage) for stage in stages] if known else []
            for at, line in enumerate(_columns(rows, left=(0, 2))):
                self.line("" if at else "plan", line)

    def enter(self, stage: str) -> None:
        """Say that a stage begins, and what is left from here."""
        self.forecast.enter(stage)
        self._stage = stage
        self.line(stage, ", ".join(part for part in ("begins", self.forecast.said) if part))
        self._printed = time.monotonic()

    def begin(self, step: str, total: float, note: str = "") -> None:
        """Start a step."""
        self.forecast.begin(max(total, 1e-9))
        self._step, self._tenth = step, 0
        self._started = time.monotonic()

    def advance(self, units: float, note: str = "") -> None:
        """Print when another tenth is done and a second has passed, or ten have."""
        self.forecast.advance(units)
        if not self._step:
            return
        tenth, quiet = int(10 * self.forecast.share), time.monotonic() - self._printed
        if (tenth > self._tenth and quiet >= 1.0 and tenth < 10) or quiet >= QUIET:
            self._tenth, self._printed = tenth, time.monotonic()
            parts = [f"{100 * self.forecast.share:.0f} %", note, self.forecast.said]
            self.line(self._step, ", ".join(part for part in parts if part))

    def end(self, note: str = "") -> None:
        """Say how long the step took."""
        if self._step:
            self._printed = time.monotonic()
            self.line(self._step, f"{note or 'done'} in {format_duration(self._printed - self._started)}")
        self._step = ""

    def say(self, topic: str, message: str, *, warning: bool = False) -> None:
        """One line; warnings carry `!!`."""
        self.line(topic, ("!! " if warning else "") + message)

    def line(self, topic: str, message: str) -> None:
        """Write one line to standard error."""
        print(f"{topic:<12} {on_one_line(message)}", file=sys.stderr, flush=True)


class Bars(Lines):
    """Progress with a moving bar, for a terminal."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn
        from rich.text import Text

        forecast = self.forecast

        class Left(ProgressColumn):
            """What is left of the whole command, counted on while nothing is said."""

            def render(self, task: Task) -> Text:
                return Text(forecast.said)

        self._console = Console(file=cast(TextIO, Cursor(sys.stderr)), highlight=False)
        columns = (
            TextColumn("{task.description:<12}", markup=False),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            Left(),
            TextColumn("{task.fields[note]}", markup=False),
        )
        self._bar = Progress(*columns, console=self._console, transient=True)
        self._task: Any = None

    def enter(self, stage: str) -> None:
        """Show that a stage is under way, before it says where it stands."""
        self._off()
        self.forecast.enter(stage)
        self._show(stage, None)

    def begin(self, step: str, total: float, note: str = "") -> None:
        """Show a bar."""
        super().begin(step, total, note)
        self._off()
        self._show(step, total, note)

    def leave(self) -> None:
        """Take the bar away."""
        self._off()

    def advance(self, units: float, note: str = "") -> None:
        """Move the bar."""
        self.forecast.advance(units)
        if self._task is not None:
            self._bar.update(self._task, advance=units, note=on_one_line(note))

    def end(self, note: str = "") -> None:
        """Take the bar away, leave a line."""
        self._off()
        super().end(note)

    def line(self, topic: str, message: str) -> None:
        """Write one line above the bar."""
        self._console.print(f"{topic:<12} {on_one_line(message)}", markup=False, soft_wrap=True)

    def _show(self, step: str, total: float | None, note: str = "") -> None:
        self._task = self._bar.add_task(on_one_line(step), total=total, note=on_one_line(note))
        self._bar.start()

    def _off(self) -> None:
        if self._task is not None:
            self._bar.stop()
            self._bar.remove_task(self._task)
            self._task = None


def progress_for(*, quiet: bool) -> Progress:
    """Bars on a terminal, plain lines elsewhere, nothing when quiet."""
    if quiet:
        return SILENT
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR"):
        return Bars()
    return Lines()


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Columns side by side, those numbered in `left` flush left, the others flush right."""
    return "\n".join(_columns([header, *rows], left=left))


def _columns(rows: Sequence[Sequence[str]], *, left: Collection[int]) -> list[str]:
    rows = [[*map(on_one_line, row)] for row in rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))] if rows else []
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _stage_row(stage: NamedStage) -> list[str]:
    """Name, time and note of a stage that is to come."""
    seconds = "" if stage.seconds is None or not stage.runs else f"about {format_duration(stage.seconds)}"
    return [stage.name, seconds, stage.note if stage.runs else f"not run: {stage.note}"]


def leaderboard(evidence: dict[str, Any]) -> str:
    """The table that `fit` and `compare` print: best on the reported part first, the kept model marked."""
    metric = evidence["task"]["metric"]
    rows = sorted(evidence["leaderboard"], key=lambda row: _place(row, metric))
    parts = list(dict.fromkeys(["validation", "test", *(part for row in rows for part in row["scores"] or ())]))
    body = []
    for row in rows:
        scores = row["scores"] or {}
        body.append(
            [
                ("* " if row["chosen"] else "  ") + row.get("label", row["strategy"]),
                *(_shown((scores.get(part) or {}).get(metric)) for part in parts),
                format_duration(row["seconds"]),
                f"{row['trainable_parameters']:,}" if row["trainable_parameters"] else "-",
                row["description"] if row["status"] == "done" else row["status"],
            ]
        )
    choices = evidence.get("data", {}).get("choices", "validation")
    taught = evidence.get("data", {}).get("labels_by") or {}
    called = {
        part: f"{part} agreement ({metric})" if part in taught else f"{part} {metric}" for part in (choices, *parts)
    }
    measured = [called[choices], *(f"{called[part]} [95 %]" for part in parts[1:])]
    header = ["  strategy", *measured, "time", "trainable", "what was chosen"]
    return table(header, body, left=(0, len(header) - 1)) + _why(rows, evidence)


def _why(rows: Sequence[dict[str, Any]], evidence: dict[str, Any]) -> str:
    """Why the model that is kept is this one, below the table; nothing where one strategy was asked for and alone."""
    reason = evidence.get("choice")
    if not reason or len(rows) < 2:
        return ""
    above = not rows[0]["chosen"] and (rows[0]["scores"] or {}).get("test") is not None
    return f"\n\nKept (*): {on_one_line(reason)}{'; test scores play no part in the choice' if above else ''}"


def gap_table(tests: dict[str, Any]) -> str:
    """What each named test differs by from the part that scores are reported on, strategies by lines."""
    strategies = dict.fromkeys(row["strategy"] for found in tests.values() if found for row in found["rows"])
    gaps = {name: {row["strategy"]: row["gap"] for row in found["rows"]} for name, found in tests.items() if found}
    header = ["  strategy", *(f"{name} - {tests[name]['inside']} [95 %]" for name in gaps)]
    return table(
        header, [[f"  {row}", *(_shown(gaps[name].get(row), sign=True) for name in gaps)] for row in strategies]
    )


def plan_table(found: dict[str, Any]) -> str:
    """What a dry run prints: strategies in order, what they would take, and why some would not run."""
    body = [
        [
            f"  {row['strategy']}",
            row["role"],
            "-" if row["seconds"] is None else f"about {format_duration(row['seconds'])}",
            " ".join(["runs", row["cut"]]).strip() if row["runs"] else f"does not run: {row['reason']}",
        ]
        for row in found["plan"]
    ]
    limit = "no budget" if found["budget"] is None else f"a budget of {format_duration(found['budget'])}"
    threads = counted(found["threads"], "thread")
    memory = f", {found['memory'] / (1 << 30):.1f} GiB of memory" if found.get("memory") else ""
    total = f"about {format_duration(found['seconds'])} in all on {threads}{memory}, {limit}; nothing was trained"
    said = "\n".join([total, *map(on_one_line, found.get("advice", ()))])
    return f"{table(['  strategy', 'role', 'time', 'plan'], body, left=(0, 1, 3))}\n\n{said}"


def _place(row: dict[str, Any], metric: str) -> tuple[int, float]:
    """Key for sorting, best first: rows with a test score, then those with a validation score, then the rest."""
    from headstart.metrics import is_better_lower

    scores = row["scores"] or {}
    for at, part in enumerate(("test", "validation")):
        if scores.get(part):
            value = scores[part][metric]["value"]
            return at, value if is_better_lower(metric) else -value
    return 2, 0.0


def _shown(score: dict[str, Any] | None, *, sign: bool = False) -> str:
    return shown(score, sign=sign) if score else "-"


def score_table(scores: dict[str, Any]) -> str:
    """All scores of one part with intervals."""
    body = [
        [name, f"{s['value']:.3f}", f"[{s['low']:.3f}, {s['high']:.3f}]", f"{s['n']:,}"] for name, s in scores.items()
    ]
    return table(["score", "value", "95 % interval", "rows"], body)


def abstention_line(found: dict[str, Any]) -> str:
    """What answering only at a threshold or above comes to, in a sentence."""
    accuracy = found["accuracy"]
    if accuracy is None:
        return f"at {found['threshold']:g} or surer: none of {found['n']:,} rows is answered"
    return (
        f"at {found['threshold']:g} or surer: {accuracy['n']:,} of {found['n']:,} rows are answered "
        f"({100 * found['coverage']:.0f} %), accuracy {shown(accuracy)}"
    )
