"""A user's program, with what a strict type checker is to make of each public name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import pellucid
from pellucid.data import Classes, Dataset, Target
from pellucid.diagnosis import Watch
from pellucid.explain import Derivation
from pellucid.formats import Exported
from pellucid.networks import Entry, Plan
from pellucid.record import Epoch, Finding, Prediction, Record, Step
from pellucid.verbs.evaluate import Evaluation
from pellucid.verbs.run import Run
from pellucid.verbs.study import Study


class LastLoss:
    """A watcher of the user's own: any class with these two methods is one."""

    def __init__(self) -> None:
        self.loss = float("nan")

    def on_step(self, step: Step) -> None:
        self.loss = step.loss

    def on_epoch(self, epoch: Epoch) -> None:
        assert_type(epoch.validation, Mapping[str, float])


def networks() -> nn.Module:
    plan = pellucid.parse("4 -> fc(8) -> relu -> fc(3)")
    assert_type(plan, Plan)
    assert_type(plan.parameters, int)
    assert_type(plan.flops, int | None)
    assert_type(str(plan.table()), str)
    assert_type(pellucid.zoo(), Mapping[str, Entry])
    model = pellucid.build(plan, seed=0)
    assert_type(model, nn.Module)
    return model


def training(folder: Path) -> Run:
    data = pellucid.load("iris")
    assert_type(data, Dataset)
    assert_type(data.target, Target)
    if isinstance(data.target, Classes):
        assert_type(data.target.names, tuple[str, ...])
    run = pellucid.train(data, network=networks(), epochs=2, folder=str(folder), quiet=True, no_report=True)
    assert_type(run, Run)
    assert_type(run.record, Record)
    assert_type(run.findings, tuple[Finding, ...])
    return run


def using(folder: Path) -> dict[str, float]:
    inputs = torch.from_numpy(np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32))
    loader = DataLoader(TensorDataset(inputs, (inputs[:, 0] > 0).long()), batch_size=10)
    run = pellucid.train(loader, network="4 -> fc(2)", epochs=2, folder=str(folder), quiet=True, no_report=True)
    predictions = run.predict(inputs)
    assert_type(predictions, list[Prediction])
    first: str | None = predictions[0].label
    assert first in {"0", "1"}
    assert_type(run.model(), nn.Module)
    assert_type(pellucid.evaluate(run, loader), Evaluation)
    assert_type(pellucid.predict(run, inputs), list[Prediction] | str)
    assert_type(pellucid.open_run(run.folder), Run)
    written = pellucid.export(run, to="safetensors", output=folder / "weights.safetensors")
    assert_type(written, Exported)
    assert_type(written.files, tuple[Path, ...])
    return run.evaluate(loader)


def watching() -> Sequence[Finding]:
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    last = LastLoss()
    with pellucid.watch(model) as watch:
        assert_type(watch, Watch)
        for number in range(5):
            optimizer.zero_grad()
            loss = model(torch.ones(8, 4)).square().mean()
            loss.backward()
            optimizer.step()
            last.on_step(Step(number + 1, 1, loss.item(), 0.1, 1.0, 8))
    assert np.isfinite(last.loss)
    return watch.findings


def explaining() -> float:
    network = pellucid.build("2 -> fc(2) -> sigmoid -> fc(2) -> sigmoid", seed=0)
    x, y = torch.tensor([[0.05, 0.10]]), torch.tensor([[0.01, 0.99]])
    derivation = pellucid.explain.backprop(network, x, y, loss="half-squared-error")
    assert_type(derivation, Derivation)
    return derivation.agreement.relative


def searching(options: dict[str, Any]) -> Study:
    return pellucid.tune("iris", "4 -> fc(3)", learning_rate="{1e-3..1e-1 log}", **options)
