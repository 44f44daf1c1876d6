"""Where rows come from by role, how files are read, and how rows are parted: the section `data` of recipes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from headstart.config import Component, InputPath, named, path_of_input, split_at_commas
from headstart.data.typos import file_of
from headstart.errors import quoted
from headstart.readers import READERS
from headstart.strategies.base import NO_STONE
from headstart.tasks import TASKS
from headstart.tasks.base import Task
from headstart.tasks.open import OpenTask

if TYPE_CHECKING:
    FormatName = str
else:
    FormatName = Literal[tuple(READERS.names())]


def _of_json(value: Any) -> Any:
    """JSON lines are what JSON is read as; other JSON is refused with the command that converts it."""
    return "jsonl" if value in ("json", "ndjson") else value


MEMORY = "<memory>"
"""Stands for data that was handed over in Python."""
TESTS = "tests"
"""Key of the named tests."""


class Role(str):
    """What rows are for: the place of their file in the section `data`.

    That is `train`, `validation`, `test`, `target` (texts of another domain), `target_test` (labelled rows of it),
    `tests.NAME` for a named test, `translations` (training rows in another language), or `corpus` (passages that are searched).
    """

    @classmethod
    def of_test(cls, name: str) -> Role:
        """The role of the named test `name`."""
        return cls(f"{TESTS}.{name}")

    @property
    def kind(self) -> str:
        """The role, and one word for all named tests: `tests`."""
        return self.partition(".")[0]

    @property
    def name(self) -> str:
        """How people are told of it: the name of a named test, else the role in words."""
        return self.partition(".")[2] or self.replace("_", " ")

    @property
    def part(self) -> str:
        """What scores on the rows stand under: `target` for labelled rows of the target domain, else the name."""
        return TARGET if self == TARGET_TEST else self.name


CORPUS = Role("corpus")
"""Passages that are searched: no rows, but what the rows of all other roles are about."""
TRAIN, VALIDATION, TEST, TARGET, TARGET_TEST = map(Role, ("train", "validation", "test", "target", "target_test"))
TRANSLATIONS = Role("translations")
"""Training rows in another language, which join those of training."""
ROLES = (TRAIN, VALIDATION, TEST, TARGET, TARGET_TEST, TRANSLATIONS)
"""All but the named tests, in the order in which they are read and spoken of."""
SCORED = (TEST, TARGET_TEST, TESTS)
"""Kinds of role that strategies are scored in once all choices are made."""
TAKEN = frozenset({*ROLES, CORPUS, TESTS, "cross-validation"})
"""Names that a named test can't have, since scores stand under them."""


MOST_AUXILIARY = 20
"""Other tasks that a run may learn from first; each is probed by a short training."""
MOST_TESTS = 100
"""Named tests that a run can have; each is read, and every strategy is scored on it."""


class Format(Component):
    """How files are read; everything is detected where it can be."""

    format: Annotated[FormatName | None, BeforeValidator(_of_json)] = None
    """File format; by default from the file's ending."""
    encoding: str | None = None
    """Text encoding such as `cp1252`; by default UTF-8 or what a byte order mark says, never guessed silently."""
    delimiter: str | None = None
    """What stands between columns of a CSV file, one character; by default found in the file."""
    header: bool | None = None
    """Whether the first line of CSV and TSV files has names of columns; without, these are called `column_1`, `column_2` and
    so on. By default it has, and a line that looks like a row stops the run."""

    @property
    def reading(self) -> dict[str, Any]:
        """Options of a reader, None where nothing is said."""
        return {key: getattr(self, key) for key in Format.model_fields}


def tests_by_name(value: Any) -> Any:
    """`shop=a.csv,film=b.csv` as a mapping; anything else as it is, paths as strings."""
    if isinstance(value, str):
        pairs = [part.partition("=") for part in split_at_commas(value)]
        if not all(name.strip() and equals and path.strip() for name, equals, path in pairs):
            raise ValueError(f"{quoted(value)} is not of the form NAME=FILE,NAME=FILE")
        if len({name.strip() for name, _, _ in pairs}) < len(pairs):
            raise ValueError("a name is given to two files")
        value = {name.strip(): path.strip() for name, _, path in pairs}
    if isinstance(value, Mapping) and len(value) > MOST_TESTS:
        raise ValueError(
            f"names {len(value):,} files; name at most {MOST_TESTS}, or put rows of one kind into one file"
        )
    return {name: str(path) for name, path in value.items()} if isinstance(value, Mapping) else value


