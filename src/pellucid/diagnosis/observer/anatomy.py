"""What a network consists of, as its modules and parameters tell it."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.parameter import UninitializedParameter

from pellucid.diagnosis.observation import Beginning, NetworkSeen, ParameterFacts
from pellucid.diagnosis.observer.held import is_plain, key_of, sample

_RELATIVE, _ABSOLUTE = 1e-5, 1e-8
"""How far apart weights may be that are alike."""


def describe(network: NetworkSeen, step: int) -> None:
    """Fill in what a network's modules and parameters tell at a step, unless it is gone."""
    whole = network.module
    if whole is None:
        return
    network.described = step
    for described in (network.parameters, network.dropouts, network.batch_norms, network.recurrent, network.hidden):
        described.clear()
    for path, module in whole.named_modules():
        name = f"{network.name}.{path}" if path else network.name
        if isinstance(module, _DropoutNd) and module.p > 0:
            network.dropouts[name] = float(module.p)
        elif isinstance(module, _BatchNorm):
            network.batch_norms.append(name)
        elif isinstance(module, nn.RNNBase | nn.RNNCellBase):
            network.recurrent.append(name)
            probability = getattr(module, "dropout", 0.0)
            if isinstance(probability, float) and probability and getattr(module, "num_layers", 1) > 1:
                network.dropouts[name] = probability
        elif isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer) and module.dropout.p > 0:
            network.dropouts[name] = module.dropout.p
        network.hidden.extend((f"{name}.{attribute}", key) for attribute, key in _hidden(module))
        network.parameters.extend(
            _facts(network, f"{path}.{own}" if path else own, parameter, type(module).__name__)
            for own, parameter in module.named_parameters(recurse=False)
            if is_plain(parameter) and not isinstance(parameter, UninitializedParameter)
        )


def _facts(network: NetworkSeen, path: str, parameter: Tensor, kind: str) -> ParameterFacts:
    now = sample(parameter).float()
    begun = network.begun.get(path)
    if begun is None:
        begun = _beginning(network.initial.get(path, now).float())
        if path in network.initial:
            network.begun[path] = begun
    return ParameterFacts(
        name=f"{network.name}.{path}",
        key=key_of(parameter),
        shape=tuple(parameter.shape),
        kind=kind,
        spread=begun.spread,
        mean=begun.mean,
        constant=begun.constant,
        still_constant=_units_alike(parameter.T if "Embedding" in kind and parameter.dim() == 2 else parameter),
        # of one that came to the network later it is not known
        changed=path not in network.initial or not torch.equal(begun.numbers, now),
        asked=parameter.requires_grad,
        sizes=(begun.norm, now.norm().item()),
    )


def _beginning(numbers: Tensor) -> Beginning:
    return Beginning(
        numbers=numbers,
        spread=numbers.std().item() if numbers.numel() > 1 else 0.0,
        mean=numbers.mean().item(),
        constant=bool((numbers == numbers[0]).all()) if numbers.numel() else False,
        norm=numbers.norm().item(),
    )


def _units_alike(parameter: Tensor) -> bool:
    """Say whether all units of a layer have the same weights."""
    if parameter.dim() < 2 or parameter.shape[0] < 2:
        return False
    units = parameter.detach().reshape(parameter.shape[0], -1)
    if not units.numel():
        return True
    one, other = units[:2, 0].tolist()
    if abs(one - other) > 2 * (_ABSOLUTE + _RELATIVE * abs(one)):  # of nearly all layers two numbers tell it
        return False
    return bool(torch.allclose(units, units[:1].expand_as(units), rtol=_RELATIVE, atol=_ABSOLUTE))


def _hidden(module: nn.Module) -> Iterator[tuple[str, int]]:
    """Yield parameters kept in plain lists, tuples and dicts, where `parameters()` does not look."""
    for attribute, value in vars(module).items():
        if attribute.startswith("_") or not isinstance(value, list | tuple | dict):
            continue
        for held in value.values() if isinstance(value, dict) else value:
            yield from ((attribute, key) for key in _trainable(held))


def _trainable(held: Any) -> Iterator[int]:
    if isinstance(held, nn.Module):
        yield from (key_of(parameter) for parameter in held.parameters() if parameter.requires_grad)
    elif isinstance(held, Tensor) and held.requires_grad and held.is_leaf:
        yield key_of(held)
