"""Every experiment: listed, described, measured, told and drawn; its verdict is that of its statements."""

import dataclasses
import json
import math
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from pellucid import experiments
from pellucid.cli import main
from pellucid.errors import OptionError
from pellucid.experiments import EXPERIMENTS, Check, Experiment, Outcome, Result
from pellucid.experiments.experiment import LEAST_SEEDS
from pellucid.report.experiment_page import experiment_page
from pellucid.report.experiment_text import outcome_lines

CLAIMS = Path(experiments.__file__).parent / "claims"


def outcome(*held: bool | None) -> Outcome:
    result = Result(checks=[Check("S", each, "e") for each in held], quantities=[], figures=[])
    return Outcome(experiment=EXPERIMENTS["symmetry"], seeds=(0, 1, 2, 3, 4), result=result, seconds=1.0)


def test_every_claim_is_in_the_catalogue_under_its_files_name() -> None:
    files = {path.stem for path in CLAIMS.glob("*.py")} - {"__init__"}
    assert {name.replace("-", "_") for name in EXPERIMENTS} == files


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_each_is_described(experiment: Experiment) -> None:
    for text in (experiment.claim, experiment.method):
        assert text.endswith("."), text
    assert any(word.strip(",;:").isdigit() for word in experiment.source.split()), "a source has its year"
    assert not experiment.title.endswith(".")
    assert 0 < experiment.seconds <= 60


def test_topics_stand_together() -> None:
    topics = [experiment.topic for experiment in EXPERIMENTS.values()]
    assert topics == sorted(topics, key=topics.index), "the list would show a topic twice"


@pytest.mark.parametrize(
    ("held", "verdict"),
    [
        ((True, True), "holds"),
        ((True, None), "undecided"),
        ((None,), "undecided"),
        ((True, False), "holds in part"),
        ((False, False), "does not hold"),
        ((False, None), "does not hold"),
    ],
)
def test_the_verdict_follows_from_the_statements(held: tuple[bool | None, ...], verdict: str) -> None:
    assert outcome(*held).verdict == verdict


def test_unknown_names_and_few_seeds_are_refused() -> None:
    with pytest.raises(OptionError, match="no experiment called 'symetry'") as refused:
        experiments.run("symetry")
    assert "symmetry" in str(refused.value)
    with pytest.raises(OptionError, match="nothing of luck"):
        experiments.run("symmetry", seeds=LEAST_SEEDS - 1)


def test_the_command_lists_and_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(["experiment"])
    assert exit_.value.code == 0
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in EXPERIMENTS)
    with pytest.raises(SystemExit) as exit_:
        main(["experiment", "bias-correction", "--json", "-"])
    assert exit_.value.code == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "holds"
    folder = tmp_path / "experiments" / "bias-correction"
    assert json.loads((folder / "outcome.json").read_text()) == document
    assert "<svg" in (folder / "page.html").read_text()
    assert fromstring((folder / "figure.svg").read_text()).tag.endswith("svg")


def test_the_command_refuses_what_there_is_not(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["experiment", "symetry", "--folder", str(tmp_path / "none")])
    assert exit_.value.code == 2
    assert "symmetry" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_is_measured_told_and_drawn(name: str) -> None:
    measured = experiments.run(name)
    assert len(measured.seeds) >= LEAST_SEEDS
    assert measured.result.checks
    assert measured.result.figures
    statements = [check.statement for check in measured.result.checks]
    assert len(set(statements)) == len(statements)
    for statement in statements:
        assert statement[0] == statement[0].upper(), statement
        assert not statement.endswith(".")
    for quantity in measured.result.quantities:
        assert len(quantity.values) in {1, len(measured.seeds)}, quantity.name
        assert not any(math.isnan(value) for value in quantity.values), quantity.name
    told = outcome_lines(measured)
    assert measured.experiment.title in told
    page = experiment_page(measured, "0")
    assert page.count("<figure") == len(measured.result.figures)
    assert page == experiment_page(dataclasses.replace(measured, seconds=2 * measured.seconds), "0")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["symmetry"])
def test_a_measurement_can_be_repeated_to_the_bit(name: str) -> None:
    first, second = (experiments.run(name).result.quantities for _ in range(2))
    assert [quantity.values for quantity in first] == [quantity.values for quantity in second]
