"""Figures of how a network does, each with a sentence that says what it shows."""

import math
from xml.etree.ElementTree import Element

from matplotlib.axes import Axes

from pellucid.judging.judgement import Calibration, Residuals, ThresholdChoice
from pellucid.judging.wording import percent
from pellucid.report.canvas import BLUE, INK, ORANGE, SOFT, drawn, in_percent, thinned, titled
from pellucid.training.tasks.specimens import Cloud

_MOST_DOTS = 800  # dots cost more bytes than the points of a line
_MOST_STEPS = 240  # of a forecast: more would be a blot


def calibration(judged: Calibration, key: str = "calibration") -> Element:
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
        in_percent(axes.xaxis)
        in_percent(axes.yaxis)

    detail = "on the dashed line probabilities mean what they say; larger dots are more samples"
    return titled("Calibration", detail, drawn(key, alternative, draw))


def precision_recall(choice: ThresholdChoice, key: str = "threshold") -> Element:
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
        in_percent(axes.xaxis)
        in_percent(axes.yaxis)
        axes.legend(loc="lower left")

    detail = "what each threshold finds, and how often it is right"
    return titled("Precision and recall", detail, drawn(key, alternative, draw))


def residuals(of_target: Residuals, key: str) -> Element:
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
    return titled(f"Predicted and true {of_target.target}", detail, drawn(key, alternative, draw))


def course(of_target: Residuals, key: str) -> Element:
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
    return titled(f"Forecast of {of_target.target}", detail, drawn(key, alternative, draw))


def cloud(points: Cloud) -> Element:
    """Return the points that a network made over those of the data."""
    alternative = f"{len(points.made):,} points that the network made over {len(points.real):,} of the data."

    def draw(axes: Axes) -> None:
        for values, colour, label in ((points.real, SOFT, "the data"), (points.made, BLUE, "made by the network")):
            shown = values[:_MOST_DOTS].tolist()
            axes.scatter([x for x, _ in shown], [y for _, y in shown], s=7, color=colour, label=label, linewidths=0)
        axes.set(xlabel=points.axes[0], ylabel=points.axes[1])
        axes.set_aspect("equal", adjustable="datalim")
        axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2, markerscale=2.5, handletextpad=0)

    return titled("Points", "what the network made over what it learned from", drawn("cloud", alternative, draw, 4.6))
