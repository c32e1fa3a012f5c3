"""How the C library treats memory that is freed."""

import ctypes
import os

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""
KEPT = 256 << 20
"""Bytes of freed memory that are kept, of the many more that a process has where they matter."""
LARGEST_KEPT_BLOCK = 32 << 20
"""The most that glibc lets this threshold grow to by itself; larger blocks come from the system and go back to it."""


def keep_freed_memory() -> bool:
    """Let freed memory be kept for what is allocated next, and say whether this was done.

    A training step allocates and frees the same blocks again and again. glibc gives the free end of its heap back to
    the system as soon as it is longer than a threshold, twice the largest block freed so far; the next step takes the
    same pages again, each by a page fault. Numbers do not change by this: torch aligns every tensor alike.

    Only of glibc, and not where the environment says what is wanted. Source: mallopt(3), M_TRIM_THRESHOLD.
    """
    is_chosen = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    mallopt = None if is_chosen or os.name != "posix" else getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BLOCK) and mallopt(M_TRIM_THRESHOLD, KEPT))
