"""What stands where in a file of columns: which one has the words, which the tags, which only counts; told by content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from headstart.data.files import TextLines
from headstart.data.spelling import position_tags
from headstart.data.tags import OUTSIDE
from headstart.errors import DataError

TOKENS, TAGS = "tokens", "tags"
"""Names of the columns with the words and with their tags."""
DOCUMENT = "-DOCSTART-"
"""First word of a line that begins a document and is no sentence."""
BLANK = " \t\r\n"
SAMPLE = 1000
"""Lines with words that the layout is told from."""
CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
"""Columns of CoNLL-U (universaldependencies.org/format.html)."""
WORD_NAMES = frozenset({"token", "tokens", "word", "words", "form", "wordform", "surface", "text"})
TAG_NAMES = (
    "ner",
    "ner_tag",
    "ner_tags",
    "entity",
    "tag",
    "tags",
    "label",
    "labels",
    "bio",
    "iob",
    "pos",
    "upos",
    "xpos",
)
"""Names of columns by which a line of names is known, the likelier ones for tags first."""
_PLACEHOLDERS = frozenset({"_", "-", "*", "--"})
_PREFIX = re.compile(r"[a-z]{2,3}(?:-[a-z]{2,8})?:(?=.)")
LEAST_PREFIXED = 10
"""Words that have to begin alike for that to be their language."""
_NUMBERS = re.compile(r"(?=[:.,;()-]*\d)[\d:.,;()-]+")
_NO_WORD = re.compile(r"[0-9]+(-[0-9]+|\.[0-9]+)")
"""Numbers of what is no word of its own in CoNLL-U: several words written as one, words that are not written."""

Sentence = list[list[str]]
"""Columns of each word."""


@dataclass(frozen=True)
class Layout:
    """What stands where; columns are counted from 0.

    Args:
        tabbed: columns are split at tabs, else at blanks.
        joined: tabs side by side split once.
        count: columns.
        words: column with the words.
        tags: column with their tags; None where none looks like it.
        counter: column that counts the words of a sentence; None where none does.
        names: of all columns, where the file says them or is CoNLL-U; else none.
        header: whether the names stand in the file as a line.
        known: tags in the sample.
        others: columns that look like tags too.
        parted: whether the sample has several sentences with empty lines between, and words without blanks in them.
        prefix: of every word, its language as WikiANN has it (`en:`); empty where there is none.
    """

    tabbed: bool
    joined: bool
    count: int
    words: int = 0
    tags: int | None = None
    counter: int | None = None
    names: tuple[str, ...] = ()
    header: bool = False
    known: frozenset[str] = frozenset()
    others: tuple[int, ...] = ()
    parted: bool = False
    prefix: str = ""

    @property
    def own_names(self) -> tuple[str, ...]:
        """Names of the columns in the file, `column_1` and so on where it has none."""
        return self.names or tuple(f"column_{at + 1}" for at in range(self.count))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns as tasks know them: that of the words is `tokens`, that of their tags `tags`."""
        chosen = {self.words: TOKENS, self.tags: TAGS}
        own = [name if name not in (TOKENS, TAGS) else f"column_{at + 1}" for at, name in enumerate(self.own_names)]
        return tuple(chosen.get(at, name) for at, name in enumerate(own))

    @property
    def said(self) -> str:
        """Where words and tags are unless in the first and the last column, and what is taken off the words."""
        taken = [f"'{self.prefix}' taken off every word"] if self.prefix else []
        return "; ".join([*([self._places] if self._places else []), *taken])

    @property
    def _places(self) -> str:
        if self.words == 0 and self.tags in (None, self.count - 1) and not self.header:
            return ""
        own = [f" ({name})" if self.names else "" for name in self.own_names]
        words = f"words in column {self.words + 1}{own[self.words]}"
        if self.tags is None:
            return f"{words} of {self.count}, and no column that looks like tags"
        others = f"; {', '.join(self.own_names[at] for at in self.others)} may be tags too" if self.others else ""
        return f"{words} and tags in column {self.tags + 1}{own[self.tags]} of {self.count}{others}"

    @property
    def tagged(self) -> bool:
        """Whether a column says positions and types, or types and `O`."""
        return self.tags is not None and _says_tags(Counter(self.known))

    def split(self, line: str) -> list[str]:
        """The columns of a line."""
        return split(line, tabbed=self.tabbed, joined=self.joined)

    def is_header(self, parts: Sequence[str]) -> bool:
        """Whether a line names the columns; files that were joined have several."""
        return len(parts) == self.count and tuple(part.lower() for part in parts) == self.names

    def is_comment(self, parts: Sequence[str]) -> bool:
        """Whether the columns of a line before the first word of a sentence, which begins with `#`, are a comment."""
        if self.counter == 0 or len(parts) != self.count or self.count == 1:
            return len(parts) != self.count or self.counter == 0
        sign, tag = parts[self.words], parts[self.count - 1 if self.tags is None else self.tags]
        if sign.startswith("# "):
            return True
        if tag in self.known or tag == "#":
            return False
        if position_tags(self.known):
            return not position_tags([tag])
        return not self.tabbed and sign == "#"

    def bare(self, parts: list[str]) -> list[str]:
        """The columns of a line without the prefix of its word."""
        if self.prefix and len(parts) > self.words:
            parts[self.words] = parts[self.words].removeprefix(self.prefix)
        return parts

    def is_anew(self, first: Sequence[str], parts: Sequence[str]) -> bool:
        """Whether the count of words begins anew, as behind the last word of a sentence."""
        return (
            self.counter is not None
            and parts[self.counter : self.counter + 1] == first[self.counter : self.counter + 1]
        )

    def is_word(self, parts: Sequence[str]) -> bool:
        """Whether a line is a word of its own, not several that are written as one or one that is not written."""
        return self.counter is None or len(parts) <= self.counter or not _NO_WORD.fullmatch(parts[self.counter])


