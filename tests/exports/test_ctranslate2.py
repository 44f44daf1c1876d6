"""Networks kept for CTranslate2: the same texts, scores and ends, or no export; changed files are never used."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.backbones.test_seq2seq import network as network  # a fixture
from tests.exports.conftest import sentences

import headstart
from headstart.errors import MissingInputError, ModelError, RecipeError, RunFolderError, UnavailableError, UsageError
from headstart.exports import ctranslate2
from headstart.exports.ctranslate2 import CTranslate2
from headstart.exports.folder import ExportFolder
from headstart.folders import check_free
from headstart.loading import load
from headstart.manifest import ExportManifest, checkable
from headstart.predictors.seq2seq import NetworkWriter, Seq2SeqPredictor
from headstart.runs import exporting
from headstart.runtime.contained import digest_of
from headstart.serving import files
from headstart.serving.journal import Journal
from headstart.tasks.translation import Translation
from headstart.writing import decoding
from headstart.writing.decoding import Decoding

pytest.importorskip("ctranslate2")


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def test_in_float32_texts_scores_and_ends_are_those_of_the_network(
    run: Path, texts_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = headstart.export(run, data=str(texts_csv), threads=1)
    agreement = said["agreement"]
    assert (agreement["rows"], agreement["texts"], agreement["ties"], agreement["tokens"]) == (40, 1.0, 0.0, 1.0)
    assert agreement["bleu"][0] == agreement["bleu"][1]
    assert agreement["chrf"][0] == agreement["chrf"][1] > 0
    assert json.loads((run / "ctranslate2" / "agreement.json").read_text())["texts"] == 1.0
    fast, own = load(run), load(run, runtime="torch")
    assert (fast.predictor.remark, own.predictor.remark) == (
        "ctranslate2, float32; the network itself: --runtime torch",
        "",
    )
    monkeypatch.setattr(decoding, "MARGIN", 1)
    different, cut = 0, False
    for how in (
        Decoding(beams=1), Decoding(beams=4, best=3), Decoding(beams=3, length_penalty=0.3), Decoding(beams=2, longest=0.1),
    ):  # fmt: skip
        ours, theirs = (each.predictor.written(sentences(), how) for each in (own, fast))  # type: ignore[attr-defined]
        pairs = zip(theirs.texts, ours.texts, strict=True)
        same = np.array([one[0] == other[0] for one, other in pairs])  # both end their search by rules of their own
        assert same.all() if how.beams == 1 else same.mean() >= 0.9, how
        assert {len(texts) for texts in theirs.texts} == {how.best}
        np.testing.assert_allclose(theirs.scores[same, 0], ours.scores[same, 0], rtol=1e-4, atol=1e-4)
        different = max(different, len({texts[0] for texts in ours.texts}))
        assert theirs.ended[same].tolist() == ours.ended[same].tolist()
        cut |= not ours.ended.all()
    assert different > 5
    assert cut, "no text met its limit"


def test_an_export_writes_where_the_network_would_have(
    run: Path, texts_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headstart.export(run, data=str(texts_csv))
    expected = load(run, runtime="torch").predict(sentences(5))

    def refused(*_: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(NetworkWriter, "write", refused)
    assert [each.text for each in load(run, runtime="ctranslate2").predict(sentences(5))] == [
        each.text for each in expected
    ]
    assert [each.text for each in load(run).stream(iter(sentences(5)))] == [each.text for each in expected]


# The converter takes the padding of M2M100 to be 1, as in all of the hub; that of the tiny one is 0.
KINDS = ("bart", "mbart", "marian", "pegasus", "t5", "t5 with a head of its own")


@pytest.mark.parametrize("kind", KINDS)
def test_architectures_of_the_hub_write_the_same(kind: str, network: Callable[[str], Any], tmp_path: Path) -> None:
    backbone = network(kind)
    predictor = Seq2SeqPredictor(backbone, Translation(source_language="en", target_language="de"))
    writer = exported(predictor, tmp_path)
    for how in (Decoding(beams=1), Decoding(beams=3, best=2)):
        ours, theirs = (predictor.written(sentences(12), how, writer=each) for each in (None, writer))
        same = [row for row in range(12) if theirs.texts[row] == ours.texts[row]]
        assert len(same) > 10, "one row may be a tie"
        np.testing.assert_allclose(
            theirs.scores[same], ours.scores[same], rtol=5e-3
        )  # in Marian's padding is left out there


def test_what_was_written_in_another_way_is_not_taken_up(
    run: Path, texts_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headstart.export(run, data=str(texts_csv))
    keys: list[dict[str, Any]] = []
    monkeypatch.setattr(files, "Journal", lambda path, key, blank: keys.append(dict(key)) or Journal(path, key, blank))
    for options in ({}, {}, {"beams": 2}, {"runtime": "torch"}):
        headstart.predict(run, input=str(texts_csv), output=str(run / "out.csv"), overwrite=True, **options)  # type: ignore[arg-type]
    assert keys[0] == keys[1]
    assert all(one != other for one, other in ((keys[0], keys[2]), (keys[0], keys[3])))
    with (run / "out.csv").open() as file:
        assert [row["en"] for row in csv.DictReader(file)] == sentences()


def test_converting_leaves_the_network_as_it_is(run: Path, texts_csv: Path) -> None:
    predictor: Any = load(run).predictor
    before = {name: tensor.clone() for name, tensor in predictor.backbone.network.state_dict().items()}
    (run / "new").mkdir()
    CTranslate2().convert(predictor.backbone, run / "new", "int8")
    assert all(torch.equal(tensor, before[name]) for name, tensor in predictor.backbone.network.state_dict().items())


def test_int8_is_kept_where_tokens_or_bleu_are(run: Path, texts_csv: Path) -> None:
    said = headstart.export(run, data=str(texts_csv), int8=True)
    whole = sum(path.stat().st_size for path in (run / "model.safetensors",))
    assert (said["quantization"], said["bytes"] < whole / 2) == ("int8", True)
    assert load(run).predictor.remark.startswith("ctranslate2, int8")
    assert load(run, precision="float32").predictor.remark == "", "float32 was asked for"


@pytest.mark.parametrize("options", [{}, {"int8": True}])
def test_an_export_that_writes_otherwise_is_refused_with_the_numbers(
    options: dict[str, Any], run: Path, texts_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ctranslate2._Words.names
    monkeypatch.setattr(ctranslate2._Words, "names", lambda words, first, behind: shifted(names(words, first, behind)))
    before = sorted(path.name for path in run.iterdir())
    with pytest.raises(
        ModelError, match=r"nothing was exported.* of 40 texts .*% are the same .*BLEU .* exported; at least"
    ):
        headstart.export(run, data=str(texts_csv), **options)
    assert sorted(path.name for path in run.iterdir()) == before


@pytest.mark.parametrize("name", ["model.bin", "target_vocabulary.json", "agreement.json", "headstart.json"])
def test_a_changed_file_is_refused_and_the_network_is_still_there(name: str, run: Path, texts_csv: Path) -> None:
    headstart.export(run, data=str(texts_csv))
    path = run / "ctranslate2" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name}.* is damaged.*export again with --overwrite, or .*--runtime torch"):
        load(run)
    assert load(run, runtime="torch").predict(["good day"])[0].text


def test_the_export_of_another_network_is_refused(run: Path, texts_csv: Path) -> None:
    headstart.export(run, data=str(texts_csv))
    path = run / "ctranslate2" / "headstart.json"
    said = json.loads(path.read_text()) | {"network": "0" * 64}
    path.write_text(json.dumps(checkable(said)))
    with pytest.raises(ModelError, match="was made of another network than the one beside it"):
        load(run)


def test_a_run_with_an_export_is_replaced_and_one_with_a_file_of_others_in_it_is_not(
    run: Path, texts_csv: Path
) -> None:
    headstart.export(run, data=str(texts_csv))
    with pytest.raises(RunFolderError, match="ctranslate2 exists"):
        headstart.export(run, data=str(texts_csv))
    check_free(run, overwrite=True)
    (run / "ctranslate2" / "notes.txt").write_text("mine")
    for folder in (run, run / "ctranslate2"):
        with pytest.raises(RunFolderError, match=r"holds .*notes.txt, which headstart did not write"):
            check_free(folder, overwrite=True)


def test_without_the_package_the_network_writes_and_says_what_to_install(
    run: Path, texts_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headstart.export(run, data=str(texts_csv))
    monkeypatch.setattr(ctranslate2, "find_spec", lambda _: None)
    artifact = load(run)
    assert "not used: CTranslate2 is not installed; install it with: pip install" in artifact.predictor.remark
    assert isinstance(artifact.predictor.writer_for(Decoding()), NetworkWriter)  # type: ignore[attr-defined]
    for call in (lambda: load(run, runtime="ctranslate2"), lambda: headstart.export(run)):
        with pytest.raises(UnavailableError, match=r"pip install 'headstart\[fast\]'"):
            call()


def test_what_the_runtime_does_not_know_is_written_by_the_network(run: Path, texts_csv: Path) -> None:
    class Other(Decoding):
        tone: str = "plain"

    headstart.export(run, data=str(texts_csv))
    predictor: Any = load(run).predictor
    assert not isinstance(predictor.writer_for(Other()), NetworkWriter)
    assert isinstance(predictor.writer_for(Other(tone="loud")), NetworkWriter)


def test_what_cannot_be_exported_is_named(
    run: Path, texts_csv: Path, linear_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="export is for networks that write texts"):
        headstart.export(linear_run)
    monkeypatch.setattr(exporting, "ROLES", ())
    with pytest.raises(UsageError, match=r"no file of the run .* is where it was; .*--data FILE"):
        headstart.export(run)
    with pytest.raises(MissingInputError, match="holds no network for ctranslate2; make one with: headstart export"):
        load(run, runtime="ctranslate2")
    with pytest.raises(UsageError, match="--runtime ctranslate2 is for models that write"):
        load(linear_run, runtime="ctranslate2")
    with pytest.raises(RecipeError, match="int8 and quantization bfloat16 contradict each other"):
        headstart.export(run, int8=True, quantization="bfloat16")
    with pytest.raises(ModelError, match="name the folder of the run that it was made of"):
        headstart.export(run, data=str(texts_csv))
        load(run / "ctranslate2")


def test_texts_without_references_are_compared_too(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("en\n" + "\n".join(sentences()) + "\n")
    said = headstart.export(run, data=str(path), output=str(tmp_path / "there"))
    assert (said["agreement"]["texts"], said["agreement"]["bleu"]) == (1.0, None)
    assert load(run).predictor.remark == "", "it lies elsewhere"


def exported(predictor: Seq2SeqPredictor, folder: Path) -> Any:
    """A writer with the network of a predictor, in float32."""
    kept = CTranslate2()
    kept.convert(predictor.backbone, folder, "float32")
    said = {"format": 2, "kind": "export", "to": "ctranslate2", "quantization": "float32", "network": ""}
    files = {path.name: digest_of(folder, path.name) for path in folder.iterdir()}
    return kept.open(ExportFolder(folder, "", ExportManifest(**said, files=files)), predictor.backbone)  # type: ignore[arg-type]


def shifted(names: list[str]) -> list[str]:
    """Tokens each of which has the id of another."""
    return [*names[:4], *names[9:], *names[4:9]]
