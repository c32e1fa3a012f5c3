"""How numbers are written for people."""

import math
import re
from collections.abc import Mapping

from pellucid.judging.judgement import Estimate
from pellucid.judging.wording import metric


def metrics(values: Mapping[str, float]) -> str:
    """Return all metrics in one line: `accuracy 98.6 %, loss 0.0512`; of several tasks `digit: accuracy 98.6 %`."""
    by_task: dict[str, list[str]] = {}
    for name, value in values.items():
        task, _, plain = name.rpartition(".")
        by_task.setdefault(task, []).append(f"{plain} {metric(name, value)}")
    return "; ".join((f"{task}: " if task else "") + ", ".join(said) for task, said in by_task.items())


def duration(seconds: float) -> str:
    """Return a time for people: `0.8 s`, `14 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def interval(name: str, estimate: Estimate) -> str:
    """Return an estimate's 95 % confidence interval: `96.1 % to 99.1 %`, or nothing where there is none."""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return ""
    return f"{metric(name, estimate.low)} to {metric(name, estimate.high)}"


def counted(count: int, noun: str) -> str:
    """Return a number of things: `1 row`, `3,256 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


_TITLES = {
    "mse": "MSE",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "f1": "F1",
    "energy_distance": "Energy distance",
    "nearest_neighbour": "Nearest of its own",
    "real_accuracy": "Real ones recognised",
    "made_accuracy": "Samples recognised",
    "high_quality": "Samples in a mode",
    "psnr": "PSNR",
    "elbo": "ELBO",
    "iou": "IoU",
}


def title_of(name: str) -> str:
    """Return a metric's name as a heading writes it: `Accuracy`, `RMSE`."""
    task, _, plain = name.rpartition(".")
    title = _TITLES.get(plain, plain.replace("_", " ").capitalize())
    return f"{task}: {title[:1].lower() + title[1:] if plain not in _TITLES else title}" if task else title


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter and ends with a full stop."""
    ended = text if text.endswith((".", "!", "?", ")", "”")) or not text else f"{text}."
    first = ended.split(" ", 1)[0]
    return ended[:1].upper() + ended[1:] if first.isalpha() else ended  # the name of a file keeps its case


def unbroken(text: str) -> str:
    """Return a text in which no line ends between a figure and its percent sign."""
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)


def shortened(text: str, most: int) -> str:
    """Return a text cut to so many characters, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
