"""The verb `suggest`, whole: which rows a person should label next, and that the file can be filled in and learnt from."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.invented_artifacts import NUMBERS, TAGS, linear, network

import headstart
from headstart.errors import DataError, MissingInputError, RecipeError, RunFolderError, UsageError
from headstart.recipes.effects import without_effect
from headstart.recipes.parsing import assemble
from headstart.tasks.multi_label_classification import MultiLabelClassification
from headstart.tasks.text_pair_classification import TextPairClassification

LONG = "the parcel was to come on monday and it is on its way now and you say it arrives at nine good day"
ROWS = [
    f"{one} {two} {three}"
    for one in ("a good", "bad bad", "the very")
    for two in ("day", "night", "shop")
    for three in ("opens", "is it", "and you")
] + [LONG, LONG + " sir", "A  GOOD day opens"]  # fmt: skip
SETS = MultiLabelClassification(text=("text",), label="labels", labels=("x", "y", "z"))
TWO = TextPairClassification(text=("one", "two"), label="same", labels=("no", "yes"), metric="accuracy")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TF-IDF with random weights."""
    return linear().save(tmp_path_factory.mktemp("models") / "m")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def texts_of(said: dict[str, Any]) -> list[str]:
    return [row["text"] for row in said["suggested"]]


def test_without_clusters_they_are_the_most_uncertain_rows_by_the_model_s_own_probabilities(model: Path) -> None:
    said = headstart.suggest(ROWS, model=str(model), best=5, candidates=1)
    shares = np.sort(headstart.load(model).predict_proba(ROWS), axis=1)
    unsure = 1 - (shares[:, 1] - shares[:, 0])
    order = [at for at in np.argsort(-unsure.round(6), kind="stable") if at not in (28, 29)]  # copies of others
    assert texts_of(said) == [ROWS[at] for at in order[:5]]
    for rank, (row, at) in enumerate(zip(said["suggested"], order[:5], strict=True), 1):
        assert (row["rank"], row["line"]) == (rank, at + 1)
        assert row["uncertainty"] == pytest.approx(unsure[at], abs=1e-5)
        assert row["confidence"] == pytest.approx(shares[at, 1], abs=1e-5)
    assert (said["by"], said["vectors"]) == ("margin", "")


def test_decisions_of_the_model_count(tmp_path: Path) -> None:
    from headstart.decisions.thresholds import Thresholds

    artifact = linear()
    shares = artifact.predict_proba(ROWS)[:, 1]
    border = float(np.quantile(shares, 0.8))
    artifact.decisions = (Thresholds(values=(1 - border, border)),)
    artifact.save(tmp_path / "m")
    said = headstart.suggest(ROWS, model=str(tmp_path / "m"), best=3, candidates=1)
    chosen = [float(shares[ROWS.index(text)]) for text in texts_of(said)]
    assert np.abs(np.array(chosen) - border).max() < np.abs(chosen[0] - 0.5)


def test_copies_are_suggested_once_and_labelled_texts_never(model: Path, tmp_path: Path) -> None:
    every = headstart.suggest(ROWS, model=str(model), best=28)
    assert len({*texts_of(every)}) == 28
    assert len({LONG, LONG + " sir"} & {*texts_of(every)}) == 1
    assert [row["rows"] for row in every["suggested"] if row["text"].lower().split() == ROWS[0].split()] == [2]
    with pytest.raises(DataError, match=r"has 28 texts that are neither .* and 29 are asked for.*--best"):
        headstart.suggest(ROWS, model=str(model), best=29)
    labelled = tmp_path / "labelled.csv"
    labelled.write_text("text,label\n" + f"{LONG},yes\na GOOD day opens,no\n", encoding="utf-8")
    said = headstart.suggest(ROWS, model=str(model), best=26, labelled=str(labelled))
    assert not {LONG, LONG + " sir", ROWS[0], ROWS[-1]} & {*texts_of(said)}
    assert (said["labelled"], said["near_copies"]) == (3, 1)
    with pytest.raises(DataError, match="has 26 texts"):
        headstart.suggest(ROWS, model=str(model), best=27, labelled=str(labelled))
    with pytest.raises(DataError, match="all of its texts, or near copies of them, are labelled already"):
        headstart.suggest([LONG + " sir"], model=str(model), best=1, labelled=str(labelled))


