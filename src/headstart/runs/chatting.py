"""A conversation with a model that was fitted to dialogues: the verb `chat`."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

from headstart.artifact import Artifact
from headstart.data.dialogues import Dialogue, Turn, dialogue_of, json_of, messages_of
from headstart.data.files import require_file
from headstart.errors import DataError, StorageError, UsageError
from headstart.loading import load
from headstart.recipes.chatting import Chat
from headstart.runs.inference import asked_for
from headstart.runs.outcome import Call, Outcome
from headstart.runtime.machine import set_threads


class Conversation:
    """Turns that were said, and a model that says the next one.

    Args:
        artifact: a model of dialogues, or a decoder as it is, whose chat template is used.
        system: what stands in front; nothing if None.
        said: turns that were said before.

    Raises:
        UsageError: the model does something else.
    """

    def __init__(self, artifact: Artifact, *, system: str | None = None, said: Dialogue = ()) -> None:
        if artifact.task.target_kind == "continuation":
            from headstart.tasks.dialogue import DialogueTask

            decoding = {key: getattr(artifact.task, key) for key in ("sampling_temperature", "top_p")}
            artifact.predictor.task = artifact.task = DialogueTask(text=("messages",), **decoding)
        if artifact.task.target_kind != "reply":
            raise UsageError(f"chat is for models of dialogues; this one does {artifact.task.name}")
        self.artifact = artifact
        self._front: Dialogue = () if system is None else (Turn("system", system),)
        self.turns: Dialogue = said if said and said[0].role == "system" else (*self._front, *said)

    def reset(self) -> None:
        """Begin anew; what the system says stays."""
        self.turns = self._front

    def reply(self, text: str) -> Generator[str, None, None]:
        """Say something, and be answered bit by bit; what was answered until then is kept where the reader leaves.

        Args:
            text: not blank.

        Raises:
            DataError: the text is blank, or the chat template refuses the conversation.
        """
        if not text.strip():
            raise DataError("nothing was said: the text is blank")
        before = self.turns
        self.turns = (*before, Turn("user", text))
        said: list[str] = []
        predictor: Any = self.artifact.predictor
        try:
            for part in predictor.stream(json_of(self.turns)):
                said.append(part)
                yield part
        finally:
            answer = "".join(said).strip()
            self.turns = (*self.turns, Turn("assistant", answer)) if answer else before

    def save(self, path: Path) -> None:
        """Add the conversation to a file, as a line of JSON with `messages`.

        Raises:
            StorageError: the file cannot be written.
        """
        line = json.dumps({"messages": messages_of(self.turns)}, ensure_ascii=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror or error}") from None


def begun(recipe: Chat) -> Conversation:
    """The conversation of a recipe, nothing said yet but what its history has.

    Raises:
        HeadstartError: model or history can't be used.
    """
    said = _before(recipe)
    artifact = load(recipe.model, precision=recipe.precision, device=recipe.device)
    conversation = Conversation(artifact, system=recipe.system, said=said)
    asked_for(recipe, artifact)
    if recipe.threads is not None:
        set_threads(recipe.threads, torch_runs=True)
    return conversation


def _before(recipe: Chat) -> Dialogue:
    """The turns of a recipe's history, the last conversation of its file."""
    if recipe.history is None:
        return ()
    path = Path(recipe.history)
    require_file(path)
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    try:
        cell = json.loads(lines[-1])["messages"] if lines else None
    except (ValueError, KeyError, TypeError):
        cell = None
    found, reason = dialogue_of(None if cell is None else json.dumps(cell))
    if found is None:
        raise DataError(f"{path}:{len(lines)}: {reason}; expected a line of JSON with messages, as --save writes it")
    return found if found[-1].role != "user" else found[:-1]


def chat(recipe: Chat, call: Call) -> Outcome:
    """Carry out `chat` with the turns of a recipe.

    Raises:
        UsageError: there are none.
        HeadstartError: model, history or turns can't be used, or the file can't be written.
    """
    if not recipe.messages:
        raise UsageError("nothing is said: give turns, or chat on a terminal (headstart chat RUN)")
    conversation = begun(recipe)
    replies = ["".join(conversation.reply(text)).strip() for text in recipe.messages]
    if recipe.save is not None:
        conversation.save(Path(recipe.save))
    found: dict[str, Any] = {"messages": messages_of(conversation.turns), "replies": replies}
    return Outcome(found, conversation.artifact)
