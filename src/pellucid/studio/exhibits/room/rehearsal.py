"""A small training of the page's own, stepped in slices under a watch that listens only while it steps."""

import dataclasses
import functools
import time

import numpy as np

from pellucid.data import Classes, Dataset, load
from pellucid.diagnosis.alarm import certain_by_now
from pellucid.errors import DivergedError
from pellucid.networks import parse
from pellucid.recipe import Recipe
from pellucid.record import Epoch, Finding
from pellucid.studio.exhibits.room.curves import Column, Curves
from pellucid.training import begin
from pellucid.training.loop import advance
from pellucid.verbs.changes import Change, changes_for
from pellucid.verbs.watched import Watched, finding_of

SECONDS = 0.008
"""Of work in one slice."""


@functools.cache
def bundled(name: str) -> Dataset:
    """Return a data set that comes along; read once, since it never changes."""
    return load(name)


class Rehearsal:
    """A training under a watch.

    Torch's functions are watched for the whole process, and other exhibits compute in it: so the watch begins and ends
    with every slice, which costs some milliseconds and hears the same.

    Args:
        data: to train on.
        arrows: the network.
        recipe: how.
        change: what is tried with it; None for a training as it was set.

    Attributes:
        recipe: as it was given; the session's has every choice made.
        curves: its record.
        findings: what is certain by now; at its end, all that was found.
        ended: "finished", "diverged", or "" while it trains.
    """

    def __init__(self, data: Dataset, arrows: str, recipe: Recipe, change: Change | None = None) -> None:
        self.change, self.recipe = change, recipe
        begun = begin(data, arrows, recipe)
        self.session, self.plan = begun.session, begun.plan
        self.curves = Curves(len(data.rows["train"]))
        self.findings: tuple[Finding, ...] = ()
        self.changes: tuple[tuple[Change, ...], ...] = ()
        self.ended = ""
        self._events = advance(self.session)
        self._watched = Watched(self.session, self.plan)

    @property
    def arrows(self) -> str:
        """The network as it is written."""
        return str(self.plan)

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self.session.progress.epoch - 1

    def advance(self, seconds: float = SECONDS, *, to_epoch: bool = False) -> bool:
        """Train for a while, at least one step, or to the end of an epoch; return False when nothing is left to do."""
        if self.ended:
            return False
        closed: Epoch | None = None
        try:
            with self._watched:
                ends = time.perf_counter() + seconds
                while closed is None and not self.ended and (to_epoch or time.perf_counter() < ends):
                    closed = self._one()
                # asking takes longer the more was seen: each doubling of the epochs is enough, and depends on no clock
                if closed is not None and closed.epoch & (closed.epoch - 1) == 0:
                    self._ask()
        except DivergedError:
            self.ended = "diverged"
        if self.ended:
            self._ask()
        return not self.ended

    def train_to(self, epoch: int) -> None:
        """Train until so many epochs are done, or to an end before."""
        while self.epoch < epoch and self.advance(to_epoch=True):
            pass

    def retold(self, change: Change) -> tuple[str, Recipe]:
        """Return the network and the recipe with a change."""
        return change.arrows or self.arrows, dataclasses.replace(self.recipe, **change.recipe)

    def layers(self) -> tuple[Column, dict[str, Column]]:
        """Return the steps at which gradients were measured, (S), and each layer's norm, (S), from the input on."""
        if self._watched.watch is None:
            return np.empty(0), {}
        seen = [each for each in self._watched.watch.seen.parameters.values() if len(each.shape) > 1 and each.gradients]
        steps = np.unique(np.concatenate([np.asarray(each.steps, float) for each in seen])) if seen else np.empty(0)
        norms = {}
        for each in seen:
            norms[each.name] = np.full(len(steps), np.nan)
            norms[each.name][np.searchsorted(steps, each.steps)] = each.gradients
        return steps, norms

    def _one(self) -> Epoch | None:
        """Take one step, or judge an epoch, which is returned."""
        event = next(self._events, "end")
        if isinstance(event, str):
            self.ended = "finished"
        elif event is not None:
            self.curves.add(event)
            self._watched.hear(event)
        return event if isinstance(event, Epoch) else None

    def _ask(self) -> None:
        watch = self._watched.watch
        if watch is None:
            return
        found = tuple(watch.suspicions() if self.ended else certain_by_now(watch.suspicions()))
        recipe = self.session.recipe
        self.findings = tuple(finding_of(each, self.session, self.plan) for each in found)
        self.changes = tuple(tuple(changes_for(each, recipe, self.plan)) for each in found)


def network_text(choice: str, data: Dataset, layers: int, activation: str) -> str:
    """Return arrows for data: hidden layers of 32 units, or a member of the zoo by its name."""
    if choice != "layers":
        return choice
    assert isinstance(data.target, Classes), "the data sets offered are classified"
    hidden = f" -> fc(32) -> {activation}" * layers
    return str(parse(f"{data.input_shape}{hidden} -> fc({len(data.target.names)})"))
