"""From raw text to a network, by all three doors: it learns, it is whole, it goes on to the same bits, bad text is named."""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

import headstart
from headstart.backbones.location import BackboneSource, locate
from headstart.cli.main import main
from headstart.errors import DataError, MissingInputError, ModelError, RecipeError, RunFolderError
from headstart.recipes.parsing import assemble
from headstart.runs.run import run
from headstart.runtime.progress import SILENT, Progress

SENTENCES = [
    "the shop opens at nine and it is a good day",
    "a bad start and a bad end to you on monday",
    "the parcel arrives at night and you say it is yours",
    "all of it is good , very good indeed",
    "rather bad , you say , and rather late",
]
TINY: dict[str, Any] = {
    "size": "tiny", "network_layers": 1, "hidden_size": 32, "attention_heads": 2, "vocabulary_size": 300,
    "batch_tokens": 128, "block_length": 32, "updates": 24, "rounds": 4, "threads": 1, "learning_rate": 3e-3,
    "precision": "float32",
}  # fmt: skip


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text("".join(f"{SENTENCES[at % 5]} {at % 7} .\n" for at in range(200)))
    return path


def learn(text: Path, output: Path, **options: Any) -> dict[str, Any]:
    return headstart.pretrain(text, **(TINY | {"output": str(output)} | options))


