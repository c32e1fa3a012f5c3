"""Runs a program as `pellucid diagnose` does, under a stand-in for the watch, in a process that loads no torch.

`python driver.py TOLD [-m] PROGRAM ARGS...` writes to the file TOLD how the program ended, and `TOLD` to stderr.
"""

import importlib.util
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from enough import Enough  # type: ignore[import-not-found]

import pellucid

room = ModuleType("pellucid.diagnosis")  # the room's own __init__ loads torch
room.__path__ = [str(Path(pellucid.__file__).parent / "diagnosis")]
sys.modules["pellucid.diagnosis"] = room
assert importlib.util.find_spec("pellucid.diagnosis.script")

from pellucid.diagnosis.script import Ending, Program, require, run  # noqa: E402 (needs the room)


class Watch:
    """Counts what is done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __enter__(self) -> Self:
        self.done.append("entered")
        return self

    def __exit__(self, *_: object) -> None:
        self.done.append("left")

    def abandon(self) -> None:
        self.done.append("abandoned")


def main() -> None:
    told, *rest = sys.argv[1:]
    module = rest[0] == "-m"
    name, *arguments = rest[module:]
    program = Program(name, tuple(arguments), module)
    require(program)
    watch = Watch()

    def tell(ending: Ending) -> None:
        line: dict[str, Any] = {**asdict(ending), "watch": watch.done, "process": os.getpid()}
        with Path(told).open("a") as file:
            file.write(json.dumps(line) + "\n")
        print("TOLD", file=sys.__stderr__, flush=True)

    sys.exit(run(program, watch, tell, Enough))


main()
