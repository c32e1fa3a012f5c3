"""Measures of two sets of samples, against closed forms, scikit-learn and SciPy."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import energy_distance as energy_distance_1d
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from pellucid.training.two_samples import energy_distance, modes_found, nearest_neighbour_accuracy

CENTRES = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])


def normal(count: int, mean: float = 0.0, seed: int = 0, features: int = 2) -> torch.Tensor:
    return torch.randn(count, features, generator=torch.Generator().manual_seed(seed)) + mean


@pytest.mark.covers("B9")
def test_modes_are_counted_by_the_literatures_rule() -> None:
    at = torch.tensor([[0.0, 0.29], [0.0, 0.31], [4.0, 0.0], [4.1, 0.1], [2.0, 2.0]])
    found = modes_found(at, CENTRES, deviation=0.1)
    assert (found.covered, found.of) == (2, 4)
    assert found.high_quality == pytest.approx(3 / 5)
    shares = np.array([1 / 3, 2 / 3])
    assert found.imbalance == pytest.approx((shares * np.log(shares * 4)).sum())


def test_of_the_law_itself_two_coordinates_in_a_hundred_are_beyond_three_deviations() -> None:
    """|x| / deviation of a normal in the plane is Rayleigh: within 3 with probability 1 - exp(-9/2)."""
    samples = CENTRES.repeat(5_000, 1) + 0.1 * normal(20_000)
    found = modes_found(samples, CENTRES, deviation=0.1)
    assert found.covered == 4
    assert found.high_quality == pytest.approx(1 - math.exp(-4.5), abs=5 * (0.0111 / 20_000) ** 0.5)
    assert found.imbalance < 0.001


def test_no_sample_near_a_mode_covers_none() -> None:
    found = modes_found(torch.full((9, 2), 2.0), CENTRES, deviation=0.1)
    assert (found.covered, found.high_quality) == (0, 0.0)
    assert math.isnan(found.imbalance)


@pytest.mark.covers("B9")
def test_energy_distance_is_scipys_on_a_line() -> None:
    """SciPy gives sqrt(2 integral (F - G)²) with the biased means; its square, unbiased, is ours."""
    one, other = normal(300, features=1), normal(200, 0.7, 1, features=1)
    biased = energy_distance_1d(one[:, 0].numpy(), other[:, 0].numpy()) ** 2
    inside = [float(torch.cdist(s.double(), s.double()).mean()) / (len(s) - 1) for s in (one, other)]
    assert energy_distance(one, other) == pytest.approx(biased - sum(inside), abs=1e-6)


def test_energy_distance_is_near_zero_for_one_law_and_grows_with_the_shift() -> None:
    near, shifted, far = (energy_distance(normal(800), normal(800, mean, 1)) for mean in (0.0, 0.5, 2.0))
    assert abs(near) < 0.02
    assert 0.02 < shifted < far


@pytest.mark.covers("B9")
@pytest.mark.parametrize("mean", [0.0, 1.0, 6.0])
def test_nearest_neighbours_are_scikit_learns(mean: float) -> None:
    one, other = normal(60), normal(60, mean, 1)
    labels = np.repeat([0, 1], 60)
    theirs = cross_val_score(KNeighborsClassifier(1), torch.cat([one, other]).numpy(), labels, cv=LeaveOneOut()).mean()
    assert nearest_neighbour_accuracy(one, other) == pytest.approx(theirs)


def test_copies_have_their_nearest_neighbour_in_the_other_set() -> None:
    one = normal(100)
    assert nearest_neighbour_accuracy(one, one + 1e-4) == 0.0
