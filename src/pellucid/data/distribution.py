"""Whether training and held-out rows look like draws of one distribution.

Shape letters: N rows, F features.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data.dataset import SplitName
from pellucid.data.split import SPLITS

# More rows sharpen the test beyond what matters.
_ROWS_COMPARED = 20_000
_SHOWN = 3


def note(inputs_NF: Tensor, names: Sequence[str], rows: Mapping[SplitName, Tensor]) -> tuple[str, ...]:
    """Return a note that names the features distributed otherwise in a held-out split than in training, or nothing.

    The two-sample Kolmogorov-Smirnov distance, the largest difference of the cumulative distributions, is large if
    it is beyond what chance gives (1 in 1000 over all features together) and at least 0.1.

    Args:
        inputs_NF: stored inputs.
        names: of the features.
        rows: the rows of each split.
    """
    found: list[str] = []
    train = _some(inputs_NF, rows["train"])
    for name in SPLITS[1:]:
        if not len(rows[name]):
            continue
        held_out = _some(inputs_NF, rows[name])
        distances_F = ks_distances(train, held_out)
        effective = len(train) * len(held_out) / (len(train) + len(held_out))
        # P(D > d) <= 2 exp(-2 n d²) (Smirnov's limit), shared out over the features
        chance = float(np.sqrt(np.log(2 * len(names) / 0.001) / (2 * effective)))
        large = [index for index in np.argsort(-distances_F) if distances_F[index] > max(chance, 0.1)]
        if large:
            listed = ", ".join(f"'{names[index]}' ({distances_F[index]:.2f})" for index in large[:_SHOWN])
            more = f" and {len(large) - _SHOWN} more" if len(large) > _SHOWN else ""
            found.append(f"in {name} {listed}{more}")
    if not found:
        return ()
    return (f"distribution: differs from training (Kolmogorov-Smirnov distance) {'; '.join(found)}",)


def ks_distances(first_NF: NDArray[np.float32], second_NF: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the two-sample Kolmogorov-Smirnov distance of each feature, (F,)."""
    distances = np.empty(first_NF.shape[1])
    for index in range(first_NF.shape[1]):
        first, second = np.sort(first_NF[:, index]), np.sort(second_NF[:, index])
        points = np.concatenate([first, second])
        below_first = np.searchsorted(first, points, side="right") / len(first)
        below_second = np.searchsorted(second, points, side="right") / len(second)
        distances[index] = np.abs(below_first - below_second).max()
    return distances


def _some(inputs_NF: Tensor, rows: Tensor) -> NDArray[np.float32]:
    """Return evenly spaced rows, at most as many as are compared."""
    step = max(1, -(-len(rows) // _ROWS_COMPARED))
    chosen: NDArray[np.float32] = inputs_NF[rows[::step]].to(torch.float32).numpy()
    return chosen
