"""Transfer learning: a training that begins with given weights, with layers held still for a while or slowed down.

Howard and Ruder, "Universal language model fine-tuning for text classification" (2018).
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pellucid.data import Dataset, Target, Values
from pellucid.data.images.images import ImagePreprocessing
from pellucid.data.preprocessing import from_json, to_json
from pellucid.data.target_json import target_from_json
from pellucid.errors import OptionError, RunError
from pellucid.files import read_json
from pellucid.networks import Plan, build, published_form, renamed, with_head
from pellucid.recipe import Recipe
from pellucid.training.checkpoint import load_weights
from pellucid.training.layers import layers_of
from pellucid.training.weight_files import read_weights

Channels = tuple[float, float, float]

_REFITTED = {"image", "array"}
"""Kinds of preprocessing that another's statistics can take the place of; the others' name columns or tokens."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a training begins with: the best weights of another one, or those of a file.

    Attributes:
        place: the run's folder, or the file.
        arrows: its network; None where that was a module of the user's own, or a file does not say.
        weights: by name.
        preprocessing: what its network saw, as preprocessing.json says it; None where a file does not say.
        target: what it predicted; None where a file does not say.
        pixels: mean and deviation of each channel that its network's images were standardised with, where that is
            known and nothing else is.
        in_order: whether the weights stand in the order of the layers; a safetensors file has its own.
    """

    place: Path
    arrows: str | None
    weights: dict[str, Tensor]
    preprocessing: dict[str, Any] | None
    target: Target | None
    pixels: tuple[Channels, Channels] | None = None
    in_order: bool = True


def origin_of(recipe: Recipe) -> Origin | None:
    """Return what a training is to begin with; None where it begins from random weights.

    Raises:
        RunError: the run folder, its weights or the file cannot be read.
    """
    if recipe.from_ is None:
        return None
    place = Path(recipe.from_)
    if place.is_file():
        return _of_file(place)
    if not (place / "run.json").exists():
        raise RunError(
            f"{place} is no run folder", expected="a folder that `pellucid train` left, or a file of weights",
            received=str(place) if place.exists() else "neither a folder nor a file",
            advice="--from takes the folder, such as runs/digits-1, or a .safetensors or .pth file",
        )  # fmt: skip
    asked, prepared = read_json(place / "run.json"), read_json(place / "preprocessing.json")
    weights = load_weights(place / "weights.safetensors")
    target = target_from_json(prepared["output"])
    return Origin(place, asked["network"]["arrows"], weights, prepared["input"], target)


def _of_file(path: Path) -> Origin:
    """Return the weights of a file, and what `pellucid export --to safetensors` wrote beside them into it.

    Raises:
        RunError: the file holds no weights, or what is said of them cannot be read.
    """
    weights, told = read_weights(path)
    if told is None or "preprocessing" not in told:
        return Origin(path, None, weights, None, None, in_order=told is None)
    try:
        prepared = json.loads(told["preprocessing"])
        return Origin(path, told.get("arrows"), weights, prepared["input"], target_from_json(prepared["output"]))
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"what {path} says of its weights is damaged", received=repr(error)) from None


def under_our_names(origin: Origin, network: str | Plan, plan: Plan) -> Origin:
    """Return the origin with its weights under the names that the network gives its layers.

    A file from elsewhere calls them as it likes. Of networks whose weights torchvision publishes, its names are known;
    of others the layers must stand in the same order.

    Args:
        origin: a run, or a file.
        network: as it was asked for.
        plan: what that is on the data.

    Raises:
        NotationError: they are the weights of another network.
    """
    if origin.arrows is not None:
        return origin
    form = published_form(network, _classes(origin.weights))
    if form is not None and form.network().state_dict().keys() != origin.weights.keys():
        return dataclasses.replace(origin, weights=form.renamed(origin.weights), pixels=(form.mean, form.std))
    last = next(reversed(origin.weights.values()))
    with torch.device("meta"):
        if build(plan).state_dict().keys() & origin.weights.keys() or not origin.in_order or not last.ndim:
            return origin
        same = build(with_head(plan, len(last)))
    return dataclasses.replace(origin, weights=renamed(origin.weights, same))


def _classes(weights: Mapping[str, Tensor]) -> int:
    """Return how many classes published weights tell apart, which is the size of their last layer."""
    last = weights.get("fc.bias", weights.get("classifier.6.bias"))
    return 1000 if last is None else last.numel()


def prepared_alike(data: Dataset, origin: Origin) -> tuple[Dataset, tuple[str, ...]]:
    """Return the data prepared as the origin's was, since its weights learned to read inputs of that scale.

    Raises:
        OptionError: the data is of another kind, or its columns or tokens mean something else.
    """
    if origin.preprocessing is None:
        return _standardised_alike(data, origin)
    theirs = from_json(origin.preprocessing)
    own, then = to_json(data.preprocessing), to_json(theirs)  # both as written from objects: JSON knows no tuples
    if own == then:
        return data, ()
    kinds = own["kind"], then["kind"]
    if kinds[0] != kinds[1] or kinds[0] not in _REFITTED:
        received = f"{kinds[0]} after {kinds[1]}" if kinds[0] != kinds[1] else f"{kinds[0]} read otherwise"
        raise OptionError(
            f"the weights of {origin.place} were learned on inputs that mean something else",
            expected="images or arrays of the same size, or a table, text or series read exactly alike",
            received=received,
            advice="train without --from",
        )
    taken = dataclasses.replace(data, preprocessing=theirs)
    return taken, ("inputs are prepared as those of that run were",)


def _standardised_alike(data: Dataset, origin: Origin) -> tuple[Dataset, tuple[str, ...]]:
    """Return images in colour standardised as published weights want them; other data as it is, and what that means."""
    own = data.preprocessing
    if origin.pixels is None:
        return data, ("inputs are standardised by their own mean: the file does not say what its network saw",)
    if not isinstance(own, ImagePreprocessing) or own.channels != 3:
        return data, ("inputs are standardised by their own mean: they are no pixels in three colours",)
    mean, std = origin.pixels
    taken = dataclasses.replace(data, preprocessing=dataclasses.replace(own, mean=mean, std=std))
    return taken, (f"pixels are standardised as for the published weights: mean {mean}, deviation {std}",)


def take_over(network: nn.Module, origin: Origin, target: Target) -> tuple[str, ...]:
    """Copy the origin's weights into every layer that has them, and say which layers begin anew.

    The last layer begins anew where what it predicts is not what the origin's predicted.

    Raises:
        OptionError: no layer of the two networks is alike.
    """
    layers = layers_of(network)
    own = network.state_dict()
    anew = {layers[-1][0]} if layers and not _same_answer(target, origin) else set()
    for name, tensor in own.items():
        given = origin.weights.get(name)
        if given is None or given.shape != tensor.shape:
            anew.add(name.rpartition(".")[0])
    taken = {name: origin.weights[name] for name in own if name.rpartition(".")[0] not in anew}
    if not taken:
        names = list(dict.fromkeys(name.rpartition(".")[0] for name in origin.weights))
        raise OptionError(
            f"no layer of this network is like one of {origin.place}",
            expected=f"layers of the names and shapes of {origin.arrows or ', '.join(names[:8]) + ' ...'}",
            received=", ".join(name for name, _ in layers),
            advice="leave --network out: the run's own network is taken" if origin.arrows else "",
        )
    network.load_state_dict(taken, strict=False)
    fresh = [name for name, _ in layers if name in anew]
    return (f"weights from {origin.place}; " + (f"anew: {', '.join(fresh)}" if fresh else "all layers"),)


def require_layers(network: nn.Module, recipe: Recipe) -> None:
    """Refuse to freeze what there is not, or to unfreeze what is not frozen.

    Raises:
        OptionError: a layer's name or number, or epochs, that cannot be.
    """
    _frozen_at_first(network, recipe)
    epochs = _epochs(recipe)
    if epochs and recipe.freeze is None:
        raise OptionError("there is nothing to unfreeze", expected="--freeze beside --unfreeze-at", received="none")


def hold_still(network: nn.Module, recipe: Recipe, epoch: int) -> None:
    """Let those layers learn in an epoch (from 1) that are to, and no others.

    A frozen batch normalisation keeps its averages too, so it is put into evaluation mode.
    """
    if recipe.freeze is None:
        return
    frozen = frozen_layers(network, recipe, epoch)
    for name, module in layers_of(network):
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(name not in frozen)
        if isinstance(module, _BatchNorm):
            module.train(name not in frozen)


def frozen_layers(network: nn.Module, recipe: Recipe, epoch: int) -> set[str]:
    """Return the layers that stand still in an epoch.

    With e epochs in `unfreeze_at` the frozen layers are e groups, as equal as can be; at each epoch the group nearest
    to the output begins to learn too ("gradual unfreezing", section 3.3).
    """
    frozen, epochs = _frozen_at_first(network, recipe), _epochs(recipe)
    begun = sum(epoch >= each for each in epochs)
    left = round(len(frozen) * (len(epochs) - begun) / len(epochs)) if epochs else len(frozen)
    return set(frozen[:left])


def _frozen_at_first(network: nn.Module, recipe: Recipe) -> list[str]:
    if recipe.freeze is None:
        return []
    names = [name for name, _ in layers_of(network)]
    if recipe.freeze == "all":
        return names[:-1]
    if recipe.freeze.isdigit():
        count = int(recipe.freeze)
        if not 0 < count < len(names):
            raise _unknown(names, recipe.freeze)
        return names[:count]
    asked = [each.strip() for each in recipe.freeze.split(",")]
    for each in asked:
        if each not in names:
            raise _unknown(names, each)
    if set(asked) == set(names):
        raise _unknown(names, recipe.freeze)
    return [name for name in names if name in asked]


def _unknown(names: list[str], received: str) -> OptionError:
    return OptionError(
        f"'{received}' cannot be frozen",
        expected=f"all (but the last), a number from 1 to {len(names) - 1}, or some of {', '.join(names)}",
        received=received,
    )


def _epochs(recipe: Recipe) -> list[int]:
    if recipe.unfreeze_at is None:
        return []
    parts = [each.strip() for each in recipe.unfreeze_at.split(",")]
    if not all(part.isdigit() and int(part) > 1 for part in parts):
        raise OptionError(
            "--unfreeze-at takes epochs", expected="epochs from 2 on, such as 5 or 3,6,9", received=recipe.unfreeze_at
        )
    return sorted(map(int, parts))


def _same_answer(target: Target, origin: Origin) -> bool:
    """Return whether the last layer's weights can be taken; of a file that does not say what they predict, they are.

    Published weights predict the classes of ImageNet, which are never the data's.
    """
    if origin.target is None:
        return origin.pixels is None
    if isinstance(target, Values) and isinstance(origin.target, Values):
        return target.names == origin.target.names  # mean and scale are those of other rows
    return target == origin.target
