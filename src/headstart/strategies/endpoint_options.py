"""What strategies that ask an endpoint are told of it: which model, with which key, and what may be spent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, Field

from headstart.config import Component, seconds
from headstart.data.prompts import USUAL, Prompt, template_fault, verbalized
from headstart.endpoints.settings import Endpoint, KeyFile, KeyVariable
from headstart.endpoints.teacher import EndpointTeacher
from headstart.errors import RecipeError, quoted

SCHEMES = ("http://", "https://")
"""What the address of an endpoint begins with."""


def is_endpoint(location: str) -> bool:
    """Whether a location is the address of an endpoint."""
    return location.startswith(SCHEMES)


class EndpointOptions(Component):
    """An endpoint as a teacher: the fields of `Endpoint` under names of their own, and what is asked."""

    teacher_model: str | None = Field(default=None, min_length=1, examples=["small-instruct"])
    """The model that an endpoint is asked for, where the teacher is the address of one."""
    key_file: KeyFile | None = Field(default=None, examples=["key.txt"])
    """A file that holds the endpoint's key and nothing else; recipes, logs and models never hold the key."""
    key_env: KeyVariable | None = Field(default=None, examples=["EXAMPLE_KEY"])
    """An environment variable that holds the endpoint's key."""
    allow_remote: bool = False
    """Let texts leave this machine; needed for every endpoint that is not on it."""
    max_requests: int | None = Field(default=None, ge=1)
    """Requests at most, tries that fail and those before an interruption included; no cap by default."""
    max_total_tokens: int | None = Field(default=None, ge=1)
    """Tokens at most that an endpoint reads and writes together; no cap by default."""
    max_cost: float | None = Field(default=None, gt=0)
    """What all requests may cost at most, in the currency of the prices, over 0; no cap by default."""
    price_in: float | None = Field(default=None, ge=0)
    """Price of a million tokens that an endpoint reads, at least 0."""
    price_out: float | None = Field(default=None, ge=0)
    """Price of a million tokens that an endpoint writes, at least 0."""
    request_rate: float | None = Field(default=None, gt=0)
    """Requests per minute at most, over 0; as many as go by default."""
    concurrency: int = Field(default=8, ge=1, le=64)
    """Requests that are under way at the same time, in [1, 64]."""
    request_timeout: Annotated[float, BeforeValidator(seconds)] = Field(default=60.0, gt=0, le=3600)
    """Seconds that one request may take, in (0, 3600]."""
    answer_deadline: Annotated[float, BeforeValidator(seconds)] = Field(default=300.0, gt=0, le=86400)
    """Seconds that one answer may take with all its requests and the pauses between them, in (0, 86400]."""
    teacher_template: str | None = Field(default=None, examples=["{text} Is it {labels}?"])
    """What an endpoint is asked about each text, with `{text}`, or `{first}` and `{second}` of pairs, and `{labels}` for their
    words."""
    teacher_instruction: str = Field(default="", examples=["Is each of these {labels}?"])
    """What stands in front of everything that an endpoint is asked; `{labels}` stands for the words of all labels."""
    teacher_words: dict[str, str] | None = Field(default=None, examples=[{"pos": "good", "neg": "bad"}])
    """Words that stand for labels where an endpoint is asked; by default the labels' names without underscores."""

    def endpoint(self, url: str) -> Endpoint:
        """The endpoint at an address.

        Raises:
            RecipeError: no model is named.
        """
        if self.teacher_model is None:
            raise RecipeError(
                [f"strategy.teacher_model: {quoted(url)} is an endpoint; name its model with --teacher-model"]
            )
        return Endpoint(
            url=url,
            model=self.teacher_model,
            key_file=self.key_file,
            key_env=self.key_env,
            allow_remote=self.allow_remote,
            max_requests=self.max_requests,
            max_total_tokens=self.max_total_tokens,
            max_cost=self.max_cost,
            price_in=self.price_in,
            price_out=self.price_out,
            rate=self.request_rate,
            concurrency=self.concurrency,
            timeout=self.request_timeout,
            deadline=self.answer_deadline,
        )


class EndpointQuestion(NamedTuple):
    """What an endpoint is asked in a run."""

    options: EndpointOptions
    names: Sequence[str]
    """Labels in the order of the outputs; empty where none are known."""
    pairs: bool
    """Whether a row is two texts."""
    answers: Path | None
    """File in which answers are kept as they come; None keeps none."""

    def teacher(self, url: str) -> EndpointTeacher:
        """The teacher behind an address.

        Raises:
            RecipeError: no model or no labels are named, or the template does not fit.
            DataError: words of labels do not.
        """
        options = self.options
        endpoint = options.endpoint(url)
        if not self.names:
            raise RecipeError(["task.labels: an endpoint knows no labels of its own; name them with --labels good,bad"])
        template = options.teacher_template or USUAL[self.pairs][0]
        if fault := template_fault(template, pairs=self.pairs):
            raise RecipeError([f"strategy.teacher_template: {fault}"])
        words = verbalized(self.names, options.teacher_words, what="teacher_words")
        prompt = Prompt(template, words, options.teacher_instruction)
        return EndpointTeacher(endpoint, self.names, prompt, pairs=self.pairs, answers=self.answers)
