"""Where labelled rows come from, how files are read, and how the rows are parted: the section `data` of recipes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from headstart.config import Component


class Format(Component):
    """How files are read; everything is detected where it can be."""

    format: Literal["csv", "tsv", "jsonl", "parquet"] | None = None
    """File format; by default from the file's ending."""
    encoding: str | None = None
    """Text encoding such as `cp1252`; by default UTF-8 or what a byte order mark says, never guessed silently."""
    delimiter: str | None = None
    """What stands between columns of a CSV file, one character; by default found in the file."""


class Data(Format):
    """Where the labelled rows come from and how they are parted."""

    train: str
    """File with labelled rows: CSV, TSV, JSONL or Parquet, gzipped or not."""
    test: str | None = None
    """File with rows to report scores on; by default a part is cut off."""
    validation: str | None = None
    """File with rows to make choices on; by default a part is cut off the training rows."""
    target: str | None = None
    """File with texts of another domain that the model is for; strategies such as self-training and coral learn from
    them. Labels are not needed, and are not read where they are there."""
    target_test: str | None = None
    """File with labelled rows of that other domain; every strategy is scored on them beside test, and no choice is made
    on them."""
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
    most_test_rows: int | None = Field(default=None, ge=1)
    """Test rows scored at most, drawn at random; all by default."""
    folds: int | None = Field(default=None, ge=0, le=20)
    """Folds of cross-validation in place of a validation part, in [2, 20]; 0 for none. By default none, or 2 or 3 where
    there are fewer than 50 training rows per label and no validation file or time column."""

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
