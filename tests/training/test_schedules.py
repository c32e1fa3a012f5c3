"""Schedules against closed forms and torch's own schedulers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import OptionError
from pellucid.recipe import Recipe
from pellucid.training.schedules import schedule

NAMES = ["constant", "linear", "cosine", "one-cycle", "step", "exponential", "inverse-time"]


@given(st.sampled_from(NAMES), st.integers(1, 500), st.integers(1, 50), st.floats(0, 1))
def test_factors_stay_between_zero_and_one(name: str, epochs: int, per_epoch: int, warmup: float) -> None:
    recipe = Recipe(schedule=name, warmup=warmup)  # type: ignore[arg-type]
    factor = schedule(recipe, epochs * per_epoch, per_epoch)
    assert all(0 <= factor(step) <= 1 for step in range(epochs * per_epoch))


def test_one_cycle_is_torchs() -> None:
    total, peak = 200, 0.3
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=peak)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=total, cycle_momentum=False)
    ours = schedule(Recipe(schedule="one-cycle", warmup=0.3), total, 10)
    for step in range(total):
        assert peak * ours(step) == pytest.approx(theirs.get_last_lr()[0], rel=1e-6)
        optimizer.step()
        if step < total - 1:
            theirs.step()


def test_cosine_without_warmup_is_torchs() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    ours = schedule(Recipe(schedule="cosine", warmup=0.0), 50, 10)
    for step in range(50):
        assert ours(step) == pytest.approx(theirs.get_last_lr()[0], abs=1e-6)
        optimizer.step()
        theirs.step()


@pytest.mark.covers("C8")
def test_exponential_ends_where_the_closed_form_does() -> None:
    # w = 5, loss (w + 1)², base 0.2, decay 0.99 an epoch, 40 epochs of one step
    factor = schedule(Recipe(schedule="exponential", decay=0.99), 40, 1)
    w = 5.0
    for step in range(40):
        w -= 0.2 * factor(step) * 2 * (w + 1)
    assert 0.2 * factor(39) == pytest.approx(0.13514581, abs=5e-9)
    assert w == pytest.approx(-0.99999942, abs=5e-9)


def test_step_and_inverse_time_by_hand() -> None:
    step = schedule(Recipe(schedule="step"), 30, 10)
    assert [step(i) for i in (0, 9, 10, 19, 20, 29)] == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    inverse = schedule(Recipe(schedule="inverse-time", decay=0.5), 40, 10)
    assert [inverse(i) for i in (0, 10, 20, 39)] == pytest.approx([1, 1 / 1.5, 1 / 2, 1 / 2.5])


def test_warmup_rises_in_equal_steps() -> None:
    factor = schedule(Recipe(schedule="linear", warmup=0.1), 100, 10)
    rises = [factor(i + 1) - factor(i) for i in range(10)]
    assert rises == pytest.approx([rises[0]] * 10)
    assert factor(10) == 1.0
    assert math.isclose(factor(99), 1 / 90)


@pytest.mark.parametrize("name", ["step", "exponential"])
def test_a_rate_that_would_grow_without_end_is_refused(name: str) -> None:
    with pytest.raises(OptionError, match="grow without end"):
        schedule(Recipe(schedule=name, decay=1.5), 10, 1)  # type: ignore[arg-type]
