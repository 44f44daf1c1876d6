"""Soups of runs that exist: their mean, and what is refused before any time is spent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.errors import DataError, HeadstartError, MissingInputError, ModelError, RecipeError
from headstart.recipes.effects import without_effect
from headstart.recipes.parsing import assemble, from_mapping
from headstart.runs.comparison import RunResult, compare
from headstart.runs.conditions import conditions
from headstart.runtime.progress import SILENT
from headstart.strategies import weight_points

QUERY = "backbone.network.encoder.layer.1.attention.self.query.weight"
NATIVE = {"name": "fine-tuning", "head": "native", "head_first": False}
"""Without a head that is known, training always moves the weights: there is no start that could be better."""
Runs = dict[str, Path]


def write(path: Path, count: int, first: int, labels: tuple[str, str] = ("down", "up")) -> Path:
    words = ["shop", "day", "night", "parcel", "way"]
    lines = [
        f"{'good' if at % 2 else 'bad'} {words[at % 5]} {words[at % 3]} {at},{labels[(at % 2) ^ (at % 5 == 0)]}"
        for at in range(first, first + count)
    ]
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    return path


def ran(**options: Any) -> RunResult:
    usual = {
        "controls": False, "threads": 1, "epochs": 1, "precision": "float32", "learning_rate": 3e-3, "cache": False, "measure": [],
        "folds": None if options.get("validation") else 0,
    }  # fmt: skip
    found = compare(
        assemble("fit", {key: value for key, value in (usual | options).items() if value is not None}), SILENT
    )
    assert found is not None
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, make_backbone: Callable[..., Path]) -> Runs:
    """Files of three parts, and two runs on them with seeds of their own."""
    place = tmp_path_factory.mktemp("members")
    found = {"backbone": make_backbone(place / "tiny")}
    for name, count, first in (("train", 60, 0), ("validation", 24, 100), ("test", 12, 200)):
        found[name] = write(place / f"{name}.csv", count, first)
    for seed, name in enumerate(("a", "b")):
        found[name] = place / name
        found[name].mkdir()
        ran(**given(found), strategy=NATIVE, seed=seed).artifact.write(found[name])
    return found


def given(runs: Runs, **changes: Any) -> dict[str, Any]:
    return {name: str(runs[name]) for name in ("train", "validation", "test", "backbone")} | changes


def soup(runs: Runs, members: tuple[Any, ...] = ("a", "b"), **changes: Any) -> RunResult:
    folders = [str(runs.get(each, each)) for each in members]
    options: dict[str, Any] = {"epochs": None, "learning_rate": None}
    return ran(**given(runs, average="soup", member_runs=folders, **options) | changes)


def weights_of(predictor: Any) -> dict[str, np.ndarray]:
    predictor = getattr(predictor, "network", predictor)
    return {name: tensor.numpy().copy() for name, tensor in predictor.model.state_dict().items()}


def test_a_soup_of_runs_is_the_mean_of_their_networks_and_its_recipe_makes_it_again(runs: Runs) -> None:
    found = soup(runs, gate=False)
    first, second = (weights_of(headstart.load(runs[name]).predictor) for name in ("a", "b"))
    mean = weights_of(found.artifact.predictor)
    assert not np.array_equal(first[QUERY], second[QUERY])
    assert np.allclose(mean[QUERY], (first[QUERY] + second[QUERY]) / 2, atol=1e-7)
    added = found.artifact.evidence["added"]
    assert (added["what"], added["kept"]) == ("the soup of 2 runs", True)
    assert "one basin: halfway between" in added["said"]
    assert [*added["parts"]["test"]["without"]] == [str(runs["a"]), str(runs["b"])]
    assert found.artifact.evidence["data"]["warnings"] == [
        "only 12 test rows: intervals are wide, and differences of a few points are noise"
    ]
    again = compare(from_mapping(found.artifact.recipe, "recipe"), SILENT)  # type: ignore[arg-type]
    assert again is not None
    assert all(np.array_equal(each, mean[name]) for name, each in weights_of(again.artifact.predictor).items())


def test_the_greedy_soup_takes_runs_that_make_it_no_worse_the_best_one_first(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranks = iter([(0.5, 0.0), (0.9, 0.0), (0.8, 0.0)])  # of a, of b, of both
    monkeypatch.setattr(weight_points, "sort_key", lambda *_: next(ranks))
    found = soup(runs, gate=False, greedy=True)
    assert found.artifact.evidence["added"]["what"] == "the soup of 2 runs, 1 of them taken greedily"
    said = weights_of(found.artifact.predictor)[QUERY]
    assert np.array_equal(said, weights_of(headstart.load(runs["b"]).predictor)[QUERY])
    strategy = found.artifact.recipe["strategy"]
    assert (len(strategy["member_runs"]), strategy["greedy"]) == (2, True)  # one run is none that a recipe could name


def test_a_soup_that_loses_is_refused_and_never_learns_again(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    from headstart.strategies import weight_averaging

    monkeypatch.setattr(weight_averaging, "judged", lambda *_, **__: (False, "refused: it lost"))
    found = soup(runs, refit=True, metric="log_loss")
    evidence = found.artifact.evidence
    assert evidence["added"]["kept"] is False
    part = evidence["added"]["parts"]["test"]
    row = part["without"]["the kept model"]
    mine = next(line["scores"]["test"] for line in evidence["leaderboard"] if line["chosen"])["log_loss"]
    assert row["score"]["value"] == mine["value"]
    mean = soup(runs, gate=False, metric="log_loss").artifact.evidence["added"]["parts"]["test"]["with"]
    assert part["with"]["value"] == pytest.approx(mean["value"], abs=1e-7)
    assert abs(mean["value"] - mine["value"]) > 1e-6
    verdict = " ".join(evidence["verdict"])
    assert "On 12 test rows it would have reached" in verdict
    assert "These scores were read when the choice was made, and have no say in it." in verdict
    said = weights_of(found.artifact.predictor)[QUERY]
    assert np.array_equal(said, weights_of(headstart.load(runs["a"]).predictor)[QUERY])
    assert evidence["refit"] == {"note": "the networks of its member runs are finished and are not trained again"}
    assert found.artifact.recipe["strategy"]["member_runs"] == [str(runs["a"]), str(runs["b"])]


def test_a_run_that_learnt_rows_of_validation_or_test_is_refused(runs: Runs, tmp_path: Path) -> None:
    others = str(write(tmp_path / "others.csv", 40, 300))
    with pytest.raises(
        DataError, match=r"a has learnt from 8 rows that choices are made on: validation rows of .*train.csv"
    ):
        soup(runs, train=str(runs["train"]), validation=None, validation_share=0.15)
    with pytest.raises(DataError, match=r"learnt from 60 rows that scores are reported on: test rows .* --no-refit"):
        soup(runs, train=others, test=str(runs["train"]))
    both = tmp_path / "both.csv"
    both.write_text(Path(others).read_text() + runs["train"].read_text().partition("\n")[2])
    found = soup(runs, train=str(both), test=str(runs["train"]))  # leaks of the run itself, which its own checks say
    assert any(
        "60 test rows have a text that is also a training row" in each
        for each in found.artifact.evidence["data"]["warnings"]
    )


@pytest.mark.slow
def test_an_average_of_runs_has_learnt_what_these_have(runs: Runs, tmp_path: Path) -> None:
    others = str(write(tmp_path / "others.csv", 40, 300))
    average = tmp_path / "average"
    average.mkdir()
    soup(runs, gate=False).artifact.write(average)
    with pytest.raises(DataError, match="average has learnt from 60 rows"):
        soup(runs, (average, "b"), train=others, validation=str(runs["train"]))


def test_a_run_that_learnt_from_its_validation_rows_again_is_refused_on_them(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    ran(**given(runs), strategy=NATIVE, refit=True, seed=2).artifact.write(tmp_path / "again")
    with pytest.raises(DataError, match="again has learnt from 24 rows that choices are made on: validation rows"):
        soup(runs, ("a", tmp_path / "again"))


def test_what_a_run_learnt_from_is_said_to_be_unknown_where_its_rows_are_gone(runs: Runs, tmp_path: Path) -> None:
    moved = runs["train"].rename(tmp_path / "moved.csv")
    try:
        found = soup(runs, train=str(write(tmp_path / "others.csv", 40, 300)))
    finally:
        moved.rename(runs["train"])
    warnings = [each for each in found.artifact.evidence["data"]["warnings"] if "nobody can tell" in each]
    assert len(warnings) == 2
    assert "cannot be read again" in warnings[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"member_runs": "runs/a"}, "one run, runs/a, has no average; name at least two"),
        ({"member_runs": "runs/a,runs/./a"}, "the run runs/./a is named twice"),
        ({"member_runs": "runs/a,runs/b", "member_seeds": [1, 2]}, "give one of the two"),
        ({"member_runs": "runs/a,runs/b", "members": 2}, "members.* the soup is made of `member_runs`"),
        ({"member_runs": "runs/a,runs/b", "average": "wise"}, "it is about soups"),
        ({"member_runs": "runs/a,runs/b", "epochs": 2}, "trains nothing by gradient"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        assemble("fit", {"train": "a.csv", "average": "soup"} | options)


def test_runs_are_found_from_elsewhere_and_what_would_be_trained_is_said_to_have_no_effect() -> None:
    recipe: Any = assemble(
        "fit", {"train": "a.csv", "member_runs": "runs/a,/there/b", "strategy": "lora", "average": "soup"}
    )
    [moved] = recipe.moved(Path("/here")).strategies
    assert moved.member_runs == ("/here/runs/a", "/there/b")
    assert [each.place for each in without_effect(recipe)] == [("weight-averaging", "then")]
    plain = assemble("fit", {"train": "a.csv", "member_runs": "runs/a,runs/b", "average": "soup"})
    assert without_effect(plain) == []


def test_a_run_that_goes_on_from_elsewhere_finds_the_same_inputs(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    here = runs["train"].parent
    monkeypatch.chdir(here)
    recipe: Any = assemble("fit", {"train": "train.csv", "member_runs": "a,b", "average": "soup"})
    before = conditions(recipe, None, None, 1, 1)["inputs"]
    monkeypatch.chdir("/")
    assert len(before) == 3 and conditions(recipe.moved(here), None, None, 1, 1)["inputs"] == before


def test_runs_that_have_no_mean_are_refused_before_anything_is_fitted(
    runs: Runs, tmp_path: Path, make_backbone: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from headstart.strategies.weight_averaging import WeightAveraging

    monkeypatch.setattr(WeightAveraging, "fit", lambda *_: pytest.fail("time was spent"))

    def fitted(name: str, strategy: Any) -> Path:
        (tmp_path / name).mkdir()
        alone = {"strategy": strategy} | ({"epochs": None, "learning_rate": None} if strategy == "tf-idf" else {})
        ran(**given(runs) | alone).artifact.write(tmp_path / name)
        return tmp_path / name

    def refused(kind: type[HeadstartError], message: str, *members: Any, **changes: Any) -> None:
        with pytest.raises(kind, match=message):
            soup(runs, members, **changes)

    (tmp_path / "copy").symlink_to(runs["a"])
    refused(MissingInputError, "there is no run folder", "a", tmp_path / "none")
    refused(ModelError, "holds no headstart model", "a", tmp_path)
    refused(ModelError, "tf-idf.* holds no network with a head", "a", fitted("words", "tf-idf"))
    refused(RecipeError, "is named twice", "a", tmp_path / "copy")
    refused(
        RecipeError,
        r"the heads of .*a and .*mean read different states: pooling 'first' and 'mean'",
        "a",
        fitted("mean", NATIVE | {"head": "mean"}),
    )
    wide = str(make_backbone(tmp_path / "wide", hidden_size=48))
    refused(
        RecipeError, "a has another network than .*wide: hidden_size 32 and 48.*--backbone", "a", "b", backbone=wide
    )
    refused(RecipeError, "another tokenizer .* max_length 48 and 16", "a", "b", max_length=16)
    labels = {
        name: str(write(tmp_path / f"{name}.csv", 40, at, ("no", "yes")))
        for name, at in (("train", 0), ("validation", 60), ("test", 110))
    }
    refused(RecipeError, "knows the labels 'down', 'up', and the data has 'no', 'yes'", "a", "b", **labels)
    pairs = {"task": "multi-label-classification"}
    refused(RecipeError, "is a model for text-classification, and this run is about multi-label", "a", "b", **pairs)
    refused(DataError, "choices are made by cross-validation.*--validation", "a", "b", validation=None, folds=2)
    refused(RecipeError, "is one of the runs that are averaged", "a", "b", output=str(runs["a"]))
