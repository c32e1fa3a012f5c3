"""The top of the page: is it good, and what is wrong with it."""

import math
from collections.abc import Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from pellucid.judging.judgement import Concern, Judgement
from pellucid.judging.wording import is_share, metric
from pellucid.report.markup import Child, element
from pellucid.report.numbers import counted, interval, sentence, title_of, unbroken
from pellucid.report.pieces import badge
from pellucid.report.subject import Subject
from pellucid.training.tasks import HIGHER_IS_BETTER, METRICS, is_judged_by_rows

_MOST_CONCERNS = 8
_WIDTH = 440.0

_STATUS = {
    "fine": ("good", "Nothing wrong was found."),
    "note": ("good", "Nothing serious was found."),
    "warning": ("fair", "Usable with care: see what is wrong below."),
    "critical": ("bad", "Do not rely on it yet: something is seriously wrong."),
}
_MEASURED = ("plain", "Trained to the end: its figures, and what it makes.")
_UNFINISHED = {
    "finished": ("fair", "Trained to the end, but not judged."),
    "stopped": ("fair", "Not finished: the training was stopped before its end."),
    "diverged": ("bad", "Not finished: the training diverged."),
    "not begun": ("bad", "Not begun: the training was stopped before its first step was recorded."),
}


def verdict(subject: Subject) -> list[Element]:
    """Return the verdict and what is wrong, the worst first."""
    concerns = [*_unfinished(subject), *_concerns(subject)]
    worst = concerns[0].severity if concerns else "fine"
    if subject.judgements:
        style, status = _STATUS[worst]
    elif subject.state == "finished" and not is_judged_by_rows(subject.target) and not subject.unjudged:
        style, status = _MEASURED
    elif subject.state != "finished" or subject.judgement is None:
        style, status = _UNFINISHED[subject.state]
    else:
        style, status = _STATUS[worst]
    box = element(
        "section",
        element("p", status, class_="status"),
        [element("p", unbroken(said), class_="headline") for said in _headlines(subject)],
        _leading(subject),
        class_=f"verdict {style}",
        aria_label="Verdict",
    )
    judged = subject.judgement is not None or bool(subject.judgements)
    return [box, _listed(concerns, judged=judged)] if judged or concerns else [box]


def _headlines(subject: Subject) -> list[str]:
    """Return the sentence that says whether it is good, of several targets one each."""
    each = [f"{name}: {judgement.headline}" for name, judgement in subject.judgements.items()]
    return each or [_headline(subject)]


def _headline(subject: Subject) -> str:
    if subject.judgement is not None:
        return subject.judgement.headline
    record = subject.record
    if record.result is not None:
        name = str(_metric_of(subject))
        value = metric(name, record.result.metrics.get(name, math.nan))
        return f"{title_of(name)} {value} on the {record.result.split} rows when the training ended."
    if not record.epochs:
        return "No epoch was finished, so nothing is known of how good the network is."
    last, name = record.epochs[-1], str(_metric_of(subject))
    best = [epoch for epoch in record.epochs if epoch.best][-1:] or [last]
    value = metric(name, best[0].validation.get(name, math.nan))
    return (
        f"After {len(record.epochs)} of {subject.asked['recipe']['epochs']} epochs, validation {name} {value}"
        f" in epoch {best[0].epoch}."
    )


def _metric_of(subject: Subject) -> str | None:
    asked = subject.asked["recipe"].get("metric")
    if asked:
        return str(asked)
    usual = METRICS[subject.asked["task"]][0]
    known = subject.record.epochs[-1].validation if subject.record.epochs else {}
    found = subject.record.result.metrics if subject.record.result else known
    return next((name for name in (usual, "accuracy", "rmse", "perplexity", "loss") if name in found), None)


def _leading(subject: Subject) -> Child:
    judgement = subject.judgement
    if subject.judgements:
        return element(
            "dl", [_target_figure(name, each) for name, each in subject.judgements.items()], class_="figures"
        )
    if judgement is None:
        return _measured(subject)
    name = judgement.metric
    estimate = judgement.metrics[name]
    figures = [_figure(_label_of(judgement), metric(name, estimate.value), "main")]
    if between := interval(name, estimate):
        figures.append(_figure("95 % interval of that figure", between))
    baseline = judgement.baseline.metrics.get(name)
    if baseline is not None:
        figures.append(_figure(f"without a network: {judgement.baseline.name}", metric(name, baseline)))
    return [element("dl", figures, class_="figures"), _scale(judgement)]


def _measured(subject: Subject) -> Element | None:
    """Return the figures of a network that is not judged row by row: those that its task measured."""
    result = subject.record.result
    if result is None or is_judged_by_rows(subject.target):
        return None
    figures = [_figure(title_of(name), metric(name, value)) for name, value in result.metrics.items() if name != "loss"]
    return element("dl", figures, class_="figures")


def _target_figure(name: str, judgement: Judgement) -> Element:
    """Return the leading figure of one of several targets."""
    value = judgement.metrics[judgement.metric].value
    baseline = judgement.baseline.metrics.get(judgement.metric)
    without = "" if baseline is None else f" (without a network {metric(judgement.metric, baseline)})"
    return _figure(f"{name}: {_label_of(judgement)}{without}", metric(judgement.metric, value), "main")


def _label_of(judgement: Judgement) -> str:
    """Return what the leading figure is: the metric, the rows, and which way is better where that is not plain."""
    lower = "" if judgement.metric in HIGHER_IS_BETTER else "; lower is better"
    rows = counted(judgement.samples, f"{judgement.split} row")
    return f"{title_of(judgement.metric)} on {rows}{lower}"


