"""How far a training came: what every cause that depends on learning going badly is measured against."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from pellucid.diagnosis.observation import LossSite, Observation, Phase, Score, Series
from pellucid.diagnosis.suspicion import Place
from pellucid.diagnosis.thresholds import COVERED, LEARNED, LEARNED_LOSS, NO_SIGNAL

LATE = 0.15
"""Share of a run that counts as its end."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A training's course, in figures of its own loss.

    Attributes:
        site: the loss, where it was one of torch's.
        losses: in order, one a backward pass of the steps whose losses were kept.
        first: mean loss of the first steps, `start` that of the very first.
        last: mean loss of the last 15 % of the steps, `earlier` of the 15 % before them.
        noise: standard error of `last`.
        baseline: loss of the best constant prediction.
        train, test: score of the last steps, and of the last evaluation: accuracy, or r2.
        train_then: as `train`, at the time of the last evaluation.
        fitted: accuracy of the final network on training samples, in evaluation mode.
        best_test: the best of the last evaluations, where one network is evaluated against several targets.
        chance: the score of a constant prediction.
        attainable: the score that nearest neighbours or a linear model reach on left-out training samples.
        covered: of a generator, the share of real samples with a made one near, in the end.
        is_regression: whether scores are r2.
        balanced: where classes have weights of their own, the mean share of a class that is found, from chance to 1.
        broken: step from which on the loss was not finite.
    """

    series: Series | None
    site: LossSite | None
    losses: tuple[float, ...]
    first: float
    start: float
    earlier: float
    last: float
    noise: float
    baseline: float | None
    train: float | None
    test: float | None
    train_then: float | None
    fitted: float | None
    best_test: float | None
    chance: float
    attainable: float | None
    broken: int | None
    covered: float | None
    is_regression: bool
    balanced: float | None

    @property
    def fall(self) -> float:
        """Share of the loss before the end that was lost in the end: how fast it still falls."""
        return (self.earlier - self.last) / abs(self.earlier) if self.earlier else 0.0

    @property
    def still_falls(self) -> bool:
        """Whether the loss fell in the end by more than its noise."""
        return self.earlier - self.last > 3 * self.noise

    @property
    def gap(self) -> float | None:
        """Score of the training samples less that of the evaluated, at the time of the last evaluation."""
        return None if self.train_then is None or self.test is None else self.train_then - self.test

    @property
    def score(self) -> float | None:
        """The better known of the two scores: that of the training samples."""
        return self.train if self.train is not None else self.test

    @property
    def gain(self) -> float | None:
        """What was learned, of what there is to learn: 0 at chance, 1 where all is right."""
        if self.balanced is not None:
            return self.balanced
        return None if self.score is None else self._gain_of(self.score)

    @property
    def attainable_gain(self) -> float | None:
        """The same of what a nearest-neighbour or linear model learned."""
        return None if self.attainable is None else self._gain_of(self.attainable)

    def _gain_of(self, score: float) -> float:
        return (score - self.chance) / max(1 - self.chance, 1e-9)

    @property
    def short(self) -> float | None:
        """How far what was learned stands below what simpler models learn; negative where it stands above.

        Of the better of the two scores: dropout makes that of the training samples look worse than it is.
        """
        scores = [score for score in (self.train, self.test) if score is not None]
        if not scores or self.attainable is None or self.balanced is not None:
            return None
        return self._gain_of(self.attainable) - self._gain_of(max(scores))

    @property
    def has_shown(self) -> bool:
        """Whether the network does its task well by a score, and not only by a loss that has fallen."""
        return self.gain is not None and self.has_learned

    @property
    def has_learned(self) -> bool:
        """Whether the network does its task well, or as well as the data let simpler models do it."""
        gain, attainable = self.gain, self.attainable_gain
        if self.covered is not None:
            return self.covered >= COVERED.value
        if gain is None:
            return self.last < LEARNED_LOSS.value * (self.first if self.baseline is None else self.baseline)
        if gain > LEARNED.value:
            return True
        if attainable is not None and attainable > NO_SIGNAL.value:
            return gain > max(0.93 * attainable, 0.2)
        return self.baseline is not None and self.last < LEARNED_LOSS.value * self.baseline


def progress_of(seen: Observation) -> Progress:
    """Return the course of the training: of the loss that most steps were made with."""
    series = max(seen.series.values(), key=lambda s: len(s.values), default=None)
    values = tuple(series.values) if series else ()
    broken = next((at for at, value in enumerate(values) if not math.isfinite(value)), None)
    finite = [value for value in values if math.isfinite(value)]
    before, late = _last_two_windows(series)
    spread = _spread(late)
    site = _site_of(seen, series)
    return Progress(
        series=series,
        site=site,
        losses=values,
        first=fmean(finite[: max(1, min(5, len(finite)))]) if finite else math.nan,
        start=finite[0] if finite else math.nan,
        earlier=fmean(before) if before else math.nan,
        last=fmean(late) if late else math.nan,
        noise=spread / math.sqrt(len(late)) if late else math.nan,
        baseline=baseline_of(site),
        train=_late_score(seen, "train", site),
        test=_late_score(seen, "eval", site),
        train_then=_score_then(seen, site),
        fitted=_fitted(seen, site),
        best_test=max(_last_by_place(seen, site).values(), default=None),
        chance=_chance(seen, site),
        attainable=_attainable(seen),
        broken=None if broken is None or series is None else series.steps[broken],
        covered=_covered(seen),
        is_regression=any(score.kind == "r2" for score in scores_of(seen, "train", site) or seen.scores),
        balanced=_balanced(seen, site),
    )


def _last_two_windows(series: Series | None) -> tuple[list[float], list[float]]:
    """Return the finite losses of the last 15 % of the steps, and those of the 15 % before; five or more of each."""
    if series is None:
        return [], []
    kept = [(step, value) for step, value in zip(series.steps, series.values, strict=True) if math.isfinite(value)]
    steps, values = [step for step, _ in kept], [value for _, value in kept]
    length = steps[-1] + 1 if steps else 0
    middle = max(0, min(bisect_left(steps, (1 - LATE) * length), len(steps) - 5))
    begin = max(0, min(bisect_left(steps, (1 - 2 * LATE) * length), 2 * middle - len(steps)))
    return values[begin:middle] or values[:1], values[middle:]


def _site_of(seen: Observation, series: Series | None) -> LossSite | None:
    structure = seen.structures.get(series.place) if series else None
    if structure is not None:
        for key in structure.losses:
            if key in seen.losses:
                return seen.losses[key]
    return next(iter(seen.training_losses()), None)


def baseline_of(site: LossSite | None) -> float | None:
    """Return the loss of the best constant prediction.

    The entropy of the classes for cross-entropy, the variance of the targets for a squared error.
    """
    if site is None or not site.target.count:
        return None
    if site.function in {"cross_entropy", "nll_loss"} and site.classes and not site.many:
        total = sum(site.classes.values())
        return -sum(n / total * math.log(n / total) for n in site.classes.values())
    if site.function.startswith("binary_cross_entropy") and 0 < site.target.mean < 1:
        p = site.target.mean
        return -p * math.log(p) - (1 - p) * math.log(1 - p)
    if site.function == "mse_loss":
        return site.target.std**2
    if site.function == "l1_loss":
        return site.target.std * math.sqrt(2 / math.pi)  # of a normal distribution
    return None


def scores_of(seen: Observation, phase: Phase, site: LossSite | None) -> list[Score]:
    """Return the scores of one loss, where the script has several: those of its line, or at least of its kind.

    An evaluation stands in another line: of two tasks with scores of the same kind it cannot be told which is which.
    """
    scores = [s for s in seen.scores if s.phase == phase and s.kind != "none" and math.isfinite(s.score)]
    if site is None:
        return scores
    here = [s for s in scores if s.site == site.place]
    if phase == "train":
        return here or scores
    kinds = {s.kind for s in seen.scores if s.phase == "train" and s.site == site.place and s.kind != "none"}
    return [s for s in scores if s.kind in kinds] if kinds else scores


def late_score(seen: Observation, site: LossSite) -> float | None:
    """Return how well the predictions of one loss met their targets in the end: accuracy, or r2."""
    return _late_score(seen, "train", site)


def is_made_anew(seen: Observation, site: LossSite) -> bool:
    """Say whether samples and targets are made for every batch, as by a policy that learns: no order, no end to reach.

    No sample came twice, and the loss is the script's own.
    """
    return site.function == "manual" and seen.after.distinct > 0 and seen.after.passes < 1.05


def _late_score(seen: Observation, phase: Phase, site: LossSite | None) -> float | None:
    scores = scores_of(seen, phase, site)
    if not scores:
        return None
    if phase == "eval":
        last = max(s.step for s in scores)
        of_last = [s for s in scores if s.step == last]
        return _weighted([(s.score, s.size) for s in of_last])
    late = [s for s in scores if s.step >= (1 - LATE) * seen.steps] or scores[-5:]
    if late[0].kind == "r2":
        return median(s.score for s in late)
    return _weighted([(s.score, s.size) for s in late])


def _covered(seen: Observation) -> float | None:
    figures = [in_the_end(pair.coverage, seen.steps) for pair in seen.adversaries.values() if pair.coverage]
    return fmean(figures) if figures else None


def in_the_end(figures: list[tuple[int, float]], steps: int) -> float:
    """Return the mean of (step, figure) over the last 15 % of the steps, of five figures at least."""
    late = [value for step, value in figures if step >= (1 - LATE) * steps]
    return fmean(late if len(late) >= 5 else [value for _, value in figures[-5:]])


def _fitted(seen: Observation, site: LossSite | None) -> float | None:
    recalls = seen.after.recalls
    if not recalls or site is None:
        return None
    counts = {label: site.classes.get(label, 0) for label in recalls}
    return sum(recalls[label] * count for label, count in counts.items()) / max(sum(counts.values()), 1)


def _balanced(seen: Observation, site: LossSite | None) -> float | None:
    recalls = seen.after.recalls
    if site is None or not site.weighted or not recalls or len(recalls) < 2:
        return None
    return (fmean(recalls.values()) - 1 / len(recalls)) / (1 - 1 / len(recalls))


def _score_then(seen: Observation, site: LossSite | None) -> float | None:
    judged = scores_of(seen, "eval", site)
    if not judged:
        return None
    window = max(LATE * seen.steps, 1)
    then = [score for score in scores_of(seen, "train", site) if abs(score.step - judged[-1].step) <= window]
    if not then:
        return _late_score(seen, "train", site)
    return median(s.score for s in then) if then[0].kind == "r2" else _weighted([(s.score, s.size) for s in then])


def _last_by_place(seen: Observation, site: LossSite | None) -> dict[Place, float]:
    """Return the score of the last evaluation at every line that evaluates, of all its batches."""
    last: dict[Place, list[Score]] = {}
    for score in scores_of(seen, "eval", site):
        before = last.setdefault(score.site, [])
        if before and before[0].step != score.step:
            before.clear()
        before.append(score)
    return {place: _weighted([(score.score, score.size) for score in those]) for place, those in last.items()}


def _weighted(pairs: list[tuple[float, int]]) -> float:
    total = sum(size for _, size in pairs)
    return sum(score * size for score, size in pairs) / max(total, 1)


def _chance(seen: Observation, site: LossSite | None) -> float:
    if any(score.kind == "r2" for score in scores_of(seen, "train", site)):
        return 0.0
    if site is not None and site.classes and not site.many:
        if site.function.startswith("binary"):
            return max(site.target.mean, 1 - site.target.mean)
        return max(site.classes.values()) / sum(site.classes.values())
    return 0.0


def _attainable(seen: Observation) -> float | None:
    found = [score for score in (seen.after.neighbours, seen.after.linear) if score is not None]
    return max(found) if found else None


def _spread(values: list[float]) -> float:
    """Return the standard deviation of numbers around their trend, from the differences between neighbours."""
    if len(values) < 2:
        return 0.0
    return math.sqrt(fmean((b - a) ** 2 for a, b in pairwise(values)) / 2)
