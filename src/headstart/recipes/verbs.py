"""The verbs, each in one line: what it needs and what carries it out, imported when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from headstart.registry import Registry, first_line


class Verb(NamedTuple):
    """Where a verb is."""

    recipe: str
    """Its recipe, as `module:Class`; the first line of the docstring is its line of help."""
    function: str
    """What carries it out, as `module:function`: from the recipe and a `headstart.runs.outcome.Call` to an `Outcome`."""


class Verbs(Registry):
    """Recipes by the name of their verb, with the functions that carry them out.

    Another package adds a verb by an entry point `NAME = "module:Class"` in the group `headstart.verbs`; the function is
    the one named `carry_out` in that module.

    Args:
        table: verbs by name.
        group: entry-point group under which other packages add some.
    """

    def __init__(self, table: Mapping[str, Verb], group: str) -> None:
        super().__init__("verb", {name: verb.recipe for name, verb in table.items()}, group)
        self._functions = {name: verb.function for name, verb in table.items()}

    def function(self, name: str) -> Callable[[Any, Any], Any]:
        """Import and return what carries out the verb `name`.

        Raises:
            RecipeError: there is no such verb.
        """
        module = self.target(name).partition(":")[0]
        module, _, attribute = self._functions.get(name, f"{module}:carry_out").partition(":")
        return getattr(importlib.import_module(module), attribute)

    def meant(self, name: str, words: Sequence[str]) -> str:
        """The verb that a command is for: `distill` with a sentence encoder as `--teacher` is `distill-vectors`.

        Args:
            name: the verb as it was typed.
            words: of the command line.
        """
        other = f"{name}-vectors"
        flags = [word.partition("=")[0] for word in words]
        return other if other in self.names() and "--teacher" in flags and "--texts" not in flags else name

    def summary(self, name: str) -> str:
        """First line of the docstring of the recipe of `name`, read without importing it."""
        return first_line(self.target(name))

    def example(self, name: str) -> str:
        """The first command below `Example:` in the docstring of the recipe of `name`; empty where there is none."""
        _, _, below = (self.get(name).__doc__ or "").partition("Example:\n")
        return below.strip().partition("\n")[0]


VERBS = Verbs(
    {
        "fit": Verb("headstart.recipes.labelled:Fit", "headstart.runs.run:experiment"),
        "compare": Verb("headstart.recipes.labelled:Compare", "headstart.runs.run:experiment"),
        "curve": Verb("headstart.recipes.curves:Curve", "headstart.runs.curves:curve"),
        "distill": Verb("headstart.recipes.distilling:Distill", "headstart.runs.run:distill"),
        "distill-vectors": Verb("headstart.recipes.languages:DistillVectors", "headstart.runs.run:language_modelling"),
        "init": Verb("headstart.recipes.starting:Init", "headstart.runs.drafting:init"),
        "pretrain": Verb("headstart.recipes.raw_text:Pretrain", "headstart.runs.run:language_modelling"),
        "adapt": Verb("headstart.recipes.raw_text:Adapt", "headstart.runs.run:language_modelling"),
        "tune": Verb("headstart.recipes.tuning:Tune", "headstart.runs.run:experiment"),
        "resume": Verb("headstart.recipes.resuming:Resume", "headstart.runs.run:resume"),
        "predict": Verb("headstart.recipes.inference:Predict", "headstart.runs.inference:predict"),
        "evaluate": Verb("headstart.recipes.inference:Evaluate", "headstart.runs.evaluating:evaluate"),
        "audit": Verb("headstart.recipes.auditing:Audit", "headstart.runs.auditing:audit"),
        "extract": Verb("headstart.recipes.extracting:Extract", "headstart.runs.extracting:extract"),
        "export": Verb("headstart.recipes.exporting:Exporting", "headstart.runs.exporting:export"),
        "index": Verb("headstart.recipes.searching:Indexing", "headstart.runs.indexing:index"),
        "search": Verb("headstart.recipes.searching:Searching", "headstart.runs.searching:search"),
        "ask": Verb("headstart.recipes.searching:Asking", "headstart.runs.asking:ask"),
        "chat": Verb("headstart.recipes.chatting:Chat", "headstart.runs.chatting:chat"),
        "import": Verb("headstart.recipes.importing:Import", "headstart.runs.importing:import_model"),
        "trim": Verb("headstart.recipes.trimming:Trim", "headstart.runs.trimming:trim"),
        "duplicates": Verb("headstart.recipes.grouping:Duplicates", "headstart.runs.duplicates:duplicates"),
        "cluster": Verb("headstart.recipes.grouping:Cluster", "headstart.runs.clustering:cluster"),
        "suggest": Verb("headstart.recipes.grouping:Suggest", "headstart.runs.suggesting:suggest"),
        "rank": Verb("headstart.recipes.ranking:Rank", "headstart.runs.ranking:rank"),
        "check": Verb("headstart.recipes.checking:Check", "headstart.runs.checking:check"),
    },
    group="headstart.verbs",
)
