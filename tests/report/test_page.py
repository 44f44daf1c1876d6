"""The page: complete, escaped, small, without network, and whole when parts of the evidence are missing."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import invented
import pytest

from headstart.drawing.text import duration, interval
from headstart.report import page

VOID = {"meta", "br", "link", "img", "input", "hr"}
HOSTILE = "\"><script>alert('x')</script><img src=http://example.invalid/x onerror=alert(1)>"


class Outline(HTMLParser):
    """Tags that do not balance, all attributes, identifiers and heading levels of a document."""

    def __init__(self, text: str) -> None:
        """Read the whole of `text`."""
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember the tag; all but void ones wait for their end."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember a tag that ends itself."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost tag, which has to be this one."""
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")


def _linear_text() -> dict[str, Any]:
    """Evidence of a run that the TF-IDF control won."""
    made = invented.evidence(kind="linear-text", chosen="tf-idf")
    for line in made["leaderboard"]:
        line["chosen"] = line["strategy"] == "tf-idf"
    made["data"]["lengths"] = None
    return made


def _bare() -> dict[str, Any]:
    """The least there can be."""
    return {"format": 1, "title": "reviews", "task": {"name": "text-classification", "metric": "accuracy"}}


def _not_finite() -> dict[str, Any]:
    """Numbers that no JSON file should hold."""
    made = invented.evidence()
    made["leaderboard"][0]["scores"]["test"]["accuracy"] = {"value": float("nan"), "low": None, "high": None}
    made["leaderboard"][1]["curve"][2] |= {"train_loss": float("inf"), "validation_loss": float("nan")}
    made["cost"]["seconds"] = 0
    return made


def _large() -> dict[str, Any]:
    """100,000 dropped rows, 150 labels of hostile characters, long texts, many strategies, long curves."""
    made = invented.many_labels(150)
    labels = [f"{place:03d}" + '"' * 200 for place in range(150)]
    made["task"]["labels"] = made["confusion"]["labels"] = labels
    for part in made["data"]["splits"].values():
        part["labels"] = dict.fromkeys(labels, 6)
    made["data"]["dropped"] = [
        {"file": "reviews.csv", "line": line, "reason": f"field {line} is {'<' * 300}"} for line in range(100_000)
    ]
    made["data"]["warnings"] = ["&" * 10_000] * 500
    row = {
        "text": "<&>" * 350_000,
        "label": '"' * 500,
        "predicted": "b",
        "score": 0.9,
        "file": "f" * 500,
        "line": 1,
    }
    made["worst_rows"] = [row] * 200
    curve = [{"epoch": at, "train_loss": 1 / 3, "validation_loss": at / 7, "validation": 0.5} for at in range(150)]
    made["leaderboard"] = [
        invented.entry(f"{place} {'<' * 300}", "transfer", 0.8, 0.8, curve=curve, description="<" * 1000)
        for place in range(200)
    ]
    made["comparisons"] = [
        invented.comparison("<" * 300, '"' * 300, 0.1, 0.0, 0.2, 0.01, method=str(place)) for place in range(500)
    ]
    return made


def unlabelled(text: str) -> str:
    """The page without what cells know of their columns."""
    return re.sub(r' data-label="[^"]*"', "", text)


