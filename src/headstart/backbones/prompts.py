"""What a tokenizer itself puts in front of every text that is read alone, such as `query: `: a mark of its template.

So every program that reads the saved tokenizer does the same, windows of long texts and of words begin with it too, and limits
count it. Pairs of texts that are read together have none.
"""

from __future__ import annotations

import json
from typing import Any

from tokenizers import Tokenizer

from headstart.backbones.tokenizer_limits import FRAME_LIMIT

TEMPLATE = "TemplateProcessing"
PROBES = ("a", "A b.", "1")
"""Texts by which a prompt in the template is held against the same words in front of the text."""


def prompt_of(tokenizer: Tokenizer) -> str:
    """The prompt in a tokenizer's template: a mark that is no token of its vocabulary; empty where there is none."""
    template = _template(tokenizer)
    marks = template.get("special_tokens", {}) if template else {}
    return next((mark for mark in marks if tokenizer.token_to_id(mark) is None), "")


def put_prompt(tokenizer: Tokenizer, prompt: str) -> bool:
    """Put a prompt into a tokenizer's template in place of the one that is there, if any.

    Args:
        tokenizer: changed in place; left as it is where the prompt has no place.
        prompt: as it stands in front of a text, with the blank behind it; empty to take it out.

    Returns:
        Whether it has a place: the tokenizer has a template, the prompt is short, and prompt and text are cut up alike together and
        apart.
    """
    before, now = _template(tokenizer), prompt_of(tokenizer)
    if prompt == now:
        return True
    if before is None:
        return False
    found: dict[str, Any] = json.loads(json.dumps(before))
    if now:
        found["special_tokens"].pop(now)
        found["single"] = [each for each in found["single"] if each.get("SpecialToken", {}).get("id") != now]
    _set(tokenizer, found)
    if not prompt:
        return True
    asked = [tokenizer.encode(f"{prompt}{text}").ids for text in PROBES]
    pieces = tokenizer.encode(prompt.rstrip(), add_special_tokens=False)
    marks = len(tokenizer.encode("").ids)
    place = next((at for at, each in enumerate(found["single"]) if "Sequence" in each), None)
    fits = place is not None and 0 < len(pieces.ids) <= FRAME_LIMIT - marks
    if fits and tokenizer.token_to_id(prompt) is None:
        with_prompt = json.loads(json.dumps(found))
        with_prompt["special_tokens"][prompt] = {"id": prompt, "ids": pieces.ids, "tokens": pieces.tokens}
        with_prompt["single"].insert(place, {"SpecialToken": {"id": prompt, "type_id": 0}})
        _set(tokenizer, with_prompt)
        if [tokenizer.encode(text).ids for text in PROBES] == asked:
            return True
    _set(tokenizer, before)
    return False


def _template(tokenizer: Tokenizer) -> dict[str, Any] | None:
    """What the template of a tokenizer says; None where it has none."""
    processor = tokenizer.post_processor
    state = {} if processor is None else json.loads(processor.__getstate__())
    return state if state.get("type") == TEMPLATE else None


def _set(tokenizer: Tokenizer, template: dict[str, Any]) -> None:
    from tokenizers.processors import TemplateProcessing

    processor: Any = TemplateProcessing(single="$A", special_tokens=[])
    processor.__setstate__(json.dumps(template).encode())
    tokenizer.post_processor = processor
