"""Code for the model card that tags words with plain transformers, as this project does: the best tags that are allowed."""

from collections.abc import Sequence

from headstart.backbones.location import NETWORK
from headstart.heads.pooled import PooledHead
from headstart.predictors.base import HEAD_FILE

_NATIVE = """    logits = model(**batch).logits[0]
    states = logits  # the head is linear: tags are read at the {place} subword token of each word"""
_BARE = """    hidden = model(**batch, output_hidden_states=True).hidden_states
    states = torch.cat([hidden[layer][0] for layer in {layers}], dim=1)"""
_POOLED = {
    "first": "states[pieces[0]]",
    "last": "states[pieces[-1]]",
    "mean": "states[pieces].mean(0)",
    "max": "states[pieces].amax(0)",
}
_CHAIN = '''
def log_probabilities(scores):
    """Logarithms of the probabilities of each word's tags, under the chain of transitions that the network's own head lacks."""
    steps = head["transitions"]
    before, after = [scores[0]], [torch.zeros_like(scores[0])]
    for row in scores[1:]:
        before.append((before[-1][:, None] + steps).logsumexp(0) + row)
    for row in scores[1:].flip(0):
        after.insert(0, (steps + row + after[0]).logsumexp(1))
    logs = (torch.stack(before) + torch.stack(after)).log_softmax(1)
    return (head["factor"] * logs).log_softmax(1)
'''


def tagging_code(labels: Sequence[str], head: PooledHead, limit: int, *, native: bool, halved: bool) -> str:
    """Python code that runs in the artifact's folder.

    Args:
        labels: tags in the order of the outputs.
        head: what reads the words.
        limit: tokens that the network reads at once.
        native: whether the folder holds a `...ForTokenClassification`.
        halved: whether it holds the encoder of an encoder-decoder.
    """
    reader = "AutoModelForTokenClassification" if native else "AutoModelForTextEncoding" if halved else "AutoModel"
    home = "." if native else NETWORK
    read = _NATIVE.format(place=head.pooling) if native else _BARE.format(layers=list(head.layers))
    value = _POOLED[head.pooling]
    outputs = value if native else f'({value}) @ head["weight"].T + head["bias"]'
    chained = head.chain is not None
    load = f'\nhead = load_file("{HEAD_FILE}")' if chained or not native else ""
    imported = "from safetensors.torch import load_file\n" if chained or not native else ""
    final = "log_probabilities(torch.stack(scores))" if chained else "torch.stack(scores).log_softmax(1)"
    return f'''import torch
{imported}from transformers import AutoTokenizer, {reader}

tags = {list(labels)!r}
tokenizer = AutoTokenizer.from_pretrained("{home}", add_prefix_space=True)
model = {reader}.from_pretrained("{home}").eval(){load}

def may_follow(before, tag):
    return not tag.startswith("I-") or (before != "O" and before[2:] == tag[2:])
{_CHAIN if chained else ""}
@torch.no_grad()
def predict(words):
    """Tags of the words of one sentence that is read at once, up to {limit} tokens."""
    batch = tokenizer([words], is_split_into_words=True, truncation=True, max_length={limit}, return_tensors="pt")
    places = batch.word_ids(0)
{read}
    scores = []
    for word in range(len(words)):
        pieces = [at for at, owner in enumerate(places) if owner == word]
        scores.append({outputs})
    scores = {final}.tolist()
    best = [(s if may_follow("O", tag) else -1e9, [tag]) for s, tag in zip(scores[0], tags)]
    for row in scores[1:]:
        best = [
            max((total + s, path + [tag]) for total, path in best if may_follow(path[-1], tag))
            for s, tag in zip(row, tags)
        ]
    return max(best)[1]

words = ["Ada", "met", "Grace", "in", "Paris", "."]
print(list(zip(words, predict(words))))'''
