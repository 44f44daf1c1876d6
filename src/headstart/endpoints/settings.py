"""The settings of an endpoint, which can stand in a recipe: where it is, where its key is, and what may be spent."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from headstart.config import Component, seconds
from headstart.endpoints.addresses import address_fault
from headstart.endpoints.keys import file_fault, variable_fault


def _address(value: str) -> str:
    if fault := address_fault(value):
        raise ValueError(fault)
    return value.rstrip("/")


def _key_file(value: str) -> str:
    if fault := file_fault(value):
        raise ValueError(fault)
    return value


def _key_variable(value: str) -> str:
    if fault := variable_fault(value):
        raise ValueError(fault)
    return value


Address = Annotated[str, AfterValidator(_address)]
"""Address of an endpoint."""
KeyFile = Annotated[str, AfterValidator(_key_file)]
"""Path of a file with a key."""
KeyVariable = Annotated[str, AfterValidator(_key_variable)]
"""Name of an environment variable with a key."""


class Endpoint(Component):
    """An endpoint that speaks the OpenAI API, with what may be spent on it; the key itself is never a part of it."""

    url: Address
    """Where it is, such as `http://localhost:8001/v1`; https but on this machine, and no key in it."""
    model: str = Field(min_length=1)
    """The model that is asked for."""
    key_file: KeyFile | None = None
    """A file that holds the key and nothing else."""
    key_env: KeyVariable | None = None
    """An environment variable that holds the key, such as `OPENAI_API_KEY`."""
    allow_remote: bool = False
    """Texts may leave this machine; needed for every endpoint that is not on it."""
    max_requests: int | None = Field(default=None, ge=1)
    """Requests at most, tries that fail and those before an interruption included."""
    max_total_tokens: int | None = Field(default=None, ge=1)
    """Tokens at most, read and written."""
    max_cost: float | None = Field(default=None, gt=0)
    """What all requests may cost at most, in the currency of the prices."""
    price_in: float | None = Field(default=None, ge=0)
    """Price of a million tokens that are read."""
    price_out: float | None = Field(default=None, ge=0)
    """Price of a million tokens that are written."""
    rate: float | None = Field(default=None, gt=0)
    """Requests per minute at most."""
    concurrency: int = Field(default=8, ge=1, le=64)
    """Requests that are under way at the same time, in [1, 64]."""
    timeout: Annotated[float, BeforeValidator(seconds)] = Field(default=60.0, gt=0, le=3600)
    """Seconds that one try may take, from its first byte to the last."""
    deadline: Annotated[float, BeforeValidator(seconds)] = Field(default=300.0, gt=0, le=86400)
    """Seconds that one answer may take with all its tries and the waiting between them."""

    @model_validator(mode="after")
    def _agrees(self) -> Endpoint:
        if self.key_file is not None and self.key_env is not None:
            raise ValueError("key_file and key_env both say where the key is; leave one out")
        if self.max_cost is not None and (self.price_in is None or self.price_out is None):
            raise ValueError("max_cost needs price_in and price_out, the prices of a million tokens read and written")
        return self
