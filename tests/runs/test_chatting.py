"""Conversations: what was said is kept, begun anew, written down and gone on with; a reply may be ended half way."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from tests.toys.decoders import make_decoder

from headstart.cli.chatting import converse
from headstart.data.dialogues import Turn
from headstart.errors import DataError, UsageError
from headstart.loading import load
from headstart.recipes.parsing import assemble
from headstart.runs.chatting import Conversation
from headstart.runs.run import run
from headstart.runtime.progress import SILENT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_decoder(tmp_path_factory.mktemp("chat") / "llama")


def conversation(folder: Path, **options: Any) -> Conversation:
    artifact = load(folder)
    found = Conversation(artifact, **options)
    artifact.predictor.task = artifact.predictor.task.revised(max_new_tokens=8, sampling_temperature=0.0)
    return found


def test_each_reply_hangs_on_all_that_was_said_before(folder: Path) -> None:
    talk = conversation(folder, system="Say no.")
    first = "".join(talk.reply("the cat sat")).strip()
    assert talk.turns[:3] == (Turn("system", "Say no."), Turn("user", "the cat sat"), Turn("assistant", first))
    again = conversation(folder)
    assert "".join(again.reply("the cat sat")).strip() != first
    talk.reset()
    assert talk.turns == (Turn("system", "Say no."),)
    assert "".join(talk.reply("the cat sat")).strip() == first
    with pytest.raises(DataError, match="the text is blank"):
        list(talk.reply("  "))


def test_of_a_reply_that_is_left_half_way_what_came_is_kept(folder: Path) -> None:
    talk = conversation(folder)
    parts = talk.reply("the cat sat")
    came = next(parts) + next(parts)
    parts.close()
    assert talk.turns == (Turn("user", "the cat sat"), Turn("assistant", came.strip()))


def test_a_conversation_is_written_down_and_gone_on_with(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "new" / "talks.jsonl"
    options = {"model": str(folder), "max_new_tokens": 6, "sampling_temperature": 0.0}
    said = run(assemble("chat", options | {"messages": ("yes", "and day?"), "save": str(path)}), SILENT).result
    assert [turn["role"] for turn in said["messages"]] == ["user", "assistant"] * 2
    assert json.loads(path.read_text())["messages"] == said["messages"]
    further = run(assemble("chat", options | {"messages": ("no",), "history": str(path)}), SILENT).result
    assert further["messages"][:4] == said["messages"]
    assert len(further["replies"]) == 1
    path.write_text('{"turns": 3}\n')
    with pytest.raises(DataError, match=r"talks.jsonl:1: no dialogue; expected a line of JSON with messages"):
        run(assemble("chat", options | {"messages": ("no",), "history": str(path)}), SILENT)
    with pytest.raises(UsageError, match="nothing is said"):
        run(assemble("chat", options), SILENT)


def test_on_a_terminal_lines_are_answered_and_commands_carried_out(folder: Path, tmp_path: Path) -> None:
    talk, out, path = conversation(folder), io.StringIO(), tmp_path / "talk.jsonl"
    converse(talk, ["yes\n", "\n", f"/save {path}\n", "/reset\n", "/wave\n", "/quit\n", "never said\n"], out)
    shown = out.getvalue()
    assert shown.count("> ") == 6
    assert f"(added to {path})" in shown
    assert "(begun anew)" in shown
    assert "no command is called /wave" in shown
    assert json.loads(path.read_text())["messages"][0] == {"role": "user", "content": "yes"}
    assert talk.turns == ()


def test_ctrl_c_ends_a_reply_and_not_the_conversation(folder: Path) -> None:
    class Broken(io.StringIO):
        """A terminal at which somebody presses Ctrl-C while the second bit of a reply is written."""

        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            if self.writes == 3:
                raise KeyboardInterrupt
            return super().write(text)

    talk, out = conversation(folder), Broken()
    converse(talk, ["yes\n", "/quit\n"], out)
    assert "(ended)" in out.getvalue()
    assert [turn.role for turn in talk.turns] == ["user", "assistant"]


def test_what_answers_no_dialogues_is_refused(tmp_path: Path, tiny_backbone: Path) -> None:
    from headstart.predictors.causal import CausalPredictor
    from headstart.tasks.translation import Translation

    class Other:
        task = Translation()
        predictor = CausalPredictor

    with pytest.raises(UsageError, match="chat is for models of dialogues; this one does translation"):
        Conversation(Other())  # type: ignore[arg-type]


def test_a_decoder_as_it_is_goes_on_with_texts(folder: Path) -> None:
    artifact = load(folder)
    assert artifact.task.name == "text-generation"
    artifact.predictor.task = artifact.predictor.task.revised(max_new_tokens=5)
    one, other = artifact.predict(["the cat sat", "day and"])
    assert one.text
    assert not one.doubts
    assert [each.text for each in artifact.predict(["the cat sat", "day and"])] == [one.text, other.text]
    artifact.predictor.task = artifact.predictor.task.revised(sampling_seed=4)
    assert [each.text for each in artifact.predict(["the cat sat", "day and"])] != [one.text, other.text]
