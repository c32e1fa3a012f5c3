"""Data for tasks that need no target: no label is asked for, and none is given to the network."""

from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from pellucid.data import Dataset, Itself, load
from pellucid.data.dataset import WITHOUT_TARGET
from pellucid.data.preprocessing import from_json, to_json
from pellucid.data.tables.columns import NumberColumn
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.data.target_json import target_from_json, target_to_json
from pellucid.errors import DataError
from pellucid.recipe import TaskName
from pellucid.shapes import Features, Sequence
from pellucid.shapes import Image as ImageShape

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(5, 2, (60, 3))


def without_labels(data: Dataset) -> None:
    """Check what all data without a target have in common."""
    assert isinstance(data.target, Itself)
    assert target_from_json(target_to_json(data.target)) == data.target
    assert data.targets.shape == (len(data), 0)
    inputs, targets = data.split("train")
    assert inputs.shape == (len(data.rows["train"]), *data.input_shape.dimensions)
    assert targets.shape == (len(inputs), 0)
    assert from_json(to_json(data.preprocessing)) == data.preprocessing
    held = torch.cat([*data.rows.values()])
    assert sorted(held.tolist()) == list(range(len(data)))


def pictures(folder: Path, *parts: str, count: int = 12) -> Path:
    for number in range(count):
        file = folder.joinpath(*parts) / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RANDOM.integers(0, 256, (5, 4), dtype=np.uint8)).save(file)
    return folder


def test_they_are_the_tasks_that_are_not_told_by_a_target() -> None:
    told = {"classification", "regression", "multilabel", "multitask", "forecast", "language", "segmentation"}
    assert set(get_args(TaskName)) - told == {*WITHOUT_TARGET}


@pytest.mark.parametrize("task", ["reconstruction", "generation"])
def test_every_column_of_a_table_is_an_input(task: TaskName, tmp_path: Path) -> None:
    words = RANDOM.choice(["p", "q"], 60)
    pl.DataFrame({"a": ROWS[:, 0], "y": ROWS[:, 1], "word": words}).write_csv(tmp_path / "data.csv")
    data = load(tmp_path / "data.csv", task=task)
    without_labels(data)
    assert data.input_shape == Features(4)
    again = data.preprocessing.restore(data.preprocessing.prepare(data.inputs))
    assert isinstance(again, pl.DataFrame)
    assert again["word"].to_list() == words.tolist()
    np.testing.assert_allclose(again["y"], ROWS[:, 1], rtol=1e-5)
    samples = from_json(to_json(data.preprocessing)).read(tmp_path / "data.csv")
    assert samples.targets is None
    assert torch.equal(samples.inputs, data.inputs)


def test_the_column_named_as_target_is_left_out(tmp_path: Path) -> None:
    pl.DataFrame({"a": ROWS[:, 0], "b": ROWS[:, 1], "y": ROWS[:, 2]}).write_csv(tmp_path / "data.csv")
    data = load(tmp_path / "data.csv", task="reconstruction", target="y")
    assert isinstance(data.preprocessing, TablePreprocessing)
    assert data.preprocessing.features == ("a", "b")
    assert "no target: 'y' is left out, as asked" in data.notes


