"""Exponentially weighted averages: v_t = β v_(t-1) + (1 - β) θ_t, corrected v̂_t = v_t / (1 - β^t)."""

import math
from collections.abc import Sequence

import numpy as np

from pellucid.chart import Axis, Chart, Line
from pellucid.data import Values, load
from pellucid.experiments.evidence import counted, exact, times
from pellucid.experiments.experiment import Experiment, Quantity, Result
from pellucid.judging.wording import percent

_BETA = 0.98
_SHOWN = 150


def averages(values: np.ndarray, beta: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the plain and the corrected exponentially weighted average after each value."""
    plain = np.empty(len(values))
    running = 0.0
    for place, value in enumerate(values):
        running = beta * running + (1 - beta) * value
        plain[place] = running
    return plain, plain / (1 - beta ** np.arange(1, len(values) + 1))


def measure(seeds: Sequence[int]) -> Result:
    """Average a real series begun at another place for each seed, and hold the closed forms against it."""
    series = _series()
    starts = [int(np.random.default_rng(seed).integers(0, len(series) - _SHOWN)) for seed in seeds]
    stretches = [series[start : start + _SHOWN] for start in starts]
    pairs = [averages(stretch, _BETA) for stretch in stretches]
    window = round(1 / (1 - _BETA))
    usual = [float(stretch[:window].mean()) for stretch in stretches]
    error = {
        name: [abs(float(pair[which][window // 5]) - mean) / mean for pair, mean in zip(pairs, usual, strict=True)]
        for which, name in enumerate(("plain", "corrected"))
    }
    weights = (1 - _BETA) * _BETA ** np.arange(_SHOWN * 10)
    shortfall = [pair[0][9] / pair[1][9] for pair in pairs]
    first = sum(np.isclose(pair[1][0], stretch[0], rtol=1e-12) for pair, stretch in zip(pairs, stretches, strict=True))
    return Result(
        checks=(
            times(f"After {window // 5} values the plain average is further off than the corrected one",
                  error["plain"], error["corrected"]),
            exact("After t values the plain average is 1 - β^t of the corrected one (t = 10)", shortfall,
                  1 - _BETA**10, tolerance=1e-12),
            counted("The first corrected average is the first value", int(first), len(seeds)),
            exact(f"The weight of the value 1 / (1 - β) = {window} steps ago is about 1/e of the newest's",
                  [weights[window] / weights[0]], 1 / math.e, tolerance=0.01),
        ),
        quantities=(
            Quantity(name="relative error of the plain average", values=error["plain"], share=True),
            Quantity(name="relative error of the corrected average", values=error["corrected"], share=True),
        ),
        figures=(_figure(stretches, pairs, error),),
    )  # fmt: skip


def _series() -> np.ndarray:
    data = load("seasons")
    assert isinstance(data.target, Values)
    return np.asarray(data.target.restore(data.split("train")[1]), dtype=float).ravel()


def _figure(
    stretches: list[np.ndarray], pairs: list[tuple[np.ndarray, np.ndarray]], error: dict[str, list[float]]
) -> Chart:
    places = list(range(1, _SHOWN + 1))
    means = {name: sum(values) / len(values) for name, values in error.items()}
    return Chart(
        title="The average begins at zero, unless corrected",
        detail=f"a stretch of the series and its averages with β = {_BETA}",
        says=f"Early on the plain average is {percent(means['plain'])} off, the other {percent(means['corrected'])}.",
        x=Axis("value"),
        y=Axis("the series, and its average"),
        lines=[
            Line(label="the values", x=places, runs=[stretches[0].tolist()], style="dots"),
            Line(label="plain", x=places, runs=[pairs[0][0].tolist()]),
            Line(label="corrected", x=places, runs=[pairs[0][1].tolist()]),
        ],
    )


EXPERIMENT = Experiment(
    name="bias-correction",
    title="Averages that begin at zero are corrected",
    topic="Descending",
    claim="An exponentially weighted average that begins at 0 is too small at first; divided by 1 - β^t it is not. It"
    " averages about the last 1 / (1 - β) values, where the weight has fallen to about 1/e.",
    source="Kingma and Ba 2015, Adam, section 3",
    method=f"A stretch of {_SHOWN} values of the series `seasons`, another for each seed, averaged with β = {_BETA},"
    " plain and corrected, against the mean of the first 1 / (1 - β) values.",
    measure=measure,
    seconds=1,
)
