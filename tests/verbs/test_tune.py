"""`pellucid tune`: from data to the best of many variants, and its folder."""

import dataclasses
import json
import math
import signal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import pellucid
from pellucid.cli import main
from pellucid.data import load
from pellucid.data.dataset import Dataset
from pellucid.errors import NotationError, OptionError, PellucidError, RunError
from pellucid.recipe import Recipe
from pellucid.report.search_text import candidate_lines, trial_lines
from pellucid.training.population import Population
from pellucid.tuning import UNTUNED, session_of, usual_space
from pellucid.verbs.study import Study, StudyLog

NETWORK = "4 -> fc({4..32 log}) -> {relu, tanh} -> fc(3)"
OPTIONS: dict[str, Any] = {
    "network": NETWORK, "learning_rate": "{1e-3..1e-1 log}", "trials": 6, "epochs": 6, "batch_size": 32,
    "finalists": 2, "seeds": 2, "quiet": True,
}  # fmt: skip


def tuned(folder: Path, name: str, **options: Any) -> Study:
    return pellucid.tune("iris", folder=str(folder), name=name, **{**OPTIONS, **options})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return tuned(tmp_path_factory.mktemp("tune"), "whole")


def test_the_best_is_an_ordinary_run(whole: Study) -> None:
    assert whole.finished
    run = pellucid.open_run(whole.folder / "best")
    assert run.evaluate()["accuracy"] > 0.6
    assert len(run.seeds) == 2
    assert str(run.plan) == str(session_plan(whole))
    assert (run.folder / "report.html").exists()


def session_plan(study: Study) -> object:
    texts = study.texts(str(study.result.winner))
    return pellucid.parse(texts["network"]) if "network" in texts else pellucid.open_run(study.folder / "best").plan


def test_the_table_holds_every_trial_in_order_of_merit(whole: Study) -> None:
    table = whole.table()
    assert table.columns == ["trial", "fc", "word", "learning_rate", "epochs", "accuracy", "ended"]
    assert sorted(table["trial"]) == list(range(6))
    assert table["epochs"].to_list() == sorted(table["epochs"], reverse=True)
    assert table["ended"].null_count() == sum(trial.came_to_its_end for trial in whole.trials) >= 1


def test_the_candidates_are_the_best_trials_and_no_search_with_seeds_of_their_own(whole: Study) -> None:
    finalists = [str(trial.number) for trial in whole.trials if trial.came_to_its_end][:2]
    names = {each.name for each in whole.result.replicates}
    assert names == {*finalists, UNTUNED}
    assert {each.seed for each in whole.result.replicates} == {1, 2}
    means = {each.name: each.spread.mean for each in whole.result.candidates() if each.spread}
    assert means[str(whole.result.winner)] == max(means.values())


def test_the_same_search_twice_is_the_same_bit_for_bit(whole: Study, tmp_path: Path) -> None:
    again = tuned(tmp_path, "again")
    assert (again.folder / "trials.jsonl").read_bytes() == (whole.folder / "trials.jsonl").read_bytes()
    weights = [each.best.folder / "weights.safetensors" for each in (whole, again)]
    assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.parametrize("strategy", ["coarse-to-fine", "tpe"])
def test_other_strategies(strategy: str, tmp_path: Path) -> None:
    study = tuned(tmp_path, strategy, strategy=strategy, trials=9, halving=1, no_report=True)
    assert study.finished
    assert {trial.epochs for trial in study.trials} == {6}
    assert not (study.folder / "report.html").exists()


