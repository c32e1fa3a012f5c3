"""Pooling and small shifts: how far the features of a shifted picture move, and how often it is still read rightly."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Classes, Dataset, load
from pellucid.data.images.images import ImagePreprocessing
from pellucid.experiments.evidence import below, counted, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train
from pellucid.judging.wording import percent
from pellucid.shapes import Image

Figures: TypeAlias = dict[str, list[list[float]]]
"""For each network a row a seed, with a figure for each distance."""

_FRAME, _EPOCHS, _IMAGES = 4, 12, 100
_SIDE = 8 + 2 * _FRAME
_DISTANCES = (1, 2, 3)
_ROUGHLY = 0.1


def _stack(pooling: str, stride: int = 1) -> str:
    blocks = [f"conv({maps}, 3x3, padding=1, stride={stride}) -> relu{pooling}" for maps in (8, 16)]
    return f"{_SIDE}x{_SIDE}x1 -> {' -> '.join(blocks)} -> fc(10)"


_NETWORKS = {
    "no pooling": _stack(""),
    "max pooling": _stack(" -> maxpool(2x2)"),
    "average pooling": _stack(" -> avgpool(2x2)"),
    "strided convolution": _stack("", stride=2),
}


def measure(seeds: Sequence[int]) -> Result:
    """Train each network with every seed, then move the test digits."""
    data = framed(load("digits"))
    variants = {name: Variant(network=arrows) for name, arrows in _NETWORKS.items()}
    options = {"optimizer": "adam", "learning_rate": 3e-3, "batch_size": 32}
    trained = train(data, variants, seeds, epochs=_EPOCHS, **options)
    change = {name: [_changes(one, data) for one in each] for name, each in trained.items()}
    right = {name: [_accuracies(one, data) for one in each] for name, each in trained.items()}
    near = {name: [each[0] for each in rows] for name, rows in change.items()}
    read = {name: [each[1] for each in rows] for name, rows in right.items()}
    pixel = "moved by one pixel"
    return Result(
        checks=(
            greater(f"The features of a digit {pixel} change less with max pooling than without pooling",
                    near["no pooling"], near["max pooling"], share=True),
            greater(f"Digits {pixel} are read rightly more often with max pooling", read["max pooling"],
                    read["no pooling"], share=True),
            greater(f"Digits {pixel} are read rightly more often with average pooling", read["average pooling"],
                    read["no pooling"], share=True),
            below("That is rough invariance: with max pooling the features change by less than a tenth",
                  near["max pooling"], _ROUGHLY, share=True),
            counted("Max pooling alone, 2x2 and stride 2, moves with the picture if that moves by two pixels, and gives"
                    " no moved copy if by one", *_strides(data)),
        ),
        quantities=(
            *(Quantity(name=f"change of the features by one pixel, {name}", values=values, share=True)
              for name, values in near.items()),
            *(Quantity(name=f"test accuracy, {place}, {name}", values=[each[at] for each in rows], share=True)
              for at, place in enumerate(("in place", pixel)) for name, rows in right.items()),
        ),
        figures=(_changing(change), _reading(right)),
        notes=(_coarse_alone(near, read),),
    )  # fmt: skip


def framed(data: Dataset) -> Dataset:
    """Return images with blank paper around them, standardised anew."""
    inputs = F.pad(data.inputs, (_FRAME,) * 4)
    assert isinstance(data.target, Classes)
    fitted = ImagePreprocessing.fit(inputs, data.rows["train"], data.target.names)
    return replace(data, inputs=inputs, input_shape=Image(_SIDE, _SIDE, 1), preprocessing=fitted)


def moved(images: Tensor, distance: int) -> list[Tensor]:
    """Return the images moved so many pixels up, down, left and right, within the blank frame."""
    ways = ((distance, 0), (-distance, 0), (0, distance), (0, -distance))
    return [images.roll(way, dims=(-2, -1)) for way in ways]


def relative_change(features: Callable[[Tensor], Tensor], images: Tensor, distance: int) -> float:
    """Return ‖f(T x) - f(x)‖ / ‖f(x)‖, the mean over images and directions."""
    before = features(images).flatten(1)
    sizes = before.norm(dim=1)
    ratios = [(features(each).flatten(1) - before).norm(dim=1) / sizes for each in moved(images, distance)]
    return float(torch.stack(ratios).mean())


def _changes(one: Trained, data: Dataset) -> list[float]:
    assert isinstance(one.session.network, nn.Sequential)
    features = one.session.network[:-2]  # all but flattening and the dense layer
    images, _ = data.split("test")
    with torch.no_grad():
        return [relative_change(features, images, distance) for distance in _DISTANCES]


def _accuracies(one: Trained, data: Dataset) -> list[float]:
    """Return the share of test digits read rightly in place, and at each distance."""
    images, classes = data.split("test")
    with torch.no_grad():
        return [
            float(np.mean([_share_right(one.session.network, each, classes) for each in moved(images, distance)]))
            for distance in (0, *_DISTANCES)
        ]


def _share_right(network: nn.Module, images: Tensor, classes: Tensor) -> float:
    return float((network(images).argmax(dim=1) == classes).double().mean())


def _strides(data: Dataset) -> tuple[int, int]:
    """Return in how many images of how many pooling with a stride moves by whole strides and by nothing less."""
    images = data.split("test")[0][:_IMAGES]
    pooled, by_two, by_one = (F.max_pool2d(images.roll(by, dims=-1), 2) for by in (0, 2, 1))
    half = _SIDE // 2
    copies = [pooled.roll(by, dims=(-2, -1)) for by in product(range(half), repeat=2)]
    with_it = (by_two == pooled.roll(1, dims=-1)).flatten(1).all(dim=1)
    a_copy = torch.stack([(by_one == copy).flatten(1).all(dim=1) for copy in copies]).any(dim=0)
    return int((with_it & ~a_copy).sum()), len(images)


def _coarse_alone(near: dict[str, list[float]], read: dict[str, list[float]]) -> str:
    change, right = (percent(float(np.mean(each["strided convolution"]))) for each in (near, read))
    return (
        "Convolutions of stride 2 make the maps as coarse without any pooling: moved by one pixel, their features"
        f" change by {change}, and {right} of the digits are read rightly."
    )


def _says(figures: Figures, place: int) -> str:
    means = {name: float(np.mean([each[place] for each in rows])) for name, rows in figures.items()}
    return ", ".join(f"{name} {percent(mean)}" for name, mean in means.items()) + "."


def _changing(change: Figures) -> Chart:
    return Chart(
        title="How far the features move",
        detail="‖f(T x) - f(x)‖ / ‖f(x)‖ before the dense layer, of test digits moved up, down, left and right",
        says="Moved by one pixel: " + _says(change, 0),
        x=Axis("pixels moved"),
        y=Axis("relative change of the features", "percent"),
        lines=[Line(label=name, x=_DISTANCES, runs=rows) for name, rows in change.items()],
    )


def _reading(right: Figures) -> Chart:
    return Chart(
        title="How often it is still read rightly",
        detail="test accuracy of networks that never saw a moved digit",
        says="Moved by one pixel: " + _says(right, 1),
        x=Axis("pixels moved"),
        y=Axis("test accuracy", "percent"),
        lines=[Line(label=name, x=(0, *_DISTANCES), runs=rows) for name, rows in right.items()],
        levels=[("chance", 0.1)],
    )


EXPERIMENT = Experiment(
    name="pooling-shifts",
    title="Pooling and small shifts",
    topic="Images",
    claim="Pooling makes a network roughly invariant to small shifts of its input: most pooled outputs do not change"
    " where the picture moves by a pixel. A stride breaks exact invariance.",
    source="Goodfellow, Bengio and Courville 2016, Deep Learning, section 9.3; Zhang 2019, Making convolutional"
    " networks shift-invariant again",
    method=f"The digits in a blank frame of {_SIDE}x{_SIDE} pixels. Two convolutions 3x3 of 8 and 16 maps with ReLU and"
    " a dense layer; behind each ReLU nothing, max pooling 2x2 or average pooling 2x2, or convolutions of stride 2."
    f" {_EPOCHS} epochs of Adam at rate 0.003 in batches of 32 on digits in the middle, then the test digits are moved"
    " up, down, left and right.",
    measure=measure,
    seconds=18,
)
