"""How sides are measured: by turns, whole processes timed, on a machine that is described."""

import json
import os
import platform
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

THREADS = 1
"""For every side: on networks this small more threads only wait for one another, and two cores are soon taken."""
TURN_SECONDS = 0.25
PACKAGES = (
    "pellucid", "torch", "numpy", "scikit-learn", "optuna", "jax", "flax", "optax", "keras", "keras-tuner", "lightning",
    "skorch", "ray",
)  # fmt: skip
"""Whose versions matter, where they are installed."""

Outcome = TypeVar("Outcome")
Program = tuple[Sequence[str], Mapping[str, str]]
"""A command, and what more stands in its environment."""


@dataclass(frozen=True)
class ProcessRun:
    """What one process took from its start to its end, and what it printed."""

    wall_seconds: float
    cpu_seconds: float
    output: str


def by_turns(sides: Mapping[str, Callable[[], Outcome]], rounds: int) -> dict[str, list[Outcome]]:
    """Run every side once a round, every other round in the opposite order; return the outcomes of each side."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in list(sides)[:: -1 if turn % 2 else 1]:
            outcomes[name].append(sides[name]())
    return outcomes


def run_process(command: Sequence[str], settings: Mapping[str, str] | None = None) -> ProcessRun:
    """Run a whole program, with more settings in its environment, and return what it took.

    Raises:
        CalledProcessError: it failed.
    """
    cpu_before, began = _children_cpu_seconds(), time.perf_counter()
    done = subprocess.run(  # noqa: S603 (the comparison's own programs)
        command, env=_environment(settings), check=True, stdout=subprocess.PIPE, text=True
    )
    return ProcessRun(time.perf_counter() - began, _children_cpu_seconds() - cpu_before, done.stdout)


def run_in_turns(programs: Sequence[Program]) -> list[ProcessRun]:
    """Run whole programs on one core, each for a quarter of a second in turn, and return what each took.

    While one runs the others are stopped, so that a core that is slow for a minute is slow for all of them, and each
    finds in the caches what it left there for nearly all of its turn. (Left to the system they would take turns of few
    milliseconds, and mostly measure how long the caches take to be filled again.) If one fails the others are ended.

    Raises:
        CalledProcessError: one failed.
    """
    core = str(max(os.sched_getaffinity(0)))
    began = time.perf_counter()
    running = {}
    for place, (command, settings) in enumerate(programs):
        process = subprocess.Popen(  # noqa: S603 (the comparison's own programs)
            ["taskset", "-c", core, *command],  # noqa: S607 (of util-linux, wherever it lies)
            env=_environment(settings),
            stdout=subprocess.DEVNULL,
        )
        os.kill(process.pid, signal.SIGSTOP)
        running[place] = process
    runs: dict[int, ProcessRun] = {}
    try:
        while running:
            for place in list(running):
                used = _let_run(running[place])
                if used is not None:
                    if running.pop(place).returncode:
                        raise subprocess.CalledProcessError(1, programs[place][0])
                    runs[place] = ProcessRun(time.perf_counter() - began, used.ru_utime + used.ru_stime, "")
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    return [runs[place] for place in range(len(programs))]


def _let_run(process: "subprocess.Popen[bytes]") -> resource.struct_rusage | None:
    """Let a stopped process run for a turn, and return what it used in all where it came to its end."""
    os.kill(process.pid, signal.SIGCONT)  # Popen.send_signal would take the end of one that has ended for itself
    until = time.monotonic() + TURN_SECONDS
    while time.monotonic() < until:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return used
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGSTOP)
    return None


def lines_of(file: Path) -> list[dict[str, Any]]:
    """Return every line of a file of results; none where nothing was measured yet."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def machine_lines() -> list[str]:
    """Return what a reader must know of the machine and the versions, as a list in Markdown."""
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES if _version(name))
    return [
        f"- {platform.system()} on {platform.machine()}, {os.cpu_count()} cores, {THREADS} thread a side",
        f"- Python {platform.python_version()}, {versions}",
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a peer that is not installed
        return ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, the first column to the left and the figures to the right."""
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ruler, *rows])


def _environment(settings: Mapping[str, str] | None) -> dict[str, str]:
    one_thread = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], str(THREADS))
    return os.environ | one_thread | dict(settings or {})


def _children_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
