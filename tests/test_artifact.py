"""The artifact: whole or not there, refused with the file's name where damaged, never over what is not ours."""

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.invented_artifacts import TEXTS, linear, network, rewrite

from headstart import artifact as artifacts
from headstart.data.reference import Reference, histogram
from headstart.decisions.out_of_scope import OutOfScope
from headstart.decisions.temperature import Temperature
from headstart.decisions.thresholds import Thresholds
from headstart.errors import (
    DataError,
    DivergedError,
    MissingInputError,
    ModelError,
    RunFolderError,
    StorageError,
)
from headstart.folders import check_free, new_folder
from headstart.loading import load
from headstart.manifest import FORMAT, MANIFEST
from headstart.predictors.linear_text import LinearTextPredictor


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return linear().save(tmp_path / "run")


def test_what_was_saved_loads_equal(saved: Path) -> None:
    before, after = linear(), load(saved)
    assert (after.labels, after.task, after.recipe, after.evidence) == (
        ("no", "yes"), before.task, before.recipe, before.evidence
    )  # fmt: skip
    np.testing.assert_allclose(after.predict_proba(TEXTS), before.predict_proba(TEXTS), atol=1e-7)


def test_decisions_are_kept_and_thresholds_stood_among_the_keys_of_the_task_in_earlier_folders(tmp_path: Path) -> None:
    base = linear()
    shares = base.predict_proba(TEXTS)
    by_thresholds = [base.labels[at] for at in (shares / [0.05, 0.95]).argmax(1)]
    assert by_thresholds != [base.labels[at] for at in shares.argmax(1)]
    base.decisions = (Temperature(factor=1.0), Thresholds(values=(0.05, 0.95)))
    assert [row.label for row in base.predict(TEXTS)] == by_thresholds
    after = load(base.save(tmp_path / "run"))
    assert (after.decisions, after.predictor.thresholds) == (base.decisions, (0.05, 0.95))
    assert [row.label for row in after.predict(TEXTS)] == by_thresholds
    manifest = json.loads((tmp_path / "run" / MANIFEST).read_text())
    [answer], [part] = manifest["answers"].values(), manifest["parts"].values()
    assert answer["decisions"] == [
        {"name": "temperature", "factor": 1.0}, {"name": "thresholds", "values": [0.05, 0.95]}
    ]  # fmt: skip
    digests = {name: digest for name, digest in part["files"].items() if name.endswith(".safetensors")}
    first = {"format": 1, "kind": part["kind"], "predictor": part["description"] | {"digests": digests}}
    for thresholds, expected, labels in (
        ([0.05, 0.95], (Thresholds(values=(0.05, 0.95)),), by_thresholds),
        (None, (), [base.labels[at] for at in shares.argmax(1)]),
    ):
        earlier = first | {"task": answer["task"] | {"thresholds": thresholds}}
        (tmp_path / "run" / MANIFEST).write_text(json.dumps(earlier))
        again = load(tmp_path / "run")
        assert (again.task, again.decisions) == (base.task, expected)
        assert [row.label for row in again.predict(TEXTS)] == labels
        np.testing.assert_allclose(again.predict_proba(TEXTS), shares, atol=1e-7)


def test_a_model_without_held_out_rows_has_no_column_for_what_is_out_of_scope() -> None:
    model = linear()
    model.decisions = (OutOfScope(refused=0.05),)
    [said] = model.predict(TEXTS[:1])
    assert "in_scope" not in model.columns and len(said.cells()) == len(model.columns)


def test_a_folder_holds_its_parts_by_digest_and_an_answer_by_the_name_of_its_head(saved: Path) -> None:
    manifest = json.loads((saved / MANIFEST).read_text())
    assert manifest["format"] == 2
    [(name, part)] = manifest["parts"].items()
    assert part["kind"] == "linear-text"
    assert part["files"] == {
        file: hashlib.sha256((saved / file).read_bytes()).hexdigest() for file in ("linear.safetensors", "terms.json")
    }
    [(head, answer)] = manifest["answers"].items()
    assert (head, answer["part"], answer["labels"]) == ("classification", name, ["no", "yes"])


