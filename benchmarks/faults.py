"""Faults at every moment of writing.

A training is struck by a real fault at the moment it opens a file for writing: a disk (a small tmpfs) filled to the
last byte, the right to write taken, its folder deleted or replaced by a file, all but 4 MiB of the memory a process may
have used up, Python's clock moved a year back and forth at every look. (OpenBLAS, on which NumPy computes, ends a
process by itself where it cannot have its first buffer; no Python code can say more then, and it is given it here.)
Then the fault is undone and the run is gone on with. `said` counts trainings that ended with status 2 and one message
without a traceback, `unhurt` those that the fault did not keep from their end, `same` the runs that ended in the record
and weights, to the byte, of the run that nobody disturbed, `gone` those of which nothing was left to go on with,
because the fault took it or came before the run was begun. Whatever is none of these is `lost`. Needs Linux and root.

    python -m benchmarks.faults [FAULT ...]
"""

import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil

from benchmarks.measure import table

TRAINING = ["train", "digits", "--network", "8x8x1 -> fc(64) -> relu -> dropout(0.2) -> fc(10)", "--epochs", "3",
            "--batch-size", "256", "--checkpoint-seconds", "0", "--threads", "1"]  # fmt: skip
MOMENTS = {
    "the first file": ("preprocessing.json.tmp", 1),
    "what was asked": ("run.json.tmp", 1),
    "the record": ("record.jsonl", 2),
    "the first checkpoint": ("last.safetensors.tmp", 1),
    "a later checkpoint": ("last.safetensors.tmp", 9),
    "the best weights": ("weights.safetensors.tmp", 2),
    "an epoch's time": ("timing.jsonl", 3),
    "findings": ("findings.json.tmp", 1),
    "the report": ("report.html.tmp", 1),
}
"""The name of a file, and which time it is opened for writing."""
DISK = "12m"
ROOM = 4 << 20
"""Bytes a process may still take where memory is to run out."""


@dataclass(frozen=True)
class Fault:
    """What happens to a run folder (of the mounted disk `place`), and how it is undone."""

    strike: Callable[[Path, Path], None]
    undo: Callable[[Path, Path], None] = lambda _place, _folder: None


@dataclass(frozen=True)
class Case:
    """What came of a training that was struck once."""

    fault: str
    moment: str
    status: int
    message: str
    ended: str  # same, different, gone

    @property
    def said(self) -> bool:
        """Whether the training ended with a message that explains it."""
        return self.status == 2 and "Traceback" not in self.message and self.message.count("error:") == 1

    @property
    def unhurt(self) -> bool:
        """Whether the fault did not matter."""
        return self.status == 0

    @property
    def lost(self) -> bool:
        """Whether anything is not as it should be."""
        is_silent = self.unhurt and self.ended == "gone"
        return is_silent or not (self.said or self.unhurt) or self.ended not in {"same", "gone"}


def _fill(place: Path, _: Path) -> None:
    with (place / "filler").open("wb", buffering=0) as file:
        for size in (1 << 16, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def _forbid(_: Path, folder: Path, mode: int = 0o500) -> None:
    for path in (folder / "checkpoint", folder):
        if path.exists():
            path.chmod(mode)


def _replace(_: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


def _use_up(_place: Path, _folder: Path) -> None:
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, resource.RLIM_INFINITY))


def _move_clock(_place: Path, _folder: Path) -> None:
    now, calls = time.time, iter(range(1 << 60))
    time.time = lambda: now() + 31e6 * (-1) ** next(calls)
    time.time_ns = lambda: int(time.time() * 1e9)


FAULTS = {
    "disk full": Fault(_fill, lambda place, _: (place / "filler").unlink()),
    "permission lost": Fault(_forbid, lambda place, folder: _forbid(place, folder, 0o700)),
    "folder deleted": Fault(lambda _, folder: shutil.rmtree(folder)),
    "folder replaced by a file": Fault(_replace, lambda _, folder: folder.unlink()),
    "out of memory": Fault(_use_up),
    "clock moved": Fault(_move_clock),
}


def compare(*faults: str) -> str:
    """Strike a training with every fault at every moment and return the table."""
    rows = []
    for fault in faults or FAULTS:
        cases = tried(fault)
        counts = [sum(c.said for c in cases), sum(c.unhurt for c in cases)]
        counts += [sum(c.ended == end for c in cases) for end in ("same", "gone")] + [sum(c.lost for c in cases)]
        rows.append([fault, str(len(cases)), *map(str, counts)])
        for case in cases:
            if case.lost:
                print(
                    f"{case.fault}, {case.moment}: status {case.status}, {case.ended}\n{case.message}", file=sys.stderr
                )
    return table(["", "struck", "said", "unhurt", "same", "gone", "lost"], rows)


