"""Strategies on dialogues: what is learnt lowers the loss of replies, and what is saved says the same again."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.toys.decoders import make_decoder

from headstart.data.table import Table
from headstart.errors import HeadstartError
from headstart.loading import load
from headstart.recipes.parsing import assemble
from headstart.runs.comparison import RunResult, compare
from headstart.runtime.progress import SILENT
from headstart.tasks.dialogue import DialogueTask, read_back

OPPOSITES = {"good": "bad", "day": "night", "yes": "no", "cat": "mat", "sat": "on", "the": "and"}


def dialogues(path: Path) -> Path:
    """Forty dialogues in which the opposite of a word is said."""
    lines = [
        {
            "messages": [
                {"role": "user", "content": f"what is not {word}?"},
                {"role": "assistant", "content": f"it is {other}"},
            ]
        }
        for word, other in [*OPPOSITES.items(), *((other, word) for word, other in OPPOSITES.items())]
    ] * 3
    lines += [
        {"messages": [*one["messages"], *other["messages"]]} for one, other in zip(lines[:4], lines[5:9], strict=True)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RunResult]:
    place = tmp_path_factory.mktemp("dialogue")
    backbone, file = make_decoder(place / "llama"), dialogues(place / "train.jsonl")

    @cache
    def run(*strategies: str, **options: object) -> RunResult:
        given = {
            "train": str(file), "backbone": str(backbone), "threads": 1, "task": "dialogue", "validation_share": 0.2, "controls": False,
            "folds": 0, "strategies": strategies, "seed": 5, "refit": False, "epochs": 3, "batch_size": 8, "learning_rate": 3e-3,
        }  # fmt: skip
        found = compare(assemble("fit", given | options), SILENT)
        assert found is not None
        return found

    return run


def losses(found: RunResult) -> dict[str, float]:
    return {
        row["label"]: row["scores"]["validation"]["token_loss"]["value"]
        for row in found.artifact.evidence["leaderboard"]
    }


def test_learning_lowers_the_loss_of_replies_below_that_of_the_network_as_it_is(ran: Callable[..., RunResult]) -> None:
    found = losses(ran("untouched", "fine-tuning", "lora", "from-scratch"))
    assert found["fine-tuning"] < found["untouched"] - 0.5
    assert found["lora"] < found["untouched"] - 0.1
    assert found["from-scratch"] < found["untouched"]


def test_what_is_saved_says_and_scores_the_same_again(ran: Callable[..., RunResult], tmp_path: Path) -> None:
    artifact = ran("fine-tuning").artifact
    asked = ["what is not good?", [{"role": "user", "content": "what is not day?"}]]
    said = [each.text for each in artifact.predict(asked)]
    artifact.save(tmp_path / "run")
    again = load(tmp_path / "run")
    assert [each.text for each in again.predict(asked)] == said
    assert (tmp_path / "run" / "chat_template.jinja").is_file()


def test_top_layers_alone_move_when_that_is_asked_for(ran: Callable[..., RunResult]) -> None:
    found = ran("fine-tuning", **{"strategies.0.layers": 1})
    (row,) = found.artifact.evidence["leaderboard"]
    assert row["description"].startswith("top 1 layer")
    assert losses(found)["fine-tuning"] < losses(ran("untouched", "fine-tuning", "lora", "from-scratch"))["untouched"]


def test_rows_that_are_no_dialogue_are_named_with_their_line() -> None:
    cells = [
        [{"role": "user", "content": "yes"}],
        [{"role": "user", "content": "yes"}, {"role": "user", "content": "no"}, {"role": "assistant", "content": "no"}],
        [
            {"role": "user", "content": "yes"},
            {"role": "assistant", "content": "no"},
            {"role": "user", "content": "thanks"},
        ],
    ]
    table = Table("chats.jsonl", {"messages": [json.dumps(cell) for cell in cells]}, [1, 2, 3])
    rows, dropped = DialogueTask().guess(table).parse(table)
    assert [(row.line, row.reason.split(";")[0]) for row in dropped] == [
        (1, "no turn is of the assistant"), (2, "turns 1 and 2 are both of the user"),
    ]  # fmt: skip
    assert [read_back(text)[-1].text for text in rows.texts] == ["no"]
    asked, _ = DialogueTask().guess(table).parse(table, labelled=False)
    assert [read_back(text)[-1].text for text in asked.texts] == ["yes", "thanks"]


def test_a_network_that_cannot_write_is_refused_before_anything_is_read(tmp_path: Path, tiny_backbone: Path) -> None:
    options = {"train": str(dialogues(tmp_path / "train.jsonl")), "backbone": str(tiny_backbone), "task": "dialogue"}
    with pytest.raises(HeadstartError, match="networks of the architecture bert cannot generate"):
        compare(assemble("fit", options), SILENT)
