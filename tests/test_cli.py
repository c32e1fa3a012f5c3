"""What the command line refuses: before anything is begun, with status 2, a message that helps, and nothing left."""

from pathlib import Path

import pytest

from pellucid.cli import main

REFUSED = {
    "train iris --name a/b": "a run cannot be called 'a/b'",
    "train iris --name ..": "a run cannot be called '..'",
    "train iris --folder afile": "afile is a file",
    "train iris --folder afile/runs": "no run can be kept in afile/runs",
    "train iris --json nowhere/result.json": "nowhere cannot be written into",
    "train iris --json .": "a folder",
    "train iris extra": "nothing takes 'extra'",
    "train iris --epochs": "--epochs requires an argument",
    "train iris --epochs many": 'unable to convert "many"',
    "train iris --epochs 0": "at least 1",
    "train iris --learning-rate nan": "at least 0.0",
    "train iris --device cuda:99": "there is no device 'cuda:99' here",
    "train": "there is no data to train on",
    "reproduce": "there is no run to reproduce",
    "reproduce runs/none": "is no run folder",
    "predict runs/none x": "is no run folder",
    "triain iris": "train",
}


@pytest.mark.parametrize("line", REFUSED)
def test_a_refusal_says_why_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "afile").write_text("not a folder")
    with pytest.raises(SystemExit) as exit_:
        main(line.split())
    said = capsys.readouterr().err
    assert exit_.value.code == 2, said
    assert REFUSED[line] in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.rglob("*") if path.name != "runs"] == ["afile"]


def test_a_rate_of_nothing_is_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(["train", "iris", "--learning-rate", "0", "--epochs", "2", "--quiet"])
    assert exit_.value.code == 0
    lines = (tmp_path / "runs" / "iris-1" / "record.jsonl").read_text().splitlines()
    assert all('"learning_rate": 0.0' in line for line in lines if '"step", ' in line)
