"""For every kind of data: the preprocessing is fitted on the training rows alone and applied to new input by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

import pellucid
from pellucid.data import Dataset, load
from pellucid.data.preprocessing import from_json, to_json

# writes a source into a folder, the rows of a mask changed beyond recognition, and returns it
Write = Callable[[Path, NDArray[np.bool_]], object]

COUNT = 60
LABELS = np.arange(COUNT) % 2


def numbers(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(mask, 1e4, np.random.default_rng(0).normal(3, 2, COUNT))


def table(folder: Path, mask: NDArray[np.bool_]) -> object:
    words = np.where(mask, "new", np.random.default_rng(1).choice(["p", "q"], COUNT))
    gaps = [None if number % 9 == 0 else value for number, value in enumerate(numbers(mask).tolist())]
    frame = pl.DataFrame({"number": numbers(mask), "gaps": gaps, "word": words, "label": LABELS})
    frame.write_csv(folder / "data.csv")
    return folder / "data.csv"


def series(folder: Path, mask: NDArray[np.bool_]) -> object:
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 2, 29), eager=True)
    pl.DataFrame({"date": days, "value": numbers(mask)}).write_csv(folder / "data.csv")
    return folder / "data.csv"


def arrays(folder: Path, mask: NDArray[np.bool_]) -> object:
    np.savez(folder / "data.npz", x=numbers(mask)[:, None] * [1, -20], y=LABELS)
    return folder / "data.npz"


def images(folder: Path, mask: NDArray[np.bool_]) -> object:
    random = np.random.default_rng(0)
    for number, label in enumerate(LABELS.tolist()):
        path = folder / "data" / "ab"[label] / f"{number // 2:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 200, (5, 4), dtype=np.uint8)
        # rows are in the order of the files, class by class
        changed = mask[label * COUNT // 2 + number // 2]
        Image.fromarray(np.full_like(pixels, 255) if changed else pixels).save(path)
    return folder / "data"


def lines(folder: Path, mask: NDArray[np.bool_]) -> object:
    (folder / "data").mkdir(exist_ok=True)
    for label, name in enumerate("ab"):
        rows = range(label * COUNT // 2, (label + 1) * COUNT // 2)
        written = "".join(f"{name * 3} {'ö' if mask[row] else 'o'}{row}\n" for row in rows)
        (folder / "data" / f"{name}.txt").write_text(written)
    return folder / "data"


def text(folder: Path, mask: NDArray[np.bool_]) -> object:
    (folder / "data.txt").write_text("".join("ö" * 8 if changed else "the cat " for changed in mask) + ".")
    return folder / "data.txt"


KINDS: dict[str, tuple[Write, dict[str, Any]]] = {
    "table": (table, {}),
    "series": (series, {"window": 3}),
    "array": (arrays, {}),
    "image": (images, {}),
    "text-lines": (lines, {}),
    "text": (text, {"length": 8}),
}


def loaded(kind: str, folder: Path, mask: NDArray[np.bool_] | None = None) -> Dataset:
    write, options = KINDS[kind]
    data = load(write(folder, np.zeros(COUNT, dtype=bool) if mask is None else mask), **options)
    assert data.preprocessing.kind == kind
    return data


@pytest.mark.covers("C12")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_held_out_leaves_the_preprocessing_alone_and_what_is_trained_on_does_not(
    kind: str, tmp_path: Path
) -> None:
    data = loaded(kind, tmp_path)
    in_time = kind in ("series", "text")  # the last rows are held out there
    held_out = np.zeros(COUNT, dtype=bool)
    held_out[range(50, COUNT) if in_time else data.rows["test"].numpy()] = True
    trained = np.zeros(COUNT, dtype=bool)
    trained[range(10) if in_time else data.rows["train"][:10].numpy()] = True
    assert to_json(loaded(kind, tmp_path, held_out).preprocessing) == to_json(data.preprocessing)
    assert to_json(loaded(kind, tmp_path, trained).preprocessing) != to_json(data.preprocessing)


@pytest.mark.covers("C12")
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "series"])
def test_new_input_is_prepared_as_training_input_was(kind: str, tmp_path: Path) -> None:
    data = loaded(kind, tmp_path)
    source = Path(data.source.location)
    again = from_json(to_json(data.preprocessing))
    samples = again.read(source)
    assert torch.equal(again.prepare(samples.inputs), data.batch(torch.arange(len(data)))[0])


@pytest.mark.covers("C12")
def test_every_window_of_a_series_is_prepared_as_in_training(tmp_path: Path) -> None:
    data = loaded("series", tmp_path)
    samples = data.preprocessing.read(tmp_path / "data.csv")
    prepared = data.preprocessing.prepare(samples.inputs)
    # one window more than in training: the one that forecasts the future
    assert torch.equal(prepared[:-1], data.batch(torch.arange(len(data)))[0])


@pytest.mark.covers("C12")
def test_a_run_predicts_from_raw_input(tmp_path: Path) -> None:
    """The network sees standardised numbers, the user gives and gets those of the file."""
    inputs = np.random.default_rng(0).normal(1000, 50, (80, 2))
    frame = pl.DataFrame({"a": inputs[:, 0], "b": inputs[:, 1], "y": inputs @ [3.0, -2.0] + 7})
    frame.write_csv(tmp_path / "data.csv")
    frame.drop("y").write_csv(tmp_path / "new.csv")
    run = pellucid.train(
        tmp_path / "data.csv", network="linear", folder=str(tmp_path / "runs"), epochs=150, quiet=True,
        optimizer="sgd", learning_rate=0.1, weight_decay=0.0, task="regression",
    )  # fmt: skip
    predicted = [prediction.values["y"] for prediction in run.predict(tmp_path / "new.csv")]
    np.testing.assert_allclose(predicted, frame["y"].to_numpy(), atol=0.5)
