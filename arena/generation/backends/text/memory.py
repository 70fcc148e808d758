"""Telling too little memory from other errors."""

from __future__ import annotations

import torch


def is_out_of_memory(error: Exception) -> bool:
    """Torch has a class for it on a GPU and a sentence for it on a CPU."""
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "not enough memory" in str(error).lower()
        or ("can't allocate memory" in str(error))
    )
