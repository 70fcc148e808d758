"""A painter's settings: everything known is taken, everything else is refused by name."""

from __future__ import annotations

import dataclasses

import pytest

from arena.generation.backends.painter.settings import Mark, PainterSettings, Warp
from arena.generation.backends.protocol import SettingsError


def _problems(**settings: object) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        PainterSettings.from_dict({"hand": 1, **settings})
    return caught.value.problems


def test_settings_become_frozen_values():
    settings = PainterSettings.from_dict(
        {
            "hand": 7,
            "activations": ["sin", "abs"],
            "warps": [{"kind": "swirl", "amount": 0.2}],
            "marks": [{"kind": "contours", "spacing": 0.05}],
        }
    )
    assert settings.activations == ("sin", "abs")
    assert settings.warps == (Warp(kind="swirl", amount=0.2),)
    assert settings.marks == (Mark(kind="contours", spacing=0.05, weight=0.5),)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.hand = 8  # type: ignore[misc]


def test_the_hand_is_required():
    with pytest.raises(SettingsError) as caught:
        PainterSettings.from_dict({})
    assert caught.value.problems == {"hand": "is required"}


@pytest.mark.parametrize(
    ("given", "key", "reason"),
    [
        ({"colour": "red"}, "colour", "unknown setting; known: hand, "),
        ({"hand": -1}, "hand", "-1 is outside 0 to 2147483647"),
        ({"hand": 1.5}, "hand", "1.5 is not a whole number"),
        ({"hand": True}, "hand", "True is not a whole number"),
        ({"grain": "much"}, "grain", "'much' is not a number"),
        ({"grain": 1.1}, "grain", "1.1 is outside 0.0 to 1.0"),
        ({"grain": float("nan")}, "grain", "nan is outside 0.0 to 1.0"),
        ({"palette": "beige"}, "palette", "'beige' is not one of cosine, "),
        ({"symmetry": ["none"]}, "symmetry", "['none'] is not one of none, "),
        ({"activations": "sin"}, "activations", "'sin' is not a list of at least one of sin, "),
        ({"activations": []}, "activations", "[] is not a list of at least one of sin, "),
        ({"activations": ["sin", "relu"]}, "activations[1]", "'relu' is not one of sin, "),
        ({"warps": {"kind": "swirl"}}, "warps", "{'kind': 'swirl'} is not a list"),
        ({"warps": ["swirl"]}, "warps[0]", "'swirl' is not an object"),
        ({"warps": [{"amount": 1}]}, "warps[0].kind", "is required"),
        ({"warps": [{"kind": "swirl", "speed": 1}]}, "warps[0].speed", "unknown setting; known: kind, amount"),
        ({"marks": [{"kind": "contours", "weight": 2}]}, "marks[0].weight", "2 is outside 0.0 to 1.0"),
    ],
)
def test_a_bad_setting_is_refused_with_its_key_and_the_reason(given, key, reason):
    problems = _problems(**given)
    assert list(problems) == [key]
    assert problems[key].startswith(reason)


def test_all_problems_are_reported_at_once():
    assert set(_problems(colour=1, grain=9, warps=[{"kind": "knot"}])) == {"colour", "grain", "warps[0].kind"}
