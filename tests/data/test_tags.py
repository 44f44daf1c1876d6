"""Tag schemes: told apart, converted without loss, faults named where they stand, decoding that stays possible."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.tags import (
    OUTSIDE,
    OddTag,
    Scheme,
    Span,
    allowed,
    best_paths,
    faults_of,
    lacking,
    scheme_of,
    spans_of,
    split_tag,
    tags_of,
)

TYPES = ("LOC", "PER")


@st.composite
def sentences(draw: st.DrawFn) -> tuple[int, list[Span]]:
    words = draw(st.integers(1, 12))
    spans, at = [], 0
    while at < words:
        length = draw(st.integers(1, 3))
        kind = draw(st.sampled_from([*TYPES, ""]))
        if kind:
            spans.append(Span(at, min(at + length, words), kind))
        at += length
    return words, spans


@given(sentences(), st.sampled_from(["iob1", "iob2", "bioes"]))
def test_spans_go_to_tags_and_back(sentence: tuple[int, list[Span]], scheme: Scheme) -> None:
    words, spans = sentence
    tags = tags_of(spans, words, scheme)
    assert len(tags) == words
    assert spans_of(tags, scheme) == spans
    assert faults_of(tags, scheme) == []


@given(sentences())
def test_plain_tags_join_neighbours_of_one_type(sentence: tuple[int, list[Span]]) -> None:
    words, spans = sentence
    tags = tags_of(spans, words, "plain")
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1].end == span.start and joined[-1].type == span.type:
            joined[-1] = Span(joined[-1].start, span.end, span.type)
        else:
            joined.append(span)
    assert spans_of(tags, "plain") == joined


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ("B-PER I-PER O B-LOC", "iob2"),
        ("I-PER I-PER O I-LOC B-LOC", "iob1"),
        ("I-PER O", "iob1"),
        ("B-PER E-PER O S-LOC", "bioes"),
        ("B-PER L-PER O U-LOC", "bioes"),
        ("PER PER O LOC", "plain"),
        ("O O", "iob1"),
        ("B-PER O B-LOC O I-LOC", "iob2"),
        ("I-PER O I-LOC O B-LOC", "iob1"),
    ],
)
def test_schemes_are_told_apart(tags: str, scheme: str) -> None:
    assert scheme_of([tags.split()]) == scheme


def test_a_type_may_have_a_dash() -> None:
    assert split_tag("B-drug-name") == ("B", "drug-name")
    assert spans_of(["B-drug-name", "I-drug-name"]) == [Span(0, 2, "drug-name")]
    assert split_tag("X-ray") == ("I", "X-ray")


# What conlleval.pl counts as a chunk, worked out by hand from its rules.
@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O I-PER I-PER O", [(1, 3, "PER")]),
        ("B-PER I-LOC I-LOC", [(0, 1, "PER"), (1, 3, "LOC")]),
        ("B-PER B-PER I-PER", [(0, 1, "PER"), (1, 3, "PER")]),
        ("I-PER B-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        ("E-PER E-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        ("S-PER I-PER E-PER", [(0, 1, "PER"), (1, 3, "PER")]),
        ("B-PER I-PER E-PER O E-LOC", [(0, 3, "PER"), (4, 5, "LOC")]),
        ("B-PER S-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        ("B-PER O I-PER", [(0, 1, "PER"), (2, 3, "PER")]),
        ("", []),
    ],
)
def test_impossible_tags_are_read_as_conlleval_does(tags: str, spans: list[tuple[int, int, str]]) -> None:
    assert spans_of(tags.split()) == [Span(*span) for span in spans]


@pytest.mark.parametrize(
    ("tags", "scheme", "faults"),
    [
        ("O I-PER", "iob2", [(1, "I-PER after O")]),
        ("B-PER I-LOC", "iob2", [(1, "I-LOC after B-PER")]),
        ("I-PER O B-PER", "iob1", [(2, "B-PER after O, where I-PER begins a span")]),
        ("B-PER O", "bioes", [(0, "B-PER before O, so the span has no end")]),
        ("O E-PER", "bioes", [(1, "E-PER after O")]),
        ("B-PER I-PER", "bioes", [(1, "I-PER before O, so the span has no end")]),
        ("PER LOC", "plain", []),
    ],
)
def test_faults_are_named_where_they_stand(tags: str, scheme: Scheme, faults: list[tuple[int, str]]) -> None:
    assert faults_of(tags.split(), scheme) == [OddTag(*fault) for fault in faults]


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([Span(0, 2, "PER"), Span(1, 3, "LOC")], "the spans 0 to 2 and 1 to 3 share words"),
        ([Span(2, 5, "PER")], "the span 2 to 5 is outside of a sentence of 4 words"),
    ],
)
def test_spans_that_no_tags_can_say_are_refused(spans: list[Span], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tags_of(spans, 4)


@pytest.mark.parametrize("scheme", ["iob2", "bioes"])
def test_what_is_allowed_is_what_has_no_fault(scheme: Scheme) -> None:
    prefixes = "BI" if scheme == "iob2" else "BIES"
    names = [OUTSIDE, *(f"{prefix}-{kind}" for kind in TYPES for prefix in prefixes)]
    rules = allowed(names, scheme)
    for path in product(range(len(names)), repeat=3):
        possible = rules.first[path[0]] and rules.last[path[-1]]
        possible = possible and all(rules.follow[one, other] for one, other in zip(path, path[1:], strict=False))
        assert possible == (faults_of([names[at] for at in path], scheme) == [])


@pytest.mark.parametrize("learnt", [False, True])
def test_the_best_path_is_the_best_of_all_that_are_allowed(learnt: bool) -> None:
    names = [OUTSIDE, "B-PER", "I-PER", "B-LOC", "I-LOC"]
    rules = allowed(names, "iob2")
    random = np.random.default_rng(0)
    lengths = [3, 0, 4, 1, 4, 2]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    scores = random.normal(size=(offsets[-1], len(names))).astype(np.float32)
    transitions = random.normal(size=(len(names), len(names))) if learnt else None
    found = best_paths(scores, offsets, rules, transitions)
    for start, end in zip(offsets, offsets[1:], strict=False):
        best, value = (), -np.inf
        for path in product(range(len(names)), repeat=end - start):
            if faults_of([names[at] for at in path], "iob2"):
                continue
            total = sum(float(scores[start + at, tag]) for at, tag in enumerate(path))
            if transitions is not None:
                total += sum(transitions[one, other] for one, other in zip(path, path[1:], strict=False))
            if total > value:
                best, value = path, total
        assert tuple(found[start:end]) == best


@pytest.mark.parametrize(
    ("tags", "lacks"),
    [
        (["O", "B-A", "I-A"], ""),
        (["O", "B-A"], ""),
        (["O", "A"], ""),
        (["B-A", "I-A"], "O"),
        (["O", "B-A", "I-B"], "B-B"),
    ],
)
def test_tags_that_mean_nothing_without_another_are_found(tags: list[str], lacks: str) -> None:
    assert lacking(tags) == lacks
