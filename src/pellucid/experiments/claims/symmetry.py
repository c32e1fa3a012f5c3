"""Weights that start equal stay equal: units of a layer with the same weights get the same gradient at every step."""

from collections.abc import Sequence

import torch
from torch import nn

from pellucid.chart import Axis, Chart, Line
from pellucid.data import load
from pellucid.experiments.evidence import exact, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, per_seed, train
from pellucid.judging.wording import percent

_NETWORK = "8x8x1 -> fc(32) -> tanh -> fc(10)"
_EPOCHS = 20
_ALL_ZERO = (
    "At 0 the hidden layer learns nothing at all: its gradient is Wᵀ dZ ∘ g'(z) with W = 0, and W's own holds"
    " tanh(0) = 0. Only the output's biases are learned, which say how frequent each class is."
)


def _zeros(network: nn.Module, seed: int) -> None:  # noqa: ARG001 (nothing is drawn)
    for parameter in network.parameters():
        parameter.zero_()


def _constant(network: nn.Module, seed: int) -> None:  # noqa: ARG001 (nothing is drawn)
    for parameter in network.parameters():
        parameter.fill_(0.1 if parameter.ndim > 1 else 0.0)


_STARTS = {
    "all 0": Variant(network=_NETWORK, prepare=_zeros),
    "all 0.1": Variant(network=_NETWORK, prepare=_constant),
    "drawn at random": Variant(network=_NETWORK),
}


def measure(seeds: Sequence[int]) -> Result:
    """Train each start with every seed, and count the hidden units that still differ."""
    trained = train(load("digits"), _STARTS, seeds, epochs=_EPOCHS, optimizer="sgd", learning_rate=0.5)
    units = {name: per_seed(all_seeds, _different_units) for name, all_seeds in trained.items()}
    accuracy = {name: per_seed(all_seeds, lambda one: one.metrics()["accuracy"]) for name, all_seeds in trained.items()}
    return Result(
        checks=(
            exact("Units that start at 0 are one unit after the training", units["all 0"], 1, tolerance=0),
            exact("Units that start at 0.1 are too: what matters is that they are equal", units["all 0.1"], 1,
                  tolerance=0),
            exact("Units drawn at random stay different", units["drawn at random"], 32, tolerance=0),
            greater("A network of different units is right more often", accuracy["drawn at random"],
                    accuracy["all 0.1"], by=0.2, share=True),
        ),
        quantities=(
            *(Quantity(name=f"different units, {name}", values=values) for name, values in units.items()),
            *(Quantity(name=f"test accuracy, {name}", values=values, share=True) for name, values in accuracy.items()),
        ),
        figures=(_learning(trained, accuracy),),
        notes=(_ALL_ZERO,),
    )  # fmt: skip


def _different_units(one: Trained) -> float:
    """Return how many of the hidden units have weights of their own, to the bit."""
    return float(len(torch.unique(next(one.session.network.parameters()).detach(), dim=0)))


def _learning(trained: dict[str, list[Trained]], accuracy: dict[str, list[float]]) -> Chart:
    epochs = list(range(1, _EPOCHS + 1))
    means = {name: sum(values) / len(values) for name, values in accuracy.items()}
    return Chart(
        title="Equal weights learn as one",
        detail="validation accuracy by epoch; the band goes from the least to the greatest seed",
        says="Test accuracy " + ", ".join(f"{percent(mean)} from weights {name}" for name, mean in means.items()) + ".",
        x=Axis("epoch"),
        y=Axis("validation accuracy", "percent"),
        lines=[
            Line(label=f"weights {name}", x=epochs, runs=[one.validation("accuracy") for one in all_seeds])
            for name, all_seeds in trained.items()
        ],
    )


EXPERIMENT = Experiment(
    name="symmetry",
    title="Equal weights stay equal",
    topic="Beginning",
    claim="A network whose weights start at zero cannot learn: all units of a layer compute the same, receive the same"
    " gradient and stay the same. Random weights break the symmetry.",
    source="Rumelhart, Hinton and Williams 1986, Learning internal representations by error propagation;"
    " Goodfellow, Bengio and Courville 2016, Deep Learning, section 8.4",
    method=f"{_NETWORK} on the digits, {_EPOCHS} epochs of SGD at rate 0.5, from weights all 0, all 0.1 with biases 0,"
    " and torch's random ones. Counted are the hidden units whose 64 incoming weights are no other unit's, to the bit.",
    measure=measure,
    seconds=6,
)
