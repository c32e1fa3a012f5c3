"""The record's lines and the run folder's files."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import RunError
from pellucid.files import from_json_line, new_run_folder, read_json, to_json_line, write_bytes, write_json
from pellucid.record import Epoch, Record, RecordFile, Result, Step, read_findings

FINDING = {"cause": "lr-high", "severity": "critical", "confidence": 0.9, "where": {"file": "train.py", "line": 3},
           "evidence": [{"measure": "loss", "value": math.nan, "reference": 1.0}], "explanation": "Too high.",
           "remedies": [{"action": "Lower it."}], "step": 7}  # fmt: skip
STEP = Step(step=1, epoch=1, loss=0.1 + 0.2, learning_rate=1e-3, gradient_norm=math.inf, samples=32)
EPOCH = Epoch(epoch=1, step=4, loss=math.nan, validation={"accuracy": 0.5}, best=True)
RESULT = Result(split="test", metrics={"accuracy": 1.0}, best_epoch=1)


@given(st.floats(allow_nan=False))
def test_floats_keep_every_bit(value: float) -> None:
    assert from_json_line(to_json_line({"value": value})) == {"value": value}


def test_nan_is_said_in_valid_json() -> None:
    line = to_json_line({"loss": math.nan, "norms": [math.inf, -math.inf]})
    assert "NaN" in line
    assert math.isnan(from_json_line(line)["loss"])
    assert from_json_line(line)["norms"] == [math.inf, -math.inf]


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    file = RecordFile(path)
    file.on_step(STEP)
    file.on_epoch(EPOCH)
    file.on_result(RESULT)
    file.close()
    record = Record.read(path)
    assert record.steps == [STEP]
    assert record.result == RESULT
    assert math.isnan(record.epochs[0].loss)
    assert record.epochs[0].validation == EPOCH.validation


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    file = RecordFile(path)
    file.on_step(STEP)
    file.close()
    path.write_text(path.read_text() + '{"kind": "step", "st')
    assert Record.read(path).steps == [STEP]


def test_a_run_folder_is_never_reused(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert [new_run_folder(runs, None, "digits").name for _ in range(3)] == ["digits-1", "digits-2", "digits-3"]
    assert new_run_folder(runs, "mine", "digits").name == "mine"
    with pytest.raises(RunError, match="exists"):
        new_run_folder(runs, "mine", "digits")


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00"])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(RunError, match=r"run\.json is missing"):
        read_json(path)
    path.write_text(content)
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        read_json(path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_json(path, {"good": 1})
    with pytest.raises(TypeError):
        write_json(path, {"bad": object()})
    assert read_json(path) == {"good": 1}
    write_bytes(path, b"{}")
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_findings_are_read_or_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "findings.json"
    write_json(path, {"findings": [FINDING]})
    (found,) = read_findings(path)
    assert (found.cause, found.confidence, found.step) == ("lr-high", 0.9, 7)
    without, misspelt = dict(FINDING), dict(FINDING)
    del without["cause"]
    misspelt["cOnfidence"] = misspelt.pop("confidence")
    for spoilt in (without, misspelt, FINDING | {"confidence": "much"}, FINDING | {"evidence": [3]}, 3):
        write_json(path, {"findings": [spoilt]})
        with pytest.raises(RunError, match="is damaged"):
            read_findings(path)
    write_json(path, {"found": []})
    with pytest.raises(RunError, match="is damaged"):
        read_findings(path)
