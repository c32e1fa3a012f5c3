"""The report of real runs: every kind of data, modules of one's own, runs that ended badly, data that is gone."""

import base64
import io
import re
import shutil
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

import pellucid
from pellucid.errors import DivergedError, RunError
from pellucid.networks.through_time import reach
from pellucid.verbs.reporting import command_of
from pellucid.verbs.run import Run
from tests.report.reading import Node, read


@pytest.fixture(scope="module", autouse=True)
def _in_a_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Write one source of each kind, small and learnable."""
    draw = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("sources")
    Sources.folder = folder
    rows = [f"{age},{'yes' if age > 40 else 'no'},{age * 3.1 + draw.normal():.2f}" for age in range(20, 80)]
    (folder / "table.csv").write_text("age,<b>bought</b>,price\n" + "\n".join(rows) + "\n")
    months = [f"{year}-{month:02},{10 * np.sin(month / 2) + year - 1990:.3f}" for year in range(1990, 2000)
              for month in range(1, 13)]  # fmt: skip
    (folder / "series.csv").write_text("month,sales\n" + "\n".join(months) + "\n")
    for name, word in (("up", "ab"), ("down", "yz")):
        (folder / "texts").mkdir(exist_ok=True)
        lines = ["".join(draw.choice(list(word), 6)) for _ in range(40)]
        (folder / "texts" / f"{name}.txt").write_text("\n".join(lines) + "\n")
        for number in range(20):
            (folder / "images" / name).mkdir(parents=True, exist_ok=True)
            pixels = draw.integers(0, 120, (130, 120, 3)).astype(np.uint8)
            pixels[: 60 if name == "up" else 130, :, 0] += 100
            Image.fromarray(pixels).save(folder / "images" / name / f"{number}.png")
    (folder / "story.txt").write_text("the cat sat on the mat and the dog on the log\n" * 40)


class Sources:
    folder = Path()


def train(source: str, **options: Any) -> Run:
    known = {"digits", "iris"}
    data = source if source in known else str(Sources.folder / source)
    folder = str(Sources.folder / "runs")
    return pellucid.train(data, **{"epochs": 2, "quiet": True, "folder": folder, **options})


def told(run: Run, **given: Any) -> Node:
    path = run.report(**given)
    assert path == run.folder / "report.html"
    return read(path.read_text(encoding="utf-8"))


KINDS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "image": ("images", {"network": "mlp", "size": "100x100"}, ["How it does", "What is taken for what"]),
    "digits": ("digits", {"network": "mlp"}, ["accuracy", "What is taken for what", "Calibration"]),
    "table of classes": ("table.csv", {"target": "<b>bought</b>"}, ["<b>bought</b>", "When to say", "recall"]),
    "table of values": ("table.csv", {"target": "price"}, ["Predicted and true price", "rmse"]),
    "forecast": ("series.csv", {}, ["Forecast of sales", "repeating the last value"]),
    "texts": ("texts", {}, ["When to say", "recall"]),
    "language": ("story.txt", {"length": 16}, ["perplexity"]),
}


QUICK = {"digits", "table of values", "texts"}


@pytest.mark.parametrize("kind", [pytest.param(k, marks=[] if k in QUICK else [pytest.mark.slow]) for k in KINDS])
def test_every_kind_of_data_is_told_whole(kind: str) -> None:
    source, options, words = KINDS[kind]
    run = train(source, **options)
    root = told(run)
    sections = [node.attributes["id"] for node in root.all("section") if "id" in node.attributes]
    back = ["reach"] * (kind in {"forecast", "texts", "language"})
    assert sections == ["performance", "mistakes", "learning", *back, "network", "data", "asked"]
    for word in [run.judge().headline, *words]:
        assert word in root.text.replace("\N{NO-BREAK SPACE}", " ")
    first = run.report().read_bytes()
    assert run.report().read_bytes() == first
    assert len(first) < 1_000_000


@pytest.mark.covers("B6")
def test_how_far_back_a_recurrent_networks_gradient_reaches_is_drawn_before_and_after() -> None:
    run = train("series.csv", network="lstm(8, from_last=yes)", name="reaching")
    drawn = told(run).one("reach")
    data = run.data()
    rows = data.rows["test"]
    inputs_NTF, _ = data.batch(rows[torch.linspace(0, len(rows) - 1, 16).long()])
    ends = []
    for network in (run.model(), pellucid.build(run.asked["network"]["arrows"], seed=0)):
        layer = network[0].body[0]  # type: ignore[index]
        felt_T = reach(layer, inputs_NTF - inputs_NTF[:, -1:])
        ends.append((f"{felt_T[-1]:.2g}", f"{felt_T[0]:.2g}"))
    (last, first), (last_before, first_before) = ends
    said = drawn.all("svg")[0].attributes["aria-label"]
    assert f"in the trained network {last} at the last step and {first} {len(felt_T) - 1} steps before it" in said
    assert said.endswith(f"before the training {last_before} and {first_before}.")
    assert "steps back" in drawn.text


def test_mistakes_are_shown_as_what_the_network_saw() -> None:
    run = train("digits", network="mlp", epochs=1)
    judgement, data = run.judge(), run.data()
    pictures = told(run).one("mistakes").all("img")
    assert len(pictures) == len(judgement.mistakes) > 0
    for mistake, shown in zip(judgement.mistakes, pictures, strict=True):
        kind, content = re.fullmatch(r"data:image/(\w+);base64,(.+)", shown.attributes["src"]).groups()  # type: ignore[union-attr]
        assert kind == "png"
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
        np.testing.assert_array_equal(pixels, data.inputs[mistake.row, 0].numpy())
        assert f"is {mistake.truth}" in shown.attributes["alt"]


def test_photographs_are_made_small() -> None:
    run = train("images", network="mlp", epochs=1)
    shown = told(run).one("mistakes").all("img")
    assert all(picture.attributes["src"].startswith("data:image/jpeg") for picture in shown)


def test_the_command_trains_the_same_network_again() -> None:
    run = train("table.csv", target="<b>bought</b>", learning_rate=1e-3, name="kept here")
    command, _ = command_of(run)
    expected = (
        f"pellucid train {Sources.folder / 'table.csv'} --target '<b>bought</b>' --epochs 2 --learning-rate 0.001"
    )
    assert command == expected
    assert expected in told(run).one("asked").text


def test_what_a_penalty_made_zero_is_counted() -> None:
    run = train("iris", network="linear", l1=0.2, epochs=20)
    zeros = int((load_file(run.folder / "weights.safetensors")["fc1.weight"] == 0).sum())
    assert 0 < zeros <= 12
    assert f"Of its 12 weights the l1 penalty made {zeros} exactly 0" in told(run).one("network").text
    assert "penalty" not in told(train("iris")).one("network").text


def test_a_source_that_is_gone_is_said_to_be() -> None:
    shutil.copy(Sources.folder / "table.csv", Sources.folder / "gone.csv")
    run = train("gone.csv", target="price")
    (Sources.folder / "gone.csv").unlink()
    root = told(run)
    assert "Trained to the end, but not judged" in root.text
    assert "gone.csv does not exist" in root.text
    assert not [node for node in root.all("section") if node.attributes.get("id") == "performance"]


def test_a_training_that_diverged_says_so() -> None:
    with pytest.raises(DivergedError):
        train("digits", network="mlp", optimizer="sgd", learning_rate=1e6, schedule="constant", name="diverged")
    text = told(pellucid.open_run(Sources.folder / "runs" / "diverged")).text
    assert "the training diverged" in text
    assert "smaller --learning-rate" in text


def test_a_run_stopped_before_its_first_step_says_so() -> None:
    run = train("iris", name="unbegun")
    (run.folder / "record.jsonl").write_text("")
    (run.folder / "timing.jsonl").unlink()
    text = told(pellucid.open_run(run.folder)).text
    assert "Not begun" in text
    assert f"pellucid train --resume {run.folder}" in text


def test_a_module_of_ones_own_is_described_and_judged_where_it_is_given() -> None:
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    run = pellucid.train("iris", module, epochs=2, quiet=True, folder=str(Sources.folder / "runs"))
    without = told(pellucid.open_run(run.folder))
    assert "a module of your own" in without.text
    assert "0.weight" in without.one("network").text
    root = told(run, network=nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)))
    assert "ReLU" in root.one("network").text
    assert root.one("performance")
    assert "shapes, FLOPs and receptive fields are unknown" in root.text
    other = told(run, network=nn.Linear(4, 3))
    assert "belongs to another network" in other.text


def test_a_page_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    run = train("iris")
    with pytest.raises(RunError, match="cannot be written"):
        run.report(tmp_path / "no such folder" / "report.html")
    assert not list(tmp_path.iterdir())
    assert run.report(tmp_path / "page.html").exists()


def test_no_figure_changes_matplotlibs_settings() -> None:
    before = dict(mpl.rcParams)
    train("iris").report()
    assert dict(mpl.rcParams) == before
