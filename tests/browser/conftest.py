"""A real server in a process of its own, and Chromium in front of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.running import Podium, own_database, own_environment, start, stop, wait_until_painted

expect.set_options(timeout=20_000)  # patience with a busy machine; no test says how fast a page is


@pytest.fixture(scope="module")
def podium() -> Iterator[Podium]:
    with (
        TemporaryDirectory(prefix="podium-", ignore_cleanup_errors=True) as folder,
        own_database(own_environment(Path(folder))) as environment,
    ):
        var = Path(folder)
        running = start(var, environment)
        try:
            wait_until_painted(running)
            yield running
        finally:
            stop(running)


# Not for the session: while it lives, no other test of this process can run an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
    )
    if found is None:
        pytest.skip("no Chromium on this machine (CHROMIUM names one)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-quic"])
        yield browser
        browser.close()


@dataclass
class Person:
    """Somebody with a browser of their own; what the browser complained about is kept."""

    context: BrowserContext
    page: Page
    complaints: list[str]
    url: str

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)


@pytest.fixture
def person(chromium: Browser, podium: Podium) -> Iterator[Callable[..., Person]]:
    """Makes people: `person(width=360, height=640, java_script_enabled=False ...)`. Nobody's browser may complain."""
    people: list[Person] = []

    def make(*, width: int = 1280, height: int = 720, **options: Any) -> Person:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        page = context.new_page()
        made = Person(context, page, [], podium.url)
        page.on("console", lambda said: made.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: made.complaints.append(str(error)))
        people.append(made)
        return made

    yield make
    for somebody in people:
        somebody.context.close()
    assert [complaint for somebody in people for complaint in somebody.complaints] == []
