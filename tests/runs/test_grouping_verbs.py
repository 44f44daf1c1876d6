"""The verbs `duplicates` and `cluster`, whole: rows in are rows said, the same in any order, and bad input is named."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headstart
from headstart.errors import DataError, HeadstartError, MissingInputError, RecipeError, RunFolderError
from headstart.recipes.effects import without_effect
from headstart.recipes.parsing import assemble
from headstart.runs import collection

LONG = (
    "the parcel was to come on monday and it is on its way now and you say it arrives at nine good day and good night"
)
ROWS = [
    "it is good", "It is  GOOD", "it is very good indeed", LONG, "the shop opens at nine", LONG + " sir", "it is good",
    "bad start and a bad end", "bad night",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADSTART_CACHE_GB", "0")


@pytest.fixture
def rows_csv(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "match"])
        writer.writerows([at, text, "x"] for at, text in enumerate([*ROWS, " "]))
    return path


@pytest.fixture
def found(tiny_backbone: Path) -> Callable[..., dict[str, Any]]:
    def call(data: Any, verb: str = "duplicates", **options: Any) -> dict[str, Any]:
        call = getattr(headstart, verb)
        return call(data, backbone=str(tiny_backbone), precision="float32", **options)

    return call


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_copies_and_near_copies_are_groups_whatever_the_threshold(found: Callable[..., dict[str, Any]]) -> None:
    said = found(ROWS, threshold=1.0)
    copies, near = said["duplicate_groups"]
    assert (copies["rows"], copies["representative"]["line"], copies["representative"]["why"]) == (
        3, 1, "the first of rows with one text",
    )  # fmt: skip
    assert [(row["line"], row["match"], row["cosine"]) for row in copies["others"]] == [
        (2, "copy", 1.0),
        (7, "copy", 1.0),
    ]
    assert (near["rows"], near["representative"]["line"]) == (2, 4)
    assert [(row["line"], row["match"]) for row in near["others"]] == [(6, "near copy")]
    assert [(pair["line"], pair["other_line"], pair["match"]) for pair in said["pairs"]] == [(4, 6, "near copy")]
    assert (said["rows"], said["copies"], said["duplicates"], said["pairs_found"]) == (9, 2, 3, 1)
    assert found(ROWS, threshold=1.0, near_duplicates=0.0)["duplicates"] == 2


def test_pairs_at_the_threshold_are_those_of_the_vectors(
    found: Callable[..., dict[str, Any]], tiny_backbone: Path
) -> None:
    from headstart.backbones.base import open_backbone
    from headstart.backbones.location import BackboneSource, locate
    from headstart.predictors.encoding import encode

    texts = [ROWS[at] for at in (0, 2, 3, 4, 7, 8)]
    vectors = encode(
        open_backbone(locate(BackboneSource(location=str(tiny_backbone)))), texts, precision="float32"
    ).vectors
    cosines = vectors @ vectors.T
    threshold = float(np.median(cosines[np.triu_indices(6, 1)]))
    said = found(texts, threshold=round(threshold, 4), near_duplicates=0.0)
    wanted = {
        (one + 1, other + 1) for one, other in zip(*np.nonzero(np.triu(cosines >= round(threshold, 4), 1)), strict=True)
    }
    assert {(pair["line"], pair["other_line"]) for pair in said["pairs"]} == wanted
    for pair in said["pairs"]:
        assert pair["cosine"] == pytest.approx(float(cosines[pair["line"] - 1, pair["other_line"] - 1]), abs=1e-4)


def test_every_row_of_the_file_is_written_beside_its_own_columns(
    found: Callable[..., dict[str, Any]], rows_csv: Path, tmp_path: Path
) -> None:
    said = found(rows_csv, threshold=1.0, output=str(tmp_path / "out.csv"))
    written = read(tmp_path / "out.csv")
    assert [row["id"] for row in written] == [str(at) for at in range(10)]
    names = "duplicate_group", "group_rows", "representative", "cosine", "match"
    assert [*written[0]] == ["id", "text", "match", *(f"headstart_{name}" for name in names)]  # the file has a `match`
    own = [tuple(row[f"headstart_{name}"] for name in names) for row in written]
    assert own[0] == ("1", "3", "yes", "1.000000", "")
    assert own[1] == ("1", "3", "no", "1.000000", "copy")
    assert own[5][:3] + own[5][4:] == ("2", "2", "no", "near copy")
    assert own[2] == own[9] == ("", "", "", "", "")
    assert [(row["line"], row["reason"]) for row in said["dropped_rows"]] == [(11, "no text")]
    assert said["rows"] + len(said["dropped_rows"]) == len(written)


def test_a_folder_holds_rows_groups_pairs_and_the_result(
    found: Callable[..., dict[str, Any]], rows_csv: Path, tmp_path: Path
) -> None:
    said = found(rows_csv, threshold=1.0, output=str(tmp_path / "out"))
    folder = tmp_path / "out"
    assert sorted(path.name for path in folder.iterdir()) == [
        "groups.csv", "headstart.json", "pairs.csv", "result.json", "rows.csv",
    ]  # fmt: skip
    assert json.loads((folder / "result.json").read_text()) == said
    assert [(row["line"], row["other_line"], row["other_text"]) for row in read(folder / "pairs.csv")] == [
        ("5", "7", LONG + " sir")
    ]
    assert [(row["rows"], row["file"], row["line"]) for row in read(folder / "groups.csv")] == [
        ("3", str(rows_csv), "2"), ("2", str(rows_csv), "5"),
    ]  # fmt: skip
    with pytest.raises(RunFolderError, match="exists"):
        found(rows_csv, threshold=1.0, output=str(folder))
    found(rows_csv, threshold=1.0, output=str(folder), overwrite=True)
    (folder / "mine.txt").write_text("x")
    with pytest.raises(RunFolderError, match=r"mine\.txt"):
        found(rows_csv, threshold=1.0, output=str(folder), overwrite=True)
    with pytest.raises(HeadstartError, match="holds tables of what was found in a file, and no model"):
        headstart.load(folder)


def test_labelled_pairs_choose_the_threshold_and_say_what_it_is_worth(
    found: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "pairs.csv"
    lines = [f"good day {at % 7},good day {at % 7} sir,duplicate\n" for at in range(40)]
    lines += [f"good day {at % 7},the shop opens at nine and you say it is bad {at},other\n" for at in range(40)]
    path.write_text("text1,text2,label\n" + "".join(lines), encoding="utf-8")
    said = found(ROWS, pairs=str(path), least_precision=0.6)
    assert (said["threshold_by"], said["labelled_pairs"]["pairs"], said["labelled_pairs"]["duplicates"]) == (
        "labelled pairs", 80, 40,
    )  # fmt: skip
    assert said["labelled_pairs"]["recall"]["n"] == 40
    assert said["labelled_pairs"]["least_precision"] == 0.6


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,b,same\nx,y,same\n", {}, "all of the 2 pairs are duplicates"),
        ("a,b,odd\nx,y,odd\n", {}, "all pairs have the label 'odd'"),
        ("a,b,red\nx,y,blue\n", {}, r"it is open which label is that of duplicates \('red' 1, 'blue' 1\)"),
        ("a,b,red\nx,y,blue\n", {"positive": "green"}, "no pair has the label 'green'"),
        (
            "a,b,0.5\nx,y,3.5\nu,v,5\n",
            {},
            "numbers from 0.5 to 5; say from which on one is a duplicate, as in --positive 5",
        ),
        ("a,b,0.5\nx,y,3.5\nu,v,5\n", {"positive": "6"}, "none of the 3 pairs are duplicates"),
        ("a,,same\n", {}, "has no row with two texts and a label"),
    ],
)
def test_labelled_pairs_that_choose_nothing_are_refused(
    found: Callable[..., dict[str, Any]], tmp_path: Path, text: str, options: dict[str, str], message: str
) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("text1,text2,label\n" + text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        found(ROWS, pairs=str(path), **options)


def test_scores_that_are_no_numbers_are_left_out_and_a_number_says_from_which_on_pairs_are_duplicates(
    tmp_path: Path,
) -> None:
    from headstart.runs.labelled_pairs import labelled_pairs
    from headstart.runtime.progress import SILENT

    path = tmp_path / "pairs.csv"
    path.write_text("text1,text2,label\na,b,1.5\nc,d,4\ne,f,nan\ng,h,4.5\na,i,0\n", encoding="utf-8")
    recipe = assemble("duplicates", {"input": "x.csv", "pairs": str(path), "positive": "4"})
    found = labelled_pairs(recipe, SILENT)  # type: ignore[arg-type]
    assert found.same.tolist() == [False, True, True, False]
    assert [(row.line, row.reason) for row in found.dropped] == [(4, "label 'nan' is no number")]
    groups = found.groups
    assert groups[0] == groups[3]  # both have `a`
    assert len(set(groups.tolist())) == 3


def test_the_same_clusters_come_in_whatever_order_rows_stand(found: Callable[..., dict[str, Any]]) -> None:
    rows = [
        f"{one} {two} {three}"
        for one in ("good", "bad", "very")
        for two in ("day", "night")
        for three in ("shop", "parcel", "start", "end")
    ]
    rows += rows[:5]
    order = np.random.default_rng(3).permutation(len(rows))
    one = found(rows, "cluster", k=4)
    other = found([rows[at] for at in order], "cluster", k=4)
    assert [row["cluster"] for row in other["assigned"]] == [one["assigned"][at]["cluster"] for at in order]
    for key in ("rows", "share", "cohesion", "words"):
        assert [each[key] for each in one["clusters"]] == [each[key] for each in other["clusters"]]
    assert [[example["text"] for example in each["examples"]] for each in one["clusters"]] == [
        [example["text"] for example in each["examples"]] for each in other["clusters"]
    ]
    assert one["comparison"] == other["comparison"]


def test_all_rows_are_in_a_cluster_or_in_none_and_labels_have_no_say(
    found: Callable[..., dict[str, Any]], tiny_csv: Path, tmp_path: Path
) -> None:
    said = found(tiny_csv, "cluster", label="label", output=str(tmp_path / "out"))
    assert sum(each["rows"] for each in said["clusters"]) + said["in_no_cluster"]["rows"] == said["rows"] == 60
    assert [each["rows"] for each in said["clusters"]] == sorted(
        (each["rows"] for each in said["clusters"]), reverse=True
    )
    assert said["comparison"]["agreement"]["rows"] == 60
    assert {*said["comparison"]["agreement"]} == {"rows", "network", "tf-idf", "gain"}
    assert said["trials"][0]["k"] == 2
    written = read(tmp_path / "out" / "rows.csv")
    assert len(written) == 60
    assert {row["cluster"] for row in written} <= {"none", *(str(each["cluster"]) for each in said["clusters"])}
    names = [row["words"] for row in read(tmp_path / "out" / "clusters.csv")]
    assert names == [" ".join(each["words"]) for each in said["clusters"]]
    plain = found(tiny_csv, "cluster", k=said["k"])
    assert plain["clusters"] == said["clusters"]
    assert plain["comparison"]["agreement"] is None
    assert len(plain["assigned"]) == 60


@pytest.mark.parametrize(
    ("verb", "data", "options", "message"),
    [
        ("cluster", ["one text"] * 5, {}, "all 5 rows have one text"),
        ("cluster", ["a", "b", "c", "A"], {"k": 4}, "has 3 different texts, and 4 clusters are asked for"),
        ("duplicates", ["", "  ", "a"], {}, "1 row of 3 have a text in text"),
        ("duplicates", {"body": ["a b", "c d"]}, {"text": "txt"}, r"has no column 'txt'.*columns: body"),
        ("cluster", {"text": ["a b", "c d"], "kind": ["x", "x"]}, {"label": "kind"}, "column 'kind' has 1 label, and"),
        ("cluster", {"text": ["a b", "c d"]}, {"label": "text"}, "column 'text' is the text"),
        ("cluster", {"text": ["a b", "c d"]}, {"label": "kid"}, "has no column 'kid'"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    found: Callable[..., dict[str, Any]], verb: str, data: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        found(data, verb, **options)


@pytest.mark.parametrize(
    ("verb", "options", "message"),
    [
        ("duplicates", {"threshold": 1.5}, "threshold: "),
        ("duplicates", {"threshold": 0}, "threshold: "),
        ("duplicates", {"threshold": "high"}, "threshold: "),
        ("duplicates", {"threshold": float("nan")}, "threshold: "),
        ("duplicates", {"least_precision": 1.0}, "least_precision: "),
        ("duplicates", {"threshold": 0.9, "pairs": "p.csv"}, "give `pairs` or `threshold`, not both"),
        ("cluster", {"k": 1}, "k: "),
        ("cluster", {"k": "many"}, "k: "),
    ],
)
def test_values_outside_of_their_range_are_refused_before_anything_is_read(
    verb: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        assemble(verb, {"input": "rows.csv"} | options)


def test_keys_about_labelled_pairs_have_no_effect_without_them() -> None:
    recipe = assemble("duplicates", {"input": "a.csv", "positive": "x", "least_precision": 0.9, "overwrite": True})
    assert [idle.place for idle in without_effect(recipe)] == [("overwrite",), ("positive",), ("least_precision",)]
    assert without_effect(recipe.revised(pairs="p.csv", output="out")) == []
    assert without_effect(assemble("cluster", {"input": "a.csv", "k": 3})) == []


def test_all_texts_alike_are_one_group_of_copies(found: Callable[..., dict[str, Any]]) -> None:
    said = found(["one text", "One text", "one  text"])
    assert [(group["rows"], group["mean_cosine"]) for group in said["duplicate_groups"]] == [(3, 1.0)]
    assert (said["mean_cosine"], said["threshold"]) == (None, 0.9)


def test_lines_of_a_text_file_are_rows_and_empty_ones_are_none(
    found: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("good day\n\nbad night\r\ngood  day\n", encoding="utf-8")
    [group] = found(path, threshold=1.0)["duplicate_groups"]
    assert (group["representative"]["line"], group["others"][0]["line"]) == (1, 4)
    with pytest.raises(MissingInputError, match="nothing"):
        found(tmp_path / "nothing.csv")


def test_the_file_that_is_read_is_no_output_and_the_texts_are_cut_where_the_network_stops(
    found: Callable[..., dict[str, Any]], rows_csv: Path
) -> None:
    with pytest.raises(RunFolderError, match="is the file that is read"):
        found(rows_csv, output=str(rows_csv), overwrite=True)
    assert found(["good " * 600, "bad night"], threshold=1.0)["truncated"] == 1


def test_what_json_prints_has_these_keys_and_no_others(found: Callable[..., dict[str, Any]], tiny_csv: Path) -> None:
    shared = {"file", "rows", "text", "backbone", "truncated", "dropped_rows"}
    assert {*found(tiny_csv, threshold=1.0)} == shared | {
        "threshold", "threshold_by", "labelled_pairs", "mean_cosine", "copies", "duplicates", "duplicate_groups", "pairs", "pairs_found",
    }  # fmt: skip
    said = found(tiny_csv, "cluster", k=3)
    assert {*said} == shared | {"k", "trials", "clusters", "in_no_cluster", "comparison", "assigned"}
    assert {*said["clusters"][0]} == {"cluster", "rows", "share", "cohesion", "words", "examples"}


def test_people_see_the_largest_groups_and_clusters_with_their_first_texts(
    found: Callable[..., dict[str, Any]],
) -> None:
    from headstart.cli.groups import clusters, duplicate_groups

    lines = duplicate_groups(found(ROWS, threshold=1.0)).split("\n")
    assert lines[0].startswith(
        "3 of 9 rows (33.3 %) repeat another: 2 copies, 1 nearly so or with a cosine of 1.000 or more; 2 groups"
    )
    assert lines[1] == "Threshold 1.000 as given"
    assert lines[4].split()[:4] == ["1", "3", "1", "it"]
    some = found(ROWS, "cluster", k=3)
    shown = clusters(some | {"clusters": [some["clusters"][0]] * 43})
    assert "3 clusters: --json, or -o FOLDER" in shown
    assert "more" not in clusters(some)
    assert "tf-idf" in shown


def test_vectors_of_many_texts_are_computed_once(
    found: Callable[..., dict[str, Any]], rows_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_CACHE_GB", "1")
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(collection, "LEAST_TEXTS", 2)
    first = found(rows_csv, threshold=0.99)
    monkeypatch.setattr("headstart.predictors.encoding.encode", lambda *_, **__: pytest.fail("computed again"))
    assert found(rows_csv, threshold=0.99) == first
    assert found(rows_csv, "cluster", k=2)["rows"] == 9
