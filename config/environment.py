"""Typed readers of environment variables. Each fails loudly, naming the variable, the value and what is expected.

A secret can also come from a file: with `SECRET_KEY_FILE=/run/secrets/key`, `secret("SECRET_KEY")` reads that file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


class EnvironmentProblem(Exception):
    """A setting in the environment cannot be used. The message says which and what to do."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def required(name: str, why: str) -> str:
    value = secret(name)
    if not value:
        raise EnvironmentProblem(f"{name} is not set. {why}")
    return value


def secret(name: str) -> str:
    """The value of NAME, or the stripped contents of the file named by NAME_FILE, or an empty string."""
    path = os.environ.get(f"{name}_FILE")
    if path is None:
        return os.environ.get(name, "")
    if os.environ.get(name):
        raise EnvironmentProblem(f"both {name} and {name}_FILE are set; set one of them")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise EnvironmentProblem(f"{name}_FILE names {path!r}, which cannot be read: {error.strerror}") from error


def secrets(prefix: str) -> dict[str, str]:
    """The secrets whose variables begin with `prefix`, by the rest of their names in small letters."""
    names = {name.removesuffix("_FILE") for name in os.environ if name.startswith(prefix) and name != prefix}
    return {name[len(prefix) :].lower(): value for name in sorted(names) if (value := secret(name))}


def boolean(name: str, default: bool) -> bool:
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    value = raw.strip().lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise EnvironmentProblem(
        f"{name}={raw!r} is neither true nor false; use one of 1, 0, true, false, yes, no, on, off"
    )


def integer(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    try:
        value = int(raw)
    except ValueError:
        raise EnvironmentProblem(f"{name}={raw!r} is not a whole number") from None
    if value < minimum:
        raise EnvironmentProblem(f"{name}={value} is below {minimum}")
    if maximum is not None and value > maximum:
        raise EnvironmentProblem(f"{name}={value} is above {maximum}")
    return value


def words(name: str, default: list[str]) -> list[str]:
    """A comma-separated list."""
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    return [word.strip() for word in raw.split(",") if word.strip()]


def database(name: str) -> dict[str, Any] | None:
    """Django's connection parameters from a `postgresql://` URL, or None where the variable is unset."""
    url = secret(name)
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise EnvironmentProblem(
            f"{name} begins with {parts.scheme + '://'!r}; Podium runs on PostgreSQL only: postgresql://user:password@host/name"
        )
    database_name = unquote(parts.path.lstrip("/"))
    if not database_name:
        raise EnvironmentProblem(f"{name} names no database: postgresql://user:password@host/name")
    try:
        port = parts.port
    except ValueError:
        raise EnvironmentProblem(f"{name} has a port that is no number from 0 to 65535") from None
    try:
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise EnvironmentProblem(f"{name} ends in options that are not name=value, joined by &") from None
    return {
        "NAME": database_name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": port or "",
        # sslmode=require, connect_timeout=5 and the like, as libpq names them
        "OPTIONS": options,
    }


def mail(name: str) -> dict[str, Any] | None:
    """Django's settings of a mail server from an `smtp://` or `smtps://` URL, or None where the variable is unset.

    smtp: plain at first, then STARTTLS unless the URL ends in `?starttls=0`. smtps: TLS from the start.
    """
    url = secret(name)
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.query not in {"", "starttls=0"}:
        raise EnvironmentProblem(
            f"{name} is no mail server: smtps://user:password@host, or smtp:// for STARTTLS, or smtp://host:25?starttls=0"
        )
    try:
        port = parts.port
    except ValueError:
        raise EnvironmentProblem(f"{name} has a port that is no number from 0 to 65535") from None
    encrypted = parts.scheme == "smtps"
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if encrypted else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": encrypted,
        "EMAIL_USE_TLS": not encrypted and not parts.query,
    }
