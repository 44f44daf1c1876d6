"""What `pretrain`, `adapt`, `distill-vectors` and `trim` print at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headstart.cli.display import table
from headstart.unseen import on_one_line


def network_table(result: Mapping[str, Any]) -> str:
    """Measures on held-out text before and after, one row each; below it speed and a sample.

    Args:
        result: what `--json` prints.
    """
    rows = [["held-out text, loss", f"{result['loss']['before']:.3f}", f"{result['loss']['after']:.3f}"]]
    if "perplexity" in result:
        sides = result["perplexity"]
        rows.append(["held-out text, perplexity", f"{sides['before']:,.1f}", f"{sides['after']:,.1f}"])
    if "bits_per_byte" in result:
        sides = result["bits_per_byte"]
        rows.append(["held-out text, bits per byte", f"{sides['before']:.3f}", f"{sides['after']:.3f}"])
    if "general" in result:
        sides = result["general"]
        rows.append(["general text, loss", f"{sides['before']:.3f}", f"{sides['after']:.3f}"])
    if "retrieval" in result:
        sides = result["retrieval"]
        rows.append(["translations that are found", f"{sides['before']:.3f}", f"{sides['after']:.3f}"])
    said = [table([str(result["objective"]["name"]), "before", "after"], rows), ""]
    speed = result["speed"]
    share = f", {speed['arithmetic_share']:.0%} of the arithmetic limit" if speed.get("arithmetic_share") else ""
    said.append(
        f"{result['tokens']:,} tokens in {result['updates']:,} updates, {speed['tokens_per_second']:,.0f} tokens/s{share}"
    )
    said += [f"sample: {on_one_line(sample)}" for sample in result["samples"][-1:]]
    return "\n".join(said)


def trimmed_table(result: Mapping[str, Any]) -> str:
    """Sizes of a network before and after pieces were left out, and how other texts are cut up by both.

    Args:
        result: what `--json` prints.
    """
    named = [("pieces", result["pieces"]), ("parameters", result["parameters"]), ("bytes", result["bytes"])]
    if held := result["held_out"]:
        named += [("pieces of other texts", held["pieces"]), ("unknown ones", held["unknown"])]
    rows = [[name, f"{each['before']:,}", f"{each['after']:,}", _share(each)] for name, each in named]
    return table(["", "before", "after", "share"], rows)


def _share(sides: Mapping[str, int]) -> str:
    return f"{sides['after'] / sides['before']:.1%}" if sides["before"] else ""
