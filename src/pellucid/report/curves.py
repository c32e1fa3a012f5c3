"""Curves of how a network learned, each with a sentence that says what it shows."""

import math
from collections.abc import Callable, Sequence
from xml.etree.ElementTree import Element

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from pellucid.judging.learning_curve import LearningCurve
from pellucid.judging.wording import is_share, metric
from pellucid.record import Epoch, Record, Step
from pellucid.report.canvas import BLUE, GREEN, ORANGE, PURPLE, drawn, in_percent, thinned, titled
from pellucid.report.numbers import title_of

_BEFORE_CLIPPING = "by optimiser step, before clipping"
_LOG_FROM = 50.0  # a loss that falls by more than this is drawn on a logarithmic axis


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

    # two networks that learn against each other make each other's losses large
    detail = "of the discriminator" if "made_accuracy" in epochs[-1].validation else "what training makes small"
    return titled("Loss", detail, drawn("loss", alternative, draw))


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
            in_percent(axes.yaxis)

    return titled(title_of(name), "on the validation rows", drawn("metric", alternative, draw))


def balance(record: Record) -> Element | None:
    """Return how often a discriminator is right by epoch, of the data and of samples; None where there is none."""
    epochs = record.epochs
    if not all({"real_accuracy", "made_accuracy"} <= epoch.validation.keys() for epoch in epochs):
        return None
    real, made = ([epoch.validation[f"{kind}_accuracy"] for epoch in epochs] for kind in ("real", "made"))
    alternative = (
        f"Right on {metric('accuracy', real[-1])} of the data and on {metric('accuracy', made[-1])} of the samples in"
        f" epoch {epochs[-1].epoch}."
    )

    def draw(axes: Axes) -> None:
        axes.axhline(0.5, color=GREEN, linewidth=1, linestyle=(0, (1, 2)), label="deceived")
        _curve(axes, epochs, real, BLUE, "of the data")
        _curve(axes, epochs, made, ORANGE, "of the samples", dashed=True)
        axes.set_ylim(-0.03, 1.03)
        _epochs_below(axes, epochs)
        in_percent(axes.yaxis)
        axes.legend(loc="best")

    return titled("Balance", "how often the discriminator is right", drawn("balance", alternative, draw))


def step_losses(steps: Sequence[Step]) -> Element:
    """Return the training loss by step, for a training of which no epoch was finished."""
    values = [step.loss for step in steps]
    alternative = f"Training loss from {metric('loss', values[0])} to {metric('loss', values[-1])}."

    def draw(axes: Axes) -> None:
        _by_step(steps, values, BLUE)(axes)
        _log_where_it_falls_far(axes, values)

    return titled("Training loss", "by optimiser step", drawn("step-loss", alternative, draw, 2.3))


def learning_rate(steps: Sequence[Step]) -> Element:
    """Return the learning rate by step."""
    rates = [step.learning_rate for step in steps]
    alternative = f"Learning rate from {rates[0]:.2g} over a peak of {max(rates):.2g} to {rates[-1]:.2g}."
    draw = _by_step(steps, rates, BLUE)
    return titled("Learning rate", "by optimiser step", drawn("rate", alternative, draw, 2.3))


def gradient_norm(steps: Sequence[Step], *, rule: str = "gradient") -> Element | None:
    """Return the norm of the gradient, or of what a rule without one changes, by step; None where none was measured."""
    measured = [step for step in steps if math.isfinite(step.gradient_norm)]
    if not measured:
        return None
    norms = [step.gradient_norm for step in measured]
    middle = sorted(norms)[len(norms) // 2]
    learns_from_mistakes = rule in {"perceptron", "pocket"}
    title = "Change of the weights" if learns_from_mistakes else "Gradient norm"
    detail = "its norm by step; 0 where there was no mistake" if learns_from_mistakes else _BEFORE_CLIPPING
    alternative = f"{title} between {min(norms):.2g} and {max(norms):.2g}, half of the steps below {middle:.2g}."

    def draw(axes: Axes) -> None:
        _by_step(measured, norms, PURPLE)(axes)
        _log_where_it_falls_far(axes, norms)

    return titled(title, detail, drawn("gradient", alternative, draw, 2.3))


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
            in_percent(axes.yaxis)
        axes.legend(loc="best")

    return titled("More data", f"{title_of(name)} by training rows", drawn("more-data", alternative, draw))


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
