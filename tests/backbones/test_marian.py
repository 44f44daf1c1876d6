"""Folders of Marian as the hub has them: SentencePiece models are read without the library, and say the ids that it says."""

import json
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, GenerationConfig, MarianConfig, MarianMTModel

import headstart
from headstart.backbones.base import Inputs, open_backbone
from headstart.backbones.languages import set_languages
from headstart.backbones.location import GENERATE, BackboneSource, locate
from headstart.backbones.marian import pieces_of
from headstart.backbones.seq2seq import Seq2Seq, Seq2SeqSteps
from headstart.errors import ModelError, RecipeError
from headstart.loading import load
from headstart.writing.search import search

MADE = Path(__file__).parent / "marian"
EXPECTED = json.loads((MADE / "expected.json").read_text(encoding="utf-8"))
FILES = ("source.spm", "target.spm", "vocab.json")
SIZES: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64, "init_std": 0.5,
}  # fmt: skip


def made(folder: Path, *more: str, filler: float = 0.0) -> Path:
    """A random Marian of the hub's own form, with tokens of languages if some are given."""
    folder.mkdir()
    for name in FILES:
        shutil.copy(MADE / name, folder)
    words = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    words |= {word: len(words) + at for at, word in enumerate(more)}
    (folder / "vocab.json").write_text(json.dumps(words), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"source_lang": "en", "target_lang": "de", "model_max_length": 64}')
    pad = words["<pad>"]
    config = MarianConfig(
        vocab_size=len(words), pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad, forced_eos_token_id=None, bos_token_id=0,
        **SIZES,
    )  # fmt: skip
    torch.manual_seed(2)
    network: Any = MarianMTModel(config)
    network.final_logits_bias[0, pad] = filler
    network.generation_config = GenerationConfig(
        bad_words_ids=[[pad]], pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad, forced_eos_token_id=None
    )
    network.save_pretrained(folder)
    return folder


def opened(folder: Path) -> Seq2Seq:
    needs = frozenset({GENERATE})
    found: Any = open_backbone(locate(BackboneSource(location=str(folder)), needs), needs=needs)
    return found.eval()


@pytest.fixture
def marian(tmp_path: Path) -> Callable[..., Seq2Seq]:
    return lambda *more, **options: opened(made(tmp_path / "marian", *more, **options))


def test_texts_have_the_ids_that_the_library_gives_them_and_come_back(marian: Callable[..., Seq2Seq]) -> None:
    backbone = marian()
    for tokenizer, side in ((backbone.tokenizer, "source"), (backbone.target, "target")):
        for text, ids in EXPECTED[side]:
            assert tokenizer.encode([text]).get(0).tolist() == ids, text
    german = [text for text, _ in EXPECTED["target"]]
    assert backbone.target.written([ids for _, ids in EXPECTED["target"]]) == german
    english = backbone.target.written([ids for _, ids in EXPECTED["source"][:1]])
    assert english == ["The shop opens at nine."], "pieces of the other side may be written, such as names"


def test_what_is_saved_reads_and_writes_the_same_without_the_models(
    marian: Callable[..., Seq2Seq], tmp_path: Path
) -> None:
    backbone = marian()
    (tmp_path / "saved").mkdir()
    backbone.save(tmp_path / "saved")
    assert not (tmp_path / "saved" / "source.spm").exists()
    again = opened(tmp_path / "saved")
    reader, writer = (
        AutoTokenizer.from_pretrained(tmp_path / "saved"),
        AutoTokenizer.from_pretrained(tmp_path / "saved" / "target"),
    )
    for text, ids in EXPECTED["source"]:
        assert again.tokenizer.encode([text]).get(0).tolist() == ids
        assert reader(text)["input_ids"] == ids
    for text, ids in EXPECTED["target"]:
        assert again.target.encode([text]).get(0).tolist() == ids
        assert writer.decode(ids, skip_special_tokens=True).strip() == text
    assert (again.marks, again.never) == (backbone.marks, backbone.never)


