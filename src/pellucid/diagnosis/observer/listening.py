"""What all listeners share: what was seen so far, and the care not to be noticed."""
# ruff: noqa: SLF001 (what says whether something is being compiled, traced or mapped, torch has no public names for)

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import torch
from torch._C import _get_tracing_state, _len_torch_dispatch_stack, _len_torch_function_stack
from torch._C._functorch import peek_interpreter_stack
from torch.utils._python_dispatch import _disable_current_modes

from pellucid.diagnosis.observation import Observation
from pellucid.diagnosis.observer.schedule import is_measured, rests_until

FAULTS = 20


@dataclass(frozen=True, slots=True)
class Sampling:
    """What is measured: all of the first, and so many of each doubling of their number (see `is_measured`).

    Attributes:
        rows: steps at which samples, targets and scores are taken in.
        figures: of these, the steps at which the numbers of inputs and predictions are described too; the distances of
            these must be multiples of those of `rows`, or few steps are in both.
        graphs: steps at which the graph, activations, gradients and updates are measured.
        losses: steps whose losses are kept.
        evaluations: evaluated batches that are taken in.
    """

    rows: tuple[int, int] = (64, 16)
    figures: tuple[int, int] = (32, 8)
    graphs: tuple[int, int] = (12, 4)
    losses: tuple[int, int] = (512, 64)
    evaluations: tuple[int, int] = (1024, 512)


L = TypeVar("L", bound="Listener")
P = ParamSpec("P")


class EnoughSteps(BaseException):
    """Raised out of an optimiser's step when as many were made as were asked for."""


class Listening:
    """What was seen, and whether one of the listeners is at work.

    Attributes:
        limit: steps after which `EnoughSteps` is raised.
        is_packed: whether the script has packed saved tensors by hooks of its own: reading them would call the hooks.
        depth_of_backward: backward passes that are running; what they compute anew is no new call.
        had_gradients: whether the script computes with gradients, where it was interrupted by a listener.
        sampling: which steps are measured.
        busy: whether a listener is at work: what it calls itself is no part of the program.
        takes_rows: whether this step's samples are taken in, and `takes_figures` whether their numbers are described.
        takes_graphs: whether this step's graph is measured, `takes_losses` whether its losses are kept.
        rests: whether training goes on unheard, but perhaps for its losses, until the next step that is measured.
        sleeps: whether steps and backward passes are only counted, until a network is evaluated or the step `until`;
            that is 0 where something of this step is kept.
        unheard: backward passes since the last one that was heard.
    """

    __slots__ = (
        "busy", "depth_of_backward", "evaluations", "had_gradients", "is_packed", "limit", "rests", "sampling", "seen",
        "sleeps", "takes_figures", "takes_graphs", "takes_losses", "takes_rows", "unheard", "until",
    )  # fmt: skip

    def __init__(self, limit: int | None = None, sampling: Sampling | None = None) -> None:
        self.seen = Observation()
        self.limit = limit
        self.sampling = sampling or Sampling()
        self.busy = False
        self.evaluations = 0
        self.is_packed = False
        self.depth_of_backward = 0
        self.had_gradients = True
        self.takes_rows = self.takes_figures = self.takes_graphs = self.takes_losses = True
        self.rests = self.sleeps = False
        self.until = 0
        self.unheard = 0

    def is_deaf(self) -> bool:
        """Say whether nothing may be computed now: what is computed would be part of a graph that is being made."""
        return (
            self.busy
            or torch.compiler.is_compiling()
            or _get_tracing_state() is not None
            or peek_interpreter_stack() is not None
        )

    @staticmethod
    def is_alone() -> bool:
        """Say whether no mode or transformation of the script's own would hear what is computed."""
        return not (_len_torch_function_stack() or _len_torch_dispatch_stack() or peek_interpreter_stack())

    @contextlib.contextmanager
    def deaf(self) -> Iterator[None]:
        """Hear nothing for a while."""
        before, self.busy = self.busy, True
        try:
            yield
        finally:
            self.busy = before

    def at_step(self, step: int) -> None:
        """So many steps were made: see what is measured of the next."""
        before, self.seen.steps = self.seen.steps, step
        if before < step < self.until:
            return
        every = self.sampling
        self.sleeps = False
        self.takes_rows = is_measured(step, *every.rows)
        self.takes_figures = self.takes_rows and is_measured(step, *every.figures)
        self.takes_graphs = is_measured(step, *every.graphs)
        self.takes_losses = is_measured(step, *every.losses)
        self.rests = not (self.takes_rows or self.takes_graphs)
        self.until = 0
        if self.rests and not self.takes_losses:
            self.until = min(rests_until(step, *each) for each in (every.rows, every.graphs, every.losses))
            if self.limit is not None:
                self.until = min(self.until, self.limit)

    def takes_evaluation(self) -> bool:
        """Say whether this evaluation's samples are taken in: fewer than steps, and the last counts."""
        self.evaluations += 1
        return is_measured(self.evaluations, *self.sampling.evaluations)


class Listener:
    """One of several that share what they see."""

    def __init__(self, listening: Listening) -> None:
        self.listening = listening
        self.seen = listening.seen


class unnoticed:  # noqa: N801  a context, which as a generator would take three times as long
    """A context without gradients, in which the script's own modes and tensor classes hear nothing."""

    def __enter__(self) -> None:
        self._functions = torch._C.DisableTorchFunction()
        self._functions.__enter__()
        self._modes = None
        if _len_torch_dispatch_stack():
            self._modes = _disable_current_modes()
            self._modes.__enter__()
        self._grad = torch.is_grad_enabled()
        torch._C._set_grad_enabled(False)

    def __exit__(self, *error: object) -> None:
        torch._C._set_grad_enabled(self._grad)
        if self._modes is not None:
            self._modes.__exit__(None, None, None)
        self._functions.__exit__(None, None, None)


def quietly(method: Callable[Concatenate[L, P], None]) -> Callable[Concatenate[L, P], None]:
    """Let a listener fail without the program's noticing, and count the time it takes.

    What it computes has no gradients; what fails is kept in `Observation.faults`, for our own tests.
    """

    @functools.wraps(method)
    def listening(self: L, *arguments: P.args, **keywords: P.kwargs) -> None:
        shared = self.listening
        if shared.is_deaf():
            return
        shared.busy = True
        shared.had_gradients = torch.is_grad_enabled()
        start = time.perf_counter()
        try:
            with unnoticed():
                method(self, *arguments, **keywords)
        except Exception as error:  # noqa: BLE001  a fault of ours must never become one of the program
            if len(shared.seen.faults) < FAULTS:
                shared.seen.faults.append(f"{method.__qualname__}: {type(error).__name__}: {error}")
        finally:
            shared.seen.seconds += time.perf_counter() - start
            shared.busy = False

    return cast("Callable[Concatenate[L, P], None]", listening)


def plain_settings(group: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers and switches of an optimiser's group or a schedule."""
    kinds = (int, float, bool, str, tuple)
    return {name: value for name, value in group.items() if isinstance(value, kinds) and not name.startswith("_")}
