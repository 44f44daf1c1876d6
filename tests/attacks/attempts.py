"""What is tried by number: an honest thing with one change, the job that shows who is believed, and what may come of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.attacks.honest import TEXTS, states
from tests.attacks.mutations import mutate, recipe
from tests.attacks.trials import Ended, Job, command, fault, trials

ROWS = "".join(f"{('good', 'bad')[at % 2]} day {at},{('up', 'down')[at % 2]}\n" for at in range(40))
KINDS = ("linear", "network", "pinned", "recipe")
"""What is changed, in turn: an artifact with terms, one with a network, a network's folder at its digest, a recipe."""


class Honest(NamedTuple):
    """A folder that does not lie."""

    folder: Path
    job: Callable[[Path], Job]
    """What shows who is believed, of a folder."""
    said: str
    """What the job prints of this one."""


class Attempt(NamedTuple):
    """One change, and what is tried on it."""

    what: str
    job: Job
    honest: str | None
    """What may be answered; None where what is read is what counts."""
    codes: tuple[int, ...]

    def fault(self, ended: Ended) -> str:
        """What is wrong with how it ended; empty where nothing is."""
        found = fault(ended, self.honest, self.codes)
        return f"{self.what}: {found}" if found else ""


def asked(folder: Path) -> Job:
    """The job that asks an artifact for its answers to two texts."""
    return command("predict", folder, *TEXTS, "--json")


def fitted(place: Path, backbone: Path) -> dict[str, Honest]:
    """Honest folders by kind (a network with and without its digest pinned), in a folder where they are made unless they are there."""
    import headstart
    from headstart.backbones.location import BackboneSource, locate

    if not place.exists():
        place.mkdir()
        shutil.copytree(backbone, place / "backbone")
        (place / "d.csv").write_text("text,label\n" + ROWS)
        headstart.fit(place / "d.csv", output=str(place / "linear"), strategy="tf-idf", C=3.0, controls=False, folds=0)
        headstart.fit(
            place / "d.csv", output=str(place / "network"), strategy="feature-extraction", layers=2, pooling="mean",
            backbone=str(place / "backbone"), controls=False, folds=0,
        )  # fmt: skip
    headstart.load(place / "linear").predict(list(TEXTS))  # what forks need is imported here, once
    headstart.load(place / "network").predict(list(TEXTS))
    digest = locate(BackboneSource(location=str(place / "backbone"))).source.digest
    jobs: dict[str, Callable[[Path], Job]] = {
        "linear": asked, "network": asked, "backbone": states, "pinned": lambda folder: states(folder, digest)
    }  # fmt: skip
    folders = {kind: place / ("backbone" if kind == "pinned" else kind) for kind in jobs}
    found = {}
    for kind, ended in zip(jobs, trials([jobs[kind](folders[kind]) for kind in jobs]), strict=True):
        if ended.code != 0:
            raise AssertionError(ended.err)
        found[kind] = Honest(folders[kind], jobs[kind], ended.out)
    return found


def attempt(number: int, honest: Mapping[str, Honest], place: Path) -> Attempt:
    """The attempt of a number, in an empty folder that is there."""
    random, kind = Random(number), KINDS[number % len(KINDS)]
    if kind == "recipe":
        content, what = recipe(random)
        (place / "recipe.yaml").write_bytes(content)
        return Attempt(
            f"{number} recipe: {what}", command("show", "recipe", place / "recipe.yaml", "--json"), None, (0, 64)
        )
    folder = place / kind
    shutil.copytree(honest[kind].folder, folder)
    what, forged = mutate(folder, random)
    counts = kind == "pinned" and not what.startswith("model.safetensors")  # what a network's folder says of itself
    said = None if forged or counts else honest[kind].said
    return Attempt(f"{number} {kind} {what}", honest[kind].job(folder), said, (0, 65))


def attempts(numbers: Sequence[int], honest: Mapping[str, Honest], place: Path) -> list[str]:
    """Faults of the attempts of some numbers, made in one fork as long as none takes it down."""
    made = []
    for number in numbers:
        (place / str(number)).mkdir()
        made.append(attempt(number, honest, place / str(number)))
    ends = trials([each.job for each in made])
    found = [each.fault(ended) for each, ended in zip(made, ends, strict=True)]
    for number in numbers:
        shutil.rmtree(place / str(number))
    return [each for each in found if each]