def test_rows_with_a_label_are_left_out(model: Path) -> None:
    rows = {"text": ROWS[:6], "label": ["no", "", " ", "yes", None, ""]}
    said = headstart.suggest(rows, model=str(model), best=4)
    assert sorted(row["line"] for row in said["suggested"]) == [2, 3, 5, 6]
    rows["label"] = ["no"] * 6
    with pytest.raises(DataError, match=r"column 'label' is filled in; name another with --label"):
        headstart.suggest(rows, model=str(model), best=1)
    assert len(headstart.suggest(rows, model=str(model), best=6, label="mine")["suggested"]) == 6


@pytest.mark.parametrize("with_model", [True, False])
def test_the_same_rows_come_in_whatever_order_they_stand(model: Path, tiny_backbone: Path, with_model: bool) -> None:
    options: dict[str, Any] = {"model": str(model), "candidates": 3} if with_model else {"backbone": str(tiny_backbone)}
    order = np.random.default_rng(3).permutation(len(ROWS))
    one = headstart.suggest(ROWS, best=6, **options)
    other = headstart.suggest([ROWS[at] for at in order], best=6, **options)
    assert texts_of(one) == texts_of(other)
    assert [order[row["line"] - 1] + 1 for row in other["suggested"]] == [row["line"] for row in one["suggested"]]


def test_the_file_has_all_columns_and_one_to_fill_in_and_is_learnt_from(model: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "to_label.csv"
    with source.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "rank"])
        writer.writerows([at, text, "x"] for at, text in enumerate([*ROWS, " "]))
    said = headstart.suggest(source, model=str(model), best=12, output=str(target))
    written = read(target)
    assert [*written[0]] == [
        "id", "text", "rank", "label", "headstart_rank", "headstart_predicted_label", "headstart_confidence", "headstart_uncertainty",
    ]  # fmt: skip
    assert [row["headstart_rank"] for row in written] == [str(rank) for rank in range(1, 13)]
    assert [(row["text"], row["label"]) for row in written] == [(text, "") for text in texts_of(said)]
    assert [int(row["id"]) + 2 for row in written] == [row["line"] for row in said["suggested"]]
    assert [(row["line"], row["reason"]) for row in said["dropped_rows"]] == [(32, "no text")]
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*written[0]])
        writer.writeheader()
        writer.writerows(row | {"label": ("no", "yes")[at % 2]} for at, row in enumerate(written[:-1]))
        writer.writerow(written[-1])
    fitted = headstart.fit(target, strategy="tf-idf", controls=False, output=str(tmp_path / "again"))
    assert (fitted.task.text, fitted.task.label, fitted.labels) == (("text",), "label", ("no", "yes"))
    with pytest.raises(RunFolderError, match="exists"):
        headstart.suggest(source, model=str(model), best=2, output=str(target))
    with pytest.raises(RunFolderError, match="is the file that is read"):
        headstart.suggest(source, model=str(model), best=2, output=str(source), overwrite=True)


def test_rows_come_out_of_different_clusters_of_the_model_s_own_network(tiny_backbone: Path, tmp_path: Path) -> None:
    network(tiny_backbone).save(tmp_path / "m")
    said = headstart.suggest(ROWS, model=str(tmp_path / "m"), best=3, candidates=9, precision="float32")
    assert said["vectors"] == "the model's network"
    from headstart.backbones.base import open_backbone
    from headstart.backbones.location import BackboneSource, locate
    from headstart.grouping.diverse import one_of_each_cluster
    from headstart.predictors.encoding import encode

    every = headstart.suggest(ROWS, model=str(tmp_path / "m"), best=27, candidates=1, precision="float32")
    texts, unsure = texts_of(every), np.array([row["uncertainty"] for row in every["suggested"]])
    vectors = encode(
        open_backbone(locate(BackboneSource(location=str(tiny_backbone)))), texts, precision="float32"
    ).vectors
    assert texts_of(said) == [texts[at] for at in one_of_each_cluster(vectors, unsure, 3, seed=0)]


