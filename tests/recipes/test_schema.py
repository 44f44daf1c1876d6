"""The JSON Schema of recipes: valid, complete, described, and of one mind with the parser."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from tests.schema_watch import faults

from headstart.config import Component
from headstart.errors import RecipeError
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.schema import HEADER, schema
from headstart.recipes.verbs import VERBS
from headstart.strategies import STRATEGIES
from headstart.tasks import TASKS

GIVEN: dict[str, dict[str, Any]] = {
    "fit": {"train": "a.csv"}, "compare": {"train": "a.csv"}, "tune": {"train": "a.csv"}, "curve": {"train": "a.csv"}, "init": {"train": "a.csv"}, "distill": {"teacher": ("runs/a",), "texts": "a.txt"}, "pretrain": {"texts": ("a.txt",)}, "adapt": {"texts": ("a.txt",)},
    "resume": {"run": "runs/a"}, "predict": {"model": "runs/a", "texts": ("a",)}, "evaluate": {"model": "runs/a", "test": "a.csv"},
    "index": {"sources": ("docs",)}, "search": {"index": "runs/a", "query": ("a",)},
    "ask": {"index": "runs/a", "query": ("a",)},
    "export": {"model": "m"}, "audit": {"model": "m", "test": "a.csv"}, "extract": {"model": "m", "task": "a"}, "duplicates": {"input": "a.csv"}, "cluster": {"input": "a.csv"}, "suggest": {"input": "a.csv"}, "rank": {"train": "a.csv"}, "check": {"train": "a.csv"}, "distill-vectors": {"source": "a.csv"}, "trim": {"backbone": "mini", "texts": ("a.txt",)}, "import": {"file": "a.gguf"}, "chat": {"model": "run"},
}  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return schema()


def fields(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of every mapping in a schema, with what stands there."""
    if isinstance(node, dict):
        closed = node.get("additionalProperties") is False and "maxProperties" not in node
        for key, value in node.get("properties", {}).items() if closed else ():
            yield key, value
        for value in node.values():
            yield from fields(value)
    elif isinstance(node, list):
        for value in node:
            yield from fields(value)


def test_it_is_a_schema_and_every_field_has_a_description_and_a_valid_example(whole: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(whole)
    seen = 0
    for key, value in fields(whole):
        if "const" in value:
            continue
        seen += 1
        assert len(value["description"]) > 4, key
        for example in value["examples"]:
            own = jsonschema.Draft7Validator(value | {"definitions": whole["definitions"]})
            assert own.is_valid(example), (key, example)
    assert seen > 200


def test_every_verb_has_the_keys_of_its_recipe(whole: dict[str, Any]) -> None:
    for verb in VERBS.names():
        known = whole["definitions"][f"recipe.{verb}"]["properties"]
        assert set(VERBS.get(verb).model_fields) <= set(known)
    for kind, registry in (("strategies", STRATEGIES), ("tasks", TASKS)):
        for name in registry.names():
            keys = whole["definitions"][f"{kind}.{name}"]["properties"]
            assert set(keys) == {"name", *registry.get(name).model_fields}


@pytest.mark.parametrize("verb", VERBS.names())
def test_what_a_recipe_is_written_as_is_valid(verb: str) -> None:
    recipe = assemble(verb, GIVEN[verb])
    assert faults(json.loads(json.dumps(recipe.plain()))) == []


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_a_strategy_with_all_its_keys_is_valid_in_any_spelling(name: str) -> None:
    strategy: Component = STRATEGIES.get(name)()
    plain = json.loads(json.dumps(strategy.plain()))
    keys = {key: value for key, value in plain.items() if key != "name"}
    for spelled in (name, plain, {name: keys}, {name: None}):
        for more in ({"strategy": spelled}, {"strategies": [spelled]}):
            assert faults({"data": {"train": "a"}} | more) == []


@pytest.mark.parametrize(
    "text",
    [
        "{}", "data: x.csv", "data: {train: a, epochs: 3}", "data: {train: a}\nseed: -1", "data: {train: a}\nsede: 1",
        "verb: fitt", "data: {train: a}\nstrategy: {name: fine-tuning, layer: 1}", "data: {train: a}\ntraining: {epochs: many}",
        "data: {train: a}\nstrategy: fine-tunin", "data: {train: a}\ntask: {name: text-classification, crf: true}",
        "verb: predict\nmodel: m\nlabel: x", "data: {train: a}\ntask: {class_weight: balenced}",
        "data: {train: a}\ndevice: gpu",
    ],
)  # fmt: skip
def test_what_the_parser_refuses_the_schema_refuses(text: str) -> None:
    values = yaml.safe_load(text)
    with pytest.raises(RecipeError, match="problem"):
        from_mapping(values, "r.yaml")
    assert faults(values) != []


@pytest.mark.parametrize(
    "text",
    [
        "data: {train: a}\nbudget: 3m\ntask: {text: 'title,body', label: stars}\nstrategies: tf-idf,lora\nlora.rank: 4",
        "data: {train: a, tests: {shop: b}}\ntask: {text-classification: {class_weight: {up: 2, down: 1}}}\nbackbone: mini",
        "data: {train: a}\nstrategy: {feature-extraction: {layers: 2, pooling: mean}}\nmeasure: [slices, confusion]",
        "data: {train: a}\nstrategy: {name: fine-tuning, hidden_dropout: 0.2, layers: all}\ntraining: {checkpoint_every: 1m}",
        "verb: pretrain\ndata: [a.txt, b.txt]\nobjective: {name: masked-lm, share: 0.2}\nnetwork: {size: tiny}",
        "verb: adapt\ndata: {texts: a.txt}\nbackbone: {location: mini, max_length: 64}\nbudget: 90",
        "verb: predict\nmodel: m\ninput: '-'\nabstain: 0.8",
    ],
)  # fmt: skip
def test_what_the_parser_reads_the_schema_allows(text: str) -> None:
    values = yaml.safe_load(text)
    from_mapping(values, "r.yaml")
    assert faults(values) == []


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from headstart.cli.main import main

    monkeypatch.setattr(sys, "argv", ["headstart", "schema"])
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(schema()))
    assert HEADER.startswith("# yaml-language-server: $schema=")


def test_the_watch_over_recipes_that_are_written_sees_what_is_wrong() -> None:
    import headstart.artifact

    with pytest.raises(AssertionError, match="seed"):
        headstart.artifact.recipe_text({"verb": "fit", "data": {"train": "a"}, "seed": -1})


def test_a_strategy_of_another_package_is_in_the_schema(monkeypatch: pytest.MonkeyPatch, whole: dict[str, Any]) -> None:
    table = STRATEGIES._table | {"mine": "headstart.strategies.lora:Lora"}
    monkeypatch.setattr(STRATEGIES, "_table", table)
    build: Callable[[], dict[str, Any]] = schema
    assert "strategies.mine" in build()["definitions"]
    assert "strategies.mine" not in whole["definitions"]
