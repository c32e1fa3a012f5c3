"""How many places a window gives: floor((n + 2p - f) / s) + 1, and what becomes of it without the + 1.

Letters: n places of the input, f of the window, p of padding on either side, s the stride.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from pellucid.chart import Axis, Bar, Bars, Chart, Line
from pellucid.experiments.evidence import counted
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.judging.wording import percent
from pellucid.networks import build

_MOST, _MOST_STRIDE, _MOST_PADDING = 12, 4, 3
_WHY = (
    "The first window lies at the beginning, before any step is taken; floor((n + 2p - f) / s) counts the steps, so the"
    " window at the start is missing. That is so in every case, and a network planned by it does not fit together."
)


@dataclass(frozen=True, slots=True)
class Window:
    """A window that slides over a line: n, f, s and p as at the head of the file."""

    n: int
    f: int
    s: int
    p: int = 0


Slide: TypeAlias = Callable[[Tensor, Window], Tensor]
Formula: TypeAlias = Callable[[Window], int]

_SLIDES: dict[str, Slide] = {
    "a convolution": lambda x, at: F.conv1d(x, torch.ones(1, 1, at.f), stride=at.s, padding=at.p),
    "max pooling": lambda x, at: F.max_pool1d(x, at.f, at.s, at.p),
    "average pooling": lambda x, at: F.avg_pool1d(x, at.f, at.s, at.p),
}


def without_one(at: Window) -> int:
    """Return floor((n + 2p - f) / s), as the notes have it."""
    return (at.n + 2 * at.p - at.f) // at.s


def with_one(at: Window) -> int:
    """Return floor((n + 2p - f) / s) + 1."""
    return without_one(at) + 1


def valid(at: Window) -> int:
    """Return ceil((n - f + 1) / s), the size without padding."""
    return math.ceil((at.n - at.f + 1) / at.s)


def same(at: Window) -> int:
    """Return ceil(n / s), the size with as much padding as that takes."""
    return math.ceil(at.n / at.s)


def places(slide: Slide, at: Window) -> int:
    """Return how many places torch gives."""
    return slide(torch.ones(1, 1, at.n), at).shape[-1]


def places_padded_same(at: Window) -> int:
    """Return how many places a convolution with `padding=same` gives, as it is built and computed."""
    network = build(f"T={at.n} x 1 -> conv(1, kernel={at.f}, stride={at.s}, padding=same)", seed=0)
    with torch.no_grad():
        return int(network(torch.ones(1, at.n, 1)).shape[1])


def measure(seeds: Sequence[int]) -> Result:  # noqa: ARG001 (nothing is drawn)
    """Slide every window, and count the places."""
    sizes = {name: {at: places(slide, at) for at in _windows(name)} for name, slide in _SLIDES.items()}
    every = [pair for each in sizes.values() for pair in each.items()]
    unpadded = [(at, size) for at, size in every if at.p == 0]
    padded_same = [(at, places_padded_same(at)) for at in _unpadded()]
    shares = {
        "floor((n + 2p - f) / s)": _share(without_one, every),
        "floor((n + 2p - f) / s) + 1": _share(with_one, every),
        "ceil((n - f + 1) / s) without padding": _share(valid, unpadded),
        "ceil(n / s) with padding=same": _share(same, padded_same),
    }
    return Result(
        checks=tuple(
            counted(f"Of n places {name} makes floor((n + 2p - f) / s)",
                    sum(without_one(at) == size for at, size in each.items()), len(each))
            for name, each in sizes.items()
        ),
        quantities=tuple(Quantity(name=f"cases right, {name}", values=[each], share=True)
                         for name, each in shares.items()),
        figures=(_shares(shares), _sizes()),
        notes=(_WHY,),
    )  # fmt: skip


def _unpadded() -> Iterator[Window]:
    """Yield every window that fits into a line, with every stride."""
    for n in range(1, _MOST + 1):
        for f in range(1, n + 1):
            yield from (Window(n, f, s) for s in range(1, _MOST_STRIDE + 1))


def _windows(name: str) -> Iterator[Window]:
    """Yield every window that fits into a line with every padding that torch takes: in pooling at most f / 2."""
    for n in range(1, _MOST + 1):
        for p in range(_MOST_PADDING + 1):
            for f in range(1, min(n + 2 * p, _MOST) + 1):
                if name == "a convolution" or p <= f // 2:
                    yield from (Window(n, f, s, p) for s in range(1, _MOST_STRIDE + 1))


def _share(formula: Formula, measured: list[tuple[Window, int]]) -> float:
    return sum(formula(at) == size for at, size in measured) / len(measured)


def _shares(shares: dict[str, float]) -> Bars:
    return Bars(
        title="Which formula is right",
        detail=f"the share of all cases with n up to {_MOST}, s up to {_MOST_STRIDE} and p up to {_MOST_PADDING}",
        says="Right in so many cases: " + "; ".join(f"{name}, {percent(each)}" for name, each in shares.items()) + ".",
        axis=Axis("share of cases", "percent"),
        bars=[Bar(label=name, runs=[each]) for name, each in shares.items()],
    )


def _sizes() -> Chart:
    windows = [Window(n, 3, 2, 1) for n in range(1, _MOST + 1)]
    places_n = [at.n for at in windows]
    computed = [places(_SLIDES["a convolution"], at) for at in windows]
    return Chart(
        title="One place is missing",
        detail="a convolution of kernel 3, stride 2 and padding 1",
        says=f"Of {_MOST} places torch makes {computed[-1]}; the formula says {with_one(windows[-1])}, and without its"
        f" + 1 only {without_one(windows[-1])}.",
        x=Axis("places of the input, n"),
        y=Axis("places of the output"),
        lines=[
            Line(label="torch", x=places_n, runs=[computed], style="dots"),
            Line(label="with + 1", x=places_n, runs=[[with_one(at) for at in windows]], style="dashed"),
            Line(label="without + 1", x=places_n, runs=[[without_one(at) for at in windows]]),
        ],
    )


EXPERIMENT = Experiment(
    name="output-size",
    title="The output size needs its + 1",
    topic="Errata",
    claim="A window of f places, with stride s and padding p, makes floor((n + 2p - f) / s) places of n.",
    source="Lecture notes, where the + 1 is missing; with it in Dumoulin and Visin 2016, A guide to convolution"
    " arithmetic for deep learning, relationship 6",
    method=f"Every n up to {_MOST}, every f that fits, up to {_MOST}, every stride up to {_MOST_STRIDE} and padding up"
    f" to {_MOST_PADDING} (in pooling at most f / 2, the most that torch takes): torch's convolution, max and average"
    " pooling are run, and the places they give counted. `padding=same` is a convolution as pellucid builds it.",
    measure=measure,
    seconds=1,
)
