"""A program run by `pellucid diagnose` and by plain python: nothing that it or its caller can see differs."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import pellucid
from pellucid.diagnosis.script import Program, require
from pellucid.errors import OptionError

HERE = Path(__file__).parent
DRIVER = str(HERE / "driver.py")


@dataclass(frozen=True)
class Seen:
    """What a caller sees of a process, and what the driver was told of the program's end."""

    status: int
    stdout: str
    stderr: str
    told: list[dict[str, Any]]

    @property
    def how(self) -> str:
        assert len(self.told) == 1, self.told
        return str(self.told[0]["how"])


def environment() -> dict[str, str]:
    source = str(Path(pellucid.__file__).parents[1])
    return os.environ | {"PYTHONPATH": os.pathsep.join([source, str(HERE)])}


def start(command: list[str], folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, cwd=folder, env=environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def seen(folder: Path, command: list[str], stdin: str = "") -> Seen:
    process = start(command, folder)
    stdout, stderr = process.communicate(stdin, timeout=120)
    told = folder / "told.jsonl"
    lines = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
    told.unlink(missing_ok=True)
    return Seen(process.returncode, stdout, stderr, lines)


def both(folder: Path, *command: str, stdin: str = "") -> tuple[Seen, Seen]:
    """Return what is seen of a program under plain python, and under the driver."""
    plain = seen(folder, [sys.executable, *command], stdin)
    return plain, seen(folder, [sys.executable, DRIVER, "told.jsonl", *command], stdin)


def require_same(plain: Seen, watched: Seen) -> None:
    assert watched.stdout == plain.stdout
    assert watched.stderr == plain.stderr + "TOLD\n"  # after all that the program wrote
    assert watched.status == plain.status
    assert watched.told[0]["watch"] == ["entered", "left"]


SHOWS_ITSELF = """
import inspect, os, pickle, sys, typing
from dataclasses import dataclass
@dataclass
class Point:
    x: int
print(sys.argv, __name__, __file__, __spec__ if __spec__ is None else __spec__.name, __package__, type(__loader__))
print(sys.path[:1], os.getcwd(), __builtins__, sorted(globals()), typing.get_type_hints(Point))
print(pickle.loads(pickle.dumps(Point(3))), inspect.getsource(Point), sys.modules['__main__'].Point is Point)
print(sys.stdin.read(), file=sys.stderr)
print(__import__('neighbour').WORD)
"""

PROGRAMS: dict[str, tuple[str | bytes, str]] = {
    "shows itself": (SHOWS_ITSELF, "finished"),
    "raises": ("def f():\n    1 / 0\nf()", "raised"),
    "raises from": (
        "def f():\n    try:\n        {}['x']\n    except KeyError as e:\n        raise ValueError('two') from e\nf()",
        "raised",
    ),
    "raises a group": ("raise ExceptionGroup('g', [ValueError(1), TypeError(2)])", "raised"),
    "raises a cancellation": ("import asyncio\nraise asyncio.CancelledError('gone')", "raised"),
    "cannot be parsed": ("x = (1,\ny = 2\n", "raised"),
    "is not indented": ("if 1:\nprint()\n", "raised"),
    "imports what is not there": ("import nothing_of_this_name", "raised"),
    "recurses": ("def f(n):\n    f(n + 1)\ntry:\n    f(0)\nexcept RecursionError as e:\n    print(e)", "finished"),
    "exits": ("import sys\nsys.exit()", "exited"),
    "exits with a number": ("import sys\nsys.exit(3)", "exited"),
    "exits with a large number": ("import sys\nsys.exit(258)", "exited"),
    "exits with a negative number": ("raise SystemExit(-1)", "exited"),
    "exits with a boolean": ("raise SystemExit(True)", "exited"),
    "exits with a word": ("import sys\nprint('before')\nsys.exit('no data here')", "exited"),
    "exits with an object": ("import sys\nsys.exit([1, 2])", "exited"),
    "exits in a function that cleans up": ("import sys\ntry:\n    sys.exit(4)\nfinally:\n    print('clean')", "exited"),
    "quits": ("import os\nprint('out', flush=True)\nos._exit(5)", "quit"),
    "has something to do at exit": ("import atexit\natexit.register(print, 'last words')\nprint('body')", "finished"),
    "fails at exit": ("import atexit\natexit.register(eval, '1 / 0')", "finished"),
    "leaves a thread": (
        "import threading, time\nthreading.Timer(0.3, print, args=['thread']).start()\nprint('main')",
        "finished",
    ),
    "leaves an idle pool": (
        "from concurrent.futures import ThreadPoolExecutor\nprint(ThreadPoolExecutor(2).submit(max, 1, 2).result())",
        "finished",
    ),
    "has a hook for exceptions": ("import sys\nsys.excepthook = lambda *e: print('hook', e[1])\n1 / 0", "raised"),
    "exits in its hook": ("import sys\nsys.excepthook = lambda *e: sys.exit(7)\n1 / 0", "raised"),
    "warns": ("import warnings\nwarnings.warn('old', DeprecationWarning)\nwarnings.warn('odd')", "finished"),
    "closes its streams": ("import sys\nprint('all')\nsys.stdout.close()", "finished"),
    "is in Latin-1": ("# -*- coding: latin-1 -*-\nprint(ascii('é'))".encode("latin-1"), "finished"),
    "begins with a byte order mark": ("\ufeffprint('marked')".encode(), "finished"),
    "has annotations": ("x: int = 3\nprint(__annotations__)", "finished"),
    "has a future import": (
        "from __future__ import annotations\ndef f(x: nowhere): ...\nprint(f.__annotations__)",
        "finished",
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "neighbour.py").write_text("WORD = 'from beside the script'")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "neighbour.py").write_text("WORD = 'from beside the script in sub'")
    return tmp_path


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_script_is_run_as_python_runs_it(folder: Path, name: str) -> None:
    source, how = PROGRAMS[name]
    (folder / "program.py").write_bytes(source if isinstance(source, bytes) else source.encode())
    plain, watched = both(folder, "program.py", stdin="what came in")
    require_same(plain, watched)
    assert watched.how == how


@pytest.mark.parametrize(
    "command", [["./program.py", "-v", "--epochs", "3"], ["sub/program.py"], ["sub/linked.py", "a b", ""]]
)
def test_a_script_sees_its_own_name_and_arguments(folder: Path, command: list[str]) -> None:
    (folder / "program.py").write_text(SHOWS_ITSELF)
    (folder / "sub" / "program.py").write_text(SHOWS_ITSELF)
    (folder / "sub" / "linked.py").symlink_to(folder / "program.py")
    require_same(*both(folder, *command, stdin="in"))


@pytest.mark.parametrize("last_line", ["", "raise ValueError('in a module')", "import sys; sys.exit(6)"])
@pytest.mark.parametrize("name", ["package.train", "package", "neighbour"])
def test_a_module_is_run_as_python_runs_it(folder: Path, name: str, last_line: str) -> None:
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("print('package imported')")
    for file in ("package/train.py", "package/__main__.py", "neighbour.py"):
        (folder / file).write_text(f"WORD = 'own'\n{SHOWS_ITSELF}\n{last_line}\n")
    require_same(*both(folder, "-m", name, "--x", stdin="in"))


def test_a_module_missing_inside_a_package_is_told_as_python_tells_it(folder: Path) -> None:
    (folder / "package").mkdir()
    require_same(*both(folder, "-m", "package.nothing"))


SPAWNS = """
import multiprocessing, os, sys
def square(x):
    return x * x, __name__, sys.argv, sys.path[0]
if __name__ == "__main__":
    for method in ("spawn", "fork", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(square, range(4)))
        child = multiprocessing.get_context(method).Process(target=sys.exit, args=(9,))
        child.start()
        child.join()
        print(child.exitcode)
    child = os.fork()
    if not child:
        print("a child of its own", flush=True)
        sys.exit(8)
    print(os.waitpid(child, 0)[1])
"""


def test_processes_that_a_script_starts_are_not_watched(folder: Path) -> None:
    (folder / "program.py").write_text(SPAWNS)
    plain, watched = both(folder, "program.py")
    require_same(plain, watched)
    assert watched.how == "finished"


def test_a_watch_that_has_seen_enough_ends_the_script_with_status_0(folder: Path) -> None:
    (folder / "program.py").write_text(
        "from enough import Enough\nimport atexit\natexit.register(print, 'at exit')\n"
        "try:\n    raise Enough\nexcept Exception:\n    print('caught')\nfinally:\n    print('clean')"
    )
    watched = seen(folder, [sys.executable, DRIVER, "told.jsonl", "program.py"])
    assert (watched.status, watched.how) == (0, "enough")
    assert (watched.stdout, watched.stderr) == ("clean\nat exit\n", "TOLD\n")


@pytest.mark.parametrize(("number", "how"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_a_signal_ends_the_script_as_it_would_and_is_told(folder: Path, number: signal.Signals, how: str) -> None:
    (folder / "program.py").write_text(
        "import time\nprint('ready', flush=True)\ntry:\n    time.sleep(60)\nfinally:\n    print('clean')"
    )
    outcomes = []
    for command in ([], [DRIVER, "told.jsonl"]):
        process = start([sys.executable, *command, "program.py"], folder)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(number)
        outcomes.append((*process.communicate(timeout=60), process.returncode))
    (out, err, status), (watched_out, watched_err, watched_status) = outcomes
    assert (watched_out, watched_err) == (out, err + "TOLD\n")
    # a shell says 130 of both: python ends itself by the signal, we with the number
    assert {status, watched_status} <= ({-number} | ({130} if number == signal.SIGINT else set()))
    assert json.loads((folder / "told.jsonl").read_text())["how"] == how


def test_a_script_that_handles_signals_itself_goes_on_doing_so(folder: Path) -> None:
    (folder / "program.py").write_text(
        "import os, signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(11))\nos.kill(os.getpid(), 15)"
    )
    plain, watched = both(folder, "program.py")
    require_same(plain, watched)
    assert watched.status == 11


REFUSED = {
    "trian.py": "did you mean 'train.py'?",
    "nowhere/train.py": "no such file",
    "folder": "give folder/__main__.py",
    "notes.ipynb": "jupyter nbconvert",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_script_is_refused_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for file in ("train.py", "notes.ipynb", "folder/__main__.py"):
        (tmp_path / file).write_text("")
    with pytest.raises(OptionError) as refusal:
        require(Program(name))
    assert REFUSED[name] in str(refusal.value)


def test_a_module_that_is_nowhere_is_refused() -> None:
    with pytest.raises(OptionError, match="a file is run without -m"):
        require(Program("nowhere_at_all.py", module=True))
    require(Program("json.tool", module=True))
