"""What holds on a GPU as on the CPU; skipped where there is none. Numbers are float32 on both unless a test says otherwise."""

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.contract.conftest import bound
from tests.contract.pairs import strategies_of

import headstart
from headstart.backbones.encoder import TextEncoder
from headstart.backbones.location import BackboneSource, locate
from headstart.data.store import Store
from headstart.heads.model import Model
from headstart.loading import load
from headstart.objectives import OBJECTIVES
from headstart.objectives.base import TextObjective
from headstart.runtime.device import moved
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies import STRATEGIES
from headstart.tasks import TASKS
from headstart.training.checkpoints import Stages
from headstart.training.compiled import compile_parts
from headstart.training.settings import Training
from headstart.training.stage import LayerGroup, Stage
from headstart.training.trainer import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU that torch can use")

Run = Callable[..., Any]
SERVING = strategies_of("text-classification")
NETWORKS = [name for name in SERVING if STRATEGIES.get(name).needs_backbone]
SOLVED = ["feature-extraction", "coral"]
"""Strategies that train nothing by gradient: no dropout, so the CPU says the same."""
BRIEF: dict[str, dict[str, Any]] = {"from-scratch": {"rates": (1e-3,)}}
FROM_TEXT = [name for name in OBJECTIVES.names() if issubclass(OBJECTIVES.get(name), TextObjective)]
EVERYTHING = [*TASKS.names(), *FROM_TEXT, "contrastive"]
TEXTS = ["good", "rather bad , I say", "the parcel is on its way to you now and it is a very good day", "it is"]


def told(name: str) -> dict[str, Any]:
    return {"strategy": {"name": name} | BRIEF.get(name, {})}


def made(name: str, folder: Path) -> tuple[Any, Any, Model]:
    """An objective or task with its toy examples, and a model without dropout."""
    torch.manual_seed(1)
    backbone = TextEncoder(locate(BackboneSource(location=str(folder))))
    if name in TASKS.names():
        objective, store = bound(name)
    else:
        objective = OBJECTIVES.get(name)()
        store = Store(objective.toy_examples(), list(range(len(objective.toy_examples()))), "toy.csv")
    backbone.pairs, backbone.words = getattr(objective, "together", False), getattr(objective, "words", False)
    model = Model(backbone, objective.heads(backbone))
    for module in model.modules():
        if hasattr(module, "p"):
            module.p = 0.0
    return objective, objective.prepare(store, backbone.tokenizer), model


def gradients(objective: Any, prepared: Any, model: Model, rows: range) -> tuple[float, dict[str, np.ndarray]]:
    model.train()
    model.zero_grad()
    batch = moved(objective.collate(prepared, np.array(rows), model.backbone.tokenizer.pad_id), model)
    summed, weight = objective.loss(model, batch)
    summed.backward()
    found = {name: p.grad.cpu().numpy() for name, p in model.named_parameters() if p.grad is not None}
    return float(summed.detach()) / weight, found


def assert_same(one: tuple[float, dict[str, np.ndarray]], other: tuple[float, dict[str, np.ndarray]]) -> None:
    assert one[0] == pytest.approx(other[0], rel=1e-4)
    assert one[1].keys() == other[1].keys()
    for name, gradient in one[1].items():
        np.testing.assert_allclose(gradient, other[1][name], atol=1e-4 * max(1.0, np.abs(gradient).max()))


