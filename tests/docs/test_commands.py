"""Every command that a page tells a reader to type exists, with its options. (What they print: test_runs.py.)"""

from __future__ import annotations

import argparse
import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from celery.bin.beat import beat
from celery.bin.worker import worker
from django.conf import settings
from django.core.management import get_commands, load_command_class
from uvicorn.main import main as uvicorn

from ranking.engines import __main__ as engines
from tests.conftest import REPOSITORY
from tests.docs import pages

COMMANDS = pages.all_commands()
TARGETS = set(re.findall(r"^([a-z]+):", pages.text("Makefile"), flags=re.MULTILINE))
# Programs of the system, of which the pages use nothing unusual.
OTHERS = {"git", "psql", "tar", "$PG/pg_dump", "$PG/pg_restore"}


def manage(arguments: list[str]) -> None:
    """Raises CommandError for a wrong argument."""
    command = load_command_class(get_commands()[arguments[0]], arguments[0])
    command.create_parser("manage.py", arguments[0]).parse_args(arguments[1:])


def python(arguments: list[str]) -> None:
    if arguments[0] == "manage.py":
        return manage(arguments[1:])
    if arguments[0] == "-c":
        subprocess.run([sys.executable, *arguments], cwd=REPOSITORY, check=True, capture_output=True)
        return None
    assert arguments[0] == "-m"
    if arguments[1] == "ranking.engines":
        engines.parser().parse_args(arguments[2:])
    elif not (REPOSITORY / Path(*arguments[1].split("."))).with_suffix(".py").is_file():
        raise ValueError(f"there is no module {arguments[1]}")
    return None


def clicked(command: click.Command, arguments: list[str]) -> dict[str, object]:
    """What click reads from the arguments; raises UsageError for an option that is not there."""
    context = click.Context(command)
    found, rest, _ = command.make_parser(context).parse_args(list(arguments))
    assert not [word for word in rest if word.startswith("-")]
    return found


def celery(arguments: list[str]) -> None:
    flag, app, what, *options = arguments
    assert (flag, app) == ("-A", "config")
    found = clicked({"worker": worker, "beat": beat}[what], options)
    known = {settings.CELERY_TASK_DEFAULT_QUEUE, *(route["queue"] for route in settings.CELERY_TASK_ROUTES.values())}
    assert set(str(found["queues"]).split(",") if "queues" in found else []) <= known


def uvicorn_(arguments: list[str]) -> None:
    module, _, attribute = arguments[0].partition(":")
    assert getattr(importlib.import_module(module), attribute)
    clicked(uvicorn, arguments)


def pip(arguments: list[str]) -> None:
    assert arguments[:2] == ["install", "-r"]
    assert (REPOSITORY / arguments[2]).is_file()


def make(arguments: list[str]) -> None:
    targets = [word for word in arguments if "=" not in word]
    assert targets
    assert set(targets) <= TARGETS


PROGRAMS: dict[str, Callable[[list[str]], None]] = {
    "make": make,
    ".venv/bin/python": python,
    ".venv/bin/pip": pip,
    ".venv/bin/celery": celery,
    ".venv/bin/uvicorn": uvicorn_,
}


def verify(line: list[str]) -> None:
    program, *arguments = line
    if program == "python3":
        assert arguments[:2] == ["-m", "venv"]
    elif program not in OTHERS:
        PROGRAMS[program](arguments)


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_exists_with_its_options(command: pages.Command) -> None:
    inner = re.fullmatch(r"[A-Z]+=\$\((.*)\)", command.line)
    verify(pages.Command(command.page, inner[1], "").words if inner else command.words)


@pytest.mark.parametrize(
    "wrong",
    [
        "make walk",
        ".venv/bin/python manage.py import_ballots",
        ".venv/bin/python manage.py import_ballots a b --sometimes",
        ".venv/bin/python manage.py paint",
        ".venv/bin/python -m ranking.engines fit b.jsonl --speed 3",
        ".venv/bin/celery -A config worker -Q gardening",
        ".venv/bin/celery -A config worker --sometimes",
        ".venv/bin/uvicorn config.asgi:nothing",
        ".venv/bin/pip install -r nowhere.txt",
        "rm -rf var",
    ],
)
def test_a_wrong_command_would_be_found(wrong: str) -> None:
    with pytest.raises((Exception, SystemExit)):
        verify(pages.Command("nowhere.md", wrong, "").words)


def test_the_readme_begins_with_the_two_commands() -> None:
    assert [command.line for command in pages.commands("README.md")] == ["make run", "make test"]


def test_every_target_of_the_makefile_is_described() -> None:
    described = " ".join(" ".join(row) for row in pages.rows("docs/reference/commands.md", "make"))

    assert {
        target for target in TARGETS if f"`make {target}`" not in described and f"`{target}`" not in described
    } == set()


def test_every_described_management_command_is_ours() -> None:
    ours = {name for name, app in get_commands().items() if app in {"config", "arena", "annotation", "ranking"}}
    page = pages.text("docs/reference/commands.md")
    section = page.split("## manage.py")[1].split("## python -m ranking.engines")[0]
    headings = set(re.findall(r"^### (.+)$", section, flags=re.MULTILINE)) - {"Django's own"}

    assert headings == ours
    for name in ours:
        synopsis = next(line for line in section.splitlines() if line.startswith(f"manage.py {name}"))
        options = set(re.findall(r"--[a-z][\w-]*", section.split(f"### {name}\n")[1].split("### ")[0]))
        known = load_command_class(get_commands()[name], name).create_parser("manage.py", name)._option_string_actions
        assert options <= set(known)
        assert options == set(re.findall(r"--[a-z][\w-]*", synopsis))


def test_every_command_of_the_engines_is_described_with_its_options() -> None:
    page = pages.text("docs/reference/commands.md").split("## python -m ranking.engines")[1].split("## Workers")[0]
    commands = next(a for a in engines.parser()._actions if isinstance(a, argparse._SubParsersAction)).choices

    assert set(re.findall(r"^### (.+)$", page, flags=re.MULTILINE)) == set(commands)
    for name, parser in commands.items():
        described = set(re.findall(r"--[a-z][\w-]*", page.split(f"### {name}\n")[1].split("### ")[0]))
        assert described == {option for option in parser._option_string_actions if option.startswith("--")} - {"--help"}
