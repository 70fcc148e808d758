"""A painter's settings: plain JSON in, checked and frozen out. No torch, so that a web process can do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from arena.generation.backends.protocol import SettingsError

ACTIVATIONS = ("sin", "tanh", "gauss", "abs", "softplus", "softsign", "triangle", "sinc")
SYMMETRIES = ("none", "mirror", "radial", "tiles")
WARPS = ("swirl", "polar", "fractal", "lens", "marble", "shards", "drape", "wave")
SURFACES = ("ramp", "flat", "paper", "glass", "inks", "silk", "wash", "strokes")
MARKS = ("contours", "hatching", "halftone", "stipple", "leading", "grout")
PALETTES = (
    "cosine",
    "cut-paper",
    "cyanotype",
    "earth",
    "gilded",
    "glaze",
    "jewel",
    "modern",
    "neon",
    "pastel",
    "riso",
    "satin",
    "sumi",
    "woodcut",
)


def _number(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"range": (low, high)})


def _choice(default: str, choices: tuple[str, ...]) -> Any:
    return field(default=default, metadata={"choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """One bending of the plane; warps apply in the order given."""

    kind: str = field(metadata={"choices": WARPS})
    amount: float = _number(0.5, 0.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One layer of line work. `spacing` is a share of the picture's side, `weight` the boldness."""

    kind: str = field(metadata={"choices": MARKS})
    spacing: float = _number(0.02, 0.004, 0.25)
    weight: float = _number(0.5, 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PainterSettings:
    """Everything that makes one painter differ from another.

    `hand` seeds the weights all its pictures share and `variety` (0..1) is how far a picture's own weights stray
    from them; `frequency` is the busyness, `listening` (0..1) how literally the prompt's scene is shown. `cycles`
    is how often the palette is run through from dark to light and back, `accents` how strongly what shines keeps
    its own colour.
    """

    hand: int = field(metadata={"range": (0, 2**31 - 1)})
    activations: tuple[str, ...] = field(default=("sin", "tanh"), metadata={"choices": ACTIVATIONS})
    width: int = field(default=16, metadata={"range": (4, 48)})
    depth: int = field(default=4, metadata={"range": (2, 8)})
    frequency: float = _number(1.0, 0.1, 6.0)
    variety: float = _number(0.5, 0.0, 1.0)
    listening: float = _number(0.6, 0.0, 1.0)
    symmetry: str = _choice("none", SYMMETRIES)
    folds: int = field(default=6, metadata={"range": (2, 16)})
    warps: tuple[Warp, ...] = field(default=(), metadata={"each": Warp})
    palette: str = _choice("cosine", PALETTES)
    surface: str = _choice("ramp", SURFACES)
    levels: int = field(default=6, metadata={"range": (2, 16)})
    marks: tuple[Mark, ...] = field(default=(), metadata={"each": Mark})
    cycles: int = field(default=1, metadata={"range": (1, 8)})
    accents: float = _number(1.0, 0.0, 1.0)
    glow: float = _number(0.0, 0.0, 1.0)
    relief: float = _number(0.0, 0.0, 1.0)
    grain: float = _number(0.2, 0.0, 1.0)
    margin: float = _number(0.0, 0.0, 0.2)

    @classmethod
    def from_dict(cls, settings: Mapping[str, object]) -> PainterSettings:
        """Settings from JSON; `SettingsError` names every unknown, missing or invalid key with the reason."""
        problems: dict[str, str] = {}
        values = _checked(cls, settings, "", problems)
        if problems:
            raise SettingsError(problems)
        return cls(**values)


def _checked(form: type[Any], given: Mapping[str, object], prefix: str, problems: dict[str, str]) -> dict[str, Any]:
    declared = {item.name: item for item in fields(form)}
    for key in given:
        if key not in declared:
            problems[f"{prefix}{key}"] = f"unknown setting; known: {', '.join(declared)}"
    values: dict[str, Any] = {}
    for name, item in declared.items():
        if name not in given:
            if item.default is MISSING:
                problems[prefix + name] = "is required"
            continue
        key = prefix + name
        if "each" in item.metadata:
            values[name] = _parts(given[name], item.metadata["each"], key, problems)
        elif isinstance(item.default, tuple):
            values[name] = _names(given[name], item.metadata["choices"], key, problems)
        else:
            values[name] = _value(given[name], str(item.type), item.metadata, key, problems)
    return values


def _value(value: object, kind: str, rules: Mapping[str, Any], key: str, problems: dict[str, str]) -> object:
    if "choices" in rules:
        if value not in rules["choices"]:
            problems[key] = f"{value!r} is not one of {', '.join(rules['choices'])}"
        return value
    low, high = rules["range"]
    numeric = (int,) if kind == "int" else (int, float)
    if isinstance(value, bool) or not isinstance(value, numeric):
        problems[key] = f"{value!r} is not {'a whole number' if kind == 'int' else 'a number'}"
    elif not low <= value <= high:  # also refuses NaN
        problems[key] = f"{value!r} is outside {low} to {high}"
    return value


def _names(value: object, choices: tuple[str, ...], key: str, problems: dict[str, str]) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        problems[key] = f"{value!r} is not a list of at least one of {', '.join(choices)}"
        return ()
    for index, name in enumerate(value):
        if name not in choices:
            problems[f"{key}[{index}]"] = f"{name!r} is not one of {', '.join(choices)}"
    return tuple(value)


def _parts(value: object, form: type[Any], key: str, problems: dict[str, str]) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        problems[key] = f"{value!r} is not a list"
        return ()
    parts = []
    for index, entry in enumerate(value):
        at = f"{key}[{index}]"
        if not isinstance(entry, Mapping):
            problems[at] = f"{entry!r} is not an object"
            continue
        before = len(problems)
        values = _checked(form, entry, f"{at}.", problems)
        if len(problems) == before:
            parts.append(form(**values))
    return tuple(parts)
