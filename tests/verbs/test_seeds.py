"""`pellucid train --seeds`: what is kept, said and shown, and what a stop, a kill or a divergence leaves."""

import dataclasses
import json
import math
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy import stats
from torch import nn

import pellucid
from pellucid.cli import main
from pellucid.errors import RunError
from pellucid.judging.seeds import spread
from pellucid.record import SeedResult
from pellucid.report.text import seed_lines
from pellucid.training.population import Population, fleet
from pellucid.verbs import seeds as verb
from pellucid.verbs.run import Run

OPTIONS: dict[str, Any] = {"epochs": 3, "quiet": True, "device": "cpu", "threads": 1}
NETWORK = "4 -> fc(8) -> relu -> dropout(0.1) -> fc(3)"


def train(folder: Path, name: str, **options: Any) -> Run:
    return pellucid.train("iris", options.pop("network", NETWORK), folder=str(folder), name=name, **(OPTIONS | options))


def assert_alike(ones: tuple[SeedResult, ...], others: tuple[SeedResult, ...]) -> None:
    """Alike to rounding: how many are computed together decides the last bits."""
    for one, other in zip(sorted(ones, key=seed_of), sorted(others, key=seed_of), strict=True):
        assert dataclasses.replace(one, metrics={}) == dataclasses.replace(other, metrics={})
        assert dict(one.metrics) == pytest.approx(dict(other.metrics), rel=1e-4)


def seed_of(result: SeedResult) -> int:
    return result.seed


def test_the_run_is_the_first_seeds_and_each_other_is_what_it_is_alone(tmp_path: Path) -> None:
    run, alone = train(tmp_path, "seeds", seeds=3, seed=5), train(tmp_path, "alone", seed=5)
    assert (run.folder / "record.jsonl").read_bytes() == (alone.folder / "record.jsonl").read_bytes()
    assert (run.folder / "weights.safetensors").read_bytes() == (alone.folder / "weights.safetensors").read_bytes()
    assert [result.seed for result in run.seeds] == [5, 6, 7]
    for result in run.seeds:
        single = train(tmp_path, f"single-{result.seed}", seed=result.seed, no_report=True)
        assert single.record.result is not None
        assert dict(result.metrics) == pytest.approx(dict(single.record.result.metrics), rel=1e-4)
        assert (result.best_epoch, result.epochs) == (single.record.result.best_epoch, 3)
    assert not (run.folder / "checkpoint" / "seeds.safetensors").exists()


def test_mean_and_interval_are_students() -> None:
    values = [0.91, 0.94, 0.9, 0.95]
    each = spread("mse", values)
    mean, error = sum(values) / 4, float(stats.sem(values))
    assert (each.low, each.high) == pytest.approx(stats.t.interval(0.95, 3, mean, error))
    assert spread("accuracy", [0.9, 1.0]).high == 1.0
    assert math.isnan(spread("mse", [1.0]).low)


def test_what_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path, "said", seeds=4, quiet=False)
    said = capsys.readouterr().out
    assert "seeds    4 seeds, 0 to 3; mean on the test split, and its 95 % interval:" in said
    assert "the run is seed 0" in said
    page = (run.folder / "report.html").read_text()
    assert "How much is luck" in page
    assert "How much is luck" not in (train(tmp_path, "one").folder / "report.html").read_text()


def test_json_has_every_seed(tmp_path: Path) -> None:
    command = [
        "train",
        "iris",
        "--network",
        NETWORK,
        "--folder",
        str(tmp_path),
        "--epochs",
        "2",
        "--seeds",
        "3",
        "--quiet",
    ]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--json", str(tmp_path / "out.json")])
    assert not ended.value.code
    document = json.loads((tmp_path / "out.json").read_text())
    assert [each["seed"] for each in document["seeds"]] == [0, 1, 2]


def test_one_seed_misses_none(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "iris", "--network", NETWORK, "--folder", str(tmp_path), "--epochs", "1", "--quiet"])
    assert not ended.value.code
    with pytest.raises(RunError, match="finished"):
        pellucid.train(resume=str(tmp_path / "iris-1"), quiet=True)


def test_seeds_that_diverge_are_left_out_and_said() -> None:
    results = [SeedResult(seed, 2, 1, "test", {"loss": 0.1, "mse": 0.1 + seed}) for seed in (3, 4)]
    results.append(SeedResult(5, 1, 0, "test", {}, "training diverged in epoch 2: the loss is nan"))
    said = seed_lines(results, "mse")
    assert "left out, since the loss was no longer finite: seed 5" in said
    assert "3 seeds, 3 to 5" in said
    assert "of all but seed 3" in seed_lines([results[0], results[2]], "mse")


def test_a_stop_among_the_seeds_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(tmp_path, "whole", seeds=4)
    advance = Population.advance

    def stopped(self: Population, every: int | None = None, until: int | None = None) -> Any:
        for number, said in enumerate(advance(self, every, until)):
            if number == 5:
                signal.raise_signal(signal.SIGINT)
            yield said

    with monkeypatch.context() as patched:
        patched.setattr(Population, "advance", stopped)
        run = train(tmp_path, "stopped", seeds=4)
    assert [result.seed for result in run.seeds] == [0]
    resumed = pellucid.train(resume=str(run.folder), quiet=True)
    assert resumed.seeds == whole.seeds
    assert (resumed.folder / "report.html").exists()
    with pytest.raises(RunError, match="finished"):
        pellucid.train(resume=str(run.folder), quiet=True)


def test_one_killed_before_its_first_checkpoint_begins_the_seeds_anew(tmp_path: Path) -> None:
    run = train(tmp_path, "killed", seeds=4)
    kept, path = run.seeds, run.folder / "seeds.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2] + lines[3][:20])  # as a process leaves it that dies within a line
    resumed = pellucid.train(resume=str(run.folder), quiet=True)
    assert (resumed.seeds[0], resumed.seeds[2]) == (kept[0], kept[2])
    assert_alike(resumed.seeds, kept)


def test_what_cannot_be_trained_at_once_is_trained_in_turn_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tmp_path, "turn", seeds=3, network="4 -> fc(3) -> step", rule="perceptron", quiet=False)
    assert "seeds    trained one after the other: the rule Perceptron" in capsys.readouterr().out
    assert [result.seed for result in run.seeds] == [0, 1, 2]


def test_a_module_of_ones_own_begins_with_its_weights_each_time(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    run = pellucid.train("iris", module, folder=str(tmp_path), name="own", seeds=3, **OPTIONS)
    assert len({json.dumps(dict(result.metrics)) for result in run.seeds}) > 1


def test_memory_decides_how_many_are_trained_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Counted(Population):
        def __init__(self, sessions: Any) -> None:
            sizes.append(len(sessions))
            super().__init__(sessions)

    whole = train(tmp_path, "whole", seeds=6)
    monkeypatch.setattr(fleet, "Population", Counted)
    monkeypatch.setattr(verb, "members_at_once", lambda session, most: 2)  # noqa: ARG005
    assert_alike(train(tmp_path, "waves", seeds=6).seeds, whole.seeds)
    assert sizes == [2, 2]  # the last one alone
