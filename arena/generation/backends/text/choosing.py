"""From scores to tokens: penalty, temperature, filters, seeded noise, argmax."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from arena.generation.backends.text.noise import gumbel, key
from arena.generation.backends.text.settings import TextSettings


def filters(settings: TextSettings) -> LogitsProcessorList:
    """What bends and cuts the distribution before a token is drawn, in this order; nothing at temperature 0."""
    chosen = LogitsProcessorList()
    if settings.temperature == 0:
        return chosen
    if settings.temperature != 1:
        chosen.append(TemperatureLogitsWarper(float(settings.temperature)))
    if settings.top_k:
        chosen.append(TopKLogitsWarper(settings.top_k))
    if settings.top_p < 1:
        chosen.append(TopPLogitsWarper(settings.top_p))
    if settings.min_p > 0:
        chosen.append(MinPLogitsWarper(settings.min_p))
    return chosen


_UNREAD: Any = None  # none of these filters looks at the tokens so far


class Choice:
    """Draws the next token of each row of a static batch."""

    def __init__(self, settings: TextSettings, prompts: list[list[int]], seeds: list[int]) -> None:
        self._greedy = settings.temperature == 0
        self._filters = filters(settings)
        self._penalty = settings.repetition_penalty
        self._prompts = prompts
        self._seeds = seeds
        self._seen: Tensor | None = None

    def tokens(self, scores: Tensor, rows: list[int], place: int) -> list[int]:
        """Token number `place` of each of `rows`, from their scores [rows, vocabulary] in float32.

        `rows` says which request each row of the scores belongs to. Waits for the device.
        """
        if self._penalty != 1:
            scores = self._penalised(scores, rows)
        if not self._greedy:
            scores = self._filters(_UNREAD, scores)
            keys = [key(self._seeds[row], place) for row in rows]
            scores = scores + gumbel(torch.tensor(keys, dtype=torch.int32).to(scores.device), scores.shape[-1])
        drawn = scores.argmax(dim=-1)
        if self._seen is not None:
            self._seen[torch.tensor(rows, device=drawn.device), drawn] = True
        tokens: list[int] = drawn.tolist()
        return tokens

    def _penalised(self, scores: Tensor, rows: list[int]) -> Tensor:
        """As transformers has it, of a row's own tokens alone: padding is no token that was seen.

        Source: Keskar et al., "CTRL", 2019, https://arxiv.org/abs/1909.05858, section 4.1.
        """
        if self._seen is None:
            self._seen = torch.zeros((len(self._prompts), scores.shape[-1]), dtype=torch.bool, device=scores.device)
            for row, prompt in enumerate(self._prompts):
                self._seen[row, torch.tensor(prompt, device=scores.device)] = True
        less = torch.where(scores < 0, scores * self._penalty, scores / self._penalty)
        return torch.where(self._seen[torch.tensor(rows, device=scores.device)], less, scores)
