"""Which addresses are understood, and which servers may be reached."""

from __future__ import annotations

import ipaddress

import pytest

from arena.generation.backends.openai_compatible.addresses import Address, Network, Reach, network_of, resolve
from arena.generation.backends.protocol import GenerationError


@pytest.mark.parametrize(
    ("text", "address", "server"),
    [
        ("https://api.example.org/v1", Address("https", "api.example.org", 443, "/v1"), "api.example.org"),
        ("HTTP://My_Box.:8000", Address("http", "my_box", 8000, ""), "my_box:8000"),
        ("http://[::0001]:80/v1", Address("http", "::1", 80, "/v1"), "[::1]"),
        ("https://[2001:DB8::1]:8443/", Address("https", "2001:db8::1", 8443, "/"), "[2001:db8::1]:8443"),
        ("https://x.org/a?b=c&d=%2F", Address("https", "x.org", 443, "/a?b=c&d=%2F"), "x.org"),
    ],
)
def test_an_address_is_taken_apart(text: str, address: Address, server: str):
    assert Address.parse(text) == address
    assert address.server == server


@pytest.mark.parametrize(
    "text",
    [
        "api.example.org/v1",
        "ftp://example.org/",
        "https://user:secret-word@example.org/v1",
        "https://allowed.example\\@evil.example/",
        "https://example.org:0/",
        "https://example.org:70000/",
        "https://exa mple.org/",
        "https://example.org/\r\nX: y",
        "https://example.org/#top",
        "https://[::1/",
        "https://[12]/",
        "https://bücher.example/",
        "https://",
        "https://.example.org/",
    ],
)
def test_what_could_be_read_in_two_ways_is_no_address(text: str):
    with pytest.raises(ValueError, match=r"^(must|is no|has) ") as caught:
        Address.parse(text)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("network", "addresses"),
    [
        (Network.PUBLIC, "93.184.215.14 8.8.8.8 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1"),
        (
            Network.PRIVATE,
            "127.0.0.1 127.9.9.9 10.1.2.3 172.16.0.1 192.168.1.1 100.64.0.1 192.0.2.1 198.18.0.1 ::1 fc00::1 fd12::1 "
            "fec0::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::a00:1 2002:7f00:1::1 "
            "64:ff9b:1::808:808",
        ),
        (
            Network.NEVER,
            "169.254.169.254 169.254.1.1 0.0.0.0 224.0.0.1 239.1.1.1 255.255.255.255 240.0.0.1 168.63.129.16 "
            "100.100.100.200 fd00:ec2::254 fe80::1 fe80::1%2 ff02::1 :: ::ffff:169.254.169.254 ::169.254.169.254 "
            "64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1 ::ffff:0.0.0.0",
        ),
    ],
)
def test_each_address_lies_in_one_kind_of_network(network: Network, addresses: str):
    found = {text: network_of(ipaddress.ip_address(text)) for text in addresses.split()}
    assert found == dict.fromkeys(found, network)


def _check(url: str, hosts: dict[str, bool], *found: str) -> list[str]:
    return Reach(hosts).check(Address.parse(url), found)


def test_a_public_host_is_reached_over_https_alone():
    assert _check("https://a.example/v1", {"a.example": False}, "8.8.8.8", "2606:4700::1111") == [
        "8.8.8.8",
        "2606:4700::1111",
    ]
    with pytest.raises(GenerationError, match=r"a\.example would be asked over http"):
        _check("http://a.example/v1", {"a.example": False}, "8.8.8.8")
    with pytest.raises(GenerationError, match=r"8\.8\.8\.8, which is refused: http is for servers in a private"):
        _check("http://a.example/v1", {"a.example": True}, "8.8.8.8")


def test_a_private_address_needs_an_entry_that_says_so():
    with pytest.raises(GenerationError, match="has not allowed this host to lie in a private network") as caught:
        _check("https://a.example/v1", {"a.example": False}, "10.0.0.1")
    assert caught.value.permanent
    assert _check("http://a.example/v1", {"a.example": True}, "10.0.0.1", "::1") == ["10.0.0.1", "::1"]
    assert _check("https://a.example/v1", {"a.example": True}, "10.0.0.1", "8.8.8.8") == ["10.0.0.1", "8.8.8.8"]


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "::", "fe80::1", "224.0.0.1"])
def test_no_entry_opens_the_way_to_a_machines_credentials(address: str):
    with pytest.raises(GenerationError, match="never reached"):
        _check("http://a.example/v1", {"a.example": True}, address)


def test_one_bad_address_of_a_name_spoils_the_others():
    with pytest.raises(GenerationError, match=r"leads to 127\.0\.0\.1"):
        _check("https://a.example/v1", {"a.example": False}, "8.8.8.8", "127.0.0.1")


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("http://a.example:8000/", "a.example"),
        ("http://A.Example.:8000/", "a.example:8000"),
        ("http://a.example:8000/", "A.EXAMPLE.:8000"),
        ("http://[::1]:8000/", "::1"),
        ("http://[::1]:8000/", "[::1]"),
        ("http://[0:0::1]:8000/", "[::1]:8000"),
        ("http://10.0.0.7:8000/", "10.0.0.7:8000"),
    ],
)
def test_an_entry_stands_for_a_host_or_one_of_its_ports(url: str, entry: str):
    assert Reach({entry: True}).may_be_private(Address.parse(url))


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("https://a.example:8001/", "a.example:8000"),
        ("https://sub.a.example/", "a.example"),
        ("https://a.example.evil.example/", "a.example"),
        ("https://[::2]/", "[::1]"),
    ],
)
def test_a_host_that_no_entry_names_is_refused(url: str, entry: str):
    with pytest.raises(GenerationError, match="not among the servers that this installation may reach") as caught:
        Reach({entry: True}).may_be_private(Address.parse(url))
    assert caught.value.permanent


def test_the_entry_with_the_port_goes_before_the_one_without():
    reach = Reach({"a.example": False, "a.example:8000": True})
    assert reach.may_be_private(Address.parse("https://a.example:8000/"))
    assert not reach.may_be_private(Address.parse("https://a.example/"))


def test_the_system_resolves_loopback_to_loopback():
    assert set(resolve("localhost", 80)) <= {"127.0.0.1", "::1"}
