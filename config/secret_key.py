"""The secret of an embedded installation: made once, kept beside its data, readable by its owner only."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def embedded_secret_key(path: Path) -> str:
    """Read the key at `path`, making it first where there is none. Two processes that start at once get the same."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="ascii") as draft:  # created with mode 0600
            draft.write(secrets.token_urlsafe(50))
            draft.flush()
            with suppress(FileExistsError):
                os.link(draft.name, path)
    return path.read_text(encoding="ascii")
