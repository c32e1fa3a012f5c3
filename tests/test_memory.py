"""Freed memory is kept for what is allocated next, or given back."""

import ctypes
import os
import subprocess
import sys

import pytest

FREED = """
import ctypes
import sys
from pathlib import Path

from pellucid.memory import keep_freed_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096


if sys.argv[1] == "keep":
    print(keep_freed_memory())
before = resident()
blocks = [libc.malloc(1 << 20) for _ in range(64)]
for block in blocks:
    ctypes.memset(block, 1, 1 << 20)
for block in reversed(blocks):
    libc.free(block)
print(resident() - before)
"""
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}

needs_mallopt = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc"
)


def _run(how: str, **settings: str) -> list[str]:
    command = [sys.executable, "-c", FREED, how]
    return subprocess.run(command, env=PLAIN | settings, check=True, capture_output=True, text=True).stdout.split()


@needs_mallopt
def test_freed_memory_is_kept() -> None:
    kept, left = _run("keep")
    [usual] = _run("leave")
    assert kept == "True"
    assert int(left) > 60 << 20  # of 64 MiB
    assert int(usual) < 16 << 20


@needs_mallopt
def test_what_the_environment_says_stays() -> None:
    assert _run("keep", MALLOC_TOP_PAD_="1024")[0] == "False"
    assert _run("keep", GLIBC_TUNABLES="glibc.malloc.check=0")[0] == "False"
