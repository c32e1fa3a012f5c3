"""Descents on the race's surfaces against closed forms."""

import pytest
import torch

from pellucid.experiments.claims.optimiser_race import OPTIMISERS, descend, ravine, saddle, steps_until

pytestmark = pytest.mark.covers("C7", "E3")

START_S2 = torch.tensor([[-2.0, 0.5], [1.0, -1.0]]).double()


def test_plain_descent_shrinks_each_weight_by_its_curvature() -> None:
    places = descend(ravine, "sgd", 0.01, START_S2, 20)
    shrunk = torch.tensor([1 - 0.01, 1 - 1.0], dtype=torch.float64) ** torch.arange(21)[:, None, None]
    torch.testing.assert_close(places, START_S2 * shrunk, atol=1e-12, rtol=1e-9)


def test_heavy_ball_follows_its_recurrence() -> None:
    places = descend(ravine, "momentum", 0.01, START_S2, 20)
    curvatures = torch.tensor([1.0, 100.0]).double()
    before, now = START_S2, START_S2
    for place in places[1:]:
        before, now = now, now - 0.01 * curvatures * now + 0.9 * (now - before)
        torch.testing.assert_close(place, now)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_comes_down_each_start_by_itself(name: str) -> None:
    together = descend(ravine, name, 0.01, START_S2, 30)
    assert (ravine(together[-1]) < ravine(START_S2)).all()
    for place, start in enumerate(START_S2):
        torch.testing.assert_close(together[:, place : place + 1], descend(ravine, name, 0.01, start[None], 30))


def test_the_saddle_and_its_minima() -> None:
    places = torch.tensor([[0, 0], [0, 0.5**0.5], [0, -(0.5**0.5)]], dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(saddle(places.detach()), torch.tensor([0, -0.25, -0.25]).double())
    saddle(places).sum().backward()
    assert places.grad is not None
    assert places.grad.abs().max() < 1e-12


def test_steps_are_counted_to_where_it_stays_below() -> None:
    heights = torch.tensor(
        [[5.0, 0.0, 5.0, 1.0], [0.5, 0.0, 9.0, float("nan")], [2.0, 0.0, 9.0, 0.0], [0.0, 0.0, 9, 0]]
    )
    assert steps_until(lambda places: places[..., 0], torch.ones(4), heights[..., None]) == [3, 0, 4, 2]
