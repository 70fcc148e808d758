"""OpenAI-compatible servers as a backend. The HTTP client is imported when a contestant is loaded, never before."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from arena.generation.backends.forms import checked
from arena.generation.backends.openai_compatible.addresses import Reach, Resolve, resolve
from arena.generation.backends.openai_compatible.keys import Key, NoKey
from arena.generation.backends.openai_compatible.retrying import Clock
from arena.generation.backends.openai_compatible.settings import OpenAICompatibleSettings
from arena.generation.backends.protocol import NO_ACCESS, Access, GenerationError, Loaded


@dataclass(frozen=True)
class OpenAICompatibleBackend:
    """Fulfils `protocol.Backend` for `OpenAICompatibleSettings`.

    resolver: the IP addresses of a name; tls: what certificates are verified with, by default against those the system
    trusts; clock: what retries and deadlines go by.
    """

    resolver: Resolve = resolve
    tls: ssl.SSLContext | None = None
    clock: Clock = field(default_factory=Clock)
    remote = True
    reproducible = False

    def validate(self, settings: Mapping[str, object]) -> OpenAICompatibleSettings:
        return checked(OpenAICompatibleSettings, settings)

    def warnings(self, settings: OpenAICompatibleSettings) -> Sequence[str]:
        address = settings.address
        told = [f"Prompts, and pictures that belong to them, are sent to {address.server}."]
        if address.scheme == "http":
            told.append("They are sent unencrypted, which Podium does only within a private network.")
        if settings.key is not None:
            told.append(f"The secret {settings.key!r} is sent to {address.server}.")
        return told

    def load(self, settings: OpenAICompatibleSettings, device: str, access: Access = NO_ACCESS) -> Loaded:
        """Checks that the host is allowed and the secret is there; asks the server nothing. `device` is not used."""
        import httpcore2

        from arena.generation.backends.openai_compatible.client import OpenAICompatible
        from arena.generation.backends.openai_compatible.connecting import Line

        reach = Reach(access.hosts)
        reach.may_be_private(settings.address)
        line = Line(
            reach=reach,
            resolver=self.resolver,
            tls=self.tls or httpcore2.default_ssl_context(),
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
        )
        return OpenAICompatible(settings, line=line, key=_key(settings.key, access), clock=self.clock)


def _key(name: str | None, access: Access) -> Key | NoKey:
    if name is None:
        return NoKey()
    if name not in access.secrets:
        raise GenerationError(
            f"there is no secret named {name!r}; set GENERATION_SECRET_{name.upper()} where Podium runs", permanent=True
        )
    return Key(access.secrets[name], name)


OPENAI_COMPATIBLE = OpenAICompatibleBackend()
