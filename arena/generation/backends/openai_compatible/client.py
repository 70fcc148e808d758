"""A contestant on a server, ready to be asked: many requests at once, each with its own outcome."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from queue import Full, Queue
from typing import Generic, TypeVar

from arena.generation.backends.measuring import versions
from arena.generation.backends.openai_compatible.addresses import Address
from arena.generation.backends.openai_compatible.answers import check_status, check_type, parsed
from arena.generation.backends.openai_compatible.chat import Reply, chat_body
from arena.generation.backends.openai_compatible.connecting import Answer, Line
from arena.generation.backends.openai_compatible.events import events
from arena.generation.backends.openai_compatible.images import (
    MOST_ANSWER,
    MOST_PICTURE,
    as_media,
    image_body,
    picture_or_url,
)
from arena.generation.backends.openai_compatible.keys import Key, NoKey
from arena.generation.backends.openai_compatible.retrying import Clock, Deadline, Transient, retried
from arena.generation.backends.openai_compatible.settings import OpenAICompatibleSettings
from arena.generation.backends.protocol import QUIET, GenerationError, Measured, Outcome, Request, Result, Watch

MOST_CHAT = 32 * 2**20  # bytes of a stream; a delta of five characters costs about 300
MOST_FACT = 100  # characters of what a server says about itself
MOST_DEVICE = 80  # characters; what a candidate's row has room for

_MOST_NEWS = 256  # pieces of answers that wait for whoever watches; then the servers wait
_PATIENCE = 0.1  # seconds between looks at whether anybody still reads the news

Tell = Callable[[str], None]
T = TypeVar("T")


class _News(Generic[T]):
    """From the threads that ask to the one that watches: when that falls behind, they read no further."""

    def __init__(self) -> None:
        self._waiting: Queue[T] = Queue(_MOST_NEWS)
        self._closed = threading.Event()

    def put(self, item: T) -> bool:
        """Waits for room. False if nobody reads the news any more."""
        while not self._closed.is_set():
            try:
                self._waiting.put(item, timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False

    def get(self) -> T:
        return self._waiting.get()

    def close(self) -> None:
        self._closed.set()


class OpenAICompatible:
    """Fulfils `protocol.Loaded`. It holds no connection and no device between batches."""

    memory_bytes = 0

    def __init__(self, settings: OpenAICompatibleSettings, *, line: Line, key: Key | NoKey, clock: Clock) -> None:
        self._settings = settings
        self._address = settings.address
        self._device = self._address.server[:MOST_DEVICE]
        self._line = line
        self._key = key
        self._clock = clock
        self._places = threading.BoundedSemaphore(settings.concurrency)  # for all batches of this contestant

    @property
    def batch_size(self) -> int:
        return self._settings.concurrency

    def generate(self, requests: Sequence[Request], watch: Watch = QUIET) -> Sequence[Outcome]:
        """One outcome for each request, whatever becomes of the others; `watch` is called in this thread alone.

        If it raises, requests that have not begun are dropped, and those being answered end at their next word.
        """
        if not requests:
            return []
        began = time.perf_counter()
        news: _News[tuple[int, str | Outcome | BaseException]] = _News()

        def work(index: int) -> None:
            def tell(text: str) -> None:
                if not news.put((index, text)):
                    raise GenerationError("nobody waits for this answer any more", permanent=False)

            try:
                news.put((index, self._outcome(requests[index], began, tell)))
            except BaseException as defect:  # raised again by whoever reads the news
                news.put((index, defect))

        outcomes: dict[int, Outcome] = {}
        pool = ThreadPoolExecutor(
            min(self._settings.concurrency, len(requests)), thread_name_prefix="openai-compatible"
        )
        try:
            for index in range(len(requests)):
                pool.submit(work, index)
            while len(outcomes) < len(requests):
                index, item = news.get()
                if isinstance(item, str):
                    watch.delta(index, item)
                elif isinstance(item, Result | GenerationError):
                    outcomes[index] = item
                    watch.done(index, item)
                else:
                    raise item
        finally:
            news.close()
            pool.shutdown(wait=False, cancel_futures=True)
        return [outcomes[index] for index in range(len(requests))]

    def _outcome(self, request: Request, began: float, tell: Tell) -> Outcome:
        with self._places:
            deadline = Deadline(self._settings.total_timeout, self._clock)
            try:
                make = self._chat if self._settings.task == "chat" else self._picture
                return make(request, began, deadline, tell)
            except GenerationError as error:
                message, permanent = self._key.redact(error.message), error.permanent
        return GenerationError(message, permanent=permanent)  # without its causes, which may hold what was sent

    def _chat(self, request: Request, began: float, deadline: Deadline, tell: Tell) -> Result:
        body = chat_body(self._settings, request)
        reply = self._retried(deadline, lambda: self._ask(body, deadline, tell))
        return Result(
            measured=self._cost(began, reply.tokens),
            device=self._device,
            library_versions=self._origin(reply.facts),
            text=reply.text,
        )

    def _ask(self, body: Mapping[str, object], deadline: Deadline, tell: Tell) -> Reply:
        begun = False

        def tell_and_note(text: str) -> None:
            nonlocal begun
            if text:
                begun = True
                tell(text)

        try:
            with self._post("/chat/completions", body, deadline, accept="text/event-stream") as answer:
                check_status(answer, self._key, self._clock.now())
                check_type(answer, "text/event-stream", "application/json", key=self._key)
                reply = Reply(answer.server, self._key)
                if answer.content_type == "application/json":  # a server that cannot stream
                    whole = parsed(answer.read(MOST_CHAT), answer.server, self._key)
                    tell_and_note(reply.add(whole))
                    if not isinstance(whole.get("choices"), list):
                        raise GenerationError(f"{answer.server} answered without choices", permanent=True)
                    tell_and_note(reply.end())
                else:
                    self._follow(answer, reply, tell_and_note)
            _ = reply.text  # raises what is wrong with it, here, where it can be tried again
        except Transient as failure:
            failure.begun = begun
            raise
        return reply

    def _follow(self, answer: Answer, reply: Reply, tell: Tell) -> None:
        """Read a stream up to `[DONE]`, or to its end if the answer was finished by then."""
        try:
            for data in events(answer.limited(MOST_CHAT)):
                if data.strip() == "[DONE]":
                    tell(reply.end())
                    return
                tell(reply.add(parsed(data, answer.server, self._key)))
        except Transient:
            if not reply.is_finished:
                raise
        if reply.is_finished:
            tell(reply.end())

    def _picture(self, request: Request, began: float, deadline: Deadline, tell: Tell) -> Result:
        body = image_body(self._settings, request)
        found = self._retried(deadline, lambda: self._order(body, deadline))
        content = found if isinstance(found, bytes) else self._retried(deadline, lambda: self._fetch(found, deadline))
        media, width, height = as_media(content, self._address.server)
        return Result(
            measured=self._cost(began, None),
            device=self._device,
            library_versions=self._origin({}),
            media=media,
            width=width,
            height=height,
        )

    def _order(self, body: Mapping[str, object], deadline: Deadline) -> bytes | str:
        with self._post("/images/generations", body, deadline, accept="application/json") as answer:
            check_status(answer, self._key, self._clock.now())
            check_type(answer, "application/json", key=self._key)
            return picture_or_url(parsed(answer.read(MOST_ANSWER), answer.server, self._key), answer.server)

    def _fetch(self, url: str, deadline: Deadline) -> bytes:
        """A picture that is named by its URL: at an allowed host as well, and without the key."""
        try:
            address = Address.parse(url)
        except ValueError as error:
            raise GenerationError(f"{self._address.server} sent a URL that {error}", permanent=True) from None
        with self._line.exchange("GET", address, deadline=deadline) as answer:
            check_status(answer, self._key, self._clock.now())
            return answer.read(MOST_PICTURE)

    def _post(
        self, path: str, body: Mapping[str, object], deadline: Deadline, *, accept: str
    ) -> AbstractContextManager[Answer]:
        address = replace(self._address, path=self._address.path.rstrip("/") + path)
        headers = {"Content-Type": "application/json", "Accept": accept} | self._key.headers()
        return self._line.exchange(
            "POST", address, deadline=deadline, headers=headers, content=json.dumps(body).encode("ascii")
        )

    def _retried(self, deadline: Deadline, attempt: Callable[[], T]) -> T:
        return retried(attempt, retries=self._settings.retries, deadline=deadline, clock=self._clock)

    def _cost(self, began: float, tokens: int | None) -> Measured:
        return Measured(latency_ms=(time.perf_counter() - began) * 1000, tokens=tokens)

    def _origin(self, facts: Mapping[str, str]) -> dict[str, str]:
        """The client's version, and which model and build the server says it used."""
        said = {f"server {name}": self._key.redact(fact)[:MOST_FACT] for name, fact in facts.items()}
        return versions(["httpcore2"]) | said
