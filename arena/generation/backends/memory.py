"""Telling too little memory from other errors, whichever library ran out of it. Imports nothing heavy."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from arena.generation.backends.protocol import OutOfMemory

# Torch has a class for a GPU and a sentence for a CPU; CUDA's libraries, the C++ runtime and the system have others.
_SAID = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "defaultcpuallocator",
    "bad_alloc",
    "status_alloc_failed",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was too little: of a device or of the machine, by class, number or words."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError | OSError) and any(words in said for words in _SAID)


@contextmanager
def needing_memory(device: object, purpose: str) -> Iterator[None]:
    """Raises `OutOfMemory`, on which the worker halves a batch or makes room, for every form of too little memory."""
    try:
        yield
    except (RuntimeError, MemoryError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"{device} has too little free memory for {purpose}") from error
