"""Points in the plane, drawn from known laws: circles, exclusive or, Gaussians, spirals, moons, clouds; and surfaces.

Two classes each but for the clouds, so that every decision boundary can be drawn. By default the points are always the
same ones; what `split_seed` changes is only which of them are held out.

Shape letters: N points.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_POINTS = 600
_HILLS = ((-0.5, 0.45, 1.0), (0.5, 0.5, -1.0), (-0.45, -0.5, -1.0), (0.5, -0.45, 1.0))
_HILL_WIDTH = 0.3


@dataclass(frozen=True, slots=True)
class Points:
    """Points (N, 2) float32, the class of each (N,) int64, and the classes' names."""

    places: NDArray[np.float32]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Surface:
    """Points (N, 2) float32 and the height over each (N,) float32."""

    places: NDArray[np.float32]
    heights: NDArray[np.float32]


def circles(count: int = _POINTS, noise: float = 0.1, seed: int = 0) -> Points:
    """A disc's rim within another: radii 0.5 and 1, each with normal noise. No line separates them."""
    random = np.random.default_rng(seed)
    angles = random.uniform(0, 2 * np.pi, count)
    labels = _in_turn(count)
    places = np.where(labels == 0, 0.5, 1.0)[:, None] * _on_circle(angles)
    return _points(places + random.normal(0, noise, places.shape), labels, ("inner", "outer"))


def xor(count: int = _POINTS, noise: float = 0.0, seed: int = 1) -> Points:
    """Exclusive or: uniform in the square of side 2, class by whether the signs differ; a gap of 0.1 along the axes.

    The class is that of the place before the noise.
    """
    random = np.random.default_rng(seed)
    places = random.uniform(0.05, 1, (count, 2)) * random.choice([-1, 1], (count, 2))
    labels = (places[:, 0] * places[:, 1] < 0).astype(np.int64)
    return _points(places + random.normal(0, noise, places.shape), labels, ("same signs", "different signs"))


def gaussians(count: int = _POINTS, noise: float = 0.8, seed: int = 2) -> Points:
    """Two normal clouds around (-1, -1) and (1, 1): at a standard deviation of 0.8 the best line errs on 3.9 %.

    The centres are 2 sqrt(2) apart, so the best error is Phi(-sqrt(2) / noise), Phi the normal distribution function.
    """
    random = np.random.default_rng(seed)
    labels = _in_turn(count)
    places = random.normal(0, noise, (count, 2)) + np.where(labels == 0, -1.0, 1.0)[:, None]
    return _points(places, labels, ("lower left", "upper right"))


def spirals(count: int = _POINTS, noise: float = 0.03, seed: int = 3) -> Points:
    """Two spirals of 1.75 turns, half a turn apart, with normal noise (after Lang and Witbrock 1988)."""
    random = np.random.default_rng(seed)
    labels = _in_turn(count)
    along = np.sqrt(random.uniform(0.01, 1, count))
    angles = along * 1.75 * 2 * np.pi + labels * np.pi
    places = along[:, None] * _on_circle(angles)
    return _points(places + random.normal(0, noise, places.shape), labels, ("first", "second"))


def moons(count: int = _POINTS, noise: float = 0.15, seed: int = 4) -> Points:
    """Two half circles that reach into each other, with normal noise."""
    random = np.random.default_rng(seed)
    labels = _in_turn(count)
    places = _on_circle(random.uniform(0, np.pi, count))
    places[labels == 1] = [1.0, 0.5] - places[labels == 1]
    return _points(places + random.normal(0, noise, places.shape), labels, ("upper", "lower"))


def clouds(count: int = _POINTS, noise: float = 0.25, seed: int = 5, classes: int = 4) -> Points:
    """Normal clouds whose centres divide the unit circle into equal parts, one class each."""
    random = np.random.default_rng(seed)
    labels = _in_turn(count, classes)
    centres = _on_circle((labels.astype(np.float64) + 0.5) * (2 * np.pi / classes))
    names = tuple(f"cloud {number + 1}" for number in range(classes))
    return _points(centres + random.normal(0, noise, centres.shape), labels, names)


def slope(count: int = _POINTS, noise: float = 0.0, seed: int = 6) -> Surface:
    """The plane (x1 + x2) / 2 over the square of side 2, with normal noise in the height: what a line can learn."""
    random = np.random.default_rng(seed)
    places = random.uniform(-1, 1, (count, 2))
    return _surface(places, places.mean(1) + random.normal(0, noise, count))


def hills(count: int = _POINTS, noise: float = 0.0, seed: int = 7) -> Surface:
    """Two Gaussian hills and two such hollows over the square of side 2, with normal noise in the height."""
    random = np.random.default_rng(seed)
    places = random.uniform(-1, 1, (count, 2))
    heights = random.normal(0, noise, count)
    for x, y, height in _HILLS:
        heights += height * np.exp(-((places - [x, y]) ** 2).sum(1) / (2 * _HILL_WIDTH**2))
    return _surface(places, heights)


def _in_turn(count: int, classes: int = 2) -> NDArray[np.int64]:
    return np.arange(count) % classes


def _on_circle(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _points(places: NDArray[np.float64], labels: NDArray[np.int64], classes: tuple[str, ...]) -> Points:
    return Points(places.astype(np.float32), labels, classes)


def _surface(places: NDArray[np.float64], heights: NDArray[np.float64]) -> Surface:
    return Surface(places.astype(np.float32), heights.astype(np.float32))
