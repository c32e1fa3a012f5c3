"""Two networks that learn by turns: a discriminator to tell samples from the data, a generator to deceive it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.blocks import Gan
from pellucid.errors import OptionError
from pellucid.recipe import AdversarialLossName, Recipe
from pellucid.training.adversarial import (
    discriminator_loss,
    flat_slope_penalty,
    generator_loss,
    unit_slope_penalty,
)
from pellucid.training.rules.gradient import descend, require_finite
from pellucid.training.session import Rule, Session
from pellucid.training.tasks.generation import gan_of

_DECAY = 0.999  # of the average of the generator's weights: it remembers some thousand steps


@dataclass(frozen=True, slots=True)
class Adversarial(Rule):
    """A step of the discriminator on every batch, and one of the generator after each `critic_steps` of them.

    One optimiser holds both networks: it passes over parameters without a gradient, and each turn gives a gradient to
    the one network only. The loss that is told is the discriminator's without its penalty.

    Attributes:
        loss: what both minimise.
        critic_steps: steps of the discriminator for each of the generator's.
        penalty: weight of the penalty on the discriminator's slope.
    """

    loss: AdversarialLossName
    critic_steps: int
    penalty: float

    def step(
        self,
        session: Session,
        inputs_B: Tensor,
        targets_B: Tensor,  # noqa: ARG002 (there are none)
        *,
        measure: bool,
    ) -> tuple[float, float]:
        """Take the discriminator's step, and the generator's where it is its turn."""
        gan = gan_of(session.network)
        value, norm = self._judge(session, gan, inputs_B, measure=measure)
        if (session.progress.step + 1) % self.critic_steps == 0:
            self._deceive(session, gan, inputs_B)
            turns = (session.progress.step + 1) // self.critic_steps
            gan.follow(min(_DECAY, turns / (turns + 9)))  # at first the average forgets its beginning faster
        return value, norm

    def _judge(self, session: Session, gan: Gan, real_B: Tensor, *, measure: bool) -> tuple[float, float]:
        with session.device.autocast():
            with torch.no_grad():
                made_B = gan.generator(real_B)
            loss = discriminator_loss(self.loss, gan.discriminator(real_B), gan.discriminator(made_B))
        value = loss.item()
        require_finite(session, value)
        if self.penalty:
            wasserstein = self.loss == "wasserstein"
            slopes = (
                unit_slope_penalty(gan.discriminator, real_B, made_B.to(real_B.dtype))
                if wasserstein
                else flat_slope_penalty(gan.discriminator, real_B)
            )
            loss = loss + self.penalty * slopes
        return value, descend(session, loss, measure=measure)

    def _deceive(self, session: Session, gan: Gan, real_B: Tensor) -> None:
        gan.discriminator.requires_grad_(False)
        try:
            with session.device.autocast():
                loss = generator_loss(self.loss, gan.discriminator(gan.generator(real_B)))
            require_finite(session, loss.item())
            descend(session, loss, measure=False)
        finally:
            gan.discriminator.requires_grad_(True)


def adversarial(network: nn.Module, recipe: Recipe) -> Adversarial:
    """Return the rule for a network that is one `gan`.

    Raises:
        OptionError: it is another network, or an option does not go with it.
    """
    gan_of(network)
    refused = {
        "--rule": recipe.rule is not None and "generator and discriminator learn by turns",
        "--compile": recipe.compile and "a slope is penalised by a second derivative, which torch.compile has not",
        "--loss": recipe.loss is not None and "choose it with --adversarial-loss",
    }
    for option, reason in refused.items():
        if reason:
            raise OptionError(
                f"{option} does not go with a generative adversarial network",
                expected=f"no {option}",
                received=option,
                advice=reason,
            )
    assert recipe.critic_steps is not None, "the recipe was not filled in"
    assert recipe.gradient_penalty is not None, "the recipe was not filled in"
    return Adversarial(recipe.adversarial_loss, recipe.critic_steps, recipe.gradient_penalty)
