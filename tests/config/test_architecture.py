"""What holds the house together: imports, migrations, commands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.db import connection

from tests.conftest import REPOSITORY
from tests.shell import run

OURS = ("arena", "annotation", "ranking", "config")
HEAVY = ("torch", "transformers", "diffusers")


def test_a_web_process_loads_neither_torch_nor_transformers() -> None:
    code = f"import sys, config.asgi; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = run("-c", code)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_the_workers_tasks_load_torch_only_when_they_paint() -> None:
    code = (
        "import sys, config.celery as c; c.app.loader.import_default_modules(); "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = run("-c", code)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_the_engines_need_no_django() -> None:
    code = (
        "import sys; sys.modules['django'] = None\n"
        "import pkgutil, importlib, ranking.engines as e\n"
        "for m in pkgutil.walk_packages(e.__path__, 'ranking.engines.'):\n"
        "    if not m.name.endswith('__main__'): importlib.import_module(m.name)\n"
    )
    done = run("-c", code)

    assert done.returncode == 0, done.stderr


def test_layers_are_kept() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    if not lint_imports.exists():
        pytest.fail("import-linter is not installed; requirements-dev.txt lists it")
    done = subprocess.run([lint_imports], cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    out = StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=out, stderr=out)
    except SystemExit:
        pytest.fail(out.getvalue())


@pytest.mark.django_db(transaction=True)
def test_migrations_after_the_first_can_be_undone_and_done_again() -> None:
    try:
        for app in ("ranking", "arena"):
            call_command("migrate", app, "0001", verbosity=0)
    finally:
        call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgname = 'arena_ballot_append_only'")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize(
    "path", sorted(path for app in OURS for path in (REPOSITORY / app).glob("migrations/0*.py")), ids=lambda p: p.stem
)
def test_a_migration_says_what_it_does_and_imports_no_app_code(path: Path) -> None:
    code = path.read_text("utf-8")

    assert "auto_" not in path.name
    imports = re.findall(r"^(?:from|import) (\w+)", code, re.MULTILINE)
    assert not set(imports) & set(OURS)


COMMANDS = sorted(name for name, app in get_commands().items() if app in OURS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does(name: str) -> None:
    command = load_command_class(get_commands()[name], name)

    assert len(command.help) > 20
    parser = command.create_parser("manage.py", name)
    silent = [action.dest for action in parser._actions if action.help is None and not action.required]
    assert silent == [], "options without help"


def test_the_commands_are_those_that_are_promised() -> None:
    assert {"up", "seed_demo", "import_ballots", "leaderboard"} <= set(COMMANDS)


def test_every_command_is_on_the_page_of_commands() -> None:
    page = (REPOSITORY / "docs" / "reference" / "commands.md").read_text("utf-8")
    for name in COMMANDS:
        assert name in page
        command = load_command_class(get_commands()[name], name)
        standard = {"--help", "--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color"}
        standard |= {"--force-color", "--skip-checks"}
        parser = command.create_parser("manage.py", name)
        options = {option for action in parser._actions for option in action.option_strings if option.startswith("--")}
        for option in options - standard:
            assert option in page, f"{name} {option}"


def test_our_apps_have_no_module_without_a_place() -> None:
    """STYLE: folders are capabilities; nothing is called utils, helpers or common."""
    forbidden = {"utils", "helpers", "common", "misc", "manager", "process"}
    found = [path for app in OURS for path in (REPOSITORY / app).rglob("*.py") if path.stem in forbidden]

    assert found == []


def test_the_checks_of_django_find_nothing() -> None:
    call_command("check", fail_level="WARNING")


def test_the_checks_for_production_find_nothing() -> None:
    """But that HSTS speaks of this host alone: what its subdomains do is not ours to promise."""
    done = run(
        "manage.py", "check", "--deploy", "--fail-level", "WARNING",
        DATABASE_URL="postgresql://db.invalid/podium", SECRET_KEY="Rand0m" * 12 + "!?x_", PODIUM_HTTPS="1",
    )  # fmt: skip

    found = set(re.findall(r"\((\w+\.[WE]\d+)\)", done.stderr))
    assert "Traceback" not in done.stderr
    assert found <= {"security.W005", "security.W021"}, done.stderr


def test_git_knows_no_generated_file() -> None:
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    tracked = listed.stdout.splitlines()

    assert [
        name for name in tracked if name.startswith(("var/", ".venv/")) or name.endswith((".pyc", ".sqlite3"))
    ] == []
