"""A pretrained encoder made into a network that writes: the layers of BERT are those of BART's encoder, beside a fresh decoder.

BART's encoder computes what BERT's does: words and places added and normed, then attention and a feed-forward part, each normed
behind its sum. So the weights go over one by one, and what comes out loads in plain transformers (Rothe et al. 2020, "Leveraging
Pre-trained Checkpoints for Sequence Generation Tasks", whose BERT2RND this is).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from headstart.backbones.base import open_backbone
from headstart.backbones.encoder import quiet
from headstart.backbones.folders import SETTINGS, TARGET, WHOLE
from headstart.backbones.location import BackboneSource, Located, locate
from headstart.errors import ModelError
from headstart.runtime.durable import write_json

ENCODERS = ("bert",)
"""Architectures whose layers are those of BART's encoder."""
OFFSET = 2
"""Places of BART's table of positions that stand in front of the first."""
NEVER = -1e4
"""Added to the score of a word that is never written."""
SPREAD = 0.02
"""Standard deviation of random weights."""
START, END, UNKNOWN, PAD = "<s>", "</s>", "<unk>", "<pad>"
"""Special tokens of what is written, the first of its vocabulary, in this order: pad, start, end, unknown."""
LAYER = {
    "attention.self.query": "self_attn.q_proj", "attention.self.key": "self_attn.k_proj",
    "attention.self.value": "self_attn.v_proj", "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "self_attn_layer_norm",
    "intermediate.dense": "fc1", "output.dense": "fc2", "output.LayerNorm": "final_layer_norm",
}  # fmt: skip
"""Parts of a layer of BERT, and what BART calls them."""


def learn_vocabulary(texts: Sequence[str], *, size: int, first: int, seen: int = 2) -> Tokenizer:
    """A byte-level BPE tokenizer of what is to be written, whose ids begin behind those of another one.

    Args:
        texts: to learn from; letters stay as they are.
        size: words at most, special ones included; a small file gives fewer.
        first: the first id, at least 0.
        seen: times that a pair of pieces occurs at least to be made one, at least 1.
    """
    from tokenizers import decoders, models, pre_tokenizers, processors, trainers

    learner = Tokenizer(models.BPE(unk_token=None))
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=seen, special_tokens=[PAD, START, END, UNKNOWN], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    learner.train_from_iterator(texts, trainer)
    learnt = json.loads(learner.to_str())["model"]
    words = {word: number + first for word, number in learnt["vocab"].items()}
    merges = [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in learnt["merges"]]
    found = Tokenizer(models.BPE(vocab=words, merges=merges, unk_token=UNKNOWN))  # type: ignore[arg-type]
    found.add_special_tokens([PAD, START, END, UNKNOWN])
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    found.decoder = decoders.ByteLevel()
    found.post_processor = processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, words[END])])
    return found


