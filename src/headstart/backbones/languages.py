"""Networks that translate between many languages: which they know, and the tokens that say which is read and which is written.

mBART (Liu et al. 2020), mBART-50 (Tang et al. 2020), M2M-100 (Fan et al. 2021) and NLLB (2022) have a token for each language, and
networks of Marian (OPUS-MT) that write several have one for each of these. Where it stands differs, and so does what a text that
is written begins with; see `_frames`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from headstart.backbones.seq2seq import Frames, Seq2Seq
from headstart.errors import RecipeError
from headstart.registry import did_you_mean

PATTERNS = {
    "mbart": (r"[a-z]{2,3}_[A-Z]{2}",), "m2m_100": (r"__[a-z]{2,3}__", r"[a-z]{3}_[A-Z][a-z]{3}"),
    "marian": (r">>[a-z]{2,3}(_[A-Za-z]+)*<<",),
}  # fmt: skip
"""What the tokens of languages look like, by architecture."""
AROUND = "_<>"
"""Characters around the code of a language in its token."""
LEAST = 2
"""Such tokens from which on a network is one of many languages."""
LONG: dict[str, str] = {
    "af": "afr", "am": "amh", "ar": "arb", "as": "asm", "az": "azj", "be": "bel", "bg": "bul", "bn": "ben", "bo": "bod",
    "bs": "bos", "ca": "cat", "cs": "ces", "cy": "cym", "da": "dan", "de": "deu", "dz": "dzo", "el": "ell", "en": "eng",
    "eo": "epo", "es": "spa", "et": "est", "eu": "eus", "fa": "pes", "fi": "fin", "fo": "fao", "fr": "fra", "ga": "gle",
    "gd": "gla", "gl": "glg", "gu": "guj", "ha": "hau", "he": "heb", "hi": "hin", "hr": "hrv", "ht": "hat", "hu": "hun",
    "hy": "hye", "id": "ind", "ig": "ibo", "is": "isl", "it": "ita", "ja": "jpn", "jv": "jav", "ka": "kat", "kk": "kaz",
    "km": "khm", "kn": "kan", "ko": "kor", "ku": "kmr", "ky": "kir", "lb": "ltz", "lg": "lug", "ln": "lin", "lo": "lao",
    "lt": "lit", "lv": "lvs", "mg": "plt", "mi": "mri", "mk": "mkd", "ml": "mal", "mn": "khk", "mr": "mar", "ms": "zsm",
    "mt": "mlt", "my": "mya", "nb": "nob", "ne": "npi", "nl": "nld", "nn": "nno", "no": "nob", "ny": "nya", "oc": "oci",
    "om": "gaz", "or": "ory", "pa": "pan", "pl": "pol", "ps": "pbt", "pt": "por", "ro": "ron", "ru": "rus", "rw": "kin",
    "sa": "san", "sd": "snd", "si": "sin", "sk": "slk", "sl": "slv", "sm": "smo", "sn": "sna", "so": "som", "sq": "als",
    "sr": "srp", "st": "sot", "su": "sun", "sv": "swe", "sw": "swh", "ta": "tam", "te": "tel", "tg": "tgk", "th": "tha",
    "ti": "tir", "tk": "tuk", "tl": "tgl", "tr": "tur", "tt": "tat", "ug": "uig", "uk": "ukr", "ur": "urd", "uz": "uzn",
    "vi": "vie", "wo": "wol", "xh": "xho", "yi": "ydd", "yo": "yor", "zh": "zho", "zu": "zul",
}  # fmt: skip
"""Codes of two letters (ISO 639-1) to those of three (ISO 639-3) by which NLLB has the language."""


def tags_of(backbone: Seq2Seq) -> dict[str, int]:
    """The tokens of the languages that a network knows, with their ids; empty where it is not one of many languages."""
    patterns = PATTERNS.get(backbone.located.config["model_type"], ())
    words = backbone.tokenizer.vocabulary
    for pattern in patterns:
        fitting = re.compile(pattern).fullmatch
        found = {word: number for word, number in words.items() if fitting(word)}
        if len(found) >= LEAST:
            return dict(sorted(found.items()))
    return {}


def tag_for(code: str, tags: Mapping[str, int], key: str) -> str:
    """The token of a language.

    Args:
        code: such as `de`, `de_DE` or `deu_Latn`, in any case.
        tags: those of a network, see `tags_of`.
        key: of the recipe that the code was given for.

    Raises:
        RecipeError: the network does not know the language, or writes it in several scripts.
    """
    wanted = code.strip().strip(AROUND).replace("-", "_").lower()
    plain = {tag.strip(AROUND).lower(): tag for tag in tags}
    if wanted in plain:
        return plain[wanted]
    stems = {wanted, LONG.get(wanted, wanted)} | {short for short, long in LONG.items() if long == wanted}
    found = [tag for name, tag in plain.items() if name.split("_")[0] in stems]
    if len(found) == 1:
        return found[0]
    names = [tag.strip(AROUND) for tag in tags]
    if found:
        raise RecipeError([f"{key}: the network has '{code}' as {' and '.join(found)}; name one of them"])
    raise RecipeError(
        [
            f"{key}: the network does not know the language '{code}'{did_you_mean(code, names)} (it knows {', '.join(names)})"
        ]
    )


def set_languages(backbone: Seq2Seq, source: str | None, target: str | None) -> None:
    """Let a network of many languages read one and write another; networks that have none stay as they are.

    Args:
        backbone: changed in place; what is saved of it keeps the languages.
        source: code of the language that is read, see `tag_for`; what the folder says if None.
        target: of that which is written.

    Raises:
        RecipeError: the network does not know one of them, or the folder names none where none is given.
    """
    tags = tags_of(backbone)
    if not tags:
        return
    stated = backbone.tokenizer.settings
    chosen = []
    sides = ((source, "source_language", "src_lang"), (target, "target_language", "tgt_lang"))
    many_read = backbone.located.config["model_type"] != "marian"
    for given, key, name in sides if many_read else sides[1:]:
        own = stated.get(name)
        if given is None and own not in tags:
            flag = f"--{key.replace('_', '-')}"
            raise RecipeError(
                [f"task.{key}: the network knows {len(tags)} languages ({', '.join(tags)}); name one with {flag}"]
            )
        chosen.append(own if given is None else tag_for(given, tags, f"task.{key}"))
    read, written = chosen[0], chosen[-1]
    frames = _frames(backbone, read, written, tags)
    backbone.reframe(frames, [*tags], {"src_lang": read, "tgt_lang": written})


def _frames(backbone: Seq2Seq, read: str, written: str, tags: Mapping[str, int]) -> Frames:
    """By architecture: mBART's first version ends what is read with its language and begins what is written with it."""
    end = backbone.tokenizer.token(backbone.marks.end)
    if backbone.located.config["model_type"] == "marian":
        return Frames(([written], [end]), ([], [end]), backbone.marks.start, None)
    older = backbone.located.config["model_type"] == "mbart" and not _is_mbart_50(backbone.tokenizer.settings)
    if older:
        return Frames(([], [end, read]), ([], [end]), tags[written], None)
    return Frames(([read], [end]), ([written], [end]), backbone.marks.end, tags[written])


def _is_mbart_50(settings: Mapping[str, Any]) -> bool:
    return str(settings.get("tokenizer_class", "")).startswith("MBart50")
