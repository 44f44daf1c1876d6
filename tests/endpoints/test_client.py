"""The client against an endpoint that refuses, breaks off, trickles, sends elsewhere and tells keys."""

import threading
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from tests.endpoints.conftest import KEY, Heard, settings
from tests.endpoints.faulty import FaultyEndpoint, content, give, hang_up, status, trickle

from headstart.data.prompts import Prompt
from headstart.endpoints.answers import ANSWERS, AnswerJournal
from headstart.endpoints.client import TRIES, EndpointClient, NotThere, Request
from headstart.endpoints.keys import Secret
from headstart.endpoints.scoring import WordScoring, WrittenLabels
from headstart.endpoints.spending import CapReached, Pace, Spent, Stopped, asked_to_wait, delay
from headstart.errors import RecipeError, UnavailableError

PROMPT = Prompt("{text}\nIn one word:", ("good", "bad"))


def asking(*texts: str) -> list[Request]:
    written = WrittenLabels("tiny", PROMPT)
    return [written.request(text) for text in texts]


def ask(
    served: FaultyEndpoint, *texts: str, key: str = "", path: Path | None = None, **changes: Any
) -> tuple[Any, EndpointClient]:
    with (
        AnswerJournal(path) as journal,
        EndpointClient(settings(served, **changes), Secret(key), journal, first_delay=0.002) as client,
    ):
        return [each.value for each in client.ask(asking(*texts))], client


@pytest.mark.parametrize(
    "fault",
    [
        *(status(number) for number in (408, 409, 429, 500, 502, 503, 599)),
        content(b'{"choices": [{"mess', sent=15),
        content(b'{"choices": [{"mess'),
        content(b"<html>Bad gateway</html>"),
        content(b"[1]"),
        content(b'{"choices": []}'),
        content(b'{"choices": [{"message": {"content": 3}}]}'),
        content(b'{"error": {"message": "overloaded"}}'),
        content(b"\xff\xfe\x00"),
        content(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
        hang_up,
    ],
)
def test_what_may_pass_is_tried_again(served: FaultyEndpoint, fault: Any) -> None:
    served.faults = [fault, fault]
    found, client = ask(served, "a good day")
    assert found == ["Good."] and served.count == 3
    assert client.retried.total() == 2 and client.purse.spent.requests == 3


@pytest.mark.parametrize("headers", [True, False])
def test_an_answer_that_trickles_in_is_cut_at_the_time_of_a_try(served: FaultyEndpoint, headers: bool) -> None:
    served.faults = [trickle(headers=headers)]
    begun = time.monotonic()
    found, client = ask(served, "a good day", timeout=0.3)
    assert found == ["Good."] and served.count == 2
    assert 0.3 <= time.monotonic() - begun < 2
    assert list(client.retried) == ["did not answer within 0.3 seconds"]


def test_an_answer_is_given_up_at_its_deadline(served: FaultyEndpoint) -> None:
    served.seconds = 5
    begun = time.monotonic()
    with pytest.raises(UnavailableError, match=r"did not answer within .* seconds"):
        ask(served, "a", timeout=0.2, deadline=0.3)
    assert time.monotonic() - begun < 1.5


def test_an_answer_without_an_end_is_cut(served: FaultyEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headstart.endpoints.connection.MOST_BODY", 1 << 10)
    served.always = content(b" " * 5000)
    with pytest.raises(UnavailableError, match="for one answer"):
        ask(served, "a")


def test_a_wait_that_is_asked_for_is_kept_by_all(served: FaultyEndpoint) -> None:
    served.faults = [status(429, Retry_After="1")]
    assert ask(served, *"abcd", concurrency=1)[0] == ["Bad."] * 4
    assert served.times[1] - served.times[0] >= 0.95


def test_a_wait_beyond_the_deadline_is_not_begun(served: FaultyEndpoint) -> None:
    served.faults = [status(503, Retry_After="3600")]
    with pytest.raises(UnavailableError, match=r"answers with 503 and asks to wait 3,600 seconds, after 1 try"):
        ask(served, "a")


@pytest.mark.parametrize(
    ("said", "seconds"), [("", 0), ("7", 7), ("-3", 0), ("x", 0), ("1e9", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)]
)
def test_waits_are_read(said: str, seconds: float) -> None:
    assert asked_to_wait({"retry-after": said} if said else {}) == seconds


def test_a_wait_until_a_date_is_read() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 28 < asked_to_wait({"retry-after": until}) <= 30


def test_pauses_are_drawn_below_a_bound_that_doubles() -> None:
    for tries, bound in ((1, 1.0), (2, 2.0), (3, 4.0), (60, 30.0)):
        drawn = [delay(tries, 1.0) for _ in range(300)]
        assert 0 <= min(drawn) < 0.2 * bound and 0.8 * bound < max(drawn) <= bound


def test_tries_are_few(served: FaultyEndpoint) -> None:
    served.always = status(500)
    with pytest.raises(UnavailableError, match=f"answers with 500, after {TRIES} tries"):
        ask(served, "a")
    assert served.count == TRIES


def test_an_endpoint_that_is_down_is_said(served: FaultyEndpoint) -> None:
    with FaultyEndpoint() as gone:
        pass
    with pytest.raises(UnavailableError, match="cannot be reached"):
        ask(gone, "a")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (status(401, "bad key"), "answers with 401 .*bad key.*: give a key"),
        (status(403), "answers with 403"),
        (status(429, "insufficient_quota"), "answers with 429 .*insufficient_quota"),
        (status(418, "teapot"), "answers with 418 .*teapot"),
        (status(307, Location="http://example.org/v1"), "sends on to 'example.org', which is never followed"),
        (status(302, Location="/elsewhere"), "sends on to another place"),
    ],
)
def test_what_does_not_pass_is_said_at_once(served: FaultyEndpoint, fault: Any, words: str) -> None:
    served.always = fault
    with pytest.raises(UnavailableError, match=words):
        ask(served, "a")
    assert served.count == 1


