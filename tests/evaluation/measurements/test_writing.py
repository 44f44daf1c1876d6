"""What is measured of texts that were written: by length, by rarity of words, doubts, and some of them beside their references."""

from __future__ import annotations

from typing import Any

import pytest

from headstart.data.outputs import Generated
from headstart.data.table import Table
from headstart.evaluation.measurements.doubts import Doubts
from headstart.evaluation.measurements.rare_words import RareWords
from headstart.evaluation.measurements.source_lengths import SourceLengths
from headstart.evaluation.measurements.worst_rows import WorstRows
from headstart.evaluation.measurements.written_texts import WrittenTexts
from headstart.evaluation.subjects import FinishedRun, Subject
from headstart.report.page import environment
from headstart.tasks.translation import Translation


def subject(sources: list[str], references: list[str], written: list[str], learnt: list[str] | None = None) -> Subject:
    columns = {"en": sources, "de": references}
    table = Table("pairs.csv", columns, [*range(2, 2 + len(sources))])
    task: Any = Translation(source_language="en", target_language="de").guess(table)
    rows, _ = task.parse(table)
    run = None
    if learnt is not None:
        train, _ = task.parse(
            Table("train.csv", {"en": ["x"] * len(learnt), "de": learnt}, [*range(2, 2 + len(learnt))])
        )
        run = FinishedRun((), {"test": rows}, {}, {}, train=train)
    return Subject(None, task.bind(rows), rows, Generated.of(written), run=run)  # type: ignore[arg-type]


def test_rare_words_are_counted_by_how_often_training_has_them() -> None:
    learnt = ["der Hund", "der Hund", "der Hund bellt", *["der"] * 50]
    given = subject(
        ["a", "b"], ["Der Hund bellt Der Kater", "der kater"], ["der hund der Hund", "Kater , kater"], learnt
    )
    found = RareWords().measure(given)
    assert found == {
        "split": "test",
        "groups": [
            {"name": "0", "words": 2, "written": 1},
            {"name": "1 to 5", "words": 2, "written": 1},
            {"name": "over 50", "words": 3, "written": 2},
        ],
    }
    view = RareWords().view(found, {})
    assert view is not None
    assert view["rows"][0] == ["0", 2, 1, "50.0 %"]
    assert RareWords().sentences(found, {}) == [], "too few words to speak of"
    many = {"groups": [each | {"words": 10 * each["words"], "written": 5} for each in found["groups"]]}
    assert RareWords().sentences(many, {}) == [
        "20 words of the references never occur in training: 25.0 % of them are written, and 16.7 % of those that occur over 50 times."
    ]
    assert RareWords().measure(subject(["a"], ["b"], ["c"])) is None, "what was learnt from is not known"


def test_scores_by_length_are_those_of_the_rows() -> None:
    short, long = [f"a dog {at}" for at in range(25)], [" ".join(["word"] * 15)] * 25
    references = [*(f"ein guter Hund {at}" for at in range(25)), *[" ".join(map(str, range(12)))] * 25]
    written = [*references[:25], *["nichts davon"] * 25]
    given = subject([*short, *long, " ".join(["word"] * 60)], [*references, "Ende"], [*written, "Ende"])
    found = SourceLengths().measure(given)
    assert found is not None
    assert [(each["name"], each["rows"]) for each in found["groups"]] == [
        ("1 to 10", 25),
        ("11 to 20", 25),
        ("over 50", 1),
    ]
    first, second, third = found["groups"]
    assert (first["scores"]["bleu"]["value"], first["length_ratio"]) == (pytest.approx(100), 1)
    assert second["scores"]["bleu"]["value"] == 0
    assert second["length_ratio"] == pytest.approx(2 / 12)
    assert third["scores"] == {}
    [said] = SourceLengths().sentences(found, {})
    assert said.startswith("Inputs of 11 to 20 words are the hardest: BLEU 0.000 [0.000, 0.000] on 25 rows, ")
    view = SourceLengths().view(found, {})
    assert view is not None
    assert [row[:2] for row in view["rows"]] == [["1 to 10", 25], ["11 to 20", 25], ["over 50", 1], ["all", 51]]
    assert view["rows"][3][-1] == found["length_ratio"] == pytest.approx((25 * 4 + 25 * 2 + 1) / (25 * 4 + 25 * 12 + 1))
    assert view["rows"][2][2] == "too few rows"


def test_doubts_are_counted_by_kind_with_their_lines() -> None:
    given = subject(
        ["A man rides his bike.", "Yes.", "The dog is in the street."],
        ["Ein Mann.", "Ja.", "Der Hund."],
        ["in in in", "Ja.", "The dog is in the street in the street in the street"],
    )
    found = Doubts().measure(given)
    assert found == {
        "split": "test",
        "rows": 3,
        "doubtful": 2,
        "kinds": [
            {"kind": "repeats itself", "rows": 2, "lines": [2, 4]},
            {"kind": "wrong language", "rows": 1, "lines": [4]},
        ],
    }
    said = "2 of 3 texts (66.7 %) are doubtful: repeats itself (2), wrong language (1)."
    assert Doubts().sentences(found, {}) == [said]
    assert Doubts().card(found, {}) == [f"- {said}"]
    view = Doubts().view(found, {})
    assert view is not None
    assert view["rows"][0] == ["repeats itself", 2, "66.7 %", "2, 4"]


def test_texts_are_shown_worst_first_each_once_and_markup_is_escaped() -> None:
    references = [f"Satz Nummer {at} hier" for at in range(20)]
    written = [*references[:19], "<b>ganz anders</b>"]
    given = subject([f"sentence {at}" for at in range(19)] + ["<i>last</i>"], references, written)
    found = WrittenTexts().measure(given)
    assert found is not None
    assert [(group["name"], len(group["rows"])) for group in found["groups"]] == [
        ("worst", 6),
        ("median", 3),
        ("best", 3),
    ]
    lines = [row["line"] for group in found["groups"] for row in group["rows"]]
    assert len({*lines}) == len(lines)
    worst = found["groups"][0]["rows"][0]
    assert worst["line"] == 21
    assert [part["kind"] for part in worst["reference"]] == ["missing"]
    section = {"anchor": "written", "heading": "What it writes", "view": WrittenTexts().view(found, {})}
    page = environment().get_template("written.html.j2").render(section=section)
    assert "&lt;i&gt;last" in page
    assert "<b>" not in page
    assert '<mark class="missing"><span class="aside">[not written: </span>Satz Nummer 19 hier<span' in page
    assert '<mark class="added"><span class="aside">[not in the reference: </span>&lt;b&gt;ganz anders' in page
    assert WorstRows().measure(given) == []


def test_few_rows_and_empty_texts_can_be_shown() -> None:
    found = WrittenTexts().measure(subject(["a"], ["b"], [""]))
    assert found is not None
    assert found["groups"][0]["rows"][0]["doubts"] == ["empty"]
    section = {"anchor": "written", "heading": "What it writes", "view": WrittenTexts().view(found, {})}
    assert '<span class="quiet">nothing</span>' in environment().get_template("written.html.j2").render(section=section)


def test_signatures_are_those_of_sacrebleu() -> None:
    import sacrebleu

    rows = subject(["a", "b"], ["x", "y"], ["x", "y"]).rows
    said = Translation(target_language="zh").signatures(rows)
    assert said["bleu"] == f"nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp|version:{sacrebleu.__version__}"
    assert said["chrf"] == f"nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:{sacrebleu.__version__}"
