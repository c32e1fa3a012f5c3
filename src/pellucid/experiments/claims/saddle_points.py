"""What the surface of a loss looks like: saddles in many dimensions, contours, and where it is convex.

Shape letters: B points, N dimensions, K waves, E eigenvalues.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.optimize import brentq
from torch import Tensor
from torch.func import grad, jacrev, vmap
from torch.nn import functional as F

from pellucid.chart import Axis, Chart, Line, Path, Surface
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import above, below, counted, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.seed import generator

Loss = Callable[[Tensor], Tensor]
"""A loss of all weights in one vector (N,)."""

_SIZES = (1, 2, 3, 4, 5, 6)
_MATRICES = 40_000
_WAVES = 100
_STARTS = 400
_NEWTON_STEPS = 60
_POINTS = 20
_HIDDEN = 3


def measure(seeds: Sequence[int]) -> Result:
    """Count signs of eigenvalues, angles and curvatures."""
    definite = [[positive_definite(size, seed) for size in _SIZES] for seed in seeds]
    critical = [[critical_points(size, seed) for size in _SIZES] for seed in seeds]
    saddles = [[_saddles(eigenvalues) for _, eigenvalues in run] for run in critical]
    heights = [_heights_by_index(*run[-1]) for run in critical]
    network, logistic = _network_loss(load("iris")), _logistic_loss(load("breast_cancer"))
    angles = np.array([_contour_angles(network, _network_size(), seed) for seed in seeds])
    convex = torch.cat([_least_curvatures(logistic, 31, seed) for seed in seeds])
    bent = torch.cat([_least_curvatures(network, _network_size(), seed) for seed in seeds])
    return Result(
        checks=(
            below("Of random symmetric 4 x 4 matrices fewer are positive definite than 1 in 16, which independent signs"
                  " of the eigenvalues would give", [run[3] for run in definite], 1 / 16, share=True),
            above(f"Of the critical points of random functions of {_SIZES[-1]} variables nine in ten are saddles",
                  [run[-1] for run in saddles], 0.9, share=True),
            greater("The higher such a point lies, the more ways lead down: in the upper half of them a greater"
                    " share of the eigenvalues is negative", *zip(*heights, strict=True), share=True),
            counted("The gradient of a real loss is perpendicular to its contour, to 1°",
                    int((np.abs(angles - 90) < 1).sum()), angles.size),
            counted("A logistic loss is convex: its Hessian has no negative eigenvalue at random points, where that of"
                    " a network with a hidden layer has one", int((convex > -1e-9).sum() + (bent < -1e-9).sum()),
                    len(convex) + len(bent)),
        ),
        quantities=(
            *(Quantity(name=f"positive definite, {size} x {size}", values=[run[place] for run in definite], share=True)
              for place, size in enumerate(_SIZES)),
            *(Quantity(name=f"saddles among critical points, {size} variables", values=[run[place] for run in saddles],
                       share=True) for place, size in enumerate(_SIZES)),
            Quantity(name="angle of gradient and contour, degrees", values=angles.mean(1).tolist()),
        ),
        figures=(_by_size(definite, saddles), _slice(network, seeds[0])),
        notes=(_FOUND,),
    )  # fmt: skip


_FOUND = (
    "Critical points are those that Newton's method finds from random starts, not all there are. On a line there are no"
    " saddles; a real loss differs from a random function, and what is said of saddles is an analogy there."
)


def positive_definite(size: int, seed: int) -> float:
    """Return the share of random symmetric matrices (A + Aᵀ) / 2, A standard normal, without a negative eigenvalue."""
    a = torch.randn(_MATRICES, size, size, generator=generator(seed, "matrices", size))
    least = torch.linalg.eigvalsh((a + a.mT) / 2)[:, 0]
    return float((least > 0).double().mean())


def critical_points(size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return height (B,) and Hessian's eigenvalues (B, E) of critical points of f(x) = Σ cos(w·x + b) / √K.

    The waves' w are standard normal: nearly a Gaussian random function, without borders. Newton's method for
    ∇f = 0 takes steps of a length of at most 1.
    """
    random = generator(seed, "function", size)
    w_KN = torch.randn(_WAVES, size, generator=random, dtype=torch.float64)
    b_K = 2 * torch.pi * torch.rand(_WAVES, generator=random, dtype=torch.float64)
    x_BN = 3 * torch.randn(_STARTS, size, generator=random, dtype=torch.float64)

    def bent(x_BN: Tensor) -> tuple[Tensor, Tensor]:
        phase_BK = x_BN @ w_KN.T + b_K
        gradient_BN = -phase_BK.sin() @ w_KN
        return gradient_BN, -torch.einsum("bk,kn,km->bnm", phase_BK.cos(), w_KN, w_KN)

    for _ in range(_NEWTON_STEPS):
        gradient_BN, hessian_BNN = bent(x_BN)
        step_BN = torch.linalg.lstsq(hessian_BNN, gradient_BN[..., None]).solution[..., 0]
        x_BN = x_BN - step_BN * (1 / step_BN.norm(dim=1, keepdim=True)).clamp_max(1)
    gradient_BN, hessian_BNN = bent(x_BN)
    there = gradient_BN.norm(dim=1) < 1e-8
    height_B = (x_BN @ w_KN.T + b_K).cos().sum(1) / _WAVES**0.5
    return height_B[there], torch.linalg.eigvalsh(hessian_BNN[there])


