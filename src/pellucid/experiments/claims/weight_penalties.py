"""Penalties on weights: L1 adds λ Σ|w| to the loss and makes weights exactly 0, L2 adds λ/2 Σw² and makes them small.

Both are taken of the weights alone, not of the biases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeAlias

import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Chart, Line, Tile, Tiles
from pellucid.data import Dataset, SplitName, load
from pellucid.experiments.evidence import above, counted, greater, times
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train, with_rows
from pellucid.judging.wording import percent
from pellucid.seed import generator

_NETWORKS = {"digits": "8x8x1 -> fc(64) -> relu -> fc(10)", "breast_cancer": "30 -> fc(64) -> relu -> fc(2)"}
_SAMPLES = {"digits": 150, "breast_cancer": 50}
_CALLED = {"digits": "the digits", "breast_cancer": "the tumours"}
_EPOCHS, _RATE, _BATCH = 150, 0.05, 32
_OPTIONS = {"L1": "l1", "L2": "weight_decay"}
_STRENGTHS = {
    "L1": (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "L2": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0),
}
_NONE, _SHOWN = "no penalty", 6
_TOO_STRONG = (
    "A narrow gap alone is no success: a penalty so strong that nothing is learned closes it, too. So each is as strong"
    " here as has the least validation loss."
)

Swept: TypeAlias = Mapping[float, Sequence[Trained]]
"""Trainings by the strength of one penalty, one a seed."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """All trainings on one set of data.

    Attributes:
        by_penalty: L1 and L2, with every strength.
        chosen: without a penalty, and with the strength of L1 and of L2 that is best for each seed.
    """

    by_penalty: Mapping[str, Swept]
    chosen: Mapping[str, Sequence[Trained]]

    def strengths(self, penalty: str) -> list[float]:
        """Return each seed's best strength of a penalty."""
        return [getattr(one.session.recipe, _OPTIONS[penalty]) for one in self.chosen[penalty]]

    def accuracy(self, name: str, split: SplitName = "test") -> list[float]:
        """Return each seed's accuracy with a penalty as strong as is best."""
        return [one.metrics(split)["accuracy"] for one in self.chosen[name]]

    def loss(self, name: str) -> list[float]:
        """Return each seed's test loss with a penalty as strong as is best, without the penalty itself."""
        return [one.metrics()["loss"] for one in self.chosen[name]]

    def gap(self, name: str) -> list[float]:
        """Return by how much the training accuracy of each seed exceeds the test accuracy."""
        both = zip(self.accuracy(name, "train"), self.accuracy(name), strict=True)
        return [training - test for training, test in both]

    def zeros(self, name: str) -> list[float]:
        """Return each seed's share of weights that are exactly 0."""
        return [share_of_zeros(one.session.network) for one in self.chosen[name]]

    def length(self, name: str) -> list[float]:
        """Return each seed's length of all weights as one vector."""
        return [float(weights(one.session.network).norm()) for one in self.chosen[name]]


def weights(network: nn.Module) -> Tensor:
    """Return all weights of a network, those that a penalty is taken of, in one row: no biases."""
    return torch.cat([weight.detach().flatten() for weight in network.parameters() if weight.ndim > 1])


def share_of_zeros(network: nn.Module) -> float:
    """Return how many of a network's weights are exactly 0, as a share."""
    return float((weights(network) == 0).double().mean())


def measure(seeds: Sequence[int]) -> Result:
    """Train with every strength of both penalties on few samples, and look at the weights and both accuracies."""
    sweeps = {name: _sweep(name, seeds) for name in _NETWORKS}
    return Result(
        checks=_checks(sweeps),
        quantities=tuple(quantity for name, sweep in sweeps.items() for quantity in _quantities(_CALLED[name], sweep)),
        figures=(*(_chart(_CALLED[name], sweep) for name, sweep in sweeps.items()), _tiles(sweeps["digits"])),
        notes=(_TOO_STRONG, _where_the_best_lie(sweeps)),
    )


