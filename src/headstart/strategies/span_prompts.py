"""What prompting comes to where words are tagged: each type of span is asked for by its words, and words of the text answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.data.outputs import Logits
from headstart.data.prompts import LABEL, NO_SPAN, SPANNED, Prompt, Shot, usual_words, verbalized
from headstart.data.store import Store
from headstart.data.tags import Span, spans_of
from headstart.data.words import Sentence
from headstart.errors import RecipeError
from headstart.grouping.named import usual_count
from headstart.strategies.base import Candidate, Context
from headstart.strategies.open_prompts import held_outputs
from headstart.strategies.prompt_ways import TRIED_SENTENCES, refuse_shots, tried_rows

if TYPE_CHECKING:
    from headstart.predictors.prompted_spans import Candidates, PromptedSpans, TypePrompt

USUAL_MARGIN = {False: -1.5, True: 3.5}
"""Margin of all types where there are no texts to set it by, by whether the prompt is a conversation; see docs/zero-shot.md."""
LEAST_SPANS = 3
"""True spans of a type among labelled rows, below which it has no margin of its own."""
MOVES = tuple(np.arange(-4, 4.25, 0.5).tolist())
"""Nats by which margins are moved where labelled rows say what that comes to."""


def tagged(prompting: Any, context: Context) -> Candidate:
    """Spans of each type, under folds behind examples that a sentence is not among; margins by rows that are no examples."""
    from headstart.predictors.prompted_spans import PromptedSpans

    if not context.labelled:
        refuse_shots(prompting.shots)
    types = context.task.label_names
    words = verbalized(types, usual_words(types) | (prompting.verbalizer or {}))
    model = prompting.model_of(context)
    chat = prompting.tries_conversations(model) and not prompting.shots if prompting.chat is None else prompting.chat
    prompting.tries_conversations(model)
    resolved = prompting.revised(
        verbalizer=dict(zip(types, words, strict=True)),
        prompt_template=prompting.prompt_template or SPANNED[chat],
        chat=chat,
    )
    margins = np.full(len(types), USUAL_MARGIN[chat])

    def asking(part: Context) -> PromptedSpans:
        asked = [_asking(resolved, part, kind, said) for kind, said in zip(types, words, strict=True)]
        return PromptedSpans(model, context.task, asked, margins.tolist())

    predictor = asking(context)
    shown = {shot.input for each in predictor.asking for shot in each.shots}
    some = tried_rows(context, TRIED_SENTENCES)
    left = [row for row, each in enumerate(some.inputs) if each.text not in shown]
    some = some.take(left) if left else some
    context.progress.begin(prompting.name, len(some))
    found, _ = predictor.candidates(list(some.inputs), progress=context.progress)
    context.progress.end()
    if len(some):
        margins = expected_margins(found, len(types), prompting.expected_labels)
        if context.labelled and prompting.expected_labels is None:
            margins = best_margins(found, _true_spans(some), types, margins)
    predictor.margins = margins
    outputs = held_outputs(prompting, context, predictor, asking)
    assert isinstance(outputs, Logits)
    shots = f"{prompting.shots} {prompting.shot_selection} shots" if prompting.shots else "zero shots"
    by = "F1" if context.labelled and prompting.expected_labels is None else "how many are expected"
    said = f"{shots}{', as a conversation' if chat else ''}, words of the text alone, margins by {by}"
    return Candidate(resolved, context.training, predictor, outputs, said, 0)


def _asking(prompting: Any, context: Context, kind: str, words: str) -> TypePrompt:
    """How words of one type are asked for, with examples of the training rows.

    Balanced, every other example has words of the type, the first one and as long as there are such rows.
    """
    from headstart.predictors.prompted_spans import TypePrompt

    count = prompting.shots
    if count > len(context.train):
        few = f"{count} examples are asked for, and there are {len(context.train)} training rows"
        raise RecipeError([f"strategy.shots: {few}"])
    balanced = prompting.shot_selection == "balanced"
    there, lacking = list[Sentence](), list[Sentence]()
    for row in np.random.default_rng([context.seed, 0x5407]).permutation(len(context.train)).tolist():
        if len(there) >= count and (len(lacking) >= count or not balanced):
            break
        each = context.train.get(row)
        (there if _said(each, kind) or not balanced else lacking).append(each)
    least = min(len(there), len(lacking))
    turns = [each for pair in zip(there, lacking, strict=False) for each in pair]
    chosen = [*turns, *there[least:], *lacking[least:]][:count]
    said = [_said(each, kind) for each in chosen]
    answers = (NO_SPAN, *(each for each in said if each))
    numbers = np.cumsum([bool(each) for each in said]) * np.array([bool(each) for each in said], dtype=int)
    shots = [Shot(each.input.text, int(number)) for each, number in zip(chosen, numbers, strict=True)]
    filled = [each.replace(f"{{{LABEL}}}", words) for each in (prompting.prompt_template, prompting.instruction)]
    return TypePrompt(Prompt(filled[0], answers, filled[1], bool(prompting.chat)), tuple(shots))


def _said(sentence: Sentence, kind: str) -> str:
    """The spans of a type in a sentence as an example shows them, with commas between; empty where there are none."""
    words = sentence.input
    spans = [each for each in spans_of(sentence.label or ()) if each.type == kind]
    ends = [words.starts[each.end - 1] + len(words.words[each.end - 1]) for each in spans]
    return ", ".join(
        dict.fromkeys(words.text[words.starts[each.start] : end] for each, end in zip(spans, ends, strict=True))
    )


def _true_spans(rows: Store[Any]) -> list[set[Span]]:
    return [{*spans_of(row.label or ())} for row in rows.examples]


def expected_margins(found: Sequence[Candidates], types: int, expected: float | None) -> np.ndarray:
    """Margins with which texts have as many spans on average as are expected, shape (types,).

    Best scores of each type get a mean of 0 over the texts first, since some words are likelier than none whatever a text says.

    Args:
        found: of each text, at least one.
        types: how many there are.
        expected: spans of a text on average; 1.5 if None, of one type three quarters.
    """
    best = np.array([[each.scores[each.types == kind].max(initial=-np.inf) for kind in range(types)] for each in found])
    there = np.isfinite(best)
    means = np.where(there, best, 0.0).sum(0) / np.maximum(there.sum(0), 1)
    moved = [each._replace(scores=each.scores - means[each.types]) for each in found]
    ranked = np.sort(np.concatenate([each.scores[each.apart()] for each in moved]))[::-1]
    at = min(round((usual_count(types) if expected is None else expected) * len(found)), len(ranked))
    return means + _border(ranked, at)


def best_margins(
    found: Sequence[Candidates], true: Sequence[set[Span]], types: Sequence[str], usual: np.ndarray
) -> np.ndarray:
    """Margins with which the F1 of all spans is highest on labelled rows, shape (types,).

    From the usual ones all are moved alike first, and then each by itself, twice, so that a few rows do not say too much.

    Args:
        found: of each row.
        true: spans of each row.
        types: names of the types.
        usual: where it begins; types with too few true spans keep the distance to the others that they have there.
    """
    counts = Counter(span.type for spans in true for span in spans)
    each = [np.eye(len(types))[at] for at, name in enumerate(types) if counts[name] >= LEAST_SPANS]
    margins = usual
    for direction in (np.ones(len(types)), *each, *each):
        ways = [(_f1(found, true, types, margins + step * direction), -abs(step), step) for step in MOVES]
        margins = margins + max(ways)[2] * direction
    return margins


def _f1(found: Sequence[Candidates], true: Sequence[set[Span]], types: Sequence[str], margins: np.ndarray) -> float:
    """F1 of the spans that are over their margins, in [0, 1]."""
    right = given = 0
    for each, spans in zip(found, true, strict=True):
        over = each.less(margins)
        said = {Span(int(over.firsts[at]), int(over.lasts[at]) + 1, types[int(over.types[at])]) for at in over.apart()}
        right += len(said & spans)
        given += len(said)
    return 2 * right / max(given + sum(map(len, true)), 1)


def _border(ranked: np.ndarray, count: int) -> float:
    """What lies between the first so many of falling scores and the others."""
    if not len(ranked):
        return 0.0
    above, below = (float(ranked[min(max(at, 0), len(ranked) - 1)]) for at in (count - 1, count))
    return (above + below) / 2 if 0 < count < len(ranked) else above + 1.0 if count <= 0 else below - 1.0
