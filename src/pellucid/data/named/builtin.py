"""Data sets that need no internet: scikit-learn's bundled real data, points in the plane, a series, a text."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
import torch
from sklearn import datasets

from pellucid.data import fingerprint
from pellucid.data.arrays.arrays import from_arrays
from pellucid.data.dataset import Dataset, Masks, Source
from pellucid.data.images import images
from pellucid.data.named import grammar, mixtures, plane, scenes, seasons
from pellucid.data.named.catalogue import Entry
from pellucid.data.series.series import load_series
from pellucid.data.split import split_rows
from pellucid.data.tables.table import load_table
from pellucid.data.texts import text
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


def digits_scenes(options: DataOptions) -> Dataset:
    """Return 599 scenes of three handwritten digits among strokes and noise, with the class of every pixel."""
    made = scenes.scenes()
    stored_NCHW, masks_NHW = torch.from_numpy(made.pixels)[:, None], torch.from_numpy(made.masks)
    source = Source("builtin", "digits_scenes", fingerprint.of_tensors(stored_NCHW, masks_NHW))
    rows = split_rows(len(stored_NCHW), options)
    return images.from_pictures("digits_scenes", stored_NCHW, masks_NHW, Masks(scenes.NAMES), rows, source)


def sentences(options: DataOptions) -> Dataset:
    """Return 1,500 sentences of a small grammar (55,508 characters), whose verbs agree with a noun further back."""
    content = grammar.sentences()
    source = Source("builtin", "sentences", hashlib.sha256(content.encode()).hexdigest())
    return text.from_text("sentences", content, options, source)


def seasonal(options: DataOptions) -> Dataset:
    """Return 600 months of a series with trend, seasons and noise, to forecast."""
    data = load_series(seasons.seasons(), options, "seasons")
    return dataclasses.replace(data, source=Source("builtin", "seasons", data.source.sha256))


def _of_scikit_learn(name: str, load: Callable[[], Any], target: str, options: DataOptions) -> Dataset:
    """Return one of scikit-learn's tables with the names of its columns and classes."""
    bunch = load()
    answers = bunch.target if name == "diabetes" else np.asarray(bunch.target_names)[bunch.target].tolist()
    frame = pl.DataFrame(bunch.data, schema=[str(column) for column in bunch.feature_names])
    frame = frame.with_columns(pl.Series(target, answers))
    if options.target is None:
        options = dataclasses.replace(options, target=target)
    data = load_table(frame, options, name)
    return dataclasses.replace(data, source=Source("builtin", name, data.source.sha256))


def _of_plane(name: str, draw: Callable[[], plane.Points], options: DataOptions) -> Dataset:
    points = draw()
    digest = fingerprint.of_tensors(torch.from_numpy(points.places), torch.from_numpy(points.labels))
    source = Source("builtin", name, digest)
    return from_arrays(name, points.places, points.labels, options, source=source, class_names=points.classes)


def _of_mixture(name: str, options: DataOptions) -> Dataset:
    points, modes = mixtures.MIXTURES[name].draw()
    source = Source("builtin", name, fingerprint.of_tensors(torch.from_numpy(points), torch.from_numpy(modes)))
    classes = tuple(f"mode {mode + 1}" for mode in range(len(mixtures.MIXTURES[name].centres)))
    return from_arrays(name, points, modes, options, source=source, class_names=classes)


def _table_entry(name: str, load: Callable[[], Any], target: str, summary: str) -> Entry:
    return Entry(summary, partial(_of_scikit_learn, name, load, target))


def _plane_entry(name: str, draw: Callable[[], plane.Points], summary: str) -> Entry:
    return Entry(summary, partial(_of_plane, name, draw))


BUILTINS: Mapping[str, Entry] = MappingProxyType(
    {
        "digits": Entry("1,797 handwritten digits, 8x8 grey pixels, 10 classes", digits),
        "digits_scenes": Entry("599 scenes, 32x32 pixels, three digits each, a class for every pixel", digits_scenes),
        "iris": _table_entry("iris", datasets.load_iris, "species", "150 irises, 4 lengths, 3 species"),
        "wine": _table_entry("wine", datasets.load_wine, "grower", "178 wines, 13 measurements, 3 growers"),
        "breast_cancer": _table_entry(
            "breast_cancer", datasets.load_breast_cancer, "tumour", "569 tumours, 30 measurements, malignant or benign"
        ),
        "diabetes": _table_entry(
            "diabetes",
            partial(datasets.load_diabetes, scaled=False),
            "progression",
            "442 patients, 10 measurements, the disease's progression after a year to predict",
        ),
        "circles": _plane_entry("circles", plane.circles, "600 points in the plane: a ring around a disc's rim"),
        "xor": _plane_entry("xor", plane.xor, "600 points in the plane: exclusive or of the signs"),
        "gaussians": _plane_entry("gaussians", plane.gaussians, "600 points in the plane: two overlapping clouds"),
        "spirals": _plane_entry("spirals", plane.spirals, "600 points in the plane: two interleaved spirals"),
        "moons": _plane_entry("moons", plane.moons, "600 points in the plane: two interleaved half circles"),
        "ring": Entry("25,000 points in the plane: 8 modes on a circle, for generators", partial(_of_mixture, "ring")),
        "grid": Entry("25,000 points in the plane: 25 modes in a grid, for generators", partial(_of_mixture, "grid")),
        "seasons": Entry("600 months of a series with trend, seasons and noise, to forecast", seasonal),
        "sentences": Entry("1,500 sentences of a known grammar, to predict the next character", sentences),
    }
)
