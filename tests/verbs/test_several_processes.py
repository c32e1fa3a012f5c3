"""`torchrun ... -m pellucid train` and `tune`: as in one process, stopped, killed and gone on with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import pellucid
from pellucid.verbs.run import Run, open_run
from pellucid.verbs.study import Study, open_study

pytestmark = pytest.mark.slow

NETWORK = "8x8x1 -> conv(8, 3x3) -> relu -> fc(32) -> relu -> fc(10)"
OPTIONS = ["--network", NETWORK, "--batch-size", "50", "--no-report"]
SHORT, LONG = ["--epochs", "2"], ["--epochs", "40", "--checkpoint-seconds", "0.5"]
SEARCH: dict[str, Any] = {
    "network": "8x8x1 -> fc({8..64 log}) -> {relu, tanh} -> fc(10)", "learning-rate": "{1e-3..1e-1 log}",
    "trials": 9, "epochs": 9, "batch-size": 50, "finalists": 2, "seeds": 2, "optimizer": "momentum",
}  # fmt: skip


def launch(folder: Path, count: int, verb: str, *arguments: str, restarts: int = 0) -> "subprocess.Popen[str]":
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    command = [sys.executable, *launcher, "--max-restarts", str(restarts), "-m", "pellucid", verb]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def said_by(process: "subprocess.Popen[str]") -> str:
    """Wait for the launcher, and leave nothing of it behind where it does not come to its end."""
    try:
        said, _ = process.communicate(timeout=200)
    except subprocess.TimeoutExpired:
        process.terminate()  # upon which it ends its own
        said, _ = process.communicate(timeout=60)
        pytest.fail(f"not ended after 200 s: {said}")
    return said


def trained(folder: Path, count: int, name: str, *options: str) -> Run:
    process = launch(folder, count, "train", "digits", *OPTIONS, *options, "--name", name)
    said = said_by(process)
    assert process.returncode == 0, said
    return open_run(folder / "runs" / name)


def alone(folder: Path, name: str, **options: Any) -> Run:
    own: dict[str, Any] = {"network": NETWORK, "batch_size": 50, "no_report": True, "quiet": True, "threads": 1}
    return pellucid.train("digits", folder=str(folder / "runs"), name=name, **(own | options))


def weights(run: Run) -> torch.Tensor:
    return torch.cat([each.flatten() for each in load_file(run.folder / "weights.safetensors").values()])


def wait_for_checkpoint(folder: Path) -> None:
    wait_for(folder / "checkpoint" / "last.safetensors")


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.1)
    pytest.fail(f"{path} was not written within a minute")


@pytest.mark.parametrize("count", [2, 3])
def test_several_processes_train_as_one_does(count: int, tmp_path: Path) -> None:
    one, several = alone(tmp_path, "one", epochs=2), trained(tmp_path, count, "several", *SHORT)
    torch.testing.assert_close(weights(several), weights(one), rtol=1e-5, atol=1e-6)
    for mine, theirs in zip(several.record.steps, one.record.steps, strict=True):
        assert mine.step == theirs.step
        assert mine.loss == pytest.approx(theirs.loss, rel=1e-5)
        assert mine.gradient_norm == pytest.approx(theirs.gradient_norm, rel=1e-4)
    assert several.asked["processes"] == count


def test_a_killed_process_costs_nothing(tmp_path: Path) -> None:
    whole = trained(tmp_path, 2, "whole", *LONG)
    process = launch(tmp_path, 2, "train", "digits", *OPTIONS, *LONG, "--name", "killed", restarts=2)
    wait_for_checkpoint(tmp_path / "runs" / "killed")
    os.kill(children(process.pid)[1], signal.SIGKILL)
    said = said_by(process)
    assert process.returncode == 0, said
    assert "resume" in said
    assert (tmp_path / "runs" / "killed" / "record.jsonl").read_bytes() == (whole.folder / "record.jsonl").read_bytes()


def test_one_goes_on_where_two_were_stopped(tmp_path: Path) -> None:
    process = launch(tmp_path, 2, "train", "digits", *OPTIONS, *LONG, "--name", "stopped")
    folder = tmp_path / "runs" / "stopped"
    wait_for_checkpoint(folder)
    process.send_signal(signal.SIGINT)
    said_by(process)
    assert open_run(folder).record.result is None
    run = pellucid.train(resume=str(folder), quiet=True)
    assert run.record.result is not None
    assert [epoch.epoch for epoch in run.record.epochs] == list(range(1, 41))
    assert run.record.result.metrics["accuracy"] > 0.9


def test_only_the_first_speaks_and_writes(tmp_path: Path) -> None:
    process = launch(tmp_path, 2, "train", "digits", *OPTIONS, *SHORT, "--json", "told.json")
    said = said_by(process)
    assert said.count("run      ") == 1
    assert json.loads((tmp_path / "told.json").read_text())["finished"]
    assert [each.name for each in (tmp_path / "runs").iterdir()] == ["digits-1"]


@pytest.mark.parametrize("count", [2, 3])
def test_seeds_are_shared_out(count: int, tmp_path: Path) -> None:
    one = alone(tmp_path, "one", epochs=2, seeds=5)
    several = trained(tmp_path, count, "several", *SHORT, "--seeds", "5")
    assert [each.seed for each in several.seeds] == list(range(5))
    for mine, theirs in zip(several.seeds, one.seeds, strict=True):
        assert (mine.epochs, mine.best_epoch, mine.split) == (theirs.epochs, theirs.best_epoch, theirs.split)
        assert dict(mine.metrics) == pytest.approx(dict(theirs.metrics), rel=1e-3)


def searching(folder: Path, count: int, name: str, restarts: int = 0, **options: Any) -> "subprocess.Popen[str]":
    asked = [f"--{option}={value}" for option, value in (SEARCH | options).items()]
    return launch(folder, count, "tune", "digits", *asked, "--no-report", "--name", name, restarts=restarts)


def searched(folder: Path, count: int, name: str, **options: Any) -> Study:
    process = searching(folder, count, name, **options)
    said = said_by(process)
    assert process.returncode == 0, said
    return open_study(folder / "runs" / name)


def assert_same_search(one: Study, other: Study) -> None:
    assert one.finished
    assert other.finished
    for mine, theirs in zip(one.trials, other.trials, strict=True):
        assert (mine.number, mine.texts, mine.epochs) == (theirs.number, theirs.texts, theirs.epochs)
        assert (mine.ended, mine.done) == (theirs.ended, theirs.done)
        assert mine.score == pytest.approx(theirs.score, rel=1e-3)
    scores = [{(each.name, each.seed): each.score for each in study.result.replicates} for study in (one, other)]
    assert scores[0].keys() == scores[1].keys()
    assert one.result.winner == other.result.winner
    assert str(one.best.plan) == str(other.best.plan)
    assert [each.seed for each in one.best.seeds] == [each.seed for each in other.best.seeds]


@pytest.mark.parametrize(("count", "strategy"), [(2, "tpe"), (3, "random")])
def test_a_search_is_shared_out(count: int, strategy: str, tmp_path: Path) -> None:
    one, several = (searched(tmp_path, each, f"of-{each}", strategy=strategy) for each in (1, count))
    assert_same_search(several, one)
    assert several.best.asked["processes"] == count


def test_a_search_goes_on_where_a_process_was_killed(tmp_path: Path) -> None:
    longer: dict[str, Any] = {"epochs": 81, "checkpoint-seconds": "0.5"}
    whole = searched(tmp_path, 2, "whole", **longer)
    process = searching(tmp_path, 2, "killed", restarts=2, **longer)
    wait_for(tmp_path / "runs" / "killed" / "trials.jsonl")
    os.kill(children(process.pid)[1], signal.SIGKILL)
    said = said_by(process)
    assert process.returncode == 0, said
    assert "resume" in said
    assert_same_search(open_study(tmp_path / "runs" / "killed"), whole)


def test_a_search_of_two_that_was_stopped_one_goes_on_with(tmp_path: Path) -> None:
    longer: dict[str, Any] = {"epochs": 81, "checkpoint-seconds": "0.5"}
    process = searching(tmp_path, 2, "stopped", **longer)
    folder = tmp_path / "runs" / "stopped"
    wait_for(folder / "trials.jsonl")
    process.send_signal(signal.SIGINT)
    said_by(process)
    assert not open_study(folder).finished
    assert_same_search(pellucid.tune(resume=str(folder), quiet=True), searched(tmp_path, 1, "whole", **longer))


@pytest.mark.parametrize("verb", ["train", "tune"])
def test_what_several_cannot_train_is_refused(verb: str, tmp_path: Path) -> None:
    """Before anything is made."""
    process = launch(tmp_path, 2, verb, "iris", "--rule", "perceptron", "--network", "4 -> fc(3) -> step")
    said = said_by(process)
    assert process.returncode == 1
    assert "training by the rule perceptron is for one process" in said
    assert not (tmp_path / "runs").exists()


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
