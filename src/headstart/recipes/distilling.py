"""The recipe of `distill`: a teacher and texts without labels, to a smaller model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from headstart.backbones.location import BackboneSource
from headstart.config import InputPath, Names, named
from headstart.recipes.labelled import Experiment, Fit, listed
from headstart.recipes.sources import Data
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Strategy
from headstart.strategies.distillation import Distillation
from headstart.strategies.endpoint_options import is_endpoint


class DistilledTexts(Data):
    """Where the texts come from, and how they are parted."""

    train: InputPath = Field(examples=["raw.txt"])
    """File with texts: a line each, or a table with a column of them. Labels are not needed, and not read where they are there."""


class Distill(Experiment):
    """What a model knows, taught to a smaller one by texts without labels.

    Example:
        headstart distill runs/big --texts raw.txt --student-layers 2 -o runs/small
    """

    verb: ClassVar[str] = "distill"
    positional: ClassVar[tuple[str, ...]] = ("teacher",)
    called: ClassVar[Mapping[str, str]] = {"train": "texts"}

    teacher: Names = Field(min_length=1, examples=["runs/reviews"])
    """What teaches: folders of runs, addresses of endpoints, or pretrained networks that are told the labels (`--labels`); one,
    or several whose probabilities are averaged, separated by commas."""
    data: DistilledTexts  # type: ignore[assignment]
    """Texts, and files with labels to score on."""
    strategies: Annotated[  # type: ignore[assignment]
        tuple[Annotated[Strategy, named(STRATEGIES, only=Distillation, others="does not learn from a teacher")], ...],
        BeforeValidator(listed),
    ] = Field(default=("distillation",), validate_default=True, examples=["distillation"])
    """Ways of learning from the teacher: `distillation`, once or with several settings, and with teachers of their own."""

    def fit(self) -> Fit:
        """This run as one of `fit`, whose strategy has the teacher.

        A student with fewer layers goes on from the network of a teacher that is a run, unless a backbone is named.
        """
        from headstart.strategies.teachers import is_backbone

        values: dict[str, Any] = {key: getattr(self, key) for key in Fit.model_fields}
        taught = tuple(
            each if getattr(each, "teacher", ()) else each.revised(teacher=self.teacher) for each in self.strategies
        )
        data = Data(**{key: getattr(self.data, key) for key in Data.model_fields})
        backbone = self.backbone
        foreign = any(is_endpoint(each) or is_backbone(each) for each in self.teacher)
        if backbone == BackboneSource(max_length=backbone.max_length) and len(self.teacher) == 1 and not foreign:
            backbone = BackboneSource(location=self.teacher[0], max_length=backbone.max_length)
        cut = all(getattr(each, "student_layers", None) for each in taught)
        return Fit(**values | {"strategies": taught, "data": data, "backbone": backbone if cut else self.backbone})
