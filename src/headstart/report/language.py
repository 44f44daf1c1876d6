"""Report page and card of a network that has learnt from raw text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headstart.drawing.charts import Line, lines
from headstart.drawing.text import count, duration, finite, legible, number
from headstart.report.page import environment
from headstart.report.stacking import stacked

CURVE_POINTS = 200
"""Rounds that are drawn at most."""
UNITS = {
    "masked-lm": "nats per hidden word",
    "causal-lm": "nats per word",
    "simcse": "nats per text",
    "span-selection": "nats per text",
    "sentence-vectors": "squared distance per text",
}

WORD_VECTORS = {
    "mean": "copies of equal pieces and the mean of old ones",
    "dictionary": "those of translations by a dictionary, copies of equal pieces and the mean of old ones",
}
"""Where the vectors of a transplanted vocabulary come from, by `--word-vectors`."""


def page(evidence: Mapping[str, Any]) -> str:
    """One HTML document, without script and without network.

    Args:
        evidence: of `pretrain` or `adapt`, plain JSON data.
    """
    seen = legible(evidence)
    return stacked(
        environment()
        .get_template("language.html.j2")
        .render(
            evidence=seen,
            charts=_charts(seen),
            measures=_measures(seen),
            unit=UNITS.get(seen["objective"]["name"], "nats"),
            vocabulary=_vocabulary(seen),
        )
    )


def card(evidence: Mapping[str, Any]) -> str:
    """The README.md of the folder: front matter for the hub, then what was learnt, from what, and how to go on."""
    objective, backbone, data = evidence["objective"]["name"], evidence["backbone"], evidence["data"]
    decoder = objective == "causal-lm"
    reader = {"masked-lm": "AutoModelForMaskedLM", "causal-lm": "AutoModelForCausalLM"}.get(objective, "AutoModel")
    tag = {"masked-lm": "fill-mask", "causal-lm": "text-generation"}.get(objective, "feature-extraction")
    verb = {"pretrain": "pre-trained", "adapt": "adapted"}.get(evidence["verb"], "taught")
    facts = data["facts"]
    said = [
        *front_matter(tag),
        f"# {evidence.get('title', 'network')}",
        "",
        f"A {'decoder' if decoder else 'network'} of the architecture {backbone['architecture']} "
        f"({count(backbone['parameters'])} parameters), {verb} by headstart with the objective `{objective}`"
        + (f", from {backbone['name']}" if evidence["verb"] != "pretrain" else "")
        + (f", whose teacher was {evidence['teacher']}" if "teacher" in evidence else "")
        + ".",
        "",
        f"Text: {count(facts.get('documents', 0))} documents, {count(facts.get('characters', 0))} characters; "
        f"{count(evidence['tokens'])} tokens were read in {count(evidence['updates'])} updates "
        f"({duration(evidence['speed']['seconds'])}).",
        "",
        *rows_before_after(f"on {count(data['held_out_tokens'])} held-out tokens", _measures(evidence)),
        "",
        *([said_of, ""] if (said_of := _vocabulary(evidence)) else []),
        "What it learnt is what the text says: names, prejudices and mistakes of the text are in it.",
        "",
        *usage(reader),
        "",
        "`recipe.yaml` gives the same weights again from the same text; `report.html` shows the course.",
    ]
    said += [f"\nNote: {note}." for note in evidence.get("notes", ())]
    return "\n".join(said) + "\n"


def front_matter(tag: str) -> list[str]:
    """Lines for the hub at the top of a card: the library, and what the network is for, such as `fill-mask`."""
    return ["---", "library_name: transformers", f"pipeline_tag: {tag}", "tags:", "- headstart", "---", ""]


def rows_before_after(title: str, rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """Lines of a Markdown table of names with what was before and after, under a title of the names."""
    body = [f"| {name} | {before} | {after} |" for name, before, after in rows]
    return [f"| {title} | before | after |", "| --- | --- | --- |", *body]


def usage(reader: str) -> list[str]:
    """Lines that say how to go on from a folder in the hub's format, which a class of transformers reads."""
    return [
        "## Use", "", "As the start of a fit: `headstart fit DATA --backbone .`. With transformers alone:", "", "```python",
        f"from transformers import {reader}, AutoTokenizer", "",
        f'tokenizer, network = AutoTokenizer.from_pretrained("."), {reader}.from_pretrained(".")', "```",
    ]  # fmt: skip


def _vocabulary(evidence: Mapping[str, Any]) -> str:
    """A sentence on the vectors of a transplanted vocabulary before anything was learnt; empty where they were not measured."""
    said = evidence.get("vocabulary") or {}
    losses, vectors = said.get("initial_loss") or {}, WORD_VECTORS.get(str(said.get("word_vectors")))
    if vectors is None or any(finite(losses.get(name)) is None for name in ("random", "transplanted")):
        return ""
    return (
        f"The vocabulary is new ({count(said.get('pieces'))} pieces). Before learning began, loss on held-out text was "
        f"{number(losses['random'])} with random vectors for its pieces and {number(losses['transplanted'])} with those that were "
        f"taken, {vectors}; each was measured after the head had learnt alone for a short while."
    )


def _measures(evidence: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    named = [
        ("loss", "loss", 3),
        ("perplexity", "perplexity", 1),
        ("bits_per_byte", "bits per byte", 3),
        ("general", "loss on general text", 3),
        ("retrieval", "translations that are found (more is better)", 3),
    ]
    return [
        (name, number(evidence[key]["before"], decimals), number(evidence[key]["after"], decimals))
        for key, name, decimals in named
        if evidence.get(key)
    ]


def _charts(evidence: Mapping[str, Any]) -> list[Any]:
    """The loss by tokens read."""
    curve = evidence.get("curve") or []
    step = max(1, -(-len(curve) // CURVE_POINTS))
    shown = [*curve[:-1:step], *curve[-1:]]
    million = 1e6 if curve and curve[-1]["tokens"] >= 1e6 else 1e3
    series = [
        Line(label, [(row["tokens"] / million, finite(row.get(key))) for row in shown], dashed)
        for key, label, dashed in (("train_loss", "train loss", False), ("loss", "held-out loss", True))
    ]
    ends = f"It ends at {number(curve[-1]['loss'])} on held-out text." if curve else ""
    unit = "million tokens" if million == 1e6 else "thousand tokens"
    drawn = lines(series, key="loss", title="Loss by tokens read", description=ends, axes=(unit, "loss"))
    return [drawn] if drawn else []