def test_a_model_that_is_not_there_is_named_with_those_that_are(served: FaultyEndpoint) -> None:
    served.always = status(404)
    client = EndpointClient(settings(served), Secret(), AnswerJournal(None))
    with client, pytest.raises(UnavailableError, match="has no model 'big'; known: other, tiny"):
        client.ask([WrittenLabels("big", PROMPT).request("a")])
    with pytest.raises(NotThere, match="answers with 404"):
        ask(served, "a")


@pytest.mark.parametrize("number", [400, 413, 422])
def test_one_request_that_is_refused_leaves_the_others(served: FaultyEndpoint, number: int) -> None:
    served.faults = [status(number, "too long")]
    found, client = ask(served, "good", "a", "b", concurrency=1)
    assert found == [None, "Bad.", "Bad."] and len(client.journal) == 2


def test_another_host_gets_neither_key_nor_text(served: FaultyEndpoint) -> None:
    with FaultyEndpoint() as other:
        served.always = lambda request: give(request, {}, status=307, headers={"Location": f"{other.url}/completions"})
        with pytest.raises(UnavailableError, match="never followed"):
            ask(served, "a", key=KEY)
        assert other.count == 0


@pytest.mark.parametrize("number", [200, 400, 401, 404, 418, 429, 500, 307])
def test_a_key_that_an_endpoint_tells_is_seen_nowhere(served: FaultyEndpoint, number: int, tmp_path: Path) -> None:
    path = tmp_path / ANSWERS
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    served.always = content(
        f'{{"error": {{"message": "key {KEY} {escaped} is Bearer {KEY}"}}}}'.encode(),
        status=number,
        headers={"Location": f"http://{KEY}.org"},
    )
    text = ""
    try:
        with (
            AnswerJournal(path) as journal,
            EndpointClient(settings(served), Secret(KEY), journal, first_delay=0) as client,
        ):
            text = str(client.ask(asking("a")))
    except UnavailableError as error:
        text = "".join(traceback.format_exception(error))
    assert served.asked[0][2] == f"Bearer {KEY}"
    assert text and KEY[:8] not in text and KEY[:8] not in path.read_text()


def test_a_key_in_an_answer_is_not_kept(served: FaultyEndpoint, tmp_path: Path) -> None:
    served.write = lambda text: f"the key is {KEY}"
    found, _ = ask(served, "a", key=KEY, path=tmp_path / ANSWERS)
    assert found == ["the key is ***"] and KEY not in (tmp_path / ANSWERS).read_text()


def test_so_many_are_under_way_and_no_more(served: FaultyEndpoint) -> None:
    served.seconds = 0.05
    texts = [f"text {at}" for at in range(12)]
    found, _ = ask(served, *texts, concurrency=3)
    assert len(found) == 12 and served.most_under_way == 3


def test_the_same_request_is_sent_once(served: FaultyEndpoint) -> None:
    found, _ = ask(served, "good", "b", "good", "good")
    assert found == ["Good.", "Bad.", "Good.", "Good."] and served.count == 2


def test_a_rate_is_kept(served: FaultyEndpoint) -> None:
    ask(served, *"abcd", rate=900)
    gaps = [later - earlier for earlier, later in zip(served.times, served.times[1:], strict=False)]
    assert served.times[-1] - served.times[0] >= 0.19 and min(gaps) > 0.03


