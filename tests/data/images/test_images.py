"""Folders of images: classes, splits, sizes, modes, damaged files, the cache, and reading new images."""

import io
import json
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from pellucid.data import cache, progress
from pellucid.data.dataset import Classes, Dataset, describe
from pellucid.data.images import decoding, pixels
from pellucid.data.images.images import ImagePreprocessing, load_images
from pellucid.errors import DataError
from pellucid.recipe import DataOptions
from pellucid.shapes import Image


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def picture(number: int, *, size: tuple[int, int] = (12, 10), mode: str = "RGB") -> PillowImage.Image:
    """Return a picture (width, height) unlike those of other numbers."""
    values = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return PillowImage.fromarray(values).convert(mode)


def save(path: Path, image: PillowImage.Image, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def folder_of(root: Path, counts: dict[str, int], **options: Any) -> Path:
    number = 0
    for name, count in counts.items():
        for index in range(count):
            save(root / name / f"{index:03}.png", picture(number, **options))
            number += 1
    return root


def load(folder: Path, **options: Any) -> Dataset:
    return load_images(folder, DataOptions(**options))


# Classes and splits


def test_a_folder_a_class(tmp_path: Path) -> None:
    data = load(folder_of(tmp_path / "pets", {"dog": 10, "cat": 20}))
    assert data.name == "pets"
    assert data.target == Classes(("cat", "dog"))
    assert data.input_shape == Image(10, 12, 3)
    assert data.inputs.dtype == torch.uint8
    assert torch.bincount(data.targets).tolist() == [20, 10]
    assert {name: len(rows) for name, rows in data.rows.items()} == {"train": 18, "validation": 6, "test": 6}
    expected = np.asarray(picture(0)).transpose(2, 0, 1)
    row = 20  # dog/000.png: cats come first
    assert np.array_equal(data.inputs[row].numpy(), expected)


@pytest.mark.covers("C12")
def test_batches_are_standardised_by_the_training_images_alone(tmp_path: Path) -> None:
    data = load(folder_of(tmp_path / "pets", {"dog": 30, "cat": 30}))
    assert isinstance(data.preprocessing, ImagePreprocessing)
    train = data.inputs[data.rows["train"]].double() / 255
    assert data.preprocessing.mean == pytest.approx(train.mean((0, 2, 3)).tolist(), abs=1e-12)
    assert data.preprocessing.std == pytest.approx(train.std((0, 2, 3), correction=0).tolist(), abs=1e-12)
    x, _ = data.split("train")
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5, rtol=0)
    by_formula = (data.inputs.double() / 255 - torch.tensor(data.preprocessing.mean)[:, None, None]) / torch.tensor(
        data.preprocessing.std
    )[:, None, None]
    torch.testing.assert_close(data.preprocessing.prepare(data.inputs), by_formula.float(), atol=1e-5, rtol=1e-5)
    assert torch.equal(data.preprocessing.restore(x), data.inputs[data.rows["train"]])


