"""Reading files that an import names: ordinary ones inside its folder, and no other."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ranking.engines.fields import shown

# A named pipe would be waited for, a symbolic link put there meanwhile followed.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class UnusableFile(Exception):
    """The file cannot be read or must not be. The message names it and says why."""


def read_inside(root: Path, name: str, *, most: int) -> bytes:
    """The contents of the file `name` below `root`, of 1 to `most` bytes. Raises `UnusableFile`.

    Symbolic links are followed as long as they stay inside.
    """
    if "\x00" in name:
        raise UnusableFile(f"{shown(name)} holds a NUL, which no file name does")
    if Path(name).is_absolute():
        raise UnusableFile(f"{shown(name)} is an absolute path; media is named relative to the file that names it")
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root.resolve()):
            raise UnusableFile(f"{shown(name)} leads out of the folder")
        descriptor = os.open(path, _FLAGS)
    except (OSError, RuntimeError) as error:  # RuntimeError: symbolic links that go round in a circle
        raise UnusableFile(f"{shown(name)} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    try:
        _check(name, os.fstat(descriptor), most)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(descriptor)
    if not 0 < len(content) <= most:
        raise UnusableFile(f"{shown(name)} changed while it was read")
    return content


def _check(name: str, status: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnusableFile(f"{shown(name)} is no ordinary file")
    if status.st_size == 0:
        raise UnusableFile(f"{shown(name)} is empty")
    if status.st_size > most:
        raise UnusableFile(f"{shown(name)} has {status.st_size} bytes; at most {most} are read")
