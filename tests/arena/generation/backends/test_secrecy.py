"""What is taken for a key in the settings of any backend, and what is not."""

from __future__ import annotations

import time

import pytest

from arena.generation.backends.protocol import SettingsError
from arena.generation.backends.registry import get_backend
from arena.generation.backends.secrecy import holds_a_key, names_a_key

KEYS = [
    "sk-proj-ABCDEFGH12345678abcdefgh",
    "sk-ant-api03-Zt9fQ2pLm4Xv7Rb1Nc8Kd3Ws",
    "hf_abcdefghijklmnopqrstuvwx",
    "gsk_4fjq8Xcd01Fj3kd9Sj2kAAAA",
    "ghp_4fjq8Xcd01Fj3kd9Sj2kAAAA",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA1234567890abcdefghijklmnopqrs",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "Bearer Zt9fQ2pLm4Xv7Rb1Nc8Kd3Ws",
    "Basic dXNlcjpwYXNzd29yZDE=",
]
TEXTS = [
    "You are a careful assistant. Use basic English and the bearer of bad news.",
    "Explain sk-learn-compatible estimators and risk-averse-agents-2024-edition.",
    "Answer as AKIA would; my password is a secret, and the token: none.",
    "basic level-2-english-class and hf_hub_download",
    "ft:gpt-4o-mini-2024-07-18:my-org:custom:9abcDEF1",
    "https://example.org/0123456789abcdef0123456789abcdef",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_found_in_the_middle_of_a_text(key: str) -> None:
    assert holds_a_key(key)
    assert holds_a_key(f"Say ({key}), and nothing else.")


@pytest.mark.parametrize("text", TEXTS)
def test_a_prompt_is_not_taken_for_a_key(text: str) -> None:
    assert not holds_a_key(text)


@pytest.mark.parametrize("name", ["api_key", "apiKey", "X-API-Key", "Authorization", "use_auth_token", "client-secret"])
def test_the_name_of_a_secret_field_is_known(name: str) -> None:
    assert names_a_key(name)


@pytest.mark.parametrize("name", ["max_tokens", "stop_token_ids", "key_points", "tokenizer", "monkey", "author"])
def test_another_name_is_not_taken_for_one(name: str) -> None:
    assert not names_a_key(name)


@pytest.mark.parametrize(
    ("backend", "setting", "value"),
    [
        ("transformers", "system_prompt", f"Log in with {KEYS[2]}."),
        ("transformers", "chat_options", {"access_token": "hunter2"}),
        ("diffusers", "negative_prompt", KEYS[0]),
        ("diffusers", "arguments", {"use_auth_token": "hunter2"}),
        ("transformers-audio", "arguments", {"voice": KEYS[3]}),
    ],
)
def test_no_backend_keeps_a_key_in_its_settings(backend: str, setting: str, value: object) -> None:
    with pytest.raises(SettingsError) as refused:
        get_backend(backend).validate({"model": "/models/toy", setting: value})
    assert set(refused.value.problems) == {setting}
    assert "a token of the hub is the secret huggingface" in refused.value.problems[setting]
    assert not [key for key in (*KEYS, "hunter2") if key in str(refused.value)]


def test_long_texts_are_searched_quickly() -> None:
    began = time.perf_counter()
    for text in ("sk-" * 10_000, "bearer " * 5_000, "basic " * 5_000, "eyJ" * 10_000, "a" * 32_000):
        assert not holds_a_key(text)
    assert time.perf_counter() - began < 1