def split(line: str, *, tabbed: bool, joined: bool = False) -> list[str]:
    """The columns of a line, at tabs or at runs of blanks; `joined` takes tabs side by side for one."""
    if not tabbed:
        return [part for part in line.strip(BLANK).replace("\t", " ").split(" ") if part]
    parts = [part.strip(" ") for part in line.strip("\r\n").split("\t")]
    return [part for part in parts if part] if joined else parts


def layout_of(lines: TextLines, delimiter: str | None) -> Layout:
    """Find out what stands where, from the first lines with words.

    Args:
        lines: of the file.
        delimiter: `tab` or `space`; found if None.

    Raises:
        DataError: no line has a word.
    """
    comments, sentences = _sample(lines)
    if not sentences:
        raise DataError(f"{lines.path}: has no sentence; expected one word per line, its tag behind it")
    flat = [line for sentence in sentences for line in sentence]
    tabbed = delimiter == "tab" or (
        delimiter is None and 2 * sum("\t" in line.strip(BLANK) for line in flat) > len(flat)
    )
    joined = tabbed and _joined(flat)
    counts = Counter(len(split(line, tabbed=tabbed, joined=joined)) for line in flat)
    count = max(counts, key=lambda each: (counts[each], each))
    rows = [[split(line, tabbed=tabbed, joined=joined) for line in sentence] for sentence in sentences]
    rows = [[parts for parts in sentence if len(parts) == count] for sentence in rows]
    names = _declared(comments, count)
    header = _is_header(rows[0][0]) if rows[0] else False
    if header:
        names, rows = tuple(name.lower() for name in rows[0][0]), [rows[0][1:], *rows[1:]]
    rows = [sentence for sentence in rows if sentence]
    counts_of = [Counter(parts[at] for sentence in rows for parts in sentence) for at in range(count)]
    tagged = [at for at in range(count) if _says_tags(counts_of[at])]
    counter = next((at for at in range(count) if _counts(rows, at)), None)
    if count == 1 or (count == 2 and tagged):
        counter = None
    if counter is not None:
        rows = [[parts for parts in sentence if not _NO_WORD.fullmatch(parts[counter])] for sentence in rows]
    if counter == 0 and count == len(CONLLU) and not names:
        names = CONLLU
    names = names if len({*names}) == count else ()
    words, tags = _chosen(rows, count, counter, names)
    known = frozenset(parts[tags] for sentence in rows for parts in sentence) if tags is not None else frozenset()
    others = tuple(at for at in tagged if at not in (words, tags, counter) and {*counts_of[at]} != {OUTSIDE})
    blanks = sum(" " in value for value in counts_of[words])
    parted = len(rows) > 1 and sum(map(len, rows)) > len(rows)
    most = 2 if tabbed and position_tags(known) else 10  # a name that has a tag may be written as one word
    parted = parted and most * blanks <= len(counts_of[words])
    prefix = _prefix([parts[words] for sentence in rows for parts in sentence])
    return Layout(tabbed, joined, count, words, tags, counter, names, header, known, others, parted, prefix)


def _prefix(words: Sequence[str]) -> str:
    """The language that every word begins with, as `en:`; empty where they do not."""
    found = _PREFIX.match(words[0]) if len(words) >= LEAST_PREFIXED else None
    return found[0] if found and all(word.startswith(found[0]) and word != found[0] for word in words) else ""


def _sample(lines: TextLines) -> tuple[list[str], list[list[str]]]:
    """Lines that begin with `#` before a sentence, and the first lines with words, sentence by sentence."""
    comments, sentences, signs = list[str](), list[list[str]](), list[str]()
    begun, found = False, 0
    for line in lines:
        filled = line.strip(BLANK)
        if not filled or found == SAMPLE:
            begun = False
            if found == SAMPLE:
                break
            continue
        if not begun and filled.startswith("#"):
            comments.append(filled)
            if "\t" in filled and " " not in filled.partition("\t")[0]:
                signs.append(line)
            continue
        if not begun and filled.startswith(DOCUMENT):
            continue
        if not begun:
            sentences.append([])
        sentences[-1].append(line)
        begun, found = True, found + 1
    return comments, sentences or [[line] for line in signs[:SAMPLE]]


