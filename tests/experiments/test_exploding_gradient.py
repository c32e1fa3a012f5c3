"""Exploding gradients: a layer at rest against powers of its matrix, and what clipping leaves of a step."""

import numpy as np
import pytest
import torch

from pellucid.data import load
from pellucid.experiments.claims.exploding_gradient import scaled, shares
from pellucid.experiments.trained import Variant, train
from pellucid.networks import build
from pellucid.networks.through_time import recurrent_blocks


@pytest.mark.covers("D4")
@pytest.mark.parametrize("radius", [0.8, 1.5])
def test_at_rest_the_derivative_is_a_power_of_the_recurrent_weights(radius: float) -> None:
    network = build("T x 1 -> rnn(32) -> last -> fc(10)", seed=3)
    with torch.no_grad():
        scaled(radius)(network, 3)
    (block,) = recurrent_blocks(network)
    weights_HH = block.layer.get_parameter("weight_hh_l0").detach().double().numpy()
    inputs_H1 = block.layer.get_parameter("weight_ih_l0").detach().double().numpy()
    assert np.abs(np.linalg.eigvals(weights_HH)).max() == pytest.approx(radius, rel=1e-6)
    norms = [np.linalg.norm(np.linalg.matrix_power(weights_HH, d) @ inputs_H1) for d in range(30)]
    measured = shares(radius, 3, torch.zeros(1, 30, 1))
    assert measured == pytest.approx([norm / norms[0] for norm in norms], rel=1e-9)


@pytest.mark.covers("C11")
@pytest.mark.parametrize(("clip", "length"), [(0.125, 0.125), (1e6, None)])
def test_a_clipped_step_is_as_long_as_the_rate_times_the_norm(clip: float, length: float | None) -> None:
    """A step down the gradient g at rate 1 has length |g|, and min(|g|, c) where it is clipped to c."""
    data = load("iris")
    whole = Variant(network="4 -> fc(3)", options={"clip_norm": clip, "batch_size": len(data.rows["train"])})
    (one,) = train(data, {"": whole}, [0], epochs=1, optimizer="sgd", learning_rate=1.0)[""]
    before, after = build("4 -> fc(3)", seed=0).parameters(), one.session.network.parameters()
    moved = torch.cat([(a.detach() - b.detach()).flatten() for a, b in zip(after, before, strict=True)]).norm()
    assert float(moved) == pytest.approx(length or one.steps[0].gradient_norm, rel=1e-4)
    assert one.steps[0].gradient_norm > 0.125