SHAPES = {
    "full": invented.evidence,
    "without test": invented.without_test,
    "without scores": invented.without_scores,
    "cross-validated": invented.cross_validated,
    "two domains": invented.two_domains,
    "from before": invented.from_before,
    "learnt from all rows": lambda: invented.evidence(
        refit={"rows": 6920, "seconds": 9.0, "scores": {"test": invented.scores(0.871, 1821)}}
    ),
    "not learnt from all rows": lambda: invented.evidence(refit={"note": "interrupted"}),
    "no rows kept": lambda: invented.evidence(worst_rows=None),
    "no mistakes": lambda: invented.evidence(worst_rows=[]),
    "no confusion": lambda: invented.evidence(confusion=None),
    "no backbone": lambda: invented.evidence(backbone=None),
    "linear-text": _linear_text,
    "spans": invented.spans,
    "numbers of pairs": invented.numbers,
    "label sets": invented.label_sets,
    "150 labels": lambda: invented.many_labels(150),
    "bare": _bare,
    "not finite": _not_finite,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_evidence_gives_a_well_formed_page(shape: str) -> None:
    text = page.render(SHAPES[shape]())
    outline = Outline(text)
    assert outline.faults == []
    assert outline.open == []
    identifiers = [given["id"] for _, given in outline.tags if given.get("id")]
    assert len(identifiers) == len(set(identifiers))
    targets = [given["href"][1:] for tag, given in outline.tags if tag == "a"]
    assert set(targets) <= set(identifiers)
    levels = [int(tag[1]) for tag, _ in outline.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert "Undefined" not in text
    assert "None" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL).replace("None were", "")


def test_the_score_of_the_model_that_is_saved_stands_beside_that_of_the_comparison() -> None:
    found = {"rows": 6920, "seconds": 9.0, "scores": {"test": invented.scores(0.8713, 1821)}}
    text = page.render(invented.evidence(refit=found))
    assert "saved model, from all rows: 0.871" in text
    assert "saved model" not in page.render(invented.evidence(refit={"note": "interrupted"}))


def test_a_page_has_landmarks_captions_and_scopes() -> None:
    tags = Outline(page.render(invented.evidence())).tags
    names = [tag for tag, _ in tags]
    assert {"header", "nav", "main", "section"} <= set(names)
    assert names.count("caption") == names.count("table")
    assert all(given.get("scope") in {"col", "row", "rowgroup"} for tag, given in tags if tag == "th")
    assert all(given.get("tabindex") == "0" for _, given in tags if "scroll" in (given.get("class") or ""))
    charts = [given for tag, given in tags if tag == "svg" and given.get("class") == "chart"]
    assert all(given.get("role") == "img" and given.get("aria-labelledby") for given in charts)


def test_a_page_fetches_nothing_and_runs_nothing() -> None:
    text = page.render(invented.evidence())
    for tag, given in Outline(text).tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "base", "form"}
        assert not given.get("src")
        assert not any(name.startswith("on") for name in given)
        assert (given.get("href") or "#").startswith("#")
    assert "@import" not in text
    assert "url(" not in text
    assert "://" not in text
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text


def _poisoned(value: object) -> object:
    """The same evidence with hostile text at the end of every text that the run took from outside."""
    fixed = {"metric", "split", "role", "status", "created", "kind"}
    if isinstance(value, dict):
        return {key: inner if key in fixed else _poisoned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_poisoned(inner) for inner in value]
    return f"{HOSTILE} {value}" if isinstance(value, str) else value


def test_hostile_text_stays_text_wherever_it_is() -> None:
    outline = Outline(page.render(_poisoned(invented.evidence())))
    assert outline.faults == []
    assert not {tag for tag, _ in outline.tags} & {"script", "img"}
    assert not [given for _, given in outline.tags if any(name.startswith("on") for name in given)]


def test_control_characters_and_lone_surrogates_become_visible() -> None:
    made = invented.evidence()
    made["worst_rows"][0]["text"] = "a\x00b\x1b[31m\nc\ud800d\u202ee"
    text = page.render(made)
    assert "a␀b␛[31m↵c\ufffdd\ufffde" in text
    text.encode("utf-8")


def test_a_page_stays_under_a_megabyte_whatever_it_is_given() -> None:
    text = page.render(_large())
    assert len(text.encode("utf-8")) < 1_000_000
    assert "100,000 rows were dropped. The first 50 are listed." in text
    assert "60 of 200 strategies are shown." in text
    assert Outline(text).faults == []


def test_texts_are_cut_shorter_where_the_page_would_grow_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    made = invented.evidence()
    made["worst_rows"] = [made["worst_rows"][0] | {"text": "x" * 500}] * 20
    assert "x" * 399 + "…" in page.render(made)
    monkeypatch.setattr(page, "SIZE_LIMIT", len(page.render(made)) - 1000)
    assert "x" * 119 + "…" in page.render(made)
    assert "x" * 120 not in page.render(made)


def test_every_number_of_the_leaderboard_is_on_the_page() -> None:
    made = invented.evidence()
    text = page.render(made)
    for line in made["leaderboard"]:
        assert line["strategy"] in text
        assert line["status"] in text
        assert line.get("note", "") in text
        if line["seconds"] is None:
            continue
        assert duration(line["seconds"]) in text
        assert f"{line['trainable_parameters']:,}" in text
        for split in ("validation", "test"):
            for name, measured in line["scores"][split].items():
                assert f"{measured['value']:.3f}" in text, (split, name)
                assert interval(measured) in text, (split, name)


