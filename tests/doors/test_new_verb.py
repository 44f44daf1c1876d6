"""A verb of another package: one file and one line, and every door leads to it."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import headstart
from headstart.recipes.parsing import assemble
from headstart.recipes.verbs import VERBS, Verb

FILE = '''
"""Counting words."""
from typing import ClassVar
from pydantic import Field
from headstart.recipes.base import Recipe
from headstart.runs.outcome import Call, Outcome


class Count(Recipe):
    """Words in, their number out.

    Nobody reads on in a list.
    """

    verb: ClassVar[str] = "count"
    positional: ClassVar[tuple[str, ...]] = ("texts",)

    texts: tuple[str, ...]
    """Texts whose words are counted."""
    times: int = Field(default=1, ge=1)
    """How often each word counts, at least 1."""
    letters: bool = False
    """Count letters too."""


def carry_out(recipe: Count, call: Call) -> Outcome:
    call.progress.say("count", f"{len(recipe.texts)} texts")
    found = {"words": recipe.times * sum(len(text.split()) for text in recipe.texts)}
    return Outcome(found | ({"letters": sum(map(len, recipe.texts))} if recipe.letters else {}))
'''


@pytest.fixture(params=["an entry point", "a line in the table"])
def count(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The verb `count`, by either way in which verbs become known."""
    (tmp_path / "counting_words.py").write_text(FILE)
    about = tmp_path / "counting-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n")
    table, functions = dict(VERBS._table), dict(VERBS._functions)
    if request.param == "an entry point":
        (about / "entry_points.txt").write_text("[headstart.verbs]\ncount = counting_words:Count\n")
    else:
        verb = Verb("counting_words:Count", "counting_words:carry_out")
        table["count"], functions["count"] = verb
    monkeypatch.setattr(VERBS, "_table", table)
    monkeypatch.setattr(VERBS, "_functions", functions)
    monkeypatch.setattr(VERBS, "_extended", False)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("counting_words", None)


def test_a_new_verb_is_one_file_and_one_line_and_every_door_leads_to_it(
    count: None, command: Callable[..., Any], tmp_path: Path
) -> None:
    assert command("count", "two words", "one", "--times", "2").out == "words            6\n"
    assert command("count", "two words", "one", "--times", "2").err == "count        2 texts\n"
    assert json.loads(command("count", "one", "--letters", "--json").out) == {"words": 1, "letters": 3}
    assert json.loads(command("count", "one", "--set", "times=3", "--json", "--quiet").out) == {"words": 3}
    recipe = {"verb": "count", "texts": ["two words", "one"], "times": 2}
    assert headstart.run(recipe) == {"words": 6}  # pyright: ignore[reportCallIssue]
    (tmp_path / "r.yaml").write_text(json.dumps(recipe))
    assert json.loads(command("run", tmp_path / "r.yaml", "--json").out) == {"words": 6}
    assert assemble("count", {"texts": ("a",), "times": 4}).plain() == {
        "verb": "count", "texts": ["a"], "times": 4, "letters": False
    }  # fmt: skip


def test_help_and_faults_of_a_new_verb_are_those_of_any_other(count: None, command: Callable[..., Any]) -> None:
    assert re.search(r"^  count +Words in, their number out.$", command("--help").out, re.MULTILINE)
    shown = command("count", "--help").out
    assert re.search(r"^  TEXT\.\.\. +Texts whose words are counted\.$", shown, re.MULTILINE)
    assert re.search(r"^  --times INT +How often each word counts, at least 1\. \[default: 1\]$", shown, re.MULTILINE)
    assert re.search(r"^  --letters +Count letters too\.$", shown, re.MULTILINE)
    assert "headstart count books/*.txt --times 2" in command("explain", "times").out
    assert "Nobody reads on" not in shown
    assert "times: should be at least 1, found '0'" in command("count", "a", "--times", 0, code=64).err
    assert "no such option: --time (did you mean --times?); see" in command("count", "a", "--time", 1, code=2).err
    with pytest.raises(headstart.HeadstartError, match="did you mean 'count'.*predict, evaluate.*, count"):
        headstart.run({"verb": "counts"})


@pytest.mark.parametrize("verb", VERBS.names())
def test_every_verb_has_a_line_of_help_and_a_function(verb: str) -> None:
    cls = VERBS.get(verb)
    assert cls.verb == verb
    assert VERBS.summary(verb) == (cls.__doc__ or "").split("\n")[0] != ""
    assert VERBS.summary(verb).endswith(".")
    assert callable(VERBS.function(verb))
    assert set(cls.positional) <= {key for key, info in cls.model_fields.items()} | {"train", "texts"}
