"""Networks trained side by side, held against torch's own layers trained alone."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pellucid.experiments.claims import multi_task
from pellucid.experiments.claims.multi_task import drawn, fit

pytestmark = pytest.mark.covers("C17")


def test_each_of_several_networks_learns_as_it_would_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multi_task, "_STEPS", 20)
    random = torch.Generator().manual_seed(0)
    x, y = torch.randn(3, 30, 64, generator=random), (torch.rand(3, 30, 2, generator=random) > 0.5).float()
    networks = drawn([(0, 0), (1, 0), (1, 1)], 2, 8, "test")
    first, second = nn.Linear(64, 8), nn.Linear(8, 2)
    alone = nn.Sequential(first, nn.ReLU(), second)
    with torch.no_grad():
        for parameter, stacked in zip(
            (first.weight, first.bias, second.weight, second.bias), networks.weights, strict=True
        ):
            parameter.copy_(stacked[1].T.reshape(parameter.shape))
    fit(networks, x, y)
    optimizer = torch.optim.Adam(alone.parameters(), lr=0.01)
    for _ in range(20):
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(alone(x[1]), y[1]).backward()
        optimizer.step()
    with torch.no_grad():
        assert torch.allclose(networks(x)[1], alone(x[1]), atol=1e-4)


def test_a_network_depends_on_its_seed_and_draw_alone() -> None:
    few, many = drawn([(4, 1)], 2, 8, "test"), drawn([(4, 0), (4, 1), (5, 0)], 2, 8, "test")
    assert all(torch.equal(one[0], other[1]) for one, other in zip(few.weights, many.weights, strict=True))


def test_questions_are_answered_as_a_person_would() -> None:
    answers = multi_task._answers(torch.tensor([0, 7, 9]))
    assert answers.tolist() == [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0], [0, 1, 1, 0, 1]]
