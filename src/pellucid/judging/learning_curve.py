"""How figures change with the number of training rows: whether more data would help, and what is wrong if not.

Shape letters: N rows.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from pellucid.data.dataset import Classes, Dataset
from pellucid.errors import DataError
from pellucid.judging.baselines import baseline_outputs
from pellucid.judging.extrapolation import PowerLaw, outlook_of
from pellucid.judging.judgement import BiasVariance
from pellucid.judging.outputs import Outputs, run_over
from pellucid.judging.references import spread
from pellucid.judging.resampling import estimates, values_of
from pellucid.judging.verdict import verdict_on
from pellucid.networks import Plan
from pellucid.recipe import MetricName, Recipe
from pellucid.seed import generator
from pellucid.training.begin import begin
from pellucid.training.loop import advance
from pellucid.training.session import Session
from pellucid.training.tasks import Supervised, supervised_task_for

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
_MOST_TRAINING = 10_000
_LEAST_ROWS = 10
_TELLINGS = 100  # how often a training says how far it is

Progress = Callable[[int, int], None]
"""Told how many optimiser steps of how many are done."""


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """Networks trained on so many rows.

    Attributes:
        rows: training rows.
        train: the metric on those, mean over the seeds.
        validation: the metric on the validation rows, mean over the seeds.
        low, high: the least and the most of the seeds' validation figures.
    """

    rows: int
    train: float
    validation: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """What a network and recipe make of more and more data.

    Attributes:
        metric: of all figures.
        points: by rising number of rows, the last with all of them.
        seeds: trainings a point.
        steps: optimiser steps of each training, the same for every point.
        baseline: the metric on the validation rows without a network.
        verdict: on bias and variance with all rows; None where it cannot be told.
        law: the power law through the validation errors; None where none fits.
        doubled: the metric to be expected of twice the rows; None where the curve does not support one.
        statement: whether more data would help, in words.
    """

    metric: MetricName
    points: tuple[LearningPoint, ...]
    seeds: int
    steps: int
    baseline: float
    verdict: BiasVariance | None
    law: PowerLaw | None
    doubled: float | None
    statement: str

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data."""
        return asdict(self)


def learning_curve(
    data: Dataset, network: str | Plan, recipe: Recipe, *, seeds: int = 1, progress: Progress | None = None
) -> LearningCurve:
    """Train a network on a sixteenth, an eighth, a quarter, half and all of the training rows, and judge each.

    Every training takes the same optimiser steps with the same schedule and looks at the validation rows as often:
    an epoch of a smaller part goes through it several times. With the same epochs instead, a part of a sixteenth would
    be trained for a sixteenth of the steps, and its figure would tell of too little training, not of too little data.
    The parts are nested and keep the classes' shares; of a series they are its latest windows. Inputs are standardised
    as on all training rows, which is a little kind to the small parts.

    Args:
        data: its training rows are divided, its validation rows judge.
        network: arrows, a zoo name or a plan; each training begins with fresh weights.
        recipe: how to train, every choice made.
        seeds: trainings a part, with this many seeds from the recipe's on.
        progress: is told how far it is.

    Raises:
        DataError: too few training rows to divide.
    """
    task = supervised_task_for(data, recipe)
    sizes, order = _sizes(data), _order(data, recipe.seed)
    plan = [(size, seed) for size in sizes for seed in range(seeds)]
    figures: dict[int, list[tuple[float, float]]] = {size: [] for size in sizes}
    for number, (size, seed) in enumerate(plan):
        part = _only(data, order[:size])
        session = begin(part, network, dataclasses.replace(recipe, seed=recipe.seed + seed)).session
        _train(session, number, len(plan), progress)
        training = _look(session, task, data, spread(order[:size], _MOST_TRAINING))
        held_out = _look(session, task, data, data.rows["validation"])
        train, validation = (values_of(outputs, task)[task.metric] for outputs in (training, held_out))
        figures[size].append((train, validation))
    # the last training had all rows
    guessed = baseline_outputs(held_out, data, task, data)[1]
    verdict = verdict_on(partial(_look, session, task), held_out, guessed, data, data, task)
    estimate = estimates(held_out, task)[task.metric]
    points = tuple(_point(size, judged) for size, judged in figures.items())
    metric = task.metric
    outlook = outlook_of(metric, [point.rows for point in points], [point.validation for point in points], estimate)
    return LearningCurve(
        metric=metric,
        points=points,
        seeds=seeds,
        steps=session.progress.step,
        baseline=values_of(guessed, task)[metric],
        verdict=verdict,
        law=outlook.law,
        doubled=outlook.doubled,
        statement=outlook.statement,
    )


def _sizes(data: Dataset) -> list[int]:
    """Return how many rows each part has.

    Raises:
        DataError: not even half of the training rows are enough to train on.
    """
    count = len(data.rows["train"])
    classes = len(data.target.names) if isinstance(data.target, Classes) else 1
    least = max(_LEAST_ROWS, 2 * classes)
    sizes = [round(count * share) for share in SHARES]
    enough = [size for size in sizes if size >= least]
    if len(enough) < 2:
        raise DataError(
            "there are too few training rows for a learning curve",
            expected=f"at least {2 * least}: half of them must be {least} or more",
            received=f"{count:,}",
        )
    return enough


def _order(data: Dataset, seed: int) -> Tensor:
    """Return the training rows in an order whose every beginning is a part to train on.

    Of classes each is spread evenly over the order: the (r + 1/2) / n-th of the way for the r-th of its n rows. A
    series begins with its latest windows: its oldest would be further from what is to be forecast, not only fewer.
    """
    rows = data.rows["train"]
    if data.preprocessing.kind == "series":
        return rows.flip(0)
    shuffled = rows[torch.randperm(len(rows), generator=generator(seed, "learning-curve"))]
    if not isinstance(data.target, Classes):
        return shuffled
    labels = data.targets[shuffled]
    place = torch.empty(len(shuffled), dtype=torch.float64)
    for label in labels.unique():
        of_class = (labels == label).nonzero().flatten()
        place[of_class] = (torch.arange(len(of_class), dtype=torch.float64) + 0.5) / len(of_class)
    return shuffled[place.argsort(stable=True)]


def _only(data: Dataset, part: Tensor) -> Dataset:
    """Return the data with a part of its training rows, repeated until they are as many as they were."""
    count = len(data.rows["train"])
    repeated = part.repeat(math.ceil(count / len(part)))[:count]
    return dataclasses.replace(data, rows={**data.rows, "train": repeated})


def _train(session: Session, number: int, of: int, progress: Progress | None) -> None:
    """Train to the end and take the weights of the best epoch; tell how many steps of all trainings are done."""
    total = session.total_steps
    for event in advance(session, every=max(1, total // _TELLINGS)):
        if progress is not None and event is not None:
            progress(number * total + session.progress.step, of * total)
    session.network.load_state_dict(session.best_weights)


def _look(session: Session, task: Supervised, data: Dataset, rows: Tensor) -> Outputs:
    return run_over(session.network, data, task, rows, session.device)


def _point(size: int, judged: list[tuple[float, float]]) -> LearningPoint:
    train, validation = (tuple(values) for values in zip(*judged, strict=True))
    return LearningPoint(size, fmean(train), fmean(validation), min(validation), max(validation))
