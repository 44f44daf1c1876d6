"""Back-translation: pairs are made of texts that stand alone by a model of the other direction, and of no text that is scored."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from headstart.backbones.location import BackboneSource, locate
from headstart.data.examples import Example
from headstart.data.outputs import Generated
from headstart.data.store import Store
from headstart.errors import DataError, RecipeError
from headstart.recipes.parsing import assemble, from_mapping
from headstart.runs.comparison import compare
from headstart.runs.preparation import prepare
from headstart.runtime.progress import SILENT
from headstart.strategies.back_translation import BackTranslation
from headstart.strategies.base import Candidate, Context, Strategy, Work
from headstart.tasks.translation import Translation
from headstart.training.settings import Training

SEEN: list[Context] = []
HOW: list[Any] = []


class Echo:
    """Writes what it reads backwards, and nothing for `nothing`."""

    def __init__(self, task: Any) -> None:
        self.task = task

    def written(self, texts: list[str], how: Any, progress: Any = SILENT) -> Generated:
        assert how.beams == 1
        HOW.append(how)
        return Generated.of(["" if text == "nothing" else text[::-1] for text in texts])

    outputs = written


class Scripted(Strategy):
    """Learns nothing; says what it was given."""

    name: ClassVar[str] = "scripted"
    cost: ClassVar[int] = 1
    gives: ClassVar[frozenset[str]] = frozenset({Generated.kind})

    def work(self, context: Context) -> Work:
        return Work(2.0, 1.0, generating=0.5)

    def fit(self, context: Context) -> Candidate:
        SEEN.append(context)
        made: Any = Echo(context.task)
        outputs = Generated.of([f"{len(SEEN)}"] * len(context.validation))
        return Candidate(self, context.training, made, outputs, "scripted", 1, epoch=2)


@pytest.fixture(autouse=True)
def fresh() -> None:
    SEEN.clear()
    HOW.clear()


def store(*pairs: tuple[str, str]) -> Store[Example]:
    return Store([Example(one, (other,)) for one, other in pairs], [*range(2, 2 + len(pairs))], "pairs.csv")


def context(tiny_backbone: Path, **more: Any) -> Context:
    task = Translation(
        source_language="en", target_language="de", text=("en",), label="de", reference=("de",), metric="bleu"
    )
    alone = Store([Example("Tag"), Example("nothing"), Example("Weg")], [1, 2, 3], "alone.txt")
    train = store(*((f"text {at}", f"Satz {at}") for at in range(6)))
    given = {"target": alone, "validation": store(("a", "A"))} | more
    located = locate(BackboneSource(location=str(tiny_backbone)))
    return Context(task, train, given.pop("validation"), located, Training(epochs=5), 0, **given)


def pairs(rows: Store[Any]) -> list[tuple[str, str]]:
    return [(each.text, each.label[0]) for each in rows.examples]


def test_the_other_direction_is_learnt_first_and_what_it_writes_is_tagged(tiny_backbone: Path) -> None:
    given = context(tiny_backbone)
    found = BackTranslation(then=Scripted(), back_epochs=3).fit(given)
    back, both = SEEN
    assert pairs(back.train) == [(other, one) for one, other in pairs(given.train)]
    assert pairs(back.validation) == [("A", "a")]
    assert (back.task.source_language, back.task.target_language, back.training.epochs) == ("de", "en", 3)  # type: ignore[attr-defined]
    assert pairs(both.train) == [*pairs(given.train), ("<BT> gaT", "Tag"), ("<BT> geW", "Weg")]
    assert pairs(both.validation) == [("a", "A")], "what was made up is not validated on"
    assert both.training.epochs == 5
    assert both.task == given.task
    assert found.epoch == 2
    assert found.description == "scripted, 2 pairs more: scripted"
    SEEN.clear()
    BackTranslation(then=Scripted(), tag="").fit(given)
    assert pairs(SEEN[1].train)[-1] == ("geW", "Weg")


def test_each_fold_has_a_model_of_the_other_direction_of_its_own(tiny_backbone: Path) -> None:
    given = context(tiny_backbone, folds=np.array([[0, 1, 0, 1, 0, 1]]))
    found = BackTranslation(then=Scripted()).fit(replace(given, validation=given.train))
    assert len(SEEN) == 6
    for at, held in ((0, {0, 2, 4}), (2, {1, 3, 5})):
        back, both = SEEN[at : at + 2]
        learnt = {text for part in (back.train, both.train) for pair in pairs(part) for text in pair}
        assert not learnt & {text for row in held for text in (f"text {row}", f"Satz {row}")}
        assert back.shared.within is not None
    assert [texts[0] for texts in found.validation.texts] == ["2", "4", "2", "4", "2", "4"]  # type: ignore[attr-defined]
    assert found.epoch is None
    assert [each.folds for each in SEEN[4:]] == [None, None]
    assert {each.last_epoch for each in SEEN[4:]} == {1000}


def test_inputs_are_drawn_by_chance_where_that_is_asked_for(tiny_backbone: Path) -> None:
    given = context(tiny_backbone)
    # How the task's own texts are written has no part in it.
    given.task = given.task.revised(sampling_temperature=0.3, top_k=4, top_p=0.5)
    given.seed = 5
    BackTranslation(then=Scripted()).fit(given)
    BackTranslation(then=Scripted(), back_temperature=0.8, back_top_k=10).fit(given)
    BackTranslation(then=Scripted(), back_top_k=10).fit(given)
    found = [(how.sampling_temperature, how.top_k, how.top_p, how.sampling_seed) for how in HOW]
    assert found == [(0.0, 0, 1.0, 5), (0.8, 10, 1.0, 5), (1.0, 10, 1.0, 5)]
    assert [how.draws for how in HOW] == [False, True, True]


def test_its_work_is_that_of_both_directions_and_of_the_texts(tiny_backbone: Path) -> None:
    found = BackTranslation(then=Scripted()).work(context(tiny_backbone))
    assert found == Work(2.0 * 1.5 + 2.0, 2.0, generating=0.5 + 0.5 + 0.5)


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Files with pairs and with texts alone."""
    rows = "".join(f"the day is {at} long,der Tag ist {at} lang\n" for at in range(40))
    (tmp_path / "train.csv").write_text("en,de\n" + rows)
    (tmp_path / "test.csv").write_text("en,de\nmany days,viele Tage\nno way,kein Weg\n")

    def given(name: str, text: str, **options: Any) -> dict[str, Any]:
        (tmp_path / name).write_text(text)
        return {
            "train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv"), "target": str(tmp_path / name), "task": "translation",
            "source_language": "en", "target_language": "de", "folds": 0, "strategy": "back-translation", "controls": False,
        } | options  # fmt: skip

    return given


