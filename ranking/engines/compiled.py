"""Compilation of the numeric loops, kept on disk so that only the first run on a machine pays for it.

The cache lies beside the source or, where that folder is read-only, in the user's cache folder (numba's own rule;
`NUMBA_CACHE_DIR` overrides it). Where neither can be written the loops still work and are compiled in each process.

They let other threads run meanwhile, so that a long fit does not hold up a page. Nothing but their caller may write to
the arrays that they are given.

Functions that call each other stay in one module: the cache of a caller does not notice a change in another file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(function: Loop) -> Loop:
    """Compile `function` on first call, through the cache where there is one."""
    try:
        return cast(Loop, njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # numba's "no locator available": no folder for the cache can be written
        return cast(Loop, njit(nogil=True, error_model="numpy")(function))
