"""What reaches a layer inside a network: the inputs that its own weights could be solved from."""

import torch
from torch import Tensor, nn

from pellucid.seed import generator
from pellucid.training.batches import rows_at_once
from pellucid.training.session import Session


@torch.no_grad()
def inputs_of(layer: nn.Module, session: Session, rows_N: Tensor, copy: int = 0) -> Tensor:
    """Return the inputs (N, ...) that a layer has for some training rows, as in evaluation, float32 on the CPU.

    Args:
        layer: somewhere in the session's network.
        session: its augmentation makes the copies.
        rows_N: numbers of rows.
        copy: 0 for the rows as they are, else the number of a changed copy: a function of the seed and that number.
    """
    caught: list[Tensor] = []
    network, device, data = session.network, session.device, session.data
    training = network.training
    hook = layer.register_forward_pre_hook(lambda _, arguments: caught.append(arguments[0].detach().float().cpu()))
    stream = generator(session.recipe.seed, "copy", copy, device=device.device)
    try:
        network.eval()
        for rows_B in rows_N.split(rows_at_once(data.inputs)):
            inputs_B = data.batch(rows_B)[0].to(device.device)
            if copy and session.augment is not None:
                inputs_B = session.augment(inputs_B, stream)
            network(inputs_B)
    finally:
        hook.remove()
        network.train(training)
    return torch.cat(caught)
