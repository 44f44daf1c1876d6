"""What a run says of its plan before it begins."""

import pytest
from tests.runs.test_planning import plan, usual

from headstart.runs.announcing import stages, summary


def test_every_strategy_is_a_stage_with_its_time_and_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = usual(monkeypatch, rate=0.009)
    steps = found.outlook(found.entries())
    left = {stage.name: stage for stage in stages(found, steps)}
    assert list(left) == [
        "tf-idf", "feature-extraction", "contrastive", "fine-tuning", "lora", "from-scratch", "test", "report",
    ]  # fmt: skip
    assert (left["feature-extraction"].note, left["feature-extraction"].runs) == ("", True)
    assert left["fine-tuning"].note.startswith(("on ", "needs "))
    assert not left["from-scratch"].runs
    assert left["from-scratch"].note.startswith("needs ")
    assert sum(stage.seconds or 0.0 for stage in left.values() if stage.runs) < 180


def test_what_more_time_would_buy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = usual(monkeypatch, rate=0.009)
    said = summary(found, found.outlook(found.entries()))
    assert " of 3 min 00 s, which fit takes by default; --budget " in said
    assert said.endswith("m would buy all of fine-tuning, lora, from-scratch, and --budget none sets no limit")
    quick = usual(monkeypatch, rate=0.0001)
    assert summary(quick, quick.outlook(quick.entries())).endswith("of 3 min 00 s, which fit takes by default")
    free = plan(rate=0.0001, budget="none")
    assert summary(free, free.outlook(free.entries())).endswith(", no limit")
    assert summary(plan(rate=None), []) == ""