def test_strategies_are_listed_best_first_and_unscored_ones_last() -> None:
    _, board, split = page.standing(invented.evidence())
    assert [line["strategy"] for line in board] == [
        "fine-tuning",
        "feature-extraction",
        "tf-idf",
        "from-scratch",
        "lora",
        "prompting",
    ]
    assert split == "test"


def test_a_lower_log_loss_is_better() -> None:
    made = invented.evidence()
    made["task"]["metric"] = "log_loss"
    assert page.standing(made)[1][0]["strategy"] == "fine-tuning"
    assert page.reading(invented.comparison("a", "b", -0.1, -0.2, -0.05, 0.001, metric="log_loss")) == "a is better"


def test_without_a_test_part_the_page_says_whose_scores_they_are() -> None:
    text = page.render(invented.without_test())
    assert "Nothing was scored on a test part." in text
    assert "Accuracy on validation" in text
    assert "There is no test part." in text


@pytest.mark.parametrize(
    ("value", "low", "high", "p", "words"),
    [
        (0.08, 0.05, 0.11, 0.0001, "a is better"),
        (-0.08, -0.11, -0.05, 0.0001, "b is better"),
        (0.01, -0.01, 0.03, 0.3, "not significant"),
        (0.03, 0.01, 0.05, 0.04, "not significant"),
        (0.03, -0.001, 0.05, 0.001, "not significant"),
        (0.03, None, None, None, "not tested"),
    ],
)
def test_a_gain_counts_only_outside_the_noise(
    value: float, low: float | None, high: float | None, p: float | None, words: str
) -> None:
    difference = {"value": value, "low": low, "high": high, "n": 100}
    corrected = None if p is None else 2 * p
    made = {"a": "a", "b": "b", "metric": "accuracy", "difference": difference, "p": p, "p_holm": corrected}
    assert page.reading(made) == words


def test_the_headline_difference_is_turned_round_with_its_interval() -> None:
    made = _linear_text()
    metric, board, split = page.standing(made)
    opponent = page.opposition(made, board, metric, split)
    assert opponent["entry"]["strategy"] == "fine-tuning"
    assert opponent["difference"] == {"value": -0.081, "low": -0.1, "high": -0.062}
    assert opponent["reading"] == "fine-tuning is better"


def test_precision_and_recall_come_from_the_matrix() -> None:
    # Label x: 6 right of 8 true (recall 0.750) and of 9 predicted (precision 0.667); F1 12 / 17 = 0.706.
    made = invented.evidence(confusion={"split": "test", "labels": ["x", "y"], "matrix": [[6, 2], [3, 9]]})
    text = page.render(made)
    cells = '<td class="n">0.667</td><td class="n">0.750</td><td class="n">0.706</td>'
    assert f'<th scope="row"><bdi>x</bdi></th>{cells}' in unlabelled(text)


def test_many_labels_show_the_most_confused_pairs_and_no_matrix() -> None:
    text = page.render(invented.many_labels(150))
    assert 'class="matrix"' not in text
    assert "The 15 most frequent confusions on test, of 150 labels" in text
    assert text.count("intent_149") >= 2


@pytest.mark.parametrize("key", ["cross-validation", "validation"])
def test_scores_of_cross_validation_are_called_that_everywhere(key: str) -> None:
    text = page.render(invented.cross_validated(key))
    assert "Accuracy by cross-validation" in text
    assert "each training row was predicted by a model that had not seen it" in text
    assert "Confusion matrix by cross-validation" in text
    assert "Every metric by cross-validation" in text
    assert "Calibration error (ECE): 0.031" in text
    assert (
        '<dt>Difference</dt>\n      <dd><span class="big">+0.081</span>\n      <span class="sub">fine-tuning is better'
        in text
    )
    assert '<th scope="col" class="n">Cross-validation</th>' in text
    assert "the validation part" not in text


def test_what_did_not_come_to_an_end_is_listed_with_the_reason() -> None:
    text = page.render(invented.evidence())
    section = text[text.index('<section id="unfinished"') : text.index('<section id="gain"')]
    assert "Not run, and why" in section
    assert "the loss was not finite at step 12" in section
    assert "the budget was spent" in section
    assert "fine-tuning" not in section
    done = invented.evidence()
    done["leaderboard"] = [line for line in done["leaderboard"] if line["status"] == "done"]
    assert "Not run, and why" not in page.render(done)


