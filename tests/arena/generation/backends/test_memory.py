"""Too little memory is known by every form in which libraries say it."""

from __future__ import annotations

import errno

import pytest
import torch

from arena.generation.backends.batching import run
from arena.generation.backends.memory import needing_memory
from arena.generation.backends.painter.backend import PAINTER
from arena.generation.backends.painter.studio import Studio
from arena.generation.backends.protocol import OutOfMemory, Request

FORMS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried to"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] data. DefaultCPUAllocator: not enough memory: you tried to"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    RuntimeError("std::bad_alloc"),
    MemoryError(),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]
OTHERS = [RuntimeError("shapes do not match"), ValueError("out of memory"), OSError(errno.ENOENT, "no such file")]


@pytest.mark.parametrize("error", FORMS, ids=lambda error: f"{type(error).__name__}: {str(error)[-24:]}")
def test_each_form_is_known(error: Exception) -> None:
    with (
        pytest.raises(OutOfMemory, match="cpu has too little free memory for 3 at once"),
        needing_memory("cpu", "3 at once"),
    ):
        raise error


@pytest.mark.parametrize("error", OTHERS, ids=lambda error: str(error))
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, needing_memory("cpu", "3 at once"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("error", FORMS, ids=lambda error: f"{type(error).__name__}: {str(error)[-24:]}")
def test_a_painter_halves_its_batch_at_each_form(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    studio = PAINTER.load(PAINTER.validate({"hand": 3}), "cpu")
    paint = Studio._pixels

    def scarce(self: Studio, requests: list[Request]):
        if len(requests) > 1:
            raise error
        return paint(self, requests)

    monkeypatch.setattr(Studio, "batch_size", 2)
    monkeypatch.setattr(Studio, "_pixels", scarce)
    outcomes, size = run(studio, [Request("a boat", 1), Request("a fox", 2)])
    assert size == 1
    assert all(not isinstance(outcome, Exception) for outcome in outcomes)
