"""A run folder that is not what `train` left: each way it may be wrong is said, with what to do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import pellucid
from pellucid.cli import main
from pellucid.errors import RunError
from pellucid.files import read_json, write_json


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pellucid.train("iris", epochs=2, folder=str(tmp_path_factory.mktemp("whole")), quiet=True).folder


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "runs" / "iris-1"))


def change(folder: Path, **fields: object) -> None:
    write_json(folder / "run.json", read_json(folder / "run.json") | fields)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without(folder: Path, key: str) -> None:
    asked = read_json(folder / "run.json")
    del asked[key]
    write_json(folder / "run.json", asked)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "run.json missing": (lambda run: (run / "run.json").unlink(), "is no run folder: run.json is missing"),
    "run.json cut off": (lambda run: cut(run / "run.json"), r"run\.json is damaged"),
    "run.json no object": (lambda run: (run / "run.json").write_text("[]"), r"run\.json is damaged"),
    "run.json no text": (lambda run: (run / "run.json").write_bytes(b"\xff\xfe\x00"), r"run\.json is damaged"),
    "run.json lacks a field": (lambda run: without(run, "network"), "without 'network'"),
    "run.json of another make": (lambda run: change(run, schema="two"), r"run\.json is damaged"),
    "newer version": (lambda run: change(run, schema=99), "written by a newer pellucid"),
    "record missing": (lambda run: (run / "record.jsonl").unlink(), r"record\.jsonl is missing"),
    "record damaged": (lambda run: (run / "record.jsonl").write_text("{}\n"), r"record\.jsonl is damaged"),
    "record no text": (lambda run: (run / "record.jsonl").write_bytes(b"\xff\n"), r"record\.jsonl is damaged"),
    "preprocessing missing": (lambda run: (run / "preprocessing.json").unlink(), r"preprocessing\.json is missing"),
    "preprocessing empty": (lambda run: write_json(run / "preprocessing.json", {}), r"preprocessing\.json is damaged"),
    "preprocessing unknown": (
        lambda run: write_json(run / "preprocessing.json", {"input": {"kind": "smell"}, "output": {}}),
        r"preprocessing\.json is damaged",
    ),
    "weights missing": (lambda run: (run / "weights.safetensors").unlink(), r"weights\.safetensors is missing"),
    "weights cut off": (lambda run: cut(run / "weights.safetensors"), r"weights\.safetensors is damaged"),
    "weights empty": (lambda run: (run / "weights.safetensors").write_bytes(b""), r"weights\.safetensors is damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_folder_is_said_to_be(run: Path, damage: str, capsys: pytest.CaptureFixture[str]) -> None:
    harm, words = DAMAGES[damage]
    harm(run)
    with pytest.raises(RunError, match=words):
        pellucid.open_run(run).predict([[5.1, 3.5, 1.4, 0.2]])
    with pytest.raises(SystemExit) as exit_:
        main(["predict", str(run), "nothing.csv"])
    assert exit_.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_weights_of_another_network_are_named(run: Path, tmp_path: Path) -> None:
    other = pellucid.train("iris", network="4 -> fc(3)", epochs=1, folder=str(tmp_path / "other"), quiet=True)
    shutil.copy(other.folder / "weights.safetensors", run / "weights.safetensors")
    with pytest.raises(RunError, match="belongs to another network"):
        pellucid.open_run(run).model()


def test_a_damaged_checkpoint_leaves_the_run_as_it_is(run: Path) -> None:
    lines = (run / "record.jsonl").read_text().splitlines(keepends=True)
    (run / "record.jsonl").write_text("".join(line for line in lines if json.loads(line)["kind"] != "result"))
    cut(run / "checkpoint" / "last.safetensors")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match="is damaged"):
        pellucid.train(resume=str(run), quiet=True)
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path in before}
    assert pellucid.open_run(run).predict([[5.1, 3.5, 1.4, 0.2]])[0].label


def test_a_mistyped_run_is_offered_the_nearest(run: Path) -> None:
    with pytest.raises(RunError, match=r"did you mean '.*iris-1'"):
        pellucid.open_run(run.parent / "iris-2")
