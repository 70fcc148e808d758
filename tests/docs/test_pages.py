"""Pages hang together: links lead somewhere, every page can be found, pictures are there and small."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.docs import pages

NAMES = [pages.name(page) for page in pages.PAGES]
PICTURES = sorted(path for path in (pages.DOCS / "pictures").iterdir() if path.suffix in {".png", ".webp"})
LINKS = [(page, link) for page in NAMES for link in pages.links(page) if not urlsplit(link).scheme]


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_a_link_leads_somewhere(page: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (REPOSITORY / page).parent / path if path else REPOSITORY / page

    assert target.resolve().is_file()
    assert target.resolve().is_relative_to(REPOSITORY)
    if anchor:
        assert anchor in pages.anchors(target.resolve().relative_to(REPOSITORY).as_posix())


def test_links_of_every_kind_are_found() -> None:
    found = {link for _, link in LINKS}

    assert {"docs/pictures/vote.png", "docs/pictures/vote-dark.webp", "docs/index.md", "LICENSE"} <= found
    assert any("#" in link for link in found)


@pytest.mark.parametrize("page", [name for name in NAMES if name.startswith("docs/") and name != "docs/index.md"])
def test_the_index_lists_every_page(page: str) -> None:
    assert page.removeprefix("docs/") in pages.links("docs/index.md")


@pytest.mark.parametrize("page", NAMES)
def test_a_page_has_one_title_and_headings_that_can_be_told_apart(page: str) -> None:
    headings = re.findall(r"^(#+) (.+)$", pages.prose(page), flags=re.MULTILINE)
    titles = [words for level, words in headings if level == "#"]

    assert len(titles) == 1
    if page != "CHANGELOG.md":
        assert len({words for _, words in headings}) == len(headings)


MACHINE = re.compile(r"/(?:work|home|root|Users|tmp|opt|mnt)/")


@pytest.mark.parametrize("page", [*NAMES, "docs/tutorial/teas.jsonl"])
def test_no_page_names_a_path_of_somebodys_machine(page: str) -> None:
    assert MACHINE.findall(pages.text(page)) == []


@pytest.mark.parametrize("page", NAMES)
def test_no_page_promises_to_be_written_later(page: str) -> None:
    assert re.findall(r"\b(TODO|TBD|FIXME|XXX|lorem ipsum|coming soon)\b", pages.text(page), flags=re.IGNORECASE) == []


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small_sound_and_shown_somewhere(picture: object) -> None:
    assert isinstance(picture, type(pages.DOCS))
    with Image.open(picture) as opened:
        opened.load()
        assert min(opened.size) >= 360
    shown = {link.rpartition("/")[2] for _, link in LINKS}

    assert picture.stat().st_size < 250_000
    assert picture.name in shown


def test_the_licence_is_the_one_that_is_named() -> None:
    assert "Apache License\n                           Version 2.0, January 2004" in pages.text("LICENSE")
    assert 'license = "Apache-2.0"' in pages.text("pyproject.toml")
