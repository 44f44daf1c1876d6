"""How long texts are, and what is said of those that are longer than the network reads, in terminal, report and card alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from headstart.drawing.markdown import markdown
from headstart.drawing.scores import WITHOUT_NETWORK
from headstart.drawing.text import count, dig, finite, number, share
from headstart.evaluation.measurements.base import Measurement, Want

if TYPE_CHECKING:
    from headstart.evaluation.subjects import Subject


class Lengths(Measurement):
    """Lengths of the training texts in tokens, and what the limit of the network cuts off."""

    name: ClassVar[str] = "lengths"
    wants: ClassVar[frozenset[Want]] = frozenset({"tokens"})
    always: ClassVar[bool] = True
    place: ClassVar[tuple[str, ...]] = ("data", "lengths")
    printed: ClassVar[tuple[str, ...] | None] = None
    template: ClassVar[str] = "data.html.j2"
    card_under: ClassVar[str] = "Limits"

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """Numbers of texts and tokens, of those cut off, and quantiles; None where no strategy has tokenised the texts."""
        from headstart.checks.lengths import lengths as token_lengths

        task, run = subject.task, subject.run
        if run is None or run.tokens is None:
            return None
        inputs = "sentences" if task.words else "pairs of texts" if task.together else "texts"
        return token_lengths(run.tokens, run.limit, inputs)

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any]:
        """What stands among the facts about the data."""
        return {"reads": reading_sentence(evidence)}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """What is not read of long texts."""
        reads = reading_sentence(evidence)
        return [f"- {markdown(reads)}"] if reads and evidence.get("kind") not in WITHOUT_NETWORK else []


def reading_sentence(evidence: Mapping[str, Any]) -> str:
    """How much of a text the model reads, and what that cost the training texts; empty where it was not measured."""
    lengths = dig(evidence, "data", "lengths") or {}
    if finite(lengths.get("limit")) is None:
        return ""
    limit, cut = count(lengths["limit"]), lengths.get("truncated") or 0
    if dig(evidence, "task", "words") or dig(evidence, "task", "windows"):
        one, kind = ("word", "Sentences") if dig(evidence, "task", "words") else ("token", "Texts")
        said = f"{kind} of more than {limit} tokens are read in windows that overlap"
        longer = f"{_of(lengths, lengths.get('windowed') or 0)} were longer"
        return f"{said}, so no {one} is lost; {longer}." if not cut else f"{said}; {longer}, {_words_cut(lengths)}."
    total, inputs = lengths.get("texts"), lengths.get("inputs", "texts")
    longer = (
        f"{_of(lengths, cut)} were longer"
        if cut or not total
        else f"none of {count(total)} training {inputs} were longer"
    )
    lost = f", which lost {_lost(lengths)}" if cut and finite(lengths.get("tokens_lost_share")) is not None else ""
    whole = evidence.get("kind") in WITHOUT_NETWORK
    reads = "It reads all of a text; a network reads" if whole else "It reads"
    return f"{reads} the first {limit} tokens of {_one(lengths)}; {longer}{lost}."


def notice(lengths: Mapping[str, Any], *, windows: bool, possible: bool) -> str:
    """What the terminal is told of the training texts.

    Args:
        lengths: as `checks.lengths` gives them.
        windows: whether long texts were read in windows.
        possible: whether the task could have them read so.
    """
    longer = lengths.get("windowed") or 0
    if lengths["truncated"] and longer:
        return f"{_of(lengths, longer)} were read in windows, {_words_cut(lengths)}"
    if not lengths["truncated"]:
        inside = f"; {count(longer)} of them were read in windows" if longer else ""
        return f"none of {count(lengths['texts'])} training {lengths['inputs']} were truncated{inside}"
    raised = "raise --max-length if the backbone allows"
    remedy = f"read all of them with --long window, or {raised}" if possible and not windows else raised
    return (
        f"{_of(lengths, lengths['truncated'])} are longer than {count(lengths['limit'])} tokens; their ends, "
        f"{_lost(lengths)}, were not read; {remedy}"
    )


def cut_notes(cut: int, rows: int, *, possible: bool) -> list[str]:
    """What is said of texts that were cut when they were predicted; nothing where none was.

    Args:
        cut: texts, or pairs of them, of which the end was not read.
        rows: all of them.
        possible: whether the task could have them read in windows.
    """
    if not cut:
        return []
    remedy = "; a model fitted with --long window reads all of a text" if possible else ""
    said = f"{count(cut)} of {count(rows)} texts ({share(cut, rows)})"
    return [f"{said} were longer than the model reads; their end was not seen{remedy}"]


def _of(lengths: Mapping[str, Any], some: int) -> str:
    total, inputs = lengths.get("texts"), lengths.get("inputs", "texts")
    if not total:
        return f"{count(some)} of the {inputs} here"
    return f"{count(some)} of {count(total)} training {inputs} ({share(some, total)})"


def _lost(lengths: Mapping[str, Any]) -> str:
    percent = f"{number(100 * (lengths.get('tokens_lost_share') or 0.0), 2)} %"
    if not lengths.get("tokens"):
        return f"{percent} of all tokens"
    return f"{count(lengths['tokens_lost'])} of {count(lengths['tokens'])} tokens ({percent})"


def _words_cut(lengths: Mapping[str, Any]) -> str:
    """What is lost of sentences in windows all the same."""
    return f"and words longer than a window lost {_lost(lengths)} in {_of(lengths, lengths['truncated'])}"


def _one(lengths: Mapping[str, Any]) -> str:
    return "a pair of texts" if lengths.get("inputs") == "pairs of texts" else "a text"
