"""What is raced on: the loss at a place of the plane, what of it is shown, and what is known of it."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.errors import RunError
from pellucid.explain.landscape.curvature import Curvature, curvature_at
from pellucid.seed import generator
from pellucid.studio.exhibits.race.settings import RaceSettings
from pellucid.studio.exhibits.race.surfaces import SURFACES, Place

SIDE = 100
"""Places along each axis of a classic surface's picture."""


class Ground(ABC):
    """A loss over the plane.

    Attributes:
        box: (left, right), (bottom, top): what is shown.
        start: the usual one.
        rate: a learning rate of plain gradient descent that suits it.
        minima, other: known critical points.
        least: the least loss that is known, None where there is none.
        goal: the loss at which an optimiser has arrived.
        is_noisy: whether the gradient of a step is another than that of the loss.
        tex: its formula.
        is_laid: whether there is a loss yet.
        is_whole: whether the picture is.
        field: the loss at the middle of every cell of the picture, the topmost row first; NaN where it is not known.
    """

    box: tuple[Place, Place]
    start: Place
    rate: float
    minima: tuple[Place, ...] = ()
    other: tuple[Place, ...] = ()
    least: float | None = None
    goal: float = 0.0
    is_noisy: bool = False
    is_laid: bool = True
    is_whole: bool = True
    tex: str = ""
    field: NDArray[Any]

    @abstractmethod
    def loss(self, place_2: Tensor, step: int | None = None) -> Tensor:
        """Return the loss at x and y, (2,) in float64: the true one, or the one whose slope that step sees."""

    def prepare(self) -> bool:
        """Do a piece of what must be done before anyone can run; return whether anything is left to do."""
        return False

    def fill(self) -> bool:
        """Compute a piece of the picture; return whether anything is left of it."""
        return False

    @property
    def width(self) -> float:
        """The longer side of what is shown."""
        return max(high - low for low, high in self.box)

    def curvature(self, place: Place) -> Curvature | None:
        """Return what kind of point a place is, by the slope and the Hessian there; None where that cannot be said."""
        try:
            found = curvature_at(self.loss, torch.tensor(place, dtype=torch.float64))
        except (RunError, RuntimeError, ValueError):  # an Hessian that is not finite, or a layer without a second slope
            return None
        return found if bool(found.eigenvalues.isfinite().all()) else None


class Classic(Ground):
    """One of the surfaces known by a name, in float64.

    Noise is drawn once for each step and is the same for all: the loss of step t is f(p) + σ ε_t · p, whose gradient
    is that of f and σ ε_t beside it, ε_t standard normal.
    """

    def __init__(self, settings: RaceSettings) -> None:
        surface = SURFACES[settings.surface]
        self.surface, self.box, self.start, self.tex = surface, surface.box, surface.start, surface.tex
        self.minima, self.other, self.least, self.goal = surface.minima, surface.other, surface.least, surface.goal
        self.more = {"condition": settings.condition} if settings.surface == "bowl" else {}
        self.rate = surface.rate / settings.condition if self.more else surface.rate
        self.is_noisy = settings.noise > 0
        drawn = torch.randn(settings.steps, 2, generator=generator(settings.seed, "noise"), dtype=torch.float64)
        self.noise = settings.noise * drawn
        x, y = (torch.from_numpy(middles(ends)) for ends in self.box)
        y, x = torch.meshgrid(y.flip(0), x, indexing="ij")
        self.field = surface.function(x, y, **self.more).numpy()

    def loss(self, place_2: Tensor, step: int | None = None) -> Tensor:
        """Return f, with the noise of that step."""
        height = self.surface.function(place_2[0], place_2[1], **self.more)
        return height if step is None or not self.is_noisy else height + (self.noise[step] * place_2).sum()


def middles(ends: Place, side: int = SIDE) -> NDArray[Any]:
    """Return the middles of so many equal parts of a range, float64."""
    low, high = ends
    return low + (np.arange(side) + 0.5) * (high - low) / side
