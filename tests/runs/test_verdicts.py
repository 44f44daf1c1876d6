"""Rows that an annotator rejected or set aside are left out and named, unless the verdict is the label."""

import json
from pathlib import Path
from typing import Any

import pytest

from headstart.errors import DataError
from headstart.recipes.parsing import assemble
from headstart.runs.parts import Parts
from headstart.runs.preparation import prepare
from headstart.runtime.progress import SILENT

VERDICTS = ("accept", "reject", "accept", "ignore", "accept")
LABELLED: dict[str, Any] = {
    "one label": lambda at: {"label": ("warm", "cold")[at % 2]},
    "choices": lambda at: {"accept": [("warm", "cold")[at % 2]], "options": [{"id": "warm"}, {"id": "cold"}]},
    "several": lambda at: {"accept": [["warm"], ["cold", "wet"], ["wet"], []][at % 4]},
    "spans": lambda at: {"spans": [{"start": 0, "end": 4, "label": ("HILL", "LAKE")[at % 2]}]},
}


def parts(folder: Path, row: Any, verdict: Any = lambda at: VERDICTS[at % 5], **options: Any) -> Parts:
    path = folder / "rows.jsonl"
    rows = ({"text": f"Walk number {at} up the hill", **row(at), "answer": verdict(at)} for at in range(100))
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return prepare(assemble("fit", {"train": str(path)} | options), SILENT)


@pytest.mark.parametrize("kind", LABELLED)
def test_rows_that_were_not_accepted_are_left_out_with_line_and_reason(tmp_path: Path, kind: str) -> None:
    found = parts(tmp_path, LABELLED[kind])
    assert sum(found.sizes.values()) == 60
    assert [row.line for row in found.dropped] == [at + 1 for at in range(100) if VERDICTS[at % 5] != "accept"]
    assert "its answer is 'reject'; where that is the label: --label answer" in found.dropped[0].reason
    assert "its answer is 'ignore'" in found.dropped[1].reason


def test_a_verdict_that_is_named_as_the_label_is_learnt(tmp_path: Path) -> None:
    found = parts(tmp_path, LABELLED["one label"], label="answer")
    assert (sum(found.sizes.values()), found.task.label, len(found.dropped)) == (100, "answer", 0)


def test_one_label_that_is_accepted_or_rejected_is_no_label(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="says 'steep' in every row, .* the answer is the label: --label answer"):
        parts(tmp_path, lambda _: {"label": "steep"})
    with pytest.raises(DataError, match="no row was accepted"):
        parts(tmp_path, LABELLED["one label"], lambda _: "ignore")


def test_other_answers_are_columns_like_any_other(tmp_path: Path) -> None:
    found = parts(tmp_path, LABELLED["one label"], lambda at: ("accept", "reject", "maybe")[at % 3])
    assert (sum(found.sizes.values()), len(found.dropped)) == (100, 0)
    found = parts(tmp_path, lambda at: {"mood": ("warm", "cold")[at % 2]}, label="mood")
    assert sum(found.sizes.values()) == 100


def test_files_to_score_on_are_read_alike(tmp_path: Path) -> None:
    row = '{{"text": "Some walk {0}", "label": "{1}", "answer": "{2}"}}\n'
    test = tmp_path / "test.jsonl"
    test.write_text("".join(row.format(at, "warm", ("accept", "reject")[at % 2]) for at in range(20)))
    found = parts(tmp_path, LABELLED["one label"], test=str(test))
    assert found.sizes["test"] == 10
