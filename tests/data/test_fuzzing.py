"""Whatever bytes a file holds, `load` and `read` either succeed or raise a `PellucidError`; nothing else escapes."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pellucid.data import Preprocessing, load
from pellucid.errors import PellucidError

# one folder serves all examples of a property: each writes its file anew
FUZZED = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])

RANDOM = np.random.default_rng(0)
ROWS = "num,word,when,label\n" + "".join(
    f"{RANDOM.normal():.3f},{'pqr'[row % 3]},2020-{row % 12 + 1:02d}-01,{'xy'[row % 2]}\n" for row in range(30)
)
# the values that have tripped readers of tables before
CELLS = st.sampled_from(
    (
        *("", "0", "-0", "1", "7", "x", "inf", "-inf", "nan", "1e39", "1e308", "5e-324", "NA", "?", '"', '"a,b"', "é"),
        *(
            "2020-01-01",
            "2020-13-01",
            "true",
            "1,5",
            "00123",
            "12345678901234567890",
            " ",
            "'",
            "#",
            "\x0b",
            "\0",
            "🎈",
        ),
    )
)
CHOICES: tuple[dict[str, Any], ...] = (
    *({}, {"task": "regression"}, {"task": "classification"}, {"task": "forecast"}, {"window": 3}),
    *({"split": "70:30"}, {"target": "a"}, {"group": "a"}, {"time": "a"}, {"ignore": "a"}, {"numbers": "binned"}),
)
OPTIONS = st.sampled_from(CHOICES)
# (place, bytes to take out, bytes to put in)
CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 40), st.binary(max_size=8)), min_size=1, max_size=6)


def changed(content: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for place, out, put in changes:
        at = place % (len(content) + 1)
        content = content[:at] + put + content[at + out :]
    return content


def refuses_or_succeeds(attempt: Callable[[], object]) -> None:
    """Let a `PellucidError` pass; anything else fails the test."""
    with contextlib.suppress(PellucidError):
        attempt()


@FUZZED
@given(st.data())
def test_any_table(tmp_path: Path, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 4))
    columns = data.draw(st.lists(st.sampled_from(["a", "date", "y", "", "id", "1"]), min_size=width, max_size=width))
    kinds = data.draw(st.lists(st.sampled_from(["number", "word", "same", "any"]), min_size=width, max_size=width))
    separator = data.draw(st.sampled_from([",", ";", "\t"]))

    def cell(kind: str, row: int) -> str:
        if kind == "any" or data.draw(st.integers(0, 30)) == 0:
            return data.draw(CELLS)
        return {"number": f"{(row * 37 % 19) / 7:.4f}", "word": "pqr"[row % 3], "same": "7"}[kind]

    rows = [separator.join(cell(kind, row) for kind in kinds) for row in range(data.draw(st.integers(0, 30)))]
    content = "\n".join([separator.join(columns), *rows]).encode(data.draw(st.sampled_from(["utf-8", "utf-16"])))
    (tmp_path / "data.csv").write_bytes(content)
    options = data.draw(OPTIONS)
    refuses_or_succeeds(lambda: load(tmp_path / "data.csv", **options))


@FUZZED
@given(CHANGES, OPTIONS)
def test_a_changed_table(tmp_path: Path, changes: list[tuple[int, int, bytes]], options: dict[str, Any]) -> None:
    (tmp_path / "data.csv").write_bytes(changed(ROWS.encode(), changes))
    refuses_or_succeeds(lambda: load(tmp_path / "data.csv", **options))


@FUZZED
@given(changes=CHANGES, layout=st.sampled_from(["rows", "images", "quantities"]))
def test_a_changed_archive(tmp_path: Path, changes: list[tuple[int, int, bytes]], layout: str) -> None:
    random = np.random.default_rng(0)  # each example must be the same when it is run again
    inputs = random.integers(0, 255, (30, 5, 5), np.uint8) if layout == "images" else random.normal(size=(30, 3))
    targets = random.normal(size=30) if layout == "quantities" else np.arange(30) % 2
    file = io.BytesIO()
    np.savez(file, x=inputs, y=targets)
    (tmp_path / "data.npz").write_bytes(changed(file.getvalue(), changes))
    refuses_or_succeeds(lambda: load(tmp_path / "data.npz"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_changed_image(tmp_path: Path, kind: str) -> None:
    for name in "ab":
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(5):
            Image.fromarray(np.full((6, 5), number, np.uint8)).save(tmp_path / "photos" / name / f"{number}.png")
    preprocessing = load(tmp_path / "photos").preprocessing
    file = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 255, (9, 7, 3), dtype=np.uint8)).save(file, kind)
    image = tmp_path / f"image.{kind.lower()}"

    @settings(max_examples=60)
    @given(CHANGES)
    def read(changes: list[tuple[int, int, bytes]]) -> None:
        image.write_bytes(changed(file.getvalue(), changes))
        refuses_or_succeeds(lambda: preprocessing.read(image))

    read()


@FUZZED
@given(st.binary(max_size=400), st.sampled_from([1, 5, 64]), st.sampled_from(["character", "word"]))
def test_any_text(tmp_path: Path, content: bytes, length: int, level: str) -> None:
    (tmp_path / "data.txt").write_bytes(content)
    refuses_or_succeeds(lambda: load(tmp_path / "data.txt", length=length, level=level))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Preprocessing:
    path = tmp_path_factory.mktemp("fitted") / "data.csv"
    path.write_text(ROWS)
    return load(path).preprocessing


@FUZZED
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6))
def test_any_new_rows_give_finite_numbers_or_a_refusal(
    tmp_path: Path, fitted: Preprocessing, rows: list[tuple[str, ...]]
) -> None:
    (tmp_path / "new.csv").write_text("num,word,when\n" + "".join(",".join(row) + "\n" for row in rows))

    def read() -> None:
        samples = fitted.read(tmp_path / "new.csv")
        assert torch.isfinite(fitted.prepare(samples.inputs)).all()

    refuses_or_succeeds(read)
