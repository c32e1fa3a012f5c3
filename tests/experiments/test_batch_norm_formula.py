"""Batch norm: torch's layer against the formula, its running averages, and the bias before it."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from pellucid.experiments.claims.batch_norm_formula import batch_of, compared, layer_of, normalised


@pytest.mark.covers("A11", "D7")
def test_the_mean_is_subtracted_and_gamma_is_the_deviation() -> None:
    measured = compared(0)
    assert measured.right < 1e-6
    assert measured.wrong > 0.1
    assert measured.deviation < 1e-3
    assert measured.variance > 0.1


@pytest.mark.covers("A11")
def test_without_epsilon_it_is_scipys_z_score_scaled_and_shifted() -> None:
    x_BU, layer = batch_of(1), layer_of(1)
    layer.eps = 0.0
    scores_BU = stats.zscore(x_BU.numpy(), axis=0)
    expected_BU = layer.weight.detach().numpy() * scores_BU + layer.bias.detach().numpy()
    assert np.allclose(normalised(x_BU, layer).detach().numpy(), expected_BU, atol=1e-12)


@pytest.mark.covers("A11")
def test_outside_training_it_takes_the_averages_of_the_batches() -> None:
    """Averages begin at 0 and 1 and take in a tenth of each batch's mean and unbiased variance."""
    x_BU, layer = batch_of(2), layer_of(2)
    trained_BU = layer(x_BU)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    assert torch.allclose(layer.running_mean, 0.1 * x_BU.mean(0))
    assert torch.allclose(layer.running_var, 0.9 + 0.1 * x_BU.var(0, correction=1))
    judged_BU = layer.eval()(x_BU)
    scale_U = layer.weight / (layer.running_var + layer.eps).sqrt()
    assert torch.allclose(judged_BU, scale_U * (x_BU - layer.running_mean) + layer.bias)
    assert not torch.allclose(judged_BU, trained_BU, atol=0.1)


@pytest.mark.covers("A11")
def test_a_bias_before_it_changes_nothing() -> None:
    x_BU, layer = batch_of(3), nn.BatchNorm1d(32, dtype=torch.float64)
    assert torch.allclose(layer(x_BU + torch.linspace(-3, 3, 32, dtype=torch.float64)), layer(x_BU), atol=1e-12)
