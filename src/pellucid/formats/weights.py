"""The weights alone, with what they are the weights of in the file's own metadata."""

from pathlib import Path

from safetensors.torch import save

from pellucid.formats.exported import Exported, clear_place
from pellucid.formats.trained import Trained


def as_bytes(trained: Trained) -> bytes:
    """Return the content of a safetensors file; tied weights stand in it once a name."""
    weights = {name: tensor.contiguous().clone() for name, tensor in trained.network.state_dict().items()}
    content: bytes = save(weights, trained.metadata())
    return content


def write_safetensors(trained: Trained, target: Path) -> Exported:
    """Write a safetensors file of the state dict; its metadata hold the arrows, the classes and the preprocessing."""
    with clear_place(target) as place:
        (place / target.name).write_bytes(as_bytes(trained))
    if trained.plan is None:
        usage = f'from safetensors.torch import load_file\nmodel.load_state_dict(load_file("{target}"))'
    else:
        usage = f'import network  # network.py, in the run\'s folder\nmodel = network.load("{target}")'
    note = "arrows, classes and preprocessing: safe_open(...).metadata()"
    return Exported(target, (target,), usage, (note,))
