"""Interventions: each does from outside what a change of the script does, bit for bit, and is undone."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from pellucid.diagnosis.remedies import interventions as remedies
from pellucid.diagnosis.remedies.interventions import KINDS, Intervention

X = torch.randn(24, 4, generator=torch.Generator().manual_seed(0)) * 5 + 3
Y = (X[:, 0] > X[:, 1]).long()

EXAMPLES: list[Intervention] = [
    remedies.ScaleRate(0.1),
    remedies.SetRate(0.01),
    remedies.HoldRate(),
    remedies.SetOption("weight_decay", 0.1),
    remedies.SwapOptimizer("Adam", 0.01),
    remedies.ClearGradients(),
    remedies.StepAfterBackward(),
    remedies.KeepOptimizer(),
    remedies.ClipGradients(0.5),
    remedies.LiftClipping(1.0),
    remedies.StandardiseInputs(),
    remedies.FiniteInputs(),
    remedies.ScaleTargets(3.0, 2.0),
    remedies.FreshWeights(),
    remedies.SwapActivation("relu", "tanh"),
    remedies.SetDropout(0.1),
    remedies.EvaluateInMode(),
    remedies.TrainInMode(),
    remedies.InvertOutput("softmax"),
    remedies.SwapLoss("mse_loss", "l1_loss"),
    remedies.MatchShapes(),
    remedies.WeightClasses((1.0, 3.0)),
    remedies.ShuffleLoaders(),
]


def network(*layers: nn.Module) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 8), *(layers or (nn.ReLU(),)), nn.Linear(8, 2))


def train(  # every argument is one thing that a script may do otherwise
    *,
    rate: float = 0.05,
    steps: int = 5,
    clear: bool = True,
    step: bool = True,
    clip: float | None = None,
    make: Callable[..., torch.optim.Optimizer] | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    x: Tensor = X,
    layers: tuple[nn.Module, ...] = (),
    anew: bool = False,
    **options: Any,
) -> list[Tensor]:
    """Train a small network, and return its weights."""
    model = network(*layers)
    make = make or torch.optim.SGD
    optimizer = make(model.parameters(), lr=rate, **options)
    for _ in range(steps):
        if anew:
            optimizer = make(model.parameters(), lr=rate, **options)
        if clear:
            optimizer.zero_grad()
        (loss or F.cross_entropy)(model(x), Y).backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        if step:
            optimizer.step()
    return [parameter.detach().clone() for parameter in model.parameters()]


def under(intervention: Intervention, **options: object) -> list[Tensor]:
    with ExitStack() as undo:
        intervention.install(undo)
        return train(**options)  # type: ignore[arg-type]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.kind)
def test_it_goes_through_json_and_leaves_torch_as_it_was(example: Intervention) -> None:
    assert Intervention.from_json(json.loads(json.dumps(example.to_json()))) == example
    before = train()
    under(example)
    assert same(train(), before)


def test_every_kind_has_an_example() -> None:
    assert {example.kind for example in EXAMPLES} == set(KINDS)


def test_rates_options_and_clipping_are_what_the_script_would_do() -> None:
    assert same(under(remedies.ScaleRate(0.5), rate=0.1), train(rate=0.05))
    assert same(under(remedies.SetRate(0.05), rate=0.1), train(rate=0.05))
    assert same(under(remedies.SetOption("weight_decay", 0.25)), train(weight_decay=0.25))
    assert same(under(remedies.ClipGradients(0.01)), train(clip=0.01))
    assert same(under(remedies.LiftClipping(1.0), clip=1e-4), train(clip=1.0))
    assert not same(train(clip=1e-4), train(clip=1.0))


def test_a_schedule_is_held() -> None:
    def scheduled(model: nn.Sequential) -> list[Tensor]:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.01)
        for _ in range(5):
            optimizer.zero_grad()
            F.cross_entropy(model(X), Y).backward()
            optimizer.step()
            schedule.step()
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05 * 0.01**5)
        return [parameter.detach() for parameter in model.parameters()]

    with ExitStack() as undo:
        remedies.HoldRate().install(undo)
        held = scheduled(network())
    assert same(held, train())
    assert not same(scheduled(network()), train())


def test_another_optimiser_is_made() -> None:
    def make(*arguments: object, **options: object) -> torch.optim.Optimizer:
        return torch.optim.SGD(*arguments, **options)  # type: ignore[arg-type]  # by its name at this time

    adam = train(make=torch.optim.Adam, rate=0.01)
    assert same(under(remedies.SwapOptimizer("Adam", 0.01), make=make, momentum=0.9), adam)


def test_missing_calls_are_made() -> None:
    assert same(under(remedies.ClearGradients(), clear=False), train())
    assert not same(train(clear=False), train())
    assert same(under(remedies.StepAfterBackward(), step=False), train())


def test_an_optimiser_keeps_its_state() -> None:
    once = train(momentum=0.9)
    assert same(under(remedies.KeepOptimizer(), anew=True, momentum=0.9), once)
    assert not same(train(anew=True, momentum=0.9), once)


def test_inputs_are_standardised_or_made_finite() -> None:
    center, spread = X.mean(0), X.std(0)
    assert same(under(remedies.StandardiseInputs(batches=1)), train(x=(X - center) / spread))
    broken = X.clone()
    broken[0, 0], broken[1, 1] = float("nan"), float("inf")
    zeroed = torch.where(torch.isfinite(broken), broken, 0.0)
    assert same(under(remedies.FiniteInputs(), x=broken), train(x=zeroed))


def test_targets_are_learned_in_units_of_their_own() -> None:
    target = X.sum(1, keepdim=True) * 100 + 1000
    level, unit = 1200.0, 500.0

    def fit(target_B1: Tensor) -> list[Tensor]:
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        for _ in range(5):
            optimizer.zero_grad()
            F.mse_loss(model(X), target_B1).backward()
            optimizer.step()
        return [parameter.detach() for parameter in model.parameters()]

    with ExitStack() as undo:
        remedies.ScaleTargets(level, unit).install(undo)
        scaled = fit(target)
    for one, other in zip(scaled, fit((target - level) / unit), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_weights_activations_and_dropout_are_others() -> None:
    model = network()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)
    with ExitStack() as undo:
        remedies.FreshWeights().install(undo)
        model(X)
        first = [parameter.detach().clone() for parameter in model.parameters()]
        model(X)
    assert all(parameter.std() > 0 for parameter in first)
    assert same(first, list(model.parameters())), "weights are drawn once, not at every call"

    assert same(under(remedies.SwapActivation("relu", "tanh")), train(layers=(nn.Tanh(),)))
    with ExitStack() as undo:
        remedies.SwapActivation("relu", "tanh").install(undo)
        assert torch.equal(torch.relu(X), X.tanh())
        assert torch.equal(F.relu(X), X.tanh())
    with ExitStack() as undo:
        remedies.SetDropout(0.0).install(undo)
        assert torch.equal(nn.Dropout(0.9)(X), X)


def test_modes_follow_gradients() -> None:
    model = network(nn.Dropout(0.5))
    with ExitStack() as undo:
        remedies.EvaluateInMode().install(undo)
        with torch.no_grad():
            assert torch.equal(model(X), model(X))
        assert not torch.equal(model(X), model(X))
        assert model.training
    model.eval()
    with ExitStack() as undo:
        remedies.TrainInMode().install(undo)
        assert not torch.equal(model(X), model(X))
        with torch.no_grad():
            assert torch.equal(model(X), model(X))
        assert not model.training


def test_losses_get_what_they_expect() -> None:
    scores = torch.randn(6, 3)
    target = torch.tensor([0, 1, 2, 0, 1, 2])
    with ExitStack() as undo:
        remedies.InvertOutput("softmax").install(undo)
        inverted = F.cross_entropy(scores.softmax(1), target)
    torch.testing.assert_close(inverted, F.cross_entropy(scores, target))
    with ExitStack() as undo:
        remedies.InvertOutput("sigmoid").install(undo)
        inverted = F.binary_cross_entropy_with_logits(scores.sigmoid(), scores.gt(0).float())
    torch.testing.assert_close(inverted, F.binary_cross_entropy_with_logits(scores, scores.gt(0).float()))
    with ExitStack() as undo:
        remedies.MatchShapes().install(undo)
        matched = nn.MSELoss()(torch.ones(4, 1), torch.arange(4.0))
    torch.testing.assert_close(matched, F.mse_loss(torch.ones(4), torch.arange(4.0)))
    with ExitStack() as undo:
        remedies.WeightClasses((1.0, 2.0, 4.0)).install(undo)
        weighted = nn.CrossEntropyLoss()(scores, target)
    torch.testing.assert_close(weighted, F.cross_entropy(scores, target, weight=torch.tensor([1.0, 2.0, 4.0])))
    with ExitStack() as undo:
        remedies.SwapLoss("mse_loss", "l1_loss").install(undo)
        swapped = nn.MSELoss()(scores, scores + 2)
    torch.testing.assert_close(swapped, torch.tensor(2.0))


def test_the_training_loader_shuffles() -> None:
    data = TensorDataset(torch.arange(50))
    with ExitStack() as undo:
        remedies.ShuffleLoaders().install(undo)
        train_loader, other = DataLoader(data, batch_size=50), DataLoader(data, batch_size=50)
    ((drawn,),), ((kept,),) = list(train_loader), list(other)
    assert not torch.equal(drawn, torch.arange(50))
    assert torch.equal(drawn.sort().values, torch.arange(50))
    assert torch.equal(kept, torch.arange(50))
