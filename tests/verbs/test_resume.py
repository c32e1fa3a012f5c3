"""A training killed at any moment ends as if nothing had happened; nobody else writes meanwhile; the disk may fill."""

import json
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn

import pellucid
from pellucid.data import load
from pellucid.errors import OptionError, RunError
from pellucid.files import read_json, write_json
from pellucid.record import Step
from pellucid.training import begin, steps
from pellucid.training.checkpoint import save_checkpoint
from pellucid.verbs.run import Run

CUSTOMERS = "\n".join(
    ["age,plan,income,churned"]
    + [f"{20 + i % 50},{'abc'[i % 3]},{(i * 37) % 101}.5,{'yes' if (i * 37) % 101 > 60 else 'no'}" for i in range(400)]
)
SERIES = "\n".join(["value", *(f"{i % 12 + 0.01 * i:.3f}" for i in range(400))])

TRAININGS = {
    "images": ["digits", "--network", "8x8x1 -> conv(8, 3x3) -> batchnorm -> relu -> dropout(0.2) -> fc(10)",
               "--augment", "shift,rotate", "--epochs", "20", "--batch-size", "128"],
    "table": ["customers.csv", "--epochs", "40", "--early-stopping", "12", "--optimizer", "adam"],
    "series": ["series.csv", "--window", "24", "--epochs", "20", "--optimizer", "momentum", "--schedule", "cosine"],
    "text": ["story.txt", "--network", "tokens(9) -> embed(8) -> lstm(16) -> dropout(0.1) -> fc(9)", "--length", "16",
             "--epochs", "60", "--clip-norm", "1", "--metric", "accuracy", "--state", "fresh"],
    "text read on": ["story.txt", "--network", "tokens(9) -> embed(8) -> lstm(16) -> dropout(0.1) -> fc(9)",
                     "--length", "16", "--epochs", "60", "--state", "carried", "--batch-size", "20"],
    "adversaries": ["digits", "--network", "gan(width=4)", "--epochs", "20", "--batch-size", "128",
                    "--critic-steps", "2"],
}  # fmt: skip
"""What has state of its own: batch statistics, dropout, augmentation, patience, moments, schedules, carried states."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "series.csv").write_text(SERIES)
    (tmp_path / "story.txt").write_text("the cat sat. " * 300)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pellucid", "train", *arguments]


def outcome(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "record.jsonl").read_bytes(), (folder / "weights.safetensors").read_bytes()


def trained_seconds(run: Path) -> float:
    lines = [json.loads(line) for line in (run / "timing.jsonl").read_text().splitlines()]
    return sum(float(line["seconds"]) for line in lines if line["kind"] == "epoch")


def kill_after(process: subprocess.Popen[bytes], run: Path, began_before: int, seconds: float) -> None:
    """Kill a training so many seconds after its first step may begin."""
    timing = run / "timing.jsonl"
    while not (timing.exists() and timing.read_text().count('"begin"') > began_before):
        assert process.poll() is None, process.communicate()[1].decode()
        time.sleep(0.001)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("kind", TRAININGS)
def test_killed_again_and_again_it_ends_in_the_same_bytes(here: Path, kind: str) -> None:
    """Five kills a training, twenty in all, each at a random moment; a save after every step makes each one matter."""
    begin = [*TRAININGS[kind], "--checkpoint-seconds", "0"]
    subprocess.run(command(*begin, "--name", "whole"), check=True, capture_output=True)
    run, whole, chance = here / "runs" / "killed", here / "runs" / "whole", random.Random(kind)
    lengths = []
    for kill in range(5):
        arguments = command("--resume", "runs/killed") if kill else command(*begin, "--name", "killed")
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        kill_after(process, run, kill, chance.uniform(0, trained_seconds(whole) / 5))
        lengths.append((run / "record.jsonl").read_bytes().count(b"\n"))
    assert lengths[-1] > lengths[0], "no kill but the first came after a step"
    assert lengths[-1] < (whole / "record.jsonl").read_bytes().count(b"\n"), "nothing was left to go on with"
    pellucid.train(resume="runs/killed", quiet=True)
    assert outcome(run) == outcome(whole)


def test_a_checkpoint_between_an_epochs_last_step_and_its_judgement(here: Path) -> None:
    """The epoch's line may be written and the checkpoint not yet: going on must not write it twice."""
    whole = pellucid.train("iris", epochs=3, name="whole", quiet=True)
    run = pellucid.train("iris", epochs=3, name="torn", quiet=True, checkpoint_seconds=1e9, checkpoint_epochs=2)
    assert outcome(run.folder) == outcome(whole.folder)
    session = begin(load("iris"), None, run.recipe).session
    last = next(e for e in steps(session) if isinstance(e, Step) and session.progress.batch == session.steps_per_epoch)
    save_checkpoint(run.folder / "checkpoint" / "last.safetensors", session)
    lines = (run.folder / "record.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line).get("step", 1e9) <= last.step]
    assert json.loads(kept[-1])["kind"] == "epoch"
    (run.folder / "record.jsonl").write_text("".join(kept))
    assert outcome(pellucid.train(resume=str(run.folder), quiet=True).folder) == outcome(whole.folder)


@pytest.mark.slow
def test_a_second_writer_is_refused_and_the_lock_dies_with_its_owner(here: Path) -> None:
    process = subprocess.Popen(
        command("digits", "--epochs", "500", "--name", "held"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    record = here / "runs" / "held" / "record.jsonl"
    while not (record.exists() and record.stat().st_size):
        assert process.poll() is None
        time.sleep(0.01)
    with pytest.raises(RunError, match="another process is training into"):
        pellucid.train(resume="runs/held", quiet=True)
    process.kill()
    process.wait()
    asked = read_json(here / "runs" / "held" / "run.json")
    asked["recipe"]["epochs"] = 1  # the test need not wait for 500
    write_json(here / "runs" / "held" / "run.json", asked)
    assert pellucid.train(resume="runs/held", quiet=True).record.result is not None


def test_a_training_that_goes_on_takes_no_other_options(here: Path) -> None:
    pellucid.train("iris", epochs=2, name="mine", quiet=True)
    with pytest.raises(OptionError, match="goes on with the options it was begun with") as refusal:
        pellucid.train(resume="runs/mine", epochs=9, checkpoint_seconds=1.0)
    assert "--epochs, --checkpoint-seconds" in str(refusal.value) or "--checkpoint-seconds, --epochs" in str(
        refusal.value
    )


def test_a_module_of_ones_own_goes_on_whatever_weights_it_comes_with(here: Path) -> None:
    def module() -> nn.Module:
        return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))

    first = module()
    before = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    whole = pellucid.train("iris", first, epochs=4, name="whole", quiet=True)
    first.load_state_dict(before)
    run = pellucid.train("iris", first, epochs=4, name="stopped", quiet=True)
    lines = (run.folder / "record.jsonl").read_text().splitlines(keepends=True)
    (run.folder / "record.jsonl").write_text("".join(lines[:-1]))  # killed before it was judged
    with pytest.raises(RunError, match="module of your own"):
        pellucid.train(resume=str(run.folder), quiet=True)
    resumed = pellucid.train(network=module(), resume=str(run.folder), quiet=True)
    assert outcome(resumed.folder) == outcome(whole.folder)


def test_a_run_of_before_there_was_a_choice_of_state_goes_on_as_it_began(here: Path) -> None:
    """Texts were begun anew at every window then, and run.json does not say so; read on, they end elsewhere."""

    def read(name: str, state: Literal["fresh"] | None) -> Run:
        network = "tokens(9) -> embed(8) -> lstm(16) -> fc(9)"
        return pellucid.train("story.txt", network, name=name, state=state, length=16, epochs=2, quiet=True)

    whole, carried, run = read("whole", "fresh"), read("carried", None), read("old", "fresh")
    assert carried.recipe.state == "carried", "no longer the default: the test shows nothing"
    document = read_json(run.folder / "run.json")
    del document["recipe"]["state"], document["options"]["state"]
    write_json(run.folder / "run.json", document)
    (run.folder / "checkpoint" / "last.safetensors").unlink()  # it goes on from its first step
    (run.folder / "record.jsonl").write_text("")
    assert pellucid.open_run(run.folder).recipe.state == "fresh"
    assert outcome(pellucid.train(resume=str(run.folder), quiet=True).folder) == outcome(whole.folder)
    assert outcome(carried.folder) != outcome(whole.folder)


def test_other_versions_are_said_when_a_training_goes_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = pellucid.train("iris", epochs=2, quiet=True)
    asked = read_json(run.folder / "run.json")
    asked["versions"]["torch"] = "2.0.0"
    write_json(run.folder / "run.json", asked)
    lines = (run.folder / "record.jsonl").read_text().splitlines(keepends=True)
    (run.folder / "record.jsonl").write_text("".join(lines[:-1]))
    pellucid.train(resume=str(run.folder))
    assert "torch: 2.0.0 then" in capsys.readouterr().out


def train_with_files_up_to(largest: int, *arguments: str) -> str:
    """Train where the system allows no larger file, as on a full disk: the same call fails; return what was said."""
    process = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (largest, largest))
    said = process.communicate()[1]
    assert process.returncode == 2, said
    assert "Traceback" not in said
    return said


