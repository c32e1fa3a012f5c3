"""A session of the training room for an estimator: opened on data in memory, driven to its end.

Shape letters: N rows, K outputs.
"""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from rich.console import Console
from torch import Tensor, nn

from pellucid.data.dataset import Dataset
from pellucid.errors import OptionError
from pellucid.estimators.options import Network
from pellucid.estimators.rows import InputShape
from pellucid.estimators.weighing import weigh
from pellucid.networks import Plan, main_output
from pellucid.networks.parsing import read
from pellucid.recipe import Recipe
from pellucid.record import Epoch, Finding
from pellucid.seed import isolated, seed_torch
from pellucid.shapes import Features, Image, Sequence, size
from pellucid.training import Beginning, Session, begin, steps, threads
from pellucid.training.memory import explained, require_memory
from pellucid.training.rules import Gradient
from pellucid.training.tasks import Supervised
from pellucid.verbs.watched import Watched


@dataclass(frozen=True, slots=True)
class Taught:
    """What came of a training.

    Attributes:
        losses: mean training loss of each epoch.
        scores: the metric on the validation rows after each epoch; none where all rows train.
        best_epoch: whose weights the network has.
        findings: what went wrong; None where nobody watched.
    """

    losses: tuple[float, ...]
    scores: tuple[float, ...]
    best_epoch: int
    findings: tuple[Finding, ...] | None


def input_shape(network: Network | None, features: int) -> InputShape:
    """Return what rows of numbers are to a network: what arrows begin with, where they say it, else features.

    >>> str(input_shape("8x8x1 -> cnn", 64)), str(input_shape("mlp(32)", 64))
    ('8x8x1', '64')

    Raises:
        NotationError: arrows that cannot be read.
        OptionError: arrows that begin with another number of numbers.
    """
    if not isinstance(network, str | Plan):
        return Features(features)
    begins = read(str(network)).input
    shape = None if begins is None else begins.shape
    if isinstance(shape, Sequence) and shape.length is None and features % shape.features == 0:
        return Sequence(shape.features, features // shape.features)
    if isinstance(shape, Image | Sequence) and size(shape) != features:
        raise OptionError(
            "the network's input is of another size than a row",
            expected=f"{features:,} numbers, as in X",
            received=f"{shape}" + ("" if size(shape) is None else f", {size(shape):,} numbers"),
        )
    return shape if isinstance(shape, Image | Sequence) else Features(features)


def chosen_network(network: Network | None, data: Dataset, outputs: int, seed: int) -> str | Plan | nn.Module | None:
    """Return a network that may be trained: a module of the user's own is copied, a function called.

    Raises:
        OptionError: it is no network.
    """
    if network is None or isinstance(network, str | Plan):
        return network
    if isinstance(network, nn.Module):
        return copy.deepcopy(network)
    made: object = None
    if callable(network):
        with isolated():
            seed_torch(seed, "weights")
            made = network(data.inputs.shape[1], outputs)
    if not isinstance(made, nn.Module):
        raise OptionError(
            "this is no network",
            expected="arrows, a zoo name, a plan, an nn.Module, or a function of (inputs, outputs) that returns one",
            received=type(network).__name__ + (f" that returns {type(made).__name__}" if callable(network) else ""),
        )
    return made


def opened(data: Dataset, network: str | Plan | nn.Module | None, recipe: Recipe, weights_N: Any | None) -> Beginning:
    """Return a training at its beginning.

    Raises:
        DataError, NotationError, OptionError, RunError: as `begin`.
    """
    begun = begin(data, network, recipe)
    require_memory(begun.session)
    if begun.plan is None:
        _require_outputs(begun.session)
    if weights_N is not None:
        weigh(begun.session, torch.from_numpy(weights_N))
    return begun


def _require_outputs(session: Session) -> None:
    """Refuse a module of the user's own whose output does not fit the targets.

    Raises:
        OptionError: with the shapes.
    """
    task, network = session.task, session.network
    assert isinstance(task, Supervised)
    rows = session.data.rows["train"][:2]
    network.eval()  # nothing is to be learned from these rows
    with torch.no_grad():
        given = main_output(network(session.data.batch(rows)[0].to(session.device.device)))
    expected = (len(rows), task.outputs)
    if not isinstance(given, Tensor) or tuple(given.shape) != expected:
        raise OptionError(
            "the network's output does not fit the targets",
            expected=f"{expected} for {len(rows)} rows",
            received=str(tuple(given.shape)) if isinstance(given, Tensor) else type(given).__name__,
            advice="end it with a layer of so many outputs, without softmax; a function of (inputs, outputs) is told"
            " how many",
        )


def require_gradient(session: Session) -> None:
    """Refuse a rule that begins anew with the rows that it is given.

    Raises:
        OptionError: naming it.
    """
    if not isinstance(session.rule, Gradient):
        raise OptionError(
            "partial_fit goes on down a gradient",
            expected="a network and a rule that do",
            received=f"rule '{session.recipe.rule}'",
            advice="use fit",
        )


def taught(begun: Beginning, *, validates: bool, watched: bool, verbose: bool) -> Taught:
    """Train to the end; the network then has the best weights where there are validation rows, else the last.

    Raises:
        DivergedError: the loss is no longer finite.
        RunError: memory ran out.
    """
    session = begun.session
    watch = Watched(session, begun.plan, wanted=watched)
    losses, scores = [], []
    with threads(session.recipe.threads), explained(session), watch:
        for epoch in (event for event in steps(session) if isinstance(event, Epoch)):
            losses.append(epoch.loss)
            if validates:
                scores.append(epoch.validation[session.task.metric])
                watch.on_epoch(epoch)
            if verbose:
                _tell(epoch, session, scores)
    if validates:
        session.network.load_state_dict(session.best_weights)
    session.network.eval()
    best = session.progress.best_epoch if validates else session.progress.epoch - 1
    return Taught(tuple(losses), tuple(scores), best, _findings(watch))


def _tell(epoch: Epoch, session: Session, scores: list[float]) -> None:
    metric = f"  {session.task.metric} {scores[-1]:.4g}" if scores else ""
    line = f"epoch {epoch.epoch}/{session.epochs}  loss {epoch.loss:.4g}{metric}"
    Console(highlight=False, soft_wrap=True).print(line, markup=False)


def _findings(watch: Watched) -> tuple[Finding, ...] | None:
    """Return what went wrong; a training that succeeded does not fail by its diagnosis."""
    try:
        diagnosis = watch.diagnosis()
    except Exception:  # noqa: BLE001  (any fault of the diagnosis, which the training has no part in)
        return None
    return None if diagnosis is None else diagnosis.findings
