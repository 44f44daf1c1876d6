"""Ways of telling labels: exact numbers, and what is never believed."""

import math
from typing import Any

import numpy as np
import pytest
from tests.endpoints.conftest import Heard, settings
from tests.endpoints.faulty import FaultyEndpoint, content, status, tokens

from headstart.data.prompts import Prompt, Shot
from headstart.endpoints.answers import AnswerJournal
from headstart.endpoints.client import EndpointClient
from headstart.endpoints.keys import Secret
from headstart.endpoints.probing import KNOWN, Probed, probe
from headstart.endpoints.scoring import SMOOTHING, FirstTokenScoring, WordScoring, WrittenLabels
from headstart.endpoints.teacher import EndpointTeacher
from headstart.errors import UnavailableError

PROMPT = Prompt("{text}\nIn one word:", ("good", "bad"))


def teacher(served: FaultyEndpoint, prompt: Prompt = PROMPT, **changes: Any) -> EndpointTeacher:
    named = {key: changes.pop(key) for key in ("answers", "pairs", "shots") if key in changes}
    return EndpointTeacher(settings(served, **changes), ("pos", "neg"), prompt, first_delay=0.002, **named)


def probed(served: FaultyEndpoint) -> Probed:
    with EndpointClient(settings(served), Secret(), AnswerJournal(None), first_delay=0.002) as client:
        return probe(client, PROMPT, (), pairs=False)


def test_words_are_scored_exactly_where_the_endpoint_echoes_them(served: FaultyEndpoint, heard: Heard) -> None:
    taught = teacher(served)
    found = taught.logits(["a good day", "it broke", "so so"], progress=heard)
    assert found.dtype == np.float32 and taught.unanswered == 0
    assert np.exp(found) == pytest.approx(np.array([[0.8, 0.2], [0.3, 0.7], [0.3, 0.7]]), abs=1e-6)
    assert taught.description.endswith("the log-probability of the labels' words")
    assert served.count == 4 and heard.units >= 3, "one request for all labels of a text, one to probe"
    assert "3 of 3 texts labelled; in all 4 requests" in heard.lines[-1] and heard.warnings == []


def test_first_tokens_are_scored_where_words_are_not(heard: Heard) -> None:
    with FaultyEndpoint("first") as served:
        taught = teacher(served)
        found = np.exp(taught.logits(["a good day", "it broke"], progress=heard))
    assert found == pytest.approx(np.array([[0.6 / 0.9, 0.3 / 0.9], [0.2 / 0.9, 0.7 / 0.9]]), abs=1e-6)
    assert "labels by the log-probability of the labels' first tokens; not by" in heard.lines[0]


def test_labels_that_are_written_are_smoothed_and_that_is_said(heard: Heard) -> None:
    with FaultyEndpoint("written") as served:
        found = np.exp(teacher(served).logits(["a good day", "it broke"], progress=heard))
    high, low = 1 - SMOOTHING / 2, SMOOTHING / 2
    assert found == pytest.approx(np.array([[high, low], [low, high]]), abs=1e-6)
    assert "labels by the labels that it writes" in heard.lines[0] and "0.1 of the probability" in heard.lines[0]


def test_an_endpoint_without_a_chat_is_asked_by_completions() -> None:
    with FaultyEndpoint("completions") as served:
        taught = teacher(served)
        assert taught.logits(["a good day", "it broke"]).argmax(axis=1).tolist() == [0, 1]
        assert served.asked[-1][0] == "/v1/completions" and "echo" not in served.asked[-1][1]


def test_numbers_that_are_all_zero_are_not_believed(served: FaultyEndpoint) -> None:
    served.zeros = True
    found = probed(served)
    assert isinstance(found.scoring, WrittenLabels)
    assert found.why == (
        "the log-probability of the labels' words: all labels have the same score",
        "the log-probability of the labels' first tokens: all tokens have the same score",
    )


def test_an_endpoint_that_refuses_numbers_is_asked_without() -> None:
    with FaultyEndpoint("words", "written") as served:
        served.faults = [status(400, "echo and logprobs")] * 2 + [status(400, "top_logprobs at most 5")]
        found = probed(served)
        assert isinstance(found.scoring, WrittenLabels) and len(found.why) == 2
        assert [body.get("top_logprobs") for _, body, _ in served.asked] == [None, None, 20, 5, None]


def test_an_endpoint_that_wants_another_name_for_the_limit_gets_it() -> None:
    with FaultyEndpoint("first") as served:
        served.faults = [status(404), status(404), status(400, "use max_completion_tokens instead of max_tokens")]
        usual = served.answer
        served.answer = lambda path, body: usual(path, body | {"max_tokens": 1})  # type: ignore[method-assign]
        scoring = probed(served).scoring
    assert isinstance(scoring, FirstTokenScoring) and scoring.limit == "max_completion_tokens"


def test_an_endpoint_that_talks_html_is_no_endpoint(served: FaultyEndpoint) -> None:
    served.always = content(b"<html>Welcome</html>")
    with pytest.raises(UnavailableError, match="no answer of this API: '<html>Welcome</html>'"):
        probed(served)


def test_an_endpoint_that_has_nothing_is_said_to_have_nothing(served: FaultyEndpoint) -> None:
    served.always = status(400, "never")
    with pytest.raises(UnavailableError, match="answers no request for labels .*'never'"):
        probed(served)


