"""The verdict on bias and variance: its rule on plain figures, and on networks made to have the one or the other."""

import math
from typing import Any

import numpy as np
import pytest

import pellucid
from pellucid.data.dataset import Dataset
from pellucid.judging.bias_variance import Attainable, bias_variance
from pellucid.judging.judge import judge
from pellucid.judging.judgement import Estimate, Judgement
from pellucid.judging.references import reference_figures
from pellucid.recipe import Recipe
from pellucid.training import begin, steps
from pellucid.training.tasks import supervised_task_for


def share(value: float, half: float = 0.02) -> Estimate:
    return Estimate(value, value - half, value + half)


@pytest.mark.covers("D2")
@pytest.mark.parametrize(
    ("train", "held_out", "reached", "verdict"),
    [
        (0.99, 0.97, None, "good"),
        (0.99, 0.84, None, "high variance"),
        (0.84, 0.83, None, "good"),  # what is wrong may be noise: nothing shows otherwise
        (0.84, 0.83, 0.97, "high bias"),
        (0.84, 0.70, 0.97, "high bias and high variance"),
        (0.52, 0.51, None, "high bias"),  # no better than chance even on what it learned from
        (0.99, 0.84, 0.95, "high variance"),  # better methods on new rows are no sign that it fits too little
        (0.84, 0.92, 0.93, "good"),
    ],
)
def test_the_rule_on_plain_figures(train: float, held_out: float, reached: float | None, verdict: str) -> None:
    """Between two classes of equal size, so that a tenth of the baseline's error is five points."""
    attainable = None if reached is None else Attainable("trees", share(reached))
    found = bias_variance("accuracy", train, share(held_out), 0.5, attainable=attainable)
    assert found.verdict == verdict
    assert f"{100 * train:.1f} %" in found.explanation
    assert f"{100 * held_out:.1f} %" in found.explanation


def test_a_gap_that_chance_explains_is_no_variance() -> None:
    assert bias_variance("accuracy", 0.99, share(0.84, half=0.2), 0.5).verdict == "good"


def test_errors_are_counted_in_the_baselines_whatever_the_metric() -> None:
    """The same network judged by its mean squared error, its R², its root."""
    for scale in (1.0, 1e6):
        mse = bias_variance("mse", 0.2 * scale, Estimate(0.6 * scale, 0.5 * scale, 0.7 * scale), scale)
        assert mse.verdict == "high variance"
        assert "(20 %)" in mse.explanation
        assert "(60 %)" in mse.explanation
    assert bias_variance("r2", 0.8, Estimate(0.4, 0.3, 0.5), 0.0).verdict == "high variance"
    assert bias_variance("r2", 0.05, Estimate(0.04, 0.0, 0.1), 0.0).verdict == "high bias"


def test_a_harder_time_to_forecast_is_no_variance() -> None:
    held_out = Estimate(4.0, 3.8, 4.2)
    assert bias_variance("mse", 1.0, held_out, 10.0).verdict == "high variance"
    assert bias_variance("mse", 1.0, held_out, 10.0, train_baseline=2.6).verdict == "good"


def test_a_figure_without_interval_or_baseline_does_not_break_it() -> None:
    assert bias_variance("accuracy", 0.9, Estimate(0.9, math.nan, math.nan), 1.0).verdict == "good"


def judged(data: Dataset, network: str, **options: Any) -> Judgement:
    recipe = Recipe(device="cpu", threads=1, **options)
    session = begin(data, network, recipe).session
    list(steps(session))
    session.network.load_state_dict(session.best_weights)
    return judge(session.network, data, supervised_task_for(data, recipe), "test", session.device)


@pytest.mark.covers("D2")
def test_a_straight_line_has_high_bias_on_circles() -> None:
    found = judged(pellucid.load("circles"), "2 -> fc(2)", epochs=10)
    assert found.bias_variance is not None
    assert found.bias_variance.verdict == "high bias"
    assert "nearest neighbours had" in found.bias_variance.explanation
    assert {"no-better-than-baseline", "high-bias"} <= {concern.kind for concern in found.concerns}


def noisy_points() -> Dataset:
    random = np.random.default_rng(0)
    points = random.normal(size=(400, 20)).astype(np.float32)
    return pellucid.load(
        (points, (points[:, 0] + points[:, 1] + random.normal(size=400) > 0).astype(int)), split="20:40:40"
    )


@pytest.mark.covers("D2")
def test_a_large_network_on_few_noisy_rows_has_high_variance() -> None:
    found = judged(noisy_points(), "20 -> fc(128) -> relu -> fc(128) -> relu -> fc(2)", epochs=40, weight_decay=0.0)
    assert found.bias_variance is not None
    assert found.bias_variance.verdict == "high variance"
    assert found.bias_variance.train > 0.95
    kinds = {concern.kind for concern in found.concerns}
    assert "high-variance" in kinds
    assert "no-better-than-baseline" not in kinds


@pytest.mark.covers("D2")
def test_a_network_that_fits_has_neither() -> None:
    found = judged(pellucid.load("moons"), "2 -> fc(32) -> relu -> fc(32) -> relu -> fc(2)", epochs=60)
    assert found.bias_variance is not None
    assert found.bias_variance.verdict == "good"
    assert not [concern for concern in found.concerns if concern.severity != "note"]


def test_plain_methods_reach_what_they_are_known_to() -> None:
    data = pellucid.load("iris")
    task = supervised_task_for(data, Recipe(device="cpu"))
    figures = reference_figures(data, task, data, data.rows["test"])
    assert len(figures) == 3
    assert all(figure.value > 0.85 for figure in figures.values())
    spirals = pellucid.load("spirals")
    figures = reference_figures(
        spirals, supervised_task_for(spirals, Recipe(device="cpu")), spirals, spirals.rows["test"]
    )
    assert figures["logistic regression"].value < 0.75
    assert figures["5 nearest neighbours"].value > 0.95
    seasons = pellucid.load("seasons")
    figures = reference_figures(
        seasons, supervised_task_for(seasons, Recipe(device="cpu")), seasons, seasons.rows["test"]
    )
    assert figures["linear regression"].value < 3  # repeating the last value has 14
    text = pellucid.load("sentences")
    assert reference_figures(text, supervised_task_for(text, Recipe(device="cpu")), text, text.rows["test"]) == {}
