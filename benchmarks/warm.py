"""Runs `pellucid diagnose` many times from one process that has torch loaded, each in a fork of it.

`python -m benchmarks.warm` reads one JSON object a line (`arguments` of the command line, `environment`, files for
`stdout`, `stderr` and for `seen`, what the observer saw, and `seconds` allowed) and answers each with its exit status.
A fork of a process that has computed nothing yet is as good as a fresh one, and saves the seconds that imports take.
"""

import contextlib
import io
import json
import os
import pickle
import signal
import sys
import time
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import sklearn.datasets
import sklearn.model_selection
import sklearn.preprocessing  # noqa: F401
import torch
from torch import nn
from torch.utils import data  # noqa: F401

import pellucid.report.findings  # noqa: F401
from pellucid.cli import main
from pellucid.diagnosis import Diagnosis, Watch


class _Pickler(pickle.Pickler):
    """Leaves out what only lives in the script: its modules, references to them, its functions."""

    def reducer_override(self, obj: Any) -> Any:
        """Put None in the place of a module, of a reference, or of an object whose class is the script's own."""
        if isinstance(obj, weakref.ReferenceType):
            return partial, (type(None),)  # as a reference to what is gone: None, when it is called
        if isinstance(obj, nn.Module | torch.optim.Optimizer) or type(obj).__module__ == "__main__":
            return type(None), ()
        return NotImplemented


def serve() -> None:
    """Answer each line of standard input, until there are no more."""
    for line in iter(sys.stdin.readline, ""):
        job = json.loads(line)
        child = os.fork()
        if not child:
            _become(job)
            main(job["arguments"])
        print(json.dumps({"status": _wait(child, job["seconds"])}), flush=True)


def _wait(child: int, seconds: float) -> int:
    """Return a child's exit status; one that takes too long is killed."""
    ends = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > ends:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)


def _become(job: dict[str, Any]) -> None:
    """Make this fork what a fresh process is: its own streams, variables and working folder."""
    for number, path, mode in ((0, os.devnull, os.O_RDONLY), (1, job["stdout"], None), (2, job["stderr"], None)):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC if mode is None else mode
        os.dup2(os.open(path, flags, 0o644), number)
    os.environ.update(job["environment"])
    os.chdir(job["folder"])
    sys.argv = ["pellucid", *job["arguments"]]
    _keep_what_is_seen(Path(job["seen"]))


def _keep_what_is_seen(path: Path) -> None:
    diagnose: Callable[[Watch], Diagnosis] = Watch.diagnosis

    def diagnosis(self: Watch) -> Diagnosis:
        found = diagnose(self)
        buffer = io.BytesIO()
        with contextlib.suppress(pickle.PicklingError, AttributeError, TypeError, RuntimeError):
            _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(self.seen)
            path.write_bytes(buffer.getvalue())
        return found

    Watch.diagnosis = diagnosis  # type: ignore[method-assign]


if __name__ == "__main__":
    serve()
