"""Data sets that need no internet: scikit-learn's bundled real data, points in the plane, a small text."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from sklearn import datasets

from pellucid.data import fingerprint, grammar, images, plane, text
from pellucid.data.arrays import from_arrays
from pellucid.data.catalogue import Entry
from pellucid.data.dataset import Dataset, Source
from pellucid.data.split import split_rows
from pellucid.recipe import DataOptions


def digits(options: DataOptions) -> Dataset:
    """Return 1,797 handwritten digits of 8x8 grey pixels (Alpaydin and Kaynak 1998, UCI optical digits).

    The pixels' 17 values 0..16 are stored as round(value * 255 / 16), so that they mean the same as a file's.
    """
    bunch = datasets.load_digits()
    stored_NCHW = torch.from_numpy(np.round(bunch.images[:, None] * (255 / 16)).astype(np.uint8))
    labels_N = torch.from_numpy(bunch.target.astype(np.int64))
    classes = [str(name) for name in bunch.target_names]
    source = Source("builtin", "digits", fingerprint.of_tensors(stored_NCHW, labels_N))
    rows = split_rows(len(labels_N), options, labels=labels_N)
    return images.from_pixels("digits", stored_NCHW, labels_N, classes, rows, source)


def sentences(options: DataOptions) -> Dataset:
    """Return 1,500 sentences of a small grammar (55,508 characters), whose verbs agree with a noun further back."""
    content = grammar.sentences()
    source = Source("builtin", "sentences", hashlib.sha256(content.encode()).hexdigest())
    return text.from_text("sentences", content, options, source)


def _of_scikit_learn(name: str, load: Callable[[], Any], options: DataOptions) -> Dataset:
    """Return a classification set of scikit-learn's with the names of its classes."""
    bunch = load()
    classes = [str(class_name) for class_name in bunch.target_names]
    return _builtin(name, bunch.data.astype(np.float32), bunch.target.astype(np.int64), options, class_names=classes)


def diabetes(options: DataOptions) -> Dataset:
    """Return 442 patients' ten measurements and their disease's progression after a year (Efron et al. 2004)."""
    bunch = datasets.load_diabetes(scaled=False)
    if options.task is None:
        options = dataclasses.replace(options, task="regression")
    inputs, targets = bunch.data.astype(np.float32), bunch.target.astype(np.float32)
    return _builtin("diabetes", inputs, targets, options, target_names=["progression"])


def _of_plane(name: str, draw: Callable[[], plane.Points], options: DataOptions) -> Dataset:
    points = draw()
    return _builtin(name, points.places, points.labels, options, class_names=points.classes)


def _builtin(name: str, inputs: Any, targets: Any, options: DataOptions, **known: Any) -> Dataset:
    source = Source("builtin", name, fingerprint.of_tensors(torch.from_numpy(inputs), torch.from_numpy(targets)))
    return from_arrays(name, inputs, targets, options, source=source, **known)


def _scikit_learn_entry(name: str, load: Callable[[], Any], summary: str) -> Entry:
    return Entry(summary, partial(_of_scikit_learn, name, load))


def _plane_entry(name: str, draw: Callable[[], plane.Points], summary: str) -> Entry:
    return Entry(summary, partial(_of_plane, name, draw))


BUILTINS: Mapping[str, Entry] = MappingProxyType(
    {
        "digits": Entry("1,797 handwritten digits, 8x8 grey pixels, 10 classes", digits),
        "iris": _scikit_learn_entry("iris", datasets.load_iris, "150 irises, 4 lengths, 3 species"),
        "wine": _scikit_learn_entry("wine", datasets.load_wine, "178 wines, 13 measurements, 3 growers"),
        "breast_cancer": _scikit_learn_entry(
            "breast_cancer", datasets.load_breast_cancer, "569 tumours, 30 measurements, malignant or benign"
        ),
        "diabetes": Entry("442 patients, 10 measurements, progression to predict", diabetes),
        "circles": _plane_entry("circles", plane.circles, "600 points in the plane: a ring around a disc's rim"),
        "xor": _plane_entry("xor", plane.xor, "600 points in the plane: exclusive or of the signs"),
        "gaussians": _plane_entry("gaussians", plane.gaussians, "600 points in the plane: two overlapping clouds"),
        "spirals": _plane_entry("spirals", plane.spirals, "600 points in the plane: two interleaved spirals"),
        "moons": _plane_entry("moons", plane.moons, "600 points in the plane: two interleaved half circles"),
        "sentences": Entry("1,500 sentences of a known grammar, to predict the next character", sentences),
    }
)
