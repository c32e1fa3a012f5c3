"""One update of a matrix is what torch's optimisers do row by row.

Shape letters: K members, P parameters.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

from pellucid.recipe import OptimizerName, Recipe
from pellucid.training.optimizers import exempt, make_optimizer, shrink
from pellucid.training.population import descent
from pellucid.training.population.descent import Descents

pytestmark = pytest.mark.covers("C7")

STEPS = 100
RATES = [0.03 * (0.5 + 0.5 * (step % 7) / 7) for step in range(STEPS)]


def network(seed: int, dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 3)).to(dtype)


def flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def gradient(weights_P: Tensor, seed: int, step: int) -> Tensor:
    """Return some gradient that depends on the weights, on whom, and on when."""
    noise = torch.randn(
        len(weights_P), generator=torch.Generator().manual_seed(1000 * seed + step), dtype=weights_P.dtype
    )
    return weights_P.sin() + 0.5 * noise


def by_torch(recipe: Recipe, seed: int, dtype: torch.dtype) -> Tensor:
    model = network(seed, dtype)
    optimizer = make_optimizer(model, recipe, 1.0)
    parameters = list(model.parameters())
    for step in range(STEPS):
        whole_P = gradient(flat(parameters), seed, step)
        for parameter, part in zip(parameters, whole_P.split([p.numel() for p in parameters]), strict=True):
            parameter.grad = part.view_as(parameter)
        for group in optimizer.param_groups:
            group["lr"] = RATES[step]
        optimizer.step()
        if recipe.l1:
            shrink(optimizer)
    return flat(parameters)


def together(recipes: list[Recipe], dtype: torch.dtype, leaves: tuple[int, ...] = ()) -> Tensor:
    models = [network(seed, dtype) for seed in range(len(recipes))]
    weights_KP = torch.stack([flat(list(model.parameters())) for model in models])
    free = exempt(models[0])
    pulled_P = flat([torch.full_like(p, float(p not in free)) for p in models[0].parameters()])
    descents, members = Descents(recipes, weights_KP, pulled_P), list(range(len(recipes)))
    for step in range(STEPS):
        if step == STEPS // 2 and leaves:
            kept = [place for place, member in enumerate(members) if member not in leaves]
            descents.keep(kept)
            weights_KP, members = weights_KP[kept], [members[place] for place in kept]
        gradients_KP = torch.stack(
            [gradient(row, member, step) for row, member in zip(weights_KP, members, strict=True)]
        )
        descents.step(weights_KP, gradients_KP, [RATES[step]] * len(members))
    return weights_KP


def difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


SETTINGS: list[dict[str, Any]] = [{}, {"weight_decay": 0.1, "momentum": 0.5}, {"l1": 0.01}, {"momentum": 0.0}]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("optimizer", get_args(OptimizerName))
def test_each_optimiser_is_torchs(optimizer: OptimizerName, settings: dict[str, Any]) -> None:
    recipe = Recipe(optimizer=optimizer, **settings)
    for dtype, most in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        for seed, row_P in enumerate(together([recipe] * 3, dtype)):
            assert difference(row_P, by_torch(recipe, seed, dtype)) < most


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("kinds", [("adam", "adamw"), ("adamw", "momentum")], ids=str)
def test_large_members_are_moved_one_after_the_other_to_the_same(
    kinds: tuple[OptimizerName, ...], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descent, "_LARGE", 1)
    recipes = [Recipe(optimizer=kind, **settings) for kind in kinds]
    for dtype, most in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        for seed, (row_P, recipe) in enumerate(zip(together(recipes, dtype), recipes, strict=True)):
            assert difference(row_P, by_torch(recipe, seed, dtype)) < most


def test_optimisers_of_all_kinds_are_one_update() -> None:
    kinds: tuple[OptimizerName, ...] = get_args(OptimizerName)
    recipes = [
        Recipe(optimizer=kind, weight_decay=0.1 * place, l1=0.001 * (place % 2)) for place, kind in enumerate(kinds)
    ]
    for seed, row_P in enumerate(together(recipes, torch.float64)):
        assert difference(row_P, by_torch(recipes[seed], seed, torch.float64)) < 1e-12


def test_the_other_convention_of_momentum_is_the_same_at_another_rate() -> None:
    recipe = Recipe(optimizer="momentum", momentum=0.8, weight_decay=0.0)
    weights_KP = torch.randn(1, 6, dtype=torch.float64)
    mean_KP = weights_KP.clone()
    ours, means = Descents([recipe], weights_KP, torch.ones(6)), Descents([recipe], mean_KP, torch.ones(6))
    means.frames = [dataclasses.replace(means.frames[0], q=1 - 0.8)]
    for step in range(STEPS):
        ours.step(weights_KP, gradient(weights_KP[0], 0, step)[None], [0.1])
        means.step(mean_KP, gradient(mean_KP[0], 0, step)[None], [0.1 / (1 - 0.8)])
    assert difference(weights_KP, mean_KP) < 1e-12


def test_members_that_leave_change_nothing_for_the_others() -> None:
    recipes = [Recipe(optimizer=kind) for kind in ("adamw", "nesterov", "rmsprop", "sgd")]
    whole_KP, rest_KP = together(recipes, torch.float32), together(recipes, torch.float32, leaves=(1, 3))
    assert torch.equal(whole_KP[[0, 2]], rest_KP)
