"""The page of the engines names those that are registered, with their options; its examples and commands run."""

from __future__ import annotations

import doctest
import inspect
import json
import re
from contextlib import chdir
from importlib import import_module
from typing import Any

import pytest

from ranking.engines import __main__ as command_line
from ranking.engines.registry import ENGINES
from tests.conftest import REPOSITORY
from tests.docs import pages

PAGE = "docs/reference/engines.md"
RATINGS = "docs/explanation/ratings.md"
PICTURES = REPOSITORY / "docs" / "explanation" / "pictures-of-ratings"
NUMBERS = PICTURES / "numbers.json"


def described() -> dict[str, dict[str, str]]:
    """The table below each engine's heading."""
    section = pages.text(PAGE).split("\n## The engines\n")[1].split("\n## ")[0]
    names = re.findall(r"^### (.+)$", section, flags=re.MULTILINE)
    return {name: {row[0].strip(): row[1] for row in pages.rows(PAGE, name)} for name in names}


def test_every_registered_engine_is_on_the_page_and_no_other() -> None:
    listed = [row[0] for row in pages.rows(PAGE, "The engines")]

    assert set(described()) == set(ENGINES)
    assert listed == [f"[`{name}`](#{name})" for name in ENGINES]


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_has_an_equation_and_everything_else(name: str) -> None:
    table = described()[name]

    assert list(table) == ["Equation", "Ballots", "Uncertainty", "Options", "Cost", "Source"]
    assert all(len(cell) > 5 for cell in table.values())
    assert re.search(r"\b1[789]\d\d|\b20\d\d|Louis", table["Source"])


def defaults(name: str) -> dict[str, str]:
    module, function = ENGINES[name].target.split(":")
    parameters = inspect.signature(getattr(import_module(module), function)).parameters
    return {option: written(parameters[option].default) for option in ENGINES[name].options}


def written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("name", ENGINES)
def test_the_options_of_an_engine_are_described_with_their_defaults(name: str) -> None:
    shown = dict(re.findall(r"`(\w+)` \(([^)]+)\)", described()[name]["Options"]))

    assert shown == defaults(name)


def test_every_option_is_explained() -> None:
    explained = {word for row in pages.rows(PAGE, "Options") for word in re.findall(r"`(\w+)`", row[0])}

    assert {option for engine in ENGINES.values() for option in engine.options} <= explained


def test_the_examples_print_what_they_say() -> None:
    typed = "\n".join(pages.blocks(PAGE, "python"))
    examples = doctest.DocTestParser().get_doctest(typed, {}, PAGE, PAGE, 0)
    said: list[str] = []
    with chdir(REPOSITORY):
        result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(examples, out=said.append)

    assert result.failed == 0, "".join(said)
    assert result.attempted > 30


@pytest.mark.parametrize("command", pages.commands(PAGE), ids=str)
def test_a_command_prints_what_the_page_says(command: pages.Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.words[:3] == [".venv/bin/python", "-m", "ranking.engines"]
    few = ["--replicates", "9"] if command.words[3] == "diagnose" else []
    with chdir(REPOSITORY):
        assert command_line.main([*command.words[3:], *few]) == 0

    printed = capsys.readouterr().out
    assert printed.strip()
    if command.output:
        assert printed.strip() == command.output.strip()


def test_the_pictures_are_there_in_both_themes_small_and_shown() -> None:
    drawn = {picture.name for picture in PICTURES.glob("*.svg")}
    shown = {link.rpartition("/")[2] for link in pages.links(RATINGS) if link.endswith(".svg")}

    assert len(drawn) == 6
    assert drawn == shown
    assert {name.replace(".svg", "-dark.svg") for name in drawn if not name.endswith("-dark.svg")} <= drawn
    assert max(picture.stat().st_size for picture in PICTURES.glob("*.svg")) < 100_000


def cells(heading: str) -> list[list[str]]:
    return pages.rows(RATINGS, heading)


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def test_the_tables_show_what_was_measured() -> None:
    measured = json.loads(NUMBERS.read_text("utf-8"))
    four = next(row for row in measured["worth"] if row["size"] == 4)

    assert {row[0]: float(row[1]) for row in cells("Why longer ballots carry more")} == {
        asked: worth for asked, worth in four.items() if asked != "size"
    }
    assert cells("Before the first ballot: the prior") == [
        [row["prior"], f"{row['error']:.2f}", percent(row["strengths"])] for row in measured["priors"]
    ]
    assert cells("Why the board shows ranks first") == [
        [row["case"], percent(row["strengths"]), percent(row["ranks"])] for row in measured["coverage"]
    ]
    believed = [
        row for row in cells("Voters who cannot be believed") if len(row) == 4
    ]  # the table after it is of scales
    assert believed == [
        [row["case"], f"`{engine}`", f"{row[engine]['tau']:.2f}", percent(row[engine]["strengths"])]
        for row in measured["reliability"]
        for engine in ("plackett-luce", "annotator-aware")
    ]
    online = measured["online"]
    assert f"distance of {online['root mean square']:.2f} standard deviations" in pages.text(RATINGS)
    assert f"at most {online['largest']:.2f}" in pages.text(RATINGS)