def test_a_table_is_split_by_group_and_time_and_has_a_test_file_as_ever(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ROWS[:, 0], "b": ROWS[:, 1], "g": np.arange(60) // 3})
    grouped = load(frame, task="reconstruction", group="g")
    of_split = [{row // 3 for row in rows.tolist()} for rows in grouped.rows.values()]
    assert sum(map(len, of_split)) == len(set.union(*of_split)) == 20
    assert grouped.input_shape == Features(2)
    later = load(frame, task="reconstruction", time="g")
    assert later.rows["train"].max() < later.rows["test"].min()
    frame.write_csv(tmp_path / "test.csv")
    tested = load(frame, task="reconstruction", test=str(tmp_path / "test.csv"))
    assert tested.rows["test"].tolist() == list(range(60, 120))


def test_numbers_of_a_large_table_are_not_binned_and_cannot_be() -> None:
    frame = pl.DataFrame({"a": RANDOM.normal(size=5000), "b": RANDOM.normal(size=5000)})
    data = load(frame, task="reconstruction")
    assert isinstance(data.preprocessing, TablePreprocessing)
    assert all(isinstance(column, NumberColumn) and not column.edges for column in data.preprocessing.columns)
    with pytest.raises(DataError, match="there is none") as refusal:
        load(frame, task="reconstruction", numbers="binned")
    assert refusal.value.expected == "--numbers standard"


@pytest.mark.parametrize(
    ("inputs", "shape"),
    [
        (ROWS, Features(3)),
        (RANDOM.normal(size=(40, 5, 2)), Sequence(2, 5)),
        (RANDOM.integers(0, 256, (40, 6, 5), dtype=np.uint8), ImageShape(6, 5, 1)),
        (torch.rand(40, 3, 6, 5), ImageShape(6, 5, 3)),
    ],
    ids=["rows", "sequences", "bytes", "tensor"],
)
def test_arrays_come_alone(inputs: object, shape: object, tmp_path: Path) -> None:
    data = load(inputs, task="reconstruction")
    without_labels(data)
    assert data.input_shape == shape
    if isinstance(inputs, np.ndarray):
        for file, save in (("x.npy", np.save), ("x.npz", np.savez)):
            save(tmp_path / file, inputs)
            assert torch.equal(load(tmp_path / file, task="reconstruction").inputs, data.inputs)
    else:
        assert isinstance(inputs, torch.Tensor)
        assert torch.equal(load(TensorDataset(inputs), task="reconstruction").inputs, data.inputs)


def test_arrays_keep_their_given_test_set_and_lose_their_targets(tmp_path: Path) -> None:
    labels = np.arange(60) % 2
    np.savez(tmp_path / "both.npz", x_train=ROWS, y_train=labels, x_test=ROWS[:9] + 1, y_test=labels[:9])
    data = load(tmp_path / "both.npz", task="generation")
    without_labels(data)
    assert data.rows["test"].tolist() == list(range(60, 69))
    pair = load((ROWS, labels), task="generation")
    without_labels(pair)
    # the rows are split as for a classifier, which may judge what was generated
    assert all(torch.equal(pair.rows[split], load((ROWS, labels)).rows[split]) for split in pair.rows)


def test_several_arrays_without_a_name_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", one=ROWS, other=ROWS)
    with pytest.raises(DataError, match="no key that means inputs"):
        load(tmp_path / "two.npz", task="reconstruction")


@pytest.mark.parametrize("parts", [(), ("only",), ("deep", "er")])
def test_images_need_no_class_folders(parts: tuple[str, ...], tmp_path: Path) -> None:
    data = load(pictures(tmp_path / "album", *parts), task="reconstruction")
    without_labels(data)
    assert len(data) == 12
    assert data.input_shape == ImageShape(5, 4, 1)
    assert data.preprocessing.read(tmp_path / "album").targets is None


def test_images_are_split_by_their_folders(tmp_path: Path) -> None:
    pictures(tmp_path / "album", "train", "any")
    pictures(tmp_path / "album", "test", count=5)
    data = load(tmp_path / "album", task="generation")
    without_labels(data)
    assert len(data.rows["test"]) == 5


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        load(tmp_path, task="reconstruction")


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer", "diabetes", "moons"])
def test_built_in_sets_leave_their_target_out(name: str) -> None:
    labelled, data = load(name), load(name, task="reconstruction")
    without_labels(data)
    assert data.input_shape == labelled.input_shape
    if data.preprocessing.kind != "table":  # which is split without regard to its target
        assert torch.equal(data.inputs, labelled.inputs)
        assert all(torch.equal(data.rows[split], labelled.rows[split]) for split in data.rows)
    assert not any(note.startswith(("target", "rare classes")) for note in data.notes)


@pytest.mark.parametrize("name", ["sentences", "seasons"])
@pytest.mark.parametrize("task", sorted(WITHOUT_TARGET))
def test_texts_and_series_are_refused_with_advice(name: str, task: TaskName) -> None:
    with pytest.raises(DataError, match="cannot be learned") as refusal:
        load(name, task=task)
    assert "leave --task out" in refusal.value.advice


def test_what_is_recalled_is_what_was_stored() -> None:
    data = load("digits", task="recall")
    assert torch.equal(data.rows["train"], torch.arange(1797))
    assert torch.equal(data.rows["train"], data.rows["validation"])
    assert not len(data.rows["test"])
    assert not any(note.startswith("duplicates") for note in data.notes)
    assert len(load("digits", task="recall", split="50:50").rows["train"]) == 898
