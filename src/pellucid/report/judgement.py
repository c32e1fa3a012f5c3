"""A judgement as terminal text: is it good, and what is wrong with it."""

import math
from collections.abc import Iterable, Iterator, Sequence

from pellucid.judging.judgement import ClassScores, Confusion, Judgement, ThresholdChoice
from pellucid.judging.wording import metric, percent
from pellucid.report.mix_ups import mix_ups
from pellucid.report.numbers import counted, interval, shortened

Block = tuple[str, list[str]]

_FEW_CLASSES = 5
_MOST_CONCERNS = 3
_MOST_MIX_UPS = 3
_MOST_NAME = 20
_MARGIN = 9  # the width of the words on the left, as in the lines of a training
_SIGNS = {"critical": "✕", "warning": "!", "note": "i"}


def verdict_lines(judgement: Judgement) -> str:
    """Return the headline and what is wrong: what is said when a training ends."""
    return _written(_verdict(judgement))


def judgement_lines(judgement: Judgement) -> str:
    """Return the headline, what is wrong, the metrics, and where the mistakes are, in some 25 lines at most."""
    blocks = (
        *_verdict(judgement),
        ("metrics", _metrics(judgement)),
        ("fit", _fit(judgement)),
        ("labels" if judgement.task == "multilabel" else "classes", _classes(judgement.classes)),
        ("mix-ups", _mix_ups(judgement.confusion)),
        ("decide", _threshold(judgement.threshold)),
    )
    return _written(blocks)


def _verdict(judgement: Judgement) -> tuple[Block, ...]:
    return ("verdict", [judgement.headline]), ("wrong", list(_concerns(judgement)))


def _written(blocks: Iterable[Block]) -> str:
    """Return blocks of lines, each behind its word."""
    lines = []
    for word, block in blocks:
        for number, line in enumerate(block):
            lines.append(f"{word if number == 0 else '':<{_MARGIN}}{line}".rstrip())
    return "\n".join(lines)


def _concerns(judgement: Judgement) -> Iterator[str]:
    if not judgement.concerns:
        yield "nothing was found"
    for concern in judgement.concerns[:_MOST_CONCERNS]:
        yield f"{_SIGNS[concern.severity]} {concern.severity}: {concern.title}"
        if concern.evidence:
            yield f"  {concern.evidence}"
        if concern.advice:
            yield f"  try: {concern.advice.removeprefix('Try ')}"
    left = len(judgement.concerns) - _MOST_CONCERNS
    if left > 0:
        yield f"  and {left} more"


def _metrics(judgement: Judgement) -> list[str]:
    """Return a line a metric, the leading one first: value, interval, and the value without a network."""
    names = [judgement.metric, *(name for name in judgement.metrics if name != judgement.metric)]
    rows = []
    for name in names:
        estimate, baseline = judgement.metrics[name], judgement.baseline.metrics.get(name)
        without = "" if baseline is None else f"without a network {metric(name, baseline)}"
        between = f"({interval(name, estimate)})" if interval(name, estimate) else ""
        rows.append((name, metric(name, estimate.value), between, without))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{name:<{widths[0]}}  {value:>{widths[1]}}  {between:<{widths[2]}}  {without}".rstrip()
        for name, value, between, without in rows
    ]
    lines[0] += f": {judgement.baseline.name}" if rows[0][3] else ""
    return lines


def _fit(judgement: Judgement) -> list[str]:
    found = judgement.bias_variance
    if found is None:
        return []
    train, held_out = metric(found.metric, found.train), metric(found.metric, found.held_out.value)
    return [f"{found.verdict}: {found.metric} {train} on training rows, {held_out} on {judgement.split} rows"]


def _classes(scores: Sequence[ClassScores]) -> list[str]:
    """Return a line a class; where there are many, the weakest."""
    if not scores:
        return []
    many = len(scores) > _FEW_CLASSES
    shown = sorted(scores, key=lambda each: (each.f1, each.name))[:_FEW_CLASSES] if many else scores
    names = [shortened(each.name, _MOST_NAME) for each in shown]
    width = max(map(len, names))
    counts = [counted(each.support, "row") for each in shown]
    room = max(map(len, counts))
    lines = [
        f"{name:<{width}}  {count:>{room}}  precision {_share(each.precision.value):>6}"
        f"  recall {_share(each.recall.value):>6}  F1 {_share(each.f1):>6}"
        for name, count, each in zip(names, counts, shown, strict=True)
    ]
    return [f"the weakest {_FEW_CLASSES} of {len(scores):,}", *lines] if many else lines


def _mix_ups(confusion: Confusion | None) -> list[str]:
    if confusion is None:
        return []
    pairs = mix_ups(confusion)[:_MOST_MIX_UPS]
    said = [
        f"'{shortened(pair.truth, _MOST_NAME)}' taken for '{shortened(pair.said, _MOST_NAME)}'"
        f" {counted(pair.count, 'time')} of {pair.support:,}"
        for pair in pairs
    ]
    return ["; ".join(said)] if said else []


def _threshold(choice: ThresholdChoice | None) -> list[str]:
    if choice is None:
        return []
    usual, chosen = choice.usual, choice.chosen
    name = shortened(choice.positive, _MOST_NAME)
    chosen_line = (
        f"'{name}' from probability {chosen.threshold:.3g} (for {choice.goal}, chosen on {choice.chosen_on}):"
        f" precision {_share(chosen.precision)}, recall {_share(chosen.recall)}, F1 {_share(chosen.f1)}"
    )
    usual_line = (
        f"{' ' * len(name)}   from probability {usual.threshold:.3g}: precision {_share(usual.precision)},"
        f" recall {_share(usual.recall)}, F1 {_share(usual.f1)}; AUC {choice.auc.value:.3f}"
    )
    return [chosen_line, usual_line]


def _share(value: float) -> str:
    return "–" if math.isnan(value) else percent(value)
