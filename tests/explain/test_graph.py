"""Computation graphs of real networks: what is in them, that they are those of the code, and that they can be read."""

import re
from collections.abc import Callable
from itertools import combinations
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import torch
from torch import Tensor, nn

from pellucid.errors import OptionError
from pellucid.explain.graphs.graph import computation_graph
from pellucid.explain.graphs.nodes import Graph
from pellucid.explain.graphs.recorded import NoGradientError
from pellucid.networks import build
from pellucid.report.graph_drawing import graph_file

pytestmark = pytest.mark.covers("C2")

RESIDUAL = "8x8x4 -> residual(conv(4, 3x3, padding=same) -> batchnorm -> relu -> conv(4, 3x3, padding=same)) -> relu"


class Branching(nn.Module):
    """Asks for a value, which no tracing knows."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        hidden = hidden.relu() if hidden.sum() > 1e9 else hidden.tanh()
        y: Tensor = self.second(hidden) * 0.5 + x
        return y


class Asking(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(3, 2)

    def forward(self, ids: Tensor) -> Tensor:
        y: Tensor = self.embed(ids)
        return y if ids.sum() > 0 else -y


class Plain(nn.Module):
    shift: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.register_buffer("shift", torch.ones(3))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        y = 2 * x * self.scale + self.shift
        if mask is not None:
            y = y * mask
        return y[:, 1:].sum(), y.view(-1)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "2-2-2": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 2), nn.Sigmoid()), (1, 2)),
    "lenet5": (lambda: build("lenet5"), (1, 1, 32, 32)),
    "residual": (lambda: build(RESIDUAL), (1, 4, 8, 8)),
    "lstm": (lambda: build("T x 3 -> lstm(8) -> last -> fc(2)"), (1, 10, 3)),
    "branching": (Branching, (1, 3)),
    "plain": (Plain, (2, 3)),
    "resnet20": (lambda: build("resnet20"), (1, 3, 32, 32)),
    "encoder": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 5, 8)),
    "padded lstm": (lambda: build("T x 3 -> lstm(8, padded=yes) -> last -> fc(2)"), (2, 10, 3)),
    "gru cell": (lambda: nn.GRU(3, 4, num_layers=2), (5, 1, 3)),
}


def graph_of(name: str, **options: Any) -> Graph:
    make, sizes = NETWORKS[name]
    return computation_graph(make(), sizes, **options)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_graph_has_no_cycle_no_loose_end_and_a_way_from_input_to_output(name: str) -> None:
    graph = graph_of(name)
    place = {node.name: index for index, node in enumerate(graph.nodes)}
    assert len(place) == len(graph.nodes)
    assert all(place[start] < place[end] for start, end in graph.edges)
    assert graph.of_kind("input")
    assert graph.of_kind("output")
    reached = {node.name for node in graph.of_kind("input")}
    for start, end in sorted(graph.edges, key=lambda edge: place[edge[1]]):
        reached |= {end} if start in reached else set()
    assert {node.name for node in graph.of_kind("output")} <= reached
    assert all(node.shape for node in graph.nodes)


def test_the_2_2_2_network() -> None:
    graph = graph_of("2-2-2")
    assert graph.source == "traced"
    assert [node.label for node in graph.of_kind("operation")] == ["Linear", "Sigmoid", "Linear", "Sigmoid"]
    assert [node.shape for node in graph.of_kind("parameter")] == ["2x2", "2", "2x2", "2"]
    assert "operation  0: Linear  of weight, bias, input  1x2" in str(graph)


def test_lenet_has_its_layers_with_the_shapes_that_they_give() -> None:
    model = build("lenet5")
    shapes = {}
    x = torch.zeros(1, 1, 32, 32)
    for name, layer in model.named_children():
        x = layer(x)
        shapes[name] = "x".join(map(str, x.shape))
    graph = graph_of("lenet5")
    assert {node.module: node.shape for node in graph.of_kind("operation")} == shapes
    assert len(graph.of_kind("parameter")) == len(list(model.parameters()))


def test_both_ways_of_a_residual_block_meet_in_the_sum() -> None:
    graph = graph_of("residual")
    (plus,) = (node for node in graph.nodes if node.label == "+")
    starts = {start for start, end in graph.edges if end == plus.name}
    assert len(starts) == 2
    assert len([end for start, end in graph.edges if start == graph.of_kind("input")[0].name]) == 2


def test_code_that_asks_for_values_is_recorded() -> None:
    graph = graph_of("branching")
    assert graph.source == "recorded"
    assert [node.label for node in graph.of_kind("operation")] == ["linear", "tanh", "linear", "×", "+"]
    assert {node.name for node in graph.of_kind("parameter")} == {
        "first.weight", "first.bias", "second.weight", "second.bias",
    }  # fmt: skip
    assert {node.module for node in graph.nodes if node.label == "linear"} == {"first", "second"}
    assert all(node.shape == "1x3" for node in graph.of_kind("operation"))
    (plus,) = (node for node in graph.nodes if node.label == "+")
    assert ("input", plus.name) in graph.edges


def test_numbers_slices_buffers_and_arguments_that_are_not_given() -> None:
    graph = graph_of("plain")
    labels = [node.label for node in graph.of_kind("operation")]
    assert labels == ["2 ×", "×", "+", "[:, 1:]", "sum", "view(-1)"]
    assert [node.label for node in graph.of_kind("parameter")] == ["scale"]
    assert [node.label for node in graph.of_kind("constant")] == ["shift"]
    assert [node.label for node in graph.of_kind("input")] == ["x"]


class Ignoring(nn.Module):
    def forward(self, _unused: Tensor, x: Tensor) -> Tensor:
        return x + 1


def test_an_input_that_nothing_is_computed_from_is_left_out() -> None:
    graph = computation_graph(Ignoring(), (torch.ones(2), torch.ones(3)))
    assert [(node.label, node.shape) for node in graph.nodes] == [("x", "3"), ("+ 1", "3"), ("output", "3")]


def test_large_graphs_are_folded_by_modules() -> None:
    small, whole = graph_of("resnet20"), graph_of("resnet20", most=1000)
    assert len(small.nodes) <= 40 < len(whole.nodes)
    assert {node.label for node in small.of_kind("block")} >= {"residual1", "residual7", "add1"}
    assert sum(node.operations for node in small.nodes) == len(whole.nodes)
    tiny = graph_of("resnet20", most=8)
    assert len(tiny.nodes) <= 10
    assert sum(node.operations for node in tiny.nodes) == len(whole.nodes)
    shapes = {node.module: node.shape for node in small.of_kind("block")}
    assert shapes["residual7"] == "1x64x8x8"


def test_weights_are_shown_where_that_is_asked() -> None:
    assert not graph_of("resnet20", most=1000).of_kind("parameter")
    assert len(graph_of("resnet20", most=1000, parameters=True).of_kind("parameter")) == 59
    assert not graph_of("lenet5", parameters=False).of_kind("parameter")


def test_a_layer_called_twice_has_its_weights_once() -> None:
    layer = nn.Linear(3, 3)
    graph = computation_graph(nn.Sequential(layer, nn.ReLU(), layer), (1, 3))
    assert len(graph.of_kind("parameter")) == 2
    assert len([1 for node in graph.nodes if node.label == "Linear"]) == 2


def test_the_network_is_left_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True)).train()
    before = {name: each.clone() for name, each in model.state_dict().items()}
    computation_graph(model, (2, 1, 6, 6))
    assert all(module.training for module in model.modules())
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())
    assert all(each.grad is None for each in model.parameters())


def test_what_has_no_graph_is_refused() -> None:
    with pytest.raises(OptionError, match="the forward pass fails in 0"):
        computation_graph(nn.Sequential(nn.Linear(3, 2)), (1, 4))
    ids = torch.ones(1, 3, dtype=torch.int64)
    with pytest.raises(NoGradientError, match="recorded nothing"):
        computation_graph(Asking().requires_grad_(requires_grad=False), ids)


def boxes_of(svg: str) -> list[tuple[float, float, float, float]]:
    found = []
    for rect in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect"):
        x, y, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_a_drawing_has_a_box_a_node_an_arrow_an_edge_and_nothing_overlaps(name: str) -> None:
    graph = graph_of(name)
    svg = graph_file(graph)
    root = ET.fromstring(svg)
    boxes = boxes_of(svg)
    assert len(boxes) == len(graph.nodes)
    assert svg.count('class="head') == len(graph.edges)
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert all(x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height for x0, y0, x1, y1 in boxes)
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        texts = group.findall("{http://www.w3.org/2000/svg}text")
        rects = group.findall("{http://www.w3.org/2000/svg}rect")
        for text in texts:
            assert 7.3 * len(text.text or "") <= float(rects[0].attrib["width"])
    assert "prefers-color-scheme: dark" in svg


@pytest.mark.parametrize("name", ["residual", "branching", "encoder"])
def test_edges_pass_beside_the_boxes(name: str) -> None:
    """Within a layer an edge runs straight down; no such stretch may lie in a box."""
    svg = graph_file(graph_of(name))
    boxes = boxes_of(svg)
    for way in re.findall(r'<path d="([^"]+)"', svg):
        if "Z" in way:
            continue
        for x, start, end in re.findall(r"([\d.]+) ([\d.]+) V([\d.]+)", way):
            middle = (float(start) + float(end)) / 2
            inside = [box for box in boxes if box[0] < float(x) < box[2] and box[1] + 1 < middle < box[3] - 1]
            assert not inside


def test_names_of_users_cannot_become_markup() -> None:
    graph = computation_graph(nn.Sequential(), (1, 3))
    node = graph.nodes[0]
    odd = Graph((type(node)("a", "operation", "<b>&", "1x2"),), (), "traced")
    assert "&lt;b&gt;&amp;" in graph_file(odd)
