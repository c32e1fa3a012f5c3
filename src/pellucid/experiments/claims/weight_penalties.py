"""Penalties on weights: L1 adds λ Σ|w| to the loss and makes weights exactly 0, L2 adds λ/2 Σw² and makes them small.

Both are taken of the weights alone, not of the biases.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TypeAlias

import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Chart, Line, Tile, Tiles
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import above, exact, greater, times
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train, with_rows
from pellucid.judging.wording import percent
from pellucid.seed import generator

_NETWORK = "8x8x1 -> fc(64) -> relu -> fc(10)"
_SAMPLES, _EPOCHS, _RATE, _BATCH = 150, 150, 0.05, 32
_OPTIONS = {"L1": "l1", "L2": "weight_decay"}
_STRENGTHS = {"L1": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2), "L2": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)}
_NONE, _SHOWN = "no penalty", 6

Swept: TypeAlias = Mapping[float, Sequence[Trained]]
"""Trainings by the strength of one penalty, one a seed."""


def weights(network: nn.Module) -> Tensor:
    """Return all weights of a network, those that a penalty is taken of, in one row: no biases."""
    return torch.cat([weight.detach().flatten() for weight in network.parameters() if weight.ndim > 1])


def share_of_zeros(network: nn.Module) -> float:
    """Return how many of a network's weights are exactly 0, as a share."""
    return float((weights(network) == 0).double().mean())


def measure(seeds: Sequence[int]) -> Result:
    """Train with every strength of both penalties on few samples, and look at the weights and both accuracies."""
    plain, swept = _trained(seeds)
    chosen = {_NONE: plain, **{name: _chosen(by_strength) for name, by_strength in swept.items()}}
    right = {name: [one.metrics()["accuracy"] for one in of] for name, of in chosen.items()}
    gap = {name: [_gap(one) for one in of] for name, of in chosen.items()}
    zeros = {name: [share_of_zeros(one.session.network) for one in of] for name, of in chosen.items()}
    size = {name: [float(weights(one.session.network).norm()) for one in of] for name, of in chosen.items()}
    return Result(
        checks=_checks(swept, right, gap, zeros, size),
        quantities=(
            *(Quantity(name=f"strength chosen, {name}",
                       values=[getattr(one.session.recipe, option) for one in chosen[name]], scale="log")
              for name, option in _OPTIONS.items()),
            *(Quantity(name=f"test accuracy, {name}", values=values, share=True) for name, values in right.items()),
            *(Quantity(name=f"training accuracy less test accuracy, {name}", values=values, share=True)
              for name, values in gap.items()),
            *(Quantity(name=f"weights that are exactly 0, {name}", values=values, share=True)
              for name, values in zeros.items()),
            *(Quantity(name=f"length of all weights as one vector, {name}", values=values)
              for name, values in size.items()),
        ),
        figures=(_chart(swept, gap), _tiles(chosen, zeros)),
    )  # fmt: skip


def _checks(
    swept: Mapping[str, Swept],
    right: Mapping[str, list[float]],
    gap: Mapping[str, list[float]],
    zeros: Mapping[str, list[float]],
    size: Mapping[str, list[float]],
) -> tuple[Check, ...]:
    under_l2 = [share_of_zeros(one.session.network) for of in swept["L2"].values() for one in of]
    strongest = {name: [one.metrics()["accuracy"] for one in by[_STRENGTHS[name][-1]]] for name, by in swept.items()}
    return (
        above("L1, as strong as does best on validation rows, makes most weights exactly 0", zeros["L1"], 0.5,
              share=True),
        exact("L2 makes none exactly 0, however strong", under_l2, 0, tolerance=0),
        times("L2, as strong as does best on validation rows, makes the vector of all weights less than half as long",
              size[_NONE], size["L2"], at_least=2),
        *(greater(f"With {name} training and test accuracy are less far apart than without a penalty", gap[_NONE],
                  gap[name], share=True) for name in _OPTIONS),
        *(greater(f"With {name} more test rows are right than without a penalty", right[name], right[_NONE],
                  share=True) for name in _OPTIONS),
        *(greater(f"The strongest {name} of the sweep is too strong: fewer test rows are right than without a penalty",
                  right[_NONE], strongest[name], share=True) for name in _OPTIONS),
    )  # fmt: skip


