"""Arrays, tensors, .npz files and torch data sets: layouts, targets, standardisation, refusals."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies
from sklearn.preprocessing import StandardScaler
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import IterableDataset, Subset, TensorDataset

from pellucid.data import Classes, Values, load
from pellucid.data.preprocessing import from_json, to_json
from pellucid.errors import DataError
from pellucid.shapes import Features, Image, Sequence

RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 3


@pytest.mark.parametrize(
    ("inputs", "shape"),
    [
        (RANDOM.random(60), Features(1)),
        (RANDOM.random((60, 5)), Features(5)),
        (torch.rand(60, 5, dtype=torch.float64), Features(5)),
        (RANDOM.integers(0, 9, (60, 5)), Features(5)),
        (RANDOM.random((60, 5)) > 0.5, Features(5)),
        (RANDOM.random((60, 5)).tolist(), Features(5)),
        (RANDOM.random((60, 12, 2)), Sequence(2, 12)),
        (RANDOM.integers(0, 256, (60, 8, 8), dtype=np.uint8), Image(8, 8, 1)),
        (RANDOM.integers(0, 256, (60, 8, 9, 3), dtype=np.uint8), Image(8, 9, 3)),
        (torch.randint(0, 256, (60, 3, 8, 9), dtype=torch.uint8), Image(8, 9, 3)),
        (RANDOM.normal(size=(60, 8, 9, 2)), Image(8, 9, 2)),
        (torch.rand(60, 20, 8, 9), Image(8, 9, 20)),
    ],
    ids=lambda value: f"{type(value).__name__}{getattr(value, 'shape', '')}",
)
def test_axes_are_told_and_read_again(inputs: Any, shape: Any) -> None:
    data = load((inputs, LABELS))
    assert data.input_shape == shape
    assert isinstance(data.target, Classes)
    prepared, targets = data.batch(torch.arange(60))
    assert prepared.shape == (60, *shape.dimensions)
    assert prepared.dtype == torch.float32
    assert targets.tolist() == LABELS.tolist()
    document = json.loads(json.dumps(to_json(data.preprocessing)))
    again = from_json(document).read(np.asarray(inputs) if isinstance(inputs, list) else inputs)
    torch.testing.assert_close(data.preprocessing.prepare(again.inputs), prepared)


@pytest.mark.covers("C12")
@given(
    numpy_strategies.arrays(np.float64, (40, 3), elements=st.floats(-1e6, 1e6).filter(lambda x: not 0 < abs(x) < 1e-6))
)
def test_training_rows_are_standardised_as_scikit_learn_does(inputs: Any) -> None:
    data = load((inputs, np.arange(40) % 2))
    train = data.rows["train"].numpy()
    stored = inputs.astype(np.float32).astype(np.float64)  # what is stored is what is measured
    reference = StandardScaler().fit(stored[train])
    varying = stored[train].std(0) > 1e-4 * (1 + np.abs(stored[train]).max(0))
    prepared = data.split("train")[0].numpy()
    np.testing.assert_allclose(prepared[:, varying], reference.transform(stored[train])[:, varying], atol=2e-2)
    np.testing.assert_allclose(prepared[:, varying].mean(0), 0, atol=1e-2)
    np.testing.assert_allclose(prepared[:, varying].std(0), 1, atol=1e-2)


@pytest.mark.covers("C12")
def test_held_out_rows_leave_the_standardisation_alone() -> None:
    inputs = RANDOM.normal(size=(100, 2))
    first = load((inputs, LABELS[0] + np.arange(100) % 2))
    changed = inputs.copy()
    changed[first.rows["test"].numpy()] = 1e6
    second = load((changed, np.arange(100) % 2))
    assert to_json(first.preprocessing) == to_json(second.preprocessing)


def test_a_constant_feature_becomes_zero() -> None:
    inputs = np.column_stack([RANDOM.random(30), np.full(30, 0.1)])
    assert load((inputs, np.arange(30) % 2)).split("train")[0][:, 1].abs().max() < 1e-5


@pytest.mark.parametrize(
    ("targets", "options", "names"),
    [
        (["no", "yes"] * 30, {}, ("no", "yes")),
        (np.arange(60) % 2 == 0, {}, ("False", "True")),
        (torch.arange(60) % 30, {"task": "classification"}, tuple(map(str, range(30)))),
        (np.eye(3)[LABELS], {}, ("0", "1", "2")),
        (np.array([1.0, 2.0] * 30), {}, ("1", "2")),
        (LABELS[:, None], {}, ("0", "1", "2")),
    ],
)
def test_classes_are_told(targets: Any, options: Any, names: Any) -> None:
    data = load((RANDOM.random((60, 2)), targets), **options)
    assert data.target == Classes(names)
    assert data.targets.dtype == torch.int64


@pytest.mark.parametrize("width", [1, 3])
def test_quantities_are_standardised_on_training(width: int) -> None:
    targets = RANDOM.normal(5, 3, size=(60, width))
    data = load((RANDOM.random((60, 2)), targets))
    assert isinstance(data.target, Values)
    training = data.split("train")[1]
    torch.testing.assert_close(training.mean(0), torch.zeros(width), atol=1e-5, rtol=0)
    torch.testing.assert_close(training.std(0, correction=0), torch.ones(width))
    torch.testing.assert_close(data.target.restore(data.targets), torch.from_numpy(targets).float())


def test_bytes_and_the_same_in_0_to_1_are_one() -> None:
    pixels = torch.randint(0, 256, (40, 3, 6, 6), dtype=torch.uint8)
    labels = torch.arange(40) % 2
    first, second = load((pixels, labels)), load((pixels / 255, labels))
    assert second.inputs.dtype == torch.uint8
    assert torch.equal(first.inputs, second.inputs)
    assert first.preprocessing.kind == "image"


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (np.zeros((3, 2)), np.zeros(4), "differ in number"),
        (np.array([[0, np.nan], [1, 2], [np.inf, 1]]), [0, 1, 0], "2 of 6 numbers in the inputs are not finite"),
        (np.full((4, 1), 1e300), [0, 1, 0, 1], "not finite"),
        (np.zeros((4, 2)), [0.5, np.nan, 1, 2], "targets are not finite"),
        (np.zeros((4, 2)), [1, 1, 1, 1], "one class only"),
        (np.zeros((4, 0)), [0, 1, 0, 1], "inputs are empty"),
        (np.zeros((3, 1)), ["a", None, "b"], "targets are missing"),
        (np.zeros((2, 2, 2, 2, 2)), [0, 1], "5 axes"),
        (np.zeros((9, 2)), np.full((9, 1), 2.0), "one class only"),
        ([[1, 2], [3]], [0, 1], "rectangular"),
        ([["a"], ["b"]], [0, 1], "must be numbers"),
        (np.zeros((3, 1), complex), [0, 1, 0], "must be numbers"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(inputs: Any, targets: Any, message: Any) -> None:
    with pytest.raises(DataError, match=message):
        load((inputs, targets))


def test_other_shapes_are_refused_when_predicting() -> None:
    preprocessing = load((RANDOM.random((60, 4)), LABELS)).preprocessing
    assert preprocessing.read(np.zeros(4)).inputs.shape == (1, 4)
    with pytest.raises(DataError, match="another shape"):
        preprocessing.read(np.zeros((3, 5)))


@pytest.mark.parametrize(
    "keys", [("x", "y"), ("X", "Y"), ("inputs", "targets"), ("data", "labels"), ("X_train", "y_train")]
)
def test_npz_keys_are_told(tmp_path: Path, keys: Any) -> None:
    inputs = RANDOM.random((60, 4))
    np.savez(tmp_path / "some.npz", **dict(zip(keys, (inputs, LABELS), strict=True)))
    data = load(tmp_path / "some.npz")
    assert data.name == "some"
    assert data.source.kind == "npz"
    assert torch.equal(data.inputs, load((inputs, LABELS)).inputs)


def test_npz_keeps_its_test_set(tmp_path: Path) -> None:
    path = tmp_path / "official.npz"
    x, y = RANDOM.random((60, 4)), LABELS
    np.savez(path, x_train=x[:40], y_train=y[:40], x_test=x[40:], y_test=y[40:])
    data = load(path)
    assert data.rows["test"].tolist() == list(range(40, 60))
    samples = data.preprocessing.read(path)
    assert torch.equal(samples.inputs, data.inputs[40:])


@pytest.mark.parametrize("arrays", [{"a": np.zeros(3), "b": np.zeros(3)}, {"x": np.array([{}, {}]), "y": np.zeros(2)}])
def test_npz_without_keys_or_with_objects_is_refused(tmp_path: Path, arrays: Any) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError):
        load(tmp_path / "bad.npz")


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.npz").write_text("no")
    with pytest.raises(DataError, match="no file of arrays"):
        load(tmp_path / "bad.npz")


class Squares(TorchDataset[Any]):
    """Numbers and whether they are even; counts how often it is asked."""

    def __init__(self, count: int = 50, broken: Any = None) -> None:
        self.count, self.broken, self.asked = count, broken, 0

    def __len__(self) -> Any:
        return self.count

    def __getitem__(self, index: Any) -> Any:
        self.asked += 1
        sample = torch.tensor([index, index**2], dtype=torch.float32)
        return (sample[:1] if index == self.broken else sample), index % 2


def test_a_torch_dataset_is_gone_through_once() -> None:
    source = Squares()
    data = load(source)
    assert source.asked == 50
    assert data.inputs[7].tolist() == [7, 49]
    assert data.target == Classes(("0", "1"))
    assert len(load(Subset(source, range(20)))) == 20


def test_a_tensor_dataset_is_its_tensors() -> None:
    inputs, targets = torch.rand(30, 3), torch.rand(30)
    assert torch.equal(load(TensorDataset(inputs, targets)).inputs, inputs)


class Nothing(IterableDataset[Any]):
    """Ends at once."""

    def __iter__(self) -> Any:
        yield from ()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Nothing(), "empty"),
        (Squares(0), "empty"),
        (Squares(broken=9), "sample 9 has another shape"),
        (TensorDataset(torch.zeros(4, 1)), "no pair"),
    ],
)
def test_unusable_torch_datasets_are_refused(source: Any, message: Any) -> None:
    with pytest.raises(DataError, match=message):
        load(source)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (torch.eye(30).to_sparse(), [0, 1] * 15, "inputs must be a plain tensor"),
        (np.ma.masked_greater(np.arange(30.0), 20), [0, 1] * 15, "9 of 30 numbers in the inputs are masked"),
        (np.zeros((30, 2)), np.ma.masked_less(np.arange(30.0), 3), "3 of 30 numbers in the targets are masked"),
        (np.zeros((30, 2)), np.zeros((30, 2, 2)), "targets of several axes"),
        (np.zeros((30, 2)), np.arange(30).astype(str), "too many different values to be classes"),
    ],
    ids=["sparse", "masked inputs", "masked targets", "axes", "keys"],
)
def test_what_is_no_plain_array_is_refused(inputs: Any, targets: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load((inputs, targets))


def test_an_archive_larger_than_the_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((1_000, 1_000)), y=np.zeros(1_000))
    assert (tmp_path / "bomb.npz").stat().st_size < 50_000
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1_000_000))
    with pytest.raises(DataError, match="larger than fits into memory"):
        load(tmp_path / "bomb.npz")


def test_inputs_too_far_from_those_trained_on_are_refused() -> None:
    inputs = np.random.default_rng(0).normal(size=(60, 2))
    data = load((inputs, np.arange(60) % 2))
    far = inputs.copy()
    far[data.rows["test"][0], 1] = 1e30
    with pytest.raises(DataError, match="too far from those trained on"):
        load((far, np.arange(60) % 2))
    with pytest.raises(DataError, match="too far from those trained on"):
        data.preprocessing.read(far)
    data.preprocessing.read(inputs * 1e5)