def weights_of(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_a_masked_language_model_learns_and_loads_in_plain_transformers(text: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    result = learn(text, tmp_path / "lm")
    assert result["loss"]["after"] < result["loss"]["before"] - 0.5
    assert result["perplexity"]["after"] == pytest.approx(math.exp(result["loss"]["after"]))
    assert "bits_per_byte" not in result
    folder = Path(result["network"])
    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModelForMaskedLM.from_pretrained(folder).eval()
    batch = tokenizer("the shop [MASK] at nine", return_tensors="pt")
    assert batch["input_ids"][0, 0] == tokenizer.cls_token_id
    with torch.no_grad():
        assert network(**batch).logits.shape[-1] == len(tokenizer) <= 300
    evidence = json.loads((folder / "evidence.json").read_text())
    assert [row["updates"] for row in evidence["curve"]] == [0, 6, 12, 18, 24]
    assert evidence["data"]["facts"]["documents"] == 1
    assert len(evidence["samples"]) == 3
    page = (folder / "report.html").read_text()
    assert "Learning from raw text" in page
    assert "<script" not in page
    assert "AutoModelForMaskedLM" in (folder / "README.md").read_text()


def test_a_causal_language_model_tells_bits_per_byte_of_the_raw_text(text: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    other = tmp_path / "valid.txt"
    other.write_text(text.read_text()[2000:3500])
    result = learn(text, tmp_path / "lm", objective="causal-lm", held_out=str(other))
    folder = Path(result["network"])
    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    # The same number by hand, in rows that begin with the token that ends a text.
    own = tokenizer(other.read_text(), add_special_tokens=False)["input_ids"]
    evidence = json.loads((folder / "evidence.json").read_text())
    held = evidence["data"]["held_out_tokens"]
    rows = -(-held // 32)
    assert held == len(own) + rows
    bits = 0.0
    for at in range(rows):
        row = [tokenizer.bos_token_id, *own[at * len(own) // rows : (at + 1) * len(own) // rows]]
        with torch.no_grad():
            shares = network(torch.tensor([row])).logits[0].log_softmax(1)
        bits -= float(shares[:-1].gather(1, torch.tensor(row[1:])[:, None]).sum()) / math.log(2)
    count = len(tokenizer.decode(own).encode())
    assert result["bits_per_byte"]["after"] == pytest.approx(bits / count, rel=1e-3)
    assert result["bits_per_byte"]["after"] < result["bits_per_byte"]["before"]


def test_the_resolved_recipe_comes_to_the_same_weights_and_another_seed_to_others(text: Path, tmp_path: Path) -> None:
    learn(text, tmp_path / "one")
    recipe = yaml.safe_load((tmp_path / "one" / "recipe.yaml").read_text())
    assert recipe["verb"] == "pretrain"
    assert recipe["training"]["updates"] == 24
    headstart.run(recipe | {"output": str(tmp_path / "two")})
    assert weights_of(tmp_path / "one") == weights_of(tmp_path / "two")
    learn(text, tmp_path / "three", seed=1)
    assert weights_of(tmp_path / "one") != weights_of(tmp_path / "three")


class Stop(Progress):
    def __init__(self, after: int) -> None:
        self.left = after
        self.step = ""

    def begin(self, step: str, total: float, note: str = "") -> None:
        self.step = step

    def advance(self, units: float, note: str = "") -> None:
        if self.step in ("pretrain", "head", "adapt") and note:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt


@pytest.mark.parametrize("after", [1, 7, 23])
def test_stopped_it_goes_on_to_the_same_bits(after: int, text: Path, tmp_path: Path) -> None:
    learn(text, tmp_path / "whole")
    with pytest.raises(headstart.HeadstartError, match=r"stopped; go on with: headstart resume .*run"):
        learn(text, tmp_path / "run", progress=Stop(after))
    assert not (tmp_path / "run").exists()
    result = headstart.resume(tmp_path / "run")
    assert result["updates"] == 24
    assert weights_of(tmp_path / "run") == weights_of(tmp_path / "whole")
    assert not (tmp_path / "run.part").exists()


def test_an_adaptation_goes_on_to_the_same_bits_too(text: Path, tiny_backbone: Path, tmp_path: Path) -> None:
    options = {key: TINY[key] for key in ("batch_tokens", "block_length", "updates", "rounds", "threads", "precision")}
    options |= {"backbone": str(tiny_backbone), "general": str(text), "replay": 0.3, "l2_sp": 0.1}
    other = tmp_path / "other.txt"
    other.write_text("".join(f"{SENTENCES[at % 3]} indeed {at % 5}\n" for at in range(200)))
    headstart.adapt(other, output=str(tmp_path / "whole"), **options)
    with pytest.raises(headstart.HeadstartError, match="headstart resume"):
        headstart.adapt(other, output=str(tmp_path / "run"), progress=Stop(11), **options)
    result = headstart.resume(tmp_path / "run")
    assert weights_of(tmp_path / "run") == weights_of(tmp_path / "whole")
    assert result["loss"]["after"] < result["loss"]["before"]
    assert result["general"]["before"] != result["general"]["after"]


def test_what_comes_of_it_is_a_backbone_for_fits_of_encoders_and_decoders(text: Path, tmp_path: Path) -> None:
    rows = {"text": [SENTENCES[at % 5] + f" {at}" for at in range(40)], "label": [str(at % 5 < 2) for at in range(40)]}
    for objective in ("masked-lm", "causal-lm"):
        folder = learn(text, tmp_path / objective, objective=objective, updates=4, rounds=1)["network"]
        artifact = headstart.fit(
            rows, backbone=folder, strategy="fine-tuning", controls=False, epochs=1, threads=1, folds=0, layers=1,
            output=str(tmp_path / f"fit-{objective}"),
        )  # fmt: skip
        assert len(artifact.predict(["the shop opens at nine"])) == 1
    with pytest.raises(ModelError, match=r"holds a network .*headstart fit DATA --backbone"):
        headstart.load(tmp_path / "masked-lm")


def test_how_much_a_network_has_read_goes_with_it(text: Path, tiny_backbone: Path, tmp_path: Path) -> None:
    def learned(folder: str) -> float | None:
        return locate(BackboneSource(location=folder)).learned

    first = learn(text, tmp_path / "lm", updates=4, rounds=1)
    evidence = json.loads((tmp_path / "lm" / "evidence.json").read_text())
    once = learned(first["network"])
    assert once == pytest.approx(evidence["tokens"] / evidence["backbone"]["parameters"])
    options = {key: TINY[key] for key in ("batch_tokens", "block_length", "threads", "precision")}
    options |= {"updates": 4, "rounds": 1}
    second = headstart.adapt(text, backbone=first["network"], output=str(tmp_path / "on"), **options)
    assert learned(second["network"]) == pytest.approx(2 * once, rel=0.2)
    other = headstart.adapt(text, backbone=str(tiny_backbone), output=str(tmp_path / "others"), **options)
    assert learned(other["network"]) is None


def test_networks_are_pretrained_with_muon_and_adapted_with_adamw(
    text: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    learn(text, tmp_path / "lm", updates=2, rounds=1)
    learn(text, tmp_path / "other", updates=2, rounds=1, optimizer="adamw")
    assert weights_of(tmp_path / "lm") != weights_of(tmp_path / "other")
    options = {key: TINY[key] for key in ("batch_tokens", "block_length", "threads", "precision")}
    headstart.adapt(text, backbone=str(tiny_backbone), output=str(tmp_path / "on"), updates=2, rounds=1, **options)
    optimizers = [
        yaml.safe_load((tmp_path / name / "recipe.yaml").read_text())["training"]["optimizer"]
        for name in ("lm", "other", "on")
    ]
    assert optimizers == ["muon", "adamw", "adamw"]


def test_adapted_top_layers_leave_the_others_as_they_were(text: Path, tiny_backbone: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    options = {key: TINY[key] for key in ("batch_tokens", "block_length", "threads", "precision")}
    headstart.adapt(
        text, backbone=str(tiny_backbone), output=str(tmp_path / "a"), updates=6, rounds=2, top_layers=1, **options
    )
    after = {
        name.removeprefix("bert."): value for name, value in load_file(tmp_path / "a" / "model.safetensors").items()
    }
    before = load_file(tiny_backbone / "model.safetensors")
    same = {name for name, value in before.items() if name in after and np.array_equal(value, after[name])}
    assert any(name.startswith("encoder.layer.0") for name in same)
    assert "embeddings.word_embeddings.weight" in same
    assert not any(name.startswith("encoder.layer.1") and name.endswith("dense.weight") for name in same)


def test_the_command_line_and_a_recipe_file_come_to_the_same_weights(
    text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(text)]
    for name, value in TINY.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    monkeypatch.setattr("sys.argv", ["headstart", "pretrain", *words, "-o", str(tmp_path / "flags")])
    with pytest.raises(SystemExit, match="^0$"):
        main()
    shown = capsys.readouterr()
    assert "held-out text, perplexity" in shown.out
    assert "headstart fit DATA --backbone" in shown.err
    assert "24 updates of about 128 tokens" in shown.err
    network = {
        key: TINY[key] for key in ("size", "network_layers", "hidden_size", "attention_heads", "vocabulary_size")
    }
    training = {key: TINY[key] for key in ("batch_tokens", "block_length", "updates", "rounds", "learning_rate")}
    (tmp_path / "recipe.yaml").write_text(
        yaml.safe_dump({"verb": "pretrain", "data": {"texts": [str(text)]}, "network": network, "training": training,
                        "threads": 1, "precision": "float32", "output": str(tmp_path / "recipe")})
    )  # fmt: skip
    headstart.run(tmp_path / "recipe.yaml")
    assert weights_of(tmp_path / "flags") == weights_of(tmp_path / "recipe")


def test_evaluation_sets_are_taken_out_and_counted(text: Path, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(f"text,label\n{SENTENCES[0]} 0 .,up\n{SENTENCES[1]} 1 .,down\n")
    result = learn(text, tmp_path / "lm", updates=2, rounds=1, exclude=str(tmp_path / "test.csv"))
    evidence = json.loads((Path(result["network"]) / "evidence.json").read_text())
    lines = text.read_text().split("\n")
    assert evidence["data"]["facts"]["sentences_removed"] == lines.count(f"{SENTENCES[0]} 0 .") + lines.count(
        f"{SENTENCES[1]} 1 ."
    )


def test_copies_are_left_out_and_told(text: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from headstart.cli.display import Lines

    (tmp_path / "copy.txt").write_text(text.read_text())
    options = {"updates": 2, "rounds": 1, "documents": "line"}
    headstart.pretrain([text, tmp_path / "copy.txt"], progress=Lines(), output=str(tmp_path / "lm"), **(TINY | options))
    lines = text.read_text().strip().split("\n")
    said = capsys.readouterr().err
    assert f"{len(set(lines))} documents" in said
    assert f"left out: duplicate files 1, duplicate documents {len(lines) - len(set(lines))}" in said


def test_simcse_learns_from_lines(text: Path, tmp_path: Path) -> None:
    result = learn(text, tmp_path / "lm", objective="simcse", updates=2, rounds=1)
    evidence = json.loads((Path(result["network"]) / "evidence.json").read_text())
    assert evidence["data"]["facts"]["documents"] == len(set(text.read_text().strip().split("\n")))
    assert "perplexity" not in result


def test_text_that_has_changed_is_learnt_from_anew(text: Path, tmp_path: Path) -> None:
    options = {"epochs": 2, "updates": None}
    with pytest.raises(headstart.HeadstartError, match="headstart resume"):
        learn(text, tmp_path / "run", progress=Stop(3), **options)
    text.write_text(text.read_text() * 2)
    result = headstart.resume(tmp_path / "run")
    assert result["updates"] == learn(text, tmp_path / "whole", **options)["updates"]
    assert weights_of(tmp_path / "run") == weights_of(tmp_path / "whole")


def test_held_out_text_may_be_given(text: Path, tmp_path: Path) -> None:
    other = tmp_path / "valid.txt"
    other.write_text("the shop opens at nine and it is good . " * 20)
    result = learn(text, tmp_path / "lm", updates=2, rounds=1, held_out=str(other))
    evidence = json.loads((Path(result["network"]) / "evidence.json").read_text())
    assert evidence["data"]["tokens"] > evidence["data"]["held_out_tokens"] > 100


def test_a_network_may_be_made_after_a_folder(text: Path, make_backbone: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_backbone(tmp_path / "electra", "electra")
    weights = weights_of(folder)
    (folder / "model.safetensors").unlink()  # they are not used
    options = {key: TINY[key] for key in ("batch_tokens", "block_length", "threads", "precision")}
    result = headstart.pretrain(
        text, architecture=str(folder), output=str(tmp_path / "lm"), updates=2, rounds=1, **options
    )
    config = json.loads((Path(result["network"]) / "config.json").read_text())
    assert config["model_type"] == "electra"
    assert weights_of(tmp_path / "lm") != weights
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer\.json beside the configuration of electra"):
        headstart.pretrain(text, architecture=str(folder), output=str(tmp_path / "other"), updates=2)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"batch_tokens": 1_000_000},
            DataError,
            r"one update takes 1,000,000; give more text, or lower --batch-tokens",
        ),
        ({"objective": "causal-lm", "architecture": "bert"}, ModelError, r"bert, which learns from missing words"),
        ({"architecture": "berd"}, Exception, r"berd"),
        ({"hidden_size": 33}, RecipeError, r"33"),
        ({"objective": "contrastive"}, RecipeError, r"'contrastive' learns from labels; give masked-lm"),
        ({"budget": 5}, RecipeError, r"budget"),
    ],
    ids=["too little text", "wrong direction", "no such architecture", "width", "labels", "no time"],
)
def test_what_cannot_be_is_named_and_nothing_is_left(
    options: dict[str, Any], error: type[Exception], message: str, text: Path, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        learn(text, tmp_path / "lm", **options)
    assert not list(tmp_path.glob("lm*"))


def test_bad_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "binary.txt").write_bytes(b"\x00\x01" * 500)
    for name, error in (("none.txt", MissingInputError), ("empty.txt", DataError), ("binary.txt", DataError)):
        with pytest.raises(error, match=name.replace(".", r"\.")):
            learn(tmp_path / name, tmp_path / "lm")
    assert not list(tmp_path.glob("lm*"))


def test_a_tokenizer_of_another_network_is_refused(
    text: Path, make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_backbone(tmp_path / "bert")
    path = folder / "tokenizer.json"
    said = json.loads(path.read_text())
    said["model"]["vocab"] |= {f"more{at}": len(said["model"]["vocab"]) + at for at in range(50)}
    path.write_text(json.dumps(said))
    with pytest.raises(ModelError, match="it belongs to another network"):
        headstart.adapt(text, backbone=str(folder), output=str(tmp_path / "a"), updates=2)


def test_replay_needs_general_text(text: Path, tiny_backbone: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="name files with --general"):
        headstart.adapt(
            text, backbone=str(tiny_backbone), output=str(tmp_path / "a"), updates=2, replay=0.5, batch_tokens=64
        )


def test_a_folder_among_the_texts_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("one\n", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for output in ("in/lm", "in/deep/lm", "link/lm"):
        with pytest.raises(RunFolderError, match="is inside of .*, all of which is read as text; choose another"):
            learn(tmp_path / "in", tmp_path / output)
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.txt"]


def test_a_folder_that_is_there_is_not_replaced(text: Path, tmp_path: Path) -> None:
    learn(text, tmp_path / "lm", updates=2, rounds=1)
    with pytest.raises(RunFolderError, match="--overwrite"):
        learn(text, tmp_path / "lm", updates=2, rounds=1)
    learn(text, tmp_path / "lm", updates=2, rounds=1, overwrite=True)


def test_a_budget_decides_how_many_updates_there_are(text: Path, tmp_path: Path) -> None:
    options = {key: value for key, value in TINY.items() if key != "updates"}
    result = headstart.pretrain(text, output=str(tmp_path / "lm"), budget=30, **(options | {"rounds": 2, "epochs": 3}))
    assert result["updates"] == 3 * math.ceil(result["tokens"] / 3 / 128) or result["updates"] > 24
    with pytest.raises(RecipeError, match="before one update"):
        _late(text, tmp_path, options)


def _late(text: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    recipe = assemble("pretrain", {"texts": (str(text),), "output": str(tmp_path / "late"), "budget": 30} | options)
    run(recipe, SILENT, started=time.perf_counter() - 25)
