"""A network keeps the pieces of its vocabulary that some texts need: the verb `trim`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.backbones.location import ENCODE, BackboneSource, Located, locate
from headstart.backbones.weights import weight_files
from headstart.drawing.text import count
from headstart.errors import DataError, ModelError
from headstart.folders import check_free, new_folder, unused, write_manifest
from headstart.manifest import NETWORK
from headstart.recipes.trimming import Trim
from headstart.report.language import front_matter, rows_before_after, usage
from headstart.runs.outcome import Call, Outcome

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from headstart.corpora.source import TextSource
    from headstart.runtime.progress import Progress

EVERY = 50
"""One text of so many is held out."""
MOST_HELD = 2_000
"""Texts on which it is measured how they are cut up."""
MOST_READ = 64
"""Texts that both networks read, those that both cut up alike."""
ALWAYS = 1 << 40
"""What pieces of prompts count, so that none of them is ever left out."""
TOLERANCE = 1e-4
"""Largest difference between the states of both networks for a text that both cut up alike."""


def trim(recipe: Trim, call: Call) -> Outcome:
    """Carry out `trim`.

    Raises:
        HeadstartError: network or texts can't be used, or the folder can't be written.
    """
    from headstart.backbones.exchange import (
        VocabularyRows,
        exchange_vocabulary,
        require_exchangeable,
        special_of,
        tokenizer_of,
    )
    from headstart.backbones.trimming import piece_counts, trimmed_tokenizer

    folder = Path(recipe.output) if recipe.output else unused(_name(recipe.backbone.location))
    check_free(folder, overwrite=recipe.overwrite)
    located = locate(recipe.backbone, frozenset({ENCODE}))
    require_exchangeable(located)
    before = tokenizer_of(located)
    held: list[str] = []
    call.progress.enter("reading")
    learnt = piece_counts(before, _counted(recipe, held, call.progress))
    if not learnt.any():
        raise DataError(
            f"{', '.join(recipe.data.texts[:3])}: there is no text to find pieces in beside what is held out; give more text"
        )
    learnt += ALWAYS * piece_counts(before, located.prompts.values())
    special = special_of(located, before).values()
    after = trimmed_tokenizer(before, learnt, least=recipe.least_count, most=recipe.most_pieces, always=special)
    call.progress.say("pieces", f"{len(after.kept):,} of {before.get_vocab_size():,} are kept")
    rows = VocabularyRows.copies(after.kept, 1 + max(before.get_vocab(with_added_tokens=True).values()))
    drift = _drift(before, after.tokenizer, held)
    sizes = {"pieces": {"before": before.get_vocab_size(), "after": len(after.kept)}}
    call.progress.enter("writing")
    with new_folder(folder, overwrite=recipe.overwrite) as work:
        exchange_vocabulary(located, before, after.tokenizer, rows, work)
        sizes["parameters"] = _checked(located, work, drift.pop("alike", []))
        sizes["bytes"] = {"before": _bytes(located.folder), "after": _bytes(work)}
        (work / "README.md").write_text(_card(folder.name, located, recipe, sizes, drift), encoding="utf-8")
        origin = {"location": located.source.location, "digest": located.source.digest}
        write_manifest(work, NETWORK, backbone=origin)
    return Outcome({"trimmed": str(folder), **sizes, "held_out": drift or None}, folder=folder)


def _name(location: str) -> str:
    return f"{Path(location).name or 'network'}-trimmed"


def _counted(recipe: Trim, held: list[str], progress: Progress) -> Iterator[str]:
    """Texts whose pieces count; those that are held out go to `held`."""
    if recipe.held_out:
        texts = [*_texts(recipe.data.revised(texts=recipe.held_out), progress)]
        step = max(1, len(texts) // MOST_HELD)
        held += texts[::step][:MOST_HELD]
        yield from _texts(recipe.data, progress)
        return
    for number, text in enumerate(_texts(recipe.data, progress), start=1):
        if number % EVERY or len(held) == MOST_HELD:
            yield text
        else:
            held.append(text)


def _texts(source: TextSource, progress: Progress) -> Iterator[str]:
    from headstart.corpora.documents import segments
    from headstart.corpora.survey import survey

    by_line = source.revised(documents="line") if source.documents == "auto" else source
    return (segment.text.rstrip("\r\n") for segment in segments(survey(by_line, progress)))


def _drift(before: Tokenizer, after: Tokenizer, held: Sequence[str]) -> dict[str, Any]:
    """How texts are cut up by another tokenizer, against how they were: counts and shares; nothing without texts."""
    if not held:
        return {}
    pairs = [
        (one, other)
        for one, other in zip(
            *(each.encode_batch([*held], add_special_tokens=False) for each in (before, after)), strict=True
        )
    ]
    same = [one.tokens == other.tokens for one, other in pairs]
    whole = [before.decode(one.ids) == after.decode(other.ids) for one, other in pairs]
    lengths = np.array([(len(one.ids), len(other.ids)) for one, other in pairs]).sum(0)
    unknown = [_unknown(each, [pair[at].ids for pair in pairs]) for at, each in enumerate((before, after))]
    return {
        "texts": len(held),
        "same_pieces": float(np.mean(same)),
        "same_text_back": float(np.mean(whole)),
        "pieces": {"before": int(lengths[0]), "after": int(lengths[1])},
        "unknown": {"before": unknown[0], "after": unknown[1]},
        "alike": [text for text, equal in zip(held, same, strict=True) if equal][:MOST_READ],
    }


def _unknown(tokenizer: Tokenizer, rows: Sequence[Sequence[int]]) -> int:
    from headstart.backbones.vocabulary import special_ids

    number = special_ids(tokenizer).get("unk")
    return sum(row.count(number) for row in map(list, rows)) if number is not None else 0


def _checked(located: Located, folder: Path, texts: Sequence[str]) -> dict[str, int]:
    """Open the new folder as anybody would, and compare what both networks make of texts; gives their parameters.

    Raises:
        ModelError: the new one gives other states for texts that both cut up alike.
    """
    from headstart.backbones.base import open_backbone
    from headstart.predictors.encoding import encode

    found, vectors = [], []
    for each in (located, locate(BackboneSource(location=str(folder), max_length=located.source.max_length))):
        backbone: Any = open_backbone(each)
        found.append(sum(parameter.numel() for parameter in backbone.parameters()))
        vectors.append(encode(backbone, texts, precision="float32").vectors if texts else np.zeros((0, 1)))
        del backbone
    apart = float(np.abs(vectors[0] - vectors[1]).max(initial=0.0))
    if not apart <= TOLERANCE:
        raise ModelError(
            f"{located.identity}: with fewer pieces it gives other vectors ({apart:.1g} apart) for texts that are cut up as "
            "before; its vocabulary cannot be changed"
        )
    return {"before": found[0], "after": found[1]}


def _bytes(folder: Path) -> int:
    """Bytes of the files that are read to open a network."""
    names = [*weight_files(folder), "tokenizer.json", "config.json"]
    return sum((folder / name).stat().st_size for name in names if (folder / name).is_file())


def _card(title: str, located: Located, recipe: Trim, sizes: dict[str, Any], drift: dict[str, Any]) -> str:
    named = [("pieces", sizes["pieces"]), ("parameters", sizes["parameters"]), ("bytes", sizes["bytes"])]
    texts = ", ".join(Path(each).name for each in recipe.data.texts[:5])
    said = [
        *front_matter("feature-extraction"), f"# {title}", "",
        f"The network {located.identity} with the pieces of its vocabulary that some texts need ({texts}).",
        "Every other weight is as it was.", "",
        *rows_before_after("", [(name, count(each["before"]), count(each["after"])) for name, each in named]), "",
    ]  # fmt: skip
    if drift:
        pieces, unknown = drift["pieces"], drift["unknown"]
        said += [
            f"Of {count(drift['texts'])} texts that did not count, {drift['same_pieces']:.1%} are cut up as before. They have "
            f"{count(pieces['after'])} pieces ({count(pieces['before'])} before), {count(unknown['after'])} of them unknown "
            f"({count(unknown['before'])} before). Languages that the texts are not in are cut into more pieces than before.", "",
        ]  # fmt: skip
    return "\n".join([*said, *usage("AutoModel")]) + "\n"
