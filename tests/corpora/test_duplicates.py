"""Near duplicates against exact similarities of sets of word 5-grams; exact ones by hand."""

import random
import tempfile
from typing import Any

import numpy as np
import pytest

from headstart.corpora import duplicates
from headstart.corpora.duplicates import Fingerprint, Fingerprints, rows_per_band
from headstart.errors import StorageError


def fingerprint(text: str, pieces: int = 1, *, near: bool = True) -> Fingerprint:
    words = text.split()
    found = Fingerprint(near=near)
    for at in range(pieces):
        found.add(words[len(words) * at // pieces : len(words) * (at + 1) // pieces])
    return found


def collected(texts: list[str]) -> Fingerprints:
    prints = Fingerprints(near=True)
    for text in texts:
        prints.add(fingerprint(text))
    return prints


def similar(texts: list[str], least: float) -> list[int]:
    prints = collected(texts)
    return prints.similar(least, leaving=prints.repeated()).tolist()


def jaccard(first: str, second: str) -> float:
    one, other = (
        {tuple(words[at : at + 5]) for at in range(len(words) - 4)} for words in (first.split(), second.split())
    )
    return len(one & other) / len(one | other)


def sample(seed: int, words: int = 120) -> list[str]:
    draw = random.Random(seed)
    return [f"v{draw.randrange(5000)}" for _ in range(words)]


def test_a_fingerprint_does_not_depend_on_how_the_document_was_cut() -> None:
    text = " ".join(sample(1))
    whole = fingerprint(text)
    for pieces in (2, 7, 60, 119):
        cut = fingerprint(text, pieces)
        assert (cut.words, cut.exact()) == (whole.words, whole.exact()) == (120, whole.exact())
        np.testing.assert_array_equal(cut.signature(), whole.signature())
    assert fingerprint("ab c").exact() != fingerprint("a bc").exact() != fingerprint("A bc").exact()


def test_a_signature_of_more_shingles_than_are_hashed_at_once_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(sample(2, 3000))
    whole = fingerprint(text).signature()
    monkeypatch.setattr(duplicates, "COMPARED", 7)
    np.testing.assert_array_equal(fingerprint(text).signature(), whole)


def test_the_share_of_equal_values_in_two_signatures_is_their_similarity() -> None:
    words = sample(3, 300)
    for replaced in (0, 10, 60, 150, 300):
        other = " ".join([*words[: 300 - replaced], *sample(4, replaced)])
        exact = jaccard(" ".join(words), other)
        one, two = fingerprint(" ".join(words)).signature(), fingerprint(other).signature()
        assert one is not None
        assert two is not None
        # Four standard deviations of 128 draws.
        assert abs(float((one == two).mean()) - exact) <= 4 * (max(exact * (1 - exact), 0.002) / 128) ** 0.5


def test_documents_with_few_words_changed_are_found_and_others_are_not() -> None:
    texts, expected = [], []
    for seed in range(60):
        words = sample(seed)
        texts.append(" ".join(words))
        if seed % 3 == 0:  # a changed last word is in one shingle of 116: similarity 115 / 117
            expected.append(len(texts))
            texts.append(" ".join([*words[:-1], "other"]))
        elif seed % 3 == 1:  # half of the text is new: similarity about 56 / 176
            texts.append(" ".join([*words[:60], *sample(1000 + seed, 60)]))
    assert jaccard(texts[0], texts[1]) == 115 / 117
    assert similar(texts, 0.8) == expected
    assert similar([text.upper() if at % 2 else text for at, text in enumerate(texts)], 0.8) == expected


def test_of_similar_documents_the_first_stays_and_exact_copies_are_not_counted_twice() -> None:
    words = sample(9)
    first, second, third = (" ".join([*words, f"end{at}"]) for at in range(3))
    assert similar([first, "short one", second, first, "short one", third, "one two three four"], 0.8) == [2, 5]


def test_many_documents_from_one_template_are_told_from_each_other() -> None:
    template = sample(10, 40)
    texts = [" ".join([*template, *sample(100 + at, 40)]) for at in range(30)]
    assert similar(texts, 0.8) == []
    assert similar([*texts, *(f"{text} x" for text in texts)], 0.8) == list(range(30, 60))


@pytest.mark.parametrize("least", [0.3, 0.5, 0.7, 0.8, 0.9, 0.95])
def test_bands_miss_at_most_one_pair_in_a_hundred(least: float) -> None:
    rows = rows_per_band(least)
    assert (1 - least**rows) ** (128 // rows) <= 0.01
    assert (1 - least ** (rows + 1)) ** (128 // (rows + 1)) > 0.01


def test_signatures_in_a_file_give_the_same_and_forgotten_documents_leave_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = [" ".join([*sample(at // 2), f"end{at}"]) for at in range(20)]
    assert similar(texts, 0.8) == list(range(1, 20, 2))
    monkeypatch.setattr(duplicates, "HELD_BYTES", 3 * 512)
    for at in (0, 1, 5, 6):
        prints = collected(texts[:at])
        for text in ("a b c d e f", "g h i j k", texts[0], texts[1]):
            prints.add(fingerprint(text))
        prints.truncate(at)
        for text in texts[at:]:
            prints.add(fingerprint(text))
        assert len(prints) == 20
        assert prints.similar(0.8, leaving=prints.repeated()).tolist() == list(range(1, 20, 2))
        prints.close()


def test_a_full_disk_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, data: Any) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(duplicates, "HELD_BYTES", 1)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(StorageError, match="No space left on device.*TMPDIR"):
        collected(["a b c d e f"])
