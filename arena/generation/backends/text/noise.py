"""Seeded choice of tokens: noise that depends on a request's seed, the place in its text and the token, and no more.

A token is drawn from softmax(scores) as argmax(scores + g) with independent g ~ Gumbel(0, 1) (for categorical draws see
Maddison, Tarlow, Minka, "A* sampling", 2014, https://arxiv.org/abs/1411.0030). The noise is a counter hashed on the
device of the scores, and no stream of random numbers: so it is the same at any place of any batch, in static and in
continuous batches, and needs one pass for all rows. The hash is a 32-bit mixer of the form
multiply, xor, shift (constants: https://github.com/skeeto/hash-prospector, "lowbias32").
"""

from __future__ import annotations

import torch
from torch import Tensor

from arena.generation.backends import exact  # noqa: F401  (for its effect)

_WORD = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, odd
_FIRST = 0x7FEB352D
_SECOND = 0x846CA68B - 2**32  # as a signed number of 32 bits


def key(seed: int, place: int) -> int:
    """32 bits, signed, for token number `place` of the text of `seed`: the upper half of a splitmix64 step."""
    word = (seed * _GOLDEN + place * 0xD1B54A32D192ED03 + _GOLDEN) & _WORD
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    high = (word ^ (word >> 31)) >> 32
    return high - 2**32 if high >= 2**31 else high


def gumbel(keys: Tensor, tokens: int) -> Tensor:
    """Noise [rows, tokens] in float32 for `keys` [rows] of int32, on their device.

    Its values have a resolution of 2^-31 in probability: a token less likely than that is never chosen.
    """
    mixed = _mixed(torch.arange(1, tokens + 1, dtype=torch.int32, device=keys.device))
    bits = _mixed(mixed[None, :] ^ keys[:, None])
    uniform = bits.bitwise_and_(0x7FFFFFFF).to(torch.float32).add_(0.5).mul_(2.0**-31).clamp_(max=1 - 2.0**-24)
    exponential = uniform.neg_().log1p_().neg_()
    return exponential.log_().neg_()


def _mixed(words: Tensor) -> Tensor:
    """Each word of int32 scattered over all words, one to one. Overflow wraps around, as it should."""
    words = words ^ ((words >> 16) & 0xFFFF)
    words.mul_(_FIRST)
    words.bitwise_xor_((words >> 15) & 0x1FFFF)
    words.mul_(_SECOND)
    words.bitwise_xor_((words >> 16) & 0xFFFF)
    return words
