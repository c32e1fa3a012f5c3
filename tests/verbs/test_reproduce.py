"""A run done once more is the same to the bit, or it is said what is not."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import pellucid
from pellucid.cli import main
from pellucid.errors import RunError
from pellucid.files import read_json, write_json
from pellucid.seed import seed_torch


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said_by(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    captured = capsys.readouterr()
    return exit_.value.code, captured.out + captured.err


def test_a_run_is_the_same_again_and_its_folder_untouched(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = pellucid.train("iris", epochs=3, quiet=True)
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    status, said = said_by(["reproduce", str(run.folder), "--json", "again.json"], capsys)
    assert status == 0, said
    assert "bit for bit" in said
    assert json.loads((here / "again.json").read_text()) == {
        "run": str(run.folder), "same": True, "differences": [], "environment": [],
    }  # fmt: skip
    assert {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()} == before


def test_what_came_out_otherwise_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = pellucid.train("iris", epochs=3, quiet=True)
    asked = read_json(run.folder / "run.json")
    asked["recipe"]["weight_decay"] = 0.5  # as if the training itself computed otherwise
    asked["versions"]["torch"] = "2.0.0"
    write_json(run.folder / "run.json", asked)
    status, said = said_by(["reproduce", str(run.folder)], capsys)
    assert status == 2
    assert "torch: 2.0.0 then" in said
    assert "first in line" in said
    assert "6 of 6 tensors of weights, by up to" in said
    changed = pellucid.reproduce(run.folder, quiet=True)
    assert not changed.same
    assert [line.split(":")[0] for line in changed.environment] == ["torch"]


def test_threads_that_differ_are_named(here: Path) -> None:
    run = pellucid.train("iris", epochs=1, quiet=True)
    again = pellucid.reproduce(run, threads=2, quiet=True)
    assert again.environment == ("threads: 1 then, 2 now",)
    assert torch.get_num_threads() == 1 or again.run  # the caller's threads are its own again


def test_a_changed_datum_is_named(here: Path) -> None:
    lines = ["size,price", *(f"{i},{3 * i + 1}.5" for i in range(60))]
    (here / "houses.csv").write_text("\n".join(lines))
    run = pellucid.train("houses.csv", epochs=1, quiet=True)
    (here / "houses.csv").write_text("\n".join([*lines[:-1], "59,0.5"]))
    with pytest.raises(RunError, match=r"houses\.csv has changed since this run") as refusal:
        pellucid.reproduce(run, quiet=True)
    assert "36 train" in str(refusal.value)


def test_a_run_that_is_not_finished_has_no_end_to_compare_with(here: Path) -> None:
    run = pellucid.train("iris", epochs=1, quiet=True)
    lines = (run.folder / "record.jsonl").read_text().splitlines(keepends=True)
    (run.folder / "record.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(RunError, match="not finished"):
        pellucid.reproduce(run.folder, quiet=True)


def test_a_module_and_arrays_of_ones_own_come_again(here: Path) -> None:
    def module() -> nn.Module:
        seed_torch(0, "test")
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))

    x = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    run = pellucid.train((x, x.sum(1)), module(), epochs=2, quiet=True)
    assert pellucid.reproduce(run, (x, x.sum(1)), module(), quiet=True).same
    run = pellucid.open_run(run.folder)
    with pytest.raises(RunError, match="given from Python"):
        pellucid.reproduce(run, quiet=True)
    with pytest.raises(RunError, match="module of your own"):
        pellucid.reproduce(run, (x, x.sum(1)), quiet=True)
    with pytest.raises(RunError, match="does not begin with the weights"):
        pellucid.reproduce(run, (x, x.sum(1)), nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), quiet=True)
    with pytest.raises(RunError, match="has changed"):
        pellucid.reproduce(run, (2 * x, x.sum(1)), module(), quiet=True)
