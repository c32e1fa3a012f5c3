"""The loss around a network's weights: along a line, and over a plane, with the training's way on it.

Shape letters: X and Y places along the first and the second direction, P places, D directions, S states.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.func import vmap

from pellucid.chart import Axis, Chart, Line, Path, Surface
from pellucid.errors import OptionError
from pellucid.explain.landscape.directions import Track, filter_normalised, principal, track
from pellucid.explain.landscape.objective import Objective, Weights, evaluating
from pellucid.judging.wording import percent

_WEIGHTS_AT_ONCE = 1 << 18
"""Of the places computed together. Large networks are computed one by one: calling them costs next to nothing there."""
_SPAN_OF_LOGARITHM = 100.0
"""From how many times the least loss on the contours are those of the logarithm."""


@dataclass(frozen=True, slots=True)
class LossSlice:
    """The loss along a line of weights, L(θ + x d).

    Attributes:
        at_x: x, float64 (X,).
        losses: float64 (X,).
        between: the line joins two points, at x = 0 and x = 1; else it leads through one, at x = 0.
    """

    at_x: Tensor
    losses: Tensor
    between: bool

    @property
    def barrier(self) -> float:
        """How far the loss rises above the straight line from L(0) to L(1), at least 0 where both are on the slice.

        Source: Frankle et al. 2020, Linear mode connectivity and the lottery ticket hypothesis, section 2.
        """
        inside = (self.at_x >= 0) & (self.at_x <= 1)
        at, losses = self.at_x[inside], self.losses[inside]
        return float((losses - torch.lerp(losses[0], losses[-1], (at - at[0]) / (at[-1] - at[0]))).max())


@dataclass(frozen=True, slots=True)
class LossSurface:
    """The loss over a plane of weights, L(θ + x d + y e).

    Attributes:
        at_x, at_y: x and y, float64 (X,) and (Y,).
        losses: float64 (Y, X).
        directions: d and e, by parameter name.
        chosen: filter-normalised random directions, a training's principal components, or given ones.
        cosine: of the angle between the directions; two random ones of many weights are nearly perpendicular.
        way: a training's way over the plane, where one was given.
    """

    at_x: Tensor
    at_y: Tensor
    losses: Tensor
    directions: tuple[Weights, Weights]
    chosen: Literal["random", "principal", "given"]
    cosine: float
    way: Track | None


def slice_between(
    objective: Objective,
    first: Weights,
    second: Weights,
    *,
    ends: tuple[float, float] = (-0.25, 1.25),
    points: int = 61,
) -> LossSlice:
    """Return the loss on the straight line through two points, (1 - x) first + x second.

    Args:
        objective: L; its network gives the parameters' names and, for both points, the buffers.
        first: the weights at x = 0, such as those at the beginning of a training.
        second: the weights at x = 1.
        ends: the least and the greatest x.
        points: how many.

    Source: Goodfellow, Vinyals and Saxe 2015, Qualitatively characterizing neural network optimization problems.
    """
    names = objective.weights
    origin = {name: first[name].detach().to(own) for name, own in names.items()}
    difference = {name: second[name].detach().to(own) - origin[name] for name, own in names.items()}
    at_X = torch.linspace(*ends, points, dtype=torch.float64)
    return LossSlice(at_X, _losses(objective, origin, [difference], at_X[:, None]), between=True)


def slice_along(
    objective: Objective,
    direction: Weights | None = None,
    *,
    ends: tuple[float, float] = (-1.0, 1.0),
    points: int = 61,
    seed: int = 0,
) -> LossSlice:
    """Return the loss on a line through the network's own weights.

    Args:
        objective: L.
        direction: of the line; by default a random one, filter-normalised (see `filter_normalised`).
        ends: the least and the greatest x.
        points: how many.
        seed: of the random direction.
    """
    along = filter_normalised(objective.network, seed) if direction is None else direction
    at_X = torch.linspace(*ends, points, dtype=torch.float64)
    return LossSlice(at_X, _losses(objective, objective.weights, [along], at_X[:, None]), between=False)


def loss_surface(
    objective: Objective,
    directions: tuple[Weights, Weights] | Literal["random", "principal"] = "random",
    *,
    states: Sequence[Weights] = (),
    ends: tuple[float, float] = (-1.0, 1.0),
    points: int = 25,
    seed: int = 0,
) -> LossSurface:
    """Return the loss on a plane through the network's own weights.

    Args:
        objective: L.
        directions: filter-normalised random ones; the principal components of `states`; or any two.
        states: state dicts of a training in their order, whose way over the plane is wanted.
        ends: the least and the greatest x and y; widened where the way leads further. Those of principal components,
            which have no scale of the weights, are set by the way alone.
        points: along each axis; the loss is computed points² times.
        seed: of the random directions.

    Raises:
        OptionError: directions that nobody knows, or too few states for their principal components.
    """
    origin = objective.weights
    chosen = _directions(objective, directions, states, seed)
    way = track(states, origin, chosen) if states else None
    by_way = directions == "principal" and way is not None and bool(way.shares.any())
    least = (0.0, 0.0) if by_way else ends
    at_X, at_Y = (torch.linspace(*_widened(least, way, place), points, dtype=torch.float64) for place in (0, 1))
    places_P2 = torch.cartesian_prod(at_Y, at_X).flip(1)
    return LossSurface(
        at_x=at_X,
        at_y=at_Y,
        losses=_losses(objective, origin, chosen, places_P2).view(points, points),
        directions=(chosen[0], chosen[1]),
        chosen="given" if isinstance(directions, tuple) else directions,
        cosine=_cosine(*chosen),
        way=way,
    )


def slice_chart(found: LossSlice, title: str = "The loss along a line") -> Chart:
    """Return a slice as a figure."""
    at, losses = found.at_x.tolist(), found.losses.tolist()
    least = min(range(len(at)), key=losses.__getitem__)
    where = round(at[least], 9) + 0.0  # the middle of a range of floats is seldom exactly 0
    says = f"Between {at[0]:.3g} and {at[-1]:.3g} the loss is least at {where:.3g}, where it is {losses[least]:.4g}"
    says += f"; it is {losses[0]:.4g} and {losses[-1]:.4g} at the ends."
    if found.between and min(at) <= 0 and max(at) >= 1:
        says += f" Between the two points it rises by {found.barrier:.3g} above the straight line that joins them."
    return Chart(
        title=title,
        detail="between two points, at 0 and at 1" if found.between else "through the network's own weights, at 0",
        says=says,
        x=Axis("share of the way" if found.between else "step along the direction"),
        y=Axis("loss"),
        lines=[Line(label="loss", x=at, runs=[losses])],
    )


def surface_chart(found: LossSurface, title: str = "The loss around the weights") -> Surface:
    """Return a surface as a figure, with the training's way on it."""
    losses = found.losses[found.losses.isfinite()]
    low, high = float(losses.min()), float(losses.max())
    kind = {"random": "random ", "principal": "principal ", "given": ""}[found.chosen]
    names = [f"{place} {kind}direction" for place in ("first", "second")]
    if found.way is not None:
        shares = (percent(share) for share in found.way.shares.tolist())
        names = [f"{name} ({share} of the path's variance)" for name, share in zip(names, shares, strict=True)]
    says = f"The loss lies between {low:.4g} and {high:.4g}."
    if found.way is not None:
        says += f" The plane tells {percent(found.way.explained)} of the variance of the training's path."
    return Surface(
        title=title,
        detail="the network's own weights lie at (0, 0)",
        says=says,
        x=Axis(names[0]),
        y=Axis(names[1]),
        at_x=found.at_x.tolist(),
        at_y=found.at_y.tolist(),
        z=found.losses.tolist(),
        paths=[] if found.way is None else [_path(found.way)],
        scale="log" if low > 0 and high > _SPAN_OF_LOGARITHM * low else "linear",
    )


