"""Chance for each request of a batch, for models that know only torch's one global generator.

Inside `Dice` the functions of torch that draw noise draw it row by row, each from the generator of the request that the
row belongs to. Those are on the CPU, so a seed means the same on every device. Other threads are not affected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from arena.generation.backends.protocol import GenerationError

_Draw = Callable[[Tensor, torch.Generator], Tensor]


class Dice(TorchFunctionMode):
    """One generator for each request; rows of a batch belong to the requests in equal blocks, in order."""

    def __init__(self, seeds: Sequence[int]) -> None:
        super().__init__()
        self._generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if given.get("generator") is not None:
            return func(*args, **given)
        if func in _EMPTY:
            if func in {torch.randn, torch.rand}:  # whatever default another thread has set for the process
                given.setdefault("dtype", torch.float32)
            return self._fill(_EMPTY[func][0](*args, **given), _EMPTY[func][1])
        if func in _IN_PLACE:
            return self._in_place(func, args, given)
        if func is torch.multinomial or func is Tensor.multinomial:
            return self._multinomial(*args, **given)
        if func in _OTHERS:
            name = getattr(func, "__name__", str(func))
            raise GenerationError(
                f"this model draws noise by torch.{name}, which has no seed for each request", permanent=True
            )
        return func(*args, **given)

    def _fill(self, target: Tensor, draw: _Draw) -> Tensor:
        rows = [draw(torch.empty(block, dtype=torch.float32), dice) for block, dice in self._blocks(target)]
        drawn = torch.cat([row.reshape(-1) for row in rows]).reshape(target.shape)
        return target.copy_(drawn)

    def _in_place(self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
        target, *parameters = args
        return self._fill(target, lambda empty, dice: func(empty, *parameters, **dict(kwargs, generator=dice)))

    def _multinomial(
        self, input: Tensor, num_samples: int, replacement: bool = False, *, out: Any = None, generator: Any = None
    ) -> Tensor:
        """By inversion: one uniform number for each row, so that a row draws alike however wide its batch is.

        `input`: weights that need not sum to one, of shape (rows, choices) or (choices,).
        """
        if num_samples != 1 or out is not None:
            raise GenerationError(
                "this model draws several tokens at once, which has no seed for each request", permanent=True
            )
        weights = input.double()
        ends = weights.cumsum(-1)
        if not torch.isfinite(ends[..., -1]).all():
            raise GenerationError(
                "the scores of tokens are no numbers; the model may need dtype float32", permanent=True
            )
        uniform = self._fill(torch.empty((*input.shape[:-1], 1), dtype=torch.float32), _uniform).to(
            ends.device, ends.dtype
        )
        chosen = torch.searchsorted(ends, uniform * ends[..., -1:], right=True)
        last = input.shape[-1] - 1 - weights.flip(-1).ne(0).int().argmax(-1, keepdim=True)
        return torch.minimum(chosen, last)  # rounding may lead behind the last choice that has any weight

    def _blocks(self, target: Tensor) -> list[tuple[tuple[int, ...], torch.Generator]]:
        requests = len(self._generators)
        if requests == 1:
            return [(tuple(target.shape), self._generators[0])]
        if target.dim() == 0 or target.shape[0] % requests:
            raise GenerationError(
                f"noise of shape {tuple(target.shape)} cannot be shared by {requests} requests: set batch_size to 1",
                permanent=True,
            )
        block = (target.shape[0] // requests, *target.shape[1:])
        return [(block, dice) for dice in self._generators]


def _normal(empty: Tensor, dice: torch.Generator) -> Tensor:
    return empty.normal_(generator=dice)


def _uniform(empty: Tensor, dice: torch.Generator) -> Tensor:
    return empty.uniform_(generator=dice)


# What makes a tensor of noise -> what makes an empty one of that shape, and how it is filled.
_EMPTY: dict[Any, tuple[Callable[..., Tensor], _Draw]] = {
    torch.randn: (torch.empty, _normal),
    torch.rand: (torch.empty, _uniform),
    torch.randn_like: (torch.empty_like, _normal),
    torch.rand_like: (torch.empty_like, _uniform),
}
_IN_PLACE: set[Any] = {Tensor.normal_, Tensor.uniform_, Tensor.exponential_}
_OTHERS: set[Any] = {
    torch.normal,
    torch.bernoulli,
    torch.poisson,
    torch.randint,
    torch.randint_like,
    torch.randperm,
    Tensor.bernoulli,
    Tensor.bernoulli_,
    Tensor.random_,
    Tensor.cauchy_,
    Tensor.geometric_,
    Tensor.log_normal_,
}
