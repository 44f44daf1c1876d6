"""Label sets that nothing can be learnt from."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headstart.data.graphemes import composed
from headstart.data.splits import folded
from headstart.data.store import Store
from headstart.errors import DataError
from headstart.registry import did_you_mean
from headstart.types import Dropped

_WHOLE = re.compile(r"([-+]?\d+)\.0+")
_FORMULA = re.compile(r"[=@\t\r].+|[-+](?![\d.,]+%?$).+", re.DOTALL)

MISSING = frozenset(("n/a", "na", "#n/a", "<na>", "nan", "null", "<null>", "nil"))
"""What programs write, in lower case, where there is no value."""
READS_LIKE_MISSING = "cells that read like missing values are labels as they are written"
"""What is said of such labels."""
UNSAID = ("-", "--", "?", "_", ".", "\u2013", "\u2014")
"""What people write where they have no label, such as SNLI where annotators disagree."""


OUT_OF_SCOPE = frozenset(("oos", "ood", "out of scope", "out of domain", "outofscope", "outofdomain"))
"""What files write, in lower case, for a text that has none of the other labels."""


def spelling(label: str) -> str:
    """The key under which spellings of one label meet: case, white space and Unicode forms folded, `1.0` written `1`."""
    key = folded(unicodedata.normalize("NFC", label))
    whole = _WHOLE.fullmatch(key)
    return whole[1] if whole else key


def refuse_lookalikes(counts: Counter[str], file: str) -> None:
    """Labels that differ only by spelling.

    Raises:
        DataError: there are some.
    """
    spellings: dict[str, list[str]] = {}
    for label in sorted(counts):
        spellings.setdefault(spelling(label), []).append(label)
    twins = [labels for labels in spellings.values() if len(labels) > 1]
    if twins:
        shown = "; ".join(
            " and ".join(
                f"'{said}' ({counts[label]} rows)" for label, said in zip(labels, told_apart(labels), strict=True)
            )
            for labels in twins[:5]
        )
        alike = all(len({*map(folded, labels)}) == 1 for labels in twins)
        how = "case or white space" if alike else "spelling"
        if any(told_apart(labels) != labels for labels in twins):
            how = "what is not seen (how letters are encoded, characters without a width)"
        raise DataError(
            f"{file}: labels differ only by {how}: {shown}; fix the file, or merge them with --merge-labels"
        )


def told_apart(labels: Sequence[str]) -> list[str]:
    """Labels as messages show them: what is not seen of them is written as an escape where two of them look the same."""
    looks = Counter(map(_look, labels))
    if len(looks) == len({*labels}):
        return [*labels]
    escaped = ["".join(ascii(sign)[1:-1] if _is_unseen(sign) else sign for sign in label) for label in labels]
    if len({*map(_look, escaped)}) < len({*labels}):
        escaped = [ascii(label)[1:-1] for label in labels]
    return [said if looks[_look(label)] > 1 else label for label, said in zip(labels, escaped, strict=True)]


def _look(label: str) -> str:
    """What readers see of a label."""
    return re.sub(r"\s", " ", composed(label))


def _is_unseen(sign: str) -> bool:
    """Whether a character joins the one before it, has no width, or is a blank of another kind."""
    return unicodedata.category(sign)[0] in "MCZ" and sign != " "


def like_missing(counts: Mapping[str, int]) -> str:
    """Which labels read like missing values, in a sentence; empty where none does, or where there are no others."""
    labels = {label.strip() for label in counts}
    found = [
        label for label in counts if label.strip().casefold() in MISSING or label.strip() in ("None", *_signs(labels))
    ]
    if not found or len(counts) < 2:
        return ""
    shown = ", ".join(f"'{label}' ({counts[label]:,} row{'s' * (counts[label] != 1)})" for label in sorted(found)[:5])
    return f"{READS_LIKE_MISSING}: {shown}; empty them where they are none"


def _signs(labels: set[str]) -> list[str]:
    """What stands for no label among these: a sign where no other is one, -1 beside three classes or more that count from 0."""
    signs = [label for label in labels if not any(map(str.isalnum, label))]
    rest = labels - {"-1"}
    counted = len(rest) > 2 and rest == {str(at) for at in range(len(rest))}
    return [*(sign for sign in signs if len(signs) == 1 and sign in UNSAID), *(["-1"] if counted else [])]


def like_formulas(labels: Iterable[str]) -> str:
    """Which labels a spreadsheet would compute if they stood in a file of predictions, in a sentence; empty where none."""
    found = [label for label in labels if _FORMULA.fullmatch(label)]
    if not found:
        return ""
    return (
        f"a spreadsheet would take labels for formulas: {_quoted(found[:5])}; files of predictions hold them as they are, so "
        "import their columns as text"
    )


def unseen(label: str, known: Iterable[str]) -> str:
    """Why a row cannot be scored whose label training rows lack, with the spelling that they have if it is only that."""
    twin = _twins([label], known).get(label)
    if twin is None:
        return f"label '{label}' does not occur in the training rows"
    one, other = told_apart([label, twin])
    here = f" and here '{one}'" if (one, other) != (label, twin) else ""
    return f"label '{label}' does not occur in the training rows, where it is '{other}'{here}"


def unseen_labels(dropped: Iterable[Dropped]) -> list[str]:
    """The labels of rows that were left out for a reason that `unseen` gives, sorted."""
    found = (row.reason.removeprefix("label '").rpartition("' does not occur in the training rows") for row in dropped)
    return sorted({label for label, there, _ in found if there})


def found_and_known(found: Sequence[str], known: Sequence[str]) -> str:
    """Labels of a file and those of the training rows, none of which is the same, as a clause; empty where none was found."""
    if not found:
        return ""
    return f": it has {_quoted(found)}, training rows have {_quoted(known)}{spelled_otherwise(found, known)}"


def spelled_otherwise(found: Sequence[str], known: Sequence[str]) -> str:
    """Which labels only their spelling keeps apart from a known one, as a clause; empty where there are none."""
    twins = [told_apart(pair) for pair in [*_twins(found, known).items()][:5]]
    pairs = ", ".join(f"'{label}' and '{twin}'" for label, twin in twins)
    return f"; {pairs} differ only by spelling: write the labels of both files alike" if pairs else ""


def _twins(found: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Labels that only their spelling keeps apart from a known one, with that; `-` and `_` are blanks here."""
    keys = {re.sub(r"[-_\s]+", " ", spelling(label)): label for label in known}
    pairs = ((label, keys.get(re.sub(r"[-_\s]+", " ", spelling(label)))) for label in found)
    return {label: twin for label, twin in pairs if twin is not None and twin != label}


