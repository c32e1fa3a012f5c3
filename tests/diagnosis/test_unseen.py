"""A training that is watched is the training that is not: the same numbers, words, status and random streams."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import pellucid

HERE = Path(__file__).parent
QUICK = {"inplace_relu"}
"""Tried by the fast tests too."""
SCRIPTS = sorted((HERE / "scripts").glob("*.py"))
TIMEOUT = 300


@dataclass(frozen=True)
class Ran:
    """What a caller sees of a process, and what the watch saw."""

    status: int
    stdout: str
    stderr: str
    told: dict[str, Any]


class Forks:
    """A process that runs scripts in forks of itself, so that torch is loaded once."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "forks.py")], env=environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, folder: Path, command: list[str], *, watched: bool) -> Ran:
        """Run a program in a folder."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        question = {"command": command, "watched": watched, "folder": str(folder)}
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        file = folder / "told.json"
        told = json.loads(file.read_text()) if file.exists() else {}
        return Ran(status, (folder / "out").read_text(), (folder / "err").read_text(), told)

    def end(self) -> None:
        """Ask no more."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def environment() -> dict[str, str]:
    source = str(Path(pellucid.__file__).parents[1])
    # names of sets and dicts in a script's output must come in the same order twice
    return os.environ | {"PYTHONPATH": os.pathsep.join([source, str(HERE)]), "PYTHONHASHSEED": "0"}


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    forks = Forks()
    yield forks
    forks.end()


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, id=script.stem, marks=[] if script.stem in QUICK else [pytest.mark.slow])
        for script in SCRIPTS
    ],
)
def test_a_script_does_the_same_whether_it_is_watched_or_not(forks: Forks, tmp_path: Path, script: Path) -> None:
    plain = forks.run(tmp_path, [str(script)], watched=False)
    watched = forks.run(tmp_path, [str(script)], watched=True)
    assert watched.stdout == plain.stdout
    assert watched.stderr == plain.stderr
    assert watched.status == plain.status
    assert watched.told["faults"] == []
    assert watched.told["left"] == plain.told["left"]
    assert watched.told["steps"] > 0


def fresh(folder: Path, command: list[str]) -> tuple[int, str, str]:
    ended = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment(), text=True, capture_output=True, timeout=TIMEOUT,
        check=False,
    )  # fmt: skip
    return ended.returncode, ended.stdout, ended.stderr


def without_ours_below(err: str) -> str:
    """Return the text without the one thing that a script can tell us by: the frames below its own on the stack."""
    return re.sub(r'  File "<frozen runpy>".*?\n    exec\(compile\(Path\(file\)[^\n]*\n', "", err, flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_command_leaves_a_script_as_python_runs_it(tmp_path: Path, script: Path) -> None:
    findings = tmp_path / "findings.json"
    status, out, err = fresh(tmp_path, ["-m", "pellucid", "diagnose", "--quiet", "--json", str(findings), str(script)])
    assert (status, out, without_ours_below(err)) == fresh(tmp_path, [str(script)])
    assert json.loads(findings.read_text())["steps"] > 0
