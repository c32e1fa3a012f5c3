"""A training of many epochs uses no more at its end than in its middle."""

import sys

import pytest

from benchmarks.long_run import watched

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")]


def test_memory_files_and_threads_stay_flat() -> None:
    looks = list(watched(3_000))
    half = looks[len(looks) // 2 :]
    assert len(half) > 3
    first, last = half[0], half[-1]
    grown, epochs = last.memory - first.memory, last.epochs - first.epochs
    assert grown / epochs < 2_000  # measured: 400 bytes an epoch, its figures among them
    earlier, later = half[: len(half) // 2], half[len(half) // 2 :]
    # the fewest of several looks: at some, a file is being written just now
    assert min(look.files for look in later) == min(look.files for look in earlier)
    assert min(look.threads for look in later) == min(look.threads for look in earlier)
    assert (last.record - first.record) / epochs < 1_000  # a line an epoch, and steps between
