"""Figures of a search: every trial as a line through all parameters, along each parameter, and over its epochs."""

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from pellucid.judging.wording import is_share, metric, percent
from pellucid.report.canvas import BLUE, LINE, ORANGE, PAPER, SOFT, drawn, in_percent, titled
from pellucid.report.numbers import title_of
from pellucid.tuning import Parameter, SearchResult, Trial

_BEST = 5
_MOST_PARAMETERS = 8
_LOG_FROM = 20.0  # a metric that varies by more than this is drawn on a logarithmic axis
_TICKS = (0.0, 0.5, 1.0)


def parallel(result: SearchResult) -> Element:
    """Return parallel coordinates: an axis for each parameter, the metric on the last; the best trials stand out."""
    parameters = list(enumerate(result.space.parameters))[:_MOST_PARAMETERS]
    shown = result.shown
    values = [trial.metrics[result.metric] for trial in shown]
    heights = _heights(values, higher_is_better=result.higher_is_better)
    lines = [
        [(place, _height(parameter, trial.places[at])) for place, (at, parameter) in enumerate(parameters)]
        + [(len(parameters), height)]
        for trial, height in zip(shown, heights, strict=True)
    ]
    best = " and ".join(f"trial {trial.number}" for trial in shown[:1])
    alternative = f"{len(shown)} trials as lines through {len(parameters)} parameters; the best is {best}."

    def draw(axes: Axes) -> None:
        axes.add_collection(LineCollection(lines[_BEST:], colors=SOFT, linewidths=0.7, alpha=0.3))
        axes.add_collection(LineCollection(lines[1:_BEST], colors=BLUE, linewidths=1.5, alpha=0.85))
        axes.add_collection(LineCollection(lines[:1], colors=ORANGE, linewidths=2.4))
        for place, (_, parameter) in enumerate(parameters):
            _axis(axes, place, _labels(parameter))
        _axis(axes, len(parameters), _metric_labels(result.metric, values, higher_is_better=result.higher_is_better))
        axes.set_xlim(-0.35, len(parameters) + 0.45)
        axes.set_ylim(-0.05, 1.05)
        names = [*(parameter.name for _, parameter in parameters), result.metric]
        axes.set_xticks(range(len(names)), [name.replace("_", " ") for name in names])
        axes.set_yticks([])
        axes.grid(visible=False)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)

    left = f"; of {len(result.space.parameters)} parameters the first {_MOST_PARAMETERS}"
    detail = f"a line is a trial; orange the best, blue the next {_BEST - 1}"
    detail += left if len(result.space.parameters) > _MOST_PARAMETERS else ""
    return titled("All trials", detail, drawn("parallel", alternative, draw, 3.6, 11.4), across=True)


def _axis(axes: Axes, place: float, labels: Sequence[tuple[float, str]]) -> None:
    axes.plot([place, place], [0, 1], color=LINE, linewidth=1)
    for height, label in labels:
        box = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.5}
        axes.text(place + 0.05, height, label, color=SOFT, fontsize=9, va="center", ha="left", bbox=box, zorder=5)


def _height(parameter: Parameter, place: float) -> float:
    if not parameter.choices:
        return place
    return parameter.choice(place) / max(1, len(parameter.choices) - 1)


def _labels(parameter: Parameter) -> list[tuple[float, str]]:
    if parameter.choices:
        return [(at / max(1, len(parameter.choices) - 1), choice) for at, choice in enumerate(parameter.choices)]
    return [(place, parameter.at(place)) for place in _TICKS]


def _heights(values: Sequence[float], *, higher_is_better: bool) -> list[float]:
    """Return where each value stands: by rank, so that a few bad ones do not press the good ones together."""
    order = np.argsort(np.argsort(values if higher_is_better else [-value for value in values], kind="stable"))
    return [float(rank / max(1, len(values) - 1)) for rank in order]


def _metric_labels(name: str, values: Sequence[float], *, higher_is_better: bool) -> list[tuple[float, str]]:
    ordered = sorted(values, reverse=not higher_is_better)
    return [(place, metric(name, ordered[round(place * (len(ordered) - 1))])) for place in _TICKS]


def importances(shares: Mapping[str, float]) -> Element:
    """Return each parameter's share of what decides how far up a trial comes."""
    ordered = sorted(shares.items(), key=lambda each: each[1])
    alternative = ", ".join(f"{name} {percent(share)}" for name, share in reversed(ordered)) + "."

    def draw(axes: Axes) -> None:
        axes.barh(
            [name.replace("_", " ") for name, _ in ordered], [share for _, share in ordered], color=BLUE, height=0.6
        )
        in_percent(axes.xaxis)
        axes.grid(visible=False, axis="y")

    detail = "share of what decides how far up a trial comes"
    return titled("Importance", detail, drawn("importance", alternative, draw, 1.0 + 0.32 * len(ordered)))


