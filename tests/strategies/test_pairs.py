"""Warm starts that BART cannot hold: other encoders, decoders that are pretrained too; what they learn, keep and refuse."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.strategies.test_writing import TEXTS, rows
from tests.toys.decoders import make_decoder
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from headstart.backbones.base import open_backbone
from headstart.backbones.location import GENERATE, BackboneSource, locate
from headstart.backbones.pairs import located_decoder, paired
from headstart.errors import HeadstartError, ModelError
from headstart.exports import EXPORTS
from headstart.loading import load
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import RunResult, compare
from headstart.runtime.progress import SILENT

GIVEN: dict[str, Any] = {
    "train": MEMORY, "threads": 1, "task": "translation", "source_language": "en", "target_language": "de", "validation_share": 0.2,
    "controls": False, "folds": 0, "seed": 5, "refit": False, "learning_rate": 3e-3, "batch_size": 8, "epochs": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> str:
    return str(make_backbone(tmp_path_factory.mktemp("encoder") / "roberta", "roberta", initializer_range=0.2))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_decoder(tmp_path_factory.mktemp("decoder") / "gpt2", "gpt2", hidden_size=48, initializer_range=0.2))


def run(**options: Any) -> RunResult:
    found = compare(assemble("fit", GIVEN | options), SILENT, rows())
    assert found is not None
    return found


def test_another_encoder_learns_to_write_and_is_kept_as_plain_transformers_has_it(
    encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"backbone": encoder, "strategies": ("warm-start", "from-scratch"), "decoder_layers": 1, "metric": "chrf"}
    compared = run(**options, epochs=4)
    assert [(entry.status, entry.note) for entry in compared.entries] == [("done", "")] * 2
    warm, cold = (entry.finished for entry in compared.entries)
    assert warm.trainable_parameters == cold.trainable_parameters
    losses = [epoch["validation_loss"] for epoch in warm.curve]
    assert losses[-1] < losses[0] - 0.2
    saved = compared.artifact.save(tmp_path / "saved")
    again = load(saved)
    assert again.outputs(TEXTS).texts == compared.artifact.outputs(TEXTS).texts
    monkeypatch.chdir(saved)
    code = again.predictor.usage().replace('"a text"', repr(TEXTS[0]))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "card", "exec"), {})
    assert printed.getvalue().strip() == again.outputs(TEXTS).texts[0][0]
    with pytest.raises(ModelError, match="CTranslate2 reads no networks of the architecture encoder-decoder"):
        EXPORTS.get("ctranslate2")().convert(again.predictor.backbone, tmp_path / "fast", "float32")


def test_a_pretrained_decoder_moves_as_its_encoder_does_and_what_is_new_at_the_whole_rate(
    encoder: str, decoder: str, tmp_path: Path
) -> None:
    options = {"backbone": encoder, "strategies": ("warm-start",), "decoder": decoder}
    still = run(**options, encoder_rate=0).artifact.predictor.backbone.network.state_dict()  # type: ignore[attr-defined]
    moved = run(**options, encoder_rate=0.5).artifact.predictor.backbone.network.state_dict()  # type: ignore[attr-defined]
    changed = {name for name in still if not bool((still[name] == moved[name]).all())}
    old = {name for name in still if name.startswith("encoder.") and "pooler" not in name}
    old |= {name for name in still if name.startswith("decoder.") and "cross" not in name}
    assert old - changed <= {name for name in old if "position" in name or "token_type" in name or "wpe" in name}
    plain = {f"encoder.{name}": tensor for name, tensor in AutoModel.from_pretrained(encoder).state_dict().items()}
    plain |= {
        f"decoder.{name}": tensor for name, tensor in AutoModelForCausalLM.from_pretrained(decoder).state_dict().items()
    }
    assert all(bool((still[name] == plain[name]).all()) for name in old)
    assert {"enc_to_dec_proj.weight"} | {
        name for name in still if "crossattention" in name and "weight" in name
    } <= changed


def test_texts_of_a_pretrained_decoder_end_with_its_own_token(encoder: str, decoder: str, tmp_path: Path) -> None:
    located = locate(BackboneSource(location=encoder))
    found: Any = open_backbone(paired(located, located_decoder(decoder), tmp_path)[0], needs=frozenset({GENERATE}))
    special = found.target.special
    assert (found.marks.start, found.marks.end) == (special["bos"], special["eos"])
    ids = found.target.encode(["the cat"]).get(0).tolist()
    assert ids[-1] == found.marks.end and found.marks.start not in ids
    plain = AutoTokenizer.from_pretrained(tmp_path / "target")
    assert plain("the cat")["input_ids"] == ids


@pytest.mark.parametrize("strategy", ["fine-tuning", "lora", "untouched"])
def test_a_pair_is_trained_further_as_other_networks_that_write(
    strategy: str, encoder: str, decoder: str, tmp_path: Path
) -> None:
    first = run(backbone=encoder, strategies=("warm-start",), decoder=decoder, epochs=1)
    folder = first.artifact.save(tmp_path / "first")
    none = dict.fromkeys(("learning_rate", "batch_size", "epochs")) if strategy == "untouched" else {}
    compared = run(backbone=str(folder), strategies=(strategy,), **none)
    assert [(entry.status, entry.note) for entry in compared.entries] == [("done", "")]
    again = load(compared.artifact.save(tmp_path / "again"))
    assert again.outputs(TEXTS).texts == compared.artifact.outputs(TEXTS).texts


def test_what_cannot_be_paired_is_refused_by_name(encoder: str, decoder: str, tmp_path: Path) -> None:
    llama = str(make_decoder(tmp_path / "llama"))
    common = {"strategies": ("warm-start",)}
    with pytest.raises(
        HeadstartError, match=r"architecture llama, which has no cross-attention.*--strategy lora --backbone"
    ):
        run(backbone=encoder, decoder=llama, **common)
    with pytest.raises(HeadstartError, match="networks of the architecture gpt2 read from left to right"):
        run(backbone=decoder, **common)
    with pytest.raises(HeadstartError, match="decoder_layers is for a new decoder"):
        run(backbone=encoder, decoder=decoder, decoder_layers=2, **common)


def test_a_vocabulary_that_cannot_write_the_texts_is_said(
    encoder: str, make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    from headstart.runtime.progress import Progress

    said: list[str] = []

    class Heard(Progress):
        def say(self, topic: str, message: str, *, warning: bool = False) -> None:
            said.append(message)

    lower = str(make_backbone(tmp_path / "bert", "bert"))
    given = GIVEN | {"backbone": encoder, "strategies": ("warm-start",), "decoder": lower, "epochs": 1}
    assert compare(assemble("fit", given), Heard(), rows()) is not None
    assert any("72 of 72 texts cannot be written as they are, such as 'Tag " in each for each in said), repr(said)
