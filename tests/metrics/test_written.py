"""BLEU, chrF and ROUGE: those of sacrebleu from sums of rows, and values by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.metrics.written import bleu_of_sums, chrf_of_sums, counted, rouge, signatures

sacrebleu = pytest.importorskip("sacrebleu")
WORDS = st.lists(
    st.sampled_from(["a", "man", "rides", "the", "bike", ".", "Zwei", "Hunde,", "laufen!", "x-y"]), max_size=9
)
ROWS = st.lists(st.tuples(WORDS, st.lists(WORDS.filter(len), min_size=1, max_size=3)), min_size=1, max_size=6)


@given(ROWS)
@settings(max_examples=150, deadline=None)
def test_sums_of_rows_give_the_corpus_scores_of_sacrebleu(rows: list[tuple[list[str], list[list[str]]]]) -> None:
    written = [" ".join(said) for said, _ in rows]
    references = [[" ".join(words) for words in own] for _, own in rows]
    most = max(map(len, references))
    streams = [[own[at] if at < len(own) else None for own in references] for at in range(most)]
    bleu, chrf = counted(written, references)
    assert bleu_of_sums(bleu.sum(0)) == pytest.approx(
        sacrebleu.corpus_bleu(written, streams, force=True).score, abs=1e-9
    )
    assert chrf_of_sums(chrf.sum(0)) == pytest.approx(sacrebleu.corpus_chrf(written, streams).score, abs=1e-9)


def test_scores_of_many_sums_are_those_of_each() -> None:
    bleu, chrf = counted(
        ["a man rides the bike", "", "two dogs"], [["a man rides a bike"], ["nothing"], ["two dogs run ."]]
    )
    each = [float(bleu_of_sums(row)) for row in bleu]
    assert bleu_of_sums(bleu).tolist() == each
    assert each[1] == 0.0
    assert chrf_of_sums(np.stack([chrf, chrf])).shape == (2, 3)
    assert counted([], [])[0].shape == (0, 10)


def test_the_signature_is_that_of_sacrebleu() -> None:
    metric = sacrebleu.metrics.BLEU()
    metric.corpus_score(["a b c d"], [["a b c d"]])
    assert signatures()["bleu"] == str(metric.get_signature())
    other = sacrebleu.metrics.CHRF()
    other.corpus_score(["a b c d"], [["a b c d"], ["a b"]])
    assert signatures(references=2)["chrf"] == str(other.get_signature())
    assert signatures(references=None)["bleu"].startswith("nrefs:var|")


def test_rouge_by_hand() -> None:
    # Shared words: the, cat, mat (3 of 5 and 4); pairs: none; longest sequence: the cat mat.
    assert rouge("The cat sat, mat too", ["the black cat mat"]) == pytest.approx((2 * 3 / 9, 2 * 1 / 7 * 0, 2 * 3 / 9))
    assert rouge("a b c", ["a b c"]) == (1.0, 1.0, 1.0)
    assert rouge("a b", ["x y", "b a"]) == pytest.approx((1.0, 0.0, 0.5))
    assert rouge("", ["a"]) == (0.0, 0.0, 0.0)
