"""Every page that a visitor, a member and staff can reach, and how to get there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from .rooms import PASSWORD

STUDIO = "/arenas/studio/"
SERVER = '{"base_url": "https://api.example.org/v1", "model": "large", "key": "openai"}'
MISSING = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Site:
    """A running server, and where it keeps its data."""

    url: str
    var: Path


@dataclass(frozen=True)
class Place:
    """A page: how it is opened, by whom, and with which status it answers."""

    name: str
    open: Callable[[Page, Site], None]
    status: int = 200
    by: str = "visitor"


def at(path: str) -> Callable[[Page, Site], None]:
    return lambda page, site: visit(page, site, path)


def visit(page: Page, site: Site, path: str) -> None:
    page.goto(site.url + path)


def battle(arena: str = "studio") -> Callable[[Page, Site], None]:
    def go(page: Page, site: Site) -> None:
        visit(page, site, f"/arenas/{arena}/vote/")
        expect(page.locator("[data-order]")).to_be_visible()

    return go


def placed(arena: str, keys: str) -> Callable[[Page, Site], None]:
    """A battle of which some are placed."""

    def go(page: Page, site: Site) -> None:
        battle(arena)(page, site)
        page.keyboard.type(keys)
        expect(page.locator("[data-act=undo]")).to_be_enabled()

    return go


def revealed(arena: str, keys: str = "12") -> Callable[[Page, Site], None]:
    def go(page: Page, site: Site) -> None:
        placed(arena, keys)(page, site)
        page.keyboard.press("Enter")
        expect(page.locator(".reveal")).to_be_visible(timeout=30_000)

    return go


def asked_by(way: str, keys: str, arena: str = "ways") -> Callable[[Page, Site], None]:
    """A battle that is judged in another way, answered but for the last step."""

    def go(page: Page, site: Site) -> None:
        visit(page, site, f"/arenas/{arena}/vote/")
        if page.locator("[data-ballot]").get_attribute("data-protocol") != way:
            page.locator(".ways summary", has_text="another way").click()
            page.locator(f".ways button[value={way}]").click()
        expect(page.locator(f"[data-ballot][data-protocol={way}]")).to_be_visible()
        page.keyboard.type(keys)

    return go


def other_ways(page: Page, site: Site) -> None:
    visit(page, site, "/arenas/ways/vote/")
    page.locator(".ways summary", has_text="another way").click()


def remarked(page: Page, site: Site) -> None:
    asked_by("pair", "")(page, site)
    for tick in page.locator(".tick").all():
        tick.click()
    page.fill("#comment", "x" * 500)


def answered(way: str, keys: str) -> Callable[[Page, Site], None]:
    def go(page: Page, site: Site) -> None:
        asked_by(way, keys)(page, site)
        page.keyboard.press("Enter")
        expect(page.locator(".reveal")).to_be_visible(timeout=30_000)

    return go


def about_to_retract(page: Page, site: Site) -> None:
    revealed("of-2")(page, site)
    page.locator(".ways summary", has_text="Retract").click()


def retracted(page: Page, site: Site) -> None:
    about_to_retract(page, site)
    page.get_by_role("button", name="Retract this ballot").click()
    expect(page.get_by_text("Retracted: not counted.")).to_be_visible()


def own_ballots(page: Page, site: Site) -> None:
    retracted(page, site)
    answered("graded-pair", "1")(page, site)
    visit(page, site, "/ballots/")


def about_to_report(page: Page, site: Site) -> None:
    battle("of-2")(page, site)
    page.locator(".ways summary", has_text="Report").click()
    expect(page.locator("#flag-note")).to_be_visible()


def reported(page: Page, site: Site) -> None:
    about_to_report(page, site)
    page.fill("#flag-note", "half of it is missing")
    page.locator(".popover button").click()
    expect(page.get_by_text("Reported.")).to_be_visible()


def report_page(page: Page, site: Site) -> None:
    """What a browser without the script gets."""
    battle("of-2")(page, site)
    visit(page, site, page.locator(".popover a", has_text="Report").first.get_attribute("href") or "")


def report_taken(page: Page, site: Site) -> None:
    report_page(page, site)
    page.evaluate("document.querySelector('main form').submit()")
    expect(page.locator("#reported")).to_be_visible()


def all_bad(page: Page, site: Site) -> None:
    battle()(page, site)
    page.keyboard.press("b")
    expect(page.locator(".reveal")).to_be_visible(timeout=30_000)


def reveal_page(page: Page, site: Site) -> None:
    """What a browser without the script gets after its ballot: a page of its own, with an address."""
    battle()(page, site)
    page.evaluate("document.querySelector('[name=rank_a]').value = '1'")
    send(page, {"verdict": "ranked"})
    page.wait_for_url("**/ballots/*/")


def send(page: Page, fields: dict[str, str], action: str | None = None) -> None:
    """Send the form of a battle as the browser itself does, with some of its fields changed or added."""
    page.evaluate(
        """([fields, action]) => {
            const form = document.querySelector("form[data-ballot]");
            for (const [name, value] of Object.entries(fields)) {
                let field = form.elements[name];
                if (!field) {
                    field = document.createElement("input");
                    field.type = "hidden";
                    field.name = name;
                    form.append(field);
                }
                field.value = value;
            }
            if (action) form.action = action;
            form.submit();
        }""",
        [fields, action],
    )


def skipped(page: Page, site: Site) -> None:
    battle()(page, site)
    token = page.locator("input[name=token]").input_value()
    page.select_option("#reason", "hard_to_judge")
    page.locator("[data-act=skip]").click()
    expect(page.locator(f'input[name=token][value="{token}"]')).to_have_count(0)
    expect(page.locator("[data-order]")).to_be_visible()


def refused(fields: dict[str, str], arena: str = "studio") -> Callable[[Page, Site], None]:
    """The page that a spoilt form leads to."""

    def go(page: Page, site: Site) -> None:
        battle()(page, site)
        send(page, {"verdict": "ranked", "rank_a": "1"} | fields, f"/arenas/{arena}/ballots/")
        expect(page.locator(".problem")).to_be_visible()

    return go


def voted_already(page: Page, site: Site) -> None:
    battle()(page, site)
    token = page.locator("input[name=token]").input_value()
    page.keyboard.press("b")
    expect(page.locator(".reveal")).to_be_visible(timeout=30_000)
    battle()(page, site)
    send(page, {"token": token}, f"{STUDIO}skips/")
    expect(page.locator(".problem")).to_be_visible()


def without_cookie(name: str) -> Callable[[Page, Site], None]:
    def go(page: Page, site: Site) -> None:
        battle()(page, site)
        page.context.clear_cookies(name=name)
        send(page, {"verdict": "all_bad"})
        expect(page.locator(".problem")).to_be_visible()

    return go


def refused_in_place(page: Page, site: Site) -> None:
    """The problem that htmx puts where the battle was."""
    battle()(page, site)
    page.evaluate("document.querySelector('input[name=token]').value = 'forged'")
    page.keyboard.press("b")
    expect(page.locator(".problem")).to_be_visible()


def lost_file(page: Page, site: Site) -> None:
    """A picture whose file is gone from the disk: a fault of the server."""
    for file in (site.var / "media").rglob("*.webp"):
        file.rename(file.with_suffix(".away"))
    try:
        battle("of-2")(page, site)
        visit(page, site, page.locator(".work img").first.get_attribute("src") or "")
    finally:
        for file in (site.var / "media").rglob("*.away"):
            file.rename(file.with_suffix(".webp"))


def unknown_host(page: Page, site: Site) -> None:
    page.goto(f"http://podium.localhost:{urlsplit(site.url).port}/")


def offline(page: Page, site: Site) -> None:
    battle()(page, site)
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    expect(page.locator("#offline")).to_be_visible()


def board(arena: str) -> Callable[[Page, Site], None]:
    """A board with ballots on it; if there are none yet, after one."""

    def go(page: Page, site: Site) -> None:
        visit(page, site, f"/arenas/{arena}/leaderboard/")
        if not page.locator(".board").count() and arena == "studio":
            revealed(arena)(page, site)
            visit(page, site, f"/arenas/{arena}/leaderboard/")
        expect(page.locator(".board")).to_be_visible(timeout=30_000)

    return go


def keys(page: Page, site: Site) -> None:
    battle()(page, site)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def enlarged(page: Page, site: Site) -> None:
    battle()(page, site)
    page.locator("[data-enlarge]").first.click()
    expect(page.locator("#viewer")).to_be_visible()


def sign_in(page: Page, site: Site, name: str, password: str, path: str = "/accounts/login/") -> None:
    visit(page, site, path)
    page.fill("#id_login", name)
    page.fill("#id_password", password)
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(f"{site.url}/")


def sign_in_as(by: str, page: Page, site: Site) -> None:
    if by == "member":
        sign_in(page, site, "ada", PASSWORD)
    if by == "staff":
        name, password = (site.var / "admin-login.txt").read_text(encoding="utf-8").split()
        sign_in(page, site, name, password)


def filled(path: str, *, button: str = "button[type=submit]", **fields: str) -> Callable[[Page, Site], None]:
    """A form of the account pages, sent; it comes back with what is wrong with it, or leads on."""

    def go(page: Page, site: Site) -> None:
        visit(page, site, path)
        for name, value in fields.items():
            page.fill(f"#id_{name}", value)
        with page.expect_navigation():
            page.locator(f"main form {button}").click()

    return go


def row_of(model: str) -> Callable[[Page, Site], None]:
    """The latest row of a list of the admin."""

    def go(page: Page, site: Site) -> None:
        visit(page, site, f"/admin/{model}/")
        page.goto(site.url + (page.locator("#result_list a[href*='/change/']").first.get_attribute("href") or ""))

    return go


def asked(arena: str, text: str, shown: str) -> Callable[[Page, Site], None]:
    """What comes of asking a prompt of one's own."""

    def go(page: Page, site: Site) -> None:
        visit(page, site, f"/arenas/{arena}/ask/")
        page.fill("#ask-text", text)
        page.get_by_role("button", name="Ask").click()
        expect(page.locator(shown)).to_be_visible(timeout=30_000)

    return go


