"""The devices torch can use here. Torch is imported by the functions, so importing this module costs nothing."""

from __future__ import annotations

import os


def best_device() -> str:
    """`cuda` where torch sees a GPU, else `cpu`."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def share_cores(workers: int) -> None:
    """Let `workers` threads run torch side by side on the CPU without fighting over its cores.

    Torch splits each operation over all cores by default; two workers that both do so are slower than one.
    """
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
