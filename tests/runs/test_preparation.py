"""From files to parts: what is left out is said, cuts keep together what belongs together."""

from collections import Counter
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from headstart.checks.lengths import lengths
from headstart.data import columns
from headstart.data.columns import ArrowColumn
from headstart.data.table import Table
from headstart.errors import DataError, MissingInputError, RecipeError
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY, TARGET_TEST, TEST, Role
from headstart.runs import cuts, splitting
from headstart.runs.parts import Parts
from headstart.runs.preparation import into_parts, prepare, read, resolve
from headstart.runtime.progress import SILENT, Progress


def rows(count: int = 40, labels: str = "ab") -> list[tuple[str, str, str]]:
    return [(f"text number {at}", labels[at % len(labels)], f"g{at // 4}") for at in range(count)]


def written(path: Path, found: list[tuple[str, str, str]], header: str = "text,label,who") -> str:
    path.write_text("\n".join([header, *(",".join(row) for row in found)]) + "\n", encoding="utf-8")
    return str(path)


def parted(found: list[tuple[str, str, str]] | str, progress: Progress = SILENT, **options: Any) -> Parts:
    if isinstance(found, str):
        return prepare(assemble("fit", {"train": found} | options), progress)
    columns = {name: [row[at] for row in found] for at, name in enumerate(("text", "label", "who"))}
    table = Table(MEMORY, columns, list(range(1, len(found) + 1)))
    return prepare(assemble("fit", {"train": MEMORY} | options), progress, table)


def texts(part: Any) -> list[str]:
    return [example.text for example in part.examples]


def warned(parts: Parts, words: str) -> list[str]:
    return [warning for warning in parts.warnings if words in warning]


class Heard(Progress):
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, bool]] = []

    def say(self, topic: str, message: str, *, warning: bool = False) -> None:
        self.lines.append((topic, message, warning))


def test_parts_are_cut_by_their_shares_and_hold_every_row_once() -> None:
    parts = parted(rows(200), test_share=0.2, validation_share=0.25)
    assert parts.test is not None
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (120, 40, 40)
    assert sorted(texts(parts.train) + texts(parts.validation) + texts(parts.test)) == sorted(
        row[0] for row in rows(200)
    )
    assert parts.rule == "test and validation cut off, stratified by label, seed 0, equal texts on one side"
    assert parts.facts()["splits"]["test"]["labels"] == {"a": 20, "b": 20}


def test_without_a_test_part_none_is_cut_off() -> None:
    parts = parted(rows(), test_share=0.0, folds=0)
    assert parts.test is None
    assert len(parts.train) + len(parts.validation) == 40


def test_the_seed_decides_the_cut() -> None:
    cuts = [texts(parted(rows(200), seed=seed).test) for seed in (0, 0, 1)]
    assert cuts[0] == cuts[1] != cuts[2]


def test_no_group_is_parted() -> None:
    parts = parted(rows(240), group_column="who")
    sides = [set(part.columns["who"]) for part in (parts.train, parts.validation, parts.test) if part]
    assert [sides[a] & sides[b] for a, b in ((0, 1), (0, 2), (1, 2))] == [set(), set(), set()]
    assert "whole groups by who" in parts.rule


def test_equal_texts_stand_on_one_side_and_tie_their_groups_together() -> None:
    found = rows(240)
    found[0] = ("Same  words", "a", "g0")
    found[50] = ("same words", "a", "g12")
    for seed in range(5):
        parts = parted(found, group_column="who", seed=seed)
        for part in (parts.train, parts.validation, parts.test):
            assert part is not None
            assert ("g0" in part.columns["who"]) == ("g12" in part.columns["who"])
        assert not warned(parts, "also a training row")
    assert warned(parted(found), "1 training rows repeat") or warned(parted(found, seed=1), "1 training rows repeat")


