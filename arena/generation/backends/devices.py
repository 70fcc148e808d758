"""The devices torch can use here. Torch is imported by the functions, so importing this module costs nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from arena.generation.backends.protocol import GenerationError

if TYPE_CHECKING:
    import torch


def best_device() -> str:
    """`cuda` where torch sees a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def usable_device(name: str) -> torch.device:
    """The device called `name`, tried with an empty tensor; `GenerationError` if there is none."""
    import torch

    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA asserts
        raise GenerationError(f"cannot use device {name!r}: {error}", permanent=False) from error
    return device


def batch_size(asked: int | None, device: torch.device, *, gpu: int, cpu: int = 1) -> int:
    """Requests at once: what the settings ask for, or what suits the kind of device."""
    return asked or (cpu if device.type == "cpu" else gpu)


def weights_bytes(parts: Iterable[torch.nn.Module]) -> int:
    """Memory that the parameters and buffers of these modules take."""
    return sum(weights.nbytes for part in parts for weights in (*part.parameters(), *part.buffers()))


def share_cores(workers: int) -> None:
    """Let `workers` threads run torch side by side on the CPU without fighting over its cores.

    Torch splits each operation over all cores by default; two workers that both do so are slower than one.
    """
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))


def memory_for_contestants(device: str, workers: int) -> int:
    """Bytes that the loaded contestants of one of `workers` on this device may hold together: four fifths of a GPU's
    memory, half of the machine's on a CPU.
    """
    if device.startswith("cuda"):
        import torch

        total: int = torch.cuda.get_device_properties(device).total_memory
        return total * 4 // 5
    import psutil

    return int(psutil.virtual_memory().total) // 2 // workers
