"""Take the pictures of the documentation: `make pictures`.

Starts the demo in a folder of its own, lets voters with a seeded taste cast ballots through the real form, and
photographs the pages with headless Chromium. Needs Chromium: on the PATH, or named by CHROMIUM.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from demo import ARENA, demo_server, wait_for_pictures
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from voters import vote_together

FOLDER = Path(__file__).resolve().parent
MOST_BYTES = 250_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROMPT = "A lighthouse waits out the storm"  # shown in the pictures of a battle
SKIPS = 80  # battles to pass over in search of it


@dataclass(frozen=True)
class Look:
    """A kind of visitor, and which pages are photographed for it, with the window's height for each."""

    ending: str
    pages: dict[str, int]
    width: int = 1280
    density: int = 1
    dark: bool = False


LOOKS = (
    Look("", {"arena": 640, "board": 860, "vote": 720, "reveal": 720}),
    Look("-dark", {"board": 860, "vote": 720}, dark=True),
    Look("-phone", {"board": 640, "vote": 640}, width=360, density=2),
)
# The README's two are PNG, which every reader of it can show; the rest is WebP.
PNG = ("vote", "board")


def main() -> None:
    options = _options()
    chromium = find_chromium()
    with demo_server() as url, sync_playwright() as playwright:
        ready = wait_for_pictures(url, options.pictures, options.patience)
        cast = vote_together(url, voters=12, ballots=options.ballots, seed=7)
        print(f"{ready} pictures painted, {cast} ballots cast.")
        browser = playwright.chromium.launch(executable_path=chromium, args=_flags())
        for look in LOOKS:
            with visit(browser, url, look) as page:
                for name, height in look.pages.items():
                    page.set_viewport_size({"width": look.width, "height": height})
                    VISITS[name](page)
                    save(page, name + look.ending)
        browser.close()


def find_chromium() -> str:
    named = os.environ.get("CHROMIUM")
    if named and not shutil.which(named):
        raise SystemExit(f"CHROMIUM names {named!r}, which is no program.")
    found = named or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise SystemExit(
            f"The pictures need Chromium, and none of {', '.join(BROWSERS)} is on the PATH. "
            "Install it, or name it: CHROMIUM=/path/to/chromium make pictures"
        )
    return found


@contextmanager
def visit(browser: Browser, url: str, look: Look) -> Iterator[Page]:
    """A visitor of this kind, who has never been here before."""
    context = browser.new_context(
        base_url=url,
        device_scale_factor=look.density,
        color_scheme="dark" if look.dark else "light",
        reduced_motion="reduce",
        locale="en-GB",
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def show_arena(page: Page) -> None:
    page.goto(f"/arenas/{ARENA}/")


def show_vote(page: Page) -> None:
    """A battle on the wanted prompt, with two of its candidates placed."""
    page.goto(f"/arenas/{ARENA}/vote/")
    token = page.locator("input[name=token]")
    for _ in range(SKIPS):
        if page.locator("#prompt").inner_text() == PROMPT:
            break
        passed = token.input_value()
        page.locator("[data-act=skip]").click()
        expect(token).not_to_have_value(passed)
    else:
        raise SystemExit(f"No battle on {PROMPT!r} came up in {SKIPS} tries.")
    page.reload()  # the same battle again, without the traces of skipping
    page.keyboard.press("3")
    page.keyboard.press("1")
    expect(page.locator("[data-badge]", has_text="2nd")).to_be_visible()


def show_reveal(page: Page) -> None:
    """Goes on from `show_vote`: the order is completed and submitted."""
    page.keyboard.press("4")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.locator(".reveal .who")).to_have_count(4)


def show_board(page: Page) -> None:
    page.goto(f"/arenas/{ARENA}/leaderboard/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator("#standings [data-key]").first).to_be_visible()
    expect(page.locator("#standings .changed")).to_have_count(0)


VISITS: dict[str, Callable[[Page], None]] = {
    "arena": show_arena,
    "vote": show_vote,
    "reveal": show_reveal,
    "board": show_board,
}


def save(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    path = FOLDER / f"{name}.{'png' if name in PNG else 'webp'}"
    content = as_png(picture) if name in PNG else as_webp(picture)
    if len(content) > MOST_BYTES:
        raise SystemExit(f"{path.name} has {len(content)} bytes, more than {MOST_BYTES}.")
    path.write_bytes(content)
    print(f"{path.name}: {picture.width} × {picture.height}, {len(content)} bytes")


def as_webp(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=85, method=6)
    return file.getvalue()


def as_png(picture: Image.Image) -> bytes:
    """As it is where that is small enough, else with as many colours as fit."""
    for colours in (None, 256, 192, 128, 96):
        file = io.BytesIO()
        reduced = picture if colours is None else picture.quantize(colours, dither=Image.Dither.NONE)
        reduced.save(file, "PNG", optimize=True)
        if file.tell() <= MOST_BYTES:
            break
    return file.getvalue()


def _flags() -> list[str]:
    # Chromium refuses to run its sandbox as root.
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=96, help="wait for so many paintings (default: %(default)s)")
    parser.add_argument("--ballots", type=int, default=150, help="cast so many ballots (default: %(default)s)")
    parser.add_argument("--patience", type=float, default=900, help="seconds to wait for them (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
