"""Points in the plane around known modes, for generators to learn: eight on a ring, twenty-five in a grid.

The points are always the same ones; their class is the mode they were drawn from. Centres and deviations are the
literature's, so that its counts of modes can be compared with.

Shape letters: N points, K modes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

_POINTS = 25_000


@dataclass(frozen=True, slots=True)
class Mixture:
    """Normal modes of equal weight.

    Attributes:
        centres: of each mode, float64 (K, 2).
        deviation: of a mode along each axis.
        seed: of the points that are drawn.
    """

    centres: NDArray[np.float64]
    deviation: float
    seed: int

    def draw(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return 25,000 points (N, 2), as many of each mode, and the mode of each (N,)."""
        random = np.random.default_rng(self.seed)
        modes_N = np.arange(_POINTS) % len(self.centres)
        points_N2 = self.centres[modes_N] + random.normal(0, self.deviation, (_POINTS, 2))
        return points_N2.astype(np.float32), modes_N


def _ring() -> Mixture:
    """Eight modes on a circle of radius 2, deviation 0.02 (Metz et al. 2017, "Unrolled GANs", appendix A)."""
    angles_K = np.arange(8) * np.pi / 4
    return Mixture(2 * np.stack([np.cos(angles_K), np.sin(angles_K)], axis=1), 0.02, 5)


def _grid() -> Mixture:
    """Twenty-five modes at -4, -2, 0, 2 and 4 on both axes, deviation 0.05 (Lin et al. 2018, "PacGAN")."""
    places = np.arange(-4.0, 5.0, 2.0)
    return Mixture(np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2), 0.05, 6)


MIXTURES: Mapping[str, Mixture] = MappingProxyType({"ring": _ring(), "grid": _grid()})
