"""The network that is looked into, and the images it may be shown: trained here, opened with the studio, or a run's."""

import copy
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from pellucid.data import Classes, Dataset, Target, load
from pellucid.data.arrays.arrays import ArrayPreprocessing
from pellucid.data.images.images import ImagePreprocessing
from pellucid.errors import PellucidError
from pellucid.explain.layers.anatomy import network as anatomy_of
from pellucid.files import as_damage
from pellucid.networks import ZOO, Plan, fit_to, with_head
from pellucid.shapes import Image
from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.inside.settings import InsideSettings
from pellucid.studio.exhibits.inside.training import Training
from pellucid.verbs.asked import read_asked
from pellucid.verbs.environment import digest
from pellucid.verbs.run import open_run

MOST_PARAMETERS = 50_000_000
MOST_RUNS = 100
_SIDES = (28, 32, 8, 64, 96, 128, 224, 227, 299)
"""Of images that are tried on a module which came without any."""


@dataclass(frozen=True)
class Subject:
    """A network and its images.

    Attributes:
        kind: where it comes from.
        name: of the run, of the zoo's entry, or of the module's class.
        network: on the CPU; nothing in it writes over its input.
        plan: None for a module of the user's own.
        preprocessing: from bytes to what the network is given.
        target: what its outputs mean; None where nobody said.
        samples: stored images (N, C, H, W) that it was not trained on, with the rows' numbers and the targets, where
            there are any.
        source: the hash of the data they come from.
        training: what Play goes on with; None where nothing is trained.
        missing: why there are no samples of its own.
    """

    kind: Literal["arrows", "zoo", "given", "run"]
    name: str
    network: nn.Module
    plan: Plan | None
    preprocessing: ImagePreprocessing
    target: Target | None
    samples: Tensor
    rows: Tensor
    answers: Tensor | None
    source: str
    training: Training | None = None
    missing: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self.preprocessing.channels, self.preprocessing.height, self.preprocessing.width

    @property
    def identity(self) -> dict[str, str]:
        """What is seen depends on beside the settings: the data, and weights that were not trained here."""
        data = {"data": self.source} if self.source else {}
        return data if self.training is not None else {**data, "network": digest(self.network)[:16]}


def subject(settings: InsideSettings, given: Given) -> Subject:
    """Return what the settings ask for.

    Raises:
        RefusedError: there is no such network, or it takes no images.
        NotationError: arrows that cannot be read or do not fit.
    """
    match settings.network:
        case None if given.model is not None:
            try:
                return _of_module(settings, given)
            except RefusedError:  # meant for another exhibit
                return _trained(settings, given, "arrows")
        case "run":
            return _of_run(settings.run, given)
        case "given":
            return _of_module(settings, given)
        case "zoo":
            return _trained(settings, given, "zoo")
    return _trained(settings, given, "arrows")


def zoo_names() -> list[str]:
    """Return the zoo's networks that take images and nothing else and answer with classes."""
    return [name for name, entry in ZOO.items() if entry.inputs == (Image,) and entry.learns is None
            and name not in ("fcn", "unet")]  # fmt: skip


def image_runs(folder: Path) -> list[dict[str, str]]:
    """Return the runs of a folder that have weights, a network in arrows and images, the newest first."""
    paths = sorted(folder.glob("*/weights.safetensors"), key=lambda path: -path.stat().st_mtime)
    found = []
    for path in paths[:MOST_RUNS]:
        try:
            asked = read_asked(path.parent)
            with as_damage(path.parent):
                arrows, data = asked["network"]["arrows"], asked["data"]
                if arrows and re.fullmatch(r"\d+x\d+x\d+", str(data["input"])):
                    found.append({"name": path.parent.name, "data": str(data["name"])})
        except PellucidError:
            continue  # the training room says what is wrong with it
    return found


def _trained(settings: InsideSettings, given: Given, kind: Literal["arrows", "zoo"]) -> Subject:
    data = given.data if given.data is not None and _has_classes(given.data) else load("digits")
    assert isinstance(data.target, Classes)
    classes = len(data.target.names)
    if kind == "zoo":
        if settings.zoo not in zoo_names():
            raise RefusedError("no_zoo", control="network", name=settings.zoo)
        plan, _ = fit_to(settings.zoo, data.input_shape, classes, len(data.rows["train"]))
    else:
        text = settings.arrows.strip()
        plan = with_head(text if re.match(r"\d+\s*x", text) else f"{data.input_shape} -> {text}", classes)
        if plan.input != data.input_shape:
            raise RefusedError("input", control="arrows", expected=str(data.input_shape), received=str(plan.input))
    if plan.parameters > MOST_PARAMETERS:
        raise RefusedError("large", control="network", count=plan.parameters, most=MOST_PARAMETERS)
    training = Training(data, plan, settings)
    return _with_data(kind, settings.zoo if kind == "zoo" else "", training.network, plan, data, training)


