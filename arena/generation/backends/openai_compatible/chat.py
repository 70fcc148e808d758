"""Chat: what is sent, and how an answer is put together from what comes back."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from arena.generation.backends.openai_compatible.events import Characters
from arena.generation.backends.openai_compatible.keys import Blotter, Key, NoKey
from arena.generation.backends.openai_compatible.retrying import Transient
from arena.generation.backends.openai_compatible.settings import OpenAICompatibleSettings
from arena.generation.backends.protocol import GenerationError, Media, Request

MOST_TEXT = 2**20  # bytes of an answer's text, as many as are imported
SEEDS = 2**31  # servers keep a seed in a signed 32-bit integer


def chat_body(settings: OpenAICompatibleSettings, request: Request) -> dict[str, object]:
    """The request as JSON has it. A permanent `GenerationError` for media that is no picture."""
    messages: list[dict[str, object]] = []
    if settings.system_prompt is not None:
        messages.append({"role": "system", "content": settings.system_prompt})
    messages.append({"role": "user", "content": _content(request)})
    body: dict[str, object] = {**settings.extra, "model": settings.model, "messages": messages, "stream": True}
    if settings.include_usage:
        body["stream_options"] = {"include_usage": True}
    given = {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_tokens": settings.max_tokens,
        "stop": list(settings.stop) or None,
        "seed": request.seed % SEEDS if settings.send_seed else None,
    }
    return body | {name: value for name, value in given.items() if value is not None}


def _content(request: Request) -> object:
    if request.media is None:
        return request.prompt
    return [
        {"type": "image_url", "image_url": {"url": _data_url(request.media)}},
        {"type": "text", "text": request.prompt},
    ]


def _data_url(media: Media) -> str:
    if not media.media_type.startswith("image/"):
        raise GenerationError(f"only pictures go with a prompt, not {media.media_type!r}", permanent=True)
    return f"data:{media.media_type};base64,{base64.b64encode(media.content).decode('ascii')}"


class Reply:
    """One answer, whole or in pieces. `server`: for messages; `key`: what the answer must not repeat."""

    def __init__(self, server: str, key: Key | NoKey) -> None:
        self._server = server
        self._characters = Characters()
        self._blotter = Blotter(key)
        self._parts: list[str] = []
        self._size = 0
        self._finish: str | None = None
        self._called_tools = False
        self._ended = False
        self.tokens: int | None = None
        self.facts: dict[str, str] = {}

    def add(self, body: Mapping[str, object]) -> str:
        """The text that is new with this piece, or with a whole answer; often none."""
        self._note(body)
        choices = body.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return ""  # the piece that holds the usage has no choice, and a keep-alive has nothing
        if isinstance(choice.get("finish_reason"), str):
            self._finish = str(choice["finish_reason"])
        said = choice.get("delta") or choice.get("message")
        if not isinstance(said, dict):
            return ""
        self._called_tools |= bool(said.get("tool_calls"))
        return self._keep(self._characters.add(_text(said.get("content")) + _text(said.get("refusal"))))

    def end(self) -> str:
        """What is new once the server has said that nothing follows."""
        self._ended = True
        return self._keep(self._characters.end()) + self._kept(self._blotter.end())

    @property
    def is_finished(self) -> bool:
        """Whether the server said that the answer is whole, so that losing the rest of the stream loses no text."""
        return self._ended or self._finish is not None

    @property
    def text(self) -> str:
        """The answer. `Transient` if it was cut on its way, a permanent `GenerationError` if it is no answer."""
        if not self.is_finished:
            raise Transient(f"{self._server} broke off before the answer was finished")
        if self._finish == "error":
            raise Transient(f"{self._server} gave up within the answer (finish_reason error)")
        if self._finish == "content_filter":
            raise GenerationError(f"the filter of {self._server} stopped the answer", permanent=True)
        text = "".join(self._parts)
        if not text and self._called_tools:
            raise GenerationError(f"{self._server} answered with a tool call and no text", permanent=True)
        if not text and self._finish == "length":
            raise GenerationError(
                f"{self._server} used up its tokens before the first word of the answer; raise max_tokens",
                permanent=True,
            )
        return text

    def _keep(self, piece: str) -> str:
        return self._kept(self._blotter.add(piece))

    def _kept(self, piece: str) -> str:
        self._size += len(piece.encode())
        if self._size > MOST_TEXT:
            message = f"{self._server} answered with a text of more than {MOST_TEXT} bytes"
            raise GenerationError(message, permanent=True)
        self._parts.append(piece)
        return piece

    def _note(self, body: Mapping[str, object]) -> None:
        usage = body.get("usage")
        tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
        if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens >= 0:
            self.tokens = tokens
        for name in ("model", "system_fingerprint"):
            fact = body.get(name)
            if isinstance(fact, str) and fact:
                self.facts[name] = fact


def _text(content: object) -> str:
    """Of a piece: a text, or a list of parts of which those of type text count."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        return "".join(text for text in texts if isinstance(text, str))
    return ""