def tried(fault: str) -> list[Case]:
    """Return what came of a training struck by a fault at each moment; in a process of its own, which may be forked."""
    command = [sys.executable, "-m", "benchmarks.faults", "--cases", fault]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    said = subprocess.run(command, env=environment, cwd=Path(__file__).parents[1], check=True, stdout=subprocess.PIPE)  # noqa: S603
    return [Case(**json.loads(line)) for line in said.stdout.splitlines()]


def _cases(fault: str) -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], check=True)  # noqa: S603, S607
        os.environ["PELLUCID_CACHE"] = str(place / "cache")
        try:
            status, message = _run(place, [*TRAINING, "--name", "whole"])
            if status:
                raise RuntimeError(message)
            for moment in MOMENTS:
                yield _struck(place, fault, moment)
        finally:
            subprocess.run(["umount", folder], check=True)  # noqa: S603, S607


def _struck(place: Path, name: str, moment: str) -> Case:
    """Strike a training once, and go on with it."""
    fault, folder = FAULTS[name], place / "runs" / "struck"
    flag = place / "struck"
    status, message = _run(place, [*TRAINING, "--name", "struck"], lambda: _when(moment, place, folder, fault, flag))
    if not flag.exists():
        raise RuntimeError(f"{moment} never came: {message}")
    flag.unlink()
    if folder.exists() or name == "disk full":
        fault.undo(place, folder)
    if (folder / "run.json").exists():
        again, complaint = _run(place, ["train", "--resume", str(folder)])
        is_same = again == 0 or (status == 0 and "nothing to resume" in complaint)
        ended = "same" if is_same and _same(folder, place / "runs" / "whole") else "different"
        message += "" if is_same else f"\nthen: {complaint}"
    else:
        ended = "gone"
    shutil.rmtree(folder, ignore_errors=True)
    return Case(name, moment, status, message, ended)


def _same(one: Path, other: Path) -> bool:
    names = ("record.jsonl", "weights.safetensors")
    return (one / "report.html").exists() and all((one / n).read_bytes() == (other / n).read_bytes() for n in names)


def _when(moment: str, place: Path, folder: Path, fault: Fault, flag: Path) -> None:
    """Strike when a file is opened for writing for the so manieth time, as Python's audit events tell it."""
    wanted, left = MOMENTS[moment]
    state = SimpleNamespace(left=left)

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not state.left or not isinstance(arguments[0], str | os.PathLike):
            return
        if Path(arguments[0]).name == wanted and str(arguments[1]) not in {"r", "rb"}:
            state.left -= 1
            if not state.left:
                flag.touch()
                fault.strike(place, folder)

    _bind_permissions()
    sys.addaudithook(hear)


def _bind_permissions() -> None:
    """Give up what lets root write where nobody may."""
    header, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    ctypes.CDLL(None).capset(header, nothing)


def _run(place: Path, arguments: list[str], before: Callable[[], None] | None = None) -> tuple[int, str]:
    """Run a command in a fork of this process, which has loaded what takes seconds; return its status and stderr."""
    said = place.parent / f"{place.name}.said"
    child = os.fork()
    if child == 0:
        _become(place, arguments, said, before)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    message = said.read_text()
    said.unlink()
    return status, message


def _become(place: Path, arguments: list[str], said: Path, before: Callable[[], None] | None) -> None:
    from pellucid.cli import main  # noqa: PLC0415 - loaded by the parent

    status = 1
    try:
        os.chdir(place)
        nowhere, errors = os.open(os.devnull, os.O_WRONLY), os.open(said, os.O_WRONLY | os.O_CREAT)
        os.dup2(nowhere, 1)
        os.dup2(errors, 2)
        if before is not None:
            before()
        main(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - as the interpreter would print it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main(arguments: list[str]) -> None:
    """Print the table, or for `tried` the cases of a fault."""
    if arguments[:1] != ["--cases"]:
        print(compare(*arguments))
        return
    import pellucid.cli  # noqa: PLC0415 - what every fork needs, loaded once
    import pellucid.training  # noqa: F401, PLC0415

    np.ones((64, 64)) @ np.ones((64, 64))  # OpenBLAS ends the process where it cannot have its first buffer

    for case in _cases(arguments[1]):
        print(json.dumps(asdict(case)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
