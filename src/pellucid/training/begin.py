"""From data, a network and a recipe to a session, every choice made that was left open."""

import dataclasses
from dataclasses import dataclass

from torch import nn

from pellucid.data.dataset import Dataset, NextToken
from pellucid.networks import Plan, build, fit_to
from pellucid.recipe import Recipe
from pellucid.shapes import Features, Sequence
from pellucid.training.defaults import default_network, default_threads, fill_in
from pellucid.training.device import choose_device
from pellucid.training.memory import require_room_for_weights
from pellucid.training.session import Session, open_session
from pellucid.training.task import task_for


@dataclass(frozen=True, slots=True)
class Beginning:
    """A session at its beginning, and how its network came about.

    Attributes:
        session: ready for `steps`.
        plan: the network's plan; None for a module of the user's own.
        notes: what was chosen, or adapted to the data.
    """

    session: Session
    plan: Plan | None
    notes: tuple[str, ...]


def begin(data: Dataset, network: str | Plan | nn.Module | None = None, recipe: Recipe | None = None) -> Beginning:
    """Return a session on the data, ready to be stepped.

    Args:
        data: what `pellucid.load` returned.
        network: arrows, a zoo name, a plan or a module; chosen from the data by default.
        recipe: how to train; what it leaves open is chosen from the data.

    Raises:
        DataError: there is nothing to learn, or no validation rows.
        NotationError: arrows that cannot be read or do not fit the data.
        OptionError: a choice that does not go with the data or the machine.
        RunError: the network's weights do not fit into memory.
    """
    recipe = fill_in(recipe or Recipe(), data)
    task = task_for(data, recipe)
    device = choose_device(recipe)
    if isinstance(network, nn.Module):
        return Beginning(open_session(network, data, task, recipe, device), None, ())
    chosen = default_network(data) if network is None else network
    # one answer at every step of a text to go on with, one for the whole of anything else
    outputs = Sequence(task.outputs) if isinstance(data.target, NextToken) else Features(task.outputs)
    plan, notes = fit_to(chosen, data.input_shape, outputs)
    if recipe.threads is None:
        recipe = dataclasses.replace(recipe, threads=default_threads(plan, recipe.batch_size or 1))
    if network is None:
        notes = (f"chosen for this data: {chosen}; another with --network",)
    require_room_for_weights(plan.parameters, recipe, device.device)
    return Beginning(open_session(build(plan, recipe.seed), data, task, recipe, device), plan, notes)
