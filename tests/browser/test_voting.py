"""The path as people walk it: vote, reveal, the board, in real browsers on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.running import Podium

from .conftest import Person

pytestmark = pytest.mark.browser

VOTE = "/arenas/studio/vote/"
BOARD = "/arenas/studio/leaderboard/"
People = Callable[..., Person]


def badges(page: Page) -> list[str]:
    return page.locator("[data-badge]").all_text_contents()


def chip(page: Page, letter: str) -> Locator:
    return page.locator(f'[data-chip="{letter}"]')


def open_battle(somebody: Person) -> Page:
    somebody.go(VOTE)
    expect(somebody.page.locator("[data-slot]")).to_have_count(4)
    expect(somebody.page.locator("[data-order]")).to_be_visible()
    return somebody.page


def ballots_on(page: Page) -> int:
    return int(page.locator("#standings").get_attribute("data-ballots") or 0)


def test_a_ballot_in_one_browser_changes_the_board_in_the_other_without_reload(person: People) -> None:
    watcher = person()
    watcher.go(BOARD)
    expect(watcher.page.locator("#live")).to_have_attribute("data-state", "live")
    before = ballots_on(watcher.page)
    loaded = watcher.page.evaluate("performance.timeOrigin")

    page = open_battle(person())
    page.keyboard.type("2413")
    page.keyboard.press("Enter")
    expect(page.locator(".reveal")).to_be_visible(timeout=30_000)

    expect(watcher.page.locator("#standings")).to_have_attribute("data-ballots", str(before + 1), timeout=30_000)
    assert watcher.page.evaluate("performance.timeOrigin") == loaded  # the same document: nothing was reloaded


def test_keys_rank_in_order_and_the_reveal_says_who_was_who(person: People) -> None:
    page = open_battle(person())
    prompt = page.locator("#prompt").text_content()
    page.keyboard.type("2413")
    assert badges(page) == ["3rd", "1st", "4th", "2nd"]
    page.keyboard.press("Enter")
    expect(page.locator(".reveal")).to_be_visible()
    assert page.locator("#prompt").text_content() == prompt
    assert page.locator(".reveal .badge").all_text_contents() == ["3rd", "1st", "4th", "2nd"]
    names = page.locator(".who h2").all_text_contents()
    assert len(set(names)) == 4

    page.keyboard.press("n")  # the next battle is one key away
    expect(page.locator("[data-ballot]")).to_be_visible()
    assert page.url.endswith(VOTE)


def test_once_the_board_rates_them_the_reveal_says_what_the_ballot_changed(person: People) -> None:
    page = open_battle(person())
    for _ in range(25):  # battles of four out of twelve: soon everybody has been on a ballot, and on the board
        page.keyboard.type("1234")
        page.keyboard.press("Enter")
        expect(page.locator(".reveal")).to_be_visible()
        changed, unrated = page.locator(".who .rating ins"), page.get_by_text("not on the board yet")
        assert changed.count() + unrated.count() == 4
        if changed.count() == 4:
            return
        page.keyboard.press("n")
        expect(page.locator("[data-order]")).to_be_visible()  # the ballot takes keys from here on
    pytest.fail("25 ballots, and still somebody is on no board")


def test_clicks_rank_in_order_and_a_second_click_takes_back(person: People) -> None:
    page = open_battle(person())
    for slot in (2, 0, 3):
        page.locator("[data-pick]").nth(slot).click()
    assert badges(page) == ["2nd", "not placed", "1st", "3rd"]
    page.locator("[data-pick]").nth(0).click()
    assert badges(page) == ["not placed", "not placed", "1st", "2nd"]


def test_ties_and_undo_by_key(person: People) -> None:
    page = open_battle(person())
    page.keyboard.type("31")
    page.keyboard.press("t")
    assert badges(page) == ["tied 1st", "not placed", "tied 1st", "not placed"]
    page.keyboard.press("u")
    assert badges(page) == ["2nd", "not placed", "1st", "not placed"]
    page.keyboard.press("u")
    page.keyboard.press("u")
    assert badges(page) == ["not placed"] * 4
    expect(page.locator("[data-act=submit]")).to_be_disabled()


def test_after_a_tie_the_place_counts_both_before_and_after_the_ballot(person: People) -> None:
    page = open_battle(person())
    page.keyboard.type("12")
    page.keyboard.press("t")
    page.keyboard.type("3")
    told = ["tied 1st", "tied 1st", "3rd", "not placed"]
    assert badges(page) == told
    assert page.locator("[data-places] small").all_text_contents() == ["1st", "1st", "3rd"]
    expect(chip(page, "C")).to_have_attribute("aria-label", "C, 3rd")
    expect(page.locator("#announcer")).to_contain_text("1st A and B tied, 3rd C")
    assert [page.locator(f"#rank_{letter}").input_value() for letter in "abcd"] == ["1", "1", "3", ""]
    page.keyboard.press("Enter")
    expect(page.locator(".reveal")).to_be_visible()
    assert page.locator(".reveal .badge").all_text_contents() == told


@pytest.mark.parametrize("third", ["2", "3"])
def test_the_plain_form_takes_either_number_after_a_tie(person: People, third: str) -> None:
    somebody = person(java_script_enabled=False)
    somebody.go(VOTE)
    page = somebody.page
    assert "the next place counts both (1, 1, 3)" in (page.locator(".prompt-note").text_content() or "")
    for letter, rank in zip("abcd", ("1", "1", third, ""), strict=True):
        page.select_option(f"#rank_{letter}", rank)
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/ballots/*/")
    assert page.locator(".reveal .badge").all_text_contents() == ["tied 1st", "tied 1st", "3rd", "not placed"]


def test_dragging_reorders_and_dropping_on_another_ties(person: People) -> None:
    page = open_battle(person())
    page.keyboard.type("123")
    drag(page, chip(page, "C"), chip(page, "A"), left_of=True)
    assert badges(page) == ["2nd", "3rd", "1st", "not placed"]
    drag(page, chip(page, "B"), chip(page, "C"))
    assert badges(page) == ["3rd", "tied 1st", "tied 1st", "not placed"]


def drag(page: Page, what: Locator, onto: Locator, *, left_of: bool = False) -> None:
    start, end = what.bounding_box(), onto.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    target = end["x"] + (2 if left_of else end["width"] / 2)
    for step in (0.5, 0.9, 1.0):
        page.mouse.move(
            start["x"] + (target - start["x"]) * step, start["y"] + (end["y"] + end["height"] / 2 - start["y"]) * step
        )
    page.mouse.up()


def test_only_the_best_is_a_ballot_and_the_rest_stays_open(person: People) -> None:
    page = open_battle(person())
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    expect(page.locator(".reveal")).to_be_visible()
    assert page.locator(".reveal .badge").all_text_contents() == ["not placed"] * 3 + ["1st"]


def test_all_bad_moves_no_rating(person: People) -> None:
    page = open_battle(person())
    page.keyboard.press("b")
    expect(page.locator(".reveal")).to_be_visible()
    assert page.locator(".reveal .badge").all_text_contents() == ["all bad"] * 4
    expect(page.locator(".who .rating ins")).to_have_count(0)


def test_skip_brings_another_battle_and_counts_nothing(person: People, podium: Podium) -> None:
    before = counted(podium)
    page = open_battle(person())
    token = page.locator("input[name=token]").input_value()
    page.keyboard.press("s")
    expect(page.locator(f'input[name=token][value="{token}"]')).to_have_count(0)
    expect(page.locator("[data-ballot]")).to_be_visible()
    assert counted(podium) == before


def counted(podium: Podium) -> int:
    answer = podium.command("leaderboard", "studio", "--json")
    return 0 if answer.returncode else int(json.loads(answer.stdout)["ballots"])


def test_the_whole_path_works_without_javascript(person: People) -> None:
    somebody = person(java_script_enabled=False)
    somebody.go(VOTE)
    page = somebody.page
    for letter, rank in zip("abcd", ("2", "1", "", "3"), strict=True):
        page.select_option(f"#rank_{letter}", rank)
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/ballots/*/")
    assert page.locator(".reveal .badge").all_text_contents() == ["2nd", "1st", "not placed", "3rd"]
    page.get_by_role("link", name="Next battle").click()
    page.wait_for_url(f"**{VOTE}")
    page.get_by_role("button", name="Skip").click()
    page.wait_for_url(f"**{VOTE}")
    page.get_by_role("button", name="All bad").click()
    page.wait_for_url("**/ballots/*/")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (360, 640)])
def test_the_controls_stay_on_the_screen(person: People, width: int, height: int) -> None:
    page = open_battle(person(width=width, height=height))
    for act in ("submit", "bad", "skip"):
        box = page.locator(f"[data-act={act}]").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= height
        assert box["x"] + box["width"] <= width
        assert box["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (360, 640), (320, 568)])
def test_the_reason_for_skipping_is_within_reach(person: People, width: int, height: int, javascript: bool) -> None:
    somebody = person(width=width, height=height, java_script_enabled=javascript)
    somebody.go(VOTE)
    places = ("#reason", ".reason", "[data-act=skip]")
    reason, labelled, skip = (somebody.page.locator(place).bounding_box() for place in places)
    assert reason is not None
    assert labelled is not None
    assert skip is not None
    assert 0 <= reason["x"] <= reason["x"] + reason["width"] <= width
    assert 0 <= reason["y"] <= reason["y"] + reason["height"] <= height
    assert reason["height"] >= 44
    below, beside = labelled["y"] - skip["y"] - skip["height"], labelled["x"] - skip["x"] - skip["width"]
    assert max(below, beside) <= 12, "it stands right below the button or beside it"


def test_touch_ranks_by_tapping(person: People) -> None:
    somebody = person(width=360, height=640, has_touch=True, is_mobile=True)
    page = open_battle(somebody)
    page.locator("[data-pick]").nth(1).tap()
    page.locator("[data-pick]").nth(3).tap()
    assert badges(page) == ["not placed", "1st", "not placed", "2nd"]


def test_a_refusal_is_a_clear_message_in_the_page(person: People) -> None:
    somebody = person()
    page = open_battle(somebody)
    page.locator("input[name=token]").evaluate("field => { field.value = 'forged' }")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator("#battle")).to_contain_text("was not made by this server")
    somebody.complaints.clear()  # the browser notes the status 400 in its console


def test_nothing_in_the_page_before_the_ballot_names_a_contestant(person: People, podium: Podium) -> None:
    page = open_battle(person())
    html = page.content()
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator(".reveal")).to_be_visible()
    for name in page.locator(".who h2").all_text_contents():
        assert name.split("\n")[-1].strip()[-12:] not in html