def _checks(sweeps: Mapping[str, Sweep]) -> tuple[Check, ...]:
    named = [(_CALLED[name], sweep) for name, sweep in sweeps.items()]
    under_l2 = [share_of_zeros(one.session.network) for sweep in sweeps.values()
                for all_seeds in sweep.by_penalty["L2"].values() for one in all_seeds]  # fmt: skip
    return (
        counted("L2 of every strength makes no weight exactly 0", under_l2.count(0), len(under_l2)),
        *(above(f"L1, as strong as has the least validation loss on {called}, makes most weights exactly 0",
                sweep.zeros("L1"), 0.5, share=True) for called, sweep in named),
        *(times(f"L2, as strong as has the least validation loss on {called}, makes the vector of all weights less than"
                " half as long", sweep.length(_NONE), sweep.length("L2"), at_least=2) for called, sweep in named),
        *(greater(f"With {penalty} training and test accuracy on {called} are less far apart than without",
                  sweep.gap(_NONE), sweep.gap(penalty), share=True) for called, sweep in named for penalty in _OPTIONS),
        *(greater(f"With {penalty} more test rows of {called} are right than without",
                  sweep.accuracy(penalty), sweep.accuracy(_NONE), share=True)
          for called, sweep in named for penalty in _OPTIONS),
    )  # fmt: skip


def _where_the_best_lie(sweeps: Mapping[str, Sweep]) -> str:
    """Return how many seeds' best strengths lie between the ends of what was tried."""
    inside = [
        _STRENGTHS[penalty][0] < strength < _STRENGTHS[penalty][-1]
        for sweep in sweeps.values() for penalty in _OPTIONS for strength in sweep.strengths(penalty)
    ]  # fmt: skip
    return f"Of the {len(inside)} strengths that are best {sum(inside)} lie between the ends of those tried."


def _quantities(called: str, sweep: Sweep) -> tuple[Quantity, ...]:
    of = {name: f"{name}, {called}" for name in sweep.chosen}
    return (
        *(Quantity(name=f"strength that is best, {of[name]}", scale="log",
                   values=sweep.strengths(name)) for name in _OPTIONS),
        *(Quantity(name=f"test accuracy, {of[name]}", values=sweep.accuracy(name), share=True) for name in of),
        *(Quantity(name=f"test loss (nats), {of[name]}", values=sweep.loss(name)) for name in of),
        *(Quantity(name=f"training accuracy less test accuracy, {of[name]}", values=sweep.gap(name), share=True)
          for name in of),
        *(Quantity(name=f"weights that are exactly 0, {of[name]}", values=sweep.zeros(name), share=True)
          for name in of),
        *(Quantity(name=f"length of all weights as one vector, {of[name]}", values=sweep.length(name))
          for name in of),
    )  # fmt: skip


def _sweep(name: str, seeds: Sequence[int]) -> Sweep:
    """Train without a penalty and with each strength of both, on other samples for each seed."""
    variants = {_NONE: Variant(network=_NETWORKS[name])}
    for penalty, option in _OPTIONS.items():
        variants |= {
            f"{penalty} {strength}": Variant(network=_NETWORKS[name], options={option: strength})
            for strength in _STRENGTHS[penalty]
        }
    data = load(name)
    options = {"epochs": _EPOCHS, "batch_size": _BATCH, "optimizer": "momentum", "learning_rate": _RATE}
    by_seed = [train(_few(data, _SAMPLES[name], seed), variants, [seed], **options) for seed in seeds]
    by_penalty = {
        penalty: {strength: [of_seed[f"{penalty} {strength}"][0] for of_seed in by_seed] for strength in strengths}
        for penalty, strengths in _STRENGTHS.items()
    }
    best = {penalty: _best(by_strength) for penalty, by_strength in by_penalty.items()}
    return Sweep(by_penalty, {_NONE: [of_seed[_NONE][0] for of_seed in by_seed], **best})


