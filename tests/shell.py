"""Commands as a shell runs them: programs of their own, on the database of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any
from urllib.parse import quote

from django.db import connection

from tests.conftest import REPOSITORY


def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` on the test database. Without `transaction=True` the program would see an empty one."""
    return run("manage.py", *arguments, DATABASE_URL=url_of_the_test_database(), SECRET_KEY="a key for tests only")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run this Python in the repository, with the tests' environment and what is added to it."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def url_of_the_test_database() -> str:
    found: dict[str, Any] = connection.get_connection_params()
    user, host = quote(found.get("user", ""), safe=""), quote(str(found.get("host", "")), safe="")
    password = f":{quote(found['password'], safe='')}" if found.get("password") else ""
    port = f":{found['port']}" if found.get("port") else ""
    return f"postgresql://{user}{password}@{host}{port}/{quote(found['dbname'], safe='')}"
