"""What kind of critical point a function's argument is: its gradient's length and its Hessian's eigenvalues.

At a minimum all eigenvalues of the Hessian are positive, at a maximum all are negative, at a saddle there are some of
both; along a direction of eigenvalue 0 the function is flat to second order. The Hessian of a small network is computed
whole. That of a large one never exists: the Lanczos method needs nothing but its products with vectors,
H v = ∇(∇L · v), and finds the eigenvalues at both ends, which decide.

Shape letters: W weights, K eigenvalues.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor
from torch.func import grad, grad_and_value, vjp

from pellucid.chart import Axis, Chart, Line
from pellucid.errors import RunError
from pellucid.explain.landscape.objective import Objective, as_vector, evaluating, from_vector
from pellucid.seed import generator

Function: TypeAlias = Callable[[Tensor], Tensor]
"""A number of a vector."""

LARGEST_EXACT = 500
"""Weights up to which the whole Hessian is computed."""
_ACCURACY = 1e-5
"""Of Lanczos's eigenvalues, as a share of the largest."""


@dataclass(frozen=True, slots=True)
class Curvature:
    """A function near a point.

    Attributes:
        verdict: "minimum", "maximum", "saddle", "flat directions" (some eigenvalues are 0 and the others of one sign,
            so that the second order does not decide) or "not a critical point (gradient norm ...)".
        weights: W.
        value: the function there.
        gradient_norm: ‖∇L‖.
        eigenvalues: of the Hessian, ascending, float64: all W, or where not `exact` those at both ends.
        exact: all eigenvalues are known.
        negative: how many of the known ones are negative; the index of the critical point where they are `exact`.
        flat: how many of the known ones are 0, to the tolerance.
        tolerance: below which an eigenvalue is taken for 0.
    """

    verdict: str
    weights: int
    value: float
    gradient_norm: float
    eigenvalues: Tensor
    exact: bool
    negative: int
    flat: int
    tolerance: float


def curvature(
    objective: Objective,
    *,
    ends: int = 3,
    critical: float = 1e-3,
    flatness: float = 1e-4,
    largest_exact: int = LARGEST_EXACT,
    seed: int = 0,
) -> Curvature:
    """Return what kind of point of the loss a network's weights are, computed in float64.

    Args:
        objective: L; the network is left as it is.
        ends: eigenvalues wanted at each end, where there are too many weights to know all.
        critical: the gradient's norm up to which the point counts as critical.
        flatness: eigenvalues up to this share of the largest count as 0; not below 1e-5, what Lanczos tells apart.
        largest_exact: up to how many weights all eigenvalues are computed.
        seed: of the vector that Lanczos begins with.

    Raises:
        RunError: the eigenvalues at an end lie too close together to be found.
    """
    precise = objective.in_double()
    own = precise.weights
    parts = [_of_vector(part, own) for part in precise.parts()]
    with evaluating(precise.network):
        return _judged(parts, as_vector(own, own), ends, critical, flatness, largest_exact, seed)


def curvature_at(
    function: Function,
    point: Tensor,
    *,
    ends: int = 3,
    critical: float = 1e-3,
    flatness: float = 1e-4,
    largest_exact: int = LARGEST_EXACT,
    seed: int = 0,
) -> Curvature:
    """Return what kind of point of any function of a vector a point is; see `curvature`.

    >>> curvature_at(lambda at: at[0] ** 2 - at[1] ** 2, torch.zeros(2)).verdict
    'saddle'

    Raises:
        RunError: the eigenvalues at an end lie too close together to be found.
    """
    return _judged([function], point.detach().double(), ends, critical, flatness, largest_exact, seed)


def hessian_product(parts: Sequence[Function], point_W: Tensor, vector_W: Tensor) -> Tensor:
    """Return H v of the sum of some functions, (W,): the derivative of the gradient along v.

    Source: Pearlmutter 1994, Fast exact multiplication by the Hessian.
    """
    product_W = torch.zeros_like(point_W)
    for part in parts:
        # backwards twice, which every layer knows; forwards over backwards some do not. H is symmetric: Hᵀ v is H v
        product_W += vjp(grad(part), point_W)[1](vector_W)[0]
    return product_W


def hessian(parts: Sequence[Function], point_W: Tensor) -> Tensor:
    """Return the whole Hessian of the sum of some functions, (W, W), column by column."""
    columns = [hessian_product(parts, point_W, unit_W) for unit_W in torch.eye(len(point_W)).to(point_W)]
    whole_WW = torch.stack(columns, 1)
    return (whole_WW + whole_WW.T) / 2


