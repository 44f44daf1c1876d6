"""The artifact: whole or not there, refused with the file's name where damaged, never over what is not ours."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart import artifact as artifacts
from headstart.artifact import MANIFEST, Artifact, check_free, load, new_folder
from headstart.errors import (
    DataError,
    DivergedError,
    HeadstartError,
    MissingInputError,
    ModelError,
    RunFolderError,
    StorageError,
)
from headstart.predictors.linear_text import CHARACTERS, WORDS, LinearTextPredictor, vectorizer_for
from headstart.tasks.text_classification import TextClassification

TEXTS = ["a good day", "bad bad night", "the shop opens"]


def linear() -> Artifact:
    vectorizers = [vectorizer_for(options).fit(TEXTS) for options in (WORDS, CHARACTERS)]
    terms = sum(len(vectorizer.vocabulary_) for vectorizer in vectorizers)
    random = np.random.default_rng(0)
    predictor = LinearTextPredictor(vectorizers, random.normal(size=(2, terms)), random.normal(size=2))
    task = TextClassification(text=("text",), label="label", labels=("no", "yes"), metric="accuracy")
    return Artifact(predictor, task, {"verb": "fit", "seed": 3}, {"title": "x", "backbone": None})


def network(backbone: Path) -> Artifact:
    import torch

    from headstart.backbones.encoder import TextEncoder
    from headstart.backbones.location import BackboneSource, locate
    from headstart.heads.model import Model
    from headstart.predictors.network import NetworkPredictor

    torch.manual_seed(0)
    encoder = TextEncoder(locate(BackboneSource(location=str(backbone))))
    base = linear()
    return Artifact(NetworkPredictor(Model(encoder, base.task.heads(encoder))), base.task, base.recipe, base.evidence)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return linear().save(tmp_path / "run")


def test_what_was_saved_loads_equal(saved: Path) -> None:
    before, after = linear(), load(saved)
    assert (after.labels, after.task, after.recipe, after.evidence) == (
        ("no", "yes"), before.task, before.recipe, before.evidence
    )  # fmt: skip
    np.testing.assert_allclose(after.predict_proba(TEXTS), before.predict_proba(TEXTS), atol=1e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_never_published(tmp_path: Path, value: float) -> None:
    base = linear()
    predictor = base.predictor
    assert isinstance(predictor, LinearTextPredictor)
    predictor.bias[1] = value
    with pytest.raises(DivergedError, match=r"bias in linear\.safetensors holds numbers that are not finite"):
        base.save(tmp_path / "broken")
    assert list(tmp_path.iterdir()) == []


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


def rewrite(folder: Path, **changes: Any) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | changes))


def test_a_format_from_the_future_is_refused(saved: Path) -> None:
    rewrite(saved, format=2, headstart="9.9")
    with pytest.raises(ModelError, match=r"run was written by headstart 9\.9, which is newer than this; upgrade"):
        load(saved)


@pytest.mark.parametrize(
    "content", ["{", "[]", "3", "{}", '{"format": "1"}', '{"format": 1}', '{"format": 1, "task": null}', ""]
)
def test_a_damaged_manifest_is_refused(content: str, saved: Path) -> None:
    (saved / MANIFEST).write_text(content)
    with pytest.raises(ModelError, match="damaged"):
        load(saved)


@pytest.mark.parametrize(
    "changes",
    [{"kind": "unheard-of"}, {"task": {"name": "unheard-of"}}, {"task": {"name": "text-classification", "x": 1}}],
)
def test_components_that_are_not_known_are_refused_by_name(changes: dict[str, Any], saved: Path) -> None:
    rewrite(saved, **changes)
    with pytest.raises(HeadstartError, match=r"unheard-of|unknown key 'x'"):
        load(saved)


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
    (saved / "old").write_text("x")
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
    assert (theirs / "thesis.txt").read_text() == "mine"


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
        if Path(target) == saved and (Path(source) / MANIFEST).exists() and Path(source).name != "x":
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
