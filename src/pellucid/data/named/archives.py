"""The classic data sets that are downloaded once (or found where PELLUCID_DATA says): images, a text, names.

Each keeps its official test set as the test split; the validation split is cut off training.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from pellucid.data import cache
from pellucid.data.dataset import Dataset, Source
from pellucid.data.images import images
from pellucid.data.images.pixels import Pixels
from pellucid.data.named import formats, published
from pellucid.data.named.catalogue import Entry
from pellucid.data.named.download import RemoteFile, downloads_folder, fetch, locate, obtain
from pellucid.data.split import split_rows
from pellucid.data.texts import text
from pellucid.errors import DataError
from pellucid.recipe import DataOptions

# images (N, C, H, W) and labels (N,) of one part of a data set
Part = tuple[Pixels, Pixels]

_DIGITS = tuple("0123456789")
_CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FORM = 1  # raise when the reading changes, so that caches built by the old one are not used


def mnist(options: DataOptions) -> Dataset:
    """Return MNIST: 60,000 training and 10,000 test images of handwritten digits (LeCun et al. 1998)."""
    return _of_idx("mnist", published.MNIST, _DIGITS, options)


def fashion_mnist(options: DataOptions) -> Dataset:
    """Return Fashion-MNIST: 60,000 training and 10,000 test images of clothes (Xiao, Rasul and Vollgraf 2017)."""
    return _of_idx("fashion_mnist", published.FASHION_MNIST, _CLOTHES, options)


def cifar10(options: DataOptions) -> Dataset:
    """Return CIFAR-10: 50,000 training and 10,000 test images of ten kinds of things (Krizhevsky 2009).

    Read from the binary version, extracted (`cifar10/cifar-10-batches-bin/`) or as downloaded, or from lossless
    sheets (`cifar10/data_batch_1.webp`, ..., `cifar10/labels.csv.gz`).
    """
    files, parts = _cifar_parts()
    return _of_parts("cifar10", files, parts, _OBJECTS, options)


def tinyshakespeare(options: DataOptions) -> Dataset:
    """Return 1.1 million characters of Shakespeare's plays, as Karpathy collected them (2015)."""
    return text.load_text(obtain(published.TINY_SHAKESPEARE), options, name="tinyshakespeare")


def names(options: DataOptions) -> Dataset:
    """Return 20,050 surnames of 18 languages (Robertson 2017): the language is predicted from the letters."""
    folder = locate("names")
    if folder is None or not all((folder / name).is_file() for name in published.NAMES):
        paths = [fetch(file, downloads_folder()) for file in published.NAMES.values()]
        folder = paths[0].parent
    return text.load_texts(folder, options, name="names")


def _of_idx(name: str, files: Mapping[str, RemoteFile], classes: tuple[str, ...], options: DataOptions) -> Dataset:
    paths = {file: obtain(remote) for file, remote in files.items()}

    def parts() -> Iterator[Part]:
        for prefix in ("train", "t10k"):
            stored_NHW = formats.read_idx(paths[f"{prefix}-images-idx3-ubyte.gz"])
            labels_N = formats.read_idx(paths[f"{prefix}-labels-idx1-ubyte.gz"])
            if stored_NHW.ndim != 3 or labels_N.shape != stored_NHW.shape[:1] or labels_N.max() >= len(classes):
                raise DataError(
                    f"the images and labels of {name} do not belong together",
                    expected=f"images (N, H, W), labels (N,) below {len(classes)}",
                    received=f"images {stored_NHW.shape}, labels {labels_N.shape} up to {labels_N.max()}",
                )
            yield stored_NHW[:, None], labels_N

    return _of_parts(name, list(paths.values()), parts, classes, options)


def _cifar_parts() -> tuple[list[Path], Callable[[], Iterator[Part]]]:
    """Return the files that hold CIFAR-10 on this machine and how to read them, the test part last."""
    extracted, sheets = locate("cifar10/cifar-10-batches-bin"), locate("cifar10/labels.csv.gz")
    if extracted is not None:
        paths = [extracted / f"{batch}.bin" for batch in formats.CIFAR10_BATCHES]
        return paths, lambda: (formats.read_cifar_folder(extracted, batch) for batch in formats.CIFAR10_BATCHES)
    if locate(published.CIFAR10.path) is None and sheets is not None:
        paths = [sheets, *(sheets.parent / f"{batch}.webp" for batch in formats.CIFAR10_BATCHES)]
        return paths, partial(_sheet_parts, sheets.parent)
    archive = obtain(published.CIFAR10)
    return [archive], partial(formats.read_cifar_archive, archive)


