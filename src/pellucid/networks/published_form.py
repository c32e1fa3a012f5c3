"""The networks whose weights torchvision publishes: what it calls their layers, and the scale of their inputs.

Names and shapes are those of torchvision 0.28 (`torchvision.models.get_model(name).state_dict()`), which its weights
have had since the first; tests/networks/published_weights.txt is the record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from pellucid.errors import NotationError
from pellucid.networks.building import build
from pellucid.networks.parsing import expand, read, zoo_call
from pellucid.networks.plan import Plan
from pellucid.networks.published import renamed
from pellucid.networks.word import Named
from pellucid.networks.words.combinators import every
from pellucid.networks.zoo import resnet, vgg
from pellucid.networks.zoo.googlenet import MODULES

Channels = tuple[float, float, float]

_FORMS = ("alexnet", "googlenet", "resnet50", "resnet101", "resnet152")
"""Networks whose layers, as the paper has them, are others than the published weights': `form=published` has those."""

_SHALLOWEST_BOTTLENECK = 50


@dataclass(frozen=True, slots=True)
class PublishedForm:
    """A network whose weights are published.

    Attributes:
        plan: as it was trained: on ImageNet's images, with so many classes as the weights have.
        layers: what the published weights call its layers, in the order in which the plan has them.
        mean: of the pixels of each channel, in 0..1, that was subtracted from its inputs.
        std: what they were divided by then.
        left_out: layers of the published weights that the plan has not: auxiliary classifiers.
    """

    plan: Plan
    layers: tuple[str, ...]
    mean: Channels = (0.485, 0.456, 0.406)
    std: Channels = (0.229, 0.224, 0.225)
    left_out: tuple[str, ...] = ()

    def renamed(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return published weights under the names the plan gives its layers, in whatever order they come.

        Raises:
            NotationError: they are the weights of another network.
        """
        kept = {name: tensor for name, tensor in weights.items() if name.rpartition(".")[0] not in self.left_out}
        return renamed(kept, self.network(), self.layers)

    def network(self) -> nn.Module:
        """Return the network without memory for its weights."""
        with torch.device("meta"):
            return build(self.plan)


def published_form(network: str | Plan, classes: int = 1000) -> PublishedForm | None:
    """Return the network whose published weights a text of the zoo can begin with; None where none are published.

    >>> form = published_form("64x64x3 -> vgg11.features -> fc(7)")
    >>> form.layers[:2], form.layers[-1], form.plan.parameters
    (('features.0', 'features.3'), 'classifier.6', 132863336)

    Args:
        network: a text that begins with a name of the zoo.
        classes: the outputs of the published weights.

    Raises:
        NotationError: weights are published of another form of this network than this one.
    """
    tree = read(str(network))
    call = zoo_call(tree)
    if call is None or not (call.name in _FORMS or call.name in {"resnet18", "resnet34"} or call.name[:3] == "vgg"):
        return None
    asked = {argument.name: argument.value for argument in call.arguments}
    if call.name in _FORMS and asked.get("form") != "published":
        raise NotationError(
            f"published weights are of another form of {call.name} than this one",
            expected=f"{call.name}(form=published)",
            received=call.place.content,
            advice=f"write {call.name}(form=published){f'.{call.part}' if call.part else ''}",
        )
    alone = replace(call, part=None)
    plan = expand(replace(tree, input=None, chain=(alone,)), alone, classes=classes).plan
    batchnorm = any(word.name == "batchnorm" for word in every(plan.steps))
    if call.name == "googlenet":
        # they were converted from a network whose inputs lay between -1 and 1
        layers = tuple(_googlenet(auxiliary=isinstance(plan.output, Named)))
        left_out = tuple(layer for layer in _googlenet(auxiliary=True) if layer not in layers)
        return PublishedForm(plan, layers, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), left_out=left_out)
    if call.name == "alexnet":
        return PublishedForm(plan, _ALEXNET)
    depth = int(call.name.lstrip("resntvg"))
    names = _vgg(depth, batchnorm=batchnorm) if call.name.startswith("vgg") else _resnet(depth)
    return PublishedForm(plan, tuple(names))


_ALEXNET = (*(f"features.{place}" for place in (0, 3, 6, 8, 10)), *(f"classifier.{place}" for place in (1, 4, 6)))


def _vgg(depth: int, *, batchnorm: bool) -> Iterator[str]:
    """Yield the layers with weights; the numbers count those without as well: ReLU, pooling, dropout."""
    place = 0
    for count in vgg.STAGES[depth]:
        for _ in range(count):
            yield f"features.{place}"
            if batchnorm:
                yield f"features.{place + 1}"
            place += 2 + batchnorm
        place += 1
    yield from ("classifier.0", "classifier.3", "classifier.6")


def _resnet(depth: int) -> Iterator[str]:
    yield from ("conv1", "bn1")
    is_deep = depth >= _SHALLOWEST_BOTTLENECK
    for stage, count in enumerate(resnet.DEEP[depth], start=1):
        for block in range(count):
            for number in range(1, 4 if is_deep else 3):
                yield from (f"layer{stage}.{block}.conv{number}", f"layer{stage}.{block}.bn{number}")
            if block == 0 and (is_deep or stage > 1):
                yield from (f"layer{stage}.0.downsample.0", f"layer{stage}.0.downsample.1")
    yield "fc"


def _googlenet(*, auxiliary: bool) -> Iterator[str]:
    """Yield the layers from the input on; an auxiliary classifier stands behind the module it branches off from."""
    for number in (1, 2, 3):
        yield from (f"conv{number}.conv", f"conv{number}.bn")
    for module in MODULES:
        for branch in ("branch1", "branch2.0", "branch2.1", "branch3.0", "branch3.1", "branch4.1"):
            yield from (f"inception{module}.{branch}.conv", f"inception{module}.{branch}.bn")
        if auxiliary and module in {"4a", "4d"}:
            aux = "aux1" if module == "4a" else "aux2"
            yield from (f"{aux}.conv.conv", f"{aux}.conv.bn", f"{aux}.fc1", f"{aux}.fc2")
    yield "fc"
