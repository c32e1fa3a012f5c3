"""Transfer learning: what a network learned of the digits 0 to 4 helps it with 5 to 9, the more the fewer there are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Classes, Dataset, load
from pellucid.experiments.evidence import greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Variant, train, with_rows
from pellucid.judging.wording import percent
from pellucid.seed import generator

Weights: TypeAlias = Mapping[str, Tensor]
Prepare: TypeAlias = Callable[[nn.Module, int], None]

_NETWORK = (
    "8x8x1 -> conv(8, 3x3, padding=1) -> relu -> maxpool(2x2) -> conv(16, 3x3, padding=1) -> relu -> maxpool(2x2)"
    " -> fc(32) -> relu -> fc(5)"
)
_SOURCE, _TARGET = range(5), range(5, 10)
_SIZES = (5, 10, 20, 50)
_BATCH, _EPOCH, _EPOCHS, _SOURCE_EPOCHS = 25, 250, 20, 15
_RATE, _LOWER, _HIGHER = 3e-3, 1e-3, 1e-2
_WAYS = (
    "from scratch",
    "all taken but the output, frozen",
    "convolutions taken, frozen",
    "all taken but the output, fine-tuned",
)
_SCRATCH, _FROZEN, _CONVOLUTIONS, _TUNED = _WAYS
_CONVOLUTIONAL, _HIDDEN = ("conv",), ("conv", "fc1")
_OPTIONS = {"optimizer": "adam", "batch_size": _BATCH}
_NEAR = (
    "The source task is small: what five digits teach, five others may not need, and the hidden dense layer has learned"
    " to tell apart only these. Networks that are handed on in practice learned a thousand classes of a million images."
)


def digits_of(data: Dataset, classes: range) -> Dataset:
    """Return the data with only the rows of consecutive classes, which are numbered from 0."""
    assert isinstance(data.target, Classes)
    rows = {
        split: each[(data.targets[each] >= classes.start) & (data.targets[each] < classes.stop)]
        for split, each in data.rows.items()
    }
    names = data.target.names[classes.start : classes.stop]
    return replace(data, rows=rows, targets=data.targets - classes.start, target=Classes(names))


def few(data: Dataset, count: int, seed: int) -> Dataset:
    """Return the data with so many training rows a class, drawn by the seed: the fewer lie among the more.

    They are repeated to as many as an epoch has, whatever their number.
    """
    rows = data.rows["train"]
    shuffled = rows[torch.randperm(len(rows), generator=generator(seed, "few"))]
    labels = data.targets[shuffled]
    kept = torch.cat([shuffled[labels == label][:count] for label in labels.unique()])
    return with_rows(data, "train", kept.repeat(_EPOCH // len(kept)))


def taking(weights: Weights, layers: tuple[str, ...], *, frozen: bool) -> Prepare:
    """Return what gives some layers of a network weights, and holds them still where asked."""

    def prepare(network: nn.Module, seed: int) -> None:  # noqa: ARG001 (nothing is drawn)
        for name, parameter in network.named_parameters():
            if name.startswith(layers):
                parameter.copy_(weights[name])
                parameter.requires_grad_(not frozen)

    return prepare


def measure(seeds: Sequence[int]) -> Result:
    """Learn 0 to 4 with every seed, then 5 to 9 from few, each seed with samples of its own."""
    digits = load("digits")
    source = {"source": Variant(network=_NETWORK)}
    learned = train(digits_of(digits, _SOURCE), source, seeds, epochs=_SOURCE_EPOCHS, learning_rate=_RATE, **_OPTIONS)[
        "source"
    ]
    target = digits_of(digits, _TARGET)
    right = {(way, count): [0.0] * len(seeds) for way in _WAYS for count in _SIZES}
    for place, (seed, one) in enumerate(zip(seeds, learned, strict=True)):
        for count in _SIZES:
            for way, accuracy in _learn(few(target, count, seed), one.session.network.state_dict(), seed).items():
                right[way, count][place] = accuracy
    fewest, most = _SIZES[0], _SIZES[-1]
    gain = {count: np.subtract(right[_TUNED, count], right[_SCRATCH, count]).tolist() for count in _SIZES}
    return Result(
        checks=(
            greater(f"From {fewest} samples a class a fine-tuned network is right more often than one from scratch",
                    right[_TUNED, fewest], right[_SCRATCH, fewest], share=True),
            greater(f"So is one whose convolutions stay as the other digits made them ({fewest} samples a class)",
                    right[_CONVOLUTIONS, fewest], right[_SCRATCH, fewest], share=True),
            greater("First layers are general and last ones specific: convolutions alone may be frozen sooner than all"
                    f" but the output ({fewest} samples a class)", right[_CONVOLUTIONS, fewest], right[_FROZEN, fewest],
                    share=True),
            greater("The fewer samples, the greater the gain of fine-tuning over learning from scratch"
                    f" ({fewest} against {most} a class)", gain[fewest], gain[most], share=True),
            greater(f"With {most} samples a class fine-tuning is better than to freeze all but the output",
                    right[_TUNED, most], right[_FROZEN, most], share=True),
        ),
        quantities=tuple(
            Quantity(name=f"test accuracy, {count} samples a class, {way}", values=values, share=True)
            for (way, count), values in right.items()
        ),
        figures=(_figure(right),),
        notes=(_NEAR,),
    )  # fmt: skip


def _learn(data: Dataset, weights: Weights, seed: int) -> dict[str, float]:
    """Learn in every way from the same samples, and return the test accuracies."""
    head, all_ = {"learning_rate": _HIGHER}, {"learning_rate": _LOWER}
    ways = {
        _SCRATCH: Variant(network=_NETWORK),
        _FROZEN: Variant(network=_NETWORK, prepare=taking(weights, _HIDDEN, frozen=True), options=head),
        _CONVOLUTIONS: Variant(network=_NETWORK, prepare=taking(weights, _CONVOLUTIONAL, frozen=True)),
        _TUNED: Variant(network=_NETWORK, prepare=taking(weights, _HIDDEN, frozen=False), options=all_),
    }
    trained = train(data, ways, [seed], epochs=_EPOCHS, **{"learning_rate": _RATE, **_OPTIONS})
    return {way: each[0].metrics()["accuracy"] for way, each in trained.items()}


def _figure(right: dict[tuple[str, int], list[float]]) -> Chart:
    means = {way: percent(float(np.mean(right[way, _SIZES[0]]))) for way in _WAYS}
    return Chart(
        title="Learning five digits from few",
        detail="test accuracy on the digits 5 to 9; the band goes from the least to the greatest seed",
        says=f"From {_SIZES[0]} samples a class: " + "; ".join(f"{way}, {mean}" for way, mean in means.items()) + ".",
        x=Axis("samples a class", "log"),
        y=Axis("test accuracy", "percent"),
        lines=[
            Line(label=way, x=_SIZES, runs=np.transpose([right[way, count] for count in _SIZES]).tolist())
            for way in _WAYS
        ],
    )


EXPERIMENT = Experiment(
    name="transfer",
    title="What was learned elsewhere",
    topic="Data and tasks",
    claim="A network that begins with what another task taught it learns a like task from few samples better than one"
    " from scratch; the gain shrinks as samples grow. Its first layers are general and may stay frozen, its last ones"
    " are specific.",
    source="Yosinski, Clune, Bengio and Lipson 2014, How transferable are features in deep neural networks?",
    method=f"{_NETWORK} learns the digits 0 to 4 ({_SOURCE_EPOCHS} epochs of Adam at rate {_RATE:g}). Its output layer"
    f" is replaced, and it learns 5 to 9 from {', '.join(map(str, _SIZES))} samples a class, drawn for each seed, in"
    f" {_EPOCHS * _EPOCH // _BATCH} steps of {_BATCH}: fine-tuned at rate {_LOWER:g}; all but the output frozen, at"
    f" {_HIGHER:g}; the convolutions frozen and the dense layers new, at {_RATE:g}; against the same network from"
    f" scratch at {_RATE:g}. Judged on the test rows of 5 to 9.",
    measure=measure,
    seconds=18,
)
