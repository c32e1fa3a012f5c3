"""The points of the plane as data to train on: drawn from a law, the visitor's own, or what the studio was given.

Shape letters: N points, F features.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pellucid.data import Classes, Dataset, Values
from pellucid.data.arrays.arrays import from_arrays
from pellucid.data.named import plane
from pellucid.data.tables.columns import NumberColumn
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.recipe import DataOptions
from pellucid.seed import generator
from pellucid.shapes import Features
from pellucid.studio.exhibit import RefusedError
from pellucid.studio.exhibits.playground.settings import LONGEST_NAME, MOST_CLASSES, MOST_POINTS, PlaygroundSettings

LAWS: Mapping[str, Callable[[int, float, int], plane.Points | plane.Surface]] = {
    "circles": plane.circles, "xor": plane.xor, "gaussians": plane.gaussians, "spirals": plane.spirals,
    "moons": plane.moons, "clouds": plane.clouds, "slope": plane.slope, "hills": plane.hills,
}  # fmt: skip
_SCALED = {"gaussians": 4.0, "spirals": 0.5}
"""How much noise a law takes at the same setting: its points lie that much farther apart."""
_FEWEST, _FEWEST_A_CLASS = 6, 3
_MOST_GIVEN = 2_000

FEATURES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "x1": lambda x1, _: x1,
    "x2": lambda _, x2: x2,
    "x1_squared": lambda x1, _: x1.square(),
    "x2_squared": lambda _, x2: x2.square(),
    "x1_x2": lambda x1, x2: x1 * x2,
    "sin_x1": lambda x1, _: x1.sin(),
    "sin_x2": lambda _, x2: x2.sin(),
}


@dataclass(frozen=True)
class Scatter:
    """Points with their answers.

    Attributes:
        places: (N, 2) float32.
        answers: (N,) class numbers, int64, or values, float32.
        classes: their names; empty for values.
        total: how many points there are; more than these where they are too many to be drawn.
    """

    places: npt.NDArray[np.float32]
    answers: npt.NDArray[np.int64] | npt.NDArray[np.float32]
    classes: tuple[str, ...]
    total: int

    @property
    def reach(self) -> float:
        """Half the side of the square that is drawn around all points."""
        far = float(np.abs(self.places).max()) if len(self.places) else 0.0
        return max(1.0, float(np.ceil(far * 10.5) / 10))

    @property
    def is_enough(self) -> bool:
        """Whether there is something to learn and something to judge by."""
        if not self.classes:
            return len(self.places) >= _FEWEST
        sizes = np.bincount(self.answers.astype(np.int64), minlength=1)
        return int((sizes >= _FEWEST_A_CLASS).sum()) >= 2


def scatter(settings: PlaygroundSettings, given: Dataset | None) -> Scatter:
    """Return the points that the settings ask for.

    Raises:
        RefusedError: the studio was given no data of two features.
    """
    if settings.data == "given":
        return _of_given(given)
    if settings.data == "own":
        return _own(settings)
    drawn = LAWS[settings.data](settings.count, settings.noise * _SCALED.get(settings.data, 1.0), settings.seed)
    if isinstance(drawn, plane.Surface):
        return Scatter(drawn.places, drawn.heights, (), len(drawn.places))
    return Scatter(drawn.places, drawn.labels, drawn.classes, len(drawn.places))


def features_of(places_N2: Tensor, names: tuple[str, ...]) -> Tensor:
    """Return the features of some places, (N, F)."""
    x1, x2 = places_N2.T
    return torch.stack([FEATURES[name](x1, x2) for name in names], dim=1)


def dataset(points: Scatter, settings: PlaygroundSettings) -> Dataset:
    """Return what a session trains on: the features, and the test points as its validation rows."""
    inputs = features_of(torch.from_numpy(points.places), settings.features)
    options = DataOptions(
        task="classification" if points.classes else "regression",
        split=f"{100 - settings.test_share}:{settings.test_share}",
        split_seed=settings.seed,
    )
    return from_arrays("playground", inputs, points.answers, options, class_names=points.classes or None)


def is_plane(given: Dataset | None) -> bool:
    """Say whether data can be drawn: two features, and a few classes or one value."""
    if given is None or _axes(given) is None:
        return False
    match given.target:
        case Classes(names):
            return len(names) <= MOST_CLASSES
        case Values(names):
            return len(names) == 1
    return False


def read(text: str) -> dict[str, Any]:
    """Return the settings of a visitor's own points, from lines of a CSV with or without a header.

    Classes that are numbers come ascending, words in the order of the lines. Of very many lines a sample is kept.

    Raises:
        RefusedError: a line that is no point, or too many classes.
    """
    rows = [row for row in csv.reader(StringIO(text.replace("\t", ",").replace(";", ","))) if any(map(str.strip, row))]
    if rows and not all(map(_is_number, rows[0][:2])):
        rows = rows[1:]
    for number, row in enumerate(rows, 1):
        if len(row) != 3 or not all(map(_is_number, row[:2])):
            raise RefusedError("no_point", control="paste", line=number, text=",".join(row)[:60])
    if not rows:
        raise RefusedError("no_points", control="paste")
    total = len(rows) if len(rows) > MOST_POINTS else 0
    rows = [rows[at] for at in sample(len(rows), MOST_POINTS).tolist()]
    own = {"data": "own", "rows": total, "answer": "classes", "names": ()}
    words = list(dict.fromkeys(row[2].strip() for row in rows))
    if are_numbers := all(map(_is_number, words)):
        words.sort(key=float)
    if are_numbers and len(words) > MOST_CLASSES:
        return own | {"answer": "values", "points": tuple((float(a), float(b), float(c)) for a, b, c in rows)}
    if len(words) > MOST_CLASSES:
        raise RefusedError("many_classes", control="paste", count=len(words), most=MOST_CLASSES)
    read = tuple((float(a), float(b), float(words.index(c.strip()))) for a, b, c in rows)
    names = tuple(word[:LONGEST_NAME] for word in words)
    return own | {"points": read, "names": names if len({*names, ""}) > len(words) else ()}


def sample(count: int, most: int) -> Tensor:
    """Return which of `count` rows are drawn where at most so many can be: by chance, and always the same ones.

    By chance, because rows at even distances have one class only where classes take turns.
    """
    if count <= most:
        return torch.arange(count)
    return torch.randperm(count, generator=generator(0, "playground", count))[:most].sort().values


def _own(settings: PlaygroundSettings) -> Scatter:
    numbers = np.array(settings.points, dtype=np.float32).reshape(-1, 3)
    total = max(settings.rows, len(numbers))
    if settings.answer == "values":
        return Scatter(numbers[:, :2], numbers[:, 2], (), total)
    labels = numbers[:, 2].astype(np.int64).clip(0, MOST_CLASSES - 1)
    count = max(2, int(labels.max(initial=0)) + 1)
    names = [*settings.names[:count], *(f"class {number + 1}" for number in range(len(settings.names), count))]
    return Scatter(numbers[:, :2], labels, tuple(names), total)


def _of_given(given: Dataset | None) -> Scatter:
    axes = None if given is None else _axes(given)
    if given is None or axes is None or not is_plane(given):
        raise RefusedError("not_given", control="data")
    inputs, targets = given.batch(sample(len(given), _MOST_GIVEN))
    places = inputs[:, axes].numpy()
    if isinstance(given.target, Classes):
        return Scatter(places, targets.numpy(), given.target.names, len(given))
    assert isinstance(given.target, Values)
    return Scatter(places, given.target.restore(targets)[:, 0].numpy(), (), len(given))


def _axes(given: Dataset) -> list[int] | None:
    """Return the two features that span the plane: of a table of two numbers these, without the bins beside them."""
    if given.input_shape == Features(2):
        return [0, 1]
    match given.preprocessing:
        case TablePreprocessing(columns=(NumberColumn() as first, NumberColumn())):
            return [0, len(first.features)]
    return None


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
