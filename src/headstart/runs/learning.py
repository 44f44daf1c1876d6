"""What was measured of a network that has learnt from raw text: loss, speed, what it forgot."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Any

from headstart.backbones.location import LEARNED, Located
from headstart.recipes.raw_text import LanguageModelling

if TYPE_CHECKING:
    from headstart.backbones.tokenizing import TextTokenizer
    from headstart.data.pieces import Pieces
    from headstart.runs.texts import Texts
    from headstart.training.language import Learned, Learner


def measured(
    recipe: LanguageModelling,
    learner: Learner,
    learned: Learned,
    texts: Texts,
    located: Located,
    *,
    before: float | None,
    operations: float,
    made: bool,
) -> dict[str, Any]:
    """What was measured of a network that has learnt from raw text, as plain data.

    Args:
        recipe: that it learnt by.
        learner: that learnt.
        learned: what came of it.
        texts: that it learnt from.
        located: the network before.
        before: loss on general text before; None where there is none.
        operations: per token, in floating point; 0 where they were not counted.
        made: whether the network began with random weights.
    """
    objective: Any = recipe.objective
    losses = [row["loss"] for row in learned.curve]
    best = learned.history.best
    evidence: dict[str, Any] = {
        "verb": recipe.verb,
        "objective": objective.plain(),
        "backbone": {
            "name": located.identity,
            "architecture": located.config["model_type"],
            "parameters": sum(p.numel() for p in learner.model.backbone.parameters()),
        },
        "data": {"texts": list(recipe.data.texts), "facts": texts.facts, "tokens": texts.rows.tokens, "rows": len(texts.rows),
                 "held_out_tokens": learner.held.tokens},
        "updates": learned.updates,
        "done_updates": learned.curve[-1]["updates"],
        "tokens": learned.curve[-1]["tokens"],
        "loss": {"before": losses[0], "after": losses[best]},
        "curve": learned.curve,
        "best": best,
        "speed": {"tokens_per_second": round(learned.speed.rate, 1), "seconds": round(learned.speed.seconds, 1),
                  "operations_per_token": operations},
        "samples": learned.samples[-3:],
        "notes": notes_of(learned),
    }  # fmt: skip
    if objective.direction:
        evidence["perplexity"] = {side: math.exp(min(value, 50.0)) for side, value in evidence["loss"].items()}
    if objective.direction == "causal":
        held: Any = learner.held
        per_token = bytes_per_token(held, learner.tokenizer)
        evidence["bits_per_byte"] = {side: value / math.log(2) / per_token for side, value in evidence["loss"].items()}
    if operations:
        learned.speed.operations = operations
        evidence["speed"]["arithmetic_share"] = round(learned.speed.share, 3)
    after = texts.general_loss(learner.model, objective)
    if before is not None and after is not None:
        evidence["general"] = {"before": before, "after": after, "files": list(getattr(recipe, "general", ()))}
    evidence[LEARNED] = _tokens_per_weight(evidence, None if made else located)
    return evidence


def _tokens_per_weight(evidence: dict[str, Any], before: Located | None) -> float | None:
    """Tokens per weight over all learning from raw text so far; None for a network that others have pretrained."""
    own = evidence["tokens"] / max(evidence["backbone"]["parameters"], 1)
    if before is None:
        return own
    return None if before.learned is None else before.learned + own


def notes_of(learned: Learned) -> list[str]:
    """What is worth knowing of how learning went, in sentences."""
    history = learned.history
    notes = [f"the budget ended learning after round {history.cut}"] if history.cut is not None else []
    if history.best < len(learned.curve) - 1:
        notes.append(f"the loss on held-out text was lowest after round {history.best}, whose weights are kept")
    if history.skipped:
        notes.append(f"{len(history.skipped)} updates were left out, their loss or gradient was not finite")
    return notes


def bytes_per_token(rows: Pieces, tokenizer: TextTokenizer) -> float:
    """UTF-8 bytes of the text of rows, by decoding them, for each token that is predicted in them."""
    total, predicted = 0, 0
    for start, end in islice(zip(rows.starts.tolist(), rows.ends.tolist(), strict=True), 10_000):
        ids = rows.read(start, end)
        total += len(tokenizer.decode(ids.tolist()).encode("utf-8", "surrogatepass"))
        predicted += len(ids) - (0 if rows.before else 1)
    return total / max(predicted, 1)
