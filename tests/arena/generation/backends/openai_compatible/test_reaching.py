"""The way to a server: the name is resolved once, checked, and connected to as it was checked."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpcore2
import pytest

from arena.generation.backends.openai_compatible.backend import OpenAICompatibleBackend
from arena.generation.backends.protocol import Access, Loaded, Outcome

from .conftest import KEY, TLS, Waits
from .server import Server, said, silent
from .test_chat import failure, one, text

CERTIFICATE = Path(__file__).with_name("models.example.pem")


class Names:
    """Resolves each time to the next of these; the last again and again."""

    def __init__(self, *found: Sequence[str] | OSError) -> None:
        self.found = list(found)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        answer = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        if isinstance(answer, OSError):
            raise answer
        return answer


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hosts that a socket was opened to."""
    hosts: list[str] = []
    connect = httpcore2.SyncBackend.connect_tcp

    def noted(self: httpcore2.SyncBackend, host: str, *args: object) -> httpcore2.NetworkStream:
        hosts.append(host)
        return connect(self, host, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(httpcore2.SyncBackend, "connect_tcp", noted)
    return hosts


def ask(
    url: str, names: Names, waits: Waits, *, private: bool = True, tls: ssl.SSLContext = TLS, **settings: object
) -> Outcome:
    backend = OpenAICompatibleBackend(resolver=names, clock=waits.clock, tls=tls)
    given = backend.validate({"base_url": url, "model": "toy", "key": "toy", **settings})
    access = Access(secrets={"toy": KEY}, hosts={"models.example": private})
    loaded: Loaded = backend.load(given, "cpu", access)
    return one(loaded)


def test_a_name_leads_to_the_address_that_was_checked(server: Server, waits: Waits, connected: list[str]):
    server.answers = [said("Tea")]
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    assert text(ask(f"http://models.example:{server.port}/v1", names, waits)) == "Tea"
    assert names.asked == [("models.example", server.port)]  # once, so no second answer can differ
    assert connected == ["127.0.0.1"]
    assert server.asked[0].headers["host"] == f"models.example:{server.port}"


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "::"])
def test_a_name_that_changes_its_mind_is_left(server: Server, waits: Waits, connected: list[str], address: str):
    server.answers = [silent]
    names = Names(["127.0.0.1"], [address])
    outcome = ask(f"http://models.example:{server.port}/v1", names, waits, read_timeout=0.1)
    error = failure(outcome)
    assert "which is refused" in error.message
    assert error.permanent
    assert connected == ["127.0.0.1"]
    assert len(server.asked) == 1


def test_a_public_name_that_leads_into_the_house_is_refused(server: Server, waits: Waits, connected: list[str]):
    server.answers = [said("Tea")]
    names = Names(["127.0.0.1"])
    error = failure(ask(f"https://models.example:{server.port}/v1", names, waits, private=False))
    assert "leads to 127.0.0.1, which is refused" in error.message
    assert error.permanent
    assert connected == []
    assert server.asked == []


def test_the_next_address_is_tried_where_one_does_not_answer(server: Server, waits: Waits, connected: list[str]):
    server.answers = [said("Tea")]
    names = Names(["127.0.0.2", "127.0.0.1"])
    assert text(ask(f"http://models.example:{server.port}/v1", names, waits)) == "Tea"
    assert connected == ["127.0.0.2", "127.0.0.1"]


def test_a_name_that_is_not_known_may_be_known_later(server: Server, waits: Waits):
    server.answers = [said("Tea")]
    names = Names(OSError(-3, "try again"), [], ["127.0.0.1"])
    assert text(ask(f"http://models.example:{server.port}/v1", names, waits)) == "Tea"
    error = failure(ask("http://models.example/v1", Names(OSError(-2, "unknown")), waits, retries=0))
    assert "the name models.example is not known" in error.message
    assert not error.permanent


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
def test_proxies_of_the_environment_are_not_used(
    server: Server, waits: Waits, connected: list[str], monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setenv(name, "http://127.0.0.9:9")
    server.answers = [said("Tea")]
    assert text(ask(f"http://models.example:{server.port}/v1", Names(["127.0.0.1"]), waits)) == "Tea"
    assert connected == ["127.0.0.1"]


@pytest.fixture
def secure() -> Iterator[Server]:
    """A server with a certificate for models.example."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    names: list[str | None] = []
    context.sni_callback = lambda _, name, __: names.append(name)
    with Server(context).running() as server:
        server.names = names  # type: ignore[attr-defined]
        yield server


def test_tls_verifies_the_name_and_not_the_address(secure: Server, waits: Waits):
    secure.answers = [said("Tea")]
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    url = f"https://models.example:{secure.port}/v1"
    assert text(ask(url, Names(["127.0.0.1"]), waits, tls=trusting)) == "Tea"
    assert secure.names == ["models.example"]  # type: ignore[attr-defined]
    assert secure.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_certificate_that_nobody_trusts_is_refused_before_the_key_is_sent(secure: Server, waits: Waits):
    secure.answers = [said("Tea")]
    url = f"https://models.example:{secure.port}/v1"
    error = failure(ask(url, Names(["127.0.0.1"]), waits))
    assert f"the certificate of models.example:{secure.port} is refused" in error.message
    assert error.permanent
    assert secure.asked == []


def test_a_server_that_speaks_no_tls_is_not_asked(server: Server, waits: Waits):
    server.answers = [said("Tea")]
    url = f"https://models.example:{server.port}/v1"
    error = failure(ask(url, Names(["127.0.0.1"]), waits, retries=0, connect_timeout=2.0))
    assert "no connection to models.example" in error.message
    assert server.asked == []


def test_checking_settings_loads_no_http_client():
    code = (
        "import sys\n"
        "from arena.generation.backends.registry import get_backend\n"
        "backend = get_backend('openai-compatible')\n"
        "backend.warnings(backend.validate({'base_url': 'https://models.example/v1', 'model': 'toy'}))\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert not set(done.stdout.split()) & {"torch", "transformers", "django", "httpcore2", "httpx2", "PIL", "numpy"}
