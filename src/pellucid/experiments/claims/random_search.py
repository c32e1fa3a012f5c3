"""Random search against grid search, simulated from one table of trainings.

Shape letters: R rates and D weight decays of the table, N simulated searches, B trials of one.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.chart import Axis, Chart, Line, Surface
from pellucid.data import load
from pellucid.experiments.evidence import above, below, greater
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.experiments.trained import Trained, Variant, train

Numbers = NDArray[np.float64]
Draw = Callable[[int, np.random.Generator], Numbers]
"""Takes a budget, and returns the places of the trials of many searches, (N, B, 2), from 0 to 1 along each axis."""

_NETWORK = "8x8x1 -> fc(16) -> relu -> fc(10)"
_RATES = tuple(np.geomspace(1e-4, 10, 21).tolist())
_DECAYS = tuple(np.geomspace(1e-6, 1e-2, 8).tolist())
_EPOCHS = 5
_BUDGETS = (4, 9, 16, 25)
_SEARCHES = 2_000
_LOOKED_UP = (
    f"All searches of a seed look up the same {len(_RATES) * len(_DECAYS)} trainings; {_SEARCHES:,} searches of each"
    " kind and budget are simulated."
)


def on_a_grid(budget: int, random: np.random.Generator) -> Numbers:
    """Return √B x √B evenly spaced places; where the first lies is drawn, as nobody knows where a grid is best laid."""
    side = round(budget**0.5)
    first_N12 = random.random((_SEARCHES, 1, 2))
    steps_B2 = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(1, -1, 2)
    places: Numbers = (steps_B2 + first_N12) / side
    return places


def at_random(budget: int, random: np.random.Generator) -> Numbers:
    """Return places anywhere."""
    return random.random((_SEARCHES, budget, 2))


def linearly(budget: int, random: np.random.Generator) -> Numbers:
    """Return places whose learning rates are anywhere on a linear scale: nine tenths within the last power of ten."""
    places = at_random(budget, random)
    rates = _RATES[0] + places[..., 0] * (_RATES[-1] - _RATES[0])
    places[..., 0] = np.log(rates / _RATES[0]) / np.log(_RATES[-1] / _RATES[0])
    return places


_WAYS: Mapping[str, Draw] = {"random": at_random, "grid": on_a_grid, "random, linear scale": linearly}


def expected_best(table_2RD: Numbers, places_NB2: Numbers) -> float:
    """Return the mean test accuracy of the trial that each search chooses, by validation accuracy.

    A trial is the training of the table whose cell it lies in; table_2RD holds validation and test accuracies.
    """
    shape = np.array(table_2RD.shape[1:])
    cells_NB2 = np.minimum((places_NB2 * shape).astype(int), shape - 1)
    validation_NB, test_NB = table_2RD[:, cells_NB2[..., 0], cells_NB2[..., 1]]
    return float(np.take_along_axis(test_NB, validation_NB.argmax(1)[:, None], 1).mean())


def explained(table_RD: Numbers, axis: int) -> float:
    """Return the share of a table's variance that the means along one of its axes have (its main effect)."""
    return float(table_RD.mean(1 - axis).var() / table_RD.var())


def measure(seeds: Sequence[int]) -> Result:
    """Train the whole table with every seed, and search it many times over."""
    tables = _tables(seeds)
    best = {
        name: {budget: [expected_best(table, draw(budget, np.random.default_rng([seed, budget])))
                        for seed, table in zip(seeds, tables, strict=True)] for budget in _BUDGETS}
        for name, draw in _WAYS.items()
    }  # fmt: skip
    by_rate, by_decay = ([explained(table[0], axis) for table in tables] for axis in (0, 1))
    return Result(
        checks=(
            above("The learning rate alone explains most of the variance of the validation accuracy", by_rate, 0.8,
                  share=True),
            below("Weight decay explains hardly any of it", by_decay, 0.05, share=True),
            *(greater(f"With {budget} trials random search finds a better network than a grid", best["random"][budget],
                      best["grid"][budget], share=True) for budget in (9, 25)),
            greater("On a logarithmic scale 9 trials find a better learning rate than on a linear one",
                    best["random"][9], best["random, linear scale"][9], share=True),
        ),
        quantities=(
            Quantity(name="variance explained by the learning rate", values=by_rate, share=True),
            Quantity(name="variance explained by weight decay", values=by_decay, share=True),
            *(Quantity(name=f"expected test accuracy, {name}, {budget} trials", values=values, share=True)
              for name, found in best.items() for budget, values in found.items()),
        ),
        figures=(_searches(best), _table(tables)),
        notes=(_LOOKED_UP,),
    )  # fmt: skip


