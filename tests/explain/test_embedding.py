"""Embeddings against the eigenvectors of the covariance."""

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.data import load
from pellucid.errors import DataError, OptionError
from pellucid.explain import embed, embedding_chart


def test_principal_components_are_the_covariances_eigenvectors() -> None:
    data = load("iris")
    network = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    found = embed(network, data, "1", split="train")
    with torch.no_grad():
        given = network(data.split("train")[0]).double()
    values = torch.linalg.eigvalsh(given.T.cov()).flip(0)
    assert found.explained == pytest.approx((values[:2] / values.sum()).tolist(), abs=1e-6)
    assert found.places.double().T.cov().numpy() == pytest.approx(torch.diag(values[:2]).numpy(), abs=1e-6)
    assert found.labels is not None
    assert torch.equal(found.labels, data.split("train")[1])
    shown = embedding_chart(found)
    assert [line.label for line in shown.lines] == list(found.names)
    assert sum(len(line.x) for line in shown.lines) == len(data.rows["train"])


def test_inputs_by_t_sne_keep_neighbours_and_no_scale() -> None:
    data = load("iris")
    network = nn.Identity()
    found = embed(network, data, split="validation", method="t-sne", seed=1)
    assert found.explained is None
    assert found.places.shape == (len(data.rows["validation"]), 2)
    assert np.isfinite(found.places.numpy()).all()
    assert torch.equal(found.places, embed(network, data, split="validation", method="t-sne", seed=1).places)
    assert "t-SNE" in embedding_chart(found).says


def test_of_ten_classes_five_have_a_colour() -> None:
    shown = embedding_chart(embed(nn.Identity(), load("digits")))
    assert [line.label for line in shown.lines] == ["0", "1", "2", "3", "4", "other classes"]


def test_what_is_no_plane_is_refused() -> None:
    with pytest.raises(DataError, match="span a plane"):
        embed(nn.Sequential(nn.Linear(4, 1)), load("iris"), "0")
    with pytest.raises(OptionError, match="no layer"):
        embed(nn.Sequential(nn.Linear(4, 1)), load("iris"), "1")
