"""What a search found: which candidate is the best, by how much, and what the quality of the trials hangs on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

from pellucid.judging.seeds import Spread, spread
from pellucid.tuning.confirm import Replicate
from pellucid.tuning.space import Space
from pellucid.tuning.trial import WORST, Scored, Trial

UNTUNED = "untuned"
"""The name, among the candidates, of what would be trained without a search."""

_FEWEST_TRIALS = 12
_TREES, _LEAF, _REPEATS = 200, 3, 20
_LEAST_EXPLAINED = 0.1


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the best trials, or what would be trained without a search, trained again with several seeds.

    Attributes:
        name: the trial's number, or `untuned`.
        spread: of the metric on the validation split over the seeds; None where all diverged.
        merit: mean of what is to be maximised, the metric and then less of the loss.
        lost: seeds with which it diverged.
    """

    name: str
    spread: Spread | None
    merit: Scored
    lost: tuple[int, ...]

    @property
    def title(self) -> str:
        """How it is called: `trial 17`."""
        return self.name if self.name == UNTUNED else f"trial {self.name}"


@dataclass(frozen=True)
class SearchResult:
    """A search, finished or not, as plain data.

    Attributes:
        space: what was searched for.
        metric: that chose, on the validation split; `higher_is_better` says how.
        trials: in order of merit.
        replicates: of the candidates, one a seed.
        winner: name of the best candidate; None before it is known.
    """

    space: Space
    metric: str
    higher_is_better: bool
    trials: Sequence[Trial]
    replicates: Sequence[Replicate] = ()
    winner: str | None = None

    @property
    def shown(self) -> list[Trial]:
        """The trials that came through an epoch, in order of merit, but the winner first."""
        sound = [trial for trial in self.trials if trial.scores]
        return sorted(sound, key=lambda trial: str(trial.number) != self.winner)

    def candidates(self) -> list[Candidate]:
        """Return the candidates, those of the best mean first; those that diverged with some seed come after.

        Of equals what needs no search stands first.
        """
        names = dict.fromkeys(each.name for each in self.replicates)
        found = [self._candidate(name) for name in names]
        return sorted(found, key=lambda each: (len(each.lost), *(-mean for mean in each.merit), each.name != UNTUNED))

    def best_candidate(self) -> str | None:
        """Return the name of the best, if there is any."""
        return next((each.name for each in self.candidates() if each.spread is not None), None)

    def _candidate(self, name: str) -> Candidate:
        own = [each for each in self.replicates if each.name == name]
        lost = tuple(each.seed for each in own if each.score is None)
        scores = [each.score for each in own if each.score is not None]
        if not scores:
            return Candidate(name, None, WORST, lost)
        merit = sum(first for first, _ in scores) / len(scores), sum(second for _, second in scores) / len(scores)
        values = [each.metrics[self.metric] for each in own if each.score is not None]
        return Candidate(name, spread(self.metric, values), merit, lost)

    def gain(self, name: str, other: str) -> Spread | None:
        """Return by how much a candidate is better than another one, seed by seed; None without two seeds of both.

        The same seed gives both the same batches where these are of one size, so that the differences spread less than
        the figures themselves.
        """
        own, others = (self._by_seed(each) for each in (name, other))
        sign = 1 if self.higher_is_better else -1
        values = [sign * (own[seed] - others[seed]) for seed in own if seed in others]
        return spread("difference", values) if len(values) > 1 else None

    def _by_seed(self, name: str) -> Mapping[int, float]:
        return {
            each.seed: each.metrics[self.metric]
            for each in self.replicates
            if each.name == name and each.score is not None
        }

    def importances(self) -> dict[str, float] | None:
        """Return parameter -> its share of what decides how far up a trial comes; None where that cannot be told.

        A forest of regression trees foretells a trial's rank from where it was drawn; a parameter's share is what the
        forecast loses when that parameter's values are shuffled among the trials (Breiman, "Random forests", 2001). It
        cannot be told of fewer than 12 trials, or where the forest explains less than a tenth of trials that it was not
        grown on. Ranks, and not the metric, because trials that were ended early or diverged have none to compare.
        """
        begun = [trial for trial in self.trials if trial.planned]
        if len(begun) < _FEWEST_TRIALS:
            return None
        places_NP = np.array([trial.places for trial in begun])
        rank_N = np.linspace(1.0, 0.0, len(begun))
        forest = RandomForestRegressor(_TREES, min_samples_leaf=_LEAF, oob_score=True, random_state=0)
        forest.fit(places_NP, rank_N)
        if forest.oob_score_ < _LEAST_EXPLAINED:
            return None
        lost = permutation_importance(forest, places_NP, rank_N, n_repeats=_REPEATS, random_state=0)
        shares = np.maximum(lost["importances_mean"], 0)
        if not shares.any():
            return None
        names = [parameter.name for parameter in self.space.parameters]
        return {name: float(share / shares.sum()) for name, share in zip(names, shares, strict=True)}