def test_files_may_lie_deeper_and_be_of_any_kind(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for index, ending in enumerate([".png", ".JPG", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jpeg", ".ppm"]):
        save(root / "cat" / "at" / "home" / f"a{ending}", picture(index))
        save(root / "dog" / f"a{ending}", picture(100 + index))
    data = load(root)
    assert len(data) == 18
    assert not [note for note in data.notes if "left out" in note]


def test_classes_that_are_numbers_are_in_the_order_of_numbers(tmp_path: Path) -> None:
    data = load(folder_of(tmp_path / "n", {"10": 4, "2": 4, "0": 4}))
    assert data.target == Classes(("0", "2", "10"))


def test_folders_that_name_splits_are_the_splits(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for start, (split, count) in enumerate({"train": 8, "val": 4, "Test": 3}.items()):
        for name in ("cat", "dog"):
            for index in range(count):
                save(root / split / name / f"{index}.png", picture(1000 * start + 100 * (name == "cat") + index))
    data = load(root)
    assert {name: len(rows) for name, rows in data.rows.items()} == {"train": 16, "validation": 8, "test": 6}
    assert sorted(torch.cat([*data.rows.values()]).tolist()) == list(range(30))
    assert data.target == Classes(("cat", "dog"))


@pytest.mark.parametrize(("given", "name"), [("test", "test"), ("valid", "validation")])
def test_a_split_that_is_missing_is_cut_off_training(tmp_path: Path, given: str, name: str) -> None:
    root = tmp_path / "pets"
    folder_of(root / "train", {"cat": 20, "dog": 20})
    for index in range(6):
        save(root / given / "cat" / f"{index}.png", picture(500 + index))
        save(root / given / "dog" / f"{index}.png", picture(600 + index))
    data = load(root, split="60:20:20")
    counts = {split: len(rows) for split, rows in data.rows.items()}
    other = ({"validation", "test"} - {name}).pop()
    assert counts == {"train": 30, name: 12, other: 10}
    kept_out = data.inputs[data.rows[name]]  # type: ignore[index]
    assert torch.equal(kept_out[0], torch.from_numpy(np.asarray(picture(500)).transpose(2, 0, 1).copy()))


def test_a_second_folder_can_be_the_test_split(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "pets", {"cat": 9, "dog": 9})
    other = tmp_path / "other"
    save(other / "cat" / "0.png", picture(77))
    save(other / "dog" / "0.png", picture(78))
    data = load(root, test=str(other))
    assert len(data.rows["test"]) == 2
    assert data.targets[data.rows["test"]].tolist() == [0, 1]
    save(other / "cow" / "0.png", picture(79))
    with pytest.raises(DataError, match="cow"):
        load(root, test=str(other))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: save(root / "a.png", picture(0)), "no classes"),
        (lambda root: folder_of(root, {"cat": 3}), "one class, 'cat'"),
        (lambda root: root.mkdir(), "no images"),
        (lambda root: (root / "cat").mkdir(parents=True), "no images"),
        (lambda root: root.write_text("x"), "not a folder"),
        (lambda root: folder_of(root / "test", {"cat": 3, "dog": 3}), "no folder to train on"),
    ],
)
def test_a_folder_that_cannot_be_learned_from_is_refused_with_advice(
    tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    make(tmp_path / "x")
    with pytest.raises(DataError, match=said) as refusal:
        load(tmp_path / "x")
    assert "<class>" in str(refusal.value) or "a class" in str(refusal.value)


# Sizes


def test_the_default_size_is_the_median_and_said(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    for index, size in enumerate([(10, 30), (20, 30), (30, 50), (30, 50), (30, 50)]):
        for name in ("cat", "dog"):
            save(root / name / f"{index}.png", picture(index + 10 * (name == "cat"), size=size))
    data = load(root)
    assert data.input_shape == Image(50, 30, 3)
    assert any("30x10 to 50x30 are made 50x30 (the median" in note for note in data.notes)
    assert any("proportions: 40%" in note for note in data.notes)


@pytest.mark.parametrize(
    ("size", "shape"), [("8x6", Image(8, 6, 3)), ("16", Image(16, 16, 3)), ("9×9", Image(9, 9, 3))]
)
def test_a_size_can_be_asked_for(tmp_path: Path, size: str, shape: Image) -> None:
    assert load(folder_of(tmp_path / "pets", {"cat": 4, "dog": 4}), size=size).input_shape == shape


@pytest.mark.parametrize("size", ["", "0", "8x", "axb", "8x8x3", "-4"])
def test_a_size_that_cannot_be_read_is_refused(tmp_path: Path, size: str) -> None:
    with pytest.raises(DataError, match="size"):
        load(folder_of(tmp_path / "pets", {"cat": 4, "dog": 4}), size=size)


def test_large_images_are_made_smaller_in_proportion(tmp_path: Path) -> None:
    data = load(folder_of(tmp_path / "pets", {"cat": 2, "dog": 2}, size=(448, 300)), split="50:50")
    assert data.input_shape == Image(150, 224, 3)
    assert any("made smaller to 224" in note for note in data.notes)


# Modes


def test_grey_images_have_one_channel(tmp_path: Path) -> None:
    data = load(folder_of(tmp_path / "pets", {"cat": 4, "dog": 4}, mode="L"))
    assert data.input_shape == Image(10, 12, 1)
    assert np.array_equal(data.inputs[0, 0].numpy(), np.asarray(picture(0, mode="L")))


def test_one_coloured_image_makes_all_rgb(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "pets", {"cat": 4, "dog": 4}, mode="L")
    save(root / "dog" / "z.png", picture(99))
    data = load(root)
    assert data.input_shape == Image(10, 12, 3)
    assert torch.equal(data.inputs[0, 0], data.inputs[0, 2])
    assert not torch.equal(data.inputs[-1, 0], data.inputs[-1, 2])


def encoded(image: PillowImage.Image, kind: str = "png", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_is_read_as_pillow_shows_it(mode: str) -> None:
    image = picture(1, mode=mode)
    stored, _ = pixels.read_image(encoded(image), 10, 12, 3)
    assert np.array_equal(stored.transpose(1, 2, 0), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_sixteen_bits_keep_their_upper_eight(kind: str) -> None:
    values = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8)
    stored, coloured = pixels.read_image(encoded(PillowImage.fromarray(values), kind), 8, 8, 1)
    assert np.array_equal(stored[0], values // 256)
    assert not coloured


def test_cmyk_becomes_rgb() -> None:
    image = PillowImage.new("CMYK", (4, 4), (0, 255, 255, 0))
    stored, coloured = pixels.read_image(encoded(image, "tiff"), 4, 4, 3)
    assert stored[:, 0, 0].tolist() == [255, 0, 0]
    assert coloured


def test_what_is_transparent_becomes_white() -> None:
    image = PillowImage.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (255, 0, 0, 255))
    stored, _ = pixels.read_image(encoded(image), 1, 2, 3)
    assert stored.transpose(1, 2, 0).tolist() == [[[255, 255, 255], [255, 0, 0]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_upright(orientation: int, tmp_path: Path) -> None:
    upright = picture(3, size=(6, 4))
    undo = {
        2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
        3: PillowImage.Transpose.ROTATE_180,
        4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
        5: PillowImage.Transpose.TRANSPOSE,
        6: PillowImage.Transpose.ROTATE_90,
        7: PillowImage.Transpose.TRANSVERSE,
        8: PillowImage.Transpose.ROTATE_270,
    }
    stored_as = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / "a.png", stored_as, exif=exif)
    assert pixels.read_size(path) == (4, 6)
    read, _ = pixels.read_image(path.read_bytes(), 4, 6, 3)
    assert np.array_equal(read.transpose(1, 2, 0), np.asarray(upright))


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(["L", "RGB"]))
@settings(max_examples=30, deadline=None)
def test_resizing_stretches_the_whole_image(width: int, height: int, mode: str) -> None:
    image = PillowImage.new(mode, (width, height), 77 if mode == "L" else (77, 77, 77))
    stored = pixels.to_pixels(image, 7, 9, 3)
    assert stored.shape == (3, 7, 9)
    assert (stored == 77).all()


# Damaged files


def damaged(root: Path, good: int) -> Path:
    folder_of(root, {"cat": good, "dog": good})
    (root / "cat" / "cut.png").write_bytes(encoded(picture(1, size=(60, 60)))[:600])
    (root / "cat" / "text.jpg").write_text("not an image")
    (root / "dog" / "empty.webp").write_bytes(b"")
    return root


def test_unreadable_files_are_named_counted_and_left_out(tmp_path: Path) -> None:
    data = load(damaged(tmp_path / "pets", 20))
    assert len(data) == 40
    assert torch.bincount(data.targets).tolist() == [20, 20]
    assert torch.equal(data.inputs[20], torch.from_numpy(np.asarray(picture(20)).transpose(2, 0, 1).copy()))
    (note,) = [note for note in data.notes if "cannot be read (3)" in note]
    for name in ("cut.png", "text.jpg", "empty.webp"):
        assert name in note
    again = load(tmp_path / "pets")
    assert again.notes == data.notes
    assert again.source == data.source


def test_more_than_a_tenth_of_unreadable_files_is_refused(tmp_path: Path, own_cache: Path) -> None:
    with pytest.raises(DataError, match="cannot be read") as refusal:
        load(damaged(tmp_path / "pets", 13))
    assert "text.jpg" in str(refusal.value)
    assert [entry.name for entry in (own_cache / "images").iterdir()] == [".locks"]


def test_a_folder_of_nothing_but_wrong_files_is_refused(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "x" / name).mkdir(parents=True)
        (tmp_path / "x" / name / "a.png").write_text("not an image")
    with pytest.raises(DataError, match=r"none of 2 files"):
        load(tmp_path / "x")


@pytest.mark.parametrize("pixel_count", [150, 60])
def test_a_decompression_bomb_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixel_count: int
) -> None:
    root = folder_of(tmp_path / "pets", {"cat": 20, "dog": 20}, size=(4, 4))
    save(root / "cat" / "bomb.png", picture(999, size=(pixel_count, 1)))
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 50)  # refused above 50, by Pillow itself above 100
    data = load(root)
    assert len(data) == 40
    assert any("bomb.png" in note for note in data.notes)


def test_files_that_are_no_images_are_counted(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "pets", {"cat": 4, "dog": 4})
    (root / "cat" / "notes.txt").write_text("x")
    (root / "cat" / ".hidden.png").write_text("x")
    save(root / "loose.png", picture(0))
    notes = load(root).notes
    assert any("ending is no image's (1)" in note for note in notes)
    assert any("beside the class folders (1)" in note for note in notes)


def test_the_same_image_in_two_splits_is_said(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "pets", {"cat": 10, "dog": 10})
    for index in range(10):
        save(root / "cat" / f"again{index}.png", picture(index))
    assert any("duplicates" in note for note in load(root).notes)


# The cache


def test_images_are_decoded_once_and_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    root = folder_of(tmp_path / "pets", {"cat": 4, "dog": 4})
    first = load(root)
    (entry,) = (own_cache / "images").glob("[!.]*")
    assert np.load(entry / "images.npy", mmap_mode="r").shape == (8, 3, 10, 12)

    def never(*_: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(decoding, "read_image", never)
    again = load(root)
    assert torch.equal(again.inputs, first.inputs)
    assert torch.equal(again.inputs.index_select(0, torch.tensor([3, 0])), first.inputs[[3, 0]])
    again.inputs[0] = 0  # a private copy of the page: the file stays as it is
    assert torch.equal(load(root).inputs, first.inputs)


def test_a_changed_file_is_decoded_again(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "pets", {"cat": 4, "dog": 4})
    first = load(root)
    path = save(root / "cat" / "000.png", picture(500))
    os.utime(path, ns=(1, 1))
    again = load(root)
    assert not torch.equal(again.inputs, first.inputs)
    assert again.source.sha256 != first.source.sha256
    assert load(root, size="4").input_shape == Image(4, 4, 3)


def test_the_hash_tells_contents_and_classes_apart_but_not_places(tmp_path: Path) -> None:
    here = load(folder_of(tmp_path / "a", {"cat": 4, "dog": 4})).source.sha256
    there = load(folder_of(tmp_path / "b", {"cat": 4, "dog": 4})).source.sha256
    other = load(folder_of(tmp_path / "c", {"cat": 5, "dog": 3})).source.sha256
    assert here == there
    assert here != other


def test_a_crash_while_decoding_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    root = folder_of(tmp_path / "pets", {"cat": 4, "dog": 4})
    with monkeypatch.context() as patch:
        patch.setattr(cache, "_write_header", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            load(root)
    assert [entry.name for entry in (own_cache / "images").iterdir()] == [".locks"]
    assert len(load(root)) == 8


def test_a_damaged_cache_entry_is_built_again(tmp_path: Path, own_cache: Path) -> None:
    root = folder_of(tmp_path / "pets", {"cat": 4, "dog": 4})
    first = load(root)
    (entry,) = (own_cache / "images").glob("[!.]*")
    (entry / "about.json").write_text("{")
    assert torch.equal(load(root).inputs, first.inputs)


def test_what_several_want_is_built_once(own_cache: Path) -> None:
    built: list[Path] = []

    def build(folder: Path) -> dict[str, Any]:
        built.append(folder)
        time.sleep(0.05)
        return {"number": 7}

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: cache.build_once("group", "key", build), range(4)))
    assert len(built) == 1
    assert results == [(own_cache / "group" / "key", {"number": 7})] * 4


def test_many_files_are_decoded_in_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = damaged(tmp_path / "pets", 20)
    whole = load(root)
    monkeypatch.setattr(decoding, "_FILES_AT_ONCE", 7)
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "other"))
    told: list[tuple[str, int, int | None]] = []
    with progress.listening(lambda *one: told.append(one)):
        chunked = load(root)
    assert torch.equal(chunked.inputs, whole.inputs)
    assert chunked.source == whole.source
    assert told[-1] == ("decoding images", 43, 43)


