"""Translated rows join what is learnt from, never beside a held-out original, whatever the task."""

import json
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.errors import DataError, HeadstartError
from headstart.recipes.labelled import Fit
from headstart.recipes.sources import Data
from headstart.runs.parts import Parts
from headstart.runs.preparation import prepare
from headstart.runtime.progress import SILENT

ROWS = 400


def written(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def english(path: Path, rows: int = ROWS, ids: bool = True) -> str:
    return written(path, "id,text,label", *(f"{f'r{at}' if ids else ''},good row number {at},{'up' if at % 2 else 'down'}" for at in range(rows)))  # fmt: skip


def german(path: Path, rows: int = ROWS, ids: bool = True, extra: int = 0) -> str:
    lines = [
        f"{f'r{at}' if ids else ''},gute Zeile Nummer {at},{'up' if at % 2 else 'down'}" for at in reversed(range(rows))
    ]
    return written(path, "id,text,label", *lines, *(f"neu{at},etwas Neues {at},up" for at in range(extra)))


def parts_of(train: str, translations: str, task: Any = None, **data: Any) -> Parts:
    given: dict[str, Any] = {"task": {"name": task}} if task else {}
    return prepare(Fit(data=Data(train=train, translations=translations, **data), budget=None, **given), SILENT)


def numbers(rows: Any, word: str) -> set[int]:
    return {int(text.rsplit(" ", 1)[1]) for text in rows.texts if text.startswith(word)}


def test_no_translation_of_a_held_out_row_is_learnt_from_and_none_is_chosen_by(tmp_path: Path) -> None:
    parts = parts_of(english(tmp_path / "en.csv"), german(tmp_path / "de.csv", extra=3))
    own, theirs = numbers(parts.train, "good"), numbers(parts.train, "gute")
    assert theirs == own and 200 < len(own) < ROWS
    for part in (parts.validation, parts.test):
        assert part is not None
        assert numbers(part, "good").isdisjoint(own) and not numbers(part, "gute")
    (said,) = [warning for warning in parts.warnings if "translated rows" in warning]
    held = ROWS - len(own)
    assert said == (
        f"{len(own) + 3} translated rows of {tmp_path / 'de.csv'} are learnt from beside the training rows, {held} are not, since the "
        "rows that they translate are held out; 3 translate no row of the training file"
    )
    (file,) = [file for file in parts.facts()["files"] if file["role"] == "translations"]
    assert (file["used"], file["held_out"], file["of_no_row"]) == (len(own) + 3, held, 3)
    by_text = dict(zip(parts.train.texts, parts.train.groups.tolist(), strict=True))  # type: ignore[union-attr]
    assert all(by_text[f"good row number {at}"] == by_text[f"gute Zeile Nummer {at}"] for at in own)
    assert len({*by_text.values()}) == len(own) + 3
    assert parts.train.labels[-1] == "up"


def test_rows_are_told_by_their_order_where_there_are_no_ids_and_else_refused(tmp_path: Path) -> None:
    train = english(tmp_path / "en.csv", ids=False)
    lines = Path(german(tmp_path / "de.csv", ids=False)).read_text().split("\n")
    same = written(tmp_path / "same.csv", lines[0], *reversed(lines[1:-1]))
    parts = parts_of(train, same)
    assert numbers(parts.train, "good") == numbers(parts.train, "gute")
    fewer = written(tmp_path / "fewer.csv", *lines[:100])
    with pytest.raises(DataError, match="nothing says which row of .*en.csv each row translates.*column 'id'"):
        parts_of(train, fewer)
    other = english(tmp_path / "other.csv", 100, ids=False)
    parts = parts_of(train, fewer, validation=other, test=other)  # nothing of the file is held out
    assert len(numbers(parts.train, "gute")) == 99
    with pytest.raises(HeadstartError, match="folds: translated rows"):
        parts_of(train, same, folds=3)


def test_few_rows_have_a_validation_part_of_originals_alone(tmp_path: Path) -> None:
    parts = parts_of(english(tmp_path / "en.csv", 60), german(tmp_path / "de.csv", 60))
    assert not parts.crossed and not numbers(parts.validation, "gute")
    assert numbers(parts.train, "gute") == numbers(parts.train, "good")


def test_marked_spans_and_answers_are_those_of_the_training_file(tmp_path: Path) -> None:
    blocks = [f"Ada B-PER\nNumber{at} I-PER\nsees O\nParis B-LOC\n" for at in range(30)]
    train = tmp_path / "train.conll"
    train.write_text("\n".join(blocks))
    marked = [f'"<PER>Ada Nummer{at}</PER> sieht <LOC>Paris</LOC> heute"' for at in range(29)]
    parts = parts_of(str(train), written(tmp_path / "de.csv", "text", *marked, '"<PER>Ada sieht nichts"'), "token-classification", validation=str(train), test=str(train))  # fmt: skip
    last = parts.train.examples[len(parts.train) - 1]
    assert last.input.words == ("Ada", "Nummer28", "sieht", "Paris", "heute")
    assert last.label == ("B-PER", "I-PER", "O", "B-LOC", "O")
    assert [row.reason for row in parts.dropped] == ["the marker <PER> is opened and never closed"]
    rows = [{"id": f"q{at}", "question": f"Who is number {at}?", "context": f"It is said that Ada{at} is here.", "answers": {"text": [f"Ada{at}"], "answer_start": [16]}} for at in range(30)]  # fmt: skip
    train = tmp_path / "train.jsonl"
    train.write_text("\n".join(map(json.dumps, rows)))
    told = [
        json.dumps({"id": f"q{at}", "question": f"Wer ist {at}?", "context": f"Man sagt, <a>Ada{at}</a> sei hier."})
        for at in range(30)
    ]
    parts = parts_of(str(train), written(tmp_path / "de.jsonl", *told), "question-answering")
    question = parts.train.examples[len(parts.train) - 1]
    (answer,) = question.label
    assert (
        question.input.context.startswith("Man sagt, Ada")
        and question.input.context[answer.start : answer.end] == answer.text
    )
    assert len(parts.train) == 2 * (30 - len(parts.validation) - len(parts.test or []))


def test_every_door_has_it_and_a_model_learns_from_it(tmp_path: Path) -> None:
    train, more = english(tmp_path / "en.csv", 240), german(tmp_path / "de.csv", 240)
    run = headstart.fit(
        train, translations=more, strategy="tf-idf", C=1.0, controls=False, threads=1, output=str(tmp_path / "run")
    )
    assert run is not None
    card = (tmp_path / "run" / "README.md").read_text()
    assert "translated rows" in card
    assert "translations:" in (tmp_path / "run" / "recipe.yaml").read_text()
