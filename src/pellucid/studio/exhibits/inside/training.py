"""A network that learns while it is looked into."""

from collections.abc import Iterator

from torch import nn

from pellucid.data import Dataset
from pellucid.errors import DivergedError
from pellucid.networks import Plan
from pellucid.recipe import Recipe
from pellucid.record import Epoch, Step
from pellucid.studio.exhibits.inside.settings import InsideSettings
from pellucid.training.begin import begin
from pellucid.training.loop import advance

BATCH = 32
EVERY = 10
"""Steps whose mean loss is told."""
AT_ONCE = 2_500_000_000
"""FLOPs of training that the first look waits for; some tenths of a second."""
_BACKWARDS = 3  # a step costs about three forward passes


class Training:
    """A session that is stepped. A plan's begins with steps that are taken at once; a module's is seen as it is given.

    Args:
        data: classified images.
        network: its plan, or a module.
        settings: seed, learning rate and how many steps are taken at once.

    Attributes:
        loss: the mean of the last `EVERY` steps', in nats; None before.
        accuracy: on the validation rows after the last whole epoch; None before.
        diverged: whether the loss is no longer a number.
    """

    def __init__(self, data: Dataset, network: Plan | nn.Module, settings: InsideSettings) -> None:
        self.data = data
        recipe = Recipe(
            epochs=1_000_000, batch_size=BATCH, seed=settings.seed, optimizer="adam", schedule="constant",
            learning_rate=float(f"{10.0**settings.rate:.3g}"), weight_decay=0.0, augment="none", device="cpu",
            threads=1,
        )  # fmt: skip
        self.session = begin(data, network, recipe).session
        self.loss: float | None = None
        self.accuracy: float | None = None
        self.diverged = False
        self._events: Iterator[Step | Epoch | None] = advance(self.session, EVERY)
        for _ in range(_at_once(network, settings.before)):
            self.step()

    @property
    def network(self) -> nn.Module:
        """The network as it is now."""
        return self.session.network

    @property
    def steps(self) -> int:
        """Optimiser steps taken."""
        return self.session.progress.step

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.session.progress.epoch - 1

    def step(self) -> bool:
        """Take one optimiser step, after judging the network where an epoch has ended; False once it diverged."""
        before = self.steps
        try:
            while self.steps == before and not self.diverged:
                match next(self._events):
                    case Step(loss=loss):
                        self.loss = loss
                    case Epoch(validation=judged):
                        self.accuracy = judged["accuracy"]
        except DivergedError:
            self.diverged = True
        return not self.diverged

    def to_epoch(self) -> bool:
        """Train to the end of the epoch under way; False once it diverged."""
        left = self.session.steps_per_epoch - self.session.progress.batch % self.session.steps_per_epoch
        for _ in range(left):
            self.step()
        return not self.diverged


def _at_once(network: Plan | nn.Module, asked: int) -> int:
    """Return how many of the steps asked for are taken at once: as many as the page can wait for."""
    if not isinstance(network, Plan):
        return 0
    return min(asked, AT_ONCE // (_BACKWARDS * BATCH * (network.flops or 1)))
