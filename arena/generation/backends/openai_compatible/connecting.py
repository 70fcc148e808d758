"""One HTTP exchange with a server that was checked: pinned to the address, bounded in time and size, no redirects.

Each exchange has a connection of its own. A streamed answer ends before its connection is read to the end, so there
would be little to reuse, and this way the deadline holds for every byte, from the TLS handshake on.
"""

from __future__ import annotations

import ssl
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpcore2

from arena.generation.backends.openai_compatible.addresses import Address, Reach, Resolve, ip_addresses
from arena.generation.backends.openai_compatible.retrying import Deadline, Transient
from arena.generation.backends.protocol import GenerationError

_SLICE = 16 * 2**10  # bytes, about what a socket takes at once


@dataclass(frozen=True)
class Answer:
    """Status and headers (names in small letters), and the body as it arrives; reading it may raise `Transient`."""

    server: str
    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]

    @property
    def content_type(self) -> str:
        """Without parameters, in small letters; empty if the server names none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def read(self, most: int) -> bytes:
        """The whole body; a permanent `GenerationError` if it has more than `most` bytes."""
        return b"".join(self.limited(most))

    def limited(self, most: int) -> Iterator[bytes]:
        """The chunks, with a permanent `GenerationError` after `most` bytes."""
        size = 0
        for chunk in self.chunks:
            size += len(chunk)
            if size > most:
                raise GenerationError(f"{self.server} answered with more than {most} bytes", permanent=True)
            yield chunk

    def beginning(self, most: int) -> bytes:
        """At most the first `most` bytes, as far as they come: they explain a failure and may not be another."""
        body = b""
        with suppress(GenerationError):
            for chunk in self.chunks:
                body += chunk
                if len(body) >= most:
                    break
        return body[:most]


@dataclass(frozen=True)
class Line:
    """How servers are reached. connect_timeout and read_timeout: in seconds; the latter is the longest silence."""

    reach: Reach
    resolver: Resolve
    tls: ssl.SSLContext
    connect_timeout: float
    read_timeout: float

    @contextmanager
    def exchange(
        self,
        method: str,
        address: Address,
        *,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Generator[Answer]:
        """Send a request; the answer can be read inside the `with`.

        Raises `Transient` for what may pass (no connection, silence, a broken line), and a permanent `GenerationError`
        for a server that may not be reached or has no valid certificate. Environment variables that name
        proxies are not read. Answers come uncompressed, so their size is known.
        """
        self.reach.may_be_private(address)
        fields = {"Host": address.server, "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "podium"}
        fields |= headers or {}
        url = httpcore2.URL(scheme=address.scheme, host=address.host, port=address.port, target=address.path or "/")
        timeouts = {"connect": self.connect_timeout, "read": self.read_timeout, "write": self.read_timeout}
        connection = httpcore2.HTTPConnection(
            origin=url.origin, ssl_context=self.tls, network_backend=_Pinned(self, address, deadline)
        )
        request = httpcore2.Request(
            method, url, headers=_with_length(fields, content), content=content, extensions={"timeout": timeouts}
        )
        try:
            with self._explained(address, deadline):
                response = connection.handle_request(request)
            with closing(self._chunks(response, address, deadline)) as chunks:
                yield Answer(address.server, response.status, _readable(response.headers), chunks)
        finally:
            connection.close()

    def _chunks(self, response: httpcore2.Response, address: Address, deadline: Deadline) -> Generator[bytes]:
        if (coding := _readable(response.headers).get("content-encoding", "identity").lower()) != "identity":
            raise GenerationError(
                f"{address.server} compresses its answers ({coding!r}) though it was asked not to", permanent=True
            )
        with self._explained(address, deadline):
            yield from response.iter_stream()

    @contextmanager
    def _explained(self, address: Address, deadline: Deadline) -> Generator[None]:
        """Turns what goes wrong on the line into errors that say where and what."""
        try:
            yield
        except httpcore2.TimeoutException as error:
            raise self._late(error, address, deadline) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise _broken(error, address) from error

    def _late(self, error: Exception, address: Address, deadline: Deadline) -> Transient:
        if deadline.left() == 0:
            return Transient(f"{address.server} did not finish within {deadline.seconds:g} s (total_timeout)")
        if isinstance(error, httpcore2.ConnectTimeout):
            return Transient(f"no connection to {address.server} within {self.connect_timeout:g} s (connect_timeout)")
        return Transient(f"{address.server} was silent for {self.read_timeout:g} s (read_timeout)")


def _broken(error: Exception, address: Address) -> GenerationError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = f"the certificate of {address.server} is refused: {cause.verify_message}"
            return GenerationError(reason, permanent=True)
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpcore2.ConnectError):
        return Transient(f"no connection to {address.server}: {error}")
    return Transient(f"the connection to {address.server} broke off: {error}")


def _with_length(fields: Mapping[str, str], content: bytes | None) -> list[tuple[str, str]]:
    return [*fields.items(), *([] if content is None else [("Content-Length", str(len(content)))])]


def _readable(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("ascii").lower(): value.decode("latin-1") for name, value in headers}


class _Pinned(httpcore2.NetworkBackend):
    """Resolves the name once, checks what it stands for, and connects to that: a name cannot change in between.

    TLS still verifies the name, and so does the Host header carry it.
    """

    def __init__(self, line: Line, address: Address, deadline: Deadline) -> None:
        self._line = line
        self._address = address
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = ip_addresses(self._address, self._line.resolver)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"the name {host} is not known ({error})") from error
        allowed = self._line.reach.check(self._address, found)
        for number, ip in enumerate(allowed, start=1):
            try:
                seconds = _shorter(timeout, self._deadline, httpcore2.ConnectTimeout)
                stream = httpcore2.SyncBackend().connect_tcp(ip, port, seconds, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(allowed):
                    raise
            else:
                return _Bounded(stream, self._deadline)
        raise httpcore2.ConnectError(f"the name {host} has no address")


class _Bounded(httpcore2.NetworkStream):
    """A stream of which no operation goes on after the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _shorter(timeout, self._deadline, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """In slices: the time allowed is for each part that the network takes, and a slow reader takes many."""
        for at in range(0, len(buffer), _SLICE):
            self._stream.write(buffer[at : at + _SLICE], _shorter(timeout, self._deadline, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        seconds = _shorter(timeout, self._deadline, httpcore2.ConnectTimeout)
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, seconds), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _shorter(timeout: float | None, deadline: Deadline, late: type[Exception]) -> float:
    left = deadline.left()
    if left == 0:
        raise late("the deadline has passed")
    return left if timeout is None else min(timeout, left)
