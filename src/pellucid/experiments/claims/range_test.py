"""The learning rate range test: raise the rate at every step, and read off where the loss falls and where it rises."""

import math
from collections.abc import Mapping, Sequence
from statistics import geometric_mean
from typing import Any

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Dataset, load
from pellucid.experiments.evidence import below, counted
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train
from pellucid.recipe import Recipe
from pellucid.training import begin
from pellucid.training.checks import RangeTest, range_test

_NETWORK = "8x8x1 -> fc(32) -> relu -> fc(10)"
_OPTIONS: Mapping[str, Any] = {"optimizer": "sgd", "augment": "none", "batch_size": 16}
_EPOCHS, _TEST_EPOCHS = 8, 2
_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_BLIND = math.log(10)
"""The loss of a network that gives each of ten classes the same probability, in nats."""


def measure(seeds: Sequence[int]) -> Result:
    """Test the range with every seed, and train with every rate of a grid."""
    data = load("digits")
    tests = [_tested(data, seed) for seed in seeds]
    variants = {f"{rate:g}": Variant(network=_NETWORK, options={"learning_rate": rate}) for rate in _RATES}
    trained = train(data, variants, seeds, epochs=_EPOCHS, **_OPTIONS)
    losses = {rate: [_last_loss(one) for one in trained[f"{rate:g}"]] for rate in _RATES}
    best = [min(_RATES, key=lambda rate: losses[rate][place]) for place in range(len(seeds))]
    read = {
        "at which the loss falls fastest": [test.steepest for test in tests],
        "a tenth of that at which the loss is least": [test.before_minimum() for test in tests],
        "at which the loss is half way down": [test.suggestion for test in tests],
    }
    beyond = [_loss_beyond(test, losses, place) for place, test in enumerate(tests)]
    return Result(
        checks=(
            *(below(f"Between the rate {name} and the best of the grid lies less than one power of ten",
                    [abs(math.log10(rate / other)) for rate, other in zip(rates, best, strict=True)], 1)
              for name, rates in read.items()),
            counted("Past the rate at which the test's loss is back where it began, the next of the grid trains no"
                    " better than guessing", sum(loss >= _BLIND for loss in beyond), len(seeds)),
        ),
        quantities=(
            Quantity(name="best rate of the grid", values=best, scale="log"),
            *(Quantity(name=f"rate {name}", values=rates, scale="log") for name, rates in read.items()),
            Quantity(name="rate at which the loss is back where it began", values=[back_rate(test) for test in tests],
                     scale="log"),
        ),
        figures=(_curve(tests, read), _grid(losses, best)),
    )  # fmt: skip


def _tested(data: Dataset, seed: int) -> RangeTest:
    session = begin(data, _NETWORK, Recipe(**_OPTIONS, weight_decay=0.0, epochs=_TEST_EPOCHS, seed=seed)).session
    return range_test(session, session.total_steps)


def _last_loss(one: Trained) -> float:
    return math.inf if one.diverged else one.losses[-1]


def back_rate(test: RangeTest) -> float:
    """Return the first rate beyond the least loss at which it is no lower than at the start; the last where none is."""
    lowest = test.losses.index(min(test.losses))
    beyond = zip(test.rates[lowest:], test.losses[lowest:], strict=True)
    return next((rate for rate, loss in beyond if loss >= test.losses[0]), test.rates[-1])


def _loss_beyond(test: RangeTest, losses: Mapping[float, Sequence[float]], place: int) -> float:
    """Return how a training ended at the lowest rate of the grid that is no lower than the one of no return."""
    rate = next((rate for rate in _RATES if rate >= back_rate(test)), _RATES[-1])
    return losses[rate][place]


def _curve(tests: Sequence[RangeTest], read: Mapping[str, Sequence[float]]) -> Chart:
    shown = min(len(test.rates) for test in tests)
    means = {name: geometric_mean(rates) for name, rates in read.items()}
    return Chart(
        title="The loss while the rate rises",
        detail="averaged loss by the rate of the step; the band goes from the least to the greatest seed",
        says="Read off are " + ", ".join(f"{mean:.2g} as the rate {name}" for name, mean in means.items()) + ".",
        x=Axis("learning rate", "log"),
        y=Axis("training loss (nats)"),
        lines=[Line(label="range test", x=tests[0].rates[:shown], runs=[test.losses[:shown] for test in tests])],
        levels=[("guessing", _BLIND)],
    )


def _grid(losses: Mapping[float, Sequence[float]], best: Sequence[float]) -> Chart:
    finite = [rate for rate in _RATES if all(map(math.isfinite, losses[rate]))]
    return Chart(
        title="The loss of whole trainings",
        detail=f"training loss of epoch {_EPOCHS} by the rate; those at which a training diverged are left out",
        says=f"The best rate of the grid is {geometric_mean(best):.2g}, the geometric mean over the seeds.",
        x=Axis("learning rate", "log"),
        y=Axis("training loss (nats)", "log"),
        lines=[
            Line(label="trained", x=finite,
                 runs=[[losses[rate][place] for rate in finite] for place in range(len(best))])
        ],
        levels=[("guessing", _BLIND)],
    )  # fmt: skip


EXPERIMENT = Experiment(
    name="range-test",
    title="The learning rate range test",
    topic="Descending",
    claim="Raising the learning rate step by step over an epoch or two shows which rates train a network: the loss"
    " falls where the rate is good, and rises where it is too high.",
    source="Smith 2017, Cyclical learning rates for training neural networks, section 3.3",
    method=f"{_NETWORK} on the digits, batches of 16, SGD. The rate is raised geometrically from 1e-7 to 10 over"
    f" {_TEST_EPOCHS} epochs, and the loss averaged with β = 0.9; the test is given up where the average is four times"
    f" its least. Against it {_EPOCHS} epochs at each rate of "
    + ", ".join(f"{rate:g}" for rate in _RATES)
    + ", of which the best has the lowest training loss of the last epoch.",
    measure=measure,
    seconds=2,
)
