"""Several targets of one input: labels of which any may apply, quantities together, tasks of different kinds."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pellucid.data import Classes, Labels, Several, Values, load
from pellucid.data.preprocessing import from_json, to_json
from pellucid.data.target_json import target_from_json, target_to_json
from pellucid.errors import DataError

pytestmark = pytest.mark.covers("C17")


def table(rows: int = 90) -> pl.DataFrame:
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 3))
    return pl.DataFrame(
        {
            "a": x[:, 0], "b": x[:, 1], "c": x[:, 2],
            "rain": (x[:, 0] > 0).astype(int), "wind": ["yes" if each > 0 else "no" for each in x[:, 1]],
            "kind": [("low", "high", "top")[int(each > -0.5) + int(each > 0.5)] for each in x[:, 2]],
            "sum": x.sum(1), "twice": 2 * x[:, 0],
        }
    )  # fmt: skip


def test_columns_of_yes_and_no_are_labels() -> None:
    data = load(table(), target="rain,wind", ignore=("kind", "sum", "twice"))
    assert data.target == Labels(("rain", "wind"))
    assert data.targets.dtype == torch.float32
    assert data.targets[:, 0].tolist() == table()["rain"].to_list()
    assert data.targets[:, 1].tolist() == [float(each == "yes") for each in table()["wind"].to_list()]
    assert str(data.input_shape) == "3"


def test_quantities_are_predicted_together_in_their_own_units() -> None:
    data = load(table(), target="sum,twice", ignore=("kind", "rain", "wind"))
    assert isinstance(data.target, Values)
    assert data.target.names == ("sum", "twice")
    training = data.targets[data.rows["train"]]
    assert torch.allclose(training.mean(0), torch.zeros(2), atol=1e-5)
    restored = data.target.restore(data.targets)
    assert torch.allclose(restored[:, 1], torch.tensor(table()["twice"].to_list()), atol=1e-4)


def test_other_columns_are_several_tasks() -> None:
    data = load(table(), target="kind, sum, rain", ignore=("wind", "twice"))
    assert isinstance(data.target, Several)
    kinds = [type(part) for part in data.target.parts.values()]
    assert kinds == [Classes, Values, Classes]
    alone = load(table(), target="kind", ignore=("wind", "twice", "sum", "rain"))
    part = data.target.part("kind", data)
    assert part.target == alone.target
    assert part.targets.tolist() == alone.targets.tolist()


def test_a_list_of_labels_in_one_column() -> None:
    tags = ["b; a", "", "c", "a|c", "b", None] * 10
    frame = pl.DataFrame({"x": np.arange(60.0) % 7, "tags": tags})
    data = load(frame, target="tags", task="multilabel")
    assert data.target == Labels(("a", "b", "c"))
    assert data.targets[:6].tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 1], [0, 1, 0], [0, 0, 0]]
    again = data.preprocessing.read(frame.head(6)).targets
    assert again is not None
    assert again.tolist() == data.targets[:6].tolist()


@pytest.mark.parametrize(("target", "task"), [("rain,wind", None), ("kind,sum,wind", None), ("sum,twice", None)])
def test_new_rows_are_stored_alike(target: str, task: str | None) -> None:
    data = load(table(), target=target, task=task)
    document = to_json(data.preprocessing)
    assert to_json(from_json(document)) == document
    assert target_from_json(target_to_json(data.target)) == data.target
    again = from_json(document).read(table()).targets
    assert again is not None
    assert torch.allclose(again, data.targets)
    without = from_json(document).read(table().drop(target.split(",")))
    assert without.targets is None


def test_rows_that_lack_a_target_are_left_out() -> None:
    frame = table().with_columns(pl.when(pl.col("a") > 1).then(None).otherwise(pl.col("rain")).alias("rain"))
    data = load(frame, target="rain,wind")
    assert len(data) == int((table()["a"] <= 1).sum())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "rain,rain"}, "names a column twice"),
        ({"target": "rain,snow"}, "no column 'snow'"),
        ({"target": "kind,wind", "task": "multilabel"}, "does not say yes or no"),
        ({"target": "kind", "task": "multitask"}, "no several tasks"),
        ({"target": "a,b,c,rain,wind,kind,sum,twice"}, "none is left"),
        ({"target": "kind,sum", "task": "regression"}, "words, not quantities"),
    ],
)
def test_what_cannot_be_read_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(table(), **options)


def test_a_label_that_always_applies_is_refused() -> None:
    frame = table().with_columns(pl.lit(1).alias("always"))
    with pytest.raises(DataError, match="'always' has one class only"):
        load(frame, target="rain,always")


def test_a_test_file_has_the_same_targets(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "train.csv")
    table(30).write_csv(tmp_path / "test.csv")
    data = load(tmp_path / "train.csv", target="kind,sum", test=str(tmp_path / "test.csv"))
    assert len(data.rows["test"]) == 30
    assert isinstance(data.target, Several)


def test_arrays_of_zeros_and_ones_are_labels_unless_one_hot() -> None:
    x = np.random.default_rng(1).normal(size=(60, 4))
    labels = np.stack([x[:, 0] > 0, x[:, 1] > 0, x[:, 2] > 0], 1).astype(int)
    data = load((x, labels))
    assert data.target == Labels(("y1", "y2", "y3"))
    assert data.targets.tolist() == labels.tolist()
    one_hot = np.eye(3)[np.arange(60) % 3]
    assert load((x, one_hot)).target == Classes(("0", "1", "2"))
    assert load((x, one_hot), task="multilabel").target == Labels(("y1", "y2", "y3"))
    assert isinstance(load((x, labels), task="regression").target, Values)


def test_a_mapping_of_arrays_is_several_tasks() -> None:
    x = np.random.default_rng(1).normal(size=(60, 4))
    targets = {"sign": (x[:, 0] > 0).astype(int), "sum": x.sum(1), "parts": (x[:, 1:] > 0)}
    data = load((x, targets))
    assert isinstance(data.target, Several)
    assert [type(part) for part in data.target.parts.values()] == [Classes, Values, Labels]
    assert data.targets.shape == (60, 5)
    assert data.target.of("parts", data.targets).tolist() == targets["parts"].tolist()
    with pytest.raises(DataError, match="differ in number"):
        load((x, {"sign": targets["sign"][:-1]}))
    with pytest.raises(DataError, match="nothing to learn"):
        load((x, {}))


@given(st.lists(st.tuples(st.sampled_from(["classes", "values", "labels"]), st.integers(1, 4)), min_size=1, max_size=5))
def test_targets_side_by_side_come_apart_again(kinds: list[tuple[str, int]]) -> None:
    """Each part is what it was, whatever stands beside it."""
    rows = 7
    generator = torch.Generator().manual_seed(0)
    parts: dict[str, Classes | Values | Labels] = {}
    columns: dict[str, torch.Tensor] = {}
    for number, (kind, count) in enumerate(kinds):
        name, names = f"t{number}", tuple(f"n{each}" for each in range(count))
        match kind:
            case "classes":
                parts[name] = Classes((*names, "other"))
                columns[name] = torch.randint(0, count + 1, (rows,), generator=generator)
            case "values":
                parts[name] = Values(names, (0.0,) * count, (1.0,) * count)
                columns[name] = torch.randn(rows, count, generator=generator)
            case _:
                parts[name] = Labels(names)
                columns[name] = torch.randint(0, 2, (rows, count), generator=generator).float()
    several = Several(parts)
    stored = torch.cat([each.reshape(rows, -1).float() for each in columns.values()], 1)
    for name, column in columns.items():
        assert torch.equal(several.of(name, stored), column)
        assert several.of(name, stored).dtype == column.dtype
