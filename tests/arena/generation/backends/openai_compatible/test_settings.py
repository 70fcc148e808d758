"""Settings of a contestant on a server."""

from __future__ import annotations

import pytest

from arena.generation.backends.openai_compatible.backend import OPENAI_COMPATIBLE
from arena.generation.backends.protocol import Access, GenerationError, SettingsError

GOOD = {"base_url": "https://api.example.org/v1/", "model": "toy"}


def _problems(**settings: object) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        OPENAI_COMPATIBLE.validate(GOOD | settings)
    return caught.value.problems


def test_an_address_and_a_model_are_enough():
    settings = OPENAI_COMPATIBLE.validate(GOOD)
    assert (settings.base_url, settings.task, settings.send_seed) == ("https://api.example.org/v1", "chat", True)
    assert (OPENAI_COMPATIBLE.remote, OPENAI_COMPATIBLE.reproducible) == (True, False)


def test_every_bad_key_is_named():
    problems = _problems(base_url="api.example.org", temperature=3, retries=-1, concurrency="8", colour="red")
    assert set(problems) == {"base_url", "temperature", "retries", "concurrency", "colour"}
    assert problems["base_url"].startswith("is no address of the form http(s)://")
    assert _problems(base_url="https://api.example.org/v1?key=1")["base_url"].startswith("must end before the `?`")


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abc",
        "Bearer abc",
        "hf_abcdefghijklmnopqrst",
        "gsk_4fjq8Xcd01Fj3kd9Sj2k",
        "8f14e45fceea167a5a36dedd4bea2543",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6",
    ],
)
def test_a_key_is_not_taken_for_the_name_of_one(key: str):
    with pytest.raises(SettingsError) as caught:
        OPENAI_COMPATIBLE.validate(GOOD | {"key": key})
    assert caught.value.problems["key"].startswith("looks like a key itself; write the name of a secret")
    told = f"{caught.value} {caught.value.problems} {caught.value.__cause__}"
    assert key not in told


@pytest.mark.parametrize("key", ["openai", "hf-inference-endpoint-2", "my_vllm_server_in_the_cellar"])
def test_a_name_is_not_taken_for_a_key(key: str):
    assert OPENAI_COMPATIBLE.validate(GOOD | {"key": key}).key == key


@pytest.mark.parametrize("key", ["", "a b", "schlüssel", "x" * 65])
def test_a_name_is_letters_and_digits(key: str):
    assert _problems(key=key)["key"].startswith("is no name of letters")


def test_what_the_task_has_no_use_for_is_refused_and_not_ignored():
    assert _problems(size="512x512") == {"size": "has no meaning for the task 'chat'"}
    assert set(_problems(task="image", system_prompt="be brief", stop=["x"], include_usage=False)) == {
        "system_prompt",
        "stop",
        "include_usage",
    }
    assert OPENAI_COMPATIBLE.validate(GOOD | {"task": "image", "size": "auto", "response_format": None}).size == "auto"
    assert "neither auto nor" in _problems(task="image", size="huge")["size"]


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"model": "x"}, "`model`, which is a setting of its own"),
        ({"temperature": 0}, "`temperature`, which is a setting"),
        ({"messages": []}, "`messages`, which the backend writes"),
        ({"stream": False}, "`stream`, which the backend"),
        ({"seed": 1}, "`seed`, which the backend"),
        ({"deep": [float("nan")]}, "a number that JSON does not have"),
        ({"text": "x" * 20_000}, "longer than 16384 bytes"),
        ({"deep": [{"token": "sk-abc"}]}, "looks like a key"),
    ],
)
def test_extra_fields_cannot_replace_the_request(extra: dict[str, object], reason: str):
    assert reason in _problems(extra=extra)["extra"]


ADVICE = "write the name of a secret of this installation into `key` (GENERATION_SECRET_OPENAI is named openai)"
SECRET = "hunter2-Xk39fQ"
BASIC = "Basic dXNlcjpwYXNz"


@pytest.mark.parametrize(
    "extra",
    [
        {"api_key": SECRET},
        {"Authorization": SECRET},
        {"headers": {"Authorization": BASIC}},
        {"headers": {"X-Api-Key": [SECRET]}},
        {"headers": [f"x-api-key: {SECRET}"]},
        {"extra_headers": ["authorization:" + SECRET]},
        {"deep": [{"er": BASIC}]},
        {"deep": f"Bearer {SECRET}"},
        {"deep": {"sk-proj-ABCDEFGH12345678abcdefgh": 1}},
        {"vendor": {"clientSecret": SECRET, "password": SECRET}},
    ],
    ids=str,
)
def test_a_key_in_the_extra_fields_is_refused_and_not_repeated(extra: dict[str, object]):
    with pytest.raises(SettingsError) as caught:
        OPENAI_COMPATIBLE.validate(GOOD | {"extra": extra})
    (reason,) = caught.value.problems.values()
    assert set(caught.value.problems) == {"extra"}
    assert "holds what looks like a key" in reason
    assert reason.endswith(ADVICE)
    told = f"{caught.value} {caught.value.__cause__}"
    assert not [part for part in (SECRET, BASIC, "ABCDEFGH12345678") if part in told]


