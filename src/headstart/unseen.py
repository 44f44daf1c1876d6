"""Characters that are not seen, or that move or turn what is seen around them: people are shown an escape in their place."""

import re
from collections.abc import Callable

_JOINING = "\u200c\u200d"
_VARIANTS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u2800\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
    # Joiners and variation selectors belong to scripts and emoji: they are seen by what they do to the letters beside them.
    f"|(?<![^\x00-\x7f])[{_JOINING}]|[{_JOINING}](?![^\x00-\x7f])"
    f"|(?<![^\x00-\x7f{_JOINING}{_VARIANTS}])[{_VARIANTS}](?!\u20e3)"
)
"""Control characters but line end and tab, what turns the direction of writing, line ends of other kinds, halves of surrogate
pairs, characters without a width and those that look like a blank but are none."""


def escape(found: re.Match[str]) -> str:
    r"""What was found in escapes such as `\x1b` and `\u202e`."""
    return "".join("\\x20" if sign == " " else ascii(sign)[1:-1] for sign in found[0])


def escaped(text: str, replace: Callable[[re.Match[str]], str] = escape) -> str:
    r"""`text` with an escape for each character that is not seen, or what else replaces it; line ends and tabs stay."""
    return _UNSEEN.sub(replace, text)


def on_one_line(text: str) -> str:
    r"""`text` as `escaped` writes it, with `\n` for each line end and `\t` for each tab."""
    return escaped(text).replace("\n", "\\n").replace("\t", "\\t")
