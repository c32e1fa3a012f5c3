"""What is left of the gradient on its way back through many layers, and what keeps it.

Each layer multiplies it by Wᵀ diag(g'(z)). Of the sigmoid g' is at most 1/4, so that under weights which neither
stretch nor shrink (n σ² = 1) at most a quarter is left by each layer.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.chart import Axis, Chart, Line
from pellucid.data import load
from pellucid.experiments.evidence import above, below, greater, times
from pellucid.experiments.experiment import Experiment, Quantity, Result, mean_of
from pellucid.experiments.trained import Trained, Variant, per_seed, train
from pellucid.judging.wording import percent
from pellucid.networks import build

_DEPTHS = (2, 4, 8, 12, 16, 20)
_DEEPEST = _DEPTHS[-1]
_TRAINED_DEPTH = 10
_IMAGES = 256
_EPOCHS = 15
_RATE = 0.1

BLOCKS = {
    "sigmoid": "fc(64, init=xavier) -> sigmoid",
    "tanh": "fc(64, init=xavier) -> tanh",
    "ReLU and He's weights": "fc(64, init=he) -> relu",
    "sigmoid and batch norm": "fc(64, init=xavier) -> batchnorm -> sigmoid",
    "residual sigmoid": "residual(fc(64, init=xavier) -> sigmoid)",
}


def arrows(block: str, depth: int) -> str:
    """Return a network of so many hidden layers, of digits."""
    return f"8x8x1 -> flatten -> {depth} * ({BLOCKS[block]}) -> fc(10, init=xavier)"


def gradient_norms(network: nn.Module, x_BCHW: Tensor, y_B: Tensor) -> list[float]:
    """Return the norm of the loss's gradient by the weights of each fully connected layer, from the input on."""
    layers = [module for module in network.modules() if isinstance(module, nn.Linear)]
    loss = F.cross_entropy(network(x_BCHW), y_B)
    return [float(each.norm()) for each in torch.autograd.grad(loss, [layer.weight for layer in layers])]


def measure(seeds: Sequence[int]) -> Result:
    """Measure the gradients before training by depth, then train networks of 10 hidden layers."""
    data = load("digits")
    x_NCHW, y_N = data.split("train")
    # a gradient of 1e-13 has squares that float32 rounds to 0
    batch = x_NCHW[:_IMAGES].double(), y_N[:_IMAGES]
    left = {
        block: [[_left(arrows(block, depth), seed, *batch) for depth in _DEPTHS] for seed in seeds] for block in BLOCKS
    }
    deepest = {block: [row[-1] for row in rows] for block, rows in left.items()}
    variants = {block: Variant(network=arrows(block, _TRAINED_DEPTH)) for block in BLOCKS if block != "tanh"}
    trained = train(data, variants, seeds, epochs=_EPOCHS, batch_size=32, optimizer="sgd", learning_rate=_RATE)
    accuracy = {block: per_seed(each, lambda one: one.metrics()["accuracy"]) for block, each in trained.items()}
    remedied = [
        min(pair) for pair in zip(accuracy["sigmoid and batch norm"], accuracy["residual sigmoid"], strict=True)
    ]
    return Result(
        checks=(
            times(f"Through {_DEEPEST} layers of sigmoid the gradient vanishes: that of the first layer is less than a"
                  " millionth of the last's", [1.0] * len(seeds), deepest["sigmoid"], at_least=1e6),
            above(f"Through {_DEEPEST} layers of ReLU with He's weights it does not: that of the first layer is more"
                  " than a tenth of the last's", deepest["ReLU and He's weights"], 0.1),
            below(f"A network of {_TRAINED_DEPTH} sigmoid layers does not learn: it is right less than twice as often"
                  " as by chance", accuracy["sigmoid"], 0.2, share=True),
            greater("The same network with ReLU and He's weights learns", accuracy["ReLU and He's weights"],
                    accuracy["sigmoid"], by=0.5, share=True),
            greater("The sigmoid network learns, too, with batch norm and with residual connections (the worse of"
                    " the two)", remedied, accuracy["sigmoid"], by=0.5, share=True),
        ),
        quantities=(
            *(_share(each, f"first layer's gradient / last's, {_DEEPEST} layers, {block}")
              for block, each in deepest.items()),
            *(Quantity(name=f"test accuracy, {_TRAINED_DEPTH} layers, {block}", values=each, share=True)
              for block, each in accuracy.items()),
        ),
        figures=(_gradients(left), _learning(trained, accuracy)),
        notes=(
            ("tanh with Xavier's weights passes the gradient on, too, for its slope at 0 is 1, the sigmoid's 1/4: the"
            f" first layer's is {mean_of(_share(deepest['tanh'])):.2g} times the last's."),
        ),
    )  # fmt: skip


