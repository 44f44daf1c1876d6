"""Tiny random decoders in the hub's own format, with a tokenizer of bytes and a chat template."""

from pathlib import Path
from typing import Any

SIZES: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 256,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "initializer_range": 0.4,
}  # fmt: skip
MORE: dict[str, dict[str, Any]] = {
    "llama": {"num_key_value_heads": 1},
    "qwen2": {"num_key_value_heads": 1},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32, "init_std": 0.4},
}
"""What an architecture needs beside the sizes that all have."""
CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}"
    "{% endif %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""A template that writes a system's turn where there is none."""
TEXTS = ["the cat sat on the mat", "what is not good? it is bad", "user assistant system", "day and night, yes and no"]


def make_decoder(folder: Path, kind: str = "llama", *, template: str | None = CHATML, **changes: Any) -> Path:
    """A random decoder of two layers, saved with its head over words."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import CONFIG_MAPPING, MODEL_FOR_CAUSAL_LM_MAPPING, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokenizer.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    whole = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=special[1],
        eos_token=special[2],
        pad_token=special[0],
        model_max_length=128,
    )
    whole.chat_template = template
    whole.save_pretrained(str(folder))
    config = CONFIG_MAPPING[kind](**(SIZES | MORE.get(kind, {}) | {"vocab_size": tokenizer.get_vocab_size()} | changes))
    torch.manual_seed(3)
    network = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)](config)
    network.generation_config.eos_token_id = 2
    network.generation_config.pad_token_id = 0
    network.save_pretrained(str(folder))
    return folder
