"""Scripts with a known fault, and without one, run under `pellucid diagnose`; what was said is kept in files.

A case is a folder with `case.toml` (`causes`, `accept`), `buggy.py` and `fixed.py`; a healthy one has `fixed.py` only.
"""

import contextlib
import hashlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

from pellucid.diagnosis.suspicion import Suspicion
from pellucid.diagnosis.watch import suspicions_of
from pellucid.files import read_json, write_json

ROOT = Path(__file__).parents[1]
ROOM = ROOT / "src" / "pellucid" / "diagnosis"
KEPT = ROOT / "runs" / "diagnosis"
SECONDS = 900.0
ONE_THREAD = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1")


@dataclass(frozen=True)
class Case:
    """A fault and the causes that an expert would name; a healthy script has none."""

    name: str
    folder: Path
    title: str
    causes: tuple[str, ...]
    accept: tuple[str, ...]

    @property
    def scripts(self) -> tuple[str, ...]:
        """The scripts it has: `buggy` and `fixed`, or one of them."""
        return tuple(name for name in ("buggy", "fixed") if (self.folder / f"{name}.py").exists())


@dataclass(frozen=True)
class Job:
    """One script with one seed, to be run whole or for so many steps."""

    case: Case
    script: str
    seed: int
    steps: int | None = None

    @property
    def file(self) -> Path:
        """The script."""
        return self.case.folder / f"{self.script}.py"

    @property
    def name(self) -> str:
        """A name for the files that tell of it, which changes with the script."""
        steps = "" if self.steps is None else f"-{self.steps}"
        return f"{self.case.name}-{self.script}-{self.seed}{steps}-{digest([self.file])[:8]}"


@dataclass(frozen=True)
class Said:
    """What was said of a job.

    Attributes:
        job: what was run.
        findings: as the JSON of a diagnosis has them, the first named first; None where no diagnosis was left.
        steps: optimiser steps seen.
        overhead: seconds that watching took by the remaining seconds.
        status: of the process.
        metric: what the script printed last.
        suspicions: the findings as the rules gave them, where what was seen is kept.
    """

    job: Job
    findings: tuple[dict[str, Any], ...] | None
    steps: int = 0
    overhead: float = 0.0
    status: int = 0
    metric: float | None = None
    suspicions: tuple[Suspicion, ...] = ()

    @property
    def causes(self) -> list[str]:
        """The causes named, in order."""
        return [finding["cause"] for finding in self.findings or ()]

    @property
    def alarms(self) -> list[str]:
        """The causes named as critical or as a warning, in order."""
        return [finding["cause"] for finding in self.findings or () if finding["severity"] != "info"]


def folders() -> list[Path]:
    """Return where cases lie: the repository's own, and those of PELLUCID_CASES or beside the repository."""
    return [Path(__file__).parent / "cases", *beside()]


def beside() -> list[Path]:
    """Return where the cases lie that the page is of, which are not the repository's own."""
    given = os.environ.get("PELLUCID_CASES", str(ROOT.parent / "shared" / "cases"))
    return [Path(folder) for folder in given.split(os.pathsep)]


def cases(below: Iterable[Path], names: Sequence[str] = ()) -> list[Case]:
    """Return the cases below some folders, or those whose name contains one of `names`."""
    found = []
    for file in sorted(file for folder in below for file in folder.glob("*/case.toml")):
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        case = Case(
            file.parent.name, file.parent, told.get("title", ""), tuple(told["causes"]), tuple(told.get("accept", ()))
        )
        if not names or any(name in case.name for name in names):
            found.append(case)
    return found


@cache
def seeing() -> str:
    """Return a hash of the code that sees: what it saw is worth nothing once that changes."""
    files = [ROOM / name for name in ("suspicion.py", "watch.py", "script.py")]
    return digest([*files, *(file for room in ("observation", "observer") for file in (ROOM / room).rglob("*.py"))])


@cache
def saying() -> str:
    """Return a hash of all the code that a diagnosis is made by, but for remedies and their proof."""
    files = [path for path in ROOM.rglob("*.py") if not {"remedies", "proof"} & {*path.relative_to(ROOM).parts}]
    return digest(files)


