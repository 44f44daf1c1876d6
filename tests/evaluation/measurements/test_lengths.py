"""What is said of texts that are longer than the network reads."""

from typing import Any

import pytest

from headstart.evaluation.measurements.lengths import cut_notes, notice, reading_sentence

CUT: dict[str, Any] = {
    "inputs": "texts", "texts": 200, "tokens": 4000, "tokens_lost": 500, "tokens_lost_share": 0.125, "limit": 64, "truncated": 30,
}  # fmt: skip
WHOLE = CUT | {"tokens_lost": 0, "tokens_lost_share": 0.0, "truncated": 0}
WORDS = {"inputs": "sentences", "windowed": 7}


def evidence(lengths: dict[str, Any] | None, kind: str = "transformers", **task: Any) -> dict[str, Any]:
    return {"kind": kind, "task": task, "data": {"lengths": lengths}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            evidence(CUT),
            "It reads the first 64 tokens of a text; 30 of 200 training texts (15.0 %) were longer, which lost 500 of 4,000 "
            "tokens (12.50 %).",
        ),
        (
            evidence(CUT | {"inputs": "pairs of texts"}, pairs=True),
            "It reads the first 64 tokens of a pair of texts; 30 of 200 training pairs of texts (15.0 %) were longer, which "
            "lost 500 of 4,000 tokens (12.50 %).",
        ),
        (
            evidence(CUT, "linear-text"),
            "It reads all of a text; a network reads the first 64 tokens of a text; 30 of 200 training texts (15.0 %) were "
            "longer, which lost 500 of 4,000 tokens (12.50 %).",
        ),
        (
            evidence(WHOLE | {"windowed": 30}, windows=True),
            "Texts of more than 64 tokens are read in windows that overlap, so no token is lost; 30 of 200 training texts "
            "(15.0 %) were longer.",
        ),
        (
            evidence(WHOLE | WORDS, words=True),
            "Sentences of more than 64 tokens are read in windows that overlap, so no word is lost; 7 of 200 training "
            "sentences (3.5 %) were longer.",
        ),
        (
            evidence(CUT | WORDS | {"truncated": 1}, words=True),
            "Sentences of more than 64 tokens are read in windows that overlap; 7 of 200 training sentences (3.5 %) were "
            "longer, and words longer than a window lost 500 of 4,000 tokens (12.50 %) in 1 of 200 training sentences (0.5 %).",
        ),
        (
            evidence({"limit": 64, "truncated": 3, "tokens_lost_share": 0.5}),
            "It reads the first 64 tokens of a text; 3 of the texts here were longer, which lost 50.00 % of all tokens.",
        ),
        (evidence(WHOLE), "It reads the first 64 tokens of a text; none of 200 training texts were longer."),
        (evidence(None), ""),
    ],
)
def test_report_and_card_say_how_many_were_longer_and_what_was_lost(given: dict[str, Any], said: str) -> None:
    assert reading_sentence(given) == said


@pytest.mark.parametrize(
    ("lengths", "windows", "possible", "said"),
    [
        (
            CUT, False, True,
            "30 of 200 training texts (15.0 %) are longer than 64 tokens; their ends, 500 of 4,000 tokens (12.50 %), were not "
            "read; read all of them with --long window, or raise --max-length if the backbone allows",
        ),
        (
            CUT | {"inputs": "pairs of texts"}, False, False,
            "30 of 200 training pairs of texts (15.0 %) are longer than 64 tokens; their ends, 500 of 4,000 tokens (12.50 %), "
            "were not read; raise --max-length if the backbone allows",
        ),
        (WHOLE, False, True, "none of 200 training texts were truncated"),
        (WHOLE | {"windowed": 30}, True, True, "none of 200 training texts were truncated; 30 of them were read in windows"),
        (
            CUT | WORDS, True, False,
            "7 of 200 training sentences (3.5 %) were read in windows, and words longer than a window lost 500 of 4,000 tokens "
            "(12.50 %) in 30 of 200 training sentences (15.0 %)",
        ),
    ],
)  # fmt: skip
def test_the_terminal_is_told_with_what_to_do(
    lengths: dict[str, Any], windows: bool, possible: bool, said: str
) -> None:
    assert notice(lengths, windows=windows, possible=possible) == said


def test_texts_cut_at_prediction_are_counted() -> None:
    assert cut_notes(0, 40, possible=True) == []
    [plain], [more] = cut_notes(3, 40, possible=False), cut_notes(3, 40, possible=True)
    assert plain == "3 of 40 texts (7.5 %) were longer than the model reads; their end was not seen"
    assert more == f"{plain}; a model fitted with --long window reads all of a text"
