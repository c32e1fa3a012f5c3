"""What a training needs is counted before it starts: against what it then takes, and against a closed form."""

import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from pellucid.data.dataset import Classes, Dataset
from pellucid.errors import RunError
from pellucid.shapes import Features
from pellucid.training import begin, memory
from pellucid.training.memory import Need, explained, needed, require_memory
from tests.training.making import make_data, make_session, perceptron


@pytest.fixture
def rows() -> Dataset:
    return make_data(torch.zeros(64, 100), torch.arange(64) % 2, Classes(("a", "b")), Features(100), train=32)


def test_a_linear_stack_needs_what_arithmetic_says(rows: Dataset) -> None:
    session = make_session(rows, nn.Sequential(nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 2)), optimizer="adam")
    need = needed(session)
    weights = 4 * (100 * 50 + 50 + 50 * 2 + 2)
    # kept for the backward pass: the input and what relu gave; the gradient of the larger comes on top
    assert need == Need(fixed=weights * (7 + 3 * 2), per_sample=4 * (100 + 50 + 100))


def test_sgd_keeps_no_moments(rows: Dataset) -> None:
    needs = [needed(make_session(rows, nn.Linear(100, 2), optimizer=name)) for name in ("sgd", "momentum", "adamw")]
    assert [need.fixed // (4 * 202) for need in needs if need is not None] == [7, 10, 13]


def test_the_look_changes_nothing(rows: Dataset) -> None:
    network = nn.Sequential(nn.Linear(100, 2), nn.BatchNorm1d(2), nn.Dropout(0.5)).eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    session = make_session(rows, network)
    torch.manual_seed(0)
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert needed(session) is not None
    assert torch.equal(torch.rand(3), drawn)
    assert not network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_what_asks_for_values_cannot_be_followed(rows: Dataset) -> None:
    class Asking(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return super().forward(input if input.sum().item() > 0 else -input)

    assert needed(make_session(rows, Asking(100, 2))) is None


@pytest.mark.parametrize(("samples", "advice"), [(15, "--batch-size 8 fits"), (0, "not even one sample fits")])
def test_a_training_that_cannot_fit_is_refused_with_the_batch_that_does(
    rows: Dataset, monkeypatch: pytest.MonkeyPatch, samples: int, advice: str
) -> None:
    network = nn.Sequential(nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 2))
    session = make_session(rows, network, batch_size=4096)
    need = needed(session)
    assert need is not None
    monkeypatch.setattr(memory, "free_memory", lambda _: need.of(samples))
    with pytest.raises(RunError, match=advice) as refusal:
        require_memory(session)
    assert "which are free" in str(refusal.value)


def test_a_network_too_large_is_refused_before_it_is_made(rows: Dataset) -> None:
    with pytest.raises(RunError, match="2,010,160,002 weights") as refusal:
        begin(rows, "100 -> fc(100000) -> relu -> fc(20000) -> fc(2)")
    assert "--optimizer sgd" in str(refusal.value)


def test_what_fits_passes(rows: Dataset) -> None:
    require_memory(make_session(rows, perceptron()))


def test_memory_that_runs_out_is_explained(rows: Dataset) -> None:
    session = make_session(rows, nn.Linear(100, 2))
    with (
        pytest.raises(RunError, match=r"a request for \d+ bytes more[^$]*--batch-size 16 needs about half"),
        explained(session),
    ):
        torch.empty(2**60, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="something else"), explained(session):
        raise RuntimeError("something else")


@pytest.mark.slow
def test_a_limit_on_the_process_counts(tmp_path: Path) -> None:
    arrays = tmp_path / "images.npz"
    np.savez(arrays, x=np.zeros((600, 32, 32, 3), np.uint8), y=np.arange(600) % 2)
    arrows = "32x32x3 -> conv(64, 3x3) -> relu -> conv(64, 3x3) -> relu -> fc(2)"
    command = [sys.executable, "-m", "pellucid", "train", str(arrays), "--network", arrows, "--batch-size", "65536"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    resource.prlimit(process.pid, resource.RLIMIT_AS, (8 << 30, 8 << 30))
    said = process.communicate()[1]
    assert process.returncode == 2, said
    assert re.search(r"--batch-size \d+ fits", said), said
    assert not (tmp_path / "runs").exists()


MEASURE = """
import sys, threading, time
import numpy, psutil, torch
import pellucid
from pellucid.recipe import Recipe
from pellucid.training import begin, train_step
from pellucid.training.memory import needed
from pellucid.training.loop import epoch_order
batch = 256
data = pellucid.load((numpy.zeros((2 * batch, 64, 64, 3), numpy.uint8), numpy.arange(2 * batch) % 2), split="90:10")
arrows = "64x64x3 -> conv(32, 3x3) -> batchnorm -> relu -> conv(32, 3x3) -> batchnorm -> relu -> maxpool(2x2) -> fc(2)"
session = begin(data, arrows, Recipe(batch_size=batch, epochs=1, augment="none")).session
process, peak, running = psutil.Process(), 0, True
before = process.memory_info().rss
def watch():
    global peak
    while running:
        peak = max(peak, process.memory_info().rss)
        time.sleep(0.001)
watcher = threading.Thread(target=watch)
watcher.start()
train_step(session, epoch_order(session)[:batch])
running = False
watcher.join()
print(needed(session).of(batch) / (peak - before))
"""


@pytest.mark.slow
@pytest.mark.skipif(psutil.LINUX is False, reason="other systems count resident memory otherwise")
def test_it_is_what_a_convolution_then_takes() -> None:
    """Only what is certain is counted: most of what is taken, and not more."""
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
    assert 0.8 < float(done.stdout) < 1.05
