"""Code for the card that uses an artifact's network without headstart."""

from collections.abc import Sequence
from typing import Any

from headstart.backbones.location import NETWORK
from headstart.heads.pooled import PooledHead
from headstart.predictors.base import HEAD_FILE
from headstart.tasks.base import Task

EXAMPLES = {False: '["great plot, weak ending"]', True: '[("it rains", "it is wet outside")]'}
"""What snippets are tried with: texts, and pairs of texts."""

POOLED = {
    "mean": "(state * mask).sum(1) / mask.sum(1)",
    "first": "state[:, 0]",
    "last": 'state[torch.arange(len(state)), batch["attention_mask"].sum(1) - 1]',
    "max": "state.masked_fill(mask == 0, -1e30).amax(1)",
}
"""Code that makes one vector of the states of a text."""


def piped(task: Task[Any, Any], thresholds: Sequence[float]) -> str:
    """A pipeline of transformers, for folders whose network has the head inside."""
    given = '[{"text": "it rains", "text_pair": "it is wet outside"}]' if task.pairs else EXAMPLES[False]
    code = 'from transformers import pipeline\n\nclassify = pipeline("text-classification", model=".", top_k=None)\n'
    if len(thresholds):
        by_label = dict(zip(task.names, thresholds, strict=True))
        said = task.pipeline_code()
        return f"{code}thresholds = {by_label!r}\nfor found in classify({given}, truncation=True):\n    print({said}, found)"
    return f"{code}print(classify({given}, truncation=True))"


def snippet(task: Task[Any, Any], thresholds: Sequence[float], head: PooledHead, limit: int, reader: str) -> str:
    """A few lines around the bare encoder, for heads that the architecture's own cannot hold."""
    pooling = POOLED[head.pooling]
    given = "*map(list, zip(*texts))" if task.pairs else "texts"
    said = task.activation_code("torch")
    return f'''import torch
from safetensors.torch import load_file
from transformers import {reader}, AutoTokenizer

labels = {list(task.names)!r}
tokenizer, encoder = AutoTokenizer.from_pretrained("{NETWORK}"), {reader}.from_pretrained("{NETWORK}").eval()
head = load_file("{HEAD_FILE}")

@torch.no_grad()
def predict(texts):
    batch = tokenizer({given}, truncation=True, max_length={limit}, padding=True, return_tensors="pt")
    states = encoder(**batch, output_hidden_states=True).hidden_states
    mask = batch["attention_mask"].unsqueeze(-1).float()
    pooled = [{pooling} for state in (states[i] for i in {list(head.layers)})]
    return (torch.cat(pooled, 1) @ head["weight"].T + head["bias"]){said}

{task.usage_code(f"predict({EXAMPLES[task.pairs]})[0].tolist()", thresholds)}'''


WEIGHTS = {"mean": 'batch["attention_mask"].sum(1, keepdim=True).float()', "max": ""}
"""Code for how much each window of a text counts; all alike where the pooling is not named."""


def windowed(
    task: Task[Any, Any],
    thresholds: Sequence[float],
    head: PooledHead,
    limit: int,
    overlap: int,
    reader: str,
    home: str,
) -> str:
    """Lines that read a text in windows, of which the linear map gets the mean or maximum.

    Args:
        task: bound.
        thresholds: by which labels are given.
        head: whose weights are in the folder.
        limit: tokens of a window.
        overlap: tokens that two windows have in common.
        reader: class of transformers that loads the bare encoder.
        home: folder that it is loaded from.
    """
    weights = WEIGHTS.get(head.pooling, "torch.ones(len(pooled), 1)")
    joined = "(pooled * weights).sum(0) / weights.sum()" if weights else "pooled.amax(0)"
    lines = [f"    weights = {weights}"] if weights else []
    combined = "\n".join([*lines, f"    return {joined}"])
    return f'''import torch
from safetensors.torch import load_file
from transformers import {reader}, AutoTokenizer

labels = {list(task.names)!r}
tokenizer, encoder = AutoTokenizer.from_pretrained("{home}"), {reader}.from_pretrained("{home}").eval()
head = load_file("{HEAD_FILE}")
windows = dict(truncation=True, max_length={limit}, stride={overlap}, return_overflowing_tokens=True)

def read(text):
    batch = tokenizer(text, **windows, padding=True, return_tensors="pt")
    del batch["overflow_to_sample_mapping"]
    states = encoder(**batch, output_hidden_states=True).hidden_states
    mask = batch["attention_mask"].unsqueeze(-1).float()
    pooled = torch.cat([{POOLED[head.pooling]} for state in (states[i] for i in {list(head.layers)})], 1)
{combined}

@torch.no_grad()
def predict(texts):
    vectors = torch.stack([read(text) for text in texts])
    return (vectors @ head["weight"].T + head["bias"]){task.activation_code("torch")}

{task.usage_code(f"predict({EXAMPLES[False]})[0].tolist()", thresholds)}'''