def test_a_pace_that_is_stopped_lets_nobody_go() -> None:
    pace = Pace(None)
    pace.wait()
    pace.hold(60)
    threading.Timer(0.05, pace.stopped.set).start()
    with pytest.raises(Stopped):
        pace.wait()


def test_a_cap_of_requests_holds_to_the_request_and_keeps_what_came(served: FaultyEndpoint, tmp_path: Path) -> None:
    path = tmp_path / ANSWERS
    texts = [f"text {at}" for at in range(10)]
    with pytest.raises(CapReached, match=r"max_requests: 6 .* 6 answers have come, are kept in .*answers.jsonl"):
        ask(served, *texts, path=path, max_requests=6)
    assert served.count == 6
    with pytest.raises(CapReached):
        ask(served, *texts, path=path, max_requests=6)
    assert served.count == 6, "those before an interruption count too"
    found, _ = ask(served, *texts, path=path, max_requests=10)
    assert found == ["Bad."] * 10 and served.count == 10 and max(served.answered.values()) == 1


def test_tries_that_fail_count_as_requests(served: FaultyEndpoint) -> None:
    served.always = status(500)
    with pytest.raises(CapReached):
        ask(served, "a", max_requests=2)
    assert served.count == 2


def test_caps_of_tokens_and_cost_hold_before_sending(served: FaultyEndpoint) -> None:
    most = asking("text 0")[0].most
    assert most.read >= len("text 0\nIn one word:") and most.written == 8
    with pytest.raises(CapReached, match="max_total_tokens"):
        ask(served, "text 0", max_total_tokens=most.read + most.written - 1)
    price = {"price_in": 1e6, "price_out": 2e6}
    with pytest.raises(CapReached, match="max_cost"):
        ask(served, "text 0", max_cost=most.read + 2 * most.written - 1, **price)
    assert served.count == 0
    _, client = ask(served, "text 0", "text 1", concurrency=1, max_cost=2 * (most.read + 2 * most.written), **price)
    assert served.count == 2, "what an answer did not come to is there for the next"
    read = sum(len(body["messages"][0]["content"].split()) for _, body, _ in served.asked)
    assert client.purse.spent.requests == 2 and read <= client.purse.spent.read < 2 * most.read
    assert client.purse.spent.cost(client.endpoint) == client.purse.spent.read + 2 * client.purse.spent.written


@pytest.mark.parametrize("usage", [None, "many", {"prompt_tokens": -5, "completion_tokens": True}, {}])
def test_an_answer_that_does_not_say_its_tokens_counts_as_the_most(served: FaultyEndpoint, usage: Any) -> None:
    said = served.answer("/v1/chat/completions", asking("a")[0].body)  # type: ignore[arg-type]
    served.always = lambda request: give(request, said | {"usage": usage})
    _, client = ask(served, "a")
    assert client.purse.spent == asking("a")[0].most


def test_a_request_that_may_have_been_read_counts_and_one_that_was_not_does_not(served: FaultyEndpoint) -> None:
    served.faults = [hang_up, status(500)]
    _, client = ask(served, "a")
    most = asking("a")[0].most
    assert most.read < client.purse.spent.read < 2 * most.read and client.purse.spent.requests == 3


def test_a_limit_of_requests_with_many_prompts_counts_all_of_them() -> None:
    body = WordScoring("tiny", PROMPT).request("text").body
    most = WordScoring("tiny", PROMPT, written=1).request("text").most
    assert most == Spent(1, sum(len(each) + 64 for each in body["prompt"]), 2)


def test_texts_do_not_leave_this_machine_unless_that_is_allowed() -> None:
    from headstart.endpoints.settings import Endpoint

    far = Endpoint(url="https://api.example.org/v1", model="m")
    with pytest.raises(RecipeError, match=r"leave this machine for api.example.org; allow it with --allow-remote"):
        EndpointClient(far, Secret(), AnswerJournal(None))
    EndpointClient(far.revised(allow_remote=True), Secret(), AnswerJournal(None))


def test_one_that_is_stopped_keeps_what_is_under_way(served: FaultyEndpoint, tmp_path: Path, heard: Heard) -> None:
    served.seconds = 0.2

    class Impatient(Heard):
        def advance(self, units: float, note: str = "") -> None:
            if units:
                raise KeyboardInterrupt

    path = tmp_path / ANSWERS
    texts = [f"text {at}" for at in range(40)]
    with (
        pytest.raises(KeyboardInterrupt),
        AnswerJournal(path) as journal,
        EndpointClient(settings(served, concurrency=4), Secret(), journal) as client,
    ):
        client.ask(asking(*texts), progress=Impatient())
    with AnswerJournal(path) as journal:
        assert len(journal) == served.count == served.answered.total() < 40 and journal.in_flight == 0
