"""A teacher behind an endpoint: what it says, what it leaves open, and what it costs."""

from pathlib import Path

import numpy as np
import pytest
from tests.endpoints.conftest import KEY, Heard
from tests.endpoints.faulty import FaultyEndpoint, status
from tests.endpoints.test_scoring import teacher

from headstart.data.prompts import Prompt
from headstart.endpoints.answers import ANSWERS
from headstart.endpoints.settings import Endpoint
from headstart.endpoints.spending import CapReached, Spent
from headstart.endpoints.teacher import FIRST, EndpointTeacher
from headstart.errors import MissingInputError, RecipeError, UnavailableError

PROMPT = Prompt("{text}\nIn one word:", ("good", "bad"))


def test_rows_without_a_label_are_nan_and_counted(heard: Heard) -> None:
    with FaultyEndpoint("written") as served:
        served.write = lambda text: "Perhaps." if "odd" in text else "Good."
        taught = teacher(served)
        found = taught.logits(["a good day", "odd", "odd", "kind"], progress=heard)
    assert np.isnan(found).all(axis=1).tolist() == [False, True, True, False] and taught.unanswered == 2
    assert heard.warnings == ["2 texts have no label of the teacher's"]


def test_an_endpoint_is_probed_once_and_nothing_is_sent_for_no_texts(served: FaultyEndpoint, heard: Heard) -> None:
    taught = teacher(served)
    assert taught.logits([]).shape == (0, 2) and served.count == 0
    taught.logits(["a"])
    assert taught.logits(["b"], progress=heard).shape == (1, 2) and served.count == 3
    assert len(heard.lines) == 1, "the way is said the first time"


def test_a_text_that_is_refused_is_left_open(served: FaultyEndpoint) -> None:
    taught = teacher(served, concurrency=1)
    taught.logits(["good"])
    served.faults = [status(400, "too long")]
    assert np.isnan(taught.logits(["long", "good"])).all(axis=1).tolist() == [True, False]


def test_a_teacher_that_tells_nothing_is_given_up_soon() -> None:
    with FaultyEndpoint("written") as served:
        served.write = lambda text: "As an assistant, I cannot say."
        with pytest.raises(UnavailableError, match=f"no label of the first {FIRST} texts .*As an assistant"):
            teacher(served).logits([f"text {at}" for at in range(200)])
        assert served.count < FIRST + 8
        with pytest.raises(UnavailableError, match="told no label of any text"):
            teacher(served).logits(["a", "b"])


def test_another_model_than_was_asked_for_is_said(served: FaultyEndpoint, heard: Heard) -> None:
    served.name = "huge"
    taught = teacher(served)
    taught.logits(["a", "b"], progress=heard)
    assert heard.warnings == ["'huge' answers, where 'tiny' was asked for"] and taught.models == ("huge",)
    served.name = "tiny-2026-01-01"
    taught.logits(["c"], progress=heard)
    assert len(heard.warnings) == 1 and "'tiny-2026-01-01' answers, where 'tiny' was asked for" in heard.lines


def test_nothing_is_asked_again(served: FaultyEndpoint, tmp_path: Path, heard: Heard) -> None:
    texts = ["a good day", "it broke", "a good day"]
    first = teacher(served, answers=tmp_path / ANSWERS)
    once = first.logits(texts)
    count = served.count
    second = teacher(served, answers=tmp_path / ANSWERS)
    assert (second.logits(texts, progress=heard) == once).all() and served.count == count == 3
    assert "3 answers of an earlier run are taken over; 0 requests were under way" in heard.lines[0]
    assert first.spent == second.spent


def test_a_cap_in_the_middle_keeps_what_was_paid_for(served: FaultyEndpoint, tmp_path: Path) -> None:
    texts = [f"text {at}" for at in range(30)]
    path = tmp_path / ANSWERS
    with pytest.raises(
        CapReached, match=r"max_requests: 25 .* 25 answers have come, .* to go on from there, allow more"
    ):
        teacher(served, answers=path, max_requests=25).logits(texts)
    assert not np.isnan(teacher(served, answers=path, max_requests=31).logits(texts)).any()
    assert served.count == 31


def test_what_it_costs_is_said(served: FaultyEndpoint, heard: Heard) -> None:
    taught = teacher(served, price_in=100.0, price_out=200.0)
    taught.logits(["good", "bad"], progress=heard)
    cost = taught.spent.cost(taught.endpoint)
    assert (
        cost is not None and cost > 0 and f"which cost {cost:.4g} ({500 * cost:.4g} per 1,000 texts)" in heard.lines[-1]
    )
    assert Spent(3, 1_000_000, 2_000_000).cost(taught.endpoint) == 500


def test_the_key_is_sent_and_shown_nowhere(served: FaultyEndpoint, key_file: str, tmp_path: Path, heard: Heard) -> None:
    served.write = lambda text: f"Good {KEY}"
    taught = teacher(served, answers=tmp_path / ANSWERS, key_file=key_file)
    taught.logits(["good"], progress=heard)
    assert {key for _, _, key in served.asked} == {f"Bearer {KEY}"}
    shown = f"{heard.lines} {vars(taught)} {taught.endpoint.plain()} {(tmp_path / ANSWERS).read_text()}"
    assert KEY[:8] not in shown


def test_a_key_that_is_missing_is_told_before_anything_is_sent(served: FaultyEndpoint) -> None:
    with pytest.raises(MissingInputError, match="NOT_SET_HERE is not set"):
        teacher(served, key_env="NOT_SET_HERE").logits(["a"])
    assert served.count == 0


def test_texts_stay_here_unless_that_is_allowed() -> None:
    far = Endpoint(url="https://api.example.org/v1", model="m")
    with pytest.raises(RecipeError, match="leave this machine"):
        EndpointTeacher(far, ("pos", "neg"), PROMPT).logits(["a"])
