"""Whatever stands in a manifest, a configuration or a recipe, it is believed as it stands or refused in plain words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.attacks.attempts import Honest

from headstart.backbones.location import CONFIG, BackboneSource, locate
from headstart.errors import HeadstartError, ModelError, RecipeError
from headstart.manifest import MANIFEST, Manifest, checkable, checked_manifest, read_manifest
from headstart.recipes.base import Recipe
from headstart.recipes.parsing import from_mapping

numbers = st.integers() | st.floats() | st.integers(-3, 3)
texts = st.text(max_size=8) | st.sampled_from(["", "model", "label", "../x", "/etc/hostname", "\x1b[2J", "bert", "up"])
plain = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def replaced(values: Any, path: tuple[int, ...], new: Any) -> Any:
    """Plain data with something else in one place, which numbers lead to from the top."""
    if not path or not isinstance(values, dict | list) or not values:
        return new
    keys = list(values) if isinstance(values, dict) else list(range(len(values)))
    key = keys[path[0] % len(keys)]
    changed = values.copy()
    changed[key] = replaced(values[key], path[1:], new)
    return changed


def bounded(error: HeadstartError) -> None:
    assert 0 < len(str(error)) < 6000


@pytest.fixture
def manifest(honest: dict[str, Honest]) -> dict[str, Any]:
    return json.loads((honest["network"].folder / MANIFEST).read_text())


def test_a_manifest_is_of_its_shape_or_refused(manifest: dict[str, Any], tmp_path: Path) -> None:
    manifest.pop("sha256")

    @quick
    @given(st.lists(st.integers(0, 99), min_size=1, max_size=5).map(tuple), plain)
    def check(path: tuple[int, ...], new: Any) -> None:
        values = replaced(manifest, path, new)
        try:
            (tmp_path / MANIFEST).write_text(json.dumps(values))
            said, _ = read_manifest(tmp_path)
            assert isinstance(checked_manifest(tmp_path, said), Manifest)
        except ModelError as error:
            bounded(error)

    check()


def test_a_manifest_that_is_written_reads_back_and_one_that_was_changed_does_not(
    manifest: dict[str, Any], tmp_path: Path
) -> None:
    manifest.pop("sha256")

    @quick
    @given(st.lists(st.integers(0, 99), min_size=1, max_size=5).map(tuple), plain)
    def check(path: tuple[int, ...], new: Any) -> None:
        written = checkable(manifest)
        changed = replaced(manifest, path, new)
        if not isinstance(changed, dict) or json.dumps(changed) == json.dumps(manifest):
            return
        (tmp_path / MANIFEST).write_text(json.dumps(written))
        assert read_manifest(tmp_path)[0] == json.loads(json.dumps(manifest))
        (tmp_path / MANIFEST).write_text(json.dumps(changed | {"sha256": written["sha256"]}))
        with pytest.raises(ModelError):
            read_manifest(tmp_path)

    check()


def test_a_configuration_is_used_or_refused(honest: dict[str, Honest], make_copy: Callable[[Path], Path]) -> None:
    folder = make_copy(honest["backbone"].folder)
    config = json.loads((folder / CONFIG).read_text())

    @quick
    @given(st.lists(st.integers(0, 99), min_size=1, max_size=3).map(tuple), plain)
    def check(path: tuple[int, ...], new: Any) -> None:
        (folder / CONFIG).write_text(json.dumps(replaced(config, path, new)))
        try:
            located = locate(BackboneSource(location=str(folder)))
            assert located.config["model_type"] == "bert"
        except ModelError as error:
            bounded(error)

    check()


def test_a_recipe_is_one_or_refused() -> None:
    known = {"verb": "fit", "data": {"train": "a.csv"}, "strategies": ["tf-idf"], "training": {"epochs": 2}, "seed": 1}

    @quick
    @given(st.lists(st.integers(0, 99), min_size=1, max_size=4).map(tuple), plain)
    def check(path: tuple[int, ...], new: Any) -> None:
        values = replaced(known, path, new)
        try:
            found = from_mapping(values, "recipe")
        except RecipeError as error:
            bounded(error)
            return
        assert isinstance(found, Recipe)
        again = from_mapping(found.plain(), "recipe")
        assert json.dumps(again.plain(), default=str) == json.dumps(found.plain(), default=str)

    check()
