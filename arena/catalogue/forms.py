"""Forms of the admin in which a contestant is given its backend and settings."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, get_type_hints

from django import forms
from django.core.exceptions import ValidationError
from pydantic import BaseModel
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from arena.generation.backends.registry import backend_names, get_backend

from .actions import IMPORTED, SettingsRefused, settings_warnings
from .models import Contestant, ContestantRevision


class SettingsField(forms.JSONField):
    """A JSON object, shown one key a line. No key twice, and no number that JSON does not know."""

    widget = UnfoldAdminTextareaWidget

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            try:
                settings = json.loads(value or "{}", object_pairs_hook=_once, parse_constant=_refuse_constant)
            except json.JSONDecodeError as error:
                raise ValidationError(f"This is not JSON: {error.msg}, line {error.lineno}.") from error
            except (ValueError, RecursionError) as error:
                raise ValidationError(f"This cannot be used: {error}.") from error
            if not isinstance(settings, dict):
                raise ValidationError('Settings are a JSON object, such as {"batch_size": 4}.')
            return settings
        return super().to_python(value)

    def validate(self, value: Any) -> None:
        """An empty object is an answer."""

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, as it was typed."""
        return initial if self.disabled else data

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class RevisionFields(forms.ModelForm):
    """Backend and settings. What they bring with them (`concerns`) has to be confirmed before anything is saved."""

    backend = forms.ChoiceField(
        choices=lambda: [("", "Select value"), *((name, name) for name in [*backend_names(), IMPORTED])],
        widget=UnfoldAdminSelectWidget,
        help_text="How its outputs are made. imported: elsewhere, see manage.py import_outputs.",
    )
    settings = SettingsField(
        required=False, initial=dict, help_text="A JSON object. What each backend knows is listed below."
    )
    note = forms.CharField(
        required=False, max_length=200, widget=UnfoldAdminTextInputWidget, help_text="Why there is this revision."
    )

    concerns: Sequence[str] = ()

    @property
    def concerns_digest(self) -> str:
        """What the box stands for: it was ticked for these very concerns, or it counts for nothing."""
        return hashlib.sha256("\n".join(self.concerns).encode()).hexdigest()

    @property
    def confirmed(self) -> bool:
        return bool(self.data.get("confirmed") == self.concerns_digest)

    @staticmethod
    def known_settings() -> list[BackendSettings]:
        return [BackendSettings(name, tuple(_described(name))) for name in backend_names()]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        backend, settings = data.get("backend"), data.get("settings")
        if backend is None or settings is None:
            return data
        try:
            self.concerns = settings_warnings(backend, settings)
        except SettingsRefused as refusal:
            lines = [f"{key}: {reason}" for key, reason in refusal.problems.items()]
            self.add_error("settings", [ValidationError(line) for line in lines or [refusal.message]])
            return data
        if self.concerns and not self.confirmed:
            self.add_error(
                None, "Nothing was saved yet. Read what these settings bring with them, and confirm it below."
            )
        return data


class ContestantField(forms.ModelChoiceField):
    """Names occur once in an arena, so the arena is said too."""

    def label_from_instance(self, contestant: Any) -> str:
        return f"{contestant.arena.name}: {contestant.name}"


class RevisionForm(RevisionFields):
    contestant = ContestantField(
        queryset=Contestant.objects.select_related("arena").order_by("arena__name", "name"),
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = ContestantRevision
        fields = ("contestant", "backend", "settings", "note")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        contestant = data.get("contestant")
        if contestant is not None and "settings" in data and "backend" in data:
            newest = contestant.revisions.order_by("-number").first()
            if newest is not None and (newest.backend, newest.settings) == (data["backend"], data["settings"]):
                self.add_error("settings", f"This is {newest} already.")
        return data


class NewContestantForm(RevisionFields):
    """A contestant with its first revision."""

    class Meta:
        model = Contestant
        fields = ("arena", "name")


@dataclass(frozen=True)
class Setting:
    """One key of a backend's settings, in words."""

    name: str
    default: str
    meaning: str


@dataclass(frozen=True)
class BackendSettings:
    backend: str
    settings: tuple[Setting, ...]


def _described(backend: str) -> list[Setting]:
    """What the form that `validate` returns says of itself: a pydantic model or a dataclass."""
    form = get_type_hints(type(get_backend(backend)).validate).get("return")
    if isinstance(form, type) and issubclass(form, BaseModel):
        return [
            Setting(
                name,
                "required" if field.is_required() else _json(field.get_default(call_default_factory=True)),
                field.description or "",
            )
            for name, field in form.model_fields.items()
        ]
    if form is not None and dataclasses.is_dataclass(form):
        return [Setting(item.name, _default(item), _limits(item.metadata)) for item in dataclasses.fields(form)]
    return []


def _default(item: dataclasses.Field[Any]) -> str:
    return "required" if item.default is dataclasses.MISSING else _json(item.default)


def _limits(metadata: Any) -> str:
    if "range" in metadata:
        return "{} to {}".format(*metadata["range"])
    if "choices" in metadata:
        return f"one of {', '.join(metadata['choices'])}"
    return f"a list of {metadata['each'].__name__.lower()}s" if "each" in metadata else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    settings = dict(pairs)
    if len(settings) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} appears twice")
    return settings


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number JSON knows")
