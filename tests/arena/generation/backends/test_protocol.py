"""What a backend may return and how it refuses."""

from __future__ import annotations

import pytest

from arena.generation.backends.protocol import GenerationError, Measured, Media, Result, SettingsError


def _result(**made: object) -> Result:
    return Result(measured=Measured(latency_ms=1.0), device="cpu", **made)  # type: ignore[arg-type]


def test_a_result_has_either_media_or_text():
    assert _result(text="").text == ""
    assert _result(media=Media(b"x", "image/webp")).text is None
    with pytest.raises(ValueError, match="either media or text"):
        _result()
    with pytest.raises(ValueError, match="either media or text"):
        _result(text="a", media=Media(b"x", "image/webp"))


def test_refused_settings_name_every_key_with_its_reason():
    error = SettingsError({"hand": "is required", "colour": "unknown setting"})
    assert error.problems == {"hand": "is required", "colour": "unknown setting"}
    assert str(error) == "hand: is required; colour: unknown setting"


def test_a_generation_error_says_whether_trying_again_can_help():
    error = GenerationError("the disk is full", permanent=False)
    assert error.message == str(error) == "the disk is full"
    assert error.permanent is False
