"""The worst predictions, and what stood in their rows.

Shape letters: N samples, F features, K target quantities.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.data.arrays.arrays import ArrayPreprocessing
from pellucid.data.dataset import Classes, Dataset, Labels, NextToken, Values
from pellucid.data.tables.columns import CategoryColumn, Column, DateColumn, NumberColumn
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.data.texts.text import TextLinesPreprocessing, TextPreprocessing
from pellucid.judging.judgement import Mistake
from pellucid.judging.outputs import Outputs
from pellucid.training.tasks import Supervised

_MOST_FEATURES = 64
_CONTEXT = 60


def worst_mistakes(
    outputs: Outputs, data: Dataset, task: Supervised, most: int, names: Sequence[str] | None = None
) -> tuple[Mistake, ...]:
    """Return the worst predictions, the worst first.

    Of classes and labels those that are wrong, by their loss: how sure the network was of what is wrong. Of values the
    largest errors, each in its target's own scale. Of texts the tokens least expected, one a window.

    Args:
        outputs: of the judged rows.
        data: what holds them.
        task: what is learned.
        most: how many at most.
        names: what the source calls each row of `data`; by default they are numbered.
    """
    badness_N = _badness(outputs, task)
    order = np.argsort(-badness_N, kind="stable")[:most]
    return tuple(_mistake(int(place), outputs, data, task, names) for place in order if badness_N[place] > -math.inf)


def _badness(outputs: Outputs, task: Supervised) -> NDArray[np.float64]:
    if isinstance(task.target, Values):
        errors_NK = np.abs(outputs.predicted.astype(np.float64) - outputs.truth.astype(np.float64))
        worst_N: NDArray[np.float64] = (errors_NK / np.array(task.target.scale)).max(1)
        return worst_N
    wrong_N = outputs.predicted != outputs.truth
    if isinstance(task.target, Labels):
        wrong_N = wrong_N.any(1)
    if isinstance(task.target, NextToken):
        assert outputs.worst_token is not None
        wrong_N = wrong_N[np.arange(len(outputs)), outputs.worst_token]
    return np.where(wrong_N, outputs.losses, -math.inf)


def _mistake(place: int, outputs: Outputs, data: Dataset, task: Supervised, names: Sequence[str] | None) -> Mistake:
    row = int(outputs.rows[place])
    truth, said, probability = _answers(place, outputs, task)
    name = f"row {row + 1}" if names is None else names[row]
    return Mistake(row, name, truth, said, probability, shown(data, row, outputs.worst_token, place))


def _answers(place: int, outputs: Outputs, task: Supervised) -> tuple[str, str, float | None]:
    truth, predicted = outputs.truth[place], outputs.predicted[place]
    match task.target:
        case Classes(known):
            assert outputs.confidence is not None
            return known[int(truth)], known[int(predicted)], float(outputs.confidence[place])
        case Labels(known):
            said = [
                ", ".join(name for name, holds in zip(known, row, strict=True) if holds) for row in (truth, predicted)
            ]
            return said[0] or "none", said[1] or "none", None
        case NextToken(known):
            assert outputs.confidence is not None
            assert outputs.worst_token is not None
            at = int(outputs.worst_token[place])
            return known[int(truth[at])], known[int(predicted[at])], float(outputs.confidence[place])
        case Values(known):
            texts = [[f"{value:.6g}" for value in values.tolist()] for values in (truth, predicted)]
            if len(known) == 1:
                return texts[0][0], texts[1][0], None
            written = [", ".join(f"{n} {t}" for n, t in zip(known, values, strict=True)) for values in texts]
            return written[0], written[1], None


def shown(data: Dataset, row: int, worst_token: NDArray[np.int64] | None = None, place: int = 0) -> Mapping[str, str]:
    """Return what stands in a row as people read it, column -> value; empty for images, series and other arrays.

    What was standardised is restored, to as many digits as its stored form (float32) still knows, six at most.
    """
    prepared, stored = data.preprocessing, data.inputs[row]
    match prepared:
        case TablePreprocessing():
            return _columns(prepared.columns, stored.numpy())
        case TextLinesPreprocessing():
            return {"text": prepared.vocabulary.decode(stored)}
        case TextPreprocessing():
            end = len(stored) if worst_token is None else int(worst_token[place]) + 1
            return {"text": prepared.decode(stored[max(0, end - _CONTEXT) : end])}
        case ArrayPreprocessing() if stored.ndim == 1 and len(stored) <= _MOST_FEATURES:
            return {f"x{number}": f"{value:.6g}" for number, value in enumerate(stored.tolist(), start=1)}
    return {}


def _columns(columns: Sequence[Column], features_F: NDArray[np.float32]) -> dict[str, str]:
    values, start = {}, 0
    for column in columns:
        width = len(column.features)
        values[column.name] = _value(column, features_F[start : start + width])
        start += width
    return values


def _value(column: Column, features: NDArray[np.float32]) -> str:
    if getattr(column, "missing", False) and features[-1] > 0.5:
        return "missing"
    match column:
        case NumberColumn():
            return _number(features[0], column)
        case DateColumn():
            seconds = float(features[0]) * column.scale + column.mean
            exact = "hour" in column.parts
            unit = 60 if exact else 3600  # what rounding leaves of a moment years away
            moment = dt.datetime.fromtimestamp(round(seconds / unit) * unit, dt.UTC)
            return moment.strftime("%Y-%m-%d %H:%M" if exact else "%Y-%m-%d")
        case CategoryColumn():
            level = int(features.argmax())
            if features[level] < 0.5:
                return "?"
            return column.levels[level] if level < len(column.levels) else "another"
    return "?"


def _number(stored: np.float32, column: NumberColumn) -> str:
    """Return the number that was standardised, without digits below the step between two float32."""
    step = float(np.spacing(abs(stored))) * column.scale
    value = round(float(stored) * column.scale + column.mean, math.floor(-math.log10(step)))
    return f"{value + 0.0:.6g}"  # -0.0 is 0
