"""Pre-training with transformers.Trainer, as its run_mlm and run_clm do; or a causal model's bits per byte. One JSON line.

    python trainer_lm.py {--epochs N | --updates N | --seconds S --planned-updates N | --probe N} --text FILE ...
        --objective {masked,causal} --config DIR --tokenizer DIR [--best] [--output DIR]
    python trainer_lm.py --evaluate DIR --text FILE [--lines]

Random weights. Lines are tokenised one by one, masked without their ends and causal with them, with the special tokens
that the tokenizer adds; a thousand lines at a time are joined and cut into blocks, and the rest of each thousand is
dropped. Texts are UTF-8, also in gzip. Without `--best`, the settings are those of Trainer. No logging, no saving before
the end. Knows nothing of headstart, and judges its folders like any other.
"""

import argparse
import gzip
import json
import math
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
    set_seed,
)
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging

MASKED_SHARE = 0.15
LINES_AT_ONCE = 1000
"""How many lines are joined before they are cut into blocks: the batch size of `Dataset.map` in those scripts."""
WARM_UP = 2
"""Updates that a probe leaves out: the first ones allocate memory and choose kernels."""
LAST = 50
"""Updates whose mean loss is the loss at the end."""


def read(path: str) -> str:
    """The text of a file."""
    data = Path(path).read_bytes()
    return (gzip.decompress(data) if path.endswith(".gz") else data).decode("utf-8")


def lines_of(text: str, *, ends: bool) -> list[str]:
    """Lines of a text, with or without the newline at the end of each."""
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" if ends else line for line in lines] + ([last] if last else [])


class Blocks(torch.utils.data.Dataset[dict[str, np.ndarray]]):
    """Blocks of equal length out of joined lines; each field an array [blocks, tokens]."""

    def __init__(self, tokenizer: Any, lines: list[str], *, block: int, masked: bool) -> None:
        # Token types are left out: they are all 0, which is what a network takes without them, or knows none.
        names = ["input_ids", "attention_mask"] + (["special_tokens_mask"] if masked else [])
        pieces: dict[str, list[np.ndarray]] = {name: [] for name in names}
        for start in range(0, len(lines), LINES_AT_ONCE):
            found = tokenizer(
                lines[start : start + LINES_AT_ONCE], return_attention_mask=True, return_special_tokens_mask=masked
            )
            for name in names:
                joined = np.fromiter(chain.from_iterable(found[name]), dtype=np.int32)
                pieces[name].append(joined[: len(joined) // block * block].reshape(-1, block))
        self.fields = {name: np.concatenate(each) for name, each in pieces.items() if each}
        if self.fields and not masked:  # a causal network shifts its labels itself
            self.fields["labels"] = self.fields["input_ids"]

    def __len__(self) -> int:
        return len(self.fields["input_ids"]) if self.fields else 0

    def __getitem__(self, at: int) -> dict[str, np.ndarray]:
        return {name: field[at].astype(np.int64) for name, field in self.fields.items()}


class Recorder(Trainer):
    """Trainer that keeps the loss and the number of tokens of each update."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.losses: list[torch.Tensor] = []
        self.tokens: list[int] = []

    def training_step(self, model: torch.nn.Module, inputs: dict[str, Any], *rest: Any, **more: Any) -> torch.Tensor:
        self.tokens.append(inputs["input_ids"].numel())
        loss = super().training_step(model, inputs, *rest, **more)
        self.losses.append(loss)
        return loss


class Clock(TrainerCallback):
    """When the first update began and each one ended; stops training once `limit` seconds have passed."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.times: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        if not self.times:
            self.times.append(time.perf_counter())

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.times.append(time.perf_counter())
        if self.limit is not None and self.times[-1] - self.times[0] >= self.limit:
            control.should_training_stop = True


def network(options: argparse.Namespace, tokenizer: Any) -> Any:
    """A model with random weights after a configuration; a matrix of embeddings that is too small for the tokens grows."""
    config = AutoConfig.from_pretrained(options.config)
    if not options.dropout:
        for name, value in config.to_dict().items():
            if "drop" in name and isinstance(value, float):
                setattr(config, name, 0.0)
    kind = AutoModelForMaskedLM if options.objective == "masked" else AutoModelForCausalLM
    model = kind.from_config(config)
    if len(tokenizer) > model.get_input_embeddings().weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer))
    if options.objective == "causal":
        # By the name of its class, Trainer does not know GPT-2 as causal, and divides the loss by all tokens of a block
        # instead of by the predicted ones, one fewer.
        model.loss_type = "ForCausalLM"
    return model


