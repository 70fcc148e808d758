"""What a contestant on a server is made of. Checked without a network: the web process does it."""

from __future__ import annotations

import json
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from arena.generation.backends.forms import Form
from arena.generation.backends.openai_compatible.addresses import Address
from arena.generation.backends.secrecy import assigns_a_key, holds_a_key, leads_by_a_key, looks_like_a_key

MOST_EXTRA = 16 * 2**10  # bytes as JSON
# Made by the backend from the request and the other settings.
_RESERVED = ("model", "messages", "prompt", "n", "stream", "stream_options", "seed")
_CHAT_ONLY = ("system_prompt", "temperature", "top_p", "max_tokens", "stop", "include_usage")
_IMAGE_ONLY = ("size", "response_format")

Stop = Annotated[str, Field(min_length=1, max_length=200)]


class OpenAICompatibleSettings(Form):
    """Times are in seconds. What is not set is not sent, so the server's own value holds."""

    advice: ClassVar[str] = (
        "write the name of a secret of this installation into `key` (GENERATION_SECRET_OPENAI is named openai)"
    )

    base_url: str = Field(max_length=500, description="Where the API begins, mostly ending in /v1.")
    model: str = Field(min_length=1, max_length=200, description="What the server calls it.")
    key: str | None = Field(
        default=None, description="The name of a secret of this installation, never the key itself."
    )
    task: Literal["chat", "image"] = Field(default="chat", description="What is asked of the server.")
    system_prompt: str | None = Field(default=None, max_length=32_000, description="Chat: said before the prompt.")
    temperature: float | None = Field(default=None, ge=0, le=2, description="Chat.")
    top_p: float | None = Field(default=None, gt=0, le=1, description="Chat.")
    max_tokens: int | None = Field(default=None, ge=1, le=1_000_000, description="Chat: the longest answer.")
    stop: tuple[Stop, ...] = Field(default=(), max_length=16, description="Chat: texts that end the answer.")
    include_usage: bool = Field(default=True, description="Chat: ask how many tokens were generated.")
    size: str | None = Field(default=None, description="Image: auto, or width x height, such as 1024x1024.")
    response_format: Literal["b64_json", "url"] | None = Field(
        default="b64_json", description="Image: how it is sent; null leaves it to the server."
    )
    send_seed: bool = Field(default=True, description="Send the candidate's seed, lowest 31 bits.")
    extra: dict[str, JsonValue] = Field(
        default_factory=dict, max_length=64, description="More fields for the request, passed on as they are."
    )
    concurrency: int = Field(default=8, ge=1, le=64, description="The most requests at the same time.")
    connect_timeout: float = Field(default=10.0, gt=0, le=120, description="Longest wait for a connection.")
    read_timeout: float = Field(default=120.0, gt=0, le=3600, description="Longest silence of the server.")
    total_timeout: float = Field(default=600.0, gt=0, le=7200, description="Longest time for one candidate.")
    retries: int = Field(default=3, ge=0, le=10, description="New tries after a failure that may pass.")

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, base_url: str) -> str:
        try:
            address = Address.parse(base_url)
        except ValueError as error:
            raise PydanticCustomError("address", "{reason}", {"reason": str(error)}) from None
        if "?" in address.path:
            raise PydanticCustomError("address", f"must end before the `?`; instead of a key in a query, {cls.advice}")
        if holds_a_key(base_url) or leads_by_a_key(address.path):
            raise PydanticCustomError("address", f"holds what looks like a key; {cls.advice}")
        return base_url.rstrip("/")

    @field_validator("key")
    @classmethod
    def _is_a_name(cls, key: str | None) -> str | None:
        if key is None:
            return None
        if looks_like_a_key(key):
            raise PydanticCustomError("key", f"looks like a key itself; {cls.advice}")
        if len(key) > 64 or not key.isascii() or not key.replace("_", "").replace("-", "").isalnum():
            raise PydanticCustomError("key", f"is no name of letters, digits, `_` and `-`; {cls.advice}")
        return key

    @field_validator(*_CHAT_ONLY, *_IMAGE_ONLY)
    @classmethod
    def _belongs_to_the_task(cls, value: object, info: ValidationInfo) -> object:
        """Only what is given is checked, not defaults; nothing is ignored silently."""
        task = info.data.get("task")
        unused = {"chat": _IMAGE_ONLY, "image": _CHAT_ONLY}.get(str(task), ())
        if info.field_name in unused:
            raise PydanticCustomError("task", f"has no meaning for the task {task!r}")
        return value

    @field_validator("size")
    @classmethod
    def _is_a_size(cls, size: str | None) -> str | None:
        sides = [] if size is None or size == "auto" else size.split("x")
        if sides and (len(sides) != 2 or not all(s.isascii() and s.isdigit() and 16 <= int(s) <= 8192 for s in sides)):
            raise PydanticCustomError("size", "is neither auto nor width x height in pixels, such as 1024x1024")
        return size

    @field_validator("extra")
    @classmethod
    def _is_extra(cls, extra: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name in extra:
            if name in cls.model_fields:
                raise PydanticCustomError("extra", f"must not hold `{name}`, which is a setting of its own")
            if name in _RESERVED:
                raise PydanticCustomError("extra", f"must not hold `{name}`, which the backend writes")
        try:
            size = len(json.dumps(extra, allow_nan=False))
        except ValueError:
            raise PydanticCustomError("extra", "holds a number that JSON does not have") from None
        if size > MOST_EXTRA:
            raise PydanticCustomError("extra", f"is longer than {MOST_EXTRA} bytes")
        if any(looks_like_a_key(text) or assigns_a_key(text) for text in _texts(extra)):
            raise PydanticCustomError("extra", f"holds what looks like a key; {cls.advice}")
        return extra

    @property
    def address(self) -> Address:
        return Address.parse(self.base_url)


def _texts(value: JsonValue) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []
