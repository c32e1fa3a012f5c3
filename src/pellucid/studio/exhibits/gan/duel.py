"""A session of both networks, whose loss, rates and turns may change while it goes on."""

import dataclasses

from pellucid.errors import DivergedError
from pellucid.recipe import Recipe
from pellucid.studio.exhibits.gan.points import Points
from pellucid.studio.exhibits.gan.settings import GanSettings
from pellucid.training import begin, train_step
from pellucid.training.loop import epoch_order
from pellucid.training.rules.adversarial import Adversarial
from pellucid.training.tasks.generation import Generation, gan_of

_ENDLESS = 1_000_000


class Duel:
    """A training from its beginning on, stepped.

    Attributes:
        session: whose steps they are.
        plan: of the network, as its arrows were read.
        gan: both networks.
        diverged: the last step whose loss was finite, once one was not.
    """

    def __init__(self, points: Points, settings: GanSettings) -> None:
        made = f"code({settings.noise}) -> {settings.generator}"
        arrows = f"2 -> gan(generator: {made} | discriminator: {settings.discriminator})"
        beginning = begin(points.data, arrows, _recipe(settings))
        assert beginning.plan is not None, "the network was written in arrows"
        self.session, self.plan = beginning.session, beginning.plan
        self.gan = gan_of(self.session.network)
        self.diverged: int | None = None
        self.take(settings)

    @property
    def step(self) -> int:
        """Steps of the discriminator that were taken."""
        return self.session.progress.step

    @property
    def is_generators_turn(self) -> bool:
        """Whether the generator learned with the step done last."""
        rule = self.session.rule
        assert isinstance(rule, Adversarial), "it was made so"
        return self.step % rule.critic_steps == 0

    def take(self, settings: GanSettings) -> None:
        """Let the session go on with the settings' loss, rates, penalty and turns."""
        session = self.session
        session.recipe = dataclasses.replace(session.recipe, learning_rate=settings.discriminator_rate)
        session.rule = Adversarial(settings.loss, settings.critic_steps, settings.penalty)
        task = session.task
        assert isinstance(task, Generation), "the data were read for it"
        session.task = dataclasses.replace(task, loss_name=settings.loss)
        assert session.optimizer is not None, "both networks follow gradients"
        theirs = set(self.gan.generator.parameters())
        share = settings.generator_rate / settings.discriminator_rate
        # the groups are split between the two networks once; from then on only the generator's share changes
        session.optimizer.param_groups = [
            {**group, "params": params, "share": share if is_made else 1.0}
            for group in session.optimizer.param_groups
            for is_made in (True, False)
            if (params := [each for each in group["params"] if (each in theirs) is is_made])
        ]

    def train(self) -> bool:
        """Take one step of the session; return False where the loss is no longer finite."""
        session, progress = self.session, self.session.progress
        if self.diverged is not None:
            return False
        if progress.batch == session.steps_per_epoch:
            progress.epoch, progress.batch = progress.epoch + 1, 0
        if progress.batch == 0:
            self.order = epoch_order(session)
        session.network.train()
        rows = self.order[progress.batch * session.batch_size : (progress.batch + 1) * session.batch_size]
        try:
            train_step(session, rows, measure=False)
        except DivergedError:
            self.diverged = progress.step
            return False
        return True


def _recipe(settings: GanSettings) -> Recipe:
    return Recipe(
        epochs=_ENDLESS,
        batch_size=settings.batch_size,
        seed=settings.seed,
        optimizer="adam",
        learning_rate=settings.discriminator_rate,
        weight_decay=0.0,
        schedule="constant",
        warmup=0.0,
        adversarial_loss=settings.loss,
        critic_steps=settings.critic_steps,
        gradient_penalty=settings.penalty,
        device="cpu",
    )