def test_without_a_model_labelled_texts_are_kept_away_from(tiny_backbone: Path, tmp_path: Path) -> None:
    rows = [f"good good day {word}" for word in ("one", "two", "now")] * 3 + ["night bad shop bad", "parcel opens nine"]
    labelled = tmp_path / "labelled.csv"
    labelled.write_text("text,label\ngood good day end,x\n", encoding="utf-8")
    said = headstart.suggest(rows, best=2, backbone=str(tiny_backbone), labelled=str(labelled), precision="float32")
    assert {*texts_of(said)} == {*rows[-2:]}
    assert said["model"] is said["by"] is None
    assert {*said["suggested"][0]} == {"rank", "line", "text", "rows"}


def test_label_sets_are_as_uncertain_as_their_least_certain_label(tiny_backbone: Path, tmp_path: Path) -> None:
    network(tiny_backbone, SETS).save(tmp_path / "m")
    found = headstart.suggest(ROWS[:9], model=str(tmp_path / "m"), best=3, candidates=1, precision="float32")
    shares = headstart.load(tmp_path / "m", precision="float32").predict_proba(ROWS[:9])
    order = np.argsort(-(1 - np.abs(2 * shares - 1)).max(1).round(6), kind="stable")[:3]
    assert [row["line"] - 1 for row in found["suggested"]] == order.tolist()
    assert found["label"] == ["labels"]
    for row in found["suggested"]:
        own = shares[row["line"] - 1]
        assert row["predicted_label"] == json.dumps(
            [name for name, share in zip("xyz", own, strict=True) if share >= 0.5]
        )
        assert row["confidence"] == pytest.approx(np.maximum(own, 1 - own).min(), abs=1e-5)


def test_pairs_are_read_from_two_columns(tiny_backbone: Path, tmp_path: Path) -> None:
    artifact = network(tiny_backbone, TWO)
    artifact.predictor.backbone.pairs = True
    artifact.save(tmp_path / "m")
    rows = {"one": ROWS[:9], "two": [*ROWS[9:17], ""]}
    options: dict[str, Any] = {"model": str(tmp_path / "m"), "precision": "float32"}
    found = headstart.suggest(rows, best=3, candidates=1, **options)
    pairs = list(zip(rows["one"][:8], rows["two"][:8], strict=True))
    shares = headstart.load(tmp_path / "m", precision="float32").predict_proba(pairs)
    order = np.argsort(-(1 - np.abs(shares[:, 0] - shares[:, 1])).round(6), kind="stable")[:3]
    assert [row["line"] - 1 for row in found["suggested"]] == order.tolist()
    assert [row["reason"] for row in found["dropped_rows"]] == ["one text of the pair is missing"]
    assert len(headstart.suggest(rows, best=3, candidates=2, **options)["suggested"]) == 3
    with pytest.raises(DataError, match="reads pairs of texts; name two columns with --text"):
        headstart.suggest(rows, text="one", best=3, **options)


def test_sentences_are_as_uncertain_as_their_least_certain_word(tiny_backbone: Path, tmp_path: Path) -> None:
    network(tiny_backbone, TAGS).save(tmp_path / "m")
    lines = [[("good", "O"), ("day", "O")], [("bad", "O"), ("night", "O"), ("shop", "O")], [("the", "O")]]
    path = tmp_path / "rows.conll"
    path.write_text("\n\n".join("\n".join(word for word, _ in line) for line in lines) + "\n", encoding="utf-8")
    artifact = headstart.load(tmp_path / "m", precision="float32")
    given = artifact.inputs([[word for word, _ in line] for line in lines])
    shares, units = artifact.task.choices(artifact.decide(artifact.raw_outputs(given)))  # type: ignore[misc]
    top = np.sort(shares, axis=1)
    unsure = np.array([(1 - top[own, -1] + top[own, -2]).max() for own in map(units.of, [[0], [1], [2]])])
    found = headstart.suggest(path, model=str(tmp_path / "m"), text="1", best=3, precision="float32")
    order = np.argsort(-unsure.round(6), kind="stable").tolist()
    assert [row["text"] for row in found["suggested"]] == [" ".join(word for word, _ in lines[at]) for at in order]
    assert [row["uncertainty"] for row in found["suggested"]] == pytest.approx(unsure[order], abs=1e-5)


