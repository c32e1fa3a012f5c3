"""Networks that answer with pictures and rows: trained, predicted with, judged, reported, from Python and the shell."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_iris

import pellucid
from pellucid.data import load
from pellucid.errors import DataError, OptionError
from pellucid.verbs.run import Run

RANDOM = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("digits")
    return pellucid.train(
        "digits", network="autoencoder(4, variational=yes, width=4)", epochs=2, folder=str(folder), quiet=True
    )


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("flowers")
    table = load_iris(as_frame=True)
    frame = table.frame.assign(species=[table.target_names[i] for i in table.frame.pop("target")])
    frame.to_csv(folder / "iris.csv", index=False)
    return pellucid.train(
        folder / "iris.csv", network="autoencoder(3)", epochs=60, folder=str(folder / "runs"), quiet=True
    )


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of a bright square on dark ground, with masks that say where it is."""
    folder = tmp_path_factory.mktemp("squares") / "street"
    for number in range(30):
        mask = np.zeros((12, 10), np.uint8)
        top, left = RANDOM.integers(0, (8, 6))
        mask[top : top + 4, left : left + 4] = 1
        for part, pixels in (("images", 60 + 120 * mask + RANDOM.integers(0, 40, mask.shape)), ("masks", mask)):
            (folder / part).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / part / f"{number:02d}.png")
    (folder / "classes.txt").write_text("ground\nsquare\n")
    return folder


@pytest.fixture(scope="module")
def squares(street: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    return pellucid.train(
        street, network="fcn(width=4)", epochs=30, learning_rate=0.02, batch_size=6, folder=str(folder), quiet=True
    )


def pellucid_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pellucid", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.covers("B10")
def test_images_are_given_back_as_pictures_with_their_error(digits: Run, tmp_path: Path) -> None:
    data = load("digits", task="reconstruction")
    rows = data.rows["test"][:5]
    predictions = digits.predict(data.inputs[rows].permute(0, 2, 3, 1).numpy())
    network = digits.model()
    with torch.no_grad():
        given = network(data.batch(rows)[0])
    pixels = data.preprocessing.restore(given)
    errors = (given - data.batch(rows)[0]).square().flatten(1).mean(1)
    for place, prediction in enumerate(predictions):
        assert prediction.values["squared error"] == pytest.approx(float(errors[place]), rel=1e-5)
        assert prediction.picture is not None
        with Image.open(io.BytesIO(prediction.picture)) as image:
            assert np.array_equal(np.asarray(image), pixels[place, 0])
    Image.fromarray(data.inputs[0, 0].numpy()).save(tmp_path / "seven.bmp")
    told = pellucid_command(
        "predict", str(digits.folder), str(tmp_path / "seven.bmp"), "--output", str(tmp_path / "back"), "--json", "-"
    )
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)["predictions"][0]
    assert said["picture"] == str(tmp_path / "back" / "seven.png")
    assert set(said["values"]) == {"squared error"}
    with Image.open(said["picture"]) as image:
        assert image.size == (8, 8)


@pytest.mark.covers("B10")
def test_rows_are_given_back_in_the_units_of_their_columns(flowers: Run, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"sepal length (cm)": [5.1], "sepal width (cm)": [3.5], "petal length (cm)": [1.4], "petal width (cm)": [0.2],
         "species": ["setosa"]}
    )  # fmt: skip
    (prediction,) = flowers.predict(frame)
    assert prediction.words == {"species": "setosa"}
    for name in frame.columns[:4]:
        assert prediction.values[name] == pytest.approx(frame[name][0], abs=0.6)
    # what is unlike all flowers comes back badly
    (odd,) = flowers.predict(frame.with_columns(pl.lit(9.0).alias("petal width (cm)")))
    assert odd.values["squared error"] > 20 * prediction.values["squared error"]
    with pytest.raises(OptionError, match="does not answer with pictures"):
        pellucid.predict(flowers, frame, output=str(tmp_path))
    assert flowers.evaluate(frame)["mse"] == pytest.approx(prediction.values["squared error"], rel=1e-4)


@pytest.mark.covers("B12")
def test_masks_are_written_and_can_be_trained_on(squares: Run, street: Path, tmp_path: Path) -> None:
    pellucid.predict(squares, street / "images", output=str(tmp_path / "again" / "masks"))
    (tmp_path / "again" / "images").symlink_to(street / "images")
    again = load(tmp_path / "again")
    data = squares.data()
    with torch.no_grad():
        said = squares.model()(data.batch(torch.arange(len(data)))[0]).argmax(1)
    assert torch.equal(again.targets.long(), said)
    agreement = float((again.targets == data.targets).double().mean())
    assert agreement > 0.95
    (prediction,) = squares.predict(street / "images" / "00.png")
    assert prediction.values == pytest.approx(
        {"ground": float((said[0] == 0).double().mean()), "square": float((said[0] == 1).double().mean())}
    )


@pytest.mark.slow
@pytest.mark.covers("B12")
def test_new_images_and_masks_are_judged(squares: Run, street: Path, tmp_path: Path) -> None:
    assert squares.evaluate()["iou"] > 0.8
    judged, data = squares.evaluate(street), squares.data()
    arrays = (data.inputs.permute(0, 2, 3, 1).numpy(), data.targets.numpy())
    assert squares.evaluate(arrays) == pytest.approx(judged)
    told = pellucid_command("evaluate", str(squares.folder), str(street), "--json", "-")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["metrics"] == pytest.approx(judged)
    with pytest.raises(DataError, match="nothing to judge"):
        squares.evaluate(street / "images")
    other = tmp_path / "other"
    for part in ("images", "masks"):
        (other / part).mkdir(parents=True)
        (other / part / "0.png").write_bytes((street / part / "00.png").read_bytes())
    with pytest.raises(DataError, match="classes that the network did not learn"):
        squares.evaluate(other)  # without classes.txt its classes are called 0 and 1


@pytest.mark.parametrize(("name", "said"), [("digits", "Through 4 numbers"), ("flowers", "Through 3 numbers")])
def test_the_page_shows_what_came_back_beside_pca(name: str, said: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(name)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "What it gives back" in page
    assert said in page
    assert "principal component analysis with as many leaves" in page
    assert "R²" in page
    # eighteen rows beside what came back, and twelve codes drawn
    assert page.count("<img") == (18 * 2 + 12 if name == "digits" else 0)


def test_the_page_shows_masks(squares: Run) -> None:
    page = (squares.folder / "report.html").read_text(encoding="utf-8")
    assert "What it sees where" in page
    assert page.count("<img") == 3 * len(squares.data().rows["test"])
    assert "IoU" in page