def settings(options: argparse.Namespace, folder: str) -> TrainingArguments:
    """Settings of a run."""
    updates = options.probe or options.updates or options.planned_updates
    length: dict[str, Any] = {"max_steps": updates} if updates else {"num_train_epochs": options.epochs}
    # The special tokens that were noted at tokenising count as an unused column: without them, the collator looks them up
    # again in each batch.
    best: dict[str, Any] = {"optim": "adamw_torch_fused", "remove_unused_columns": False} if options.best else {}
    return TrainingArguments(
        output_dir=folder,
        per_device_train_batch_size=options.batch,
        learning_rate=options.learning_rate,
        warmup_steps=options.warmup,
        seed=options.seed,
        bf16=options.bf16,
        use_cpu=not torch.cuda.is_available(),
        dataloader_num_workers=0,
        report_to="none",
        logging_strategy="no",
        save_strategy="no",
        disable_tqdm=True,
        **length,
        **best,
    )


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train a model from random weights; what was measured."""
    set_seed(options.seed)
    masked = options.objective == "masked"
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    lines = list(chain.from_iterable(lines_of(read(path), ends=not masked) for path in options.text))
    blocks = Blocks(tokenizer, lines, block=options.block, masked=masked)
    if not len(blocks):
        raise SystemExit(f"{', '.join(options.text)}: no block of {options.block} tokens in any {LINES_AT_ONCE} lines")
    collator: Any = default_data_collator
    if masked:
        collator = DataCollatorForLanguageModeling(tokenizer=tokenizer, mlm_probability=MASKED_SHARE)
    model, clock = network(options, tokenizer), Clock(options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Recorder(
            model=model,
            args=settings(options, folder),
            train_dataset=blocks,
            data_collator=collator,
            callbacks=[clock],
        )
        # It would print a line of its own on standard output at the end.
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if options.output:
        model.save_pretrained(options.output)
        tokenizer.save_pretrained(options.output)
    skipped = WARM_UP if options.probe else 0
    loss = float(torch.stack(trainer.losses[-LAST:]).mean())
    return {
        "tokens_per_second": round(sum(trainer.tokens[skipped:]) / (clock.times[-1] - clock.times[skipped]), 1),
        "seconds": round(clock.times[-1] - clock.times[0], 3),
        "updates": len(trainer.tokens),
        "tokens": sum(trainer.tokens),
        "loss": loss if math.isfinite(loss) else None,
        "blocks": len(blocks),
        "parameters": model.num_parameters(),
        "bf16": options.bf16,
        "dropout": options.dropout,
        "threads": torch.get_num_threads(),
        "peak_bytes": memory,
    }


def bits_per_byte(folder: str, path: str, *, block: int, batch: int = 8, lines: bool = False) -> dict[str, Any]:
    """How many bits a causal model needs per byte of a text, in float32.

    The text's tokens are cut into windows of `block - 1`, each read after the tokenizer's start token (bos, or eos where
    there is none) and without what came before it: a network trained on blocks of `block` never learned the position
    after. All tokens of the text count, the start tokens do not.

    Args:
        folder: A model and its tokenizer, as `save_pretrained` writes them.
        path: The text.
        block: Tokens of a window with its start token, at least 2.
        batch: Windows at a time.
        lines: Whether each line with its newline is tokenised alone, as it is for training here, rather than the whole
            text at once. Both spell out the same text, so both are honest; a network knows the one that it was trained on.

    Returns:
        `bits_per_byte`, and how much was read. `unknown` counts tokens that stand for any text, which make the number
        meaningless where there are many; `lossless` is whether the tokens decode to the very text.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    loaded: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    model, loading = loaded
    model.eval()
    if loading["missing_keys"]:  # they would be random
        raise SystemExit(f"{folder}: the model lacks the weights {', '.join(sorted(loading['missing_keys']))}")
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    if start is None:
        raise SystemExit(f"{folder}: the tokenizer has neither a bos nor an eos token to start a window with")
    text = read(path)
    pieces = lines_of(text, ends=True) if lines else [text]
    ids = list(chain.from_iterable(tokenizer(pieces, add_special_tokens=False)["input_ids"]))
    if not ids:
        raise SystemExit(f"{path}: no text")
    bits = 0.0
    windows = [ids[at : at + block - 1] for at in range(0, len(ids), block - 1)]
    with torch.inference_mode():
        if reads_ahead(model, [start, *windows[0]]):
            raise SystemExit(f"{folder}: the model reads the tokens it is to predict; expected a causal one")
        for at in range(0, len(windows), batch):
            bits += sum(surprise(model, windows[at : at + batch], start))
    return {
        "bits_per_byte": bits / len(text.encode("utf-8")),
        "bits": bits,
        "bytes": len(text.encode("utf-8")),
        "tokens": len(ids),
        "windows": len(windows),
        "unknown": 0 if tokenizer.unk_token_id is None else ids.count(tokenizer.unk_token_id),
        "lossless": tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text,
    }


