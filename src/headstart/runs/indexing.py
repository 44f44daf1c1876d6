"""Indexes that are made and changed: the verb `index`."""

from __future__ import annotations

import time
from pathlib import Path
from shlex import quote
from typing import Any

from headstart.errors import RecipeError, UsageError
from headstart.folders import unused
from headstart.indexes.encoder import PASSAGE, QUERY, Encoder
from headstart.indexes.index import Index
from headstart.indexes.publishing import refuse_taken
from headstart.indexes.settings import GENERATIONS, StatedChunks
from headstart.manifest import MANIFEST
from headstart.ranking.bm25 import Bm25Settings
from headstart.ranking.chunking import Places, word_places
from headstart.ranking.sources import Gathered, PassageColumns, passages_in
from headstart.ranking.words import stemming
from headstart.recipes.searching import PASSAGE_TOKENS, Indexing
from headstart.runs.outcome import Call, Outcome, left_out
from headstart.runtime.machine import set_threads


def index(recipe: Indexing, call: Call) -> Outcome:
    """Carry out `index`: a new index, or another state of one that is there.

    Raises:
        HeadstartError: sources, network or folder can't be used.
    """
    started = time.perf_counter()
    changes = bool(recipe.add or recipe.remove)
    set_threads(recipe.threads, torch_runs=not changes and recipe.retriever != "bm25")
    outcome = _changed(recipe, call) if changes else _made(recipe, call)
    outcome.result["seconds"] = round(time.perf_counter() - started, 3)
    return outcome


def _made(recipe: Indexing, call: Call) -> Outcome:
    for source in recipe.sources:
        if (Path(source) / MANIFEST).is_file() and (Path(source) / GENERATIONS).is_dir():
            raise UsageError(f"{source} is an index; add to it with: headstart index --add FILES {quote(source)}")
    folder = (
        Path(recipe.output)
        if recipe.output
        else unused(Path(recipe.sources[0].rstrip("/*")).name.split(".")[0] or "index")
    )
    refuse_taken(folder, overwrite=recipe.overwrite)
    words = Bm25Settings(recipe.language, recipe.k1, recipe.b)
    if recipe.retriever != "dense":
        stemming(recipe.language)  # before any work
    encoder = None if recipe.retriever == "bm25" else _encoder(recipe, call)
    chunks = _chunks(recipe, encoder)
    tally = Gathered()
    made, written = Index.build(
        folder,
        passages_in(
            recipe.sources,
            most=chunks.most,
            overlap=chunks.overlap,
            places=_places(encoder),
            columns=_columns(recipe),
            encoding=recipe.encoding,
            tally=tally,
            progress=call.progress,
        ),
        retriever=recipe.retriever,
        fusion=recipe.fusion,
        dense_weight=recipe.dense_weight,
        chunks=chunks,
        words=words,
        encoder=encoder,
        overwrite=recipe.overwrite,
        progress=call.progress,
    )
    return _outcome(made, folder, tally, written.cut, None)


def _changed(recipe: Indexing, call: Call) -> Outcome:
    if len(recipe.sources) != 1:
        raise UsageError(
            f"--add and --remove change one index, and {len(recipe.sources)} folders are named: headstart index --add FILES INDEX "
            "(several files with commas between them)"
        )
    if recipe.output is not None:
        raise UsageError("--output names a new index; --add and --remove change the one that is named")
    folder = Path(recipe.sources[0])
    found = Index.open(folder, precision=recipe.precision, device=recipe.device, backbone=_moved(recipe))
    _refuse_other_settings(recipe, found)
    if found.encoder is not None and recipe.add:
        set_threads(recipe.threads, torch_runs=True)
    tally, chunks = Gathered(), found.said.chunks
    new = passages_in(
        recipe.add,
        most=chunks.most,
        overlap=chunks.overlap,
        places=_places(found.encoder),
        columns=_columns(recipe),
        encoding=recipe.encoding,
        tally=tally,
        progress=call.progress,
    )
    changed = found.update(new, recipe.remove, progress=call.progress)
    said = {key: value for key, value in changed._asdict().items() if key != "cut"}
    return _outcome(found, folder, tally, changed.cut, said)


def _moved(recipe: Indexing) -> str | None:
    """Where the network of an index is said to be; None where nothing is said."""
    return recipe.backbone.location if "backbone" in recipe.model_fields_set else None


def _refuse_other_settings(recipe: Indexing, found: Index) -> None:
    """An index keeps what it was made with, so what is given beside has to be the same."""
    said = found.said
    now = {
        "retriever": said.retriever,
        "fusion": said.fusion,
        "dense_weight": said.dense_weight,
        "passage_tokens": said.chunks.most,
        "passage_overlap": said.chunks.overlap,
    }
    if said.words is not None:
        now |= said.words.model_dump()
    if said.network is not None:
        now |= {f"{role}_prompt": said.network.prompts.get(role, "") for role in (QUERY, PASSAGE)}
    others = [
        f"{key}: the index was made with {now[key]!r}, and {getattr(recipe, key)!r} is given; make it anew to change that"
        for key in now
        if key in recipe.model_fields_set and getattr(recipe, key) != now[key]
    ]
    if others:
        raise RecipeError(others, str(found.folder))


def _encoder(recipe: Indexing, call: Call) -> Encoder:
    from headstart.backbones.location import locate

    located = locate(recipe.backbone)
    call.progress.say("network", located.identity)
    given = {QUERY: recipe.query_prompt, PASSAGE: recipe.passage_prompt}
    prompts = {role: text for role, text in given.items() if text is not None}
    return Encoder(located, prompts, precision=recipe.precision, device=recipe.device)


def _chunks(recipe: Indexing, encoder: Encoder | None) -> StatedChunks:
    room = PASSAGE_TOKENS if encoder is None else encoder.room
    most = recipe.passage_tokens or min(PASSAGE_TOKENS, room)
    problems = []
    if encoder is not None and most > room:
        problems.append(
            f"passage_tokens: {most:,} are more than the {room:,} that {encoder.located.identity} reads of a passage; choose fewer"
        )
    if recipe.passage_overlap >= most:
        problems.append(f"passage_overlap: {recipe.passage_overlap:,} is not below the {most:,} tokens of a passage")
    if problems:
        raise RecipeError(problems)
    return StatedChunks(most=most, overlap=recipe.passage_overlap, unit="words" if encoder is None else "tokens")


def _places(encoder: Encoder | None) -> Places:
    return word_places if encoder is None else encoder.places


def _columns(recipe: Indexing) -> PassageColumns:
    return PassageColumns(recipe.text, recipe.id, recipe.title)


def _outcome(found: Index, folder: Path, tally: Gathered, cut: int, changes: dict[str, Any] | None) -> Outcome:
    said = found.said
    result = {
        "index": str(folder),
        "retriever": said.retriever,
        "backbone": None if said.network is None else said.network.identity,
        "documents": said.documents,
        "passages": said.passages,
        "ranked": said.ranked,
        "truncated": cut,
        "changes": changes,
        "dropped_rows": [row.plain() for row in tally.dropped],
    }
    notes = left_out(tally.dropped)
    if cut:
        notes.append(f"{cut:,} passages are longer than the network reads, and their ends are not searched by meaning")
    if said.ranked < said.passages:
        notes.append(f"{said.passages - said.ranked:,} passages have the text of an earlier one and are ranked with it")
    return Outcome(result, folder=folder, notes=notes)
