"""An endpoint on this machine that speaks the OpenAI API, and does wrong what it is told to."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = ("good", "wonderful", "kind")
Fault = Callable[[Any], None]
"""Answers a request in place of the usual way, given its handler."""


class QuietServer(ThreadingHTTPServer):
    """A server that says nothing where who asked is gone."""

    def handle_error(self, *_: Any) -> None:
        pass


class FaultyEndpoint:
    """A model `tiny`, which calls texts good that hold one of `GOOD`, and others bad; a context manager.

    Args:
        ways: what works: `words`, `first`, `written`, `completions` without a chat; what is missing is answered without numbers.
        seconds: that every answer takes.
    """

    def __init__(self, *ways: str, seconds: float = 0.0) -> None:
        self.ways = ways or ("words", "first", "written")
        self.seconds = seconds
        self.faults: list[Fault] = []
        """Answer the next requests, in order."""
        self.always: Fault | None = None
        self.name = "tiny"
        self.usage = True
        self.zeros = False
        self.write: Callable[[str], str] = lambda text: "Good." if is_good(text) else "Bad."
        self.asked: list[tuple[str, dict[str, Any], str | None]] = []
        """Path, body and header of authorization of each request."""
        self.answered: Counter[str] = Counter()
        """Bodies whose whole answer was sent, and how often."""
        self.under_way: Counter[str] = Counter()
        self.most_under_way = 0
        self.times: list[float] = []
        self._lock = threading.Lock()
        self._server = QuietServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> FaultyEndpoint:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def count(self) -> int:
        """Requests for answers that came."""
        return len(self.asked)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                give(self, {"data": [{"id": endpoint.name}, {"id": "other"}]})

            def do_POST(self) -> None:
                with suppress(OSError):  # who asked may be gone
                    endpoint._post(self)

        return Handler

    def _post(self, request: Any) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        with self._lock:
            self.times.append(time.monotonic())
            self.asked.append((request.path, json.loads(body), request.headers.get("Authorization")))
            self.under_way[body] += 1
            self.most_under_way = max(self.most_under_way, self.under_way.total())
            fault = self.faults.pop(0) if self.faults else self.always
        try:
            time.sleep(self.seconds)
            if fault is not None:
                fault(request)
                return
            said = self.answer(request.path, json.loads(body))
            give(request, said, status=404 if "error" in said else 200)
            with self._lock:
                self.answered[body] += 1
        finally:
            with self._lock:
                self.under_way[body] -= 1

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a request is answered."""
        if path == "/v1/completions":
            choices = self._completions(body)
        elif "written" in self.ways or "first" in self.ways:
            choices = [self._chat(body)]
        else:
            return {"error": {"message": "no such path"}}
        said: dict[str, Any] = {"model": self.name, "choices": choices}
        if self.usage:
            prompts = body.get("prompt", [each["content"] for each in body.get("messages", ())])
            prompts = [prompts] if isinstance(prompts, str) else prompts
            written = len(prompts) * body["max_tokens"]
            said["usage"] = {"prompt_tokens": sum(len(tokens(each)) for each in prompts), "completion_tokens": written}
        return said

    def _completions(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        prompts = [body["prompt"]] if isinstance(body["prompt"], str) else body["prompt"]
        found = []
        for at, prompt in enumerate(prompts):
            choice: dict[str, Any] = {"index": at, "text": self.write(prompt), "logprobs": None}
            if "words" in self.ways and body.get("echo"):
                own = tokens(prompt) + ["!"] * body["max_tokens"]
                values = [None, *(0.0 if self.zeros else score(prompt, each) for each in own[1:])]
                choice["logprobs"] = {"tokens": own, "token_logprobs": values}
            found.append(choice)
        return found[::-1]

    def _chat(self, body: dict[str, Any]) -> dict[str, Any]:
        text = body["messages"][0]["content"]
        choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": self.write(text)}}
        if "first" in self.ways and body.get("logprobs"):
            shares = {"Go": 0.6, " ba": 0.3, "the": 0.1} if is_good(text) else {"Go": 0.2, " ba": 0.7, "the": 0.1}
            top = [{"token": each, "logprob": 0.0 if self.zeros else math.log(p)} for each, p in shares.items()]
            choice["logprobs"] = {"content": [{"token": "x", "top_logprobs": top}]}
        return choice


def is_good(prompt: str) -> bool:
    """Whether the text of a prompt is good; instructions do not count."""
    return any(word in prompt.rpartition("\n\n")[2] for word in GOOD)


def tokens(text: str) -> list[str]:
    """Words with the blanks in front of them, cut in two where they are long."""
    return re.findall(r"\s*\S{1,5}|\s+$", text)


def score(prompt: str, token: str) -> float:
    """The log-probability of a token, which for a label hangs on the prompt."""
    likely = {" good": 0.8, " bad": 0.2} if is_good(prompt.rpartition(" ")[0]) else {" good": 0.3, " bad": 0.7}
    return math.log(likely.get(token, 0.5))


def give(
    request: Any, said: Any, *, status: int = 200, headers: dict[str, str] | None = None, sent: int | None = None
) -> None:
    """Answer a request; with `sent`, only so many bytes."""
    content = said if isinstance(said, bytes) else json.dumps(said).encode()
    request.send_response(status)
    for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content[:sent])
    if sent is not None:
        request.close_connection = True


def status(number: int, message: str = "no", **headers: str) -> Fault:
    """A fault: an error."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: give(request, {"error": {"message": message}}, status=number, headers=named)


def content(said: bytes, **named: Any) -> Fault:
    """A fault: other content."""
    return lambda request: give(request, said, **named)


def trickle(*, headers: bool) -> Fault:
    """A fault: one byte after the other, without an end."""

    def answer(request: Any) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"X-Long: " if headers else b"Content-Length: 9999\r\n\r\n"))
        for _ in range(200):
            request.wfile.write(b" " if not headers else b"x")
            time.sleep(0.02)

    return answer


def hang_up(request: Any) -> None:
    """A fault: nothing."""
    request.close_connection = True