def spellings_of(label: str, found: Iterable[str]) -> list[str]:
    """The labels among those found that only their spelling keeps apart from one, sorted; `-` and `_` are blanks here."""
    return sorted(_twins({*found}, [label]))


def like_out_of_scope(labels: Iterable[str]) -> list[str]:
    """Labels by which files usually name texts that belong to none of the others, sorted."""
    return sorted(label for label in labels if re.sub(r"[-_\s]+", " ", spelling(label)) in OUT_OF_SCOPE)


def _quoted(labels: Sequence[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels[:10]) + (
        f" and {len(labels) - 10} more" if len(labels) > 10 else ""
    )


def refuse_thresholds(thresholds: Sequence[float] | None, labels: Sequence[str], file: str) -> None:
    """Thresholds that are not one for each label.

    Raises:
        DataError: they are fewer or more.
    """
    if thresholds is not None and len(thresholds) != len(labels):
        raise DataError(
            f"{file}: {len(thresholds)} thresholds were given for {len(labels)} labels; give one for each, in the order of "
            "'labels', or leave them out to have them found"
        )


def refuse_numbers(distinct: int, few: int, examples: Store[Any], column: str | None) -> None:
    """A column of numbers or free text.

    Stands before the check for single examples, which such a column would fail too, with the wrong advice.

    Raises:
        DataError: it looks like one.
    """
    if distinct > max(few, len(examples) // 2):
        raise DataError(
            f"{examples.file}: column '{column}' has {distinct:,} distinct values in {len(examples):,} rows, "
            "which looks like numbers or free text rather than labels; choose another with --label"
        )


def refuse_rare(counts: Counter[str], examples: Store[Any], *, least_labels: int = 2) -> None:
    """A single label, or labels of a single row.

    Args:
        counts: rows of each label.
        examples: labelled with one each, or with a tuple of them.
        least_labels: that are needed.

    Raises:
        DataError: that is all there is, or there are some.
    """
    if len(counts) < least_labels:
        only = next(iter(counts), "")
        raise DataError(
            f"{examples.file}: all {len(examples)} rows have the label '{only}'; two labels or more are needed to learn from"
        )
    rare = sorted(label for label, count in counts.items() if count < 2)
    if rare:
        at = {
            one: line
            for label, line in zip(examples.labels, examples.lines, strict=True)
            for one in (label if isinstance(label, tuple) else (label,))
        }
        shown = ", ".join(f"'{label}' (line {at[label]})" for label in rare[:10])
        left = [each for each in map(_label_set, examples.labels) if not each & {*rare}]
        known = Counter(label for each in left for label in each)
        enough = sum(count > 1 for count in known.values()) >= least_labels
        how = (
            "add rows, or leave them out with --drop-rare-labels"
            if enough
            else f"add rows; without them too few labels are left to learn from ({', '.join(sorted(known)) or 'none'})"
        )
        raise DataError(
            f"{examples.file}: {len(rare)} label(s) with one example only: {shown}; a part to learn from and a part to "
            f"check on need one each: {how}"
        )


def _label_set(label: str | tuple[str, ...] | None) -> set[str]:
    """The labels of a row."""
    return {*label} if isinstance(label, tuple) else set() if label is None else {label}


def refuse_rare_types(counts: Counter[str], places: Mapping[str, int], file: str) -> None:
    """Types of a single span.

    Args:
        counts: spans of each type.
        places: line of the first span of each.
        file: where they stand.

    Raises:
        DataError: there are some.
    """
    rare = sorted(kind for kind, count in counts.items() if count < 2)
    if rare:
        shown = ", ".join(
            f"'{kind}' (line {places[kind]}{did_you_mean(kind, [other for other in counts if other != kind])})"
            for kind in rare[:10]
        )
        raise DataError(
            f"{file}: {len(rare)} type(s) with one span only: {shown}; a part to learn from and a part to check "
            "on need one each: fix the tags, or take them for words outside with --drop-rare-labels"
        )


def quoted(labels: Sequence[str], most: int = 5) -> str:
    """Labels in quotation marks for a message, the first `most` of them and how many more there are."""
    shown = ", ".join(f"'{label}'" for label in labels[:most])
    return shown + (f" and {len(labels) - most} more" if len(labels) > most else "")