def _joined(lines: Sequence[str]) -> bool:
    """Whether tabs side by side are one: columns are as even then, and some are always empty if they are not."""
    single, joined = ([split(line, tabbed=True, joined=each) for line in lines] for each in (False, True))
    evenness = [max(Counter(map(len, rows)).values()) for rows in (single, joined)]
    width = len(single[0])
    hollow = all(len(parts) == width for parts in single) and any(
        not any(parts[at] for parts in single) for at in range(1, width)
    )
    return evenness[1] > evenness[0] or (hollow and evenness[1] == evenness[0])


def _declared(comments: Sequence[str], count: int) -> tuple[str, ...]:
    """The names of columns that a comment of CoNLL-U Plus says; none where there is no such comment."""
    for comment in comments:
        key, equals, value = comment.lstrip("# ").partition("=")
        names = tuple(name.lower() for name in value.split())
        if equals and key.strip() == "global.columns" and len(names) == count:
            return names
    return ()


def _is_header(parts: Sequence[str]) -> bool:
    names = {part.lower() for part in parts}
    return len(names) == len(parts) > 1 and bool(names & WORD_NAMES) and bool(names & {*TAG_NAMES})


def _values(rows: Sequence[Sentence], at: int) -> Iterator[list[str]]:
    for sentence in rows:
        yield [parts[at] for parts in sentence]


def _counts(rows: Sequence[Sentence], at: int) -> bool:
    """Whether a column counts the words of each sentence, or those of the file; it may begin anew where no line is empty."""
    steps = even = grown = 0
    starts = Counter[str]()
    for values in _values(rows, at):
        numbers = [value for value in values if not _NO_WORD.fullmatch(value)]
        if not all(number.isdecimal() for number in numbers):
            return False
        starts.update(numbers[:1])
        steps += max(len(numbers) - 1, 0)
        even += sum(int(other) in (int(one) + 1, int(numbers[0])) for one, other in pairwise(numbers))
        grown += sum(int(other) == int(one) + 1 for one, other in pairwise(numbers))
    if not steps:
        return len(rows) > 2 and {*starts} <= {"0", "1"} and len(starts) == 1
    return even >= 0.9 * steps and steps > 1 and 3 * grown >= steps  # what is the same throughout counts nothing


def _constant(rows: Sequence[Sentence], at: int) -> bool:
    """Whether a column says the same of all words of a sentence, as the name of a document does."""
    longer = [values for values in _values(rows, at) if len(values) > 1]
    return sum(map(len, longer)) > 3 and all(len({*values}) == 1 for values in longer)


def _chosen(rows: Sequence[Sentence], count: int, counter: int | None, names: Sequence[str]) -> tuple[int, int | None]:
    """The column with the words, and that with their tags."""
    counts = [Counter(value for values in _values(rows, at) for value in values) for at in range(count)]
    tagged = [at for at in range(count) if at != counter and _says_tags(counts[at])]
    words = next((at for at, name in enumerate(names) if name in WORD_NAMES), None)
    if words is None:
        free = [at for at in range(count) if at != counter]
        text = [at for at in free if at not in tagged and not _constant(rows, at)]
        spelt = [at for at in text if not _are_numbers(counts[at])]  # numbers alone are places, such as begin and end
        words = (spelt or text or free or [0])[0]
        if count == 2 and len(tagged) == 2:
            words = 0
    rest = [at for at in range(count) if at not in (words, counter)]
    if names == CONLLU:
        fallback = next((at for at in (3, 4) if {*counts[at]} - _PLACEHOLDERS), None)
        return words, max([at for at in tagged if at != words], default=fallback)
    by_name = [names.index(name) for name in TAG_NAMES if name in names and names.index(name) in rest]
    likely = [at for at in rest if at in tagged and (not by_name or at in by_name)]
    if likely := likely or [at for at in rest if at in tagged and position_tags(counts[at])]:
        last = max(likely, key=lambda at: ({*counts[at]} != {OUTSIDE}, at))
        # Columns of the same types are spans and those inside of them, of which there are fewer (GermEval 2014).
        return words, max(
            (at for at in likely if {*counts[at]} & {*counts[last]} - {OUTSIDE} or at == last),
            key=lambda at: _inside(counts[at]),
        )
    if by_name or count == 2:
        return words, (by_name or rest or [None])[0]
    filled = [at for at in rest if {*counts[at]} - _PLACEHOLDERS and not all(value.isdecimal() for value in counts[at])]
    few = [at for at in filled if len(counts[at]) <= 0.6 * len(counts[words]) and not _constant(rows, at)]
    return words, (few or filled or [None])[-1]


def _are_numbers(counts: Counter[str]) -> bool:
    """Whether nearly all values are numbers, or several with signs between, such as `0:4`."""
    return sum(times for value, times in counts.items() if _NUMBERS.fullmatch(value)) >= 0.9 * counts.total()


def _inside(counts: Counter[str]) -> int:
    """Words of spans."""
    return counts.total() - counts[OUTSIDE]


def _says_tags(counts: Counter[str]) -> bool:
    """Whether values look like tags of spans: positions and types, or types with `O` as the most frequent."""
    often = counts.most_common(1)[0][0] if counts else ""
    return position_tags(counts) or (often == OUTSIDE and len(counts) <= 100)