def test_the_latest_rows_are_the_test_and_those_before_them_validation() -> None:
    found = [(f"t{at}", "ab"[at % 2], f"2024-{1 + at // 20:02}-{1 + at % 20:02}") for at in range(240)]
    parts = parted(found[::-1], time_column="who", test_share=0.2, validation_share=0.25)
    order = [part.columns["who"] for part in (parts.train, parts.validation, parts.test) if part]
    assert max(order[0]) < min(order[1]) <= max(order[1]) < min(order[2])
    assert [len(part) for part in order] == [144, 48, 48]
    assert "latest rows by who" in parts.rule


@pytest.mark.parametrize("option", ["group_column", "time_column"])
def test_a_column_to_cut_by_must_be_there_and_full(option: str) -> None:
    flag = "--" + option.replace("_", "-")
    with pytest.raises(DataError, match=rf"has no column 'whom'; did you mean 'who'\?.*{flag}"):
        parted(rows(), **{option: "whom"})
    found = rows()
    found[7] = ("t", "b", "  ")
    with pytest.raises(DataError, match=rf"<memory>:8: column 'who' \({flag}\) is empty there"):
        parted(found, **{option: "who"})


def test_a_label_that_would_have_no_training_row_stops_the_cut() -> None:
    found = [(f"t{at}", "ab"[at > 20], f"{at:03}") for at in range(24)]
    with pytest.raises(
        DataError, match=r"when cutting off a part, label\(s\) b would have no training row; give a file"
    ):
        parted(found, time_column="who", test_share=0.2)


def test_one_group_cannot_be_cut() -> None:
    with pytest.raises(
        DataError, match="no row is left to cut off; give a file with --validation or --test, or more rows"
    ):
        parted([(text, label, "one") for text, label, _ in rows()], group_column="who", folds=0)


def test_texts_with_two_labels_are_named_by_line() -> None:
    found = [*rows(), ("Twice", "a", "x"), ("twice", "b", "x")]
    found += [("twice", "b", "x")]
    for seed in range(20):
        parts = parted(found, seed=seed)
        if "Twice" in texts(parts.train):
            assert warned(parts, "1 texts stand with different labels (lines 41, 42, 43); at most one can be right")
            return
    raise AssertionError("the texts never stood in the training part")


