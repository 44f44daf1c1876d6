"""The README keeps up with the source."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_file_map_of_the_readme_lists_every_top_level_module_and_nothing_else() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^## File map\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    assert found, "README.md has no section '## File map'"
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