def digest(files: Iterable[Path]) -> str:
    """Return a hash of the files' contents."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted(files))).hexdigest()


def said_of(jobs: Sequence[Job], processes: int, *, fresh: bool = False) -> Iterator[Said]:
    """Yield what is said of each job, as it comes; what was seen before by the same code is not run again.

    Args:
        jobs: scripts and seeds.
        processes: at once.
        fresh: a process a job, from `python -m pellucid diagnose`, as people run it; else forks of one that has torch
            loaded, of which what was seen is kept, so that the causes alone can be read from it anew.
    """
    servers = threading.local()
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(processes) as threads:

        def one(job: Job) -> Said:
            folder = KEPT / (f"fresh-{saying()[:12]}" if fresh else f"seen-{seeing()[:12]}")
            folder.mkdir(parents=True, exist_ok=True)
            kept = folder / job.name
            if not kept.with_suffix(".json").exists():
                if not fresh and not hasattr(servers, "warm"):
                    servers.warm = stack.enter_context(_Warm())
                _run(job, kept, None if fresh else servers.warm)
            return _read(job, kept)

        for future in as_completed([threads.submit(one, job) for job in jobs]):
            yield future.result()


class _Warm:
    """A process that has torch loaded and runs each job in a fork of itself."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.warm"]
        self._process = subprocess.Popen(  # noqa: S603 (ours)
            command, cwd=ROOT, env=os.environ | ONE_THREAD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, job: dict[str, Any]) -> int:
        """Run one job and return its exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return int(json.loads(self._process.stdout.readline())["status"])


def _run(job: Job, kept: Path, warm: _Warm | None) -> None:
    """Run a job and keep what came of it: `.json`, and of a warm one `.seen`."""
    found, seen = kept.with_suffix(".found"), kept.with_suffix(".seen")
    seen.unlink(missing_ok=True)
    steps = [] if job.steps is None else ["--steps", str(job.steps)]
    arguments = ["diagnose", "--json", str(found), *steps, str(job.file)]
    with tempfile.TemporaryDirectory() as folder:
        streams = {name: str(Path(folder, name)) for name in ("stdout", "stderr")}
        told = {"arguments": arguments, "environment": {"SEED": str(job.seed)}, "folder": folder, "seen": str(seen)}
        if warm is not None:
            status = warm.run({**told, **streams, "seconds": SECONDS})
        else:
            status = _run_fresh(arguments, job.seed, folder, streams)
        out, err = (Path(streams[name]).read_text(errors="replace") for name in ("stdout", "stderr"))
    diagnosis = read_json(found) if found.exists() else None
    found.unlink(missing_ok=True)
    kept_lines = {"status": status, "metric": _metric(out), "stderr": err[-20_000:], "diagnosis": diagnosis}
    write_json(kept.with_suffix(".json"), kept_lines)


def _run_fresh(arguments: list[str], seed: int, folder: str, streams: dict[str, str]) -> int:
    with Path(streams["stdout"]).open("w") as out, Path(streams["stderr"]).open("w") as err:
        environment = os.environ | ONE_THREAD | {"SEED": str(seed)}
        command = [sys.executable, "-m", "pellucid", *arguments]
        try:
            return subprocess.run(  # noqa: S603 (ours)
                command, cwd=folder, env=environment, stdout=out, stderr=err, timeout=SECONDS, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            return -9


def _metric(out: str) -> float | None:
    lines = [line.split() for line in out.splitlines() if line.startswith("METRIC ")]
    return float(lines[-1][1]) if lines else None


def _read(job: Job, kept: Path) -> Said:
    """Return what was said; where what was seen is kept, what is said of it now."""
    told = read_json(kept.with_suffix(".json"))
    diagnosis, seen = told["diagnosis"], kept.with_suffix(".seen")
    if diagnosis is None:
        return Said(job, None, status=told["status"], metric=told["metric"])
    findings = diagnosis["findings"]
    suspicions: tuple[Suspicion, ...] = ()
    if seen.exists():
        suspicions = suspicions_of(pickle.loads(seen.read_bytes()))  # noqa: S301 (our own file, of this very code)
        findings = [asdict(suspicion) for suspicion in suspicions]
    return Said(
        job, tuple(findings), diagnosis["steps"], diagnosis["overhead"], told["status"], told["metric"], suspicions
    )