@pytest.mark.parametrize("name", ["mono.txt", "mono.de", "mono.csv"])
def test_texts_alone_are_lines_or_a_column_and_none_that_is_scored(
    name: str, files: Callable[..., dict[str, Any]]
) -> None:
    lines = ["Ein neuer Satz", "viele Tage", "der Tag ist 3 lang", "Noch ein Satz"]
    text = "".join(f"{line}\n" for line in lines)
    parts = prepare(
        assemble(
            "fit", files(name, ("en,de\n" + "".join(f"x,{line}\n" for line in lines)) if name.endswith("csv") else text)
        ),
        SILENT,
    )
    assert parts.target is not None
    assert [*parts.target.texts] == ["Ein neuer Satz", "Noch ein Satz"]
    assert any(
        "1 texts of" in each and "are also test rows; they are not learnt from" in each for each in parts.warnings
    )


def test_a_file_without_the_side_that_is_written_is_refused(files: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(DataError, match="has the columns en, fr, and none is called 'de', the side that is written"):
        prepare(assemble("fit", files("mono.csv", "en,fr\na,b\n")), SILENT)
    with pytest.raises(
        RecipeError, match="back-translation learns from texts of the target domain, and there are none"
    ):
        prepare(assemble("fit", files("mono.csv", "de\nb\n") | {"target": None}), SILENT)


def test_what_cannot_be_fitted_inside_is_refused() -> None:
    assert "learns no direction from pairs alone" in BackTranslation(then="lexicon").refuses(Translation())  # type: ignore[arg-type]
    assert BackTranslation().refuses(Translation()) == ""
    why = BackTranslation().refuses_network(Translation(), {"model_type": "bart"})
    assert why == (
        "warm-start, which it fits, cannot: networks of the architecture bart write as they are; fine-tuning trains them"
    )


def test_the_resolved_recipe_comes_to_the_same_again(
    files: Callable[..., dict[str, Any]], make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    options = {
        "epochs": 1, "backbone": str(make_backbone(tmp_path / "bert", initializer_range=0.2)), "threads": 1,
        "refit": False, "strategy": {"name": "back-translation", "then": {"name": "warm-start", "decoder_layers": 1}},
    }  # fmt: skip
    first = compare(assemble("fit", files("mono.txt", "Tag und Weg\nein Tag\n", **options)), SILENT)
    assert first is not None
    assert [(entry.status, entry.note) for entry in first.entries] == [("done", "")]
    assert "2 pairs more" in first.entries[0].finished.description
    second = compare(from_mapping(dict(first.artifact.recipe), "recipe.yaml"), SILENT)
    assert second is not None
    assert second.artifact.recipe == first.artifact.recipe
    texts = ["the day is long"]
    assert second.artifact.outputs(texts).texts == first.artifact.outputs(texts).texts  # type: ignore[attr-defined]
