"""What every registered component promises; a new line in a name table is tested the moment it exists."""

import json
import re
import subprocess
import sys
from functools import cache
from inspect import isabstract
from pathlib import Path
from typing import Any

import pytest

from headstart.config import Component, parse
from headstart.evaluation import MEASUREMENTS
from headstart.evaluation.measurements.base import Measurement
from headstart.objectives import OBJECTIVES
from headstart.predictors import PREDICTORS
from headstart.predictors.base import Predictor
from headstart.readers import READERS
from headstart.readers.base import Reader
from headstart.recipes.verbs import VERBS
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Strategy
from headstart.tasks import TASKS
from headstart.tasks.base import Task

SOURCES = Path(__file__).resolve().parents[2] / "src" / "headstart"
REGISTRIES = {
    "task": TASKS, "strategy": STRATEGIES, "reader": READERS, "objective": OBJECTIVES, "measurement": MEASUREMENTS
}  # fmt: skip
BASES = {"task": Task, "strategy": Strategy, "reader": Reader, "measurement": Measurement}
COMPONENTS = [(kind, name) for kind, registry in REGISTRIES.items() for name in registry.names()]


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_a_component_survives_being_written_down_and_read_back(kind: str, name: str) -> None:
    cls = REGISTRIES[kind].get(name)
    written = json.loads(json.dumps(cls().plain()))
    if cls.name:
        assert written.pop("name") == name
    assert parse(cls, written) == cls()


@pytest.mark.parametrize(("kind", "name"), [pair for pair in COMPONENTS if pair[0] in BASES])
def test_a_component_is_of_its_kind_and_frozen_and_knows_its_name(kind: str, name: str) -> None:
    cls = REGISTRIES[kind].get(name)
    assert issubclass(cls, BASES[kind])
    assert cls.name in ("", name)
    component = cls()
    for field in cls.model_fields:
        with pytest.raises(ValueError, match="frozen"):
            setattr(component, field, None)


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_every_field_of_a_component_says_what_it_is(kind: str, name: str) -> None:
    fields = REGISTRIES[kind].get(name).model_fields
    assert [key for key, info in fields.items() if len(info.description or "") < 10] == []


@pytest.mark.parametrize("verb", VERBS.names())
def test_every_key_of_a_recipe_says_what_it_is(verb: str) -> None:
    assert [key for key, info in VERBS.get(verb).model_fields.items() if len(info.description or "") < 4] == []


@pytest.mark.parametrize("name", PREDICTORS.names())
def test_a_predictor_says_under_which_name_it_is_kept(name: str) -> None:
    cls = PREDICTORS.get(name)
    assert issubclass(cls, Predictor)
    assert cls.kind == name


def subclasses(cls: type[Component]) -> list[type[Component]]:
    return [found for child in cls.__subclasses__() for found in (child, *subclasses(child))]


def test_components_are_abstract_or_final() -> None:
    for kind, base in BASES.items():
        for name in REGISTRIES[kind].names():
            cls = REGISTRIES[kind].get(name)
            between = [each for each in cls.__mro__[1:] if issubclass(each, base) and each is not base]
            assert all(isabstract(each) for each in between), name
            assert not [each for each in subclasses(cls) if each.__module__.startswith("headstart.")], name


@pytest.mark.parametrize(
    "code",
    [
        "import headstart; dir(headstart)",
        "import headstart.recipes.labelled",
        "from headstart.recipes.parsing import assemble; assemble('fit', {'train': 'a.csv', 'epochs': 3})",
        "from headstart.strategies import STRATEGIES as R; print(R.names(), [R.summary(n) for n in R.names()])",
        "from headstart.tasks import TASKS as R; print(R.names(), [R.summary(n) for n in R.names()])",
        "from headstart.readers import READERS as R; print(R.names(), [R.summary(n) for n in R.names()])",
        "from headstart.evaluation import MEASUREMENTS as R; print(R.names(), [R.summary(n) for n in R.names()])",
        "from headstart.predictors import PREDICTORS as R; print(R.names(), [R.summary(n) for n in R.names()])",
    ],
)
def test_listing_names_and_building_recipes_imports_no_heavy_library(code: str) -> None:
    heavy = "{'torch', 'transformers', 'sklearn', 'scipy', 'pyarrow', 'huggingface_hub', 'tokenizers'}"
    script = f"import sys\n{code}\nprint('heavy:', sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "heavy: []"


@pytest.mark.parametrize("registry", [TASKS, STRATEGIES, READERS, PREDICTORS, MEASUREMENTS])
def test_the_summary_of_a_component_is_one_sentence(registry: Any) -> None:
    for name in registry.names():
        assert re.fullmatch(r"\S.{10,150}[.]", registry.summary(name)), name


@cache
def code_of(path: Path) -> str:
    """A file's code without docstrings and comments."""
    import io
    import tokenize

    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    return " ".join(token.string for token in tokens if token.type not in (tokenize.STRING, tokenize.COMMENT))


def holding(pattern: str) -> list[str]:
    return [
        str(path.relative_to(SOURCES))
        for path in sorted(SOURCES.rglob("*.py"))
        if re.search(pattern, code_of(path))
    ]  # fmt: skip


def test_gradients_are_computed_in_one_file() -> None:
    assert holding(r"\. backward \(") == ["training/gradients.py"]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\b(pickle|joblib|dill|cloudpickle|shelve|marshal)\b",
        r"\btorch \. (load|save)\b",
        r"\btrust_remote_code = True\b",
        r"(?<![.\w] )(?<!\w)(eval|exec) \(",
        r"\ballow_pickle = True\b",
        r"\byaml \. (load|unsafe_load|full_load)\b",
    ],
)
def test_no_source_file_runs_code_that_came_as_data(pattern: str) -> None:
    assert holding(pattern) == []


def test_the_search_through_the_sources_finds_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text('import pickle\n# torch.save(x)\n"torch.load"\nx.eval()\neval("1")\nf(trust_remote_code=True)\n')
    code = code_of(path)
    assert re.search(r"\b(pickle|joblib)\b", code)
    assert not re.search(r"\btorch \. (load|save)\b", code)
    assert len(re.findall(r"(?<![.\w] )(?<!\w)(eval|exec) \(", code)) == 1
    assert re.search(r"\btrust_remote_code = True\b", code)
