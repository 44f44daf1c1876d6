"""What every objective on raw text and every architecture by configuration promises: killed anywhere a run goes on to the same
bits, and what comes of it serves the strategies."""

import hashlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.forked import POINTS, Program

import headstart
from headstart.backbones.configured import DECODERS, ENCODERS
from headstart.objectives import OBJECTIVES
from headstart.objectives.base import RawText

FROM_TEXT = [name for name in OBJECTIVES.names() if issubclass(OBJECTIVES.get(name), RawText)]
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
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("forked")) as found:
        yield found


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "book.txt"
    path.write_text("".join(f"{SENTENCES[at % 3]} {at % 7} .\n" for at in range(90)))
    return path


def bits(folder: Path) -> tuple[str, list[Any]]:
    curve = json.loads((folder / "evidence.json").read_text())["curve"]
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(), curve


@pytest.mark.parametrize("objective", FROM_TEXT)
def test_killed_at_any_point_it_goes_on_to_the_same_bits(
    objective: str, program: Program, text: Path, tmp_path: Path
) -> None:
    words = ["pretrain", text, "--objective", objective, *SHAPE]
    whole = program.run(*words, "-o", tmp_path / "whole", count=True)
    assert whole.code == 0, whole.err
    wanted = bits(tmp_path / "whole")
    # All points for the first objective; what another one changes is the update.
    some = (*POINTS, "update") if objective == FROM_TEXT[0] else ("update",)
    points = [(point, 1 + whole.reached.get(point, 0) // 2) for point in some] + [("update", 1)]
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


@pytest.mark.parametrize("kind", [*ENCODERS, *DECODERS])
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


@pytest.mark.parametrize("limit", [3_000, 30_000])
def test_a_disk_that_is_full_loses_nothing_and_says_so(
    limit: int, program: Program, text: Path, tmp_path: Path
) -> None:
    words = ["pretrain", text, *SHAPE]
    assert program.run(*words, "-o", tmp_path / "whole").code == 0
    ended = program.run(*words, "-o", tmp_path / "run", limits={"RLIMIT_FSIZE": limit})
    assert ended.code == 74, ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "run").exists()
    begun = (tmp_path / "run.part" / "run.json").exists()
    again = program.run("resume", tmp_path / "run") if begun else program.run(*words, "-o", tmp_path / "run")
    assert again.code == 0, again.err
    assert bits(tmp_path / "run") == bits(tmp_path / "whole")