def test_test_rows_that_training_holds_are_counted_and_named(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", rows())
    test = written(
        tmp_path / "test.csv", [("TEXT number  0", "a", "x"), ("fresh", "b", "x"), ("text number 3", "b", "x")]
    )
    parts = parted(train, test=test, validation=test)
    assert warned(parts, "2 test rows have a text that is also a training row (lines 2, 4): scores may be optimistic")
    assert warned(parts, "2 validation rows have a text")
    assert warned(parts, "only 3 test rows: intervals are wide")
    assert len(parts.train) == 40
    assert parts.rule.startswith("as given; settings for few rows by 3-fold cross-validation")


def test_rows_of_labels_that_training_lacks_are_left_out_and_said(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", rows())
    test = written(tmp_path / "test.csv", [("x", "a", "x"), ("y", "can't say", "x"), ("z", "c", "x")])
    parts = parted(train, test=test)
    assert parts.test is not None
    assert texts(parts.test) == ["x"]
    assert warned(parts, "have labels that training rows lack ('c', 'can't say'); they are left out")
    assert [(Path(row.file).name, row.line) for row in parts.dropped] == [("test.csv", 3), ("test.csv", 4)]
    assert [(row["role"], row["rows"], row["used"]) for row in parts.files] == [("train", 40, 40), ("test", 3, 1)]


def test_a_part_without_any_known_label_is_refused(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", rows())
    test = written(tmp_path / "test.csv", [("x", "q", "x")])
    with pytest.raises(DataError, match=r"test\.csv has no row whose label occurs in the training rows"):
        parted(train, test=test)


def test_rows_left_out_and_warnings_are_said_aloud() -> None:
    heard = Heard()
    parted([*rows(), ("", "a", "x"), ("t", "", "x")], heard)
    assert ("data", "left out <memory>:41: no text", True) in heard.lines
    assert ("data", "left out <memory>:42: no label", True) in heard.lines
    said = [message for topic, message, warning in heard.lines if topic == "data" and not warning]
    assert "40 rows of <memory>: text-classification, text text, label label (a 20, b 20), metric accuracy" in said[0]


def test_data_without_a_usable_row_says_why() -> None:
    with pytest.raises(DataError, match="has no row with text and label; first reason: no text"):
        parted([("", "a", "x"), (" ", "b", "x")], text="text", label="label")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"nothing\.csv"):
        parted(str(tmp_path / "nothing.csv"))


def test_rows_used_and_left_out_add_up(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"t{at},{'ab'[at % 2]}\n" for at in range(210)) + "x,y,z\n,a\n")
    parts = parted(str(path))
    assert parts.test is not None
    used = len(parts.train) + len(parts.validation) + len(parts.test)
    assert (used, len(parts.dropped), parts.files[0]["rows"]) == (210, 2, 212)


def test_resolving_fills_in_what_can_be_known_before_training(tiny_csv: Path, tiny_backbone: Path) -> None:
    recipe = assemble("fit", {"train": str(tiny_csv), "backbone": str(tiny_backbone), "seed": 3})
    found = resolve(recipe)
    assert (found.task.text, found.task.label, found.task.labels) == (("text",), "label", ("down", "up"))
    assert [strategy.name for strategy in found.strategies] == [
        "feature-extraction", "contrastive", "fine-tuning", "lora",
    ]  # fmt: skip
    assert len(found.backbone.digest) == 64
    assert found.threads >= 1
    assert found.seed == 3
    other = assemble("predict", {"model": "x", "texts": ("a",)})
    assert resolve(other) is other


def test_lengths_by_hand() -> None:
    from headstart.data.tokens import pack

    found = lengths(pack([[1] * 3, [1] * 8, [1] * 5], [0, 12, 0]), 8)
    assert found == {
        "inputs": "texts",
        "texts": 3,
        "tokens": 28,
        "tokens_lost": 12,
        "median": 5,
        "p95": 18,
        "max": 20,
        "limit": 8,
        "truncated": 1,
        "tokens_lost_share": pytest.approx(12 / 28),
    }


def test_texts_in_windows_are_as_long_as_they_are_without() -> None:
    from headstart.data.long_texts import in_windows
    from headstart.data.tokens import pack

    tokens = in_windows(pack([[7] * 3, [7] * 9], [0, 0]), room=4, overlap=1, before=(1,), after=(2,))
    found = lengths(tokens, 6)
    assert (found["max"], found["tokens"], found["windowed"], found["truncated"]) == (11, 16, 1, 0)


def test_few_labels_are_parted_by_folds_and_none_is_cut_off() -> None:
    parts = parted(rows(60))
    assert parts.test is None
    assert parts.validation is parts.train
    assert len(parts.train) == 60
    assert parts.folds is not None
    # 400 rows are to be held out, at most five times over; every label is spread evenly over three folds.
    assert parts.folds.shape == (5, 60)
    labels = [example.label for example in parts.train.examples]
    for row in parts.folds:
        assert sorted(Counter(zip(labels, row.tolist(), strict=True)).values()) == [10] * 6
    assert len({row.tobytes() for row in parts.folds}) == 5
    assert (parts.crossed, parts.choices) == (True, "cross-validation")
    assert parts.rule == (
        "choices by 3-fold cross-validation, 5 times, stratified by label, seed 0, the strategy by log-loss, contrastive "
        "before others that are not better by more than noise, equal texts on one side"
    )
    facts = parts.facts()
    assert (facts["choices"], facts["splits"]["validation"], facts["splits"]["test"]) == (
        "cross-validation", None, None
    )  # fmt: skip
    assert warned(parts, "60 rows are too few to cut off a test part")


@pytest.mark.parametrize(
    ("count", "options", "crossed"),
    [
        (100, {"test_share": 0.0}, False),
        (99, {"test_share": 0.0}, True),
        (199, {}, False),
        (99, {}, True),
        (200, {}, False),
        (60, {"folds": 0}, False),
        (200, {"folds": 2}, True),
        (60, {"time_column": "who"}, False),
    ],
)
def test_folds_stand_in_for_a_validation_part_below_fifty_training_rows_per_label(
    count: int, options: dict[str, Any], crossed: bool
) -> None:
    found = [(text, label, f"{at:03}") for at, (text, label, _) in enumerate(rows(count))]
    parts = parted(found, **options)
    assert (parts.folds is not None) == parts.crossed == (parts.validation is parts.train) == crossed
    assert (parts.test is not None) == (count >= 200)


def test_the_rows_per_label_are_counted_after_the_test_part_is_cut_off() -> None:
    # 240 rows of four labels: 60 for each, 48 of which are left to learn from.
    assert parted(rows(240, "abcd")).crossed
    assert not parted(rows(256, "abcd")).crossed  # 204 of 256 are left, 51 for each


def test_a_file_for_validation_leaves_nothing_to_cross_validate(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", rows())
    other = written(tmp_path / "other.csv", [("fresh", "a", "x"), ("new", "b", "x")])
    parts = parted(train, validation=other)
    assert (parts.folds, len(parts.train), len(parts.validation)) == (None, 40, 2)
    assert not parted(train, validation=other, folds=0).crossed
    # Settings are chosen as they are without the file.
    alone = parted(train)
    assert parts.inner_folds is not None
    assert alone.folds is not None
    assert parts.inner_folds.tolist() == alone.folds.tolist()
    assert parts.rule == (
        "as given; settings for few rows by 3-fold cross-validation of the training rows, seed 0, equal texts on one side"
    )
    assert (parts.few, alone.few, alone.inner_folds) == (True, True, None)
    assert not parted(train, validation=other, folds=0).few
    assert not parted(written(tmp_path / "many.csv", rows(100)), validation=other).few
    texts = {"task": "text-to-text", "text": "text", "reference": "who"}
    assert not parted(train, validation=other, **texts).few, "nothing that is written is chosen by folds"
    one = written(tmp_path / "one.csv", [(text, label, "same") for text, label, _ in rows()])
    assert not parted(one, validation=other, group_column="who").few
    with pytest.raises(RecipeError, match=r"data\.folds: a validation part is given, so there is nothing to cross-val"):
        parted(train, validation=other, folds=3)


def test_a_test_file_leaves_all_rows_to_the_folds(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", rows())
    other = written(tmp_path / "other.csv", [("fresh", "a", "x"), ("new", "b", "x")])
    parts = parted(train, test=other)
    assert parts.crossed
    assert parts.test is not None
    assert (len(parts.train), len(parts.test)) == (40, 2)
    assert not warned(parts, "too few to cut off a test part")


@pytest.mark.parametrize("options", [{}, {"folds": 5}])
def test_folds_part_no_group_and_no_two_equal_texts(options: dict[str, Any]) -> None:
    found = rows(60)
    found[0], found[50] = ("Same  words", "a", "g0"), ("same words", "a", "g12")
    parts = parted(found, group_column="who", **options)
    assert parts.folds is not None
    who = parts.train.columns["who"]
    for row in parts.folds:
        sides = {value: {fold for name, fold in zip(who, row.tolist(), strict=True) if name == value} for value in who}
        assert all(len(folds) == 1 for folds in sides.values())
        assert sides["g0"] == sides["g12"]
    assert "whole groups by who" in parts.rule


def test_two_rows_of_a_label_make_two_folds_and_more_folds_than_rows_as_many_as_rows() -> None:
    def held_out(**options: Any) -> list[int]:
        folds = parted(rows(4), **options).folds
        assert folds is not None
        return sorted(Counter(folds[0].tolist()).values())

    assert held_out() == [2, 2]
    assert held_out(folds=20) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "found",
    [[("Same", "a", "x"), ("same ", "b", "x")] * 6, [(f"text {at}", "ab"[at % 2], "one") for at in range(12)]],
    ids=["equal texts", "one group"],
)
def test_rows_that_all_belong_together_cannot_be_held_out(found: list[tuple[str, str, str]]) -> None:
    with pytest.raises(DataError, match="all rows belong together, so none can be held out; give --validation"):
        parted(found, group_column="who")


def pairs_of(labels: int, more: int = 0) -> list[tuple[str, str, str]]:
    """Two rows of each label, and more of the first."""
    found = [(f"text {at} of {label}", f"l{label:03}", "x") for label in range(labels) for at in range(2)]
    return [*found, *((f"text {at}", "l000", "x") for at in range(2, 2 + more))]


def test_two_rows_of_a_label_are_few_however_many_labels_there_are() -> None:
    parts = parted(pairs_of(100))
    assert (parts.test, len(parts.train), parts.crossed) == (None, 200, True)
    assert warned(
        parts, "100 of 100 labels have two different texts or fewer, so no test part is cut off: a row of each"
    )
    assert not warned(parts, "belong together")
    message = r"would leave one different text of the label\(s\) 'l000', .* and 95 more, .* --test-share 0, give rows .*--test"
    with pytest.raises(DataError, match=message):
        parted(pairs_of(100), test_share=0.2)
    with pytest.raises(DataError, match="leave it out with --test-share 0"):
        parted(pairs_of(100), test_share=0.2, folds=0)
    assert len(parted(pairs_of(100), test_share=0, folds=0).validation) == 100


def test_a_label_with_two_rows_gives_none_to_the_test_part_where_labels_are_few() -> None:
    three = [(f"note {at} of {label}", f"m{label:03}", "x") for label in range(80) for at in range(3)]
    parts = parted([*three, *pairs_of(30)])
    assert parts.test is not None
    assert {label for label, count in Counter(parts.test.labels).items() if count == 1} == {
        f"m{at:03}" for at in range(80)
    }
    assert set(Counter(parts.train.labels).values()) == {2}
    assert warned(
        parts, "the label(s) 'l000', 'l001', 'l002', 'l003', 'l004' and 25 more have two different texts each"
    )
    assert not warned(parts, "belong together")


def test_a_rare_label_among_many_rows_still_gives_one_of_its_two_rows_to_the_test_part() -> None:
    parts = parted([*rows(300), ("one", "c", "x"), ("two", "c", "x")])
    assert parts.test is not None
    assert (Counter(parts.test.labels)["c"], Counter(parts.train.labels)["c"], parts.crossed) == (1, 1, False)


def test_a_label_without_a_validation_row_is_named_since_no_choice_is_made_by_it() -> None:
    parts = parted([*rows(300), ("one", "c", "x"), ("two", "c", "x")])
    assert "c" not in {*parts.validation.labels} and not parts.crossed
    assert [each for each in parts.warnings if "no row of the label(s) 'c' is in the validation part" in each]
    assert not [each for each in parted(rows(300)).warnings if "no row of" in each]


def test_a_label_whose_rows_belong_together_is_named_since_it_is_always_held_out_whole() -> None:
    found = [*rows(30), *[("one text", "c", "x"), ("One  text", "c", "x")]]
    assert warned(parted(found), "the rows of the label(s) 'c' belong together (one text or group each): whenever they")
    assert not warned(parted([*found, ("another", "c", "x")]), "belong together")
    by_label = [(text, label, f"group of {label}") for text, label, _ in rows(30)]
    with pytest.raises(DataError, match=r"the rows of the label\(s\) 'a', 'b' belong together .*; give --validation"):
        parted(by_label, group_column="who")


def test_repeats_grow_fewer_the_more_rows_there_are() -> None:
    def repeats(count: int) -> int:
        folds = parted(rows(count), folds=2, test_share=0.0).folds
        assert folds is not None
        return len(folds)

    assert [repeats(count) for count in (80, 100, 200, 201, 900)] == [5, 4, 2, 1, 1]
    assert ", 5 times" not in parted(rows(201), folds=2, test_share=0.0).rule


def test_a_label_that_vanishes_with_its_rows_is_named() -> None:
    heard = Heard()
    found = [*rows(), ("", "c", "x"), ("  ", "c", "x"), ("", "D", "x"), ("text", "", "x"), ("", "A", "x")]
    parts = parted(found, heard)
    said = "no row of the label(s) 'D' (1 rows), 'c' (2 rows) can be used, so the model will not know them"
    assert said in parts.warnings
    assert ("check", said, True) in heard.lines
    assert parts.task.names == ("a", "b")
    assert not warned(parted(rows()), "can be used")


def test_a_label_that_vanishes_is_named_where_too_few_labels_are_left() -> None:
    found = [("text", "a", "x"), ("other", "a", "x"), ("", "b", "x"), (" ", "b", "x")]
    with pytest.raises(
        DataError, match=r"all 2 rows have the label 'a'; .*; no row of the label\(s\) 'b' \(2 rows\) can be used"
    ):
        parted(found, label="label", text="text")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"text": ("text", "who"), "group_column": "who"},
        {"merge_labels": True, "most_rows": 150},
        {"drop_rare_labels": True, "time_column": "who"},
    ],
)
def test_a_file_too_large_for_memory_gives_the_same_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    found = [*rows(240), ("once more", "A" if "merge_labels" in options else "a", "g9")]
    found += [("rare", "r", "g9")] if "drop_rare_labels" in options else []
    found.insert(7, ("", "a", "g1"))
    path = written(tmp_path / "rows.csv", found)
    test = written(tmp_path / "test.csv", [("text number 3", "b", "g0"), ("a new one", "a", "g1"), ("odd", "x", "g1")])
    small = parted(path, test=test, **options)
    monkeypatch.setattr(columns, "MEMORY_BYTES", 1000)
    monkeypatch.setattr(columns, "BATCH_ROWS", 16)
    large = parted(path, test=test, **options)
    assert isinstance(large.train.columns["who"], ArrowColumn)
    assert not isinstance(small.train.columns["who"], ArrowColumn)
    assert large.facts() == small.facts()
    assert list(large.train.columns["who"]) == list(small.train.columns["who"])
    assert texts(large.validation) == texts(small.validation)
    assert list(large.train.texts) == texts(small.train)
    assert large.train.texts[3:5] == texts(small.train)[3:5]


