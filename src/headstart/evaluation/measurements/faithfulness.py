"""Which words the answers hang on, and whether what is said of that can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from headstart.attribution.explanation import Explanation, Method
from headstart.attribution.faithfulness import DRAWS, LEAST_WORDS, agreement, chosen_words, erased, random_words, usable
from headstart.attribution.methods import refuse_unweighed, weighed
from headstart.attribution.reading import ReadInput, readings
from headstart.attribution.scorer import Scorer
from headstart.drawing.scores import rows_of
from headstart.drawing.text import count, counted, probability, reached, share, shown, signed
from headstart.errors import UsageError
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.subjects import Subject
from headstart.metrics.means import OPEN, mean, mean_difference

USUAL_WORDS = 25
"""Words that a text is taken to have where passes are counted before it is read."""
STEPS = 150
"""Passes that integrated gradients of a text are worth: fifty, each with the way back."""
SHARES = (-1.0, 1.0)
"""Bounds of a difference of probabilities, and of a correlation."""
LEVEL = 0.05
"""Error that is accepted where words are said to matter more than random ones."""
ALIKE = 0.3
"""Agreement with an untrained network from which on weights are said to follow from the architecture."""
MOST_EXAMPLES, MOST_CHARACTERS = 3, 600
"""Wrong and right rows that are shown with their words, and characters of a text."""


class Faithfulness(Measurement):
    """What the heaviest words change (DeYoung et al. 2020), beside random ones and an untrained network (Adebayo et al. 2018)."""

    name: ClassVar[str] = "faithfulness"
    title: ClassVar[str] = "Why"
    template: ClassVar[str] = "faithfulness.html.j2"

    rows: int = Field(default=100, ge=2, le=1_000_000)
    """Rows at most whose words are weighed, at least 2; they are drawn at random."""
    top: float = Field(default=0.2, gt=0, lt=1)
    """Share of the words of a row that are taken away, the heaviest ones, in (0, 1)."""
    method: Method = "occlusion"
    """How words are weighed, see `predict --why`."""

    def seconds(self, rows: int, seconds_per_row: float) -> float:
        """A pass for each word, by the model and by an untrained one, and some for words that are taken away."""
        weighing = (USUAL_WORDS + 1) * 2 if self.method == "occlusion" else 2 * STEPS
        return min(rows, self.rows) * seconds_per_row * (weighing + 3 * (1 + DRAWS))

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`method`, `top`, `n` rows of `split`, `comprehensiveness`, `sufficiency`, `untrained` and `examples`.

        Both have what `top` words and as many `random` ones change of the answer, the `difference` and its `p`. `untrained` is the
        mean rank correlation with the weights of a network of random weights; None where there is no network. `short` counts rows
        left out for want of words. None where texts get no label and no number, or the method is not for this model.
        """
        predictor, task = subject.predictor, subject.task
        try:
            refuse_unweighed(predictor, task, self.method)
        except UsageError:
            return None
        random = np.random.default_rng([0, 0xFA17])
        drawn = np.sort(random.permutation(len(subject.rows))[: self.rows])
        scorer = Scorer(predictor, task, predictor.decisions)
        inputs = [subject.rows.get(int(row)).input for row in drawn]
        explained, read = weighed(scorer, inputs, self.method), readings(predictor, task, inputs)
        kept = [at for at, each in enumerate(explained) if usable(each)]
        if len(kept) < 2:
            return None
        rows = drawn[kept]
        explained, read = [explained[at] for at in kept], [read[at] for at in kept]
        columns = [_column(task, each) for each in explained]
        clusters = None if subject.rows.groups is None else subject.rows.groups[rows]
        return {
            "split": subject.part,
            "method": self.method,
            "top": self.top,
            "n": len(rows),
            "short": len(drawn) - len(rows),
            "hidden_by": explained[0].hidden_by,
            "of": "number" if task.target_kind == "number" else "label",
            "words": sum(len(each.places) for each in explained),
            **self._erased(scorer, explained, read, columns, clusters),
            "untrained": self._untrained(scorer, inputs, kept, explained, columns, clusters),
            "examples": _examples(subject, rows, explained) if subject.shows else [],
        }

    def _erased(
        self,
        scorer: Scorer,
        explained: Sequence[Explanation],
        read: Sequence[ReadInput],
        columns: Sequence[int],
        clusters: np.ndarray | None,
    ) -> dict[str, Any]:
        of_number = scorer.task.target_kind == "number"
        best = erased(scorer, read, [chosen_words(each, self.top, of_number=of_number) for each in explained], columns)
        bounds = OPEN if of_number else SHARES
        random = np.random.default_rng([1, 0xFA17])
        drawn = [
            erased(scorer, read, [random_words(each, self.top, random) for each in explained], columns)
            for _ in range(DRAWS)
        ]
        found = {}
        for name in ("comprehensiveness", "sufficiency"):
            own = getattr(best, name)
            others = np.mean([getattr(each, name) for each in drawn], axis=0)
            test = mean_difference(own, others, clusters, bounds=bounds)
            found[name] = {
                "top": mean(own, clusters, bounds=bounds).plain(),
                "random": mean(others, clusters, bounds=bounds).plain(),
                "difference": test.difference.plain(),
                "p": test.p,
            }
        return found

    def _untrained(
        self,
        scorer: Scorer,
        inputs: Sequence[Any],
        kept: Sequence[int],
        explained: Sequence[Explanation],
        columns: Sequence[int],
        clusters: np.ndarray | None,
    ) -> dict[str, Any] | None:
        """Mean rank correlation with the weights that a network of random weights gives; None where there is none."""
        network: Any = getattr(scorer.predictor, "network", scorer.predictor)
        if not hasattr(network, "untrained"):
            return None
        of = [(column,) for column in columns]
        found = weighed(Scorer(network.untrained(), scorer.task), [inputs[at] for at in kept], self.method, of=of)
        values, rows = agreement(explained, found)
        if len(values) < 2:
            return None
        own = None if clusters is None else clusters[rows]
        return mean(values, own, bounds=SHARES).plain()

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """What taking the heaviest words away changes beside random ones, and whether they can be believed."""
        found = plain["comprehensiveness"]
        part = f"the {share(plain['top'], 1).replace('.0 %', ' %')} of the words that {_method(plain)} names"
        what = "the number moves by" if plain["of"] == "number" else "the probability of the answer falls by"
        said = [
            f"Without {part} {what} {shown(found['top'])} on {rows_of(plain['split'], plain['n'])}, without as many random words "
            f"by {shown(found['random'])} (difference {shown(found['difference'], sign=True)}, p {_p(found['p'])})."
        ]
        if not _tells(plain):
            said.append(
                "That is not more than random words change by more than noise: the words that are named say nothing about what "
                "answers hang on."
            )
        alike = plain.get("untrained")
        if alike is not None:
            order = (
                f"The order of the words agrees with that of a network of random weights by {shown(alike, sign=True)}"
            )
            said.append(
                f"{order}: it follows from the architecture more than from what was learnt, so it explains little."
                if alike["value"] >= ALIKE
                else f"{order} (rank correlation; 0 is chance)."
            )
        return said

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """The sentences, a table of both numbers, and some rows with their words marked."""
        rows = [
            [title, reached(plain[name]["top"]), reached(plain[name]["random"]), reached(plain[name]["difference"], sign=True),
             probability(plain[name]["p"])]
            for name, title in (
                ("comprehensiveness", "Comprehensiveness (without them; more is better)"),
                ("sufficiency", "Sufficiency (with them alone; less is better)"),
            )
        ]  # fmt: skip
        hidden = f"{plain['hidden_by']} stands in their place" if plain["hidden_by"] else "they are left out"
        short = f"; {counted(plain['short'], 'row')} had under {LEAST_WORDS} words" if plain["short"] else ""
        return {
            "sentences": self.sentences(plain, evidence),
            "columns": ["", "Heaviest words|n", "Random words|n", "Difference|n", "p|n"],
            "rows": rows,
            "caption": f"What words change, {count(plain['n'])} rows of {plain['split']}; {hidden}{short}",
            "examples": [{**each, "parts": _parts(each)} for each in plain["examples"]],
        }

    def card(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """What it comes to, and how to ask for words."""
        return [
            " ".join(self.sentences(plain, evidence))
            + " `headstart predict RUN TEXT --why` weighs the words of a text."
        ]


def _tells(plain: Mapping[str, Any]) -> bool:
    """Whether the words that are named change more than random ones."""
    found = plain["comprehensiveness"]
    return found["p"] < LEVEL and found["difference"]["value"] > 0


def _method(plain: Mapping[str, Any]) -> str:
    return str(plain["method"]).replace("-", " ")


def _p(value: float) -> str:
    said = probability(value)
    return said if said.startswith("<") else f"= {said}"


def _column(task: Any, explanation: Explanation) -> int:
    """The number of the label that is explained first; 0 of a number."""
    return task.names.index(explanation.labels[0]) if explanation.labels else 0


def _examples(subject: Subject, rows: np.ndarray, explained: Sequence[Explanation]) -> list[dict[str, Any]]:
    """Rows with their words: the surest mistakes and right ones; of numbers and of several labels the first ones."""
    if subject.task.target_kind != "label":
        return [_example(subject, int(rows[at]), explained[at], None) for at in range(len(rows))[: 2 * MOST_EXAMPLES]]
    # Under cross-validation the outputs are those of other models than the one whose words are weighed.
    true = subject.task.targets(subject.rows.take(rows))
    right = [_column(subject.task, each) == at for each, at in zip(explained, true, strict=True)]
    order = sorted(range(len(rows)), key=lambda at: -explained[at].scores[0])
    chosen = [at for is_right in (False, True) for at in [at for at in order if right[at] == is_right][:MOST_EXAMPLES]]
    return [_example(subject, int(rows[at]), explained[at], bool(right[at])) for at in chosen]


def _example(subject: Subject, row: int, why: Explanation, is_right: bool | None) -> dict[str, Any]:
    label = subject.rows.labels[row]
    words = [
        [side, start, end, None if np.isnan(weight) else round(float(weight), 6)]
        for (side, start, end), weight in zip(why.places, why.weights[0], strict=True)
        if end <= MOST_CHARACTERS
    ]
    return {
        "file": subject.rows.file,
        "line": int(subject.rows.lines[row]),
        "label": ", ".join(map(str, label)) if isinstance(label, tuple | list) else str(label),
        "predicted": why.labels[0] if why.labels else f"{why.scores[0]:.4g}",
        "score": why.scores[0] if why.labels else None,
        "right": is_right,
        "texts": [text[:MOST_CHARACTERS] for text in why.texts],
        "words": words,
    }


def _parts(example: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """The texts of an example cut at their words, each with `kind` (for, against or none) and `level`, from 1 to 3."""
    known = [abs(word[3]) for word in example["words"] if word[3] is not None]
    largest = max(known, default=0.0) or 1.0
    found = []
    for side, text in enumerate(example["texts"]):
        parts, begun = [], 0
        for _, start, end, weight in (word for word in example["words"] if word[0] == side):
            level = round(3 * abs(weight) / largest) if weight is not None else 0
            if weight is None or not level:
                continue
            parts += [{"text": text[begun:start]}] if start > begun else []
            kind = "for" if weight > 0 else "against"
            parts.append({"text": text[start:end], "kind": kind, "level": level, "weight": signed(weight)})
            begun = end
        found.append([*parts, {"text": text[begun:]}] if text[begun:] else parts)
    return found
