"""What strategies have in common that train a head for labels, or the network's own words where the task writes texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headstart.data.outputs import Generated
from headstart.strategies.base import Strategy
from headstart.tasks.base import Task

HEADED, WRITTEN = ("head", "head_first", "dropout"), ("prefix", "label_smoothing", "word_dropout")
"""Options of the one, and of the other."""


class HeadOrWriter(Strategy):
    """A strategy with options for heads (`HEADED`) and for words (`WRITTEN`)."""

    @property
    def learns_soft_labels(self) -> bool:
        """Always."""
        return True

    def refuses(self, task: Task[Any, Any]) -> str:
        """Refuses options that mean nothing for the task."""
        from headstart.strategies.writer_tuning import unwritten

        if task.target_kind == "text":
            return unwritten(self, HEADED, "for tasks with a head, and here words are told by the network's own")
        if task.outputs_kind == Generated.kind:
            return "it trains networks that write a text for a text, and the task asks for something else"
        return unwritten(self, WRITTEN, "for tasks that write texts")

    def refuses_network(self, task: Task[Any, Any], config: Mapping[str, Any]) -> str:
        """Refuses networks that write no texts, where the task asks for these."""
        from headstart.strategies.instructing import is_instructed
        from headstart.strategies.writing import no_writer

        return no_writer(config) if task.target_kind == "text" and not is_instructed(config) else ""
