"""Tiny encoder-decoders with random weights, in the format that each kind has on the hub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    M2M100Config,
    M2M100ForConditionalGeneration,
    MBart50Tokenizer,
    MBartConfig,
    MBartForConditionalGeneration,
    MBartTokenizer,
    NllbTokenizer,
    T5Config,
    T5ForConditionalGeneration,
)

SIZES: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64, "dropout": 0.0,
}  # fmt: skip
T5 = {
    "d_model": 32,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 2,
    "d_kv": 16,
    "d_ff": 64,
    "dropout_rate": 0.0,
}
PREFIX = "translate English to German: "
NLLB_CODES, MBART_CODES = ["deu_Latn", "eng_Latn", "zho_Hans", "zho_Hant"], ["de_DE", "en_XX", "fr_XX"]


def bpe(texts: Sequence[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Words and merges of a small sentencepiece-like BPE."""
    learner = Tokenizer(models.BPE(unk_token="<unk>"))
    learner.pre_tokenizer = pre_tokenizers.Metaspace()
    learner.train_from_iterator(
        [*texts, PREFIX],
        trainers.BpeTrainer(vocab_size=160, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False),
    )
    found = json.loads(learner.to_str())["model"]
    return found["vocab"], [tuple(pair) for pair in found["merges"]]


def scored(words: dict[str, int]) -> list[tuple[str, float]]:
    """The same words as a unigram model has them."""
    return [(word, -float(number)) for word, number in sorted(words.items(), key=lambda each: each[1])]


def made(kind: str, folder: Path, texts: Sequence[str], seed: int = 7) -> Path:
    """A folder with a network of a kind: `bart`, `t5`, `nllb`, `mbart` or `mbart-50`."""
    folder.mkdir(parents=True)
    words, merges = bpe(texts)
    torch.manual_seed(seed)
    tokenizer: Any
    if kind == "nllb":
        tokenizer = NllbTokenizer(vocab=words, merges=merges, extra_special_tokens=NLLB_CODES)
    elif kind == "mbart":
        tokenizer = MBartTokenizer(vocab=scored(words), extra_special_tokens=MBART_CODES)
    elif kind == "mbart-50":
        tokenizer = MBart50Tokenizer(vocab=scored(words), extra_special_tokens=MBART_CODES)
    else:
        from transformers import PreTrainedTokenizerFast

        inner = Tokenizer(models.BPE(vocab=words, merges=merges, unk_token="<unk>"))
        inner.pre_tokenizer = pre_tokenizers.Metaspace()
        from tokenizers import decoders, processors

        inner.decoder = decoders.Metaspace()
        inner.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", words["</s>"])])
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=inner, eos_token="</s>", pad_token="<pad>", unk_token="<unk>", bos_token="<s>"
        )
    tokenizer.save_pretrained(folder)
    count = max(tokenizer.get_vocab().values()) + 1
    marks = {"vocab_size": count, "pad_token_id": 1, "eos_token_id": 2, "bos_token_id": 0}
    network: Any
    if kind == "t5":
        network = T5ForConditionalGeneration(T5Config(**T5, **marks, decoder_start_token_id=1, initializer_factor=1.0))
        network.config.task_specific_params = {"translation_en_to_de": {"prefix": PREFIX}}
    else:
        cls, config = {
            "bart": (BartForConditionalGeneration, BartConfig), "nllb": (M2M100ForConditionalGeneration, M2M100Config),
        }.get(kind, (MBartForConditionalGeneration, MBartConfig))  # fmt: skip
        network = cls(config(**SIZES, **marks, decoder_start_token_id=2, forced_eos_token_id=None, init_std=0.1))
    network.save_pretrained(folder)
    if kind == "t5":
        path = folder / "config.json"
        path.write_text(
            json.dumps(
                json.loads(path.read_text()) | {"task_specific_params": {"translation_en_to_de": {"prefix": PREFIX}}}
            )
        )
    return folder
