"""Gradient descent of a linear model's squared error, in closed form: L(w) = |X w - y|² / (2 N), from w = 0.

Along each eigenvector of XᵀX / N the error shrinks by 1 - rate * curvature a step, so that what a descent of a million
steps comes to is known without taking them. Shape letters: N rows, F features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LinearDescent:
    """What decides a descent.

    Attributes:
        curvatures: F eigenvalues of XᵀX / N, the greatest first.
        errors: the way from 0 to the minimum, along each of the F eigenvectors.
    """

    curvatures: Numbers
    errors: Numbers

    @property
    def condition(self) -> float:
        """The greatest curvature over the least."""
        return float(self.curvatures[0] / self.curvatures[-1])

    @property
    def best_rate(self) -> float:
        """2 / (greatest + least): no other constant rate shrinks the slowest error as fast (Polyak 1964)."""
        return float(2 / (self.curvatures[0] + self.curvatures[-1]))

    def excess(self, steps: float) -> float:
        """Return by how much the loss is above its minimum after so many steps at the best rate."""
        shrunk_F = np.abs(1 - self.best_rate * self.curvatures) ** steps
        return float((self.curvatures * (self.errors * shrunk_F) ** 2).sum() / 2)

    def steps_to(self, share: float) -> int:
        """Return after how many steps at the best rate the excess is at most so large a share of the first."""
        wanted = share * self.excess(0)
        low, high = 0, 1
        while self.excess(high) > wanted:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.excess(middle) > wanted else (low, middle)
        return high if low or self.excess(0) > wanted else 0


def linear_descent(x_NF: Numbers, y_N: Numbers) -> LinearDescent:
    """Return what decides the descent, from a singular value decomposition of X, which must have rank F."""
    left_NF, sizes_F, _ = np.linalg.svd(x_NF, full_matrices=False)
    return LinearDescent(sizes_F**2 / len(x_NF), left_NF.T @ y_N / sizes_F)


def with_bias(x_NF: Numbers) -> Numbers:
    """Return the inputs with a column of ones, whose weight is the bias."""
    return np.column_stack([x_NF, np.ones(len(x_NF))])
