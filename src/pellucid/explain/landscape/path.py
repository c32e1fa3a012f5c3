"""Where in the space of its weights a training went: the network's states along it, kept while it trains.

Source: Li et al. 2018, Visualizing the loss landscape of neural nets, section 7.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from pellucid.errors import RunError
from pellucid.record import Watcher
from pellucid.training import fit
from pellucid.training.session import Session

PLACES = 20
"""Kept of a training, besides its beginning: enough for a line, and few enough for memory."""


@dataclass(frozen=True, slots=True)
class TrainingPath:
    """A network's states along a training, from before the first step to after the last.

    Attributes:
        steps: optimiser steps done at each, ascending, from 0.
        states: state dicts, parameters and buffers, on the CPU.
    """

    steps: tuple[int, ...]
    states: tuple[dict[str, Tensor], ...]


def training_path(
    session: Session,
    *,
    epochs: int | None = None,
    also: Iterable[int] = (),
    places: int = PLACES,
    watchers: Iterable[Watcher] = (),
) -> TrainingPath:
    """Train a session to its end and return the states of its network along the way.

    They are kept at the ends of epochs; of fewer epochs than places also within them.

    Args:
        session: at its beginning.
        epochs: how many there will be, where that is known and fewer than asked for: stopped early.
        also: ends of epochs whose states are wanted in any case.
        places: about how many states are kept besides the first.
        watchers: are told each sampled step and each epoch.

    Raises:
        DivergedError: the loss is no longer finite.
        RunError: it was stopped before its end.
    """
    wanted = kept_steps(session.steps_per_epoch, epochs or session.epochs, places)
    wanted |= {epoch * session.steps_per_epoch for epoch in also}
    kept = {0: _copied(session.network)}

    def keep() -> None:
        step = session.progress.step
        if step in wanted and step not in kept:
            kept[step] = _copied(session.network)

    if not fit(session, watchers, keep):
        raise RunError("the training was stopped before its end: its path is not known")
    if session.progress.step not in kept:
        kept[session.progress.step] = _copied(session.network)
    return TrainingPath(tuple(kept), tuple(kept.values()))


def kept_steps(steps_per_epoch: int, epochs: int, places: int) -> set[int]:
    """Return the steps after which states are kept: ends of epochs, and equal parts of them where epochs are few.

    >>> sorted(kept_steps(10, 100, 4))
    [250, 500, 750, 1000]
    >>> sorted(kept_steps(10, 2, 4))
    [5, 10, 15, 20]
    """
    if epochs >= places:
        return {round(place * epochs / places) * steps_per_epoch for place in range(1, places + 1)}
    parts = min(steps_per_epoch, -(-places // epochs))
    within = [round(part * steps_per_epoch / parts) for part in range(1, parts + 1)]
    return {epoch * steps_per_epoch + step for epoch in range(epochs) for step in within}


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in network.state_dict().items()}
