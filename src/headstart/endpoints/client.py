"""Answers of an endpoint: from the journal where they have come before, else asked for, several at a time, until they come."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

from headstart.endpoints.addresses import is_loopback, shown_host
from headstart.endpoints.answers import AnswerJournal, Received, digest_of
from headstart.endpoints.connection import Connection, NoAnswer, Raw, certificates
from headstart.endpoints.keys import Secret
from headstart.endpoints.settings import Endpoint
from headstart.endpoints.spending import (
    FIRST_DELAY,
    CapReached,
    Pace,
    Purse,
    Spent,
    asked_to_wait,
    delay,
)
from headstart.errors import HeadstartError, RecipeError, UnavailableError, quoted
from headstart.plain import from_json
from headstart.runtime.progress import SILENT, Progress

TRIES = 6
"""Times that a request is sent at most."""
NONSENSE_TRIES = 3
"""Times that it is sent where what comes is no answer: that may be paid for each time."""
AGAIN = frozenset({408, 409, 425, 429})
"""Statuses, beside those from 500 on, after which the same request may be answered."""
THIS_ONE = frozenset({400, 413, 422})
"""Statuses that say that an endpoint does not answer this very request, such as one that is too long."""
NO_MORE = "insufficient_quota"
"""In an answer of 429: waiting does not help."""
MARGIN = 64
"""Tokens that a text may take beside one for each of its bytes: marks around it."""
LISTED = 10
"""Models that an error names."""
LEAST = 0.05
"""Seconds that a try is given, however close the deadline is."""
MOMENT = 0.5
"""Seconds between two looks at what is under way."""


class Request(NamedTuple):
    """What is asked."""

    path: str
    """Below the address of the endpoint."""
    body: Mapping[str, Any]
    """With `model`, and `max_tokens` or `max_completion_tokens`."""
    form: str
    """How the answer is read, as a word that changes when the reading does."""
    read: Callable[[Any], Any]
    """From the JSON of an answer to the plain data that is kept of it; raises ValueError where it is no such answer."""

    @property
    def most(self) -> Spent:
        """What it comes to at most: no tokenizer makes more tokens of a text than it has bytes."""
        prompt = self.body.get("prompt", ())
        texts = [prompt] if isinstance(prompt, str) else list(prompt)
        texts += [each["content"] for each in self.body.get("messages", ())]
        written = self.body.get("max_tokens", self.body.get("max_completion_tokens", 0))
        return Spent(1, sum(len(text.encode()) + MARGIN for text in texts), written * max(1, len(texts)))


class EndpointClient:
    """A client of one endpoint; a context manager.

    Args:
        endpoint: where it is and what may be spent.
        key: see `keys.read_key`.
        journal: answers that have come before, to which those that come are added.
        first_delay: seconds, the most before the second try.

    Raises:
        RecipeError: texts would leave this machine, and `allow_remote` is off.
    """

    def __init__(
        self, endpoint: Endpoint, key: Secret, journal: AnswerJournal, *, first_delay: float = FIRST_DELAY
    ) -> None:
        if not is_loopback(endpoint.url) and not endpoint.allow_remote:
            host = shown_host(endpoint.url)
            raise RecipeError(
                [f"allow_remote: texts would leave this machine for {host}; allow it with --allow-remote"]
            )
        self.endpoint = endpoint
        self.journal = journal
        self.host = shown_host(endpoint.url)
        self.retried: Counter[str] = Counter()
        """Why requests were sent again, and how often."""
        self.purse = Purse(endpoint, journal.spent)
        self._key = key
        self._first_delay = first_delay
        self._pace = Pace(endpoint.rate)
        self._certificates = None if is_loopback(endpoint.url) else certificates()
        self._own = threading.local()
        self._connections: list[Connection] = []
        self._news = ""

    def __enter__(self) -> EndpointClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections:
            connection.close()

    def ask(self, requests: Sequence[Request], *, progress: Progress = SILENT) -> list[Received]:
        """What comes of some requests, in their order; the same one is sent once.

        Args:
            requests: any number.
            progress: told of each that is there.

        Raises:
            CapReached: more would be spent than is allowed.
            NotThere: it does not have what is asked for under that path.
            UnavailableError: it cannot be reached, refuses the key or the model, talks nonsense, or asks to wait for longer
                than `deadline`.
            StorageError: the disk refuses the journal.
        """
        names = [digest_of(self.endpoint.url, each.path, each.body, each.form) for each in requests]
        missing = {name: each for name, each in zip(names, requests, strict=True) if self.journal.get(name) is None}
        found: dict[str, Received] = {}
        progress.advance(sum(name not in missing for name in names))
        counts = Counter(names)
        try:
            self._ask_all(
                missing,
                lambda name, received: (found.update({name: received}), progress.advance(counts[name])),
                progress,
            )
        except NotThere:
            raise
        except UnavailableError as error:
            raise type(error)(f"{error}{self._kept(error)}") from None
        return [found.get(name) or self.journal.get(name) or Received(None) for name in names]

    def models(self) -> list[str]:
        """Names of the models that the endpoint says it has; none where it does not say."""
        try:
            raw = self._connection().send("GET", "/models")
            said = from_json(raw.content)["data"]
            return sorted(self._key.redacted(str(each["id"])) for each in said)
        except (NoAnswer, ValueError, LookupError, TypeError):
            return []

    def _kept(self, error: UnavailableError) -> str:
        """What came before an error, and how it is gone on with, as the end of a sentence."""
        if not len(self.journal) or self.journal.path is None:
            return ""
        count = f"; {len(self.journal):,} answers have come"
        remedy = "allow more, and begin again" if isinstance(error, CapReached) else "begin again when that is mended"
        return f"{count}, are kept in {self.journal.path} and are not asked for again; to go on from there, {remedy}"

    def _ask_all(
        self, missing: Mapping[str, Request], done: Callable[[str, Received], Any], progress: Progress
    ) -> None:
        self._pace.stopped.clear()
        with ThreadPoolExecutor(self.endpoint.concurrency, "endpoint") as pool:
            futures: dict[Future[Received], str] = {}
            try:
                for name, request in missing.items():
                    futures[pool.submit(self._answer, name, request)] = name
                pending = set(futures)
                while pending:
                    over, pending = wait(pending, MOMENT, FIRST_COMPLETED)
                    for future in over:
                        done(futures[future], future.result())
                    if not over and self._news:
                        progress.advance(0, self._news)
            except BaseException:  # what is under way is paid for: it is waited for and kept, and nothing more is sent
                self._pace.stopped.set()
                for future in futures:
                    future.cancel()
                raise

    def _answer(self, name: str, request: Request) -> Received:
        """Send a request until an answer comes.

        Raises:
            Stopped: another one ended it all.
            HeadstartError: see `ask`.
        """
        self._pace.wait()
        until = time.monotonic() + self.endpoint.deadline
        nonsense = 0
        for tries in range(1, TRIES + 1):
            received, why, pause = self._try(name, request, until)
            if received is not None:
                return received
            nonsense += pause is None
            seconds = max(delay(tries, self._first_delay), pause or 0.0)
            if tries == TRIES or nonsense == NONSENSE_TRIES or time.monotonic() + seconds > until:
                asked = f" and asks to wait {pause:,.0f} seconds" if pause else ""
                raise UnavailableError(
                    f"{self.host} {why}{asked}, after {tries} {'try' if tries == 1 else 'tries'} of one request"
                )
            self.retried[why] += 1
            self._news = f"{self.host} {why}, trying again"
            if pause:
                self._pace.hold(pause)
            self._pace.sleep(seconds)
            self._pace.wait()
        raise AssertionError("the last try raises")

    def _try(self, name: str, request: Request, until: float) -> tuple[Received | None, str, float | None]:
        """Send a request once.

        Returns:
            What was received, or None; why not; and the seconds that the endpoint asks to wait, None for what is no answer.
        """
        most = request.most
        self.purse.reserve(most)
        spent = most
        try:
            self.journal.sent(name, most)
            try:
                raw = self._connection().send(
                    "POST", request.path, request.body, most=max(until - time.monotonic(), LEAST)
                )
            except NoAnswer as error:
                spent = most if error.reached else Spent(1)
                return None, self._key.redacted(str(error)), 0.0
            if raw.status != 200:
                spent = Spent(1)
                return self._refusal(raw, request)
            said = self._parsed(raw)
            spent = _usage(said, most)
            received = Received(request.read(said), str(said.get("model") or ""))
            self.journal.answered(name, received, spent)
            return received, "", 0.0
        except HeadstartError:
            raise
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            why = self._key.redacted(str(error) if isinstance(error, ValueError) else "a part of it is missing")
            return None, f"answers what is no answer of this API: {quoted(why)}", None
        finally:
            self.purse.settle(most, spent)
            if self.journal.get(name) is None:
                with suppress(HeadstartError):
                    self.journal.failed(name, spent)

    def _parsed(self, raw: Raw) -> dict[str, Any]:
        """The JSON of an answer, without the key wherever the endpoint may have put it."""
        try:
            said = self._cleaned(from_json(raw.content.decode("utf-8")))
            if not isinstance(said, dict) or "choices" not in said:
                raise ValueError
        except ValueError:
            raise ValueError(_message(raw.content) or "nothing") from None
        return said

    def _cleaned(self, value: Any) -> Any:
        """Plain data without the key."""
        if isinstance(value, str):
            return self._key.redacted(value)
        if isinstance(value, list):
            return [self._cleaned(each) for each in value]
        if isinstance(value, dict):
            return {self._key.redacted(name): self._cleaned(each) for name, each in value.items()}
        return value

    def _refusal(self, raw: Raw, request: Request) -> tuple[Received | None, str, float]:
        """What an answer with another status than 200 means; see `_try`.

        Raises:
            UnavailableError: no request would be answered.
        """
        said = self._key.redacted(_message(raw.content))
        why = f"answers with {raw.status} ({quoted(said)})"
        if (raw.status in AGAIN or raw.status >= 500) and NO_MORE not in said:
            return None, f"answers with {raw.status}", asked_to_wait(raw.headers)
        if raw.status in THIS_ONE:
            return Received(None, refused=said or str(raw.status)), "", 0.0
        if 300 <= raw.status < 400:
            place = self._key.redacted(shown_host(raw.headers.get("location", "")))
            raise UnavailableError(
                f"{self.host} sends on to {quoted(place) if place else 'another place'}, which is never followed with key "
                "and texts; give the address that is meant"
            )
        if raw.status in (401, 403):
            remedy = "look at the key" if self._key else "give a key (--key-file or --key-env)"
            raise UnavailableError(f"{self.host} {why}: {remedy}")
        if raw.status == 404 and (known := self.models()) and request.body.get("model") not in known:
            more = f", and {len(known) - LISTED} more" if len(known) > LISTED else ""
            raise UnavailableError(
                f"{self.host} has no model {quoted(str(request.body.get('model')))}; known: {', '.join(known[:LISTED])}{more}"
            )
        raise (
            NotThere(f"{self.host} {why} at {request.path}")
            if raw.status in (404, 405, 501)
            else UnavailableError(f"{self.host} {why}")
        )

    def _connection(self) -> Connection:
        """That of this thread."""
        if not hasattr(self._own, "connection"):
            self._own.connection = Connection(self.endpoint.url, self._key, self.endpoint.timeout, self._certificates)
            self._connections.append(self._own.connection)
        return self._own.connection


class NotThere(UnavailableError):
    """An endpoint does not have what was asked for under that path."""


def _usage(said: Mapping[str, Any], most: Spent) -> Spent:
    """Tokens by an answer's own word; where it has none, the most that they can be."""
    usage = said.get("usage")
    counts = [usage.get(key) if isinstance(usage, Mapping) else None for key in ("prompt_tokens", "completion_tokens")]
    read, written = (
        count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 1 << 40 else otherwise
        for count, otherwise in zip(counts, most[1:], strict=True)
    )
    return Spent(1, read, written)


def _message(content: bytes) -> str:
    """What an answer of an error says: its message where it has the usual form, else its beginning."""
    with suppress(ValueError, LookupError, TypeError):
        about = from_json(content)["error"]
        if isinstance(about, Mapping):
            return " ".join(str(about[key]) for key in ("code", "message") if about.get(key))
        return str(about)
    return content[:1000].decode("utf-8", "replace")