def _figure(what: str, value: str, style: str | None = None) -> Element:
    return element("div", element("dt", what), element("dd", value), class_=style)


def _scale(judgement: Judgement) -> Element | None:
    """Return network and baseline on one line, from worst to best."""
    name, estimate = judgement.metric, judgement.metrics[judgement.metric]
    baseline = judgement.baseline.metrics.get(name)
    known = [value for value in (estimate.value, estimate.low, estimate.high, baseline) if value is not None]
    known = [value for value in known if math.isfinite(value)]
    if baseline is None or not math.isfinite(baseline) or not math.isfinite(estimate.value):
        return None
    low, high = (0.0, 1.0) if is_share(name) else (min(0.0, *known), 1.15 * max(0.0, *known))
    if not high > low:
        return None

    def place(value: float) -> float:
        return round(10 + (_WIDTH - 20) * (min(max(value, low), high) - low) / (high - low), 1)

    x, at = place(estimate.value), place(baseline)
    ends = [place(end) if math.isfinite(end) else x for end in (estimate.low, estimate.high)]
    return element(
        "svg",
        element("rect", x="10", y="27", width=_WIDTH - 20, height="2", fill="var(--line)"),
        element("rect", x=at - 1.5, y="20", width="3", height="16", fill="var(--soft)"),
        _label(at, 52, "without a network", "var(--soft)"),
        element(
            "rect", x=ends[0], y="22", width=round(max(ends[1] - ends[0], 1), 1), height="12", rx="3",
            fill="var(--blue)", opacity="0.4",
        ),
        element("circle", cx=x, cy="28", r="7", fill="var(--blue)"),
        _label(x, 14, "this network", "var(--blue)"),
        _label(10, 52 if at > 130 else -99, metric(name, low), "var(--soft)"),
        _label(_WIDTH - 10, 52 if at < _WIDTH - 130 else -99, metric(name, high), "var(--soft)"),
        viewBox=f"0 0 {_WIDTH:g} 58", class_="scale", role="img",
        aria_label=f"On a line from {metric(name, low)} to {metric(name, high)} the network stands at"
        f" {metric(name, estimate.value)}, the baseline at {metric(name, baseline)}.",
    )  # fmt: skip


def _label(x: float, y: float, text: str, colour: str) -> Element | None:
    if y < 0:
        return None
    anchor = "start" if x < 60 else "end" if x > _WIDTH - 60 else "middle"
    return element("text", text, x=x, y=y, fill=colour, font_size="13", text_anchor=anchor)


def _unfinished(subject: Subject) -> list[Concern]:
    """Return what is wrong with a run that was not judged."""
    match subject.state:
        case "diverged":
            steps = subject.record.steps
            evidence = f"loss {steps[0].loss:.3g} at the first step, {steps[-1].loss:.3g} at the last one recorded"
            rate = subject.asked["recipe"]["learning_rate"]
            advice = f"train again with a smaller --learning-rate than {rate:.3g}, or with --clip-norm 1"
            return [Concern("diverged", "critical", "The loss grew beyond all bounds.", evidence, advice)]
        case "stopped" | "not begun":
            done, planned = len(subject.record.epochs), subject.asked["recipe"]["epochs"]
            advice = f"go on with: pellucid train --resume {subject.folder}"
            title = "The training is not finished."
            return [Concern("unfinished", "warning", title, f"{done} of {planned} epochs are done.", advice)]
    if subject.judgement is None and (subject.unjudged or is_judged_by_rows(subject.target)):
        title = "The network could not be judged again, so much of this page is missing."
        return [Concern("unjudged", "warning", title, subject.unjudged, "")]
    return []


def _concerns(subject: Subject) -> list[Concern]:
    """Return what judging and diagnosis found, the worst first."""
    found = [*subject.concerns, *(subject.judgement.concerns if subject.judgement else ())]
    for name, judgement in subject.judgements.items():
        found += [replace(concern, title=f"{name}: {concern.title}") for concern in judgement.concerns]
    for finding in subject.findings:
        severity = "note" if finding.severity == "info" else finding.severity
        advice = "; ".join(str(remedy.get("action", "")) for remedy in finding.remedies[:2])
        title = f"{finding.cause.replace('-', ' ').capitalize()} (step {finding.step:,})"
        found.append(Concern(finding.cause, severity, title, finding.explanation, advice))
    order = ("critical", "warning", "note")
    return sorted(found, key=lambda concern: order.index(concern.severity))


def _listed(concerns: Sequence[Concern], *, judged: bool) -> Element:
    if not concerns:
        what = (
            "Looked for and not found: no better than without a network, too little learned or too much by heart, weak"
            " classes, probabilities that mislead, too few rows to tell, duplicates, inputs that give the answer away."
        )
        items = [element("li", badge("fine", "Fine"), element("div", element("p", what)))] if judged else []
    else:
        items = [_item(concern) for concern in concerns[:_MOST_CONCERNS]]
    left = len(concerns) - _MOST_CONCERNS
    return element(
        "section",
        element("h2", "What is wrong", id="wrong"),
        element("ul", items, class_="concerns"),
        element("p", f"{left} more of the same or less weight.", class_="soft") if left > 0 else None,
        aria_labelledby="wrong",
    )


def _item(concern: Concern) -> Element:
    body = element(
        "div",
        element("p", element("strong", concern.title)),
        element("p", unbroken(sentence(concern.evidence)), class_="soft") if concern.evidence else None,
        element("p", element("b", "Try: "), concern.advice.removeprefix("Try ")) if concern.advice else None,
    )
    return element("li", badge(concern.severity), body)