def _path(way: Track) -> Path:
    return Path(label="the training", x=way.places[:, 0].tolist(), y=way.places[:, 1].tolist())


def _losses(objective: Objective, origin: Weights, directions: Sequence[Weights], places_PD: Tensor) -> Tensor:
    """Return L(θ + Σ_d place_d direction_d) at each place, float64 (P,)."""
    count = sum(own.numel() for own in origin.values())
    at_once = max(1, _WEIGHTS_AT_ONCE // count)
    places_PD = places_PD.to(next(iter(origin.values())))

    def loss_at(place_D: Tensor) -> Tensor:
        return objective.at(
            {
                name: own + sum(step * direction[name] for step, direction in zip(place_D, directions, strict=True))
                for name, own in origin.items()
            }
        )

    with torch.no_grad(), evaluating(objective.network):
        if at_once > 1:
            try:
                return torch.cat([vmap(loss_at)(some_BD) for some_BD in places_PD.split(at_once)]).double().cpu()
            except RuntimeError:
                # some layers (an LSTM) and any branch on a value cannot be computed for several weights at once; what
                # is truly wrong is wrong below, too
                pass
        return torch.stack([loss_at(place_D) for place_D in places_PD]).double().cpu()


def _directions(
    objective: Objective, wanted: tuple[Weights, Weights] | str, states: Sequence[Weights], seed: int
) -> list[dict[str, Tensor]]:
    own = objective.weights
    if isinstance(wanted, tuple):
        return [{name: given[name].detach().to(weights) for name, weights in own.items()} for given in wanted]
    if wanted == "principal":
        return principal(states, own)
    if wanted == "random":
        return [filter_normalised(objective.network, seed, number) for number in (0, 1)]
    raise OptionError("no such directions", expected="random, principal or two directions", received=wanted)


def _widened(ends: tuple[float, float], way: Track | None, place: int) -> tuple[float, float]:
    """Return the ends of an axis, moved out beyond the way by a tenth of its extent, the larger of both axes'."""
    if way is None:
        return ends
    low, high = (float(each) for each in way.places[:, place].aminmax())
    margin = 0.1 * float((way.places.amax(0) - way.places.amin(0)).max())
    return min(ends[0], low - margin), max(ends[1], high + margin)


def _cosine(first: Weights, second: Weights) -> float:
    """Return the cosine of the angle between two directions; 0 where one has no length."""
    product, *lengths = (
        math.fsum(float((one[name] * other[name]).sum()) for name in one)
        for one, other in ((first, second), (first, first), (second, second))
    )
    return product / math.sqrt(lengths[0] * lengths[1]) if min(lengths) > 0 else 0.0
