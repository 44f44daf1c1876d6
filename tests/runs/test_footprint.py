"""How much memory a run takes: what is counted, and that plans add it up over the networks that they keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training.test_pausing import toy

from headstart.backbones.base import open_backbone
from headstart.backbones.location import BackboneSource, locate
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import MEMORY
from headstart.runs.comparison import outline, set_up
from headstart.runs.footprint import ENDING, NUMBER, NetworkSize, network_bytes
from headstart.runs.planning import Plan
from headstart.runtime.memory import peak_memory
from headstart.runtime.progress import SILENT
from headstart.strategies.base import Work


@pytest.fixture
def options(tiny_backbone: Path) -> dict[str, Any]:
    return {
        "train": MEMORY,
        "backbone": str(tiny_backbone),
        "controls": False,
        "threads": 1,
        "test_share": 0.0,
        "folds": 0,
    }


@pytest.fixture
def plan(options: dict[str, Any]) -> Plan:
    found = set_up(
        assemble("compare", options | {"strategies": "feature-extraction,fine-tuning,lora"}), SILENT, toy(), 0.0
    )  # type: ignore[arg-type]
    found.probe()
    return found


def test_a_network_is_as_large_as_its_weights(plan: Plan, tiny_backbone: Path) -> None:
    located = locate(BackboneSource(location=str(tiny_backbone)))
    backbone = open_backbone(located)
    size = NetworkSize.of(backbone, located.config, np.array([4] * 19 + [50]))
    assert size.weights == sum(each.numel() for each in backbone.parameters()) > size.moving > 0
    assert (size.depth, size.width, size.heads) == (
        backbone.depth,
        backbone.hidden_size,
        located.config["num_attention_heads"],
    )
    assert 4 <= size.tokens < 50, "one long row is no measure"
    assert plan.size is not None
    assert replace(plan.size, tokens=size.tokens) == size


def test_what_is_trained_takes_gradients_moments_and_states_of_a_batch(plan: Plan) -> None:
    size = NetworkSize(weights=1000, moving=600, depth=2, width=10, heads=2, tokens=8, poolings=1)
    context, rows = plan.context, len(plan.context.train) + len(plan.context.validation)
    frozen = network_bytes(size, Work(0.0, 1.0), context)
    assert frozen == ENDING + NUMBER * (1000 + rows * 3 * 10)
    whole, some = (network_bytes(size, Work(1.0, 1.0, moving=moving), context) for moving in (1.0, 0.1))
    assert whole - some == pytest.approx(NUMBER * 3 * 600 * 0.9, abs=2 * NUMBER)
    smaller = replace(context, training=context.training.revised(batch_size=context.training.batch_size // 2))
    states = context.training.batch_size * 8 * 2 * (17 * 10 + 2.5 * 2 * 8)
    assert whole - network_bytes(size, Work(1.0, 1.0), smaller) == pytest.approx(NUMBER * states / 2, abs=2 * NUMBER)


def test_networks_that_are_kept_add_up(plan: Plan, options: dict[str, Any]) -> None:
    steps = plan.outlook(plan.entries())
    steps.sort(key=lambda step: (step.entry.strategy.name == "fine-tuning", step.entry.strategy.cost))
    each = {step.entry.strategy.name: plan.memory(step.entry.strategy) or 0 for step in steps}
    assert each["fine-tuning"] > each["lora"] > each["feature-extraction"] > 0
    assert plan.size is not None
    weights = NUMBER * plan.size.weights
    assert plan.most_memory(steps) == max(
        weights * at + each[step.entry.strategy.name] for at, step in enumerate(steps)
    )
    steps[0].reason = "it does not run"
    assert plan.most_memory(steps) == max(
        weights * at + each[step.entry.strategy.name] for at, step in enumerate(steps[1:])
    )
    before = peak_memory()
    found = outline(assemble("compare", options | {"strategies": "feature-extraction"}), SILENT, toy())  # type: ignore[arg-type]
    assert before < found["memory"] <= peak_memory() + each["feature-extraction"]
