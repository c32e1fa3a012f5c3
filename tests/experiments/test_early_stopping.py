"""Descent of a squared error against its closed form and the solution it tends to."""

import numpy as np
import pytest

from pellucid.experiments.claims.early_stopping import descended, quadratic_apart


@pytest.mark.covers("C10")
def test_a_few_steps_keep_the_share_of_their_closed_form() -> None:
    apart, from_ridge = quadratic_apart(3)
    assert apart < 1e-9
    assert 0 < from_ridge < 0.21


def test_endless_descent_is_least_squares() -> None:
    random = np.random.default_rng(0)
    x_NF, y_N = random.normal(size=(40, 3)), random.normal(size=40)
    np.testing.assert_allclose(descended(x_NF, y_N, 0.5, 2_000), np.linalg.lstsq(x_NF, y_N)[0], atol=1e-12)
