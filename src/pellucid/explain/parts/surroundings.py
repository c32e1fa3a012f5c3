"""The loss around a network's weights."""

import torch

from pellucid.chart import FigureData, Surface
from pellucid.data import Dataset
from pellucid.explain.explanation import Part, Subject
from pellucid.explain.landscape.curvature import curvature, curvature_chart
from pellucid.explain.landscape.loss_surface import loss_surface, slice_between, slice_chart, surface_chart
from pellucid.explain.landscape.objective import Objective
from pellucid.judging.wording import percent
from pellucid.seed import generator
from pellucid.shapes import Tokens
from pellucid.training.tasks import MultiTask, Task
from pellucid.training.tasks.supervised import Supervised

_ROWS = 256
_LEAST_STATES = 3
_MOST_WEIGHTS = 200_000
"""Of more the Hessian's eigenvalues take minutes."""


def has_surroundings(task: Task, data: Dataset) -> bool:
    """Say whether what is learned has one plain loss, of inputs that are numbers."""
    return isinstance(task, Supervised | MultiTask) and not isinstance(data.input_shape, Tokens)


def surroundings(subject: Subject) -> Part | None:
    """Return the loss around the weights, on the way to them, and what kind of point they are."""
    if not isinstance(subject.task, Supervised | MultiTask) or not has_surroundings(subject.task, subject.data):
        return None
    rows = subject.data.rows["train"]
    drawn = rows[torch.randperm(len(rows), generator=generator(subject.seed, "surface"))[:_ROWS]]
    inputs, targets = subject.data.batch(drawn)
    objective = Objective(subject.network, subject.task.loss, inputs, targets)
    weights = sum(parameter.numel() for parameter in subject.network.parameters())
    figures: list[FigureData] = []
    if subject.start is not None:
        way = slice_between(objective, subject.start, objective.weights)
        figures.append(slice_chart(way, "From the first weights, 0, to the best, 1"))
    surface, plane, facts = _surface(subject, objective)
    figures.append(surface)
    if weights <= _MOST_WEIGHTS:
        found = curvature(objective, seed=subject.seed)
        facts = [*facts, f"By its slope and curvature the place of its best weights is: {found.verdict}"]
        figures.append(curvature_chart(found))
    return Part(
        key="surroundings",
        title="The loss around it",
        lead=f"The training loss, on {len(drawn)} rows, as a function of the weights: straight from where the training"
        f" began to its best weights, and over a plane of {plane}.",
        facts=facts,
        figures=figures,
    )


def _surface(subject: Subject, objective: Objective) -> tuple[Surface, str, list[str]]:
    """Return the loss over a plane, what plane that is, and what there is to be said of the training's way over it."""
    if subject.path is None or len(subject.path.states) < _LEAST_STATES:
        facts = [] if subject.path is None else ["The training took too few steps for its path to span a plane"]
        surface = surface_chart(loss_surface(objective, seed=subject.seed))
        return surface, "two random directions scaled filter by filter (Li et al. 2018)", facts
    found = loss_surface(objective, "principal", states=subject.path.states)
    assert found.way is not None
    last = subject.path.steps[-1]
    fact = f"The plane holds {percent(found.way.explained)} of the variance of the training's path, of which"
    fact += f" {len(subject.path.steps)} places were kept, from step 0 to step {last:,}"
    plane = (
        "the two principal directions of the path that the training took (Li et al. 2018, section 7). A high share of"
        " its variance does not make the path simple: a random walk through many weights has 61 % of its variance along"
        " the first such direction and 15 % along the second (Antognini and Sohl-Dickstein 2018)"
    )
    return surface_chart(found, "The loss around the training's path"), plane, [fact]
