"""The page about `simulate` names its options with their defaults, its engines, policies and peers, and its object."""

from __future__ import annotations

import argparse
import json
import re

import pytest

from ranking.engines import __main__ as command_line
from ranking.engines.laboratory import peers
from ranking.engines.laboratory.naming import CHOICES, LIVE
from tests.docs import pages

PAGE = "docs/reference/simulate.md"


def actions() -> dict[str, argparse.Action]:
    commands = next(a for a in command_line.parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    return {name: action for name, action in commands["simulate"]._option_string_actions.items() if name[:2] == "--"}


def table(*headings: str) -> dict[str, str]:
    return {row[0]: row[1] for heading in headings for row in pages.rows(PAGE, heading) if row[0].startswith("`")}


def test_every_option_is_described_and_no_other() -> None:
    rows = table("Contestants", "Voters", "Engines, policies, peers", "Size and output")
    described = {name.strip("`") for name in rows if name.startswith("`--")}
    assert described == set(actions()) - {"--help"}


WITH_DEFAULT = [
    name for name, action in actions().items() if name != "--help" and isinstance(action.default, int | float | str)
]


@pytest.mark.parametrize("option", WITH_DEFAULT)
def test_a_default_is_the_one_that_is_described(option: str) -> None:
    default = actions()[option].default
    rows = table("Contestants", "Voters", "Engines, policies, peers", "Size and output")
    expected = "off" if default is False else str(default) if isinstance(default, str) else f"{default:g}"
    assert rows[f"`{option}`"].strip("`") == expected


def test_engines_policies_and_peers_are_those_there_are() -> None:
    text = pages.text(PAGE)
    section = text.split("## Engines, policies, peers")[1].split("## Size and output")[0]
    for name in (*LIVE, *CHOICES, *peers.PEERS):
        assert f"`{name}`" in section, name
    listed = re.search(r"Policies are those of an arena: (.*?)\. What", section, flags=re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`([a-z-]+)`", listed[1])) == set(CHOICES)


def keys(found: object) -> set[str]:
    if isinstance(found, dict):
        return {key for key in found if not key.isdigit()} | {key for value in found.values() for key in keys(value)}
    return {key for value in found for key in keys(value)} if isinstance(found, list) else set()


def test_every_field_of_the_object_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--count=6", "--ballots=30", "--seeds=1", "--newcomers=1", "--json"]
    assert command_line.main(["simulate", *small]) == 0
    section = pages.text(PAGE).split("## The object")[1]
    assert {key for key in keys(json.loads(capsys.readouterr().out)) if f"`{key}`" not in section} == set()
