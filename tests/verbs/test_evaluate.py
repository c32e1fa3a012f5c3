"""`pellucid evaluate` and `predict --threshold`, from Python and the command line, on files that are not ours."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid.cli import main
from pellucid.errors import DataError, OptionError, RunError
from pellucid.verbs.evaluate import Evaluation
from pellucid.verbs.run import Run


def customers(seed: int, count: int = 300) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    years, complaints = random.integers(0, 20, count), random.poisson(1.5, count)
    contract = random.choice(["monthly", "yearly"], count)
    churned = complaints - years / 4 + (contract == "monthly") + random.normal(0, 0.5, count) > 0.8
    answers = np.where(churned, "yes", "no")
    return pl.DataFrame({"years": years, "complaints": complaints, "contract": contract, "churned": answers})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    customers(0).write_csv(folder / "customers.csv")
    customers(1).write_csv(folder / "later.csv")
    return folder


def trained(place: Path, name: str, **options: Any) -> Run:
    settings: dict[str, Any] = {"epochs": 30, "target": "churned", **options}
    return pellucid.train(place / "customers.csv", name=name, folder=str(place / "runs"), quiet=True, **settings)


@pytest.fixture(scope="module")
def churn(place: Path) -> Run:
    return trained(place, "churn")


@pytest.fixture(scope="module")
def poor(place: Path) -> Run:
    return trained(place, "poor", network="4 -> fc(2)", epochs=1, learning_rate=1e-6)


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pellucid.train("iris", epochs=3, folder=str(tmp_path_factory.mktemp("flowers")), quiet=True)


@pytest.fixture(scope="module")
def seasons(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pellucid.train("seasons", epochs=2, horizon=3, folder=str(tmp_path_factory.mktemp("seasons")), quiet=True)


def command(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pellucid", *arguments], cwd=place, capture_output=True, text=True, check=False
    )


@pytest.mark.covers("D1")
def test_an_evaluation_is_a_mapping_of_metrics_that_knows_the_rest(churn: Run) -> None:
    found = pellucid.evaluate(churn, goal="recall 0.9", positive="yes")
    assert isinstance(found, Evaluation)
    assert dict(found) == pytest.approx(churn.evaluate())
    assert repr(found) == repr(dict(found))
    assert found["accuracy"] > 0.75
    assert found.judgement.threshold is not None
    assert found.judgement.threshold.goal == "recall 0.9"
    assert (found.comparison, found.learning_curve) == (None, None)


@pytest.mark.slow
@pytest.mark.covers("D1")
def test_the_command_line_says_and_writes_all_of_it(churn: Run, place: Path) -> None:
    done = command(place, "evaluate", "runs/churn", "--json", "found.json", "--report", "page.html")
    assert done.returncode == 0, done.stderr
    assert "it never saw" in done.stdout
    assert "pellucid predict runs/churn INPUT --threshold" in done.stdout
    document = json.loads((place / "found.json").read_text())
    assert document["metrics"] == pytest.approx(churn.evaluate())
    low, high = document["intervals"]["accuracy"]
    assert low < document["metrics"]["accuracy"] < high
    assert {"headline", "concerns", "threshold", "confusion", "calibration", "mistakes", "comparison"} <= {*document}
    page = (place / "page.html").read_text().replace("\u00a0", " ")
    assert document["headline"].split(" of ")[0] in page


def test_new_data_is_judged_row_by_row(churn: Run, place: Path) -> None:
    found = pellucid.evaluate(churn, place / "later.csv").judgement
    later = pl.read_csv(place / "later.csv")
    said = [prediction.label for prediction in churn.predict(place / "later.csv")]
    assert found.samples == 300
    assert found.metrics["accuracy"].value == pytest.approx(np.mean(np.array(said) == later["churned"].to_numpy()))
    assert found.threshold is not None
    assert found.threshold.chosen_on == "validation"
    assert found.bias_variance is not None
    assert "300 new rows" in found.headline
    worst = found.mistakes[0]
    assert later["churned"][worst.row] == worst.truth
    assert worst.name == f"row {worst.row + 1}"
    assert str(later["years"][worst.row]) == worst.shown["years"]


def test_splits_are_judged_as_asked(churn: Run) -> None:
    of_train = pellucid.evaluate(churn, split="train").judgement
    assert of_train.samples == len(churn.data().rows["train"])
    assert "it learned from" in of_train.headline
    assert of_train.bias_variance is None
    assert "chose its best epoch" in pellucid.evaluate(churn, split="validation").judgement.headline


@pytest.mark.slow
@pytest.mark.covers("D1")
def test_two_runs_are_compared_on_the_same_rows(churn: Run, poor: Run, place: Path) -> None:
    found = pellucid.evaluate(poor, compare=churn).comparison
    assert found is not None
    assert (found.better, found.test, found.rows) == ("churn", "McNemar", 60)
    assert found.values[1] == pytest.approx(churn.evaluate()["accuracy"])
    done = command(place, "evaluate", "runs/churn", "later.csv", "--compare", "runs/poor", "--json", "-")
    assert "churn is better than poor: accuracy" in done.stderr
    assert json.loads(done.stdout)["comparison"]["rows"] == 300


def test_runs_on_other_rows_are_not_compared(churn: Run, flowers: Run, place: Path) -> None:
    with pytest.raises(RunError, match="trained on different data"):
        pellucid.evaluate(churn, compare=flowers.folder)
    other_split = trained(place, "other-split", split_seed=1, epochs=1)
    with pytest.raises(DataError, match="on the same rows only"):
        pellucid.evaluate(churn, compare=other_split)


@pytest.mark.slow
@pytest.mark.covers("D2")
def test_the_learning_curve_is_that_of_the_runs_network(poor: Run, place: Path) -> None:
    asked = ["--learning-curve", "--seeds", "2", "--json", "curve.json", "--report", "curve.html"]
    done = command(place, "evaluate", "runs/poor", *asked)
    assert done.returncode == 0, done.stderr
    assert "180" in (place / "curve.html").read_text().partition("more data")[2]
    curve = json.loads((place / "curve.json").read_text())["learning_curve"]
    assert [point["rows"] for point in curve["points"]] == [11, 22, 45, 90, 180]
    assert curve["seeds"] == 2
    assert "180 rows: accuracy" in done.stdout
    assert "high bias" in done.stdout


@pytest.mark.parametrize("steps", [80, 30])
def test_a_new_series_is_judged_by_what_followed(seasons: Run, tmp_path: Path, steps: int) -> None:
    window = seasons.asked["network"]["arrows"].split("T=")[1].split(" ")[0]
    values = 20 + np.sin(np.arange(steps) / 2)
    pl.DataFrame({"month": [f"19{70 + i // 12}-{i % 12 + 1:02}" for i in range(steps)], "value": values}).write_csv(
        tmp_path / "new.csv"
    )
    column = seasons.data().preprocessing.to_json()["columns"][0]["name"]
    frame = pl.DataFrame({"month": pl.read_csv(tmp_path / "new.csv")["month"], column: values})
    found = seasons.judge(frame)
    assert found.samples == steps - int(window) - 2
    assert len(found.residuals) == 3
    for ahead, residuals in enumerate(found.residuals):
        assert residuals.truth == pytest.approx(values[int(window) + ahead :][: found.samples].tolist(), rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate"], "there is no run to judge"),
        (["evaluate", "runs/nowhere"], "is no run folder"),
        (["evaluate", "runs/churn", "--split", "tset"], "Did you mean"),
        (["evaluate", "runs/churn", "--goal", "speed"], "a threshold cannot be chosen for 'speed'"),
        (["evaluate", "runs/churn", "--positive", "maybe"], "there is no class 'maybe'"),
        (["evaluate", "runs/churn", "bare.csv"], "there is nothing to judge the predictions by"),
        (["evaluate", "runs/churn", "other.csv"], "were not in training"),
        (["evaluate", "runs/churn", "gone.csv"], "gone.csv"),
        (["predict", "runs/churn", "bare.csv", "--positive", "yes"], "says which class a threshold is for"),
        (["predict", "runs/churn", "bare.csv", "--threshold", "0.5", "--positive", "ye"], "did you mean 'yes'"),
        (["predict", "runs/churn", "bare.csv", "--threshold", "1.5"], "at most 1"),
    ],
)
def test_mistakes_are_told_with_exit_status_2(
    churn: Run,
    place: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    later = pl.read_csv(place / "later.csv")
    later.drop("churned").write_csv(place / "bare.csv")
    later.with_columns(churned=pl.lit("perhaps")).write_csv(place / "other.csv")
    monkeypatch.chdir(place)
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.covers("D1")
def test_predictions_follow_a_threshold(churn: Run, place: Path) -> None:
    usual = churn.predict(place / "later.csv")
    for threshold in (0.05, 0.5, 0.95):
        found = pellucid.predict(churn, place / "later.csv", threshold=threshold, positive="yes")
        assert not isinstance(found, str)
        assert [p.probabilities for p in found] == [p.probabilities for p in usual]
        assert [p.label for p in found] == ["yes" if p.probabilities["yes"] >= threshold else "no" for p in usual]
    rarer = pellucid.predict(churn, place / "later.csv", threshold=0.05)
    counts = pl.read_csv(place / "customers.csv")["churned"].value_counts(sort=True)
    assert rarer == pellucid.predict(churn, place / "later.csv", threshold=0.05, positive=counts["churned"][1])


def test_the_class_that_is_said_is_shown_though_it_is_the_less_likely(churn: Run, place: Path) -> None:
    later = next(p for p in churn.predict(place / "later.csv") if 0.1 < p.probabilities["yes"] < 0.4)
    done = command(place, "predict", "runs/churn", "later.csv", "--threshold", "0.1", "--positive", "yes")
    line = next(line for line in done.stdout.splitlines() if line.split("  ")[0].strip() == later.name)
    assert f"yes {100 * later.probabilities['yes']:.1f} %" in line


def test_a_threshold_is_for_two_classes(flowers: Run, seasons: Run) -> None:
    for run in (flowers, seasons):
        with pytest.raises(OptionError, match="decides between two classes only"):
            pellucid.predict(run, run.data().inputs[:1].numpy(), threshold=0.5)


def test_a_run_on_data_from_python(place: Path, tmp_path: Path) -> None:
    """What it was trained on is not at hand: the class looked for has to be named, and a baseline told by new rows."""
    points = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    labels = (points[:, 0] > 0.5).astype(int)
    run = pellucid.open_run(pellucid.train((points, labels), epochs=5, folder=str(tmp_path), quiet=True).folder)
    with pytest.raises(OptionError, match="--positive 0 or --positive 1"):
        pellucid.predict(run, points, threshold=0.5)
    assert len(pellucid.predict(run, points, threshold=0.5, positive="1")) == 200
    with pytest.raises(RunError, match="given from Python"):
        pellucid.evaluate(run)
    found = pellucid.evaluate(run, (points, labels))
    assert found.judgement.samples == 200
    assert found.judgement.threshold is not None
    assert found.judgement.threshold.chosen_on == "test"
    data = pellucid.load((points, labels))
    assert pellucid.evaluate(run, data).judgement.samples == len(data.rows["test"])
    with pytest.raises(DataError, match="classes that the network did not learn"):
        pellucid.evaluate(run, (points, labels + 5))


def test_arrays_with_their_targets(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(160, 2)).astype(np.float32)
    words = np.where(points[:, 0] > 0, "hot", "cold")
    run = pellucid.train((points, words), epochs=10, folder=str(tmp_path), quiet=True)
    said = np.array([prediction.label for prediction in run.predict(points)])
    expected = pytest.approx((said == words).mean())
    numbers = (words == "hot").astype(int)
    for targets in (words, words.tolist(), numbers, np.eye(2)[numbers]):
        assert pellucid.evaluate(run, (points, targets))["accuracy"] == expected
    np.savez(tmp_path / "new.npz", x=points, y=words)
    assert pellucid.evaluate(run, tmp_path / "new.npz")["accuracy"] == expected
    with pytest.raises(DataError, match="inputs and targets differ in number"):
        pellucid.evaluate(run, (points, words[:9]))
    with pytest.raises(DataError, match="nothing to judge the predictions by"):
        pellucid.evaluate(run, points)


def test_arrays_of_quantities_and_of_images(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(160, 2)).astype(np.float32)
    quantities = np.stack([inputs[:, 0] * 3 + 7, inputs[:, 1]], axis=1)
    run = pellucid.train((inputs, quantities), epochs=3, folder=str(tmp_path), quiet=True)
    said = np.array([list(prediction.values.values()) for prediction in run.predict(inputs)])
    assert pellucid.evaluate(run, (inputs, quantities))["mse"] == pytest.approx(
        ((said - quantities) ** 2).mean(), rel=1e-3
    )
    with pytest.raises(DataError, match="not those learned"):
        pellucid.evaluate(run, (inputs, quantities[:, 0]))
    images = random.integers(0, 255, (90, 8, 8), dtype=np.uint8)
    labels = np.arange(90) % 2
    images[labels == 1, :4] = 0
    run = pellucid.train((images, labels), network="mlp", epochs=3, folder=str(tmp_path), quiet=True)
    assert pellucid.evaluate(run, (images, labels)).judgement.samples == 90
