"""`torchrun ... -m pellucid train --shard`: of every weight each process holds a part, and all comes out as in one."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import pellucid
from pellucid.errors import OptionError
from pellucid.verbs.run import open_run
from tests.verbs.test_several_processes import (
    LONG,
    OPTIONS,
    SHORT,
    alone,
    children,
    launch,
    said_by,
    trained,
    wait_for_checkpoint,
    weights,
)

PARTS = """
from pellucid.data import load
from pellucid.training import begin
from pellucid.recipe import Recipe
from pellucid.training.loop import steps
from pellucid.training.ranks import launched
from pellucid.training.shards import share_out

ranks = launched()
network = "8x8x1 -> fc(300) -> relu -> fc(300) -> relu -> fc(10)"
session = begin(load("digits"), network, Recipe(shard=True, epochs=1)).session
whole = sum(each.numel() for each in session.network.parameters())
share_out(session, ranks)
list(steps(session))
def held(tensors):
    return sum(each.to_local().numel() for each in tensors)
parts = held(session.network.parameters())
moments = held(each["exp_avg"] for each in session.optimizer.state.values())
best = held(session.best_weights.values())
said = f"rank {ranks.rank}: {parts / whole:.3f} {moments / whole:.3f} {best / whole:.3f}"
print(said + "\\n", end="")  # in one piece, beside what the others say
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "options"),
    [
        (2, []),
        (3, ["--optimizer", "nesterov", "--clip-norm", "0.5"]),
        (2, ["--optimizer", "rmsprop", "--l1", "0.001", "--clip-value", "0.01"]),
    ],
)
def test_a_network_that_is_shared_out_learns_as_in_one_process(count: int, options: list[str], tmp_path: Path) -> None:
    given = zip(options[::2], options[1::2], strict=True)
    named = {name.removeprefix("--").replace("-", "_"): value for name, value in given}
    numbers = {name: value if name == "optimizer" else float(value) for name, value in named.items()}
    one = alone(tmp_path, "one", epochs=2, **numbers)
    several = trained(tmp_path, count, "several", *SHORT, *options, "--shard")
    torch.testing.assert_close(weights(several), weights(one), rtol=1e-4, atol=1e-6)
    for mine, theirs in zip(several.record.steps, one.record.steps, strict=True):
        assert mine.loss == pytest.approx(theirs.loss, rel=1e-5)
        assert mine.gradient_norm == pytest.approx(theirs.gradient_norm, rel=1e-4)
    assert several.record.result is not None
    assert one.record.result is not None
    assert dict(several.record.result.metrics) == pytest.approx(dict(one.record.result.metrics), rel=1e-4)


@pytest.mark.slow
def test_each_process_holds_a_part(tmp_path: Path) -> None:
    count = 3
    script = tmp_path / "parts.py"
    script.write_text(PARTS)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    said = subprocess.run(
        [*launcher, str(script)], env=environment, capture_output=True, text=True, timeout=200, check=True
    ).stdout
    shares = [[float(each) for each in line.split(": ")[1].split()] for line in said.splitlines() if "rank " in line]
    assert len(shares) == count
    for kind in zip(*shares, strict=True):
        assert sum(kind) == pytest.approx(1, abs=0.002)
        assert max(kind) < 1 / count + 0.02


@pytest.mark.slow
def test_recurrent_layers_are_shared_out(tmp_path: Path) -> None:
    series = tmp_path / "series.csv"
    values = (100 + 10 * math.sin(month * math.pi / 6) + month / 10 for month in range(144))
    series.write_text("value\n" + "\n".join(f"{each:.3f}" for each in values) + "\n")
    asked: dict[str, Any] = {
        "network": "T x 1 -> lstm(16) -> last -> fc(1)",
        "window": 12,
        "epochs": 2,
        "batch_size": 20,
    }
    run = pellucid.train(str(series), folder=str(tmp_path / "runs"), name="one", quiet=True, no_report=True, **asked)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items()]
    process = launch(tmp_path, 2, "train", str(series), *options, "--shard", "--no-report", "--name", "several")
    said = said_by(process)
    assert process.returncode == 0, said
    assert "Warning" not in said
    torch.testing.assert_close(weights(open_run(tmp_path / "runs" / "several")), weights(run), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_process_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    whole = trained(tmp_path, 2, "whole", *LONG, "--shard")
    process = launch(tmp_path, 2, "train", "digits", *OPTIONS, *LONG, "--shard", "--name", "killed", restarts=2)
    wait_for_checkpoint(tmp_path / "runs" / "killed")
    os.kill(children(process.pid)[1], signal.SIGKILL)
    said = said_by(process)
    assert process.returncode == 0, said
    assert "resume" in said
    assert (tmp_path / "runs" / "killed" / "record.jsonl").read_bytes() == (whole.folder / "record.jsonl").read_bytes()
    torch.testing.assert_close(weights(open_run(tmp_path / "runs" / "killed")), weights(whole), rtol=0, atol=0)


@pytest.mark.slow
def test_what_was_shared_out_one_process_goes_on_with(tmp_path: Path) -> None:
    process = launch(tmp_path, 2, "train", "digits", *OPTIONS, *LONG, "--shard", "--name", "stopped")
    folder = tmp_path / "runs" / "stopped"
    wait_for_checkpoint(folder)
    process.send_signal(signal.SIGINT)
    said_by(process)
    assert open_run(folder).record.result is None
    run = pellucid.train(resume=str(folder), quiet=True)
    assert run.record.result is not None
    assert run.record.result.metrics["accuracy"] > 0.9


@pytest.mark.slow
def test_seeds_and_a_network_are_not_both_shared_out(tmp_path: Path) -> None:
    process = launch(tmp_path, 2, "train", "digits", *SHORT, "--shard", "--seeds", "2")
    said = said_by(process)
    assert process.returncode != 0
    assert "error: --shard and --seeds do not go together" in said
    assert not (tmp_path / "runs").exists()


def test_one_process_has_nothing_to_share_with(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--shard shares a network out among processes"):
        pellucid.train("digits", shard=True, folder=str(tmp_path / "runs"), quiet=True)
    assert not (tmp_path / "runs").exists()
