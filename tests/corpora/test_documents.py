"""Documents as segments: joined they are the text; what is left out and what is cut, by hand."""

import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headstart.corpora.documents import MOST_CHARACTERS, DocumentCounts, segments
from headstart.corpora.removal import Removal
from headstart.corpora.source import TextSource
from headstart.corpora.survey import survey
from headstart.errors import DataError, MissingInputError

Write = Callable[..., str]


def documents(
    *texts: str, remove: Removal | None = None, tally: DocumentCounts | None = None, **options: Any
) -> list[str]:
    """Each document joined; its segments are checked on the way."""
    found = list(segments(survey(TextSource(texts=texts, **options)), remove=remove, tally=tally))
    joined = []
    for number, group in groupby(found, key=lambda segment: segment.document):
        parts = list(group)
        assert number == len(joined)
        assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]
        assert all(0 < len(part.text) <= MOST_CHARACTERS for part in parts)
        joined.append("".join(part.text for part in parts))
    return joined


TEXT = "\nOne\n two\n\n \nthree \n\n\nfour"


def test_documents_of_each_rule_are_those_written_by_hand(write: Write) -> None:
    path = write("a.txt", TEXT)
    assert documents(path, documents="file") == [TEXT]
    assert documents(path, documents="paragraph") == ["One\n two\n", "three \n", "four"]
    assert documents(path, documents="line") == ["One\n", " two\n", "three \n", "four"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(st.sampled_from("ab \t\u00e4\u2028\u00a0"), max_size=9000) | st.just("x" * 5000), max_size=12))
def test_joined_the_segments_of_a_file_are_its_text(write: Write, lines: list[str]) -> None:
    text = "\n".join([*lines, "end"])
    assert documents(write("h.txt", text), documents="file") == [text]


def test_segments_are_whole_lines_where_lines_are_short(write: Write) -> None:
    path = write("a.txt", "".join(f"{'a' * 99}\n" for _ in range(100)))
    found = [segment.text for segment in segments(survey(TextSource(texts=(path,), documents="file")))]
    assert [len(text) for text in found] == [4000, 4000, 2000]


def test_a_long_line_is_cut_before_white_space_and_without_any_at_the_limit(write: Write) -> None:
    spaced, solid = "abcdefg " * 1000, "x" * 9000
    path = write("a.txt", f"{spaced}\n{solid}\n")
    found = [segment.text for segment in segments(survey(TextSource(texts=(path,), documents="line")))]
    assert [len(text) for text in found] == [4095, 3906, 4096, 4096, 809]
    assert found[1].startswith(" abc")


def test_copies_of_documents_are_left_out_whatever_their_white_space_and_file(write: Write) -> None:
    first = write("a.txt", "a b\n\nc d e\n\na\n b\n")
    second = write("b.txt", "c  d e\n\nnew\n\nab\n")
    table = write("c.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in ("new", "A b", "row", "row")))
    assert documents(first, second, table, documents="paragraph") == ["a b\n", "c d e\n", "new\n", "ab\n", "A b", "row"]
    found = survey(TextSource(texts=(first, second, table), documents="paragraph"))
    assert (found.exact.tolist(), found.facts["exact_duplicates"], found.documents) == ([2, 3, 6, 9], 4, 6)


def test_a_paragraph_far_longer_than_a_block_is_a_copy_too(write: Write) -> None:
    long = "".join(f"line {at} of many\n" for at in range(40_000))
    assert documents(write("a.txt", f"{long}\nother\n\n{long}"), documents="paragraph") == [long, "other\n"]


def test_rows_keep_their_text_to_the_character(write: Write) -> None:
    path = write("a.csv", 'text,n\n"a\r\n\r\nb, ""c"" ",1\n" x",2\n')
    assert documents(path) == ['a\r\n\r\nb, "c" ', " x"]


def test_sentences_of_evaluation_sets_are_removed_and_documents_left_empty_are_no_documents(write: Write) -> None:
    leaked = "The quick brown fox jumps over it."
    path = write("a.txt", f"{leaked}\n\nKept one. {leaked} Kept two.\nnext\n\n{leaked}\n{leaked} \n\nlast\n")
    tally = DocumentCounts()
    found = documents(path, documents="paragraph", remove=Removal([leaked]), tally=tally)
    assert found == ["Kept one. Kept two.\nnext\n", "last\n"]
    # The fourth paragraph is a copy of nothing: it holds the sentence twice.
    assert tally == DocumentCounts(documents=2, characters=30, sentences_removed=4, emptied=2)


def test_a_file_that_changes_between_the_passes_is_an_error(write: Write) -> None:
    path = write("a.txt", "a b\n\nc\n")
    found, lines = survey(TextSource(texts=(path,))), survey(TextSource(texts=(path,), documents="line"))
    Path(path).write_text("a bc\n\nc\n")
    with pytest.raises(
        DataError, match=r"a\.txt: has changed while it was in use \(8 characters, 7 before\); begin again"
    ):
        list(segments(found))
    Path(path).write_text("a d\n\nc\n")
    with pytest.raises(
        DataError, match=r"a\.txt: has changed while it was in use \(other characters, as many as before\)"
    ):
        list(segments(found))
    Path(path).unlink()
    with pytest.raises(MissingInputError, match=r"a\.txt: there is no such file"):
        list(segments(found))
    Path(path).write_text("a\nb\n\nc")
    with pytest.raises(DataError, match=r"3 documents, 2 before|6 characters, 7 before"):
        list(segments(lines))