def test_a_cache_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(DataError, match="PELLUCID_CACHE"):
        load(folder_of(tmp_path / "pets", {"cat": 4, "dog": 4}))


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_cache_folder_is_the_platforms(platform: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"HOME": tmp_path, "XDG_CACHE_HOME": tmp_path / "x", "LOCALAPPDATA": tmp_path / "l"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("PELLUCID_CACHE")
    monkeypatch.setattr("sys.platform", platform)
    expected = {"linux": "x/pellucid", "darwin": "Library/Caches/pellucid", "win32": "l/pellucid"}
    assert cache.cache_folder() == tmp_path / expected[platform]


@given(st.lists(st.integers(0, 5), max_size=6), st.sampled_from([np.uint8, np.float32, np.int64]))
@settings(max_examples=30, deadline=None)
def test_arrays_written_in_chunks_are_read_whole(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], dtype: Any
) -> None:
    path = tmp_path_factory.mktemp("npy") / "a.npy"
    chunks = [np.random.default_rng(count).integers(0, 99, (count, 2, 3)).astype(dtype) for count in counts]
    digest = cache.write_npy(path, (2, 3), chunks, dtype)
    expected = np.concatenate([np.empty((0, 2, 3), dtype), *chunks])
    assert np.array_equal(np.load(path), expected)
    if len(expected):
        assert np.array_equal(cache.map_npy(path).numpy(), expected)
    assert digest == cache.write_npy(path, (2, 3), [expected], dtype)


