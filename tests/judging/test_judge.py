"""A whole judgement: every field, on every kind of data, and the worst predictions with what stood in their rows."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torch import nn

import pellucid
from pellucid.data.dataset import Dataset
from pellucid.errors import DataError, OptionError
from pellucid.judging.judge import judge
from pellucid.judging.judgement import Judgement
from pellucid.judging.mistakes import shown
from pellucid.recipe import Recipe
from pellucid.seed import isolated, seed_torch
from pellucid.training.device import choose_device
from pellucid.training.evaluation import evaluate
from pellucid.training.tasks import supervised_task_for

CPU = choose_device(Recipe(device="cpu"))


def untrained(data: Dataset, outputs: int) -> nn.Module:
    """Return a network with the weights it begins with: what it says is wrong in every way there is."""
    with isolated():
        seed_torch(0, "test")
        if data.preprocessing.kind == "text":
            return nn.Embedding(outputs, outputs)
        inputs = data.batch(torch.zeros(1, dtype=torch.int64))[0].numel()
        return nn.Sequential(nn.Flatten(), nn.Linear(inputs, outputs))


def judged(data: Dataset, **options: Any) -> Judgement:
    task = supervised_task_for(data, Recipe(device="cpu"))
    split = options.pop("split", "test")
    return judge(untrained(data, task.outputs), data, task, split, CPU, **options)


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits", "diabetes", "seasons", "sentences"])
def test_every_field_is_filled_on_every_kind_of_data(name: str) -> None:
    data = pellucid.load(name)
    task = supervised_task_for(data, Recipe(device="cpu"))
    found = judged(data)
    network = untrained(data, task.outputs)
    expected = evaluate(network, data, task, "test", CPU)
    assert {metric: figure.value for metric, figure in found.metrics.items()} == pytest.approx(expected, rel=1e-5)
    assert found.baseline.metrics.keys() == expected.keys()
    assert (found.samples, found.metric, found.task) == (len(data.rows["test"]), task.metric, task.name)
    assert all(figure.low <= figure.value <= figure.high for figure in found.metrics.values())
    assert found.bias_variance is not None
    assert found.facts is not None
    assert found.facts.notes == data.notes
    of_classes, of_two = task.name == "classification", name == "breast_cancer"
    assert bool(found.classes) == (found.confusion is not None) == (found.calibration is not None) == of_classes
    assert (found.threshold is not None) == of_two
    assert bool(found.residuals) == (name in {"diabetes", "seasons"})
    assert 0 < len(found.mistakes) <= 24
    assert f"{found.samples:,} rows it never saw" in found.headline or name == "sentences"
    json.dumps(found.to_json())
    assert judged(data) == found


def test_the_loss_is_that_of_the_training_with_smoothed_labels_too() -> None:
    data = pellucid.load("iris")
    task = supervised_task_for(data, Recipe(device="cpu", label_smoothing=0.2))
    network = untrained(data, 3)
    found = judge(network, data, task, "test", CPU)
    assert found.metrics["loss"].value == pytest.approx(evaluate(network, data, task, "test", CPU)["loss"], rel=1e-5)


def test_the_worst_mistakes_come_first_with_the_columns_they_stood_in() -> None:
    data = pellucid.load("iris")
    found = judged(data, split="train", mistakes=5)
    probabilities = [mistake.probability for mistake in found.mistakes]
    assert len(probabilities) == 5
    assert all(mistake.truth != mistake.said for mistake in found.mistakes)
    worst = found.mistakes[0]
    inputs, targets = data.split("train")
    losses = nn.functional.cross_entropy(untrained(data, 3)(inputs), targets, reduction="none")
    wrong = untrained(data, 3)(inputs).argmax(1) != targets
    assert worst.row == int(data.rows["train"][losses.where(wrong, torch.tensor(-1.0)).argmax()])
    assert worst.name == f"row {worst.row + 1}"
    assert list(worst.shown) == [
        "sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)",
    ]  # fmt: skip


def test_rows_are_shown_as_they_were_read() -> None:
    frame = pl.DataFrame(
        {
            "weight": [61.25, 70.0, None, 99.9, 0.0] * 20,
            "town": ["Ulm", "Bonn", None, "Ulm", "Köln"] * 20,
            "since": ["2019-03-01", "2020-12-31", "2021-07-04", "1999-01-01", "2024-02-29"] * 20,
            "at": ["2019-03-01 07:30", "2020-12-31 23:59", "2021-07-04 12:00", "1999-01-01 00:01", "2024-02-29 06:15"]
            * 20,
            "answer": ["yes", "no", "no", "yes", "no"] * 20,
        }
    )
    data = pellucid.load(frame, target="answer")
    assert [dict(shown(data, row)) for row in range(3)] == [
        {"weight": "61.25", "town": "Ulm", "since": "2019-03-01", "at": "2019-03-01 07:30"},
        {"weight": "70", "town": "Bonn", "since": "2020-12-31", "at": "2020-12-31 23:59"},
        {"weight": "missing", "town": "missing", "since": "2021-07-04", "at": "2021-07-04 12:00"},
    ]
    assert shown(data, 3)["weight"] == "99.9"
    assert shown(data, 4)["weight"] == "0"


def test_no_digits_are_shown_that_the_stored_form_has_lost() -> None:
    incomes = [61.25, 0.0, 1e9, 5e8] * 25
    data = pellucid.load(
        pl.DataFrame({"income": incomes, "other": range(100), "answer": ["a", "b"] * 50}), target="answer"
    )
    assert [shown(data, row)["income"] for row in range(4)] == ["100", "0", "1e+09", "5e+08"]


def test_lines_of_text_and_points_are_shown_too(tmp_path: Path) -> None:
    for name, lines in {
        "greek": ["alpha", "beta", "gamma", "delta"],
        "latin": ["unus", "duo", "tres", "quattuor"],
    }.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(lines))
    data = pellucid.load(tmp_path)
    assert {shown(data, row)["text"] for row in data.rows["train"].tolist()} <= {
        "alpha", "beta", "gamma", "delta", "unus", "duo", "tres", "quattuor",
    }  # fmt: skip
    points = pellucid.load("circles")
    assert shown(points, 7) == {f"x{i}": f"{value:.6g}" for i, value in enumerate(points.inputs[7].tolist(), 1)}
    assert shown(pellucid.load("digits"), 0) == {}


def test_the_threshold_is_chosen_for_the_class_that_is_asked_for() -> None:
    data = pellucid.load("breast_cancer")
    rarer, other = judged(data).threshold, judged(data, positive="benign", goal="recall 0.9").threshold
    assert rarer is not None
    assert (rarer.positive, rarer.goal, rarer.chosen_on) == ("malignant", "f1", "validation")
    assert other is not None
    assert (other.positive, other.goal) == ("benign", "recall 0.9")
    on_itself = judged(data, split="validation").threshold
    assert on_itself is not None
    assert on_itself.chosen_on == "validation"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("breast_cancer", {"positive": "malignnt"}, "did you mean 'malignant'"),
        ("iris", {"positive": "setosa"}, "classification of 3 classes"),
        ("diabetes", {"positive": "yes"}, "chosen between two classes only"),
        ("iris", {"goal": "recall 0.9"}, "no --goal"),
        ("breast_cancer", {"goal": "speed"}, "a threshold cannot be chosen for 'speed'"),
    ],
)
def test_what_cannot_be_asked_is_refused(name: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        judged(pellucid.load(name), **options)


def test_no_rows_cannot_be_judged() -> None:
    with pytest.raises(DataError, match="there are no test rows to judge"):
        judged(pellucid.load("iris", split="80:20"))


def test_other_rows_are_judged_by_what_the_training_data_tells() -> None:
    data = pellucid.load("breast_cancer")
    rows, none = data.rows["test"], data.rows["test"][:0]
    new = dataclasses.replace(
        data,
        inputs=data.inputs[rows],
        targets=data.targets[rows],
        rows={"train": none, "validation": none, "test": torch.arange(len(rows))},
    )
    names = [f"patient {number}" for number in range(len(rows))]
    known, alone = judged(new, trained_on=data, names=names), judged(new)
    own = judged(data)
    assert known.metrics == own.metrics == alone.metrics
    assert known.threshold == own.threshold
    assert known.baseline == own.baseline
    assert known.bias_variance is not None
    assert known.facts is None
    assert known.mistakes[0].name.startswith("patient ")
    assert "new rows (" in known.headline
    assert alone.threshold is not None
    assert alone.threshold.chosen_on == "test"
    assert alone.bias_variance is None


def test_figures_of_one_row_are_given_without_an_interval() -> None:
    data = pellucid.load("diabetes")
    single = dataclasses.replace(data, rows={**data.rows, "test": data.rows["test"][:1]})
    found = judged(single)
    assert np.isnan(found.metrics["mse"].low)
    assert "nan" not in found.headline
    assert found.samples == 1


def test_images_of_a_folder_are_called_by_their_files(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(12):
            Image.fromarray(random.integers(0, 255, (8, 8), dtype=np.uint8)).save(tmp_path / label / f"{number}.png")
    data = pellucid.load(tmp_path)
    found = judged(data, split="train")
    assert found.mistakes
    for mistake in found.mistakes:
        label, file = Path(mistake.name).parts
        assert label == mistake.truth
        pixels = np.asarray(Image.open(tmp_path / label / file))
        assert (data.inputs[mistake.row, 0].numpy() == pixels).all()
    (tmp_path / "cat" / "0.png").unlink()
    assert judged(data, split="train").mistakes[0].name.startswith("row ")
