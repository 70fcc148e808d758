"""Every way to ask, as people answer it: by keys, by pointer, by touch, and in the plain form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.running import Podium, own_database, own_environment, start, stop

from .conftest import Person

pytestmark = pytest.mark.browser

People = Callable[..., Person]
WAYS = ["k-rank", "best-of-k", "best-worst", "pick-many", "pair", "graded-pair"]
ROOMS = f"""
import io
from PIL import Image
from arena.generation.actions import Output, keep_output
from arena.generation.backends.protocol import Media
from arena.generation.media import clean_media
from arena.models import Arena, Candidate, Contestant, ContestantRevision, Prompt
for slug, modality in (("words", "text"), ("prints", "image")):
    arena = Arena.objects.create(slug=slug, name=slug.title(), modality=modality, further_protocols={WAYS})
    prompts = [Prompt.objects.create(arena=arena, external_id=str(n), text=f"Prompt {{n}}") for n in range(40)]
    for number in range(5):
        contestant = Contestant.objects.create(arena=arena, name=f"Contestant {{number}}")
        revision = ContestantRevision.objects.create(contestant=contestant, number=1, backend="imported", settings={{}})
        if modality == "text":
            made = dict(text="A harbour in the evening. " * 40)
        else:
            file = io.BytesIO()
            Image.new("RGB", (64, 64), (40 * number, 90, 120)).save(file, "PNG")
            made = keep_output(Output("", clean_media(Media(file.getvalue(), "image/png")), f"{{number}}"))
        Candidate.objects.bulk_create(
            Candidate(revision=revision, prompt=prompt, seed=1, state="ready", **made) for prompt in prompts
        )
