"""Small data and sessions of our own making, so that the training is tested apart from how data is read."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from pellucid.data.dataset import Dataset, Preprocessing, Samples, Source, Target
from pellucid.recipe import Recipe
from pellucid.seed import seed_torch
from pellucid.shapes import Shape
from pellucid.training.defaults import fill_in
from pellucid.training.device import choose_device
from pellucid.training.loop import open_session
from pellucid.training.session import Session
from pellucid.training.tasks import task_for


class AsItIs(Preprocessing):
    """Inputs that need nothing done to them."""

    kind: ClassVar[str] = "as-it-is"

    def read(self, source: object) -> Samples:
        assert isinstance(source, Tensor)
        return Samples(source, [str(row) for row in range(len(source))])

    def prepare(self, stored: Tensor) -> Tensor:
        return stored

    def to_json(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "AsItIs":  # noqa: ARG003 - the contract
        return cls()


def make_data(inputs: Tensor, targets: Tensor, target: Target, shape: Shape, train: int) -> Dataset:
    """Return a data set whose first rows train; the rest is halved into validation and test."""
    rows = torch.arange(len(inputs))
    middle = (train + len(inputs)) // 2
    return Dataset(
        name="made",
        source=Source("memory", "", ""),
        inputs=inputs,
        targets=targets,
        rows={"train": rows[:train], "validation": rows[train:middle], "test": rows[middle:]},
        input_shape=shape,
        target=target,
        preprocessing=AsItIs(),
    )


def perceptron() -> nn.Module:
    seed_torch(0, "test")
    return nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))


def convolution() -> nn.Module:
    seed_torch(0, "test")
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(0.1), nn.Flatten(), nn.Linear(144, 2))


def make_session(data: Dataset, network: nn.Module, **options: Any) -> Session:
    recipe = fill_in(Recipe(**{"epochs": 3, "batch_size": 32, "device": "cpu", **options}), data)
    return open_session(network, data, task_for(data, recipe), recipe, choose_device(recipe))


def state(session: Session) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in session.network.state_dict().items()}


def assert_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name