def test_a_file_that_is_no_weights_and_was_changed_is_a_damaged_model_too(saved: Path) -> None:
    text = (saved / "terms.json").read_text()
    (saved / "terms.json").write_text(text.replace("a", "b", 1))
    with pytest.raises(ModelError, match=r"terms\.json is damaged"):
        load(saved)


def test_the_reference_of_training_rows_is_kept_and_artifacts_without_one_load(saved: Path, tmp_path: Path) -> None:
    assert load(saved).reference is None
    base = linear()
    states = np.arange(6, dtype=np.float32).reshape(2, 3)
    base.reference = Reference(2, {"no": 1, "yes": 1}, {"characters": histogram([3, 9])}, states)
    found = load(base.save(tmp_path / "referred")).reference
    assert found is not None and found.states is not None
    assert (found.rows, found.labels, found.histograms) == (2, {"no": 1, "yes": 1}, base.reference.histograms)
    np.testing.assert_array_equal(found.states, states)
    counts = found.histograms["characters"]["counts"]
    assert (counts[0], counts[-1], sum(counts)) == (1, 1, 2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_never_published(tmp_path: Path, value: float) -> None:
    base = linear()
    predictor = base.predictor
    assert isinstance(predictor, LinearTextPredictor)
    predictor.bias[1] = value
    with pytest.raises(DivergedError, match=r"bias in linear\.safetensors holds numbers that are not finite"):
        base.save(tmp_path / "broken")
    assert list(tmp_path.iterdir()) == []


def test_a_blank_text_has_no_prediction_and_arrays_of_all_texts_come_with_a_warning(saved: Path) -> None:
    artifact = load(saved)
    assert [each.label for each in artifact.predict(["\u200b", "\ufeff \u00ad"])] == [None, None], "nothing to be seen"
    first, blank, other = artifact.predict(["good", " \n", "bad"])
    assert (blank.label, blank.score, blank.probabilities, blank.truncated) == (None, None, None, False)
    assert blank.plain() == artifact.task.nothing
    with pytest.raises(AttributeError, match="a prediction has no attribute 'value'"):
        _ = blank.value
    assert pickle.loads(pickle.dumps(blank)) == blank
    assert [first.plain(), other.plain()] == [each.plain() for each in artifact.predict(["good", "bad"])]
    with pytest.warns(UserWarning, match=r"1 of 3 inputs have a blank text \(number 1 is the first, counted from 0\)"):
        assert artifact.predict_proba(["good", "", "bad"]).shape == (3, 2)


def test_predictions_hold_the_best_label_and_all_shares(saved: Path) -> None:
    found = load(saved)
    shares = found.predict_proba(TEXTS)
    for row, prediction in zip(shares, found.predict(TEXTS), strict=True):
        assert prediction.label == ("no", "yes")[int(row.argmax())]
        assert prediction.score == max(prediction.probabilities.values()) == pytest.approx(row.max())
        assert sum(prediction.probabilities.values()) == pytest.approx(1)
        assert prediction.truncated is False
    assert found.predict([]) == []
    assert found.predict_proba([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", 3], "text 1 is a int, expected a string"),
        (["a\ud800b"], r"text 0 has half a character \(a lone surrogate\) at position 1"),
        (["x" * 1_000_001], "text 0 has 1,000,001 characters, over the limit of 1,000,000; split it"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(texts: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        linear().predict(texts)


def test_a_format_from_the_future_is_refused(saved: Path) -> None:
    rewrite(saved, lambda manifest: manifest.update(format=FORMAT + 1, headstart="9.9"))
    with pytest.raises(ModelError, match=r"run was written by headstart 9\.9, which is newer than this; upgrade"):
        load(saved)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "3",
        "{}",
        '{"format": "1"}',
        '{"format": 1}',
        '{"format": 1, "task": null}',
        '{"format": 2}',
        '{"format": 2, "parts": {}}',
        '{"format": 2, "answers": {}}',
        '{"format": 2, "answers": []}',
        "",
    ],
)
def test_a_damaged_manifest_is_refused(content: str, saved: Path) -> None:
    (saved / MANIFEST).write_text(content)
    with pytest.raises(ModelError, match="damaged"):
        load(saved)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("parts", "model", "kind"), "unheard-of"),
        (("answers", "classification", "task"), {"name": "unheard-of"}),
        (("answers", "classification", "task"), {"name": "text-classification", "x": 1}),
        (("answers", "classification", "decisions"), [{"name": "unheard-of"}]),
    ],
)
def test_components_that_are_not_known_are_refused_by_name(where: tuple[str, ...], value: Any, saved: Path) -> None:
    def change(manifest: Any) -> None:
        for key in where[:-1]:
            manifest = manifest[key]
        manifest[where[-1]] = value

    rewrite(saved, change)
    with pytest.raises(ModelError, match=r"unheard-of|unknown key 'x'"):
        load(saved)


