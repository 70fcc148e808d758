"""The tutorial and the how-to guides are run: what they print is what is printed."""

from __future__ import annotations

import ast
import doctest
import importlib
import io
import re
import sys
import types
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from django.core.management import call_command

from arena.demo.catalogue import DEMO_CONTESTANTS, DEMO_PROMPTS
from arena.generation import backends as backend_package
from arena.generation.backends import registry
from arena.generation.backends.protocol import Request, SettingsError
from arena.models import Arena, Contestant
from tests.conftest import REPOSITORY
from tests.docs import pages

TUTORIAL = "docs/tutorial/first-arena.md"
BACKEND = "docs/how-to/add-a-backend.md"


@pytest.mark.django_db
def test_the_tutorial_prints_what_it_says() -> None:
    compared = 0
    with chdir(REPOSITORY):
        for command in pages.commands(TUTORIAL):
            if not command.line.startswith(".venv/bin/python manage.py"):
                continue
            out = io.StringIO()
            call_command(*command.words[2:], stdout=out, stderr=out)
            if command.output:
                assert out.getvalue().strip() == command.output.strip()
                compared += 1
    assert compared == 4


def test_the_demo_is_as_large_as_the_tutorial_says() -> None:
    queued = len(DEMO_CONTESTANTS) * len(DEMO_PROMPTS)

    assert f"Demo arena ready; {queued} pictures queued." in pages.blocks(TUTORIAL, "text")[0]


def run_shell(page: str) -> int:
    """Type the page's `>>>` lines into one shell; returns how many were run. Output must be as printed."""
    blocks = [block for block in pages.blocks(page, "console") if ">>> " in block]
    typed = "\n".join(re.sub(r"^\$ .*\n", "", block, flags=re.MULTILINE) for block in blocks)
    examples = doctest.DocTestParser().get_doctest(typed, {}, page, page, 0)
    said = io.StringIO()
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(examples, out=said.write)
    assert result.failed == 0, said.getvalue()
    return result.attempted


@pytest.mark.django_db
def test_a_contestant_is_added_as_described() -> None:
    call_command("seed_demo", stdout=io.StringIO())

    assert run_shell("docs/how-to/add-a-contestant.md") >= 7

    added = Contestant.objects.get(arena__slug="studio", name="Night Shift")
    assert [revision.settings["palette"] for revision in added.revisions.all()] == ["neon", "sumi"]


@pytest.fixture
def swatch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[types.ModuleType]:
    """The backend of the guide, saved as the guide says and registered by its line."""
    code, line = pages.blocks(BACKEND, "python")
    (tmp_path / "swatch.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(backend_package, "__path__", [*backend_package.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "BACKENDS", registry.BACKENDS | ast.literal_eval(f"{{{line}}}"))
    registry.get_backend.cache_clear()
    yield importlib.import_module("arena.generation.backends.swatch")
    registry.get_backend.cache_clear()
    del sys.modules["arena.generation.backends.swatch"]


def test_the_backend_of_the_guide_makes_the_same_picture_again(swatch: types.ModuleType) -> None:
    backend = registry.get_backend("swatch")
    loaded = backend.load(backend.validate({"side": 64}), "cpu")
    requests = [Request("a fox", seed) for seed in (1, 2**40 + 5)]
    once, again = loaded.generate(requests), loaded.generate(requests)

    assert [result.media for result in once] == [result.media for result in again]
    assert len({result.media for result in once}) == 2
    assert {(result.width, result.height) for result in once} == {(64, 64)}


def test_the_backend_of_the_guide_names_every_bad_key(swatch: types.ModuleType) -> None:
    with pytest.raises(SettingsError) as refusal:
        swatch.SWATCH.validate({"side": True, "colour": "red"})

    assert set(refusal.value.problems) == {"side", "colour"}


@pytest.mark.django_db
def test_the_backend_of_the_guide_can_be_given_a_contestant(swatch: types.ModuleType) -> None:
    Arena.objects.create(slug="studio", name="Studio")

    assert run_shell(BACKEND) == 4
    assert Contestant.objects.get(name="Swatch").revisions.get().backend == "swatch"


def test_the_guide_to_imports_shows_the_messages_as_they_are(tmp_path: Path) -> None:
    from ranking.engines.interchange import read_ballots

    lines = ["{}"] * 5
    lines[2] = '{"items": ["a", "b"], "ranks": [0, 1]}'
    lines[4] = '{"itms": ["a", "b"], "ranks": [1, 2]}'
    found = [f"votes.jsonl: {problem}" for problem in read_ballots(lines).problems]
    shown = pages.blocks("docs/how-to/import-ballots.md", "text")[0]

    assert found[2] in shown
    assert found[4] in shown