@pytest.mark.parametrize(
    "extra",
    [
        {"guided": {"json_schema": {"properties": {"password": {"type": "string"}, "token": {}}}}},
        {"stop_token_ids": [1, 2], "min_tokens": 3, "add_special_tokens": True},
        {"guided_choice": ["basic English", "token"]},
        {"lora": "models/llama-v3p1-405b"},
    ],
    ids=str,
)
def test_other_extra_fields_are_not_taken_for_keys(extra: dict[str, object]):
    assert OPENAI_COMPATIBLE.validate(GOOD | {"extra": extra}).extra == extra


@pytest.mark.parametrize(
    "base_url",
    [
        "https://user:hunter2-Xk39fQ@api.example.org/v1",
        "https://hunter2-Xk39fQ@api.example.org/v1",
        "https://api.example.org/v1?api_key=hunter2-Xk39fQ",
        "https://api.example.org/api_key=hunter2-Xk39fQ/v1",
        "https://api.example.org/v1;token=hunter2-Xk39fQ",
        "https://api.example.org/sk-proj-hunter2-Xk39fQABCDEFGH/v1",
        "https://api.example.org/0123456789abcdef0123456789abcdef/v1",
    ],
)
def test_a_key_in_the_address_is_refused_and_not_repeated(base_url: str):
    with pytest.raises(SettingsError) as caught:
        OPENAI_COMPATIBLE.validate(GOOD | {"base_url": base_url})
    told = f"{caught.value} {caught.value.__cause__}"
    assert set(caught.value.problems) == {"base_url"}
    assert "key" in caught.value.problems["base_url"]
    assert not [part for part in ("hunter2", "Xk39fQ", "0123456789") if part in told]


@pytest.mark.parametrize(
    "base_url",
    [
        "https://x7k2m9q4w8e1r5t3x7k2m9q4.endpoints.example.org/v1",
        "https://team.example.org/openai/deployments/gpt-4o-mini-transcribe-2025-12-15",
        "https://api.example.org/v2/3f2b8c1e-1111-4222-8333-0123456789ab/openai/v1",
    ],
)
def test_names_in_an_address_are_not_taken_for_keys(base_url: str):
    assert OPENAI_COMPATIBLE.validate(GOOD | {"base_url": base_url}).base_url == base_url


@pytest.mark.parametrize("setting", ["model", "system_prompt", "stop", "api_key", "sk-proj-ABCDEFGH12345678abcdefgh"])
def test_a_key_in_any_other_setting_is_refused_and_not_repeated(setting: str):
    key = "sk-proj-ABCDEFGH12345678abcdefgh"
    given = {"stop": ["a", key], "system_prompt": f"Call it with {key}, please."}.get(setting, key)
    with pytest.raises(SettingsError) as caught:
        OPENAI_COMPATIBLE.validate(GOOD | {setting: given})
    (problem,) = caught.value.problems.items()
    assert problem[0] == setting.replace(key, "***")
    assert problem[1].endswith(ADVICE)
    assert key not in f"{caught.value} {caught.value.__cause__}"


def test_whoever_saves_is_told_whom_prompts_and_keys_are_sent_to():
    public = OPENAI_COMPATIBLE.validate(GOOD | {"key": "openai"})
    assert OPENAI_COMPATIBLE.warnings(public) == [
        "Prompts, and pictures that belong to them, are sent to api.example.org.",
        "The secret 'openai' is sent to api.example.org.",
    ]
    private = OPENAI_COMPATIBLE.validate(GOOD | {"base_url": "http://box:8000/v1"})
    assert "unencrypted" in OPENAI_COMPATIBLE.warnings(private)[1]


def test_loading_needs_the_host_and_the_secret_and_no_server():
    settings = OPENAI_COMPATIBLE.validate(GOOD | {"key": "openai"})
    hosts = {"api.example.org": False}
    for access, reason in [
        (Access(secrets={"openai": "x"}), "not among the servers"),
        (Access(hosts=hosts), "there is no secret named 'openai'; set GENERATION_SECRET_OPENAI"),
        (Access(hosts=hosts, secrets={"openai": "two words"}), "the secret 'openai' is empty, or holds a space"),
        (Access(hosts=hosts, secrets={"openai": "line\nbreak"}), "the secret 'openai' is empty, or holds a space"),
    ]:
        with pytest.raises(GenerationError, match=reason) as caught:
            OPENAI_COMPATIBLE.load(settings, "cpu", access)
        assert caught.value.permanent
    loaded = OPENAI_COMPATIBLE.load(settings, "cpu", Access(hosts=hosts, secrets={"openai": "good-key\n"}))
    assert (loaded.batch_size, loaded.memory_bytes) == (8, 0)
