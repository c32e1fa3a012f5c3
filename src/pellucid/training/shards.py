"""A network shared out among processes: of each of its weights every rank holds a part, and no device the whole.

A layer's weights are put together where they are needed, forwards and backwards, and let go again; its gradients come
back as parts, and the optimiser has moments of the parts alone (Rajbhandari et al. 2020, "ZeRO: Memory optimizations
toward training trillion parameter models", stage 3; Zhao et al. 2023, "PyTorch FSDP"). torch's `fully_shard` does it.

To be imported where it is needed: torch's half of it takes half a second.
"""

import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from pellucid.training.loop import require_common_steps
from pellucid.training.ranks import Ranks
from pellucid.training.session import Session


def share_out(session: Session, ranks: Ranks) -> None:
    """Leave this rank its part of a session's weights, best weights and moments, which all ranks have alike.

    Steps, validation and `session.together` are from now on for all ranks at once: each waits for the others' parts.

    Raises:
        OptionError: its rule is for one process, or something else of it.
    """
    require_common_steps(session, ranks)
    assert session.optimizer is not None, "only what follows a gradient is shared out"
    mesh = init_device_mesh(session.device.device.type, (ranks.count,))
    # the new optimiser has the new parameters in the order that this one has the old ones in
    moments = session.optimizer.state_dict()["state"]
    # a view must not be changed in place, and no layer of ours changes what it is given
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    for unit in (*_units(session.network), session.network):
        fully_shard(unit, mesh=mesh)
    session.optimizer = session.rule.optimizer(session.network, session.recipe)
    assert session.optimizer is not None
    parts = [part for group in session.optimizer.param_groups for part in group["params"]]
    state = {at: {name: _part_of(value, parts[at]) for name, value in of.items()} for at, of in moments.items()}
    session.optimizer.load_state_dict({**session.optimizer.state_dict(), "state": state})
    like = session.network.state_dict()
    session.best_weights = {name: _part_of(whole, like[name]) for name, whole in session.best_weights.items()}
    session.ranks, session.together = ranks, partial(_together, ranks)


def _together(ranks: Ranks, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors put together from the parts of all ranks, each of which has to ask; the first alone keeps them.

    Those that were not shared out are returned as they are.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        # one after the other, so that the device never holds more than one of them whole
        whole = tensor.full_tensor().cpu() if isinstance(tensor, DTensor) else tensor
        if ranks.is_first:
            found[name] = whole
    return found


def _units(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers that are put together one at a time: those that are called, within what only holds others."""
    for child in module.children():
        if isinstance(child, nn.Sequential | nn.ModuleList | nn.ModuleDict):
            yield from _units(child)
        elif next(child.parameters(), None) is not None:
            yield child


def _part_of(whole: Any, like: Tensor) -> Any:
    """Return this rank's part of a tensor, cut as another of its shape is; as it is where that was not cut."""
    if not isinstance(like, DTensor) or not isinstance(whole, Tensor) or whole.shape != like.shape:
        return whole  # a buffer, or a moment's count of steps
    return distribute_tensor(whole.to(like.device), like.device_mesh, like.placements, src_data_rank=None)
