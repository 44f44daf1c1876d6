"""What sets entries apart: labels by hand, one strategy several times in a run, one strategy on two networks."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headstart.backbones.location import BackboneSource, Located, locate
from headstart.errors import RunFolderError
from headstart.loading import load
from headstart.recipes.parsing import assemble, from_mapping
from headstart.recipes.resuming import Resume
from headstart.report import card, page
from headstart.runs.comparison import carry_out, set_up
from headstart.runs.experiment import Entry, line_up
from headstart.runs.keys import Key, keys_of
from headstart.runs.printed import result_of
from headstart.runs.run import run
from headstart.runs.workspace import Workspace
from headstart.runtime.progress import SILENT, Progress
from headstart.strategies import STRATEGIES
from headstart.strategies.base import Candidate, Context
from headstart.strategies.tf_idf import TfIdf


def get(name: str, **settings: Any) -> Any:
    return STRATEGIES.get(name)(**settings)


def network(identity: str, location: str) -> Located:
    return Located(Path(location), BackboneSource(location=location), identity, {})


def labels(*strategies: Any, located: Located | None = None) -> list[str]:
    return [key.label for key in keys_of([(strategy, located) for strategy in strategies])]


def test_a_strategy_alone_is_called_by_its_name_whatever_its_settings() -> None:
    assert labels(get("lora", rank=16), get("fine-tuning", layers=2)) == ["lora", "fine-tuning"]
    (key,) = keys_of([(get("lora", rank=16), None)])
    assert (key, key.plain()) == (Key("lora"), {"strategy": "lora"})


def test_settings_that_differ_among_those_of_one_name_are_shown_and_no_others() -> None:
    found = [get("lora"), get("lora", rank=16), get("fine-tuning"), get("lora", rank=16, targets="query,value")]
    assert labels(*found) == [
        "lora rank=8 targets=auto", "lora rank=16 targets=auto", "fine-tuning", "lora rank=16 targets=query,value",
    ]  # fmt: skip
    assert keys_of([(each, None) for each in found])[1].plain() == {
        "strategy": "lora", "settings": {"rank": 16, "targets": None},
    }  # fmt: skip


def test_settings_of_a_strategy_within_another_stand_under_its_path() -> None:
    inner = [{"name": "lora"}, {"name": "lora", "rank": 4}, {"name": "fine-tuning"}]
    assert labels(*(get("domain-adaptation", then=each, gate=False) for each in inner)) == [
        "domain-adaptation then=lora then.rank=8",
        "domain-adaptation then=lora then.rank=4",
        "domain-adaptation then=fine-tuning",
    ]


def test_networks_are_named_where_there_are_several() -> None:
    one, two, twin = network("org/small", "small"), network("org/large", "large"), network("org/small", "else/small")
    strategy = get("fine-tuning")
    assert labels(strategy, get("lora"), located=one) == ["fine-tuning", "lora"]
    keys = keys_of([(get("tf-idf"), None), (strategy, one), (strategy, two)])
    assert [key.label for key in keys] == ["tf-idf", "org/small: fine-tuning", "org/large: fine-tuning"]
    assert keys[2].plain() == {"strategy": "fine-tuning", "backbone": "org/large"}
    same = keys_of([(strategy, one), (strategy, twin)])
    assert [key.label for key in same] == ["small: fine-tuning", "else/small: fine-tuning"]


def test_seed_rows_and_draw_are_axes_too() -> None:
    key = Key("lora", seed=1, size=2000, draw=0)
    assert key.label == "lora, seed 1, 2,000 rows, draw 0"
    assert key.plain() == {"strategy": "lora", "seed": 1, "size": 2000, "draw": 0}


def test_entries_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ValueError, match="entries cannot be told apart: lora, lora"):
        keys_of([(get("lora"), None), (get("lora"), None)])


def test_entries_are_lined_up_cheapest_first_on_the_network_that_they_need() -> None:
    located = network("org/small", "small")
    found = line_up([(get("fine-tuning"), located), (get("tf-idf"), located)])
    assert [(entry.label, entry.located) for entry in found] == [("tf-idf", None), ("fine-tuning", located)]
    assert Entry(get("tf-idf")).label == "tf-idf"


@pytest.fixture
def twice(tiny_csv: Path, tmp_path: Path) -> Any:
    """A recipe that runs one strategy under two settings."""
    found = [{"name": "tf-idf", "C": 0.01}, {"name": "tf-idf", "C": 10.0}]
    return assemble(
        "compare",
        {"train": str(tiny_csv), "strategies": found, "controls": False, "threads": 1, "checkpoint_every": 0.0,
         "output": str(tmp_path / "run")},
    )  # fmt: skip


def test_one_strategy_runs_under_two_settings_and_every_table_tells_them_apart(twice: Any) -> None:
    assert from_mapping(twice.plain(), "recipe.yaml") == twice
    outcome = run(twice)
    assert outcome.artifact is not None
    evidence = outcome.artifact.evidence
    weak, strong = "tf-idf C=0.01", "tf-idf C=10.0"
    assert [(row["strategy"], row["label"], row["key"]) for row in evidence["leaderboard"]] == [
        ("tf-idf", weak, {"strategy": "tf-idf", "settings": {"C": 0.01}}),
        ("tf-idf", strong, {"strategy": "tf-idf", "settings": {"C": 10.0}}),
    ]
    assert evidence["chosen"] == strong
    assert [(row["a"], row["b"]) for row in evidence["comparisons"]] == [(strong, weak)]
    assert outcome.artifact.recipe["strategy"] == {"name": "tf-idf", "C": 10.0}
    assert evidence["verdict"][0].startswith(f"The control {strong} reaches accuracy")
    result = json.loads(json.dumps(outcome.result))
    assert (result["strategy"], [row["strategy"] for row in result["leaderboard"]]) == (strong, [weak, strong])
    assert result["scores"] == evidence["leaderboard"][1]["scores"]
    assert outcome.folder is not None
    text = (outcome.folder / "README.md").read_text(encoding="utf-8")
    assert "**tf-idf C=10.0** (this model)" in text
    assert "tf-idf C=10.0 against tf-idf C=0.01" in text
    html = page.render(evidence)
    assert weak in html
    assert f"{strong} (chosen)" in html


def test_a_run_with_one_strategy_twice_goes_on_with_the_entry_that_was_not_done(
    twice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit: Callable[..., Candidate] = TfIdf.fit
    ran: list[float | None] = []

    def stopped(self: TfIdf, context: Context) -> Candidate:
        ran.append(self.C)
        if self.C == 10.0 and len(ran) == 2:
            raise KeyboardInterrupt
        return fit(self, context)

    monkeypatch.setattr(TfIdf, "fit", stopped)
    monkeypatch.setattr("headstart.runs.workspace.LEAST_SECONDS", 0.0)
    first = run(twice)
    assert first.interrupted
    part = Path(twice.output + ".part")
    assert [path.name for path in sorted(part.glob("0*"))] == ["00-tf-idf-C=0.01"]
    second = run(Resume(run=twice.output))
    assert ran == [0.01, 10.0, 10.0]
    assert second.result["strategy"] == "tf-idf C=10.0"
    assert result_of(load(twice.output).evidence, Path(twice.output)) == second.result


class Heard(Progress):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, topic: str, message: str, *, warning: bool = False) -> None:
        self.lines.append(message)


def test_what_is_kept_under_another_key_is_not_taken_over_and_older_folders_are(twice: Any) -> None:
    heard = Heard()
    with Workspace(Path(twice.output), {"verb": "compare", **twice.plain()}, progress=heard) as work:
        plan = set_up(twice.revised(strategies=(TfIdf(C=1.0),)), SILENT, None, time.perf_counter())
        found = carry_out(plan.entries(), plan, started=time.perf_counter())
        assert found is not None
        entry = replace(found.chosen, seconds=60.0)
        work.keep(entry, 0, every=0.0)
        assert work.stages(entry, 0).name == "00-tf-idf-stages"
        about = work.folder / "00-tf-idf" / "entry.json"
        assert json.loads(about.read_text())["key"] == {"strategy": "tf-idf"}
        assert work.restore(Entry(TfIdf()), 0, plan.parts)
        other = Entry(TfIdf(), key=Key("tf-idf", seed=1))
        (work.folder / "00-tf-idf").rename(work.folder / "00-tf-idf-seed-1")
        assert not work.restore(other, 0, plan.parts)
        assert heard.lines[-1].endswith("it is another entry's; tf-idf, seed 1 is run again")
        work.stopped = True
    with pytest.raises(RunFolderError, match="holds what an interrupted run left"):
        Workspace(Path(twice.output), {})


def test_one_strategy_runs_on_two_networks_which_share_nothing(
    tiny_csv: Path, tiny_backbone: Path, make_backbone: Callable[..., Path], tmp_path: Path
) -> None:
    wide = make_backbone(tmp_path / "wide", hidden_size=48, initializer_range=0.2)
    recipe = assemble(
        "fit", {"train": str(tiny_csv), "backbone": str(tiny_backbone), "threads": 1, "controls": False,
                "strategies": ("feature-extraction", "tf-idf"), "folds": 0}
    )  # fmt: skip
    plan = set_up(recipe, SILENT, None, time.perf_counter())
    other, strategy = locate(BackboneSource(location=str(wide))), get("feature-extraction", pooling="mean")
    entries = line_up([(TfIdf(), None), (strategy, plan.context.located), (strategy, other)])
    found = carry_out(entries, plan, started=time.perf_counter())
    assert found is not None
    evidence = found.artifact.evidence
    names = ["tf-idf", "tiny-bert: feature-extraction", "wide: feature-extraction"]
    assert [row["label"] for row in evidence["leaderboard"]] == names
    assert [row["status"] for row in evidence["leaderboard"]] == ["done"] * 3
    widths = [entry.finished.predictor.head.linear.weight.shape[1] for entry in entries[1:]]  # type: ignore[attr-defined]
    assert [width % size for width, size in zip(widths, (32, 48), strict=True)] == [0, 0]
    assert plan.context_on(other).shared.features is not plan.context.shared.features
    assert found.chosen.label in names
    assert {row["b"] for row in evidence["comparisons"]} == {*names} - {found.chosen.label}
    where = found.chosen.located or plan.context.located
    assert where is not None
    assert evidence["backbone"]["digest"] == where.source.digest == found.artifact.recipe["backbone"]["digest"]
    assert names[2] in card.render(evidence, files=[], snippet="")
