"""A user's mistake: one clear message, the documented exit code, nothing left behind."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

QUICK = ("--strategy", "tf-idf", "--C", 1, "--no-controls")
HEADER = "text,label\n"
ROWS = "".join(f"good {at},up\nbad {at},down\n" for at in range(20))


@pytest.fixture
def data(tmp_path: Path) -> Callable[[str], Path]:
    """Write data.csv."""

    def write(text: str) -> Path:
        path = tmp_path / "data.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("text", ["", "\n\n", "  \n"])
def test_an_empty_file(refused: Callable[..., str], data: Callable[[str], Path], text: str) -> None:
    assert "data.csv: is empty" in refused(65, "fit", data(text), "-o", "m", *QUICK)


def test_a_header_without_rows(refused: Callable[..., str], data: Callable[[str], Path]) -> None:
    assert "no usable row" in refused(65, "fit", data(HEADER), "-o", "m", *QUICK)


def test_a_column_that_is_not_there_with_the_one_that_was_meant(refused: Callable[..., str], files: Path) -> None:
    path = files / "train.csv"
    message = refused(65, "fit", path, "--label", "lable", "-o", "m", *QUICK)
    assert f"{path} has no column 'lable'; did you mean 'label'? (columns: text, label, channel)" in message
    assert "did you mean 'text'?" in refused(65, "fit", path, "--text", "texts", "-o", "m", *QUICK)
    assert "did you mean 'channel'?" in refused(65, "fit", path, "--group-column", "chanel", "-o", "m", *QUICK)


def test_one_class_only(refused: Callable[..., str], data: Callable[[str], Path]) -> None:
    message = refused(65, "fit", data(HEADER + "".join(f"good {at},up\n" for at in range(9))), "-o", "m",
                      "--label", "label", *QUICK)  # fmt: skip
    assert "all 9 rows have the label 'up'" in message


def test_a_class_with_one_example_is_named_with_its_line(
    refused: Callable[..., str], data: Callable[[str], Path]
) -> None:
    message = refused(65, "fit", data(HEADER + ROWS + "so so,level\n"), "-o", "m", *QUICK)
    assert "'level' (line 42)" in message
    assert "--drop-rare-labels" in message


@pytest.mark.parametrize("twin", ["UP", '" up"', "Up", '"up "'])
def test_labels_that_differ_by_case_or_space(
    refused: Callable[..., str], data: Callable[[str], Path], twin: str
) -> None:
    message = refused(65, "fit", data(HEADER + ROWS + f"very good,{twin}\nrather good,{twin}\n"), "-o", "m", *QUICK)
    assert "labels differ only by case or white space" in message
    assert "(20 rows)" in message
    assert "(2 rows)" in message
    assert "--merge-labels" in message


def test_labels_that_differ_by_case_are_merged_on_request(
    headstart: Callable[..., Any], data: Callable[[str], Path]
) -> None:
    path = data(HEADER + ROWS + "very good,UP\nrather good,UP\n")
    assert headstart("fit", path, "-o", "m", "--merge-labels", *QUICK).code == 0
    assert set(headstart("predict", "m", "good").rows[0]["probabilities"]) == {"down", "up"}


def test_a_text_of_over_a_million_characters_as_an_argument(refused: Callable[..., str], linear: Path) -> None:
    assert "1,200,000 characters, over the limit of 1,000,000" in refused(65, "predict", linear, "x" * 1_200_000)


def test_an_output_folder_that_exists(
    refused: Callable[..., str], headstart: Callable[..., Any], files: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    words = ("fit", files / "train.csv", "-o", "mine", *QUICK)
    message = refused(73, *words)
    assert "output folder mine exists" in message
    assert "--overwrite" in message
    assert "was not written by headstart, so it is not replaced" in refused(73, *words, "--overwrite")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    assert "is a file" in refused(73, "fit", files / "train.csv", "-o", "mine/thesis.txt", *QUICK, "--overwrite")
    (tmp_path / "empty").mkdir()
    assert headstart("fit", files / "train.csv", "-o", "empty", *QUICK).code == 0


def test_overwrite_replaces_an_earlier_run_and_leaves_nothing_of_it(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    words = ("fit", files / "train.csv", "-o", "m", "--no-controls")
    probe = ("--strategy", "feature-extraction", "--layers", 2, "--pooling", "mean", "--backbone", tiny_backbone)
    assert headstart(*words, *probe).code == 0
    assert (tmp_path / "m" / "network" / "model.safetensors").exists()
    assert headstart(*words, "--strategy", "tf-idf", "--C", 1, "--overwrite").code == 0
    assert not (tmp_path / "m" / "network" / "model.safetensors").exists()
    assert (tmp_path / "m" / "terms.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_backbone_folder_that_is_not_there(refused: Callable[..., str], files: Path, tmp_path: Path) -> None:
    (tmp_path / "bert-tiny").mkdir()
    words = ("fit", files / "train.csv", "-o", "m", "--strategy", "fine-tuning", "--backbone")
    message = refused(66, *words, "./bert-tyni")
    assert "backbone './bert-tyni' is not a folder; did you mean 'bert-tiny'?" in message


@pytest.mark.parametrize("name", ["nobody/nothing-like-this", "minni"])
def test_a_backbone_that_only_the_hub_may_have_while_offline(
    refused: Callable[..., str], files: Path, name: str
) -> None:
    message = refused(69, "fit", files / "train.csv", "-o", "m", "--strategy", "fine-tuning", "--backbone", name)
    assert f"backbone '{name}' is neither a known name (mini, multi, smol) nor a folder here" in message
    assert ("did you mean 'mini'?" in message) == (name == "minni")


def test_a_backbone_whose_weights_have_another_digest(
    refused: Callable[..., str], headstart: Callable[..., Any], files: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_backbone, tmp_path / "copy")
    words = ("fit", files / "train.csv", "-o", "m", "--strategy", "feature-extraction", "--layers", 2, "--backbone",
             "copy", "--no-controls")  # fmt: skip
    message = refused(65, *words, "--set", f"backbone.digest={'ab' * 32}")
    assert "abab" in message
    assert "damaged or not the published ones" in message
    digest = headstart("show", "model", "copy", "--json").json["sha256"]
    assert headstart(*words, "--set", f"backbone.digest='{digest}'").code == 0
    weights = tmp_path / "copy" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert digest in refused(65, *words[:3], "n", *words[4:], "--set", f"backbone.digest='{digest}'")


def test_a_backbone_with_pickled_weights_only(
    refused: Callable[..., str], files: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_backbone, tmp_path / "copy")
    (tmp_path / "copy" / "model.safetensors").rename(tmp_path / "copy" / "pytorch_model.bin")
    message = refused(65, "fit", files / "train.csv", "-o", "m", "--strategy", "fine-tuning", "--backbone", "copy")
    assert "never read" in message


def test_a_recipe_with_five_faults_names_all_five(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(
        "data: {train: x.csv, trian: y.csv}\nbackbone: {location: mini, max_lenght: 9}\n"
        "strategy: {name: fine-tuning, layer_decay: 7}\ntraining: {epochs: 0}\nseed: -1\n"
    )
    message = refused(64, "run", "recipe.yaml")
    assert message.startswith("error: recipe.yaml has 5 problems:")
    faults = [line.removeprefix("  - ") for line in message.strip().split("\n")[1:]]
    assert len(faults) == 5
    for fault in (
        "line 1: data: unknown key 'trian'; did you mean 'train'?",
        "line 2: backbone: unknown key 'max_lenght'; did you mean 'max_length'?",
        "line 3: strategy.layer_decay: should be at most 1, found 7",
        "line 4: training.epochs: should be at least 1, found 0",
        "line 5: seed: should be at least 0, found -1",
    ):
        assert sum(line.startswith(fault) for line in faults) == 1, fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("data: [", "not YAML"),
        ("just words", "expected keys and values"),
        ("verb: fitt\ndata: {train: x.csv}", "unknown verb 'fitt'; did you mean 'fit'?"),
        ("verb: fit", "data: is required"),
        ("strategy: fine-tunin\ndata: {train: x.csv}", "unknown strategy 'fine-tunin'; did you mean 'fine-tuning'?"),
        ("strategies: [tf-idf, tf-idf]\ndata: {train: x.csv}", "a strategy is named twice"),
        ("strategy: tf-idf\nstrategies: [tf-idf]\ndata: {train: x.csv}", "give either 'strategy' or 'strategies'"),
    ],
)
def test_a_recipe_that_cannot_be_meant(refused: Callable[..., str], tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "recipe.yaml").write_text(text)
    assert fault in refused(64, "run", "recipe.yaml")


def test_a_text_that_is_the_name_of_a_file(refused: Callable[..., str], linear: Path, files: Path) -> None:
    path = files / "test.csv"
    assert f"classify its rows with: headstart predict {linear} --input {path}" in refused(2, "predict", linear, path)


def test_an_output_below_a_file(refused: Callable[..., str], files: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for output in ("file/m", "file/deep/m"):
        message = refused(74, "fit", files / "train.csv", "-o", output, *QUICK)
        assert f"output folder {output} cannot be made" in message


def test_a_read_only_output_is_refused_before_any_work(
    refused: Callable[..., str], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.folders.os.access", lambda *_: False)
    monkeypatch.setattr("headstart.runs.comparison.compare", lambda *_, **__: pytest.fail("work began"))
    assert "is not writable" in refused(74, "fit", files / "train.csv", "-o", "deep/m", *QUICK)


@pytest.mark.parametrize("where", ["headstart.folders.tempfile.mkdtemp", "headstart.artifact.write_json"])
def test_a_disk_that_fails_while_the_model_is_written(
    refused: Callable[..., str], files: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(where, full)
    message = refused(74, "fit", files / "train.csv", "-o", "deep/er/m", *QUICK)
    assert "deep/er/m cannot be written: No space left on device (" in message
    assert "MB free); make room" in message


@pytest.mark.parametrize(
    "words", [("fit", "x.csv", "--epoch", "3"), ("fit",), ("fitt", "x.csv"), ("list", "strategie"), ("run",)]
)
def test_words_that_mean_nothing(refused: Callable[..., str], words: tuple[str, ...]) -> None:
    message = refused(2, *words)
    assert message.count("\n") == 1


def test_an_unknown_flag_names_the_one_that_was_meant(refused: Callable[..., str], files: Path) -> None:
    assert "--epochs" in refused(2, "fit", files / "train.csv", "--epoch", 3)


@pytest.mark.parametrize("words", [("fit", "train.cvs", *QUICK), ("compare", "train.cvs"),
                                   ("fit", "train.csv", "--test", "train.cvs", *QUICK),
                                   ("fit", "train.csv", "--validation", "train.cvs", *QUICK)])  # fmt: skip
def test_a_file_that_is_not_there_with_the_one_that_was_meant(
    refused: Callable[..., str], files: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    shutil.copy(files / "train.csv", tmp_path / "train.csv")
    assert "train.cvs: there is no such file; did you mean 'train.csv'?" in refused(66, *words)


def test_all_files_that_are_not_there_are_named_at_once(refused: Callable[..., str], files: Path) -> None:
    message = refused(
        66, "fit", "a.csv", "--test", files / "test.csv", "--tests", "x=b.csv", "--validation", "c.csv", *QUICK
    )
    assert [line.strip().removeprefix("error: ") for line in message.splitlines()] == [
        f"{name}: there is no such file" for name in ("a.csv", "c.csv", "b.csv")
    ]


def test_inputs_of_predict_and_evaluate_that_are_not_there(
    refused: Callable[..., str], files: Path, linear: Path
) -> None:
    assert "did you mean 'test.csv'?" in refused(66, "predict", linear, "--input", files / "tset.csv")
    assert "did you mean 'test.csv'?" in refused(66, "evaluate", linear, files / "tset.csv")
    message = refused(66, "predict", linear.with_name("linera"), "good")
    assert "there is no run folder" in message
    assert "did you mean 'linear'?" in message


def test_a_recipe_that_is_not_there(refused: Callable[..., str]) -> None:
    assert "there is no recipe file nothing.yaml" in refused(66, "run", "nothing.yaml")
    assert "there is no recipe file nothing.yaml" in refused(66, "show", "recipe", "nothing.yaml")


def test_a_folder_that_is_no_model(refused: Callable[..., str], tiny_backbone: Path, tmp_path: Path) -> None:
    assert "holds no headstart model" in refused(65, "predict", tiny_backbone, "good")
    (tmp_path / "empty").mkdir()
    assert "holds no headstart model" in refused(65, "evaluate", "empty", tiny_backbone / "config.json")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 64
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("kind", "name", "harm"),
    [
        ("linear", "headstart.json", cut),
        ("linear", "headstart.json", lambda path: path.write_text("[]")),
        ("linear", "headstart.json", lambda path: path.write_text('{"format": 1}')),
        ("linear", "linear.safetensors", cut),
        ("linear", "linear.safetensors", flip),
        ("linear", "linear.safetensors", Path.unlink),
        ("linear", "terms.json", cut),
        ("linear", "evidence.json", Path.unlink),
        ("linear", "recipe.yaml", Path.unlink),
        ("network", "model.safetensors", cut),
        ("network", "model.safetensors", flip),
        ("network", "heads/classification.safetensors", cut),
        ("network", "heads/classification.safetensors", flip),
        ("network", "heads/classification.safetensors", Path.unlink),
        ("network", "tokenizer.json", cut),
        ("network", "config.json", Path.unlink),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_damaged_model(
    refused: Callable[..., str], tmp_path: Path, request: pytest.FixtureRequest, kind: str, name: str,
    harm: Callable[[Path], object],
) -> None:  # fmt: skip
    shutil.copytree(request.getfixturevalue(kind), tmp_path / "copy")
    harm(tmp_path / "copy" / name)
    assert "copy" in refused(65, "predict", "copy", "good")


def test_a_model_of_a_later_format(refused: Callable[..., str], linear: Path, tmp_path: Path) -> None:
    shutil.copytree(linear, tmp_path / "copy")
    path = tmp_path / "copy" / "headstart.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    assert "newer than this; upgrade" in refused(65, "predict", "copy", "good")


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_standard_input_that_is_not_utf_8(headstart: Callable[..., Any], linear: Path, more: tuple[str, ...]) -> None:
    said = headstart("predict", linear, *more, stdin=b"good\nbad \xe9t\xe9\n")
    assert said.code == 65
    assert said.err.startswith("error: standard input is not UTF-8")
    assert said.err.count("\n") == 1
    assert "0xe9" in said.err


@pytest.mark.parametrize("item", ["seed", "=3", "strategy.layers"])
def test_set_without_key_and_value(refused: Callable[..., str], files: Path, item: str) -> None:
    message = refused(64, "fit", files / "train.csv", "--set", item)
    assert f"--set {item}: expected KEY=VALUE" in message


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("--set", "seeed=3"), "unknown key 'seeed' at the top level; did you mean 'seed'?"),
        (("--set", "seed=[1"), "'[1' is not a YAML value"),
        (("--class-weight", "{up: 1"), "--class-weight: '{up: 1' is not a YAML mapping"),
        (("--strategy", "from-scratch", "--rates", "1e-3,fast"), "found 'fast'"),
        (("--strategy", "feature-extraction", "--layers", "1,top"), "found 'top'"),
        (("--strategy", "tf-idf", "--layers", "2"), "'layers' is an option of coral, feature-extraction, fine-tuning"),
        (("--delimiter", "ab"), "found 'ab'"),
        (("--epochs", "two"), "training.epochs: should be a whole number"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_meant(
    refused: Callable[..., str], files: Path, words: tuple[str, ...], fault: str
) -> None:
    assert fault in refused(64, "fit", files / "train.csv", "-o", "m", *words)


def test_predict_needs_one_kind_of_input_and_an_output_needs_columns(
    refused: Callable[..., str], linear: Path, files: Path, tmp_path: Path
) -> None:
    assert "give texts, or a file" in refused(2, "predict", linear, "good", "--input", files / "test.csv")
    (tmp_path / "lines.txt").write_text("good\n")
    for words in (("good",), ("--input", "lines.txt"), ()):
        message = refused(2, "predict", linear, *words, "--output", "scored.csv")
        assert "--output writes the columns of a file" in message
        assert ("say what it is with --format conll|" in message) == ("--input" in words)


@pytest.mark.parametrize(("verb", "more"), [("fit", "--test"), ("init", "reads one file")])
def test_a_second_file_is_told_where_it_belongs(refused: Callable[..., str], files: Path, verb: str, more: str) -> None:
    said = refused(2, verb, files / "train.csv", files / "test.csv")
    assert f"{verb} reads one file, so put the rows of several together" in said
    assert more in said


def test_predict_refuses_outputs_it_cannot_write(
    refused: Callable[..., str], linear: Path, files: Path, tmp_path: Path
) -> None:
    words = ("predict", linear, "--input", files / "test.csv", "--output")
    (tmp_path / "there.csv").write_text("mine")
    assert "there.csv exists" in refused(73, *words, "there.csv")
    assert "no/scored.csv cannot be written" in refused(74, *words, "no/scored.csv")
    assert "the ending '.xyz' is not known" in refused(65, *words, "scored.xyz")
    assert "is a folder" in refused(65, "predict", linear, "--input", tmp_path)
    message = refused(65, "predict", linear, "--input", files / "test.csv", "--text", "txt", "--output", "s.csv")
    assert "no column 'txt'; did you mean 'text'?" in message


def test_evaluate_refuses_rows_it_cannot_score(
    refused: Callable[..., str], linear: Path, files: Path, data: Callable[[str], Path]
) -> None:
    assert "did you mean 'channel'?" in refused(65, "evaluate", linear, files / "test.csv", "--by", "chanel")
    assert "no row with a text and one of the labels down, up" in refused(
        65, "evaluate", linear, data(HEADER + "a,b\n")
    )


def test_an_unexpected_fault_is_named_without_a_traceback_and_shown_on_request(
    headstart: Callable[..., Any], files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("one by zero")

    monkeypatch.setattr("headstart.runs.comparison.compare", fault)
    said = headstart("fit", files / "train.csv", "-o", "m")
    assert said.code == 1
    assert "\nerror: ZeroDivisionError: one by zero\nThis is a fault of headstart." in said.err
    monkeypatch.setenv("HEADSTART_DEBUG", "1")
    with pytest.raises(ZeroDivisionError, match="one by zero"):
        headstart("fit", files / "train.csv", "-o", "m")


@pytest.mark.parametrize("verb", ["fit", "compare", "pretrain", "adapt"])
def test_a_gpu_that_is_not_there(
    verb: str, refused: Callable[..., str], data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    more = {"fit": ("--strategy", "feature-extraction"), "pretrain": ("--size", "tiny")}
    message = refused(69, verb, data(HEADER + ROWS), "-o", "m", "--device", "cuda", *more.get(verb, ()))
    assert "device cuda: there is no GPU here" in message
    assert "leave --device out to compute on the CPU" in message


def test_a_device_that_does_not_exist(refused: Callable[..., str], data: Callable[[str], Path]) -> None:
    message = refused(64, "fit", data(HEADER + ROWS), "--device", "gpu", "-o", "m", *QUICK)
    assert "device: " in message
    assert "'auto', 'cpu' or 'cuda'" in message
