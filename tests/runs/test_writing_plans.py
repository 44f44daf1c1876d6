"""How long texts take to be written is measured before anything is trained, on a network of the size of the one to come."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headstart.backbones.location import BackboneSource, locate
from headstart.data.examples import Example
from headstart.data.store import Store
from headstart.errors import DataError
from headstart.predictors.seq2seq import Seq2SeqPredictor
from headstart.recipes.parsing import assemble
from headstart.recipes.sources import TEST, TRAIN, VALIDATION
from headstart.runs.estimates import WRITING, Estimates
from headstart.runs.parts import Parts
from headstart.strategies.back_translation import BackTranslation
from headstart.strategies.base import Context
from headstart.strategies.from_scratch import FromScratch
from headstart.strategies.warm_start import WarmStart
from headstart.tasks.text_to_text import TextToText
from headstart.training.pace import writing_pace

TASK = TextToText(text=("en",), label="de", reference=("de",), metric="chrf", beams=3)


def rows(count: int) -> Store[Example]:
    pairs = [Example("day opens shop", (f"der Tag sieht Laden {at % 3}",)) for at in range(count)]
    return Store(pairs, [*range(2, count + 2)], "pairs.csv")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Callable[..., Estimates]:
    folder = str(make_backbone(tmp_path_factory.mktemp("writing") / "bert"))

    def build(strategy: str = "warm-start", **options: Any) -> Estimates:
        given = {
            "train": "pairs.csv",
            "task": "text-to-text",
            "strategy": strategy,
            "controls": False,
            "backbone": folder,
        }
        recipe = assemble("fit", given | options)
        parts = Parts(TASK, {TRAIN: rows(30), VALIDATION: rows(6), TEST: rows(10)}, "")
        located = locate(BackboneSource(location=folder))
        return Estimates(recipe, parts, Context(TASK, parts.train, parts.validation, located, recipe.training, 0))

    return build


def test_a_network_to_time_is_that_which_is_trained_and_leaves_chance_alone(plan: Callable[..., Estimates]) -> None:
    context, before = plan().context, torch.get_rng_state()
    strategy = WarmStart(decoder_layers=2)
    found = strategy.sketched_writer(context)
    assert torch.equal(torch.get_rng_state(), before)
    trained, _ = strategy._network(context, pretrained=True)
    sizes = [sum(each.numel() for each in network.parameters()) for network in (found, trained)]
    assert sizes[0] == sizes[1]
    like = FromScratch(like=strategy), BackTranslation(then=strategy)
    assert [type(each.sketched_writer(context)) for each in like] == [type(found)] * 2


def test_texts_of_a_network_that_was_not_trained_are_as_long_as_those_wanted(
    plan: Callable[..., Estimates], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, seen = plan().context, []
    writer = WarmStart(decoder_layers=1).sketched_writer(context)
    real = Seq2SeqPredictor.written

    def noted(self: Any, texts: list[str], how: Any, **options: Any) -> Any:
        seen.append((len(texts), how.beams, how.max_new_tokens))
        return real(self, texts, how, **options)

    monkeypatch.setattr(Seq2SeqPredictor, "written", noted)
    wanted = np.mean(writer.target.encode([label[0] for label in context.train.labels]).lengths)
    assert writing_pace(writer, TASK, context.train, trained=False) > 0
    assert writing_pace(writer, TASK, context.train, beams=2) > 0
    assert [length for *_, length in seen] == [round(wanted), round(wanted), None, None]
    assert [(count, beams) for count, beams, _ in seen] == [(1, 1), (30, 1), (1, 2), (30, 2)]


def test_a_plan_counts_texts_at_the_pace_that_they_are_written_at(
    plan: Callable[..., Estimates], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def pace(writer: Any, task: Any, rows: Any, *, beams: int = 1, trained: bool = True) -> float:
        asked.append((beams, trained, len(rows)))
        return 0.5 * beams

    monkeypatch.setattr("headstart.training.pace.writing_pace", pace)
    found = plan()
    found.probe()
    assert found.rate is not None
    assert asked == [(1, False, 30), (3, False, 30)]
    assert found.writing * found.rate == pytest.approx(0.5)
    assert found.testing == pytest.approx(1.5 * 10)
    # Eight epochs with six texts each, and three beams of six at the end.
    work = WarmStart().work(found.context)
    passes = found.rate * 30 * found.backward * work.training
    assert found.estimate(WarmStart()) == pytest.approx(1.0 + passes + 0.5 * (8 * 6 + 3 * 6))
    other = plan()
    other.take(found.paces)
    assert other.paces == found.paces
    other.take({"rate": 1.0, "test_rate": 2.0, "backward": 3.0})
    assert other.writing == found.writing, "older folders hold no such pace"


def test_where_no_network_can_be_made_the_usual_pace_is_taken(
    plan: Callable[..., Estimates], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: Any) -> None:
        raise DataError("there is nothing to learn words from")

    monkeypatch.setattr(WarmStart, "sketched_writer", none)
    found = plan()
    found.probe()
    assert found.writing == WRITING
    assert found.rate is not None
    assert found.testing == pytest.approx(WRITING * found.rate * 3 * 10)
