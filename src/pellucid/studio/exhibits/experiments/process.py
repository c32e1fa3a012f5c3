"""A measurement under way: a process that can be asked, and ended."""

import json
import os
import subprocess
import sys
import tempfile
import time
import weakref
from typing import IO, Any

from pellucid.errors import RunError

PROGRAM = "pellucid.studio.exhibits.experiments.measuring"


class Measurement:
    """One experiment being measured; the process ends with this object at the latest.

    Args:
        name: of the experiment.
        seeds: with how many seeds.
        seed: the first of them.
    """

    def __init__(self, name: str, seeds: int, seed: int) -> None:
        self.begun: float | None = None
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process, not as this call
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - likewise
        self.process = subprocess.Popen(  # noqa: S603 - our own program; the name is one of the catalogue's
            [sys.executable, "-m", PROGRAM, name, str(seeds), str(seed)],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.errors, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        self._finalizer = weakref.finalize(self, _end, self.process, self.output, self.errors)

    @property
    def seconds(self) -> float:
        """How long it has been going on, 0 while the process is still loading what it needs."""
        return 0.0 if self.begun is None else time.monotonic() - self.begun

    def outcome(self) -> dict[str, Any] | None:
        """Return what was measured, None while it is going on.

        Raises:
            RunError: the process failed.
        """
        status = self.process.poll()
        if status is None:
            if self.begun is None and os.fstat(self.output.fileno()).st_size:
                self.begun = time.monotonic()
            return None
        self.output.seek(0)
        self.errors.seek(0)
        written, complained = self.output.read(), self.errors.read().decode(errors="replace")
        self.stop()
        if status:
            last = complained.strip().splitlines()[-1:]
            raise RunError("the measurement failed", received=" ".join(last) or f"status {status}")
        found: dict[str, Any] = json.loads(written)
        return found

    def stop(self) -> None:
        """End the process, and wait until it is gone."""
        self._finalizer()


def _end(process: subprocess.Popen[bytes], *files: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for file in files:
        file.close()