def _sheet_parts(folder: Path) -> Iterator[Part]:
    labels = formats.read_cifar_labels(folder)
    used = {"train": 0, "test": 0}
    for batch in formats.CIFAR10_BATCHES:
        split = "test" if batch == "test_batch" else "train"
        stored_NCHW = formats.read_cifar_sheet(folder, batch)
        of_batch = labels[split][used[split] :][: len(stored_NCHW)]
        used[split] += len(of_batch)
        if len(of_batch) != len(stored_NCHW):
            raise DataError(
                f"{folder}/labels.csv.gz has too few labels",
                expected=f"one for each of the {len(stored_NCHW):,} images of {batch}",
                received=f"{len(of_batch):,}",
            )
        yield stored_NCHW, of_batch


def _of_parts(
    name: str, files: list[Path], parts: Callable[[], Iterator[Part]], classes: tuple[str, ...], options: DataOptions
) -> Dataset:
    """Return the data set of parts whose last is the test part; what was read is kept in the cache, mapped."""

    def build(folder: Path) -> dict[str, Any]:
        labels: list[Pixels] = []

        def stored() -> Iterator[Pixels]:
            for stored_NCHW, labels_N in parts():
                labels.append(labels_N)
                yield stored_NCHW

        blocks = stored()
        first = next(blocks)
        digest = cache.write_npy(folder / "images.npy", first.shape[1:], _chain(first, blocks), np.uint8)
        np.save(folder / "labels.npy", np.concatenate(labels), allow_pickle=False)
        return {"sha256": digest, "test": len(labels[-1])}

    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise DataError(f"{name} is not complete on this machine", expected="also " + ", ".join(missing))
    folder, document = cache.build_once("arrays", f"{name}-{cache.listing_key(files, _FORM)}", build)
    stored_NCHW = cache.map_npy(folder / "images.npy")
    labels_N = torch.from_numpy(np.load(folder / "labels.npy", allow_pickle=False).astype(np.int64))
    count = len(labels_N)
    test_rows = torch.arange(count - document["test"], count)
    rows = split_rows(count, options, labels=labels_N, test_rows=test_rows)
    source = Source("archive", name, document["sha256"])
    return images.from_pixels(name, stored_NCHW, labels_N, classes, rows, source)


def _chain(first: Pixels, rest: Iterator[Pixels]) -> Iterator[Pixels]:
    yield first
    yield from rest


def _all_here(files: Iterable[RemoteFile]) -> bool:
    return all(locate(file.path) for file in files)


def _cifar_here() -> bool:
    forms = ("cifar10/cifar-10-batches-bin", "cifar10/labels.csv.gz", published.CIFAR10.path)
    return any(locate(form) for form in forms)


_MNIST_HERE = partial(_all_here, tuple(published.MNIST.values()))
_FASHION_HERE = partial(_all_here, tuple(published.FASHION_MNIST.values()))
_NAMES_HERE = partial(_all_here, tuple(published.NAMES.values()))
_SHAKESPEARE_HERE = partial(_all_here, (published.TINY_SHAKESPEARE,))

ARCHIVES: Mapping[str, Entry] = MappingProxyType(
    {
        "mnist": Entry("70,000 handwritten digits, 28x28 grey pixels, 10 classes (11 MB)", mnist, _MNIST_HERE),
        "fashion_mnist": Entry(
            "70,000 pieces of clothing, 28x28 grey pixels, 10 classes (31 MB)", fashion_mnist, _FASHION_HERE
        ),
        "cifar10": Entry("60,000 photographs, 32x32 RGB pixels, 10 classes (170 MB)", cifar10, _cifar_here),
        "tinyshakespeare": Entry(
            "1.1 million characters of Shakespeare, to predict the next (1 MB)", tinyshakespeare, _SHAKESPEARE_HERE
        ),
        "names": Entry("20,050 surnames, to predict which of 18 languages (160 kB)", names, _NAMES_HERE),
    }
)
