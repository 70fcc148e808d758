"""What a folder of weights held, in a few bytes: kept with every output that was made with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

WHOLE = 2**20  # bytes; files up to this size are read whole
_SAMPLES, _SAMPLE = (
    16,
    2**16,
)  # of larger ones so many parts of so many bytes are read, the first and the last among them


def fingerprint(folder: Path) -> str:
    """`sha256:` and 64 digits, of the names and sizes of all files, the small ones' contents, and parts of the others.

    Training changes nearly every byte of the weights, so parts tell; reading many gigabytes would cost as much as
    loading them. Hidden files and folders (`.git`, `.cache`) do not count.
    """
    whole = hashlib.sha256()
    for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in _files(folder)):
        size = path.stat().st_size
        whole.update(f"{len(name)} {name} {size} ".encode("utf-8", "surrogateescape"))
        with path.open("rb") as file:
            if size <= WHOLE:
                whole.update(file.read())
                continue
            for part in range(_SAMPLES):
                file.seek((size - _SAMPLE) * part // (_SAMPLES - 1))
                whole.update(file.read(_SAMPLE))
    return f"sha256:{whole.hexdigest()}"


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file():
            yield path
