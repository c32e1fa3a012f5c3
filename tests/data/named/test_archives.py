"""The downloadable data sets: from small files in every layout they come in, and from the real ones where they are."""

import csv
import gzip
import hashlib
import io
import os
import struct
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from pellucid.data.dataset import Classes, Dataset, NextToken
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.named import archives, formats, published
from pellucid.data.named.archives import ARCHIVES
from pellucid.data.named.download import RemoteFile
from pellucid.data.texts.text import TextLinesPreprocessing, TextPreprocessing
from pellucid.errors import DataError
from pellucid.recipe import DataOptions
from pellucid.shapes import Image

# the folder of the real files, if this machine has them; the tests of small files name one of their own
REAL = os.environ.get("PELLUCID_DATA")
needs_real = pytest.mark.skipif(REAL is None, reason="PELLUCID_DATA names no folder with the real data sets")

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("a test must not go out")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


def idx(array: Any) -> bytes:
    return gzip.compress(
        struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    )


def put_idx(folder: Path, train: int = 50, test: int = 20) -> dict[str, Any]:
    folder.mkdir(parents=True)
    parts = {}
    for prefix, count in (("train", train), ("t10k", test)):
        parts[prefix] = (RANDOM.integers(0, 256, (count, 28, 28), np.uint8), (np.arange(count) % 10).astype(np.uint8))
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(idx(parts[prefix][0]))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(idx(parts[prefix][1]))
    return parts


def cifar_batches(count: int = 10) -> dict[str, tuple[Any, Any]]:
    return {
        batch: (RANDOM.integers(0, 256, (count, 3, 32, 32), np.uint8), RANDOM.permutation(count).astype(np.uint8) % 10)
        for batch in formats.CIFAR10_BATCHES
    }


def records(images: Any, labels: Any) -> bytes:
    return np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1).tobytes()


def put_cifar(folder: Path, layout: str, batches: dict[str, tuple[Any, Any]]) -> None:
    folder.mkdir(parents=True)
    match layout:
        case "extracted":
            (folder / "cifar-10-batches-bin").mkdir()
            for batch, part in batches.items():
                (folder / "cifar-10-batches-bin" / f"{batch}.bin").write_bytes(records(*part))
        case "archive":
            with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
                for batch, part in reversed(batches.items()):
                    content = records(*part)
                    member = tarfile.TarInfo(f"cifar-10-batches-bin/{batch}.bin")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
        case "sheets":
            put_sheets(folder, batches)


def put_sheets(folder: Path, batches: dict[str, tuple[Any, Any]]) -> None:
    rows: list[tuple[str, int, int, str]] = []
    counts = {"train": 0, "test": 0}
    for batch, (images, labels) in batches.items():
        sheet = images.reshape(2, 5, 3, 32, 32).transpose(0, 3, 1, 4, 2).reshape(64, 160, 3)
        PillowImage.fromarray(np.ascontiguousarray(sheet)).save(folder / f"{batch}.webp", lossless=True)
        split = "test" if batch == "test_batch" else "train"
        for label in labels:
            rows.append((split, counts[split], int(label), "x.png"))
            counts[split] += 1
    with gzip.open(folder / "labels.csv.gz", "wt", newline="") as file:
        csv.writer(file).writerows([("split", "index", "label", "filename"), *reversed(rows)])


def load(name: str, **options: Any) -> Dataset:
    return ARCHIVES[name](DataOptions(**options))


# Small files


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_idx_files_become_a_data_set_with_their_own_test_split(name: str, own_folders: Path) -> None:
    parts = put_idx(own_folders / name.replace("_", "-"))
    data = load(name, split="60:20:20")
    assert data.input_shape == Image(28, 28, 1)
    assert data.rows["test"].tolist() == list(range(50, 70))
    assert {split: len(rows) for split, rows in data.rows.items()} == {"train": 37, "validation": 13, "test": 20}
    assert np.array_equal(data.inputs[:50, 0].numpy(), parts["train"][0])
    assert np.array_equal(data.inputs[50:, 0].numpy(), parts["t10k"][0])
    assert np.array_equal(data.targets[50:].numpy(), parts["t10k"][1])
    assert isinstance(data.preprocessing, ImagePreprocessing)
    assert data.preprocessing.mean[0] == pytest.approx((data.inputs[data.rows["train"]] / 255).double().mean().item())