def _saddles(eigenvalues_BE: Tensor) -> float:
    down_BE = eigenvalues_BE < 0
    return float((down_BE.any(1) & ~down_BE.all(1)).double().mean())


def _heights_by_index(height_B: Tensor, eigenvalues_BE: Tensor) -> tuple[float, float]:
    """Return the mean share of negative eigenvalues in the upper and in the lower half of the points."""
    down_B = (eigenvalues_BE < 0).double().mean(1)
    upper_B = height_B > height_B.median()
    return float(down_B[upper_B].mean()), float(down_B[~upper_B].mean())


def _network_size() -> int:
    return 4 * _HIDDEN + _HIDDEN + _HIDDEN * 3 + 3


def _network_loss(data: Dataset) -> Loss:
    """Return the cross-entropy of 4 -> tanh units -> 3 classes on the training rows, as a function of its weights."""
    x, labels = data.split("train")
    x = x.double()

    def loss(weights: Tensor) -> Tensor:
        first, bias, second, last = weights.split([4 * _HIDDEN, _HIDDEN, 3 * _HIDDEN, 3])
        hidden = torch.tanh(F.linear(x, first.reshape(_HIDDEN, 4), bias))
        mean: Tensor = F.cross_entropy(F.linear(hidden, second.reshape(3, _HIDDEN), last), labels)
        return mean

    return loss


def _logistic_loss(data: Dataset) -> Loss:
    x, labels = data.split("train")
    inputs = torch.cat([x, torch.ones(len(x), 1)], 1).double()
    return lambda weights: F.binary_cross_entropy_with_logits(inputs @ weights, labels.double())


def _least_curvatures(loss: Loss, size: int, seed: int) -> Tensor:
    """Return the least eigenvalue of the Hessian at random points, as a share of the greatest in size, (B,)."""
    points = torch.randn(_POINTS, size, generator=generator(seed, "points"), dtype=torch.float64)
    values: Tensor = torch.linalg.eigvalsh(vmap(jacrev(grad(loss)))(points))
    return values[:, 0] / values.abs().amax(1)


def _plane(loss: Loss, size: int, seed: int, number: int) -> Loss:
    """Return the loss over a random plane through a random point, as a function of two numbers."""
    random = generator(seed, "plane", number)
    origin = torch.randn(size, generator=random, dtype=torch.float64)
    axes = torch.linalg.qr(torch.randn(size, 2, generator=random, dtype=torch.float64)).Q
    return lambda place: loss(origin + axes @ place)