class Auxiliary(Format):
    """A file with labelled rows of another task, which may be of another kind and has columns of its own."""

    file: InputPath
    """File with labelled rows, of any format that training rows may have."""
    task: Annotated[Task | OpenTask, named(TASKS, unnamed=OpenTask.having)] = Field(default=None, validate_default=True)
    """What is learnt from it, by the name that the hub has for it, with its columns; by default the task that fits best."""

    @property
    def called(self) -> str:
        """Its name for people: that of the file without its ending."""
        return Path(self.file).name.partition(".")[0]


def _as_auxiliary(value: Any) -> Any:
    """`a.csv,b.csv` or one file as a list of such sources; anything else as it is."""
    if isinstance(value, str | Path | Mapping | Auxiliary):
        value = split_at_commas(value) if isinstance(value, str) else [value]
    if isinstance(value, list | tuple):
        return tuple({"file": str(each)} if isinstance(each, str | Path) else each for each in value)
    return value


class Data(Format):
    """Where the labelled rows come from and how they are parted."""

    train: InputPath
    """File with labelled rows: CSV, TSV, JSONL, Parquet, TMX, CoNLL columns or CoNLL-U, gzipped or not; of translations also what
    the names of two line-aligned files begin with (`data/train` for `data/train.en` and `data/train.de`)."""
    test: InputPath | None = None
    """File with rows to report scores on; by default a part is cut off."""
    validation: InputPath | None = None
    """File with rows to make choices on; by default a part is cut off the training rows."""
    target: InputPath | None = None
    """File with texts of another domain that the model is for; strategies such as self-training and coral learn from
    them. Labels are not needed, and are not read where they are there. For `back-translation` texts of the side that is written."""
    target_test: InputPath | None = None
    """File with labelled rows of that other domain; every strategy is scored on them beside test, and no choice is made
    on them."""
    tests: Annotated[dict[str, str], BeforeValidator(tests_by_name)] = Field(default_factory=dict)
    """Files with more rows to report scores on, by name, such as `shop=shop.csv,film=film.csv`: every strategy is scored
    on each beside test, with the gap to it, and no choice is made on them."""
    translations: InputPath | None = None
    """File with translated training rows, with the same columns: they are learnt from beside the others, unless what they translate
    is held out. Which row each translates is told by a column `id` that both files have, or by their order. Spans may be marked in
    the text in place of the column with tags or answers, as in `<PER>Ada</PER> lives in <LOC>London</LOC>`."""
    counterfactuals: InputPath | None = None
    """File with lists of terms that could stand for each other, such as names of groups of people: training rows that have some are
    learnt from with others in their place too, under the same label."""
    typo_copies: str | None = Field(default=None, examples=["en"])
    """Learn from training rows with misspelt words too: a language whose keyboard fingers slip on, such as `en`, or a file with
    tabs, of words and the ways in which each is misspelt."""
    typo_rate: float = Field(default=0.2, gt=0, le=1)
    """Share of the words of such a copy that are misspelt, in (0, 1]."""
    copies: int = Field(default=1, ge=1, le=20)
    """Copies of a row at most for each list of terms, and with misspelt words, in [1, 20]."""
    balance_groups: str | None = None
    """Column with groups, such as those of customers: training rows count so that no label is more frequent in one of them."""
    auxiliary: Annotated[tuple[Auxiliary, ...], BeforeValidator(_as_auxiliary)] = Field(
        default=(), max_length=MOST_AUXILIARY, examples=["rich.csv"]
    )
    """Files with labelled rows of other tasks, one of which the network learns first (`intermediate-task`), separated by commas; in
    recipes each may say its `task` and how it is read: `{file: rich.csv, task: {name: text-classification, label: stars}}`."""
    corpus: InputPath | None = None
    """Files with the passages that are searched, of the task retrieval: a folder of texts, a text file, or a table with a column of
    passages (and of their ids). By default all passages that the rows name."""
    out_of_scope_label: str | None = Field(default=None, examples=["oos"])
    """Label of rows that are examples of texts out of scope, such as `oos`. It is no class, and nothing is learnt from these rows:
    on those of the training and the validation file the point is found at which `out_of_scope` gives no label, those of the files
    that are scored are scored for whether they are found."""
    group_column: str | None = None
    """Column whose equal values never stand on both sides of a cut, such as a customer or an author."""
    time_column: str | None = None
    """Column to cut by: the latest rows become test, those before them validation."""
    test_share: float | None = Field(default=None, ge=0, lt=1)
    """Share of rows cut off as test where no test file is given, in [0, 1); 0 for none; by default 0.2, and no more than
    20,000 rows. Below 200 rows none is cut off: the scores reported are those of validation or cross-validation."""
    validation_share: float | None = Field(default=None, gt=0, lt=1)
    """Share of the training rows cut off as validation where no such file is given, in (0, 1); by default 0.15, and no
    more than 10,000 rows."""
    most_rows: int | None = Field(default=None, ge=4)
    """Rows used at most of the labelled rows before anything is cut off, a sample stratified by label; all by default."""
    train_rows: int | None = Field(default=None, ge=2)
    """Training rows used of those that are left once test rows are cut off, at least 2, stratified by label: what comes of so
    few labels. Of one `draw`, fewer rows are always among more; all by default."""
    draw: int = Field(default=0, ge=0, lt=2**32)
    """Number of the sample that `train_rows` takes, in [0, 2^32): another draw, other rows."""
    test_seed: int | None = Field(default=None, ge=0, lt=2**32)
    """Seed of what is fixed while `seed` varies: samples of rows, and the test part where it is cut off; by default `seed`."""
    most_test_rows: int | None = Field(default=None, ge=1)
    """Test rows scored at most, drawn at random; all by default."""
    folds: int | None = Field(default=None, ge=0, le=20)
    """Folds of cross-validation in place of a validation part, in [2, 20]; 0 for none. By default none, or 2 or 3 where
    there are fewer than 50 training rows per label and no validation file or time column."""

    @property
    def sources(self) -> dict[Role, str]:
        """Files by role, those that are named, in the order in which they are read."""
        files: dict[Role, str | None] = {role: getattr(self, role) for role in ROLES}
        named = {Role.of_test(name): path for name, path in self.tests.items()}
        return {role: path for role, path in (files | named | {CORPUS: self.corpus}).items() if path is not None}

    def moved(self, directory: Path) -> Self:
        """A copy whose files, named as from `directory`, are found from elsewhere; data in memory stays there."""
        found = {role: path if path == MEMORY else str(directory / path) for role, path in self.sources.items()}
        files = {role: path for role, path in found.items() if role in (*ROLES, CORPUS)}
        others = [each.revised(file=str(directory / each.file)) for each in self.auxiliary]
        tests = {name: found[Role.of_test(name)] for name in self.tests}
        words = {name: str(path) for name, path in self.word_files(directory).items()}
        return self.revised(**files, **words, tests=tests, auxiliary=others)

    def word_files(self, directory: Path | None = None) -> dict[str, Path]:
        """Files of terms and misspellings by the option that names each, as found from a folder or from the current one."""
        typed = None if self.typo_copies is None else file_of(self.typo_copies, directory)
        swapped = None if self.counterfactuals is None else (directory or Path()) / self.counterfactuals
        found = {"counterfactuals": swapped, "typo_copies": typed}
        return {name: path for name, path in found.items() if path is not None}

    @field_validator("tests")
    @classmethod
    def _not_taken(cls, value: dict[str, str]) -> dict[str, str]:
        for name, path in value.items():
            path_of_input(path)
            if name.casefold() in TAKEN:
                raise ValueError(f"{quoted(name)} is a part of the data already; give the test another name")
            if not re.fullmatch(r"\w[\w +-]{0,39}", name):
                raise ValueError(
                    f"{quoted(name)} is no name for a test; letters, digits, blanks and _+- are, at most 40 of them"
                )
        return value

    @field_validator("out_of_scope_label")
    @classmethod
    def _not_blank(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("a label is not blank; name the one that stands for texts out of scope")
        return None if value is None else value.strip()

    @field_validator("auxiliary")
    @classmethod
    def _all_others(cls, value: tuple[Auxiliary, ...]) -> tuple[Auxiliary, ...]:
        names = [each.called for each in value]
        if twice := next((name for at, name in enumerate(names) if name in names[:at]), None):
            raise ValueError(f"two auxiliary files are called {quoted(twice)}; give one of them another name")
        if NO_STONE in names:
            raise ValueError(
                f"an auxiliary file cannot be called {quoted(NO_STONE)}, which stands for none; give it another name"
            )
        return value

    @model_validator(mode="after")
    def _in_time(self) -> Data:
        if self.folds and self.time_column:
            raise ValueError("folds would let earlier rows be judged by later ones; with a time column leave them out")
        return self

    @field_validator("folds")
    @classmethod
    def _not_one(cls, value: int | None) -> int | None:
        if value == 1:
            raise ValueError("one fold leaves no rows to learn from; give at least 2, or 0 for a validation part")
        return value
