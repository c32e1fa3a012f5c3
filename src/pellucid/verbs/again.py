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
    """Return a session on the same data, network and recipe as a run's, at its beginning.

    Args:
        run: what was asked.
        data: only for a run on data given from Python: the same data.
        module: only for a run on a module of the user's own: the same module.
        device: where to compute (default: where it did then).

    Raises:
        RunError: the data or the module is missing or is not the same.
    """
    dataset = run.data() if data is None else _same_data(run, data)
    arrows = run.asked["network"]["arrows"]
    if arrows is None and module is None:
        raise RunError(
            f"{run.folder} was trained with a module of your own, which pellucid cannot build",
            advice="pass it again from Python: network=module",
        )
    recipe = dataclasses.replace(run.recipe, device=device or run.asked["device"])
    return begin(dataset, module or arrows, recipe).session


def require_same_beginning(run: Run, session: Session) -> None:
    """Refuse a network that does not begin with the weights the run began with.

    Raises:
        RunError: a module made otherwise, or versions that draw initial weights otherwise.
    """
    then, now = run.asked["network"]["sha256"], digest(session.network)
    if then != now:
        raise RunError(
            "the network does not begin with the weights it began with then",
            expected=f"sha256 {then[:16]}…",
            received=f"sha256 {now[:16]}…",
            advice="make a module of your own as it was made then, seeds included; else pellucid or PyTorch draws "
            "weights otherwise now: run.json names the versions of then",
        )


def _same_data(run: Run, data: object) -> Dataset:
    dataset = data if isinstance(data, Dataset) else load(data, **run.asked["data"]["options"])
    run.require_same(dataset)
    return dataset
