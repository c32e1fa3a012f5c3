"""The explanations that suit a network and its data, each a `Part`; None where one does not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor, nn

from pellucid.chart import FigureData, Path, Tile, Tiles
from pellucid.data import Classes, Dataset
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.errors import DataError, OptionError
from pellucid.explain.anatomy import HEADS
from pellucid.explain.anatomy import network as layers_of
from pellucid.explain.attribution import attribution_bars, attribution_tiles, integrated_gradients, occlusion
from pellucid.explain.calls import Given
from pellucid.explain.curvature import curvature, curvature_chart
from pellucid.explain.decision import decision_chart, decision_surface
from pellucid.explain.derivation import Derivation, backprop
from pellucid.explain.embedding import embed, embedding_chart
from pellucid.explain.explanation import Part, Subject
from pellucid.explain.features import (
    activating_samples,
    activating_tiles,
    feature_map_tiles,
    feature_maps,
    kernel_tiles,
    kernels,
)
from pellucid.explain.gates import gates_chart, gates_over_text, gates_tiles
from pellucid.explain.loss_surface import loss_surface, slice_between, slice_chart, surface_chart
from pellucid.explain.objective import Objective
from pellucid.seed import generator
from pellucid.shapes import Features, Image, Tokens
from pellucid.training.tasks.supervised import Supervised

_SHOWN = 6
_SAMPLES = 200
_ROWS_OF_SURFACE = 256
_MOST_WEIGHTS = 200_000
"""Of more the Hessian's eigenvalues take minutes."""

_DERIVED: tuple[Literal["cross-entropy"], Literal["squared-error"]] = ("cross-entropy", "squared-error")


def derivation(subject: Subject, learning_rate: float | None = None) -> Derivation:
    """Return the forward and backward pass of the sample.

    Raises:
        DataError: the task has no loss of one sample that is written out.
    """
    asked = subject.task.loss_name
    name = next((each for each in _DERIVED if each == asked), None)
    if name is None or not isinstance(subject.task, Supervised):
        raise DataError(f"the loss {asked} has no written formula", expected=" or ".join(_DERIVED), received=asked)
    inputs, targets = subject.data.batch(torch.tensor([subject.row]))
    return backprop(subject.network, inputs, targets, loss=name, learning_rate=learning_rate)


def anatomy(network: nn.Module, inputs: Given) -> Part:
    """Return every layer with its shapes, weights, operations and receptive field."""
    told = layers_of(network, inputs)
    return Part(
        key="layers",
        title="Layer by layer",
        lead="Each call of a layer in order: what came, what it gave, its weights, 2 x its multiply-adds, the memory of"
        " what it gave, and how much of the input one of its numbers sees.",
        heads=HEADS,
        rows=told.rows,
    )


