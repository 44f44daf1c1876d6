"""What people are shown of characters that are not seen."""

import unicodedata

import pytest

from headstart.errors import DataError, HeadstartError, RecipeError
from headstart.types import probability_columns
from headstart.unseen import escaped, on_one_line

SEEN_FORMATS = {
    *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440),
}  # fmt: skip
"""Of category Cf, and yet they have a shape: signs of numbers in Arabic, Syriac and the like."""


def test_every_character_that_moves_turns_or_hides_is_escaped_alone() -> None:
    for code in range(0x110000):
        sign = chr(code)
        kind = unicodedata.category(sign)
        if sign not in "\n\t" and kind in ("Cc", "Cf", "Cs", "Zl", "Zp") and code not in SEEN_FORMATS:
            assert escaped(sign).isascii(), hex(code)
            assert escaped(f"a{sign}b").isascii(), hex(code)
        elif kind[0] in "LNPS" and not unicodedata.name(sign, "").endswith(("FILLER", "BLANK")):
            assert escaped(sign) == sign, hex(code)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\rb\x0bc\x85d\u2028e", r"a\rb\x0bc\x85d\u2028e"),
        ("\x9b31m", r"\x9b31m"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("pay\u200bpal\ufeff\u2060\xad", r"pay\u200bpal\ufeff\u2060\xad"),
        ("a\udc80b", r"a\udc80b"),
        ("x\U000e0041", r"x\U000e0041"),
        ("a\u200db, a\ufe0f", r"a\u200db, a\ufe0f"),
        ("\u2600" + "\ufe0f\ufe01", "\u2600\ufe0f" + r"\ufe01"),
    ],
)
def test_escapes_are_those_of_python(text: str, seen: str) -> None:
    assert escaped(text) == seen


@pytest.mark.parametrize(
    "text",
    [
        "caf\u00e9 cafe\u0301",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with a joiner that parts
        "\u0915\u094d\u200d\u0937",
        "\U0001f469\u200d\U0001f4bb \u2764\ufe0f\u200d\U0001f525 1\ufe0f\u20e3",
        "\u845b\U000e0100",
        "one\n\ttwo",
        "\u3000\xa0",
    ],
)
def test_what_belongs_to_a_script_stays(text: str) -> None:
    assert escaped(text) == text


def test_a_line_stays_one() -> None:
    assert on_one_line("saved\n\terror: none") == r"saved\n\terror: none"


def test_messages_of_every_door_are_safe_to_print() -> None:
    assert str(DataError("label '\x1b[2J'")) == r"label '\x1b[2J'"
    assert str(RecipeError(["\u202eseed: 1"], "a\x07.yaml")) == "a\\x07.yaml has 1 problem:\n  - \\u202eseed: 1"
    assert str(HeadstartError()) == ""


def test_labels_make_names_of_columns() -> None:
    assert probability_columns(["up", "do wn "]) == ["p_up", "p_do wn\\x20"]
    assert probability_columns(["a\x1b", "a\\x1b", "\x85"]) == ["p_a\\x1b", "p_a\\x1b_", "p_\\x85"]
    assert probability_columns(["caf\u00e9", "a\nb", "wet\u200b"]) == ["p_caf\u00e9", "p_a\nb", "p_wet\u200b"]
    assert probability_columns([str(at) for at in range(21)]) == []
