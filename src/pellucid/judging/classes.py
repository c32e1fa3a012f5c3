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
    found = []
    for k, name in enumerate(confusion.names):
        hits, support, predicted = (
            int(count) for count in (counts_KK[k, k], counts_KK[k].sum(), counts_KK[:, k].sum())
        )
        f1 = 2 * hits / (support + predicted) if support + predicted else 0.0
        precision, recall = (wilson(hits, of) if of else _UNKNOWN for of in (predicted, support))
        found.append(ClassScores(name, support, predicted, precision, recall, f1))
    return tuple(found)


_UNKNOWN = Estimate(0.0, 0.0, 1.0)
