"""YAML of recipes and options: what has no end, what has two meanings and what no file can hold is refused with its line."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given as given_any
from hypothesis import strategies as st

from headstart.cli.options import parse_sets
from headstart.errors import MissingInputError, RecipeError
from headstart.recipes.notation import LONG, MOST_VALUES, unwritable, written
from headstart.recipes.parsing import assemble, from_mapping, read

BEGIN = "verb: fit\ndata: {train: rows.csv}\nstrategy: tf-idf\n"
LAUGHS = "x0: &x0 [a, a, a, a, a, a, a, a]\n" + "".join(
    f"x{at}: &x{at} [{', '.join([f'*x{at - 1}'] * 8)}]\n" for at in range(1, 30)
)


def problems(tmp_path: Path, text: str) -> list[str]:
    """What a recipe of this text is refused for, within seconds and in a message that has an end."""
    path = tmp_path / "r.yaml"
    path.write_bytes(text.encode("utf-8"))
    begun = time.monotonic()
    with pytest.raises(RecipeError, match=r"r\.yaml has \d+ problem") as error:
        read(path)
    assert time.monotonic() - begun < 5
    assert len(str(error.value)) < 30_000
    return list(error.value.problems)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[" * 50_000, "line 1: is nested more than 30 levels deep"),
        ("[" * 100_000, "line 1: is nested more than 30 levels deep"),
        (BEGIN + "a: " + "{b: " * 400, "line 4: is nested more than 30 levels deep"),
        (BEGIN + "".join(f"{' ' * at}k:\n" for at in range(90)), "line 33: is nested more than 30 levels deep"),
        (BEGIN + "a: &a {b: *a}", "line 4: is nested more than 30 levels deep, or has an anchor that holds itself"),
        (BEGIN + LAUGHS, f"line 4: comes to more than {MOST_VALUES:,} values, which no recipe does"),
        (BEGIN + f"seed: {'7' * 5_000}", "line 4: seed: is a number of 5,000 characters, the limit is 40"),
        (BEGIN + f"seed: 0x{'f' * 5_000}", "line 4: seed: is a number of 5,002 characters, the limit is 40"),
        (BEGIN + f"seed: {'7' * 5_000}.5", "line 4: seed: is a number of 5,002 characters, the limit is 40"),
        (f"# {'c' * 1_100_000}\n{BEGIN}", "is over 1,048,576 characters long, which no recipe is"),
        (BEGIN + "seed: 1\nseed: 2", "line 5: seed: stands there twice, in lines 4 and 5; YAML would take the last one"),
        (BEGIN + "seed: 1\n'seed': 1", "line 5: seed: stands there twice, in lines 4 and 5; YAML would take the last one"),
        (BEGIN + "rows: no", "line 4: rows: 'no' is false to some readers of YAML and something else to others; put it in quotes, or write"),
        (BEGIN + "task: {label: ON}", "line 4: task.label: 'ON' is true to some readers of YAML"),
        (BEGIN + "budget: 1:30", "line 4: budget: '1:30' is a number to the base of 60 to some readers"),
        (BEGIN + "seed: 017", "line 4: seed: '017' is a number to the base of 8 to some readers"),
        (BEGIN + "seed: 0o17", "line 4: seed: should be a whole number, found '0o17'"),
        (BEGIN + "seed: 0b11", "line 4: seed: '0b11' is a number to the base of 2 to some readers"),
        (BEGIN + "output: 2024-02-30", "line 4: output: '2024-02-30' is a date to some readers"),
        ("data: {train: a.csv, delimiter: =}", "line 1: data.delimiter: '=' is a sign to some readers"),
        (BEGIN + "training: {<<: {epochs: 2}}", "line 4: training.<<: '<<' would merge keys, which is not read; write them out"),
        (BEGIN + "yes: 1", "line 4: yes: 'yes' is true to some readers"),
        (BEGIN + "~: 1", "line 4: ~: the name nothing is no text here; put names such as yes, no and 1 in quotes"),
        (BEGIN + "task: {class_weight: {2: 1}}", "line 4: task.class_weight.2: the name 2 is no text here; put names such as"),
        (BEGIN + "? [a, b]\n: 1", "line 4: a list or a mapping stands where a key is expected"),
        (BEGIN + "seed: !!int '1'", "line 4: the tag 'tag:yaml.org,2002:int' is not read; leave it away"),
        (BEGIN + "output: !!python/name:os.system", "line 4: the tag 'tag:yaml.org,2002:python/name:os.system' is not read"),
        (BEGIN + "seed: *nothing", "line 4: there is no anchor 'nothing' before this"),
        (BEGIN + "--- {}", "line 4: another document begins, and a recipe is one"),
        (BEGIN + r'output: "\UFFFFFFFF"', "line 4: has a number or a character that is out of range"),
        (f"%YAML {'1' * 5_000}.1\n---\n{BEGIN}", "line 1: has a number or a character that is out of range"),
        (BEGIN + "output: a\0b", "line 4: not YAML: the character U+0000 cannot stand in it"),
        (BEGIN + r'output: "a\0b"', r"line 4: output: 'a\x00b' holds a NUL character, which no name of a file can"),
        (BEGIN + r'output: "\ud800x"', r"line 4: output: '\ud800x' has half of a surrogate pair, which is no character; write"),
        (BEGIN + r'"\udfff": 1', "line 4: \udfff: '\\udfff' has half of a surrogate pair"),
        (BEGIN + f"output: {'o' * 230}", f"line 4: output: '{'o' * 57}...' has a name of 230 bytes, and 215 are possible here"),
        (BEGIN + f"output: {'ö/' * 600}x", f"line 4: output: '{('ö/' * 29)[:57]}...' has 1,801 bytes, and 1,000 are possible here"),
        (BEGIN + "output: '..'", "line 4: output: '..' has no name of its own; name a file or a folder"),
        (BEGIN + "output: ''", "line 4: output: '' has no name of its own; name a file or a folder"),
        (r'data: {train: "a\0.csv"}', r"line 1: data.train: 'a\x00.csv' holds a NUL character"),
        (f"data: {{train: {'a' * 300}}}", f"line 1: data.train: '{'a' * 57}...' has a name of 300 bytes, and 255 are possible here"),
        (r'data: {train: a.csv, tests: {b: "\0"}}', r"line 1: data.tests: '\x00' holds a NUL character"),
        (BEGIN + f"backbone: {'b' * 300}", f"line 4: backbone.location: '{'b' * 57}...' has a name of 300 bytes"),
        (f"verb: {'v' * 5_000}", f"line 1: verb: unknown verb '{'v' * 57}...' (known: fit, compare"),
        (BEGIN + f"{'k' * 900}: 1", f"line 4: unknown key '{'k' * 57}...' at the top level (keys here: data"),
    ],
)  # fmt: skip
def test_what_no_recipe_means_is_refused_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    found = problems(tmp_path, text)
    assert [line for line in found if line.startswith(fault)], found
    assert len(found) == 1, found


def test_a_misspelt_verb_is_named_beside_all_other_faults(tmp_path: Path) -> None:
    found = problems(tmp_path, "verb: fitt\nseed: -1\nrows: yes\nepocs: 1\ndata: {}\n")
    assert [line.partition(": ")[0] for line in found] == ["line 1", "line 2", "line 3", "line 4", "line 5"]
    assert found[0].startswith("line 1: verb: unknown verb 'fitt'; did you mean 'fit'?")
    assert found[4] == "line 5: data.train: is required"


def test_thousands_of_faults_are_counted_and_not_listed(tmp_path: Path) -> None:
    found = problems(tmp_path, BEGIN + "".join(f"key{at}: 1\n" for at in range(5_000)))
    assert len(found) == 101
    assert found[0].startswith("line 4: unknown key 'key0'")
    assert found[-1] == "and 4,900 more"


def test_values_are_what_they_look_like() -> None:
    text = (
        "a: true\nb: False\nc: ~\nd: 1_000\ne: 0x1F\nf: 2.5e+3\ng: 1e-5\nh: 'yes'\ni: \"017\"\nj: &j [x, 08.5]\nk: *j\n"
        'l: "\\ud83d\\ude00"\nm: |\n  no\n'
    )
    found = written(text, "r.yaml")
    assert found.faults == []
    assert found.values == {
        "a": True, "b": False, "c": None, "d": 1000, "e": 31, "f": 2500.0, "g": "1e-5", "h": "yes", "i": "017",
        "j": ["x", 8.5], "k": ["x", 8.5], "l": "😀", "m": "no\n",
    }  # fmt: skip


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    [
        "yes",
        "No",
        "on",
        "~",
        "null",
        "017",
        "08",
        "0o17",
        "0b1",
        "1_000",
        "1:30",
        "2024-01-01",
        "<<",
        "=",
        "1e5",
        ".5",
        "- a",
        "a: b",
        "\x85",
    ]
)
PLAIN = st.recursive(
    TEXTS
    | st.booleans()
    | st.none()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given_any(PLAIN)
def test_what_is_written_as_a_recipe_reads_back_equal(values: Any) -> None:
    found = written(yaml.safe_dump({"a": values}), "r.yaml")
    assert found.faults == []
    assert found.values == {"a": values}


def test_a_long_text_is_read_as_a_short_one_is() -> None:
    short = {f"label {at}": at / 7 for at in range(50)}
    for count in (50, 2_500):
        text = "".join(f"'label {at}': {at / 7!r}  # {at}\n" for at in range(count)) + "seed: 017\nseed: 1\n"
        assert (len(text) > LONG) == (count > 50)
        found = written(text, "r.yaml")
        assert {key: found.values[key] for key in short} == short
        assert [fault.place for fault in found.faults] == [("seed",), ("seed",)]
        with pytest.raises(RecipeError, match=f"line {count + 3}: the tag"):
            written(text + "a: !!set {b}\n", "r.yaml")
        with pytest.raises(RecipeError, match=f"line {count + 3}, column 1: not YAML"):
            written(text + "]", "r.yaml")


def test_a_pipe_is_read_and_one_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecipeError, match="expected keys and values"):
        read(tmp_path / "pipe")
    reading, writing = os.pipe()
    os.write(writing, BEGIN.encode())
    os.close(writing)
    assert read(f"/dev/fd/{reading}") == assemble("fit", {"train": "rows.csv", "strategy": "tf-idf"})
    os.close(reading)
    with pytest.raises(RecipeError, match="is over 1,048,576 characters"):
        read("/dev/zero")
    with pytest.raises(MissingInputError, match="there is no recipe file"):
        read(tmp_path / "pipe" / "r.yaml")


def deep(levels: int) -> Any:
    """Mappings inside of each other."""
    return {"a": deep(levels - 1)} if levels else 1


@pytest.mark.parametrize(
    "values",
    [
        {"training": deep(500)},
        {"seed": 10**5_000},
        {"output": "\ud800"},
        {"output": Path("a\udcff")},
        {"class_weight": {"\ud800": 1.0}},
        {".".join("a" * 5_000): 1},
    ],
)
def test_python_is_refused_what_no_file_can_hold(values: dict[str, Any]) -> None:
    for make in (lambda: assemble("fit", {"train": "a.csv"} | values), lambda: from_mapping(values, "here")):
        with pytest.raises(RecipeError, match="has 1 problem") as error:
            make()
        assert len(str(error.value)) < 500
    assert unwritable({"a": ["b", {"c": 10**39}], "texts": ("ä", "😀"), "d": True}) == []


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (["seed"], "--set seed: expected KEY=VALUE, such as strategy.layers=2"),
        (["=1"], "--set =1: expected KEY=VALUE"),
        (["seed=1", "seed=2"], "--set seed=2: 'seed' is given twice; give it once"),
        (["training.batch-size=1", "training.batch_size=1"], "'training.batch_size' is given twice"),
        (["rows=no"], "--set rows=no: 'no' is false to some readers of YAML"),
        (["seed=" + "[" * 50_000], "is not a YAML value: is nested more than 30 levels deep"),
        (["seed=" + "8" * 5_000], "is a number of 5,000 characters, the limit is 40"),
        (["seed=!!python/name:os.system"], "is not a YAML value: the tag"),
        (["a=&a [*a]"], "an anchor that holds itself"),
        (["seed=1\nseed: 2"], r"--set seed=1\nseed: 2: '1\nseed: 2' is not a YAML value: mapping values are not allowed here"),
    ],
)  # fmt: skip
def test_values_that_are_set_are_read_as_strictly(given: list[str], fault: str) -> None:
    with pytest.raises(RecipeError, match="the command line has 1 problem") as error:
        parse_sets(given)
    assert fault in str(error.value)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "path",
    ["strategies.99999999999999999999.C", "strategies.-1.C", "strategies.²", "strategies.٣.C", "strategies.01.C"],
)
def test_an_entry_of_a_list_is_counted_in_plain_digits(path: str) -> None:
    with pytest.raises(RecipeError, match="is not an entry there"):
        assemble("compare", {"train": "a.csv", "strategies": "tf-idf,fine-tuning"}, {path: 1})
