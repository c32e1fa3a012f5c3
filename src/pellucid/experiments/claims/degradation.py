"""A deeper plain network fits its own training data worse; the same layers with shortcuts do not.

A residual block is y = ReLU(x + f(x)). Before ReLU its derivative by x is I + ∂f/∂x, so that even where ∂f/∂x is small
the gradient passes.
"""

from collections.abc import Sequence

import torch
from torch.func import jacrev

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.data import load
from pellucid.experiments.evidence import exact, greater
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, per_seed, train
from pellucid.judging.wording import percent
from pellucid.networks import build
from pellucid.seed import generator

_DEEP, _SHALLOW = 20, 4
_EPOCHS = 10
_BRANCH = "fc(64, init=he){norm} -> relu -> fc(64, init=he){norm}"
_SEARCHED = (
    "The training error is a matter of the search, not of what the network could represent: twenty layers, of which"
    " sixteen pass on what they get, would err no more than four."
)
_STOPPED = (
    f"This says how hard a network is to train within {_EPOCHS} epochs, and not where it ends. These digits are easy:"
    " given several times as many epochs, the plain networks come close to the others on them. He et al. trained to"
    " the end."
)
_NORMALISED = (
    "Batch norm is no remedy for depth by itself: where there are no shortcuts, it lets the gradient grow at each layer"
    " on its way back (Yang et al. 2019, A mean field theory of batch normalization)."
)


def arrows(layers: int, *, residual: bool, norm: bool) -> str:
    """Return a network of so many hidden layers of 64 units, in blocks of two, of digits."""
    branch = _BRANCH.format(norm=" -> batchnorm" if norm else "")
    block = f"residual({branch}) -> relu" if residual else f"{branch} -> relu"
    return f"8x8x1 -> flatten -> {layers // 2} * ({block}) -> fc(10)"


def _variants() -> dict[str, Variant]:
    shapes = {
        f"plain, {_DEEP} layers": (_DEEP, False),
        f"residual, {_DEEP} layers": (_DEEP, True),
        f"plain, {_SHALLOW} layers": (_SHALLOW, False),
    }
    return {
        f"{name}, {'with' if norm else 'without'} batch norm": Variant(
            network=arrows(layers, residual=residual, norm=norm)
        )
        for norm in (True, False)
        for name, (layers, residual) in shapes.items()
    }


def identity_apart(seed: int) -> float:
    """Return how far the Jacobian of x + f(x) is from that of f plus the identity: the greatest difference."""
    block = build("64 -> residual(fc(64) -> tanh -> fc(64))", seed=seed).double()
    branch = build("64 -> fc(64) -> tanh -> fc(64)").double()
    with torch.no_grad():
        for own, shared in zip(branch.parameters(), block.parameters(), strict=True):
            own.copy_(shared)
    x_F = torch.randn(1, 64, dtype=torch.float64, generator=generator(seed, "x"))
    whole, part = (jacrev(each)(x_F).reshape(64, 64) for each in (block, branch))
    return float((whole - part - torch.eye(64, dtype=torch.float64)).abs().max().detach())


def measure(seeds: Sequence[int]) -> Result:
    """Train deep and shallow networks, and compare their errors on what they were trained on."""
    trained = train(load("digits"), _variants(), seeds, epochs=_EPOCHS, batch_size=64, optimizer="adam",
                    learning_rate=1e-3)  # fmt: skip
    errors = {name: per_seed(each, lambda one: 1 - one.metrics("train")["accuracy"]) for name, each in trained.items()}
    test = {name: per_seed(each, lambda one: 1 - one.metrics()["accuracy"]) for name, each in trained.items()}
    apart = [identity_apart(seed) for seed in seeds]
    return Result(
        checks=(
            *_comparisons("With batch norm", *list(errors.values())[:3]),
            *_comparisons("Without batch norm", *list(errors.values())[3:]),
            exact("The Jacobian of x + f(x) is that of f plus the identity: the greatest difference is 0", apart, 0,
                  tolerance=1e-12),
        ),
        quantities=(
            *(Quantity(name=f"training error, {name}", values=values, share=True) for name, values in errors.items()),
            *(Quantity(name=f"test error, {name}", values=values, share=True) for name, values in test.items()),
        ),
        figures=(_learning(trained), _errors(errors)),
        notes=(_SEARCHED, _STOPPED, _NORMALISED),
    )  # fmt: skip


def _comparisons(which: str, deep: list[float], residual: list[float], shallow: list[float]) -> tuple[Check, Check]:
    start = f"{which}, {_DEEP} plain layers err more often on the training data after {_EPOCHS} epochs than"
    return (
        greater(f"{start} {_SHALLOW} plain ones", deep, shallow, share=True),
        greater(f"{start} {_DEEP} layers with shortcuts", deep, residual, share=True),
    )


def _learning(trained: dict[str, list[Trained]]) -> Chart:
    last = {name: sum(one.losses[-1] for one in each) / len(each) for name, each in trained.items()}
    return Chart(
        title="How the training loss falls",
        detail="mean training loss of each epoch; the band goes from the least to the greatest seed",
        says="Loss of the last epoch: " + "; ".join(f"{name} {loss:.2g}" for name, loss in last.items()) + ".",
        x=Axis("epoch"),
        y=Axis("training loss", "log"),
        lines=[
            Line(label=name, x=range(1, _EPOCHS + 1), runs=[one.losses for one in each])
            for name, each in trained.items()
        ],
    )


def _errors(errors: dict[str, list[float]]) -> Bars:
    means = {name: sum(values) / len(values) for name, values in errors.items()}
    return Bars(
        title="Errors on the training data",
        detail=f"after {_EPOCHS} epochs; a dot is a seed",
        says="Training error: " + "; ".join(f"{name} {percent(mean)}" for name, mean in means.items()) + ".",
        axis=Axis("training error", "percent"),
        bars=[Bar(label=name, runs=values) for name, values in errors.items()],
    )


EXPERIMENT = Experiment(
    name="degradation",
    title="Deeper plain networks are harder to train",
    topic="Depth",
    claim="A deeper plain network has a higher training error than a shallower one: it is not overfitting, it is harder"
    " to train. With shortcuts around its layers, y = ReLU(x + f(x)), it is not.",
    source="He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition, sections 1 and 4.1",
    method=f"Fully connected networks of {_DEEP} and of {_SHALLOW} hidden layers, 64 units each, on the digits: blocks"
    f" of two layers with He's weights, plain or residual, with batch norm and without; {_EPOCHS} epochs of Adam at"
    " rate 0.001 in batches of 64. The errors are those of the last weights on the training rows. The Jacobian is"
    " autograd's, of a residual block of two layers with tanh, in double precision.",
    measure=measure,
    seconds=16,
)
