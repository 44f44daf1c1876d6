"""The lessons of the tutorial, and other pages with commands that follow on each other, run as they stand there: by default on few rows with a tiny network."""

from pathlib import Path

import pytest
from tests.docs.conftest import DOCS, Shell, blocks

LESSONS = sorted(path for path in (DOCS / "tutorial").glob("*.md") if path.name != "index.md")
LESSONS.append(DOCS / "search.md")
LESSONS += [DOCS / "duplicates_and_clusters.md", DOCS / "suggest.md", DOCS / "study.md"]

DEAR = {"domain", "few-labels", "study"}
"""Lessons that the default tests leave out: they train most."""


@pytest.mark.parametrize(
    "lesson", [pytest.param(each, marks=[pytest.mark.slow] * (each.stem in DEAR), id=each.stem) for each in LESSONS]
)
def test_a_lesson_runs_on_few_rows(lesson: Path, shell: Shell) -> None:
    assert blocks(lesson)
    shell.page(lesson)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_on_the_sample_data_as_it_is(lesson: Path, whole_shell: Shell) -> None:
    whole_shell.page(lesson)
