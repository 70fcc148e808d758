"""A model that moderates in a running Podium: from the web process through the queue of moderation to the ballot."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests.arena.generation.backends.test_classifying import reader  # noqa: F401  (a fixture)
from tests.browser.sayings import ARENA, Speakers, speaking
from tests.running import Podium, own_database, own_environment, start, stop

PATIENCE = 60.0  # seconds; the model is loaded within it
REFUSED = "print([(row.candidate.text[:20], row.reason) for row in Review.objects.exclude(candidate=None)])"


@pytest.fixture
def podium(var: Path, reader: Path) -> Iterator[Podium]:  # noqa: F811  (likewise)
    model = {"MODERATION_CLASSIFIER": str(reader), "MODERATION_PERCENT": "80", "GENERATION_REMOTE_WORKERS": "4"}
    with own_database(own_environment(var) | model) as environment:
        running = start(var, environment, "--no-demo")
        try:
            yield running
        finally:
            stop(running)


@pytest.fixture
def speakers(podium: Podium) -> Iterator[Speakers]:
    with speaking(podium) as speakers:
        yield speakers


class Browser:
    def __init__(self, podium: Podium) -> None:
        self._podium = podium
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, address: str) -> str:
        with self._opener.open(address, timeout=30) as answer:
            return str(answer.read().decode())

    def ask(self, text: str) -> str:
        """Ask, and wait; returns the page that comes in the end."""
        address = f"{self._podium.url}/arenas/{ARENA}/ask/"
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(address))
        assert token is not None
        form = urlencode({"text": text, "csrfmiddlewaretoken": token[1]}).encode()
        with self._opener.open(address, form, timeout=30) as answer:
            asked = str(answer.url)
        deadline = time.monotonic() + PATIENCE
        while "<title>Your prompt" in (page := self.get(asked)):
            assert time.monotonic() < deadline, (self._podium.var / "server.log").read_text()
            time.sleep(0.2)
        return page


def test_looks_at_prompts_and_answers_and_is_loaded_once(podium: Podium, speakers: Speakers) -> None:
    assert "moderation refused the prompt" in Browser(podium).ask("drat the harbour")

    said = dict(speakers.texts)
    speakers.texts = dict.fromkeys(said, "drat " + "it " * 400)
    assert "Too many contestants could not answer" in Browser(podium).ask("calm harbour")
    refused = podium.command("shell", "-c", REFUSED).stdout
    assert "drat it it" in refused
    assert "toxic" in refused

    speakers.texts = {name: f"calm {text}" for name, text in said.items()}
    page = Browser(podium).ask("calm harbour")
    assert 'name="rank_a"' in page
    assert page.count("harbour</strong> lies quiet") == 3
    assert (podium.var / "server.log").read_text().count("Loading weights:   0%") == 1
