"""What is to be learned: points of the plane, whose law is known, drawn by hand, or given.

Shape letters: N points, P places of a grid.
"""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pellucid.data import load
from pellucid.data.dataset import Dataset, Itself
from pellucid.data.named.mixtures import MIXTURES, Mixture
from pellucid.data.tables.columns import NumberColumn
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.shapes import Features
from pellucid.studio.exhibit import RefusedError
from pellucid.training.tasks.generation import plane

SIDE = 100
"""Places of the discriminator's field along each axis."""
REACH = 3.0
"""Half the side of the plane that is drawn on."""
BRUSH = 0.08
"""Standard deviation of the points around a mark that was drawn."""
APART = 6.0
"""Brushes between marks that can be told apart as modes: neither reaches into the other's three deviations."""
_SHOWN = 400
_MARGIN = 0.35  # of the data's range, on every side
_LINE = np.stack([np.linspace(-2, 2, 101), np.linspace(-1.2, 1.2, 101)], axis=1)

Marks = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Points:
    """Points and the part of the plane that is shown of them.

    Attributes:
        data: prepared for the task of generation.
        law: the normal modes that they were drawn from, where that is known.
        modes: those of them that are apart and can be counted.
        real: some of the rows, prepared, (N, 2).
        places: those of the field, prepared, (P, 2); from the upper left, row by row.
        names: of the axes.
        box: (from, to) of each axis in the data's units.
    """

    data: Dataset
    law: Mixture | None
    modes: Mixture | None
    real: Tensor
    places: Tensor
    names: tuple[str, str]
    box: tuple[tuple[float, float], tuple[float, float]]

    def in_units(self, prepared_N2: Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return prepared points in the data's own units, float32 (N, 2)."""
        return np.asarray(plane(self.data, prepared_N2)[1], dtype=np.float32)


def read(source: str, marks: Marks, given: Dataset | None) -> Points:
    """Return the points of that name.

    Raises:
        RefusedError: data that were given and have not two columns of numbers, or none.
    """
    if source == "given":
        if not fits(given):
            raise RefusedError("no_plane", control="data")
        assert given is not None
        if isinstance(given.preprocessing, TablePreprocessing):  # its numbers alone, without the bins beside them
            return _shown(load(given.preprocessing.restore(given.inputs), task="generation"), None)
        nothing = torch.empty(len(given), 0)
        return _shown(dataclasses.replace(given, target=Itself("generation"), targets=nothing), None)
    if source in ("drawn", "line"):
        law = Mixture(np.array(marks if source == "drawn" else _LINE, dtype=np.float64), BRUSH, 7)
        return _shown(load(law.draw()[0], task="generation"), law, on_paper=source == "drawn")
    return _built_in(source)


def fits(given: Dataset | None) -> bool:
    """Say whether data are points of the plane: two features, or a table of two numbers."""
    match None if given is None else given.preprocessing:
        case TablePreprocessing(columns=columns):
            return len(columns) == 2 and all(isinstance(column, NumberColumn) for column in columns)
    return given is not None and given.input_shape == Features(2)


@functools.cache
def _built_in(name: str) -> Points:
    return _shown(load(name, task="generation"), MIXTURES.get(name))


def _shown(data: Dataset, law: Mixture | None, *, on_paper: bool = False) -> Points:
    rows = data.rows["train"]
    chosen = rows[torch.linspace(0, len(rows) - 1, min(_SHOWN, len(rows))).round().long()]
    real_N2 = data.batch(chosen)[0]
    low, high = real_N2.amin(0), real_N2.amax(0)
    margin = _MARGIN * (high - low).clamp_min(0.5)
    low, high = low - margin, high + margin
    if on_paper:
        low, high = data.preprocessing.prepare(torch.tensor([[-REACH, -REACH], [REACH, REACH]]))
    # the middle of each place of the field
    across, down = ((torch.arange(SIDE) + 0.5) / SIDE * (b - a) + a for a, b in zip(low, high, strict=True))
    places_P2 = torch.cartesian_prod(down.flip(0), across).flip(1)
    names, corners = plane(data, torch.stack([low, high]))
    (left, bottom), (right, top) = corners.tolist()
    return Points(data, law, _countable(law), real_N2, places_P2, names, ((left, right), (bottom, top)))


def _countable(law: Mixture | None) -> Mixture | None:
    if law is None or len(law.centres) < 2:
        return None
    nearest = torch.pdist(torch.from_numpy(law.centres)).min()
    return law if nearest > APART * law.deviation else None
