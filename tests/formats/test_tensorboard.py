"""Logs for TensorBoard, read by its own loader: what the record says, at the same steps, once."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import pellucid
from pellucid.errors import RunError
from pellucid.formats.tensorboard import TensorBoardLogs
from pellucid.record import Epoch, Record, Result, Step
from pellucid.verbs.run import Run

HAS = importlib.util.find_spec("tensorboard") is not None
needed = pytest.mark.skipif(not HAS, reason="tensorboard is of the extra logs")
SETTINGS: dict[str, Any] = {"quiet": True, "no_report": True, "no_diagnosis": True, "tensorboard": True}


def scalars(folder: Path) -> Mapping[str, list[tuple[int, float]]]:
    """Return every scalar by its step, as TensorBoard shows them: what was purged is gone."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    assert {"network/text_summary", "recipe/text_summary"} <= set(tags["tensors"])
    return {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in tags["scalars"]}


def expected(record: Record) -> dict[str, list[tuple[int, float]]]:
    made: dict[str, list[tuple[int, float]]] = {}
    for step in record.steps:
        for name in ("loss", "learning_rate", "gradient_norm"):
            made.setdefault(f"train/{name}", []).append((step.step, getattr(step, name)))
    for epoch in record.epochs:
        for name, value in epoch.validation.items():
            made.setdefault(f"validation/{name}", []).append((epoch.step, value))
    assert record.result is not None
    for name, value in record.result.metrics.items():
        made[f"{record.result.split}/{name}"] = [(record.epochs[-1].step, value)]
    return made


def require_same(run: Run) -> None:
    found, asked = scalars(run.folder / "tensorboard"), expected(run.record)
    assert found.keys() == asked.keys()
    for tag, values in asked.items():
        assert [step for step, _ in found[tag]] == [step for step, _ in values], tag
        assert [value for _, value in found[tag]] == pytest.approx([value for _, value in values], rel=1e-6)


@needed
@pytest.mark.filterwarnings("ignore")
def test_tensorboards_own_loader_reads_the_record(tmp_path: Path) -> None:
    run = pellucid.train("iris", "4 -> fc(6) -> tanh -> fc(3)", epochs=4, folder=str(tmp_path), **SETTINGS)
    require_same(run)


class KilledError(Exception):
    """Stands for the end of the process."""


@needed
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("at", [2, 11], ids=["before the first checkpoint", "between two"])
def test_a_training_that_goes_on_takes_back_what_its_checkpoint_had_not_seen(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = TensorBoardLogs.on_step

    def until_killed(logs: TensorBoardLogs, step: Step) -> None:
        plain(logs, step)
        if step.step == at:
            raise KilledError

    settings = {**SETTINGS, "epochs": 6, "checkpoint_seconds": 1e9, "checkpoint_epochs": 1}
    with monkeypatch.context() as patch:
        patch.setattr(TensorBoardLogs, "on_step", until_killed)
        with pytest.raises(KilledError):
            pellucid.train("iris", "4 -> fc(6) -> tanh -> fc(3)", folder=str(tmp_path), name="it", **settings)
    run = pellucid.train(resume=str(tmp_path / "it"), quiet=True)
    assert len(list((run.folder / "tensorboard").iterdir())) == 2
    require_same(run)


@needed
@pytest.mark.filterwarnings("ignore")
def test_numbers_that_are_none_are_kept(tmp_path: Path) -> None:
    logs = TensorBoardLogs(tmp_path / "logs", 0, {"network": "4 -> fc(2)", "recipe": "{}"})
    logs.on_step(Step(1, 1, float("inf"), 0.1, float("nan"), 8))
    logs.on_epoch(Epoch(1, 1, 0.5, {"loss": 0.25}, best=True))
    logs.on_result(Result("test", {"loss": 0.125}, 1))
    logs.close()
    found = scalars(tmp_path / "logs")
    assert found["train/loss"] == [(1, float("inf"))]
    assert found["test/loss"] == [(1, 0.125)]


def test_without_tensorboard_it_is_said_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pellucid.errors.importlib.util.find_spec", lambda _: None)
    with pytest.raises(RunError, match=r"pellucid\[logs\]"):
        pellucid.train("iris", epochs=1, folder=str(tmp_path), **SETTINGS)
    assert not list(tmp_path.iterdir())
