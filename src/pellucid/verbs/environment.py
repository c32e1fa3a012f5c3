"""On what a run was made: versions, threads, processor, device; and in what another machine differs from it."""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import torch
from torch import nn

from pellucid.training.ranks import launched


def environment(device: torch.device) -> dict[str, Any]:
    """Return what may change the last bits of a training, as run.json keeps it."""
    return {
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "processes": launched().count,
        "versions": {
            "pellucid": version("pellucid"),
            "torch": torch.__version__,
            "numpy": version("numpy"),
            "pillow": version("pillow"),
            "polars": version("polars"),
            "python": platform.python_version(),
            "platform": platform.platform(),
        },
    }


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return a line for each thing of `environment` that was otherwise when a run was made.

    >>> differences({"threads": 2, "versions": {"torch": "2.12.0"}}, {"threads": 1, "versions": {"torch": "2.13.0"}})
    ['threads: 2 then, 1 now', 'torch: 2.12.0 then, 2.13.0 now']
    """
    flat_then, flat_now = (_flat(described) for described in (then, now))
    return [
        f"{name}: {flat_then[name]} then, {value} now"
        for name, value in flat_now.items()
        if name in flat_then and flat_then[name] != value
    ]


def digest(network: nn.Module) -> str:
    """Return the SHA-256 of a network's weights, names and shapes and bits."""
    sha256 = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        sha256.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        sha256.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha256.hexdigest()


def _flat(described: Mapping[str, Any]) -> dict[str, Any]:
    names = ("device", "device_name", "threads", "processes")
    return {name: described[name] for name in names if name in described} | dict(described["versions"])
