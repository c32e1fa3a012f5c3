"""What lies inside a network: its layers and what they cost, see and remember."""

from dataclasses import replace

import torch
from torch import nn

from pellucid.chart import FigureData
from pellucid.data import Classes
from pellucid.errors import DataError, OptionError
from pellucid.explain.explanation import Part, Subject
from pellucid.explain.layers.anatomy import HEADS
from pellucid.explain.layers.anatomy import network as layers_of
from pellucid.explain.layers.calls import Given
from pellucid.explain.layers.field import field_figure, receptive_field
from pellucid.explain.seeing.embedding import embed, embedding_chart
from pellucid.explain.seeing.features import (
    activating_samples,
    activating_tiles,
    feature_map_tiles,
    feature_maps,
    kernel_tiles,
    kernels,
)
from pellucid.explain.seeing.gates import gates_chart, gates_over_text, gates_tiles
from pellucid.shapes import Image

_TOKENS = 24


def anatomy(network: nn.Module, inputs: Given) -> Part:
    """Return every layer with its shapes, weights, operations and receptive field."""
    told = layers_of(network, inputs)
    try:
        figures = [field_figure(receptive_field(network, inputs))]
    except OptionError:  # its units see no places, or all of them
        figures = []
    return Part(
        key="layers",
        title="Layer by layer",
        lead="Each call of a layer in order: what came, what it gave, its weights, 2 x its multiply-adds, the memory of"
        " what it gave, and how much of the input one of its numbers sees.",
        facts=[f"{told.parameters:,} parameters, and {told.flops:,} floating-point operations for what was put in"],
        figures=figures,
        heads=HEADS,
        rows=told.rows,
    )


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
    shown = slice(-_TOKENS, None)
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
