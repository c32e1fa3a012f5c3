"""The same command twice, in processes of their own, leaves the same bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

COMMANDS = {
    "mlp": ["train", "iris", "--network", "mlp(16)", "--epochs", "3"],
    "cnn": ["train", "digits", "--network", "cnn(width=4)", "--epochs", "1"],
    "rnn": ["train", "story.txt", "--network", "tokens(9) -> embed(8) -> lstm(16) -> fc(9)", "--length", "16",
            "--epochs", "1"],
    "gan": ["train", "digits", "--network", "gan(width=4)", "--epochs", "1"],
    "hopfield": ["train", "digits", "--network", "hopfield"],
    "rbf": ["train", "iris", "--network", "rbf", "--epochs", "2"],
}  # fmt: skip


def ran(place: Path, arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pellucid", *arguments],
        cwd=place, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("family", COMMANDS)
def test_a_training_again_leaves_the_same_bytes(family: str, tmp_path: Path) -> None:
    (tmp_path / "story.txt").write_text("the cat sat. " * 300)
    for name in ("one", "two"):
        ran(tmp_path, [*COMMANDS[family], "--no-report", "--quiet", "--threads", "1", "--name", name])
    one, two = (tmp_path / "runs" / name for name in ("one", "two"))
    assert json.loads((one / "run.json").read_text())["threads"] == 1
    assert (one / "record.jsonl").stat().st_size > 0
    for file in ("record.jsonl", "weights.safetensors"):
        assert (one / file).read_bytes() == (two / file).read_bytes()


def test_a_search_again_leaves_the_same_trials(tmp_path: Path) -> None:
    for name in ("one", "two"):
        ran(tmp_path, ["tune", "iris", "--trials", "4", "--epochs", "3", "--no-report", "--quiet", "--name", name])
    one, two = (tmp_path / "runs" / name for name in ("one", "two"))
    for file in ("trials.jsonl", "best/record.jsonl", "best/weights.safetensors"):
        assert (one / file).read_bytes() == (two / file).read_bytes()
