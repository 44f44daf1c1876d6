"""Recipes: every fault at once with its path, the same names from every door, and back to plain data."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args

import pytest
import yaml

from headstart.config import Component
from headstart.errors import MissingInputError, RecipeError
from headstart.readers import READERS
from headstart.recipes.base import Recipe
from headstart.recipes.flags import HIDDEN, _own, flags, flat, kind_of
from headstart.recipes.parsing import assemble, from_mapping, migrate, read
from headstart.recipes.verbs import VERBS
from headstart.strategies import STRATEGIES

BASE: dict[str, Any] = {"data": {"train": "a.csv"}}

BROKEN: list[tuple[str, dict[str, Any], list[str]]] = [
    ("no training file", {"data": {}}, ["data.train: is required"]),
    ("no data", {}, ["data: is required"]),
    ("key mistyped", BASE | {"trainig": {}}, ["unknown key 'trainig' at the top level; did you mean 'training'?"]),
    ("inner key mistyped", BASE | {"training": {"epoch": 3}}, ["training: unknown key 'epoch'; did you mean 'epochs'?"]),
    ("unknown strategy", BASE | {"strategy": "fine-tunning"}, ["unknown strategy 'fine-tunning'; did you mean 'fine-tuning'?"]),
    ("unknown task", BASE | {"task": "text-clasification"}, ["task: unknown task 'text-clasification'; did you mean 'text-classification'?"]),
    ("number out of range", BASE | {"training": {"epochs": 0}}, ["training.epochs: should be at least 1, found 0"]),
    ("neither of two kinds", BASE | {"strategies": [{"name": "fine-tuning", "hidden_dropout": 2, "layers": "top"}]}, ["strategies.0.layers: should be 'all' or a whole number, found 'top'", "strategies.0.hidden_dropout: should be 'own' or below 1, found 2"]),
    ("word for a number", BASE | {"training": {"batch_size": "many"}}, ["training.batch_size: should be a whole number, found 'many'"]),
    ("not a number", BASE | {"training": {"learning_rate": float("nan")}}, ["training.learning_rate: should be a finite number"]),
    ("list for a mapping", BASE | {"training": [1]}, ["training: should be a mapping of keys to values, found a list"]),
    ("share of one", {"data": {"train": "a", "test_share": 1.0}}, ["data.test_share: should be below 1, found 1.0"]),
    ("unknown choice", BASE | {"task": {"name": "text-classification", "metric": "f1"}}, ["task.metric: text-classification is not judged by 'f1' (known: accuracy, macro_f1, mcc, log_loss)"]),
    ("unknown choice of a task without a name", BASE | {"task": {"metric": "mrr"}}, ["task.metric: text-classification is not judged by 'mrr' (known: accuracy, macro_f1, mcc, log_loss)"]),
    ("options that no task has together", BASE | {"task": {"separator": "|", "crf": True}}, ["task: unknown key 'crf'"]),
    ("strategy twice", BASE | {"strategies": ["tf-idf", "tf-idf"]}, ["strategies: a strategy is named twice"]),
    ("no strategy", BASE | {"strategies": []}, ["strategies: name at least one of back-translation, bi-encoder, bm25"]),
    ("one and many", BASE | {"strategy": "tf-idf", "strategies": ["fine-tuning"]}, ["give either 'strategy' or 'strategies'"]),
    ("option of a strategy mistyped", BASE | {"strategy": {"name": "fine-tuning", "layer": 1}}, ["unknown key 'layer'; did you mean 'layers'?"]),
    ("option of a strategy out of range", BASE | {"strategy": {"fine-tuning": {"layer_decay": 2}}}, ["strategy.layer_decay: should be at most 1, found 2"]),
    ("layers below the embeddings", BASE | {"strategy": {"feature-extraction": {"layers": [-1]}}}, ["layers.0: should be at least 0, found -1"]),
    ("rates out of range", BASE | {"strategy": {"from-scratch": {"rates": [0.0, 2.0]}}}, ["rates.0: should be over 0", "rates.1: should be at most 1"]),
    ("no rates", BASE | {"strategy": {"from-scratch": {"rates": []}}}, ["rates: should hold at least 1, found none"]),
    ("strategy without a name", BASE | {"strategies": [{"layers": 1}]}, ["strategies.0: needs a 'name': one of back-translation, bi-encoder, bm25"]),
    ("seed below nothing", BASE | {"seed": -1}, ["seed: should be at least 0, found -1"]),
    ("unknown format", {"data": {"train": "a", "format": "xls"}}, ["data.format: should be 'conll', 'conllu', 'csv', 'tsv', 'jsonl', 'parquet' or 'tmx', found 'xls'"]),
    ("backbone without sense", BASE | {"backbone": 3}, ["backbone: should be a mapping of keys to values, found 3"]),
    ("neither yes nor no", BASE | {"controls": "perhaps"}, ["controls: should be true or false, found 'perhaps'"]),
]  # fmt: skip


@pytest.mark.parametrize(("values", "words"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_fault_is_named_with_its_place_and_the_remedy(values: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(RecipeError, match=r"^r\.yaml has \d+ problems?:\n  - ") as error:
        from_mapping(values, "r.yaml")
    for word in words:
        assert any(word in problem for problem in error.value.problems), error.value.problems


def test_all_faults_are_listed_at_once() -> None:
    values = {
        "data": {"tran": "a.csv", "test_share": 2},
        "task": {"name": "text-classification", "metric": "f1", "labell": "x"},
        "training": {"epochs": 0},
        "strategies": ["fine-tunning", {"name": "fine-tuning", "dropout": 1}],
        "sead": 1,
    }
    with pytest.raises(RecipeError, match=r"recipe has 9 problems") as error:
        from_mapping(values, "recipe")
    places = [problem.partition(": ")[0] for problem in error.value.problems]
    assert sorted(places) == sorted(
        [
            "data.train",
            "data",
            "data.test_share",
            "task.metric",
            "task",
            "training.epochs",
            "strategies.0",
            "strategies.1.dropout",
            "unknown key 'sead' at the top level; did you mean 'seed'? (keys here",
        ]
    )


def test_faults_of_flags_and_of_values_come_together() -> None:
    with pytest.raises(RecipeError, match="headstart fit has 3 problems") as error:
        assemble("fit", {"train": "a", "epoch": 3, "batch_size": 0, "strategy": "tf-idf", "dropout": 0.1})
    text = str(error.value)
    assert "unknown option 'epoch'; did you mean 'epochs'?" in text
    assert (
        "'dropout' is an option of fine-tuning, lora, multi-task, which is not among the strategies of this run" in text
    )
    assert "training.batch_size: should be at least 1, found 0" in text


@pytest.mark.parametrize("verb", VERBS.names())
def test_every_flat_name_is_a_place_in_the_recipe_and_every_place_has_one(verb: str) -> None:
    names = flat(verb)
    assert not {"thresholds", "mean", "deviation", "digest"} & set(names)
    assert {
        "decisions",
        "tasks",
        "task.mean",
        "task.deviation",
        "backbone.digest",
        "strategies.teacher_digest",
    } == HIDDEN
    places = {flag.path for flag in names.values()}
    for key, info in VERBS.get(verb).model_fields.items():
        inner = getattr(info.annotation, "model_fields", None)
        if key == "task" or inner:
            assert any(path[0] == key for path in places), key
        elif key not in HIDDEN:
            assert (key,) in places, key


def test_flat_names_build_the_same_recipe_as_a_file() -> None:
    options = {
        "train": "a.csv", "test": "b.csv", "label": "stars", "text": "title,body", "backbone": "mini", "epochs": 2,
        "strategy": "fine-tuning", "layers": 2, "seed": 7, "group_column": "who", "max_length": 64, "controls": False,
    }  # fmt: skip
    written = {
        "verb": "fit",
        "data": {"train": "a.csv", "test": "b.csv", "group_column": "who"},
        "task": {"label": "stars", "text": ["title", "body"]},
        "backbone": {"location": "mini", "max_length": 64},
        "strategy": {"fine-tuning": {"layers": 2}},
        "training": {"epochs": 2},
        "seed": 7,
        "controls": False,
    }
    assert assemble("fit", options) == from_mapping(written, "r.yaml")


@pytest.mark.parametrize("verb", ["fit", "compare", "predict", "evaluate", "duplicates", "cluster", "suggest"])
def test_every_reader_is_a_format_on_every_door(verb: str) -> None:
    [choices] = [part for part in get_args(flags(verb)["format"].info.annotation) if get_args(part)]
    assert list(get_args(choices)) == READERS.names()


def test_none_means_not_given() -> None:
    assert assemble("fit", {"train": "a", "epochs": None, "seed": None}) == assemble("fit", {"train": "a"})


def test_options_of_strategies_go_to_those_that_have_them() -> None:
    found = assemble(
        "fit", {"train": "a", "strategies": "feature-extraction,fine-tuning,tf-idf", "C": 0.5, "dropout": 0.2}
    )
    extraction, tuning, terms = found.strategies
    assert (extraction.C, terms.C, tuning.dropout) == (0.5, 0.5, 0.2)
    default = assemble("fit", {"train": "a", "dropout": 0.3})
    assert [strategy.name for strategy in default.strategies] == [
        "feature-extraction", "contrastive", "fine-tuning", "lora",
    ]  # fmt: skip
    takers = {strategy.name: getattr(strategy, "dropout", None) for strategy in default.strategies}
    assert takers == {"feature-extraction": None, "contrastive": None, "fine-tuning": 0.3, "lora": 0.3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": 2, "strategies": "feature-extraction,fine-tuning"},
         "'layers' means another thing for each strategy; give feature-extraction.layers or fine-tuning.layers"),
        ({"contrastive.temperature": 0.2, "strategies": "lora"},
         "'contrastive.temperature' is an option of contrastive, which is not among the strategies of this run"),
        ({"token-classification.crf": True, "task": "text-classification"},
         "'token-classification.crf' is an option of token-classification, and the task of this run is text-classification"),
        ({"contrastive.temprature": 0.2}, "unknown option 'contrastive.temprature'; did you mean 'contrastive.temperature'"),
    ],
)  # fmt: skip
def test_an_option_that_no_component_of_the_run_can_take_is_a_fault(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        assemble("compare", {"train": "a"} | options)
    if "layers" not in options:  # files have no flat names
        with pytest.raises(RecipeError, match=message):
            from_mapping({"verb": "compare", "data": {"train": "a"}}, "r", options)


def test_a_name_of_several_meanings_is_taken_where_those_of_the_run_agree() -> None:
    assert assemble("fit", {"train": "a", "strategy": "fine-tuning", "layers": 2}).strategies[0].layers == 2
    both = assemble("fit", {"train": "a", "target": "b", "strategies": "feature-extraction,coral", "layers": (1, 2)})
    assert [strategy.layers for strategy in both.strategies] == [(1, 2), (1, 2)]


@pytest.mark.parametrize("verb", VERBS.names())
def test_no_name_of_a_flag_has_two_meanings(verb: str) -> None:
    every = flags(verb)
    for name, flag in flat(verb).items():
        meanings = {every[f"{owner}.{flag.path[1]}"].meaning for owner in flag.owners}
        assert len(meanings) <= 1, (
            f"{name}: give its owners one type and one first sentence, or other names: {meanings}"
        )
    own = [key for _, key, _ in _own(VERBS.get(verb))]
    assert len(own) == len({*own}), "two sections of a recipe have a key of one name"


def test_a_key_that_two_components_mean_differently_is_listed_by_component(monkeypatch: pytest.MonkeyPatch) -> None:
    class Warm(Component):
        heat: float = 1.0
        """Heat of the room, over 0; in kelvin."""
        seats: int = 4
        """Seats, at least 1."""

    class Hot(Component):
        heat: float = 2.0
        """Heat of the stove, over 0."""
        seats: int = 2
        """Seats, at least 1. Benches do not count."""
        seed: int = 0
        """Where it grows from."""

    class Cook(Recipe):
        """Cook something."""

        verb: ClassVar[str] = "cook"
        seed: int = 0
        """Seed."""
        place: Any = None
        """Where."""

    monkeypatch.setattr(
        "headstart.recipes.flags.components",
        lambda info: {"warm": Warm, "hot": Hot} if info.description == "Where." else {},
    )
    monkeypatch.setattr(VERBS, "get", lambda name: Cook)
    listed = flat("cook")
    assert [*listed] == ["seed", "place", "warm.heat", "hot.heat", "seats", "hot.seed"]
    assert listed["seats"].help == "Seats, at least 1. hot: Benches do not count."
    assert listed["seats"].owners == ("warm", "hot")
    assert listed["seed"].path == ("seed",)
    assert not flags("cook")["heat"].listed


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (int, "int"), (int | None, "int"), (Literal["a", "b"] | None, "word"), (Literal["all"] | int, "int or word"),
        (tuple[str, ...], "list of word"), (Annotated[tuple[int, ...], "x"] | None, "list of int"), (bool | None, "bool"),
        (dict[str, float] | Literal["balanced"] | None, "dict or word"), (Literal[1, 2], "int"),
    ],
)  # fmt: skip
def test_the_kind_of_a_value_is_what_one_writes(annotation: Any, kind: str) -> None:
    assert kind_of(annotation) == kind


def test_keys_of_earlier_versions_are_read_under_the_names_of_today(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        "headstart.recipes.parsing.MOVED",
        {
            "data.check": ("data.validation", str),
            "data.words": ("backbone.max_length", int),
            "fine-tuning.depth": ("fine-tuning.layers", int),
        },
    )
    today = {
        "data": {"train": "a", "validation": "b"},
        "backbone": {"max_length": 32},
        "strategies": [
            {"fine-tuning": {"layers": 2}},
            {"name": "domain-adaptation", "then": {"name": "fine-tuning", "layers": 1}},
            "tf-idf",
        ],
    }
    before = {
        "data": {"train": "a", "check": "b", "words": 32},
        "strategies": [
            {"fine-tuning": {"depth": 2}},
            {"name": "domain-adaptation", "then": {"name": "fine-tuning", "depth": 1}},
            "tf-idf",
        ],
    }
    assert migrate(before) == today
    assert migrate(today) == today
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(before), encoding="utf-8")
    assert read(path) == from_mapping(today, "r.yaml")


def test_thresholds_that_stood_among_the_keys_of_the_task_are_decisions_now() -> None:
    before = {"data": {"train": "a"}, "task": {"name": "text-classification", "thresholds": [0.6, 0.4]}}
    wanted = [{"name": "thresholds", "values": [0.6, 0.4]}]
    assert migrate(before) == {"data": {"train": "a"}, "task": {"name": "text-classification"}, "decisions": wanted}
    found = from_mapping(before, "r.yaml")
    assert [decision.plain() for decision in found.decisions] == wanted
    assert assemble("fit", {"train": "a", "task": "text-classification", "task.thresholds": [0.6, 0.4]}) == found
    before["task"]["thresholds"] = None
    assert from_mapping(before, "r.yaml").decisions == ()


@pytest.mark.parametrize(
    ("given", "tests"),
    [
        ("shop=a.csv, film = b.csv", {"shop": "a.csv", "film": "b.csv"}),
        ({"shop": "a.csv", "film": Path("b.csv")}, {"shop": "a.csv", "film": "b.csv"}),
        ({"Köln 2": "k,o.csv"}, {"Köln 2": "k,o.csv"}),
    ],
)
def test_named_tests_are_files_by_name(given: Any, tests: dict[str, str]) -> None:
    found = assemble("fit", {"train": "a.csv", "tests": given})
    assert found.data.tests == tests
    assert found == from_mapping(found.plain(), "r.yaml")
    assert list(found.data.sources) == ["train", *(f"tests.{name}" for name in tests)]
    moved = found.data.moved(Path("/there")).sources
    assert moved == {"train": "/there/a.csv"} | {f"tests.{name}": f"/there/{path}" for name, path in tests.items()}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a.csv", "data.tests: 'a.csv' is not of the form NAME=FILE,NAME=FILE"),
        ("a=x.csv,a=y.csv", "data.tests: a name is given to two files"),
        ({"test": "x.csv"}, "data.tests: 'test' is a part of the data already; give the test another name"),
        ({"Target": "x.csv"}, "'Target' is a part of the data already"),
        ({f"t{at}": "x.csv" for at in range(101)}, "names 101 files; name at most 100"),
        ({"a.b": "x.csv"}, r"'a\.b' is no name for a test; letters, digits, blanks and _\+- are, at most 40 of them"),
        (["x.csv"], "data.tests: should be a mapping of keys to values, found a list"),
    ],
)
def test_a_named_test_needs_a_name_and_a_file(given: Any, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        assemble("fit", {"train": "a.csv", "tests": given})


@pytest.mark.parametrize(
    "strategy",
    [
        "fine-tuning",
        {"name": "fine-tuning"},
        {"fine-tuning": {}},
        {"fine-tuning": None},
        STRATEGIES.get("fine-tuning")(),
    ],
)
def test_a_strategy_in_any_spelling_takes_its_options(strategy: Any) -> None:
    found = assemble("fit", {"train": "a", "strategy": strategy, "dropout": 0.3}, {"strategy.layer_decay": 0.5})
    assert [(s.name, s.dropout, s.layer_decay) for s in found.strategies] == [("fine-tuning", 0.3, 0.5)]


def test_strategy_and_strategies_together_are_refused_whatever_else_is_given() -> None:
    with pytest.raises(RecipeError, match="give either 'strategy' or 'strategies'"):
        assemble("fit", {"train": "a", "strategy": "fine-tuning", "strategies": "tf-idf", "dropout": 0.2})


@pytest.mark.parametrize("first", ["epochs", "training"])
def test_a_section_and_one_of_its_keys_both_count_in_either_order(first: str) -> None:
    options: dict[str, Any] = {"epochs": 3, "training": {"learning_rate": 0.01}}
    ordered = {key: options[key] for key in sorted(options, key=lambda key: key != first)}
    found = assemble("fit", {"train": "a"} | ordered)
    assert (found.training.epochs, found.training.learning_rate) == (3, 0.01)
    assert assemble("fit", {"train": "a", "data": {"test": "b"}}).data.train == "a"


@pytest.mark.parametrize(
    ("sets", "path", "value"),
    [
        ({"training.epochs": 4}, "training.epochs", 4),
        ({"seed": 9}, "seed", 9),
        ({"backbone.max_length": 32}, "backbone.max_length", 32),
        ({"task.metric": "mcc"}, "task.metric", "mcc"),
        ({"strategies.1.layers": 2}, "strategies.1.layers", 2),
        ({"data.test_share": 0.5}, "data.test_share", 0.5),
    ],
)
def test_any_key_can_be_set_by_its_path(sets: dict[str, Any], path: str, value: Any, tmp_path: Path) -> None:
    options = {"train": "a", "backbone": "mini", "seed": 1, "strategies": ("tf-idf", "fine-tuning")}

    def at(recipe: Any) -> Any:
        for part in path.split("."):
            recipe = recipe[int(part)] if part.isdigit() else getattr(recipe, part)
        return recipe

    assert at(assemble("fit", options, sets)) == value
    assert at(assemble("fit", options | sets)) == value
    file = tmp_path / "r.yaml"
    file.write_text(yaml.safe_dump(assemble("fit", options).plain()))
    assert at(read(file, sets)) == value


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({"training.epocs": 1}, "training: unknown key 'epocs'; did you mean 'epochs'"),
        ({"seed.x": 1}, "seed.x: 'seed' is 1 and holds no keys"),
        ({"strategies.5.layers": 1}, r"strategies.5.layers: '5' is not an entry there \(0 to 1\)"),
        ({"strategies.fine-tuning.layers": 1}, "'fine-tuning' is not an entry there"),
        ({"nothing.at.all": 1}, "unknown key 'nothing'"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_fault_of_the_recipe(sets: dict[str, Any], message: str, tmp_path: Path) -> None:
    options = {"train": "a", "seed": 1, "strategies": ("tf-idf", "fine-tuning")}
    with pytest.raises(RecipeError, match=message):
        assemble("fit", options, sets)
    file = tmp_path / "r.yaml"
    file.write_text(yaml.safe_dump(assemble("fit", options).plain()))
    with pytest.raises(RecipeError, match=message):
        read(file, sets)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [1", "not YAML"),
        (b"- a\n- b\n", "expected keys and values, such as 'verb: fit'"),
        (b"", "expected keys and values"),
        (b"text", "expected keys and values"),
        (
            b"verb: fitt\n",
            r"verb: unknown verb 'fitt'; did you mean 'fit'\? \(known: fit, compare, curve, distill, distill-vectors, init, pretrain, adapt, tune, resume, predict, evaluate, audit, extract, export, index, search, ask, chat, import, trim, duplicates, cluster, suggest, rank, check\)",
        ),
        (b"verb: [fit]\n", "verb: unknown verb"),
        (b"verb: fit\n\xff", "byte 10 is not UTF-8"),
        (
            b"!!python/object/apply:os.system ['true']\n",
            "line 1: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not read",
        ),
        (b"1: 2\ndata: {train: a}\n", "has 1 problem"),
    ],
)
def test_a_file_that_is_no_recipe_says_what_is_wrong_and_where(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=message) as error:
        read(path)
    assert str(path) in str(error.value)


def test_a_recipe_file_that_is_not_there_is_missing_input(tmp_path: Path) -> None:
    for path in (tmp_path / "r.yaml", tmp_path):
        with pytest.raises(MissingInputError, match="there is no recipe file"):
            read(path)


@pytest.mark.parametrize(
    "options",
    [
        {"train": "a"},
        {"train": "a", "strategy": "fine-tuning", "layers": 2, "unfreezing": "gradual"},
        {"train": "a", "strategies": ("tf-idf", "feature-extraction"), "C": 0.5, "class_weight": {"x": 2.0}},
        {"train": "a", "strategy": "from-scratch", "rates": (1e-3,), "text": "t,u", "label": "l"},
        {"train": "a", "strategy": {"feature-extraction": {"layers": 3, "pooling": "mean"}}},
    ],
)
@pytest.mark.parametrize("verb", ["fit", "compare"])
def test_a_recipe_becomes_yaml_and_back(options: dict[str, Any], verb: str) -> None:
    recipe = assemble(verb, options)
    again = from_mapping(yaml.safe_load(yaml.safe_dump(recipe.plain())), "r.yaml")
    assert again == recipe
    assert type(again) is type(recipe)


def test_the_plan_holds_the_controls_unless_told_and_each_strategy_once() -> None:
    def names(**options: Any) -> list[str]:
        recipe = assemble("fit", {"train": "a", "task": "text-classification"} | options)
        return [strategy.name for strategy in recipe.planned()]

    assert names() == ["tf-idf", "feature-extraction", "contrastive", "fine-tuning", "lora", "from-scratch"]
    assert names(controls=False) == ["feature-extraction", "contrastive", "fine-tuning", "lora"]
    assert names(strategy="tf-idf") == ["tf-idf", "from-scratch"]
    assert names(strategies=("fine-tuning", "tf-idf"), controls=False) == ["tf-idf", "fine-tuning"]
