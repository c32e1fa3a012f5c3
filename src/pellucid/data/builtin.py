"""Data sets that need no internet: scikit-learn's bundled real data, points in the plane, a small text, a series."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from sklearn import datasets

from pellucid.data import fingerprint, images
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


BUILTINS: Mapping[str, Callable[[DataOptions], Dataset]] = MappingProxyType(
    {
        "digits": Entry("1,797 handwritten digits, 8x8 grey pixels, 10 classes (UCI, scikit-learn)", digits),
    }
)