def test_of_many_rows_no_more_than_choices_and_scores_need_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuts, "TEST_SHARE", (0.2, 30))
    monkeypatch.setattr(splitting, "VALIDATION_SHARE", (0.15, 20))
    parts = parted(rows(300), folds=0)
    assert parts.test is not None
    assert (len(parts.test), len(parts.validation), len(parts.train)) == (30, 20, 250)
    given = parted(rows(300), folds=0, test_share=0.5, validation_share=0.4)
    assert given.test is not None
    assert (len(given.test), len(given.validation)) == (150, 60)


def listed(path: Path, texts: list[str], labels: list[str] | None = None) -> str:
    found = [
        f'"{text}"' + ("" if labels is None else f",{label}")
        for text, label in zip(texts, labels or texts, strict=True)
    ]
    path.write_text("\n".join(["text" + ("" if labels is None else ",label"), *found]) + "\n", encoding="utf-8")
    return str(path)


def test_texts_of_a_target_domain_need_no_label_and_none_is_read(tmp_path: Path) -> None:
    bare = listed(tmp_path / "bare.csv", ["far away", "over there"])
    parts = parted(rows(), target=bare)
    assert parts.target is not None
    assert texts(parts.target) == ["far away", "over there"]
    labelled = listed(tmp_path / "labelled.csv", ["far away", "over there"], ["a", "zebra"])
    with_labels = parted(rows(), target=labelled).target
    assert with_labels is not None
    assert list(with_labels.labels) == [None, None]
    assert with_labels.columns == {}
    assert with_labels.digest() == parts.target.digest()
    assert parts.facts()["target"] == {"texts": 2, "digest": parts.target.digest()}
    assert "target" not in parts.facts()["splits"]