def test_confidence_is_shown_as_plots_and_as_numbers() -> None:
    text = page.render(invented.evidence())
    # Of 100 rows confidence is 0.918 in the mean and accuracy 0.9: a gap of 0.018, less than 1 / sqrt(100).
    assert "On the whole its confidence is about as high as its accuracy, on 100 test rows." in text
    assert "Calibration error (ECE): 0.031 [0.016, 0.046]." in text
    assert (
        "Answering every row, it is right on 0.800 of them; answering only the most confident 50&nbsp;%, on 0.950"
        in text
    )
    assert '<th scope="row">0.93 to 1.00</th><td class="n">90</td><td class="n">0.970</td>' in unlabelled(text)
    assert '<th scope="row" class="n">0.600</th><td class="n">150</td><td class="n">75.0 %</td>' in unlabelled(text)


@pytest.mark.parametrize(("confidence", "words"), [(0.75, "0.30 higher"), (0.15, "0.30 lower")])
def test_confidence_off_the_mark_is_said(confidence: float, words: str) -> None:
    made = invented.evidence()
    accuracy = invented.share(45, 100)
    made["reliability"]["bins"] = [
        {"low": 0.1, "high": 0.8, "rows": 100, "confidence": confidence, "accuracy": accuracy}
    ]
    assert f"its confidence is {words} than its accuracy" in page.render(made)


def test_slices_worse_than_the_whole_are_marked_and_chance_is_named() -> None:
    text = page.render(invented.evidence())
    section = text[text.index('<section id="slices"') : text.index('<section id="training"')]
    assert "1 of 5 slices is clearly worse than the whole: <bdi>chat</bdi> (channel)." in section
    assert "about 0.1 would be so by chance alone" in section  # 0.025 of 5
    assert section.count("clearly worse</span>") == 1
    assert '<tr class="worse"><th scope="row"><bdi>chat</bdi>' in section
    assert "<bdi>other</bdi> (3 values)" in section
    assert "7 rows of rarer values are too few for a score" in section
    assert "<bdi>customer</bdi> (1,821 distinct values, over 20)" in section
    for line in ("0.920", "[0.820, 1.000]", "0.600", "[0.500, 0.700]"):
        assert line in section


def test_the_sections_of_evidence_from_before_are_left_out() -> None:
    text = page.render(invented.from_before())
    for name in ("certainty", "slices"):
        assert f'id="{name}"' not in text
        assert f'href="#{name}"' not in text


def test_print_is_light_whole_and_open() -> None:
    text = page.render(invented.evidence())
    rules = text[text.index("@media print") : text.index("</style>")]
    assert "--paper: #ffffff" in rules
    assert "overflow: visible" in rules
    assert "details::details-content { content-visibility: visible" in rules


def test_the_page_puts_scores_on_named_tests_beside_those_on_test() -> None:
    text = page.render(invented.named_tests())
    section = text[text.index('id="tests"') : text.index("</section>", text.index('id="tests"'))]
    assert "<h3>corner shop</h3>" in section
    assert "Corner shop minus test" in section
    assert "[\N{MINUS SIGN}0.130, \N{MINUS SIGN}0.070]" in section
    assert "film" not in section
    assert '<a href="#tests">' in text
    assert 'id="domains"' not in text
    assert "Every metric on corner shop" in text
    assert 'id="tests"' not in page.render(invented.evidence())


def test_the_page_puts_scores_in_and_out_of_domain_side_by_side() -> None:
    text = page.render(invented.two_domains())
    section = text[text.index('id="domains"') : text.index("</section>", text.index('id="domains"'))]
    assert "0.727" in section
    assert "[\N{MINUS SIGN}0.130, \N{MINUS SIGN}0.070]" in section
    assert "fine-tuning is better" in section
    assert "had 2,000 of its texts, without labels" in section
    assert '<a href="#domains">' in text
    assert "Every metric on the target domain" in text
    assert 'id="domains"' not in page.render(invented.evidence())