def _left(network: str, seed: int, x_BCHW: Tensor, y_B: Tensor) -> float:
    """Return the first layer's gradient as a share of the last one's, before training."""
    norms = gradient_norms(build(network, seed=seed).double(), x_BCHW, y_B)
    return norms[0] / norms[-1]


def _share(values: Sequence[float], name: str = "") -> Quantity:
    return Quantity(name=name, values=values, scale="log")


def _gradients(left: dict[str, list[list[float]]]) -> Chart:
    means = {block: mean_of(_share([row[-1] for row in rows])) for block, rows in left.items()}
    return Chart(
        title="The gradient's way back, by depth",
        detail="|∂L/∂W| of the first layer as a share of the last one's, before training",
        says=f"At {_DEEPEST}: " + ", ".join(f"{block} {mean:.1g}" for block, mean in means.items()) + ".",
        x=Axis("hidden layers"),
        y=Axis("first layer's gradient / last's", "log"),
        lines=[
            *(Line(label=block, x=_DEPTHS, runs=rows) for block, rows in left.items()),
            Line(label="a quarter a layer", x=_DEPTHS, runs=[[0.25**depth for depth in _DEPTHS]], style="dashed"),
        ],
    )


def _learning(trained: dict[str, list[Trained]], accuracy: dict[str, list[float]]) -> Chart:
    means = {block: sum(values) / len(values) for block, values in accuracy.items()}
    return Chart(
        title=f"What {_TRAINED_DEPTH} layers learn",
        detail="validation accuracy by epoch; the band goes from the least to the greatest seed",
        says="Test accuracy: " + ", ".join(f"{block} {percent(mean)}" for block, mean in means.items()) + ".",
        x=Axis("epoch"),
        y=Axis("validation accuracy", "percent", ends=(0, 1)),
        lines=[
            Line(label=block, x=range(1, _EPOCHS + 1), runs=[one.validation("accuracy") for one in each])
            for block, each in trained.items()
        ],
        levels=[("chance", 0.1)],
    )


EXPERIMENT = Experiment(
    name="vanishing-gradient",
    title="The gradient vanishes on its way back",
    topic="Depth",
    claim="In a deep network of sigmoids the gradient shrinks at each layer on its way back, so that the first layers"
    " do not learn. ReLU with He's weights, batch normalisation and residual connections remedy it.",
    source="Hochreiter 1991, Untersuchungen zu dynamischen neuronalen Netzen; Glorot and Bengio 2010, Understanding the"
    " difficulty of training deep feedforward neural networks; He et al. 2015, Delving deep into rectifiers; Ioffe and"
    " Szegedy 2015, Batch normalization; He et al. 2016, Deep residual learning for image recognition",
    method=f"Fully connected networks of {', '.join(map(str, _DEPTHS))} hidden layers of 64 units, sigmoid and tanh"
    f" with Xavier's weights, ReLU with He's: the gradient of the loss on {_IMAGES} digits before training. Then"
    f" {_TRAINED_DEPTH} layers of all but tanh trained on the digits: {_EPOCHS} epochs of SGD at rate {_RATE}, batches"
    " of 32.",
    measure=measure,
    seconds=13,
)
