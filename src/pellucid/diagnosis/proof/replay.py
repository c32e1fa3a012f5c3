"""One run of a script, as it stands or changed, in a fresh process and a copy of its folder."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pellucid.diagnosis.observation import Score
from pellucid.diagnosis.proof.marks import Mark
from pellucid.diagnosis.remedies.edit import Edit, apply
from pellucid.diagnosis.remedies.interventions import Intervention
from pellucid.diagnosis.script import Program
from pellucid.diagnosis.suspicion import Place, Suspicion
from pellucid.errors import RunError
from pellucid.files import from_json_line

COPIED = 512 * 2**20
"""Bytes of a folder that are copied for a replay; larger files beyond that are linked."""
LINKED = 8 * 2**20
"""A file of so many bytes may be linked, where a whole folder is too large."""
MOST = 20_000
"""Files of a folder that is copied."""
LEFT_OUT = shutil.ignore_patterns(".git", "__pycache__", ".venv", "venv", "node_modules", ".mypy_cache", ".ruff_cache")
CHILD = Path(__file__).with_name("child.py")
PATIENCE = 10.0
"""How many times the seconds it is given a script may take by the clock, before it is stopped by force."""
GRACE = 5.0
"""Seconds that a process is given to end when it is told to."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was seen of a replay.

    Attributes:
        scores: how well predictions met their targets, in order.
        marks: how many labels were met at each loss.
        steps: optimiser steps that were made.
        how: how it ended, as `script.Ending` says it; "late" where it was stopped for taking too long.
        error: what was raised, or the last lines of what it complained of.
        printed: the last number it printed, if any.
        seconds: how long it took.
        reached: what lay beyond its copy: files written elsewhere, hosts called.
        suspicions: what keeps it from learning, as it ran here.
    """

    scores: tuple[Score, ...] = ()
    marks: tuple[Mark, ...] = ()
    steps: int = 0
    how: str = "late"
    error: str = ""
    printed: float | None = None
    seconds: float = 0.0
    reached: tuple[str, ...] = ()
    suspicions: tuple[Suspicion, ...] = ()

    @property
    def ended_well(self) -> bool:
        """Tell whether it came to its end, or was ended as asked."""
        return self.how in {"finished", "exited", "enough", "quit"}


@dataclass(frozen=True, slots=True)
class Stage:
    """Copies of the folders that a script works in.

    Attributes:
        folder: the copy of the working directory.
        roots: folder as it was -> its copy.
        linked: files that are not copied but linked.
    """

    folder: Path
    roots: dict[Path, Path] = field(default_factory=dict)
    linked: tuple[Path, ...] = ()

    def path(self, original: str | Path) -> Path | None:
        """Return where a file's copy lies, or None if it was not copied."""
        whole = Path(original).resolve()
        for root, copy in self.roots.items():
            if whole.is_relative_to(root):
                return copy / whole.relative_to(root)
        return None


@contextmanager
def staged(program: Program, folder: Path) -> Iterator[Stage]:
    """Copy the working directory, and the script's folder if that lies elsewhere, for as long as the context lasts.

    Raises:
        RunError: they hold too many files to be copied.
    """
    with tempfile.TemporaryDirectory(prefix="pellucid-proof-") as place:
        roots = [folder.resolve()]
        if not program.module and not Path(folder, program.name).resolve().is_relative_to(roots[0]):
            roots.append(Path(folder, program.name).resolve().parent)
        copies, linked = {}, []
        for number, root in enumerate(roots):
            copies[root] = Path(place).resolve() / str(number) / root.name
            linked.extend(_copy(root, copies[root]))
        yield Stage(copies[roots[0]], copies, tuple(linked))


