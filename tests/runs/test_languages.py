"""A run whose texts the backbone does not read says so everywhere, and `auto` takes the one that does."""

from pathlib import Path
from typing import Any

import pytest
from tests.conftest import make_tiny_backbone

from headstart.backbones.folders import write_prompts
from headstart.backbones.location import BackboneSource, Located, locate
from headstart.errors import ModelError
from headstart.recipes.labelled import Fit
from headstart.recipes.sources import Data
from headstart.runs import languages
from headstart.runs.comparison import set_up
from headstart.runtime.progress import SILENT


def german(path: Path) -> Path:
    rows = [f"Der Akku hält keinen halben Tag und niemand antwortet auf Nachricht {at},{'gut' if at % 2 else 'schlecht'}" for at in range(40)]  # fmt: skip
    path.write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    return path


def recipe(path: Path, location: str = "mini", **changes: Any) -> Fit:
    return Fit(data=Data(train=str(path)), backbone=BackboneSource(location=location), budget=None, **changes)  # type: ignore[arg-type]


def test_plan_and_facts_name_the_better_backbone(tmp_path: Path, tiny_csv: Path) -> None:
    plan = set_up(recipe(german(tmp_path / "de.csv")), SILENT, None, 0.0)
    facts = plan.parts.facts()
    (said,) = [warning for warning in facts["warnings"] if "--backbone multi" in warning]
    assert said.startswith("mini reads English, and the texts are not (it cuts a word into ")
    assert facts["language"]["strange"] and facts["language"]["common_english_words"] < 0.02
    english = set_up(recipe(tiny_csv), SILENT, None, 0.0).parts.facts()
    assert not english["language"]["strange"] and not any("--backbone" in warning for warning in english["warnings"])


def test_auto_is_the_multilingual_one_where_it_is_at_hand_and_wanted(
    tmp_path: Path, tiny_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at_hand, path, expected in ((True, german(tmp_path / "de.csv"), "multi"), (True, tiny_csv, "mini"), (False, tmp_path / "de.csv", "mini")):  # fmt: skip
        monkeypatch.setattr(languages, "at_hand", lambda at_hand=at_hand: at_hand)
        asked: list[str] = []

        def located(source: BackboneSource, *rest: Any, asked: list[str] = asked) -> Located:
            asked.append(source.location)
            return locate(BackboneSource() if source.location == "multi" else source, *rest)

        monkeypatch.setattr("headstart.runs.comparison.locate", located)
        plan = set_up(recipe(path, "auto"), SILENT, None, 0.0)
        assert (asked[-1], plan.recipe.backbone.location) == (expected, expected)
    with pytest.raises(ModelError, match="only fit and compare choose a backbone"):
        locate(BackboneSource(location="auto"))


def test_a_prompt_without_a_place_is_said(tmp_path: Path, tiny_csv: Path) -> None:
    folder = make_tiny_backbone(tmp_path / "net")
    for prompt, count in (("say ", 0), ("good bad very rather indeed the ", 1)):
        write_prompts(folder, {"query": prompt}, prompt)
        plan = set_up(recipe(tiny_csv, str(folder)), SILENT, None, 0.0)
        assert len([said for said in plan.parts.warnings if "which its tokenizer has no place for" in said]) == count
