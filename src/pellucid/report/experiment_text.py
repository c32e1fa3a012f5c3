"""What is said on the terminal of an experiment: the list of all, and what came out of one."""

import textwrap
from collections.abc import Iterable
from itertools import groupby

from pellucid.experiments import Check, Experiment, Outcome, Quantity, mean_of
from pellucid.judging.seeds import spread
from pellucid.judging.wording import percent
from pellucid.report.numbers import counted, duration

_WIDTH = 110
_SIGNS = {True: "holds", False: "does not", None: "undecided"}


def catalogue_lines(experiments: Iterable[Experiment]) -> str:
    """Return every experiment under its topic, with its title."""
    every = list(experiments)
    width = max(len(each.name) for each in every)
    lines = [f"{len(every)} claims of the field, each to be measured: pellucid experiment NAME"]
    for topic, group in groupby(every, key=lambda each: each.topic):
        lines += ["", topic, *(f"  {each.name:<{width}}  {each.title}" for each in group)]
    return "\n".join(lines)


def outcome_lines(outcome: Outcome) -> str:
    """Return the claim, its statements with the figures, and the verdict."""
    experiment, result = outcome.experiment, outcome.result
    lines = [
        experiment.title,
        "",
        *_wrapped("claim", experiment.claim),
        *_wrapped("source", experiment.source),
        *_wrapped("measured", experiment.method),
        "",
        *(line for check in result.checks for line in _checked(check)),
        "",
        *(line for note in result.notes for line in _wrapped("note", note)),
        *_wrapped("verdict", verdict_line(outcome)),
    ]
    return "\n".join(lines)


def verdict_line(outcome: Outcome) -> str:
    """Return the verdict with how many of the statements hold, and how it was measured."""
    held = sum(check.holds is True for check in outcome.result.checks)
    of = counted(len(outcome.result.checks), "statement")
    return f"{outcome.verdict}: {held} of {of}, with {len(outcome.seeds)} seeds, in {duration(outcome.seconds)}"


def written(quantity: Quantity) -> tuple[str, str]:
    """Return the mean of a quantity over the seeds, and its 95 % interval where it has one."""

    def number(value: float) -> str:
        return percent(value) if quantity.share and value == value else f"{value:.4g}"  # noqa: PLR0124 (NaN is no share)

    values = list(quantity.values)
    if len(set(values)) == 1:
        return number(values[0]), ""
    if quantity.scale == "log":
        return number(mean_of(quantity)), f"{number(min(values))} to {number(max(values))} (all seeds)"
    found = spread("", values)
    return number(mean_of(quantity)), f"{number(found.low)} to {number(found.high)}"


def _checked(check: Check) -> list[str]:
    label = _SIGNS[check.holds]
    return [*_wrapped(label, f"{check.statement[0].upper()}{check.statement[1:]}:"), *_wrapped("", check.evidence)]


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=f"{label:<10} ", subsequent_indent=" " * 11)
