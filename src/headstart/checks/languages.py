"""Whether the texts of two columns are in the languages that they are said to be in."""

from collections.abc import Sequence

from headstart.data.language_profiles import common_words, is_in_other, is_in_wrong_script, likeliest_language
from headstart.data.languages import language_of, same_language

LOOKED_AT = 2_000
"""Rows that are looked at, evenly spread over the file."""
MOST = 0.5
"""Share of the rows that tell, from which on a column is said to be in another language."""
SOME = 0.01
"""Share of the rows from which on single rows in another language are named."""


def language_remarks(
    file: str,
    lines: Sequence[int],
    columns: tuple[str, str],
    texts: tuple[Sequence[str | None], Sequence[str | None]],
    languages: tuple[str, str],
) -> list[str]:
    """What is odd about the languages of two columns, in sentences with counts and lines.

    Args:
        file: for the messages.
        lines: of the rows.
        columns: names of the one that is read and of the one that is written.
        texts: their values.
        languages: their codes.
    """
    if same_language(*languages):
        return []
    step = max(1, len(lines) // LOOKED_AT)
    rows = [row for row in range(0, len(lines), step) if all(side[row] for side in texts)]
    if not rows:
        return []
    odd = [_odd(texts[at], rows, languages[at], languages[1 - at]) for at in (0, 1)]
    if all(len(found) > MOST * len(rows) for found in odd):
        source, target = (_said(code) for code in languages)
        counted = f"{len(odd[0]):,} and {len(odd[1]):,} of {len(rows):,} rows looked at"
        cure = f"say --text {columns[1]} --reference {columns[0]} to translate into {target}"
        if columns != languages:
            cure += f", --source-language {languages[1]} --target-language {languages[0]} to translate into {source}"
        found = f"'{columns[0]}' is in {target} and '{columns[1]}' in {source}"
        return [f"{file}: the languages are swapped: {found} ({counted}); {cure}"]
    said = []
    for at, flag in enumerate(("--source-language", "--target-language")):
        found, own, other = odd[at], languages[at], languages[1 - at]
        named, counted = f"{file}: '{columns[at]}'", f"{len(found):,} of {len(rows):,} rows looked at"
        if third := _third([str(texts[at][row]) for row in rows], own, other):
            said.append(f"{named} seems to be in {_said(third)}, not in {_said(own)}; say {flag} {third} if so")
        elif len(found) > MOST * len(rows):
            cure = f"name the right column, or say {flag} with its language"
            said.append(f"{named} is in {_said(other)} or another script, not in {_said(own)} ({counted}); {cure}")
        elif len(found) >= max(1, SOME * len(rows)):
            shown = ", ".join(str(lines[row]) for row in found[:5])
            what = "a model learns to write what it is shown" if at else "they are read as they are"
            said.append(f"{named} is in {_said(other)} or in another script in {counted} (lines {shown}); {what}")
    return said


def _odd(texts: Sequence[str | None], rows: Sequence[int], own: str, other: str) -> list[int]:
    """Rows whose text seems to be in the other language, or in a script that the own one is never written in."""
    return [row for row in rows if is_in_other(str(texts[row]), own, other) or is_in_wrong_script(str(texts[row]), own)]


def _third(texts: list[str], own: str, other: str) -> str | None:
    """A language beside the two that most of the texts are in."""
    found = likeliest_language(texts) if common_words(own) else None
    if found is None or same_language(found, own) or same_language(found, other):
        return None
    return found if sum(is_in_other(text, own, found) for text in texts) > MOST * len(texts) else None


def _said(code: str) -> str:
    language = language_of(code)
    return language.said if language else code