def _tables(seeds: Sequence[int]) -> list[Numbers]:
    """Return validation and test accuracy of every training of the table, (2, R, D) for each seed."""
    variants = {
        f"{rate:.3g}, {decay:.3g}": Variant(network=_NETWORK, options={"learning_rate": rate, "weight_decay": decay})
        for rate in _RATES
        for decay in _DECAYS
    }
    trained = train(load("digits"), variants, seeds, epochs=_EPOCHS, optimizer="sgd", batch_size=32)
    return [np.array([_accuracies(each[place]) for each in trained.values()]).T.reshape(2, len(_RATES), len(_DECAYS))
            for place in range(len(seeds))]  # fmt: skip


def _accuracies(one: Trained) -> tuple[float, float]:
    return one.metrics("validation")["accuracy"], one.metrics("test")["accuracy"]


def _searches(best: Mapping[str, Mapping[int, Sequence[float]]]) -> Chart:
    written = ", ".join(f"{name} {np.mean(found[9]):.1%}" for name, found in best.items())
    return Chart(
        title="What a search finds for its budget",
        detail="expected test accuracy of the best by validation; the band goes from the least to the greatest seed",
        says=f"With 9 trials: {written}.",
        x=Axis("trials"),
        y=Axis("expected test accuracy", "percent"),
        lines=[
            Line(label=name, x=_BUDGETS, runs=np.transpose(list(found.values())).tolist())
            for name, found in best.items()
        ],
    )


def _table(tables: Sequence[Numbers]) -> Surface:
    mean_RD = np.mean(tables, axis=0)[0]
    rate, decay = np.unravel_index(mean_RD.argmax(), mean_RD.shape)
    return Surface(
        title="The table that is searched",
        detail=f"validation accuracy after {_EPOCHS} epochs, mean of the seeds",
        says=f"The best mean accuracy, {mean_RD.max():.1%}, is that of learning rate {_RATES[rate]:.2g} and weight"
        f" decay {_DECAYS[decay]:.2g}.",
        x=Axis("learning rate", "log"),
        y=Axis("weight decay", "log"),
        at_x=_RATES,
        at_y=_DECAYS,
        z=mean_RD.T.tolist(),
    )


EXPERIMENT = Experiment(
    name="random-search",
    title="Search at random, not on a grid",
    topic="Searching",
    claim="Where few of several hyper-parameters matter, random search finds better ones than a grid of as many trials:"
    " each trial tries another value of those that matter. Rates are drawn on a logarithmic scale.",
    source="Bergstra and Bengio 2012, Random search for hyper-parameter optimization",
    method=f"{_NETWORK} on the digits, {_EPOCHS} epochs of SGD in batches of 32, trained with each of {len(_RATES)}"
    f" learning rates ({_RATES[0]:g} to {_RATES[-1]:g}) and {len(_DECAYS)} weight decays ({_DECAYS[0]:g} to"
    f" {_DECAYS[-1]:g}), both evenly spaced on a logarithmic scale. Searches of {', '.join(map(str, _BUDGETS))} trials"
    " look their trials up in that table; a grid is as wide as it is high, and is laid anywhere.",
    measure=measure,
    seconds=10,
)