def _trained(seeds: Sequence[int]) -> tuple[list[Trained], dict[str, Swept]]:
    """Train without a penalty and with each strength of both, on other samples for each seed."""
    variants = {_NONE: Variant(network=_NETWORK)}
    for name, option in _OPTIONS.items():
        variants |= {
            f"{name} {strength:g}": Variant(network=_NETWORK, options={option: strength})
            for strength in _STRENGTHS[name]
        }
    data = load("digits")
    options = {"epochs": _EPOCHS, "batch_size": _BATCH, "optimizer": "momentum", "learning_rate": _RATE}
    by_seed = [train(_few(data, seed), variants, [seed], **options) for seed in seeds]
    swept: dict[str, Swept] = {
        name: {strength: [of_seed[f"{name} {strength:g}"][0] for of_seed in by_seed] for strength in strengths}
        for name, strengths in _STRENGTHS.items()
    }
    return [of_seed[_NONE][0] for of_seed in by_seed], swept


def _few(data: Dataset, seed: int) -> Dataset:
    rows = data.rows["train"]
    drawn = torch.randperm(len(rows), generator=generator(seed, "samples"))[:_SAMPLES]
    return with_rows(data, "train", rows[drawn])


def _chosen(by_strength: Swept) -> list[Trained]:
    """Return each seed's training with the strength that ended with the least validation loss."""
    return [
        min(of_seed, key=lambda one: one.validation("loss")[-1]) for of_seed in zip(*by_strength.values(), strict=True)
    ]


def _gap(one: Trained) -> float:
    return one.metrics("train")["accuracy"] - one.metrics()["accuracy"]


def _chart(swept: Mapping[str, Swept], gap: Mapping[str, list[float]]) -> Chart:
    lines = []
    for name, by_strength in swept.items():
        for split, called in (("train", "training"), ("test", "test")):
            runs = [
                [one.metrics(split)["accuracy"] for one in of_seed]
                for of_seed in zip(*by_strength.values(), strict=True)
            ]
            lines.append(Line(label=f"{called} rows, {name}", x=_STRENGTHS[name], runs=runs))
    return Chart(
        title="Too strong a penalty stops all learning",
        detail="accuracy by the strength of the penalty; the band goes from the least to the greatest seed",
        says="Training and test accuracy are "
        + ", ".join(f"{100 * fmean(values):.1f} points apart with {name}" for name, values in gap.items())
        + ", each penalty as strong as does best on validation rows.",
        x=Axis("strength λ of the penalty", "log"),
        y=Axis("accuracy", "percent"),
        lines=lines,
    )


def _tiles(chosen: Mapping[str, Sequence[Trained]], zeros: Mapping[str, list[float]]) -> Tiles:
    tiles = []
    for name, all_seeds in chosen.items():
        first = next(all_seeds[0].session.network.parameters()).detach()
        longest = first.norm(dim=1).argsort(descending=True)[:_SHOWN]
        tiles += [Tile(caption=name, values=row.reshape(8, 8).tolist()) for row in first[longest]]
    return Tiles(
        title="What units look at",
        detail=f"the 64 weights of the {_SHOWN} hidden units with the longest, first seed, each on its own scale",
        says="Of all weights exactly 0 are "
        + ", ".join(f"{percent(fmean(values))} with {name}" for name, values in zeros.items())
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
    method=f"{_NETWORK} on {_SAMPLES} training digits, others for each seed: {_EPOCHS} epochs of SGD with momentum 0.9"
    f" at rate {_RATE}, batches of {_BATCH}, without a penalty and with six strengths of each: L1 (a proximal step)"
    f" from {_STRENGTHS['L1'][0]:g} to {_STRENGTHS['L1'][-1]:g}, L2 from {_STRENGTHS['L2'][0]:g} to"
    f" {_STRENGTHS['L2'][-1]:g}. Of each, every seed takes the strength with the least validation loss.",
    measure=measure,
    seconds=10,
)
