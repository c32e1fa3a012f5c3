"""Which labels are wrong, and how labels go wrong: confident learning.

A network that has not seen a sample in training is asked what it is. Where it is as sure of another class as it is in
the mean of samples labelled so, the label is suspected. How often that happens, from which class to which, tells the
noise.

Shape letters: N samples, K classes, M suspected samples.

Source: Northcutt, Jiang and Chuang 2021, Confident learning: estimating uncertainty in dataset labels, section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from pellucid.chart import Axis, Bar, Bars
from pellucid.errors import DataError
from pellucid.judging.wording import percent

Method = Literal["confident joint", "by class", "by noise rate", "both"]
Ranking = Literal["normalised margin", "self-confidence"]


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """Suspected labels, and the noise that they speak for.

    Attributes:
        rows: places of the suspected samples among those given, the most suspicious first, int64 (M,). Those are where
            the network disagrees most: of a class that is often labelled as another it is less sure than of a single
            sample that lies far off.
        scores: of those, ascending, (M,): p(label) - the greatest of the other p, or p(label).
        labels: as given, int64 (M,).
        suggested: the likeliest other class, int64 (M,).
        thresholds: how sure the network is in the mean of a class where it is given as label, (K,).
        confident_joint: samples labelled i that are confidently of class j at [i, j], int64 (K, K).
        joint: P(label i, truth j), estimated; its rows have the labels' shares, (K, K).
        noise: P(label i | truth j), estimated; each column sums to 1, (K, K). A class that nothing is confidently of
            has its label for certain, since there is nothing to say otherwise.
        estimated_share: of labels that are wrong, by the joint. It is too high by the right labels that the network is
            sure are another class: the joint is exact for a network that never is (section 4). With a logistic
            regression on all digits it is 0.4 % where no label is wrong and 11.7 % where 9.9 % are.
        names: of the classes.
    """

    rows: Tensor
    scores: Tensor
    labels: Tensor
    suggested: Tensor
    thresholds: Tensor
    confident_joint: Tensor
    joint: Tensor
    noise: Tensor
    estimated_share: float
    names: tuple[str, ...]


def find_label_errors(
    probabilities_NK: Tensor,
    labels_N: Tensor,
    names: Sequence[str] = (),
    *,
    method: Method = "by noise rate",
    ranking: Ranking = "normalised margin",
) -> LabelErrors:
    """Return the labels that are probably wrong.

    Args:
        probabilities_NK: of the classes, by a network that was not trained on the sample (see
            `out_of_sample_probabilities`): one that was has learned its wrong labels, too.
        labels_N: as given, int64.
        names: of the classes; by default their numbers.
        method: which samples are suspected. "confident joint": those counted beside its diagonal. "by class": of each
            label as many as the joint says are wrong, those with the least p(label). "by noise rate": of each label i
            and class j as many as the joint says, those with the largest p(j) - p(i). "both": by class and by noise
            rate.
        ranking: by what they are put in order.

    Raises:
        DataError: probabilities and labels that do not fit each other.
    """
    _require_fit(probabilities_NK, labels_N)
    p_NK, labels = probabilities_NK.detach().double().cpu(), labels_N.detach().cpu().long()
    classes = p_NK.shape[1]
    thresholds_K = _thresholds(p_NK, labels)
    certain_N = _confident_class(p_NK, thresholds_K)
    known = certain_N >= 0
    cells = labels[known] * classes + certain_N[known]
    counts_KK = torch.bincount(cells, minlength=classes * classes).view(classes, classes)
    joint_KK = _calibrated(counts_KK, labels)
    given_N = p_NK.gather(1, labels[:, None])[:, 0]
    best_N, other_N = p_NK.scatter(1, labels[:, None], -1.0).max(1)
    scores_N = given_N - best_N if ranking == "normalised margin" else given_N
    off_diagonal_N = known & (certain_N != labels)
    rows = (off_diagonal_N if method == "confident joint" else _pruned(method, p_NK, labels, joint_KK)).nonzero()[:, 0]
    rows = rows[scores_N[rows].argsort(stable=True)]
    return LabelErrors(
        rows=rows,
        scores=scores_N[rows],
        labels=labels[rows],
        suggested=other_N[rows],
        thresholds=thresholds_K,
        confident_joint=counts_KK,
        joint=joint_KK,
        noise=_noise(joint_KK),
        estimated_share=float(1 - joint_KK.trace()),
        names=tuple(names) or tuple(map(str, range(classes))),
    )


def label_error_bars(found: LabelErrors, title: str = "How labels go wrong", most: int = 12) -> Bars:
    """Return the most frequent errors, from which class to which label, as estimated shares of the class."""
    shares = found.noise.clone().fill_diagonal_(0)
    order = shares.flatten().argsort(descending=True, stable=True)[:most].tolist()
    classes = len(found.names)
    pairs = [(place // classes, place % classes) for place in order]
    label, truth = (found.names[place] for place in pairs[0])
    return Bars(
        title=title,
        detail="estimated share of a class that has another's label",
        says=f"An estimated {percent(found.estimated_share)} of the labels are wrong, and {len(found.rows):,} are"
        f" suspected. Most often {truth} is labelled {label}: {percent(float(shares[pairs[0]]))} of its samples.",
        axis=Axis("share of the class", "percent"),
        bars=[
            Bar(label=f"{found.names[j]}, labelled {found.names[i]}", runs=[float(shares[i, j])])
            for i, j in pairs
            if shares[i, j] > 0
        ],
    )


def _thresholds(p_NK: Tensor, labels_N: Tensor) -> Tensor:
    """Return t_j, the mean of p(j) over the samples labelled j; ∞ of a class that no sample is labelled."""
    counts_K = torch.bincount(labels_N, minlength=p_NK.shape[1])
    given_N = p_NK.gather(1, labels_N[:, None])[:, 0]
    sums_K = torch.zeros(p_NK.shape[1], dtype=p_NK.dtype).index_add_(0, labels_N, given_N)
    return torch.where(counts_K > 0, sums_K / counts_K.clamp(min=1), torch.inf)


def _confident_class(p_NK: Tensor, thresholds_K: Tensor) -> Tensor:
    """Return the likeliest class among those whose threshold is reached, int64 (N,); -1 where none is."""
    # the threshold of a class whose samples all have the same p is that p, up to how a mean is rounded
    reached_NK = p_NK >= thresholds_K - 1e-12
    likeliest_N = p_NK.where(reached_NK, -1.0).argmax(1)
    return torch.where(reached_NK.any(1), likeliest_N, -1)


def _calibrated(counts_KK: Tensor, labels_N: Tensor) -> Tensor:
    """Return Q: the counts' rows scaled to how many samples have each label, as shares of all."""
    labelled_K = torch.bincount(labels_N, minlength=len(counts_KK)).double()
    rows_K1 = counts_KK.sum(1, keepdim=True).double()
    own = torch.eye(len(counts_KK), dtype=torch.float64)  # where nothing is confident the labels stand
    shares_KK = torch.where(rows_K1 > 0, counts_KK / rows_K1.clamp(min=1), own)
    joint_KK: Tensor = shares_KK * labelled_K[:, None] / len(labels_N)
    return joint_KK


