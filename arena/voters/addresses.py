"""Where a visitor comes from, as far as it is counted."""

from __future__ import annotations

import ipaddress

_PREFIX = 64  # bits of a subnet (RFC 4291): whoever has one may take any of its addresses


def network_of(address: str) -> str:
    """What a network address counts as: IPv4 as it is, IPv6 as its /64.

    IPv4 in the form of IPv6 (`::ffff:192.0.2.7`, as a server sees it that listens for both) is IPv4. What is no
    address, such as the name of a local socket, stays as it is.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(ip), _PREFIX), strict=False).network_address)