@pytest.mark.parametrize("layout", ["extracted", "archive", "sheets"])
def test_cifar_is_read_in_every_layout(layout: str, own_folders: Path) -> None:
    batches = cifar_batches()
    put_cifar(own_folders / "cifar10", layout, batches)
    data = load("cifar10")
    assert data.input_shape == Image(32, 32, 3)
    assert data.rows["test"].tolist() == list(range(50, 60))
    assert np.array_equal(data.inputs.numpy(), np.concatenate([images for images, _ in batches.values()]))
    assert np.array_equal(data.targets.numpy(), np.concatenate([labels for _, labels in batches.values()]))
    assert data.target == Classes(
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    )


def test_what_was_read_is_kept_until_the_files_change(
    own_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_idx(own_folders / "mnist")
    first = load("mnist")
    with monkeypatch.context() as patch:
        patch.setattr(formats, "read_idx", lambda _: 1 / 0)
        again = load("mnist")
    assert torch.equal(first.inputs, again.inputs)
    assert first.source == again.source
    os.utime(own_folders / "mnist" / "t10k-labels-idx1-ubyte.gz", ns=(1, 1))
    assert torch.equal(load("mnist").inputs, first.inputs)
    assert len(list((tmp_path / "cache" / "arrays").glob("[!.]*"))) == 2


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not gzip", id="not gzip"),
        pytest.param(gzip.compress(b""), id="nothing inside"),
        pytest.param(gzip.compress(b"\0\0\x08"), id="cut in the header"),
        pytest.param(gzip.compress(struct.pack(">HBBI", 0, 8, 1, 5) + b"abcd"), id="too short"),
        pytest.param(gzip.compress(struct.pack(">HBBI", 0, 8, 1, 3) + b"abcd"), id="too long"),
        pytest.param(gzip.compress(struct.pack(">HBBI", 0, 9, 1, 4) + b"abcd"), id="another type"),
        pytest.param(gzip.compress(struct.pack(">HBBI", 1, 8, 1, 4) + b"abcd"), id="another magic number"),
        pytest.param(gzip.compress(struct.pack(">HBBIIII", 0, 8, 4, *[2**31] * 4)), id="absurd sizes"),
        pytest.param(gzip.compress(struct.pack(">HBBI", 0, 8, 1, 4) + b"abcd")[:-4], id="cut at the end"),
        pytest.param(gzip.compress(bytes(100_000))[:60], id="cut in the middle"),
        pytest.param(idx(RANDOM.integers(0, 256, (9, 9), np.uint8))[:-20] + bytes(20), id="a wrong checksum"),
    ],
)
def test_a_damaged_idx_file_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.gz is missing or damaged"):
        formats.read_idx(tmp_path / "a.gz")


