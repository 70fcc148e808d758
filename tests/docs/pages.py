"""The pages of the documentation, taken apart: links, headings, tables, blocks of code, commands."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *REPOSITORY.glob("*.md"), REPOSITORY / "ranking" / "engines" / "README.md"])
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One command of a `console` block, with what the page says it prints."""

    page: str
    line: str
    output: str

    @property
    def words(self) -> list[str]:
        """The program and its arguments, without the redirection of what it prints."""
        words = shlex.split(self.line)
        return words[: words.index(">")] if ">" in words else words

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


def name(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def text(page: str) -> str:
    return (REPOSITORY / page).read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The contents of a page's fenced blocks in one language."""
    return [content for found, content in _FENCE.findall(text(page)) if found == language]


def prose(page: str) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", text(page))


def commands(page: str) -> list[Command]:
    """What a reader types after `$ `; a line that ends in a backslash goes on in the next one."""
    found = []
    for block in blocks(page, "console"):
        for part in re.split(r"^\$ ", block.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            found.append(Command(page, line, output))
    return found


def all_commands() -> list[Command]:
    return [command for page in PAGES for command in commands(name(page))]


def anchors(page: str) -> set[str]:
    """The names of a page's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-") for heading in headings}


def links(page: str) -> list[str]:
    """Where a page points: links, pictures, and the sources of HTML pictures."""
    content = re.sub(r"`[^`\n]*`", "", prose(page))
    return re.findall(r"\]\(([^)\s]+)\)", content) + re.findall(r'(?:src|srcset)="([^"]+)"', content)


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without their heads."""
    section = re.split(rf"^#+ {re.escape(heading)}$", text(page), flags=re.MULTILINE)
    assert len(section) == 2, f"{page} has no heading {heading!r}"
    lines = re.split(r"^#", section[1], flags=re.MULTILINE)[0].splitlines()
    tables = re.findall(r"(?:^\|.*\n)+", "\n".join([*lines, ""]), flags=re.MULTILINE)
    body = [line for table in tables for line in table.splitlines()[2:]]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body]
