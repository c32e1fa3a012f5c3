"""The loss around a network's weights."""

import torch

from pellucid.chart import FigureData
from pellucid.explain.explanation import Part, Subject
from pellucid.explain.landscape.curvature import curvature, curvature_chart
from pellucid.explain.landscape.loss_surface import loss_surface, slice_between, slice_chart, surface_chart
from pellucid.explain.landscape.objective import Objective
from pellucid.seed import generator
from pellucid.shapes import Tokens
from pellucid.training.tasks.supervised import Supervised

_ROWS = 256
_MOST_WEIGHTS = 200_000
"""Of more the Hessian's eigenvalues take minutes."""


def surroundings(subject: Subject) -> Part | None:
    """Return the loss around the weights, on the way to them, and what kind of point they are."""
    if not isinstance(subject.task, Supervised) or isinstance(subject.data.input_shape, Tokens):
        return None
    rows = subject.data.rows["train"]
    drawn = rows[torch.randperm(len(rows), generator=generator(subject.seed, "surface"))[:_ROWS]]
    inputs, targets = subject.data.batch(drawn)
    objective = Objective(subject.network, subject.task.loss, inputs, targets)
    weights = sum(parameter.numel() for parameter in subject.network.parameters())
    figures: list[FigureData] = []
    if subject.start is not None:
        way = slice_between(objective, subject.start, objective.weights)
        figures.append(slice_chart(way, "From the first weights, 0, to the last, 1"))
    figures.append(surface_chart(loss_surface(objective, seed=subject.seed)))
    facts = []
    if weights <= _MOST_WEIGHTS:
        found = curvature(objective, seed=subject.seed)
        facts = [f"By its slope and curvature the place where the training ended is: {found.verdict}"]
        figures.append(curvature_chart(found))
    return Part(
        key="surroundings",
        title="The loss around it",
        lead=f"The training loss, on {len(drawn)} rows, as a function of the weights: straight from where the training"
        " began to where it ended, and over a plane of two random directions scaled filter by filter (Li et al. 2018).",
        facts=facts,
        figures=figures,
    )