def curvature_chart(found: Curvature, title: str = "The Hessian's eigenvalues") -> Chart:
    """Return the eigenvalues as a figure, ascending."""
    values = found.eigenvalues.tolist()
    count = len(values)
    places = list(range(1, count + 1))
    if not found.exact:
        half = count // 2
        places = [*range(1, half + 1), *range(found.weights - (count - half) + 1, found.weights + 1)]
    known = f"all {found.weights:,}" if found.exact else f"{count} at the ends, of {found.weights:,}"
    return Chart(
        title=title,
        detail=f"{known}; below 0 the loss falls on both sides",
        says=f"The eigenvalues lie between {values[0]:.3g} and {values[-1]:.3g}. Of the {count} known ones"
        f" {found.negative} are below 0 and {found.flat} within ± {found.tolerance:.2g} of it: {found.verdict}.",
        x=Axis("number of the eigenvalue"),
        y=Axis("eigenvalue of the Hessian"),
        lines=[Line(label="eigenvalues", x=places, runs=[values], style="dots")],
        levels=[("flat", 0.0)],
    )


def _of_vector(part: Callable[[dict[str, Tensor]], Tensor], own: dict[str, Tensor]) -> Function:
    return lambda vector_W: part(from_vector(vector_W, own))


def _judged(
    parts: Sequence[Function], point_W: Tensor, ends: int, critical: float, flatness: float, largest: int, seed: int
) -> Curvature:
    sums = [grad_and_value(part)(point_W) for part in parts]
    norm = float(torch.stack([gradient_W for gradient_W, _ in sums]).sum(0).norm())
    exact = len(point_W) <= max(largest, 2 * ends + 1)
    values_K = torch.linalg.eigvalsh(hessian(parts, point_W)) if exact else _at_both_ends(parts, point_W, ends, seed)
    tolerance = max(flatness, 0.0 if exact else _ACCURACY) * float(values_K.abs().max())
    negative, flat = int((values_K < -tolerance).sum()), int((values_K.abs() <= tolerance).sum())
    return Curvature(
        verdict=_verdict(norm, critical, negative, flat, len(values_K)),
        weights=len(point_W),
        value=float(torch.stack([value for _, value in sums]).sum()),
        gradient_norm=norm,
        eigenvalues=values_K.cpu(),
        exact=exact,
        negative=negative,
        flat=flat,
        tolerance=tolerance,
    )


def _verdict(norm: float, critical: float, negative: int, flat: int, known: int) -> str:
    """Return what the counts say. The least and the greatest eigenvalue are among those known, and they decide."""
    if norm > critical:
        return f"not a critical point (gradient norm {norm:.3g})"
    if 0 < negative < known - flat:
        return "saddle"
    if flat:
        return "flat directions"
    return "maximum" if negative else "minimum"


def _at_both_ends(parts: Sequence[Function], point_W: Tensor, ends: int, seed: int) -> Tensor:
    """Return the least and the greatest eigenvalues, ascending, float64 (2 ends,).

    ARPACK stops when an eigenvalue is known to a share of itself, which for those near 0 it never is. Those of
    H + r and H - r, where r is the largest of all, lie around ± 2 r: they are known to a share of r. An eigenvalue that
    occurs several times may be found once only, as by every Lanczos method that begins with one vector.
    """
    start_W = torch.randn(len(point_W), generator=generator(seed, "lanczos"), dtype=torch.float64).numpy()

    def operator(shift: float) -> LinearOperator:
        def multiply(vector_W: NDArray[np.float64]) -> NDArray[np.float64]:
            vector = torch.from_numpy(np.ascontiguousarray(vector_W).reshape(-1)).to(point_W)
            return (hessian_product(parts, point_W, vector) + shift * vector).cpu().numpy()

        return LinearOperator((len(point_W), len(point_W)), matvec=multiply, dtype=np.float64)

    def found(shift: float, which: str, count: int, accuracy: float) -> NDArray[np.float64]:
        values: NDArray[np.float64] = eigsh(
            operator(shift), count, which=which, tol=accuracy, v0=start_W, return_eigenvectors=False
        )
        return np.sort(values) - shift

    if not hessian_product(parts, point_W, torch.from_numpy(start_W).to(point_W)).any():
        return torch.zeros(2 * ends, dtype=torch.float64)  # no random vector is perpendicular to all of H but of 0
    try:
        radius = 1.01 * float(np.abs(found(0.0, "LM", 1, 1e-2)[0]))
        both = [found(shift, which, ends, _ACCURACY) for shift, which in ((-radius, "SA"), (radius, "LA"))]
    except ArpackNoConvergence as error:
        raise RunError(
            "the Hessian's eigenvalues could not be found",
            received=str(error),
            advice="ask for fewer at each end, ends=1",
        ) from None
    return torch.from_numpy(np.concatenate(both))