@pytest.mark.parametrize("name", ["reference.json", "reference.safetensors"])
def test_a_damaged_reference_is_a_damaged_model(name: str, tmp_path: Path) -> None:
    model = linear()
    model.reference = Reference(3, {"no": 1, "yes": 2}, states=np.zeros((2, 4), dtype=np.float32))
    folder = model.save(tmp_path / "run")
    found = load(folder).reference
    assert found is not None and found.states is not None
    assert (found.rows, found.labels, found.states.shape) == (3, {"no": 1, "yes": 2}, (2, 4))
    (folder / name).write_bytes((folder / name).read_bytes()[:20])
    with pytest.raises(ModelError, match="damaged"):
        load(folder)


@pytest.mark.parametrize("name", ["linear.safetensors", "terms.json", "recipe.yaml", "evidence.json"])
def test_a_file_that_is_missing_or_cut_off_is_a_damaged_model(name: str, saved: Path) -> None:
    whole = (saved / name).read_bytes()
    (saved / name).unlink()
    with pytest.raises(ModelError, match=name):
        load(saved)
    if name != "recipe.yaml":  # half of a YAML file may be YAML
        (saved / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ModelError, match=r"run"):
            load(saved)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "model.safetensors", "heads/classification.safetensors"]
)
def test_a_file_of_a_network_that_is_missing_or_cut_off_is_a_damaged_model(
    name: str, tmp_path: Path, tiny_backbone: Path
) -> None:
    folder = network(tiny_backbone).save(tmp_path / "run")
    assert len(load(folder).predict(TEXTS)) == 3
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=str(folder)):
        load(folder).predict(TEXTS)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=name.rpartition("/")[2]):
        load(folder).predict(TEXTS)


def test_a_folder_that_is_not_there_or_not_ours_is_said(tmp_path: Path) -> None:
    (tmp_path / "feedback").mkdir()
    with pytest.raises(MissingInputError, match=r"there is no run folder .*feedbak; did you mean 'feedback'\?"):
        load(tmp_path / "feedbak")
    with pytest.raises(
        ModelError, match=r"holds no headstart model \(no headstart\.json\); make one with: headstart fit"
    ):
        load(tmp_path / "feedback")


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_folder_that_is_there_is_left_alone_unless_it_is_ours_and_we_may(saved: Path) -> None:
    before = listing(saved)
    with pytest.raises(RunFolderError, match="exists; choose another with --output, or replace it with --overwrite"):
        linear().save(saved)
    assert listing(saved) == before
    linear().save(saved, overwrite=True)
    assert listing(saved) == before
    assert listing(saved.parent) == {"run", *(f"run/{name}" for name in before)}


def test_folders_that_headstart_did_not_write_are_never_replaced(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="was not written by headstart, so it is not replaced"):
        linear().save(theirs, overwrite=True)
    with pytest.raises(RunFolderError, match="is a file; choose a folder"):
        linear().save(theirs / "thesis.txt", overwrite=True)
    for manifest in ("", "{}", '{"format": 2}', '{"format": 2, "kind": "network"}'):
        (theirs / MANIFEST).write_text(manifest)
        with pytest.raises(RunFolderError, match=r"so it is not replaced|holds thesis\.txt"):
            linear().save(theirs, overwrite=True)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RunFolderError, match="link is a link that leads nowhere; choose a folder"):
        linear().save(tmp_path / "link", overwrite=True)
    assert (theirs / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["notes.txt", "data/train.csv", "network/config.json", "link"])
def test_a_run_that_holds_a_file_of_somebody_is_not_replaced(name: str, saved: Path) -> None:
    own = saved / name
    own.parent.mkdir(exist_ok=True)
    own.symlink_to(saved.parent) if name == "link" else own.write_text("mine")
    before = listing(saved)
    with pytest.raises(RunFolderError, match=f"holds {name}, which headstart did not write there.*; move it away, or"):
        linear().save(saved, overwrite=True)
    assert listing(saved) == before


