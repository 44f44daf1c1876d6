"""Help: one screen of essentials, every option by section, and one option in detail."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headstart.cli.explain import explain
from headstart.cli.help import ESSENTIAL, options_of, text_of
from headstart.config import components
from headstart.errors import UsageError
from headstart.recipes.flags import flags, flat
from headstart.recipes.values import example, kind, placeholder, span, unit
from headstart.recipes.verbs import VERBS


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("verb", VERBS.names())
def test_the_first_screen_is_short_and_every_essential_stands_in_one_line(verb: str) -> None:
    lines = text_of(verb, everything=False).splitlines()
    names = {option.name for option in options_of(verb)}
    if len(names) > 20:
        assert len(lines) <= 30
        assert {"output", "seed", "json"} & names <= {name for name in names if f"--{name}" in "\n".join(lines)}
        assert "--help-all" in lines[-1]
    assert any(line.startswith(f"Example: headstart {verb} ") for line in lines), "that of its docstring"
    assert all(len(line) <= 80 for line in lines if not line.startswith(("Example:", "All "))), lines
    known = {option.name for each in VERBS.names() for option in options_of(each)}
    assert set(ESSENTIAL) <= known


def test_the_first_screen_of_fit_has_its_sections_in_order(headstart: Callable[..., Any]) -> None:
    said = headstart("fit", "--help")
    assert said.code == 0
    assert said.out == headstart("fit", "-h").out
    headings = [line for line in said.out.splitlines() if line and line[0] != " " and " " not in line]
    assert headings == ["Data", "Task", "Strategy", "Training", "Run"]
    assert "--rank" not in said.out


def test_all_options_say_whose_they_are_with_types_choices_and_defaults(headstart: Callable[..., Any]) -> None:
    said = " ".join(headstart("fit", "--help-all").out.split())
    for words in (
        "--rank INT Rank of the correction, in [1, 1024]. [of lora; default: 8]",
        "--device auto|cpu|cuda Where",
        "[of contrastive, coral, feature-extraction, tf-idf]",
        "--fine-tuning.layers all|INT `all`, or how many of the top layers move, at least 1. [of fine-tuning; default: all]",
        "--budget TIME", "--[no-]controls", "--dry-run", "--test FILE", "-o, --output FOLDER",
        "--tests NAME=FILE,...", "--class-weight balanced|{LABEL: NUMBER}", "[of token-classification]",
    ):  # fmt: skip
        assert words in said
    assert "--label COLUMN Column with the label; guessed if not given. --" in said  # of every task, so not listed


@pytest.mark.parametrize("verb", VERBS.names())
def test_every_option_is_explained_with_a_command_that_is_understood(verb: str) -> None:
    import typer

    from headstart.cli.options import command
    from headstart.recipes.parsing import assemble

    heard: list[Any] = []
    app = typer.Typer()
    app.command()(command(verb, lambda options, sets, *_: heard.append(assemble(verb, options, sets))))
    click = typer.main.get_command(app)
    for name in flat(verb):
        found = next(each for each in explain(name) if verb in each.get("verbs", ()))
        assert found["help"]
        assert found["default"]
        words = shlex.split(found["example"])
        if words[1] != verb:
            continue  # an earlier verb has the same option
        click.main(words[2:], standalone_mode=False)
        assert found["python"].startswith(f"headstart.{verb}(")
    assert len(heard) > 0 or verb in ("compare", "adapt")


def test_a_name_of_several_meanings_is_explained_for_each(headstart: Callable[..., Any]) -> None:
    found = headstart("explain", "--layers", "--json").json
    assert [each["name"] for each in found] == [
        "coral.layers",
        "feature-extraction.layers",
        "fine-tuning.layers",
        "multi-task.layers",
    ]
    assert found == explain("layers") == explain("strategy.layers")
    assert found[2] | {"help": "", "verbs": []} == {
        "name": "fine-tuning.layers", "verbs": [], "help": "", "type": "'all' or whole number", "choices": ["all"],
        "option": "--fine-tuning.layers all|INT; or --layers where the run has no other strategy with it",
        "range": "", "unit": "", "default": "all", "of": ["fine-tuning"], "recipe": "strategy.layers",
        "python": 'headstart.fit("reviews.csv", strategy="fine-tuning", layers=2)',
        "example": "headstart fit reviews.csv --strategy fine-tuning --layers 2", "names": {},
    }  # fmt: skip
    (mapping,) = headstart("explain", "--verbalizer", "--json").json
    assert mapping["python"].endswith("verbalizer={'pos': 'good', 'neg': 'bad'})")
    assert mapping["example"].endswith("--verbalizer '{pos: good, neg: bad}'")
    said = headstart("explain", "layers").out
    assert "  of        fine-tuning\n  recipe    strategy.layers\n" in said


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("epochs", "range", "[1, 1,000]"), ("training.epochs", "recipe", "training.epochs"), ("--no-controls", "default", "true"),
        ("-o", "name", "output"), ("class-weight", "choices", ["balanced"]), ("budget", "type", "time or 'auto'"),
        ("checkpoint_every", "default", "30s"), ("batch_size", "unit", "rows"), ("train", "option", "TRAIN"),
        ("crf", "name", "crf"), ("tests", "default", "none"), ("text", "default", "as said above"),
    ],
)  # fmt: skip
def test_an_option_is_found_by_any_of_its_spellings(word: str, key: str, value: Any) -> None:
    assert explain(word)[0][key] == value


def test_components_are_explained_with_their_keys(headstart: Callable[..., Any]) -> None:
    found = headstart("explain", "lora", "--json").json
    assert found[0]["keys"]["rank"] == "whole number [8]"
    assert found[0]["example"].endswith("--strategy lora --rank 16 --alpha 32")
    assert "mean" not in explain("text-classification")[0]["keys"]
    assert explain("compare")[0]["kind"] == "verb"
    assert explain("training")[0]["keys"]["batch_size"] == "whole number [32]"
    assert "Task" in "".join(explain("task")[0]["names"].values()) or explain("task")[0]["names"]["text-classification"]


def test_what_is_no_option_names_a_near_one() -> None:
    with pytest.raises(UsageError, match="there is no option '--epoch'; did you mean 'epochs'"):
        explain("--epoch")
    with pytest.raises(UsageError, match="there is no option 'batch_siez'; did you mean 'batch_size'"):
        explain("batch_siez")
    with pytest.raises(UsageError, match="there is no option 'xyzzy'; `headstart fit --help-all` has all options"):
        explain("xyzzy")


def test_values_are_described_by_the_fields_themselves() -> None:
    known = flags("fit")
    assert placeholder("fine-tuning.hidden_dropout", known["fine-tuning.hidden_dropout"].info) == "own|NUMBER"
    assert span(known["fine-tuning.hidden_dropout"].info) == "[0, 1)"
    assert kind(known["coral.layers"].info) == "whole numbers, separated by commas"
    assert kind(known["metric"].info) == "text"
    assert unit(known["test_share"].info) == "share"
    assert unit(known["weight_decay"].info) == ""
    for name, flag in known.items():
        assert example(name, flag.info) != "" or components(flag.info), name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--epoch", "3"), "no such option: --epoch (did you mean --epochs?)"),
        (("--epoch=3", "--size", "tiny", "--zzz"), "no such options: --epoch (did you mean --epochs?), --size (an option of pretrain), --zzz"),
        (("--no-control",), "no such option: --no-control"),
        (("--lr", "2", "--model", "x"), "no such options: --lr (did you mean --learning-rate?), --model (did you mean --backbone?)"),
        (("--layer", "2"), "no such option: --layer (did you mean --layers?); see"),
    ],
)  # fmt: skip
def test_all_options_that_are_not_there_are_named_at_once(
    headstart: Callable[..., Any], words: tuple[str, ...], said: str
) -> None:
    found = headstart("fit", "x.csv", "--seed", "1", *words, "-o", "m")
    assert (found.code, found.out) == (2, "")
    assert f"error: {said}" in found.err
    assert found.err.count("\n") == 1


def test_a_recipe_has_no_options_but_keys_that_are_set(headstart: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("data: {train: x.csv}\n")
    said = headstart("run", "r.yaml", "--epochs", "3", "--strategies=tf-idf")
    assert said.code == 2
    assert (
        "no such option: --epochs, --strategies; keys of the recipe are changed by --set training.epochs=... --set strategy=...;"
        in said.err
    )
    assert "error: No such option: --zzz" in headstart("run", "r.yaml", "--zzz").err
    said = headstart("fit", "r.yaml")
    assert (said.code, said.err) == (2, "error: r.yaml is a recipe; carry it out with: headstart run r.yaml\n")


def test_the_overview_cuts_no_line_of_help(headstart: Callable[..., Any]) -> None:
    said = headstart("--help").out
    assert "..." not in said.partition("Commands")[2]
    assert "its test scores and a report out." in " ".join(said.split())


def test_the_help_as_data_is_json(headstart: Callable[..., Any]) -> None:
    assert json.loads(headstart("explain", "seed", "--json").out)[0]["default"] == "0"