@pytest.mark.slow
def test_where_the_record_no_longer_fits_the_checkpoint_before_survives(here: Path) -> None:
    arguments = ["iris", "--network", "4 -> fc(3)", "--epochs", "10", "--checkpoint-seconds", "0"]
    subprocess.run(command(*arguments, "--name", "whole"), check=True, capture_output=True)
    whole, full = here / "runs" / "whole", here / "runs" / "full"
    largest = (whole / "record.jsonl").stat().st_size * 2 // 3
    assert (whole / "checkpoint" / "last.safetensors").stat().st_size < largest
    said = train_with_files_up_to(largest, *arguments, "--name", "full")
    assert "the disk takes no more: runs/full/record.jsonl" in said
    assert "--resume" in said
    pellucid.train(resume=str(full), quiet=True)
    assert outcome(full) == outcome(whole)


@pytest.mark.slow
def test_where_a_checkpoint_no_longer_fits_the_one_before_survives(here: Path) -> None:
    arguments = ["iris", "--network", "mlp", "--epochs", "10", "--checkpoint-seconds", "0"]
    subprocess.run(command(*arguments, "--name", "whole"), check=True, capture_output=True)
    whole, full = here / "runs" / "whole", here / "runs" / "full"
    # before the first epoch's end a checkpoint holds no best weights yet: that one fits, the next does not
    largest = (whole / "checkpoint" / "last.safetensors").stat().st_size
    largest -= (whole / "weights.safetensors").stat().st_size // 2
    said = train_with_files_up_to(largest, *arguments, "--name", "full")
    assert "the disk takes no more: runs/full/checkpoint/last.safetensors" in said
    assert sorted(path.name for path in (full / "checkpoint").iterdir()) == ["last.safetensors", "lock"]
    pellucid.train(resume=str(full), quiet=True)
    assert outcome(full) == outcome(whole)


