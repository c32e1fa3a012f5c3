"""Dropout: units left out at random while training, q of them kept, kept ones divided by q; none left out afterwards.

Shape letters: B rows, F features, U hidden units, A units of all rows that are not 0, K classes, M masks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from statistics import fmean
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import Classes, Dataset, load
from pellucid.experiments.evidence import alike, counted, exact, greater
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train, with_rows
from pellucid.judging.wording import percent
from pellucid.seed import generator, seed_torch

_SAMPLES, _MISLABELLED = {"digits": 150, "breast_cancer": 50}, 0.2
_CALLED = {"digits": "digits", "breast_cancer": "tumours"}
_EPOCHS, _RATE, _BATCH = 150, 3e-3, 32
_RIGHT, _WRONG = "right labels", "a fifth mislabelled"
_NONE, _DROPOUT = "without dropout", "with dropout"
_NETWORKS = {
    "digits": {
        _NONE: "8x8x1 -> fc(256) -> relu -> fc(10)",
        _DROPOUT: "8x8x1 -> fc(256) -> relu -> dropout(0.5) -> fc(10)",
    },
    "breast_cancer": {
        _NONE: "30 -> fc(256) -> relu -> fc(2)",
        _DROPOUT: "30 -> fc(256) -> relu -> dropout(0.5) -> fc(2)",
    },
}
_SOFTMAX, _KEPT = "13 -> dropout(0.5) -> fc(3)", 0.5
_FEW = (
    "Srivastava et al. 2014 (section 7.4) find no gain from dropout on the smallest sets of digits (100 and 500), and a"
    " gain that grows with the set up to a point: units left out are no remedy for samples that are not there."
)
_MASKS, _ERRORS, _LOOKED_AT = 10_000, 6, 5
_BAG = (1, 2, 5, 10, 20, 50, 100, 200)


Key: TypeAlias = tuple[str, str, str]
"""The data, the labels trained on, and the network."""


def geometric_mean(layer: nn.Linear, x_BF: Tensor, kept: float) -> Tensor:
    """Return the normalised geometric mean (B, K) of softmax(W (m x / q) + b) over all 2^F masks m, by probability.

    Π_m p_m(k)^P(m) / Σ_k' Π_m p_m(k')^P(m), with P(m) the product of q for each kept feature and 1 - q for each other.
    """
    masks_MF = torch.tensor(list(product((0.0, 1.0), repeat=x_BF.shape[1])), dtype=x_BF.dtype)
    chance_M = (kept * masks_MF + (1 - kept) * (1 - masks_MF)).prod(1)
    logs_BMK = layer(x_BF[:, None] * masks_MF / kept).log_softmax(-1)
    return torch.einsum("m,bmk->bk", chance_M, logs_BMK).softmax(-1)


def measure(seeds: Sequence[int]) -> Result:
    """Train with and without on few samples, draw masks, and go through all masks of a small layer."""
    trained = _trained(seeds)
    accuracy, gap = ({key: [figure(one) for one in of] for key, of in trained.items()} for figure in (_right, _gap))
    with_dropout = trained["digits", _RIGHT, _DROPOUT]
    whole = accuracy["digits", _RIGHT, _DROPOUT]
    drawn = [_expectation(one) for one in with_dropout]
    apart = [_apart(one) for one in _softmax_layers(seeds)]
    bags = [_bag(one) for one in with_dropout]
    return Result(
        checks=(*(check for source in _SAMPLES for check in _against_none(source, accuracy, gap)),
                *_as_a_mean(drawn, apart, bags, whole)),
        quantities=(
            *(Quantity(name=f"test accuracy, {_named(key)}", values=values, share=True)
              for key, values in accuracy.items()),
            *(Quantity(name=f"test loss less training loss (nats), {_named(key)}", values=values)
              for key, values in gap.items()),
            *(Quantity(name=f"test accuracy, digits, {_RIGHT}, mean of {count} thinned networks",
                       values=[bag[place] for bag in bags], share=True)
              for place, count in enumerate(_BAG) if count in {1, 10, 200}),
            Quantity(name="largest difference of the layer from the geometric mean", values=apart, scale="log"),
        ),
        figures=(*(_bars(source, accuracy) for source in _SAMPLES), _chart(bags, whole)),
        notes=(_FEW,),
    )  # fmt: skip


def _named(key: Key) -> str:
    source, labels, name = key
    return f"{_CALLED[source]}, {labels}, {name}"


def _against_none(
    source: str, accuracy: Mapping[Key, list[float]], gap: Mapping[Key, list[float]]
) -> tuple[Check, ...]:
    of = f"{_SAMPLES[source]} {_CALLED[source]}"
    return (
        greater(f"Trained on {of} with dropout a network is right noticeably (two points) more often",
                accuracy[source, _RIGHT, _DROPOUT], accuracy[source, _RIGHT, _NONE], by=0.02, share=True),
        greater(f"Trained on {of} its test and training loss are further apart without dropout",
                gap[source, _RIGHT, _NONE], gap[source, _RIGHT, _DROPOUT]),
        greater(f"Where a fifth of {of} are mislabelled a network is right more often with dropout",
                accuracy[source, _WRONG, _DROPOUT], accuracy[source, _WRONG, _NONE], share=True),
        greater(f"Where a fifth of {of} are mislabelled its test and training loss are further apart without dropout",
                gap[source, _WRONG, _NONE], gap[source, _WRONG, _DROPOUT]),
    )  # fmt: skip


def _as_a_mean(
    drawn: Sequence[tuple[int, int]], apart: list[float], bags: Sequence[Sequence[float]], whole: list[float]
) -> tuple[Check, ...]:
    return (
        counted(f"The mean of a hidden unit over {_MASKS:,} masks is its value without dropout, to"
                f" {_ERRORS} standard errors, where that is not 0 anyway", sum(hits for hits, _ in drawn),
                sum(out_of for _, out_of in drawn)),
        exact("Behind one layer with softmax, no dropout is exactly the normalised geometric mean over all 2¹³ masks",
              apart, 0, tolerance=1e-12),
        alike("With a hidden layer the whole network is nearly the mean of thinned ones: that of"
              f" {_BAG[-1]} is right as often, to a point", [bag[-1] for bag in bags], whole, within=0.01, share=True),
    )  # fmt: skip


def _trained(seeds: Sequence[int]) -> dict[Key, list[Trained]]:
    """Train both networks on both data, with right and wrong labels, on other samples for each seed."""
    options = {"epochs": _EPOCHS, "batch_size": _BATCH, "optimizer": "adam", "learning_rate": _RATE}
    trained = {}
    for source, labels in product(_SAMPLES, (_RIGHT, _WRONG)):
        data = load(source)
        few = [_few(data, _SAMPLES[source], seed, labels) for seed in seeds]
        for name, network in _NETWORKS[source].items():
            variant = {name: Variant(network=network)}
            trained[source, labels, name] = [
                train(of_seed, variant, [seed], **options)[name][0] for of_seed, seed in zip(few, seeds, strict=True)
            ]
    return trained


def _few(data: Dataset, samples: int, seed: int, labels: str) -> Dataset:
    """Return the data with few training samples, a fifth of which have the label of another class if wished for."""
    assert isinstance(data.target, Classes)
    classes, rows = len(data.target.names), data.rows["train"]
    drawn_N = rows[torch.randperm(len(rows), generator=generator(seed, "samples"))[:samples]]
    targets = data.targets.clone()
    if labels == _WRONG:
        wrong_W = drawn_N[: round(samples * _MISLABELLED)]
        others_W = torch.randint(1, classes, wrong_W.shape, generator=generator(seed, "labels"))
        targets[wrong_W] = (targets[wrong_W] + others_W) % classes
    return replace(with_rows(data, "train", drawn_N), targets=targets)


def _softmax_layers(seeds: Sequence[int]) -> list[Trained]:
    variants = {"": Variant(network=_SOFTMAX)}
    return train(load("wine"), variants, seeds, epochs=20, optimizer="adam", learning_rate=0.01)[""]


def _right(one: Trained) -> float:
    return one.metrics()["accuracy"]


def _gap(one: Trained) -> float:
    return one.metrics()["loss"] - one.metrics("train")["loss"]


@torch.no_grad()
def _expectation(one: Trained) -> tuple[int, int]:
    """Return how many units' means over the masks are near their value without, and of how many.

    Units that are 0 for a row are left out: they stay 0 under every mask. A unit a kept with probability q and divided
    by it has the standard deviation |a| √((1 - q) / q).
    """
    hidden_BU = _hidden(one)[:_LOOKED_AT].double()
    seed_torch(one.session.recipe.seed, "masks")
    mean_BU = torch.stack([F.dropout(each.expand(_MASKS, -1), 1 - _KEPT).mean(0) for each in hidden_BU])
    error_BU = hidden_BU.abs() * ((1 - _KEPT) / _KEPT / _MASKS) ** 0.5
    near_A = ((mean_BU - hidden_BU).abs() <= _ERRORS * error_BU)[hidden_BU != 0]
    return int(near_A.sum()), near_A.numel()


def _hidden(one: Trained) -> Tensor:
    """Return the hidden units (B, U) of the test rows, before dropout."""
    layers = [module for module in one.session.network.modules() if isinstance(module, nn.Linear)]
    hidden: Tensor = layers[0](one.session.data.split("test")[0].flatten(1)).relu()
    return hidden


@torch.no_grad()
def _apart(one: Trained) -> float:
    """Return the largest difference between the layer's probabilities without dropout and the geometric mean's."""
    (layer,) = [module for module in one.session.network.modules() if isinstance(module, nn.Linear)]
    x_BF = one.session.data.split("test")[0].double()
    return float((layer.double()(x_BF).softmax(1) - geometric_mean(layer, x_BF, _KEPT)).abs().max())


@torch.no_grad()
def _bag(one: Trained) -> list[float]:
    """Return how often the mean of the probabilities of so many thinned networks is right on the test rows."""
    inputs, labels_B = one.session.data.split("test")
    seed_torch(one.session.recipe.seed, "bag")
    network = one.session.network.train()
    drawn_MBK = torch.stack([network(inputs).softmax(1) for _ in range(_BAG[-1])])
    network.eval()
    return [float((drawn_MBK[:count].mean(0).argmax(1) == labels_B).double().mean()) for count in _BAG]


def _chart(bags: Sequence[Sequence[float]], without: Sequence[float]) -> Chart:
    means = {count: fmean(bag[place] for bag in bags) for place, count in enumerate(_BAG)}
    return Chart(
        title="The whole network stands for a bag of thinned ones",
        detail="test accuracy of the mean of so many networks with random masks, and of the network without dropout;"
        " the band goes from the least to the greatest seed",
        says=f"One thinned network is right on {percent(means[1])} of the test rows, the mean of {_BAG[-1]} on"
        f" {percent(means[_BAG[-1]])}, the whole network on {percent(fmean(without))}.",
        x=Axis("thinned networks", "log"),
        y=Axis("test accuracy", "percent"),
        lines=[Line(label="mean of thinned networks", x=_BAG, runs=bags)],
        levels=[("the whole network", fmean(without))],
    )


def _bars(source: str, accuracy: Mapping[Key, list[float]]) -> Bars:
    runs = {f"{labels}, {name}": values for (of, labels, name), values in accuracy.items() if of == source}
    return Bars(
        title=f"Where there is noise to be fitted: {_CALLED[source]}",
        detail=f"test accuracy from {_SAMPLES[source]} samples; a dot a seed, each with samples of its own",
        says="Test accuracy: " + "; ".join(f"{name} {percent(fmean(values))}" for name, values in runs.items()) + ".",
        axis=Axis("test accuracy", "percent"),
        bars=[Bar(label=label, runs=values) for label, values in runs.items()],
    )


EXPERIMENT = Experiment(
    name="dropout",
    title="Dropout",
    topic="Regularising",
    claim="To leave units out at random while training keeps a network from fitting the noise of few samples. With kept"
    " units divided by their probability each keeps its mean, and the whole network, with nothing left out, stands for"
    " the mean of all thinned ones.",
    source="Hinton et al. 2012, Improving neural networks by preventing co-adaptation of feature detectors; Srivastava"
    " et al. 2014, Dropout: a simple way to prevent neural networks from overfitting, section 7.5; Goodfellow, Bengio"
    " and Courville 2016, Deep Learning, section 7.12",
    method=f"256 hidden units (relu) with and without dropout of a half, on {_SAMPLES['digits']} training digits and on"
    f" {_SAMPLES['breast_cancer']} tumours (`breast_cancer`), others for each seed,"
    " with their own labels and with a fifth of them changed for others (never on test rows):"
    f" {_EPOCHS} epochs of Adam at rate {_RATE}, batches of {_BATCH}. Then {_MASKS:,} masks over the hidden units of"
    f" {_LOOKED_AT} digits of the test rows, up to {_BAG[-1]} masks over those of all their test rows, and all masks"
    " over the 13 inputs of a softmax regression on the wines, in float64. The mislabelled samples were added when the"
    " others showed no gain.",
    measure=measure,
    seconds=14,
)
