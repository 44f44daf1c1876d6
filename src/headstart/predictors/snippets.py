"""Code for the card that uses an artifact's network without headstart."""

from collections.abc import Sequence

from headstart.heads.pooled import PooledHead
from headstart.predictors.stored import HEAD_FILE
from headstart.predictors.telling import told
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
    if meaning.answers == "labels":
        thresholds = dict(zip(labels, meaning.thresholds, strict=True))
        return (
            f"{code}thresholds = {thresholds!r}\n"
            f"for found in classify({given}, truncation=True):\n"
            '    print([each["label"] for each in found if each["score"] >= thresholds[each["label"]]], found)'
        )
    return f"{code}print(classify({given}, truncation=True))"


def snippet(labels: Sequence[str], head: PooledHead, limit: int, reader: str, meaning: Meaning, *, pairs: bool) -> str:
    """A few lines around the bare encoder, for heads that the architecture's own cannot hold."""
    pooling = POOLED[head.pooling]
    given = "*map(list, zip(*texts))" if pairs else "texts"
    said = {
        "label": ".softmax(1)",
        "labels": ".sigmoid()",
        "number": f" * {meaning.deviation!r} + {meaning.mean!r}",
    }[meaning.answers]
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

{told(meaning, f"predict({EXAMPLES[pairs]})[0].tolist()")}'''