def test_a_text_without_words_is_left_out_of_the_target_and_reported(tmp_path: Path) -> None:
    heard = Heard()
    parts = parted(rows(), heard, target=listed(tmp_path / "t.csv", ["far away", " ", "there"]))
    assert parts.target is not None
    assert len(parts.target) == 2
    assert [(row.line, row.reason) for row in parts.dropped] == [(3, "no text")]
    assert [(file["role"], file["rows"], file["used"]) for file in parts.files] == [("train", 40, 40), ("target", 3, 2)]
    assert any("target texts 2" in message for topic, message, _ in heard.lines if topic == "split")


def test_target_texts_that_stand_in_a_labelled_part_are_not_learnt_from(tmp_path: Path) -> None:
    given = {
        "test": listed(tmp_path / "test.csv", ["Far  away", "near"], ["a", "b"]),
        "target_test": listed(tmp_path / "l.csv", ["over there", "around"], ["a", "b"]),
        "target": listed(tmp_path / "u.csv", ["far away", "over there", "text number 3", "beyond", "beyond"]),
    }
    parts = parted(rows(), **given)
    assert parts.target is not None
    assert texts(parts.target) == ["beyond", "beyond"]
    assert parts.files[-1]["used"] == 2
    path = given["target"]
    assert warned(parts, path) == [
        f"1 texts of {path} are also {name} rows; they are not learnt from"
        for name in ("training", "test", "target test")
    ]
    held = parted(rows(), **given, folds=0, validation_share=0.25)
    assert held.target is not None
    assert texts(held.target) == ["beyond", "beyond"]  # whichever side of the cut text number 3 fell on
    with pytest.raises(
        DataError, match=r"u\.csv has no text that is not also a labelled row; give others with --target"
    ):
        parted(rows(), target=listed(tmp_path / "u.csv", ["text number 3"]))