def echoed(**changes: Any) -> Any:
    """An echo of both labels, and what is changed of it."""
    request = WordScoring("tiny", PROMPT).request(KNOWN)
    choices = []
    for at, prompt in enumerate(request.body["prompt"]):
        own = tokens(prompt)
        about = {"tokens": own, "token_logprobs": [None, *(-0.5 - at for _ in own[1:])]}
        choices.append({"index": at, "logprobs": {key: each(about[key]) for key, each in changes.items()} or about})
    return request, {"choices": choices}


def test_an_echo_is_summed_over_the_tokens_of_the_words() -> None:
    prompt = Prompt("{text}\nIn one word:", ("wonderful indeed", "bad"))
    request = WordScoring("tiny", prompt).request("so")
    own = [tokens(each) for each in request.body["prompt"]]
    assert own[0][-4:] == [" wonde", "rful", " indee", "d"]
    said = {
        "choices": [
            {"index": at, "logprobs": {"tokens": each, "token_logprobs": [-0.25] * len(each)}}
            for at, each in enumerate(own)
        ]
    }
    assert request.read(said) == [-1.0, -0.25]


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": lambda own: own[:-1], "token_logprobs": list},
        {"tokens": list, "token_logprobs": lambda own: own[:-1]},
        {"tokens": lambda own: own[-2:], "token_logprobs": lambda own: own[-2:]},
        {"tokens": lambda own: own[-1:], "token_logprobs": lambda own: own[-1:]},
        {"tokens": list, "token_logprobs": lambda own: [*own[:-1], None]},
        {"tokens": list, "token_logprobs": lambda own: [*own[:-1], 0.5]},
        {"tokens": list, "token_logprobs": lambda own: [*own[:-1], math.nan]},
        {"tokens": list, "token_logprobs": lambda own: [*own[:-1], "-1"]},
    ],
)
def test_an_echo_that_is_none_is_refused(change: Any) -> None:
    request, said = echoed(**change)
    with pytest.raises(ValueError):
        request.read(said)


def test_an_echo_with_another_number_of_tokens_than_were_read_is_refused() -> None:
    request, said = echoed()
    assert request.read(said) == [-0.5, -1.5]
    count = sum(len(each["logprobs"]["tokens"]) for each in said["choices"])
    request.read(said | {"usage": {"prompt_tokens": count, "completion_tokens": 0}})
    with pytest.raises(ValueError, match="log-probabilities of"):
        request.read(said | {"usage": {"prompt_tokens": count + 1, "completion_tokens": 0}})


def test_tokens_with_signs_of_tokenizers_are_read() -> None:
    request, said = echoed()
    for choice in said["choices"]:
        choice["logprobs"]["tokens"] = [
            "<s>",
            *(each.replace(" ", "▁").replace("\n", "Ċ") for each in choice["logprobs"]["tokens"]),
        ]
        choice["logprobs"]["token_logprobs"].insert(0, None)
    assert request.read(said) == [-0.5, -1.5]


def test_first_tokens_count_for_the_one_label_that_they_begin() -> None:
    scoring = FirstTokenScoring("tiny", Prompt("{text}", ("sci", "sports", "world news")))
    shares = [["S", 0.3], [" sp", 0.2], ["wor", 0.1], ["▁World", 0.1], ["x", 0.1], ["", 0.05]]
    found = np.exp(scoring.scores([[each, math.log(p)] for each, p in shares]))
    assert found == pytest.approx(np.array([0.05, 0.2, 0.2]) / 0.45), (
        "no token of 'sci': no more than the least, or what is left"
    )
    assert np.isnan(scoring.scores([["s", -1.0], ["x", -2.0]])).all()


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("good", 0), (" Good. ", 0), ("**GOOD**", 0), ("go", 0), ("good, since it is kind", 0), ("<think>bad?</think>\ngood", 0),
        ("very good", 2), ("Very good!", 2), ("very", 2), ("very good, not bad", None), ("good or bad", None), ("not good", None), ("goodness", None),
        ("", None), ("...", None), ("b", 1), ("<think>bad", None), ("good good", 0),
    ],
)  # fmt: skip
def test_what_is_written_names_one_label_or_none(written: str, label: int | None) -> None:
    assert WrittenLabels("tiny", Prompt("{text}", ("good", "bad", "very good"))).named(written) == label


def test_a_beginning_of_two_labels_names_none() -> None:
    scoring = WrittenLabels("tiny", Prompt("{text}", ("science", "scifi")))
    assert scoring.named("sci") is None and scoring.named("scif") == 1
    assert np.isnan(scoring.scores("sci")).all()


def test_a_prompt_that_names_no_labels_does_where_one_is_to_be_written() -> None:
    asked = WrittenLabels("tiny", PROMPT).request("so").body["messages"][0]["content"]
    assert asked.startswith("Answer with one of these and nothing else: good or bad.") and asked.endswith(
        PROMPT.row("so")
    )
    own = WrittenLabels("tiny", Prompt("{text}\n{labels}?", ("good", "bad")), [Shot("a", 0)]).request("so")
    assert own.body["messages"][0]["content"] == "a\ngood or bad? good\n\nso\ngood or bad?"


def test_pairs_are_asked_about(served: FaultyEndpoint) -> None:
    found = teacher(served, Prompt("{first} and {second}\nSo:", ("good", "bad")), pairs=True).logits(
        [("a", "good day"), ("b", "c")]
    )
    assert found.argmax(axis=1).tolist() == [0, 1]
