"""One request over HTTP at a time, within a time for all of it; the only module that knows the HTTP library."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import httpx2

from headstart.endpoints.addresses import is_loopback
from headstart.endpoints.keys import Secret

MOST_BODY = 8 << 20
"""Bytes of an answer at most."""
AGENT = "headstart"


class Raw(NamedTuple):
    """What came over the wire."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes


class NoAnswer(Exception):
    """Nothing came, or not all of it; the message says why, without the key.

    Args:
        why: as a sentence without a full stop.
        reached: whether the endpoint may have read the request, and be paid for it.
    """

    def __init__(self, why: str, *, reached: bool) -> None:
        super().__init__(why)
        self.reached = reached


class Connection:
    """A connection that one thread uses; it is opened when it is needed and kept between requests.

    Args:
        url: address of the endpoint.
        key: sent with every request, to this address alone: nothing that sends elsewhere is followed.
        timeout: seconds for all of a request, however slowly its answer trickles in.
        certificates: what hosts are verified by, see `certificates`; None where the address is on this machine.
    """

    def __init__(self, url: str, key: Secret, timeout: float, certificates: Any = None) -> None:
        self.url = url
        self._key = key
        self._timeout = timeout
        self._socket: socket.socket | None = None
        near = is_loopback(url)
        self._client = httpx2.Client(
            timeout=timeout,
            follow_redirects=False,
            trust_env=not near,
            verify=False if near and url.startswith("http:") else certificates or True,
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1),
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, most: float | None = None) -> Raw:
        """Send a request and read its whole answer.

        Args:
            method: GET or POST.
            path: below the address, with a slash in front.
            body: sent as JSON.
            most: seconds for all of it, where that is less than `timeout`.

        Raises:
            NoAnswer: the connection failed, was cut or took too long, or the answer is longer than `MOST_BODY`.
        """
        late = threading.Event()

        def cut() -> None:
            late.set()
            with suppress(OSError):
                if self._socket is not None:
                    self._socket.shutdown(socket.SHUT_RDWR)

        allowed = self._timeout if most is None else min(self._timeout, most)
        timer = threading.Timer(allowed, cut)
        timer.daemon = True
        timer.start()
        try:
            raw = self._sent(method, path, body, allowed)
            if late.is_set() and not {"content-length", "transfer-encoding"} & set(raw.headers):
                raise httpx2.ReadTimeout("cut")  # its end is where the connection ended
            return raw
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise NoAnswer(f"cannot be reached ({_why(error)})", reached=False) from None
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            if late.is_set() or isinstance(error, httpx2.TimeoutException):
                raise NoAnswer(f"did not answer within {allowed:.3g} seconds", reached=True) from None
            raise NoAnswer(f"broke off ({_why(error)})", reached=True) from None
        finally:
            timer.cancel()

    def _sent(self, method: str, path: str, body: Mapping[str, Any] | None, allowed: float) -> Raw:
        headers = {"User-Agent": AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key.reveal()}"
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=True).encode("ascii")
        with self._client.stream(
            method,
            self.url + path,
            content=content,
            headers=headers,
            timeout=allowed,
            extensions={"trace": self._trace},
        ) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise NoAnswer("sends packed answers, which were not asked for", reached=True)
            parts, size = [], 0
            for part in response.iter_raw():
                parts.append(part)
                size += len(part)
                if size > MOST_BODY:
                    raise NoAnswer(f"sends more than {MOST_BODY >> 20} MB for one answer", reached=True)
            named = {name.lower(): value for name, value in response.headers.items()}
            return Raw(response.status_code, named, b"".join(parts))

    def _trace(self, event: str, about: Mapping[str, Any]) -> None:
        """Remember the socket, which ends a request that takes too long, whatever is being waited for."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = about["return_value"].get_extra_info("socket")


def certificates() -> Any:
    """What hosts are verified by; made once, since that takes a while."""
    return httpx2.create_ssl_context()


def _why(error: Exception) -> str:
    return str(error).strip() or type(error).__name__
