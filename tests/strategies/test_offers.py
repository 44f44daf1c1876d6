"""What strategies say of themselves: whom they refuse and why, what they need, and which runs take them up unasked."""

import re
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
import typer

from headstart import strategies
from headstart.cli.options import command
from headstart.data.examples import Example
from headstart.data.store import Store
from headstart.data.words import Sentence, words_of
from headstart.errors import RecipeError
from headstart.recipes.labelled import Experiment
from headstart.recipes.parsing import assemble
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Auto, Candidate, Context, Strategy, refusal
from headstart.strategies.crf import Crf
from headstart.strategies.offers import controls, made_for_few, offering, require_serving
from headstart.strategies.tf_idf import TfIdf
from headstart.tasks import TASKS
from headstart.tasks.open import OpenTask
from headstart.tasks.text_classification import TextClassification
from headstart.training.settings import Training

CRF = "it tags words; the control of whole texts is tf-idf"
RANKS = {
    name: "it ranks passages for questions, and the task asks for something else"
    for name in ("bi-encoder", "bm25", "hybrid", "margin-mse", "rerank")
}  # fmt: skip
PAIRS = "it compares the two texts of a pair, and needs nothing else"
OVERLAP = "it finds answers to questions in texts, and nothing else"
PROMPTED = {
    "prompting": "it scores the words of labels or numbers for each row, finds words of a text, or writes one",
    "zero-shot": "it tells labels of each row by the labels' names",
    "distillation": "a teacher gives one label to each text, and here rows have something else",
}
TAUGHT = {"distillation": "it learns from a teacher, and none is named; give the folder of a run with --teacher"}
NUMBERS = {
    **{name: why for name, why in PROMPTED.items() if name != "prompting"},
    "contrastive": "it draws together texts of one label, and here they have numbers",
    "self-training": "what it is sure of is a label, and here rows have numbers",
    "coral": "its head is that of labels",
    "crf": CRF,
    "word-overlap": OVERLAP,
}
WRITES = {
    name: "it writes texts, and the task asks for something else"
    for name in ("back-translation", "copy-source", "lexicon", "nearest-sentence", "warm-start")
}  # fmt: skip
REFUSED = {
    "text-classification": {**TAUGHT, "crf": CRF, "untouched": PAIRS, "word-overlap": OVERLAP},
    "text-pair-classification": {**TAUGHT, "crf": CRF, "untouched": PAIRS, "word-overlap": OVERLAP},
    "multi-label-classification": {
        "distillation": PROMPTED["distillation"],
        "contrastive": "it draws together texts of one label, and here a text may have several",
        "self-training": "what it is sure of is one label for each text",
        "coral": "its head is that of one label for each text",
        "crf": CRF,
        "untouched": PAIRS,
        "word-overlap": OVERLAP,
    },
    "text-regression": NUMBERS | {"untouched": PAIRS},
    "sentence-similarity": NUMBERS,
    "token-classification": {
        "distillation": PROMPTED["distillation"],
        "contrastive": "it pulls whole texts together by their one label",
        "self-training": "it takes the one label of a text on trust",
        "coral": "it aligns the states of whole texts",
        "tf-idf": "it knows texts as a whole, not words; the control of this task is crf",
        "untouched": PAIRS,
        "word-overlap": OVERLAP,
    },
    "question-answering": {
        "distillation": PROMPTED["distillation"],
        "zero-shot": "answers have no names to tell them by; a decoder answers questions by prompting",
        "contrastive": "it pulls whole texts together by their one label",
        "self-training": "it takes the one label of a text on trust",
        "coral": "it aligns the states of whole texts",
        "crf": CRF,
        "tf-idf": "it knows texts as a whole, not words; the control of this task is word-overlap",
        "untouched": PAIRS,
    },
}  # fmt: skip


def task(name: str) -> Any:
    return TASKS.get(name)()


def names(found: Any) -> list[str]:
    return [strategy.name for strategy in found]


@pytest.mark.parametrize("name", [*REFUSED])
def test_each_strategy_refuses_what_it_cannot_serve_and_says_why(name: str) -> None:
    reasons = {each: STRATEGIES.get(each)().refuses(task(name)) for each in STRATEGIES.names()}
    assert {each: why for each, why in reasons.items() if why} == REFUSED[name] | RANKS | WRITES


def test_passages_are_ranked_by_strategies_that_give_rankings_alone() -> None:
    reasons = {each: refusal(STRATEGIES.get(each)(), task("retrieval")) for each in STRATEGIES.names()}
    assert [each for each, why in reasons.items() if not why] == [
        "bi-encoder",
        "bm25",
        "hybrid",
        "margin-mse",
        "rerank",
        "untouched",
    ]
    assert reasons["fine-tuning"] == "it gives generated or logits or replies, and the task asks for ranked"


