"""Convolution is equivariant to shifts, f(T x) = T f(x), and a dense layer of very few, shared weights.

Shapes: N images, M maps, H and W pixels.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.chart import Axis, Bar, Bars
from pellucid.data import load
from pellucid.experiments.evidence import above, counted
from pellucid.experiments.experiment import Check, Experiment, Quantity, Result
from pellucid.judging.wording import percent
from pellucid.networks import Table, parse
from pellucid.seed import generator

Layer: TypeAlias = Callable[[Tensor], Tensor]

_SIDE, _MAPS, _KERNEL, _IMAGES = 8, 4, 3, 50
_INSIDE = _SIDE - _KERNEL + 1  # shifted so far, no kernel sees the picture alone
_EQUAL = 1e-12  # of float64, relative
_CLASSIC = {"lenet5": "LeNet-5", "alexnet": "AlexNet", "vgg16": "VGG-16"}
_LATER = {"googlenet": "GoogLeNet", "resnet50": "ResNet-50"}
_BY_OTHERS = (
    "Later networks replaced the dense layers by a mean over each map: the weights of GoogLeNet and ResNet-50 lie in"
    " their convolutions."
)


def measure(seeds: Sequence[int]) -> Result:
    """Shift and compute, compute and shift, with layers drawn anew for each seed; count weights."""
    images_NHW = _digits()
    layers = [drawn_layers(seed) for seed in seeds]
    by_name = {
        "circular": [difference(each["convolution, circular"], images_NHW) for each in layers],
        "dense": [difference(each["dense"], images_NHW) for each in layers],
        "inside": [_filled(each["convolution, zeros"], images_NHW, inside=True) for each in layers],
        "everywhere": [_filled(each["convolution, zeros"], images_NHW, inside=False) for each in layers],
    }
    equal = {name: sum(worst < _EQUAL for one in each for worst in one) for name, each in by_name.items()}
    means = {name: [float(np.mean(one)) for one in each] for name, each in by_name.items()}
    dense = {name: dense_share(parse(each).table()) for each, name in (_CLASSIC | _LATER).items()}
    return Result(
        checks=(
            counted("With circular padding shifting and convolving is convolving and shifting, for every shift",
                    equal["circular"], len(seeds) * len(_shifts(_SIDE))),
            counted("With zero padding it is wherever the kernel sees none of the padding",
                    equal["inside"], len(seeds) * len(_shifts(_INSIDE))),
            above("A dense layer is not equivariant: its outputs differ by more than a tenth of their size",
                  means["dense"], 0.1, share=True),
            _sparse_and_shared([matrix_of(each["convolution, zeros"]) for each in layers]),
            counted("Most parameters of LeNet-5, AlexNet and VGG-16 lie in their dense layers",
                    sum(dense[name] > 0.5 for name in _CLASSIC.values()), len(_CLASSIC)),
        ),
        quantities=_quantities(means, dense),
        figures=(_differences(means), _parameters(dense)),
        notes=(_BY_OTHERS,),
    )  # fmt: skip


def _quantities(means: dict[str, list[float]], dense: dict[str, float]) -> tuple[Quantity, ...]:
    words = {
        f"{_MAPS} kernels {_KERNEL}x{_KERNEL} with biases": f"conv({_MAPS}, {_KERNEL}x{_KERNEL}, padding=1)",
        "a dense layer of as many outputs": f"fc({_MAPS * _SIDE * _SIDE})",
    }
    return (
        *(Quantity(name=f"parameters, {name}", values=[parse(f"{_SIDE}x{_SIDE}x1 -> {word}").parameters])
          for name, word in words.items()),
        Quantity(name="difference, dense layer", values=means["dense"], share=True),
        Quantity(name="difference, zero padding, border too", values=means["everywhere"], share=True),
        *(Quantity(name=f"parameters in dense layers, {name}", values=[each], share=True)
          for name, each in dense.items()),
    )  # fmt: skip


def _digits() -> Tensor:
    """Return images whose paper is 0, so that what comes in at the border is paper."""
    images_NHW = load("digits").split("test")[0][:_IMAGES, 0].double()
    return images_NHW - images_NHW.min()


def drawn_layers(seed: int) -> dict[str, Layer]:
    """Return layers of as many outputs, HxW images to MxHxW, with weights drawn from the seed."""
    drawn = generator(seed, "equivariance")
    kernels = torch.randn(_MAPS, 1, _KERNEL, _KERNEL, generator=drawn, dtype=torch.float64)
    pixels = _SIDE * _SIDE
    weights = torch.randn(_MAPS * pixels, pixels, generator=drawn, dtype=torch.float64)

    def convolution(images_NHW: Tensor, mode: str) -> Tensor:
        return F.conv2d(F.pad(images_NHW.unsqueeze(1), (1, 1, 1, 1), mode=mode), kernels)

    return {
        "convolution, circular": lambda images_NHW: convolution(images_NHW, "circular"),
        "convolution, zeros": lambda images_NHW: convolution(images_NHW, "constant"),
        "dense": lambda images_NHW: F.linear(images_NHW.flatten(1), weights).unflatten(1, (_MAPS, _SIDE, _SIDE)),
    }


def _shifts(end: int) -> list[tuple[int, int]]:
    """Return every shift of fewer pixels down and to the right but none at all."""
    return [(down, right) for down in range(end) for right in range(end) if down or right]


def _shifted(images: Tensor, down: int, right: int, *, filled: bool) -> Tensor:
    """Return images moved; what leaves comes in at the other side, or zeros do."""
    moved = images.roll((down, right), dims=(-2, -1))
    if filled:
        moved = moved.clone()
        moved[..., :down, :] = 0
        moved[..., :right] = 0
    return moved


def difference(layer: Layer, images_NHW: Tensor) -> list[float]:
    """Return ‖f(T x) - T f(x)‖ / ‖T f(x)‖ for each shift around."""
    outputs = layer(images_NHW)
    return [
        _relative(layer(_shifted(images_NHW, *by, filled=False)), _shifted(outputs, *by, filled=False))
        for by in _shifts(_SIDE)
    ]


def _filled(layer: Layer, images_NHW: Tensor, *, inside: bool) -> list[float]:
    """Return it for shifts that zeros follow, everywhere or only where no kernel sees the border."""
    outputs, differences = layer(images_NHW), []
    for down, right in _shifts(_INSIDE):
        one = layer(_shifted(images_NHW, down, right, filled=True))
        other = _shifted(outputs, down, right, filled=True)
        if inside:
            one, other = (each[..., down + 1 : _SIDE - 1, right + 1 : _SIDE - 1] for each in (one, other))
        differences.append(_relative(one, other))
    return differences


def _relative(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


def matrix_of(layer: Layer) -> Tensor:
    """Return the weights of the dense layer that computes the same: a row an output, a column a pixel."""
    units = torch.eye(_SIDE * _SIDE, dtype=torch.float64).unflatten(1, (_SIDE, _SIDE))
    return layer(units).flatten(1).T


def _sparse_and_shared(matrices: list[Tensor]) -> Check:
    # a kernel centred on a border row or column reaches one row or column less
    reached, different = _MAPS * (_KERNEL * _SIDE - 2) ** 2, _MAPS * _KERNEL**2
    as_said = [int((each != 0).sum()) == reached and len(torch.unique(each[each != 0])) == different
               for each in matrices]  # fmt: skip
    return counted(
        f"As a dense layer the convolution is sparse and shared: of {matrices[0].numel():,} weights {reached:,} are not"
        f" 0, and these are {different} different numbers",
        sum(as_said),
        len(matrices),
    )


def dense_share(table: Table) -> float:
    """Return the share of a network's parameters that lie in fully connected layers."""
    return sum(row.parameters for row in table.rows if row.word.startswith("fc(")) / table.parameters


