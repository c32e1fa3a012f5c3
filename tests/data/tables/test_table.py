"""Tables: what becomes an input and how, what is reported, what is refused, and new rows read as the old ones."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pellucid.data import Classes, Dataset, Values, load
from pellucid.data.preprocessing import from_json, to_json
from pellucid.data.tables.columns import CategoryColumn, DateColumn, NumberColumn
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.errors import DataError
from pellucid.shapes import Features

REAL = os.environ.get("PELLUCID_DATA")
needs_real = pytest.mark.skipif(REAL is None, reason="PELLUCID_DATA names no folder of real data")


def people(count: int = 200) -> pl.DataFrame:
    """Return a table with a column of every kind."""
    random = np.random.default_rng(0)
    age = random.integers(18, 90, count).astype(float)
    return pl.DataFrame(
        {
            "person_id": random.permutation(count) + 1_000,
            "age": pl.Series([None if row % 17 == 3 else age[row] for row in range(count)], dtype=pl.Float64),
            "city": [("Rome", "Oslo", "Lima", None)[row] for row in random.integers(0, 4, count)],
            "member": random.random(count) > 0.5,
            "joined": [dt.date(2020, 1, 1) + dt.timedelta(days=int(d)) for d in random.integers(0, 999, count)],
            "planet": ["Earth"] * count,
            "churned": np.where(age + random.normal(0, 5, count) > 50, "yes", "no"),
        }
    )


def fitted(data: Dataset) -> TablePreprocessing:
    assert isinstance(data.preprocessing, TablePreprocessing)
    return data.preprocessing


def assert_same(first: Any, second: Any) -> None:
    assert fitted(first).features == fitted(second).features
    torch.testing.assert_close(first.inputs, second.inputs)
    assert torch.equal(first.targets, second.targets)
    assert all(torch.equal(first.rows[name], second.rows[name]) for name in first.rows)


def test_every_kind_of_column_finds_its_role() -> None:
    data = load(people())
    assert data.target == Classes(("no", "yes"))
    kinds = {column.name: column.kind for column in fitted(data).columns}
    assert kinds == {"age": "number", "city": "category", "member": "number", "joined": "date"}
    assert data.input_shape == Features(len(fitted(data).features))
    told = "\n".join(data.notes)
    for expected in (
        "'churned', the last column",
        "'person_id': left out, an identifier",
        "'planet': left out, it is always Earth",
        "missing in training: 'age'",
        "2 numbers, 1 category, 1 date become",
    ):
        assert expected in told
    assert data.preprocessing.read(people()).names[0] == str(people()["person_id"][0])


def test_files_and_frames_are_one(tmp_path: Path) -> None:
    frame = people()
    frame.write_csv(tmp_path / "people.csv")
    frame.write_csv(tmp_path / "people.tsv", separator="\t")
    frame.write_parquet(tmp_path / "people.parquet")
    reference = load(frame)
    for source in ("people.csv", "people.tsv", "people.parquet"):
        data = load(tmp_path / source)
        assert data.name == "people"
        assert data.source.kind == "table"
        assert_same(data, reference)
    by_pandas = pd.DataFrame(frame.to_dict(as_series=False))
    assert_same(load(by_pandas), reference)
    assert_same(load(by_pandas.astype({"city": "category", "age": "Float64", "joined": "datetime64[ns]"})), reference)
    assert_same(load(frame.to_arrow()), reference)
    assert_same(load(frame.lazy()), reference)
    assert reference.source.kind == "memory"


def test_a_frame_and_a_column_are_one_table() -> None:
    frame = people()
    reference = load(frame)
    inputs, churned = frame.drop("churned"), frame["churned"]
    assert_same(load((inputs, churned)), reference)
    by_pandas = pd.DataFrame(inputs.to_dict(as_series=False))
    assert_same(load((by_pandas, pd.Series(churned.to_list(), name="churned"))), reference)
    assert_same(load((inputs, churned.to_numpy())), reference)
    with pytest.raises(DataError, match="differ in number"):
        load((inputs, churned.head(3)))
    with pytest.raises(DataError, match="has a column 'churned' already"):
        load((frame, churned))


@pytest.mark.covers("C12")
def test_numbers_are_standardised_on_training_rows_as_scikit_learn_does() -> None:
    values = np.random.default_rng(1).lognormal(size=(300, 2))
    frame = pl.DataFrame({"a": values[:, 0], "b": values[:, 1], "y": [0, 1, 2] * 100})
    data = load(frame)
    train = data.rows["train"].numpy()
    expected = StandardScaler().fit(values[train]).transform(values)
    np.testing.assert_allclose(data.inputs.numpy(), expected, atol=1e-5)
    changed = frame.with_columns(
        pl.when(pl.int_range(300).is_in(data.rows["test"].tolist())).then(1e6).otherwise("a").alias("a")
    )
    assert to_json(load(changed).preprocessing) == to_json(data.preprocessing)


def test_categories_are_one_hot_as_scikit_learns() -> None:
    words = np.random.default_rng(2).choice(["a", "b", "c"], 200)
    data = load(pl.DataFrame({"word": words, "y": [0, 1] * 100}))
    train = data.rows["train"].numpy()
    reference = OneHotEncoder(sparse_output=False).fit(words[train, None])
    np.testing.assert_array_equal(data.inputs.numpy(), reference.transform(words[:, None]))


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=3, max_size=50))
def test_bins_are_filled_from_below(values: Any) -> None:
    series = pl.Series("x", [*values, 0.0, 1.0], dtype=pl.Float64)
    column = NumberColumn.fit(series, (-1.0, 0.0, 0.5, 10.0))
    encoded, note = column.encode(series)
    assert encoded.shape == (len(series), len(column.features))
    assert note == ""
    bins = encoded[:, 1:4]
    assert ((bins >= 0) & (bins <= 1)).all()
    assert (np.diff(bins, axis=1) <= 0).all()  # a bin is empty until the one below is full
    filled = series.fill_null(column.median).to_numpy()
    np.testing.assert_allclose((bins * [1, 0.5, 9.5]).sum(1), np.clip(filled, -1, 10) + 1, atol=1e-5)


def test_rare_and_unseen_words() -> None:
    common = [f"c{number}" for number in range(25)] * 20
    series = pl.Series("city", [*common, "rare1", "rare2"])
    column = CategoryColumn.fit(series)
    assert column.folded
    assert len(column.levels) == 25
    encoded, note = column.encode(pl.Series("city", ["c3", "rare1", "never", None]))
    assert encoded.sum(1).tolist() == [1, 1, 1, 0]
    assert encoded[1:3, 25].tolist() == [1, 1]
    assert "2 values not learned in training ('rare1', 'never')" in note
    few = CategoryColumn.fit(pl.Series("city", ["a", "b", None]))
    encoded, note = few.encode(pl.Series("city", ["b", "never", None]))
    assert encoded.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert "'never'" in note


def test_dates_keep_december_beside_january() -> None:
    days = pl.Series("day", [dt.datetime(2020, month, 1) for month in range(1, 13)])  # noqa: DTZ001
    column = DateColumn.fit(days)
    assert column.parts == ("month", "weekday")
    encoded, _ = column.encode(days)
    circle = encoded[:, [column.features.index(f"day month {wave}") for wave in ("sin", "cos")]]
    distances = np.linalg.norm(circle - np.roll(circle, 1, axis=0), axis=1)
    np.testing.assert_allclose(distances, distances[0], rtol=1e-5)


def test_large_tables_are_binned_where_the_target_changes() -> None:
    values = np.random.default_rng(0).uniform(size=4_000)
    data = load(pl.DataFrame({"x": values, "y": np.where(values > 0.25, "high", "low")}))
    (column,) = fitted(data).columns
    assert isinstance(column, NumberColumn)
    assert any(abs(edge - 0.25) < 0.01 for edge in column.edges)
    assert load(pl.DataFrame({"x": values, "y": values > 0.25}), numbers="standard").input_shape == Features(1)


def test_json_reads_alike() -> None:
    data = load(people())
    preprocessing = from_json(json.loads(json.dumps(to_json(data.preprocessing))))
    assert preprocessing == data.preprocessing
    samples = preprocessing.read(people())
    assert torch.equal(samples.inputs, data.inputs)
    assert samples.targets is not None
    assert torch.equal(samples.targets, data.targets)
    assert torch.equal(preprocessing.prepare(samples.inputs), data.inputs)


def test_new_rows_are_found_by_name() -> None:
    preprocessing = fitted(load(people()))
    frame = people()
    shuffled = frame.select([*reversed(frame.columns)]).drop("churned", "planet").with_columns(extra=pl.lit(1))
    samples = preprocessing.read(shuffled)
    assert torch.equal(samples.inputs, preprocessing.read(frame).inputs)
    assert samples.targets is None
    one = preprocessing.read({"age": 40, "city": "Paris", "member": True, "joined": "2020-05-01"})
    assert one.inputs.shape == (1, len(preprocessing.features))
    assert any("'Paris'" in note for note in one.notes)
    with pytest.raises(DataError, match="1 of the 4 columns learned from are missing") as caught:
        preprocessing.read(frame.rename({"city": "town"}))
    assert "'city'" in str(caught.value)


def test_labels_not_seen_in_training_are_not_scored() -> None:
    preprocessing = load(people()).preprocessing
    samples = preprocessing.read(people().with_columns(churned=pl.lit("maybe")))
    assert samples.targets is None
    assert any("200 labels are missing or were not in training" in note for note in samples.notes)


def test_a_file_without_header_is_read_again_without_its_target(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    rows = np.random.default_rng(0).random((60, 3)).round(3)
    path.write_text("".join(f"{a},{b},{c},{'ab'[i % 2]}\n" for i, (a, b, c) in enumerate(rows)))
    data = load(path)
    assert any("no header" in note for note in data.notes)
    (tmp_path / "new.csv").write_text("0.5,0.25,0.125\n0.1,0.2,0.3\n")
    assert data.preprocessing.read(tmp_path / "new.csv").inputs.shape == (2, 3)
    assert load(path, target="4").targets.tolist() == data.targets.tolist()
    assert load(path, ignore="column_2").input_shape == Features(2)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b"] * 30, Classes),
        ([True, False] * 30, Classes),
        ([1, 2, 3] * 20, Classes),
        ([0.5, 1.5] * 30, Classes),
        (list(range(60)), Values),
        (np.random.default_rng(0).random(60).tolist(), Values),
    ],
)
def test_the_task_is_told_from_the_target(values: Any, kind: Any) -> None:
    data = load(pl.DataFrame({"x": np.random.default_rng(1).random(60), "y": values}))
    assert isinstance(data.target, kind)


def test_the_task_can_be_chosen() -> None:
    frame = pl.DataFrame({"x": np.random.default_rng(1).random(60), "y": [1, 2, 3] * 20})
    assert isinstance(load(frame, task="regression").target, Values)
    assert load(frame, task="classification").target == Classes(("1", "2", "3"))


def test_rows_without_target_are_left_out_and_counted() -> None:
    frame = people().with_columns(churned=pl.when(pl.int_range(200) < 7).then(None).otherwise("churned"))
    data = load(frame)
    assert len(data) == 193
    assert any("7 rows without one are left out" in note for note in data.notes)


@pytest.mark.covers("C13")
def test_groups_and_times_split() -> None:
    frame = people().with_columns(household=pl.int_range(200) // 4)
    data = load(frame, group="household")
    held = [set(frame["household"].gather(data.rows[name].numpy()).to_list()) for name in data.rows]
    assert len(held[0] | held[1] | held[2]) == sum(map(len, held))
    assert "household" not in {column.name for column in fitted(data).columns}
    by_time = load(frame, time="joined")
    joined = frame["joined"].to_numpy()
    assert joined[by_time.rows["train"]].max() < joined[by_time.rows["test"]].min()


def test_test_files_keep_their_rows_and_their_labels_may_end_otherwise(tmp_path: Path) -> None:
    frame = people()
    frame.write_csv(tmp_path / "train.csv")
    frame.with_columns(pl.col("churned") + ".").head(50).write_csv(tmp_path / "test.csv")
    data = load(tmp_path / "train.csv", test=tmp_path / "test.csv")
    assert data.rows["test"].tolist() == list(range(200, 250))
    assert data.target == Classes(("no", "yes"))
    assert any("only the last mark differs" in note for note in data.notes)
    assert any("duplicates: " in note for note in data.notes)
    frame.with_columns(churned=pl.lit("perhaps")).write_csv(tmp_path / "other.csv")
    with pytest.raises(DataError, match="has labels that the training file has not"):
        load(tmp_path / "train.csv", test=tmp_path / "other.csv")
    frame.drop("age").write_csv(tmp_path / "fewer.csv")
    with pytest.raises(DataError, match="lacks columns"):
        load(tmp_path / "train.csv", test=tmp_path / "fewer.csv")


def test_a_column_that_gives_the_target_away_is_noted() -> None:
    frame = (
        people()
        .with_columns(answer=pl.when(pl.col("churned") == "yes").then(1).otherwise(0))
        .select("answer", pl.exclude("answer"))
    )
    assert any("'answer': suspect" in note for note in load(frame).notes)
    assert not any("suspect" in note for note in load(people()).notes)


COUNT = 40
SENTENCES = [f"this is the sentence number {row}" for row in range(COUNT)]
ALTERNATING = ["a", "b"] * (COUNT // 2)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"x": range(COUNT), "y": ["a"] * COUNT}, {}, "one class only"),
        ({"x": [1.5, 2] * 20, "y": ALTERNATING}, {"target": "z"}, "there is no column 'z'"),
        ({"text": SENTENCES, "y": ALTERNATING}, {}, "free text"),
        ({"x": [1.0, float("inf")] * 20, "y": ALTERNATING}, {}, "infinite"),
        ({"y": ALTERNATING}, {}, "at least one more column"),
        ({"x": ["same"] * COUNT, "y": ALTERNATING}, {}, "no column is left"),
        ({"x": [1.5, 2] * 20, "y": [None] * COUNT}, {}, "missing in every row"),
        ({"x": [1.5, 2] * 20, "y": SENTENCES}, {}, "too many different values"),
        ({"x": [1.5, 2] * 20, "y": ALTERNATING}, {"task": "regression"}, "holds words"),
        ({"x": [1.5, 2] * 20, "y": [dt.date(2020, 1, 1 + row % 9) for row in range(COUNT)]}, {}, "is a date"),
        ({"x": [1.5, None] * 20, "y": ALTERNATING}, {"time": "x"}, "cannot order the rows"),
        ({"x": [1.5, 2] * 20, "y": ALTERNATING}, {"ignore": "z"}, "there is no column 'z' for --ignore"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(columns: Any, options: Any, message: Any) -> None:
    with pytest.raises(DataError, match=message):
        load(pl.DataFrame({name: list(values) for name, values in columns.items()}), **options)


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="no rows"):
        load(tmp_path / "empty.csv")


@needs_real
def test_adult() -> None:
    folder = Path(str(REAL)) / "tabular"
    data = load(folder / "adult-train.csv.gz", test=folder / "adult-test.csv.gz")
    assert (len(data), len(data.rows["test"])) == (48_842, 16_281)
    assert data.target == Classes(("<=50K", ">50K"))
    kinds = [column.kind for column in fitted(data).columns]
    assert (kinds.count("number"), kinds.count("category")) == (6, 8)


@needs_real
@pytest.mark.parametrize(
    ("name", "options", "count", "target"),
    [
        ("california-housing.csv", {"target": "median_house_value"}, 20_640, Values),
        ("penguins.csv", {"target": "species"}, 344, Classes),
        ("winequality-red.csv", {}, 1_599, Classes),
        ("sklearn-digits.csv.gz", {}, 1_797, Classes),
    ],
)
def test_real_tables(name: Any, options: Any, count: int, target: Any) -> None:
    path = Path(str(REAL)) / "tabular" / name
    data = load(path, **options)
    assert len(data) == count
    assert isinstance(data.target, target)
    samples = data.preprocessing.read(path)
    assert torch.equal(samples.inputs, data.inputs)
    assert samples.targets is not None
    torch.testing.assert_close(samples.targets, data.targets)


def test_negative_zero_is_zero() -> None:
    values = [0.0, -0.0, 1.0] * 20
    data = load(pl.DataFrame({"a": range(60), "y": values}), task="classification")
    assert data.target == Classes(("0", "1"))
    assert torch.bincount(data.targets).tolist() == [40, 20]
