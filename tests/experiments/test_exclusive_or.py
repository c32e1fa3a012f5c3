"""Which Boolean functions one neuron computes, held against the known counts and against a perceptron."""

from itertools import product

import numpy as np
import pytest
from sklearn.linear_model import Perceptron

from pellucid.experiments.claims.exclusive_or import XOR, computable, computed_on_the_grid, corners

pytestmark = pytest.mark.covers("A1")


@pytest.mark.parametrize(("inputs", "count"), [(1, 4), (2, 14), (3, 104)])
def test_as_many_functions_are_computed_as_is_known(inputs: int, count: int) -> None:
    """Threshold functions of n variables: 2, 4, 14, 104, 1882, ... (OEIS A000609)."""
    tables = product((0, 1), repeat=2**inputs)
    assert sum(computable(table) for table in tables) == count


def test_the_grid_finds_what_a_perceptron_learns() -> None:
    found, _ = computed_on_the_grid()
    for table in product((0, 1), repeat=4):
        constant = len(set(table)) == 1
        learned = constant or Perceptron(max_iter=100, tol=None).fit(corners(2), table).score(corners(2), table) == 1
        assert learned is (table in found), table


def test_no_combination_of_the_inequalities_is_left_for_exclusive_or() -> None:
    """Gordan: the signed corners (x, 1) add up to 0, so that no w has a positive product with each of them."""
    signed = np.where(np.array(XOR)[:, None] == 1, 1, -1) * np.hstack([corners(2), np.ones((4, 1))])
    assert not signed.sum(0).any()
    assert not computable(XOR)