def _differences(means: dict[str, list[float]]) -> Bars:
    labels = {
        "circular": "convolution, circular padding",
        "inside": "convolution, zero padding, inside",
        "everywhere": "convolution, zero padding, border too",
        "dense": "dense layer",
    }
    return Bars(
        title="Shifted first or last",
        detail="‖f(T x) - T f(x)‖ / ‖T f(x)‖, the mean over all shifts T; a dot a seed",
        says=f"The dense layer's outputs differ by {percent(float(np.mean(means['dense'])))} of their size, those of"
        f" the convolution with zero padding by {percent(float(np.mean(means['everywhere'])))}, all at the border.",
        axis=Axis("relative difference", "percent"),
        bars=[Bar(label=label, runs=means[name]) for name, label in labels.items()],
    )


def _parameters(dense: dict[str, float]) -> Bars:
    return Bars(
        title="Where the parameters are",
        detail="the share of each network's parameters in its fully connected layers",
        says="In dense layers: " + ", ".join(f"{name} {percent(each)}" for name, each in dense.items()) + ".",
        axis=Axis("share of the parameters", "percent"),
        bars=[Bar(label=name, runs=[each]) for name, each in dense.items()],
    )


EXPERIMENT = Experiment(
    name="equivariance",
    title="Convolutions move with the picture",
    topic="Images",
    claim="Convolution is equivariant to translation: what is found in a shifted picture is what is found in the"
    " picture, shifted. Its connections are few and its weights shared, so that it has far fewer parameters than a"
    " dense layer of as many outputs; most parameters of a classic network lie in its dense layers.",
    source="LeCun et al. 1989, Backpropagation applied to handwritten zip code recognition; Goodfellow, Bengio and"
    " Courville 2016, Deep Learning, section 9.2",
    method=f"{_IMAGES} digits of {_SIDE}x{_SIDE} pixels, moved by each of {_SIDE**2 - 1} shifts (with zero padding the"
    f" {_INSIDE**2 - 1} that leave places without), before and after a convolution of {_MAPS} kernels"
    f" {_KERNEL}x{_KERNEL} and a dense layer of as many outputs, both without biases, with normal weights drawn for"
    " each seed, in float64. Equal is what differs by less than 1e-12 of its size. The convolution's weights are"
    " counted in the matrix of the dense layer that computes the same.",
    measure=measure,
    seconds=1,
)
