"""What stays unimported until it is needed."""

import json
import subprocess
import sys
from pathlib import Path

WATCH = """
import json, os, sys
from contextlib import redirect_stdout, redirect_stderr, suppress
HEAVY = ("torch", "transformers", "sklearn")
found = {}
def seen(what):
    found[what] = [name for name in HEAVY if name in sys.modules]
import headstart
seen("import headstart")
from headstart.cli.main import main
with open(os.devnull, "w") as nowhere:
    for words in json.loads(sys.argv[1]):
        sys.argv = ["headstart", *words]
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            try:
                main()
            except SystemExit as left:
                assert left.code in (0, 2), left.code
        seen(" ".join(words))
print(json.dumps(found))
"""


def imported(*commands: list[str]) -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", WATCH, json.dumps(commands)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_help_lists_and_shown_recipes_import_no_torch_transformers_or_sklearn(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("data: {train: x.csv}\nstrategy: fine-tuning\n")
    found = imported(
        ["--help"], ["list", "strategies"], ["list"], ["fit", "--help"], ["predict", "--help"], ["--version"],
        ["show", "recipe", str(tmp_path / "recipe.yaml")], ["fit"], ["doctor", "--json"],
    )  # fmt: skip
    assert len(found) == 10
    assert {what: names for what, names in found.items() if names} == {}


def test_a_linear_model_predicts_and_is_evaluated_without_torch(linear: Path, files: Path) -> None:
    found = imported(["predict", str(linear), "very good"], ["evaluate", str(linear), str(files / "test.csv")])
    assert found[f"predict {linear} very good"] == ["sklearn"]
    assert "torch" not in found[f"evaluate {linear} {files / 'test.csv'}"]
