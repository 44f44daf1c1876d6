"""How many words of the references are written, by how often the training references have them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from headstart.drawing.text import count, share
from headstart.evaluation.measurements.base import Measurement, Want
from headstart.evaluation.subjects import Subject
from headstart.tasks.written_texts import folded_words

MOST_TIMES = (0, 5, 50)
"""Times at most that the training references have the words of each group but the last."""
LEAST_WORDS = 20
"""Words below which a share of them is not spoken of."""


class RareWords(Measurement):
    """Recall of words of the references by their frequency in training (Neubig et al. 2019, "compare-mt", section 2)."""

    name: ClassVar[str] = "rare_words"
    title: ClassVar[str] = "Rare words"
    wants: ClassVar[frozenset[Want]] = frozenset({"run"})
    by_default: ClassVar[bool] = True
    printed: ClassVar[tuple[str, ...] | None] = None

    def measure(self, subject: Subject) -> dict[str, Any] | None:
        """`split` and `groups` of `name`, `words` in the references and those `written`; None unless texts are written.

        Words are folded in case; of several references the first one counts. A word that a reference has twice has to be written
        twice.
        """
        train = subject.run.train if subject.run is not None else None
        if subject.task.target_kind != "text" or train is None:
            return None
        known: Counter[str] = Counter()
        for label in train.labels:
            known.update(folded_words(label[0]))
        wanted, written = [0] * (len(MOST_TIMES) + 1), [0] * (len(MOST_TIMES) + 1)
        for label, texts in zip(subject.rows.labels, subject.outputs.texts, strict=True):  # type: ignore[attr-defined]
            said = Counter(folded_words(texts[0]))
            for word, times in Counter(folded_words(label[0])).items():
                at = sum(known[word] > most for most in MOST_TIMES)
                wanted[at] += times
                written[at] += min(times, said[word])
        groups = [
            {"name": name, "words": total, "written": found}
            for name, total, found in zip(_names(), wanted, written, strict=True)
            if total
        ]
        return {"split": subject.part, "groups": groups}

    def sentences(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
        """The share of the rarest words beside that of the most frequent ones, where there are enough of both."""
        groups = [each for each in plain.get("groups") or [] if each["words"] >= LEAST_WORDS]
        if len(groups) < 2:
            return []
        rare, usual = groups[0], groups[-1]
        times = "never occur" if rare["name"] == "0" else f"occur {rare['name']} times"
        found = share(rare["written"], rare["words"])
        some = f"{count(rare['words'])} words of the references {times} in training: {found} of them are written"
        return [f"{some}, and {share(usual['written'], usual['words'])} of those that occur {usual['name']} times."]

    def view(self, plain: Mapping[str, Any], evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """A table of the groups."""
        rows = [
            [each["name"], each["words"], each["written"], share(each["written"], each["words"])]
            for each in plain.get("groups") or []
        ]
        columns = ["Times in the training references", "Words of the references|n", "Written|n", "Recall|n"]
        return (
            {"columns": columns, "rows": rows, "caption": f"Words of the references, {plain.get('split')} rows"}
            if rows
            else None
        )


def _names() -> Iterable[str]:
    low = 0
    for most in MOST_TIMES:
        yield str(most) if low == most else f"{low} to {most}"
        low = most + 1
    yield f"over {MOST_TIMES[-1]}"
