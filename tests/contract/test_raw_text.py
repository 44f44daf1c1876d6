"""What every objective on raw text and every architecture by configuration promises: killed anywhere a run goes on to the same
bits, and what comes of it serves the strategies."""

import hashlib
import json
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.contract.pairs import slow_but
from tests.forked import POINTS, Program

import headstart
from headstart.backbones.configured import DECODERS, ENCODERS
from headstart.objectives import OBJECTIVES
from headstart.objectives.base import TextObjective

FROM_TEXT = [name for name in OBJECTIVES.names() if issubclass(OBJECTIVES.get(name), TextObjective)]
SENTENCES = [
    "the shop opens at nine and it is a good day",
    "a bad start and a bad end to you",
    "all of it is good indeed",
]
SHAPE = [
    "--size", "tiny", "--network-layers", "1", "--hidden-size", "32", "--attention-heads", "2", "--vocabulary-size", "300",
    "--batch-tokens", "64", "--block-length", "24", "--updates", "6", "--rounds", "2", "--threads", "1", "--precision",
    "float32", "--checkpoint-every", "0",
]  # fmt: skip


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "book.txt"
    path.write_text("".join(f"{SENTENCES[at % 3]} {at % 7} .\n" for at in range(90)))
    return path


def bits(folder: Path) -> tuple[str, list[Any]]:
    curve = json.loads((folder / "evidence.json").read_text())["curve"]
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(), curve


Whole = Callable[[str], tuple[Any, dict[str, int]]]


@pytest.fixture(scope="module")
def whole(program: Program, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """What a run of an objective that nothing interrupts comes to, and how often each point is reached."""

    @cache
    def run(objective: str) -> tuple[Any, dict[str, int]]:
        folder = tmp_path_factory.mktemp("whole") / objective
        done = program.run("pretrain", text, "--objective", objective, *SHAPE, "-o", folder, count=True)
        assert done.code == 0, done.err
        return bits(folder), done.reached

    return run


@pytest.mark.parametrize("objective", slow_but(FROM_TEXT[1:2], FROM_TEXT))
def test_killed_at_any_point_it_goes_on_to_the_same_bits(
    objective: str, program: Program, whole: Whole, text: Path, tmp_path: Path
) -> None:
    words = ["pretrain", text, "--objective", objective, *SHAPE]
    wanted, reached = whole(objective)
    # All points for the first objective; what another one changes is the update.
    some = (*POINTS, "update") if objective == FROM_TEXT[0] else ("update",)
    points = [(point, 1 + reached.get(point, 0) // 2) for point in some] + [("update", 1)]
    killed = 0
    for place, (point, number) in enumerate(dict.fromkeys(points)):
        run = tmp_path / str(place)
        at = (point, number, ("before", "after")[place % 2])
        ended = program.run(*words, "-o", run, at=at, how=signal.SIGKILL)
        killed += ended.code == -signal.SIGKILL
        if not (run / "evidence.json").exists():
            begun = (tmp_path / f"{place}.part" / "run.json").exists()
            # A run that was killed before it had written what it is begins anew, in the same words.
            again = program.run("resume", run) if begun else program.run(*words, "-o", run)
            assert again.code == 0, again.err
            assert "Traceback" not in again.err
        assert bits(run) == wanted, at
    assert killed >= len(some)


@pytest.mark.parametrize("kind", slow_but(("bert", "modernbert", "gpt2"), [*ENCODERS, *DECODERS]))
def test_every_architecture_learns_from_text_and_serves_a_strategy_with_frozen_layers(
    kind: str, text: Path, tmp_path: Path
) -> None:
    result = headstart.pretrain(
        text, architecture=kind, objective="causal-lm" if kind in DECODERS else "masked-lm", size="tiny", network_layers=2,
        hidden_size=32, attention_heads=2, vocabulary_size=300, batch_tokens=96, block_length=24, updates=12, rounds=2,
        threads=1, precision="float32", learning_rate=3e-3, output=str(tmp_path / "lm"),
    )  # fmt: skip
    assert result["loss"]["after"] < result["loss"]["before"] - 0.1
    rows = {"text": [f"{SENTENCES[at % 3]} {at}" for at in range(36)], "label": [str(at % 3 > 0) for at in range(36)]}
    artifact = headstart.fit(
        rows, backbone=result["network"], strategy="fine-tuning", layers=1, controls=False, epochs=1, threads=1, folds=0,
        precision="float32",
    )  # fmt: skip
    shares = artifact.predict_proba(["the shop opens at nine", "a bad end"])
    assert np.isfinite(shares).all()
    artifact.save(tmp_path / "fit")
    assert np.allclose(
        headstart.load(tmp_path / "fit").predict_proba(["the shop opens at nine", "a bad end"]), shares, atol=1e-5
    )


@pytest.mark.parametrize("limit", slow_but((3_000,), (3_000, 30_000)))
def test_a_disk_that_is_full_loses_nothing_and_says_so(
    limit: int, program: Program, whole: Whole, text: Path, tmp_path: Path
) -> None:
    words = ["pretrain", text, "--objective", FROM_TEXT[0], *SHAPE]
    ended = program.run(*words, "-o", tmp_path / "run", limits={"RLIMIT_FSIZE": limit})
    assert ended.code == 74, ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "run").exists()
    begun = (tmp_path / "run.part" / "run.json").exists()
    again = program.run("resume", tmp_path / "run") if begun else program.run(*words, "-o", tmp_path / "run")
    assert again.code == 0, again.err
    assert bits(tmp_path / "run") == whole(FROM_TEXT[0])[0]