def test_a_file_larger_than_memory_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "huge.npy"
    cache.write_npy(path, (1 << 20,), [np.full((1, 1 << 20), 7, np.uint8)], np.uint8)
    rows = 1 << 19  # half a terabyte, sparse: it takes no room on the disk
    with path.open("r+b") as file:
        cache._write_header(file, (rows, 1 << 20), np.uint8)
        start = file.tell()
    os.truncate(path, start + (rows << 20))
    stored = cache.map_npy(path)
    assert stored.shape == (rows, 1 << 20)
    assert stored.index_select(0, torch.tensor([rows - 1, 0]))[:, 0].tolist() == [0, 7]


# New images


@pytest.fixture
def fitted(tmp_path: Path) -> ImagePreprocessing:
    preprocessing = load(folder_of(tmp_path / "pets", {"cat": 6, "dog": 6})).preprocessing
    assert isinstance(preprocessing, ImagePreprocessing)
    return preprocessing


def test_preprocessing_survives_json(fitted: ImagePreprocessing) -> None:
    assert ImagePreprocessing.from_json(json.loads(json.dumps(fitted.to_json()))) == fitted


def test_a_file_a_list_and_a_folder_are_read(fitted: ImagePreprocessing, tmp_path: Path) -> None:
    file = tmp_path / "pets" / "cat" / "000.png"
    one = fitted.read(file)
    assert one.names == [str(file)]
    assert one.targets is None
    assert np.array_equal(one.inputs[0].numpy(), np.asarray(picture(0)).transpose(2, 0, 1))
    two = fitted.read([str(file), tmp_path / "pets" / "dog" / "000.png"])
    assert len(two.inputs) == len(two.names) == 2
    folder = fitted.read(str(tmp_path / "pets"))
    assert folder.names[6] == str(Path("dog") / "000.png")
    assert folder.targets is not None
    assert folder.targets.tolist() == [0] * 6 + [1] * 6
    unclassed = fitted.read(tmp_path / "pets" / "dog")
    assert unclassed.targets is None
    assert torch.equal(unclassed.inputs, folder.inputs[6:])


