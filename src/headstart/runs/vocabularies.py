"""A pretrained network with another vocabulary, as a folder of a run in progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.backbones import DECODERS
from headstart.backbones.location import BackboneSource, Located, cleaned
from headstart.runtime.durable import damage, read_json, sealed, write_json
from headstart.runtime.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer

    from headstart.backbones.transplanting import Origins, WordVectors

FOLDER, COUNTS = "network", "vocabulary.json"
"""Where the network is in a run's folder, and what is said there of its vocabulary."""


def exchanged(
    located: Located,
    before: Tokenizer,
    after: Tokenizer,
    rows: Any,
    place: Path,
    said: Mapping[str, Any],
) -> tuple[Located, dict[str, Any]]:
    """The folder of a network with another vocabulary, written once for a run, and what is said of it.

    Args:
        located: the network before.
        before: its tokenizer.
        after: the new one.
        rows: of the new vocabulary by those of the old one.
        place: folder of the run.
        said: counts that are kept beside it.
    """
    from headstart.backbones.exchange import exchange_vocabulary

    folder = place / FOLDER
    if damage(folder):
        with sealed(folder) as made:
            exchange_vocabulary(located, before, after, rows, made)
            write_json(made / COUNTS, dict(said))
    return found_again(located, place)


def found_again(located: Located, place: Path) -> tuple[Located, dict[str, Any]]:
    """What `exchanged` has written in the folder of a run."""
    folder = place / FOLDER
    config = cleaned(read_json(folder / "config.json"))
    source = BackboneSource(location=str(folder), max_length=located.source.max_length)
    return replace(located, folder=folder, source=source, config=config), read_json(folder / COUNTS)


def new_vocabulary(
    located: Located,
    before: Tokenizer,
    texts: Sequence[str],
    *,
    how: str,
    size: int,
    vectors: WordVectors,
    dictionary: Mapping[str, str],
    seed: int,
    further: Sequence[str] = (),
) -> tuple[Tokenizer, Origins]:
    """A vocabulary for texts, and where the vectors of its pieces come from.

    Args:
        located: the network.
        before: its tokenizer.
        texts: that pieces are learnt from, or are counted in.
        how: `new`, `trimmed`, `extended` or `kept`.
        size: pieces that are learnt at most.
        vectors: where those of new pieces come from.
        dictionary: words of the texts to words that the old vocabulary can read.
        seed: of random numbers.
        further: texts that an extended vocabulary is learnt from, in place of all.
    """
    from headstart.backbones.exchange import VocabularyRows, special_of
    from headstart.backbones.transplanting import Origins, extended_tokenizer, new_tokenizer, origins, special_pairs
    from headstart.backbones.trimming import piece_counts, trimmed_tokenizer
    from headstart.backbones.vocabulary import special_ids

    kind, special = located.config["model_type"], special_of(located, before)
    old = 1 + max(before.get_vocab(with_added_tokens=True).values())
    if how == "trimmed":
        found = trimmed_tokenizer(before, piece_counts(before, texts), always=special.values())
        return found.tokenizer, Origins(VocabularyRows.copies(found.kept, old), {"copied": len(found.kept)})
    if how == "extended":
        after = extended_tokenizer(before, list(further or texts), size=size, architecture=kind)
        known = {number: number for number in before.get_vocab(with_added_tokens=True).values()}
        return after, origins(before, after, special=known, vectors=vectors, dictionary=dictionary, seed=seed)
    after = new_tokenizer(before, texts, size=size, decoder=kind in DECODERS, architecture=kind)
    pairs = special_pairs(special, special_ids(after))
    return after, origins(before, after, special=pairs, vectors=vectors, dictionary=dictionary, seed=seed)


def say_origins(counts: Mapping[str, int], pieces: int, progress: Progress) -> None:
    """Tell where the vectors of a vocabulary come from."""
    said = ", ".join(f"{count:,} {way}" for way, count in counts.items() if count)
    progress.say("vocabulary", f"{pieces:,} pieces; their vectors: {said}")
