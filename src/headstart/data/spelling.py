"""Spellings of tags: which sign says the position, where it stands and what says outside; all are read as `B-PER` and `O`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from headstart.data.tags import OUTSIDE, Scheme, Span, scheme_of, spans_of

UNNAMED = "SPAN"
"""Type of the spans of tags that name none, such as a bare B or I."""
EXAMPLES = 4
"""Tags that a message shows."""
_LETTERS = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
"""Signs of a position, those of BMES and BILOU among them, in those of BIOES."""
_WORDS = {
    "BEG": "B", "BEGIN": "B", "BEGINNING": "B", "START": "B", "IN": "I", "INSIDE": "I", "MID": "I", "MIDDLE": "I",
    "END": "E", "LAST": "E", "SINGLE": "S", "SINGLETON": "S", "UNIT": "S", "WHOLE": "S",
}  # fmt: skip
_POSITIONS = _LETTERS | _WORDS
_SEPARATORS = r"[-_:/.|+~=#\u2010-\u2015\u2212]"
_STYLES = (
    re.compile(rf"(?P<position>[A-Za-z]+)\s*+(?P<separator>{_SEPARATORS})\s*+(?P<type>.+)"),
    # A type ends where its last blank is not, else every blank of a long row of them would be tried as its end.
    re.compile(rf"(?P<type>.+?)(?<!\s)\s*+(?P<separator>{_SEPARATORS})\s*+(?P<position>[A-Za-z]+)"),
    re.compile(r"(?P<position>[BIESLUMW])(?P<separator>)(?P<type>\w.+)"),
)
_LOOSE = frozenset({"o", "0", "_", "-", "out", "outside", "none", "null", "nil"})
"""Other spellings of `O`, in lower case."""
_BRACKETS = re.compile(r"\(?[^()*\s]*\*\)*|\([^()*\s]+\)")
_NESTED = re.compile(r"[BIESLUMW][-_:][^|+,;&]+[|+,;&]\s*(?:[BIESLUMW][-_:].+|O)")


class TagFault(ValueError):
    """Why tags cannot be read, in words.

    Args:
        reason: a sentence.
        tag: one that shows it.
    """

    def __init__(self, reason: str, tag: str) -> None:
        super().__init__(reason)
        self.tag = tag


class TagParts(NamedTuple):
    """What a tag says."""

    letter: str
    """Position as it is written, in capitals."""
    type: str
    usual: bool
    """Whether it is written as usual: a capital, a hyphen, the type."""

    @property
    def position(self) -> str:
        """As BIOES has it."""
        return _POSITIONS[self.letter]


@dataclass(frozen=True)
class Spelling:
    """How the tags of a file are written.

    Args:
        scheme: what positions mean, see `tags`.
        meant: tags that are written in another way than `B-PER` and `O`, and what they mean; of BILOU the letters of BIOES.
    """

    scheme: Scheme
    meant: Mapping[str, str]

    def read(self, tags: Iterable[str]) -> list[str]:
        """Tags of a sentence as `B-PER` and `O`; where the scheme is `plain`, types and `O`."""
        return [self.meant.get(tag, tag) for tag in tags] if self.meant else list(tags)

    def spans(self, tags: Iterable[str]) -> list[Span]:
        """The spans that the tags of a sentence mean."""
        return spans_of(self.read(tags), self.scheme)

    @property
    def said(self) -> str:
        """What was read as something else, with examples; empty where all is written as usual."""
        shown: dict[tuple[str, str], str] = {}
        for tag, meant in self.meant.items():
            alike = tag.replace(meant[2:], "") if meant[2:] else tag
            shown.setdefault((alike, meant[:1] if self.scheme != "plain" else ""), f"'{tag}' as {meant}")
        more = ", and so on" if len(shown) > EXAMPLES or len(self.meant) > len(shown) else ""
        return ", ".join([*shown.values()][:EXAMPLES]) + more


USUAL = Spelling("iob2", {})


def spelling_of(rows: Iterable[Sequence[str]], scheme: Scheme | None = None, types: Iterable[str] = ()) -> Spelling:
    """How rows of tags are written.

    Args:
        rows: tags of each sentence, no iterator, for they are passed through twice and never held.
        scheme: what positions mean; found if None.
        types: those that are known already, which tells readings apart where a file has few tags.

    Raises:
        TagFault: they can be read in more than one way, or in none.
    """
    counts = Counter(tag for row in rows for tag in row)
    own = {tag: tag.strip() for tag in counts}
    if all(said == OUTSIDE for said in own.values()):
        return USUAL
    meant = _plain(own, counts) if scheme == "plain" else _meant(own, counts, scheme, frozenset(types))
    plain = scheme == "plain" or meant is None
    if meant is None:
        meant = _plain(own, counts)
        _refuse_positions({*own.values()})
    changed = {tag: said for tag, said in meant.items() if tag != said}
    found = Spelling(scheme or "plain", changed)
    if plain or scheme:
        return found
    silent = all(said == OUTSIDE for said in meant.values())
    return Spelling("iob2" if silent else scheme_of(found.read(row) for row in rows), changed)


def position_tags(tags: Iterable[str]) -> bool:
    """Whether all of some tags are outside or say a position as `B-PER` or `I-PER` do, at least one of them the latter."""
    rest = [tag for tag in tags if not _is_outside(tag)]
    parts = [_parts(tag, _STYLES[0]) for tag in rest]
    bare = {*rest} <= {"B", "I", "E", "S", "M", "L", "U"} and "B" in rest and len({*rest}) > 1
    return bool(rest) and (bare or all(part is not None and part.letter in _LETTERS for part in parts))


def _is_outside(tag: str) -> bool:
    return tag.casefold() in _LOOSE


def _meant(
    own: Mapping[str, str], counts: Mapping[str, int], scheme: Scheme | None, types: frozenset[str]
) -> dict[str, str] | None:
    """What each tag says as a position and a type; None where tags are types alone."""
    outside = {tag for tag, said in own.items() if _is_outside(said)}
    rest = [said for tag, said in own.items() if tag not in outside]
    _refuse_strange([*own.values()], rest)
    if not rest:
        return dict.fromkeys(outside, OUTSIDE)
    chosen = _bare(rest) or _reading(rest, scheme, types)
    if chosen is None:
        return None
    kinds = _one_case(chosen, {said: counts[tag] for tag, said in own.items()})
    return {
        tag: OUTSIDE if tag in outside else f"{chosen[said].position}-{kinds[chosen[said].type]}"
        for tag, said in own.items()
    }


def _refuse_strange(own: Sequence[str], rest: Sequence[str]) -> None:
    """Raises TagFault for tags that are names of nothing: numbers, brackets."""
    if all(said.lstrip("-").isdecimal() for said in own):
        raise TagFault(
            f"tags are numbers ({_some(sorted(own))}), and nothing says what they stand for; write their names, "
            "such as B-PER and O (data sets of the hub hold them in features['ner_tags'].feature.names)",
            own[0],
        )
    nested = next((tag for tag in rest if _NESTED.fullmatch(tag)), None)
    if nested:
        raise TagFault(
            f"tag '{nested}' is two tags in one, as files of nested entities have them; keep one tag for each word, such as "
            "that of the longest span",
            nested,
        )
    if any(tag.endswith(("*", "*)")) for tag in rest) and all(map(_BRACKETS.fullmatch, rest)):
        raise TagFault(
            f"tags are brackets such as {_some(rest)}, as CoNLL-2005 and CoNLL-2012 have them; write B-TYPE, I-TYPE and O",
            rest[0],
        )


def _bare(rest: Sequence[str]) -> dict[str, TagParts] | None:
    """Tags that are positions without a type, all of them; None where they are something else."""
    signs = {tag: tag.rstrip("-_:").upper() for tag in rest}
    if not {*signs.values()} <= {*_POSITIONS} or not _is_scheme({*signs.values()}, bare=True):
        return None
    return {tag: TagParts(sign, UNNAMED, usual=False) for tag, sign in signs.items()}


def _reading(rest: Sequence[str], scheme: Scheme | None, types: frozenset[str]) -> dict[str, TagParts] | None:
    """Positions and types of tags that are not outside; None where they are types alone.

    Raises:
        TagFault: either could be meant, or they say no positions though the scheme has them.
    """
    found: list[tuple[tuple[float, ...], dict[str, TagParts]]] = []
    doubtful: dict[str, TagParts] = {}
    for at, style in enumerate(_STYLES):
        parts = {tag: part for tag in rest if (part := _parts(tag, style)) is not None}
        kinds = _positions_of(parts)
        fits = len(parts) == len(rest) and (scheme is not None or _is_scheme({part.letter for part in parts.values()}))
        if fits and (scheme is not None or _is_sure(parts, at, types)):
            known = sum(kind in types for kind in kinds) / len(kinds)
            found.append(((-known, len(kinds), at), parts))
        elif not doubtful and ((fits and at == 0) or _says_positions(parts, at)):
            doubtful = parts
    if found:
        return min(found, key=lambda each: each[0])[1]
    if scheme is not None:
        odd = next(tag for tag in rest if _parts(tag, _STYLES[0]) is None)
        raise TagFault(
            f"tag '{odd}' says no position, and the scheme {scheme} needs one; write B-TYPE, or choose another with --scheme",
            odd,
        )
    if doubtful:
        _refuse_doubtful(rest, doubtful)
    return None


def _is_sure(parts: Mapping[str, TagParts], at: int, types: frozenset[str]) -> bool:
    """Whether tags that may be positions and types can be nothing else; `at` is the number of their style."""
    kinds = _positions_of(parts)
    return (
        all(part.usual for part in parts.values())
        or bool(types & {*kinds})
        or any("B" in own and len(own) > 1 for own in kinds.values())
        or (at == 0 and len(kinds) > 1)
    )


def _refuse_doubtful(rest: Sequence[str], parts: Mapping[str, TagParts]) -> None:
    one = next(iter(parts))
    other = next((tag for tag in rest if tag not in parts), None)
    middle = next((tag for tag, part in parts.items() if part.letter == "M"), None)
    if other:
        how = f"'{one}' says a position and a type, and '{other}' does not"
    elif middle:
        how, other = f"'{middle}' stands beside tags with I, which means the same position", middle
    else:
        how = f"'{one}' may be a type, or a position and a type"
    raise TagFault(
        f"tags can be read in two ways: {how}; write B-TYPE, I-TYPE and O, or say --scheme plain if each is a type as it "
        "stands, --scheme iob2 if all say positions",
        other or one,
    )


def _parts(tag: str, style: re.Pattern[str]) -> TagParts | None:
    match = style.fullmatch(tag)
    if match is None or match["position"].upper() not in _POSITIONS:
        return None
    letter = match["position"].upper()
    usual = style is _STYLES[0] and letter in _LETTERS and tag.startswith(f"{letter}-{match['type']}")
    return TagParts(letter, match["type"], usual)


def _positions_of(parts: Mapping[str, TagParts]) -> dict[str, set[str]]:
    """Positions that each type has."""
    found: dict[str, set[str]] = defaultdict(set)
    for part in parts.values():
        found[part.type].add(part.position)
    return found


def _is_scheme(letters: set[str], *, bare: bool = False) -> bool:
    """Whether signs of positions can be those of one scheme; `bare` ones stand without a type, as types of one letter may."""
    positions = {_POSITIONS[letter] for letter in letters}
    if {"M", "I"} <= letters:
        return False
    if bare:
        return letters in ({"B"}, {"I"}) or ("B" in positions and bool(positions & {"I", "E"}))
    return "B" in positions or ("I" in positions and not letters & {"M", "L", "W"}) or letters in ({"S"}, {"U"})


def _says_positions(parts: Mapping[str, TagParts], at: int) -> bool:
    """Whether some tags beside others look as if they said positions."""
    usual = at == 0 and any(part.usual and part.letter in "BI" for part in parts.values())
    return usual or any("B" in own and len(own) > 1 for own in _positions_of(parts).values())


def _one_case(parts: Mapping[str, TagParts], counts: Mapping[str, int]) -> dict[str, str]:
    """Types by their names, those that differ in case alone as the most frequent of them."""
    often = Counter[str]()
    for tag, part in parts.items():
        often[part.type] += counts[tag]
    best: dict[str, str] = {}
    for kind, _ in often.most_common():
        best.setdefault(kind.casefold(), kind)
    return {kind: best[kind.casefold()] for kind in often}


def _plain(own: Mapping[str, str], counts: Mapping[str, int]) -> dict[str, str]:
    """Tags that are types as they stand; other spellings of `O` are read as such where no type is of their kind."""
    kinds = Counter(_kind(said) for said in {*own.values()} - {OUTSIDE})
    return {
        tag: OUTSIDE if _is_outside(said) and kinds[_kind(said)] == 1 else said
        for tag, said in sorted(own.items(), key=lambda each: -counts[each[0]])
    }


def _kind(tag: str) -> str:
    """What a type is made of: letters and numbers alone can be names where others are such too."""
    if tag.isalpha():
        return "letter" if len(tag) == 1 else "loose" if _is_outside(tag) else "word"
    return "number" if tag.isdecimal() else "word" if any(sign.isalnum() for sign in tag) else "sign"


def _refuse_positions(types: set[str]) -> None:
    """Types that differ in the sign of a position alone are two parts of one, in a spelling that is not known."""
    if {"B", "I", OUTSIDE} <= types:
        odd = min(types - {*_LETTERS, OUTSIDE}, default="S")
        raise TagFault(
            f"tags 'B' and 'I' say positions, and '{odd}' does not; say --scheme plain if they are types", odd
        )
    cut = defaultdict[str, dict[str, str]](dict)
    for kind in types:
        for at, sign in enumerate(kind):
            alone = at in (0, len(kind) - 1) or not kind[at - 1 : at + 2 : 2].isalnum()
            if len(kind) > 2 and alone and sign.upper() in "BIMEL":
                cut[f"{kind[:at]}\0{kind[at + 1 :]}"][sign.upper()] = kind
    for signs in cut.values():
        if "B" in signs and len(signs) > 1:
            one, other = signs["B"], next(kind for sign, kind in sorted(signs.items()) if sign != "B")
            raise TagFault(
                f"tags '{one}' and '{other}' look like positions of one type in a spelling that isn't known; "
                "write B-TYPE and I-TYPE, or say --scheme plain if they are types as they stand",
                one,
            )


def _some(tags: Sequence[str]) -> str:
    return ", ".join([*dict.fromkeys(tags)][:EXAMPLES]) + (", ..." if len({*tags}) > EXAMPLES else "")
