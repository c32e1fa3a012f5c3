"""Runs scripts, plain and watched, each in a fork of one process that has loaded torch; asked on standard input.

A question is a line of JSON: {"command": [-m, PROGRAM, ARGS...], "watched": true, "folder": F}. The program's streams
go to F/out and F/err, and what its watch saw to F/told.json; the answer is its exit status.
"""

import json
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy  # noqa: F401 (loaded once for all)
import torch
from torch import nn
from torch.optim import lr_scheduler, optimizer

from pellucid.diagnosis import EnoughSteps, watch
from pellucid.diagnosis.script import Ending, Program, run

OWNERS = (
    torch, torch.Tensor, torch.autograd, torch.autograd.graph, torch.nn.functional, nn.Module, nn.utils,
    nn.utils.clip_grad, nn.modules.module, torch.optim.Optimizer, optimizer, lr_scheduler, lr_scheduler.LRScheduler,
    lr_scheduler.ReduceLROnPlateau, torch.utils.data.DataLoader, traceback, warnings,
)  # fmt: skip
HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_forward_hooks_always_called")
HOOKS_OF_STEPS = ("_global_optimizer_pre_hooks", "_global_optimizer_post_hooks")


def attributes() -> dict[str, int]:
    """Return what every place that can be patched holds."""
    held = {f"{owner} {name}": id(value) for owner in OWNERS for name, value in dict(vars(owner)).items()}
    hooks = {name: len(getattr(nn.modules.module, name)) for name in HOOKS}
    return held | hooks | {name: len(getattr(optimizer, name)) for name in HOOKS_OF_STEPS}


class NoWatch:
    """Sees nothing."""

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, *_: object) -> None:
        """Nothing."""

    def abandon(self) -> None:
        """Nothing."""


BEFORE = attributes()
LONGEST = 60
"""CPU seconds after which a fork is ended by a signal."""


def ask(question: dict[str, Any]) -> int:
    """Run a program in this process, a fork, and return its exit status."""
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    signal.alarm(4 * LONGEST)  # a machine may be busy
    os.chdir(question["folder"])
    for name, number in (("out", 1), ("err", 2)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    command = question["command"]
    module = command[0] == "-m"
    name, *arguments = command[module:]
    watching = watch()

    def tell(ending: Ending) -> None:
        seen = watching.seen
        # torch replaces some functions of its own when it compiles
        left = sorted(name for name, held in attributes().items() if BEFORE.get(name, held) != held)
        told: dict[str, Any] = {"how": ending.how, "steps": seen.steps, "left": left, "backwards": seen.backwards}
        told |= {"losses": sum(site.calls + site.eval_calls for site in seen.losses.values())}
        told |= {
            "networks": [network.name for network in seen.networks],
            "causes": [each.cause for each in watching.findings],
        }
        told |= {"faults": seen.faults, "scores": len(seen.scores), "activations": len(seen.activations)}
        Path("told.json").write_text(json.dumps(told))

    program = Program(name, tuple(arguments), bool(module))
    return run(program, watching if question["watched"] else NoWatch(), tell, EnoughSteps)


def main() -> int:
    """Answer questions until there are no more."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            return ask(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
