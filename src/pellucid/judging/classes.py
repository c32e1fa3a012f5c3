"""How each class fares, and what it is taken for.

Shape letters: N samples, K classes.
"""

import numpy as np
from numpy.typing import NDArray

from pellucid.judging.intervals import wilson
from pellucid.judging.judgement import ClassScores, Confusion, Estimate
from pellucid.judging.outputs import Outputs


def confusion_of(outputs: Outputs, names: tuple[str, ...]) -> Confusion:
    """Return how many samples of each class were taken for each."""
    counts_KK = confusion_counts(outputs, len(names))
    return Confusion(names, tuple(tuple(row) for row in counts_KK.tolist()))


def confusion_counts(outputs: Outputs, classes: int) -> NDArray[np.int64]:
    """Return the samples of class t taken for class p at [t, p], int64 (K, K)."""
    places_N = outputs.truth.astype(np.int64) * classes + outputs.predicted.astype(np.int64)
    return np.bincount(places_N, minlength=classes * classes).reshape(classes, classes)


def class_scores(confusion: Confusion) -> tuple[ClassScores, ...]:
    """Return precision, recall and F1 of each class; a share of no samples is 0, as in the metrics, from 0 to 1."""
    counts_KK = np.array(confusion.counts)
    counts = zip(counts_KK.diagonal().tolist(), counts_KK.sum(1).tolist(), counts_KK.sum(0).tolist(), strict=True)
    return tuple(_scores(name, *each) for name, each in zip(confusion.names, counts, strict=True))


def label_scores(outputs: Outputs, names: tuple[str, ...]) -> tuple[ClassScores, ...]:
    """Return precision, recall and F1 of each label, of the samples that it applies to or is said of."""
    truth_NK, said_NK = outputs.truth.astype(np.int64), outputs.predicted.astype(np.int64)
    hits_K = (truth_NK * said_NK).sum(0)
    counts = zip(hits_K.tolist(), truth_NK.sum(0).tolist(), said_NK.sum(0).tolist(), strict=True)
    return tuple(_scores(name, *each) for name, each in zip(names, counts, strict=True))


def _scores(name: str, hits: int, support: int, predicted: int) -> ClassScores:
    f1 = 2 * hits / (support + predicted) if support + predicted else 0.0
    precision, recall = (wilson(hits, of) if of else _UNKNOWN for of in (predicted, support))
    return ClassScores(name, support, predicted, precision, recall, f1)


_UNKNOWN = Estimate(0.0, 0.0, 1.0)