def test_images_and_labels_that_do_not_belong_together_are_refused(own_folders: Path) -> None:
    put_idx(own_folders / "mnist")
    (own_folders / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(idx(np.zeros(7, np.uint8)))
    with pytest.raises(DataError, match="do not belong together"):
        load("mnist")
    (own_folders / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(idx(np.full(20, 10, np.uint8)))
    with pytest.raises(DataError, match="do not belong together"):
        load("mnist")


def test_damaged_cifar_files_are_named(own_folders: Path) -> None:
    folder = own_folders / "cifar10"
    put_cifar(folder, "extracted", cifar_batches())
    batch = folder / "cifar-10-batches-bin" / "data_batch_3.bin"
    whole = batch.read_bytes()
    for damaged in (whole[:-1], b"", b"\x0a" + whole[1:]):
        batch.write_bytes(damaged)
        with pytest.raises(DataError, match=r"data_batch_3\.bin is missing or damaged"):
            load("cifar10")
    batch.unlink()
    with pytest.raises(DataError, match="not complete") as refusal:
        load("cifar10")
    assert "data_batch_3.bin" in str(refusal.value)


def test_a_damaged_cifar_archive_is_named(own_folders: Path) -> None:
    put_cifar(own_folders / "cifar10", "archive", {"data_batch_1": cifar_batches()["data_batch_1"]})
    with pytest.raises(DataError, match=r"tar\.gz is missing or damaged") as refusal:
        load("cifar10")
    assert "data_batch_2.bin is not in it" in str(refusal.value)
    path = own_folders / "cifar10" / "cifar-10-binary.tar.gz"
    for damaged in (path.read_bytes()[:-2000], b"no archive"):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="damaged"):
            load("cifar10")


def test_an_archive_cannot_write_or_link_anywhere(own_folders: Path, tmp_path: Path) -> None:
    (own_folders / "cifar10").mkdir()
    secret = tmp_path / "secret.bin"
    secret.write_bytes(records(*cifar_batches()["test_batch"]))
    with tarfile.open(own_folders / "cifar10" / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for batch in formats.CIFAR10_BATCHES:
            member = tarfile.TarInfo(f"../../{batch}.bin")
            member.type, member.linkname = tarfile.SYMTYPE, str(secret)
            archive.addfile(member)
    before = sorted(tmp_path.rglob("*.bin"))
    with pytest.raises(DataError, match="is not in it"):
        load("cifar10")
    assert sorted(tmp_path.rglob("*.bin")) == before


def test_damaged_cifar_sheets_are_named(own_folders: Path) -> None:
    folder = own_folders / "cifar10"
    put_cifar(folder, "sheets", cifar_batches())
    labels = folder / "labels.csv.gz"
    lines = gzip.decompress(labels.read_bytes()).decode().splitlines()
    for damaged, said in (
        (lines[:1] + lines[2:], "indices|too few"),
        (lines[:10] + lines[11:], "indices"),
        (["a,b", "1,2"], "damaged"),
        ([*lines[:-1], "train,0,11,x.png"], "a label is 11"),
    ):
        labels.write_bytes(gzip.compress("\n".join(damaged).encode()))
        with pytest.raises(DataError, match=said):
            load("cifar10")
    labels.write_bytes(gzip.compress("\n".join(lines).encode()))
    PillowImage.new("RGB", (100, 64)).save(folder / "data_batch_2.webp", lossless=True)
    with pytest.raises(DataError, match=r"data_batch_2\.webp is missing or damaged"):
        load("cifar10")


def test_what_is_neither_here_nor_to_be_had_is_refused_with_advice(tmp_path: Path) -> None:
    for name in ARCHIVES:
        with pytest.raises(DataError) as refusal:
            load(name)
        message = str(refusal.value)
        assert "PELLUCID_" in message


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let `fetch` write what a mirror would have served, and remember what was asked for."""
    asked: list[str] = []

    def fetch(file: RemoteFile, folder: Path) -> Path:
        asked.append(file.path)
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        stem = Path(file.path).stem
        target.write_text("".join(f"{letter}{stem.lower()}\n" for letter in "abcdefghij"))
        return target

    monkeypatch.setattr(archives, "fetch", fetch)
    return asked


def test_names_are_downloaded_whole_unless_all_are_here(own_folders: Path, served: list[str]) -> None:
    (own_folders / "names").mkdir()
    (own_folders / "names" / "Arabic.txt").write_text("only one\n")
    data = load("names")
    assert len(served) == 18
    assert isinstance(data.target, Classes)
    assert len(data.target.names) == 18
    assert len(data) == 180
    for name in published.NAMES:
        (own_folders / "names" / name).write_text("".join(f"{letter}{name}\n" for letter in "abcdefgh"))
    served.clear()
    assert len(load("names")) == 144
    assert served == []


def test_every_file_has_several_mirrors_and_a_checksum() -> None:
    groups = (published.MNIST, published.FASHION_MNIST, published.NAMES)
    files = [*(file for group in groups for file in group.values()), published.CIFAR10, published.TINY_SHAKESPEARE]
    assert len({file.path for file in files}) == len(files) == 28
    for file in files:
        assert len(set(file.urls)) == len(file.urls) >= 2
        assert sum(url.startswith("https://") for url in file.urls) >= 2
        algorithm, _, digest = file.checksum.partition(":")
        assert len(bytes.fromhex(digest)) == hashlib.new(algorithm, usedforsecurity=False).digest_size
        assert file.size > 0


def test_every_one_is_described_in_one_line() -> None:
    assert set(ARCHIVES) == {"mnist", "fashion_mnist", "cifar10", "tinyshakespeare", "names"}
    for entry in ARCHIVES.values():
        assert 0 < len(entry.summary) <= 100
        assert replace(entry).summary == entry.summary


# The real files


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Path:
    assert REAL is not None
    monkeypatch.setenv("PELLUCID_DATA", REAL)
    return Path(REAL)


@needs_real
def test_the_real_files_have_the_published_checksums(real: Path) -> None:
    for group in (published.MNIST, published.FASHION_MNIST, published.NAMES):
        for file in group.values():
            content = (real / file.path).read_bytes()
            assert len(content) == file.size
            assert file.checksum == "sha256:" + hashlib.sha256(content).hexdigest()


@needs_real
def test_mnist_has_its_known_figures(real: Path) -> None:
    data = load("mnist")
    assert {name: len(rows) for name, rows in data.rows.items()} == {"train": 53333, "validation": 6667, "test": 10000}
    assert data.targets[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.targets[60_000:60_005].tolist() == [7, 2, 1, 0, 4]
    training = data.inputs[:60_000].double() / 255
    assert training.mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert training.std().item() == pytest.approx(0.3081, abs=5e-5)
    assert torch.bincount(data.targets[:60_000]).tolist() == [
        5923,
        6742,
        5958,
        6131,
        5842,
        5421,
        5918,
        6265,
        5851,
        5949,
    ]


@needs_real
def test_fashion_mnist_has_its_known_figures(real: Path) -> None:
    data = load("fashion_mnist")
    training = data.inputs[:60_000].double() / 255
    assert training.mean().item() == pytest.approx(0.2860, abs=5e-5)
    assert training.std().item() == pytest.approx(0.3530, abs=5e-5)
    assert torch.bincount(data.targets[60_000:]).tolist() == [1000] * 10
    assert isinstance(data.target, Classes)
    assert [data.target.names[label] for label in data.targets[:2].tolist()] == ["Ankle boot", "T-shirt/top"]


@needs_real
@pytest.mark.slow
def test_cifar10_has_its_known_figures(real: Path) -> None:
    data = load("cifar10")
    training = data.inputs[:50_000]
    assert data.targets[:5].tolist() == [6, 9, 9, 4, 1]
    assert torch.bincount(data.targets[50_000:]).tolist() == [1000] * 10
    means = [training[:, channel].double().mean().item() / 255 for channel in range(3)]
    assert means == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-5)


@needs_real
def test_tiny_shakespeare_has_its_known_figures(real: Path) -> None:
    data = load("tinyshakespeare", length=100)
    assert isinstance(data.preprocessing, TextPreprocessing)
    assert isinstance(data.target, NextToken)
    assert data.inputs.numel() // 100 == (1_115_394 - 1) // 100
    assert data.preprocessing.decode(data.inputs[0]).startswith("First Citizen:\nBefore we proceed any further")


@needs_real
def test_names_have_their_known_figures(real: Path) -> None:
    data = load("names")
    assert isinstance(data.preprocessing, TextLinesPreprocessing)
    assert len(data) == 20_050
    assert any("1,152 lines stand under several classes" in note for note in data.notes)
