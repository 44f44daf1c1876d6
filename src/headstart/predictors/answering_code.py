"""Code for the model card that answers a question with plain transformers, as this project does."""

from collections.abc import Sequence
from typing import Any

from headstart.backbones.location import NETWORK
from headstart.backbones.questions import OVERLAP, QUESTION_TOKENS
from headstart.heads.pooled import PooledHead
from headstart.predictors.base import HEAD_FILE
from headstart.tasks.base import Task

_NATIVE = """    found = model(**batch)
logits = torch.stack([found.start_logits, found.end_logits], dim=-1)"""
_BARE = """    states = model(**batch).last_hidden_state
logits = states @ head["weight"].T + head["bias"]"""

_WORDS = r"""# A word of the context is read at one token, in the window where that has most tokens around it.
words = [match.span() for match in re.finditer(r"[^\W\d]+|\d+|\.{2,}|[^\w\s]", context)]
rows = []
for start, _ in words:
    best = None
    for window, (places, texts_of) in enumerate(zip(offsets, texts)):
        own = [at for at, text in enumerate(texts_of) if text == 1]
        at = next((at for at in own if places[at][1] > start), None)
        if at is None or (places[at][0] > start and window and at == own[0]):
            continue
        left = at - own[0] if window else len(context)
        right = own[-1] - at if window + 1 < len(offsets) else len(context)
        if best is None or min(left, right) > best[0]:
            best = min(left, right), window, at
    rows.append(logits[best[1], best[2]])
scores = torch.stack(rows).double()
"""


def answering_code(
    task: Task[Any, Any], thresholds: Sequence[float], head: PooledHead, limit: int, *, native: bool, types: bool
) -> str:
    """Python code that runs in the artifact's folder.

    Args:
        task: bound, `question-answering`.
        thresholds: of "no answer" and of the best answer; empty where neither is preferred.
        head: what reads the words.
        limit: tokens that the network reads at once.
        native: whether the folder holds a `...ForQuestionAnswering`.
        types: whether the network is told question and context apart.
    """
    options: Any = task
    kind, home = ("AutoModelForQuestionAnswering", ".") if native else ("AutoModel", NETWORK)
    imports = "" if native else "from safetensors.torch import load_file\n"
    loaded = "" if native else f'head = load_file("{HEAD_FILE}")\n'
    told = ", return_token_type_ids=True" if types else ""
    place = "first" if head.pooling == "first" else "last"
    found = f"""import re

import torch
{imports}from transformers import AutoTokenizer, {kind}

tokenizer = AutoTokenizer.from_pretrained("{home}")
model = {kind}.from_pretrained("{home}").eval()
{loaded}
question, context = "Who wrote the first program?", "Ada Lovelace wrote the first program for a machine."
question_tokens = len(tokenizer(question, add_special_tokens=False).input_ids)  # at most {QUESTION_TOKENS} are read by headstart
room = {limit} - tokenizer.num_special_tokens_to_add(pair=True) - question_tokens
batch = tokenizer(
    question, context, truncation="only_second", max_length={limit}, stride=int({OVERLAP} * room), padding=True,
    return_overflowing_tokens=True, return_offsets_mapping=True, return_tensors="pt"{told},
)
batch.pop("overflow_to_sample_mapping", None)
offsets = batch.pop("offset_mapping").tolist()
texts = [batch.sequence_ids(window) for window in range(len(offsets))]
with torch.inference_mode():
{_NATIVE if native else _BARE}

{_WORDS}pairs = [
    (float(scores[first, 0] + scores[last, 1]), first, last)
    for first in range(len(words))
    for last in range(first, min(first + {options.max_answer}, len(words)))
]
score, first, last = max(pairs)
every = scores[:, None, 0] + scores[None, :, 1]
total = every[torch.ones_like(every).triu().bool()]  # of all answers that do not end before they begin
"""
    ending = """print(context[words[first][0] : words[last][1]], float(torch.exp(score - total.logsumexp(0))))
"""
    if options.may_refuse:
        nothing, said = thresholds or (0.5, 0.5)
        token = "texts[0].index(None)" if place == "first" else "len(texts[0]) - 1 - texts[0][::-1].index(None)"
        ending = f"""nothing = min(float(logits[window, {token}].double().sum()) for window in range(len(offsets)))
total = torch.cat([total, torch.tensor([nothing], dtype=torch.float64)]).logsumexp(0)
answer, none = float(torch.exp(score - total)), float(torch.exp(nothing - total))
print("no answer" if none / {nothing!r} >= answer / {said!r} else context[words[first][0] : words[last][1]], answer, none)
"""
    return found + ending
