"""The data of the experiment on capacity, and its least squares against the pseudo-inverse."""

import numpy as np
import pytest
import torch

from pellucid.data import load
from pellucid.experiments.claims.overfitting import mislabelled, shortest_fit


def test_a_fifth_of_the_training_labels_are_wrong_and_no_others() -> None:
    right = load("digits")
    data = mislabelled(right, 3)
    changed = (data.targets != right.targets).nonzero()[:, 0]
    assert len(data.rows["train"]) == len(data.rows["train"].unique()) == 150
    assert len(changed) == 30
    assert torch.isin(changed, data.rows["train"]).all()
    assert torch.isin(data.rows["train"], right.rows["train"]).all()
    assert torch.equal(data.split("test")[1], right.split("test")[1])
    assert torch.equal(mislabelled(right, 3).targets, data.targets)


@pytest.mark.parametrize(("samples", "features"), [(30, 7), (20, 20), (9, 40)])
def test_the_weights_are_those_of_the_pseudo_inverse(samples: int, features: int) -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(samples, features)), random.normal(size=(samples, 3))
    np.testing.assert_allclose(shortest_fit(x, y), np.linalg.pinv(x) @ y, atol=1e-8)
