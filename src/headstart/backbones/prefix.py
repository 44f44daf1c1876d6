"""The frozen blocks of a network, run once per text: later passes start from what they said.

Nothing here knows an architecture. A pass is watched to learn what each frozen block gives back beside its hidden states;
later its `forward` is set aside and hands on the same. A block whose by-products cannot be told from its inputs (the
first of T5 makes the position bias of all) keeps running, and the stored states enter at the border all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

TOLERANCE = 1e-4
"""Largest difference of a hidden state between a pass over all blocks and one from the border, beyond which the border
is not used; in units of the states' root mean square where that is above 1."""


class UnsuitableError(Exception):
    """This network cannot start at this border; the message says why. Never reaches users: the pass runs in full."""


class _Reached(Exception):
    """Ends a pass at the border; carries the states that arrived there."""

    def __init__(self, states: Tensor) -> None:
        super().__init__()
        self.states = states


@dataclass
class _Block:
    """What a frozen block does to everything but the hidden states."""

    module: nn.Module
    outputs: list[Callable[[tuple[Any, ...], dict[str, Any]], Any]] | None = None
    """How each part of its output follows from its inputs; None where it gives back the hidden states alone."""
    runs: bool = False
    """Whether it has to run because of its by-products."""
    calls: int = field(default=0)


class Border:
    """The place between the frozen blocks of a stack and those that move.

    Args:
        blocks: in the order in which states pass them, whatever stack they are of.
        frozen: how many of the lowest are frozen, in [1, len(blocks)].
    """

    def __init__(self, blocks: Sequence[nn.Module], frozen: int) -> None:
        if not 1 <= frozen <= len(blocks):
            raise ValueError(f"{frozen} frozen blocks of {len(blocks)}")
        self.below = [_Block(module) for module in blocks[:frozen]]
        self.first = blocks[frozen] if frozen < len(blocks) else None
        self.time_first = False
        """Whether states are (tokens, batch, hidden) inside, as in XLNet."""

    @torch.no_grad()
    def learn(self, run: Callable[[], Tensor], shape: Sequence[int]) -> None:
        """Watch a pass, then compare it with one from the border.

        Args:
            run: a pass over some texts that gives the last hidden states, (batch, tokens, hidden).
            shape: batch and tokens of it, two different numbers.

        Raises:
            UnsuitableError: a block runs twice, or the two passes differ.
        """
        handles = [
            block.module.register_forward_hook(lambda *seen, block=block: self._watch(block, *seen), with_kwargs=True)
            for block in self.below
        ]
        try:
            whole = run()
        finally:
            for handle in handles:
                handle.remove()
        if any(block.calls != 1 for block in self.below):
            raise UnsuitableError("a block runs more than once in a pass")
        running = [block.runs for block in self.below]
        if running != sorted(running, reverse=True):
            raise UnsuitableError("a block above others has by-products of its own")
        states = self.states(run, raw=True)
        self.time_first = list(states.shape[:2]) == list(shape)[::-1] and self.first is not None
        with self.entered(states.transpose(0, 1).clone() if self.time_first else states.clone()):
            again = run() if self.first is not None else states
        size = max(1.0, float(whole.square().mean().sqrt()))
        difference = float((whole - again).abs().max()) / size
        if not difference <= TOLERANCE:
            raise UnsuitableError(f"states differ by {difference:.1e}")

    @torch.no_grad()
    def states(self, run: Callable[[], Tensor], *, raw: bool = False) -> Tensor:
        """What arrives at the border in a pass, shape (batch, tokens, hidden); blocks above do not run."""
        if self.first is None:
            return run()

        def stop(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            raise _Reached(_hidden(args, kwargs))

        handle = self.first.register_forward_pre_hook(stop, with_kwargs=True)
        try:
            run()
        except _Reached as reached:
            return reached.states.transpose(0, 1) if self.time_first and not raw else reached.states
        finally:
            handle.remove()
        raise UnsuitableError("the first block above the border was never called")

    @contextmanager
    def entered(self, states: Tensor) -> Iterator[None]:
        """Within it a pass starts at the border.

        Args:
            states: to start from, shape (batch, tokens, hidden).
        """
        if self.first is None:
            yield
            return
        inside = states.transpose(0, 1).contiguous() if self.time_first else states

        def enter(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            if args:
                return (inside, *args[1:]), kwargs
            return args, kwargs | {"hidden_states": inside}

        handle = self.first.register_forward_pre_hook(enter, with_kwargs=True)
        aside = [block for block in self.below if not block.runs]
        for block in aside:
            block.module.forward = _stand_in(block)
        try:
            yield
        finally:
            handle.remove()
            for block in aside:
                del block.module.forward

    @staticmethod
    def _watch(block: _Block, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        block.calls += 1
        if isinstance(output, Tensor):
            return
        if not isinstance(output, tuple) or not output or not isinstance(output[0], Tensor):
            block.runs = True
            return
        block.outputs = [_hidden]
        for part in output[1:]:
            source = _source(part, args, kwargs)
            if source is None:
                block.runs = True
                return
            block.outputs.append(source)


def _hidden(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The states that a block is given.

    Raises:
        UnsuitableError: they stand in no place that is known.
    """
    if args or "hidden_states" in kwargs:
        return args[0] if args else kwargs["hidden_states"]
    raise UnsuitableError("a block is given its states under a name that is not known")


def _source(
    part: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Callable[[tuple[Any, ...], dict[str, Any]], Any] | None:
    """Where a by-product comes from: nowhere (None), or an input that is handed on; None if it is made here."""
    if part is None:
        return lambda args, kwargs: None
    for at, given in enumerate(args[1:], start=1):
        if given is part:
            return lambda args, kwargs, at=at: args[at]
    for name, given in kwargs.items():
        if given is part:
            return lambda args, kwargs, name=name: kwargs[name]
    return None


def _stand_in(block: _Block) -> Callable[..., Any]:
    def forward(*args: Any, **kwargs: Any) -> Any:
        if block.outputs is None:
            return _hidden(args, kwargs)
        return tuple(output(args, kwargs) for output in block.outputs)

    return forward
