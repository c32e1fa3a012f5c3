"""The same training with several seeds: what of its figures is luck."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pellucid.judging.seeds import spread
from pellucid.judging.wording import metric
from pellucid.record import SeedResult
from pellucid.report.canvas import BLUE, ORANGE, SOFT, drawn, titled
from pellucid.report.markup import element
from pellucid.report.numbers import title_of
from pellucid.report.pieces import Column, section, table

LUCK = 2.8
"""Standard deviations between two trainings of which one in twenty differ by more: 1.96 * sqrt(2)."""
_MOST = 1_000  # marks in a figure


def seeds(results: Sequence[SeedResult]) -> Element:
    """Return mean, interval and extremes of every metric over the seeds, and each seed's own first metric.

    Args:
        results: one a seed, the run's own first.
    """
    sound = [result for result in results if not result.ended]
    names = [name for name in sound[0].metrics if name != "loss"] or ["loss"]
    first = spread(names[0], [result.metrics[names[0]] for result in sound])
    mean, luck = metric(names[0], first.mean), metric(names[0], LUCK * first.deviation)
    lead = (
        f"{len(results)} trainings that differ in nothing but the seed: initial weights, batch order and dropout. On"
        f" the same {sound[0].split} rows their {names[0].replace('_', ' ')} is {mean} on average; a difference of up"
        f" to {luck} between two trainings may be luck alone."
    )
    lost = [str(result.seed) for result in results if result.ended]
    note = element("p", f"Left out, since the loss was no longer finite: seed {', '.join(lost)}.") if lost else None
    figure = element("div", _figure(names[0], sound), class_="pair")
    return section("seeds", "How much is luck", _table(names, sound), note, figure, lead=lead)


def _table(names: Sequence[str], sound: Sequence[SeedResult]) -> Element:
    rows = []
    for name in names:
        each = spread(name, [result.metrics[name] for result in sound])
        interval = f"{metric(name, each.low)} to {metric(name, each.high)}"
        spreads = [metric(name, value) for value in (each.deviation, each.least, each.most)]
        own = metric(name, sound[0].metrics[name])
        rows.append([title_of(name), own, metric(name, each.mean), interval, *spreads])
    heads = ["this run", "mean", "95 % interval of the mean", "standard deviation", "least", "most"]
    return table(
        f"Metrics of {len(sound)} seeds", [Column("metric"), *(Column(head, numbers=True) for head in heads)], rows
    )


def _figure(name: str, sound: Sequence[SeedResult]) -> Element:
    values = [result.metrics[name] for result in sound[:_MOST]]
    each = spread(name, values)
    alternative = f"{title_of(name)} of each seed, from {metric(name, min(values))} to {metric(name, max(values))}."

    def draw(axes: Axes) -> None:
        if np.isfinite(each.low):
            axes.axvspan(each.low, each.high, color=SOFT, alpha=0.2, linewidth=0)
        axes.axvline(each.mean, color=SOFT, linewidth=1)
        places = [result.seed for result in sound[:_MOST]]
        axes.plot(values[1:], places[1:], "o", color=BLUE, markersize=5, label="other seeds")
        axes.plot(values[:1], places[:1], "D", color=ORANGE, markersize=6, label="this run")
        axes.set(xlabel=title_of(name), ylabel="seed")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: metric(name, value)))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.legend(loc="best")

    return titled("Seed by seed", "line and band: mean and its 95 % interval", drawn("seeds", alternative, draw))
