"""How measured things are written: numbers with intervals, times, shares, and text that is safe to show."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from headstart.unseen import escaped

NOTHING = "\N{EN DASH}"
"""What stands where there is no number."""

# Control characters become their pictures; line ends, direction overrides and lone surrogates become visible.
_VISIBLE = (
    {code: 0x2400 + code for code in range(32)}
    | dict.fromkeys((0x0D, 0x0A, 0x85, 0x2028, 0x2029), "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}")
    | {0x7F: 0x2421}
    | dict.fromkeys([*range(0x80, 0x85), *range(0x86, 0xA0), *range(0x202A, 0x202F)], 0xFFFD)
    | dict.fromkeys([*range(0x2066, 0x206A), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], 0xFFFD)
)


def dig(value: Any, *keys: str) -> Any:
    """`value[key][key]…`, or None as soon as something on the way is null or absent."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def finite(value: Any) -> float | None:
    """`value` where it is a number that can be shown and drawn, else None."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def number(value: Any, decimals: int = 3) -> str:
    """A score with three decimals and a real minus sign; a dash where there is none."""
    if finite(value) is None:
        return NOTHING
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}")


def signed(value: Any) -> str:
    """A difference, with its sign."""
    text = number(value)
    return text if text[0] in "\N{MINUS SIGN}\N{EN DASH}" or not text.strip("0.") else f"+{text}"


def interval(measured: Any, *, sign: bool = False) -> str:
    """The 95 % interval of a score as `[0.858, 0.889]`, or nothing where it has none."""
    low, high = dig(measured, "low"), dig(measured, "high")
    if finite(low) is None or finite(high) is None:
        return ""
    write = signed if sign else number
    return f"[{write(low)}, {write(high)}]"


def reached(score: Any, *, sign: bool = False) -> str:
    """A score, or a difference with its sign, and the interval where it has one; a dash where there is none."""
    return f"{(signed if sign else number)(dig(score, 'value'))} {interval(score, sign=sign)}".rstrip()


def count(value: Any) -> str:
    """A whole number with commas; a dash where there is none."""
    return NOTHING if finite(value) is None else f"{round(value):,}"


def counted(value: Any, one: str) -> str:
    """A whole number with what is counted: `1 thread`, `2 threads`."""
    return f"{count(value)} {one if value == 1 else one + 's'}"


def duration(seconds: Any) -> str:
    """Seconds as a person says them: `12.1 s`, `2 min 22 s`, `1 h 05 min`."""
    if finite(seconds) is None:
        return NOTHING
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min"


def sure(score: Any) -> str:
    """A probability with three decimals; never a rounded 1.000 for what is less than certain, nor 0.000 for what may be."""
    if finite(score) is None:
        return NOTHING
    if score != 1 and score > 0.9995:
        return "> 0.999"
    return "< 0.001" if 0 < score < 0.0005 else number(score)


def probability(value: Any) -> str:
    """A p value with three decimals, or `< 0.001`."""
    if finite(value) is None:
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def share(part: Any, whole: Any) -> str:
    """`part` of `whole` as a percentage with one decimal."""
    if finite(part) is None or not finite(whole):
        return NOTHING
    return f"{100 * part / whole:.1f} %"


def moment(stamp: Any) -> str:
    """A time stamp in UTC to the minute; what is no time stamp comes back as it is."""
    try:
        return datetime.fromisoformat(str(stamp)).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return str(stamp or NOTHING)


def legible(value: Any, limit: int = 400) -> Any:
    """`value` with every text in it cut to `limit` characters and made safe to show and to encode."""
    if isinstance(value, str):
        seen = shortened(value[: limit + 1].replace("\r\n", "\n"), limit).translate(_VISIBLE)
        return escaped(seen, lambda _: "\ufffd")  # one for one: places of spans stay what they are
    if isinstance(value, Mapping):
        return {legible(str(key), limit): legible(inner, limit) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [legible(inner, limit) for inner in value]
    return value


def shortened(text: str, limit: int) -> str:
    """`text`, cut to `limit` characters with an ellipsis where it is longer."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def shown(score: Mapping[str, Any], *, sign: bool = False) -> str:
    """A score with its interval in plain characters, as terminals show them: `0.874 [0.859, 0.889]`."""
    value, low, high = (f"{score[key]:{'+' if sign else ''}z.3f}" for key in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