@pytest.mark.parametrize("beams", [1, 3])
def test_words_that_the_folder_forbids_are_never_written(beams: int, marian: Callable[..., Seq2Seq]) -> None:
    backbone = marian(filler=20.0)  # the likeliest word of all, were it not forbidden
    pad = backbone.marks.pad
    assert (backbone.never, backbone.marks.start) == ((pad,), pad)
    tokens = backbone.tokenizer.encode(["The shop opens.", "Where is it?", "nine"])
    inputs = Inputs(*(torch.from_numpy(each) for each in tokens.pad(range(3), pad)))
    how = GenerationConfig(
        num_beams=beams, max_new_tokens=8, pad_token_id=pad, eos_token_id=0, decoder_start_token_id=pad, early_stopping=False,
        bad_words_ids=[[pad]], use_cache=True,
    )  # fmt: skip
    with torch.no_grad():
        theirs = backbone.network.generate(input_ids=inputs.ids, attention_mask=inputs.mask, generation_config=how)
        steps = Seq2SeqSteps(backbone, backbone.encode(inputs), backbone.written)
    ours = search(steps, torch.full((3,), 8), start=pad, ends=(0,), beams=beams)
    for row, (ids,) in enumerate(ours.ids):
        expected = theirs[row, 1:].tolist()
        assert ids == (expected[: expected.index(0)] if 0 in expected else expected)
        assert pad not in ids


def test_the_language_to_be_written_stands_in_front_where_there_are_several(marian: Callable[..., Seq2Seq]) -> None:
    backbone = marian(">>deu<<", ">>fra<<", ">>cmn_Hans<<")
    words = backbone.tokenizer.vocabulary
    (text, plain), *_ = EXPECTED["source"]
    tag = words[">>deu<<"]
    assert backbone.tokenizer.encode([f">>deu<< {text}"]).get(0).tolist() == [tag, *plain], "as users write it by hand"
    with pytest.raises(RecipeError, match=r"task\.target_language: the network knows 3 languages.*--target-language"):
        set_languages(backbone, "en", None)
    set_languages(backbone, "en", "de")
    assert backbone.tokenizer.encode([text]).get(0).tolist() == [tag, *plain]
    assert backbone.target.encode([EXPECTED["target"][0][0]]).get(0).tolist() == EXPECTED["target"][0][1]
    with pytest.raises(RecipeError, match="does not know the language 'es'"):
        set_languages(backbone, None, "es")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("target.spm", None, "has no target.spm"),
        ("vocab.json", None, "has no vocab.json"),
        ("source.spm", b"", "source.spm is damaged: it is no SentencePiece model with pieces"),
        ("source.spm", b"not a model", "source.spm is damaged"),
        ("source.spm", (MADE / "source.spm").read_bytes()[:-7], "source.spm is damaged"),
        ("vocab.json", b'{"</s>": 0, "<unk>": 7}', "do not have the numbers from 0 to 1"),
        ("vocab.json", b'{"</s>": 0, "<pad>": 1}', "it has no <unk>"),
        ("vocab.json", b'{"</s>": 0, "<unk>": true}', "expected words with a whole number each"),
    ],
)  # fmt: skip
def test_what_is_missing_or_damaged_is_named(name: str, content: bytes | None, said: str, tmp_path: Path) -> None:
    folder = made(tmp_path / "marian")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=said):
        opened(folder)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path / "marian")
    data = (folder / "source.spm").read_bytes()
    (folder / "source.spm").write_bytes(
        data + bytes([2 << 3 | 2, 2, 3 << 3, 2])
    )  # the field that says which kind it is
    assert pieces_of((folder / "source.spm").read_bytes(), "x").kind == 2
    with pytest.raises(ModelError, match=r"source\.spm is a SentencePiece model of another kind than unigram"):
        opened(folder)


def test_such_a_folder_is_trained_kept_and_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = {
        "en": [text for text, _ in EXPECTED["source"][:4]] * 8,
        "de": [text for text, _ in EXPECTED["target"][:2]] * 16,
    }
    artifact = headstart.fit(
        table, task="translation", source_language="en", target_language="de", backbone=str(made(tmp_path / "marian")), controls=False,
        strategies=["untouched", "fine-tuning"], epochs=2, learning_rate=5e-3, batch_size=4, folds=0, refit=False, threads=1,
    )  # fmt: skip
    rows = {row["label"]: row for row in artifact.evidence["leaderboard"]}
    curve = [epoch["validation_loss"] for epoch in rows["fine-tuning"]["curve"]]
    assert curve[-1] < curve[0] - 0.5
    saved = artifact.save(tmp_path / "saved")
    texts = table["en"][:2]
    said = [each.text for each in artifact.predict(texts)]
    assert [each.text for each in load(saved).predict(texts)] == said
    network: Any = load(saved).predictor
    if find_spec("ctranslate2"):
        from headstart.exports import EXPORTS

        spec = tmp_path / "fast"
        spec.mkdir()
        EXPORTS.get("ctranslate2")().convert(network.backbone, spec, "float32")
        assert {path.name for path in spec.iterdir()} >= {"model.bin", "config.json"}
    monkeypatch.chdir(saved)
    exec(compile(network.usage().replace('"a text"', repr(texts[0])), "card", "exec"), {})
    assert capsys.readouterr().out.strip() == said[0]
