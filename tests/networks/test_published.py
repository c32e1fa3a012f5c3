"""Published weights: the names and shapes torchvision records, and ours beside them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from pellucid.errors import NotationError
from pellucid.networks import PublishedForm, build, parse, published_form, renamed


class Recorded(NamedTuple):
    """What torchvision says of a network: see the head of published_weights.txt."""

    name: str
    parameters: int
    shapes: dict[str, tuple[int, ...]]


def recorded() -> Iterator[Recorded]:
    text = (Path(__file__).parent / "published_weights.txt").read_text()
    for part in text.split("\n= ")[1:]:
        head, *lines = part.splitlines()
        name, _, facts = head.partition(": ")
        shapes = {}
        for line in lines:
            layer, *tensors = line.split(" ")
            for tensor in tensors:
                own, _, sizes = tensor.partition("=")
                shapes[f"{layer}.{own}"] = tuple(int(size) for size in sizes.split("x") if size)
        _, parameters, tensors_in_all = facts.split(", ")
        assert len(shapes) == int(tensors_in_all.split()[0])
        yield Recorded(name, int(parameters.split()[0]), shapes)


RECORDED = {each.name: each for each in recorded()}
TEXTS = {
    **{name: name for name in ("vgg11", "vgg13", "vgg16", "vgg19", "resnet18", "resnet34")},
    **{f"vgg{depth}_bn": f"vgg{depth}(batchnorm=yes)" for depth in (11, 13, 16, 19)},
    **{name: f"{name}(form=published)" for name in ("alexnet", "resnet50", "resnet101", "resnet152", "googlenet")},
}


def form_of(text: str) -> PublishedForm:
    form = published_form(text)
    assert form is not None
    return form


def on_meta(name: str) -> dict[str, Tensor]:
    return {key: torch.empty(shape, device="meta") for key, shape in RECORDED[name].shapes.items()}


def test_every_published_family_is_recorded() -> None:
    assert RECORDED.keys() == TEXTS.keys()


@pytest.mark.covers("B2", "B3", "B4", "B5")
@pytest.mark.parametrize("name", RECORDED)
def test_names_and_shapes_are_those_recorded(name: str) -> None:
    form = form_of(TEXTS[name])
    theirs = {f"{layer}.{part}": shape for layer, part, shape in tensors(name) if not layer.startswith("aux")}
    ours = form.network().state_dict()
    assert form.plan.parameters == RECORDED[name].parameters == count(theirs)
    named = form.renamed(on_meta(name))
    assert list(named) == list(ours)
    assert all(named[key].shape == ours[key].shape for key in ours)
    assert {key.rpartition(".")[0] for key in theirs} == {*form.layers}


def tensors(name: str) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    for key, shape in RECORDED[name].shapes.items():
        layer, _, part = key.rpartition(".")
        yield layer, part, shape


def count(shapes: dict[str, tuple[int, ...]]) -> int:
    """Return how many numbers are learned: all but the averages of batch normalisation."""
    learned = [shape for key, shape in shapes.items() if key.endswith((".weight", ".bias"))]
    return sum(torch.Size(shape).numel() for shape in learned)


def test_the_auxiliary_classifiers_stand_where_they_branch_off() -> None:
    """torchvision lists them behind the last module, the network has them behind 4a and 4d."""
    form = form_of("googlenet(form=published, auxiliary=yes)")
    assert sorted(form.layers) == sorted({layer for layer, _, _ in tensors("googlenet")})
    assert form.layers.index("inception4b.branch1.conv") == form.layers.index("aux1.fc2") + 1
    assert list(form.renamed(on_meta("googlenet"))) == list(form.network().state_dict())


def test_the_order_of_a_file_does_not_matter_where_names_are_known() -> None:
    form = form_of("resnet18")
    by_name = dict(sorted(on_meta("resnet18").items()))
    assert list(form.renamed(by_name)) == list(build("resnet18").state_dict())
    with pytest.raises(NotationError, match="another network"):
        renamed(by_name, form.network())


@pytest.mark.parametrize("name", RECORDED)
def test_weights_of_another_network_are_refused(name: str) -> None:
    other = "resnet18" if name != "resnet18" else "resnet34"
    form = form_of(TEXTS[other])
    with pytest.raises(NotationError, match="another network"):
        form.renamed(on_meta(name))


@pytest.mark.parametrize("text", ["resnet50", "64x64x3 -> resnet101(classes=5)", "alexnet", "googlenet(form=paper)"])
def test_the_papers_form_is_not_what_was_published(text: str) -> None:
    """Their tensors have the same shapes or nearly so, but the network computes something else with them."""
    with pytest.raises(NotationError, match="of another form") as refused:
        published_form(text)
    assert "(form=published)" in str(refused.value)


@pytest.mark.parametrize("text", ["lenet5", "resnet20", "13 -> fc(2)", "plain18", "8x8x1 -> cnn"])
def test_of_other_networks_none_are_published(text: str) -> None:
    assert published_form(text) is None


@pytest.mark.parametrize(
    "text", ["40x40x3 -> resnet18(classes=5)", "vgg11.features -> fc(7)", "33x64x3 -> vgg11.features -> fc(9)"]
)
def test_a_text_for_other_images_begins_with_the_whole_published_network(text: str) -> None:
    form = form_of(text)
    name = "resnet18" if "resnet18" in text else "vgg11"
    assert form.plan == parse(name)
    shared = form.network().state_dict().keys() & build(parse(text)).state_dict().keys()
    assert len(shared) >= len(build(parse(text)).state_dict()) - 2
