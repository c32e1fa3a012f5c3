"""Networks trained for an experiment: every variant with every seed, those of one make together as a population."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import torch
from torch import nn

from pellucid.data import Dataset, SplitName
from pellucid.errors import DivergedError
from pellucid.networks import Plan
from pellucid.recipe import Recipe
from pellucid.record import Epoch, Step
from pellucid.training import begin, evaluate
from pellucid.training.population import Event, Fleet
from pellucid.training.session import Session

Network: TypeAlias = str | Plan | Callable[[int], nn.Module]
"""Arrows, a zoo name or a plan; or what makes a module from a seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One side of a comparison.

    Attributes:
        network: what is trained.
        options: of the training, as `pellucid train` names them.
        prepare: changes the initial weights in place; is given the network and the seed.
        data: where it is trained on other data than the rest.
    """

    network: Network
    options: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[nn.Module, int], None] | None = None
    data: Dataset | None = None


@dataclass(slots=True)
class Trained:
    """One training.

    Attributes:
        session: as it ended: `session.network` has the last weights, `session.best_weights` the best.
        steps, epochs: its record.
        diverged: the loss was no longer finite, and the training ended there.
    """

    session: Session
    steps: list[Step] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    diverged: bool = False

    def metrics(self, split: SplitName = "test") -> dict[str, float]:
        """Return the metrics of the last weights on a split."""
        return evaluate(self.session.network, self.session.data, self.session.task, split, self.session.device)

    @property
    def losses(self) -> list[float]:
        """The mean training loss of each epoch."""
        return [epoch.loss for epoch in self.epochs]

    def validation(self, metric: str) -> list[float]:
        """Return a metric on the validation rows after each epoch."""
        return [epoch.validation[metric] for epoch in self.epochs]


def train(
    data: Dataset, variants: Mapping[str, Variant], seeds: Sequence[int], **options: Any
) -> dict[str, list[Trained]]:
    """Train every variant with every seed to its end, and return the trainings by variant, in the order of the seeds.

    Args:
        data: for all that have none of their own.
        variants: by name.
        seeds: each decides initial weights, batch order and dropout.
        options: common to all, as `pellucid train` names them: `epochs=10, optimizer="sgd"`. No schedule, no weight
            decay, no augmentation and one thread unless asked for: what is not compared must not play a part.
    """
    plain = {"schedule": "constant", "weight_decay": 0.0, "augment": "none", "threads": 1, **options}
    trained = {
        f"{name}/{seed}": _begun(data, variant, Recipe(**{**plain, **variant.options, "seed": seed}))
        for name, variant in variants.items()
        for seed in seeds
    }

    def hear(name: str, event: Event) -> None:
        one = trained[name]
        match event:
            case Step():
                one.steps.append(event)
            case Epoch():
                one.epochs.append(event)
            case DivergedError():
                one.diverged = True

    finished = Fleet({name: one.session for name, one in trained.items()}, hear).train()
    if not finished:
        raise KeyboardInterrupt
    for one in trained.values():
        one.session.network.eval()
    return {name: [trained[f"{name}/{seed}"] for seed in seeds] for name in variants}


def per_seed(trained: Sequence[Trained], figure: Callable[[Trained], float]) -> list[float]:
    """Return a figure of each training."""
    return [figure(one) for one in trained]


def _begun(data: Dataset, variant: Variant, recipe: Recipe) -> Trained:
    network = variant.network(recipe.seed) if callable(variant.network) else variant.network
    session = begin(variant.data or data, network, recipe).session
    if variant.prepare is not None:
        with torch.no_grad():
            variant.prepare(session.network, recipe.seed)
    return Trained(session)


def with_rows(data: Dataset, split: SplitName, rows: torch.Tensor) -> Dataset:
    """Return the data with other rows in a split."""
    return replace(data, rows={**data.rows, split: rows})
