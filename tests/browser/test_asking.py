"""Asking a prompt of one's own, as people do it: in a browser, with contestants that answer over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, WebSocket, expect

from tests.running import Podium

from .conftest import Person
from .sayings import ARENA, NAMES, Speakers, speaking

pytestmark = pytest.mark.browser

PROMPT = "Describe a harbour in the evening"
ASK = f"/arenas/{ARENA}/ask/"
People = Callable[..., Person]
PICTURES = """
from arena.models import Arena, Contestant, ContestantRevision
arena = Arena.objects.create(slug="pictures", name="Pictures", modality="image", battle_size=2, live_prompts=True)
for slow in ContestantRevision.objects.filter(contestant__arena__slug="sayings").order_by("-pk")[:2]:
    contestant = Contestant.objects.create(arena=arena, name=slow.contestant.name)
    ContestantRevision.objects.create(
        contestant=contestant, number=1, backend="openai-compatible", settings=slow.settings
    )
"""


@pytest.fixture(scope="module")
def podium() -> Iterator[Podium]:
    """Without the demo: its pictures would keep the workers busy."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from tests.running import own_database, own_environment, start, stop

    with TemporaryDirectory(prefix="podium-", ignore_cleanup_errors=True) as folder:
        var = Path(folder)
        environment = own_environment(var) | {"GENERATION_REMOTE_WORKERS": "4"}
        with own_database(environment) as own:
            running = start(var, own, "--no-demo")
            try:
                yield running
            finally:
                stop(running)


@pytest.fixture
def speakers(podium: Podium) -> Iterator[Speakers]:
    with speaking(podium) as speakers:
        yield speakers


def ask(somebody: Person, text: str = PROMPT) -> Page:
    somebody.go(ASK)
    page = somebody.page
    expect(page.locator("#ask-text")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # on the button
    return page


def frames_of(page: Page) -> list[str]:
    """The messages that a page receives from now on."""
    frames: list[str] = []

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: frames.append(str(data)))

    page.on("websocket", opened)
    return frames


def test_answers_are_written_before_ones_eyes_and_then_the_ballot_opens(person: People, speakers: Speakers) -> None:
    somebody = person()
    frames = frames_of(somebody.page)
    speakers.held.clear()
    speakers.seconds = {"Quorndon": 0.02, "Ultravox": 0.01}
    page = ask(somebody)
    expect(page.locator(".answering")).to_be_visible()
    words = page.locator(".answering .words")
    expect(words).to_have_count(3)
    for slot in range(3):
        expect(words.nth(slot)).to_contain_text("The harbour lies")
    assert words.first.locator("strong").text_content() == "harbour", "as it will look on the ballot"
    lengths = {len(text) for text in words.all_text_contents()}
    assert max(lengths) - min(lengths) < 5, "all at one pace"
    expect(page.locator("[data-ballot]")).to_have_count(0)

    speakers.held.set()
    expect(page.locator("[data-ballot]")).to_be_visible(timeout=30_000)
    assert page.url.endswith(f"/arenas/{ARENA}/vote/")
    shown = page.content() + "".join(frames)
    for name in NAMES:
        assert name not in shown
    page.keyboard.type("213")
    page.keyboard.press("Enter")
    expect(page.locator(".reveal")).to_be_visible()
    names = page.locator(".who h2").all_text_contents()
    said = page.locator(".reveal .words").all_text_contents()
    for title, text in zip(names, said, strict=True):
        name = title.split()[-1]
        assert text.rstrip().endswith(f"{name[::-1]}."), "each name stands by its own answer"


def test_the_page_works_without_javascript(person: People, speakers: Speakers) -> None:
    somebody = person(java_script_enabled=False)
    page = ask(somebody)
    page.wait_for_url(re.compile(r"/(asked|vote)/"))
    page.wait_for_url("**/vote/", timeout=30_000)  # it looks again by itself
    page.select_option("#rank_a", "1")
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/ballots/*/")
    assert page.locator("#prompt").text_content() == PROMPT


def test_reloading_in_the_middle_goes_on_where_the_answers_are(person: People, speakers: Speakers) -> None:
    speakers.held.clear()
    page = ask(person())
    expect(page.locator(".answering .words").first).to_contain_text("The harbour lies")
    page.reload()
    expect(page.locator(".answering .words").first).to_contain_text("The harbour lies")
    speakers.held.set()
    expect(page.locator("[data-ballot]")).to_be_visible(timeout=30_000)


def test_one_who_fails_is_replaced_unseen(person: People, speakers: Speakers) -> None:
    speakers.broken = {NAMES[0]}
    page = ask(person())
    expect(page.locator("[data-ballot]")).to_be_visible(timeout=30_000)
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator(".reveal")).to_be_visible()
    assert not any(NAMES[0] in title for title in page.locator(".who h2").all_text_contents())


def test_when_too_many_fail_the_prompt_comes_back_and_can_be_asked_again(person: People, speakers: Speakers) -> None:
    speakers.broken = set(NAMES)
    page = ask(person())
    expect(page.locator("#void-title")).to_be_visible(timeout=30_000)
    expect(page.locator("#void-title")).to_be_focused()
    expect(page.locator("#ask-text")).to_have_value(PROMPT)
    speakers.broken = set()
    page.get_by_role("button", name="Ask 3").click()
    expect(page.locator("[data-ballot]")).to_be_visible(timeout=30_000)


def test_cancelling_leads_back_to_the_arenas_own_prompts(person: People, speakers: Speakers) -> None:
    speakers.held.clear()
    page = ask(person())
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#waiting-title")).to_be_visible()
    speakers.held.set()


def test_while_answers_are_written_axe_finds_nothing_wrong(person: People, speakers: Speakers) -> None:
    speakers.held.clear()
    page = ask(person())
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        expect(page.locator(".answering .words").first).to_contain_text("The harbour lies")
        assert Axe().run(page).response["violations"] == []
    speakers.held.set()


def test_on_a_phone_the_answers_and_the_way_out_fit_its_width(person: People, speakers: Speakers) -> None:
    speakers.held.clear()
    page = ask(person(width=360, height=640))
    expect(page.locator(".answering .words").first).to_contain_text("The harbour lies")
    assert page.evaluate("document.scrollingElement.scrollWidth") == 360
    expect(page.get_by_role("button", name="Cancel")).to_be_in_viewport()
    expect(page.get_by_text("The contestants are writing")).to_be_in_viewport()
    speakers.held.set()


def test_pictures_have_their_places_before_they_are_there(person: People, podium: Podium, speakers: Speakers) -> None:
    speakers.held.clear()  # a painter could be ready before the page is
    done = podium.command("shell", "-c", PICTURES)
    assert done.returncode == 0, done.stderr
    somebody = person()
    somebody.go("/arenas/pictures/ask/")
    somebody.page.fill("#ask-text", PROMPT)
    somebody.page.get_by_role("button", name="Ask 2").click()
    blanks = somebody.page.locator(".answering .blank")
    expect(blanks).to_have_count(2)
    expect(blanks.nth(0)).to_be_visible()  # not before the stylesheet is there
    for box in (blanks.nth(0).bounding_box(), blanks.nth(1).bounding_box()):
        assert box is not None
        assert box["width"] > 200
        assert box["width"] == pytest.approx(box["height"], abs=1)
    speakers.held.set()