def _few(data: Dataset, samples: int, seed: int) -> Dataset:
    rows = data.rows["train"]
    drawn = torch.randperm(len(rows), generator=generator(seed, "samples"))[:samples]
    return with_rows(data, "train", rows[drawn])


def _best(by_strength: Swept) -> list[Trained]:
    """Return each seed's training with the strength that ended with the least validation loss."""
    return [
        min(of_seed, key=lambda one: one.validation("loss")[-1]) for of_seed in zip(*by_strength.values(), strict=True)
    ]


def _chart(called: str, sweep: Sweep) -> Chart:
    splits: Mapping[str, SplitName] = {"training": "train", "test": "test"}
    apart = ", ".join(f"{100 * fmean(sweep.gap(name)):.1f} points with {name}" for name in sweep.chosen)
    return Chart(
        title=f"A penalty that is too strong stops all learning: {called}",
        detail="accuracy by the strength of the penalty; the band goes from the least to the greatest seed",
        says=f"Training and test accuracy on {called} are apart by {apart}, each as strong as is best on validation"
        " rows.",
        x=Axis("strength λ of the penalty", "log"),
        y=Axis("accuracy", "percent"),
        lines=[
            Line(
                label=f"{penalty}, {rows} rows",
                x=_STRENGTHS[penalty],
                runs=[
                    [one.metrics(split)["accuracy"] for one in of_seed]
                    for of_seed in zip(*by_strength.values(), strict=True)
                ],
            )
            for penalty, by_strength in sweep.by_penalty.items()
            for rows, split in splits.items()
        ],
    )


def _tiles(sweep: Sweep) -> Tiles:
    tiles = []
    for name, all_seeds in sweep.chosen.items():
        incoming_UP = next(all_seeds[0].session.network.parameters()).detach()
        longest_U = incoming_UP.norm(dim=1).argsort(descending=True)[:_SHOWN]
        tiles += [Tile(caption=name, values=row.reshape(8, 8).tolist()) for row in incoming_UP[longest_U]]
    return Tiles(
        title="What units look at",
        detail=f"the 64 weights of the {_SHOWN} hidden units with the longest, first seed, each unit on its own scale",
        says="Of all weights exactly 0 are "
        + ", ".join(f"{percent(fmean(sweep.zeros(name)))} with {name}" for name in sweep.chosen)
        + ".",
        tiles=tiles,
        columns=_SHOWN,
        signed=True,
        together=False,
    )


EXPERIMENT = Experiment(
    name="weight-penalties",
    title="L1 makes weights 0, L2 makes them small",
    topic="Regularising",
    claim="To learn less by heart from few samples, weights are made to cost something: L2 (weight decay) makes them"
    " small, L1 makes many exactly 0. Either narrows the gap between training and test accuracy.",
    source="Krogh and Hertz 1992, A simple weight decay can improve generalization; Tibshirani 1996, Regression"
    " shrinkage and selection via the lasso; Goodfellow, Bengio and Courville 2016, Deep Learning, section 7.1",
    method=f"64 hidden units (relu) on {_SAMPLES['digits']} training digits and on {_SAMPLES['breast_cancer']} tumours"
    f" (`breast_cancer`), others for each seed: {_EPOCHS} epochs of SGD with momentum 0.9 at rate {_RATE}, batches of"
    f" {_BATCH}, without a penalty and with {len(_STRENGTHS['L1'])} strengths of each: L1 (by proximal steps) from"
    f" {_STRENGTHS['L1'][0]:g} to {_STRENGTHS['L1'][-1]:g}, L2 from {_STRENGTHS['L2'][0]:g} to"
    f" {_STRENGTHS['L2'][-1]:g}. Of each, every seed takes the strength with the least validation loss at the end.",
    measure=measure,
    seconds=15,
)