def test_lines_of_a_text_file_are_rows_whatever_the_column_of_the_model_is_called(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(ROWS[:5]) + "\n", encoding="utf-8")
    said = headstart.suggest(path, model=str(model), best=2, output=str(tmp_path / "out.tsv"))
    assert {*texts_of(said)} <= {*ROWS[:5]}
    assert (tmp_path / "out.tsv").read_text().split("\n")[0].split("\t")[:2] == ["text", "label"]
    with pytest.raises(DataError, match="no column 'text'"):
        headstart.suggest({"body": ROWS, "id": ROWS}, model=str(model), best=2)


def test_what_cannot_be_suggested_from_is_refused(model: Path, tiny_backbone: Path, tmp_path: Path) -> None:
    network(tiny_backbone, NUMBERS).save(tmp_path / "numbers")
    with pytest.raises(
        UsageError, match="this one does text-regression, and does not say how unsure it is; leave it out"
    ):
        headstart.suggest(ROWS, model=str(tmp_path / "numbers"), best=2)
    with pytest.raises(MissingInputError, match="no run folder"):
        headstart.suggest(ROWS, model=str(tmp_path / "none"), best=2)
    with pytest.raises(DataError, match="0 rows of 2 have a text"):
        headstart.suggest(["", " "], model=str(model), best=1)
    with pytest.raises(DataError, match="column 'text' is the text"):
        headstart.suggest(ROWS, model=str(model), best=1, label="text")
    with pytest.raises(MissingInputError, match="none.csv"):
        headstart.suggest(ROWS, model=str(model), best=1, labelled=str(tmp_path / "none.csv"))
    for options in ({"best": 0}, {"best": 1001}, {"candidates": 0}, {"by": "chance"}):
        with pytest.raises(RecipeError, match=f"{next(iter(options))}: "):
            assemble("suggest", {"input": "rows.csv"} | options)


def test_keys_about_uncertainty_have_no_effect_without_a_model() -> None:
    recipe = assemble("suggest", {"input": "a.csv", "by": "entropy", "candidates": 3})
    assert [idle.place for idle in without_effect(recipe)] == [("by",), ("candidates",)]
    assert without_effect(recipe.revised(model="runs/a")) == []
    both = assemble("suggest", {"input": "a.csv", "model": "runs/a", "backbone": "org/net"})
    assert [idle.place for idle in without_effect(both)] == [("backbone", "location")]


def test_people_see_the_first_rows_and_why_they_are_these(model: Path) -> None:
    from headstart.cli.groups import suggested

    result = headstart.suggest(ROWS, model=str(model), best=28)
    lines = suggested(result).split("\n")
    assert lines[0].startswith("28 of 30 rows to label next: those that ")
    assert lines[0].endswith("is least sure of by margin")
    assert lines[2].split() == ["rank", "line", "predicted", "label", "confidence", "text"]
    assert lines[3].split()[0] == "1"
    assert lines[-1] == "and 8 rows more: --json, or -o FILE"


def test_what_json_prints_has_these_keys_and_no_others(model: Path) -> None:
    said = headstart.suggest(ROWS, model=str(model), best=2)
    assert {*said} == {
        "file", "rows", "text", "model", "by", "vectors", "label", "suggested", "labelled", "near_copies", "dropped_rows",
    }  # fmt: skip
    assert {*said["suggested"][0]} == {"rank", "line", "text", "predicted_label", "confidence", "uncertainty", "rows"}
    assert said["vectors"] == "tf-idf"
