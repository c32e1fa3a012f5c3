"""How alike two sets of samples are, without labels; and, where the modes of the data are known, how many were found.

Shape letters: N, M samples, F numbers a sample, K modes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

WITHIN = 3.0  # standard deviations from its mode that a sample of high quality may be


@dataclass(frozen=True, slots=True)
class Modes:
    """Which of the known modes samples lie in.

    Attributes:
        covered: modes with at least one sample of high quality.
        of: modes there are.
        high_quality: share of the samples that are within 3 standard deviations of a mode.
        imbalance: Kullback-Leibler divergence of the modes' shares of those samples from equal shares, in nats; 0 where
            all are hit alike, log(K) where one takes all.
    """

    covered: int
    of: int
    high_quality: float
    imbalance: float


def modes_found(samples_NF: Tensor, centres_KF: Tensor, deviation: float) -> Modes:
    """Return how many modes samples cover.

    A sample is of high quality where it lies within 3 standard deviations of the nearest centre, and a mode is covered
    by one such sample; the literature draws 2,500 (Srivastava et al. 2017, "VEEGAN"; Lin et al. 2018, "PacGAN").

    Args:
        samples_NF: samples in the data's own units.
        centres_KF: centre of each mode.
        deviation: standard deviation of a mode along each axis.
    """
    distances_N, nearest_N = torch.cdist(samples_NF.double(), centres_KF.double()).min(1)
    good_N = distances_N <= WITHIN * deviation
    counts_K = torch.bincount(nearest_N[good_N], minlength=len(centres_KF))
    shares_K = counts_K / counts_K.sum().clamp_min(1)
    imbalance = (torch.special.xlogy(shares_K, shares_K * len(centres_KF))).sum() if good_N.any() else torch.nan
    return Modes(int((counts_K > 0).sum()), len(centres_KF), float(good_N.double().mean()), float(imbalance))


def energy_distance(one_NF: Tensor, other_MF: Tensor) -> float:
    """Return 2 E|X - Y| - E|X - X'| - E|Y - Y'|, 0 where both have one law and else more (Székely and Rizzo 2013).

    The means within a set leave out the distance of a sample from itself, so that the estimate has no bias; it may come
    out a little below 0.
    """
    one, other = one_NF.flatten(1).double(), other_MF.flatten(1).double()
    return float(2 * torch.cdist(one, other).mean() - _mean_distance(one) - _mean_distance(other))


def nearest_neighbour_accuracy(one_NF: Tensor, other_NF: Tensor) -> float:
    """Return how often a sample's nearest neighbour among all the others is of its own set (Lopez-Paz and Oquab 2017).

    0.5 where both sets have one law, 1 where they lie apart, towards 0 where one set copies the other.

    Args:
        one_NF: a set of samples.
        other_NF: another of the same size.
    """
    assert len(one_NF) == len(other_NF)
    every = torch.cat([one_NF, other_NF]).flatten(1).double()
    distances = torch.cdist(every, every).fill_diagonal_(torch.inf)
    first_half = torch.arange(len(every)) < len(one_NF)
    return float((first_half[distances.argmin(1).cpu()] == first_half).double().mean())


def _mean_distance(samples_NF: Tensor) -> Tensor:
    count = len(samples_NF)
    return torch.cdist(samples_NF, samples_NF).sum() / (count * max(1, count - 1))
