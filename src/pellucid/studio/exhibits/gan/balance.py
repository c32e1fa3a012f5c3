"""How the fight stands: both losses over the steps, what was measured, and what pellucid's diagnosis says of it."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from pellucid.blocks import Gan
from pellucid.diagnosis.causes.adversarial import unbalanced_pair
from pellucid.diagnosis.observation import AdversarySeen
from pellucid.diagnosis.observer.rivals import share_told, variety
from pellucid.recipe import AdversarialLossName
from pellucid.studio.exhibits.gan.picture import make
from pellucid.training.adversarial import discriminator_loss, generator_loss

SOON = 1000
"""Steps before which nothing is said: nobody has learned anything yet."""
VARIED = 0.5
"""Of the modes: with fewer a generator collapsed. On ring and grid, four seeds each, sound runs reached 0.65 and more
from step 1,000 on, collapsed ones at most 0.36."""
_MOST = 600  # points of a curve; beyond, every second one is left out
_MEASURES = ("told", "coverage", "spread")


@dataclass
class Balance:
    """The course of a training.

    Attributes:
        pair: as a diagnosis sees the two networks.
        steps: at which the losses were taken, one in `every`.
        discriminator, generator: the losses there, of the same rows and codes each time.
    """

    pair: AdversarySeen = field(default_factory=lambda: AdversarySeen("generator", "discriminator"))
    steps: list[int] = field(default_factory=list)
    discriminator: list[float] = field(default_factory=list)
    generator: list[float] = field(default_factory=list)
    every: int = 10

    @torch.no_grad()
    def look(self, step: int, gan: Gan, loss: AdversarialLossName, real_N2: Tensor, codes_NC: Tensor) -> None:
        """Take both losses, and what a diagnosis would observe."""
        if step % self.every:
            return
        made_N2 = make(gan.generator, codes_NC)
        real_N1, made_N1 = gan.discriminator(real_N2), gan.discriminator(made_N2)
        self.steps.append(step)
        self.discriminator.append(float(discriminator_loss(loss, real_N1, made_N1)))
        self.generator.append(float(generator_loss(loss, made_N1)))
        self.pair.told.append((step, share_told(real_N1[:, 0], made_N1[:, 0])))
        if (figures := variety(real_N2, made_N2)) is not None:
            self.pair.coverage.append((step, figures[0]))
            self.pair.spread.append((step, figures[1]))
        if len(self.steps) > _MOST:
            self._thin()

    def findings(self, step: int, *, reached: float | None) -> list[dict[str, Any]]:
        """Return the causes that pellucid's diagnosis names, with their evidence: value and reference by measure.

        A diagnosis infers collapse from how many real points have a made one near, which is rare where modes are narrow
        and the generator is not yet exact, too. Where modes are known, they are asked instead.

        Args:
            step: steps of the discriminator that were taken.
            reached: the share of the known modes that the made points are spread over; None where none are known.
        """
        if step < SOON:
            return []
        return [
            {
                "cause": found.cause,
                "evidence": {
                    name: (evidence.value, evidence.reference)
                    for name, evidence in zip(_MEASURES, found.evidence, strict=True)
                },
            }
            for found in unbalanced_pair(self.pair, step)
            if not (reached is not None and reached >= VARIED and found.cause == "mode-collapse")
        ]

    def _thin(self) -> None:
        self.every *= 2
        for curve in (self.steps, self.discriminator, self.generator, *map(self.pair.__getattribute__, _MEASURES)):
            del curve[1::2]
