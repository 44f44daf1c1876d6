"""What is spent on an endpoint: counted, and held to its caps before each request with the most that it can come to."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from headstart.endpoints.settings import Endpoint
from headstart.errors import UnavailableError

PER = 1_000_000
"""Tokens that a price is for."""
FIRST_DELAY, MOST_DELAY = 0.5, 30.0
"""Seconds: the most before the second try, and before any."""


class Spent(NamedTuple):
    """Requests and their tokens."""

    requests: int = 0
    read: int = 0
    """Tokens of prompts."""
    written: int = 0
    """Tokens of answers."""

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(self.requests + other.requests, self.read + other.read, self.written + other.written)

    def minus(self, other: Spent) -> Spent:
        """Without the other."""
        return Spent(self.requests - other.requests, self.read - other.read, self.written - other.written)

    def cost(self, endpoint: Endpoint) -> float | None:
        """In the currency of the prices; None where none are given."""
        if endpoint.price_in is None or endpoint.price_out is None:
            return None
        return (self.read * endpoint.price_in + self.written * endpoint.price_out) / PER


class CapReached(UnavailableError):
    """A request would come to more than may be spent, and was not sent."""


class Purse:
    """What may be spent, for several threads.

    Args:
        endpoint: with its caps.
        spent: what was spent before.
    """

    def __init__(self, endpoint: Endpoint, spent: Spent) -> None:
        self.endpoint = endpoint
        self.spent = spent
        """The most that all requests so far can have come to."""
        self._lock = threading.Lock()

    def reserve(self, most: Spent) -> None:
        """Take what a request can come to at most out of what is left.

        Raises:
            CapReached: less is left.
        """
        with self._lock:
            after = self.spent.plus(most)
            if fault := self._fault(after):
                raise CapReached(fault)
            self.spent = after

    def settle(self, most: Spent, actual: Spent) -> None:
        """Put back what a request did not come to."""
        with self._lock:
            self.spent = self.spent.minus(most).plus(actual)

    def _fault(self, after: Spent) -> str:
        caps = self.endpoint
        if caps.max_requests is not None and after.requests > caps.max_requests:
            return f"max_requests: {caps.max_requests:,} requests have been sent, as many as allowed (--max-requests)"
        tokens = after.read + after.written
        if caps.max_total_tokens is not None and tokens > caps.max_total_tokens:
            return (
                f"max_total_tokens: with the next request it might be {tokens:,} tokens, and {caps.max_total_tokens:,} are allowed "
                "(--max-total-tokens)"
            )
        cost = after.cost(caps)
        if caps.max_cost is not None and cost is not None and cost > caps.max_cost:
            return f"max_cost: with the next request it might cost {cost:.6g}, and {caps.max_cost:.6g} is allowed (--max-cost)"
        return ""


class Stopped(Exception):
    """Somebody wants no more requests to be sent; never reaches a user."""


class Pace:
    """When the next request may be sent: so many a minute, and none while the endpoint asks to wait.

    Args:
        rate: requests per minute; None for any number.
    """

    def __init__(self, rate: float | None) -> None:
        self.apart = 60.0 / rate if rate else 0.0
        self.stopped = threading.Event()
        self._next = 0.0
        self._lock = threading.Lock()

    def hold(self, seconds: float) -> None:
        """Let no request go for some seconds."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def wait(self) -> None:
        """Wait for the next turn.

        Raises:
            Stopped: by `stopped`, before or meanwhile.
        """
        with self._lock:
            turn = max(time.monotonic(), self._next)
            self._next = max(self._next, turn + self.apart if self.apart else 0.0)
        self.sleep(turn - time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Let some seconds pass.

        Raises:
            Stopped: by `stopped`, before or meanwhile.
        """
        if self.stopped.wait(max(seconds, 0.0)):
            raise Stopped


def delay(tries: int, first: float = FIRST_DELAY) -> float:
    """Seconds before the next try: any up to a bound that doubles with every try ("full jitter", Brooker 2015, AWS).

    Args:
        tries: that have failed, at least 1.
        first: the bound before the second one.
    """
    return random.uniform(0.0, min(MOST_DELAY, first * 2 ** (tries - 1)))


def asked_to_wait(headers: Mapping[str, str]) -> float:
    """Seconds that an endpoint asks to wait by the header Retry-After, in seconds or as a date (RFC 9110, 10.2.3); 0 for none."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit() and len(said) < 10:
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return 0.0
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
