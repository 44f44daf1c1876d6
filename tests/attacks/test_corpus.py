"""Folders and recipes that lie: each is refused in plain words and in no time, or answers as the honest one does."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.attacks.artifacts import LINEAR, NETWORK
from tests.attacks.attempts import Honest
from tests.attacks.corpus import Attack
from tests.attacks.networks import NETWORKS
from tests.attacks.recipes import NAME, RECIPES
from tests.attacks.trials import command, fault, trials
from tests.attacks.vocabularies import VOCABULARIES

TOGETHER = 12
"""Attacks that a fork works through."""
FOLDERS = {"backbone": [*NETWORKS.attacks, *VOCABULARIES.attacks], "linear": LINEAR.attacks, "network": NETWORK.attacks}


def groups(attacks: list[Attack]) -> Iterator[tuple[list[Attack], Any]]:
    """Attacks that are tried together, with their mark: by default every third group is tried."""
    for at in range(0, len(attacks), TOGETHER):
        yield attacks[at : at + TOGETHER], () if at % (3 * TOGETHER) == 0 else pytest.mark.slow


def wrong(attack: Attack, ended: object, honest: str | None) -> str:
    found = fault(ended, None if attack.free else honest, attack.codes)  # type: ignore[arg-type]
    missing = [word for word in attack.said if ended.code and word not in ended.err]  # type: ignore[attr-defined]
    if not found and missing:
        found = f"does not say {', '.join(missing)}: {ended.err[:500]}"  # type: ignore[attr-defined]
    return f"{attack.name}: {found}" if found else ""


@pytest.mark.parametrize(
    ("kind", "attacks"),
    [
        pytest.param(kind, some, id=f"{kind}: {some[0].name}", marks=marks)
        for kind, attacks in FOLDERS.items()
        for some, marks in groups(attacks)
    ],
)
def test_a_folder_that_lies_is_refused_or_has_no_vote(
    kind: str, attacks: list[Attack], tried: Callable, honest: dict[str, Honest]
) -> None:
    ends = tried(kind, [attack.make for attack in attacks])
    found = [wrong(attack, ended, honest[kind].said) for attack, (_, ended) in zip(attacks, ends, strict=True)]
    assert [each for each in found if each] == []


@pytest.mark.parametrize(
    "attacks", [pytest.param(some, id=some[0].name, marks=marks) for some, marks in groups(RECIPES.attacks)]
)
def test_a_recipe_that_lies_is_refused_before_any_work(attacks: list[Attack], tmp_path: Path) -> None:
    jobs = []
    for at, attack in enumerate(attacks):
        folder = tmp_path / str(at)
        folder.mkdir()
        (folder / "d.csv").write_text("text,label\n" + "good,up\nbad,down\n" * 20)
        attack.make(folder)

        def job(folder: Path = folder) -> int:
            import os

            os.chdir(folder)
            return command("run", NAME, "--quiet")()

        jobs.append(job)
    ends = list(trials(jobs))
    found = [wrong(attack, ended, None) for attack, ended in zip(attacks, ends, strict=True)]
    assert [each for each in found if each] == []
    left = {path.name for at in range(len(attacks)) for path in (tmp_path / str(at)).iterdir()}
    assert left == {"d.csv", NAME}


def test_attacks_have_names_of_their_own() -> None:
    for attacks in (*FOLDERS.values(), RECIPES.attacks):
        names = [attack.name for attack in attacks]
        assert len(names) == len(set(names))