def reads_ahead(model: Any, ids: list[int]) -> bool:
    """Whether what a network says at the first token depends on the tokens after it, as in one that looks both ways."""
    alone, among = (model(input_ids=torch.tensor([each]), use_cache=False).logits[0, 0] for each in (ids[:1], ids))
    return not torch.allclose(alone, among, rtol=1e-3, atol=1e-3)


def surprise(model: Any, windows: Sequence[list[int]], start: int) -> list[float]:
    """Bits of each window's tokens, every one after the start token and the tokens before it."""
    # Zeros on the right are read by no token before them, as a causal network looks only back.
    inputs = torch.zeros(len(windows), max(map(len, windows)), dtype=torch.long)  # [windows, tokens]
    for row, window in zip(inputs, windows, strict=True):
        row[: len(window)] = torch.tensor([start, *window[:-1]])
    logits = model(input_ids=inputs, use_cache=False).logits  # [windows, tokens, vocabulary]
    nats = (
        functional.cross_entropy(scores[: len(window)], torch.tensor(window), reduction="none").double().sum()
        for scores, window in zip(logits, windows, strict=True)
    )
    return [float(value) / math.log(2) for value in nats]


def arguments() -> argparse.Namespace:
    """What was asked for; stops with a message where it makes no sense."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    work = parser.add_mutually_exclusive_group(required=True)
    work.add_argument("--epochs", type=float, help="passes over the blocks")
    work.add_argument("--updates", type=int)
    work.add_argument("--seconds", type=float, help="stop after the first update that ends later than this")
    work.add_argument("--probe", type=int, help=f"updates to measure the speed with; the first {WARM_UP} do not count")
    work.add_argument("--evaluate", metavar="DIR", help="a causal model with its tokenizer: bits per byte of the text")
    parser.add_argument("--text", nargs="+", required=True, metavar="FILE")
    parser.add_argument("--objective", choices=("masked", "causal"))
    parser.add_argument("--config", metavar="DIR", help="folder of a config.json")
    parser.add_argument("--tokenizer", metavar="DIR")
    parser.add_argument("--planned-updates", type=int, help="with --seconds: where the learning rate arrives at 0")
    parser.add_argument("--block", type=int, default=128, help="tokens of a block or window")
    parser.add_argument("--batch", type=int, default=8, help="blocks per update, or windows at a time")
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--warmup", type=int, default=0, help="updates until the learning rate is reached")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--best", action="store_true", help="fused AdamW, no dropout, bf16 if the processor has it")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="mixed precision, whatever --best says")
    parser.add_argument("--dropout", action=argparse.BooleanOptionalAction, help="that of the configuration, or none")
    parser.add_argument("--output", metavar="DIR", help="where the model and the tokenizer go")
    parser.add_argument("--lines", action="store_true", help="with --evaluate: tokenise line by line")
    options = parser.parse_args()
    if not options.evaluate and not (options.objective and options.config and options.tokenizer):
        parser.error("training needs --objective, --config and --tokenizer")
    if options.evaluate and len(options.text) > 1:
        parser.error("--evaluate takes one text")
    if (options.seconds is None) != (options.planned_updates is None):
        parser.error("--seconds and --planned-updates go together")
    least = {"epochs": 1e-9, "updates": 1, "planned_updates": 1, "probe": WARM_UP + 1, "block": 2, "batch": 1}
    for name, low in least.items():
        if (value := getattr(options, name)) is not None and value < low:
            parser.error(f"--{name.replace('_', '-')} is {value}, expected {low} or more")
    for folder in filter(None, (options.evaluate, options.config, options.tokenizer)):
        if not Path(folder).is_dir():  # or it would be looked for on the hub
            parser.error(f"{folder} is not a folder")
    for path in options.text:
        if not Path(path).is_file():
            parser.error(f"{path} is not a file")
    if options.bf16 is None:
        options.bf16 = (options.best and torch.cuda.is_available()) or (
            options.best and any(torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16"))
        )
    if options.dropout is None:
        options.dropout = not options.best
    return options


def main() -> None:
    """Train or evaluate, print."""
    options = arguments()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.evaluate:
        found = bits_per_byte(
            options.evaluate, options.text[0], block=options.block, batch=options.batch, lines=options.lines
        )
    else:
        found = train(options)
    print(json.dumps(found), file=sys.stdout)


if __name__ == "__main__":
    main()
