"""A teacher behind an endpoint: texts in, log-probabilities of labels out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headstart.data.prompts import Prompt, Shot
from headstart.endpoints.addresses import is_loopback, shown_host
from headstart.endpoints.answers import AnswerJournal, Received
from headstart.endpoints.client import EndpointClient
from headstart.endpoints.keys import read_key
from headstart.endpoints.probing import probe
from headstart.endpoints.scoring import SMOOTHING, LabelScoring, WrittenLabels
from headstart.endpoints.settings import Endpoint
from headstart.endpoints.spending import FIRST_DELAY, Spent
from headstart.errors import UnavailableError, quoted
from headstart.runtime.progress import SILENT, Progress

FIRST = 20
"""Texts after which an endpoint that has told no label is given up."""
TOPIC = "endpoint"


class EndpointTeacher:
    """Labels of texts by a model behind an endpoint that speaks the OpenAI API.

    Args:
        endpoint: where it is, and what may be spent.
        names: of the labels, in the order of the prompt's words.
        prompt: what is asked about each text.
        shots: examples in front of every text.
        pairs: whether a row is two texts.
        answers: file in which answers are kept as they come, see `AnswerJournal`; None keeps none.
        first_delay: seconds, the most before the second try of a request.
    """

    digest: ClassVar[str] = ""
    """It keeps its answers itself, by content."""
    parameters: ClassVar[int | None] = None
    """Nobody knows how many numbers it holds."""
    thresholds: ClassVar[tuple[float, ...]] = ()
    """It gives the likeliest label."""

    def __init__(
        self,
        endpoint: Endpoint,
        names: Sequence[str],
        prompt: Prompt,
        shots: Sequence[Shot] = (),
        *,
        pairs: bool = False,
        answers: Path | None = None,
        first_delay: float = FIRST_DELAY,
    ) -> None:
        self.endpoint = endpoint
        self.names = tuple(names)
        self.prompt = prompt
        self.shots = tuple(shots)
        self.pairs = pairs
        self.answers = answers
        self.spent = Spent()
        """What all requests came to, those of an earlier process included; those without an answer at most."""
        self.unanswered = 0
        """Rows of the last call that the endpoint told no label of."""
        self.models: tuple[str, ...] = ()
        """Models that answered, by their own word."""
        self.scoring: LabelScoring | None = None
        """How labels are told; None before the first call."""
        self._first_delay = first_delay

    @property
    def description(self) -> str:
        """Model, host, and how labels are told."""
        how = f", {self.scoring.said}" if self.scoring is not None else ""
        return f"{self.endpoint.model} at {shown_host(self.endpoint.url)}{how}"

    def logits(self, inputs: Sequence[Any], *, progress: Progress = SILENT) -> np.ndarray:
        """Log-probabilities of labels, float32, shape (inputs, labels); rows that the endpoint told no label of are NaN.

        Args:
            inputs: texts, or pairs of texts.
            progress: told of the way and of what was spent, and advanced by inputs.

        Raises:
            RecipeError: texts would leave this machine and may not, or where the key is makes no sense.
            MissingInputError: there is no such key.
            CapReached: more would be spent than is allowed; what came is kept.
            UnavailableError: the endpoint cannot be used, or told no label of the first texts; what came is kept.
            RunFolderError: another process is asking for the same answers.
            StorageError: the disk refuses to keep answers.
        """
        if not len(inputs):
            return np.zeros((0, len(self.names)), dtype=np.float32)
        key = read_key(self.endpoint.key_file, self.endpoint.key_env, progress=progress)
        with (
            AnswerJournal(self.answers) as journal,
            EndpointClient(self.endpoint, key, journal, first_delay=self._first_delay) as client,
        ):
            self._announce(client, len(inputs), progress)
            try:
                scoring = self._probed(client, progress)
                found = self._asked(client, scoring, inputs, progress)
            finally:
                self.spent = client.purse.spent
            self._sum_up(client, len(inputs), progress)
        return found

    def _announce(self, client: EndpointClient, rows: int, progress: Progress) -> None:
        """Say where texts go before they do, and what an earlier process left."""
        journal = client.journal
        if not is_loopback(self.endpoint.url):
            progress.say(TOPIC, f"up to {rows:,} texts leave this machine for {client.host}", warning=True)
        if self.scoring is None and (len(journal) or journal.in_flight):
            flight = f"{journal.in_flight:,} requests were under way when it ended, and may be sent again"
            progress.say(TOPIC, f"{len(journal):,} answers of an earlier run are taken over; {flight}")
        if journal.damaged:
            lines = f"{journal.damaged:,} {'line' if journal.damaged == 1 else 'lines'}"
            progress.say(TOPIC, f"{journal.path}: {lines} torn or changed, and left out", warning=True)

    def _probed(self, client: EndpointClient, progress: Progress) -> LabelScoring:
        if self.scoring is not None:
            return self.scoring
        probed = probe(client, self.prompt, self.shots, pairs=self.pairs)
        self.scoring = probed.scoring
        said = f"{self.endpoint.model} at {client.host}: labels by {probed.scoring.said}"
        if isinstance(probed.scoring, WrittenLabels):
            said += f", which say nothing of how sure it is ({SMOOTHING:g} of the probability is dealt to all labels)"
        progress.say(TOPIC, "; ".join([said, *(f"not by {each}" for each in probed.why)]))
        return probed.scoring

    def _asked(
        self, client: EndpointClient, scoring: LabelScoring, inputs: Sequence[Any], progress: Progress
    ) -> np.ndarray:
        found = np.full((len(inputs), len(self.names)), np.nan)
        self.unanswered, self.models, why = 0, (), ""
        for start, end in ((0, FIRST), (FIRST, len(inputs))):
            received = client.ask([scoring.request(given) for given in inputs[start:end]], progress=progress)
            for row, each in enumerate(received, start):
                if not each.refused:
                    found[row] = scoring.scores(each.value)
                why = why or _reason(each)
            self._note_models(received, progress)
            if len(inputs) > end == FIRST and np.isnan(found[:FIRST]).all():
                raise UnavailableError(
                    f"{client.host} told no label of the first {FIRST} texts ({why}); see whether the model "
                    "follows the prompt, or give another template, instruction or verbalizer"
                )
        missing = np.isnan(found).any(axis=1)
        self.unanswered = int(missing.sum())
        if missing.all():
            raise UnavailableError(f"{client.host} told no label of any text ({why})")
        return found.astype(np.float32)

    def _note_models(self, received: Sequence[Received], progress: Progress) -> None:
        """Say where another model answers than was asked for, such as a dated one; warn where its name begins otherwise."""
        for name in sorted({each.model for each in received if each.model} - {*self.models}):
            self.models += (name,)
            if name != self.endpoint.model:
                asked = quoted(self.endpoint.model)
                other = not name.startswith(self.endpoint.model)
                progress.say(TOPIC, f"{quoted(name)} answers, where {asked} was asked for", warning=other)

    def _sum_up(self, client: EndpointClient, rows: int, progress: Progress) -> None:
        spent = self.spent
        said = f"{rows - self.unanswered:,} of {rows:,} texts labelled; in all {spent.requests:,} requests, "
        said += f"{spent.read:,} tokens read and {spent.written:,} written"
        if (cost := spent.cost(self.endpoint)) is not None:
            said += f", which cost {cost:.4g} ({1000 * cost / max(rows, 1):.4g} per 1,000 texts)"
        if client.retried:
            reasons = ", ".join(f"{count}x {why}" for why, count in client.retried.most_common(3))
            said += f"; sent again: {reasons}"
        progress.say(TOPIC, said)
        if self.unanswered:
            progress.say(TOPIC, f"{self.unanswered:,} texts have no label of the teacher's", warning=True)


def _reason(received: Received) -> str:
    """Why a row has no label."""
    return received.refused if received.refused else f"its answer is {quoted(str(received.value))}"