def test_strategies_that_were_named_and_cannot_serve_the_task_are_refused_all_at_once() -> None:
    named = [STRATEGIES.get(each)() for each in ("fine-tuning", "contrastive", "tf-idf")]
    with pytest.raises(RecipeError, match="contrastive cannot serve token-classification: it pulls whole") as error:
        require_serving(task("token-classification"), named)
    assert len(error.value.problems) == 2
    require_serving(task("text-classification"), named)


@pytest.mark.parametrize("outer", ["self-training", "domain-adaptation"])
def test_what_a_strategy_fits_within_itself_has_to_serve_the_task_too(outer: str) -> None:
    inner = {"self-training": "crf", "domain-adaptation": "untouched"}[outer]
    why = STRATEGIES.get(outer)(then=inner).refuses(task("text-classification"))
    assert why == f"{inner}, which it fits, cannot: {STRATEGIES.get(inner)().refuses(task('text-classification'))}"


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("text-classification", ["tf-idf", "from-scratch"]),
        ("token-classification", ["crf", "from-scratch"]),
        ("question-answering", ["word-overlap", "from-scratch"]),
        ("sentence-similarity", ["tf-idf", "untouched", "from-scratch"]),
    ],
)
def test_controls_are_those_that_serve_the_task(name: str, beside: list[str]) -> None:
    assert names(controls(task(name))) == beside
    recipe = assemble("fit", {"train": "a.csv", "task": name, "strategy": "fine-tuning"})
    assert sorted(names(recipe.planned())) == sorted([*beside, "fine-tuning"])
    assert names(recipe.revised(controls=False).planned()) == ["fine-tuning"]


@pytest.mark.parametrize(
    ("verb", "name", "planned"),
    [
        ("fit", "text-classification",
         ["tf-idf", "feature-extraction", "contrastive", "fine-tuning", "lora", "from-scratch"]),
        ("fit", "token-classification", ["crf", "feature-extraction", "fine-tuning", "lora", "from-scratch"]),
        ("fit", "sentence-similarity",
         ["tf-idf", "untouched", "feature-extraction", "fine-tuning", "lora", "from-scratch"]),
        ("fit", "question-answering", ["word-overlap", "feature-extraction", "fine-tuning", "lora", "from-scratch"]),
        ("compare", "text-classification", ["tf-idf", "feature-extraction", "fine-tuning", "from-scratch"]),
        ("compare", "text-regression", ["tf-idf", "feature-extraction", "fine-tuning", "from-scratch"]),
        ("compare", "token-classification", ["crf", "feature-extraction", "fine-tuning", "from-scratch"]),
    ],
)  # fmt: skip
def test_a_run_that_names_no_strategy_takes_up_those_that_offer_themselves_cheapest_first(
    verb: str, name: str, planned: list[str]
) -> None:
    assert names(assemble(verb, {"train": "a.csv", "task": name}).planned()) == planned


def test_what_was_made_for_few_labels_is_contrastive_training_where_it_serves() -> None:
    assert made_for_few(task("text-classification")) == ["contrastive"]
    assert made_for_few(task("token-classification")) == []


class Own(Strategy):
    """A strategy of another package."""

    name: ClassVar[str] = "own"
    cost: ClassVar[int] = 7

    endpoint: str
    """Where to ask."""

    def fit(self, context: Context) -> Candidate:
        raise NotImplementedError


class Offered(Own):
    """The same with a default, and an offer to one verb."""

    auto: ClassVar[Auto | None] = Auto(verbs=frozenset({"compare"}))
    endpoint: str = "nowhere"
    """Where to ask."""


class Control(Own):
    """The same as a control that says nothing of runs that do not name it."""

    role: ClassVar[Any] = "control"


