"""Type information is shipped: a strict checker that knows no settings of this checkout reads a user's program."""

import importlib.util
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from tests.typing import user_code

PROGRAM = Path(user_code.__file__)
MISTAKES = """
import pellucid

run = pellucid.train(pellucid.load("iris"), netwrok="mlp", network=3)  # network
pellucid.parse(7)  # parse
run.evaluate().accuracy  # evaluate
run.predicted([1.0])  # predicted
plan: str = pellucid.parse("4 -> fc(3)")  # plan
"""


def strictly(program: Path) -> subprocess.CompletedProcess[str]:
    """Check a program with mypy's own strict settings and no file of settings, from the program's folder."""
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--no-incremental",
        "--follow-imports=silent",
    ]
    return subprocess.run(
        [*command, program.name], cwd=program.parent, capture_output=True, text=True, check=False
    )  # fmt: skip


def test_the_package_says_that_it_is_typed() -> None:
    assert files("pellucid").joinpath("py.typed").is_file()


def test_the_program_does_what_its_types_say(tmp_path: Path) -> None:
    assert user_code.training(tmp_path).record.epochs
    assert user_code.using(tmp_path)["accuracy"] >= 0
    assert user_code.explaining() < 1e-5
    user_code.watching()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is of the extra dev")
def test_a_strict_checker_accepts_the_program_and_finds_mistakes(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.read_text(encoding="utf-8"), encoding="utf-8")
    done = strictly(program)
    assert done.returncode == 0, done.stdout
    program.write_text(MISTAKES, encoding="utf-8")
    found = {int(line.split(":")[1]) for line in strictly(program).stdout.splitlines() if ": error:" in line}
    assert found == {number for number, line in enumerate(MISTAKES.splitlines(), 1) if "  # " in line}
