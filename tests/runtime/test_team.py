"""Several processes train as one: the same losses, one model, one voice."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.folders import whichever
from tests.forked import Program

from headstart.runtime.team import ALONE, Team, joined, started

WORDS = ["parcel", "shop", "day", "night", "way", "nine", "monday", "start", "end", "yours"]


@pytest.fixture(scope="module")
def still(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny backbone without dropout, whose masks differ with the rows that pass together."""
    folder = tmp_path_factory.mktemp("still") / "backbone"
    shutil.copytree(tiny_backbone, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    lines = [
        f"{'good' if at % 2 else 'bad'} {' '.join(WORDS[: at % 7])} {at},{('down', 'up')[at % 2]}" for at in range(240)
    ]
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    return path


def by_torchrun(words: list[str]) -> str:
    """What two processes, as people start them, print."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, "-m", "headstart.cli", *words], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategies",
    [
        [{"name": "fine-tuning", "dropout": 0.0, "head": "native"}, {"name": "feature-extraction"}],
        [{"name": "fine-tuning", "dropout": 0.0, "head": "mean", "layers": 1}, {"name": "contrastive"}],
    ],
    ids=["all layers", "top layer and contrastive"],
)
def test_two_processes_come_to_the_losses_of_one(
    strategies: list[dict[str, Any]], program: Program, rows: Path, still: Path, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    plain = {
        "verb": "compare", "data": {"train": str(rows), "folds": 0, "test_share": 0.2}, "backbone": str(still),
        "strategies": strategies, "training": {"epochs": 2, "batch_size": 7}, "precision": "float32", "threads": 1,
        "controls": False,
    }  # fmt: skip
    recipe.write_text(yaml.safe_dump(plain))
    words = {name: ["run", str(recipe), "--set", f"output={tmp_path / name}", "--json"] for name in ("one", "two")}
    alone = program.run(*words["one"])
    assert alone.code == 0, alone.err
    for name, out in (("one", alone.out), ("two", by_torchrun(words["two"]))):
        assert len(out.strip().split("\n")) == 1  # only one of the processes says something
        assert json.loads(out)["artifact"] == str(tmp_path / name)
    one, two = (json.loads((tmp_path / name / "evidence.json").read_text()) for name in ("one", "two"))
    for mine, theirs in zip(one["leaderboard"], two["leaderboard"], strict=True):
        assert mine["strategy"] == theirs["strategy"]
        losses = [[epoch.get("train_loss") for epoch in side["curve"]] for side in (mine, theirs)]
        assert losses[0][-1:] == pytest.approx(losses[1][-1:], abs=1e-5)
        assert losses[0][1:] == pytest.approx(losses[1][1:], abs=1e-5)
        for part in ("validation", "test"):
            found = [row["scores"][part]["log_loss"]["value"] for row in (mine, theirs)]
            assert found[0] == pytest.approx(found[1], abs=1e-4)
    assert len(one["leaderboard"]) == 2
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        path.name for path in (tmp_path / "two").iterdir()
    )


@pytest.mark.slow
def test_two_processes_that_were_killed_go_on_to_the_same_bits(
    program: Program, rows: Path, still: Path, tmp_path: Path
) -> None:
    words = [
        "compare", rows, "--strategies", "fine-tuning,contrastive", "--no-controls", "--backbone", still,
        "--epochs", "2", "--batch-size", "16", "--threads", "1", "--folds", "0", "--checkpoint-every", "0",
    ]  # fmt: skip
    run, whole = tmp_path / "run", tmp_path / "whole"
    done = program.run(*words, "-o", whole, team=2, count=True)
    assert done.code == 0, done.err
    # Both strategies are done and the one that is kept learns again from all rows.
    killed = program.run(*words, "-o", run, team=2, at=("update", done.reached["update"] - 5, "after"))
    assert killed.code == -signal.SIGKILL, killed.err
    assert list(tmp_path.glob("run.part/00-contrastive/manifest.json"))
    assert list(tmp_path.glob("run.part/01-fine-tuning/manifest.json"))
    assert list(tmp_path.glob("run.part/02-*-stages/*/step-*"))
    again = program.run("resume", run, team=2)
    assert again.code == 0, again.err
    for name in ("model.safetensors", "heads/classification.safetensors"):
        assert whichever(run, name).read_bytes() == whichever(whole, name).read_bytes()
    assert not list(tmp_path.glob("run.part"))


def test_a_budget_needs_one_process(rows: Path, still: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from headstart.errors import RecipeError
    from headstart.recipes.parsing import assemble
    from headstart.runs.comparison import compare
    from headstart.runtime.progress import SILENT

    recipe = assemble("fit", {"train": str(rows), "backbone": str(still), "budget": "60s"})
    with pytest.raises(RecipeError, match="several processes keep no common clock"):
        compare(recipe, SILENT, team=Team(0, 2))


def test_every_row_and_batch_is_somebodys() -> None:
    rows = np.arange(11)
    shares = [Team(rank, 3).share(rows) for rank in range(3)]
    assert sorted(np.concatenate(shares).tolist()) == rows.tolist()
    assert [len(share) for share in shares] == [4, 4, 3]
    assert [Team(rank, 3).mine("abcd") for rank in range(3)] == ["ad", "b", "c"]


def test_one_process_is_no_team(monkeypatch: pytest.MonkeyPatch) -> None:
    for size, rank, expected in (("1", "0", ALONE), ("2", "1", Team(1, 2)), ("x", "0", ALONE)):
        monkeypatch.setenv("WORLD_SIZE", size)
        monkeypatch.setenv("RANK", rank)
        assert started() == expected
    monkeypatch.delenv("WORLD_SIZE")
    with joined() as team:
        assert team == ALONE
        assert team.total(1.0, 2.0) == [1.0, 2.0]
        assert team.same("x") == "x"
