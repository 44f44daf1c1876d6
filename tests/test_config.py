"""Components: frozen, strict, to plain data and back."""

from typing import Annotated, Any, ClassVar

import pytest
from pydantic import Field

from headstart.config import Component, describe, named, parse
from headstart.errors import RecipeError
from headstart.registry import Registry


class Inner(Component):
    name: ClassVar[str] = "inner"

    size: int = Field(default=1, ge=1)
    """Size."""


class Outer(Component):
    part: Annotated[Component, named(Registry("part", {"inner": f"{__name__}:Inner"}, "test.none"), "inner")] = Field(
        default="inner", validate_default=True
    )
    """Part."""
    words: tuple[str, ...] = ()
    """Words."""
    table: dict[str, float] = Field(default_factory=dict)
    """Table."""


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    module = type(sys)(__name__)
    module.Inner = Inner  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, __name__, module)


@pytest.mark.parametrize("value", ["inner", {"name": "inner"}, {"inner": {}}, {"inner": None}, {}, Inner()])
def test_a_part_may_be_given_in_any_spelling(value: Any) -> None:
    assert parse(Outer, {"part": value}) == Outer()


def test_plain_data_comes_back_equal_and_is_plain() -> None:
    outer = Outer(part=Inner(size=3), words=("a", "b"), table={"x": 1.5})
    assert outer.plain() == {"part": {"name": "inner", "size": 3}, "words": ["a", "b"], "table": {"x": 1.5}}
    assert parse(Outer, outer.plain()) == outer


def test_a_revised_copy_is_checked_and_leaves_the_first_alone() -> None:
    outer = Outer(words=("a",))
    assert outer.revised(table={"x": 1}).words == ("a",)
    assert outer.table == {}
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Inner().revised(size=0)


def test_faults_inside_parts_have_the_whole_path() -> None:
    with pytest.raises(RecipeError, match=r"place has 2 problems") as error:
        parse(Outer, {"part": {"size": 0, "sise": 1}, "words": ()}, "place")
    assert sorted(problem.partition(": ")[0] for problem in error.value.problems) == ["part", "part.size"]
    assert "unknown key 'sise'; did you mean 'size'? (keys here: size)" in str(error.value)


@pytest.mark.parametrize("values", [None, 3, "x", [1]])
def test_what_is_no_mapping_is_refused(values: Any) -> None:
    with pytest.raises(RecipeError, match="expected a mapping of keys to values, found"):
        parse(Outer, values)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "'a'"),
        ("x" * 70, "'" + "x" * 57 + "...'"),
        (3, "3"),
        (None, "nothing"),
        (True, "true"),
        ([1], "a list"),
        ({}, "a mapping"),
    ],
)
def test_values_are_shown_shortly(value: Any, expected: str) -> None:
    assert describe(value) == expected
