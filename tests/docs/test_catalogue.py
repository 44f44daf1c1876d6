"""Every verb, task and strategy has a page that is made of it, and the examples of these pages run."""

import shlex
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.docs.conftest import ROOT, Shell

import catalogue
import docstrings
import fields
from headstart.backbones.location import BackboneSource, locate
from headstart.errors import HeadstartError
from headstart.recipes.verbs import VERBS
from headstart.strategies import STRATEGIES
from headstart.strategies.tf_idf import TfIdf
from headstart.tasks import TASKS

EXAMPLES = [(name, line) for name, lines in catalogue.examples() for line in lines]
CHEAP = {
    "verb list", "verb explain", "verb init", "verb show", "verb cache", "verb doctor", "verb run", "task token-classification",
    "strategy coral", "strategy fine-tuning", "strategy tf-idf", "strategy untouched",
}  # fmt: skip
"""Pages whose examples are run by the default tests; the slow ones run all, on whole files and the real network."""


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return catalogue.pages()


def test_every_verb_task_and_strategy_has_a_page_that_begins_with_its_name(pages: dict[str, str]) -> None:
    for kind, names in (("verbs", VERBS.names()), ("tasks", TASKS.names()), ("strategies", STRATEGIES.names())):
        for name in names:
            assert pages[f"{kind}/{name}.md"].startswith(f"# {name}\n")
            assert f"| [{name}]({name}.md) |" in pages[f"{kind}/overview.md"]


def test_every_command_has_a_page_even_those_without_a_recipe(pages: dict[str, str]) -> None:
    assert {"run", "list", "show", "cache", "doctor"} <= set(catalogue.commands())
    assert {f"verbs/{name}.md" for name in catalogue.commands()} <= pages.keys()


@pytest.mark.parametrize(("page", "lines"), list(catalogue.examples()))
def test_every_page_has_an_example(page: str, lines: list[str]) -> None:
    assert lines, f"{page} has no example: put one below 'Example:' in its docstring"
    assert all(line.startswith("headstart ") for line in lines)


def test_the_page_of_a_component_has_all_its_keys_with_their_meaning(pages: dict[str, str]) -> None:
    for kind, registry in (("tasks", TASKS), ("strategies", STRATEGIES)):
        for name in registry.names():
            for key, info in registry.get(name).model_fields.items():
                if key in {"mean", "deviation", "teacher_digest"}:
                    continue
                assert f"{key.replace('_', '-')}" in pages[f"{kind}/{name}.md"]
                assert " ".join((info.description or "").split()).replace("|", "\\|") in pages[f"{kind}/{name}.md"]


def test_a_new_component_has_a_page_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class Guess(TfIdf):
        """A guess.

        It knows nothing.

        Needs: nothing.

        Example:
            headstart fit a.csv --strategy guess
        """

        name: ClassVar[str] = "guess"

    monkeypatch.setitem(globals(), "Guess", Guess)
    monkeypatch.setitem(STRATEGIES._table, "guess", f"{__name__}:Guess")
    page = catalogue.strategy_page("guess")
    assert page.startswith("# guess\n")
    assert "It knows nothing.\n\n**Needs**: nothing.\n" in page
    assert "```sh\nheadstart fit a.csv --strategy guess\n```" in page
    assert "strategies/guess.md" in catalogue.pages()


def test_pages_of_components_that_are_gone_are_removed_and_others_stay_as_they_are(tmp_path: Path) -> None:
    catalogue.write(tmp_path)
    gone, kept = tmp_path / "tasks" / "gone.md", tmp_path / "tasks" / "text-classification.md"
    gone.write_text("# gone\n")
    before = kept.stat().st_mtime_ns
    catalogue.write(tmp_path)
    assert not gone.exists()
    assert kept.stat().st_mtime_ns == before


def test_docstrings_are_parted_into_prose_facts_lists_and_examples() -> None:
    class Thing:
        """First line.

        Second `paragraph`.

        Args:
            one: of a kind
                that goes on.
            two: of another.

        See also: `other`,
            which goes on.

        Returns:
            What it is: nothing.

        Example:
            headstart x
        """

    doc = docstrings.read(Thing)
    assert doc.summary == "First line."
    assert doc.body == "Second `paragraph`."
    assert doc.facts == {"See also": "`other`, which goes on."}
    assert doc.lists["Args"] == [("one", "of a kind that goes on."), ("two", "of another.")]
    assert doc.lists["Returns"] == [("", "What it is: nothing.")]
    assert doc.examples == ["headstart x"]


