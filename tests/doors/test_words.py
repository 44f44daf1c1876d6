"""Tasks on words through all doors, from every kind of file; and the folder without headstart."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.alone import run_in
from tests.folders import snippet

import headstart

FILL = ["the shop", "a parcel", "it", "the day", "a night"]
DAYS, TIMES = ["monday", "monday night"], ["nine", "nine at night"]
SAID = ["the shop opens on monday at nine .", "the parcel , it is on its way", "monday night"]


def sentences(count: int = 240) -> list[tuple[list[str], list[str]]]:
    """Sentences in which days and times are told by their words."""
    rows = []
    for at in range(count):
        words: list[str] = [*FILL[at % 5].split(), "arrives"]
        tags = ["O"] * len(words)
        for word, kind in ((DAYS[at // 5 % 2], "DAY"), (TIMES[at // 10 % 2], "TIME"))[: at % 3]:
            parts = word.split()
            words += ["on", *parts]
            tags += ["O", f"B-{kind}", *[f"I-{kind}"] * (len(parts) - 1)]
        rows.append(([*words, "now", str(at)], [*tags, "O", "O"]))
    return rows


def conll(path: Path, rows: list[tuple[list[str], list[str]]]) -> Path:
    path.write_text(
        "".join("".join(f"{word}\t{tag}\n" for word, tag in zip(*row, strict=True)) + "\n" for row in rows),
        encoding="utf-8",
    )
    return path


def spans(path: Path, rows: list[tuple[list[str], list[str]]]) -> Path:
    """The same as texts with spans of characters, as doccano writes them."""
    lines = []
    for words, tags in rows:
        text, found, place = " ".join(words), [], 0
        for word, tag in zip(words, tags, strict=True):
            if tag.startswith("B-"):
                found.append([place, place + len(word), tag[2:]])
            elif tag.startswith("I-"):
                found[-1][1] = place + len(word)
            place += len(word) + 1
        lines.append(json.dumps({"text": text, "label": found}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def wide(make_backbone: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_backbone(tmp_path_factory.mktemp("wide") / "bert", initializer_range=0.2)


def test_files_of_words_and_files_of_spans_and_all_three_doors_come_to_the_same_model(
    wide: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    rows = sentences()
    file, folder = conll(tmp_path / "rows.conll", rows), tmp_path / "one"
    words = ["--task", "token-classification", "--strategy", "feature-extraction", "--no-controls", "--backbone", wide]
    words += ["--threads", 1, "--seed", 3]
    said = json.loads(command("fit", file, *words, "--output", folder, "--json", "--quiet").out)
    assert said["scores"]["test"]["f1"]["value"] > 0.9
    command("fit", spans(tmp_path / "rows.jsonl", rows), *words, "--output", tmp_path / "two", "--quiet")
    command("run", folder / "recipe.yaml", "--output", tmp_path / "three", "--json", "--quiet")
    table = {"tokens": [words for words, _ in rows], "tags": [tags for _, tags in rows]}
    options = {
        "task": "token-classification",
        "strategy": "feature-extraction",
        "controls": False,
        "threads": 1,
        "seed": 3,
    }
    fourth = headstart.fit(table, backbone=str(wide), **options)
    artifact = headstart.load(folder)
    ours = [row.plain() for row in artifact.predict(SAID)]
    assert any(row["entities"] for row in ours)
    for other in (headstart.load(tmp_path / "two"), headstart.load(tmp_path / "three"), fourth):
        found = [row.plain() for row in other.predict(SAID)]
        assert [row["tags"] for row in found] == [row["tags"] for row in ours]
    assert [json.loads(line) for line in command("predict", folder, *SAID).out.strip().split("\n")] == ours
    page, card = ((folder / name).read_text(encoding="utf-8") for name in ("report.html", "README.md"))
    assert ">None<" not in page and " None" not in card
    assert "counting how often it is true" in page
    assert "pipeline_tag: token-classification" in card


def test_files_keep_their_columns_and_get_tags_and_entities(
    wide: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    file, folder = conll(tmp_path / "rows.conll", sentences(120)), tmp_path / "run"
    command(
        "fit", file, "--task", "token-classification", "--strategy", "crf", "--no-controls", "-o", folder, "--quiet"
    )
    out = tmp_path / "out.conll"
    command("predict", folder, "--input", file, "--output", out, "--quiet")
    before, after = (path.read_text(encoding="utf-8").split("\n") for path in (file, out))
    assert [line.split("\t")[:2] for line in after if line] == [line.split("\t") for line in before if line]
    assert {len(line.split("\t")) for line in after if line} == {3}
    command("predict", folder, "--input", file, "--output", tmp_path / "out.jsonl", "--quiet")
    [first, *_] = [
        json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").split("\n") if line
    ]
    assert list(first) == ["tokens", "tags", "prediction", "entities"]
    assert len(first["prediction"]) == len(first["tokens"])
    found = json.loads(command("evaluate", folder, file, "--json", "--quiet").out)
    assert {*found["types"]} == {"DAY", "TIME"}
    assert found["scores"]["f1"]["value"] > 0.9
    assert "does token-classification" in command("predict", folder, "x", "--abstain", "0.5", code=2).err
    bad = tmp_path / "bad.conll"
    bad.write_text("a\tO\nb\n\nmonday\tB-DAY\n\n", encoding="utf-8")
    kept = json.loads(command("evaluate", folder, bad, "--json", "--quiet").out)
    assert [(row["line"], row["reason"]) for row in kept["dropped_rows"]] == [
        (2, "has 1 column, expected 2; its sentence is left out")
    ]


CASES = [
    ("crf", {}), ("feature-extraction", {}), ("feature-extraction", {"layers": (1, 2), "pooling": "mean"}),
    ("fine-tuning", {"head": "native", "epochs": 1}), ("fine-tuning", {"head": "native", "epochs": 1, "crf": True}),
    ("feature-extraction", {"layers": (1, 2), "pooling": "mean", "crf": True}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("strategy", "more"), CASES, ids=["crf", "frozen", "two layers", "native", "native chain", "chain on two layers"]
)
def test_the_code_on_the_card_finds_the_same_tags_without_headstart(
    strategy: str, more: dict[str, Any], wide: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    artifact = headstart.fit(
        str(conll(tmp_path / "rows.conll", sentences(120))), task="token-classification", strategy=strategy, controls=False,
        backbone=str(wide), threads=1, output=str(folder), cache=False, **more,
    )  # fmt: skip
    code = snippet(folder)
    assert ("AutoModelForTokenClassification" in code) == (strategy == "fine-tuning")
    assert ("transitions between tags" in (folder / "README.md").read_text(encoding="utf-8")) == ("crf" in more)
    given = [text.split(" ") for text in SAID]
    code += f"\nimport json\nprint(json.dumps([predict(words) for words in {given!r}]))"
    assert json.loads(run_in(folder, code)[-1]) == [list(row.tags) for row in artifact.predict(given)]


def test_columns_and_tags_in_other_spellings_come_to_the_same_model(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    rows = sentences(120)
    spelt = {"B": "b", "I": "m", "O": "0"}
    lines = []
    for at, (words, tags) in enumerate(rows):
        lines.append(f"# id {at}\tdomain=x")
        ends = [tag[0] != "O" and other[0] != "I" for tag, other in zip(tags, [*tags[1:], "O"], strict=True)]
        for place, (word, tag, last) in enumerate(zip(words, tags, ends, strict=True)):
            sign = ("s" if tag[0] == "B" else "e") if last else spelt[tag[0]]
            lines.append(f"{place + 1}\t{word}\t_\t{f'{tag[2:]}_{sign}' if tag != 'O' else sign}\t_")
        lines.append("")
    odd, usual = tmp_path / "odd.dat", conll(tmp_path / "usual.conll", rows)
    odd.write_text("\n".join(lines), encoding="utf-8")
    words = ["--task", "token-classification", "--strategy", "crf", "--no-controls", "--threads", 1, "--seed", 0]
    said = command("fit", odd, *words, "--format", "conll", "--output", tmp_path / "one")
    assert f"{odd}: has its words in column 2 and tags in column 4 of 5" in said.err + said.out
    assert f"{odd}: tags are read in the scheme bioes: " in said.err + said.out
    command("fit", usual, *words, "--output", tmp_path / "two", "--quiet")
    one, two = (headstart.load(tmp_path / name) for name in ("one", "two"))
    assert [row.plain() for row in one.predict(SAID)] == [row.plain() for row in two.predict(SAID)]
    asked = ("--format", "conll", "--text", 2, "--label", "column_4", "--json")
    scores = json.loads(command("evaluate", tmp_path / "two", odd, *asked).out)["scores"]
    assert scores == json.loads(command("evaluate", tmp_path / "two", usual, "--json").out)["scores"]
    out = tmp_path / "out.conllu"
    command("predict", tmp_path / "two", "--input", odd, "--format", "conll", "--output", out)
    assert out.read_text(encoding="utf-8").split("\n")[0].split("\t")[:2] == ["1", rows[0][0][0]]
