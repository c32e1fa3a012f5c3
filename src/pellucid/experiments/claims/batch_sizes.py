"""Batch, mini-batch and stochastic gradient descent: how many samples a step's gradient is the mean of.

A mean of B of N samples, drawn without putting any back, lies by √((N - B) / (B (N - 1))) of the samples' own standard
deviation from the mean of all (Cochran 1977, Sampling Techniques, theorem 2.2).
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice, pairwise

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import alike, exact, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, per_seed, train
from pellucid.judging.wording import percent
from pellucid.recipe import Recipe
from pellucid.record import Step
from pellucid.seed import generator
from pellucid.training import Session, begin, evaluate, steps

_NETWORK = "8x8x1 -> fc(32) -> relu -> fc(10)"
_EPOCHS = 8
_RATE = 0.01
_FASTER_RATES = (0.03, 0.1, 0.3, 1.0, 3.0)
_STEPS = 100
_MINI, _ALL = 32, 100_000  # a batch larger than the data is the whole of it
_SIZES = {"stochastic": 1, "mini-batch": _MINI, "batch": _ALL}

_X, _Y = (1.0, 2.0, 3.0), (2.0, 4.0, 6.0)


def fit_line(update: Callable[[float], float], epochs: int = 100) -> float:
    """Return the weight w of the prediction w x after so many epochs from w = 1."""
    w = 1.0
    for _ in range(epochs):
        w = update(w)
    return w


def batch_epoch(w: float, rate: float = 0.01) -> float:
    """Take one step down the mean of 2 x (x w - y) over all samples."""
    return w - rate * sum(2 * x * (x * w - y) for x, y in zip(_X, _Y, strict=True)) / len(_X)


def stochastic_epoch(w: float, rate: float = 0.01) -> float:
    """Take one step down 2 x (x w - y) of each sample, in order."""
    for x, y in zip(_X, _Y, strict=True):
        w -= rate * 2 * x * (x * w - y)
    return w


def measure(seeds: Sequence[int]) -> Result:
    """Train with each size of batch for as many epochs, and follow the first steps of each at one rate."""
    data = load("digits")
    trained = _trained(data, seeds)
    losses = {
        name: per_seed(all_seeds, lambda one: one.metrics("train")["loss"]) for name, all_seeds in trained.items()
    }
    paths = {name: [_path(data, seed, size) for seed in seeds] for name, size in _SIZES.items()}
    rises = {name: [_share_of_rises(path) for path in every] for name, every in paths.items()}
    noise = [gradient_noise(_begun(data, seed, 1), (1, _MINI), seed) for seed in seeds]
    samples = len(data.rows["train"])
    expected = ((samples - 1) * _MINI / (samples - _MINI)) ** 0.5
    return Result(
        checks=(
            exact("Batch descent brings the fit of y = 2x to w = 1.99994444 in 100 epochs", [fit_line(batch_epoch)],
                  1.99994444, tolerance=5e-9),
            exact("Stochastic descent brings it to w = 1.99999999999992 in as many, 8e-14 below 2",
                  [2 - fit_line(stochastic_epoch)], 8e-14, tolerance=5e-15),
            greater("After as many epochs whole batches have a higher training loss than mini-batches, both at their"
                    " best rate", losses["batch"], losses["mini-batch"]),
            greater("After as many epochs whole batches have a higher training loss than single samples",
                    losses["batch"], losses["stochastic"]),
            alike(f"The gradient of one sample lies about √{_MINI} times as far from the gradient of all as the mean of"
                  f" {_MINI} does", [single / mini for single, mini in noise],
                  [expected] * len(seeds), within=0.1 * expected),
        ),
        quantities=_quantities(trained, losses, rises, noise),
        figures=(_by_epoch(trained, losses), _by_step(paths, rises)),
    )  # fmt: skip


def _quantities(
    trained: Mapping[str, list[Trained]],
    losses: Mapping[str, list[float]],
    rises: Mapping[str, list[float]],
    noise: Sequence[Sequence[float]],
) -> tuple[Quantity, ...]:
    return (
        *(Quantity(name=f"training loss after {_EPOCHS} epochs, {name}", values=values)
          for name, values in losses.items()),
        *(Quantity(name=f"steps that raise the whole loss, {name}", values=values, share=True)
          for name, values in rises.items()),
        Quantity(name="distance of one sample's gradient from that of all, of its length",
                 values=[single for single, _ in noise]),
        Quantity(name=f"distance of {_MINI} samples' gradient from that of all, of its length",
                 values=[mini for _, mini in noise]),
        *(Quantity(name=f"steps in an epoch, {name}", values=[float(all_seeds[0].session.steps_per_epoch)])
          for name, all_seeds in trained.items()),
    )  # fmt: skip


def _trained(data: Dataset, seeds: Sequence[int]) -> dict[str, list[Trained]]:
    """Train with each size of batch; of the rates for the two larger ones each seed's best is kept."""
    options = {"optimizer": "sgd", "epochs": _EPOCHS}
    kept = {"stochastic": train(data, {"": Variant(network=_NETWORK)}, seeds, batch_size=1, learning_rate=_RATE,
                                **options)[""]}  # fmt: skip
    for name in ("mini-batch", "batch"):
        rates = {
            f"{rate:g}": Variant(network=_NETWORK, options={"learning_rate": rate}) for rate in (_RATE, *_FASTER_RATES)
        }
        tried = train(data, rates, seeds, batch_size=_SIZES[name], **options)
        kept[name] = [
            min((one for one in of_seed if not one.diverged), key=lambda one: one.metrics("train")["loss"])
            for of_seed in zip(*tried.values(), strict=True)
        ]
    return kept


