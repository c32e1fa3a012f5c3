"""Whether probabilities mean what they say: of the samples said with 80 %, are 80 % right?

Shape letters: N samples, B bins, R simulated splits.
"""

import numpy as np
from numpy.typing import NDArray

from pellucid.judging.intervals import wilson
from pellucid.judging.judgement import Calibration, CalibrationBin
from pellucid.judging.outputs import Outputs
from pellucid.seed import derive

BINS = 10
_SIMULATED = 400
_MOST_SIMULATED = 10_000


def calibration_of(outputs: Outputs) -> Calibration:
    """Return accuracy against confidence in ten bins of equal width, and the expected calibration error."""
    confidence_N, right_N = _confidence(outputs), outputs.predicted == outputs.truth
    bin_N = _bins(confidence_N)
    bins = []
    for number in np.unique(bin_N).tolist():
        inside = bin_N == number
        accuracy = wilson(int(right_N[inside].sum()), int(inside.sum()))
        mean = float(confidence_N[inside].mean())
        bins.append(CalibrationBin(number / BINS, (number + 1) / BINS, int(inside.sum()), mean, accuracy))
    error = sum(one.count * abs(one.accuracy.value - one.confidence) for one in bins) / len(outputs)
    return Calibration(tuple(bins), error)


def chance_error(outputs: Outputs, quantile: float = 0.99) -> float:
    """Return the expected calibration error that perfect probabilities stay below in 99 of 100 splits like this one.

    Few samples in a bin are never right in exactly the share that was said, so the error of a perfectly calibrated
    network is not 0; what it would be is simulated by drawing "right" with the probability that was said (consistency
    resampling, Bröcker and Smith 2007), on at most 10,000 of the samples, evenly spaced: fewer only err more.
    """
    confidence_N = _confidence(outputs)
    confidence_N = confidence_N[:: -(-len(confidence_N) // _MOST_SIMULATED)]
    bin_N = _bins(confidence_N)
    draws = np.random.default_rng(derive(0, "calibration"))
    errors = np.empty(_SIMULATED)
    for number in range(_SIMULATED):
        excess_N = (draws.random(len(confidence_N)) < confidence_N) - confidence_N
        errors[number] = np.abs(np.bincount(bin_N, excess_N, BINS)).sum() / len(confidence_N)
    return float(np.quantile(errors, quantile))


def _confidence(outputs: Outputs) -> NDArray[np.float64]:
    assert outputs.confidence is not None
    return outputs.confidence.astype(np.float64)


def _bins(confidence_N: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each sample: [low, high), the last with 1."""
    return np.minimum((confidence_N * BINS).astype(np.int64), BINS - 1)
