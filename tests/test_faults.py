"""Real faults in the middle of writing: one clear message, and the run goes on to the bytes it would have had."""

import os
import sys

import pytest

from benchmarks.faults import FAULTS, MOMENTS, tried

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts a disk, as only root may on Linux"),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_and_the_last_good_state_stays(fault: str) -> None:
    cases = tried(fault)
    assert [case.moment for case in cases] == list(MOMENTS)
    assert [case for case in cases if case.lost] == []
    takes_the_run = fault.startswith("folder")
    begun = [case for case in cases if case.moment not in {"the first file", "what was asked"}]
    assert all(case.ended == ("gone" if takes_the_run else "same") for case in begun if not case.unhurt)