"""


@pytest.fixture(scope="module")
def podium() -> Iterator[Podium]:
    """Without the demo, with a room of texts and one of pictures, where voters choose how they are asked."""
    with (
        TemporaryDirectory(prefix="podium-", ignore_cleanup_errors=True) as folder,
        own_database(own_environment(Path(folder))) as environment,
    ):
        running = start(Path(folder), environment, "--no-demo")
        try:
            done = running.command("shell", "-c", ROOMS)
            assert done.returncode == 0, done.stderr
            yield running
        finally:
            stop(running)


def asked(somebody: Person, way: str, arena: str = "words") -> Page:
    """The vote page of somebody who has changed to this way."""
    page = somebody.page
    somebody.go(f"/arenas/{arena}/vote/")
    if page.locator("[data-ballot]").get_attribute("data-protocol") != way:
        page.locator(".ways summary", has_text="another way").click()
        page.locator(f".ways button[value={way}]").click()
    expect(page.locator(f"[data-ballot][data-protocol={way}]")).to_be_visible()
    return page


def badges(page: Page) -> list[str]:
    return page.locator("[data-badge]").all_text_contents()


def told(page: Page) -> list[str]:
    expect(page.locator(".reveal")).to_be_visible()
    return page.locator(".reveal .badge").all_text_contents()


@pytest.mark.parametrize(
    ("way", "keys", "seen"),
    [
        ("pair", "1", ["better", "worse"]),
        ("pair", "2", ["worse", "better"]),
        ("pair", "ArrowLeft", ["better", "worse"]),
        ("pair", "ArrowRight", ["worse", "better"]),
        ("pair", "t", ["tie", "tie"]),
        ("pair", "b", ["all bad", "all bad"]),
        ("graded-pair", "1 Enter", ["better", "worse"]),
        ("graded-pair", "4 Enter", ["tie", "tie"]),
        ("graded-pair", "2 7 Enter", ["worse", "better"]),
        ("graded-pair", "2 6 u Enter", ["better", "worse"]),
        ("best-of-k", "3 Enter", ["not chosen", "not chosen", "best", "not chosen"]),
        ("best-of-k", "3 2 Enter", ["not chosen", "best", "not chosen", "not chosen"]),
        ("best-of-k", "3 2 u Enter", ["not chosen", "not chosen", "best", "not chosen"]),
        ("best-worst", "2 4 Enter", ["in between", "best", "in between", "worst"]),
        ("best-worst", "2 4 1 Enter", ["worst", "best", "in between", "in between"]),
        ("best-worst", "2 4 2 3 Enter", ["in between", "in between", "best", "worst"]),
        ("pick-many", "1 4 2 4 Enter", ["good", "good", "not picked", "not picked"]),
        ("pick-many", "b", ["all bad"] * 4),
        ("k-rank", "2 1 t Enter", ["tied 1st", "tied 1st", "not placed", "not placed"]),
    ],
)
def test_keys_alone_answer(person: People, way: str, keys: str, seen: list[str]) -> None:
    page = asked(person(), way)
    for key in keys.split():
        page.keyboard.press(key)

    assert told(page) == seen
    page.keyboard.press("n")
    expect(page.locator(f"[data-ballot][data-protocol={way}]")).to_be_visible()  # and it is asked that way again


@pytest.mark.parametrize(
    ("way", "key"),
    [("graded-pair", "Enter"), ("best-of-k", "Enter"), ("best-worst", "1 Enter"), ("pick-many", "2 2 Enter")],
)
def test_half_an_answer_cannot_be_submitted(person: People, way: str, key: str) -> None:
    page = asked(person(), way)
    for each in key.split():
        page.keyboard.press(each)

    expect(page.locator("[data-act=submit]")).to_be_disabled()
    expect(page.locator("[data-ballot]")).to_be_visible()


@pytest.mark.parametrize(
    ("way", "picks", "seen"),
    [
        ("best-of-k", [1], ["", "best", "", ""]),
        ("best-worst", [0, 3], ["best", "", "", "worst"]),
        ("pick-many", [0, 2, 0], ["", "", "good", ""]),
    ],
)
def test_clicks_mark_the_works_and_the_sentence_follows(
    person: People, way: str, picks: list[int], seen: list[str]
) -> None:
    page = asked(person(), way, "prints")
    for pick in picks:
        page.locator("[data-pick]").nth(pick).click()

    unsaid = {"best-of-k": "not chosen", "best-worst": "in between", "pick-many": "not picked"}[way]
    assert badges(page) == [mark or unsaid for mark in seen]
    said = page.locator("[data-said]").text_content() or ""
    assert all("ABCD"[at] in said for at, mark in enumerate(seen) if mark)
    page.locator("[data-act=submit]").click()
    assert told(page) == [mark or unsaid for mark in seen]


@pytest.mark.parametrize(("width", "touch"), [(1280, False), (360, True)])
def test_a_pair_is_one_press(person: People, width: int, touch: bool) -> None:
    page = asked(person(width=width, height=640, has_touch=touch), "pair", "prints")
    button = page.get_by_role("button", name="B is better")
    if touch:
        button.tap()
    else:
        button.click()

    assert told(page) == ["worse", "better"]


@pytest.mark.parametrize(("width", "touch"), [(1280, False), (360, True)])
def test_a_grade_is_pressed_read_and_submitted(person: People, width: int, touch: bool) -> None:
    page = asked(person(width=width, height=640, has_touch=touch), "graded-pair", "prints")
    step = page.locator(".step").nth(5)
    if touch:
        step.tap()
        expect(page.locator("[data-said]")).to_have_text("B is better.")
    else:
        step.click()
        expect(page.locator("#announcer")).to_have_text("B is better.")
    expect(page.get_by_role("radio", name="B is better", exact=True)).to_be_checked()
    page.keyboard.press("Enter")

    assert told(page) == ["worse", "better"]


def test_steps_can_be_chosen_with_the_arrows_of_a_keyboard(person: People) -> None:
    page = asked(person(), "graded-pair")
    page.get_by_role("radio", name="A is much better").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="A is better", exact=True)).to_be_checked()
    page.keyboard.press("Enter")

    assert told(page) == ["better", "worse"]


@pytest.mark.parametrize(
    ("way", "presses", "seen"),
    [
        ("pair", [("button", "Tie")], ["tie", "tie"]),
        ("graded-pair", [("radio", "A is slightly better"), ("button", "Submit")], ["better", "worse"]),
        (
            "best-of-k",
            [("radio", "Candidate D is the best"), ("button", "Submit")],
            ["not chosen", "not chosen", "not chosen", "best"],
        ),
        (
            "best-worst",
            [("radio", "Candidate A is the best"), ("radio", "Candidate C is the worst"), ("button", "Submit")],
            ["best", "in between", "worst", "in between"],
        ),
        (
            "pick-many",
            [("checkbox", "Candidate B is good"), ("checkbox", "Candidate C is good"), ("button", "Submit")],
            ["not picked", "good", "good", "not picked"],
        ),
    ],
)
def test_the_plain_form_asks_the_same(
    person: People, way: str, presses: list[tuple[str, str]], seen: list[str]
) -> None:
    page = asked(person(java_script_enabled=False), way)
    for role, name in presses:
        control = page.get_by_role(role, name=name)  # type: ignore[arg-type]  # a role's name
        if role == "button":
            control.click()
        else:
            control.check()

    page.wait_for_url("**/ballots/*/")
    assert told(page) == seen


def test_enter_on_a_step_of_the_plain_form_submits_and_does_not_skip(person: People) -> None:
    page = asked(person(java_script_enabled=False), "graded-pair")
    page.get_by_role("radio", name="B is much better").check()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ballots/*/")

    assert told(page) == ["worse", "better"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (360, 640)])
@pytest.mark.parametrize("arena", ["words", "prints"])
def test_the_controls_stay_on_the_screen_and_are_large_enough(
    person: People, way: str, width: int, height: int, arena: str
) -> None:
    page = asked(person(width=width, height=height, has_touch=width < 500), way, arena)
    controls = page.locator(".bar .button:visible, .step:visible").all()

    assert len(controls) >= 3
    for control in controls:
        box = control.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] >= 44
        assert box["width"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(person: People, way: str, scheme: str) -> None:
    page = asked(person(color_scheme=scheme), way)
    for key in {"pair": "", "graded-pair": "2"}.get(way, "12"):
        page.keyboard.press(key)
    found = Axe().run(page)

    assert found.violations_count == 0, found.generate_report()


def test_the_list_of_keys_is_that_of_the_way(person: People) -> None:
    page = asked(person(), "best-worst")
    page.keyboard.press("?")

    expect(page.locator("#keys")).to_contain_text("the next one is the worst")
    expect(page.locator("#keys")).not_to_contain_text("Tie the last place")
