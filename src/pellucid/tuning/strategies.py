"""Where in a space the next trials are drawn: at random, ever more finely about the best, or where a model says."""

import importlib.util
import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, get_args

import torch

from pellucid.errors import OptionError
from pellucid.seed import derive, generator
from pellucid.tuning.space import Parameter, Space
from pellucid.tuning.trial import Trial, ranked

StrategyName = Literal["random", "coarse-to-fine", "tpe", "gp"]
Places = tuple[float, ...]
"""Of each parameter one, from 0 to 1."""

_BEST_SHARE, _FEWEST_BEST = 0.25, 3
_MARGIN = 0.1  # of what is left of a range, added at both ends: the best may lie just outside of the best drawn
_FEWEST_AT_ONCE, _BATCHES = 8, 8


class Strategy(Protocol):
    """Draws trials, round by round; the same seed and the same results give the same draws."""

    def rounds(self, trials: int) -> list[int]:
        """Return how many trials are drawn in each round, of so many in all."""

    def ask(self, first: int, count: int) -> list[Places]:
        """Return the places of the next trials, of which the first has this number."""

    def tell(self, trials: Sequence[Trial]) -> None:
        """Hear what became of a round's trials."""


def strategy_for(name: StrategyName, space: Space, seed: int) -> Strategy:
    """Return a strategy by its name.

    Raises:
        OptionError: no such name, or it needs a library that is not installed.
    """
    match name:
        case "random":
            return Random(space, seed)
        case "coarse-to-fine":
            return CoarseToFine(space, seed)
        case "tpe" | "gp":
            return Modelled(name, space, seed)
    raise OptionError(
        f"there is no strategy '{name}'", expected=" or ".join(get_args(StrategyName)), received=str(name)
    )


class Random:
    """All at once, at random, each parameter on its own scale.

    Not on a grid: where few parameters matter, each trial still tries another value of those. Bergstra and Bengio,
    "Random search for hyper-parameter optimization" (2012). Trial n is a function of the seed and n.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        self.seed = seed

    def rounds(self, trials: int) -> list[int]:
        """One."""
        return [trials]

    def ask(self, first: int, count: int) -> list[Places]:
        """Draw anywhere."""
        return [self._anywhere(number) for number in range(first, first + count)]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn nothing."""

    def _anywhere(self, number: int) -> Places:
        stream = generator(self.seed, "trial", number)
        return tuple(torch.rand(len(self.space.parameters), generator=stream, dtype=torch.float64).tolist())


class CoarseToFine(Random):
    """Half of the trials anywhere, then twice a quarter where the best quarter of all before lie.

    A range shrinks to that of the best, with a margin of a tenth; of choices those are left that the best made.
    """

    def __init__(self, space: Space, seed: int) -> None:
        super().__init__(space, seed)
        self._known: list[Trial] = []

    def rounds(self, trials: int) -> list[int]:
        """A half and two quarters."""
        quarter = trials // 4
        return [count for count in (trials - 2 * quarter, quarter, quarter) if count]

    def ask(self, first: int, count: int) -> list[Places]:
        """Draw within the boxes of the best."""
        sound = [trial for trial in ranked(self._known) if trial.scores]
        best = sound[: max(_FEWEST_BEST, math.ceil(_BEST_SHARE * len(sound)))]
        return [
            tuple(
                _within(parameter, [trial.places[at] for trial in best], place)
                for at, (parameter, place) in enumerate(zip(self.space.parameters, places, strict=True))
            )
            for places in super().ask(first, count)
        ]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Keep what is known."""
        self._known.extend(trials)


def _within(parameter: Parameter, best: Sequence[float], place: float) -> float:
    """Return a place drawn anywhere, moved into where the best places of a parameter lie."""
    if not best:
        return place
    if parameter.choices:
        left = sorted({parameter.choice(each) for each in best})
        return (left[min(int(place * len(left)), len(left) - 1)] + 0.5) / len(parameter.choices)
    margin = _MARGIN * (max(best) - min(best))
    low, high = max(0.0, min(best) - margin), min(1.0, max(best) + margin)
    return low + place * (high - low)


class Modelled:
    """Where a model of what is known expects most: Optuna's samplers, asked for several trials at a time.

    `tpe`: tree-structured Parzen estimators (Bergstra et al., "Algorithms for hyper-parameter optimization", 2011), of
    all parameters together; trials under way count as bad ones, so that those of one round differ. `gp`: a Gaussian
    process. Both draw a first round at random.

    Raises:
        OptionError: Optuna is not installed.
    """

    def __init__(self, name: Literal["tpe", "gp"], space: Space, seed: int) -> None:
        if importlib.util.find_spec("optuna") is None:
            raise OptionError(
                f"the strategy '{name}' needs Optuna", expected="optuna installed", received="none",
                advice="pip install 'pellucid[tune]', or --strategy random",
            )  # fmt: skip
        optuna: Any = importlib.import_module("optuna")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.space = space
        small = derive(seed, "strategy", name) % 2**32
        self._failed = optuna.trial.TrialState.FAIL
        self._ranges = [
            optuna.distributions.CategoricalDistribution(range(len(one.choices)))
            if one.choices
            else optuna.distributions.FloatDistribution(0.0, 1.0)
            for one in space.parameters
        ]
        samplers: dict[str, Callable[[], Any]] = {
            "tpe": lambda: optuna.samplers.TPESampler(seed=small, multivariate=True, constant_liar=True),
            "gp": lambda: optuna.samplers.GPSampler(seed=small),
        }
        self._study = optuna.create_study(sampler=samplers[name](), direction="maximize")
        self._asked: dict[int, Any] = {}  # number of a trial -> Optuna's own

    def rounds(self, trials: int) -> list[int]:
        """About eight, of eight trials at least."""
        most = max(_FEWEST_AT_ONCE, math.ceil(trials / _BATCHES))
        return [min(most, trials - start) for start in range(0, trials, most)]

    def ask(self, first: int, count: int) -> list[Places]:
        """Ask the sampler."""
        return [self._places(number) for number in range(first, first + count)]

    def _places(self, number: int) -> Places:
        names = [one.name for one in self.space.parameters]
        asked = self._asked[number] = self._study.ask(dict(zip(names, self._ranges, strict=True)))
        return tuple(
            (asked.params[one.name] + 0.5) / len(one.choices) if one.choices else asked.params[one.name]
            for one in self.space.parameters
        )

    def tell(self, trials: Sequence[Trial]) -> None:
        """Tell it the metric of each; one that ended early is told by what it had reached."""
        for trial in trials:
            if trial.scores:
                self._study.tell(self._asked[trial.number], trial.score[0])
            else:
                self._study.tell(self._asked[trial.number], state=self._failed)
