"""How one map of a layer, and one unit of it, is made of what the layer received: the numbers behind the formulas.

The formulas and the windows are those of `explain/derivation`, which knows nothing of autograd.

Shape letters: C channels read, H W places, P Q places of the output, U V places of a kernel; n parts that are shown.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from pellucid.blocks import Add, Concat
from pellucid.explain.derivation.dense import Linear
from pellucid.explain.derivation.elementwise import Elementwise, PReLU
from pellucid.explain.derivation.layers import call_of_layer
from pellucid.explain.derivation.normalisation import FixedNormalisation
from pellucid.explain.derivation.operation import Call, Operation, Value
from pellucid.explain.derivation.windows import AdaptivePooling, AveragePooling, Convolution, MaxPooling, Windows
from pellucid.studio.exhibits.inside.reading import Layer

Array = npt.NDArray[Any]
MOST_PARTS = 8
"""Channels whose share in a map is shown; the others are summed."""
MOST_TERMS = 12
"""Products of a fully connected unit that are written out, where what it reads are no maps."""
_CURVE = 81


@dataclass(frozen=True)
class Made:
    """A unit's arithmetic.

    Attributes:
        sort: which: "conv", "dense", "terms", "max", "mean", "curve", "norm", "sum", "join" or "other".
        values: what JSON holds, and `arrays` the numbers.
    """

    sort: str
    values: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)


def operation_of(layer: Layer) -> Call | None:
    """Return the operation that `explain` has written down for a layer."""
    return call_of_layer(layer.module, Value("X", is_parameter=False, array=_numbers(layer.received[0])))


def made(layer: Layer, channel: int, row: int, column: int) -> Made:
    """Return how the unit at a place of one of a layer's maps came about."""
    if isinstance(layer.module, Add):
        return _sum(layer, channel, row, column)
    if isinstance(layer.module, Concat):
        return _joined(layer, channel)
    call = operation_of(layer)
    x = _numbers(layer.received[0])
    at = (channel, row, column) if len(layer.shape) == 3 else (channel,)
    match call.operation if call else None:
        case Convolution() as operation if x.ndim == 4:
            return _convolution(layer, operation, x, channel, row, column)
        case Linear() if x.ndim == 2:
            return _dense(layer, x[0], channel)
        case MaxPooling() as operation if x.ndim == 4:
            return _pooled(x, operation.windows, "max", at)
        case AveragePooling() as operation if x.ndim == 4:
            return _pooled(x, operation.windows, "mean", at)
        case AdaptivePooling() if x.ndim == 4:
            return _adaptive(layer, x, at)
        case Elementwise() | PReLU() as operation if x.shape == layer.output.shape:
            return _curve(operation, x, at)
        case FixedNormalisation() if x.shape == layer.output.shape:
            return _normed(layer, x, at)
    return Made("other")


def _convolution(layer: Layer, operation: Convolution, x: Array, channel: int, row: int, column: int) -> Made:
    """Z[o] = Σ_c W[o,c] * X[c] + b[o], channel by channel."""
    weight, bias = _weights(layer)
    kernel = weight[channel]
    read = len(kernel)
    first = channel // (len(weight) // (x.shape[1] // read)) * read  # of the group
    windows = operation.windows
    x = x[:, first : first + read]
    apart = Convolution(windows, read, has_bias=False)  # each channel by itself
    maps = np.asarray(apart.forward(x, kernel[:, None]))[0]
    window = windows.cut(windows.padded(x))[0, :, row, column]
    outside = windows.cut(windows.padded(np.ones_like(x[:, :1])))[0, 0, row, column] == 0
    shown = _largest(np.abs(maps).mean((1, 2)))
    rest = np.delete(maps, shown, 0).sum(0)
    sums = (window * kernel).sum((1, 2))
    values = {
        "channels": [int(first + each) for each in shown], "read": read, "sums": sums[shown].tolist(),
        "rest": float(np.delete(sums, shown).sum()), "others": read - len(shown), "bias": float(bias[channel]),
        "total": float(sums.sum() + bias[channel]), "box": _box(windows, row, column), "has_bias": _has_bias(layer),
    }  # fmt: skip
    arrays = {"inputs": x[0, shown], "kernels": kernel[shown], "partial": maps[shown], "windows": window[shown],
              "outside": outside, "rest": rest[None]}  # fmt: skip
    return Made("conv", values, arrays)


def _dense(layer: Layer, x: Array, unit: int) -> Made:
    """z[o] = Σ_f W[o,f] x[f] + b[o]; where x were maps, map by map."""
    weight, bias = _weights(layer)
    row = weight[unit]
    products = row * x
    values: dict[str, Any] = {"bias": float(bias[unit]), "total": float(products.sum() + bias[unit]), "read": len(x),
                              "has_bias": _has_bias(layer)}  # fmt: skip
    if layer.maps is not None and layer.maps[1] * layer.maps[2] > 1:
        x_CHW, row_CHW, products_CHW = (each.reshape(layer.maps) for each in (x, row, products))
        sums = products_CHW.sum((1, 2))
        shown = _largest(np.abs(products_CHW).mean((1, 2)))
        values |= {"channels": shown.tolist(), "sums": sums[shown].tolist(), "others": len(sums) - len(shown),
                   "rest": float(np.delete(sums, shown).sum())}  # fmt: skip
        arrays = {"inputs": x_CHW[shown], "kernels": row_CHW[shown], "partial": products_CHW[shown],
                  "windows": x_CHW[shown]}  # fmt: skip
        return Made("dense", values, arrays)
    shown = _largest(np.abs(products), MOST_TERMS)
    values |= {"terms": shown.tolist(), "others": len(x) - len(shown), "rest": float(np.delete(products, shown).sum())}
    return Made("terms", values, {"read": x[shown], "weights": row[shown], "products": products[shown]})


