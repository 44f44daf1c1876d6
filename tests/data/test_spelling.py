"""Spellings of tags: all that say positions come to the same spans, what can be meant in two ways is refused by name."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.data.spelling import USUAL, TagFault, spelling_of
from headstart.data.tags import Scheme, Span, tags_of

USUAL_TAGS = "B-CITY I-CITY O B-DAY O"
WANTED = [Span(0, 2, "CITY"), Span(3, 4, "DAY")]


@pytest.mark.parametrize(
    "tags",
    [
        USUAL_TAGS,
        "B_CITY I_CITY O B_DAY O", "B:CITY I:CITY O B:DAY O", "B/CITY I/CITY O B/DAY O", "B.CITY I.CITY O B.DAY O",
        "B\u2013CITY I\u2013CITY O B\u2013DAY O", "BCITY ICITY O BDAY O", "B-CITY I_CITY O B-DAY O",
        "b-CITY i-CITY o b-DAY o", "B-CITY i-city O B-DAY O",
        "CITY-B CITY-I O DAY-B O", "CITY_B CITY_I O DAY_B O", "CITY.b CITY.i o DAY.b o",
        "BEGIN-CITY INSIDE-CITY O BEGIN-DAY O", "Begin_CITY In_CITY O Begin_DAY O",
        "B-CITY I-CITY 0 B-DAY 0", "B-CITY I-CITY o B-DAY O", "B-CITY I-CITY _ B-DAY _", "B-CITY I-CITY - B-DAY -",
        "B-CITY I-CITY NONE B-DAY outside", "B-CITY\u00a0 I-CITY O B-DAY O",
        "B-CITY E-CITY O S-DAY O", "B-CITY L-CITY O U-DAY O", "B_CITY E_CITY o S_DAY o", "CITY-B CITY-E O DAY-S O",
        "I-CITY I-CITY O I-DAY O", "I-CITY E-CITY O E-DAY O", "i_CITY i_CITY o i_DAY o",
        "CITY CITY O DAY O", "CITY CITY o DAY o", "CITY CITY 0 DAY 0", "CITY CITY _ DAY _", "CITY CITY none DAY none",
    ],
)  # fmt: skip
def test_every_spelling_means_the_same_spans(tags: str) -> None:
    row = tags.split(" ")
    found = spelling_of([row])
    assert found.spans(row) == WANTED
    assert (found.said == "") == (found.read(row) == row)


@pytest.mark.parametrize(
    ("tags", "scheme", "spans"),
    [
        ("B-A M-A M-A E-A S-B O", "bioes", [Span(0, 4, "A"), Span(4, 5, "B")]),
        ("B-AB M-AB E-AB W-AB O", "bioes", [Span(0, 3, "AB"), Span(3, 4, "AB")]),
        ("B I O B", "iob2", [Span(0, 2, "SPAN"), Span(3, 4, "SPAN")]),
        ("b i o b", "iob2", [Span(0, 2, "SPAN"), Span(3, 4, "SPAN")]),
        ("B- I- O", "iob2", [Span(0, 2, "SPAN")]),
        ("B M E S", "bioes", [Span(0, 3, "SPAN"), Span(3, 4, "SPAN")]),
        ("I I O", "iob1", [Span(0, 2, "SPAN")]),
        ("B O B B", "iob2", [Span(0, 1, "SPAN"), Span(2, 3, "SPAN"), Span(3, 4, "SPAN")]),
        ("B-soft-skill I-soft-skill O", "iob2", [Span(0, 2, "soft-skill")]),
        ("soft-skill-B soft-skill-I O", "iob2", [Span(0, 2, "soft-skill")]),
        ("B_soft_skill I_soft_skill O", "iob2", [Span(0, 2, "soft_skill")]),
        ("B-B I-B B-I I-I O", "iob2", [Span(0, 2, "B"), Span(2, 4, "I")]),
        ("B-E I-E B-S", "iob2", [Span(0, 2, "E"), Span(2, 3, "S")]),
        ("S-B S-I O", "iob2", [Span(0, 2, "S")]),
        ("B-O I-O O", "iob2", [Span(0, 2, "O")]),
    ],
)
def test_types_and_signs_are_told_apart(tags: str, scheme: str, spans: list[Span]) -> None:
    found = spelling_of([tags.split()])
    assert (found.scheme, found.spans(tags.split())) == (scheme, spans)


@pytest.mark.parametrize(
    "tags",
    ["E-MAIL PHONE O", "E-MAIL O", "M-DASH O", "e-mail phone o", "b_cell t_cell O", "S-BAR NP VP", "NOUN ADJ - . X", "n v b i a O"],
)  # fmt: skip
def test_names_that_begin_like_positions_stay_types(tags: str) -> None:
    row = tags.split()
    found = spelling_of([row])
    assert found.scheme == "plain"
    assert [name for name in found.read(row) if name != "O"] == [name for name in row if name not in ("O", "o")]


@pytest.mark.parametrize(
    ("tags", "message", "tag"),
    [
        ("B-CITY I-CITY DAY O", "'B-CITY' says a position and a type, and 'DAY' does not", "DAY"),
        ("B-CITY CITY-I O", "'CITY-I' does not; write B-TYPE, I-TYPE and O, or say --scheme plain", "CITY-I"),
        ("B-CITY I O", "and 'I' does not", "I"),
        ("B-CITY I-CITY M-CITY O", "'M-CITY' stands beside tags with I", "M-CITY"),
        ("b_cell O", "'b_cell' may be a type, or a position and a type", "b_cell"),
        ("B_CITY I_CITY DAY O", "'DAY' does not", "DAY"),
        ("B(CITY) I(CITY) O", r"'B\(CITY\)' and 'I\(CITY\)' look like positions .* that isn't known", "B(CITY)"),
        ("CITYB CITYI O", "look like positions of one type", "CITYB"),
        ("B I X O", "tags 'B' and 'I' say positions, and 'X' does not", "X"),
        ("0 1 2 0", r"tags are numbers \(0, 1, 2\)", "0"),
        ("-100 0 1", "tags are numbers", "-100"),
        ("(CITY* *) * (DAY)", "tags are brackets", "(CITY*"),
        ("B-CITY B-DAY|B-CITY I-DAY|O O", r"'B-DAY\|B-CITY' is two tags in one", "B-DAY|B-CITY"),
        ("B-CITY+B-DAY O B-CITY", "is two tags in one", "B-CITY+B-DAY"),
    ],
)
def test_what_can_be_meant_in_two_ways_is_refused_by_name(tags: str, message: str, tag: str) -> None:
    with pytest.raises(TagFault, match=message) as caught:
        spelling_of([tags.split()])
    assert caught.value.tag == tag


def test_a_scheme_that_is_said_decides() -> None:
    assert spelling_of([["b_cell", "O"]], "plain").read(["b_cell", "O"]) == ["b_cell", "O"]
    assert spelling_of([["b_cell", "O"]], "iob2").spans(["b_cell", "O"]) == [Span(0, 1, "cell")]
    assert spelling_of([["B-CITY", "CITY", "O"]], "plain").scheme == "plain"
    with pytest.raises(TagFault, match="tag 'CITY' says no position, and the scheme iob2 needs one"):
        spelling_of([["CITY", "O"]], "iob2")


def test_types_that_are_known_decide_where_a_file_has_few_tags() -> None:
    assert spelling_of([["B_CITY", "O"]], types=["CITY"]).spans(["B_CITY", "O"]) == [Span(0, 1, "CITY")]
    assert spelling_of([["I-B", "O"]], types=["I"]).read(["I-B"]) == ["B-I"]
    assert spelling_of([["I-B", "O"]], types=["B"]).read(["I-B"]) == ["I-B"]


def test_nothing_is_said_of_tags_as_usual_and_of_none() -> None:
    assert spelling_of([USUAL_TAGS.split()]) == USUAL
    assert spelling_of([["O", "O"], []]) == USUAL
    assert spelling_of([["_", "_"]]).read(["_"]) == ["O"]
    assert spelling_of([["b-CITY", "i-CITY", "o"]]).said == "'b-CITY' as B-CITY, 'i-CITY' as I-CITY, 'o' as O"


@given(
    st.lists(st.sampled_from(["CITY", "DAY", ""]), min_size=1, max_size=12),
    st.sampled_from(["iob2", "bioes"]),
    st.sampled_from(["-", "_", ":"]),
    st.booleans(),
    st.booleans(),
)
def test_any_sentence_comes_back_from_any_spelling(
    kinds: list[str], scheme: Scheme, separator: str, lower: bool, behind: bool
) -> None:
    spans = [Span(at, at + 1, kind) for at, kind in enumerate(kinds) if kind]
    tags = tags_of(spans, len(kinds), scheme)
    whole = tags_of([Span(0, 3, "CITY"), Span(3, 5, "DAY")], 6, scheme)  # so that every sign occurs

    def spelt(tag: str) -> str:
        sign, _, kind = tag.partition("-")
        sign = sign.lower() if lower else sign
        return separator.join([kind, sign] if behind else [sign, kind]) if kind else sign

    found = spelling_of([[*map(spelt, tags)], [*map(spelt, whole)]])
    assert found.spans(map(spelt, tags)) == spans
    assert found.scheme == scheme


@pytest.mark.parametrize("tag", ["x" + " " * 50_000 + "y", "B-" + " " * 50_000 + "x\ny\nz"], ids=["blanks", "lines"])
def test_a_tag_of_any_length_is_read_at_once(tag: str) -> None:
    began = time.process_time()
    with contextlib.suppress(TagFault):
        spelling_of([["B-PER", tag]])
    assert time.process_time() - began < 1
