"""How it learned: curves of loss, metric, learning rate and gradient."""

import math
from xml.etree.ElementTree import Element

from pellucid.judging.learning_curve import LearningCurve
from pellucid.judging.wording import metric
from pellucid.report import curves
from pellucid.report.markup import element
from pellucid.report.numbers import counted, duration, sentence, title_of
from pellucid.report.pieces import Column, section, table
from pellucid.report.subject import Subject
from pellucid.training.tasks import METRICS


def learning(subject: Subject) -> Element:
    """Return the curves of a training, as far as it came."""
    record = subject.record
    best = best_epoch(subject)
    rule = str(subject.asked["recipe"].get("rule"))
    drawn: list[Element | None] = []
    if len(record.epochs) > 1:
        drawn.append(curves.losses(record, best))
        name = _curve_metric(subject)
        if name is not None:
            drawn.append(curves.metric_curve(record, name, best))
        drawn.append(curves.balance(record))
    elif len(record.steps) > 1:
        drawn.append(curves.step_losses(record.steps))
    if len(record.steps) > 1:
        drawn += [curves.learning_rate(record.steps), curves.gradient_norm(record.steps, rule=rule)]
    nothing = None if drawn or record.epochs else element("p", "No step of it is recorded.")
    curve = subject.learning_curve
    return section(
        "learning",
        "How it learned",
        nothing,
        element("div", drawn, class_="pair") if drawn else None,
        None if curve is None else _more_data(curve),
        lead=_said(subject, best),
    )


def _more_data(curve: LearningCurve) -> list[Element]:
    """Return what the same network and recipe made of parts of the data."""
    name = curve.metric
    columns = tuple(Column(heading, numbers=True) for heading in ("training rows", "on them", "validation"))
    rows = [(f"{point.rows:,}", metric(name, point.train), metric(name, point.validation)) for point in curve.points]
    without = metric(name, curve.baseline)
    each = counted(curve.seeds, "training")
    listed = table(
        f"{title_of(name)} by number of training rows, {each} each; without a network {without}", columns, rows
    )
    return [
        element("h3", "Would more data help?"),
        element("p", sentence(curve.statement)),
        element("div", curves.learning_curve(curve), listed, class_="pair"),
    ]


def best_epoch(subject: Subject) -> int | None:
    """Return the epoch whose weights are kept."""
    if subject.record.result is not None:
        return subject.record.result.best_epoch
    return next((epoch.epoch for epoch in reversed(subject.record.epochs) if epoch.best), None)


def _curve_metric(subject: Subject) -> str | None:
    """Return the metric to draw beside the loss: the one that leads, if every epoch measured it."""
    asked = subject.asked["recipe"].get("metric")
    leading = subject.judgement.metric if subject.judgement else None
    known = subject.record.epochs[-1].validation
    usual = METRICS[subject.asked["task"]][0]
    wanted = (asked, leading, usual, "accuracy", "rmse", "perplexity")
    return next((name for name in wanted if name and name in known and name != "loss"), None)


def _said(subject: Subject, best: int | None) -> str:
    epochs = subject.record.epochs
    if not epochs:
        return "It was stopped before the end of its first epoch."
    first, last = epochs[0], epochs[-1]
    took = f" in {duration(subject.times.seconds)}" if subject.times.seconds else ""
    kept = ""
    if best and len(epochs) > 1:
        kept = f" The weights of epoch {best} are kept: they did best on the validation rows."
    loss = f"Training loss fell from {metric('loss', first.loss)} to {metric('loss', last.loss)}."
    if not last.loss < first.loss:
        loss = f"Training loss went from {metric('loss', first.loss)} to {metric('loss', last.loss)}: it did not fall."
    if "made_accuracy" in last.validation:
        right = metric("accuracy", (last.validation["real_accuracy"] + last.validation["made_accuracy"]) / 2)
        loss = (
            "The loss is the discriminator's and rises as the generator gets better: its fall says nothing of quality."
            f" In the end it was right on {right} of the data and the samples; 50 % is a guess."
        )
    elif len(epochs) == 1 or not math.isfinite(first.loss):
        loss = f"Training loss {metric('loss', last.loss)}."
    return f"{counted(len(epochs), 'epoch')}, {counted(last.step, 'step')}{took}. {loss}{kept}"
