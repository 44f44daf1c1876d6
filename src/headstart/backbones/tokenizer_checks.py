"""Tokenizers of others: what could take all memory or never end is refused, and faults of the library come out as errors."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from tokenizers import Tokenizer

from headstart.backbones.tokenizer_limits import nodes, refuse_odd_frames, refuse_vast
from headstart.errors import HeadstartError, ModelError
from headstart.runtime.contained import parsed

GROWTH_LIMIT = 100
"""Characters that a normaliser may make of one; Unicode's own compatibility forms make up to 18."""
WORD_LIMIT = 1000
"""Most characters of a word that is cut into pieces; the time for one grows with their square. Published ones have 100."""
IDS_LIMIT = 10_000_000
"""Ids that no vocabulary reaches."""
_LARGE = re.compile(r":\s*\d{8}")
"""What may be such an id."""
REPEATED = 10
"""Repetitions from which on they count as endless."""
SECONDS = 3.0
"""Time after which tokenising a few short texts has failed."""
PROBES = (
    "", "a", "The quick brown fox, 1234! isn't it?", "a" * 40, "ab" * 25 + "!", " " * 40, "\t \n\n  x", "1234567890" * 4 + ".",
    "-" * 30 + "=", "\u00e9\u00df \u6f22\u5b57 \U0001f642 \u0301\u200b", "A_b" * 12,
)  # fmt: skip
"""Short texts of many kinds of characters, and runs that patterns stumble over."""


@contextmanager
def naming_faults(where: str, *, texts: bool = True) -> Iterator[None]:
    """Raise a ModelError for whatever the tokenizers library raises: plain Exceptions, and panics, which are none.

    Args:
        where: the file, and what cannot be done with it.
        texts: whether texts of the user are handed over, of which a wrong type or half a character is not the file's fault.
    """
    try:
        yield
    except (HeadstartError, MemoryError):
        raise
    except BaseException as error:
        if texts and isinstance(error, TypeError | UnicodeError):
            raise
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise  # the user's own interruption
        raise ModelError(f"{where}: {' '.join(str(error).split())[:300] or type(error).__name__}") from None


def read_tokenizer(text: str, where: str) -> Tokenizer:
    """The tokenizer of a `tokenizer.json`, without limit and padding.

    Args:
        text: content of the file.
        where: the file.

    Raises:
        ModelError: it is none, asks for more than any tokenizer needs, or has an id that is larger than any network has words.
    """
    refuse_vast(parsed(text.encode(), Path(where)), where)
    with naming_faults(f"{where} cannot be read as a tokenizer"), _muted():
        tokenizer = Tokenizer.from_str(text)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        if getattr(tokenizer.model, "dropout", None):
            model: Any = tokenizer.model
            model.dropout = None  # merges left out by chance are for training: answers would be of chance too
            tokenizer.model = model
        # Going through all ids up to such a one, as the library does, takes minutes.
        if (
            _LARGE.search(text)
            and (largest := max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)) >= IDS_LIMIT
        ):
            raise ModelError(f"{where} has the id {largest:,}, more than any network has words")
    return tokenizer


def refuse_unsound(tokenizer: Tokenizer, where: str) -> None:
    """Refuse a tokenizer that could take all memory or time.

    Args:
        tokenizer: of a folder that somebody else made.
        where: its file.

    Raises:
        ModelError: texts may grow beyond measure, a pattern may never end, words may be cut for ever, or short texts already
            take seconds or fail.
    """
    grown = 1.0
    for part in (tokenizer.normalizer, tokenizer.pre_tokenizer, tokenizer.decoder):
        for node in nodes(_state(part)):
            grown *= _growth(node)
            pattern = node.get("pattern")
            regex = pattern.get("Regex") if isinstance(pattern, dict) else None
            if isinstance(regex, str) and may_not_end(regex):
                raise ModelError(
                    f"{where}: the pattern {regex[:80]!a} repeats what itself repeats or has a choice, which may never end"
                )
    if grown > GROWTH_LIMIT:
        raise ModelError(
            f"{where}: what it replaces makes texts up to {grown:,.0f} times as long, more than {GROWTH_LIMIT}"
        )
    longest = getattr(tokenizer.model, "max_input_chars_per_word", 0)
    if longest > WORD_LIMIT:
        raise ModelError(
            f"{where}: words of up to {longest:,} characters are cut into pieces; expected at most {WORD_LIMIT:,}"
        )
    begin = time.monotonic()
    with naming_faults(f"{where} fails on a short text"), _muted():
        for text in PROBES:
            tokenizer.encode(text)
            if time.monotonic() - begin > SECONDS:
                raise ModelError(f"{where} takes more than {SECONDS:g} seconds for a few short texts")
        refuse_odd_frames(tokenizer, where)


