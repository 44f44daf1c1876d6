"""Exports with texts or labels inside of objects are named, with what to do."""

import json
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from headstart.data.table import Table
from headstart.errors import DataError
from headstart.recipes.parsing import assemble
from headstart.runs.parts import Parts
from headstart.runs.preparation import prepare
from headstart.runtime.progress import SILENT
from headstart.tasks.open import OpenTask


def parts(folder: Path, row: Any, **options: Any) -> Parts:
    path = folder / "of us.jsonl"
    path.write_text("".join(json.dumps(row(at)) + "\n" for at in range(60)), encoding="utf-8")
    return prepare(assemble("fit", {"train": str(path)} | options), SILENT)


def argilla(at: int) -> dict[str, Any]:
    return {"fields": {"text": f"Boat {at} came in"}, "responses": {"mood": [{"value": "calm"}]}, "status": "completed"}


def spacy(at: int) -> dict[str, Any]:
    return {"text": f"Boat {at} came in", "cats": {"CALM": float(at % 2), "ROUGH": 1.0 - at % 2}}


def spacy_two(at: int) -> dict[str, Any]:
    tokens = [{"orth": word, "ner": tag} for word, tag in ((f"Boat{at}", "U-SHIP"), ("came", "O"), ("in", "O"))]
    return {"id": at, "paragraphs": [{"raw": f"Boat{at} came in", "sentences": [{"tokens": tokens}] * 2}]}


def mentions(at: int, *, inclusive: bool = True) -> dict[str, Any]:
    return {
        "text": f"Boat {at} came in",
        "label": {"SHIP": {f"Boat {at}": [[0, 5 + len(str(at)) - inclusive]]}, "PORT": {}},
    }


def vertex(at: int) -> dict[str, Any]:
    return {"textContent": f"Boat {at} came in", "classificationAnnotation": {"displayName": ("CALM", "ROUGH")[at % 2]}}


def vertex_grades(at: int) -> dict[str, Any]:
    return {"textContent": f"Boat {at} came in", "sentimentAnnotation": {"sentiment": at % 3, "sentimentMax": 2}}


def named(at: int) -> dict[str, Any]:
    return {"text": f"Boat {at} came in", "label": {"id": at % 2, "name": ("CALM", "ROUGH")[at % 2]}}


def found_texts(at: int) -> dict[str, Any]:
    return {"text": f"Boat {at} came in", "entities": {"SHIP": [f"Boat {at}"], "PORT": []}}


def vertex_spans(at: int) -> dict[str, Any]:
    place = {"startOffset": 0, "endOffset": 5 + len(str(at)), "displayName": "SHIP"}
    return {"textContent": f"Boat {at} came in", "textSegmentAnnotations": [place]}


def vertex_lists(at: int) -> dict[str, Any]:
    names = ["CALM", "WET"] if at % 3 else ["WET"]
    return {"textContent": f"Boat {at} came in", "classificationAnnotations": [{"displayName": name} for name in names]}


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (mentions, ["SHIP"]),
        (partial(mentions, inclusive=False), ["SHIP"]),
        (vertex, ["CALM", "ROUGH"]),
        (vertex_lists, ["CALM", "WET"]),
        (vertex_spans, ["SHIP"]),
        (vertex_grades, ["0", "1", "2"]),
        (named, ["CALM", "ROUGH"]),
    ],
)
def test_the_commands_for_labels_inside_of_objects_work(tmp_path: Path, row: Any, shown: list[str]) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    with pytest.raises(DataError, match="jq -c") as caught:
        parts(tmp_path, row)
    subprocess.run("jq -c " + str(caught.value).partition("jq -c ")[2], shell=True, cwd=tmp_path, check=True)
    found = prepare(assemble("fit", {"train": str(tmp_path / "rows.jsonl")}), SILENT)
    assert sorted(found.task.counts(found.train)) == shown
    assert not any("inside a word" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            found_texts,
            r"has the texts of mentions in 'entities' and not their places; write a list of spans .*\[\{\"start\": 0, ",
        ),
        (spacy_two, r"documents of spaCy 2, .*jq -c"),
        (argilla, r"has records of Argilla, with texts inside of 'fields' .*to_list\(flatten=True\)"),
        (spacy, "has spaCy's 'cats', a number for each label in an object; .* jq -c"),
    ],
)
@pytest.mark.parametrize("task", [None, "text-classification", "multi-label-classification"])
def test_nested_exports_are_named(tmp_path: Path, row: Any, said: str, task: str | None) -> None:
    with pytest.raises(DataError, match=said):
        parts(tmp_path, row, **({"task": task} if task else {}))


def test_the_commands_for_spacy_work(tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    with pytest.raises(DataError) as caught:
        parts(tmp_path, spacy)
    for command, label in zip(str(caught.value).split("jq -c ")[1:], ("label", "labels"), strict=True):
        subprocess.run("jq -c " + command.partition("; where")[0], shell=True, cwd=tmp_path, check=True)
        found = prepare(assemble("fit", {"train": str(tmp_path / "rows.jsonl")}), SILENT)
        assert (found.task.label, found.task.label_names) == (label, ("CALM", "ROUGH"))


def test_the_command_for_spacy_two_works(tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    with pytest.raises(DataError) as caught:
        parts(tmp_path, spacy_two)
    subprocess.run("jq -c " + str(caught.value).partition("jq -c ")[2], shell=True, cwd=tmp_path, check=True)
    found = prepare(assemble("fit", {"train": str(tmp_path / "rows.jsonl")}), SILENT)
    assert found.task.label_names == ("SHIP",)
    assert len(found.train.examples) + len(found.validation.examples) > 60


def test_columns_with_these_names_and_other_content_are_read(tmp_path: Path) -> None:
    found = parts(tmp_path, lambda at: {"data": f"Boat {at} came in", "annotations": ("calm", "rough")[at % 2]})
    assert found.task.text == ("data",)
    found = parts(tmp_path, lambda at: {**spacy(at), "mood": ("calm", "rough")[at % 2]}, label="mood")
    assert found.task.label == "mood"


def test_objects_are_not_called_lists() -> None:
    cells = {"a": ['{"x": 1}'] * 30, "b": ["[1, 2]"] * 30}
    with pytest.raises(DataError, match=r"a \(objects\), b \(lists\)"):
        OpenTask().found_in(Table("a.jsonl", cells, list(range(30))))
