"""From data to a run folder and back, through Python."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import pellucid
from pellucid.errors import DataError, NotationError, OptionError, PellucidError, RunError
from pellucid.files import read_json


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def weights_of(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


def test_a_run_folder_holds_what_the_design_says(here: Path) -> None:
    run = pellucid.train("iris", epochs=3, quiet=True)
    assert run.folder == Path("runs") / "iris-1"
    assert {path.name for path in run.folder.iterdir()} == {
        "run.json",
        "record.jsonl",
        "timing.jsonl",
        "weights.safetensors",
        "checkpoint",
        "preprocessing.json",
        "findings.json",
        "network.py",
        "report.html",
    }
    asked = read_json(run.folder / "run.json")
    assert asked["options"]["epochs"] == 3
    assert asked["recipe"]["batch_size"] == 32
    assert asked["data"]["samples"] == {"train": 90, "validation": 30, "test": 30}
    assert len(run.record.epochs) == 3
    assert run.record.result is not None
    assert run.evaluate() == pytest.approx(dict(run.record.result.metrics), rel=1e-6)


def test_digits_are_learned_in_a_few_epochs(here: Path) -> None:
    run = pellucid.train("digits", network="mlp", epochs=15, quiet=True)
    assert run.evaluate()["accuracy"] > 0.9


def test_the_same_command_gives_the_same_bytes(here: Path) -> None:
    first, second = (pellucid.train("iris", epochs=4, quiet=True) for _ in range(2))
    assert (first.folder / "record.jsonl").read_bytes() == (second.folder / "record.jsonl").read_bytes()
    assert weights_of(first.folder) == weights_of(second.folder)


def test_training_leaves_the_callers_random_state_alone(here: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    pellucid.train("iris", epochs=1, quiet=True)
    assert torch.equal(torch.rand(2), expected)


def test_any_module_and_arrays_will_do(here: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 3)).astype(np.float32)
    y = x @ np.array([1.0, -2.0, 0.5], np.float32)
    network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    data = pellucid.load((x, y))
    run = pellucid.train(data, network, epochs=100, learning_rate=0.01, quiet=True)
    assert run.record.result is not None
    assert run.record.result.metrics["r2"] > 0.9
    assert not (run.folder / "network.py").exists()
    assert run.evaluate() == pytest.approx(dict(run.record.result.metrics), rel=1e-6)
    assert run.model() is not network
    assert run.predict(x[:3]) == run.predict(x[:3])
    opened = pellucid.open_run(run.folder)  # as another process has it: without what was given from Python
    with pytest.raises(RunError, match="module of your own"):
        opened.model()
    with pytest.raises(RunError, match="given from Python"):
        opened.data()


def test_the_exported_network_predicts_the_same(here: Path) -> None:
    run = pellucid.train("digits", network="lenet5", epochs=1, quiet=True)
    code = (
        "import sys, torch\nfrom safetensors.torch import load_file\n"
        f"sys.path.insert(0, {str(run.folder)!r})\nfrom network import Network\n"
        f"network = Network().eval()\nnetwork.load_state_dict(load_file({str(run.folder / 'weights.safetensors')!r}))\n"
        "torch.manual_seed(0)\nx = torch.randn(4, 1, 8, 8)\n"
        "with torch.no_grad():\n    print(network(x).sum().item())\n"
        "assert 'pellucid' not in sys.modules\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    torch.manual_seed(0)
    x = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        assert float(printed) == pytest.approx(run.model()(x).sum().item(), rel=1e-6)


@pytest.mark.parametrize(
    ("keywords", "error", "words"),
    [
        ({"data": "digit"}, PellucidError, ["digits"]),
        ({"data": "iris", "epoch": 1}, OptionError, ["did you mean 'epochs'"]),
        ({"data": "iris", "network": "fc(3)"}, NotationError, ["4 -> fc(3)"]),
        ({"data": "iris", "network": "5 -> fc(3)"}, NotationError, ["4 -> fc(3)"]),
        ({"data": "iris", "network": "4 -> fc(2)"}, NotationError, ["4 -> fc(3)"]),
        ({"data": "iris", "network": "mpl"}, NotationError, ["mlp"]),
        ({"data": None}, OptionError, ["no data"]),
    ],
)
def test_a_refusal_says_what_would_fit_and_leaves_nothing(
    here: Path, keywords: dict[str, object], error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        pellucid.train(quiet=True, **keywords)  # type: ignore[arg-type]
    for word in words:
        assert word in str(caught.value)
    assert not (here / "runs").exists()


def test_without_test_rows_validation_is_judged_and_without_those_nothing_is_trained(here: Path) -> None:
    run = pellucid.train("iris", split="70:30", epochs=2, quiet=True)
    assert run.record.result is not None
    assert run.record.result.split == "validation"
    assert run.evaluate() == pytest.approx(dict(run.record.result.metrics), rel=1e-6)
    with pytest.raises(DataError, match="no validation rows"):
        pellucid.train("iris", split="80:0:20", epochs=2, quiet=True)


def test_a_training_that_diverges_keeps_what_it_had(here: Path) -> None:
    with pytest.raises(RunError, match="diverged"):
        pellucid.train("diabetes", optimizer="sgd", learning_rate=50.0, network="linear", quiet=True)
    run = pellucid.open_run("runs/diabetes-1")
    assert run.record.result is None
    assert all(torch.isfinite(weights).all() for weights in run.model().state_dict().values())


def test_a_taken_name_is_refused(here: Path) -> None:
    pellucid.train("iris", epochs=1, name="mine", quiet=True)
    with pytest.raises(RunError, match="never overwritten"):
        pellucid.train("iris", epochs=1, name="mine", quiet=True)


def test_the_checks_before_training(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = pellucid.train("iris", epochs=1, overfit_one_batch=True, range_test=True)
    printed = capsys.readouterr().out
    assert "learned by heart" in printed
    assert "suggests --learning-rate" in printed
    assert run.recipe.learning_rate != 3e-3
    assert f"{run.recipe.learning_rate:.2g}" in printed


@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_resume_ends_with_the_same_bytes(here: Path) -> None:
    command = [sys.executable, "-m", "pellucid", "train", "digits", "--epochs", "12", "--batch-size", "64"]
    subprocess.run([*command, "--name", "whole"], check=True, capture_output=True)
    process = subprocess.Popen(
        [*command, "--name", "stopped"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    record = here / "runs" / "stopped" / "record.jsonl"
    while not (record.exists() and record.read_bytes().count(b"epoch") > 40):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "--resume" in out
    assert "Traceback" not in err
    assert '"result"' not in record.read_text()

    resumed = subprocess.run(
        [sys.executable, "-m", "pellucid", "train", "--resume", "runs/stopped", "--json", "-"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert json.loads(resumed.stdout)["finished"] is True
    assert record.read_bytes() == (here / "runs" / "whole" / "record.jsonl").read_bytes()
    assert weights_of(here / "runs" / "stopped") == weights_of(here / "runs" / "whole")
    with pytest.raises(RunError, match="finished"):
        pellucid.train(resume="runs/stopped", quiet=True)


def test_one_answer_a_step_for_a_text_and_one_for_the_whole_of_lines(here: Path) -> None:
    (here / "story.txt").write_text("the cat sat. " * 300)
    run = pellucid.train("story.txt", network="lstm", epochs=1, quiet=True, no_report=True)
    assert run.asked["network"]["arrows"].endswith("lstm(128) -> fc(9)")
    with pytest.raises(NotationError, match="T x 9"):
        pellucid.train("story.txt", network="tokens(9) -> embed(8) -> lstm(16) -> last -> fc(9)", quiet=True)
    (here / "moods").mkdir()
    for mood in ("glad", "sad"):
        (here / "moods" / f"{mood}.txt").write_text("\n".join(f"{mood} line {i}" for i in range(20)))
    tokens = pellucid.load("moods").input_shape
    with pytest.raises(NotationError, match="-> last"):
        pellucid.train("moods", network=f"{tokens} -> embed(8) -> lstm(16) -> fc(2)", quiet=True)
