"""Verbs whose answers are printed as they come: predictions line by line, texts as they are written, a conversation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from headstart.cli.display import progress_for
from headstart.cli.printing import print_json, say_notes


def predict(recipe: Any, quiet: bool) -> bool:
    """Print answers to lines of standard input, or texts as they are written; gives whether there are such."""
    lines, texts = recipe.input == "-" and not recipe.output, recipe.stream and bool(recipe.texts)
    if not lines and not texts:
        return False
    from headstart.runs.inference import cut_notes, opened
    from headstart.runs.outcome import Call

    artifact, abstain = opened(recipe, Call(progress_for(quiet=quiet)))
    if texts:
        cut = sum(_shown_as_written(artifact.stream_text(text)) for text in recipe.texts)
        say_notes(cut_notes(cut, len(recipe.texts), artifact), quiet)
    else:
        _answer_lines(recipe, artifact, abstain, quiet)
    return True


def _answer_lines(recipe: Any, artifact: Any, abstain: float | None, quiet: bool) -> None:
    """Print an answer to each line of standard input."""
    from headstart.runs.inference import cut_notes
    from headstart.serving.files import predict_lines, standard_input
    from headstart.serving.streaming import Waits, predict_stream

    lines, waits = standard_input(recipe.encoding), Waits()
    if recipe.stream:
        found = predict_stream(artifact, lines, abstain=abstain, waits=waits)
    else:
        found = predict_lines(artifact, lines, abstain=abstain)
    cut = rows = 0
    try:
        for row in found:
            print_json(row)
            sys.stdout.flush()
            cut, rows = cut + bool(row.get("truncated")), rows + 1
    finally:
        if waits and not quiet:
            print(f"{'latency':<12} {waits}", file=sys.stderr)
    say_notes(cut_notes(cut, rows, artifact), quiet)


def _shown_as_written(parts: Generator[str, None, bool]) -> bool:
    """Print a text bit by bit, on lines of its own; gives what its generator returns."""
    while True:
        try:
            sys.stdout.write(next(parts))
            sys.stdout.flush()
        except StopIteration as end:
            print()
            return end.value


def chat(recipe: Any, quiet: bool) -> bool:
    """Talk on a terminal, unless the recipe has the turns; gives whether it had none."""
    if recipe.messages:
        return False
    from headstart.cli.chatting import HELP, converse, typed
    from headstart.runs.chatting import begun

    conversation = begun(recipe)
    say_notes([HELP] if sys.stdin.isatty() else [], quiet)
    converse(conversation, typed(), sys.stdout, prompt="> " if sys.stdin.isatty() else "")
    if recipe.save is not None and conversation.turns:
        conversation.save(Path(recipe.save))
    return True


STREAMED: dict[str, Callable[..., bool]] = {"chat": chat, "predict": predict}
"""Verbs whose answers may be printed as they come; each function says whether its recipe has such. Others run to the end first."""