def test_a_run_of_the_first_format_is_replaced(saved: Path) -> None:
    said = json.loads((saved / MANIFEST).read_text())
    said.pop("sha256")
    said.pop("files")
    for part in said["parts"].values():
        part["files"] = {}
    (saved / MANIFEST).write_text(json.dumps(said))
    linear().save(saved, overwrite=True)
    (saved / MANIFEST).write_text(json.dumps(said))
    (saved / "vocabulary.txt").write_text("mine")
    with pytest.raises(RunFolderError, match=r"holds vocabulary\.txt"):
        linear().save(saved, overwrite=True)


def test_what_a_file_manager_has_left_keeps_no_folder_from_being_replaced(saved: Path) -> None:
    (saved / ".DS_Store").write_bytes(b"\0")
    linear().save(saved, overwrite=True)
    assert not (saved / ".DS_Store").exists()


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert (linear().save(tmp_path / "empty") / MANIFEST).is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"empty"}


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt("by the user"), RuntimeError("a bug")]
)
def test_nothing_is_left_behind_when_writing_fails_in_the_middle(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise error

    monkeypatch.setattr(artifacts, "write_json", fail)
    expected = StorageError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected, match=r"No space left on device|by the user|a bug"):
        linear().save(tmp_path / "a" / "b" / "run")
    assert list(tmp_path.iterdir()) == []


def test_the_old_folder_stays_when_its_replacement_fails(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: (saved / name).read_bytes() for name in listing(saved)}
    replace = os.replace

    def fail(source: Any, target: Any) -> None:
        if Path(target) == saved and (Path(source) / MANIFEST).exists() and Path(source).name != "old":
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(StorageError, match="Input/output error"):
        linear().save(saved, overwrite=True)
    assert {name: (saved / name).read_bytes() for name in listing(saved)} == before
    assert [path.name for path in saved.parent.iterdir()] == ["run"]


def test_the_folder_appears_only_at_the_end(tmp_path: Path) -> None:
    with new_folder(tmp_path / "run") as work:
        (work / "x").write_text("1")
        assert not (tmp_path / "run").exists()
    assert (tmp_path / "run" / "x").read_text() == "1"
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o755


def test_a_place_that_is_read_only_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(StorageError, match=rf"{tmp_path} is not writable; choose another with --output"):
        check_free(tmp_path / "a" / "run")


def test_a_place_below_a_file_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="is not writable"):
        check_free(tmp_path / "file" / "run")


def test_numbers_that_are_none_are_never_written(tmp_path: Path) -> None:
    broken = linear()
    broken.evidence["x"] = float("nan")
    with pytest.raises(ValueError, match="not JSON compliant"):
        broken.save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_holds_no_pickles_and_moves_with_its_meaning(
    saved: Path, tmp_path: Path, tiny_backbone: Path, make_backbone: Callable[..., Path]
) -> None:
    other = network(tiny_backbone).save(tmp_path / "network")
    for folder in (saved, other):
        assert {path.suffix for path in folder.rglob("*") if path.is_file()} <= {
            ".json",
            ".yaml",
            ".safetensors",
            ".txt",
        }
        expected = load(folder).predict_proba(TEXTS)
        moved = tmp_path / "elsewhere" / folder.name
        moved.parent.mkdir(exist_ok=True)
        shutil.move(folder, moved)
        np.testing.assert_array_equal(load(moved).predict_proba(TEXTS), expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("good", "found one string; put it in a list"),
        (None, "found None; put texts in a list"),
        (4, "found int; put texts in a list"),
        ({"text": ["good"]}, "expected a list of texts, found a dict"),
        (pd.DataFrame({"text": ["good"]}), "found a DataFrame; give one column of it"),
    ],
)
def test_what_is_no_list_of_texts_is_not_taken_apart(saved: Path, given: Any, message: str) -> None:
    artifact = load(saved)
    for ask in (artifact.predict, artifact.predict_proba, artifact.outputs):
        with pytest.raises(DataError, match=message):
            ask(given)
    assert len(artifact.predict(text for text in ("good", "bad"))) == 2, "a generator is read once"
