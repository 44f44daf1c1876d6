"""A decoder as it is goes on with a text from the command line: whole, drawn by chance, and word by word as it is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.toys.decoders import make_decoder

from headstart.errors import UsageError
from headstart.loading import load
from headstart.unseen import escaped

TEXT = "the cat sat"


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_decoder(tmp_path_factory.mktemp("decoder") / "gpt2", "gpt2")


def test_what_is_shown_as_it_is_written_is_what_is_predicted(headstart: Callable[..., Any], decoder: Path) -> None:
    given = ("predict", decoder, TEXT, "it is", "--max-new-tokens", 9)
    for how in (("--sampling-temperature", 0), ("--sampling-temperature", 2, "--sampling-seed", 3)):
        shown, told = headstart(*given[:3], *given[4:], *how, "--stream"), headstart(*given, *how, "--json", "--stream")
        assert shown.code == told.code == 0, shown.err + told.err
        texts = [row["text"] for row in told.json["predictions"]]
        assert shown.out.strip() == escaped(texts[0]) and shown.out.endswith("\n")
        assert len(set(texts)) == 2
    both = headstart(*given, "--sampling-temperature", 0, "--stream").out
    alone = [
        headstart("predict", decoder, text, *given[4:], "--sampling-temperature", 0, "--stream").out
        for text in given[2:4]
    ]
    assert both == "".join(alone)


def test_a_text_comes_bit_by_bit_and_says_whether_it_was_cut(decoder: Path) -> None:
    model = load(decoder)
    for text, cut in ((TEXT, False), (TEXT * 60, True)):
        parts = model.stream_text(text)
        found = [next(parts)]
        with pytest.raises(StopIteration) as end:
            while True:
                found.append(next(parts))
        assert len(found) > 1 and not found[0].startswith(" ")
        assert end.value.value is cut


@pytest.mark.parametrize(
    ("option", "said"), [("--beams", "--beams 3 needs whole texts"), ("--best", "--best 3 needs whole texts")]
)
def test_beams_are_not_followed_where_a_text_appears_as_it_is_written(
    option: str, said: str, headstart: Callable[..., Any], decoder: Path
) -> None:
    found = headstart("predict", decoder, TEXT, "--stream", option, 3)
    assert (found.code, found.out) == (2, "") and said in found.err


def test_a_model_that_does_not_write_says_so(headstart: Callable[..., Any], linear: Path) -> None:
    found = headstart("predict", linear, TEXT, "--stream")
    assert (found.code, found.out) == (2, "")
    assert "--stream with texts is for models that write; this one does text-classification" in found.err
    with pytest.raises(UsageError, match="for models that write; this one does text-classification"):
        load(linear).stream_text(TEXT)
