"""Series: windows and what follows them, in order of time; nothing held out is seen in training."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pellucid.data import Values, load
from pellucid.data.preprocessing import from_json, to_json
from pellucid.data.series import timeline
from pellucid.data.series.preprocessing import SeriesPreprocessing
from pellucid.errors import DataError
from pellucid.shapes import Features, Sequence

REAL = os.environ.get("PELLUCID_DATA")
needs_real = pytest.mark.skipif(REAL is None, reason="PELLUCID_DATA names no folder of real data")


def daily(values: Any) -> pl.DataFrame:
    """Return values with a date each."""
    start = dt.date(2020, 1, 1)
    days = [start + dt.timedelta(days=day) for day in range(len(values))]
    return pl.DataFrame({"day": days, "value": pl.Series(values, dtype=pl.Float64)})


@pytest.mark.covers("C13")
@given(st.integers(1, 8), st.integers(1, 4), st.integers(60, 90))
def test_windows_and_targets_are_the_steps_in_order(window: Any, horizon: Any, count: int) -> None:
    data = load(daily(np.arange(count)), window=window, horizon=horizon)
    assert data.input_shape == Sequence(1, window)
    assert isinstance(data.target, Values)
    target = data.target
    mean, scale = target.mean[0], target.scale[0]
    seen: dict[str, set[int]] = {}
    for split, rows in data.rows.items():
        inputs, targets = data.batch(rows)
        steps = (inputs[:, :, 0] * scale + mean).round().long()
        following = (targets * scale + mean).round().long()
        assert torch.equal(steps, rows[:, None] + torch.arange(window))
        assert torch.equal(following, rows[:, None] + window + torch.arange(horizon))
        seen[split] = set(following.flatten().tolist())
        if split == "train":
            known = set(steps.flatten().tolist()) | seen[split]
    # nothing that training saw, as input or target, is forecast in a held-out split; nor is a step in two of them
    assert max(known) < min(seen["validation"])
    assert max(seen["validation"]) < min(seen["test"])
    # the standardisation is that of the training steps
    training = torch.arange(len(known)).double()
    assert mean == pytest.approx(training.mean().item())
    assert scale == pytest.approx(training.std(correction=0).item())


@pytest.mark.covers("C12")
def test_the_future_leaves_the_preprocessing_alone() -> None:
    values = np.random.default_rng(0).normal(size=100)
    changed = np.concatenate([values[:62], values[62:] + 100])
    first, second = load(daily(values), window=5), load(daily(changed), window=5)
    assert to_json(first.preprocessing) == to_json(second.preprocessing)


def test_windows_are_views() -> None:
    data = load(daily(np.random.default_rng(0).normal(size=5_000)), window=50)
    assert data.inputs.untyped_storage().nbytes() == 5_000 * 4


def test_new_steps_forecast_the_future() -> None:
    frame = daily(np.sin(np.arange(100)))
    data = load(frame, window=6, horizon=2)
    preprocessing = from_json(json.loads(json.dumps(to_json(data.preprocessing))))
    assert preprocessing == data.preprocessing
    samples = preprocessing.read(frame)
    assert torch.equal(samples.inputs[: len(data)], data.inputs)
    assert len(samples.inputs) == 100 - 6 + 1
    assert samples.names[0] == "2020-01-07"
    assert samples.names[-1] == "after 2020-04-09"
    by_array = preprocessing.read(np.sin(np.arange(94, 100)))
    assert torch.equal(by_array.inputs, samples.inputs[-1:])
    with pytest.raises(DataError, match="shorter than the window"):
        preprocessing.read(frame.head(5))


def test_gaps_are_filled_from_the_past_and_never_scored() -> None:
    values: list[float | None] = [float(step) for step in range(80)]
    values[0] = values[1] = values[30] = values[31] = None
    data = load(daily(values), window=4)
    assert len(data.inputs) == 80 - 2 - 4
    assert isinstance(data.target, Values)
    assert (data.inputs[27, 0, 1:3] * data.target.scale[0] + data.target.mean[0]).tolist() == pytest.approx([29, 29])
    used = torch.cat(list(data.rows.values()))
    assert {24, 25}.isdisjoint(used.tolist())
    told = "\n".join(data.notes)
    assert "the first 2 steps" in told
    assert "'value' 2; the last value before stands in" in told
    assert "2 whose target is missing are left out" in told


def test_the_season_is_the_window() -> None:
    steps = np.arange(300)
    values = np.sin(2 * np.pi * steps / 12) + 0.02 * steps + np.random.default_rng(0).normal(0, 0.05, 300)
    assert timeline.season(values, 30) == 12
    assert load(daily(values)).input_shape == Sequence(1, 12)
    assert timeline.season(np.random.default_rng(0).normal(size=300), 30) is None


def test_other_columns_are_inputs_too() -> None:
    random = np.random.default_rng(0)
    frame = daily(random.normal(size=200)).with_columns(
        wind=pl.Series(random.choice(["north", "south"], 200)), rain=pl.Series(random.random(200))
    )
    data = load(frame, task="forecast", target="rain", window=7)
    assert data.input_shape == Sequence(4, 7)
    assert isinstance(data.preprocessing, SeriesPreprocessing)
    assert data.preprocessing.features == ("rain", "value", "wind = north", "wind = south")
    assert isinstance(load(frame).input_shape, Features)


def test_rows_are_sorted_by_time_and_columns_of_parts_are_one_time() -> None:
    frame = daily(np.arange(60))
    parts = frame.select(
        year=pl.col("day").dt.year(), month=pl.col("day").dt.month(), day=pl.col("day").dt.day(), value="value"
    )
    data = load(parts.sample(fraction=1, shuffle=True, seed=0), task="forecast", target="value", window=3)
    assert torch.equal(data.inputs, load(frame, window=3).inputs)
    assert any("sorted by time" in note for note in data.notes)


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (pl.concat([daily(np.arange(30)), daily(np.arange(30))]), {"task": "forecast"}, "the time of another row"),
        (daily(np.arange(30)), {"window": 40}, "too short"),
        (daily(np.arange(60)), {"task": "forecast", "target": "day"}, "needs a column of numbers"),
        (daily(np.arange(60)), {"task": "forecast", "test": "x.csv"}, "does not apply"),
        (daily([1.0, float("inf")] * 30), {}, "infinite"),
        (daily([1.0] * 60), {}, "nothing to forecast"),
        (daily([1.0] * 60), {"window": 3, "task": "forecast", "target": "no"}, "no column 'no'"),
    ],
)
def test_what_is_no_series_is_refused(frame: Any, options: Any, message: Any) -> None:
    with pytest.raises(DataError, match=message):
        load(frame, **options)


@needs_real
@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("airline-passengers.csv", {}, Sequence(1, 12)),
        ("statsmodels-sunspots.csv", {}, Sequence(1, 11)),
        ("monthly-sunspots.csv", {"horizon": 6}, Sequence(1, 24)),
        ("statsmodels-co2.csv", {}, Sequence(1, 24)),
        ("daily-min-temperatures.csv", {}, Sequence(1, 24)),
        ("beijing-pm25.csv.gz", {"task": "forecast", "target": "pm2.5"}, Sequence(11, 24)),
        ("statsmodels-elnino.csv", {}, Features(12)),
    ],
)
def test_real_series(name: Any, options: Any, shape: Any) -> None:
    path = Path(str(REAL)) / "timeseries" / name
    data = load(path, **options)
    assert data.input_shape == shape
    inputs, targets = data.split("train")
    assert inputs.isfinite().all()
    assert targets.isfinite().all()
    assert len(data.preprocessing.read(path).names) >= len(data)
