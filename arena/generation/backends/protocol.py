"""The contract between a generation worker and a backend: settings in, batches of requests in, results out.

Nothing here imports Django or torch. A backend is one file (or folder) and one line in `registry.py`; its module must
import its heavy libraries inside `load`, so that a web process can validate settings without them.
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
    """One candidate to make; `media` is the source of an edit, or what a question is about.

    The same batch of requests on the same device and libraries gives the same bytes. A request alone need not give what
    it gave among others: the arithmetic of a batch depends on its shape in the last digit.
    """

    prompt: str
    seed: int
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What one result cost. None: the quantity does not exist here (tokens of a picture, GPU time on a CPU).

    `latency_ms` is the time from the start of the batch to this result, `gpu_seconds` this result's share of
    the batch's device time, `peak_memory_bytes` the most device memory held while the batch ran, `tokens` those that
    were generated. Where several batches share a device, time and memory are of all of them: a batch's time holds what
    it waited for others, and its peak what they held since the last of them began.
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
    """A request or a batch failed. `permanent`: trying again cannot help; `message` is fit for an admin to read.

    wait: seconds before which trying again is useless, where that is known.
    """

    def __init__(self, message: str, *, permanent: bool, wait: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.wait = wait


class OutOfMemory(GenerationError):
    """The device has too little memory for this batch. The worker tries again with half of it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=False)


class TooLarge(GenerationError):
    """The device has too little memory for this request even by itself. The worker's finding, raised by no backend."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class MissingLibrary(GenerationError):
    """An optional library is not installed; the message says how to install it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class UnknownBackendError(GenerationError):
    """No backend of that name is registered."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"unknown backend {name!r}; known: {', '.join(known)}", permanent=True)


Outcome = Result | GenerationError


class Watch:
    """Told of a batch while it is worked on. This one does nothing. `index`: the place of the request in the batch."""

    def delta(self, index: int, text: str) -> None:
        """More of a text that is being written: what is new since the last call, never half a character."""

    def done(self, index: int, outcome: Outcome) -> None:
        """The outcome of a request that was ready before the whole batch was. Calling it is never required."""


QUIET = Watch()


@dataclass(frozen=True)
class Access:
    """What the installation lets backends reach. Never part of a contestant's settings, never stored with outputs.

    secrets: by name, what a setting such as `key: "openai"` stands for; hosts: host or host:port -> whether it may lie
    in a private address range; remote_code: whether code that comes with weights may be run at all.
    """

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    hosts: Mapping[str, bool] = field(default_factory=dict)
    remote_code: bool = False


NO_ACCESS = Access()


class Loaded(Protocol):
    """A backend with its settings on a device. Dropping the last reference frees the device."""

    @property
    def batch_size(self) -> int:
        """How many requests at once this device is best used with."""
        ...

    @property
    def memory_bytes(self) -> int:
        """Memory of the device that is held between batches, mostly by weights; 0 where it holds none."""
        ...

    def generate(self, requests: Sequence[Request], watch: Watch = QUIET) -> Sequence[Outcome]:
        """One outcome for each request, in order: a `Result`, or the `GenerationError` of that request alone.

        Raises `OutOfMemory` or another `GenerationError` for the whole batch.
        """
        ...


class Backend(Protocol[SettingsT]):
    """A way of making candidates. Stateless; what it holds on a device is a `Loaded`.

    remote: works elsewhere, so that it needs no device and waits most of the time; reproducible: the same batch on the
    same device gives the same bytes.
    """

    remote: bool
    reproducible: bool

    def validate(self, settings: Mapping[str, object]) -> SettingsT:
        """Turn stored JSON into typed settings; `SettingsError` names every bad key. Loads nothing heavy."""
        ...

    def warnings(self, settings: SettingsT) -> Sequence[str]:
        """What whoever saves these settings should know: what they run, whom they trust. In whole sentences."""
        ...

    def load(self, settings: SettingsT, device: str, access: Access = NO_ACCESS) -> Loaded:
        """Put the contestant on `device` (`cpu`, `cuda`, `cuda:1`), or raise `GenerationError`."""
        ...
