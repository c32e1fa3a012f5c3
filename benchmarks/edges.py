"""The largest and the smallest.

Tables and arrays of many rows, columns, classes and words, and numbers at the ends of what a computer holds, each
trained on for an epoch in a process of its own by `pellucid train`: whether it is handled, as its test metric says, or
refused, with the first line of what it says; the seconds from start to end; and the most memory the process had
resident. What is small, whether it is right as well, is asked by `tests/test_edges.py`.

    python -m benchmarks.edges [CASE ...]
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
from numpy.typing import NDArray

from benchmarks.measure import table

_LOOKS = 0.05
"""Seconds between two looks at the memory."""


def _rows(place: Path) -> Path:
    return _csv(place, _normal(1_000_000, 10))


def _columns(place: Path) -> Path:
    inputs, classes = _shifted()
    return _csv(place, inputs.round(3), classes)


def _array_of_columns(place: Path) -> Path:
    return _npz(place, *_shifted())


def _shifted() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return rows of 100,000 columns, each of which tells a little of the class."""
    classes = np.arange(300) % 2 > 0
    return (_normal(300, 100_000) + 0.1 * classes[:, None]).astype(np.float32), classes


def _classes(place: Path) -> Path:
    """10,000 classes of ten samples each, told apart by the digits of their number."""
    number = np.arange(100_000) % 10_000
    digits = np.stack([number // 10**place_value % 10 for place_value in range(4)], 1)
    inputs = (digits[:, :, None] == np.arange(10)).reshape(len(number), 40).astype(np.float32)
    return _npz(place, inputs, number)


def _words(place: Path) -> Path:
    """A column of 100,000 words, of which each stands in two rows, beside one that tells the class."""
    random = np.random.default_rng(0)
    told = random.normal(size=200_000).astype(np.float32)
    words = np.char.add("w", (np.arange(200_000) % 100_000).astype(str))
    frame = pl.DataFrame({"word": words, "told": told, "y": np.where(told > 0, "a", "b")})
    return _written(place, frame)


def _zero(place: Path) -> Path:
    return _written(place, pl.DataFrame({"a": np.zeros(1000), "y": np.zeros(1000)}))


def _one_row(place: Path) -> Path:
    return _written(place, pl.DataFrame({"a": [1.0], "y": ["a"]}))


def _tiny(place: Path) -> Path:
    return _csv(place, np.random.default_rng(0).normal(size=(1000, 10)) * 1e-300)


def _huge(place: Path) -> Path:
    return _csv(place, np.random.default_rng(0).normal(size=(1000, 10)) * 1e300)


def _offset(place: Path) -> Path:
    inputs = np.random.default_rng(0).normal(size=(1000, 10))
    return _npz(place, 1e12 + inputs, inputs[:, 0] > 0)


CASES: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "10⁶ rows × 10 columns, CSV": (_rows, ("--epochs", "1")),
    "300 rows × 10⁵ columns, CSV": (_columns, ("--epochs", "1")),
    "300 rows × 10⁵ columns, npz": (_array_of_columns, ("--epochs", "1")),
    "10⁴ classes × 10 samples": (_classes, ("--epochs", "3", "--task", "classification")),
    "10⁵ different words": (_words, ("--epochs", "1")),
    "all zero": (_zero, ("--epochs", "1")),
    "one row": (_one_row, ("--epochs", "1")),
    "numbers about 1e-300": (_tiny, ("--epochs", "30")),
    "numbers about 1e300": (_huge, ("--epochs", "30")),
    "1e12 plus numbers about 1": (_offset, ("--epochs", "30")),
}
"""What makes the file, and how it is trained on."""


@dataclass(frozen=True)
class Trained:
    """What came of a training; memory in bytes."""

    outcome: str
    seconds: float
    memory: int


def compare(*names: str) -> str:
    """Train on everything, or what is named, and return the table."""
    rows = []
    for name in names or CASES:
        make, options = CASES[name]
        with tempfile.TemporaryDirectory() as place:
            done = trained(Path(place), make(Path(place)), options)
        rows.append([name, done.outcome, f"{done.seconds:.1f}", f"{done.memory / 1e9:.2f}"])
    return table(["", "outcome", "seconds", "peak memory, GB"], rows)


def trained(place: Path, file: Path, options: tuple[str, ...]) -> Trained:
    """Train on a file in a process of its own, looked at from outside."""
    command = [sys.executable, "-m", "pellucid", "train", str(file), *options, "--no-report", "--threads", "1"]
    out, began, memory = place / "output", time.perf_counter(), 0
    with (
        out.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=place, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        seen = psutil.Process(process.pid)
        while process.poll() is None:
            memory = max(memory, _resident(seen))
            time.sleep(_LOOKS)
    return Trained(_outcome(out.read_text(encoding="utf-8"), process.returncode), time.perf_counter() - began, memory)


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has just come to its end
        return 0


def _outcome(said: str, status: int) -> str:
    """Return a refusal's first line, or the first metric of the test split.

    Raises:
        RuntimeError: it is neither.
    """
    if status == 2 and "Traceback" not in said:
        refusal = said[said.index("error: ") :].partition("\n")[0]
        return "refused: " + refusal.removeprefix("error: ")
    if status:
        raise RuntimeError(f"the training ended with {status}: {said[-500:]}")
    metrics = next(line for line in said.splitlines() if line.startswith("test "))
    return "handled: " + metrics.removeprefix("test").strip().partition(",")[0]


def _normal(rows: int, columns: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((rows, columns), np.float32)


def _csv(place: Path, inputs_NF: NDArray[np.floating[Any]], classes_N: NDArray[np.bool_] | None = None) -> Path:
    """Write columns of numbers, and a class that the first two tell if it is not given."""
    columns = {f"x{number}": column for number, column in enumerate(inputs_NF.T)}
    if classes_N is None:
        classes_N = inputs_NF[:, 0] > inputs_NF[:, 1]
    return _written(place, pl.DataFrame({**columns, "y": np.where(classes_N, "a", "b")}))


def _npz(place: Path, inputs: NDArray[Any], targets: NDArray[Any]) -> Path:
    file = place / "data.npz"
    np.savez(file, x=inputs, y=targets)
    return file


def _written(place: Path, frame: pl.DataFrame) -> Path:
    file = place / "data.csv"
    frame.write_csv(file)
    return file


if __name__ == "__main__":
    print(compare(*sys.argv[1:]))