def test_new_images_get_the_size_and_channels_known(fitted: ImagePreprocessing, tmp_path: Path) -> None:
    path = save(tmp_path / "new" / "a.png", picture(0, size=(50, 40), mode="L"))
    assert fitted.read(path).inputs.shape == (1, 3, 10, 12)
    grey = ImagePreprocessing(10, 12, 1, (0.5,), (0.2,))
    assert grey.read(tmp_path / "pets" / "cat").inputs.shape == (6, 1, 10, 12)


def test_unreadable_new_images_are_left_out_by_name(fitted: ImagePreprocessing, tmp_path: Path) -> None:
    samples = fitted.read(damaged(tmp_path / "new", 20))
    assert len(samples.names) == len(samples.inputs) == 40
    assert samples.targets is not None
    assert samples.targets.tolist() == [0] * 20 + [1] * 20
    assert "cut.png" in samples.notes[0]
    with pytest.raises(DataError, match=r"text\.jpg"):
        fitted.read(tmp_path / "new" / "cat" / "text.jpg")


@pytest.mark.parametrize("scale", [1, 255])
def test_arrays_and_tensors_are_read_in_their_own_layouts(fitted: ImagePreprocessing, scale: int) -> None:
    image = picture(5)
    array = np.asarray(image) if scale == 1 else (np.asarray(image) / 255).astype(np.float32)
    tensor = torch.from_numpy(array.transpose(2, 0, 1).copy())
    expected = fitted.read(image).inputs
    assert torch.equal(fitted.read(array).inputs, expected)
    assert torch.equal(fitted.read(tensor).inputs, expected)
    assert torch.equal(fitted.read(np.stack([array, array])).inputs, expected.expand(2, -1, -1, -1))
    assert torch.equal(fitted.read(tensor[None]).inputs, expected)
    assert fitted.read(array[:, :, 0]).inputs.shape == expected.shape