def _noise(joint_KK: Tensor) -> Tensor:
    columns_K = joint_KK.sum(0)
    return torch.where(columns_K > 0, joint_KK / columns_K.clamp(min=1e-300), torch.eye(len(joint_KK)).double())


def _pruned(
    method: Literal["by class", "by noise rate", "both"], p_NK: Tensor, labels_N: Tensor, joint_KK: Tensor
) -> Tensor:
    """Return which samples are suspected where the joint says how many, bool (N,)."""
    match method:
        case "by class":
            return _by_class(p_NK, labels_N, joint_KK)
        case "by noise rate":
            return _by_noise_rate(p_NK, labels_N, joint_KK)
        case "both":
            return _by_class(p_NK, labels_N, joint_KK) & _by_noise_rate(p_NK, labels_N, joint_KK)


def _by_class(p_NK: Tensor, labels_N: Tensor, joint_KK: Tensor) -> Tensor:
    suspected_N = torch.zeros(len(labels_N), dtype=torch.bool)
    for label in range(len(joint_KK)):
        rows = (labels_N == label).nonzero()[:, 0]
        count = round(float(joint_KK[label].sum() - joint_KK[label, label]) * len(labels_N))
        suspected_N[rows[p_NK[rows, label].argsort(stable=True)[:count]]] = True
    return suspected_N


def _by_noise_rate(p_NK: Tensor, labels_N: Tensor, joint_KK: Tensor) -> Tensor:
    suspected_N = torch.zeros(len(labels_N), dtype=torch.bool)
    for label in range(len(joint_KK)):
        rows = (labels_N == label).nonzero()[:, 0]
        for truth in range(len(joint_KK)):
            count = round(float(joint_KK[label, truth]) * len(labels_N)) if truth != label else 0
            margins = p_NK[rows, truth] - p_NK[rows, label]
            suspected_N[rows[margins.argsort(descending=True, stable=True)[:count]]] = True
    return suspected_N


def _require_fit(probabilities_NK: Tensor, labels_N: Tensor) -> None:
    fits = probabilities_NK.ndim == 2 and labels_N.shape == probabilities_NK.shape[:1] and len(labels_N) > 0
    if not fits or int(labels_N.min()) < 0 or int(labels_N.max()) >= probabilities_NK.shape[1]:
        raise DataError(
            "these probabilities and labels do not fit each other",
            expected="probabilities (N, K) and labels (N,) from 0 to K - 1",
            received=f"shapes {tuple(probabilities_NK.shape)} and {tuple(labels_N.shape)}",
        )