def _copy(root: Path, copy: Path) -> list[Path]:
    """Copy a folder; of one that is too large, link the files that make it so."""
    sizes: dict[Path, int] = {}
    for path, folders, names in os.walk(root):
        left_out = LEFT_OUT(path, [*folders, *names])
        folders[:] = [name for name in folders if name not in left_out]
        sizes.update({Path(path, name): Path(path, name).lstat().st_size for name in names if name not in left_out})
        if len(sizes) > MOST:
            raise RunError(
                f"{root} holds too many files to be copied for a proof",
                expected=f"at most {MOST:,} files",
                received="more",
                advice="run the script from a folder that holds only what it needs",
            )
    whole = sum(sizes.values()) <= COPIED
    large = set() if whole else {path for path, size in sizes.items() if size >= LINKED}
    rest = sum(size for path, size in sizes.items() if path not in large)
    if rest > COPIED:
        raise RunError(
            f"{root} is too large to be copied for a proof",
            expected=f"at most {COPIED // 2**20} MiB besides files of {LINKED // 2**20} MiB and more, which are linked",
            received=f"{rest // 2**20} MiB",
            advice="run the script from a folder that holds only what it needs",
        )

    def put(source: str, target: str) -> str:
        if Path(source) in large:
            Path(target).symlink_to(source)
            return target
        return shutil.copy2(source, target, follow_symlinks=False)

    shutil.copytree(root, copy, symlinks=True, ignore=LEFT_OUT, copy_function=put)
    return sorted(large)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one replay may last: optimiser steps, and seconds of the processor, both looked at after a step."""

    steps: int | None
    seconds: float


def replay(
    program: Program, folder: Path, limits: Limits, edits: tuple[Edit, ...] = (), changes: tuple[Intervention, ...] = ()
) -> Replayed:
    """Run a program in a fresh process, in a copy of its folder, with edits made or interventions installed.

    Args:
        program: a script or a module, with its own arguments.
        folder: the working directory.
        limits: the run's.
        edits: of files within the folder or the script's, one a file.
        changes: what is installed before its first line.

    Raises:
        RunError: the folder cannot be copied.
        EditError: a file is no longer the one that an edit was made for.
    """
    with staged(program, folder) as stage:
        for edit in edits:
            target = stage.path(Path(folder, edit.file))
            if target is None:
                raise RunError(
                    f"{edit.file} lies outside the folders that are copied for a proof", received=str(folder)
                )
            text = target.read_text(encoding="utf-8")
            target.write_text(apply(edit, text), encoding="utf-8")
        answer, suspicions = stage.folder.parent / "answer.json", stage.folder.parent / "suspicions.pickle"
        plan = {
            "program": _within(stage, folder, program),
            "arguments": program.arguments,
            "module": program.module,
            "steps": limits.steps,
            "seconds": limits.seconds,
            "interventions": [change.to_json() for change in changes],
            "answer": str(answer),
            "suspicions": str(suspicions),
            "copies": [str(copy) for copy in stage.roots.values()],
            "originals": [str(root) for root in stage.roots],
        }
        file = stage.folder.parent / "plan.json"
        file.write_text(json.dumps(plan), encoding="utf-8")
        start = time.monotonic()
        said, complaint = _run(file, stage.folder, PATIENCE * limits.seconds + 60)
        return _answer(answer, suspicions, said, complaint, time.monotonic() - start)


def _within(stage: Stage, folder: Path, program: Program) -> str:
    """Return the program as it is called from the copied working directory."""
    if program.module or not Path(program.name).is_absolute():
        inside = program.module or stage.path(Path(folder, program.name)) is None
        return program.name if inside else os.path.relpath(str(stage.path(Path(folder, program.name))), stage.folder)
    return str(stage.path(program.name) or program.name)


def _run(plan: Path, folder: Path, seconds: float) -> tuple[str, str]:
    """Run the child, in a process group of its own so that what it starts ends with it, and return what it wrote."""
    path = os.pathsep.join(part for part in (os.environ.get("PYTHONPATH", ""), str(CHILD.parents[3])) if part)
    process = subprocess.Popen(  # noqa: S603 (our own file, with this interpreter)
        [sys.executable, str(CHILD), str(plan)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        return process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace"), "stopped: it took too long"
    finally:
        for kind in (signal.SIGTERM, signal.SIGKILL):
            if process.poll() is None:
                os.killpg(process.pid, kind)
                try:
                    process.wait(GRACE)
                except subprocess.TimeoutExpired:
                    continue
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def _answer(file: Path, suspicions: Path, said: str, complaint: str, seconds: float) -> Replayed:
    last = "\n".join(complaint.strip().splitlines()[-3:])
    if not file.exists():
        return Replayed(error=last, printed=last_number(said), seconds=seconds)
    document: dict[str, Any] = from_json_line(file.read_text(encoding="utf-8"))
    scores = tuple(
        Score(**{**score, "site": Place(**score["site"]), "score": float(score["score"])})
        for score in document["scores"]
    )
    marks = tuple(
        Mark(**{**mark, "right": tuple(mark["right"]), "total": tuple(mark["total"])}) for mark in document["marks"]
    )
    return Replayed(
        scores,
        marks,
        document["steps"],
        document["how"],
        document["error"] or ("" if document["how"] != "raised" else last),
        last_number(said),
        seconds,
        tuple(document["reached"]),
        tuple(pickle.loads(suspicions.read_bytes())),  # noqa: S301 (the child's, which the script shares as it is)
    )


def last_number(text: str) -> float | None:
    """Return the last number of a text.

    >>> last_number("epoch 3 loss 0.51, METRIC 0.875")
    0.875
    """
    for word in reversed(text.replace("=", " ").replace(":", " ").replace(",", " ").split()):
        try:
            return float(word.rstrip("%.)]"))
        except ValueError:
            continue
    return None
