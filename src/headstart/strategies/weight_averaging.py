"""Averages of weights: one network made of several trainings, or of the start and the end of one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from headstart.config import Names, named, split_at_commas
from headstart.runtime.deadline import Deadline, OutOfTime
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Added, Candidate, Context, Strategy, Work, refused_within
from headstart.strategies.gate import calibrated_losses, judged
from headstart.tasks.base import Task

if TYPE_CHECKING:
    from headstart.data.outputs import Outputs
    from headstart.strategies.weight_points import Barrier, WeightPoints
    from headstart.training.settings import Training

OF_LINES = "it is about the line from start to end, and the average is `soup`"
SHARES = tuple(at / 10 for at in range(11))
"""Shares of the end that are tried on the line from the start to it."""
SEEDS = 2**32
MOST_MEMBERS = 20
"""Networks that a soup is made of at most."""
MemberSeeds = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=SEEDS)], ...],
    Field(min_length=1, max_length=MOST_MEMBERS),
    BeforeValidator(split_at_commas),
]
"""Seeds of trainings; a string is split at commas."""


@dataclass(frozen=True)
class _Soup:
    """What networks a soup may be made of, and what is said of it."""

    what: str
    """It is called, such as `the soup of 3 seeds`."""
    kind: str
    """What all of them are called together: `seeds` or `runs`."""
    names: Sequence[str]
    """What each of them is called."""
    refused: Strategy
    """Resolved where the soup is not kept."""
    kept: Callable[[Sequence[int]], Strategy]
    """The same where it is kept, by numbers of those that it is made of."""


class WeightAveraging(Strategy):
    """The mean of the weights of several models, which is one network of the same size and speed.

    `soup` averages fine-tunings under several seeds (model soups: Wortsman et al. 2022a, section 2), all of them or, with
    `greedy`, those that make the average no worse on validation, the best one first (their recipe 1); `member_runs` names finished
    runs whose networks are averaged in place of trainings of its own. `wise` is a point on the
    line from the pretrained network with its fitted head to the end of fine-tuning (WiSE-FT: Wortsman et al. 2022b, section 3):
    nearer to the start it keeps more of what the network knew of other domains. By default it is the point nearest to the start
    whose score on validation is no lower than that of the end, and whose log-loss is within one standard error of it.

    All trainings start from the same weights: the pretrained network with the head that was solved on its frozen features.
    Where two ends lie in one basin, the loss does not rise on the line between them; this is measured on validation, and said.
    An average that loses on validation by more than noise, against the mean of the seeds or against the end, is not kept; the
    first training is then.

    Needs: labels; a strategy inside that starts from the same weights under every seed.
    Inputs: those of the task.
    See also: `fine-tuning` and `lora`, what is averaged; `distillation`, which makes one network of several that differ in shape.

    Example:
        headstart fit examples/feedback/train.csv --average soup --members 2
    """

    name: ClassVar[str] = "weight-averaging"
    cost: ClassVar[int] = 7
    shortens: ClassVar[bool] = True
    called_by: ClassVar[str] = "average"

    average: Literal["soup", "wise"] | None = None
    """`soup`, the mean of trainings under several seeds, or `wise`, a point between the start and the end of one training. This
    option calls for the strategy: those that are named are fitted within it. By default `wise` where `end_share` is given,
    else `soup`."""
    then: Annotated[Strategy, named(STRATEGIES, "fine-tuning")] = Field(default="fine-tuning", validate_default=True)
    """Strategy that is fitted inside, by name; once for each seed, its own options as in `--set strategy.then.layers=2`."""
    members: int = Field(default=3, ge=1, le=MOST_MEMBERS)
    """Trainings that a soup is made of, under the run's seed and those after it, in [1, 20]."""
    member_seeds: MemberSeeds | None = None
    """Seeds of the trainings that a soup is made of, each in [0, 2^32); by default the run's seed and those after it."""
    member_runs: Names = Field(default=(), max_length=MOST_MEMBERS, examples=["runs/a,runs/b"])
    """Folders of finished runs whose networks the soup is made of, 2 to 20 of them; nothing is trained then. All have learnt
    one task from one backbone, and none of them has learnt from rows that choices are made on here."""
    greedy: bool = False
    """Take into the soup only networks that make it no worse on validation, the best one first."""
    end_share: float | None = Field(default=None, ge=0, le=1)
    """Share of the end of training on the line from the start to it, in [0, 1] (the alpha of WiSE-FT); by default the least of
    0, 0.1, ..., 1 that is as good as the end on validation."""
    gate: bool = True
    """Keep what was added only if validation bears it out; an average may not lose there by more than noise. `--no-gate` keeps it
    in any case."""

    @field_validator("then")
    @classmethod
    def _has_one(cls, value: Strategy) -> Strategy:
        if value.no_average:
            raise ValueError(
                f"{value.name} {value.no_average}, so there is nothing to average; name a strategy such as fine-tuning or lora"
            )
        return value

    @field_validator("member_seeds")
    @classmethod
    def _all_others(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if twice := next((str(each) for at, each in enumerate(value or ()) if each in (value or ())[:at]), ""):
            raise ValueError(f"the seed {twice} is named twice, which would count one training as two")
        return value

    @field_validator("member_runs")
    @classmethod
    def _several(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        places = [os.path.realpath(os.path.expanduser(each)) for each in value]
        if twice := next((each for at, each in enumerate(value) if places[at] in places[:at]), ""):
            raise ValueError(f"the run {twice} is named twice, which would count one network as two")
        if len(value) == 1:
            raise ValueError(f"one run, {value[0]}, has no average; name at least two")
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if self.member_runs and self.member_seeds:
            raise ValueError("`member_runs` are finished and `member_seeds` are to be trained; give one of the two")
        return self

    @property
    def trains(self) -> bool:
        """Unless it is made of finished runs."""
        return not self._of_runs

    @property
    def learns_soft_labels(self) -> bool:
        """Where the strategy inside does, and is fitted."""
        return self.trains and self.then.learns_soft_labels

    @property
    def files(self) -> tuple[str, ...]:
        """Folders of runs, and what the strategy inside names."""
        return self.member_runs if self._of_runs else self.then.files

    def relocated(self, directory: Path) -> Self:
        """With its finished runs as found from elsewhere."""
        return self.revised(member_runs=[str(directory / each) for each in self.member_runs])

    @property
    def never_refits(self) -> str:
        """Networks of finished runs are as they are."""
        return "the networks of its member runs are finished and are not trained again" if self._of_runs else ""

    def unused(self, training: Training) -> dict[str, str]:
        """Those of the strategy inside, and those of the other average."""
        if self._of_runs:
            why = "the soup is made of `member_runs`, which are finished"
            named = ("then",) if self.then != STRATEGIES.get("fine-tuning")() else ()
            found = super().unused(training) | dict.fromkeys(("members", "member_seeds", *named), why)
            return found | {"end_share": OF_LINES}
        found = {key: why for key, why in self.then.unused(training).items() if key.startswith("training.")}
        if not self._is_soup:
            return found | dict.fromkeys(
                ("members", "member_seeds", "member_runs", "greedy"), "it is about soups, and the average is `wise`"
            )
        found |= {"end_share": OF_LINES}
        return found | ({"members": "`member_seeds` says which trainings there are"} if self.member_seeds else {})

    def refuses(self, task: Task) -> str:
        """Refuses what the strategy inside refuses."""
        return refused_within(self.then, task)

    def work(self, context: Context) -> Work:
        """That of the strategy inside, once for each seed of a soup, and validation rows read once more for each mix.

        Under cross-validation the trainings of the folds are done twice for the first seed, for their epoch is chosen by them.
        """
        held = len(context.validation) / max(len(context.train), 1)
        if self._of_runs:
            return Work(0.0, held * 3 * len(self.member_runs))
        inner = self.then.work(context)
        crossed = context.folds is not None
        fits = (len(self._seeds(context)) if self._is_soup else 1) + crossed
        mixes = 2 * len(self._seeds(context)) if self._is_soup else len(SHARES) + 1
        held = 1.0 if crossed else held
        reading = inner.reading * fits + held * mixes
        return Work(inner.training * fits, reading, inner.seconds * fits, inner.heads * fits)

    def fit(self, context: Context) -> Candidate:
        """Train, mix, keep the mix where validation does not lose."""
        if self._of_runs:
            return self._of_finished(context)
        return self._soup(context) if self._is_soup else self._between(context)

    @property
    def _is_soup(self) -> bool:
        """Whether it is the mean over seeds."""
        return self.average == "soup" or (self.average is None and self.end_share is None)

    @property
    def _of_runs(self) -> bool:
        """Whether it is the mean of finished runs."""
        return self._is_soup and bool(self.member_runs)

    def _seeds(self, context: Context) -> tuple[int, ...]:
        return self.member_seeds or tuple((context.seed + at) % SEEDS for at in range(self.members))

    def _soup(self, context: Context) -> Candidate:
        """The mean over seeds."""
        from headstart.strategies.weight_points import WeightPoints, even

        found = self._trained(context)
        seeds, first = self._seeds(context)[: len(found)], found[0]
        what = f"the soup of {len(seeds)} seeds"
        single = self.revised(average="soup", then=first.strategy, member_seeds=seeds[:1])
        if first.strategy.no_average:
            return _told(first, single, what, f"refused: {first.strategy.name} {first.strategy.no_average}")
        if len(seeds) == 1:
            late = ", the budget left no time for more" * (len(self._seeds(context)) > 1)
            return _told(first, single, what, f"refused: there is one training{late}")
        points = WeightPoints(context, found, lambda part: [_again(first, replace(part, seed=seed)) for seed in seeds])
        if context.last_epoch is not None:
            shares = even(range(len(seeds)), len(seeds))
            return replace(first, strategy=self, predictor=points.model(shares), validation=points.outputs(shares))
        soup = _Soup(
            what,
            "seeds",
            [f"seed {seed}" for seed in seeds],
            single,
            lambda chosen: single.revised(member_seeds=[seeds[at] for at in chosen], greedy=False, gate=False),
        )
        return self._mixed(points, soup)

    def _of_finished(self, context: Context) -> Candidate:
        """The mean of networks of finished runs."""
        from headstart.strategies.member_runs import members_as_candidates
        from headstart.strategies.weight_points import WeightPoints

        runs, plain = self.member_runs, self.revised(average="soup")
        points = WeightPoints(context, members_as_candidates(self, runs, context), lambda _: [])

        def kept(chosen: Sequence[int]) -> Strategy:
            if len(chosen) < 2:  # one run is no soup that could be named; all of them come to the same choice again
                return plain.revised(gate=False)
            return plain.revised(member_runs=[runs[at] for at in chosen], greedy=False, gate=False)

        return self._mixed(points, _Soup(f"the soup of {len(runs)} runs", "runs", runs, plain, kept))

    def _mixed(self, points: WeightPoints, soup: _Soup) -> Candidate:
        """The mean of points where validation does not lose, else the first one."""
        from headstart.strategies.weight_points import basin_of, even, taken_greedily

        context, what, alone = points.context, soup.what, points.alone()
        found = alone if self._of_runs else points.candidates
        chosen = taken_greedily(points, alone) if self.greedy else list(range(len(alone)))
        basin, shares = basin_of(points, alone, soup.kind, soup.names), even(chosen, len(alone))
        mixed = replace(found[chosen[0]], validation=points.outputs(shares))
        if self._of_runs:
            mixed.description = ", ".join(soup.names[at] for at in chosen)
        kept, said = judged(context, [mixed], alone, what, least="no clear loss")
        mixed = replace(mixed, predictor=points.model(shares))
        if not kept and self.gate:
            return _told(found[0], soup.refused, what, said, basin, {what: mixed})
        if len(chosen) < len(alone):
            what += f", {len(chosen)} of them taken greedily"
        beside = dict(zip(soup.names, found, strict=True))
        return _told(mixed, soup.kept(chosen), what, said if self.gate else "kept: no gate", basin, beside)

    def _trained(self, context: Context) -> list[Candidate]:
        """The strategy inside under each seed, those that there is time for; the first one alone where it has no average."""
        seeds, found = self._seeds(context), list[Candidate]()
        for at, seed in enumerate(seeds):
            run = replace(context, seed=seed, deadline=_part_of(context.deadline, len(seeds) - at))
            try:
                found.append(_again(found[0], run) if found else self.then.fit(run))
            except OutOfTime:
                if not found:
                    raise
                break
            if found[0].strategy.no_average:
                break
        return found

    def _between(self, context: Context) -> Candidate:
        """A point on the line from the start to the end of one training."""
        from headstart.strategies.weight_points import Barrier, WeightPoints

        end = self.then.fit(context)
        what = "the point between start and end"
        plain = self.revised(average="wise", then=end.strategy, end_share=1.0)
        if end.strategy.no_average:
            return _told(end, plain, what, f"refused: {end.strategy.name} {end.strategy.no_average}")
        if context.last_epoch is None and not end.epoch:
            return _told(end, plain, what, "refused: training was no better than the start, so both are one point")
        start = _again(end, replace(context, last_epoch=0))
        points = WeightPoints(
            context, [start, end], lambda part: [_again(end, replace(part, last_epoch=0)), _again(end, part)]
        )
        if context.last_epoch is not None:
            line = _line(1.0 if self.end_share is None else self.end_share)
            return replace(end, strategy=self, predictor=points.model(line), validation=points.outputs(line))
        tried = {share: points.outputs(_line(share)) for share in sorted({*SHARES, *_given(self.end_share)})}
        inside = [(share, points.losses(each)) for share, each in tried.items() if 0 < share < 1]
        basin = _of_line(Barrier.between(points.losses(tried[0.0]), points.losses(tried[1.0]), inside))
        share = self._nearest(context, tried)
        if share == 1.0:
            return _told(end, plain, what, "refused: no point before the end is as good on validation", basin)
        what = f"the point at {share:g} of the way from start to end"
        mixed = replace(end, validation=tried[share])
        kept, said = judged(context, [mixed], [replace(end, validation=tried[1.0])], what, least="no clear loss")
        mixed = replace(mixed, predictor=points.model(_line(share)))
        if not kept and self.gate:
            return _told(end, plain, what, said, basin, {what: mixed})
        beside = {"the start": start, "the end": end}
        strategy = plain.revised(end_share=share, gate=False)
        return _told(mixed, strategy, what, said if self.gate else "kept: no gate", basin, beside)

    def _nearest(self, context: Context, tried: Mapping[float, Outputs]) -> float:
        """The share that is given, or the least one as good as the end: no lower score, the loss within a standard error."""
        from headstart.evaluation.judging import sort_key

        if self.end_share is not None:
            return self.end_share
        task, rows = context.task, context.validation
        end, reached = calibrated_losses(task, tried[1.0], rows), sort_key(task, tried[1.0], rows)[0]

        def is_as_good(outputs: Outputs) -> bool:
            more = calibrated_losses(task, outputs, rows) - end
            return sort_key(task, outputs, rows)[0] >= reached and more.mean() <= more.std() / len(more) ** 0.5

        return min(share for share, outputs in tried.items() if is_as_good(outputs))


def _told(
    found: Candidate,
    strategy: Strategy,
    what: str,
    said: str,
    basin: str = "",
    beside: dict[str, Candidate] | None = None,
) -> Candidate:
    """A candidate with what became of the average.

    Args:
        found: the average, or the training that takes its place.
        strategy: resolved.
        what: the average is called.
        said: `kept: why` or `refused: why`.
        basin: whether the models lie in one basin; empty where nobody asked.
        beside: the models that it was made of where it is kept, else the average; none where there is none.
    """
    verdict, _, why = said.partition(": ")
    kept, why = verdict == "kept", "; ".join(filter(None, (why, basin)))
    return replace(
        found,
        strategy=strategy,
        description=f"{what if kept else 'not averaged'}; {found.description}",
        notes=[f"{what} is {'' if kept else 'not '}kept: {why}", *found.notes],
        added=Added(what, kept, why, beside or {}),
    )


def _line(share: float) -> tuple[float, float]:
    """Shares of the start and of the end."""
    return 1 - share, share


def _given(share: float | None) -> tuple[float, ...]:
    return () if share is None else (share,)


def _part_of(deadline: Deadline | None, fits: int) -> Deadline | None:
    """When one of so many trainings has to be done, so that there is time for all."""
    return None if deadline is None else Deadline(time.perf_counter() + deadline.left / fits)


def _again(first: Candidate, context: Context) -> Candidate:
    """Fit the strategy of a candidate with all that it chose, in another context; where rows are held out, for as many epochs."""
    held = context.folds is not None or context.shared.within is not None
    last = first.epoch if held and context.last_epoch is None else context.last_epoch
    return first.strategy.fit(replace(context, training=first.training, last_epoch=last))


def _of_line(barrier: Barrier) -> str:
    if barrier.clear:
        return f"start and end do not lie in one basin: between them the loss is up to {barrier.height:.4f} higher"
    return f"start and end lie in one basin: between them the loss rises by {barrier.height:+.4f} at most"