def answers(subject: Subject) -> Part | None:
    """Return what in the inputs speaks for the network's answers."""
    data, network = subject.data, subject.network
    if not isinstance(subject.task, Supervised) or isinstance(data.input_shape, Tokens):
        return None
    if isinstance(data.input_shape, Image):
        rows = _beside(subject.row, data, _SHOWN)
        inputs = data.batch(rows)[0]
        parts = integrated_gradients(network, inputs)
        patch = max(1, inputs.shape[-1] // 6)
        covered = occlusion(network, inputs, patch=(patch, patch), stride=(max(1, patch // 2),) * 2)
        captions = _captions(subject, rows, parts.chosen)
        figures: list[FigureData] = [
            _pictures(inputs, captions),
            attribution_tiles(parts, captions, "What speaks for the answer"),
            attribution_tiles(covered, captions, "What is missed where it is covered"),
        ]
        error = float(parts.error.abs().max()) if parts.error is not None else 0.0
        facts = [f"The parts of each picture sum to the answer less that of an empty one, but for {error:.2g} at most"]
    elif isinstance(data.input_shape, Features):
        inputs = data.batch(data.rows["test"][:_SAMPLES])[0]
        found = integrated_gradients(network, inputs)
        names = _feature_names(data)
        figures, facts = [attribution_bars(found, names)], []
    else:
        return None
    lead = (
        "How much each part of the input has to do with the likeliest answer: integrated gradients (Sundararajan et al."
        " 2017), which share the answer out among the inputs, and for pictures what is lost where a part is covered"
        " (Zeiler and Fergus 2014)."
    )
    return Part(key="answers", title="What the answers rest on", lead=lead, facts=facts, figures=figures)


def inside(subject: Subject) -> Part | None:
    """Return what layers see: kernels, maps, what excites a unit, the samples as the last layer but one has them."""
    figures: list[FigureData] = []
    convolutions = [name for name, layer in subject.network.named_modules() if isinstance(layer, nn.Conv2d)]
    if convolutions and isinstance(subject.data.input_shape, Image):
        maps = feature_maps(subject.network, subject.data.batch(torch.tensor([subject.row]))[0])
        last = maps[-1]
        unit = int(last.maps[0].flatten(1).amax(1).argmax())
        figures += [kernel_tiles(kernels(subject.network)), feature_map_tiles(maps[0])]
        figures += [feature_map_tiles(last)] if len(maps) > 1 else []
        figures.append(
            activating_tiles(activating_samples(subject.network, subject.data, last.layer, unit, split="test"))
        )
    figures += _embedded(subject)
    if not figures:
        return None
    lead = (
        "The network's own numbers: the weights that it looks with, what its layers make of the sample, what excites"
        " the unit that the sample excites most, and where all test samples lie in the layer before the last."
    )
    return Part(key="inside", title="Inside the network", lead=lead, figures=figures)


def memory(subject: Subject) -> Part | None:
    """Return the gates of recurrent layers over a text."""
    try:
        found = gates_over_text(subject.network, subject.data, subject.row)
    except (DataError, OptionError):
        return None
    figures: list[FigureData] = []
    shown = slice(-24, None)
    for layer in found.gates:
        short = replace(layer, values={name: values[:, shown] for name, values in layer.values.items()})
        figures += [gates_chart(short, found.tokens[shown]), gates_tiles(short)]
    error = max((layer.error or 0.0 for layer in found.gates), default=0.0)
    return Part(
        key="memory",
        title="What it remembers",
        lead="The gates over the last tokens of the text, computed from the weights by the cells' formulas.",
        facts=[f"The formulas' states and the layers' own are at most {error:.1e} apart"],
        figures=figures,
    )


def plane(subject: Subject) -> Part | None:
    """Return where a classifier of two features decides for what."""
    data, target = subject.data, subject.data.target
    if not isinstance(target, Classes) or data.input_shape != Features(2):
        return None
    inputs, labels = (each[:_SAMPLES] for each in data.split("train"))
    first, second = _feature_names(data)
    found = decision_surface(subject.network, inputs, features=(first, second))
    points = [
        Path(label=name, x=inputs[chosen, 0].tolist(), y=inputs[chosen, 1].tolist())
        for number, name in enumerate(target.names[:_SHOWN])
        if (chosen := labels == number).any()
    ]
    charts = [
        replace(decision_chart(found, target.names, which), points=points)
        for which in range(min(len(target.names), _SHOWN))
    ]
    figures = charts[1:2] if len(target.names) == 2 else charts
    return Part(
        key="plane", title="What is decided where", figures=figures,
        lead="The probability of a class over the plane of the two features, and a tenth beyond the data.",
    )  # fmt: skip


def surroundings(subject: Subject) -> Part | None:
    """Return the loss around the weights, on the way to them, and what kind of point they are."""
    if not isinstance(subject.task, Supervised) or isinstance(subject.data.input_shape, Tokens):
        return None
    rows = subject.data.rows["train"]
    drawn = rows[torch.randperm(len(rows), generator=generator(subject.seed, "surface"))[:_ROWS_OF_SURFACE]]
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


def _embedded(subject: Subject) -> list[FigureData]:
    """Return the test samples as the layer before the last one has them, and as they come."""
    dense = [name for name, layer in subject.network.named_modules() if isinstance(layer, nn.Linear)]
    if len(dense) < 2 or not isinstance(subject.data.target, Classes):
        return []
    try:
        found = [embed(subject.network, subject.data, layer) for layer in (None, dense[-2])]
    except DataError:
        return []
    titles = ("The samples as they come", "The samples as the last layer but one has them")
    return [embedding_chart(each, title) for each, title in zip(found, titles, strict=True)]


def _beside(row: int, data: Dataset, count: int) -> Tensor:
    """Return a row and the first others of the test split."""
    others = [each for each in data.rows["test"].tolist() if each != row]
    return torch.tensor([row, *others[: count - 1]])


def _captions(subject: Subject, rows: Tensor, chosen: Tensor) -> list[str]:
    target = subject.data.target
    if not isinstance(target, Classes):
        return [f"row {row + 1}" for row in rows.tolist()]
    labels = subject.data.targets[rows].tolist()
    pairs = zip(chosen.tolist(), labels, strict=True)
    return [target.names[said] + ("" if said == label else f", is {target.names[label]}") for said, label in pairs]


def _pictures(inputs_BCHW: Tensor, captions: Sequence[str]) -> Tiles:
    tiles = [
        Tile(caption=caption, values=one.mean(0).tolist()) for caption, one in zip(captions, inputs_BCHW, strict=True)
    ]
    return Tiles(
        title="The samples", detail="what the network answers; where it is wrong, what it is",
        says="The samples: " + "; ".join(captions) + ".", tiles=tiles, columns=len(tiles), together=False,
    )  # fmt: skip


def _feature_names(data: Dataset) -> tuple[str, ...]:
    if isinstance(data.preprocessing, TablePreprocessing):
        return data.preprocessing.features
    assert isinstance(data.input_shape, Features)
    return tuple(f"x{place + 1}" for place in range(data.input_shape.count))
