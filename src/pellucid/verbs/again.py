"""The training of a run begun once more, from what its folder says: to go on with it or to compare with it."""

import dataclasses

from torch import nn

from pellucid.data import Dataset, load
from pellucid.errors import RunError
from pellucid.training import begin
from pellucid.training.session import Session
from pellucid.verbs.environment import digest
from pellucid.verbs.run import Run


def begin_again(run: Run, data: object = None, module: nn.Module | None = None, device: str | None = None) -> Session:
    """Return the session a run began with, bit for bit.

    Args:
        run: what was asked.
        data: only for a run on data given from Python: the same data.
        module: only for a run on a module of the user's own: the same module, with the weights it began with.
        device: where to compute (default: where it did then).

    Raises:
        RunError: the data or the module is missing or is not the same.
    """
    dataset = run.data() if data is None else _same_data(run, data)
    arrows = run.asked["network"]["arrows"]
    if arrows is None and module is None:
        raise RunError(
            f"{run.folder} was trained with a module of your own, which pellucid cannot build",
            advice="pass it again from Python: network=module, with the weights it began with",
        )
    recipe = dataclasses.replace(run.recipe, device=device or run.asked["device"])
    session = begin(dataset, module or arrows, recipe).session
    if digest(session.network) != run.asked["network"]["sha256"]:
        raise RunError(
            "the network does not begin with the weights it began with then",
            expected=f"sha256 {run.asked['network']['sha256'][:16]}…",
            received=f"sha256 {digest(session.network)[:16]}…",
            advice="make the module as it was made then, seeds included"
            if module is not None
            else "pellucid or PyTorch draws initial weights otherwise now; run.json names the versions of then",
        )
    return session


def _same_data(run: Run, data: object) -> Dataset:
    dataset = data if isinstance(data, Dataset) else load(data, **run.asked["data"]["options"])
    run.require_same(dataset)
    return dataset
