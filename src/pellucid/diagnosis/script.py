"""A script or a module run as `__main__`, as python itself runs it, under a watch.

What the script can see is what it sees under plain python: `sys.argv`, `sys.path`, `__main__` (which processes that it
spawns import again), its streams; and so is what others see of it: output, traceback and exit status.
"""

import atexit
import builtins
import contextlib
import functools
import importlib.util
import os
import runpy
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Any, Literal, NoReturn, Protocol

from pellucid.diagnosis.tracebacks import as_plain
from pellucid.errors import OptionError, nearest
from pellucid.memory import keep_freed_memory

How = Literal["finished", "exited", "raised", "enough", "interrupted", "terminated", "quit"]
INTERRUPTED = 130  # what a shell reports of a process that Ctrl-C ended


class Watching(Protocol):
    """What sees the script run."""

    def __enter__(self) -> Any:
        """Begin to watch."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Watch no more."""

    def abandon(self) -> None:
        """Watch no more, at once and without another word: in a forked child."""


@dataclass(frozen=True, slots=True)
class Program:
    """A script, or with `module` a module by its dotted name, and its own arguments."""

    name: str
    arguments: tuple[str, ...] = ()
    module: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a program ended.

    Attributes:
        how: it came to its end (`finished`), called `sys.exit` (`exited`) or `os._exit` (`quit`), did not catch an
            exception (`raised`), made as many steps as it was given (`enough`), or was stopped, by Ctrl-C
            (`interrupted`) or a signal (`terminated`).
        status: its exit status.
        error: the name of the exception's class.
    """

    how: How
    status: int = 0
    error: str | None = None

    @property
    def cut_short(self) -> bool:
        """Whether it ended before it was done."""
        return self.status != 0 or self.how == "enough"


def require(program: Program) -> None:
    """Refuse what cannot be run, before anything is.

    Raises:
        OptionError: no such script or module, or it is no Python script.
    """
    if program.module:
        _require_module(program.name)
        return
    path = Path(program.name)
    if path.is_dir():
        received, advice = "a folder", f"give {path / '__main__.py'}" if (path / "__main__.py").exists() else ""
    elif not path.exists():
        beside = [str(other) for other in path.parent.glob("*.py")] if path.parent.is_dir() else []
        received, advice = "no such file", nearest(str(path), beside)
    elif path.suffix == ".ipynb":
        received, advice = "a notebook", f"make it a script: jupyter nbconvert --to script {path}"
    else:
        return
    raise OptionError(f"{path} cannot be diagnosed", expected="a Python script", received=received, advice=advice)


def run(program: Program, watch: Watching, tell: Callable[[Ending], None], bound: type[BaseException]) -> int:
    """Run a program as `__main__` under a watch, and return its exit status.

    The watch ends, and `tell` is called, when everything of the program's has ended: its threads and what it left for
    `atexit` too. In processes that the program forks neither happens.

    Args:
        program: as `require` accepted it.
        watch: entered before the program's first line.
        tell: told how the program ended, once, at the end of this process.
        bound: raised by the watch when the program has been let run for long enough.
    """
    closing = _Closing(watch, tell)
    closing.prepare()
    keep_freed_memory()  # or what is allocated to look at a step would have all of the heap given back after it
    _stand_in_for_python(program)
    watch.__enter__()
    closing.ending = _ending_of(program, bound)
    return closing.ending.status


class _Closing:
    """What must happen once, at the end of this process and in no other."""

    def __init__(self, watch: Watching, tell: Callable[[Ending], None]) -> None:
        self.ending = Ending("finished")
        self._watch = watch
        self._tell = tell
        self._process = os.getpid()
        self._done = False

    def prepare(self) -> None:
        """Be called at every way out of this process but one by violence."""
        atexit.register(self.close)  # before the script's own functions are, and so called after them
        os.register_at_fork(after_in_child=self._leave_child)
        quit_at_once = os._exit

        @functools.wraps(quit_at_once)
        def told(status: int) -> NoReturn:
            if os.getpid() == self._process:
                self.ending = Ending("quit", status)
                self.close()
            quit_at_once(status)

        os._exit = told
        # in a thread signals cannot be handled, and where somebody handles or ignores this one, it does not end us
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._terminated)

    def close(self) -> None:
        """Watch no more, and tell."""
        if self._done or os.getpid() != self._process:
            return
        self._done = True
        self._watch.__exit__(BaseException if self.ending.cut_short else None, None, None)
        for stream in (sys.stdout, sys.stderr):  # what the script wrote stands before what is told of it
            with contextlib.suppress(Exception):
                stream.flush()
        self._tell(self.ending)

    def _leave_child(self) -> None:
        if self._done:
            return
        self._done = True
        self._watch.abandon()
        if signal.getsignal(signal.SIGTERM) == self._terminated:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def _terminated(self, number: int, _: FrameType | None) -> None:
        self.ending = Ending("terminated", 128 + number)
        self.close()
        signal.signal(number, signal.SIG_DFL)
        os.kill(self._process, number)


def _require_module(name: str) -> None:
    top = name.partition(".")[0]
    # python -m looks in the working directory first
    if not top or not (importlib.util.find_spec(top) or PathFinder.find_spec(top, [str(Path.cwd())])):
        advice = "a file is run without -m" if name.endswith(".py") else ""
        raise OptionError(f"there is no module '{name}'", expected="a module", received=name, advice=advice)


def _stand_in_for_python(program: Program) -> None:
    """Make `sys` and `__main__` what they are when python is given the program."""
    path = Path(program.name)
    main = ModuleType("__main__")
    vars(main).update(__builtins__=builtins, __cached__=None)
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    if not program.module:
        main.__file__ = os.path.join(os.getcwd(), program.name)  # noqa: PTH109, PTH118 (a Path forgets `./`)
        main.__loader__ = SourceFileLoader("__main__", main.__file__)
    if not sys.flags.safe_path:
        sys.path[0] = os.getcwd() if program.module else str(path.resolve().parent)  # noqa: PTH109 (as python does)
    sys.argv = ["-m" if program.module else program.name, *program.arguments]
    _REPLACED.append(sys.modules["__main__"])
    sys.modules["__main__"] = main


_REPLACED: list[ModuleType] = []
"""Modules that were `__main__` before, which must outlive the script: what they define is still in use."""


def _ending_of(program: Program, bound: type[BaseException]) -> Ending:
    """Execute the program and say how it ended; what python says of an exception is said."""
    try:
        _execute(program)
    except bound:
        return Ending("enough")
    except SystemExit as error:
        return Ending("exited", _status_of(error))
    except BaseException as error:  # noqa: BLE001 (python catches all of them, too)
        how: How = "interrupted" if isinstance(error, KeyboardInterrupt) else "raised"
        status = INTERRUPTED if how == "interrupted" else 1
        return Ending(how, _report(error, status), type(error).__name__)
    return Ending("finished")


def _execute(program: Program) -> None:
    if program.module:
        # what `python -m` itself calls: the same search, the same frames in a traceback
        runpy._run_module_as_main(program.name)  # type: ignore[attr-defined]  # noqa: SLF001
        return
    main = sys.modules["__main__"]
    file = str(main.__file__)
    exec(compile(Path(file).read_bytes(), file, "exec", dont_inherit=True), vars(main))  # noqa: S102 (it is the purpose)


def _status_of(error: SystemExit) -> int:
    """Return the status that `sys.exit(code)` asks for; what is no number is printed, and means 1."""
    if error.code is None or isinstance(error.code, int):
        return int(error.code or 0)
    sys.stderr.write(f"{error.code}\n")
    return 1


def _report(error: BaseException, status: int) -> int:
    """Let `sys.excepthook` print an uncaught exception, as python does, and return the exit status."""
    as_plain(error)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as exit_:
        return _status_of(exit_)
    except BaseException as other:  # noqa: BLE001 (the script's own hook may fail in any way)
        sys.stderr.write("Error in sys.excepthook:\n")
        as_plain(other)
        sys.__excepthook__(type(other), other, other.__traceback__)
        sys.stderr.write("\nOriginal exception was:\n")
        sys.__excepthook__(type(error), error, error.__traceback__)
    return status
