"""What a user gets wrong ends with status 2 and words that say what to do: no traceback, and nothing left behind.

Every mistake of `mistakes.py` goes through the command line itself, in a folder that must be byte for byte as before.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import pellucid
from pellucid.cli import main
from tests.verbs.mistakes import (
    BAD_IMAGES,
    CASES,
    IMAGES,
    PREDICTIONS,
    ROWS,
    TRAIN,
    Make,
    X,
    Y,
    arrays,
    both,
    claiming,
    photos,
    series,
    text,
)


def listing(folder: Path) -> dict[str, str]:
    """Return every file and folder with a hash of what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"
        for path in folder.rglob("*")
    }


def refusal(capsys: pytest.CaptureFixture[str], folder: Path, arguments: list[str]) -> str:
    """Run the command line, which must refuse and leave the folder as it was, and return what it said."""
    before = listing(folder)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr().err
    assert ended.value.code == 2, said
    assert said.startswith("error: ")
    assert "Traceback" not in said
    assert listing(folder) == before
    return said


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_explained_and_leaves_nothing(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make, arguments, words = CASES[case]
    make(tmp_path)
    monkeypatch.chdir(tmp_path)
    said = refusal(capsys, tmp_path, [*arguments, "--epochs", "1"])
    for word in words:
        assert word in said


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text(ROWS)(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = listing(tmp_path)
    (tmp_path / "data.csv").chmod(0)
    with pytest.raises(SystemExit):
        main(TRAIN)
    (tmp_path / "data.csv").chmod(0o600)
    assert "data.csv cannot be read: Permission denied" in capsys.readouterr().err
    assert listing(tmp_path) == before


def test_a_failing_disk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text(ROWS)(tmp_path)
    monkeypatch.chdir(tmp_path)

    def fail(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(SystemExit) as ended:
        main(TRAIN)
    assert ended.value.code == 2
    assert "error: data.csv cannot be read: Permission denied" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [["train", "gone.csv"], ["train", "data.csv", "--target", "lable"], ["predict", "runs/none", "data.csv"]],
    ids=["no file", "no column", "no run"],
)
def test_a_process_of_its_own_refuses_too(arguments: list[str], tmp_path: Path) -> None:
    text(ROWS)(tmp_path)
    before = listing(tmp_path)
    ended = subprocess.run(
        [sys.executable, "-m", "pellucid", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: ")
    assert "Traceback" not in ended.stderr
    assert listing(tmp_path) == before


@pytest.mark.parametrize("kind", BAD_IMAGES)
def test_a_bad_image_is_named_counted_and_skipped(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content, reason = BAD_IMAGES[kind]
    both(photos(), text(content, "photos/a/bad.png"))(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([*IMAGES, "--epochs", "1", "--network", "linear"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "image files that cannot be read (1): photos/a/bad.png: " in said
    assert reason in said
    assert "12 train, 4 validation, 4 test" in said


def test_a_bombs_pixels_are_never_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both(photos(), text(claiming(12_000, 12_000), "photos/a/bad.png"))(tmp_path)
    decoded: list[tuple[int, int]] = []
    load = Image.Image.load

    def watched(image: Image.Image) -> object:
        decoded.append(image.size)
        return load(image)

    monkeypatch.setattr(Image.Image, "load", watched)
    pellucid.load(tmp_path / "photos")
    assert (12_000, 12_000) not in decoded


def test_a_column_without_values_and_short_lines_are_said_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = "a,b,c,label\n" + "".join(f"{row},{row % 7},,{'xy'[row % 2]}\n" for row in range(40))
    text(empty.replace("\n7,0,,y", "\n7,0"))(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([*TRAIN, "--epochs", "1"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "column 'c': left out, it has no values in training" in said
    assert "lines with too few fields (1), such as line 9 has 2 fields in place of 4" in said
    assert "target: 1 row without one is left out" in said


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each kind of data."""
    folder = tmp_path_factory.mktemp("runs")
    sources: dict[str, tuple[Make, str, dict[str, object]]] = {
        "table": (text(ROWS), "data.csv", {}),
        "series": (series(lambda day: day % 7), "data.csv", {"window": 5}),
        "images": (photos(), "photos", {"network": "linear"}),
        "arrays": (arrays(x=X, y=Y), "data.npz", {}),
        "lines": (
            both(*(text("\n".join(f"{word}{n}" for n in range(30)), f"t/{word}.txt") for word in ("yes", "no"))),
            "t",
            {},
        ),
    }
    for name, (make, source, options) in sources.items():
        (folder / f"{name}-data").mkdir()
        make(folder / f"{name}-data")
        given = str(folder / f"{name}-data" / source)
        pellucid.train(given, name=name, folder=str(folder), epochs=1, quiet=True, **options)  # type: ignore[arg-type]
    return folder


@pytest.mark.parametrize("case", PREDICTIONS)
def test_input_of_another_make_is_explained(
    case: str, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, make, given, words = PREDICTIONS[case]
    make(tmp_path)
    monkeypatch.chdir(tmp_path)
    said = refusal(capsys, tmp_path, ["predict", str(runs / run), given])
    for word in words:
        assert word in said