@pytest.mark.parametrize(
    ("key", "takes", "default"),
    [
        ("unfreezing", "`at-once` or `gradual`", "`at-once`"),
        ("layer_decay", "number, (0, 1]", "`0.9`"),
        ("layers", "`all` or whole number", "`all`"),
        ("embeddings", "yes or no", ""),
    ],
)
def test_a_table_says_what_a_field_takes_and_its_default(key: str, takes: str, default: str) -> None:
    info = STRATEGIES.get("fine-tuning").model_fields[key]
    assert fields.takes(info) == takes
    assert fields.default(info) == default


def _prepared(name: str, shell: Shell) -> None:
    """What the examples of some verbs need: a model, or a run that was stopped."""
    if name in ("verb predict", "verb evaluate", "verb audit", "verb suggest"):
        shell.run("headstart fit examples/feedback/train.csv --strategy tf-idf --no-controls -o runs/feedback")
    if name == "strategy distillation":
        shell.run(
            "headstart fit examples/feedback/train.csv --strategy feature-extraction --no-controls -o runs/feedback"
        )
    if name == "verb extract":
        shell.run("headstart fit examples/tasks.yaml --strategy multi-task --epochs 1 --no-controls -o runs/tasks")
    if name == "verb resume":
        _stopped(shell)
    if name in ("verb search", "verb ask"):
        shell.run("headstart index examples/handbook -o runs/handbook")
    if name == "verb ask":
        shell.run("headstart fit examples/questions/train.csv --strategy word-overlap --no-controls -o runs/questions")

    if name == "verb distill":
        shell.run("headstart fit examples/feedback/train.csv --strategy feature-extraction --no-controls -o runs/big")
        Path("raw.txt").write_text((ROOT / "examples" / "domain" / "guests.txt").read_text())
    if name == "verb export":
        shell.run(
            "headstart fit examples/phrases/train.csv --task translation --source-language en --target-language de "
            "--strategy warm-start --no-controls --epochs 1 --beams 1 -o runs/phrases"
        )


def _alone(line: str) -> str:
    """An example without the controls beside it, which take longer than what it shows."""
    return line + " --no-controls" * (line.split()[1] in ("fit", "compare") and "--no-controls" not in line)


def _stopped(shell: Shell) -> None:
    from headstart.runs import comparison, workspace

    def stop(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workspace, "LEAST_SECONDS", 0.0)
        patch.setattr(comparison, "gather", stop)
        with pytest.raises(AssertionError, match="no space left"):
            shell.run("headstart fit examples/feedback/train.csv --strategy tf-idf --no-controls -o runs/feedback")


@pytest.mark.parametrize(("name", "line"), [pair for pair in EXAMPLES if pair[0] in CHEAP])
def test_the_examples_of_cheap_pages_run_on_few_rows_with_a_tiny_network(name: str, line: str, shell: Shell) -> None:
    _prepared(name, shell)
    shell.run(_alone(line))


@pytest.mark.parametrize(
    "name",
    [
        "verb predict",
        "verb evaluate",
        "verb audit",
        "verb resume",
        "verb index",
        "verb search",
        pytest.param("verb ask", marks=pytest.mark.slow),
        pytest.param("verb export", marks=pytest.mark.slow),
    ],
)
def test_the_examples_of_verbs_that_need_a_run_follow_on_each_other(name: str, shell: Shell) -> None:
    _prepared(name, shell)
    for page, line in EXAMPLES:
        if page == name:
            shell.run(line)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "line"), EXAMPLES, ids=[f"{name}: {shlex.split(line)[1]}" for name, line in EXAMPLES])
def test_every_example_runs_on_the_sample_data_as_it_is(name: str, line: str, whole_shell: Shell) -> None:
    if smol := next((word for word in shlex.split(line) if Path(word).name == "smol"), None):
        try:
            locate(BackboneSource(location=smol))
        except HeadstartError as error:
            pytest.skip(f"{smol} is not at hand: {str(error).partition(chr(10))[0]}")
    if name in ("verb chat", "verb import"):
        pytest.skip("no decoder is shipped with the sample data")
    _prepared(name, whole_shell)
    for page, earlier in EXAMPLES if name == "verb index" else ():
        if page == name and earlier != line and "-o" not in line and "--remove" not in earlier:
            whole_shell.run(earlier)
    whole_shell.run(line if name == "verb fit" else _alone(line))
