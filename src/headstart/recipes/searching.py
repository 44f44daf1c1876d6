"""Recipes of passages that are searched and read: `index`, `search` and `ask`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from headstart.backbones.location import BackboneSource, Origin
from headstart.config import InputPath, Names, OutputPath, split_at_commas
from headstart.indexes.settings import Fusion, Retriever
from headstart.ranking.fusion import DENSE_WEIGHT
from headstart.recipes.base import Confidence, Recipe, Threads
from headstart.recipes.inference import PASSAGE_WEIGHT, PASSAGES
from headstart.recipes.sources import Format
from headstart.runtime.device import Device
from headstart.runtime.precision import Precision

PASSAGE_TOKENS = 200
"""Tokens of a passage at most where nothing else is said and the network reads as many."""


class Indexing(Recipe):
    """Documents in, a folder out that can be searched by words, by vectors or by both.

    With `--add` or `--remove` the folder is one that is there already: documents come in (those that bear the name of one that is
    there take its place) and go out, while others read.

    Example:
        headstart index examples/handbook -o runs/handbook
        headstart index --add examples/domain/guests.txt runs/handbook
        headstart index --remove examples/domain/guests.txt runs/handbook
    """

    verb: ClassVar[str] = "index"
    positional: ClassVar[tuple[str, ...]] = ("sources",)

    sources: Annotated[tuple[InputPath, ...], BeforeValidator(split_at_commas)] = Field(min_length=1)
    """Files, folders and globs: plain text, Markdown, or tables with a passage a row; with `--add` or `--remove` the folder of the
    index."""
    add: Names = ()
    """Files, folders and globs whose documents come into an index that is there."""
    remove: Names = ()
    """Ids of passages, or names of documents, that are taken out of an index that is there."""
    retriever: Retriever = "hybrid"
    """What ranks: `bm25` (words), `dense` (vectors of a network) or `hybrid` (both)."""
    fusion: Fusion = "sum"
    """How both rankings of `hybrid` become one: the weighted `sum` of standardised scores, or reciprocal `ranks`."""
    dense_weight: float = Field(default=DENSE_WEIGHT, ge=0, le=1)
    """Weight of vectors in that sum, in [0, 1]; that of words is the rest."""
    backbone: Origin = Field(default_factory=BackboneSource)
    """The network that makes vectors: `mini`, a hub id, a folder or an earlier run."""
    query_prompt: str | None = None
    """What stands in front of each query when the network reads it, such as `query: `; by default what its folder says."""
    passage_prompt: str | None = None
    """What stands in front of each passage, such as `passage: `; by default what its folder says."""
    passage_tokens: int | None = Field(default=None, ge=1, le=100_000)
    """Tokens of a passage at most, words for `bm25`; longer texts are cut at paragraphs, else sentences, else words. By default
    200, or fewer where the network reads fewer."""
    passage_overlap: int = Field(default=0, ge=0)
    """Tokens of the passage before that are repeated at most, whole sentences where one fits."""
    language: str = "english"
    """Language of the documents, whose endings are cut off words for BM25, or `none`."""
    k1: float = Field(default=1.5, ge=0, le=100)
    """How soon more of the same word count for less in BM25, at least 0."""
    b: float = Field(default=0.75, ge=0, le=1)
    """How much the length of a passage is held against it in BM25, in [0, 1]."""
    text: str | None = None
    """Column of tables with the text; by default the one named text, passage, content, document, context or body."""
    id: str | None = None
    """Column of tables with the name of each row; by default the one named id, and file and line where there is none."""
    title: str | None = None
    """Column of tables with a title that is searched too; by default the one named title."""
    encoding: str | None = None
    """Encoding of the files, such as `cp1252`; by default UTF-8, or what a byte order mark says. Never guessed."""
    threads: Threads = None
    """CPU threads; by default all cores."""
    device: Device = "auto"
    """Where the network computes: `cpu`, `cuda` (a GPU), or `auto`, a GPU where torch can use one."""
    precision: Precision = "auto"
    """Precision of matrix products while passages are read: `auto` is `bfloat16` where processor or GPU has it, else `float32`."""
    output: OutputPath | None = None
    """Folder of a new index; by default `runs/` and the name of the first source."""
    overwrite: bool = False
    """Replace the index in the output folder; who reads it sees the earlier one until the new one is whole."""


class Searching(Format, Recipe):
    """Queries in, the best passages of an index out, with their places.

    Example:
        headstart search runs/handbook "how long is the notice period" --best 3
        headstart search runs/handbook --input examples/questions.csv --output found.csv
    """

    verb: ClassVar[str] = "search"
    positional: ClassVar[tuple[str, ...]] = ("index", "query")

    index: InputPath
    """Folder of an index."""
    query: tuple[str, ...] = ()
    """What is searched for."""
    input: InputPath | None = None
    """File with a column of queries, or `-` for lines on standard input."""
    text: str | None = None
    """Column with the query; by default the one named query, question or text, or the only one."""
    best: int = Field(default=5, ge=1, le=10_000)
    """Passages for each query at most."""
    output: OutputPath | None = None
    """File to write: a row for each passage that was found, with all columns of the input in front."""
    overwrite: bool = False
    """Replace the output file."""
    backbone: InputPath | None = None
    """Where the network of the index is now, if it was moved."""
    threads: Threads = None
    """CPU threads; by default all cores."""


class Asking(Format, Recipe):
    """Questions in, answers from the passages of an index out, with file, place and both scores.

    Example:
        headstart ask runs/handbook "how long is the notice period" --reader runs/questions
        headstart ask runs/handbook --reader runs/questions --input examples/questions/test.csv --best 3 --json
    """

    verb: ClassVar[str] = "ask"
    positional: ClassVar[tuple[str, ...]] = ("index", "query")

    index: InputPath
    """Folder of an index."""
    query: tuple[str, ...] = ()
    """What is asked."""
    reader: InputPath | None = None
    """Folder of a run that answers questions about texts; `ask` needs one."""
    input: InputPath | None = None
    """File with a column of questions, or `-` for lines on standard input."""
    text: str | None = None
    """Column with the question; by default the one named query, question or text, or the only one."""
    best: int = Field(default=1, ge=1, le=100)
    """Answers listed for each question at most."""
    passages: int = Field(default=PASSAGES, ge=1, le=1000)
    """Passages that are found and read for each question, in [1, 1000]."""
    passage_weight: float = Field(default=PASSAGE_WEIGHT, ge=0, le=100)
    """How much the order of passages counts against what the reader says, at least 0: standardised scores of the passages found
    are multiplied by it before they become shares by softmax."""
    max_answer: int | None = Field(default=None, ge=1, le=10_000)
    """Words of an answer at most, in [1, 10000]; by default as the reader was fitted with."""
    abstain: Confidence = None
    """Score below which no answer is given, in [0, 1)."""
    backbone: InputPath | None = None
    """Where the network of the index is now, if it was moved."""
    threads: Threads = None
    """CPU threads; by default all cores."""
