"""The settings as a process reads them when it starts, and the page that describes them."""

from __future__ import annotations

import ast
import json
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from config.secret_key import embedded_secret_key
from tests.conftest import REPOSITORY
from tests.shell import run

SETTINGS = REPOSITORY / "config" / "settings.py"
PAGE = REPOSITORY / "docs" / "reference" / "settings.md"
OWN = {"DATABASE_URL": "postgresql://db.invalid/podium", "SECRET_KEY": "x" * 50}


def variables_read() -> dict[str, str]:
    """The environment variables that the settings read, and with which reader."""
    calls = [node for node in ast.walk(ast.parse(SETTINGS.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return {
        ast.literal_eval(call.args[0]): call.func.attr
        for call in calls
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "environment"
    }


def documented() -> dict[str, list[str]]:
    """The rows of the page's tables: variable -> its cells."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in rows}


@pytest.mark.django_db
def test_the_checks_before_a_migration_have_nothing_to_say() -> None:
    assert [message for message in run_checks(databases=["default"]) if not message.is_silenced()] == []


def test_every_variable_that_is_read_is_described_and_no_other() -> None:
    assert set(variables_read()) == set(documented())


TYPES = {
    "boolean": "flag",
    "integer": "whole number",
    "words": "list",
    "text": "text",
    "secret": "secret",
    "required": "secret",
    "secrets": "secrets",
    "database": "secret",
    "mail": "secret",
}


@pytest.mark.parametrize("name", sorted(variables_read()))
def test_a_variable_is_described_with_its_type_and_meaning(name: str) -> None:
    kind, *_, meaning = documented()[name]

    assert kind.startswith(TYPES[variables_read()[name]])
    assert len(meaning) > 20


def test_settings_are_read_from_nowhere_else() -> None:
    """No module of ours reads the environment behind the settings' back."""
    readers = [
        path.relative_to(REPOSITORY).as_posix()
        for package in ("arena", "annotation", "ranking", "config")
        for path in (REPOSITORY / package).rglob("*.py")
        if re.search(r"os\.(environ\.get|environ\[|getenv)", path.read_text("utf-8"))
    ]
    assert readers == ["config/environment.py"]


def settings_with(*names: str, **variables: str) -> dict[str, Any]:
    """The values of some settings in a process with these variables."""
    code = (
        "import json; from django.conf import settings; "
        f"print(json.dumps({{name: getattr(settings, name) for name in {names!r}}}, default=str))"
    )
    done = run("-c", code, DJANGO_SETTINGS_MODULE="config.settings", **variables)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class TestOnServicesOfOnesOwn:
    def test_there_is_no_secret_by_default(self, tmp_path: Path) -> None:
        done = run("manage.py", "check", DATABASE_URL=OWN["DATABASE_URL"], SECRET_KEY="", PODIUM_VAR=str(tmp_path))

        assert done.returncode == 1
        assert done.stderr.startswith("Podium cannot start: SECRET_KEY is not set.")
        assert "Traceback" not in done.stderr

    def test_nothing_permissive_is_on(self) -> None:
        found = settings_with("DEBUG", "ALLOWED_HOSTS", "EMBEDDED", "SECRET_KEY", **OWN)

        assert found["DEBUG"] is False
        assert found["EMBEDDED"] is False
        assert "*" not in found["ALLOWED_HOSTS"]
        assert found["SECRET_KEY"] == OWN["SECRET_KEY"]

    def test_https_makes_every_cookie_secure_and_is_insisted_on(self) -> None:
        names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS")
        on, off = (settings_with(*names, **OWN, PODIUM_HTTPS=flag) for flag in ("1", "0"))

        assert on == dict.fromkeys(names[:3], True) | {"SECURE_HSTS_SECONDS": 31_536_000}
        assert off == dict.fromkeys(names[:3], False) | {"SECURE_HSTS_SECONDS": 0}

    def test_redis_serves_the_cache_the_broker_and_the_channel(self) -> None:
        names = ("CACHES", "CHANNEL_LAYERS", "CELERY_BROKER_URL")
        found = settings_with(*names, **OWN, REDIS_URL="redis://redis.invalid:6379/3")

        assert all("redis://redis.invalid:6379/3" in json.dumps(found[name]) for name in names)

    def test_mails_are_printed_until_a_server_is_named(self) -> None:
        names = ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_USE_TLS")
        printed = settings_with(*names, **OWN, EMAIL_URL="")
        sent = settings_with(*names, **OWN, EMAIL_URL="smtp://podium:secret@mail.invalid")

        assert printed["EMAIL_BACKEND"].endswith("console.EmailBackend")
        assert list(sent.values()) == ["config.mail.PatientBackend", "mail.invalid", 587, True]

    def test_a_value_that_cannot_be_used_is_one_clear_line(self) -> None:
        done = run("manage.py", "check", **OWN, BATTLE_MINUTES="soon")

        assert done.returncode == 1
        assert done.stderr == "Podium cannot start: BATTLE_MINUTES='soon' is not a whole number\n"


class TestTheEmbeddedKey:
    def test_is_made_once_and_is_its_owners_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "var" / "secret_key"
        key = embedded_secret_key(path)

        assert len(key) >= 50
        assert embedded_secret_key(path) == key
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [file.name for file in path.parent.iterdir()] == ["secret_key"]

    def test_is_the_same_for_all_who_start_at_once(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(8) as pool:
            keys = set(pool.map(lambda _: embedded_secret_key(tmp_path / "secret_key"), range(8)))

        assert len(keys) == 1
