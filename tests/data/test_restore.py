"""What a network is given can be had back: `restore` undoes `prepare` for images, arrays and tables, or refuses."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pellucid.data import load
from pellucid.data.arrays.arrays import ArrayPreprocessing
from pellucid.data.dataset import Preprocessing
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.preprocessing import from_json, to_json
from pellucid.data.tables.columns import CategoryColumn, Column, DateColumn, NumberColumn
from pellucid.errors import DataError

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
FIRST, LAST = datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2100-01-01")
DATES = st.datetimes(FIRST, LAST).map(lambda moment: moment.replace(microsecond=0))


def column_of(values: st.SearchStrategy[object]) -> st.SearchStrategy[list[object]]:
    """Return columns, some with gaps, of at least one value."""
    return st.lists(values | st.none(), min_size=1, max_size=40).filter(any_value)


def any_value(values: list[object]) -> bool:
    return any(value is not None for value in values)


def there_and_back(column: Column, series: pl.Series) -> pl.Series:
    return column.decode(column.encode(series)[0].astype(np.float64))


@given(column_of(NUMBERS), st.lists(NUMBERS, max_size=4, unique=True).map(sorted))
def test_numbers_come_back_with_their_gaps_binned_or_not(values: list[float | None], edges: list[float]) -> None:
    series = pl.Series("x", values, dtype=pl.Float64)
    column = NumberColumn.fit(series, tuple(edges) if len(edges) > 1 else ())
    again = there_and_back(column, series)
    assert again.is_null().to_list() == series.is_null().to_list()
    known = series.drop_nulls().to_numpy()
    # a float32 keeps 24 bits of the distance to the mean
    np.testing.assert_allclose(again.drop_nulls().to_numpy(), known, rtol=1e-6, atol=1e-6 * np.abs(known).max() + 1e-30)


@given(column_of(st.text("abc", max_size=2)))
def test_categories_come_back_with_their_gaps(values: list[str | None]) -> None:
    series = pl.Series("x", values, dtype=pl.String)
    assert there_and_back(CategoryColumn.fit(series), series).to_list() == values


def test_rare_categories_come_back_as_another() -> None:
    series = pl.Series("x", [*("often",) * 30, *(f"rare {number}" for number in range(25))])
    again = there_and_back(CategoryColumn.fit(series), series).to_list()
    assert again == [*("often",) * 30, *("(another)",) * 25]


def test_the_likeliest_category_is_taken_of_what_a_network_made() -> None:
    column = CategoryColumn("x", ("a", "b", "c"), folded=False, missing=True)
    made = np.array([[0.1, 0.7, 0.3, -0.2], [0.4, 0.2, 0.3, 0.1], [0.1, 0.2, 0.3, 0.9]])
    assert column.decode(made).to_list() == ["b", "a", None]


@given(column_of(DATES))
def test_dates_come_back_with_their_gaps(values: list[datetime | None]) -> None:
    series = pl.Series("x", values, dtype=pl.Datetime("us"))
    again = there_and_back(DateColumn.fit(series), series)
    assert again.is_null().to_list() == series.is_null().to_list()
    known = series.drop_nulls()
    span = (known.max() - known.min()).total_seconds()  # type: ignore[operator, union-attr]
    for one, other in zip(again.drop_nulls().to_list(), known.to_list(), strict=True):
        # seconds, and as many of them as float32 rounds a standardised moment by
        assert abs(one - other) <= timedelta(seconds=1 + 1e-6 * span)


def test_a_date_that_no_calendar_has_is_the_nearest_that_one_has() -> None:
    column = DateColumn("x", mean=0.0, scale=1.0, median=0.0, missing=False, parts=())
    years = [moment.year for moment in column.decode(np.array([[-1e30], [1e30]])).to_list()]
    assert years == [1, 9999]


def test_rows_of_a_table_come_back_with_all_their_columns(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    frame = pl.DataFrame({
        "size": draw.normal(50, 20, 90),
        "kind": draw.choice(["oak", "ash", "elm"], 90),
        "seen": [FIRST + timedelta(days=int(day)) for day in draw.integers(0, 900, 90)],
        "dead": draw.random(90) > 0.5,
        "label": draw.choice(["x", "y"], 90),
    })  # fmt: skip
    frame.write_csv(tmp_path / "trees.csv")
    data = load(tmp_path / "trees.csv")
    again = from_json(to_json(data.preprocessing)).restore(data.batch(torch.arange(90))[0])
    assert isinstance(again, pl.DataFrame)
    assert again.columns == ["size", "kind", "seen", "dead"]
    np.testing.assert_allclose(again["size"], frame["size"], rtol=1e-5)
    assert again["kind"].to_list() == frame["kind"].to_list()
    np.testing.assert_allclose(again["dead"], frame["dead"].cast(pl.Float64), atol=1e-6)
    assert (again["seen"].dt.round("1h") == frame["seen"]).all()


SHAPES = arrays.array_shapes(min_dims=2, max_dims=4, max_side=5)


@given(arrays.arrays(np.float32, SHAPES, elements=st.floats(-1000, 1000, width=32)))
def test_arrays_come_back(values: np.typing.NDArray[np.float32]) -> None:
    stored = torch.from_numpy(values)
    preprocessing = ArrayPreprocessing.fit(stored, torch.arange(len(stored)), "features")
    again = preprocessing.restore(preprocessing.prepare(stored))
    assert torch.allclose(again, stored, rtol=1e-5, atol=1e-5 * float(stored.abs().max()) + 1e-6)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 6), st.sampled_from([1, 3]), st.just(4), st.just(3))))
def test_pixels_come_back_to_the_byte(values: np.typing.NDArray[np.uint8]) -> None:
    stored = torch.from_numpy(values)
    preprocessing = ImagePreprocessing.fit(stored, torch.arange(len(stored)), ())
    assert torch.equal(preprocessing.restore(preprocessing.prepare(stored)), stored)
    assert preprocessing.restore(torch.full((1, values.shape[1], 4, 3), 1e9)).unique().tolist() == [255]


@pytest.mark.parametrize("name", ["seasons", "sentences"])
def test_what_cannot_be_had_back_is_refused_with_what_can(name: str) -> None:
    preprocessing: Preprocessing = load(name).preprocessing
    with pytest.raises(DataError, match="cannot be had back") as refusal:
        preprocessing.restore(torch.zeros(2, 3))
    assert "images" in refusal.value.expected
