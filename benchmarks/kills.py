"""Killed at any moment.

Trainings and searches in processes of their own, ended by SIGKILL at random moments again and again, each time gone on
with by `--resume`, until the kills are used up: `training` saves as it does by default, `checkpointing` after every
step, so that most kills meet a file that is being written. After each kill every file of the folder is read: JSON and
safetensors must be whole, of a growing text all lines but the last. When a run comes to its end, its record and its
weights (of a search: its trials, and the weights of the best) are compared to the byte with those of the same command
that nobody disturbed. Seed 0 chooses the moments.

    python -m benchmarks.kills [KILLS]
"""

import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import safe_open

from benchmarks.measure import table

KILLS = 100
"""Of all kinds together."""
NETWORK = "8x8x1 -> conv(8, 3x3) -> batchnorm -> relu -> dropout(0.2) -> fc(10)"
TRAINING = ["train", "digits", "--network", NETWORK, "--augment", "shift,rotate", "--batch-size", "128"]


@dataclass(frozen=True)
class Kind:
    """A command that is disturbed.

    Attributes:
        name: as the table has it.
        share: of all kills.
        begin: the command.
        compared: the files that must be the same to the byte, in the folder it makes.
        marks: a file that is there once the work, and not only the loading, has begun.
    """

    name: str
    share: float
    begin: list[str]
    compared: tuple[str, ...]
    marks: str


KINDS = (
    Kind("training", 0.4, [*TRAINING, "--epochs", "30"], ("record.jsonl", "weights.safetensors"), "record.jsonl"),
    Kind("checkpointing", 0.3, [*TRAINING, "--epochs", "20", "--checkpoint-seconds", "0"],
         ("record.jsonl", "weights.safetensors"), "record.jsonl"),
    Kind("tuning", 0.3, ["tune", "iris", "--trials", "16", "--epochs", "30"],
         ("trials.jsonl", "best/record.jsonl", "best/weights.safetensors"), "study.json"),
)  # fmt: skip


@dataclass
class Outcome:
    """What came of a kind's kills."""

    kills: int = 0
    before: int = 0  # kills before the first step was recorded
    torn: int = 0  # kills that left a temporary file: in the middle of writing
    damaged: list[str] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)  # runs that came to their end: same, different


def compare(kills: int = KILLS) -> str:
    """Disturb every kind and return the table."""
    rows = []
    for kind in KINDS:
        outcome = disturbed(kind, round(kills * kind.share), random.Random(kind.name))  # noqa: S311 - moments, not secrets
        counts = [outcome.kills, outcome.before, outcome.torn, len(outcome.damaged)]
        rows.append([kind.name, *map(str, counts), f"{outcome.ended['same']} of {outcome.ended.total()}"])
        for each in outcome.damaged:
            print(f"{kind.name}: {each}", file=sys.stderr)
    head = [
        "",
        "kills",
        "before the first step",
        "while a file was written",
        "damaged files",
        "ended in the same bytes",
    ]
    return table(head, rows)


def disturbed(kind: Kind, kills: int, chance: random.Random) -> Outcome:
    """Kill so many times, and let each run that was killed come to its end."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "runs" / "whole"
        began = time.monotonic()
        _run(place, [*kind.begin, "--name", "whole"])
        seconds = time.monotonic() - began
        while outcome.kills < kills:
            folder = Path(place) / "runs" / f"killed-{outcome.kills}"
            _kill_often(kind, folder, min(8, kills - outcome.kills), seconds, chance, outcome)
            same = (folder / "report.html").exists() and all(
                (folder / name).read_bytes() == (whole / name).read_bytes() for name in kind.compared
            )
            outcome.ended["same" if same else "different"] += 1
    return outcome


def _kill_often(kind: Kind, folder: Path, kills: int, seconds: float, chance: random.Random, outcome: Outcome) -> None:
    """Begin a run, kill it and go on with it, up to so many times, then to its end."""
    place = str(folder.parents[1])
    for _ in range(kills):
        arguments = _next(kind, folder)
        process = subprocess.Popen(  # noqa: S603 - our own commands
            _command(arguments), cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            process.wait(timeout=chance.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        complaint = process.communicate()[1].decode()
        if process.returncode == -signal.SIGKILL:
            outcome.kills += 1
            outcome.before += not _has_lines(folder / kind.marks)
            outcome.torn += any(folder.rglob("*.tmp"))
            outcome.damaged += _damaged(folder)
        elif process.returncode and "nothing to resume" not in complaint:
            raise RuntimeError(f"{arguments} ended with {process.returncode}: {complaint[-500:]}")
        else:
            return
    arguments = _next(kind, folder)
    last = subprocess.run(  # noqa: S603 - our own commands
        _command(arguments), cwd=place, capture_output=True, text=True, check=False
    )
    if last.returncode and "nothing to resume" not in last.stderr:
        raise RuntimeError(f"{arguments} ended with {last.returncode}: {last.stderr[-500:]}")


def _next(kind: Kind, folder: Path) -> list[str]:
    """Return the arguments that go on with a run, or begin it where it was killed before it wrote what was asked."""
    verb = kind.begin[0]
    if (folder / ("study.json" if verb == "tune" else "run.json")).exists():
        return [verb, "--resume", str(folder)]
    if folder.exists():
        shutil.rmtree(folder)
    return [*kind.begin, "--name", folder.name]


def _damaged(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the files of a folder."""
    for path in sorted(folder.rglob("*")):
        try:
            if path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".jsonl":
                for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
                    json.loads(line)
            elif path.suffix == ".safetensors":
                with safe_open(path, "pt") as file:
                    sum(file.get_tensor(name).numel() for name in file.keys())  # noqa: SIM118 - no mapping
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is what is counted
            yield f"{path.relative_to(folder)}: {error}"


def _has_lines(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _run(place: str, arguments: list[str]) -> None:
    subprocess.run(  # noqa: S603 - our own commands
        _command(arguments), cwd=place, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "pellucid", *arguments]


if __name__ == "__main__":
    print(compare(*map(int, sys.argv[1:])))
