"""Examples and tables of the reference, against the code they describe."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
from typing import Any

import numpy as np
import pytest
from django.urls import URLPattern, get_resolver

from arena.battles.models import BattleState
from arena.catalogue.models import ContestantState, Visibility
from arena.generation.models import CandidateState
from arena.protocols import Protocol
from arena.refusals import Refusal
from arena.voters.models import VoterKind
from ranking.engines.evidence import Evidence
from ranking.engines.interchange import KEYS, parse_line_with_oddities, read_ballots
from ranking.engines.registry import engine_named
from ranking.engines.report import report
from ranking.engines.standings import standings
from tests.conftest import REPOSITORY
from tests.docs import pages

BALLOTS = "docs/reference/ballots.md"
TEAS = REPOSITORY / "docs" / "tutorial" / "teas.jsonl"
EXAMPLES = [
    (page, line)
    for page in (BALLOTS, "docs/how-to/import-ballots.md", "docs/tutorial/first-arena.md")
    for block in pages.blocks(page, "json")
    for line in block.splitlines()
]


@pytest.mark.parametrize(("page", "line"), EXAMPLES)
def test_an_example_of_a_ballot_is_one(page: str, line: str) -> None:
    assert parse_line_with_oddities(line)[1] == ()


def test_every_key_of_a_ballot_is_described() -> None:
    described = re.findall(r"^\| `(\w+)` \|", pages.text(BALLOTS), flags=re.MULTILINE)

    assert sorted(described) == sorted(KEYS)
    assert set(json.loads(pages.blocks(BALLOTS, "json")[0])) == KEYS


@pytest.mark.parametrize("row", pages.rows(BALLOTS, "How ranks are read"), ids=lambda row: row[0])
def test_the_readings_of_ranks_are_ballots(row: list[str]) -> None:
    codes = re.findall(r"`([^`]+)`", row[1])
    more = "".join(f", {code}" for code in codes if ":" in code)
    for ranks in (code for code in codes if code.startswith("[")):
        items = json.dumps(["A", "B", "C", "D"][: len(json.loads(ranks))])
        assert parse_line_with_oddities(f'{{"items": {items}, "ranks": {ranks}{more}}}')[1] == ()


def test_two_ways_to_write_a_tie_say_the_same() -> None:
    from ranking.engines.terms import group

    lines = [f'{{"items": ["A", "B", "C", "D"], "ranks": {ranks}}}' for ranks in ("[1, 2, 2, 4]", "[1, 2, 2, 3]")]
    first, second = (Evidence.from_ballots(read_ballots([line]).ballots) for line in lines)
    theta = np.array([0.3, -0.1, 0.2, -0.4])

    assert group(first).evaluate(theta)[0] == pytest.approx(group(second).evaluate(theta)[0])


def test_the_tutorials_ballots_are_sound_and_as_many_as_it_says() -> None:
    with TEAS.open("rb") as file:
        found = read_ballots(file)

    assert found.problems == ()
    assert found.oddities == ()
    assert len(found.ballots) == 48
    assert len({item for ballot in found.ballots for item in ballot.items}) == 6
    assert pages.blocks("docs/tutorial/first-arena.md", "json")[0] in TEAS.read_text("utf-8")


def teas() -> dict[str, Any]:
    with TEAS.open("rb") as file:
        fit = engine_named("plackett-luce").fit(Evidence.from_ballots(read_ballots(file).ballots))
    return report(fit, standings(fit), 0.95, "natural")


def test_the_example_of_standings_is_what_is_printed() -> None:
    shown = json.loads(pages.blocks("docs/reference/standings.md", "json")[0])
    found = teas()
    found["standings"] = found["standings"][:1]

    assert rounded(found) == rounded(shown)


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    return pytest.approx(value, rel=0.005) if isinstance(value, float) else value


def test_every_key_of_standings_is_described() -> None:
    described = set(re.findall(r"`(\w+)`", pages.text("docs/reference/standings.md")))
    found = teas()

    assert {*found, *found["standings"][0], *found["parameters"]} <= described


@pytest.mark.parametrize(
    ("heading", "choices"), [("Kinds of voter", VoterKind), ("Protocols", Protocol)], ids=["kinds", "protocols"]
)
def test_the_usual_words_are_listed(heading: str, choices: Any) -> None:
    listed = [row[0].strip("`") for row in pages.rows("docs/reference/words.md", heading)]

    assert sorted(listed) == sorted(choices.values)


@pytest.mark.parametrize(
    ("noun", "choices"),
    [
        ("candidate", CandidateState),
        ("battle", BattleState),
        ("contestant", ContestantState),
        ("arena", Visibility),
    ],
)
def test_the_states_are_listed(noun: str, choices: Any) -> None:
    states = dict(pages.rows("docs/reference/words.md", "States"))[noun]

    assert [word for word in choices.values if not re.search(rf"\b{word}\b", states)] == []


def our_refusals() -> dict[str, int]:
    """The codes that can be answered, with their statuses."""
    for package in ("arena", "ranking", "annotation"):
        for module in pkgutil.walk_packages([str(REPOSITORY / package)], f"{package}."):
            if ".migrations." not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found: dict[str, int] = {}
    waiting: list[type[Refusal]] = [Refusal]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith(("arena.", "ranking.", "annotation.")):
            found[kind.code] = kind.status
    return found


def test_every_code_of_an_error_is_described_with_its_status() -> None:
    page = "docs/reference/urls.md"
    described = {row[1].strip("`"): int(row[0]) for row in pages.rows(page, "Errors")}
    abstract = {"refused", "conflict", "gone", "prompt_not_asked"}  # bases, never answered as such
    commands_only = set(re.findall(r"`(\w+)`", pages.text(page).split("Some more codes")[1]))
    refusals = our_refusals()
    in_problems = set(re.findall(r'"([a-z_]+)"\s*\)', pages.text("config/problems.py")))

    assert set(refusals) - abstract <= set(described) | commands_only
    assert in_problems <= set(described)
    assert set(described) <= set(refusals) | in_problems
    assert {code for code, status in described.items() if code in refusals and refusals[code] != status} == set()


def test_every_address_of_ours_is_described() -> None:
    described = {row[0].strip("`") for row in pages.rows("docs/reference/urls.md", "Pages") if "..." not in row[0]}
    found = set()
    for resolver in get_resolver().url_patterns:
        for pattern in getattr(resolver, "url_patterns", []):
            if isinstance(pattern, URLPattern) and pattern.lookup_str.startswith(("arena.", "ranking.")):
                route = f"/{resolver.pattern}{pattern.pattern}"
                if not route.startswith("/admin"):
                    found.add(re.sub(r"<\w+:(\w+)>", replacement, route))

    assert found == described


def replacement(match: re.Match[str]) -> str:
    names = {"arena_slug": "SLUG", "media_token": "TOKEN"} | dict.fromkeys(
        ("ballot_id", "battle_id", "prompt_id"), "ID"
    )
    return names[match[1]]


def settings_read() -> dict[str, tuple[str, ast.expr, str]]:
    """Variables whose default is written as a constant or a list: reader, default, limits of a number."""
    found = {}
    for call in ast.walk(ast.parse(pages.text("config/settings.py"))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and len(call.args) == 2:
            name, default = call.args
            if ast.unparse(call.func.value) == "environment" and isinstance(default, ast.Constant | ast.List):
                words = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
                least, most = words.get("minimum", 0), words.get("maximum")
                limits = f"{least} or more" if most is None else f"{least} to {most}"
                found[ast.literal_eval(name)] = (call.func.attr, default, limits)
    return {name: entry for name, entry in found.items() if entry[0] != "required"}


def test_defaults_and_limits_of_settings_are_as_described() -> None:
    described = {}
    for heading in ("Security", "Mail", "Database and static files", "Voting", "Generation", "Live prompts", "Logs"):
        described |= {row[0].strip("`"): row[1:3] for row in pages.rows("docs/reference/settings.md", heading)}
    read = settings_read()
    assert len(read) >= 9

    for name, (reader, expression, limits) in read.items():
        kind, shown = described[name]
        default = ast.literal_eval(expression)
        if reader == "boolean":
            assert shown == ("on" if default else "off"), name
        elif reader == "words":
            assert shown == (f"`{','.join(default)}`" if default else "empty"), name
        else:
            assert shown == f"`{default}`", name
        if reader == "integer":
            assert kind == f"whole number, {limits}", name
