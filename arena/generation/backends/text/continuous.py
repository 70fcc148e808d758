"""Continuous batches: paged attention and the scheduler of transformers, without padding, rows leaving as they end.

The manager runs its steps in a thread of its own. Tokens are taken there, between two steps, so that which rows take
part in a step depends on the requests and not on how threads meet; deltas and results are told in the caller's thread.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from transformers import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessor,
    ContinuousBatchingLogitsProcessorList,
)
from transformers.generation.continuous_batching.continuous_api import OutputRouter

from arena.generation.backends.memory import is_out_of_memory
from arena.generation.backends.protocol import GenerationError, Outcome, Watch
from arena.generation.backends.text.choosing import filters
from arena.generation.backends.text.desk import Desk, Page
from arena.generation.backends.text.noise import gumbel, key
from arena.generation.backends.text.settings import TextSettings

_PAGE = 256  # tokens; what transformers takes, and what flash attention's tables of pages want
_MOST_TOKENS = 4096  # in one step: longer prompts are read in several


def has_flash() -> bool:
    """Whether flash attention is installed. Transformers would else fetch it from the hub, unpinned."""
    return find_spec("flash_attn") is not None


def has_pages(model: Any) -> bool:
    """Whether the model's attention can be paged. Transformers would try others, and with ALiBi write other tokens."""
    return bool(getattr(model, "_supports_flash_attn", False)) and not getattr(model.config, "alibi", False)


def write_continuously(model: Any, settings: TextSettings, pages: list[Page], desk: Desk, ends: set[int]) -> None:
    """Write all pages. Raises `GenerationError` if the model, or transformers with it, is not up to paged attention."""
    events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    told, desk.watch = desk.watch, _Relay(desk.watch, events)
    attention = model.config._attn_implementation
    router = _Router(pages, desk)
    try:
        manager = _manager(model, settings, pages, ends)
        manager.output_router = router
        for page in pages:  # before the start, so that the first step sees all of them
            manager.add_request(
                page.asked.ids,
                request_id=str(page.index),
                max_new_tokens=page.asked.room,
                streaming=True,
                **({"seed": page.request.seed, "prompt": len(page.asked.ids)} if settings.temperature > 0 else {}),
            )
        with _explained(settings):
            manager.warmup()
        router.cancel = manager.batch_processor.scheduler.set_request_cancellation
        manager.start()
        try:
            _tell(events, router, manager)
        finally:
            manager.stop(block=True, hard_stop=True)
            manager.destroy()
    finally:
        desk.watch = told
        if model.config._attn_implementation != attention:  # the manager changes it, and puts it back only if it ran
            model.set_attn_implementation(attention)
    with _explained(settings):
        if router.error is not None:
            raise router.error
    if not all(page.ended for page in pages):
        raise GenerationError("continuous batching ended before all texts did", permanent=False)


def _tell(events: queue.SimpleQueue[Callable[[], None]], router: _Router, manager: Any) -> None:
    """Hand on what happens until all pages have ended, one has failed, or the manager is no more."""
    while True:
        over = router.is_over or not manager.is_running()  # asked before the events: what led to it is among them
        try:
            (events.get_nowait() if over else events.get(timeout=0.1))()
        except queue.Empty:
            if over:
                return


def _manager(model: Any, settings: TextSettings, pages: list[Page], ends: set[int]) -> Any:
    lengths = [len(page.asked.ids) + page.asked.room for page in pages]
    config = ContinuousBatchingConfig(
        page_size=_PAGE,
        # Only what these pages can need, so that other models keep their place on the device.
        num_blocks=sum(-(-length // _PAGE) + 1 for length in lengths),
        max_batch_tokens=max(len(pages), min(_MOST_TOKENS, sum(len(page.asked.ids) for page in pages))),
        max_requests_per_batch=len(pages),
        allow_block_sharing=False,
        use_async_batching=False,  # a row that a stop text ends must not have its next token under way
        auto_switch_to_flash=settings.attention == "auto" and has_flash(),
    )
    choose = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False, max_new_tokens=settings.max_new_tokens, eos_token_id=sorted(ends) or [-1]
    )
    with _explained(settings):
        manager = model.init_continuous_batching(generation_config=choose, continuous_batching_config=config)
    processors = filters(settings)
    if settings.temperature > 0:
        processors.append(SeededNoise())
    manager.logit_processor = ContinuousBatchingLogitsProcessorList(processors)
    manager.logit_processor.tensors_required = sum(isinstance(each, SeededNoise) for each in processors)
    return manager


@contextmanager
def _explained(settings: TextSettings) -> Iterator[None]:
    """Whatever goes wrong inside transformers here, but for memory, static batches may be spared."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise GenerationError(
            f"{settings.model} cannot be batched continuously, choose static batching: {error}", permanent=True
        ) from error


class SeededNoise(ContinuousBatchingLogitsProcessor):
    """The noise of `noise.gumbel` for each request, so that the likeliest token is a drawn one."""

    supported_kwargs = {"seed": int, "prompt": int}
    ignored_kwargs = ()

    def fill_defaults(self, int32_tensor: Tensor) -> None:
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> Tensor:
        """One key a request. Its `position_offset` counts the tokens that are read, of the prompt and written ones."""
        keys = []
        for request in requests_with_new_token:
            given = request.state.logit_processor_kwargs
            keys.append(key(given["seed"], request.state.position_offset - given["prompt"]))
        return torch.tensor(keys, dtype=torch.int32)

    def __call__(self, scores: Tensor, tensor_arg: Tensor) -> Tensor:
        return scores + gumbel(tensor_arg[: scores.shape[0]], scores.shape[-1])


class _Router(OutputRouter):
    """Takes tokens between two steps, in the manager's thread, and ends rows there."""

    def __init__(self, pages: list[Page], desk: Desk) -> None:
        super().__init__()
        self._pages = {str(page.index): page for page in pages}
        self._desk = desk
        self.cancel: Callable[[str], None] | None = None
        self.error: Exception | None = None

    @property
    def is_over(self) -> bool:
        return self.error is not None or all(page.ended for page in self._pages.values())

    def deliver(self, output: Any) -> None:
        page = self._pages.get(output.request_id)
        if page is None:
            return
        for token in output.generated_tokens[page.tokens :]:
            if page.ended:
                break
            self._desk.write(page, token)
        if page.ended and not output.is_finished() and self.cancel is not None:
            self.cancel(output.request_id)

    def deliver_batch(self, outputs: list[Any]) -> None:
        for output in outputs:
            self.deliver(output)

    def fail_and_deliver(self, state: Any, error: Exception) -> None:
        page = self._pages.get(state.request_id)
        if page is not None and not page.ended and self.error is None:
            self.error = error


class _Relay(Watch):
    """Hands what is reported to the caller's thread."""

    def __init__(self, watch: Watch, events: queue.SimpleQueue[Callable[[], None]]) -> None:
        self._watch = watch
        self._events = events

    def delta(self, index: int, text: str) -> None:
        self._events.put(lambda: self._watch.delta(index, text))

    def done(self, index: int, outcome: Outcome) -> None:
        self._events.put(lambda: self._watch.done(index, outcome))
