"""From files to parts: what is left out is said, cuts keep together what belongs together."""

from pathlib import Path
from typing import Any

import pytest

from headstart.data.table import Table
from headstart.errors import DataError, MissingInputError
from headstart.preparation import Parts, lengths, prepare, resolve
from headstart.progress import SILENT, Progress
from headstart.recipe import MEMORY, assemble


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
    parts = parted(rows(100), test_share=0.2, validation_share=0.25)
    assert parts.test is not None
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (60, 20, 20)
    assert sorted(texts(parts.train) + texts(parts.validation) + texts(parts.test)) == sorted(
        row[0] for row in rows(100)
    )
    assert parts.rule == "test and validation cut off, stratified by label, seed 0, equal texts on one side"
    assert parts.facts()["splits"]["test"]["labels"] == {"a": 10, "b": 10}


def test_without_a_test_part_none_is_cut_off() -> None:
    parts = parted(rows(), test_share=0.0)
    assert parts.test is None
    assert len(parts.train) + len(parts.validation) == 40


def test_the_seed_decides_the_cut() -> None:
    cuts = [texts(parted(rows(), seed=seed).test) for seed in (0, 0, 1)]
    assert cuts[0] == cuts[1] != cuts[2]


def test_no_group_is_parted() -> None:
    parts = parted(rows(80), group_column="who")
    sides = [set(part.columns["who"]) for part in (parts.train, parts.validation, parts.test) if part]
    assert [sides[a] & sides[b] for a, b in ((0, 1), (0, 2), (1, 2))] == [set(), set(), set()]
    assert "whole groups by who" in parts.rule


def test_equal_texts_stand_on_one_side_and_tie_their_groups_together() -> None:
    found = rows(80)
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
    found = [(f"t{at}", "ab"[at % 2], f"2024-01-{at + 1:02}") for at in range(30)]
    parts = parted(found[::-1], time_column="who", test_share=0.2, validation_share=0.25)
    order = [part.columns["who"] for part in (parts.train, parts.validation, parts.test) if part]
    assert max(order[0]) < min(order[1]) <= max(order[1]) < min(order[2])
    assert [len(part) for part in order] == [18, 6, 6]
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
        parted([(text, label, "one") for text, label, _ in rows()], group_column="who")


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
    assert warned(parts, "2 test rows have a text that is also a training row (lines 2, 4): scores may flatter")
    assert warned(parts, "2 validation rows have a text")
    assert warned(parts, "only 3 test rows: intervals are wide")
    assert len(parts.train) == 40
    assert parts.rule == "as given"


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
    assert "40 rows of <memory>: text text, label label (a 20, b 20), metric accuracy" in said[0]


def test_data_without_a_usable_row_says_why() -> None:
    with pytest.raises(DataError, match="has no row with text and label; first reason: no text"):
        parted([("", "a", "x"), (" ", "b", "x")], text="text", label="label")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"nothing\.csv"):
        parted(str(tmp_path / "nothing.csv"))


def test_rows_used_and_left_out_add_up(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"t{at},{'ab'[at % 2]}\n" for at in range(30)) + "x,y,z\n,a\n")
    parts = parted(str(path))
    assert parts.test is not None
    used = len(parts.train) + len(parts.validation) + len(parts.test)
    assert (used, len(parts.dropped), parts.files[0]["rows"]) == (30, 2, 32)


def test_resolving_fills_in_what_can_be_known_before_training(tiny_csv: Path, tiny_backbone: Path) -> None:
    recipe = assemble("fit", {"train": str(tiny_csv), "backbone": str(tiny_backbone), "seed": 3})
    found = resolve(recipe)
    assert (found.task.text, found.task.label, found.task.labels) == (("text",), "label", ("down", "up"))
    assert [strategy.name for strategy in found.strategies] == ["feature-extraction", "fine-tuning"]
    assert len(found.backbone.digest) == 64
    assert found.threads >= 1
    assert found.seed == 3
    other = assemble("predict", {"model": "x", "texts": ("a",)})
    assert resolve(other) is other


def test_lengths_by_hand() -> None:
    from headstart.data.tokens import pack

    found = lengths(pack([[1] * 3, [1] * 8, [1] * 5], [0, 12, 0]), 8)
    assert found == {
        "median": 5,
        "p95": 18,
        "max": 20,
        "limit": 8,
        "truncated": 1,
        "tokens_lost_share": pytest.approx(12 / 28),
    }
