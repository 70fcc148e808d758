"""Every page, on a phone and on a desk, in the light and in the dark: it fits, and axe finds nothing wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response

from tests.running import Podium

from .conftest import Person
from .pages import PLACES, Place, Site, sign_in_as
from .rooms import LONG_NAME, ROOMS

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # on another database the pages are no wider

SIZES = ((1280, 720), (360, 640))
OF_COLOURS = ["color-contrast", "link-in-text-block"]  # the rules whose answer depends on light or dark
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
TOO_WIDE = """() => {
    const page = document.scrollingElement;
    const wide = [...document.querySelectorAll("body *")].filter(
        (element) => element.getBoundingClientRect().right > page.clientWidth + 0.5);
    return page.scrollWidth === page.clientWidth ? [] :
        [`${page.scrollWidth} of ${page.clientWidth}`, ...wide.map((element) => element.outerHTML.slice(0, 120))];
}"""


@pytest.fixture(scope="module")
def site(podium: Podium, tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = podium.command("shell", "--no-imports", "-c", ROOMS)
    assert made.returncode == 0, made.stderr
    file = tmp_path_factory.mktemp("ballots") / "guests.jsonl"
    file.write_text("".join(json.dumps(guest_ballot(number)) + "\n" for number in range(60)), encoding="utf-8")
    loaded = podium.command("import_ballots", "guests", str(file))
    assert loaded.returncode == 0, loaded.stderr
    return Site(podium.url, podium.var)


def guest_ballot(number: int) -> dict[str, Any]:
    names = [LONG_NAME, *(f"guest {guest}" for guest in range(1, 8))]
    first, second = number % 8, (number + 1 + number % 7) % 8
    return {"id": f"g{number}", "items": [names[first], names[second]], "ranks": [1, 2], "voter": f"v{number % 5}"}


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, site: Site) -> Callable[[str], Any]:
    """Cookies of a member, of staff, of nobody; each signs in once."""
    known: dict[str, Any] = {}

    def cookies(by: str) -> Any:
        if by not in known:
            context = chromium.new_context()
            sign_in_as(by, context.new_page(), site)
            known[by] = context.storage_state()
            context.close()
        return known[by]

    return cookies


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_a_page_fits_and_is_accessible(
    person: Callable[..., Person], site: Site, signed_in: Callable[[str], Any], place: Place
) -> None:
    somebody = person(storage_state=signed_in(place.by), reduced_motion="reduce")
    answers: list[Response] = []
    somebody.page.on("response", lambda answer: answers.append(answer))
    place.open(somebody.page, site)

    assert status(answers) == place.status
    for width, height in SIZES:
        somebody.page.set_viewport_size({"width": width, "height": height})
        assert somebody.page.evaluate(TOO_WIDE) == [], f"at {width} pixels"
        assert violations(somebody.page, place) == {}, f"at {width} pixels"
    somebody.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert violations(somebody.page, place, OF_COLOURS) == {}, "in the dark"
    if place.status != 200:
        somebody.complaints.clear()  # the browser notes the status in its console


def status(answers: list[Response]) -> int:
    """The status of the latest page or fragment."""
    pages = [answer for answer in answers if answer.request.resource_type in {"document", "xhr"}]
    return [answer.status for answer in pages if answer.status != 303][-1]


def violations(page: Page, place: Place, rules: list[str] | None = None) -> dict[str, list[str]]:
    """What axe finds: rule -> the elements. The admin panel's frame is not ours, so there only what WCAG asks for."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules is not None:
        options["runOnly"] = rules
    elif "/admin/" in page.url and place.status == 200:
        options["runOnly"] = WCAG
    found = Axe().run(page, options=options).response["violations"]
    return {rule["id"]: [f"{node['html']}: {node['failureSummary']}" for node in rule["nodes"]] for rule in found}
