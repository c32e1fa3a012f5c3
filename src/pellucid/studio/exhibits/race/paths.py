"""One optimiser's way: every place it came to, with loss and gradient, until it ends or goes astray."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from pellucid.studio.exhibits.race.grounds import Ground
from pellucid.studio.exhibits.race.optimisers import Runner, make, place_of, usual_rate
from pellucid.studio.exhibits.race.settings import Lane
from pellucid.studio.exhibits.race.surfaces import Place

Fate = Literal["runs", "nan", "far", "left"]
"""`nan`: loss or place are no longer finite; `far`: it ran away; `left`: it left a saddle downhill, as it should."""
FAR = 1000.0
"""Widths of the picture from its middle: who is beyond that has diverged."""
LEFT = 2.0
"""The same where there is no minimum, and to go away downhill is all one can do."""


class Path:
    """An optimiser from its start on.

    Args:
        lane: which, and how it is set.
        ground: what it runs on.
        start: x and y.
        goal: the loss at which it has arrived.
        steps: at most.

    Attributes:
        step: how many are done.
        places, gradients: (steps + 1, 2), float64, of which `step + 1` rows count; the gradients are those of the loss
            itself, without a step's noise.
        losses: (steps + 1,), the same.
        rate: the learning rate before the schedule.
        evaluations: of the loss and its gradient, as the optimiser asked for them.
        arrived: the first step at which the loss was at most the goal.
        fate: how it stands with it.
        kind: what kind of point it ended in, once somebody has asked.
    """

    def __init__(self, lane: Lane, ground: Ground, start: Place, goal: float, steps: int) -> None:
        self.lane, self.ground, self.goal = lane, ground, goal
        self.rate = lane.rate or usual_rate(lane.rule, ground.rate, ground.width)
        self.runner = Runner(start)
        self.optimizer = make(lane, self.runner, self.rate)
        self.places, self.gradients = np.full((steps + 1, 2), np.nan), np.full((steps + 1, 2), np.nan)
        self.losses = np.full(steps + 1, np.nan)
        self.step = self.evaluations = 0
        self.arrived: int | None = None
        self.fate: Fate = "runs"
        self.kind: str | None = None
        self._look()

    def advance(self, factor: float) -> None:
        """Do one step with this share of the learning rate, unless it has gone astray."""
        if self.fate != "runs":
            return
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * factor
        if self.lane.rule == "lbfgs":
            self.optimizer.step(self._asked)  # type: ignore[arg-type]  # it takes tensors, and says floats
        else:
            if self.ground.is_noisy:
                self._asked()
            else:
                self.evaluations += 1  # it was looked at already
            self.optimizer.step()
        self.step += 1
        self._look()

    def _asked(self) -> Tensor:
        """Give the place its gradient in this step, as an optimiser asks for it."""
        self.evaluations += 1
        self.optimizer.zero_grad()
        loss = self.ground.loss(place_of(self.runner), self.step)
        loss.backward()
        return loss.detach()

    def _look(self) -> None:
        place = self.runner.place
        loss = self.ground.loss(place_of(self.runner))
        (place.grad,) = torch.autograd.grad(loss, place)
        self.places[self.step] = place.detach()[0].numpy()
        self.losses[self.step] = loss.item()
        self.gradients[self.step] = place.grad[0].numpy()
        if not (np.isfinite(self.places[self.step]).all() and np.isfinite(self.losses[self.step])
                and np.isfinite(self.gradients[self.step]).all()):  # fmt: skip
            self.fate = "nan"
            return
        if self.arrived is None and self.losses[self.step] <= self.goal:
            self.arrived = self.step
        middle = [sum(ends) / 2 for ends in self.ground.box]
        far = float(np.abs(self.places[self.step] - middle).max()) / self.ground.width
        if far > (LEFT if self.ground.least is None else FAR):
            self.fate = "left" if self.ground.least is None and self.losses[self.step] < self.losses[0] else "far"
