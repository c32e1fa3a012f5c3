"""Weights drawn from [0, 1), as NumPy's random.rand gives them, against weights drawn around 0.

Of weights with mean 1/2 a unit's sum is Σ w x = ½ Σ x + Σ (w - ½) x: every unit hears first of all the sum of its
inputs, and the same of it.

Shape letters: N images, U units of a layer.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import load
from pellucid.experiments.evidence import alike, below
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, per_seed, train
from pellucid.judging.wording import percent
from pellucid.networks import build
from pellucid.seed import generator

_EPOCHS = 15
_SATURATED = 0.99
_AS_GOOD = 0.02
_NETWORKS = {
    name: f"8x8x1 -> fc(64) -> {name} -> fc(64) -> {name} -> fc(10)" for name in ("tanh", "relu")
}  # fmt: skip
_GAINS = {"tanh": 1.0, "relu": 2.0}

Draw = Callable[[Tensor, float, torch.Generator], Tensor]
"""Draws a layer's weights in place, given n σ² for n inputs."""

STARTS: Mapping[str, Draw] = {
    "[0, 1)": lambda w_MN, _, random: w_MN.uniform_(0, 1, generator=random),
    "normal": lambda w_MN, gain, random: w_MN.normal_(0, (gain / w_MN.shape[1]) ** 0.5, generator=random),
    "uniform around 0": lambda w_MN, gain, random: w_MN.uniform_(
        -((3 * gain / w_MN.shape[1]) ** 0.5), (3 * gain / w_MN.shape[1]) ** 0.5, generator=random
    ),
}


def started(start: str, activation: str) -> Callable[[nn.Module, int], None]:
    """Return what draws all weights anew, with biases of 0."""

    def prepare(network: nn.Module, seed: int) -> None:
        random = generator(seed, "initial weights")
        for parameter in network.parameters():
            if parameter.ndim > 1:
                STARTS[start](parameter, _GAINS[activation], random)
            else:
                parameter.zero_()

    return prepare


@torch.no_grad()
def units_of(start: str, seed: int, x_NCHW: Tensor) -> Tensor:
    """Return the second layer's tanh units before training, (N, U)."""
    network = build(_NETWORKS["tanh"], seed=seed)
    started(start, "tanh")(network, seed)
    hidden_NU: Tensor = nn.Sequential(*list(network.children())[:-1])(x_NCHW)
    return hidden_NU


def saturated(units_NU: Tensor) -> float:
    """Return the share of outputs beyond ±0.99."""
    return float((units_NU.abs() > _SATURATED).double().mean())


def agreement(units_NU: Tensor) -> float:
    """Return how often two different units have the same sign, of all pairs and images."""
    signs_NU = units_NU.sign().double()
    count = units_NU.shape[1]
    same_UU = (1 + signs_NU.T @ signs_NU / len(signs_NU)) / 2
    return float((same_UU.sum() - same_UU.diagonal().sum()) / (count * (count - 1)))


