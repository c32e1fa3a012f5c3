"""Points in the plane, drawn from known laws: circles, exclusive or, Gaussians, spirals, moons.

Two classes each, so that every decision boundary can be drawn. The points are always the same ones; what `split_seed`
changes is only which of them are held out.

Shape letters: N points.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_POINTS = 600


@dataclass(frozen=True, slots=True)
class Points:
    """Points (N, 2) float32, the class of each (N,) int64, and the classes' names."""

    places: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, str]


def circles() -> Points:
    """A disc's rim within another: radii 0.5 and 1, each with normal noise of 0.1. No line separates them."""
    random = np.random.default_rng(0)
    angles = random.uniform(0, 2 * np.pi, _POINTS)
    labels = _halves()
    places = np.where(labels == 0, 0.5, 1.0)[:, None] * _on_circle(angles)
    return _points(places + random.normal(0, 0.1, places.shape), labels, ("inner", "outer"))


def xor() -> Points:
    """Exclusive or: uniform in the square of side 2, class by whether the signs differ; a gap of 0.1 along the axes."""
    random = np.random.default_rng(1)
    places = random.uniform(0.05, 1, (_POINTS, 2)) * random.choice([-1, 1], (_POINTS, 2))
    return _points(places, (places[:, 0] * places[:, 1] < 0).astype(np.int64), ("same signs", "different signs"))


def gaussians() -> Points:
    """Two normal clouds around (-1, -1) and (1, 1), standard deviation 0.8: the best line errs on 3.9 %.

    The centres are 2 sqrt(2) apart, so the best error is Phi(-sqrt(2) / 0.8), Phi the normal distribution function.
    """
    random = np.random.default_rng(2)
    labels = _halves()
    places = random.normal(0, 0.8, (_POINTS, 2)) + np.where(labels == 0, -1.0, 1.0)[:, None]
    return _points(places, labels, ("lower left", "upper right"))


def spirals() -> Points:
    """Two spirals of 1.75 turns, half a turn apart, with normal noise of 0.03 (after Lang and Witbrock 1988)."""
    random = np.random.default_rng(3)
    labels = _halves()
    along = np.sqrt(random.uniform(0.01, 1, _POINTS))
    angles = along * 1.75 * 2 * np.pi + labels * np.pi
    places = along[:, None] * _on_circle(angles)
    return _points(places + random.normal(0, 0.03, places.shape), labels, ("first", "second"))


def moons() -> Points:
    """Two half circles that reach into each other, with normal noise of 0.15."""
    random = np.random.default_rng(4)
    labels = _halves()
    places = _on_circle(random.uniform(0, np.pi, _POINTS))
    places[labels == 1] = [1.0, 0.5] - places[labels == 1]
    return _points(places + random.normal(0, 0.15, places.shape), labels, ("upper", "lower"))


def _halves() -> NDArray[np.int64]:
    return np.arange(_POINTS) % 2


def _on_circle(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _points(places: NDArray[np.float64], labels: NDArray[np.int64], classes: tuple[str, str]) -> Points:
    return Points(places.astype(np.float32), labels, classes)