def new_revision(settings: str, *, backend: str = "painter") -> Callable[[Page, Site], None]:
    """A revision that is not saved, since its settings are refused or have to be confirmed first."""

    def go(page: Page, site: Site) -> None:
        row_of("arena/contestant")(page, site)
        visit(page, site, page.url.removeprefix(site.url).replace("/change/", "/new-revision/"))
        page.select_option("#id_backend", backend)
        page.fill("#id_settings", settings)
        with page.expect_navigation():
            page.locator("[name=_save]").click()

    return go


def arena_of_failures(page: Page, site: Site) -> None:
    visit(page, site, "/admin/arena/arena/?q=failures")
    page.goto(site.url + (page.locator("#result_list a[href*='/change/']").first.get_attribute("href") or ""))
    expect(page.locator("#supply-heading")).to_be_visible()


WEAK = {"username": "bo", "password1": "12345678", "password2": "1234"}
VISITORS = (
    Place("front page", at("/")),
    Place("arena", at(STUDIO)),
    Place("arena without outputs", at("/arenas/nothing/")),
    Place("arena at work", at("/arenas/queue/")),
    Place("vote", battle()),
    Place("vote, two tied and one placed", placed("studio", "12t3")),
    Place("vote, all placed", placed("studio", "1234")),
    Place("vote on texts", placed("texts", "1234")),
    Place("vote between two", placed("of-2", "1")),
    Place("vote on three", placed("of-3", "12")),
    Place("vote on eight", placed("of-8", "12345678")),
    Place("reveal", revealed("studio", "2413")),
    Place("reveal of texts", revealed("texts")),
    Place("reveal of two", revealed("of-2")),
    Place("reveal of eight", revealed("of-8")),
    Place("reveal of all bad", all_bad),
    Place("reveal as a page", reveal_page),
    Place("after a skip", skipped),
    Place("other ways", other_ways),
    *(
        Place(f"vote by {way}{' on texts' if arena == 'ways-of-texts' else ''}", asked_by(way, keys, arena))
        for way, keys in (
            ("best-of-k", "2"),
            ("best-worst", "23"),
            ("pick-many", "13"),
            ("pair", ""),
            ("graded-pair", "5"),
        )
        for arena in ("ways", "ways-of-texts")
    ),
    Place("vote with remarks", remarked),
    Place("about to report", about_to_report),
    Place("reported", reported),
    Place("report as a page", report_page),
    Place("report taken", report_taken),
    Place("reveal of grades", answered("graded-pair", "1")),
    Place("reveal of the best and the worst", answered("best-worst", "41")),
    Place("about to retract", about_to_retract),
    Place("reveal of a retracted ballot", retracted),
    Place("own ballots", own_ballots),
    Place("own ballots, none", at("/ballots/")),
    Place("contestants at work", at("/arenas/queue/vote/")),
    Place("ask your own", at(STUDIO + "ask/")),
    Place("ask with a picture", at("/arenas/edits/ask/")),
    Place("prompt refused", asked("studio", "   ", "#ask-problem"), 422),
    Place("prompt not answered", asked("speechless", "A storm", "#void-title")),
    Place("no battle", at("/arenas/nothing/vote/")),
    Place("keys", keys),
    Place("enlarged", enlarged),
    Place("offline", offline),
    Place("board", board("studio")),
    Place("board of long names", board("guests")),
    Place("board without ballots", at("/arenas/nothing/leaderboard/")),
    Place("win rates", at("/arenas/studio/win-rates/")),
    Place("win rates of imported ballots", at("/arenas/guests/win-rates/")),
    Place("win rates without ballots", at("/arenas/nothing/win-rates/")),
    Place("sign in", at("/accounts/login/")),
    Place("sign in, refused", filled("/accounts/login/", login="ada", password="wrong")),
    Place("sign up", at("/accounts/signup/")),
    Place("sign up, refused", filled("/accounts/signup/", **WEAK)),
    Place("password forgotten", at("/accounts/password/reset/")),
    Place("password forgotten, mail sent", filled("/accounts/password/reset/", email="ada@example.org")),
    Place("password reset with a stale link", at("/accounts/password/reset/key/1-abc-def/")),
    Place("password was reset", at("/accounts/password/reset/key/done/")),
    Place("mail to confirm", at("/accounts/confirm-email/")),
    Place("mail confirmed with a stale link", at("/accounts/confirm-email/stale/")),
    Place("account inactive", at("/accounts/inactive/")),
)
MEMBERS = (
    Place("front page, signed in", at("/"), by="member"),
    Place("vote, signed in", battle(), by="member"),
    Place("sign out", at("/accounts/logout/"), by="member"),
    Place("mail addresses", at("/accounts/email/"), by="member"),
    Place(
        "mail addresses, refused",
        filled("/accounts/email/", button="[name=action_add]", email="ada@example.org"),
        by="member",
    ),
    Place(
        "mail addresses, asked again",
        filled("/accounts/email/", button="[name=action_send]"),
        by="member",
    ),
    Place("change of password", at("/accounts/password/change/"), by="member"),
    Place(
        "change of password, refused",
        filled("/accounts/password/change/", oldpassword="wrong", password1="12345678", password2="1234"),
        by="member",
    ),
    Place("password again", at("/accounts/reauthenticate/"), by="member"),
    Place("admin, not allowed", at("/admin/"), by="member"),
)
PROBLEMS = (
    Place("no such page", at("/nowhere/" + "long" * 60 + "/"), 404),
    Place("no such arena", at("/arenas/nowhere/"), 404),
    Place("private arena", at("/arenas/private/"), 404),
    Place("arena for members", at("/arenas/members/vote/"), 403),
    Place("arena closed", at("/arenas/closed/vote/"), 403),
    Place("reveal of nobody", at(f"/ballots/{MISSING}/"), 404),
    Place("no such picture", at(f"/media/{MISSING}/"), 404),
    Place("not possible here", at(f"{STUDIO}ballots/"), 405),
    Place("forged token", refused({"token": "forged"}), 400),
    Place("token of another arena", refused({}, arena="of-3"), 400),
    Place("nothing placed", refused({"rank_a": ""}), 400),
    Place("voted already", voted_already, 409),
    Place("own ballots without a cookie", at(f"/ballots/{MISSING}/retract/"), 405),
    Place("voter's cookie lost", without_cookie("podium_voter"), 403),
    Place("form refused", without_cookie("csrftoken"), 403),
    Place("refused in place", refused_in_place, 400),
    Place("unknown host", unknown_host, 400),
    Place("server error", lost_file, 500),
)
LISTS = (
    "account/emailaddress",
    "arena/arena",
    "arena/ballot",
    "arena/battle",
    "arena/candidate",
    "arena/contestant",
    "arena/contestantrevision",
    "arena/flag",
    "arena/generationhost",
    "arena/prompt",
    "arena/review",
    "arena/user",
    "arena/voter",
    "auth/group",
    "ranking/leaderboard",
    "ranking/snapshot",
)
STAFF = (
    Place("admin", at("/admin/"), by="staff"),
    Place("sign in to the admin", at("/admin/login/")),
    Place("admin: a new arena", at("/admin/arena/arena/add/"), by="staff"),
    Place("admin: an arena with failures", arena_of_failures, by="staff"),
    Place("admin: a new contestant", at("/admin/arena/contestant/add/"), by="staff"),
    Place("admin: a new revision", at("/admin/arena/contestantrevision/add/"), by="staff"),
    Place("admin: a new revision, refused", new_revision('{"hand": "x", "speed": 3}'), by="staff"),
    Place("admin: a new revision, to confirm", new_revision(SERVER, backend="openai-compatible"), by="staff"),
    Place("admin: a new host", at("/admin/arena/generationhost/add/"), by="staff"),
    Place("admin: history", at("/admin/arena/arena/1/history/"), by="staff"),
    Place("admin: no such page", at("/admin/nowhere/"), 404, by="staff"),
    *(Place(f"admin: list of {model}", at(f"/admin/{model}/"), by="staff") for model in LISTS),
    *(Place(f"admin: one of {model}", row_of(model), by="staff") for model in LISTS if model != "auth/group"),
)
PLACES = VISITORS + MEMBERS + PROBLEMS + STAFF