@pytest.mark.parametrize("stopped_at", [2, 16, 24, 40])
def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(
    whole: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    advance, steps = Population.advance, iter(range(10_000))

    def interrupted(self: Population, every: int | None = None, until: int | None = None) -> Any:
        for said in advance(self, every, until):
            if said is None and next(steps) == stopped_at:
                signal.raise_signal(signal.SIGINT)
            yield said

    with monkeypatch.context() as patched:
        patched.setattr(Population, "advance", interrupted)
        stopped = tuned(tmp_path, "stopped")
    assert not stopped.finished
    resumed = pellucid.tune(resume=str(stopped.folder), quiet=True)
    assert resumed.finished
    assert resumed.result.winner == whole.result.winner
    for one, other in zip(resumed.trials, whole.trials, strict=True):
        assert (one.number, one.epochs, one.ended) == (other.number, other.epochs, other.ended)
        assert one.score == pytest.approx(other.score, rel=1e-3)
    with pytest.raises(RunError, match="nothing to resume"):
        pellucid.tune(resume=str(stopped.folder), quiet=True)


def test_the_page_and_the_words_tell_who_won(whole: Study) -> None:
    page = (whole.folder / "report.html").read_text()
    for said in ("Is it really the best", "What matters", "Every trial", "learning_rate", "on a logarithmic scale"):
        assert said in page
    assert "<script" not in page
    assert page == whole.report(whole.folder / "again.html").read_text()
    assert page.count("<svg") >= 4
    assert "6 trials" in trial_lines(whole.result)
    assert UNTUNED in candidate_lines(whole.result)


def test_a_search_of_which_no_epoch_is_known_has_a_page_too(whole: Study, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_bytes((whole.folder / "study.json").read_bytes())
    study = pellucid.open_study(tmp_path)
    assert not study.finished
    assert "the search was stopped before its end" in study.report().read_text()
    assert study.table().is_empty()


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, found = tmp_path / "curve.csv", tmp_path / "found.json"
    x = np.linspace(-1, 1, 120)
    pl.DataFrame({"x": x, "y": np.sin(3 * x)}).write_csv(table)
    arguments = ["tune", str(table), "--target", "y", "--learning-rate", "{1e-3..1e-1 log}", "--trials", "5"]
    arguments += ["--epochs", "4", "--seeds", "2", "--folder", str(tmp_path), "--json", str(found)]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    document = json.loads(found.read_text())
    assert document["finished"]
    assert len(document["trials"]) == 5
    assert Path(document["best"]["run"]).name == "best"
    assert math.isfinite(document["best"]["metrics"]["mse"])
    said = capsys.readouterr().out
    assert "learning_rate  0.001 to 0.1, on a logarithmic scale" in said
    assert "again    with 2 other seeds" in said
    assert f"study    {document['study']}" in said


def test_a_network_made_for_something_is_searched_on_data_read_for_that(tmp_path: Path) -> None:
    study = pellucid.tune(
        "digits", "autoencoder({2, 4, 8})", epochs=1, trials=3, seeds=2, folder=str(tmp_path), quiet=True
    )
    assert study.asked["task"] == "reconstruction"
    assert study.best.asked["task"] == "reconstruction"
    codes = {each.name: each.spread.mean for each in study.result.candidates() if each.spread}
    assert codes[str(study.result.winner)] == min(codes.values())  # of a loss the smallest wins


def sequences(folder: Path) -> Dataset:
    stream, path = np.random.default_rng(0), folder / "sequences.npz"
    np.savez(path, x=stream.standard_normal((60, 7, 2)).astype("float32"), y=stream.integers(0, 3, 60))
    return load(str(path))


@pytest.mark.covers("C15")
@pytest.mark.parametrize("trials", [4, 12, 40])
@pytest.mark.parametrize("name", ["iris", "digits", "names", "sequences", "diabetes"])
def test_without_braces_the_usual_is_searched(name: str, trials: int, tmp_path: Path) -> None:
    try:
        data = sequences(tmp_path) if name == "sequences" else load(name)
    except PellucidError as error:
        pytest.skip(f"{name} is not here: {error.message}")
    space = usual_space(data, None, Recipe(), trials)
    names = [parameter.name for parameter in space.parameters]
    assert names[0] == "learning_rate"
    assert len(names) == 1 if trials == 4 else len(names) >= 4
    for place in (0.0, 0.5, 1.0):
        session_of(space.at([place] * len(names)), data, Recipe())


def test_what_is_given_is_not_searched() -> None:
    data = load("iris")
    space = usual_space(data, "4 -> fc(8) -> relu -> fc(3)", Recipe(), 40, {"learning_rate", "momentum"})
    assert [parameter.name for parameter in space.parameters] == ["batch_size", "weight_decay"]
    with pytest.raises(NotationError, match="nothing to search"):
        usual_space(data, None, Recipe(), 4, {"learning_rate"})


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"learning_rate": "{1e-1..1e-3 log}"}, NotationError, "it is empty"),
        ({"learning_rate": "{0..1 log}"}, NotationError, "logarithmic"),
        ({"seed": "{1..5}"}, OptionError, "the same for all"),
        ({"network": "4 -> fc({width}) -> fc(3)"}, NotationError, "nothing is called 'width'"),
        ({"network": "5 -> fc({4, 8}) -> fc(3)"}, NotationError, "4"),
        ({"learning_rate": "fast"}, OptionError, "learning_rate"),
        ({"optimizer": "{adam, lion}"}, OptionError, "lion"),
        ({"trials": 0}, OptionError, "at least 1"),
        ({"widths": "{1..5}"}, OptionError, "no option 'widths'"),
    ],
)
def test_what_is_refused(options: dict[str, Any], error: type[Exception], said: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=said):
        tuned(tmp_path, "refused", **options)
    assert not (tmp_path / "refused").exists()


def test_an_epoch_trained_again_is_written_again_only_where_it_came_to_something_else(
    whole: Study, tmp_path: Path
) -> None:
    path = tmp_path / "trials.jsonl"
    before = whole.trials[0]
    log, again = StudyLog(path, [before]), dataclasses.replace(before, scores=[], validation=[])
    again.take_in(before.scores[0], before.validation[0])
    log.epoch(again)
    assert not path.exists()
    again.take_in(before.scores[1], {"loss": 0.5})
    log.epoch(again)
    again.take_in(before.scores[2], before.validation[2])  # the same, behind another one
    log.epoch(again)
    written = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["epoch"] for line in written] == [2, 3]
    assert written[0]["validation"] == {"loss": 0.5}


def test_a_folder_that_is_no_search_and_options_beside_resume_are_refused(whole: Study, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"study.json is missing"):
        pellucid.open_study(tmp_path)
    with pytest.raises(OptionError, match="--trials beside it"):
        pellucid.tune(resume=str(whole.folder), trials=9)
    with pytest.raises(OptionError, match="no data"):
        pellucid.tune()
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "study.json").write_text('{"schema": 1}')
    with pytest.raises(RunError, match="damaged"):
        pellucid.open_study(damaged)


def test_a_search_that_only_diverges_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no trial came to its end"):
        tuned(tmp_path, "wild", learning_rate="{1e7..1e8 log}", optimizer="sgd", network="4 -> fc(3)", loss="map")
