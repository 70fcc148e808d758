"""The values of one ballot line, each read strictly: the wrong type is refused, never converted.

Every function raises `BallotError` with a reason that names the key and fits on one line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NoReturn

from ranking.engines.errors import BallotError

MAX_RANK = 1_000_000  # far beyond any list a person can order, and safe in 32 bits
MAX_WEIGHT = 1e9  # a weight is a number of repetitions; beyond this, double precision loses the prior
MIN_WEIGHT = 1e-6  # a millionth of a ballot; far below, sums of votes cannot be told from none
STRENGTHS = (1, 2, 3)


def decoded(text: str | bytes) -> dict[str, Any]:
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BallotError(f"not UTF-8 text (byte {error.start + 1} of the line)") from None
    try:
        row = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise BallotError(f"not valid JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise BallotError("not a ballot: nested too deeply") from None
    except BallotError:
        raise
    except ValueError:
        raise BallotError("not a ballot: it holds a number of thousands of digits") from None
    if not isinstance(row, dict):
        raise BallotError(f"a ballot is a JSON object, not {_kind(row)}")
    return row


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        repeated = first_repeated(key for key, _ in pairs)
        raise BallotError(f"key {shown(repeated)} appears twice in one object")
    return row


def first_repeated(names: Iterable[str]) -> str:
    """The first name that was there before; one must be."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise AssertionError("no name is repeated")


def _refuse_constant(name: str) -> NoReturn:
    raise BallotError(f"{name} is not a number JSON knows")


def strings(value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise BallotError(f"{key} must be a list of strings, not {_kind(value)}")
    for position, entry in enumerate(value):
        if fault := _fault(entry):
            raise BallotError(f"{key}[{position}] {fault}")
    return tuple(value)


def optional_text(row: dict[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None:
        return None
    if fault := _fault(value):
        raise BallotError(f"{key} {fault}")
    return str(value)


def _fault(value: Any) -> str | None:
    """What makes `value` no name, or None."""
    if not isinstance(value, str):
        return f"must be a string, not {_kind(value)}"
    if not value or value.isspace():
        return "is empty"
    surrogate = not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)
    return "holds a character that no database stores" if surrogate or "\x00" in value else None


def ranks(value: Any) -> tuple[int | None, ...]:
    if not isinstance(value, list):
        raise BallotError(f"ranks must be a list of whole numbers and nulls, not {_kind(value)}")
    for position, rank in enumerate(value):
        if rank is None:
            continue
        if isinstance(rank, bool) or not isinstance(rank, int):
            raise BallotError(f"ranks[{position}] must be a whole number or null, not {_kind(rank)}")
        if rank == 0:
            raise BallotError(f"ranks[{position}] is 0; the best rank is 1, the last is -1")
        if abs(rank) > MAX_RANK:
            raise BallotError(f"ranks[{position}] is beyond {MAX_RANK}")
    return tuple(value)


def flag(value: Any) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise BallotError(f"all_bad must be true or false, not {_kind(value)}")
    return value


def strength(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value not in STRENGTHS:
        shown = value if isinstance(value, int | float) and not isinstance(value, bool) else _kind(value)
        raise BallotError(f"strength must be 1, 2 or 3, not {shown}")
    return value


def weight(value: Any) -> float:
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BallotError(f"weight must be a number, not {_kind(value)}")
    if not MIN_WEIGHT <= value <= MAX_WEIGHT:  # infinities fail here too; JSON has no NaN
        raise BallotError(f"weight must lie between {MIN_WEIGHT:g} and {MAX_WEIGHT:g}, not {str(value)[:20]}")
    return float(value)


def time(value: Any) -> tuple[datetime | None, bool]:
    """The time in UTC, and whether it came without a zone."""
    if value is None:
        return None, False
    if not isinstance(value, str):
        raise BallotError(f"at must be a time like 2026-01-31T09:00:00Z, not {_kind(value)}")
    try:
        at = datetime.fromisoformat(value)
        naive = at.tzinfo is None
        at = at.replace(tzinfo=UTC) if naive else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BallotError(f"at must be a time like 2026-01-31T09:00:00Z, not {shown(value)}") from None
    return at, naive


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a whole number", float: "a fraction", str: "a string", list: "a list"}
    return names.get(type(value), "an object")


def shown(text: str) -> str:
    """A name inside a one-line message: quoted, escaped, cut."""
    shown = ascii(text) if any(not character.isprintable() for character in text) else repr(text)
    return shown if len(shown) <= 80 else shown[:77] + "..."
