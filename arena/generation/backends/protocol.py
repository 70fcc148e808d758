"""The contract between a generation worker and a backend: settings in, batches of requests in, results out.

Nothing here imports Django or torch. A backend is registered in `registry.py`; its module must import its
heavy libraries inside `load`, so that a web process can validate settings without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

SettingsT = TypeVar("SettingsT")


@dataclass(frozen=True, slots=True)
class Media:
    """An encoded file in memory. `media_type` is a MIME type such as `image/webp`."""

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Request:
    """One candidate to make. The same request on the same device and libraries gives the same bytes."""

    prompt: str
    seed: int
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What one result cost. None: the quantity does not exist here (tokens of a picture, GPU time on a CPU).

    `latency_ms` is the time from the start of the batch to this result, `gpu_seconds` this result's share of
    the batch's device time, `peak_memory_bytes` the most device memory held while the batch ran.
    """

    latency_ms: float
    gpu_seconds: float | None = None
    peak_memory_bytes: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Either `media` (with `width` and `height` where it has them) or `text`, and how it came about."""

    measured: Measured
    device: str
    library_versions: Mapping[str, str] = field(default_factory=dict)
    media: Media | None = None
    text: str | None = None
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        if (self.media is None) == (self.text is None):
            raise ValueError("a result has either media or text, and not both")


class SettingsError(ValueError):
    """Settings were refused. `problems` maps each bad key to the reason, for a form to show beside it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{key}: {reason}" for key, reason in self.problems.items()))


class GenerationError(Exception):
    """A batch failed. `permanent`: trying again cannot help; `message` is fit for an admin to read.

    The error is about the whole batch: to know which request is to blame, a worker splits the batch.
    """

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent


class UnknownBackendError(GenerationError):
    """No backend of that name is registered."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"unknown backend {name!r}; known: {', '.join(known)}", permanent=True)


class Loaded(Protocol):
    """A backend with its settings on a device. Dropping the last reference frees the device."""

    def generate(self, requests: Sequence[Request]) -> list[Result]:
        """Return one result per request, in order, or raise `GenerationError` for the whole batch."""
        ...


class Backend(Protocol[SettingsT]):
    """A way of making candidates. Stateless; what it holds on a device is a `Loaded`."""

    def validate(self, settings: Mapping[str, object]) -> SettingsT:
        """Turn stored JSON into typed settings; `SettingsError` names every bad key. Loads nothing heavy."""
        ...

    def load(self, settings: SettingsT, device: str) -> Loaded:
        """Put the contestant on `device` (`cpu`, `cuda`, `cuda:1`), or raise `GenerationError`."""
        ...
