"""What a trained network gives for rows, and what reaches its last layer.

Shape letters: N rows, B rows at once, K numbers.
"""

import copy

import torch
from torch import Tensor, nn

from pellucid.errors import OptionError
from pellucid.networks import main_output
from pellucid.training.batches import rows_at_once

_TOGETHER = 8


@torch.inference_mode()
def outputs_of(network: nn.Module, inputs: Tensor) -> Tensor:
    """Return the outputs for prepared inputs, float32 (N, K) on the CPU; the network is in evaluation mode."""
    device = next(network.parameters()).device
    at_once = rows_at_once(inputs)
    parts = [main_output(network(_filled_up(part, at_once).to(device)))[: len(part)] for part in inputs.split(at_once)]
    return torch.cat([part.float().cpu() for part in parts])


@torch.inference_mode()
def features_of(network: nn.Module, inputs: Tensor) -> Tensor:
    """Return what the last layer with a matrix of weights is given, flattened, float32 (N, K) on the CPU."""
    listened = copy.deepcopy(network)  # threads may use the estimator together, and would hear each other's rows
    caught: list[Tensor] = []

    def hear(_: nn.Module, arguments: tuple[object, ...]) -> None:
        caught[:] = [each for each in arguments[:1] if isinstance(each, Tensor)] or caught

    for layer in listened.modules():
        if any(parameter.ndim > 1 for parameter in layer.parameters(recurse=False)):
            layer.register_forward_pre_hook(hear)
    device, at_once, parts = next(listened.parameters()).device, rows_at_once(inputs), []
    for part in inputs.split(at_once):
        listened(_filled_up(part, at_once).to(device))
        if not caught or len(caught[0]) < len(part):
            raise OptionError(
                "this network has no last layer whose input could be told",
                expected="a layer with a matrix of weights, such as nn.Linear, that is given the rows",
                received=type(network).__name__,
            )
        parts.append(caught[0][: len(part)].flatten(1).float().cpu())
    return torch.cat(parts)


def _filled_up(inputs_B: Tensor, at_once: int) -> Tensor:
    """Return a few rows more where there are few, copies of the last.

    For one to three rows, and for those left over from eights, torch takes other kernels, whose sums round otherwise;
    so what is said of a row does not depend on how many others are asked for.
    """
    missing = -len(inputs_B) % min(_TOGETHER, at_once)
    return torch.cat([inputs_B, inputs_B[-1:].expand(missing, *inputs_B.shape[1:])]) if missing else inputs_B
