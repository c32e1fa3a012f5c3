"""The last layer solved in one step, by least squares."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.data.dataset import Classes
from pellucid.errors import OptionError
from pellucid.recipe import Recipe
from pellucid.training.rules.centres import place_centres
from pellucid.training.rules.features import inputs_of
from pellucid.training.rules.gradient import require_finite
from pellucid.training.rules.least_squares import Solution, solve, steepness
from pellucid.training.session import Rule, Session
from pellucid.training.tasks.supervised import Supervised
from pellucid.training.tasks.task import Task

_COPIES = 24  # changed copies of a row, beside the row as it is
_ENOUGH_ROWS = 50_000  # where the rows alone are so many, copies would cost more than they tell


@dataclass(frozen=True, slots=True)
class ClosedForm(Rule):
    """One step that solves the last layer, a linear one, for all training rows; nothing else is learned.

    Radial basis functions are first given centres from the data. Whatever else lies before the last layer stays as it
    is at random. See `least_squares.solve` for the penalty.
    """

    def optimizer(self, network: nn.Module, recipe: Recipe) -> None:  # noqa: ARG002 - no gradient is followed
        """Return none."""
        return

    def begin(self, session: Session) -> None:
        """Give radial basis functions their centres and widths."""
        place_centres(session)

    @torch.no_grad()
    def step(
        self,
        session: Session,
        inputs_B: Tensor,
        targets_B: Tensor,
        *,
        measure: bool,  # noqa: ARG002 - there is no gradient
    ) -> tuple[float, float]:
        """Solve the last layer, and return the loss on the batch, which is all training rows."""
        solve_last_layer(session)
        session.network.eval()
        assert isinstance(session.task, Supervised)
        loss = session.task.loss(session.network(inputs_B).float(), targets_B).item()
        session.network.train()
        require_finite(session, loss)
        return loss, math.nan


def closed_form(network: nn.Module, task: Task, recipe: Recipe) -> ClosedForm:
    """Return the rule for a network whose last layer is linear.

    Raises:
        OptionError: it has another last layer, or an option or the task does not go with least squares.
    """
    if last_layer(network) is None:
        raise OptionError(
            "the closed form is that of a linear last layer",
            expected="a network that ends with fc",
            received=type(network).__name__ if not list(network.children()) else str(list(network.children())[-1]),
            advice="write rbf(50) -> fc(10), or leave --rule out",
        )
    usual = {"classification": "cross-entropy", "regression": "squared-error", "forecast": "squared-error"}
    if task.loss_name != usual.get(task.name):
        raise OptionError(
            f"{task.loss_name} in {task.name} has no closed form",
            expected="classes, or values with the squared error",
            received=f"{task.name}, {task.loss_name}",
            advice="leave --loss out" if task.name in usual else "leave --rule out",
        )
    if recipe.epochs != 1:
        raise OptionError(
            "the closed form takes one step on all rows",
            expected="no --epochs",
            received=f"--epochs {recipe.epochs}",
            advice="leave it out; --rule gradient goes on from the solution",
        )
    return ClosedForm()


def last_layer(network: nn.Module) -> nn.Linear | None:
    """Return the linear layer whose output is the network's, or None where there is none to be sure of."""
    end = network
    while isinstance(end, nn.Sequential) and len(end):
        end = end[-1]
    return end if isinstance(end, nn.Linear) else None


def can_solve(session: Session) -> bool:
    """Say whether the last layer can be solved for the session's targets: one answer for each row."""
    task = session.task
    return isinstance(task, Supervised) and task.name != "language" and last_layer(session.network) is not None


@torch.no_grad()
def solve_last_layer(session: Session) -> Solution:
    """Set the last layer to the least-squares solution on the training rows, and on copies of them if they are changed.

    A penalty that is not given is the one whose loss on the validation rows is least: rows left out of the training
    rows would not do, for centres lie on them. Classes are ones and zeros to least squares; what comes out is made as
    steep as the validation rows say it should be, so that it reads as logits.
    """
    layer, task, data = last_layer(session.network), session.task, session.data
    assert layer is not None, "the network has no linear last layer"
    assert isinstance(task, Supervised)
    rows_N = data.rows["train"]
    copies = 0 if session.augment is None else min(_COPIES, _ENOUGH_ROWS // len(rows_N))
    features_NM = torch.cat([inputs_of(layer, session, rows_N, copy) for copy in range(copies + 1)]).double()
    wanted_NK = _wanted(session, rows_N).repeat(copies + 1, 1)
    judged_NM = inputs_of(layer, session, data.rows["validation"]).double()
    judged_by_N = data.targets.index_select(0, data.rows["validation"])
    solutions = list(solve(features_NM, wanted_NK, session.recipe.ridge, bias=layer.bias is not None))
    if isinstance(task.target, Classes):
        solutions = [each.steeper(steepness(each(judged_NM), judged_by_N)) for each in solutions]
    best = min(solutions, key=lambda each: float(task.loss(each(judged_NM), judged_by_N)))
    layer.weight.copy_(best.weight)
    if layer.bias is not None:
        layer.bias.copy_(best.bias)
    return best


def _wanted(session: Session, rows_N: Tensor) -> Tensor:
    """Return what the last layer should give for some rows, float64 (N, K)."""
    targets, target = session.data.targets.index_select(0, rows_N), session.task.target
    return (F.one_hot(targets, len(target.names)) if isinstance(target, Classes) else targets).double()