def measure(seeds: Sequence[int]) -> Result:
    """Look at the units before training, then train from each start."""
    data = load("digits")
    x_NCHW, _ = data.split("train")
    units = {start: [units_of(start, seed, x_NCHW) for seed in seeds] for start in STARTS}
    full = {start: [saturated(each) for each in every] for start, every in units.items()}
    same = {start: [agreement(each) for each in every] for start, every in units.items()}
    variants = {
        f"{activation}, {start}": Variant(network=network, prepare=started(start, activation))
        for activation, network in _NETWORKS.items()
        for start in STARTS
    }
    trained = train(data, variants, seeds, epochs=_EPOCHS, batch_size=32, optimizer="sgd", learning_rate=0.1)
    accuracy = {name: per_seed(each, lambda one: one.metrics()["accuracy"]) for name, each in trained.items()}
    return Result(
        checks=(
            alike("From weights of [0, 1) a network of tanh learns as well as from normal ones around 0, within 2"
                  " points", accuracy["tanh, [0, 1)"], accuracy["tanh, normal"], within=_AS_GOOD, share=True),
            alike("From weights of [0, 1) a network of ReLU learns as well as from normal ones around 0, within 2"
                  " points", accuracy["relu, [0, 1)"], accuracy["relu, normal"], within=_AS_GOOD, share=True),
            below(f"From [0, 1) fewer than half of the tanh units of the second layer begin saturated, beyond"
                  f" ±{_SATURATED}", full["[0, 1)"], 0.5, share=True),
            below("From [0, 1) two units of that layer begin with the same sign less than three times in four",
                  same["[0, 1)"], 0.75, share=True),
        ),
        quantities=(
            *(Quantity(name=f"test accuracy, {name}", values=values, share=True) for name, values in accuracy.items()),
            *(Quantity(name=f"saturated tanh units, {start}", values=values, share=True)
              for start, values in full.items()),
            *(Quantity(name=f"pairs of units of the same sign, {start}", values=values, share=True)
              for start, values in same.items()),
        ),
        figures=(_learning(trained, accuracy), _saturation(full)),
        notes=(_right_form(accuracy),),
    )  # fmt: skip


def _right_form(accuracy: Mapping[str, Sequence[float]]) -> str:
    normal, uniform = (percent(_mean(accuracy[f"tanh, {start}"])) for start in ("normal", "uniform around 0"))
    return (
        "What matters is that weights are drawn around 0 and small enough, not which distribution they are of: with"
        f" tanh a normal one of variance 1/n ends at {normal}, a uniform one of the same variance at {uniform}."
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _learning(trained: Mapping[str, list[Trained]], accuracy: Mapping[str, list[float]]) -> Chart:
    return Chart(
        title="Learning from each start",
        detail="validation accuracy by epoch; the band goes from the least to the greatest seed",
        says="Test accuracy: " + "; ".join(f"{name} {percent(_mean(each))}" for name, each in accuracy.items()) + ".",
        x=Axis("epoch"),
        y=Axis("validation accuracy", "percent", ends=(0, 1)),
        lines=[
            Line(label=name, x=range(1, _EPOCHS + 1), runs=[_curve(one) for one in each])
            for name, each in trained.items()
        ],
        levels=[("chance", 0.1)],
    )


def _curve(one: Trained) -> list[float]:
    """Return the validation accuracy of each epoch; chance from where the training diverged."""
    accuracies = one.validation("accuracy")
    return accuracies + [0.1] * (_EPOCHS - len(accuracies))


def _saturation(full: Mapping[str, list[float]]) -> Bars:
    return Bars(
        title="Saturated before it has learned anything",
        detail=f"share of the second layer's tanh units beyond ±{_SATURATED}; a dot is a seed",
        says="; ".join(f"{start}: {percent(_mean(values))}" for start, values in full.items()) + ".",
        axis=Axis("units beyond ±0.99", "percent"),
        bars=[Bar(label=start, runs=values) for start, values in full.items()],
    )


EXPERIMENT = Experiment(
    name="initial-weights",
    title="First weights from [0, 1)",
    topic="Errata",
    claim="The first weights of a network are drawn from a uniform distribution on [0, 1), as by NumPy's random.rand.",
    source="Lecture notes; right in Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward"
    " neural networks, and LeCun, Bottou, Orr and Müller 1998, Efficient BackProp, section 4.6: around 0",
    method="Networks of two hidden layers of 64 units, tanh and ReLU, on the digits, standardised. Weights of [0, 1),"
    " normal ones of variance 1/n for n inputs (for ReLU 2/n), and uniform ones around 0 of the same variance; biases"
    f" 0. {_EPOCHS} epochs of SGD at rate 0.1 in batches of 32. Saturation and signs are those of the second layer's"
    " tanh units on the training rows before training.",
    measure=measure,
    seconds=5,
)
