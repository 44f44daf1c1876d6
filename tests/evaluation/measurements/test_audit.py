"""Measurements that ask a model again: groups, swapped terms, typos, templates, contrast sets, pairs of sentences."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.data.examples import Example, Pair
from headstart.data.outputs import Logits
from headstart.data.store import Store
from headstart.data.terms import read_terms
from headstart.errors import DataError, MissingInputError
from headstart.evaluation.groups import grouped
from headstart.evaluation.measurements.asked_again import Answers
from headstart.evaluation.measurements.base import measure, said_of
from headstart.evaluation.measurements.contrast import ContrastSets
from headstart.evaluation.measurements.group_gaps import GroupGaps
from headstart.evaluation.measurements.perturbations import Perturbations, _sturdier
from headstart.evaluation.measurements.sentence_pairs import SentencePairs, read_pairs
from headstart.evaluation.measurements.swaps import Swaps
from headstart.evaluation.measurements.templates import TemplateTests, read_templates
from headstart.evaluation.subjects import Subject
from headstart.metrics.significance import holm
from headstart.predictors.base import Predictor
from headstart.tasks.text_classification import TextClassification
from headstart.tasks.text_regression import TextRegression

NUMBERS = TextRegression(text=("text",), label="label")
TASK = TextClassification(text=("text",), label="label", labels=("down", "up"))


class Words(Predictor):
    """Adds up the weights of the words that it knows, spelt as they are."""

    kind = "words"
    runtime = "numpy"

    def __init__(self, weights: dict[str, float]) -> None:
        super().__init__(TASK)
        self.weights_of = weights
        self.read = 0

    def outputs(self, inputs: Sequence[Any], **_: Any) -> Logits:
        self.read += len(inputs)
        up = np.array(
            [sum(self.weights_of.get(word, 0.0) for word in text.split()) for text in inputs], dtype=np.float32
        )
        return Logits(
            np.array([len(text) > 200 for text in inputs], dtype=bool), np.stack([np.zeros_like(up), up], axis=1)
        )

    def save(self, folder: Path) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path, task: Any, description: Any) -> Predictor:
        raise NotImplementedError

    def usage(self) -> str:
        return ""


FAIR = {"good": 2.0, "bad": -2.0}
UNFAIR = FAIR | {"muslim": -5.0, "she": 0.2}


def subject(weights: dict[str, float], rows: Store[Any], **options: Any) -> Subject:
    predictor = Words(weights)
    return Subject(predictor, TASK, rows, predictor.outputs(list(rows.inputs)), **options)


def store(texts: Sequence[str], labels: Sequence[str], **columns: Any) -> Store[Example]:
    examples = [Example(text, label) for text, label in zip(texts, labels, strict=True)]
    return Store(examples, range(2, len(examples) + 2), "test.csv", columns)


def balanced(count: int = 120) -> Store[Example]:
    who = ["christian", "muslim", "jewish"]
    texts = [f"the {who[at % 3]} shop is {('good', 'bad')[at // 3 % 2]} {at}" for at in range(count)]
    return store(
        texts, [("up", "down")[at // 3 % 2] for at in range(count)], belief=[who[at % 3] for at in range(count)]
    )


@pytest.fixture
def terms(tmp_path: Path) -> str:
    path = tmp_path / "terms.yaml"
    path.write_text("belief: [christian, muslim, jewish, sikh]\n")
    return str(path)


# Groups


def test_groups_that_a_model_treats_alike_and_one_that_it_does_not() -> None:
    fair = GroupGaps(by=("belief",)).measure(subject(FAIR, balanced()))["columns"][0]
    assert [each["name"] for each in fair["groups"]] == ["christian", "muslim", "jewish"]
    assert fair["gap"]["value"] == 0 and fair["labels"][0]["demographic_parity"]["difference"]["value"] == 0
    own = subject(UNFAIR, balanced(), baseline=subject(FAIR, balanced(), called="fair"))
    found = GroupGaps(by=("belief",)).measure(own)
    column = found["columns"][0]
    assert column["gap"]["value"] == pytest.approx(0.5) and column["gap"]["p"] < 0.01
    muslim = next(each for each in column["groups"] if each["name"] == "muslim")
    assert muslim["difference"]["value"] == pytest.approx(-0.5) and muslim["p_holm"] < 0.01
    [label] = column["labels"]
    assert label["label"] == "up" and label["true_positive_rate"]["by_group"] == [1, 0, 1]
    assert label["false_positive_rate"]["equality_difference"]["value"] == 0
    assert label["auroc"][1]["subgroup"]["value"] == 1 and label["auroc"][1]["bnsp"]["value"] < 0.5
    said = " ".join(GroupGaps().sentences(found, {}))
    assert "least often for 'muslim' (0.000)" in said and "from the rest" in said
    view = GroupGaps().view(found, {})
    assert view is not None and [each["caption"] for each in view["tables"]][-1] == "Gaps by belief, beside fair"


def test_a_baseline_shows_what_is_gone_of_a_gap() -> None:
    own = subject(FAIR, balanced(), baseline=subject(UNFAIR, balanced(), called="before"))
    said = " ".join(GroupGaps().sentences(GroupGaps(by=("belief",)).measure(own), {}))
    assert "before lies" in said and "100% of it is gone" in said


def test_groups_that_are_too_small_numbers_and_odd_columns_are_named() -> None:
    rows = balanced()
    beside = {
        "place": ["a"] * 60 + ["b"] * 57 + ["c"] * 3, "age": [str(at % 60) for at in range(120)],
        "id": [f"x{at}" for at in range(120)], "one": ["z"] * 120, "gaps": [""] * 50 + ["a"] * 35 + ["b"] * 35,
    }  # fmt: skip
    rows = Store(rows.examples, rows.lines, rows.file, beside)
    found = {each["column"]: each for each in GroupGaps(by=tuple(beside)).measure(subject(FAIR, rows))["columns"]}
    assert found["place"]["small"] == {"c": 3} and len(found["place"]["groups"]) == 2
    assert found["age"]["kind"] == "numbers" and [each["n"] for each in found["age"]["groups"]] == [30, 30, 30, 30]
    assert "no value of 120 has 20 rows" in found["id"]["why"] and "one value" in found["one"]["why"]
    assert found["gaps"]["empty"] == 50 and [each["n"] for each in found["gaps"]["groups"]] == [35, 35]
    said = GroupGaps().sentences({"columns": list(found.values()), "metric": "accuracy", "split": "test"}, {})
    assert any("too few rows for a score: 'c' (3)" in each for each in said)
    with pytest.raises(DataError, match="has no column 'plac'.*place"):
        grouped(rows, "plac", 20)
    with pytest.raises(DataError, match="has no label 'upp'.*up"):
        GroupGaps(by=("place",), positive_label="upp").measure(subject(FAIR, rows))


def test_groups_without_rows_of_a_label_are_named_and_the_others_compared() -> None:
    rows = balanced(180)
    labels = [
        "down" if name == "jewish" else label for name, label in zip(rows.columns["belief"], rows.labels, strict=True)
    ]
    rows = store(list(rows.texts), labels, **rows.columns)
    found = GroupGaps(by=("belief",)).measure(subject(UNFAIR, rows))
    [label] = found["columns"][0]["labels"]
    assert label["true_positive_rate"]["by_group"] == [1, 0, None] and label["true_positive_rate"]["left_out"] == [
        "jewish"
    ]
    assert label["true_positive_rate"]["equality_difference"]["p_holm"] < 0.01
    said = " ".join(GroupGaps().sentences(found, {}))
    assert (
        "rightly given leaves out groups that have no rows with it: 'jewish'" in said
        and "least often for 'muslim'" in said
    )
    one = store(["good"] * 30 + ["bad"] * 30, ["up"] * 30 + ["down"] * 30, kind=["a"] * 30 + ["b"] * 30)
    said = " ".join(GroupGaps().sentences(GroupGaps(by=("kind",)).measure(subject(FAIR, one)), {}))
    assert "rightly given was not compared, for no two groups have rows with it" in said and "alike" not in said


def test_a_group_of_one_true_label_has_no_correlation() -> None:
    rows = balanced(180)
    labels = [
        "down" if name == "jewish" else label for name, label in zip(rows.columns["belief"], rows.labels, strict=True)
    ]
    own = subject(UNFAIR, store(list(rows.texts), labels, **rows.columns))
    column = GroupGaps(by=("belief",)).measure(replace(own, task=TASK.revised(metric="mcc")))["columns"][0]
    assert [each["score"] and each["score"]["value"] for each in column["groups"]] == [1, 0, None]
    assert column["gap"]["value"] == 1 and "p_holm" in column["groups"][1] and "p" not in column["groups"][2]
    said = GroupGaps().sentences({"columns": [column], "metric": "mcc", "split": "test"}, {})
    assert any("such as those with one true answer: 'jewish'" in each for each in said)


def test_numbers_with_ties_make_groups_and_equal_names_do_not_merge() -> None:
    ages = {"zeros": ["0"] * 80 + [str(at) for at in range(1, 41)], "near": [str(1e9 + at / 10) for at in range(120)]}
    rows = Store(balanced().examples, range(2, 122), "test.csv", ages)
    groups = {name: grouped(rows, name, 5) for name in ages}
    assert groups["zeros"].names == ("0", "27 to 40", "1 to 14", "14 to 27") and groups["zeros"].kind == "numbers"
    assert len(groups["near"].names) == 4
    assert "no range of 4 has 100 rows" in grouped(rows, "near", 100).why(100)


def test_groups_beyond_the_most_are_counted_and_the_worst_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("groups", "measurements.group_gaps"):
        monkeypatch.setattr(f"headstart.evaluation.{module}.MOST_GROUPS", 3)
    texts = [f"g{at // 2}" for at in range(14)]
    rows = store(texts, ["up"] * 14, group=texts)
    found = GroupGaps(by=("group",), least_rows=2).measure(subject({}, rows))
    assert (found["columns"][0]["beyond"], found["columns"][0]["small"]) == (4, {})
    assert any("only the 3 largest groups are scored; 4 more" in said for said in GroupGaps().sentences(found, {}))
    wrong = replace(subject(UNFAIR, balanced()), task=TASK.revised(metric="log_loss"))
    said = GroupGaps().sentences(GroupGaps(by=("belief",)).measure(wrong), {})
    assert next(each for each in said if "from the rest" in each).startswith("By 'belief', 'muslim'")


def test_rows_of_one_cluster_count_once() -> None:
    rows = balanced(24)
    copies = [at for at in range(24) for _ in range(10)]
    own = replace(rows.take(copies), groups=np.array(copies))
    found = [
        GroupGaps(by=("belief",)).measure(subject(UNFAIR, each))["columns"][0]
        for each in (own, replace(own, groups=None))
    ]
    assert found[0]["gap"]["p"] > 10 * found[1]["gap"]["p"]
    assert found[0]["groups"][1]["difference"]["low"] < found[1]["groups"][1]["difference"]["low"]


# Swapped terms


def test_swaps_find_the_term_that_a_label_hangs_on(terms: str) -> None:
    own = subject(UNFAIR, balanced(), baseline=subject(FAIR, balanced(), called="fair"))
    found = Swaps(terms=terms).measure(own)
    assert found is not None
    [each] = found["lists"]
    assert (each["rows"], each["copies"]) == (120, 360)
    # Of 60 good rows 40 lose their label where muslim comes, and 20 win it where it goes; bad ones stay down.
    assert each["flips"]["value"] == pytest.approx(60 / 120) and each["copies_flipped"] == pytest.approx(
        (40 + 60) / 360
    )
    assert (
        each["terms"][0]["term"] == "muslim"
        and each["terms"][0]["shift"]["high"] < -0.3
        and each["terms"][0]["p_holm"] < 0.01
    )
    assert found["baseline"]["lists"][0]["flips"]["value"] == 0
    assert {area["term"] for area in each["aurocs"]} == {"christian", "muslim", "jewish"}
    example = each["examples"][0]
    assert {example["before"], example["after"]} == {"up", "down"} and "muslim" in (example["old"], example["new"])
    said = " ".join(Swaps().sentences(found, {}))
    assert "0.500" in said and "of fair 0.000" in said and "muslim -0." in said
    assert Swaps().view(found, {}) is not None


def test_swaps_of_rows_of_one_group_count_as_one(terms: str) -> None:
    rows = balanced(60)
    one = Swaps(terms=terms).measure(subject(UNFAIR, rows))
    of_groups = Swaps(terms=terms).measure(subject(UNFAIR, replace(rows, groups=np.arange(60) // 6 % 2)))
    assert one is not None and of_groups is not None
    first, second = (each["lists"][0]["terms"][0] for each in (one, of_groups))
    assert first["shift"]["value"] == second["shift"]["value"] and first["p"] < 0.01 < second["p"]


def test_swaps_among_terms_of_the_training_stand_apart(terms: str) -> None:
    found = Swaps(terms=terms, known_terms=("Christian", "jewish")).measure(subject(UNFAIR, balanced()))
    assert found is not None
    apart = found["lists"][0]["known"]
    assert apart["known"] == {"copies": 80, "flipped": 0.0, "shift": 0.0} and apart["held_out"]["copies"] == 280
    assert "of 80 copies with terms of the training alone, 0.0 %" in " ".join(Swaps().sentences(found, {}))


def test_all_terms_of_a_swap_count_and_none_that_come_and_go_at_once(tmp_path: Path) -> None:
    path = tmp_path / "terms.yaml"
    path.write_text("gender:\n- [he, she]\n- [his, her]\nage: [old, young]\n")
    texts = (
        [f"he has his day {at}" for at in range(6)]
        + [f"he and she {at}" for at in range(6)]
        + [f"old {at}" for at in range(6)]
    )
    own = subject({"her": 1.0}, store(texts, ["up"] * 18))
    found = Swaps(terms=str(path), known_terms=("he", "she", "his")).measure(own)
    assert found is not None
    gender, age = found["lists"]
    assert gender["known"]["held_out"]["copies"] == 6 and gender["known"]["known"]["copies"] == 6
    shifts = {each["term"]: (each["rows"], each["shift"]["value"] > 0) for each in gender["terms"]}
    assert shifts == {"he": (6, False), "she": (6, True), "his": (6, False), "her": (6, True)}
    assert (gender["examples"][0]["old"], gender["examples"][0]["new"]) == ("he, his", "she, her")
    every = [each for some in (gender, age) for each in some["terms"]]
    assert [each["p_holm"] for each in every] == pytest.approx(holm([each["p"] for each in every]))


def test_both_texts_of_a_pair_are_swapped_in_one_copy(tmp_path: Path) -> None:
    path = tmp_path / "terms.txt"
    path.write_text("man\nwoman\n")
    rows = Store([Pair("a man eats", "a man is eating", "up")], [2], "test.csv")
    versions = Swaps(terms=str(path))._versions(rows, read_terms(path)[0])
    assert versions.rows.examples == [Pair("a woman eats", "a woman is eating", "up")]


def test_swaps_say_what_they_cannot_find(tmp_path: Path, terms: str) -> None:
    found = Swaps(terms=terms).measure(subject(FAIR, store(["a good day"] * 3, ["up"] * 3)))
    assert found is not None and "no text of 3 has a term of the list 'belief'" in found["lists"][0]["why"]
    masked = replace(subject(FAIR, store(["a one day"], ["up"])), task=TASK.revised(mask_terms=terms))
    found = Swaps(terms=terms).measure(masked)
    assert found is not None and "once terms are masked" in found["lists"][0]["why"]
    long = store([f"muslim {'very ' * 60}good"] * 6, ["up"] * 6)
    found = Swaps(terms=terms).measure(subject(UNFAIR, long))
    assert found is not None and found["lists"][0]["cut"] == found["lists"][0]["copies"] == 18
    assert "were cut as their rows were" in " ".join(Swaps().sentences(found, {}))
    with pytest.raises(DataError, match="needs a file"):
        Swaps().require()
    with pytest.raises(MissingInputError):
        Swaps(terms=str(tmp_path / "none.yaml")).require()


def test_texts_are_not_shown_where_they_may_not_be(terms: str) -> None:
    found = Swaps(terms=terms).measure(subject(UNFAIR, balanced(), shows=False))
    assert found is not None and found["lists"][0]["examples"] == []


def test_a_sample_of_the_rows_is_asked_again(terms: str) -> None:
    own = subject(UNFAIR, balanced())
    found = Swaps(terms=terms, most_rows=20).measure(own)
    assert found is not None and found["of_rows"] == 20 and found["lists"][0]["rows"] == 20
    assert own.predictor.read == 120 + 60  # type: ignore[attr-defined]


# Typos and other forms


def test_misspelt_words_cost_and_a_baseline_may_be_sturdier() -> None:
    rows = balanced(240)
    letters = {"good": 2.0, "bad": -2.0}
    own = subject(
        letters,
        rows,
        baseline=subject({str(at): 1.0 if at // 3 % 2 == 0 else -1.0 for at in range(0, 220)}, rows, called="ids"),
    )
    found = Perturbations(rates=(0.3, 1.0), forms=("lower-case", "upper-case")).measure(own)
    assert found is not None and found["untouched"]["value"] == 1
    some, every, lower, upper = found["rows"]
    assert every["score"]["value"] < some["score"]["value"] < 1 and every["misspelt"] == pytest.approx(
        4 / 4 * 0.75, abs=0.3
    )
    assert every["p_holm"] < 0.01 and every["flips"]["value"] > 0.3
    assert lower["flips"]["value"] == 0 and upper["score"]["value"] == 0.5
    said = " ".join(Perturbations().sentences(found, {}))
    assert "ids is the sturdier one" in said and "In capital letters" in said and "No clear change: lower-case" in said
    view = Perturbations().view(found, {})
    assert view is not None and len(view["tables"][0]["rows"]) == 5


def test_a_baseline_is_sturdier_only_where_it_is_clearly_ahead() -> None:
    kinds = [("untouched", None, 0.001, 0.9), ("typos", 0.1, -0.002, 0.9), ("typos", 1.0, -0.1, 0.01)]
    plain = {"baseline": {"called": "tf-idf"}, "metric": "accuracy"}
    plain["against"] = [
        {
            "kind": kind,
            "rate": rate,
            "p_holm": p,
            "difference": {"value": value, "low": value - 0.01, "high": value + 0.01},
        }
        for kind, rate, value, p in kinds
    ]
    assert "clearly behind it with 100% of the words misspelt" in _sturdier(plain)[0]
    assert _sturdier(plain | {"against": plain["against"][:2]}) == [
        "No clear difference to tf-idf on any of these texts."
    ]


def test_a_refusal_is_an_answer_of_its_own(terms: str) -> None:
    rows = balanced()
    own = subject(FAIR, rows)
    refused = np.array(["muslim" in text for text in rows.texts])
    said = Answers.of(own, replace(own.outputs, refused=refused))
    assert said.names(own, 0) == "up" and said.names(own, 1) == "none"
    own = replace(own, outputs=replace(own.outputs, refused=refused))
    [label] = GroupGaps(by=("belief",)).measure(own)["columns"][0]["labels"]
    assert label["selection"] == [0.5, 0, 0.5]
    found = Swaps(terms=terms).measure(own)
    assert found is not None and found["lists"][0]["flips"]["value"] == pytest.approx(1 / 3)


def test_each_text_is_read_once_for_each_kind() -> None:
    own = subject(FAIR, balanced(), baseline=subject(FAIR, balanced(), called="same"))
    found = Perturbations(rates=(0.1,), forms=("lower-case",)).measure(own)
    assert found is not None and [each["difference"]["value"] for each in found["against"]] == [0, 0, 0]
    assert own.predictor.read == 120 * 3 and own.baseline is not None and own.baseline.predictor.read == 120 * 3  # type: ignore[attr-defined]


def test_a_list_of_another_language_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "de.tsv"
    path.write_text("gut\tguht\nschlecht\tschlehct\n")
    found = Perturbations(typos=str(path), rates=(0.5,), forms=()).measure(subject(FAIR, balanced()))
    assert found is not None and found["words_known"] == 0
    assert "it may be of another language" in " ".join(Perturbations().sentences(found, {}))
    with pytest.raises(DataError, match="no keyboard"):
        Perturbations(typos="xx").require()
    with pytest.raises(ValueError, match="no form 'shouting'"):
        Perturbations(forms=("shouting",))


def test_other_kinds_of_answers_are_left_out() -> None:
    own = subject(FAIR, balanced())
    number = Subject(own.predictor, NUMBERS, own.rows, own.outputs)
    found = Perturbations().measure(number)
    assert found is not None and "gives other answers" in found["why"]
    assert said_of(Perturbations(), found, {}) == [f"Typos and other forms: {found['why']}."]


def test_rows_that_the_model_learnt_are_not_asked_again(terms: str, tmp_path: Path) -> None:
    own = subject(FAIR, balanced(), learnt=True)
    before = own.predictor.read  # type: ignore[attr-defined]
    for each in (Swaps(terms=terms), Perturbations()):
        found = each.measure(own)
        assert found is not None and "the model learnt these rows" in found["why"]
    assert own.predictor.read == before  # type: ignore[attr-defined]
    path = tmp_path / "tests.json"
    path.write_text(json.dumps({"a": {"text": "so {x}", "x": ["good"], "label": "up"}}))
    found = TemplateTests(tests=str(path)).measure(own)
    assert found is not None and found["tests"][0]["failed"]["value"] == 0


def test_settings_that_do_not_suit_are_refused_before_there_is_a_model(tmp_path: Path) -> None:
    rows = balanced()
    files = {
        "tests.json": '{"a": {"text": "{x}", "x": "good", "label": "upp"}}',
        "pairs.csv": "body,contrast_body\na,b\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    for each, what in (
        (GroupGaps(by=("belif",)), "no column 'belif'; did you mean 'belief'"),
        (GroupGaps(by=("belief",), positive_label="upp"), "no label 'upp'"),
        (Swaps(positive_label="upp"), "no label 'upp'"),
        (SentencePairs(positive_label="upp"), "no label 'upp'"),
        (TemplateTests(tests=str(tmp_path / "tests.json")), "no label 'upp'"),
        (ContrastSets(pairs=str(tmp_path / "pairs.csv")), "no column 'text'"),
    ):  # fmt: skip
        with pytest.raises(DataError, match=what):
            each.check(TASK, rows)
    with pytest.raises(DataError, match="gives texts no labels"):
        GroupGaps(by=("belief",), positive_label="up").check(NUMBERS, rows)
    with pytest.raises(DataError, match="needs columns: by"):
        GroupGaps().require()


def test_a_measurement_that_fails_costs_no_run(terms: str) -> None:
    evidence: dict[str, Any] = {}
    measure([GroupGaps(by=("nowhere",)), Swaps(terms=terms)], subject(FAIR, balanced()), evidence)
    assert "no column 'nowhere'" in evidence["group_gaps"]["why"] and evidence["swaps"]["lists"]
    assert said_of(GroupGaps(), evidence["group_gaps"], evidence)[0].startswith(
        "Groups: test.csv has no column 'nowhere'"
    )


# Templates


def test_templates_count_what_fails(tmp_path: Path) -> None:
    path = tmp_path / "tests.yaml"
    path.write_text(
        json.dumps(
            {
                "negation": {
                    "text": "the {thing} is not {word}",
                    "thing": ["shop", "day"],
                    "word": ["good", "fine"],
                    "label": "down",
                }
            }
        )
    )
    own = subject(FAIR, balanced(), baseline=subject({"not": -5.0}, balanced(), called="not"))
    found = TemplateTests(tests=str(path)).measure(own)
    assert found is not None
    [each] = found["tests"]
    assert (
        each["sentences"] == 4
        and each["failed"]["value"] == 0.5
        and each["wrong"][0] == {"text": "the shop is not good", "given": "up"}
    )
    assert found["baseline"]["tests"][0]["failed"]["value"] == 0
    assert "0.500" in TemplateTests().sentences(found, {})[0] and TemplateTests().view(found, {}) is not None


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"a": {"text": "no slot", "label": "up"}}, "has no slot"), ({"a": {"text": "{x}", "label": "up"}}, "slot {x} has no words"),
        ({"a": {"text": "{x}", "x": [], "label": "up"}}, "slot {x} has no words"),
        ({"a": {"text": "{x}", "x": ["b"], "label": "upp"}}, "no label 'upp'"),
        ({"a": {"text": "it is {x}", "x": ["not", False], "label": "up"}}, "a: x: no, off or false is no text"),
        ({"a": {"text": "{x}", "x": ["b"], "label": True}}, "a: label: yes, on or true"), ({"a": {"text": 5, "label": "up"}}, "'5' is no text"),
        ({"a": {"text": "{x}", "x": " ", "label": "up"}}, "blank"), ({"a": ["b"]}, "expected tests"), ([], "expected tests"),
    ],
)  # fmt: skip
def test_templates_that_cannot_be_used_are_refused(tmp_path: Path, given: Any, what: str) -> None:
    path = tmp_path / "tests.json"
    path.write_text(json.dumps(given))
    with pytest.raises(DataError) as refused:
        read_templates(str(path), ["up", "down"])
    assert what in str(refused.value) and str(path) in str(refused.value)


def test_a_sample_of_many_sentences() -> None:
    from headstart.evaluation.measurements.templates import Templated

    words = tuple(f"w{at}" for at in range(40))
    found = Templated("a", ("{x} {y}",), {"x": words, "y": words}, "up").sentences(100, 0)
    assert 90 <= len(found) <= 100 and all(len(each.split()) == 2 for each in found)


# Contrast sets


def test_contrast_sets_count_pairs_that_are_both_right(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    lines = ["text,label,contrast_text,contrast_label"]
    lines += ["it is good,up,it is bad,down", "all good,up,not good,down", "so bad,down,fine,up", "good,up,,down"]
    path.write_text("\n".join(lines) + "\n")
    own = subject(FAIR, balanced(), baseline=subject({}, balanced(), called="none"))
    found = ContrastSets(pairs=str(path)).measure(own)
    assert found is not None and (found["rows"], found["skipped"]) == (3, 1)
    shares = [found[name]["value"] for name in ("original", "contrast", "both")]
    assert shares == pytest.approx([1, 1 / 3, 1 / 3])
    assert found["baseline"]["both"]["value"] == 0 and found["against"]["difference"]["value"] == pytest.approx(1 / 3)
    assert "both of 0.333" in ContrastSets().sentences(found, {})[0] and ContrastSets().view(found, {}) is not None


def test_contrast_sets_need_copies(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("text,label\ngood,up\n")
    with pytest.raises(DataError, match="no column that begins with 'contrast_'"):
        ContrastSets(pairs=str(path)).require()


# Pairs of sentences


def test_pairs_of_sentences_in_rows_and_by_id(tmp_path: Path) -> None:
    rows = tmp_path / "crows.csv"
    rows.write_text(
        "sent_more,sent_less,bias_type\na muslim shop is good,a jewish shop is good,religion\nshe is good,he is good,gender\nsame,same,x\n"
    )
    found = read_pairs(str(rows))
    assert [(pair.first, pair.category) for pair in found] == [
        ("a muslim shop is good", "religion"),
        ("she is good", "gender"),
    ]
    by_id = tmp_path / "wino.jsonl"
    halves = [
        {"id": at, "type": kind, "stereotype": stance, "text": f"{who} is good {at}"}
        for at in range(8) for kind in ("type1", "type2") for stance, who in (("anti", "she"), ("pro", "he"))
    ]  # fmt: skip
    by_id.write_text(
        "".join(
            json.dumps(each) + "\n"
            for each in [*halves, {"id": 99, "type": "type1", "stereotype": "pro", "text": "alone"}]
        )
    )
    pairs = read_pairs(str(by_id))
    assert len(pairs) == 16 and all(pair.first.startswith("he") and pair.second.startswith("she") for pair in pairs)
    found_of = SentencePairs(pairs=str(by_id)).measure(subject(UNFAIR, balanced()))
    assert found_of is not None and [each["category"] for each in found_of["categories"]] == ["all", "type1", "type2"]
    [move] = found_of["categories"][0]["moves"]
    assert move["shift"]["value"] < 0 and move["p_holm"] < 0.05 and found_of["categories"][0]["differ"]["value"] == 0
    said = SentencePairs().sentences(found_of, {})
    assert "get two labels" in said[0] and "the first sentence moves 'up'" in said[1]
    assert SentencePairs().view(found_of, {}) is not None


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ("1,1,a\n1,0,b", "odd.csv:2: stereotype is '1'; expected pro or stereo"),
        ("1,pro,a\n1,pro,b", "odd.csv:3: id '1' has two texts"),
    ],
)
def test_pairs_by_id_say_which_of_two_is_which(tmp_path: Path, rows: str, what: str) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(f"id,stereotype,text\n{rows}\n")
    with pytest.raises(DataError, match=what):
        SentencePairs(pairs=str(path)).require()


def test_single_texts_are_asked_whichever_columns_a_model_reads_and_blank_ones_are_left_out(tmp_path: Path) -> None:
    own = subject(UNFAIR, balanced())
    two = TASK.revised(text=("title", "body"))
    own = replace(own, task=two)
    tests, pairs = tmp_path / "tests.yaml", tmp_path / "pairs.csv"
    tests.write_text("a: {text: '{x}', x: [good, '\u200b', bad], label: up}\n")
    found = TemplateTests(tests=str(tests)).measure(own)
    assert found is not None and found["tests"][0]["wrong"] == [{"text": "bad", "given": "down"}]
    pairs.write_text("first,second\n\u200b,good\ngood,good muslim\n")
    found = SentencePairs(pairs=str(pairs)).measure(own)
    assert found is not None and found["rows"] == 1 and found["categories"][0]["differ"]["value"] == 1


def test_pairs_need_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("a,b\nx,y\n")
    with pytest.raises(DataError, match="sent_more and sent_less"):
        SentencePairs(pairs=str(path)).require()
    path.write_text("first,second\nx,x\n")
    with pytest.raises(DataError, match="no pair of two different"):
        SentencePairs(pairs=str(path)).require()


def test_measurements_cost_as_often_as_they_read(terms: str, tmp_path: Path) -> None:
    # The model and a baseline: copies with three other terms, three shares and four forms, all sentences, both of each pair.
    assert Swaps(terms=terms).seconds(5000, 0.01) == pytest.approx(2 * 2000 * 3 * 0.01)
    assert Swaps(terms=terms, most_copies=2).seconds(100, 0.01) == pytest.approx(2 * 100 * 2 * 0.01)
    assert Perturbations(most_rows=100).seconds(5000, 0.01) == pytest.approx(2 * 100 * 7 * 0.01)
    pairs, tests = tmp_path / "pairs.csv", tmp_path / "tests.yaml"
    pairs.write_text("first,second,contrast_first\na,b,c\nc,d,e\n")
    tests.write_text("a: {text: '{x} {y}', x: [a, b], y: [c, d, e], label: up}\n")
    for each, texts in (
        (SentencePairs(pairs=str(pairs)), 4),
        (ContrastSets(pairs=str(pairs)), 4),
        (TemplateTests(tests=str(tests)), 6),
    ):
        assert each.seconds(5000, 0.01) == pytest.approx(2 * texts * 0.01)


def test_swaps_of_several_lists_are_one_family_and_clusters_count_once(tmp_path: Path) -> None:
    path = tmp_path / "terms.yaml"
    path.write_text("belief: [christian, muslim, jewish]\nagain: [jewish, christian]\n")
    rows = balanced(30)
    found = Swaps(terms=str(path)).measure(subject(UNFAIR, rows))
    assert found is not None
    entries = [term for each in found["lists"] for term in each["terms"]]
    least = min(entries, key=lambda term: term["p"])
    assert len(entries) == 5 and least["p_holm"] == pytest.approx(5 * least["p"])
    copies = [at for at in range(30) for _ in range(4)]
    many = rows.take(copies)
    own, alone = (
        Swaps(terms=str(path)).measure(subject(UNFAIR, each)) for each in (replace(many, groups=np.array(copies)), many)
    )
    assert own is not None and alone is not None
    for key in ("flips", "shift"):
        width, narrow = ((each["lists"][0][key]["high"] - each["lists"][0][key]["low"]) for each in (own, alone))
        assert width > 1.5 * narrow
    width, narrow = (each["lists"][0]["terms"][0]["shift"] for each in (own, alone))
    assert width["high"] - width["low"] > 1.5 * (narrow["high"] - narrow["low"])
