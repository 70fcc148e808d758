"""Settings as frozen pydantic models, checked strictly: no text for a number, no unknown key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from arena.generation.backends.protocol import SettingsError


class Form(BaseModel):
    """What the settings of a backend derive from. Field constraints and descriptions are shown to admins."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())


FormT = TypeVar("FormT", bound=Form)


def checked(form: type[FormT], settings: Mapping[str, object]) -> FormT:
    """The settings as `form`; `SettingsError` names every unknown, missing or invalid key with the reason."""
    try:
        return form.model_validate_json(json.dumps(dict(settings)))
    except ValidationError as error:
        raise SettingsError(
            {_place(problem["loc"]): _reason(problem["type"], problem["msg"], form) for problem in error.errors()}
        ) from error


def _place(parts: tuple[str | int, ...]) -> str:
    """`stop[2]`, `size.width`."""
    place = ""
    for part in parts:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
    return place


def _reason(kind: str, message: str, form: type[Form]) -> str:
    if kind == "missing":
        return "is required"
    if kind == "extra_forbidden":
        return f"unknown setting; known: {', '.join(form.model_fields)}"
    return message[0].lower() + message[1:]
