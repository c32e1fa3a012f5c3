"""Learning curves: what is trained on, what is foretold, and what is said of it."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import curve_fit

import pellucid
from pellucid.errors import DataError
from pellucid.judging.extrapolation import fit, outlook_of
from pellucid.judging.judgement import Estimate
from pellucid.judging.learning_curve import _only, _order, _sizes, learning_curve
from pellucid.recipe import Recipe
from pellucid.training.defaults import fill_in

ROWS = (100, 200, 400, 800, 1600)


@given(st.floats(0, 0.3), st.floats(0.5, 5), st.floats(0.1, 1.5))
def test_a_power_law_is_found_again(floor: float, factor: float, exponent: float) -> None:
    errors = [floor + factor * rows**-exponent for rows in ROWS]
    found = fit(ROWS, errors)
    assert [found.error(rows) for rows in ROWS] == pytest.approx(errors, rel=0.02)
    assert found.floor >= 0
    assert found.factor >= 0


def test_a_power_law_through_noise_is_scipys() -> None:
    random = np.random.default_rng(0)
    errors = np.array([0.05 + 3 * rows**-0.6 for rows in ROWS]) * (1 + 0.02 * random.normal(size=5))
    reference, _ = curve_fit(
        lambda n, c, a, b: c + a * n**-b, ROWS, errors, p0=(0.05, 3, 0.6), sigma=errors, bounds=(0, [1, 50, 3])
    )
    found = fit(ROWS, errors.tolist())
    expected = reference[0] + reference[1] * 3200.0 ** -reference[2]
    assert found.error(3200) == pytest.approx(expected, rel=0.02)


@pytest.mark.covers("D2")
def test_what_more_data_brings_is_foretold_where_the_curve_supports_it() -> None:
    values = [1 - (0.02 + 2 * rows**-0.5) for rows in ROWS]
    found = outlook_of("accuracy", ROWS, values, Estimate(values[-1], values[-1] - 0.005, values[-1] + 0.005))
    assert found.doubled == pytest.approx(1 - (0.02 + 2 * 3200**-0.5), abs=1e-3)
    assert found.statement.startswith("Twice the rows (3,200) would bring about 1.5 points: accuracy 93.0 %")
    rough = outlook_of("accuracy", ROWS, values, Estimate(values[-1], values[-1] - 0.05, values[-1] + 0.05))
    assert "less than these validation rows can measure (± 5 points)" in rough.statement


@pytest.mark.parametrize(
    ("values", "half", "said"),
    [
        ((0.90, 0.91, 0.90, 0.905, 0.91), 0.02, "changed by no more than chance explains"),
        ((0.60, 0.70, 0.80, 0.90, 0.70), 0.01, "too rough to be gone on with"),
        ((0.90, 0.85, 0.80, 0.75, 0.70), 0.01, "too rough to be gone on with"),
        ((0.60, 0.70, 0.80), 0.01, "With 3 sizes"),
        ((0.60, 0.70, math.nan, 0.8, 0.9), 0.01, "does not say"),
    ],
)
def test_nothing_is_foretold_where_the_curve_does_not_support_it(
    values: tuple[float, ...], half: float, said: str
) -> None:
    last = Estimate(values[-1], values[-1] - half, values[-1] + half)
    found = outlook_of("accuracy", ROWS[: len(values)], values, last)
    assert (found.law, found.doubled) == (None, None)
    assert said in found.statement


def test_parts_are_nested_and_keep_the_classes_shares() -> None:
    data = pellucid.load("breast_cancer")
    order, sizes = _order(data, 0), _sizes(data)
    assert sizes == [21, 43, 86, 171, 342]
    assert set(order.tolist()) == set(data.rows["train"].tolist())
    share = data.targets[data.rows["train"]].double().mean().item()
    for size in sizes:
        assert data.targets[order[:size]].double().mean().item() == pytest.approx(share, abs=1 / size)
    assert not torch.equal(order, _order(data, 1))


def test_a_part_is_gone_through_as_often_as_it_takes_to_make_the_same_steps() -> None:
    data = pellucid.load("iris")
    part = _order(data, 0)[:40]
    repeated = _only(data, part).rows["train"]
    assert len(repeated) == len(data.rows["train"])
    assert set(repeated.tolist()) == set(part.tolist())
    assert repeated.bincount()[part].min() == 2


def test_a_series_is_learned_from_its_latest_windows() -> None:
    data = pellucid.load("seasons")
    assert _order(data, 0)[0] == data.rows["train"].max()
    assert _order(data, 0)[-1] == 0


def test_too_few_rows_are_refused() -> None:
    points = torch.arange(30.0)[:, None]
    data = pellucid.load((points, (points[:, 0] > 10).long()))
    with pytest.raises(DataError, match="too few training rows for a learning curve"):
        learning_curve(data, "1 -> fc(2)", Recipe(epochs=1))


@pytest.mark.covers("D2")
def test_curves_tell_bias_from_variance() -> None:
    """On circles a straight line stays bad with all data; a network that bends becomes good."""
    data, told = pellucid.load("circles"), list[tuple[int, int]]()
    recipe = fill_in(Recipe(epochs=8, device="cpu", threads=1, learning_rate=0.01), data)
    line = learning_curve(data, "2 -> fc(2)", recipe, progress=lambda done, of: told.append((done, of)))
    bent = learning_curve(data, "2 -> fc(32) -> relu -> fc(32) -> relu -> fc(2)", recipe)
    assert [point.rows for point in bent.points] == [22, 45, 90, 180, 360]
    assert line.verdict is not None
    assert line.verdict.verdict == "high bias"
    assert line.points[-1].validation < 0.7
    assert bent.verdict is not None
    assert bent.verdict.verdict == "good"
    assert bent.points[-1].validation > 0.95
    assert bent.points[-1].validation >= bent.points[0].validation
    assert bent.points[0].train > bent.points[0].validation
    assert told[-1] == (5 * line.steps, 5 * line.steps)
    assert told == sorted(told)


@pytest.mark.slow
@pytest.mark.covers("D2")
def test_several_seeds_say_how_far_they_lie_apart() -> None:
    data = pellucid.load("diabetes")
    recipe = fill_in(Recipe(epochs=20, device="cpu", threads=1), data)
    found = learning_curve(data, "mlp", recipe, seeds=3)
    again = learning_curve(data, "mlp", recipe, seeds=3)
    assert found == again
    assert all(point.low < point.validation < point.high for point in found.points)
    assert found.points[-1].validation < found.points[0].validation < 1.5 * found.baseline