def test_a_second_ctrl_c_saves_nothing_torn(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait for the step under way, so what it leaves is the checkpoint before."""
    whole = pellucid.train("iris", epochs=6, name="whole", quiet=True)
    real_step, calls = torch.optim.AdamW.step, iter(range(10))

    def interrupted(optimizer: torch.optim.AdamW, *arguments: object) -> object:
        taken = real_step(optimizer)
        if next(calls) == 7:
            raise KeyboardInterrupt
        return taken

    monkeypatch.setattr(torch.optim.AdamW, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pellucid.train("iris", epochs=6, name="torn", quiet=True, checkpoint_seconds=0.0)
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert outcome(pellucid.train(resume="runs/torn", quiet=True).folder) == outcome(whole.folder)


def test_a_training_killed_before_its_report_is_reported(here: Path) -> None:
    run = pellucid.train("iris", epochs=2, name="ended", quiet=True)
    before = outcome(run.folder)
    (run.folder / "report.html").unlink()
    resumed = pellucid.train(resume="runs/ended", quiet=True)
    assert (run.folder / "report.html").exists()
    assert outcome(resumed.folder) == before
    with pytest.raises(RunError, match="nothing to resume"):
        pellucid.train(resume="runs/ended", quiet=True)


def test_a_search_killed_before_its_reports_is_reported(here: Path) -> None:
    study = pellucid.tune("iris", trials=2, epochs=2, name="ended", quiet=True)
    trials = (study.folder / "trials.jsonl").read_bytes()
    for folder in (study.folder, study.folder / "best"):
        (folder / "report.html").unlink()
        assert pellucid.tune(resume=str(study.folder), quiet=True).finished
        assert (folder / "report.html").exists()
    assert (study.folder / "trials.jsonl").read_bytes() == trials
