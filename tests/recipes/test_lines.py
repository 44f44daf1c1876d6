"""Faults of recipe files: all at once, in the order of their lines, with the level where a key belongs."""

from pathlib import Path

import pytest

from headstart.errors import RecipeError
from headstart.recipes.parsing import assemble, read


def faults(tmp_path: Path, text: str, **sets: object) -> list[str]:
    """What a recipe of this text is refused for, a line each."""
    path = tmp_path / "r.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=r"r\.yaml has \d+ problem") as error:
        read(path, {key.replace("__", "."): value for key, value in sets.items()})
    return list(error.value.problems)


def test_faults_come_all_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = """verb: fit
training: {epochs: 0, batchsize: 4}
data:
  train: a.csv
  label: stars
strategy:
  name: fine-tuning
  C: 2
seed: -1
epochs: 3
"""
    found = faults(tmp_path, text)
    assert [line.partition(": ")[0] for line in found] == ["line 2", "line 2", "line 5", "line 8", "line 9", "line 10"]
    assert "line 2: training.epochs: should be at least 1, found 0" in found
    assert "line 2: training: unknown key 'batchsize'; did you mean 'batch_size'? (keys here: epochs" in "\n".join(
        found
    )
    assert found[2] == "line 5: data: unknown key 'label'; it belongs under 'task'"
    assert found[3].startswith(
        "line 8: strategy: unknown key 'C'; it belongs under 'strategy', as a key of contrastive"
    )
    assert found[5] == "line 10: unknown key 'epochs' at the top level; it belongs under 'training'"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("data: {train: a}\ntraining: {seed: 1}", "line 2: training: unknown key 'seed'; it belongs at the top level"),
        ("data: {train: a}\nsize: tiny", "line 2: unknown key 'size' at the top level; it belongs to pretrain, and this is fit"),
        ("data: {train: a}\nepoch: 1", "line 2: unknown key 'epoch' at the top level; did you mean 'epochs', under 'training'?"),
        ("data: {train: a}\ndry-run: true", "line 2: unknown key 'dry-run' at the top level; did you mean 'dry_run'?"),
        ("data: {train: a}\nnum_train_epochs: 1", "line 2: unknown key 'num_train_epochs' at the top level; did you mean 'epochs', under"),
        ("data: {train: a}\ntask: {name: text-classification, crf: true}", "line 2: task: unknown key 'crf'; it is a key of token-cl"),
        ("data: {train: a}\nzzz: 1", "line 2: unknown key 'zzz' at the top level (keys here: data, task"),
        ("data: {train: a}\nstrategies:\n- tf-idf\n- fine-tuning:\n    layer_decay: 2", "line 5: strategies.1.layer_decay: should be"),
        ("data: {train: a}\nstrategies:\n- tf-idf\n- {name: fine-tunin}", "line 4: strategies.1: unknown strategy 'fine-tunin'"),
        ("data: {train: a}\nlora.rank: 0\nstrategies: lora,tf-idf", "line 2: strategies.0.rank: should be at least 1"),
        ("data: {train: a}\nstrategy:\n  fine-tuning:\n    layer_decay: 9", "line 4: strategy.layer_decay: should be"),
        ("data:\n  test: b", "line 1: data.train: is required"),
        ("seed: 1", "data: is required"),
        ("data: {train: a}\nseed: 1\nseed: 2", "line 3: seed: stands there twice, in lines 2 and 3"),
        ("data: {train: a}\ntask: {class_weight: {yes: 2}}", "line 2: task.class_weight.yes: 'yes' is true to some readers of YAML"),
        ("data: {train: a}\n\ttask: x", "line 2, column 1: not YAML: found character '\\t' that cannot start any token; indent"),
        ("data: {train: a\nseed: 1", "line 2, column 5: not YAML: expected ',' or '}', but got ':'"),
    ],
)  # fmt: skip
def test_a_fault_has_its_line_and_the_level_where_it_belongs(tmp_path: Path, text: str, fault: str) -> None:
    assert any(line.startswith(fault) for line in faults(tmp_path, text))


def test_what_was_put_on_top_of_a_file_stands_on_no_line(tmp_path: Path) -> None:
    text = "data: {train: a}\ntraining: {epochs: 0, warmup: 0.2}\n"
    found = faults(tmp_path, text, training__warmup=3)
    assert found == [
        "training.warmup: should be below 1, found 3",
        "line 2: training.epochs: should be at least 1, found 0",
    ]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"class_weight": "balenced"}, "task.class_weight: should be 'balanced' or a mapping of keys to values, found 'balenced'; did you mean 'balanced'?"),
        ({"class_weight": {"up": "much"}}, "has 1 problem:\n  - task.class_weight.up: should be a number, found 'much'"),
        ({"device": "gpu"}, "device: should be 'auto', 'cpu' or 'cuda', found 'gpu'"),
        ({"precision": "bf16"}, "precision: should be"),
        ({"head": "naitve"}, "found 'naitve'; did you mean 'native'?"),
        ({"controls": 3}, "controls: should be true or false, found 3"),
        ({"seed": 1.5}, "seed: should be a whole number, found 1.5"),
        ({"strategies": "from-scratch", "rates": ("fast",)}, "strategies.0.rates.0: should be a number, found 'fast'"),
        ({"max_length": None, "training": {"warmup": []}}, "training.warmup: should be a number, found none"),
    ],
)  # fmt: skip
def test_values_are_refused_in_plain_words(options: dict[str, object], fault: str) -> None:
    with pytest.raises(RecipeError, match="problem") as error:
        assemble("fit", {"train": "a.csv"} | options)
    text = str(error.value)
    assert fault in text
    for word in ("dictionary", "instance", "Input", "valid", "parse", "literal"):
        assert word not in text
