"""What a measurement is: numbers about a model on labelled rows, and how verdict, page and card speak of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from headstart.config import Component, is_input
from headstart.drawing.text import dig
from headstart.errors import HeadstartError
from headstart.evaluation import MEASUREMENTS

if TYPE_CHECKING:
    from headstart.data.store import Store
    from headstart.evaluation.subjects import Subject
    from headstart.tasks.base import Task

Want = Literal["confidence", "texts", "columns", "run", "target", "tokens", "words"]
"""What a subject may lack: how sure the model is of one prediction for each row; rows whose texts, and whose columns, may be
shown; a run; labelled rows of a target domain; training texts as a network reads them; a network with a head over words."""


class Measurement(Component, ABC):
    """Something that is found out about a model. What it finds is plain data under its name in `evidence.json`.

    Methods that speak of it are given that data and the whole evidence, of this run or an earlier one, and an object with
    default settings: what they need to know has to stand in the data.
    """

    title: ClassVar[str] = ""
    """Heading of its section on page and card; its name if empty."""
    template: ClassVar[str] = "measurement.html.j2"
    """File in `report/templates` that shows its view; measurements with the same one of their own share its section."""
    wants: ClassVar[frozenset[Want]] = frozenset()
    """What it cannot do without; where a subject lacks some of it, it measures nothing."""
    by_default: ClassVar[bool] = False
    """Whether runs measure it that name no measurements."""
    always: ClassVar[bool] = False
    """Whether it is measured whatever a recipe names, for report and card rely on it."""
    takes_baseline: ClassVar[bool] = False
    """Whether it asks another model too, where there is one: in a run the best control."""
    place: ClassVar[tuple[str, ...]] = ()
    """Keys on the way to its data in the evidence; its name alone if empty."""
    printed: ClassVar[tuple[str, ...] | None] = ()
    """Keys on the way to what of its data `--json` prints; all of it if empty, none of it if None."""
    card_under: ClassVar[str] = ""
    """Heading of the card that its lines stand under, such as `Limits`; its own if empty."""

    @property
    def heading(self) -> str:
        """How page and card call it."""
        return self.title or self.name.replace("_", " ").capitalize()

    @classmethod
    def of(cls, evidence: Mapping[str, Any]) -> Any:
        """Its data in the evidence, None where it was not measured."""
        return dig(evidence, *(cls.place or (cls.name,)))

    def printed_of(self, plain: Any) -> Any:
        """What of its data `--json` prints; None where there is nothing."""
        return None if self.printed is None else dig(plain, *self.printed)

    def seconds(self, rows: int, seconds_per_row: float) -> float:
        """About how long it takes, for budgets.

        Args:
            rows: that scores are reported on.
            seconds_per_row: that a network takes to read one of them; 0 where no network runs.
        """
        return 0.0

    def files(self, directory: Path | None = None) -> dict[str, Path]:
        """Files that it reads by the field that names each, as found from a folder or from the current one."""
        named = {name: getattr(self, name) for name, info in type(self).model_fields.items() if is_input(info)}
        return {name: (directory or Path()) / value for name, value in named.items() if value is not None}

    def require(self) -> None:
        """Refuse files that it is to read and cannot, before there is any work.

        Raises:
            HeadstartError: one is missing or of another shape.
        """

    def check(self, task: Task[Any, Any], rows: Store[Any]) -> None:
        """Refuse settings that do not suit a task or rows, such as a column that these lack, before anything is trained.

        Args:
            task: bound.
            rows: that models are going to be measured on.

        Raises:
            HeadstartError: a setting names what is not there.
        """

    @abstractmethod
    def measure(self, subject: Subject) -> Any:
        """Plain data, such as JSON can hold; None where there is nothing to be measured."""

    def sentences(self, plain: Any, evidence: Mapping[str, Any]) -> list[str]:
        """What the verdict says of it."""
        return []

    def view(self, plain: Any, evidence: Mapping[str, Any]) -> dict[str, Any] | None:
        """Numbers and drawings for its template, None where there is nothing to show.

        The usual template shows title and sentences, `charts` (drawings), and `rows` (cells of texts and numbers) below `columns`
        (their heads, with `|n` behind those of numbers); or several such, each with a `caption`, under `tables`.
        """
        return None

    def card(self, plain: Any, evidence: Mapping[str, Any]) -> list[str]:
        """Lines of Markdown for the card."""
        return []


def wanted(given: Sequence[Measurement] | None) -> tuple[Measurement, ...]:
    """What is measured, in the order of the table: measurements that are named, or those by default, and those that always are."""
    named = {each.name: each for each in given or ()}
    every = [named.get(name) or MEASUREMENTS.get(name)() for name in dict.fromkeys([*MEASUREMENTS.names(), *named])]
    return tuple(each for each in every if each.always or (each.by_default if given is None else each.name in named))


def measure(measurements: Sequence[Measurement], subject: Subject, evidence: dict[str, Any]) -> None:
    """Put into the evidence what measurements find.

    None stands there where the subject does not offer what one wants, and `why` where one fails.
    """
    for each in measurements:
        *way, last = each.place or (each.name,)
        inner = evidence
        for key in way:
            inner = inner.setdefault(key, {})
        try:
            inner[last] = each.measure(subject) if each.wants <= subject.offers else None
        except HeadstartError as error:  # a model that was trained is worth more than one of its measurements
            inner[last] = {"split": subject.part, "why": str(error)}


def unmeasured(plain: Any) -> str:
    """Why nothing was measured, from what a measurement found; empty where something was."""
    return str(plain.get("why", "")) if isinstance(plain, Mapping) else ""


def said_of(measurement: Measurement, plain: Any, evidence: Mapping[str, Any]) -> list[str]:
    """What is said of a measurement: its sentences, or why there was nothing to measure."""
    why = unmeasured(plain)
    return [f"{measurement.heading}: {why.removesuffix('.')}."] if why else measurement.sentences(plain, evidence)


def measured(evidence: Mapping[str, Any]) -> list[tuple[Measurement, Any]]:
    """Registered measurements with what the evidence holds of each, in the order of the table; without those that it lacks."""
    every = (MEASUREMENTS.get(name)() for name in MEASUREMENTS.names())
    return [(each, plain) for each in every if (plain := each.of(evidence)) is not None]
