"""A long run stays flat.

A training of many short epochs, watched and saved as by default, in a process of its own, looked at from outside: its
resident memory, open files and threads, and the size of its record, at four moments of its epochs. A record holds
about 1,000 steps whatever the length of the training, and one line an epoch, so that it grows with epochs alone.

    python -m benchmarks.long_run [EPOCHS]
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.measure import table

EPOCHS = 20_000
LOOKS = 40
TRAINING = ["train", "iris", "--network", "mlp(16)", "--threads", "1", "--no-report"]


@dataclass(frozen=True)
class Look:
    """What a training uses after so many epochs; memory and record in bytes."""

    epochs: int
    memory: int
    files: int
    threads: int
    record: int


def compare(epochs: int = EPOCHS) -> str:
    """Train so long and return the table."""
    looks = list(watched(epochs))
    chosen = [looks[min(len(looks) - 1, round(len(looks) * part))] for part in (0.25, 0.5, 0.75, 1)]
    rows = [
        [f"{k.epochs:,}", f"{k.memory / 1e6:.1f}", str(k.files), str(k.threads), f"{k.record / 1e6:.2f}"]
        for k in chosen
    ]
    return table(["epochs", "memory, MB", "open files", "threads", "record, MB"], rows)


def watched(epochs: int) -> Iterator[Look]:
    """Train so many epochs in a process of its own, and look at it some 40 times: by its epochs, not by the clock."""
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "runs" / "long"
        command = [sys.executable, "-m", "pellucid", *TRAINING, "--epochs", str(epochs), "--name", "long"]
        with subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=place, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL
        ) as process:
            seen, due = psutil.Process(process.pid), 1
            while process.poll() is None:
                time.sleep(0.02)
                done = _lines(run / "timing.jsonl") - 1
                if due <= done < epochs:  # what is judged and told at the end is not the training
                    yield _look(seen, run, done)
                    due = done + epochs // LOOKS
            if process.returncode:
                raise RuntimeError(f"the training ended with {process.returncode}")


def _look(process: psutil.Process, run: Path, epochs: int) -> Look:
    record = (run / "record.jsonl").stat().st_size
    return Look(epochs, process.memory_info().rss, process.num_fds(), process.num_threads(), record)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


if __name__ == "__main__":
    print(compare(*map(int, sys.argv[1:])))
