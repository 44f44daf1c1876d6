"""What README and docs say of the source is true: files, links, commands, the program in Python, names of components."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from tests.docs.conftest import blocks, commands

from headstart.cli.options import command
from headstart.recipes.parsing import assemble
from headstart.recipes.verbs import VERBS
from headstart.strategies import STRATEGIES

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("[tc]*/*.md")])
PAGES = [path for path in PAGES if "catalogue" not in path.parts]


def test_the_file_map_lists_every_top_level_module_and_nothing_else() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    found = re.search(r"^## File map\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, "docs/architecture.md has no section '## File map'"
    package = ROOT / "src" / "headstart"
    modules = {path.name for path in package.glob("*.py") if path.name != "__init__.py"}
    modules |= {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    named = set(re.findall(r"(?<![\w/.])([a-z_]+(?:\.py\b|/))", found.group(1).replace("src/headstart/", "")))
    assert modules - named == set(), "missing in the file map"
    gone = (
        {name for name in named if name.endswith(".py")}
        - {"__init__.py"}
        - {path.name for path in package.rglob("*.py")}
    )
    assert gone == set(), "in the file map, but not in the source"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_lead_to_files(page: Path) -> None:
    """Pages of the catalogue are written when the site is built, so their names are held against the registries."""
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "catalogue/" not in target:
            assert (page.parent / target).exists(), target
            continue
        kind, name = (Path(target).parts[-2], Path(target).stem)
        known = {"strategies": STRATEGIES.names(), "verbs": VERBS.names()}.get(kind, [])
        assert name in {*known, "overview", "recipes", "python"}, target


LINES = [
    (page, line)
    for page in (
        README,
        ROOT / "docs" / "reference.md",
        ROOT / "docs" / "search.md",
        *sorted((ROOT / "docs" / "tutorial").glob("*.md")),
    )
    for block in blocks(page)
    if block.language == "sh"
    for line in commands(block.text)
    if line.startswith("headstart ") and line.split()[1] in VERBS.names()
]


@pytest.mark.parametrize(("page", "line"), LINES, ids=[f"{page.stem}: {line[10:60]}" for page, line in LINES])
def test_commands_are_understood(page: Path, line: str) -> None:
    verb, *words = shlex.split(line)[1:]
    verb = VERBS.meant(verb, words)
    given: list[object] = []
    app = typer.Typer()
    app.command(verb)(command(verb, lambda options, sets, *_: given.append(assemble(verb, options, sets))))
    app(words, standalone_mode=False)
    assert len(given) == 1


def test_the_program_of_the_readme_runs(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [program] = [block.text for block in blocks(README) if block.language == "python"]
    monkeypatch.chdir(tmp_path)
    changed = program.replace(
        'strategy="feature-extraction"', f'strategy="feature-extraction", backbone={str(tiny_backbone)!r}'
    )
    assert changed != program
    exec(compile(changed, "README.md", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out.splitlines()[-1] in ("good", "bad")


def test_the_readme_is_short_and_the_numbers_of_its_table_stand_in_the_evidence() -> None:
    text, evidence = README.read_text(encoding="utf-8"), (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    table = text[text.index("| what | beside |") : text.index("![Test accuracy")]
    numbers = set(re.findall(r"\b0\.\d{3}\b|\b\d,\d{3}\b", table))
    assert len(numbers) > 5
    assert {number for number in numbers if number not in evidence} == set()
