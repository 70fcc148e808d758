"""Settings as frozen pydantic models, checked strictly: no text for a number, no unknown key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from arena.generation.backends.protocol import SettingsError
from arena.generation.backends.secrecy import keys_in_clear, without_keys


class Form(BaseModel):
    """What the settings of a backend derive from. Field constraints and descriptions are shown to admins.

    advice: what to do instead of writing a key into the settings.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        protected_namespaces=(),
        hide_input_in_errors=True,  # it may be a key
    )

    advice: ClassVar[str] = "give it to the installation as a secret (GENERATION_SECRET_..., by name)"


FormT = TypeVar("FormT", bound=Form)


def checked(form: type[FormT], settings: Mapping[str, object]) -> FormT:
    """The settings as `form`; `SettingsError` names every unknown, missing or invalid key with the reason.

    Settings are stored and shown, so what looks like the key of a server is refused wherever it stands, unrepeated.
    """
    told = f"holds what looks like a key, and settings are stored and shown; {form.advice}"
    in_clear = {without_keys(name): told for name in keys_in_clear(settings, form.model_fields)}
    try:
        valid = form.model_validate_json(json.dumps(dict(settings)))
    except ValidationError as error:
        problems = {
            without_keys(_place(problem["loc"])): _reason(problem["type"], problem["msg"], form)
            for problem in error.errors()
        }
        # Of a setting that does not exist it matters more that it holds a key.
        kept = {name: why for name, why in problems.items() if name in form.model_fields or name not in in_clear}
        raise SettingsError(in_clear | kept) from None  # the original repeats names, and a name may be a key
    if in_clear:
        raise SettingsError(in_clear)
    return valid


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
