"""Passages that were found, as people read them: rank, scores, place, and what stands there with the words of the query marked."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from headstart.unseen import on_one_line

WIDEST = 110
"""Characters of a line at most."""
LEAST_SHOWN = 0.005
"""Score from which on what other places give for an answer is shown."""
LINES = 4
"""Lines of a passage that are shown; `--json` has all of it."""
BOLD, PLAIN = "\x1b[1m", "\x1b[0m"


def is_marked(stream: TextIO) -> bool:
    """Whether words may be written in bold: a person reads, and did not ask for plain text (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def hit_list(queries: Sequence[Mapping[str, Any]], bold: bool) -> str:
    """What was found for each query, with a heading where there are several.

    Args:
        queries: of the result of `search`.
        bold: write words of the query in bold, and ranks.
    """
    width = min(WIDEST, max(60, shutil.get_terminal_size().columns))
    parts = []
    for each in queries:
        if len(queries) > 1:
            parts.append(f"> {on_one_line(each['query'])}")
        parts += [_hit(hit, width, bold) for hit in each["hits"]] or ["nothing was found"]
    return "\n\n".join(parts)


def reply_list(replies: Sequence[Mapping[str, Any]], bold: bool) -> str:
    """Answers to questions, each with the passage in which it stands, with a heading where there are several questions.

    Args:
        replies: of the result of `ask`.
        bold: write answers in bold.
    """
    width = min(WIDEST, max(60, shutil.get_terminal_size().columns))
    parts = []
    for reply in replies:
        if len(replies) > 1:
            parts.append(f"> {on_one_line(reply['question'])}")
        if reply["answer"] is None:
            parts.append(f"not sure enough to answer ({reply['score']:.2f})")
        elif not reply["answer"]:
            parts.append(f"not in these documents ({reply['no_answer']:.2f})")
        else:
            parts.append(_reply(reply, width, bold))
        parts += [_reply(other, width, bold) for other in reply["others"]]
    return "\n\n".join(parts)


def _reply(reply: Mapping[str, Any], width: int, bold: bool) -> str:
    answer = on_one_line(reply["answer"])
    scores = f"{reply['score']:.2f} = passage {reply['passage_score']:.2f} x reader {reply['reader_score']:.2f}"
    if reply["elsewhere_score"] >= LEAST_SHOWN:
        scores += f" + {reply['elsewhere_score']:.2f} elsewhere"
    place = f"{reply['file']}:{reply['line']}, characters {reply['start']:,} to {reply['end']:,}"
    lines = [f"{BOLD}{answer}{PLAIN}" if bold else answer, f"    {scores}  {on_one_line(place)}"]
    return "\n".join([*lines, *_shown(reply["passage"], reply["matches"], width - 4, bold)])


def _hit(hit: Mapping[str, Any], width: int, bold: bool) -> str:
    scores = [f"{name} {hit[name]:.{digits}f}" for name, digits in (("bm25", 2), ("dense", 3)) if hit[name] is not None]
    place = f"{hit['file']}:{hit['line']}, characters {hit['start']:,} to {hit['end']:,}"
    rank = f"{BOLD}{hit['rank']:>2}{PLAIN}" if bold else f"{hit['rank']:>2}"
    lines = [f"{rank}  {hit['score']:.3f}  ({', '.join(scores)})  {on_one_line(place)}"]
    if hit["document"] != hit["file"]:
        lines.append(f"    {on_one_line(hit['id'])}{': ' * bool(hit['title'])}{on_one_line(hit['title'])}")
    if hit["copies"]:
        named = ", ".join(on_one_line(each) for each in hit["copies"][:3])
        lines.append(f"    the same text: {named}{' ...' * (len(hit['copies']) > 3)}")
    return "\n".join([*lines, *_shown(hit["text"], hit["matches"], width - 4, bold)])


def _shown(text: str, matches: Sequence[Sequence[int]], width: int, bold: bool) -> list[str]:
    """Some lines of a passage, those with most words of the query."""
    lines: list[list[tuple[str, int]]] = [[]]
    used = 0
    for begin, end in _pieces(text, width):
        if used and used + 1 + end - begin > width:
            lines.append([])
            used = 0
        inside = [match for match in matches if begin <= match[0] < end]
        lines[-1].append((_marked(text, begin, end, inside if bold else ()), len(inside)))
        used += end - begin + (used > 0)
    counts = [sum(count for _, count in line) for line in lines]
    windows = range(max(len(lines) - LINES, 0) + 1)
    first = max(windows, key=lambda at: (sum(counts[at : at + LINES]), -at))
    shown = [" ".join(piece for piece, _ in line) for line in lines[first : first + LINES]]
    before, behind = "... " * (first > 0), " ..." * (first + LINES < len(lines))
    shown[0], shown[-1] = before + shown[0], shown[-1] + behind
    return [f"    {line}" for line in shown]


def _pieces(text: str, width: int) -> Iterator[tuple[int, int]]:
    """What stands between blanks, cut where it is wider than a line."""
    for match in re.finditer(r"\S+", text):
        for begin in range(match.start(), match.end(), width):
            yield begin, min(begin + width, match.end())


def _marked(text: str, begin: int, end: int, matches: Sequence[Sequence[int]]) -> str:
    parts, at = [], begin
    for first, last in matches:
        parts += [on_one_line(text[at:first]), BOLD, on_one_line(text[first : min(last, end)]), PLAIN]
        at = min(last, end)
    return "".join([*parts, on_one_line(text[at:end])])
