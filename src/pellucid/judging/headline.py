"""One sentence that says whether a network is good, for someone who knows no metric."""

import math
from collections.abc import Mapping

from pellucid.data.dataset import Dataset, Labels, SplitName, Values
from pellucid.data.texts.text import TextPreprocessing
from pellucid.judging.judgement import Baseline, Estimate
from pellucid.judging.wording import metric as written
from pellucid.training.tasks import Supervised

_SEEN: Mapping[SplitName, str] = {
    "train": "it learned from",
    "validation": "that chose its best epoch",
    "test": "it never saw",
}


def headline(
    task: Supervised, data: Dataset, split: SplitName, metrics: Mapping[str, Estimate], baseline: Baseline
) -> str:
    """Return the sentence: how often it is right or how far it is off, on how many rows, and what no network does."""
    count = len(data.rows[split])
    name = "mae" if isinstance(task.target, Values) else "accuracy"
    estimate, guess = metrics[name], written(name, baseline.metrics[name])
    value, interval = written(name, estimate.value), _interval(name, estimate)
    seen = f" {_SEEN[split]}" if len(data.rows["train"]) else ""
    new = "" if seen else "new "
    match task.name:
        case "classification":
            rows = f"{count:,} {new}{_rows(count)}{seen}"
            return f"Right on {value} of {rows}{interval}; {baseline.name} is right on {guess}."
        case "multilabel":
            assert isinstance(task.target, Labels)
            rows = f"{count:,} {new}{_rows(count)}{seen}"
            every = written("exact_match", metrics["exact_match"].value)
            labels = f"{value} of the {len(task.target.names)} labels of {rows}{interval}"
            return f"Right on {labels}, on all of a row's on {every}; {baseline.name} is right on {guess}."
        case "language":
            tokens = f"{data.targets[data.rows[split]].numel():,} {_tokens(data)} of a {new}text{seen}"
            return f"Right on {value} of {tokens}{interval}; {baseline.name} is right on {guess}."
        case _:
            assert isinstance(task.target, Values)
            what = f"'{task.target.names[0]}'" if len(task.target.names) == 1 else f"{len(task.target.names)} values"
            where = f"on {count:,} {new}{_rows(count)}{seen}{interval}"
            return f"Off by {value} in {what} on average, {where}; {baseline.name} is off by {guess}."


def _interval(name: str, estimate: Estimate) -> str:
    """Return the interval in brackets, or nothing of so few rows that there is none."""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return ""
    return f" ({written(name, estimate.low)} to {written(name, estimate.high)})"


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _tokens(data: Dataset) -> str:
    words = isinstance(data.preprocessing, TextPreprocessing) and data.preprocessing.vocabulary.level == "word"
    return "next words" if words else "next characters"