@pytest.mark.parametrize(("cls", "verbs"), [(Own, set()), (Offered, {"compare"}), (Control, set())])
def test_a_strategy_of_another_package_runs_unasked_only_as_it_says(
    cls: type[Strategy], verbs: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known, get = STRATEGIES.names(), STRATEGIES.get
    monkeypatch.setattr(strategies.STRATEGIES, "names", lambda: [*known, "own"])
    monkeypatch.setattr(strategies.STRATEGIES, "get", lambda name: cls if name == "own" else get(name))
    for verb in ("fit", "compare"):
        planned = names(assemble(verb, {"train": "a.csv", "task": "text-classification"}).planned())
        assert ("own" in planned) is (verb in verbs)
    given = {"train": "a.csv", "task": "text-classification", "strategy": {"name": "own", "endpoint": "here"}}
    named = assemble("fit", given).planned()
    assert "own" in names(named)


def test_strategies_without_a_network_say_how_many_seconds_they_take() -> None:
    examples = [Sentence(words_of("day and night"), ("O", "O", "B-X")), Sentence(words_of("now"), ("O",))] * 2
    train = Store(examples, [1, 2, 3, 4], "a.conll")
    words = TASKS.get("token-classification")(labels=("O", "B-X", "I-X"))
    context = Context(words, train, train, None, Training(), 0)
    # 8 words in 3 folds: 4 strengths on two thirds of them each time, then once all of them, for 3 tags each.
    assert Crf().work(context) == (0.0, 0.0, pytest.approx(2.5e-5 * 3 * (4 * 2 * 8 + 8)), 0.0, 0.0, 1.0)
    assert Crf(variance=1.0).work(context).seconds == pytest.approx(2.5e-5 * 3 * 8)
    halves = replace(context, folds=np.array([[0, 0, 1, 1]]))
    assert Crf().work(halves).seconds == pytest.approx(2.5e-5 * 3 * (4 * 1 * 8 + 8 + 8))
    texts = Store([Example("a" * 1000)] * 5, [1, 2, 3, 4, 5], "a.csv")
    plain = replace(context, train=texts)
    # 5,000 characters: terms counted once, a regression for each of 3 labels: 5 strengths on 3 of 4 folds, then once on all rows.
    assert TfIdf().work(plain) == (0.0, 0.0, pytest.approx(1.0 + 5000 * (1e-5 + 3e-7 * 3 * (5 * 3 + 1))), 0.0, 0.0, 1.0)
    assert TfIdf(C=1.0).work(plain).seconds == pytest.approx(1.0 + 5000 * (1e-5 + 3e-7 * 3))
    many = TextClassification(text=("text",), label="label", labels=tuple(map(str, range(150))))
    slow = TfIdf().work(replace(plain, task=many)).seconds
    assert slow == pytest.approx(1.0 + 5000 * (1e-5 + 3e-7 * 150 * 16)), "each label has a regression of its own"
    assert TfIdf().briefer(plain) == [TfIdf(C=10.0)]
    assert TfIdf(C=1.0).briefer(plain) == []


def test_an_offer_names_verbs_and_strategies_that_there_are() -> None:
    offers = [each.auto for each in offering() if each.auto is not None]
    assert {verb for auto in offers for verb in auto.verbs} == {"fit", "compare"}
    assert {name for auto in offers for name in auto.stands_in_for} <= set(STRATEGIES.names())


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_a_docstring_says_what_is_needed_what_is_read_and_what_is_akin(name: str) -> None:
    text = STRATEGIES.get(name).__doc__
    for heading in ("Needs: ", "Inputs: ", "See also: ", "Example:\n"):
        assert text.count(heading) == 1, heading
    akin = text.partition("See also: ")[2].partition("Example:")[0]
    named = set(re.findall(r"`([a-z-]+)`", akin))
    assert named & {*STRATEGIES.names(), "adapt"} - {name}


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_the_command_in_a_docstring_is_understood_and_runs_that_strategy_with_all_it_needs(name: str) -> None:
    lines = STRATEGIES.get(name).__doc__.partition("Example:\n")[2].strip().splitlines()
    assert len(lines) == 1
    program, verb, *words = lines[0].split()
    recipes: list[Experiment] = []
    app = typer.Typer()
    app.command(verb)(command(verb, lambda options, sets, *_: recipes.append(assemble(verb, options, sets))))
    app(words, standalone_mode=False)
    (recipe,) = recipes
    assert program == "headstart"
    (strategy,) = recipe.wanted()
    assert strategy.name == name
    task = TASKS.get("text-classification")() if isinstance(recipe.task, OpenTask) else recipe.task
    assert strategy.refuses(task) == ""
    assert ("texts" in strategy.needs) == (recipe.data.target is not None)


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_options_of_a_strategy_inside_are_set_without_naming_it_as_its_help_shows(name: str) -> None:
    for field, info in STRATEGIES.get(name).model_fields.items():
        for key, value in re.findall(r"--set\s+strategy\.(\S+)=([\w.]+\w)", info.description or ""):
            recipe = assemble("fit", {"train": "rows.csv", "strategy": name}, {f"strategy.{key}": value})
            [built] = recipe.strategies
            inside = getattr(built, field)
            assert key.startswith(f"{field}.")
            assert inside.name == info.default
            assert inside.plain() | {key.split(".")[1]: None} == type(inside)().plain() | {key.split(".")[1]: None}
            assert inside != type(inside)()
