"""Real lack of memory: a process whose address space is limited trains to the same model, in parts."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.folders import whichever
from tests.forked import Program

ROWS, BATCH = 3000, 2500
ROOM = 480 << 20


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> list[object]:
    folder = tmp_path_factory.mktemp("memory")
    backbone = make_backbone(folder / "tiny", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    with (folder / "train.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for at in range(ROWS):
            tail = " ".join(f"{at // 10**place % 10}" for place in range(4))
            table.writerow(
                [f"the parcel is {('good', 'bad')[at % 2]} " + "and very good indeed " * 8 + tail, "ud"[at % 2]]
            )
    return [
        "fit", folder / "train.csv", "--backbone", backbone, "--no-controls", "--epochs", 1, "--batch-size", BATCH,
        "--threads", 1, "--dropout", 0, "--precision", "float32", "--test-share", 0.1, "--validation-share", 0.1,
    ]  # fmt: skip


@pytest.mark.slow
def test_fine_tuning_in_a_limited_address_space_comes_to_the_same_model(
    program: Program, words: list[object], tmp_path: Path
) -> None:
    words = [*words, "--strategy", "fine-tuning", "--head", "native"]
    free = program.run(*words, "-o", tmp_path / "free")
    assert free.code == 0, free.err
    narrow = program.run(*words, "-o", tmp_path / "narrow", limits={"RLIMIT_AS": ROOM})
    assert narrow.code == 0, narrow.err
    assert re.search(r"does not fit; each is passed in [24] parts, the updates stay the same", narrow.err), narrow.err
    one, two = (load_file(whichever(tmp_path / name, "model.safetensors")) for name in ("free", "narrow"))
    for name, weight in one.items():
        np.testing.assert_allclose(weight, two[name], rtol=1e-3, atol=2e-5, err_msg=name)
    curves = [
        json.loads((tmp_path / name / "evidence.json").read_text())["leaderboard"][0]["curve"][-1]["train_loss"]
        for name in ("free", "narrow")
    ]
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)
