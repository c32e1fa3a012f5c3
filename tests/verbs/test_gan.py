"""Generators trained, sampled, resumed and reported, from Python and the command line."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from rich.console import Console
from safetensors.torch import load_file

import pellucid
from pellucid.cli import main
from pellucid.errors import NotationError, OptionError, RunError
from pellucid.verbs.predict import PredictOptions
from pellucid.verbs.predict import command as predict_command
from pellucid.verbs.run import Run
from tests.report.reading import read


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = str(tmp_path_factory.mktemp("ring"))
    return pellucid.train("ring", "gan(width=32)", epochs=2, folder=folder, quiet=True, device="cpu")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = str(tmp_path_factory.mktemp("digits"))
    return pellucid.train("digits", "gan(width=4)", epochs=2, folder=folder, quiet=True, device="cpu")


def command(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 0


@pytest.mark.covers("B9")
def test_a_name_is_enough_and_labels_are_left_aside(ring: Run) -> None:
    assert ring.asked["task"] == "generation"
    assert ring.record.result is not None
    wanted = {"energy_distance", "nearest_neighbour", "real_accuracy", "made_accuracy", "modes", "high_quality"}
    assert wanted <= ring.record.result.metrics.keys()
    assert ring.evaluate() == pytest.approx(dict(ring.record.result.metrics))


@pytest.mark.covers("B9")
def test_samples_are_drawn_by_seed_in_the_datas_units(ring: Run, digits: Run) -> None:
    points = ring.sample(500, seed=1)
    assert isinstance(points, torch.Tensor)
    assert points.shape == (500, 2)
    assert np.array_equal(points, _points(ring, 500, 1))
    assert not np.array_equal(points, _points(ring, 500, 2))
    assert points.abs().max() > 1.2  # the ring's radius is 2; standardised it would be 1.4
    pixels = digits.sample(7)
    assert isinstance(pixels, torch.Tensor)
    assert (pixels.shape, pixels.dtype) == ((7, 1, 8, 8), torch.uint8)


def test_the_averaged_weights_are_what_is_sampled(ring: Run) -> None:
    weights = load_file(ring.folder / "weights.safetensors")
    network = ring.model()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, weights[name])
    assert not torch.equal(_first(weights, "average"), _first(weights, "generator"))


def _first(weights: dict[str, torch.Tensor], part: str) -> torch.Tensor:
    return next(tensor for name, tensor in weights.items() if f".{part}." in name)


@pytest.mark.covers("B9")
def test_the_command_writes_samples(ring: Run, digits: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command("predict", str(digits.folder), "--samples", "9", "--output", str(tmp_path / "digits.png"))
    assert np.asarray(Image.open(tmp_path / "digits.png")).shape == (100, 100)
    command("predict", str(ring.folder), "--samples", "5", "--seed", "3", "--output", str(tmp_path / "points.csv"))
    assert pl.read_csv(tmp_path / "points.csv").to_numpy() == pytest.approx(_points(ring, 5, 3), abs=1e-5)
    capsys.readouterr()
    command("predict", str(ring.folder), "--samples", "2")
    assert capsys.readouterr().out.startswith("x1,x2\n")
    with pytest.raises(OptionError, match=r"such as samples\.png"):
        _predict_without_output(digits)


def _points(run: Run, count: int, seed: int) -> np.ndarray:
    points = run.sample(count, seed)
    assert isinstance(points, torch.Tensor)
    return points.numpy()


def _predict_without_output(run: Run) -> None:
    predict_command(PredictOptions(run=str(run.folder)), Console(quiet=True))


def test_of_an_input_the_discriminator_says_how_real_it_looks(ring: Run) -> None:
    said = ring.predict(np.array([[2.0, 0.0], [40.0, 40.0]]))
    logits = ring.model()(ring.preprocessing.prepare(torch.tensor([[2.0, 0.0], [40.0, 40.0]])))
    assert [each.values["discriminator"] for each in said] == pytest.approx(logits[:, 0].tolist(), rel=1e-5)


@pytest.mark.covers("B9")
def test_the_report_shows_samples_and_the_balance(ring: Run, digits: Run) -> None:
    for run in (ring, digits):
        page = read((run.folder / "report.html").read_text(encoding="utf-8"))
        shown = page.one("specimens")
        assert "What it makes" in shown.text
        assert "Balance" in page.one("learning").text
    assert len(shown.all("img")) == 36


@pytest.mark.covers("B9")
def test_two_networks_of_ones_own(tmp_path: Path) -> None:
    run = pellucid.train(
        "ring",
        generator="4 -> fc(16) -> relu -> fc(2)",
        discriminator="fc(16) -> relu -> fc(1)",
        adversarial_loss="hinge",
        epochs=1,
        folder=str(tmp_path),
        quiet=True,
    )
    assert run.asked["network"]["arrows"] == (
        "2 -> gan(generator: code(4) -> fc(16) -> relu -> fc(2) | discriminator: fc(16) -> relu -> fc(1))"
    )
    again = pellucid.open_run(run.folder)
    assert torch.equal(torch.as_tensor(again.sample(3)), torch.as_tensor(run.sample(3)))


def test_a_table_is_learned_without_its_target_and_comes_back_as_a_table(tmp_path: Path) -> None:
    rows = [f"{age},{'red' if age % 3 else 'blue'}" for age in range(20, 90)]
    (tmp_path / "people.csv").write_text("age,colour\n" + "\n".join(rows) + "\n")
    run = pellucid.train(tmp_path / "people.csv", "gan(width=8)", epochs=1, folder=str(tmp_path), quiet=True)
    made = run.sample(12)
    assert isinstance(made, pl.DataFrame)
    assert made.columns == ["age", "colour"]
    assert set(made["colour"].drop_nulls()) <= {"red", "blue"}


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"generator": "4 -> fc(3)"}, NotationError, "2 at the end of --generator"),
    ({"discriminator": "fc(2)"}, NotationError, "one number"),
    ({"network": "gan", "generator": "4 -> fc(2)"}, OptionError, "or --network"),
    ({"network": "mlp", "task": "generation"}, OptionError, "nothing around them"),
    ({"network": "gan", "range_test": True}, OptionError, "range"),
    ({"network": "gan", "target": "mode"}, OptionError, "target"),
]


@pytest.mark.covers("B9")
@pytest.mark.parametrize(("options", "error", "word"), REFUSED, ids=str)
def test_what_does_not_go_together_is_refused(
    options: dict[str, Any], error: type[Exception], word: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=word):
        pellucid.train("ring", folder=str(tmp_path), quiet=True, epochs=1, **options)
    assert not list(tmp_path.iterdir())


def test_a_network_that_tells_classes_makes_no_samples(tmp_path: Path) -> None:
    run = pellucid.train("iris", epochs=1, folder=str(tmp_path), quiet=True, no_report=True)
    with pytest.raises(RunError, match="makes no samples"):
        run.sample()
    with pytest.raises(OptionError, match="something is missing"):
        _predict_without_output(run)