_LOCK = Lock()


@contextmanager
def _muted() -> Iterator[None]:
    """A block in which nothing reaches standard error: the library writes of its panics there, and what they mean is raised."""
    with _LOCK:
        try:
            before = os.dup(2)
        except OSError:  # it is closed
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
            os.close(nowhere)


def may_not_end(pattern: str) -> bool:
    """Whether a regular expression repeats many times what has a repetition or a choice in it, or refers back.

    Such patterns take time that doubles with every character (Davis et al. 2018, "The Impact of Regular Expression Denial of
    Service", section 2.2).
    """
    open_groups, last, at = [False], False, 0
    while at < len(pattern):
        sign = pattern[at]
        length = 1
        if sign == "\\":
            length = _escape(pattern, at)
            if pattern[at + 1 : at + 2] in tuple("123456789kg"):
                return True
            last = False
        elif sign == "[":
            length, last = _class(pattern, at), False
        elif sign == "(":
            if pattern.startswith(
                "(?~", at
            ):  # all that does not hold something: each of its ends is tried at each place
                return True
            open_groups.append(False)
            last = False
        elif sign == ")" and len(open_groups) > 1:
            last = open_groups.pop()
            open_groups[-1] |= last
        elif sign == "|":
            open_groups[-1], last = True, False
        elif sign in "*+?{":
            length, endless = _repetition(pattern, at)
            if endless and last:
                return True
            last = open_groups[-1] = True
        else:
            last = False
        at += length
    return False


def _escape(pattern: str, at: int) -> int:
    """Characters of an escape such as `\\s`, `\\p{L}`."""
    end = pattern.find("}", at) if pattern[at + 2 : at + 3] == "{" else -1
    return end + 1 - at if end > 0 else 2


def _class(pattern: str, at: int) -> int:
    """Characters of a class such as `[^\\s[.,]]`, which may have others in it."""
    depth, place = 0, at
    while place < len(pattern):
        if pattern[place] == "\\":
            place += 1
        elif pattern[place] == "[":
            depth += 1
            place += pattern[place + 1 : place + 2] == "^"
            place += pattern[place + 1 : place + 2] == "]"  # stands for itself at the beginning
        elif pattern[place] == "]":
            depth -= 1
            if not depth:
                return place + 1 - at
        place += 1
    return len(pattern) - at


def _repetition(pattern: str, at: int) -> tuple[int, bool]:
    """Characters of a repetition, and whether it is endless."""
    length, endless = 1, pattern[at] in "*+"
    if pattern[at] == "{":
        end = pattern.find("}", at)
        least, comma, most = pattern[at + 1 : max(end, at + 1)].partition(",")
        if end < 0 or not (least.isdigit() or (comma and most.isdigit())):
            return 1, False  # a brace that stands for itself
        length = end + 1 - at
        endless = int((most if comma else least) or REPEATED) >= REPEATED
    lazy = pattern[at + length : at + length + 1]
    return length + (lazy in ("?", "+")), endless


def _state(part: Any) -> Any:
    """What a part of a tokenizer says of itself; nothing where there is no part."""
    return {} if part is None else json.loads(part.__getstate__())


def _growth(node: Mapping[str, Any]) -> float:
    """How much longer a step may make a text."""
    kind = node.get("type")
    if kind == "Replace":
        found = node["pattern"].get("String")
        return max(1.0, len(node["content"]) / len(found) if found else 1 + len(node["content"]))
    if kind == "Prepend":
        return 1.0 + len(node["prepend"])
    if kind == "Precompiled":
        table = base64.b64decode(node["precompiled_charsmap"] or "")
        forms = table[4 + int.from_bytes(table[:4], "little") :]
        return max(1.0, max(len(form.decode("utf-8", "replace")) for form in forms.split(b"\0")))
    return 1.0
