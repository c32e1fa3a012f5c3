"""Whether one linear layer can be right on all rows, decided by linear programmes.

Shape letters: N rows, F features, C classes, M constraints.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

QUICK = 400_000  # rows x features x classes: some seconds at most
_SMALLEST_MARGIN = 1e-7  # the accuracy of the solver
_AT_ONCE = 200  # constraints added in a round


def linearly_separable(features_NF: Numbers, labels_N: Places, classes: int) -> bool:
    """Say whether weights exist that give every row's own class the greatest output.

    The programme is: maximise t, where (w_y - w_k) . x >= t for each row's class y and every other k, |w| <= 1. The
    rows are separable just where its optimum is above 0 (Kesler's construction; Duda, Hart and Stork 2001, section
    5.12). A "yes" is checked on the rows themselves. It begins with some rows and takes in those it finds wrong, so
    that a "no" rests on few; it holds to the solver's accuracy, a margin of 1e-7 of the greatest weight.

    Args:
        features_NF: what the layer sees, with a column of ones where it has a bias.
        labels_N: each row's class.
        classes: how many there are; the outputs of the layer.
    """
    # a row's length does not change on which side it lies, but the solver's accuracy
    lengths = np.abs(features_NF).max(1, keepdims=True)
    scaled_NF = features_NF / np.where(lengths > 0, lengths, 1)
    rows = np.unique(np.linspace(0, len(labels_N) - 1, _AT_ONCE).astype(np.int64))
    taken = {(row, other) for row in rows.tolist() for other in range(classes) if other != labels_N[row]}
    while True:
        weight_CF, optimum = _widest(scaled_NF, labels_N, classes, sorted(taken))
        if optimum < _SMALLEST_MARGIN:
            return False
        outputs_NC = scaled_NF @ weight_CF.T
        margins_NC = outputs_NC[np.arange(len(labels_N)), labels_N][:, None] - outputs_NC
        margins_NC[np.arange(len(labels_N)), labels_N] = np.inf
        if margins_NC.min() > 0:
            return True
        worst = np.argsort(margins_NC, axis=None)[:_AT_ONCE]
        wrong = [divmod(place, classes) for place in worst.tolist() if margins_NC.flat[place] <= 0]
        if taken.issuperset(wrong):  # the solver holds a margin for one that is not: it is below what it can tell
            return False
        taken.update(wrong)


def _widest(
    features_NF: Numbers, labels_N: Places, classes: int, constraints: list[tuple[int, int]]
) -> tuple[Numbers, float]:
    """Return the weights (C, F) that maximise the least margin of some (row, other class), and that margin."""
    count, width = len(constraints), features_NF.shape[1]
    rows_M, others_M = np.array(constraints, dtype=np.int64).T
    x_MF, places_F = features_NF[rows_M], np.arange(width)
    columns = np.hstack([
        others_M[:, None] * width + places_F,
        labels_N[rows_M][:, None] * width + places_F,
        np.full((count, 1), classes * width),
    ])  # fmt: skip
    values = np.hstack([x_MF, -x_MF, np.ones((count, 1))])
    starts = np.arange(count + 1) * columns.shape[1]
    matrix = csr_array((values.ravel(), columns.ravel(), starts), shape=(count, classes * width + 1))
    objective = np.zeros(classes * width + 1)
    objective[-1] = -1.0
    solved = linprog(
        objective,
        matrix,
        np.zeros(count),
        bounds=[(-1, 1)] * (classes * width) + [(None, None)],
        method="highs-ipm",
    )
    assert solved.status == 0, solved.message  # 0 is feasible, and the box bounds it
    return solved.x[:-1].reshape(classes, width), float(solved.x[-1])
