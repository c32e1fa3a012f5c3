"""Why a nonlinearity is needed: without one a stack of layers is one layer.

W_L (... (W_1 x + b_1) ...) + b_L = (W_L ... W_1) x + (W_L ... W_2 b_1 + ... + b_L). Shape letters: N rows, I inputs,
O outputs, P pixels of a picture's side.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from statistics import fmean

import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Bar, Bars, Tile, Tiles
from pellucid.data import load
from pellucid.experiments.evidence import alike, exact, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, per_seed, train
from pellucid.judging.wording import percent

_EPOCHS, _RATE = 40, 3e-3
_ONE, _TWO, _FOUR, _TANH = "one linear layer", "two linear layers", "four linear layers", "two layers with tanh"
_LAYERS = {
    _ONE: "fc({classes})",
    _TWO: "fc(32) -> fc({classes})",
    _FOUR: "fc(32) -> fc(32) -> fc(32) -> fc({classes})",
    _TANH: "fc(32) -> tanh -> fc({classes})",
}
_SIDE, _PICTURE = 2.5, 41


def product(layers: Sequence[nn.Linear]) -> tuple[Tensor, Tensor]:
    """Return the weight (O, I) and the bias (O) of the one layer that computes what the stack does."""
    inputs = layers[0].in_features
    weight_OI = torch.eye(inputs, dtype=layers[0].weight.dtype)
    bias_O = torch.zeros(inputs, dtype=layers[0].weight.dtype)
    for layer in layers:
        weight_OI, bias_O = layer.weight @ weight_OI, layer.weight @ bias_O + layer.bias
    return weight_OI, bias_O


def measure(seeds: Sequence[int]) -> Result:
    """Train each stack on the digits and on circles, and multiply its matrices out."""
    digits, circles = _trained("digits", "8x8x1", 10, seeds), _trained("circles", "2", 2, seeds)
    apart = {name: per_seed(digits[name], _distance) for name in (_TWO, _FOUR)}
    right = {
        where: {name: per_seed(of, lambda one: one.metrics()["accuracy"]) for name, of in trained.items()}
        for where, trained in (("digits", digits), ("circles", circles))
    }
    return Result(
        checks=(
            exact("The product of two trained matrices gives the outputs of the two layers, in float64", apart[_TWO],
                  0, tolerance=1e-9),
            exact("The product of four gives those of four layers", apart[_FOUR], 0, tolerance=1e-9),
            alike("Four linear layers are right on the digits as often as one, to two points", right["digits"][_FOUR],
                  right["digits"][_ONE], within=0.02, share=True),
            greater("Two layers with tanh between them are right on the digits more often than one linear layer",
                    right["digits"][_TANH], right["digits"][_ONE], share=True),
            greater("On circles, which no line parts, they gain more than 20 points over four linear layers",
                    right["circles"][_TANH], right["circles"][_FOUR], by=0.2, share=True),
        ),
        quantities=(
            *(Quantity(name=f"largest difference of an output from the product's, {name}", values=values, scale="log")
              for name, values in apart.items()),
            *(Quantity(name=f"test accuracy on {where}, {name}", values=values, share=True)
              for where, of in right.items() for name, values in of.items()),
        ),
        figures=(_bars(right["digits"]), _pictures(circles, right["circles"])),
        notes=(
            (
                "What layers without a nonlinearity can compute is what one can; how they learn it is not the same,"
                " since the steps of the factors are not those of their product (Saxe, McClelland and Ganguli 2014,"
                " Exact solutions to the nonlinear dynamics of learning in deep linear neural networks)."
            ),
        ),
    )  # fmt: skip


def _trained(data: str, input: str, classes: int, seeds: Sequence[int]) -> dict[str, list[Trained]]:
    networks = {name: f"{input} -> {layers.format(classes=classes)}" for name, layers in _LAYERS.items()}
    variants = {name: Variant(network=network) for name, network in networks.items()}
    return train(load(data), variants, seeds, epochs=_EPOCHS, optimizer="adam", learning_rate=_RATE)


@torch.no_grad()
def _distance(one: Trained) -> float:
    """Return how far an output on the test rows is from that of the layers' product at most, both in float64."""
    stack = deepcopy(one.session.network).double()
    inputs = one.session.data.split("test")[0].double()
    weight_OI, bias_O = product([layer for layer in stack.modules() if isinstance(layer, nn.Linear)])
    return float((stack(inputs) - (inputs.flatten(1) @ weight_OI.T + bias_O)).abs().max())


def _bars(right: Mapping[str, list[float]]) -> Bars:
    return Bars(
        title="Linear layers add up to one",
        detail="test accuracy on the digits; a dot a seed",
        says="On the digits are right: "
        + ", ".join(f"{name} {percent(fmean(values))}" for name, values in right.items())
        + ".",
        axis=Axis("test accuracy", "percent"),
        bars=[Bar(label=name, runs=values) for name, values in right.items()],
    )


@torch.no_grad()
def _pictures(trained: Mapping[str, list[Trained]], right: Mapping[str, list[float]]) -> Tiles:
    line_P = torch.linspace(-_SIDE, _SIDE, _PICTURE)
    x2, x1 = torch.meshgrid(line_P.flip(0), line_P, indexing="ij")
    points_N2 = torch.stack([x1, x2], -1).reshape(-1, 2)
    return Tiles(
        title="A stack of lines is a line",
        detail="probability of the outer circle over the plane of the standardised inputs, first seed",
        says="On circles are right: "
        + ", ".join(f"{name} {percent(fmean(values))}" for name, values in right.items())
        + ".",
        tiles=[
            Tile(
                caption=name,
                values=of[0].session.network(points_N2).softmax(1)[:, 1].reshape(_PICTURE, _PICTURE).tolist(),
            )
            for name, of in trained.items()
        ],
        columns=4,
    )


EXPERIMENT = Experiment(
    name="linear-collapse",
    title="Linear layers are one layer",
    topic="Neurons",
    claim="A network whose activations are linear computes, however many layers it has, what one layer computes: only"
    " with a nonlinearity between them do further layers gain anything.",
    source="Minsky and Papert 1969, Perceptrons; Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.1",
    method="One linear layer, two and four with nothing between (hidden layers of 32 units), and two with tanh, on the"
    f" digits and on circles: {_EPOCHS} epochs of Adam at rate {_RATE}. The matrices of each trained stack are"
    " multiplied out in float64, and the product's outputs compared with the stack's on the test rows.",
    measure=measure,
    seconds=6,
)