def _pooled(x: Array, windows: Windows, sort: str, at: tuple[int, ...]) -> Made:
    channel, row, column = at
    filled = windows.padded(x[:, channel : channel + 1], -np.inf if sort == "max" else 0.0)
    window = windows.cut(filled)[0, 0, row, column]
    outside = windows.cut(windows.padded(np.ones_like(x[:, :1])))[0, 0, row, column] == 0
    values = {"box": _box(windows, row, column), "count": int(window.size), "channels": [channel]}
    return Made(sort, values, {"inputs": x[0, channel][None], "windows": np.where(outside, 0.0, window)[None],
                               "outside": outside})  # fmt: skip


def _adaptive(layer: Layer, x: Array, at: tuple[int, ...]) -> Made:
    """The mean over what falls to a place: of n places and m means, ⌊i n / m⌋ to ⌈(i+1) n / m⌉ fall to place i."""
    channel, *places = at
    ends = [(i * n // m, -(-(i + 1) * n // m))
            for i, n, m in zip(places, x.shape[2:], layer.shape[1:], strict=True)]  # fmt: skip
    (top, bottom), (left, right) = ends
    window = x[0, channel, top:bottom, left:right]
    values = {"box": [top, left, bottom - top, right - left], "count": int(window.size), "channels": [channel]}
    outside = np.zeros(window.shape, dtype=bool)
    return Made("mean", values, {"inputs": x[0, channel][None], "windows": window[None], "outside": outside})


def _curve(operation: Operation, x: Array, at: tuple[int, ...]) -> Made:
    """Return a = g(z), and g over the range of what the layer received."""
    far = float(np.abs(x[np.isfinite(x)]).max(initial=1.0))
    z = np.linspace(-far, far, _CURVE)
    drawn = {}
    if isinstance(operation, Elementwise):
        drawn = {"z": z, "g": np.asarray(operation.forward(z))}
    values = {"z": float(x[(0, *at)]), "formula": operation.forward_formula.latex, "channels": [at[0]]}
    inputs = {"inputs": x[0, at[0]][None]} if len(at) == 3 else {}
    return Made("curve", values, drawn | inputs)


def _normed(layer: Layer, x: Array, at: tuple[int, ...]) -> Made:
    """Return y = γ (x - μ) / √(σ² + ε) + β, with the mean and the variance that training left."""
    module: Any = layer.module
    channel = at[0]
    named = {"mean": module.running_mean, "variance": module.running_var, "gamma": module.weight, "beta": module.bias}
    usual = {"gamma": 1.0, "beta": 0.0}
    numbers = {name: None if each is None else float(each.detach()[channel]) for name, each in named.items()}
    values = {name: usual[name] if each is None else each for name, each in numbers.items()}
    inputs = {"inputs": x[0, channel][None]} if len(at) == 3 else {}
    return Made("norm", {**values, "eps": float(module.eps), "x": float(x[(0, *at)]), "channels": [channel]}, inputs)


def _sum(layer: Layer, channel: int, row: int, column: int) -> Made:
    given = [_numbers(each)[0, channel] for each in layer.received]
    at = (row, column) if given[0].ndim == 2 else ()
    values = {"sums": [float(each[at]) for each in given], "channels": [channel] * len(given)}
    return Made("sum", values, {"inputs": np.stack(given)} if given[0].ndim == 2 else {})


def _joined(layer: Layer, channel: int) -> Made:
    """A map of one branch, as it is."""
    for branch, each in enumerate(layer.received):
        if channel < each.shape[1]:
            maps = _numbers(each)[0, channel]
            return Made("join", {"branch": branch, "channels": [channel]}, {"inputs": maps[None]} if maps.ndim else {})
        channel -= each.shape[1]
    return Made("other")


def _box(windows: Windows, row: int, column: int) -> list[int]:
    """Return where a window lies on its input: top, left, height and width, the border included."""
    corner = [at * s - b for at, s, b in zip((row, column), windows.stride, windows.before, strict=True)]
    return corner + [(k - 1) * d + 1 for k, d in zip(windows.kernel, windows.dilation, strict=True)]


def _largest(sizes: Array, most: int = MOST_PARTS) -> Array:
    """Return the places of the largest, in their order; NaN counts as small."""
    return np.sort(np.argsort(-np.nan_to_num(sizes), kind="stable")[:most])


def _weights(layer: Layer) -> tuple[Array, Array]:
    module: Any = layer.module
    weight = _numbers(module.weight.detach())
    return weight, _numbers(module.bias.detach()) if module.bias is not None else np.zeros(len(weight))


def _has_bias(layer: Layer) -> bool:
    return getattr(layer.module, "bias", None) is not None


def _numbers(tensor: torch.Tensor) -> Array:
    """Return a tensor's numbers in float64, so that what is written out sums to what is written below."""
    return tensor.detach().double().numpy()
