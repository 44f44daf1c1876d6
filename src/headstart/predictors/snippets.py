"""Code for the card that uses an artifact's network without headstart."""

from collections.abc import Sequence

from headstart.heads.pooled import PooledHead
from headstart.predictors.base import HEAD_FILE
from headstart.predictors.print_code import print_code
from headstart.types import Meaning

EXAMPLES = {False: '["great plot, weak ending"]', True: '[("it rains", "it is wet outside")]'}
"""What snippets are tried with: texts, and pairs of texts."""

POOLED = {
    "mean": "(state * mask).sum(1) / mask.sum(1)",
    "first": "state[:, 0]",
    "last": 'state[torch.arange(len(state)), batch["attention_mask"].sum(1) - 1]',
    "max": "state.masked_fill(mask == 0, -1e30).amax(1)",
}
"""Code that makes one vector of the states of a text."""


def piped(labels: Sequence[str], meaning: Meaning, *, pairs: bool) -> str:
    """A pipeline of transformers, for folders whose network has the head inside."""
    given = '[{"text": "it rains", "text_pair": "it is wet outside"}]' if pairs else EXAMPLES[False]
    code = 'from transformers import pipeline\n\nclassify = pipeline("text-classification", model=".", top_k=None)\n'
    if meaning.thresholds:
        thresholds = dict(zip(labels, meaning.thresholds, strict=True))
        said = (
            '[each["label"] for each in found if each["score"] >= thresholds[each["label"]]]'
            if meaning.answers == "labels"
            else 'max(found, key=lambda each: each["score"] / thresholds[each["label"]])["label"]'
        )
        return f"{code}thresholds = {thresholds!r}\nfor found in classify({given}, truncation=True):\n    print({said}, found)"
    return f"{code}print(classify({given}, truncation=True))"


def snippet(labels: Sequence[str], head: PooledHead, limit: int, reader: str, meaning: Meaning, *, pairs: bool) -> str:
    """A few lines around the bare encoder, for heads that the architecture's own cannot hold."""
    pooling = POOLED[head.pooling]
    given = "*map(list, zip(*texts))" if pairs else "texts"
    said = _said(meaning)
    return f'''import torch
from safetensors.torch import load_file
from transformers import {reader}, AutoTokenizer

labels = {list(labels)!r}
tokenizer, encoder = AutoTokenizer.from_pretrained("."), {reader}.from_pretrained(".").eval()
head = load_file("{HEAD_FILE}")

@torch.no_grad()
def predict(texts):
    batch = tokenizer({given}, truncation=True, max_length={limit}, padding=True, return_tensors="pt")
    states = encoder(**batch, output_hidden_states=True).hidden_states
    mask = batch["attention_mask"].unsqueeze(-1).float()
    pooled = [{pooling} for state in (states[i] for i in {list(head.layers)})]
    return (torch.cat(pooled, 1) @ head["weight"].T + head["bias"]){said}

{print_code(meaning, f"predict({EXAMPLES[pairs]})[0].tolist()")}'''


WEIGHTS = {"mean": 'batch["attention_mask"].sum(1, keepdim=True).float()', "max": ""}
"""Code for how much each window of a text counts; all alike where the pooling is not named."""


def windowed(labels: Sequence[str], head: PooledHead, limit: int, overlap: int, reader: str, meaning: Meaning) -> str:
    """Lines that read a text in windows, of which the linear map gets the mean or maximum.

    Args:
        labels: of the model.
        head: whose weights are in the folder.
        limit: tokens of a window.
        overlap: tokens that two windows have in common.
        reader: class of transformers that loads the bare encoder.
        meaning: of the outputs.
    """
    weights = WEIGHTS.get(head.pooling, "torch.ones(len(pooled), 1)")
    joined = "(pooled * weights).sum(0) / weights.sum()" if weights else "pooled.amax(0)"
    lines = [f"    weights = {weights}"] if weights else []
    combined = "\n".join([*lines, f"    return {joined}"])
    return f'''import torch
from safetensors.torch import load_file
from transformers import {reader}, AutoTokenizer

labels = {list(labels)!r}
tokenizer, encoder = AutoTokenizer.from_pretrained("."), {reader}.from_pretrained(".").eval()
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
    return (vectors @ head["weight"].T + head["bias"]){_said(meaning)}

{print_code(meaning, f"predict({EXAMPLES[False]})[0].tolist()")}'''


def _said(meaning: Meaning) -> str:
    """Code that makes probabilities or a number of logits."""
    return {
        "label": ".softmax(1)",
        "labels": ".sigmoid()",
        "number": f" * {meaning.deviation!r} + {meaning.mean!r}",
    }[meaning.answers]
