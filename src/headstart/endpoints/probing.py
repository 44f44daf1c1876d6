"""Which way of telling labels an endpoint can be trusted with: found out once, by asking about a known text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from headstart.data.prompts import Prompt, Shot
from headstart.endpoints.client import EndpointClient, NotThere, Request
from headstart.endpoints.scoring import TOP, FirstTokenScoring, LabelScoring, WordScoring, WrittenLabels
from headstart.errors import UnavailableError, quoted

KNOWN = "The food was wonderful, and the staff were very kind."
"""The text that is asked about."""
FAULT = "fault"
"""Key of what is kept of an answer that cannot be used."""
LIMITS = ("max_tokens", "max_completion_tokens")
"""What the chat API calls the most tokens of an answer, before and now."""


class Probed(NamedTuple):
    """What was found out about an endpoint."""

    scoring: LabelScoring
    why: tuple[str, ...]
    """Why ways that say more do not work there, one clause each."""


def probe(client: EndpointClient, prompt: Prompt, shots: Sequence[Shot], *, pairs: bool) -> Probed:
    """The first way that works, of those that say most.

    Some endpoints take a request for log-probabilities and leave them out, or say 0.0 of everything; so each way is tried on a
    known text, and taken only where there are as many numbers as tokens and labels differ.

    Args:
        client: of the endpoint.
        prompt: with the words of labels.
        shots: examples in front of every text.
        pairs: whether a row is two texts.

    Raises:
        UnavailableError: none works.
    """
    given = (KNOWN, KNOWN) if pairs else KNOWN
    why: dict[str, str] = {}
    for scoring in _ways(client.endpoint.model, prompt, shots, lambda: " ".join(why.values())):
        if not (fault := _fault(client, scoring, given)):
            return Probed(scoring, tuple(f"{said}: {reason}" for said, reason in why.items() if said != scoring.said))
        why[scoring.said] = fault
    faults = "; ".join(f"{said}: {fault}" for said, fault in why.items())
    raise UnavailableError(f"{client.host} answers no request for labels ({faults})")


def _ways(model: str, prompt: Prompt, shots: Sequence[Shot], refused: Callable[[], str]) -> Iterator[LabelScoring]:
    yield WordScoring(model, prompt, shots)
    yield WordScoring(model, prompt, shots, written=1)
    limit = LIMITS[0]
    for top in TOP:
        yield FirstTokenScoring(model, prompt, shots, top=top, limit=limit)
        if LIMITS[1] in refused():
            limit = LIMITS[1]
            yield FirstTokenScoring(model, prompt, shots, top=top, limit=limit)
    yield WrittenLabels(model, prompt, shots, limit=limit)
    yield WrittenLabels(model, prompt, shots, chat=False)


def _fault(client: EndpointClient, scoring: LabelScoring, given: Any) -> str:
    """Why a way does not work; empty where it does."""
    request = scoring.request(given)

    def read(said: Any) -> Any:
        try:
            return request.read(said)
        except ValueError as error:
            return {FAULT: f"it sends {error}"}
        except (LookupError, TypeError, AttributeError):
            return {FAULT: "it sends none"}

    try:
        received = client.ask([Request(request.path, request.body, f"probe-{request.form}", read)])[0]
    except NotThere as error:
        return str(error)
    if received.refused:
        return f"refused: {quoted(received.refused)}"
    if isinstance(received.value, dict):
        return str(received.value[FAULT])
    return scoring.fault([received.value])