def test_labelled_rows_of_the_target_domain_are_a_part_of_their_own(tmp_path: Path) -> None:
    found = [f"so far {at}" for at in range(7)] + ["text number 5"]
    path = listed(tmp_path / "l.csv", found, ["a", "b"] * 3 + ["zebra", "b"])
    parts = parted(rows(), target_test=path)
    assert parts.target is None
    assert len(parts.scored[TARGET_TEST]) == 7
    assert parts.facts()["splits"]["target"]["labels"] == {"a": 3, "b": 4}
    assert warned(parts, "labels that training rows lack ('zebra')")
    assert warned(parts, "1 target test rows have a text that is also a training row (lines 9)")
    assert warned(parts, "only 7 target test rows: intervals are wide")
    assert len(parted(rows(), target_test=path, most_test_rows=3).scored[TARGET_TEST]) == 3


def test_a_strategy_that_learns_from_the_target_domain_needs_its_texts_before_anything_is_read() -> None:
    options = {"train": "nowhere.csv", "strategies": "coral,self-training,tf-idf"}
    with pytest.raises(RecipeError, match=r"2 problems:\n.*coral .*--target\n.*self-training .*--target"):
        prepare(assemble("compare", options), SILENT)


def test_a_named_test_is_read_checked_and_cut_down_as_the_test_part_is(tmp_path: Path) -> None:
    found = [f"so far {at}" for at in range(7)] + ["text number 5"]
    path = listed(tmp_path / "l.csv", found, ["a", "b"] * 3 + ["zebra", "b"])
    target = listed(tmp_path / "u.csv", ["so far 1", "beyond"])
    parts = parted(rows(), tests={"shop": path}, target=target)
    shop = Role.of_test("shop")
    assert [*parts.rows] == ["train", "target", "tests.shop"]
    assert len(parts.scored[shop]) == 7
    assert parts.facts()["splits"]["shop"]["labels"] == {"a": 3, "b": 4}
    assert [(file["role"], file["used"]) for file in parts.files] == [("train", 40), ("target", 1), ("shop", 7)]
    assert warned(parts, f"1 rows of {path} have labels that training rows lack ('zebra')")
    assert warned(parts, "1 shop rows have a text that is also a training row (lines 9)")
    assert warned(parts, "only 7 shop rows: intervals are wide")
    assert warned(parts, f"1 texts of {target} are also shop rows; they are not learnt from")
    assert len(parted(rows(), tests={"shop": path}, most_test_rows=3).scored[shop]) == 3


