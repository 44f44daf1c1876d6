"""Spans that are marked in the text itself, such as `<PER>Ada</PER> lives in <LOC>London</LOC>`: how translated rows keep them."""

from __future__ import annotations

import re
from typing import NamedTuple

from headstart.data.tagged import RowFault

_MARK = re.compile(r"<(/?)([^\W\d_][\w.-]{0,39})>")


class MarkedText(NamedTuple):
    """A text without its markers, and the spans that they stood around."""

    text: str
    spans: list[tuple[int, int, str]]
    """First character, the place behind the last one, and the name of the marker."""


def unmarked(text: str) -> MarkedText:
    """Take the markers out of a text.

    Raises:
        RowFault: a marker is not closed, was not opened, or stands within another; a span is empty.
    """
    kept, spans, length, at = [], [], 0, 0
    begun: tuple[int, str] | None = None
    for found in _MARK.finditer(text):
        kept.append(text[at : found.start()])
        length += len(kept[-1])
        at = found.end()
        closes, name = bool(found[1]), found[2]
        if not closes:
            if begun is not None:
                raise RowFault(f"the marker <{name}> stands within <{begun[1]}>")
            begun = length, name
        elif begun is None or begun[1] != name:
            raise RowFault(f"the marker </{name}> closes what was not opened")
        elif not "".join(kept)[begun[0] :].strip():
            raise RowFault(f"nothing stands between <{name}> and </{name}>")
        else:
            spans.append((begun[0], length, name))
            begun = None
    if begun is not None:
        raise RowFault(f"the marker <{begun[1]}> is opened and never closed")
    return MarkedText("".join([*kept, text[at:]]), spans)