@pytest.mark.parametrize(
    "source",
    [
        3,
        None,
        [],
        [1],
        "nowhere.png",
        np.zeros((2, 3, 4, 5, 6), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros(5, np.uint8),
        torch.zeros(4, 4),
        np.full((4, 4), 300),
        np.full((4, 4), -0.5),
        np.full((4, 4), np.nan),
        np.full((4, 4), 16.0),
    ],
)
def test_what_is_no_image_is_refused(fitted: ImagePreprocessing, source: object) -> None:
    with pytest.raises(DataError):
        fitted.read(source)


def test_an_empty_folder_to_predict_on_is_refused(fitted: ImagePreprocessing, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images"):
        fitted.read(tmp_path / "empty")


def test_a_constant_channel_is_left_at_zero(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for index in range(4):
            image = PillowImage.new("RGB", (4, 4), (index * 20 + 100 * (name == "dog"), 9, 0))
            save(tmp_path / "x" / name / f"{index}.png", image)
    data = load(tmp_path / "x")
    x, _ = data.split("train")
    assert bool((x[:, 1:].abs() < 1e-6).all())
    assert describe(data.target) == "2 classes"


def test_images_that_would_fill_the_disk_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path / "pets", {"dog": 10, "cat": 10})
    free = SimpleNamespace(free=20 * 50 * 50 - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(DataError, match="too little room") as refusal:
        load(tmp_path / "pets", size="50")
    assert "--size" in str(refusal.value)


def test_large_images_are_decoded_fewer_at_once_to_the_same_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "one"))
    together = load(folder_of(tmp_path / "pets", {"dog": 10, "cat": 10}))
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(decoding, "_BYTES_AT_ONCE", 3 * 120 * 3)  # three images
    apart = load(tmp_path / "pets")
    assert torch.equal(apart.inputs, together.inputs)
    assert apart.source.sha256 == together.source.sha256


@pytest.mark.parametrize("size", ["99999", "100000x100000", "0", "3x", "x3", "-4", "four", "1x2x3"])
def test_sizes_no_image_has_are_refused(tmp_path: Path, size: str) -> None:
    folder_of(tmp_path / "pets", {"dog": 3, "cat": 3})
    with pytest.raises(DataError, match=r"too large|cannot be read"):
        load(tmp_path / "pets", size=size)


def test_links_that_lead_nowhere_or_in_a_circle_are_counted(tmp_path: Path) -> None:
    root = folder_of(tmp_path / "pets", {"dog": 5, "cat": 5})
    (root / "dog" / "gone.png").symlink_to("nowhere.png")
    (root / "dog" / "self.png").symlink_to("self.png")
    (root / "dog" / "up").symlink_to("..")
    data = load(root)
    assert len(data) == 10
    assert "left out: links that lead nowhere (2)" in data.notes
