"""Models that say something else than they are: one line on standard error, and 65."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.invented_artifacts import linear, rewrite

ANSWER, PART = ("answers", "classification"), ("parts", "model")


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        (ANSWER, "task", None),
        (("answers", "classification", "task"), "labels", ["a", "b", "c"]),
        (("answers", "classification", "task"), "labels", None),
        (PART, "description", ["a"]),
        ((), "parts", 3),
    ],
)
def test_a_model_that_contradicts_itself_ends_with_65(
    place: tuple[str, ...], key: str, value: Any, headstart: Callable[..., Any], tmp_path: Path
) -> None:
    folder = linear().save(tmp_path / "run")

    def change(manifest: Any) -> None:
        for each in place:
            manifest = manifest[each]
        manifest[key] = value

    rewrite(folder, change)
    for words in (["predict", "run", "x"], ["show", "model", "run"], ["evaluate", "run", "run/terms.json"]):
        said = headstart(*words)
        assert (said.code, said.out) == (65, "")
        assert "run" in said.err and "Traceback" not in said.err


def test_evidence_that_names_no_chosen_strategy_is_named(headstart: Callable[..., Any], tmp_path: Path) -> None:
    model = linear()
    for board in (None, [], [3], [{"chosen": False}], [{"chosen": True}]):
        model.evidence = {"leaderboard": board}
        model.save(tmp_path / "run", overwrite=True)
        assert headstart("predict", "run", "x").code == 0
        for words in (["show", "model", "run"], ["resume", "run"]):
            said = headstart(*words)
            assert said.code == 65 and "evidence.json is damaged" in said.err and said.out == ""
