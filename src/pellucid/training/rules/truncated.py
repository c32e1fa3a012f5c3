"""Back-propagation through time, truncated: the state goes on from batch to batch, the gradient does not.

Williams and Peng, An efficient gradient-based algorithm for on-line training of recurrent network trajectories (1990).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from pellucid.errors import OptionError
from pellucid.networks.carrying import carrying, require_state
from pellucid.recipe import Recipe
from pellucid.seed import derive
from pellucid.training.rules.gradient import Gradient
from pellucid.training.session import Session
from pellucid.training.streams import streams
from pellucid.training.tasks.task import Loss


@dataclass(frozen=True, slots=True)
class Truncated(Gradient):
    """Gradient descent on a text read from its beginning to its end, in as many streams as a batch has rows.

    Each row of a batch goes on where the same row of the batch before stopped, with the state it had; gradients reach
    back to the beginning of the window. With windows as long as the stream this is back-propagation through all time.
    """

    pools: ClassVar[bool] = False  # whose state a row goes on with is told by its place in the whole batch

    def order(self, session: Session) -> Tensor:
        """Return the training rows stream by stream; each epoch cuts the text into streams at other places."""
        rows = session.data.rows["train"]
        turn = derive(session.recipe.seed, "order", session.progress.epoch) % len(rows)
        # the one place where the text's end meets its beginning is a seam like those between two scenes
        return torch.cat(streams(rows.sort().values.roll(-turn), session.batch_size))

    def step(self, session: Session, inputs_B: Tensor, targets_B: Tensor, *, measure: bool) -> tuple[float, float]:
        """Take one optimiser step from the state that the batch before left."""
        if session.progress.batch == 0 or len(inputs_B) < session.batch_size:
            session.carried.clear()
        with carrying(session.network, session.carried):
            # of this class by name: a class with slots cannot find its parent by `super()`
            return Gradient.step(self, session, inputs_B, targets_B, measure=measure)


def truncated(network: nn.Module, recipe: Recipe, loss: Loss) -> Truncated:
    """Return the rule for a network with recurrent layers that read forwards.

    Raises:
        OptionError: it has none, or is compiled.
    """
    require_state(network)
    if recipe.compile:
        raise OptionError(
            "a compiled network carries no state",
            expected="--state carried or --compile",
            received="both",
            advice="leave --compile out: it gains nothing on recurrent layers, which are one kernel already",
        )
    return Truncated(loss)
