"""Leaky ReLU in classification, beside ReLU, ELU and tanh, each at the rate that suits it."""

from collections.abc import Sequence

import numpy as np

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import load
from pellucid.experiments.evidence import greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, per_seed, train
from pellucid.judging.wording import percent

_ACTIVATIONS = {"ReLU": "relu", "leaky ReLU": "leakyrelu", "ELU": "elu", "tanh": "tanh"}
_RATES = (1e-3, 3e-3, 1e-2)
_EPOCHS, _MARGIN = 12, 0.02
_NETWORKS = {
    "convolutional": "8x8x1 -> conv(8, 3x3, padding=1, init=he) -> {0} -> maxpool(2x2)"
    " -> conv(16, 3x3, padding=1, init=he) -> {0} -> maxpool(2x2) -> fc(32, init=he) -> {0} -> fc(10)",
    "2 hidden layers": "8x8x1 -> 2x(fc(32, init=he) -> {0}) -> fc(10)",
    "8 hidden layers": "8x8x1 -> 8x(fc(32, init=he) -> {0}) -> fc(10)",
}
_ELSEWHERE = (
    "Ten kinds of small digits are not what is complex today. On CIFAR-10, CIFAR-100 and pictures of plankton Xu et al."
    " (2015) conclude that a slope below zero improves the results, and that a greater one than 0.01 is better still."
)


def measure(seeds: Sequence[int]) -> Result:
    """Train every network with every activation, rate and seed; judge at the rate with the best validation."""
    trained = {
        (network, activation): _by_rate(arrows.format(word), seeds)
        for network, arrows in _NETWORKS.items()
        for activation, word in _ACTIVATIONS.items()
    }
    best = {key: max(by_rate.values(), key=_validation) for key, by_rate in trained.items()}
    right = {key: per_seed(each, lambda one: one.metrics()["accuracy"]) for key, each in best.items()}
    return Result(
        checks=tuple(
            greater(f"With leaky ReLU digits are read rightly less often than with ReLU, by more than"
                    f" {100 * _MARGIN:g} points ({network})",
                    right[network, "ReLU"], right[network, "leaky ReLU"], by=_MARGIN, share=True)
            for network in _NETWORKS
        ),
        quantities=tuple(
            Quantity(name=f"test accuracy, {network}, {activation}", values=values, share=True)
            for (network, activation), values in right.items()
        ),
        figures=(_accuracies(right), _rates(trained)),
        notes=(_ELSEWHERE,),
    )  # fmt: skip


def _by_rate(arrows: str, seeds: Sequence[int]) -> dict[float, list[Trained]]:
    variants = {str(rate): Variant(network=arrows, options={"learning_rate": rate}) for rate in _RATES}
    trained = train(load("digits"), variants, seeds, epochs=_EPOCHS, optimizer="adam", batch_size=64)
    return {rate: trained[str(rate)] for rate in _RATES}


def _validation(trained: list[Trained]) -> float:
    return float(np.mean([one.validation("accuracy")[-1] for one in trained]))


def _accuracies(right: dict[tuple[str, str], list[float]]) -> Bars:
    means = {key: percent(float(np.mean(values))) for key, values in right.items()}
    return Bars(
        title="Which activation reads digits rightly",
        detail="test accuracy at the rate with the best validation accuracy; a dot a seed",
        says="ReLU and leaky ReLU: "
        + "; ".join(f"{name}, {means[name, 'ReLU']} and {means[name, 'leaky ReLU']}" for name in _NETWORKS) + ".",
        axis=Axis("test accuracy", "percent", ends=(0.85, 1)),
        bars=[Bar(label=", ".join(key), runs=values) for key, values in right.items()],
    )  # fmt: skip


def _rates(trained: dict[tuple[str, str], dict[float, list[Trained]]]) -> Chart:
    deepest = list(_NETWORKS)[-1]
    runs = {
        name: np.transpose(
            [[one.validation("accuracy")[-1] for one in each] for each in trained[deepest, name].values()]
        )
        for name in _ACTIVATIONS
    }
    at = {name: percent(float(each.mean(axis=0).max())) for name, each in runs.items()}
    return Chart(
        title="At which rate",
        detail=f"validation accuracy of {deepest}; the band goes from the least to the greatest seed",
        says="At the best rate: " + ", ".join(f"{name} {share}" for name, share in at.items()) + ".",
        x=Axis("learning rate", "log"),
        y=Axis("validation accuracy", "percent"),
        lines=[Line(label=name, x=_RATES, runs=each.tolist()) for name, each in runs.items()],
    )


EXPERIMENT = Experiment(
    name="leaky-relu",
    title="Leaky ReLU in complex classification",
    topic="Errata",
    claim="Leaky ReLU is unfit for complex classification.",
    source="Lecture notes; Maas, Hannun and Ng 2013, Rectifier nonlinearities improve neural network acoustic models;"
    " Xu et al. 2015, Empirical evaluation of rectified activations in convolutional network",
    method="A convolutional network of two convolutions and dense networks of 2 and 8 hidden layers of 32 units on the"
    f" digits, from He's weights, with ReLU, leaky ReLU (slope 0.01), ELU and tanh; {_EPOCHS} epochs of Adam in batches"
    f" of 64 at the rates {', '.join(f'{rate:g}' for rate in _RATES)}. Each is judged on the test rows at the rate"
    " whose last validation accuracy is best on average.",
    measure=measure,
    seconds=19,
)