def gradient_noise(session: Session, sizes: Sequence[int], seed: int) -> list[float]:
    """Return how far gradients of so many samples lie from that of all: root mean square, in lengths of the latter.

    The samples of an epoch are shuffled and cut into batches; a last one that is not full is left out.
    """
    inputs_N, targets_N = session.data.split("train")
    weights = {name: weight.detach() for name, weight in session.network.named_parameters()}

    def loss(of: dict[str, Tensor], input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(session.network, of, (input[None],)), target[None])

    per_sample = vmap(grad(loss), in_dims=(None, 0, 0))(weights, inputs_N, targets_N)
    gradients_NP = torch.cat([each.flatten(1) for each in per_sample.values()], 1)
    whole_P = gradients_NP.mean(0)
    order_N = torch.randperm(len(inputs_N), generator=generator(seed, "batches"))
    found = []
    for size in sizes:
        means = [gradients_NP[rows].mean(0) for rows in order_N.split(size) if len(rows) == size]
        distances = (torch.stack(means) - whole_P).square().sum(1)
        found.append(float(distances.mean().sqrt() / whole_P.norm()))
    return found


def _begun(data: Dataset, seed: int, batch_size: int) -> Session:
    recipe = Recipe(epochs=_STEPS, batch_size=batch_size, learning_rate=_RATE, schedule="constant", weight_decay=0.0,
                    seed=seed, optimizer="sgd", augment="none")  # fmt: skip
    return begin(data, _NETWORK, recipe).session


def _path(data: Dataset, seed: int, batch_size: int) -> list[float]:
    """Return the loss of the whole training split at the start and after each of the first steps."""
    session = _begun(data, seed, batch_size)

    def whole() -> float:
        return evaluate(session.network, data, session.task, "train", session.device)["loss"]

    taken = (event for event in steps(session, every=1) if isinstance(event, Step))
    return [whole(), *(whole() for _ in islice(taken, _STEPS))]


def _share_of_rises(path: Sequence[float]) -> float:
    return sum(after > before for before, after in pairwise(path)) / (len(path) - 1)


def _by_epoch(trained: Mapping[str, list[Trained]], losses: Mapping[str, list[float]]) -> Chart:
    means = {name: sum(values) / len(values) for name, values in losses.items()}
    return Chart(
        title="More steps in an epoch, further in an epoch",
        detail="validation loss after each epoch; the band goes from the least to the greatest seed",
        says=f"After {_EPOCHS} epochs the training loss is "
        + ", ".join(f"{mean:.3g} with {name} descent" for name, mean in means.items())
        + ".",
        x=Axis("epoch"),
        y=Axis("validation loss (nats)", "log"),
        lines=[
            Line(label=f"{name}, steps an epoch: {all_seeds[0].session.steps_per_epoch:,}",
                 x=list(range(1, _EPOCHS + 1)), runs=[one.validation("loss") for one in all_seeds])
            for name, all_seeds in trained.items()
        ],
    )  # fmt: skip


def _by_step(paths: Mapping[str, list[list[float]]], rises: Mapping[str, list[float]]) -> Chart:
    means = {name: sum(values) / len(values) for name, values in rises.items()}
    return Chart(
        title="Fewer samples in a step, a more restless path",
        detail=f"loss of all training rows after each step at rate {_RATE}, first seed",
        says="The share of the first steps that raise the loss is "
        + ", ".join(f"{percent(mean)} with {name} descent" for name, mean in means.items())
        + ".",
        x=Axis("step"),
        y=Axis("training loss (nats)"),
        lines=[
            Line(label=name, x=list(range(_STEPS + 1)), runs=[every[0]]) for name, every in paths.items()
        ],
    )  # fmt: skip


EXPERIMENT = Experiment(
    name="batch-sizes",
    title="Batch, mini-batch and stochastic descent",
    topic="Descending",
    claim="A step down the gradient of few samples is noisier than one down the gradient of all, but an epoch has more"
    " of them: after as many epochs stochastic and mini-batch descent have come further than batch descent.",
    source="Bottou and Bousquet 2008, The tradeoffs of large scale learning; LeCun, Bottou, Orr and Müller 1998,"
    " Efficient BackProp, section 4.1; Goodfellow, Bengio and Courville 2016, Deep Learning, section 8.1.3",
    method=f"{_NETWORK} on the digits, {_EPOCHS} epochs of SGD. Single samples take the rate {_RATE}; batches of"
    f" {_MINI} and of all rows take, for each seed, whichever of {_RATE}, "
    + ", ".join(f"{rate:g}" for rate in _FASTER_RATES)
    + " ends at the lowest training loss, which favours them. The gradients' distances are those at the initial"
    f" weights; the path is the loss of all training rows after each of the first {_STEPS} steps at rate {_RATE}. By"
    " hand, a line y = 2x is fitted to (1, 2), (2, 4), (3, 6) at rate 0.01.",
    measure=measure,
    seconds=10,
)
