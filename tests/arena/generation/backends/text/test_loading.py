"""What stands between settings and a model: folders, the hub, trust, devices, optional libraries."""

from __future__ import annotations

import json
import shutil

import huggingface_hub
import pytest
import torch

from arena.generation.backends.fingerprint import fingerprint
from arena.generation.backends.protocol import Access, GenerationError, MissingLibrary, OutOfMemory, Request
from arena.generation.backends.text import loading
from arena.generation.backends.text.backend import TRANSFORMERS

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HUB = {"model": "owner/name", "revision": COMMIT}


def _load(settings, access=None, device="cpu"):
    return TRANSFORMERS.load(TRANSFORMERS.validate(settings), device, access or Access())


def _refused(settings, access=None, device="cpu"):
    with pytest.raises(GenerationError) as caught:
        _load(settings, access, device)
    return caught.value


def test_a_folder_that_is_none_is_named(tmp_path):
    error = _refused({"model": str(tmp_path / "nothing")})
    assert error.permanent
    assert "nothing is no folder with a model" in error.message


def test_weights_that_can_hold_programs_are_not_read(words, tmp_path):
    folder = shutil.copytree(words, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    error = _refused({"model": str(folder)})
    assert error.permanent
    assert "safetensors" in error.message


def test_code_that_comes_with_weights_is_not_run_unasked(words, tmp_path):
    folder = shutil.copytree(words, tmp_path / "coded")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "homemade", "auto_map": {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.OwnModel"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text("raise SystemExit('this code ran')")
    error = _refused({"model": str(folder)})
    assert error.permanent
    assert "turn on trust_remote_code" in error.message


def test_trust_in_code_needs_the_consent_of_the_installation(words):
    error = _refused({"model": str(words), "trust_remote_code": True})
    assert error.permanent
    assert "this installation does not allow" in error.message
    assert _load({"model": str(words), "trust_remote_code": True}, Access(remote_code=True)).memory_bytes > 0


def test_quantisation_without_its_library_says_what_to_install(words, monkeypatch):
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    error = _refused({"model": str(words), "quantisation": "4bit"})
    assert isinstance(error, MissingLibrary)
    assert "pip install bitsandbytes accelerate" in error.message


def test_a_device_that_is_not_there_may_be_there_later(words):
    error = _refused({"model": str(words)}, device="cuda:7")
    assert not error.permanent
    assert "cuda:7" in error.message


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_weights_that_do_not_fit_let_the_worker_make_room(words, monkeypatch, error):
    def full(*given, **settings):
        raise error

    monkeypatch.setattr(loading.AutoModelForCausalLM, "from_pretrained", full)
    assert isinstance(_refused({"model": str(words)}), OutOfMemory)


def test_the_weights_of_a_folder_are_told_by_their_fingerprint(words):
    (result,) = _load({"model": str(words), "max_new_tokens": 2}).generate([Request("the", 1)])
    assert result.library_versions["weights"] == fingerprint(words)


def test_a_model_that_sees_takes_no_continuous_batches(seeing):
    error = _refused({"model": str(seeing), "batching": "continuous"})
    assert error.permanent
    assert "static batches only" in error.message


def test_a_hub_model_is_fetched_once_at_its_commit_and_only_in_safe_formats(words, tmp_path, monkeypatch):
    snapshot = shutil.copytree(words, tmp_path / COMMIT)
    asked = []
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda model, **how: asked.append((model, how)) or str(snapshot)
    )
    (result,) = _load(HUB | {"max_new_tokens": 2}, Access(secrets={"huggingface": "hf_x"})).generate(
        [Request("the", 1)]
    )
    ((model, how),) = asked
    assert (model, how["revision"], how["token"]) == ("owner/name", COMMIT, "hf_x")
    assert not any(pattern.endswith((".bin", ".py")) for pattern in how["allow_patterns"])
    assert result.library_versions["weights"] == COMMIT
    assert "hf_x" not in repr(result)