@pytest.mark.parametrize("name", EVERYTHING)
def test_loss_and_gradients_are_those_of_the_cpu(
    name: str, wide_backbone: Path, make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_backbone(tmp_path / "decoder", "gpt2") if name == "causal-lm" else wide_backbone
    objective, prepared, model = made(name, folder)
    on_cpu = gradients(objective, prepared, model, range(10))
    model.to("cuda")
    assert_same(on_cpu, gradients(objective, prepared, model, range(10)))


@pytest.mark.filterwarnings("ignore")  # compilers warn of what is theirs
@pytest.mark.parametrize("name", ["causal-lm", "masked-lm"])
def test_compiled_they_stay_the_same(name: str, make_backbone: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_backbone(tmp_path / "net", "gpt2" if name == "causal-lm" else "bert")
    objective, prepared, model = made(name, folder)
    model.to("cuda")
    before = [gradients(objective, prepared, model, rows) for rows in (range(10), range(3, 12))]
    assert compile_parts(model, lambda: gradients(objective, prepared, model, range(10)), Loud())
    after = [gradients(objective, prepared, model, rows) for rows in (range(10), range(3, 12))]
    for one, other in zip(before, after, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_strategy_runs_and_its_artifact_says_the_same_on_the_cpu(name: str, run_toy: Run, tmp_path: Path) -> None:
    compared = run_toy(told(name) | {"device": "cuda"})
    assert [(entry.status, entry.note) for entry in compared.entries] == [("done", "")]
    artifact = compared.artifact
    assert artifact.evidence["machine"]["device"].startswith("cuda (")
    assert artifact.recipe["device"] == "cuda"
    folder = artifact.save(tmp_path / "run")
    shares = artifact.predict_proba(TEXTS)
    for device in ("cpu", "cuda"):
        again = load(folder, device=device)  # type: ignore[arg-type]
        np.testing.assert_allclose(again.predict_proba(TEXTS * 400)[:4], shares, atol=1e-4)
    if name in SOLVED:
        np.testing.assert_allclose(
            shares, run_toy(told(name) | {"device": "cpu"}).artifact.predict_proba(TEXTS), atol=1e-3
        )


@pytest.mark.parametrize(
    "name", [name for name in TASKS.names() if name not in ("text-classification", "token-classification")]
)
@pytest.mark.parametrize("strategy", ["fine-tuning", "feature-extraction"])
def test_every_task_on_whole_texts_is_fitted_and_read_back(
    name: str, strategy: str, run_toy: Run, tmp_path: Path
) -> None:
    compared = run_toy(told(strategy) | {"device": "cuda", "task": name})
    folder = compared.artifact.save(tmp_path / "run")
    on_cpu, on_gpu = (load(folder, device=device) for device in ("cpu", "cuda"))  # type: ignore[arg-type]
    rows = [(text, TEXTS[0]) for text in TEXTS] if compared.artifact.task.pairs else TEXTS
    one, other = (found.predictor.outputs(rows).values for found in (on_cpu, on_gpu))
    np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("crf", [False, True])
def test_words_on_a_gpu(crf: bool, wide_backbone: Path, tmp_path: Path) -> None:
    examples = TASKS.get("token-classification").toy_examples() * 4
    lines = [json.dumps({"tokens": list(e.input.words), "tags": list(e.label)}) for e in examples]
    path = tmp_path / "words.jsonl"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    found = headstart.fit(
        path, task="token-classification", backbone=str(wide_backbone), strategy="fine-tuning", controls=False, epochs=2,
        folds=0, validation_share=0.25, crf=crf, device="cuda", precision="float32",
    )  # fmt: skip
    folder = found.save(tmp_path / "run")
    sentences = [e.input for e in examples]
    one, other = (load(folder, device=d).predictor.outputs(sentences).values for d in ("cpu", "cuda"))  # type: ignore[arg-type]
    np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.parametrize("name", FROM_TEXT)
def test_a_network_learns_from_raw_text(name: str, tmp_path: Path) -> None:
    text = tmp_path / "book.txt"
    text.write_text("".join(f"the shop opens at {at} and it is a good day .\n" for at in range(200)))
    found = headstart.pretrain(
        text, objective=name, size="tiny", network_layers=2, hidden_size=32, attention_heads=2, vocabulary_size=300,
        batch_tokens=256, block_length=24, updates=12, rounds=2, learning_rate=3e-3, device="cuda", output=str(tmp_path / "lm"),
    )  # fmt: skip
    assert (
        found["loss"]["after"] < found["loss"]["before"] or name == "simcse"
    )  # its sentences here are nearly the same
    assert json.loads((tmp_path / "lm" / "evidence.json").read_text())["machine"]["device"].startswith("cuda (")
    again = TextEncoder(locate(BackboneSource(location=str(tmp_path / "lm"))))
    assert all(torch.isfinite(weight).all() for weight in again.network.state_dict().values())


def trained(name: str, folder: Path, place: Path | None, stop: int | None) -> Model:
    objective, prepared, model = made(name, folder)
    model.to("cuda")
    groups = [LayerGroup([*(m for level in model.backbone.blocks() for m in level), *model.heads.values()], 1.0)]
    stage = Stage(objective, prepared, groups, 6, 2e-3)
    progress = _Stopping(stop)
    stages = Stages(place, 0.0, SILENT)
    if stop is None:
        train(model, stage, Training(batch_size=4, patience=9), seed=3, validate=None, progress=progress, stages=stages)
        return model
    with pytest.raises(KeyboardInterrupt):
        train(model, stage, Training(batch_size=4, patience=9), seed=3, validate=None, progress=progress, stages=stages)
    return model


class Loud(Progress):
    def say(self, topic: str, message: str, *, warning: bool = False) -> None:
        raise AssertionError(message)


class _Stopping(Progress):
    """Ctrl-C after so many updates."""

    def __init__(self, updates: int | None) -> None:
        self.left = updates

    def advance(self, units: float, note: str = "") -> None:
        if self.left is not None and note:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt


def test_training_goes_on_from_a_checkpoint_of_a_gpu(wide_backbone: Path, tmp_path: Path) -> None:
    name = "text-classification"
    whole = trained(name, wide_backbone, None, None)
    trained(name, wide_backbone, tmp_path / "stages", 7)
    again = trained(name, wide_backbone, tmp_path / "stages", None)
    for (key, one), (_, other) in zip(whole.named_parameters(), again.named_parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3, msg=key)


def test_a_model_on_a_gpu_is_pickled_and_copied_for_machines_without_one(wide_backbone: Path) -> None:
    _, _, model = made("text-classification", wide_backbone)
    model.to("cuda")
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert {parameter.device.type for parameter in again.parameters()} == {"cpu"}
        for (key, one), (_, other) in zip(model.named_parameters(), again.named_parameters(), strict=True):
            torch.testing.assert_close(one.cpu(), other, atol=0, rtol=0, msg=key)


def test_a_batch_that_a_gpu_does_not_hold_is_passed_in_parts(
    wide_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective, prepared, model = made("text-classification", wide_backbone)
    model.to("cuda")
    loss, said = type(objective).loss, []

    def short(self: Any, model: Model, batch: Any) -> Any:
        if len(batch["ids"]) > 3:
            torch.empty(1 << 50, dtype=torch.uint8, device="cuda")  # what torch says then is what is tested
        return loss(self, model, batch)

    class Told(Progress):
        def say(self, topic: str, message: str, *, warning: bool = False) -> None:
            said.append(message)

    monkeypatch.setattr(type(objective), "loss", short)
    groups = [LayerGroup([*(m for level in model.backbone.blocks() for m in level), *model.heads.values()], 1.0)]
    history = train(
        model, Stage(objective, prepared, groups, 1, 1e-3), Training(batch_size=8), seed=0, validate=None, progress=Told()
    )  # fmt: skip
    assert history.skipped == []
    assert any("does not fit; each is passed in 4 parts" in message for message in said)


def test_products_in_bfloat16_give_nearly_the_same(wide_backbone: Path) -> None:
    objective, prepared, model = made("text-classification", wide_backbone)
    model.to("cuda")
    exact, _ = gradients(objective, prepared, model, range(10))
    model.backbone.fast = True
    fast, found = gradients(objective, prepared, model, range(10))
    assert fast == pytest.approx(exact, rel=0.02)
    assert fast != exact
    assert all(gradient.dtype == np.float32 for gradient in found.values())