def _of_run(name: str, given: Given) -> Subject:
    if name not in {run["name"] for run in image_runs(given.runs)}:
        raise RefusedError("no_run", control="network", name=name)
    run = open_run(given.runs / name)
    network = _apart(run.model())
    try:
        data = run.data()
    except PellucidError as error:  # the network can be looked into with other images
        if not isinstance(run.preprocessing, ImagePreprocessing):
            raise RefusedError("no_images", control="network", name=name) from None
        return _without_data("run", name, network, run.plan, run.preprocessing, run.target, error.message)
    if _pixels(data) is None:
        raise RefusedError("no_images", control="network", name=name)
    return _with_data("run", name, network, run.plan, data, None)


def _of_module(settings: InsideSettings, given: Given) -> Subject:
    if given.model is None:
        raise RefusedError("no_model", control="network")
    network, name = _apart(copy.deepcopy(given.model).cpu().eval()), type(given.model).__name__
    data = given.data
    if data is not None and (pixels := _pixels(data)) is not None:
        _require_fit(network, pixels)
        training = Training(data, network, settings) if _has_classes(data) and _answers(network, data) else None
        return _with_data("given", name, network, None, data, training)
    return _without_data("given", name, network, None, _guessed(network), None, "")


def _with_data(
    kind: Any, name: str, network: nn.Module, plan: Plan | None, data: Dataset, training: Training | None
) -> Subject:
    rows = next((data.rows[split] for split in ("test", "validation") if len(data.rows[split])), data.rows["train"])
    pixels, answers = _pixels(data), data.targets if isinstance(data.target, Classes) else None
    assert pixels is not None, "it was asked before"
    return Subject(
        kind, name, network, plan, pixels, data.target, data.inputs, rows, answers, data.source.sha256, training
    )  # fmt: skip


def _without_data(
    kind: Any, name: str, network: nn.Module, plan: Plan | None, preprocessing: ImagePreprocessing,
    target: Target | None, missing: str,
) -> Subject:  # fmt: skip
    """Return a network that is shown the digits that come along, stretched to its size."""
    digits = load("digits")
    held_out = digits.rows["test"]
    # stretching keeps the order: those shown are few
    images = digits.inputs[held_out[:60], 0].numpy()
    stored = preprocessing.read(images).inputs
    return Subject(kind, name, network, plan, preprocessing, target, stored, torch.arange(len(stored)), None,
                   digits.source.sha256, None, missing)  # fmt: skip


def _pixels(data: Dataset) -> ImagePreprocessing | None:
    """Return what happens to stored bytes (C, H, W), as of images; None where the data are none.

    Arrays are standardised in their own unit: (x - mean) / scale is (x/255 - mean/255) / (scale/255).
    """
    match data.preprocessing:
        case ImagePreprocessing() as images:
            return images
        case ArrayPreprocessing(dimensions=(1 | 3 as channels, height, width), mean=mean, scale=scale) if (
            data.inputs.dtype == torch.uint8
        ):
            means, scales = (tuple(each / 255 for each in one) for one in (mean, scale))
            return ImagePreprocessing(height, width, channels, means, scales)
    return None


def _has_classes(data: Dataset) -> bool:
    return _pixels(data) is not None and isinstance(data.target, Classes)


def _answers(network: nn.Module, data: Dataset) -> bool:
    """Say whether a module gives a number for each class."""
    assert isinstance(data.target, Classes)
    given = anatomy_of(network, data.input_shape).layers[-1].given
    return given == ((1, len(data.target.names)),)


def _require_fit(network: nn.Module, preprocessing: ImagePreprocessing) -> None:
    sizes = (preprocessing.channels, preprocessing.height, preprocessing.width)
    if anatomy_of(network, (1, *sizes)).failed is not None:
        raise RefusedError("module", control="network", shape=" × ".join(map(str, sizes)))


def _guessed(network: nn.Module) -> ImagePreprocessing:
    """Return pixels from 0 to 1 of the first usual size that a module takes.

    Raises:
        RefusedError: it takes none.
    """
    first = next((each for each in network.modules() if isinstance(each, nn.Conv2d | nn.Linear)), None)
    tried: list[tuple[int, int]] = []
    if isinstance(first, nn.Conv2d):
        tried = [(first.in_channels, side) for side in _SIDES]
    elif first is not None:
        tried = [(channels, math.isqrt(first.in_features // channels)) for channels in (1, 3)]
    for channels, side in tried:
        if channels in (1, 3) and side and anatomy_of(network, (1, channels, side, side)).failed is None:
            return ImagePreprocessing(side, side, channels, (0.0,) * channels, (1.0,) * channels)
    raise RefusedError("not_image", control="network")


def _apart(network: nn.Module) -> nn.Module:
    """Keep layers from writing over their inputs, which are looked at later; the numbers are the same."""
    for module in network.modules():
        if getattr(module, "inplace", False) is True:
            module.inplace = False  # type: ignore[assignment]
    return network
