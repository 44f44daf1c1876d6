"""Long texts as the tokenizer of a backbone cuts them into windows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from headstart.backbones.location import BackboneSource, locate
from headstart.backbones.tokenizer_files import open_tokenizer
from headstart.backbones.tokenizing import TextTokenizer
from headstart.data.cache import ArrayCache
from headstart.data.long_texts import TextWindows

TEXTS = ["good", "it is a very good day and a good night to you", "", "bad " * 60, "parcels, on Monday! " * 9]


@pytest.fixture(params=["bert", "gpt2"])
def tokenizer(request: pytest.FixtureRequest, make_backbone: Callable[..., Path], tmp_path: Path) -> TextTokenizer:
    found = open_tokenizer(make_backbone(tmp_path / "backbone", request.param), 16, 0)
    found.overlap = found.usual_overlap
    return found


def windows(tokenizer: TextTokenizer, texts: list[str]) -> TextWindows:
    found = tokenizer.read(texts)
    assert isinstance(found, TextWindows)
    return found


def test_windows_are_those_of_transformers(tokenizer: TextTokenizer) -> None:
    from transformers import AutoTokenizer

    found, theirs = windows(tokenizer, TEXTS), AutoTokenizer.from_pretrained(str(tokenizer.folder))
    assert (tokenizer.usual_overlap, found.homes.counts.max()) == (3, 6)
    for text, words in enumerate(TEXTS):
        expected = theirs(words, truncation=True, max_length=16, stride=3, return_overflowing_tokens=True)["input_ids"]
        assert [found.windows.get(row).tolist() for row in found.homes.of([text])] == expected


def test_a_text_that_fits_is_what_it_is_without_windows_and_pairs_are_cut_as_ever(tokenizer: TextTokenizer) -> None:
    found, cut = windows(tokenizer, TEXTS[:3]), tokenizer.encode(TEXTS[:3])
    assert [found.windows.get(row).tolist() for row in range(3)] == [cut.get(row).tolist() for row in range(3)]
    pair = ("good " * 20, "bad")
    assert tokenizer.read([pair]).lost.tolist() == tokenizer.encode([pair]).lost.tolist() != [0]


def test_many_texts_are_kept_from_run_to_run(
    tokenizer: TextTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = windows(tokenizer, TEXTS)
    monkeypatch.setattr("headstart.backbones.tokenizing.LEAST_TEXTS", 2)
    tokenizer.cache = ArrayCache(tmp_path / "cache", 10**7)
    first = windows(tokenizer, TEXTS)
    tokenizer.encode(TEXTS)
    monkeypatch.setattr(type(tokenizer), "uncut", None)
    for found in (first, windows(tokenizer, TEXTS)):
        assert found.windows.flat.tolist() == expected.windows.flat.tolist()
        assert found.homes.offsets.tolist() == expected.homes.offsets.tolist()


def test_an_empty_text_of_a_tokenizer_without_marks_is_a_window_of_padding(tiny_backbone: Path) -> None:
    found = open_tokenizer(locate(BackboneSource(location=str(tiny_backbone))).folder, 16, 0)
    found._tokenizer.post_processor = None  # type: ignore[assignment]
    found.overlap = found.usual_overlap
    assert windows(found, ["", "good"]).windows.lengths.tolist() == [1, 1]
