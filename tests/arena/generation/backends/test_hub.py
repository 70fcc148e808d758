"""Models of the hub: which secret they are asked for with, and what is said when they cannot be had."""

from __future__ import annotations

from pathlib import Path

import httpx2
import huggingface_hub
import pytest
from diffusers import DiffusionPipeline
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from arena.generation.backends.diffusion.backend import DIFFUSERS
from arena.generation.backends.hub import ModelForm, snapshot
from arena.generation.backends.protocol import NO_ACCESS, Access, GenerationError
from arena.generation.backends.registry import get_backend

COMMIT = "c0ffee" + 34 * "0"
MODEL = ModelForm(model="owner/name", revision=COMMIT)


def answer(status: int) -> httpx2.Response:
    return httpx2.Response(status, request=httpx2.Request("GET", "https://hub.test/owner/name"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the hub was last asked for. It gives the folder `/snapshots/c0ffee`."""
    seen: dict[str, object] = {}

    def download(model: str, **given: object) -> str:
        seen.update(given, model=model)
        return "/snapshots/c0ffee"

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return seen


def test_a_snapshot_is_pinned_and_knows_its_commit(asked):
    files = snapshot(MODEL, NO_ACCESS, ["*.safetensors"], ["onnx/*"])
    assert (files.folder, files.weights) == (Path("/snapshots/c0ffee"), "c0ffee")
    assert asked == {
        "model": "owner/name",
        "revision": COMMIT,
        "token": False,
        "allow_patterns": ["*.safetensors"],
        "ignore_patterns": ["onnx/*"],
    }


def test_the_secret_is_used_and_no_other_login(asked):
    snapshot(MODEL, Access(secrets={"huggingface": "hf_x"}), ["*"])
    assert asked["token"] == "hf_x"
    snapshot(MODEL, Access(secrets={"openai": "sk"}), ["*"])
    assert asked["token"] is False


FAILURES = [
    (GatedRepoError("no", response=answer(403)), "is gated and the secret 'huggingface' is needed", True),
    (RepositoryNotFoundError("no", response=answer(404)), "the hub has no model owner/name", True),
    (RevisionNotFoundError("no", response=answer(404)), "has no revision c0ffee", True),
    (HfHubHTTPError("teapot", response=answer(418)), "does not give owner/name at " + COMMIT + ": teapot", True),
    (HfHubHTTPError("busy", response=answer(503)), "does not give owner/name at " + COMMIT + ": busy", False),
    (HfHubHTTPError("slow down", response=answer(429)), "slow down", False),
    (LocalEntryNotFoundError("gone"), "cannot be reached", False),
    (OfflineModeIsEnabled("offline"), "cannot be reached", False),
    (httpx2.ConnectError("refused"), "cannot be reached: refused", False),
    (OSError("no space left"), "cannot be fetched: no space left", False),
]


@pytest.mark.parametrize(("error", "message", "permanent"), FAILURES, ids=[type(each[0]).__name__ for each in FAILURES])
@pytest.mark.parametrize("backend", ["diffusers", "transformers", "transformers-audio"])
def test_why_a_model_cannot_be_had_is_said_with_what_to_do(monkeypatch, backend, error, message, permanent):
    def fail(*args: object, **given: object) -> str:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    monkeypatch.setattr(DiffusionPipeline, "download", fail)
    chosen = get_backend(backend)
    with pytest.raises(GenerationError) as refused:
        chosen.load(chosen.validate({"model": "owner/name", "revision": COMMIT}), "cpu")
    assert message in refused.value.message
    assert refused.value.permanent is permanent


def test_diffusers_asks_for_safetensors_of_the_pinned_revision_and_for_no_code(monkeypatch, tmp_path):
    seen: dict[str, object] = {}

    def download(model: str, **given: object) -> str:
        seen.update(given, model=model)
        return str(tmp_path)

    monkeypatch.setattr(DiffusionPipeline, "download", download)
    with pytest.raises(GenerationError, match="cannot be loaded"):  # nothing lies there
        DIFFUSERS.load(
            DIFFUSERS.validate({"model": "owner/name", "revision": COMMIT, "variant": "fp16"}),
            "cpu",
            Access(secrets={"huggingface": "hf_x"}),
        )
    assert seen == {
        "model": "owner/name",
        "revision": COMMIT,
        "variant": "fp16",
        "token": "hf_x",
        "use_safetensors": True,
        "trust_remote_code": False,
    }