def by_parameter(result: SearchResult) -> list[Element]:
    """Return, for each parameter, the metric of every trial against its value."""
    return [_against(result, at, parameter) for at, parameter in enumerate(result.space.parameters)]


def _against(result: SearchResult, at: int, parameter: Parameter) -> Element:
    shown = result.shown
    ended = [trial for trial in shown if not trial.came_to_its_end]
    whole = [trial for trial in shown if trial.came_to_its_end]
    best = shown[0]
    alternative = (
        f"{title_of(result.metric)} of {len(shown)} trials by {parameter.name}; the best has"
        f" {best.values[parameter.name]}."
    )

    def draw(axes: Axes) -> None:
        for trials, colour, label in ((ended, SOFT, "ended early"), (whole, BLUE, "to the end")):
            if trials:
                axes.plot(
                    *_points(result, trials, at, parameter), "o", color=colour, markersize=4, alpha=0.75, label=label
                )
        axes.plot(*_points(result, [best], at, parameter), "D", color=ORANGE, markersize=6, label="best")
        _values_along(axes, parameter)
        axes.set(xlabel=parameter.name.replace("_", " "))
        _metric_along(axes, result.metric, [trial.metrics[result.metric] for trial in shown])
        if at == 0:
            axes.legend(loc="best")

    detail = f"{result.metric} by value"
    title = parameter.name.replace("_", " ").capitalize()
    return titled(title, detail, drawn(f"by-{at}", alternative, draw, 2.6))


def _points(
    result: SearchResult, trials: Sequence[Trial], at: int, parameter: Parameter
) -> tuple[list[float], list[float]]:
    places = [trial.places[at] for trial in trials]
    if parameter.choices:  # side by side, as they were drawn
        places = [
            parameter.choice(place) + 0.5 * (place * len(parameter.choices) % 1 - 0.5)
            if place < 1
            else len(parameter.choices) - 1
            for place in places
        ]
    else:
        places = [float(trial.values[parameter.name]) for trial in trials]
    return places, [trial.metrics[result.metric] for trial in trials]


def _values_along(axes: Axes, parameter: Parameter) -> None:
    if parameter.choices:
        axes.set_xticks(range(len(parameter.choices)), parameter.choices)
        axes.set_xlim(-0.5, len(parameter.choices) - 0.5)
    elif parameter.scale == "log":
        axes.set_xscale("log")
        axes.set_xticks([float(label) for _, label in _labels(parameter)], [label for _, label in _labels(parameter)])
        axes.xaxis.set_minor_locator(NullLocator())
    elif parameter.whole:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))


def _metric_along(axes: Axes, name: str, values: Sequence[float]) -> None:
    if is_share(name):
        in_percent(axes.yaxis)
    elif min(values) > 0 and max(values) > _LOG_FROM * min(values):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def learning(result: SearchResult) -> Element:
    """Return the best validation metric so far of every trial by epoch: where they were ended, and who went on."""
    shown = result.shown
    sign = 1 if result.higher_is_better else -1
    longest = max(trial.epochs for trial in shown)
    alternative = f"{title_of(result.metric)} so far by epoch of {len(shown)} trials, the longest of {longest}."

    def draw(axes: Axes) -> None:
        for rank, trial in reversed(list(enumerate(shown))):
            epochs, values = range(1, trial.epochs + 1), [sign * score[0] for score in trial.scores]
            colour, width, alpha = (
                (ORANGE, 2.0, 1.0) if rank == 0 else (BLUE, 1.2, 0.85) if rank < _BEST else (SOFT, 0.7, 0.4)
            )
            axes.plot(epochs, values, color=colour, linewidth=width, alpha=alpha)
            axes.plot([trial.epochs], values[-1:], "o", color=colour, markersize=2.5, alpha=alpha)
        axes.set(xlabel="epoch")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        if result.higher_is_better:  # one that never learned would press all others together at the top
            first, best = [trial.scores[0][0] for trial in shown], shown[0].score[0]
            axes.set_ylim(bottom=float(np.quantile(first, 0.1)), top=best + 0.03 * (best - min(first)))
        _metric_along(axes, result.metric, [sign * score[0] for trial in shown for score in trial.scores])

    return titled("Over the epochs", "best so far; a dot is where a trial ended", drawn("epochs", alternative, draw))
