"""Open documents in Chromium under the site's policy and report, as JSON, what it did: `python -m ... < documents`.

A process of its own, because Playwright allows one running instance in each and other tests keep theirs.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any

from playwright.sync_api import Browser, Route, sync_playwright

from config.content_security import POLICY

ADDRESS = "http://chart.example/"
REPORT = """() => {
  const svg = document.querySelector("svg"), whole = svg.getBoundingClientRect();
  const words = [...svg.querySelectorAll("text")].map(text => {
    const box = text.getBoundingClientRect();
    return {left: box.left - whole.left, right: box.right - whole.left, middle: (box.top + box.bottom) / 2};
  });
  return {
    title: document.title,
    top: [...document.body.children].map(child => child.tagName),
    foreign: document.querySelectorAll("script, img, body style").length,
    figures: getComputedStyle(svg).fontVariantNumeric,
    width: whole.width,
    words,
  };
}"""


def path() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def report(browser: Browser, document: str) -> dict[str, Any]:
    complaints: list[str] = []

    def answer(route: Route) -> None:
        if route.request.url == ADDRESS:
            headers = {"Content-Security-Policy": POLICY}
            route.fulfill(body=document, content_type="text/html; charset=utf-8", headers=headers)
        else:
            complaints.append(f"asked for {route.request.url}")
            route.abort()

    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.route("**/*", answer)
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(ADDRESS)
    found: dict[str, Any] = page.evaluate(REPORT)
    named = page.get_by_role("img").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    page.close()
    return found | {"complaints": complaints, "named": named}


def main() -> None:
    documents = json.load(sys.stdin)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path(), args=["--no-sandbox"])
        json.dump([report(browser, document) for document in documents], sys.stdout)
        browser.close()


if __name__ == "__main__":
    main()
