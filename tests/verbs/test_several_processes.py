"""`torchrun ... -m pellucid train`: the same training as in one process, stopped, killed and gone on with."""

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
from pellucid.errors import OptionError
from pellucid.verbs.run import Run, open_run

pytestmark = pytest.mark.slow

NETWORK = "8x8x1 -> conv(8, 3x3) -> relu -> fc(32) -> relu -> fc(10)"
OPTIONS = ["--network", NETWORK, "--batch-size", "50", "--no-report"]
SHORT, LONG = ["--epochs", "2"], ["--epochs", "40", "--checkpoint-seconds", "0.5"]


def launch(folder: Path, count: int, *arguments: str, restarts: int = 0) -> "subprocess.Popen[str]":
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    command = [sys.executable, *launcher, "--max-restarts", str(restarts), "-m", "pellucid", "train"]
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
    process = launch(folder, count, "digits", *OPTIONS, *options, "--name", name)
    said = said_by(process)
    assert process.returncode == 0, said
    return open_run(folder / "runs" / name)


def alone(folder: Path, name: str, **options: Any) -> Run:
    own: dict[str, Any] = {"network": NETWORK, "batch_size": 50, "no_report": True, "quiet": True, "threads": 1}
    return pellucid.train("digits", folder=str(folder / "runs"), name=name, **(own | options))


def weights(run: Run) -> torch.Tensor:
    return torch.cat([each.flatten() for each in load_file(run.folder / "weights.safetensors").values()])


def wait_for_checkpoint(folder: Path) -> None:
    for _ in range(600):
        if (folder / "checkpoint" / "last.safetensors").exists():
            return
        time.sleep(0.1)
    pytest.fail("no checkpoint was written within a minute")


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
    process = launch(tmp_path, 2, "digits", *OPTIONS, *LONG, "--name", "killed", restarts=2)
    wait_for_checkpoint(tmp_path / "runs" / "killed")
    os.kill(children(process.pid)[1], signal.SIGKILL)
    said = said_by(process)
    assert process.returncode == 0, said
    assert "resume" in said
    assert (tmp_path / "runs" / "killed" / "record.jsonl").read_bytes() == (whole.folder / "record.jsonl").read_bytes()


def test_one_goes_on_where_two_were_stopped(tmp_path: Path) -> None:
    process = launch(tmp_path, 2, "digits", *OPTIONS, *LONG, "--name", "stopped")
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
    process = launch(tmp_path, 2, "digits", *OPTIONS, *SHORT, "--json", "told.json")
    said = said_by(process)
    assert said.count("run      ") == 1
    assert json.loads((tmp_path / "told.json").read_text())["finished"]
    assert [each.name for each in (tmp_path / "runs").iterdir()] == ["digits-1"]


def test_what_several_do_not_share_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OptionError, match="pellucid tune is for one process"):
        pellucid.tune("iris", quiet=True)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
