"""Several targets from the command's first word to the exported file: labels, and tasks with a head each."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as reference
from sklearn.datasets import load_digits, make_multilabel_classification

import pellucid
from pellucid.cli import main
from pellucid.data import Labels, Several
from pellucid.errors import OptionError
from pellucid.verbs.run import Run

pytestmark = pytest.mark.covers("C17")

WEATHER = ("rain", "wind", "snow")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    x, y = make_multilabel_classification(400, 8, n_classes=3, random_state=0)
    columns = {f"f{k}": x[:, k] for k in range(8)} | {name: y[:, k] for k, name in enumerate(WEATHER)}
    pl.DataFrame(columns).write_csv(folder / "weather.csv")
    digits = load_digits()
    parity = ["even" if digit % 2 == 0 else "odd" for digit in digits.target]
    pixels = {f"p{k}": digits.data[:, k] for k in range(64)}
    tasks = {"digit": digits.target, "is it even?": parity, "ink": digits.data.sum(1)}
    pl.DataFrame(pixels | tasks)[:900].write_csv(folder / "digits.csv")
    return folder


@pytest.fixture(scope="module")
def weather(place: Path) -> Run:
    return pellucid.train(
        place / "weather.csv", target=",".join(WEATHER), epochs=6, folder=str(place / "runs"), quiet=True
    )


@pytest.fixture(scope="module")
def tasks(place: Path) -> Run:
    return pellucid.train(
        place / "digits.csv", target="digit,is it even?,ink", epochs=6, folder=str(place / "runs"), quiet=True
    )


def test_labels_are_judged_as_scikit_learn_judges_them(weather: Run, place: Path) -> None:
    assert weather.target == Labels(WEATHER)
    frame = pl.read_csv(place / "weather.csv")
    predictions = weather.predict(place / "weather.csv")
    said = np.array([[name in (each.labels or ()) for name in WEATHER] for each in predictions])
    assert all(
        (each.probabilities[name] > 0.5) == (name in (each.labels or ())) for each in predictions for name in WEATHER
    )
    truth = frame.select(WEATHER).to_numpy().astype(bool)
    judged = weather.judge(place / "weather.csv")
    metrics = {name: figure.value for name, figure in judged.metrics.items()}
    assert metrics["exact_match"] == pytest.approx(reference.accuracy_score(truth, said))
    assert metrics["accuracy"] == pytest.approx(1 - reference.hamming_loss(truth, said))
    assert metrics["f1"] == pytest.approx(reference.f1_score(truth, said, average="macro"))
    assert all(figure.low <= figure.value <= figure.high for figure in judged.metrics.values())
    table = reference.classification_report(truth, said, target_names=WEATHER, output_dict=True, zero_division=0)
    for scores in judged.classes:
        expected = table[scores.name]
        found = (scores.support, scores.precision.value, scores.recall.value, scores.f1)
        assert found == pytest.approx(
            (expected["support"], expected["precision"], expected["recall"], expected["f1-score"])
        )
    training = truth[weather.data().rows["train"].numpy()]
    assert judged.baseline.metrics["accuracy"] == pytest.approx((truth == (training.mean(0) > 0.5)).mean())
    assert judged.headline.startswith("Right on ")
    wrong = (said != truth).any(1)
    assert {mistake.row for mistake in judged.mistakes} <= set(np.flatnonzero(wrong).tolist())


def test_each_target_is_judged_as_if_it_were_the_only_one(tasks: Run, place: Path) -> None:
    assert isinstance(tasks.target, Several)
    assert list(tasks.target.parts) == ["digit", "is_it_even", "ink"]
    frame = pl.read_csv(place / "digits.csv")
    predictions = tasks.predict(place / "digits.csv")
    found = pellucid.evaluate(tasks, place / "digits.csv")
    digits = [int(each.tasks["digit"].label or -1) for each in predictions]
    assert found["digit.accuracy"] == pytest.approx(reference.accuracy_score(frame["digit"], digits))
    parity = [each.tasks["is_it_even"].label for each in predictions]
    assert found["is_it_even.accuracy"] == pytest.approx(reference.accuracy_score(frame["is it even?"], parity))
    ink = [each.tasks["ink"].values["ink"] for each in predictions]
    assert found["ink.mae"] == pytest.approx(reference.mean_absolute_error(frame["ink"], ink), rel=1e-4)
    for name, judged in found.targets.items():
        for metric, figure in judged.metrics.items():
            assert found[f"{name}.{metric}"] == pytest.approx(figure.value, rel=1e-5)
    alone = pellucid.evaluate(tasks, place / "digits.csv", target="is_it_even", goal="balanced")
    assert alone["accuracy"] == pytest.approx(found["is_it_even.accuracy"])
    assert alone.judgement.threshold is not None


def test_what_is_asked_of_one_target_needs_its_name(tasks: Run, weather: Run) -> None:
    with pytest.raises(OptionError, match="--goal is for one target"):
        pellucid.evaluate(tasks, goal="balanced")
    with pytest.raises(OptionError, match="no target 'digits'"):
        pellucid.evaluate(tasks, target="digits")
    with pytest.raises(OptionError, match="learned one target"):
        pellucid.evaluate(weather, target="rain")


def test_one_page_tells_of_all_targets(tasks: Run, weather: Run) -> None:
    page = (tasks.folder / "report.html").read_text(encoding="utf-8")
    identifiers = re.findall(r'\sid="([^"]+)"', page)
    assert len(identifiers) == len(set(identifiers))
    for name in ("digit", "is_it_even", "ink"):
        assert f"{name}: how it does" in page
    page = (weather.folder / "report.html").read_text(encoding="utf-8")
    assert "Label by label" in page
    assert "exact_match" in page


@pytest.mark.parametrize("which", ["tasks", "weather"])
def test_the_exported_folder_says_the_same(
    which: str, request: pytest.FixtureRequest, place: Path, tmp_path: Path
) -> None:
    run: Run = request.getfixturevalue(which)
    data = place / ("digits.csv" if which == "tasks" else "weather.csv")
    few = tmp_path / "few.csv"
    few.write_text("\n".join(data.read_text().splitlines()[:4]) + "\n")
    pellucid.export(run, to="python", output=tmp_path / "away")
    done = subprocess.run(
        [sys.executable, tmp_path / "away" / "predict.py", few], capture_output=True, text=True, check=True
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    for theirs, ours in zip(said, run.predict(few), strict=True):
        if which == "weather":
            assert set(theirs["labels"]) == set(ours.labels or ())
            assert theirs["probabilities"] == pytest.approx(dict(ours.probabilities), abs=1e-6)
        else:
            assert theirs["tasks"]["digit"]["class"] == ours.tasks["digit"].label
            assert theirs["tasks"]["ink"]["values"] == pytest.approx(dict(ours.tasks["ink"].values), rel=1e-5)
            assert ours.to_json()["tasks"].keys() == theirs["tasks"].keys()


def test_the_same_seed_gives_the_same_bits(place: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"target": "digit,ink", "network": "mlp(16)", "seed": 3, "quiet": True, "no_report": True}
    whole = pellucid.train(place / "digits.csv", epochs=4, folder=str(tmp_path / "whole"), **options)
    again = pellucid.train(place / "digits.csv", epochs=4, folder=str(tmp_path / "again"), **options)
    for one, other in zip(whole.model().parameters(), again.model().parameters(), strict=True):
        assert one.equal(other)
    assert (whole.folder / "record.jsonl").read_bytes() == (again.folder / "record.jsonl").read_bytes()


@pytest.mark.slow
def test_a_sample_of_several_targets_is_derived_head_by_head(
    tasks: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(tasks.folder), "--sample", "2", "--page", str(page)])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "Loss of ink: squared error" in told
    assert "E = E_digit + E_is_it_even + E_ink" in told
    written = page.read_text(encoding="utf-8")
    assert "ink: squared error" in written
    assert "E = E_digit + E_is_it_even + E_ink" in written
