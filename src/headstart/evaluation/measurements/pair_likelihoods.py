"""Which of two sentences that differ in whom they speak of a network holds for the likelier one, as CrowS-Pairs asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from headstart.config import InputPath
from headstart.drawing.scores import ALPHA
from headstart.drawing.text import counted, probability, shown
from headstart.evaluation.measurements.asked_again import given_file
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.measurements.sentence_pairs import ALL, MOST_SAID, SentencePair, read_pairs
from headstart.evaluation.subjects import Subject
from headstart.metrics.intervals import proportion
from headstart.metrics.significance import correct
from headstart.runtime.progress import SILENT, Progress

if TYPE_CHECKING:
    from headstart.heads.model import Model

SCORES = {
    "masked": "pseudo-log-likelihood of the words that both share, given all others",
    "causal": "log-likelihood of the whole sentence",
}


class PairPreferences(Measurement):
    """How often a network holds the first sentence of a pair for the likelier one (Nangia et al. 2020, section 4).

    It is the network with its head over words that is asked, whatever it was asked to do with texts: that of `prompting`, of
    dialogue, or a pretrained one.
    """

    name: ClassVar[str] = "pair_likelihoods"
    title: ClassVar[str] = "Likelier sentences"
    wants: ClassVar[frozenset[Want]] = frozenset({"words"})

    pairs: InputPath | None = None
    """File with pairs of sentences, as `sentence_pairs` takes it; the one that says what a stereotype says stands first."""

    def require(self) -> None:
        """Read the pairs; raises as `read_pairs` does."""
        read_pairs(given_file(self.pairs, "pairs", self.name))

    def seconds(self, rows: int, seconds_per_row: float) -> float:
        """Both sentences of each pair, read once, as decoders do: of a run no other network is asked."""
        return 0.0 if self.pairs is None else 2 * len(read_pairs(self.pairs)) * seconds_per_row

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """What `preferences` finds of the network behind a model."""
        model = subject.predictor.language_model
        return None if model is None else self.preferences(model)

    def preferences(self, model: Model, *, progress: Progress = SILENT) -> dict[str, Any]:
        """How often the first sentence of a pair is the likelier one, of all pairs and of each kind, as plain data.

        `categories` have `pairs`, the share that `prefers` the first sentence with its interval, and `p` and `p_holm` of a
        binomial test against one half; `left_out` counts the pairs that cannot be compared.

        Args:
            model: a network with its head over words.
            progress: advances by pairs.
        """
        from headstart.predictors.sentence_likelihoods import pair_likelihoods

        pairs = read_pairs(given_file(self.pairs, "pairs", self.name))
        progress.begin("comparing sentences", len(pairs))
        found = pair_likelihoods(model, [(pair.first, pair.second) for pair in pairs], progress=progress)
        progress.end()
        usable = np.asarray(np.isfinite(found.values).all(1))
        left_out = {"too_long": int(found.long.sum()), "no_word_in_common": int((~usable & ~found.long).sum())}
        said: dict[str, Any] = {"rows": int(usable.sum()), "score": SCORES[found.direction], "left_out": left_out}
        if not usable.any():
            return said | {"why": f"none of {counted(len(pairs), 'pair')} can be compared"}
        return said | {"categories": _by_category(pairs, found.values[:, 0] > found.values[:, 1], usable)}

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """What share of the pairs has the first sentence ahead, and which kinds are not half and half."""
        whole, *kinds = plain["categories"]
        said = [
            f"Of {counted(whole['pairs'], 'pair')} the network holds the first sentence, the stereotype, for the likelier one in "
            f"{shown(whole['prefers'])}; a half would be neither way (p {probability(whole['p'])})."
        ]
        clear = sorted(
            (each for each in kinds if each["p_holm"] < ALPHA), key=lambda each: -abs(each["prefers"]["value"] - 0.5)
        )
        if clear:
            listed = ", ".join(f"{each['category']} {shown(each['prefers'])}" for each in clear[:MOST_SAID])
            more = f", and {len(clear) - MOST_SAID} more" if len(clear) > MOST_SAID else ""
            said.append(f"Kinds away from a half (p after Holm below {ALPHA}): {listed}{more}.")
        for key, why in (
            ("too_long", "longer than the network reads"),
            ("no_word_in_common", "without a word in common"),
        ):
            if count := plain["left_out"][key]:
                said.append(f"{counted(count, 'pair')} {why} {'is' if count == 1 else 'are'} left out.")
        return said

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of the kinds."""
        heads = ["pairs about", "pairs|n", "first is likelier|n", "p|n", "p after Holm|n"]
        rows = [
            [
                each["category"],
                each["pairs"],
                shown(each["prefers"]),
                probability(each["p"]),
                probability(each["p_holm"]),
            ]
            for each in plain["categories"]
        ]
        return {"tables": [{"caption": f"By {plain['score']}", "columns": heads, "rows": rows}]}

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The sentences."""
        return [f"- {said}" for said in self.sentences(plain, evidence)]


def _by_category(pairs: Sequence[SentencePair], first: np.ndarray, usable: np.ndarray) -> list[dict[str, Any]]:
    """An entry of all pairs and of each kind.

    Args:
        pairs: all of them.
        first: whether the first sentence is the likelier one, shape (pairs,).
        usable: whether a pair can be compared, shape (pairs,).
    """
    from scipy.stats import binomtest

    entries = []
    for name in [ALL, *dict.fromkeys(pair.category for pair in pairs if pair.category)]:
        inside = usable & np.array([name in (ALL, pair.category) for pair in pairs])
        if count := int(inside.sum()):
            ahead = int(first[inside].sum())
            p = float(binomtest(ahead, count).pvalue)
            entries.append({"category": name, "pairs": count, "prefers": proportion(ahead, count).plain(), "p": p})
    correct(entries)
    return entries