def _contour_angles(loss: Loss, size: int, seed: int) -> list[float]:
    """Return the angle, in degrees, between the gradient and the way to the next point of the same loss.

    That point lies on a circle of radius 1e-4, between the directions of steepest descent and ascent.
    """
    found = []
    for number in range(_POINTS):
        over = _plane(loss, size, seed, number)
        here = torch.zeros(2, dtype=torch.float64)
        level, slope = float(over(here)), grad(over)(here)
        uphill = float(torch.atan2(slope[1], slope[0]))

        def higher(angle: float, over: Loss = over, level: float = level, uphill: float = uphill) -> float:
            turned = torch.tensor([np.cos(uphill + angle), np.sin(uphill + angle)])
            return float(over(1e-4 * turned)) - level

        found.append(float(np.degrees(brentq(higher, 0, np.pi))))
    return found


def _by_size(definite: list[list[float]], saddles: list[list[float]]) -> Chart:
    shares = np.mean(saddles, axis=0)
    written = ", ".join(f"{share:.1%} with {size}" for size, share in zip(_SIZES, shares, strict=True))
    return Chart(
        title="The more dimensions, the more saddles",
        detail="share of critical points that are saddles, and of random symmetric matrices that are positive definite",
        says=f"Of the critical points of random functions, by the number of variables, are saddles: {written}.",
        x=Axis("variables, or rows of the matrix"),
        y=Axis("share", "percent", ends=(0, 1)),
        lines=[
            Line(label="saddles among critical points", x=_SIZES, runs=saddles),
            Line(label="positive definite among matrices", x=_SIZES, runs=definite),
            Line(label="1/2 to the power of the rows", x=_SIZES, runs=[[0.5**size for size in _SIZES]], style="dashed"),
        ],
    )


def _slice(loss: Loss, seed: int) -> Surface:
    over = _plane(loss, _network_size(), seed, 0)
    places = torch.linspace(-4, 4, 41, dtype=torch.float64)
    z = vmap(over)(torch.cartesian_prod(places, places)).reshape(41, 41).T
    way = [torch.tensor([3.0, 3.0], dtype=torch.float64)]
    for _ in range(200):
        way.append(way[-1] - 0.2 * grad(over)(way[-1]))
    x, y = torch.stack(way).T.tolist()
    first, last = float(over(way[0])), float(over(way[-1]))
    return Surface(
        title="A loss over a plane of weights, and the way down",
        detail="200 steps of gradient descent at rate 0.2 within the plane; they cross the contours at right angles",
        says=f"From (3, 3) gradient descent lowers the loss from {first:.2f} to {last:.2f}; the surface is not convex.",
        x=Axis("along a random direction"),
        y=Axis("along another, perpendicular to it"),
        at_x=places.tolist(),
        at_y=places.tolist(),
        z=z.tolist(),
        paths=[Path(label="gradient descent", x=x, y=y)],
    )


EXPERIMENT = Experiment(
    name="saddle-points",
    title="Saddles, contours and convexity",
    topic="Descending",
    claim="In many dimensions nearly all critical points are saddles, not minima. The gradient is perpendicular to the"
    " contours of the loss. A logistic loss is convex, a network's is not.",
    source="Dauphin et al. 2014, Identifying and attacking the saddle point problem in high-dimensional non-convex"
    " optimization; Goodfellow, Bengio and Courville 2016, Deep Learning, section 8.2.3",
    method=f"{_MATRICES:,} symmetric matrices of normal numbers a size; sums of {_WAVES} random waves in 1 to"
    f" {_SIZES[-1]} variables, whose critical points Newton's method finds from {_STARTS} starts; on real data,"
    f" {_POINTS} random weights a seed of a logistic regression of breast_cancer and of a network 4-{_HIDDEN}-3 of tanh"
    " units on iris: eigenvalues of the Hessian, and in random planes the angle between the gradient and the contour.",
    measure=measure,
    seconds=6,
)
