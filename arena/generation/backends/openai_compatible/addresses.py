"""Which server an address leads to, and whether this installation lets backends reach it.

Contestants are written by people who may not know the network Podium runs in. A server is reached only if staff allowed
its name, and only at a network address that its entry allows: a public one, or with the entry's flag a private one.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from arena.generation.backends.protocol import GenerationError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

_PORTS = {"http": 80, "https": 443}
# Stricter than RFC 3986: what two readers of an address could read differently has no place here.
_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!$-;=?-Z_a-z~]*)?",
    re.IGNORECASE,
)
# Where clouds tell a machine its own credentials, beside the link-local 169.254.169.254: Azure's and Alibaba's, which
# lie in other ranges, and the IPv6 form of Amazon's.
_METADATA = {ipaddress.ip_address(text) for text in ("168.63.129.16", "100.100.100.200", "fd00:ec2::254")}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")  # RFC 8215: where those bits are, each network decides itself
_IPV4_COMPATIBLE = ipaddress.ip_network("::/96")  # RFC 4291, deprecated: the same


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes. host: in small letters, without brackets; path: with the query; empty, or from `/` on."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """From `https://host[:port][/path[?query]]`. `ValueError` says what is wrong without repeating the text."""
        if "@" in text.partition("://")[2].partition("/")[0]:
            raise ValueError("must hold no user name or password; a key is named by the setting `key`")
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise ValueError("is no address of the form http(s)://host[:port][/path] in plain ASCII")
        scheme, host = found["scheme"].lower(), _plain(found["host"])
        port = int(found["port"] or _PORTS[scheme])
        if not 1 <= port <= 65535:
            raise ValueError(f"has the port {port}, which is not one of 1 to 65535")
        if found["host"].startswith("[") and _literal(host) is None:
            raise ValueError("has brackets around what is no IPv6 address")
        return cls(scheme, host, port, found["path"] or "")

    @property
    def server(self) -> str:
        """`host`, or `host:port` where the port is not the scheme's own; as the Host header wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Network(Enum):
    """What kind of network an IP address lies in."""

    PUBLIC = "public"
    PRIVATE = "private"  # loopback, RFC 1918, RFC 4193, carrier-grade NAT, documentation and the like
    NEVER = "never"  # no server of models is there, but maybe a machine's credentials: see `network_of`


def network_of(address: IPAddress) -> Network:
    """NEVER: link-local (where clouds keep a machine's credentials), multicast, unspecified, broadcast, reserved.

    An IPv6 address that carries an IPv4 one (mapped, compatible, 6to4, NAT64) is judged by that.
    """
    inner = _carried(address)
    if inner is not None:
        return network_of(inner)
    reserved = address.is_reserved and address.version == 4  # 240/4; of IPv6 this is much that is merely unassigned
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified or reserved:
        return Network.NEVER
    if isinstance(address, ipaddress.IPv6Address) and (address.is_site_local or address in _LOCAL_NAT64):
        return Network.PRIVATE
    return Network.PUBLIC if address.is_global else Network.PRIVATE


def _carried(address: IPAddress) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    compatible = address in _IPV4_COMPATIBLE and int(address) > 1  # but neither :: nor ::1
    if address in _NAT64 or compatible:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


class Reach:
    """What `Access.hosts` allows. An entry with a port goes before one without, which stands for every port."""

    def __init__(self, hosts: Mapping[str, bool]) -> None:
        self._private = {_entry(entry): private for entry, private in hosts.items()}

    def may_be_private(self, address: Address) -> bool:
        """Whether the server may lie in a private network; a permanent `GenerationError` if it may not be reached."""
        private = self._private.get((address.host, address.port), self._private.get((address.host, None)))
        if private is None:
            raise GenerationError(
                f"{address.server} is not among the servers that this installation may reach; "
                "an administrator can add it to the allowed hosts",
                permanent=True,
            )
        if address.scheme == "http" and not private:
            raise GenerationError(
                f"{address.server} would be asked over http, which anybody between can read; use https, "
                "or let an administrator allow this host as one in a private network",
                permanent=True,
            )
        return private

    def check(self, address: Address, found: Sequence[str]) -> list[str]:
        """The IP addresses a name stands for, if all of them are allowed; else a permanent `GenerationError`.

        One that is not allowed spoils the others: a name that leads into the house and out of it is a trick or a
        mistake. Over http a public address is refused as well.
        """
        private = self.may_be_private(address)
        allowed = []
        for text in found:
            ip = ipaddress.ip_address(text)
            network = network_of(ip)
            if network is Network.NEVER:
                reason = "link-local, multicast and reserved addresses are never reached"
            elif network is Network.PRIVATE and not private:
                reason = "an administrator has not allowed this host to lie in a private network"
            elif network is Network.PUBLIC and address.scheme == "http":
                reason = "http is for servers in a private network; use https"
            else:
                allowed.append(str(ip))
                continue
            raise GenerationError(f"{address.server} leads to {ip}, which is refused: {reason}", permanent=True)
        return allowed


def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a name, in the order the system prefers. `OSError` where there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def ip_addresses(address: Address, resolver: Resolve) -> Sequence[str]:
    """Of the server: its own where the host is written as one, else what `resolver` says."""
    return [address.host] if _literal(address.host) is not None else resolver(address.host, address.port)


def _entry(text: str) -> tuple[str, int | None]:
    """`host`, `host:port`, `[::1]:8000`, `[::1]` and `::1` as a plain host and the port."""
    bracketed = re.fullmatch(r"(\[[^\]]*\])(?::([0-9]+))?", text)
    if bracketed:
        return _plain(bracketed[1]), int(bracketed[2]) if bracketed[2] else None
    host, _, port = text.partition(":")
    if port.isascii() and port.isdigit():
        return _plain(host), int(port)
    return _plain(text), None


def _plain(host: str) -> str:
    host = host.lower().strip("[]").removesuffix(".")
    literal = _literal(host)
    return host if literal is None else str(literal)


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
