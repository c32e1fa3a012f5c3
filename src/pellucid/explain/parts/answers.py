"""What a network's answers rest on, and where in the plane it decides for what."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from pellucid.chart import FigureData, Path, Tile, Tiles
from pellucid.data import Classes, Dataset
from pellucid.data.tables.preprocessing import TablePreprocessing
from pellucid.explain.explanation import Part, Subject
from pellucid.explain.seeing.attribution import attribution_bars, attribution_tiles, integrated_gradients, occlusion
from pellucid.explain.seeing.decision import decision_chart, decision_surface
from pellucid.shapes import Features, Image, Tokens
from pellucid.training.tasks.supervised import Supervised

_SHOWN = 6
_SAMPLES = 200


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