def warm_started(
    located: Located, vocabulary: Tokenizer, folder: Path, *, layers: int = 3, dropout: float | None = None, seed: int = 0,
    pretrained: bool = True,
) -> Located:  # fmt: skip
    """Write a folder with an encoder-decoder whose encoder is a pretrained one, and find it there.

    Args:
        located: of an encoder of the architecture BERT.
        vocabulary: of what is written, see `learn_vocabulary`; its ids begin behind those of the encoder.
        folder: an existing empty one.
        layers: of the decoder, at least 1; each as wide as those of the encoder.
        dropout: share of the states dropped in training, in [0, 1); that of the encoder if None.
        seed: of what is random.
        pretrained: take the encoder's weights; False gives the same network with random ones.

    Raises:
        ModelError: the encoder is of another architecture.
    """
    from transformers import BartForConditionalGeneration, GenerationConfig

    kind = located.config["model_type"]
    if kind not in ENCODERS:
        raise ModelError(
            f"{located.identity} is of the architecture {kind}; a decoder can be put beside those of {', '.join(ENCODERS)}, and "
            "encoder-decoders such as BART or T5 write as they are"
        )
    encoder: Any = open_backbone(located)
    config, source = encoder.network.config, encoder.network.state_dict()
    count = int(config.vocab_size)
    words = vocabulary.get_vocab(with_added_tokens=True)
    if min(words.values()) != count:
        raise ModelError(
            f"the words of what is written begin with the id {min(words.values()):,}, those that are read end at {count:,}"
        )
    marks = dict.fromkeys(("bos_token_id", "decoder_start_token_id"), words[START])
    marks |= {"pad_token_id": words[PAD], "eos_token_id": words[END]}
    made = _configuration(config, count + len(words), layers, dropout, marks)
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        network = BartForConditionalGeneration(made)
        state = network.state_dict()
        if pretrained:
            state |= _encoder_weights(source, count, state["model.shared.weight"])
        for name in ("model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"):
            state[name] = state["model.shared.weight"]
        state["final_logits_bias"][:, :count] = NEVER  # what is read is never written
        network.load_state_dict(state)
        network.generation_config = GenerationConfig(**marks)
        network.save_pretrained(str(folder))
    encoder.tokenizer.save(folder)
    save_vocabulary(vocabulary, folder / TARGET, encoder.tokenizer.max_length)
    return locate(BackboneSource(location=str(folder), max_length=encoder.tokenizer.max_length))


def _configuration(config: Any, words: int, layers: int, dropout: float | None, marks: Mapping[str, int]) -> Any:
    """The configuration of a BART whose encoder is that of another configuration."""
    from transformers import BartConfig

    share = config.hidden_dropout_prob if dropout is None else dropout
    sizes = {
        "d_model": config.hidden_size, "encoder_layers": config.num_hidden_layers, "decoder_layers": layers, "dropout": share,
        "max_position_embeddings": config.max_position_embeddings, "activation_function": config.hidden_act, "vocab_size": words,
        "attention_dropout": 0.0, "activation_dropout": 0.0, "init_std": SPREAD, "scale_embedding": False,
        "forced_eos_token_id": None,
    }  # fmt: skip
    for side in ("encoder", "decoder"):
        sizes |= {f"{side}_attention_heads": config.num_attention_heads, f"{side}_ffn_dim": config.intermediate_size}
    # CTranslate2 asks for the two keys about norms, which BART's own code takes as given.
    return BartConfig.from_dict({**sizes, **marks, "normalize_before": False, "normalize_embedding": True})


def save_vocabulary(vocabulary: Tokenizer, folder: Path, max_length: int) -> None:
    """Write the tokenizer of what is written into a new folder, as transformers reads it."""
    folder.mkdir()
    vocabulary.save(str(folder / WHOLE))
    roles = {"pad_token": PAD, "bos_token": START, "eos_token": END, "unk_token": UNKNOWN}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": max_length,
    }
    write_json(folder / SETTINGS, settings | roles)


def _encoder_weights(source: Mapping[str, Tensor], count: int, shared: Tensor) -> dict[str, Tensor]:
    """The weights of BERT by the names of BART, with the words of what is written as they are in `shared`."""
    words, places = source["embeddings.word_embeddings.weight"], source["embeddings.position_embeddings.weight"]
    table = shared.clone()
    table[:count] = words
    types = source.get("embeddings.token_type_embeddings.weight")
    found = {"model.shared.weight": table}
    positions = places if types is None else places + types[0]
    found["model.encoder.embed_positions.weight"] = torch.cat(
        [positions.new_zeros(OFFSET, positions.shape[1]), positions]
    )
    for kind in ("weight", "bias"):
        found[f"model.encoder.layernorm_embedding.{kind}"] = source[f"embeddings.LayerNorm.{kind}"]
        layer = 0
        while f"encoder.layer.{layer}.output.dense.{kind}" in source:
            for theirs, ours in LAYER.items():
                found[f"model.encoder.layers.{layer}.{ours}.{kind}"] = source[f"encoder.layer.{layer}.{theirs}.{kind}"]
            layer += 1
    return found