def test_what_was_read_is_parted_again_without_reading_and_comes_to_the_same_rows(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.csv", rows(300, "aab"))
    options = {"train": str(path), "test": str(written(tmp_path / "test.csv", rows(30, "ab")[:20])), "folds": 0}
    whole = assemble("fit", options)
    fewer = assemble("fit", options | {"most_rows": 100, "most_test_rows": 9})
    expected, labelled = prepare(fewer, SILENT), read(whole)
    for file in tmp_path.iterdir():
        file.unlink()
    first, found = into_parts(labelled, whole, SILENT), into_parts(labelled, fewer, SILENT)
    assert found.facts() == expected.facts()
    assert texts(found.train) == texts(expected.train)
    assert (len(first.train) + len(first.validation), len(found.train) + len(found.validation)) == (300, 100)
    assert first.facts() == into_parts(labelled, whole, SILENT).facts()


def test_groups_of_a_column_are_numbered_and_stay_with_their_rows(tmp_path: Path) -> None:
    test = written(
        tmp_path / "test.csv", [("one", "a", "g1"), ("two", "b", ""), ("three", "a", "g1"), ("four", "b", "")]
    )
    parts = parted(rows(300), tests={"shop": str(test)}, group_column="who", folds=0)
    for part in (parts.train, parts.validation, *parts.scored.values()):
        assert part.groups is not None
        who = [value or at for at, value in enumerate(part.columns["who"])]
        assert len({*zip(who, part.groups.tolist(), strict=True)}) == len({*who}) == len({*part.groups.tolist()})
    shop = parts.scored[Role.of_test("shop")].groups
    assert shop is not None
    assert shop[0] == shop[2]
    assert len({*shop.tolist()}) == 3  # a row whose cell is empty stands for itself
    assert parted(rows(300), folds=0).train.groups is None
    bare = listed(tmp_path / "bare.csv", ["one", "two"], ["a", "b"])
    assert parted(rows(300), group_column="who", test=bare).scored[TEST].groups is None


def test_parts_do_not_change_once_they_are_made() -> None:
    parts = parted(rows())
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'rule'"):
        parts.rule = "another"  # type: ignore[misc]
    facts = parts.facts()
    facts["warnings"].append("more")
    assert "more" not in parts.warnings


def test_spans_that_cut_words_are_warned_of(tmp_path: Path) -> None:
    row = '{{"text": "Rain {0} fell on Turin", "spans": [[{1}, {2}, "PLACE"]]}}\n'
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(row.format(at, 16, 20) for at in range(10, 50)), encoding="utf-8")
    heard = Heard()
    parts = parted(str(path), heard, task="token-classification")
    assert warned(parts, "40 of 40 spans begin or end inside a word, such as 'Turi|n'")
    assert any("inside a word" in said and warning for _, said, warning in heard.lines)


def test_fewer_training_rows_of_a_draw_are_among_more() -> None:
    drawn = {
        (size, draw): texts(parted(rows(300), train_rows=size, draw=draw, test_share=0.2).train)
        for size in (20, 60)
        for draw in (0, 1)
    }
    assert {*drawn[20, 0]} < {*drawn[60, 0]}
    assert {*drawn[20, 0]} != {*drawn[20, 1]}
    assert len(drawn[60, 1]) == 60
    parts = parted(rows(300), train_rows=20, draw=1, test_share=0.2)
    assert parts.task.counts(parts.train) == {"a": 10, "b": 10}
    assert warned(parts, "20 of 240 training rows are used, draw 1")
    assert texts(parts.test) == texts(parted(rows(300), test_share=0.2).test)


def test_a_test_seed_keeps_the_test_part_while_the_seed_varies() -> None:
    found = [parted(rows(200), seed=seed, test_seed=4) for seed in (0, 1)]
    assert texts(found[0].test) == texts(found[1].test) == texts(parted(rows(200), seed=4).test)
    assert texts(found[0].validation) != texts(found[1].validation)
