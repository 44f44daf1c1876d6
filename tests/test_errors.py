"""The tree of errors: every one of its own code, documented, and reachable."""

import re

import pytest

import headstart
from headstart import errors
from headstart.errors import HeadstartError, RecipeError


def tree() -> list[type[HeadstartError]]:
    return [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, HeadstartError)]


@pytest.mark.parametrize("cls", tree())
def test_every_error_descends_from_one_and_says_what_it_is(cls: type[HeadstartError]) -> None:
    assert issubclass(cls, HeadstartError)
    assert cls.__doc__
    assert cls is HeadstartError or cls.__bases__[0] in (HeadstartError, errors.Interrupted)


def test_the_exit_codes_are_those_of_the_drawn_tree() -> None:
    drawn = dict(re.findall(r"[├└]── (\w+)\s+(\d+)", errors.__doc__ or ""))
    found = {
        cls.__name__: str(cls.exit_code)
        for cls in tree()
        if cls is not HeadstartError and not issubclass(cls, errors.Interrupted)
    }
    assert drawn == found
    assert (errors.Interrupted.exit_code, errors.Ended.exit_code) == (130, 143)


def test_a_recipe_error_lists_its_problems() -> None:
    assert str(RecipeError(["a: b"], "r.yaml")) == "r.yaml has 1 problem:\n  - a: b"
    assert str(RecipeError(["a", "b"])) == "recipe has 2 problems:\n  - a\n  - b"


def test_public_names_are_there_and_others_are_not() -> None:
    for name in headstart.__all__:
        assert getattr(headstart, name) is not None
    assert dir(headstart) == headstart.__all__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = headstart.nothing  # type: ignore[attr-defined]