def test_spans_are_shown_by_type_by_outcome_and_as_marked_text() -> None:
    text = page.render(invented.spans())
    section = text[text.index('<section id="errors"') : text.index('<section id="slices"')]
    plain = unlabelled(section)
    assert (
        "Of 9 true spans, 5 were found exactly, 1 has the wrong type, 1 has the wrong boundary, 2 were missed."
        in section
    )
    assert "1 span was predicted where there is none." in section
    assert (
        '<th scope="row"><bdi>PER</bdi></th><td class="n">0.750 <span class="quiet">[0.650, 0.850]</span></td>' in plain
    )
    counts = "".join(f'<td class="n">{n}</td>' for n in (3, 1, 0, 0, 1, 1))
    assert f'<th scope="row"><bdi>PER</bdi></th>{counts}' in plain
    assert '<mark class="missed"><bdi>Ada</bdi> <span class="type">PER &middot; missed</span></mark>' in section
    assert (
        '<mark class="invented"><bdi>Monday</bdi> <span class="type">PER &gt; 0.999 &middot; invented</span></mark>'
        in section
    )
    assert '<mark class="right"><bdi>Rome</bdi> <span class="type">LOC 0.910</span></mark>' in section
    assert "1.000" not in section
    assert "spans of 2 types: <bdi>LOC</bdi>, <bdi>PER</bdi>" in text


def test_numbers_are_shown_as_dots_residuals_and_ranges_and_pairs_as_two_texts() -> None:
    text = page.render(invented.numbers())
    section = text[text.index('<section id="errors"') : text.index('<section id="slices"')]
    assert section.count('class="mote"') == 4
    assert section.count('class="pillar"') == 3
    assert (
        "Mean absolute error 0.500 [0.400, 0.600]: half of all predictions are within 0.400 of the true number"
        in section
    )
    assert '<th scope="row">0 to 1</th><td class="n">2</td><td class="n">0.600</td>' in unlabelled(section)
    assert "3 too high" in section
    assert '<bdi>left</bdi></span><p class="text" dir="auto">A dog runs.</p>' in section
    assert '<bdi>right</bdi></span><p class="text" dir="auto">A cat sleeps.</p>' in section
    assert "\u21b5" not in section
    assert "probability" not in section, "numbers have none"
    assert "model.predict([(&#34;a text&#34;, &#34;another text&#34;)])" in text


def test_questions_stand_with_the_passages_that_were_found_and_the_one_that_answers() -> None:
    text = page.render(invented.passages())
    section = text[text.index('<section id="errors"') : text.index('<section id="slices"')]
    assert '<bdi class="said">when is it open?</bdi>' in section
    first, second = section.index("The house is shut."), section.index("The shop opens at nine.")
    assert first < second
    assert '<span class="quiet">1</span>' in section[:first]
    assert "answers" not in section[section.index('<span class="quiet">1</span>') : first]
    assert '<span class="quiet">not found</span>' in section[first:second]
    assert '<bdi class="chip right">answers</bdi>' in section[first:second]
    assert "most sure" not in section


def test_label_sets_show_what_is_right_missed_and_wrongly_predicted() -> None:
    text = page.render(invented.label_sets())
    section = text[text.index('<section id="errors"') : text.index('<section id="slices"')]
    for kind, said, label in (
        ("right", "right", "a"),
        ("missed", "missed", "b, c"),
        ("invented", "wrongly predicted", "d"),
    ):
        assert f'<span class="quiet">{said}</span> <bdi class="chip {kind}">{label}</bdi>' in section
    assert "Precision and recall by label" in section


@pytest.mark.parametrize("shape", ["full", "two domains", "spans", "numbers of pairs", "label sets", "150 labels"])
def test_every_section_begins_with_how_to_read_it(shape: str) -> None:
    text = page.render(SHAPES[shape]())
    for section in re.findall(r"<section id=.*?</section>", text, re.DOTALL):
        after = section[section.index("</h2>") + 5 :].lstrip()
        begins = after[: after.find("</table>")] if "</table>" in after else after
        assert re.search(r'<p( class="wide")?>[A-Z]', begins.split("<table")[0]), section[:200]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_phone_shows_tables_of_many_columns_row_by_row(shape: str) -> None:
    text = page.render(SHAPES[shape]())
    for kinds, table in re.findall(r'<table(?: class="([^"]*)")?>(.*?)</table>', text, re.DOTALL):
        columns = table.count('<th scope="col"')
        cells = [given for tag, given in Outline(table).tags if tag == "td" and not given.get("colspan")]
        numbers = table[: table.index("</thead>")].count('class="n"') == columns
        if columns > (4 if numbers else 3) and "matrix" not in kinds:
            assert "stacks" in kinds.split()
            assert all(given.get("data-label") for given in cells)
        else:
            assert "data-label" not in table
