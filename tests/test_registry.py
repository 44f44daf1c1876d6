"""Names to components."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from headstart import registry
from headstart.errors import HeadstartError, RecipeError
from headstart.registry import Registry, did_you_mean


def test_names_keep_the_order_of_the_table_and_import_nothing() -> None:
    found = Registry("thing", {"b": "no.such.module:X", "a": "json:JSONDecoder"}, "test.none")
    assert found.names() == ["b", "a"]
    assert found.get("a").__name__ == "JSONDecoder"


def test_an_unknown_name_is_refused_with_the_nearest_and_all_known() -> None:
    found = Registry("thing", {"alpha": "json:x", "beta": "json:y"}, "test.none")
    with pytest.raises(RecipeError, match=r"unknown thing 'alpa'; did you mean 'alpha'\? \(known: alpha, beta\)"):
        found.get("alpa")


def test_other_packages_add_names_and_never_replace_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("own", "elsewhere:Evil", "g"), EntryPoint("new", "headstart.errors:HeadstartError", "g")]
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints(points))
    found = Registry("thing", {"own": "json:JSONDecoder"}, "g")
    assert found.names() == ["own", "new"]
    assert found.get("new") is HeadstartError
    assert found.get("own").__name__ == "JSONDecoder"


def test_the_summary_is_the_first_line_of_the_module() -> None:
    assert (
        Registry("thing", {"x": "headstart.metrics.calibration:no"}, "g")
        .summary("x")
        .startswith("Do probabilities mean")
    )
    assert Registry("thing", {"x": "nosuchmodule:no"}, "g").summary("x") == ""


@pytest.mark.parametrize(
    ("word", "expected"),
    [("Label", "; did you mean 'label'?"), ("lable", "; did you mean 'label'?"), ("zzzz", ""), ("", "")],
)
def test_the_nearest_word_is_asked_for(word: str, expected: str) -> None:
    assert did_you_mean(word, ["text", "label"]) == expected
