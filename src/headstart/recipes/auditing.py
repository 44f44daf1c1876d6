"""The recipe of finding out whom a trained model treats worse and what breaks it: `audit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from headstart.config import InputPath, Names, OutputPath, split_at_commas
from headstart.data.typos import FORMS
from headstart.evaluation.measurements.base import Measurement
from headstart.evaluation.measurements.contrast import ContrastSets
from headstart.evaluation.measurements.group_gaps import GroupGaps
from headstart.evaluation.measurements.perturbations import Perturbations
from headstart.evaluation.measurements.sentence_pairs import SentencePairs
from headstart.evaluation.measurements.swaps import Swaps
from headstart.evaluation.measurements.templates import TemplateTests
from headstart.recipes.inference import Inference
from headstart.recipes.sources import tests_by_name

NEED_ROWS = ("by", "swap", "typos", "contrast", "templates", "tests", "baseline")
"""What is of labelled rows, or of a model that answers."""


class Audit(Inference):
    """Whom a trained model treats worse, and what breaks it: groups, swapped terms, typos, contrast sets.

    Example:
        headstart audit runs/feedback examples/feedback/test.csv --by channel --typos en
        headstart audit runs/feedback examples/feedback/test.csv --swap examples/feedback/terms.yaml -o runs/audit
    """

    verb: ClassVar[str] = "audit"
    positional: ClassVar[tuple[str, ...]] = ("model", "test")

    test: InputPath | None = None
    """File with labelled rows that the model has not learnt from. Without it `model` is a pretrained network (name, folder or hub
    id) with a head over words, such as `smol` or what `pretrain` and `adapt` wrote, and asked about `sentence_pairs` alone."""
    label: str | None = None
    """Column with the label; by default that of the training file."""
    group_column: str | None = None
    """Column whose equal values belong together, such as a customer or an author, and are resampled as one for intervals and
    p-values; by default that of the training where the file has it, `none` for none."""
    by: Names = ()
    """Columns whose values are groups that are compared, such as `region,age`."""
    swap: InputPath | None = None
    """File with lists of terms that could stand for each other, such as names of groups of people: YAML or JSON, or one a line."""
    typos: str | None = Field(default=None, examples=["en"])
    """Misspell words: a language whose keyboard fingers slip on, such as `en`, or a file with tabs, of words and the ways in which
    each is misspelt."""
    typo_rates: Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], BeforeValidator(split_at_commas)] = (
        0.1,
        0.3,
        1.0,
    )
    """Shares of the words that are misspelt, each in (0, 1]."""
    forms: Annotated[tuple[str, ...], BeforeValidator(split_at_commas)] = tuple(FORMS)
    """Other forms of the texts that should make no difference: `lower-case`, `upper-case`, `no-punctuation`, `exclamation`.
    They are tried whatever else is asked for; an empty value leaves them out."""
    contrast: InputPath | None = None
    """File with rows and copies that were changed a little so that another label is right: columns as in the test file, those of
    the copies with `contrast_` in front."""
    sentence_pairs: InputPath | None = None
    """File with pairs of sentences that differ in whom they speak of, as those of CrowS-Pairs and WinoBias. Of networks with a head
    over words it is said too which of the two they hold for the likelier one."""
    templates: InputPath | None = None
    """YAML or JSON file with tests made of templates, such as negations: `text` with slots in braces, their words, the `label`."""
    tests: Annotated[dict[str, str], BeforeValidator(tests_by_name)] = Field(default_factory=dict)
    """Files with more labelled rows, by name, such as `shop=shop.csv,film=film.csv`."""
    baseline: InputPath | None = None
    """Folder of another run, such as one of `tf-idf`, that the same is measured of and that the model is held against."""
    positive_label: str | None = None
    """Label that groups, terms and pairs are followed by, such as `toxic`; by default each one, where there are five at most."""
    least_rows: int = Field(default=20, ge=2, le=100_000)
    """Rows below which a group is named and not scored, in [2, 100000]."""
    most_rows: int = Field(default=2000, ge=20, le=100_000)
    """Rows whose changed texts are read at most, a sample by the seed, in [20, 100000]."""
    most_copies: int = Field(default=10, ge=1, le=1000)
    """Copies of a row with other terms at most for each list, in [1, 1000]."""
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    """Seed of what is drawn, in [0, 4294967295]."""
    output: OutputPath | None = None
    """Folder for what was found, with a page; by default none is written."""
    overwrite: bool = False
    """Replace the output folder if headstart wrote it."""

    @field_validator("forms")
    @classmethod
    def _forms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return Perturbations(forms=value).forms

    @model_validator(mode="after")
    def _rows_or_network(self) -> Audit:
        """Without labelled rows there is only one thing to ask."""
        if self.test is not None:
            return self
        if self.sentence_pairs is None:
            raise ValueError(
                "give a file with labelled rows behind the model; without one a pretrained network can be asked about "
                "sentence_pairs alone"
            )
        if needing := [name for name in NEED_ROWS if getattr(self, name)]:
            raise ValueError(
                f"{', '.join(needing)}: needs labelled rows, and no file has them; a pretrained network can be asked about "
                "sentence_pairs alone"
            )
        return self

    def measurements(self, known: Sequence[str] = ()) -> tuple[Measurement, ...]:
        """What is measured, in the order in which it is shown.

        Args:
            known: terms that the model was trained to take for each other.
        """
        drawn: dict[str, Any] = {"most_rows": self.most_rows, "seed": self.seed}
        followed: dict[str, Any] = {"positive_label": self.positive_label}
        found: list[Measurement] = []
        if self.by:
            found.append(GroupGaps(by=self.by, least_rows=self.least_rows, seed=self.seed, **followed))
        if self.swap is not None:
            found.append(
                Swaps(terms=self.swap, most_copies=self.most_copies, known_terms=tuple(known), **followed, **drawn)
            )
        if self.typos is not None or self.forms:
            rates = self.typo_rates if self.typos is not None else ()
            slips: dict[str, Any] = {} if self.typos is None else {"typos": self.typos}
            found.append(Perturbations(rates=rates, forms=self.forms, **slips, **drawn))
        if self.templates is not None:
            found.append(TemplateTests(tests=self.templates, seed=self.seed))
        if self.contrast is not None:
            found.append(ContrastSets(pairs=self.contrast))
        if self.sentence_pairs is not None:
            found.append(SentencePairs(pairs=self.sentence_pairs, **followed))
        return tuple(found)
