"""Names to components."""

from pathlib import Path

import pytest

from headstart.errors import HeadstartError, RecipeError
from headstart.registry import Registry, did_you_mean, first_line


def test_names_keep_the_order_of_the_table_and_import_nothing() -> None:
    found = Registry("thing", {"b": "no.such.module:X", "a": "json:JSONDecoder"}, "test.none")
    assert found.names() == ["b", "a"]
    assert found.get("a").__name__ == "JSONDecoder"


def test_an_unknown_name_is_refused_with_the_nearest_and_all_known() -> None:
    found = Registry("thing", {"alpha": "json:x", "beta": "json:y"}, "test.none")
    with pytest.raises(RecipeError, match=r"unknown thing 'alpa'; did you mean 'alpha'\? \(known: alpha, beta\)"):
        found.get("alpa")


def test_other_packages_add_names_and_never_replace_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tmp_path / "elsewhere-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[test.things]\nown = elsewhere:Evil\nnew = headstart.errors:HeadstartError\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = Registry("thing", {"own": "json:JSONDecoder"}, "test.things")
    assert found.names() == ["own", "new"]
    assert found.get("new") is HeadstartError
    assert found.get("own").__name__ == "JSONDecoder"
    assert Registry("thing", {}, "test.others").names() == []


def test_the_summary_is_the_first_line_of_the_module() -> None:
    assert (
        Registry("thing", {"x": "headstart.metrics.calibration:no"}, "g")
        .summary("x")
        .startswith("Do probabilities mean")
    )
    assert Registry("thing", {"x": "nosuchmodule:no"}, "g").summary("x") == ""


def test_the_first_line_of_a_class_is_read_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "not_imported.py").write_text(
        '"""The module.\n\nMore."""\nraise ImportError\nclass AB:\n    """Another."""\nclass A(list, tuple):\n    """One.\n\n    More."""\n'
        "class Bare:\n    x = 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    lines = [first_line(f"not_imported{name}") for name in ("", ":A", ":AB", ":Bare", ":None")]
    assert lines == ["The module.", "One.", "Another.", "", ""]


@pytest.mark.parametrize(
    ("word", "expected"),
    [("Label", "; did you mean 'label'?"), ("lable", "; did you mean 'label'?"), ("zzzz", ""), ("", "")],
)
def test_the_nearest_word_is_asked_for(word: str, expected: str) -> None:
    assert did_you_mean(word, ["text", "label"]) == expected


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("lable", ["text", "label"], "label"),  # two letters swapped are one slip
        ("Batch-Size", ["batch_size"], "batch_size"),
        ("learning", ["learning_rate", "layers"], "learning_rate"),
        ("max", ["max_length", "max_grad_norm"], ""),  # the beginning of two
        ("depth", ["width", "epochs"], ""),
        ("lr", ["or", "layers"], ""),
        ("layer", ["layer_decay", "layers"], "layers"),
        ("c", ["C", "cache"], "C"),
        ("", ["a"], ""),
        ("strategie", ["tasks", "strategies"], "strategies"),
        ("size", ["seed", "since"], ""),
        ("strategy", ["strategies", "strategic"], "strategies"),
        ("tokens", ["folds", "targets"], ""),
    ],
)
def test_only_a_near_word_is_proposed(word: str, known: list[str], meant: str) -> None:
    from headstart.registry import near

    assert near(word, known) == meant
