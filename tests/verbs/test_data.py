"""Data on the terminal: what has a name, and how any data would be read before anything is trained on it."""

import json
from pathlib import Path

import pytest

import pellucid.data
from pellucid.cli import main
from pellucid.data.named.archives import ARCHIVES
from pellucid.data.named.builtin import BUILTINS


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(["data", *arguments])
    captured = capsys.readouterr()
    assert exit_.value.code == 0, captured.err
    return captured.out


def test_every_named_data_set_is_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    names = [*BUILTINS, *ARCHIVES]
    assert [line.split()[0] for line in said(capsys).splitlines()[2 : 2 + len(names)]] == names
    assert list(pellucid.data.catalogue()) == names


def test_what_must_be_downloaded_is_said_to_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path))
    listed = {entry["name"]: entry["here"] for entry in json.loads(said(capsys, "--json", "-"))["data"]}
    assert listed == dict.fromkeys(BUILTINS, True) | dict.fromkeys(ARCHIVES, False)
    for name in ("labels.csv.gz", "cifar-10-binary.tar.gz"):  # either form will do
        (tmp_path / "cifar10").mkdir(exist_ok=True)
        (tmp_path / "cifar10" / name).touch()
        listed = {entry["name"]: entry["here"] for entry in json.loads(said(capsys, "--json", "-"))["data"]}
        assert listed["cifar10"]
        (tmp_path / "cifar10" / name).unlink()


def test_digits_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(said(capsys, "digits", "--json", "-"))
    data = pellucid.load("digits")
    assert document["samples"] == {split: len(rows) for split, rows in data.rows.items()}
    assert {name: sum(counts.values()) for name, counts in document["balance"].items()} == {
        str(digit): int((data.targets == digit).sum()) for digit in range(10)
    }


def test_a_table_of_ones_own_before_training(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = [f"{i},{'' if i % 9 == 0 else i % 5},{'abc'[i % 3]},{'yes' if i % 4 else 'no'}" for i in range(90)]
    table = tmp_path / "customers.csv"
    table.write_text("\n".join(["number,visits,plan,churned", *rows]))
    page = said(capsys, str(table), "--target", "churned", "--split", "70:30", "--ignore", "number")
    lines = {line.split()[0]: line.split() for line in page.splitlines() if line.startswith("  ")}
    assert lines["visits"][1] == "number"
    assert lines["visits"][-1] == "10"
    assert lines["plan"][1:5] == ["category", "a,", "b,", "c"]
    assert lines["no"][1:4] == ["16", "7", "0"]
    assert page.endswith(f"train on it: pellucid train {table} --target churned --split 70:30 --ignore number\n")


def test_what_cannot_be_read_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["data", "digit"])
    assert exit_.value.code == 2
    assert "did you mean 'digits'?" in capsys.readouterr().err
