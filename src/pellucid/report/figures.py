"""The figures of a page, each with a sentence that says what it shows.

Shape letters: E epochs, S sampled steps, N samples.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from xml.etree.ElementTree import Element

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from pellucid.judging.judgement import Calibration, Residuals, ThresholdChoice
from pellucid.judging.learning_curve import LearningCurve
from pellucid.record import Epoch, Record, Step
from pellucid.report.canvas import BLUE, GREEN, INK, ORANGE, PURPLE, SOFT, drawn
from pellucid.report.markup import element
from pellucid.report.numbers import is_share, metric, percent, title_of

_MOST_POINTS = 600
_MOST_DOTS = 800  # dots cost more bytes than the points of a line
_MOST_STEPS = 240  # of a forecast: more would be a blot
_PERCENT = FuncFormatter(lambda share, _: f"{100 * share:.4g} %")
_LOG_FROM = 50.0  # a loss that falls by more than this is drawn on a logarithmic axis


def titled(title: str, detail: str, figure: Element) -> Element:
    """Return a figure under its title and a line on what it shows."""
    return element("figure", element("figcaption", element("strong", title), " ", detail), figure)


def thinned(values: Sequence[float], most: int = _MOST_POINTS) -> list[int]:
    """Return the places of so many values at most, in order: the least and the greatest of each even stretch.

    A spike of one step stays visible where a hundred thousand steps are drawn.
    """
    count = len(values)
    if count <= most:
        return list(range(count))
    bounds = [round(part * count / (most // 2)) for part in range(most // 2 + 1)]
    kept = {0, count - 1}
    for start, end in pairwise(bounds):
        finite = [place for place in range(start, end) if math.isfinite(values[place])]
        if finite:
            kept |= {min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)}
    return sorted(kept)


def losses(record: Record, best_epoch: int | None) -> Element:
    """Return training and validation loss by epoch, the best epoch marked."""
    epochs = record.epochs
    training = [epoch.loss for epoch in epochs]
    validation = [epoch.validation.get("loss", math.nan) for epoch in epochs]
    alternative = (
        f"Training loss from {metric('loss', training[0])} in epoch {epochs[0].epoch}"
        f" to {metric('loss', training[-1])} in epoch {epochs[-1].epoch}; validation loss from"
        f" {metric('loss', validation[0])} to {metric('loss', validation[-1])},"
        f" least {metric('loss', _least(validation))}."
    )

    def draw(axes: Axes) -> None:
        _curve(axes, epochs, training, BLUE, "training")
        _curve(axes, epochs, validation, ORANGE, "validation", dashed=True)
        _mark_best(axes, epochs, validation, best_epoch)
        _epochs_below(axes, epochs)
        _log_where_it_falls_far(axes, [*training, *validation])
        axes.legend(loc="best")

    return titled("Loss", "what training makes small", drawn("loss", alternative, draw))


def metric_curve(record: Record, name: str, best_epoch: int | None) -> Element:
    """Return the validation metric by epoch, the best epoch marked."""
    epochs = record.epochs
    values = [epoch.validation.get(name, math.nan) for epoch in epochs]
    best = next((value for epoch, value in zip(epochs, values, strict=True) if epoch.epoch == best_epoch), math.nan)
    alternative = (
        f"Validation {name} from {metric(name, values[0])} in epoch {epochs[0].epoch} to"
        f" {metric(name, values[-1])} in epoch {epochs[-1].epoch}"
        + (f"; the weights of epoch {best_epoch} are kept, with {metric(name, best)}." if best_epoch else ".")
    )

    def draw(axes: Axes) -> None:
        _curve(axes, epochs, values, ORANGE, "", dashed=True)
        _mark_best(axes, epochs, values, best_epoch)
        _epochs_below(axes, epochs)
        if is_share(name):
            axes.yaxis.set_major_formatter(_PERCENT)

    return titled(title_of(name), "on the validation rows", drawn("metric", alternative, draw))


def learning_rate(steps: Sequence[Step]) -> Element:
    """Return the learning rate by step."""
    rates = [step.learning_rate for step in steps]
    alternative = f"Learning rate from {rates[0]:.2g} over a peak of {max(rates):.2g} to {rates[-1]:.2g}."
    draw = _by_step(steps, rates, BLUE)
    return titled("Learning rate", "by optimiser step", drawn("rate", alternative, draw, 2.3))


def gradient_norm(steps: Sequence[Step]) -> Element | None:
    """Return the norm of the gradient by step; None where it was never measured."""
    measured = [step for step in steps if math.isfinite(step.gradient_norm)]
    if not measured:
        return None
    norms = [step.gradient_norm for step in measured]
    middle = sorted(norms)[len(norms) // 2]
    alternative = f"Gradient norm between {min(norms):.2g} and {max(norms):.2g}, half of the steps below {middle:.2g}."

    def draw(axes: Axes) -> None:
        _by_step(measured, norms, PURPLE)(axes)
        _log_where_it_falls_far(axes, norms)

    return titled("Gradient norm", "by optimiser step, before clipping", drawn("gradient", alternative, draw, 2.3))


def learning_curve(curve: LearningCurve) -> Element:
    """Return the metric on training and validation rows against the number of training rows."""
    points, name = curve.points, curve.metric
    first, last = points[0], points[-1]
    alternative = (
        f"Validation {name} from {metric(name, first.validation)} with {first.rows:,} training rows to"
        f" {metric(name, last.validation)} with {last.rows:,}; on the training rows from {metric(name, first.train)} to"
        f" {metric(name, last.train)}; without a network {metric(name, curve.baseline)}."
    )

    def draw(axes: Axes) -> None:
        rows = [point.rows for point in points]
        axes.plot(rows, [point.train for point in points], color=BLUE, marker="o", markersize=4, label="training")
        validation = [point.validation for point in points]
        axes.fill_between(
            rows, [point.low for point in points], [point.high for point in points], color=ORANGE, alpha=0.2, lw=0
        )
        axes.plot(rows, validation, color=ORANGE, marker="s", markersize=4, linestyle=(0, (5, 1.5)), label="validation")
        if curve.doubled is not None:
            axes.plot([rows[-1], 2 * rows[-1]], [validation[-1], curve.doubled], color=ORANGE, linestyle=":", lw=1.4)
            expected = "expected of twice as many"
            axes.plot([2 * rows[-1]], [curve.doubled], "o", color=PURPLE, markersize=6, label=expected)
        axes.set(xscale="log", xlabel="training rows", xticks=rows)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        if is_share(name):
            axes.yaxis.set_major_formatter(_PERCENT)
        axes.legend(loc="best")

    return titled("More data", f"{title_of(name)} by training rows", drawn("more-data", alternative, draw))


def calibration(judged: Calibration) -> Element:
    """Return how often the network was right against how sure it was."""
    worst = max(judged.bins, key=lambda bin_: abs(bin_.accuracy.value - bin_.confidence) * bin_.count)
    alternative = (
        f"Expected calibration error {percent(judged.error)}. Of the {worst.count:,} samples it was"
        f" {percent(worst.confidence)} sure of on average, {percent(worst.accuracy.value)} were right."
    )

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
        confidence = [bin_.confidence for bin_ in judged.bins]
        accuracy = [bin_.accuracy.value for bin_ in judged.bins]
        below = [max(0.0, bin_.accuracy.value - bin_.accuracy.low) for bin_ in judged.bins]
        above = [max(0.0, bin_.accuracy.high - bin_.accuracy.value) for bin_ in judged.bins]
        axes.errorbar(confidence, accuracy, yerr=[below, above], fmt="none", ecolor=BLUE, elinewidth=1, alpha=0.6)
        most = max(bin_.count for bin_ in judged.bins)
        sizes = [12 + 70 * bin_.count / most for bin_ in judged.bins]
        axes.scatter(confidence, accuracy, s=sizes, color=BLUE, zorder=3)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="how sure it was", ylabel="how often it was right")
        axes.xaxis.set_major_formatter(_PERCENT)
        axes.yaxis.set_major_formatter(_PERCENT)

    detail = "on the dashed line probabilities mean what they say; larger dots are more samples"
    return titled("Calibration", detail, drawn("calibration", alternative, draw))


def precision_recall(choice: ThresholdChoice) -> Element:
    """Return precision against recall, with the usual threshold and the one chosen."""
    usual, chosen = choice.usual, choice.chosen
    alternative = (
        f"Precision against recall of '{choice.positive}', average precision {choice.average_precision.value:.3f}. At"
        f" the threshold {usual.threshold:.3g}: precision {percent(usual.precision)}, recall {percent(usual.recall)}."
        f" At {chosen.threshold:.3g}, chosen for {choice.goal}: {percent(chosen.precision)} and"
        f" {percent(chosen.recall)}."
    )
    curve = [point for point in choice.curve if math.isfinite(point.precision)]
    places = thinned([point.precision for point in curve])

    def draw(axes: Axes) -> None:
        axes.plot([curve[i].recall for i in places], [curve[i].precision for i in places], color=BLUE)
        axes.scatter([usual.recall], [usual.precision], s=45, color=SOFT, marker="o", zorder=3, label="at 0.5")
        label = f"at {chosen.threshold:.3g}, for {choice.goal}"
        axes.scatter([chosen.recall], [chosen.precision], s=60, color=ORANGE, marker="D", zorder=4, label=label)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="recall: share found", ylabel="precision: share right")
        axes.xaxis.set_major_formatter(_PERCENT)
        axes.yaxis.set_major_formatter(_PERCENT)
        axes.legend(loc="lower left")

    detail = "what each threshold finds, and how often it is right"
    return titled("Precision and recall", detail, drawn("threshold", alternative, draw))


def residuals(of_target: Residuals, number: int) -> Element:
    """Return predictions against the true values."""
    truth, predicted = of_target.truth, of_target.predicted
    errors = [p - t for p, t in zip(predicted, truth, strict=True)]
    bias = sum(errors) / len(errors)
    alternative = (
        f"Predicted against true {of_target.target} of {len(truth):,} samples. True values from {min(truth):.4g} to"
        f" {max(truth):.4g}, predictions from {min(predicted):.4g} to {max(predicted):.4g}, on average"
        f" {abs(bias):.3g} too {'high' if bias > 0 else 'low'}."
    )

    def draw(axes: Axes) -> None:
        ends = min(*truth, *predicted), max(*truth, *predicted)
        axes.plot(ends, ends, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
        every = -(-len(truth) // _MOST_DOTS)
        axes.scatter(truth[::every], predicted[::every], s=9, color=BLUE, alpha=0.5, linewidths=0)
        axes.set(xlabel="true", ylabel="predicted")

    detail = "on the dashed line prediction and truth are the same"
    return titled(f"Predicted and true {of_target.target}", detail, drawn(f"residual{number}", alternative, draw))


def course(of_target: Residuals, number: int) -> Element:
    """Return the last true values and forecasts in the order of time."""
    truth, predicted = of_target.truth[-_MOST_STEPS:], of_target.predicted[-_MOST_STEPS:]
    wrong = [abs(p - t) for p, t in zip(predicted, truth, strict=True)]
    worst = max(range(len(wrong)), key=wrong.__getitem__)
    alternative = (
        f"{of_target.target} and its forecast over the last {len(truth):,} rows: on average"
        f" {sum(wrong) / len(wrong):.3g} apart, at most {wrong[worst]:.3g}"
        f" (true {truth[worst]:.4g}, forecast {predicted[worst]:.4g})."
    )

    def draw(axes: Axes) -> None:
        axes.plot(truth, color=INK, linewidth=1.3, label="true")
        axes.plot(predicted, color=ORANGE, linewidth=1.3, linestyle=(0, (3, 1.5)), label="forecast")
        axes.set(xlabel="held-out rows, in order")
        axes.legend(loc="best")

    detail = f"the last {len(truth):,} of {len(of_target.truth):,} rows, beside what came"
    return titled(f"Forecast of {of_target.target}", detail, drawn(f"course{number}", alternative, draw))


def _curve(
    axes: Axes, epochs: Sequence[Epoch], values: Sequence[float], colour: str, label: str, *, dashed: bool = False
) -> None:
    places = thinned(values)
    axes.plot(
        [epochs[place].epoch for place in places],
        [values[place] for place in places],
        color=colour,
        label=label,
        linestyle=(0, (5, 1.5)) if dashed else "-",
        marker="o" if len(places) <= 3 else "",
        markersize=4,
    )


def _mark_best(axes: Axes, epochs: Sequence[Epoch], values: Sequence[float], best_epoch: int | None) -> None:
    for epoch, value in zip(epochs, values, strict=True):
        if epoch.epoch == best_epoch and math.isfinite(value):
            axes.axvline(epoch.epoch, color=GREEN, linewidth=1, linestyle=(0, (1, 2)))
            axes.plot([epoch.epoch], [value], "o", color=GREEN, markersize=6, label=f"kept: epoch {epoch.epoch}")


def _epochs_below(axes: Axes, epochs: Sequence[Epoch]) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if len(epochs) == 1:
        axes.set(xlim=(epochs[0].epoch - 0.5, epochs[0].epoch + 0.5), xticks=[epochs[0].epoch])


def _log_where_it_falls_far(axes: Axes, values: Sequence[float]) -> None:
    finite = [value for value in values if math.isfinite(value)]
    if finite and min(finite) > 0 and max(finite) / min(finite) > _LOG_FROM:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _by_step(steps: Sequence[Step], values: Sequence[float], colour: str) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        places = thinned(values)
        axes.plot([steps[i].step for i in places], [values[i] for i in places], color=colour, linewidth=1.2)
        axes.set_xlabel("step")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))

    return draw


def _least(values: Sequence[float]) -> float:
    return min((value for value in values if math.isfinite(value)), default=math.nan)
