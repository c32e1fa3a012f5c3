"""What a classifier's mistakes have in common: what is taken for what, and which look alike to the network.

Shape letters: N samples, M mistakes, K classes, F features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from torch import nn

from pellucid.chart import Axis, Bar, Bars
from pellucid.data import Classes, Dataset, SplitName
from pellucid.errors import DataError
from pellucid.explain.layers.activations import device_of
from pellucid.explain.seeing.embedding import features_of
from pellucid.judging.classes import confusion_counts
from pellucid.judging.judgement import Mistake
from pellucid.judging.mistakes import worst_mistakes
from pellucid.judging.names import row_names
from pellucid.judging.outputs import rows_to_judge, run_over
from pellucid.judging.wording import p_value, percent
from pellucid.training.device import Device
from pellucid.training.tasks import Supervised

_LEAST_EXPECTED = 5.0
_SIMULATIONS = 9_999
_MOST_CLUSTERS = 6
_COMPONENTS = 10
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Spread:
    """Whether errors fall on all other classes alike.

    Attributes:
        verdict: "random" where an even spread explains them, "systematic" where it does not, "too few to tell" where
            there is no error or only one class that it could fall on.
        errors: how many.
        statistic: χ², over the classes' rows.
        degrees: of freedom.
        p: the probability of as uneven a spread or more, where each error falls on any other class alike.
        effect: √(χ² / errors), 0 where they are spread evenly. Chance alone makes it about √(degrees / errors); what is
            systematic stays as large as the errors grow many.
        simulated: p is, for the numbers are too small for the χ² distribution.
    """

    verdict: Literal["random", "systematic", "too few to tell"]
    errors: int
    statistic: float
    degrees: int
    p: float
    effect: float
    simulated: bool


@dataclass(frozen=True, slots=True)
class MistakeGroup:
    """Mistakes that have something in common.

    Attributes:
        label: what: `4 taken for 9`, or `cluster 2`.
        count: how many.
        share: of the class's samples for a pair of classes, of the mistakes for a cluster.
        worst: some of them, the worst first.
        made_of: what a cluster holds, pair -> how many, the most first; empty for a pair of classes.
    """

    label: str
    count: int
    share: float
    worst: tuple[Mistake, ...]
    made_of: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class MistakeGroups:
    """A classifier's mistakes on a split, in groups.

    Attributes:
        samples, mistakes: how many were judged, and how many of those are wrong.
        by_pair: by the class that is right and the class that was said, the largest first.
        by_cluster: by k-means on what the network makes of the wrong samples, the largest first; empty of fewer than
            four mistakes.
        spread: whether they are random or systematic.
    """

    samples: int
    mistakes: int
    by_pair: tuple[MistakeGroup, ...]
    by_cluster: tuple[MistakeGroup, ...]
    spread: Spread


def group_mistakes(
    network: nn.Module,
    data: Dataset,
    task: Supervised,
    split: SplitName = "test",
    *,
    layer: str | None = None,
    clusters: int | None = None,
    seed: int = 0,
) -> MistakeGroups:
    """Return a classifier's mistakes on a split, grouped.

    Args:
        network: gives the classes' logits.
        data: of classes.
        task: what was learned.
        split: the rows to judge.
        layer: whose outputs say which mistakes are alike, such as the last hidden one; by default the inputs do.
        clusters: how many; by default from 2 to 6, as many as have the largest silhouette.
        seed: of the clusters, and of a simulated p.

    Raises:
        DataError: the data has no classes, or the split no rows.
        OptionError: there is no such layer.
    """
    if not isinstance(data.target, Classes):
        raise DataError("mistakes are grouped by classes", expected="data of classes", received=repr(data))
    outputs = run_over(network, data, task, rows_to_judge(data, split), Device(device_of(network), None))
    every = worst_mistakes(outputs, data, task, len(outputs), row_names(data))
    counts_KK = confusion_counts(outputs, len(data.target.names))
    support = dict(zip(data.target.names, counts_KK.sum(1).tolist(), strict=True))
    return MistakeGroups(
        samples=len(outputs),
        mistakes=len(every),
        by_pair=_by_pair(every, support),
        by_cluster=_by_cluster(network, data, every, layer, clusters, seed),
        spread=spread_of(counts_KK, seed=seed),
    )


def spread_of(counts_KK: NDArray[np.int64], *, alpha: float = 0.05, seed: int = 0) -> Spread:
    """Return whether errors fall on all other classes alike (random) or on some more than on others (systematic).

    Each class's errors are held against an even spread over the K - 1 other classes; the χ² of all classes add up,
    with K - 2 degrees of freedom each. Where fewer than 5 errors are expected in a cell, p is simulated.

    Args:
        counts_KK: samples of class t taken for class p at [t, p]: a confusion matrix, or a confident joint (see
            `find_label_errors`), turned so that its rows are the true classes. Its diagonal is not read.
        alpha: below which p the errors are called systematic.
        seed: of the simulation.
    """
    classes = len(counts_KK)
    beside = np.array([np.delete(row, place) for place, row in enumerate(counts_KK)], dtype=np.int64)
    errors_K = beside.sum(1)
    beside, errors_K = beside[errors_K > 0], errors_K[errors_K > 0]
    errors = int(errors_K.sum())
    if classes < 3 or errors < 2:
        return Spread("too few to tell", errors, 0.0, 0, 1.0, 0.0, simulated=False)
    expected_K1 = errors_K[:, None] / (classes - 1)
    statistic = float(((beside - expected_K1) ** 2 / expected_K1).sum())
    degrees = len(beside) * (classes - 2)
    simulated = bool(expected_K1.min() < _LEAST_EXPECTED)
    p = _simulated(statistic, errors_K, classes, seed) if simulated else float(stats.chi2.sf(statistic, degrees))
    return Spread(
        verdict="systematic" if p < alpha else "random",
        errors=errors,
        statistic=statistic,
        degrees=degrees,
        p=p,
        effect=(statistic / errors) ** 0.5,
        simulated=simulated,
    )


def mistake_bars(found: MistakeGroups, title: str = "What is taken for what", most: int = 12) -> Bars:
    """Return the most frequent mistakes as a figure, and whether they are random."""
    says = f"{found.mistakes:,} of {found.samples:,} are wrong."
    if found.spread.verdict != "too few to tell":
        says += f" The mistakes are {found.spread.verdict}: against an even spread {p_value(found.spread.p)}."
    if found.by_pair:
        worst = found.by_pair[0]
        says += f" Most often {worst.label}: {worst.count}, {percent(worst.share)} of its class."
    return Bars(
        title=title,
        detail="mistakes by the class that is right and the class that was said",
        says=says,
        axis=Axis("samples"),
        bars=[Bar(label=group.label, runs=[group.count]) for group in found.by_pair[:most]],
    )


def _by_pair(every: Sequence[Mistake], support: dict[str, int]) -> tuple[MistakeGroup, ...]:
    pairs: dict[tuple[str, str], list[Mistake]] = {}
    for mistake in every:
        pairs.setdefault((mistake.truth, mistake.said), []).append(mistake)
    groups = [
        MistakeGroup(_pair(alike[0]), len(alike), len(alike) / support[truth], tuple(alike[:_SHOWN]))
        for (truth, _), alike in pairs.items()
    ]
    return tuple(sorted(groups, key=lambda group: -group.count))


def _pair(mistake: Mistake) -> str:
    return f"{mistake.truth} taken for {mistake.said}"


def _by_cluster(
    network: nn.Module,
    data: Dataset,
    every: Sequence[Mistake],
    layer: str | None,
    clusters: int | None,
    seed: int,
) -> tuple[MistakeGroup, ...]:
    if len(every) < 4:
        return ()
    features_MF = features_of(network, data, torch.tensor([mistake.row for mistake in every]), layer)
    components = min(_COMPONENTS, *features_MF.shape)
    reduced = PCA(components, random_state=seed).fit_transform(features_MF)
    labels_M = _clustered(reduced, clusters, seed)
    groups = []
    for label in np.unique(labels_M):
        alike = [mistake for mistake, own in zip(every, labels_M, strict=True) if own == label]
        pairs = [_pair(mistake) for mistake in alike]
        made_of = sorted(((pair, pairs.count(pair)) for pair in dict.fromkeys(pairs)), key=lambda each: -each[1])
        groups.append(MistakeGroup("", len(alike), len(alike) / len(every), tuple(alike[:_SHOWN]), tuple(made_of)))
    ordered = sorted(groups, key=lambda group: -group.count)
    return tuple(
        MistakeGroup(f"cluster {number}", group.count, group.share, group.worst, group.made_of)
        for number, group in enumerate(ordered, start=1)
    )


def _clustered(features_MF: NDArray[np.float32], clusters: int | None, seed: int) -> NDArray[np.int32]:
    """Return the cluster of each mistake, by k-means; of several numbers of clusters by the largest silhouette."""
    most = min(_MOST_CLUSTERS, len(np.unique(features_MF, axis=0)) - 1)
    if most < 2:
        return np.zeros(len(features_MF), dtype=np.int32)
    wanted = range(2, most + 1) if clusters is None else [min(clusters, most + 1)]
    fits = [KMeans(count, n_init=5, random_state=seed).fit_predict(features_MF) for count in wanted]
    return fits[0] if len(fits) == 1 else max(fits, key=lambda labels: float(silhouette_score(features_MF, labels)))


def _simulated(statistic: float, errors_K: NDArray[np.int64], classes: int, seed: int) -> float:
    """Return the share of even spreads, the found one among them, that are as uneven."""
    random = np.random.default_rng(seed)
    drawn = np.zeros(_SIMULATIONS)
    for errors in errors_K.tolist():
        expected = errors / (classes - 1)
        spread = random.multinomial(errors, np.full(classes - 1, 1 / (classes - 1)), size=_SIMULATIONS)
        drawn += ((spread - expected) ** 2 / expected).sum(1)
    return float((1 + (drawn >= statistic - 1e-9).sum()) / (1 + _SIMULATIONS))
