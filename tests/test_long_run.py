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
    assert last.memory - first.memory < 5e6  # measured: 0.6 MB in 1,200 epochs
    assert (last.files, last.threads) == (first.files, first.threads)
    assert (last.record - first.record) / (last.epochs - first.epochs) < 1_000  # a line an epoch, and steps between
