"""One recurrent network of the three, learning the text step by step."""

from collections.abc import Iterator

from torch import nn

from pellucid.data import Dataset, NextToken
from pellucid.errors import DivergedError
from pellucid.networks import Plan, parse
from pellucid.recipe import Recipe
from pellucid.record import Epoch, Step
from pellucid.training.begin import begin
from pellucid.training.loop import advance

KINDS = ("rnn", "lstm", "gru")
EVERY = 5
"""Steps whose mean loss is one point of the curve."""
BATCH = 16


class Learner:
    """A training session of one network; learners of the same seed and data see the same batches.

    Args:
        kind: one of `KINDS`.
        data: a text in windows.
        units: of the recurrent layer, and numbers that a character is embedded as.
        learning_rate: of Adam.
        seed: of the weights and of where each epoch cuts the text.

    Attributes:
        plan: the network as arrows say it.
        steps: how many were taken.
        losses: the mean training loss of every `EVERY` steps, in nats per character.
        validation: the loss on the validation part after the last epoch; None before.
        diverged: whether the loss is no longer a number; then nothing more is learned.
    """

    def __init__(self, kind: str, data: Dataset, *, units: int, learning_rate: float, seed: int) -> None:
        assert isinstance(data.target, NextToken), "a text is learned"
        self.kind, answers = kind, len(data.target.vocabulary)
        self.plan: Plan = parse(f"{data.input_shape} -> embed({units}) -> {kind}({units}) -> fc({answers})")
        recipe = Recipe(
            epochs=1_000_000, batch_size=BATCH, seed=seed, optimizer="adam", learning_rate=learning_rate,
            schedule="constant", weight_decay=0.0, clip_norm=1.0, state="carried", device="cpu", threads=1,
        )  # fmt: skip
        self.session = begin(data, self.plan, recipe).session
        self.losses: list[float] = []
        self.validation: float | None = None
        self.diverged = False
        self._events: Iterator[Step | Epoch | None] = advance(self.session, EVERY)

    @property
    def network(self) -> nn.Module:
        """The network as it is now."""
        return self.session.network

    @property
    def steps(self) -> int:
        """How many optimiser steps were taken."""
        return self.session.progress.step

    def step(self) -> None:
        """Take one optimiser step, after judging the network where an epoch has ended."""
        before = self.steps
        try:
            while self.steps == before and not self.diverged:
                self._take(next(self._events))
        except DivergedError:
            self.diverged = True

    def _take(self, event: Step | Epoch | None) -> None:
        match event:
            case Step():
                self.losses.append(event.loss)
            case Epoch():
                self.validation = event.validation["loss"]
