"""`pellucid.load`: names, paths and objects find their reader; what is unknown is refused with the nearest."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from pellucid.data import load
from pellucid.data.preprocessing import KINDS, from_json, to_json
from pellucid.data.target_json import target_from_json, target_to_json
from pellucid.errors import DataError, OptionError
from pellucid.options import flat_values
from pellucid.recipe import DataOptions

PAIR = (np.random.default_rng(0).random((40, 2)), [0, 1] * 20)


def test_a_name_is_known() -> None:
    assert load("iris").name == "iris"
    assert load("breast-cancer").name == "breast_cancer"


def test_a_dataset_is_returned_as_it_is() -> None:
    data = load(PAIR)
    assert load(data) is data
    with pytest.raises(DataError, match="split and prepared already"):
        load(data, split="70:30")


def test_options_come_as_an_object_or_by_name() -> None:
    options = DataOptions(split="70:30")
    assert load(PAIR, options).source.options == flat_values(options)
    assert load(PAIR, options, split_seed=3).source.options == flat_values(DataOptions(split="70:30", split_seed=3))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [({"targets": "y"}, "did you mean 'target'"), ({"task": "regresion"}, "did you mean 'regression'")],
)
def test_unknown_options_are_refused_with_the_nearest(keywords: Any, message: Any) -> None:
    with pytest.raises(OptionError, match=message):
        load(PAIR, **keywords)


def test_unknown_names_and_paths_are_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="did you mean 'digits'"):
        load("digts")
    (tmp_path / "churn.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"did you mean '.*churn\.csv'"):
        load(tmp_path / "chrun.csv")
    with pytest.raises(DataError, match="whose folder"):
        load(tmp_path / "none" / "x.csv")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.zeros((3, 2)), "inputs alone"),
        (torch.zeros(3, 2), "inputs alone"),
        (3, "a int cannot be loaded"),
        ((1, 2, 3), "a tuple cannot be loaded"),
        (None, "cannot be loaded"),
    ],
)
def test_objects_that_are_no_data_are_refused(source: Any, message: Any) -> None:
    with pytest.raises(DataError, match=message):
        load(source)


def test_files_and_folders_of_other_kinds_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match="of a kind that cannot be read"):
        load(tmp_path / "x.xlsx")
    (tmp_path / "x.png").write_bytes(b"PNG")
    with pytest.raises(DataError, match="one image is no data set"):
        load(tmp_path / "x.png")
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="folder of tables"):
        load(folder)


def test_texts_are_read(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the quick brown fox jumps over the lazy dog. " * 60)
    assert load(tmp_path / "text.txt", length=16).name == "text"


def test_the_source_of_a_file_is_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    frame = pl.DataFrame({"x": PAIR[0][:, 0], "y": PAIR[1]})
    frame.write_csv(path)
    first = load(path).source
    assert first.location == str(path.resolve())
    assert load(path, split_seed=4).source.sha256 == first.sha256
    frame.with_columns(pl.col("x") + 1).write_csv(path)
    assert load(path).source.sha256 != first.sha256


@pytest.mark.parametrize("source", ["iris", "digits", "diabetes", PAIR])
def test_what_is_kept_with_a_run_reads_alike(source: Any) -> None:
    data = load(source)
    assert from_json(to_json(data.preprocessing)) == data.preprocessing
    assert target_from_json(target_to_json(data.target)) == data.target


def test_every_kind_is_registered_under_its_name() -> None:
    assert all(kind.kind == name for name, kind in KINDS.items())
    with pytest.raises(DataError, match="cannot be read"):
        from_json({"kind": "none"})
    with pytest.raises(DataError, match="damaged"):
        from_json({"kind": "table"})
    with pytest.raises(DataError, match="cannot be read"):
        target_from_json({"kind": "none"})


@pytest.mark.parametrize(
    ("source", "keywords"), [("digits", {"window": 3}), ("iris", {"size": "32x32"}), ("sentences", {"target": "x"})]
)
def test_an_option_that_says_nothing_to_the_data_is_refused(source: str, keywords: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="does not apply"):
        load(source, **keywords)
