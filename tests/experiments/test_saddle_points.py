"""Signs of random matrices and critical points, held against what is known of them."""

import math

import pytest
import torch

from pellucid.experiments.claims.saddle_points import _contour_angles, critical_points, positive_definite

pytestmark = pytest.mark.covers("C14")


@pytest.mark.parametrize(
    ("size", "expected"),
    [(1, 1 / 2), (2, (2 - math.sqrt(2)) / 4), (3, (math.pi - 2 * math.sqrt(2)) / (4 * math.pi))],
)
def test_small_matrices_are_positive_definite_as_often_as_the_closed_form_says(size: int, expected: float) -> None:
    deviation = math.sqrt(expected * (1 - expected) / 40_000)
    assert positive_definite(size, 1) == pytest.approx(expected, abs=4 * deviation)


def test_on_a_line_maxima_and_minima_alternate() -> None:
    height_B, eigenvalues_BE = critical_points(1, 0)
    assert len(height_B) > 100
    up = (eigenvalues_BE[:, 0] > 0).double().mean()
    assert 0.4 < float(up) < 0.6
    assert float(height_B[eigenvalues_BE[:, 0] > 0].mean()) < 0 < float(height_B[eigenvalues_BE[:, 0] < 0].mean())


def test_the_contours_of_a_sphere_are_perpendicular_to_its_radius() -> None:
    assert _contour_angles(lambda x: x.square().sum(), 5, 0) == pytest.approx([90] * 20, abs=0.1)


def test_a_slanting_plane_is_its_own_contour_line() -> None:
    slope = torch.arange(1.0, 6.0, dtype=torch.float64)
    assert _contour_angles(lambda x: x @ slope, 5, 0) == pytest.approx([90] * 20, abs=1e-4)
