"""Gradient descent on the distance between what comes out of a network and what went in."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from pellucid.training.rules.gradient import descend, require_finite
from pellucid.training.session import Rule, Session
from pellucid.training.tasks.reconstruction import Reconstruction, codes_of, samples_in


@dataclass(frozen=True, slots=True)
class Reconstructing(Rule):
    """Forward, distance from the input and cost of random codes, backward, one step of the optimiser.

    Attributes:
        task: the distance.
    """

    task: Reconstruction
    pools: ClassVar[bool] = True

    def step(
        self,
        session: Session,
        inputs_B: Tensor,
        targets_B: Tensor,  # noqa: ARG002 (there are none)
        *,
        measure: bool,
    ) -> tuple[float, float]:
        """Take one optimiser step."""
        # a compiled network does not tell what goes into its layers
        hears = session.recipe.compile and samples_in(session.network)
        forward = session.network if hears else session.forward
        with session.device.autocast(), codes_of(session.network) as codes:
            outputs_B = forward(inputs_B)
        loss = self.task.loss(outputs_B.float(), inputs_B, codes)
        value, factor = session.ranks.pooled(loss, len(inputs_B))
        require_finite(session, value)
        return value, descend(session, loss if factor == 1 else loss * factor, measure=measure)
