"""What is said on the terminal of a search: the space, the trials, the candidates."""

import math
from collections import Counter

from pellucid.judging.seeds import Spread
from pellucid.judging.wording import is_share, metric
from pellucid.report.numbers import counted
from pellucid.tuning import UNTUNED, Candidate, Parameter, SearchResult, Space, Trial

_SHOWN = 5


def space_lines(space: Space, trials: int, strategy: str, share: int) -> str:
    """Return what is searched for, parameter by parameter."""
    halved = "all to the end" if share == 1 else f"again and again the best one in {share} trains on"
    lines = [f"search   {counted(trials, 'trial')}, {strategy.replace('-', ' ')}; {halved}"]
    width = max(len(parameter.name) for parameter in space.parameters)
    lines += [f"         {parameter.name:<{width}}  {range_of(parameter)}" for parameter in space.parameters]
    if "network" in space.texts:
        lines.append(f"network  {space.texts['network']}")
    return "\n".join(lines)


def range_of(parameter: Parameter) -> str:
    """Return the values a parameter can take, in words."""
    if parameter.choices:
        return ", ".join(parameter.choices)
    ends = f"{parameter.at(0.0)} to {parameter.at(1.0)}"
    if parameter.scale == "log":
        return f"{ends}, on a logarithmic scale"
    return f"{ends}, in steps of {parameter.step:g}" if parameter.step not in (0.0, 1.0) else ends


def trial_lines(result: SearchResult) -> str:
    """Return how the trials ended, and the best of them."""
    lines = [f"trials   {ends_of(result)}; the best by validation {result.metric}:"]
    best = result.shown[:_SHOWN]
    return "\n".join(lines + [f"         {trial_line(result, trial)}" for trial in best])


def ends_of(result: SearchResult) -> str:
    """Return how many trials ended how: `64 trials: 3 to their end, 60 ended for better ones, 1 diverged`."""
    ends = Counter(_end_of(trial) for trial in result.trials)
    each = [f"{ends[end]} {end}" for end in ("to the end", "ended for better ones", "diverged", "could not be begun")
            if ends[end]]  # fmt: skip
    return f"{counted(len(result.trials), 'trial')}: {', '.join(each)}"


def _end_of(trial: Trial) -> str:
    if trial.came_to_its_end:
        return "to the end"
    if trial.was_halved:
        return "ended for better ones"
    return "diverged" if trial.planned else "could not be begun"


def trial_line(result: SearchResult, trial: Trial) -> str:
    """Return a trial's figure and what was drawn: `accuracy 98.9 %  trial 17: learning_rate 0.0031, width 32`."""
    value = metric(result.metric, trial.metrics.get(result.metric, float("nan")))
    return f"{value}  trial {trial.number}: {drawn(trial)}"


def drawn(trial: Trial) -> str:
    """Return what was drawn: `learning_rate 0.0031, width 32`."""
    return ", ".join(f"{name} {value}" for name, value in trial.values.items())


def candidate_lines(result: SearchResult) -> str:
    """Return how the candidates do with several seeds, and by how much the winner is better than the others."""
    candidates = result.candidates()
    count = len({each.seed for each in result.replicates})
    width = max(len(each.title) for each in candidates)
    lines = [f"again    with {counted(count, 'other seed')}: mean validation {result.metric} and its 95 % interval"]
    lines += [f"         {each.title:<{width}}  {mean_of(result, each)}" for each in candidates]
    lines += [f"         - {line}" for line in gain_lines(result)]
    return "\n".join(lines)


def mean_of(result: SearchResult, candidate: Candidate) -> str:
    """Return a candidate's mean and interval: `98.7 % (98.3 % to 99.1 %)`."""
    lost = f"; diverged with seed {', '.join(map(str, candidate.lost))}" if candidate.lost else ""
    if candidate.spread is None:
        return f"none{lost}"
    spread = candidate.spread
    if math.isnan(spread.low):  # of a single seed
        return f"{metric(result.metric, spread.mean)}{lost}"
    ends = f"{metric(result.metric, spread.low)} to {metric(result.metric, spread.high)}"
    return f"{metric(result.metric, spread.mean)} ({ends}){lost}"


def gain_lines(result: SearchResult) -> list[str]:
    """Return by how much the winner is better than the next trial, and than no search, and whether that may be luck."""
    if result.winner is None:
        return []
    others = [each for each in result.candidates() if each.name != result.winner and each.spread is not None]
    if result.winner == UNTUNED:
        return ["no trial is better than what pellucid chooses without a search: that is kept"]
    second = next((each for each in others if each.name != UNTUNED), None)
    untuned = next((each for each in others if each.name == UNTUNED), None)
    lines = []
    for other, what in ((untuned, "what pellucid chooses without a search"), (second, "the next best trial")):
        gain = None if other is None else result.gain(result.winner, other.name)
        if gain is not None:
            lines.append(f"trial {result.winner} is {_compared(result, gain, what)}")
    return lines


def _compared(result: SearchResult, gain: Spread, what: str) -> str:
    word = "better" if gain.mean >= 0 else "worse"
    # few seeds on few rows can differ by the same number of rows: that is no certainty
    is_same = math.isclose(gain.low, gain.high)
    ends = "with each seed" if is_same else " to ".join(_amount(result.metric, end) for end in (gain.low, gain.high))
    luck = "" if gain.low > 0 and not is_same else ": that may be luck"
    return f"{word} than {what} by {_amount(result.metric, abs(gain.mean))}{_unit(result.metric)} ({ends}){luck}"


def _amount(name: str, difference: float) -> str:
    return f"{100 * difference if is_share(name) else difference:.3g}"


def _unit(name: str) -> str:
    return " points" if is_share(name) else ""
