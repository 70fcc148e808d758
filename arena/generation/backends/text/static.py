"""Static batches: rows padded on the left to one length, written step by step until the last one ends.

Transformers prepares inputs and cache (`generate` with a decoding loop of our own); the loop chooses tokens by seed,
hands them on as they come, and drops rows that have ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from arena.generation.backends.text.choosing import Choice
from arena.generation.backends.text.desk import Desk, Page
from arena.generation.backends.text.prompting import Asked
from arena.generation.backends.text.settings import TextSettings

# Dropping rows copies the cache of those that stay, about the cost of a step, so it waits for this share of them. With
# answers of 4 to 128 tokens, 44 on average, 64 rows on one core give 1300 tokens a second, and 500 without dropping.
_WORTH = 1 / 8
# What can be narrowed to some of its rows. A model that is handed anything else keeps its ended rows to the end.
_BY_ROW = {"attention_mask", "position_ids", "token_type_ids"}


def write_together(
    model: Any,
    settings: TextSettings,
    pages: list[Page],
    desk: Desk,
    inputs: dict[str, Tensor],
    *,
    pad: int,
    can_drop: bool,
) -> None:
    """Write all pages as one batch: one forward pass for each token of the longest answer.

    `can_drop`: the model remembers nothing of its rows beside the cache. Models that see may remember more.
    """
    prompts = [page.asked.ids for page in pages]
    choice = Choice(settings, prompts, [page.request.seed for page in pages])
    room = max(page.asked.room for page in pages)
    config = GenerationConfig(max_new_tokens=room, do_sample=False, pad_token_id=pad)  # type: ignore[no-untyped-call]
    model.generate(
        **inputs,
        generation_config=config,
        custom_generate=_Loop(pages, desk, choice, pad, can_drop=can_drop).run,
    )


def padded(asked: Sequence[Asked], pad: int) -> dict[str, Tensor]:
    """Token ids and mask [rows, longest], padded on the left."""
    longest = max(len(each.ids) for each in asked)
    ids = torch.full((len(asked), longest), pad, dtype=torch.long)
    mask = torch.zeros((len(asked), longest), dtype=torch.long)
    for row, each in enumerate(asked):
        ids[row, longest - len(each.ids) :] = torch.tensor(each.ids)
        mask[row, longest - len(each.ids) :] = 1
    return {"input_ids": ids, "attention_mask": mask}


@torch.no_grad()
def can_pad(model: Any, pad: int) -> bool:
    """Whether padding leaves the scores as they are, asked of the model itself.

    Attention masks padding out. A model that carries a state through the text must skip it, and some do not.
    """
    ids = [number % model.config.get_text_config().vocab_size for number in range(3, 11)]
    alone = padded([Asked(ids, 1, "")], pad)
    beside = padded([Asked(ids, 1, ""), Asked(ids * 2, 1, "")], pad)
    with_padding, without = (
        model(**{name: value.to(model.device) for name, value in inputs.items()}).logits[0, -1].float()
        for inputs in (beside, alone)
    )
    # In half precision the scores differ by some hundredths of their spread; padding that is read, by all of it.
    return bool((with_padding - without).abs().max() < 0.2 * without.std())


class _Loop:
    """The decoding loop that `generate` calls once inputs and cache are ready."""

    def __init__(self, pages: list[Page], desk: Desk, choice: Choice, pad: int, *, can_drop: bool) -> None:
        self._pages = pages
        self._desk = desk
        self._choice = choice
        self._pad = pad
        self._can_drop = can_drop

    def run(
        self,
        model: Any,
        input_ids: Tensor,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: Any,
        **model_kwargs: Any,
    ) -> Tensor:
        model_kwargs.pop("synced_gpus", None)
        rows = list(range(len(self._pages)))
        outputs = model._prefill(input_ids, generation_config, model_kwargs)
        place = 0
        while True:
            model_kwargs = model._update_model_kwargs_for_generation(outputs, model_kwargs)
            scores = outputs.logits[:, -1].to(copy=True, dtype=torch.float32)
            del outputs  # or the scores of the whole prompt stay in memory during the next step
            tokens = self._choice.tokens(scores, rows, place)
            for at, row in enumerate(rows):
                page = self._pages[row]
                if page.ended:
                    tokens[at] = self._pad
                else:
                    self._desk.write(page, tokens[at])
            stay = [at for at, row in enumerate(rows) if not self._pages[row].ended]
            if not stay:
                return input_ids
            input_ids = torch.cat([input_ids, torch.tensor(tokens, device=input_ids.device)[:, None]], dim=-1)
            if len(rows) - len(stay) >= _WORTH * len(rows) and self._can_drop and _has_plain_rows(model_kwargs):
                input_ids = _drop(input_ids, model_kwargs, stay)
                rows = [rows[at] for at in stay]
            place += 1
            step = 1 if model_kwargs["use_cache"] else None
            outputs = model(
                **model.prepare_inputs_for_generation(input_ids, next_sequence_length=step, **model_kwargs),
                return_dict=True,
            )


def _has_plain_rows(model_kwargs: dict[str, Any]) -> bool:
    layers = getattr(model_kwargs.get("past_key_values"), "layers", None)
    plain = layers is not None and all(type(layer) in {DynamicLayer, DynamicSlidingWindowLayer} for layer in layers)
    others = (name for name, value in model_kwargs.items() if isinstance(value, Tensor) and name not in _BY_ROW)
    return plain and next(others, None) is None


def _drop(input_ids: Tensor, model_kwargs: dict[str, Any], stay: list[int]) -> Tensor:
    """Keep the rows `stay` of everything."""
    kept = torch.tensor(stay, device=input_ids.device)
    for name in _BY_ROW:
        value = model_kwargs.get(name)
        if isinstance(value, Tensor) and value.shape[0] == len(input_ids):
            model_kwargs[name] = value[kept]
    model_kwargs["past_key_values"].batch_select_indices(kept)
    return input_ids[kept]
