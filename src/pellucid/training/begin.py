"""From data, a network and a recipe to a session, every choice made that was left open."""

import dataclasses
from dataclasses import dataclass

from torch import nn

from pellucid.data.dataset import Dataset
from pellucid.errors import DataError, OptionError
from pellucid.networks import Plan, build, fit_to, initialise, learns, rule_of, with_head
from pellucid.recipe import LossName, Recipe
from pellucid.seed import isolated, seed_torch
from pellucid.training.defaults import default_network, default_state, default_threads, fill_in, suited
from pellucid.training.device import Device, choose_device
from pellucid.training.layers import require_variance
from pellucid.training.loop import open_session
from pellucid.training.memory import require_room_for_weights
from pellucid.training.session import Session
from pellucid.training.tasks import Task, task_for
from pellucid.training.transfer import Origin, origin_of, prepared_alike, require_layers, take_over, under_our_names


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
    asked = recipe = recipe or Recipe()
    origin = origin_of(recipe)
    if origin is not None and network is None:
        network = _continued(origin, task_for(data, fill_in(recipe, data)))
    if recipe.rule is None and isinstance(network, str | Plan):
        recipe = dataclasses.replace(recipe, rule=rule_of(network))
    recipe = fill_in(recipe, data)
    task = task_for(data, recipe)
    device = choose_device(recipe)
    if isinstance(network, nn.Module):
        return _begun(network, data, recipe, device, None, (), origin)
    chosen = default_network(data) if network is None else network
    _require_same_task(chosen, task)
    plan, notes = fit_to(chosen, data.input_shape, task.answer, len(data.rows["train"]))
    if (loss := _usual_loss(plan, task, recipe)) is not None:
        recipe = dataclasses.replace(recipe, loss=loss)
        task = task_for(data, recipe)
        notes = (*notes, f"loss {loss}, which {plan.steps[-1].name} is made for; another with --loss")
    recipe = suited(recipe, asked, plan)
    if recipe.threads is None:
        recipe = dataclasses.replace(recipe, threads=default_threads(plan, recipe.batch_size or 1))
    if origin is not None:
        origin = under_our_names(origin, chosen, plan)
    if network is None:
        notes = (f"chosen for this data: {chosen}; another with --network",)
    require_room_for_weights(plan.parameters, recipe, device.device)
    return _begun(build(plan, recipe.seed), data, recipe, device, plan, notes, origin)


def _continued(origin: Origin, task: Task) -> Plan:
    """Return the network that a training begins with the weights of, with a last layer for the task.

    Raises:
        OptionError: it was a module of the user's own.
    """
    if origin.arrows is None and origin.place.is_file():
        raise OptionError(
            f"{origin.place} does not say which network its weights are of",
            expected="--network beside --from, such as --network resnet18",
            received="no network",
        )
    if origin.arrows is None:
        raise OptionError(
            f"the network of {origin.place} was a module of your own",
            expected="that module beside --from, from Python: network=module",
            received="no network",
        )
    return with_head(origin.arrows, task.answer)


def _usual_loss(plan: Plan, task: Task, recipe: Recipe) -> LossName | None:
    """Return the loss that the network's outputs are made for, where it is not the task's and none was asked for."""
    return plan.steps[-1].loss if recipe.loss is None and task.name == "classification" else None


def _require_same_task(network: str | Plan, task: Task) -> None:
    """Refuse to learn what a network is not made for.

    Raises:
        DataError: it needs no target and the data has one, or it needs another.
    """
    made_for = learns(network)
    if made_for not in (None, task.name):
        raise DataError(
            f"this network is made for {made_for}, and the data was read for {task.name}",
            expected=f"data read for {made_for}",
            received=f"data read for {task.name}",
            advice=f'pellucid.load(..., task="{made_for}"), or --task {made_for}',
        )


def _begun(
    network: nn.Module,
    data: Dataset,
    recipe: Recipe,
    device: Device,
    plan: Plan | None,
    notes: tuple[str, ...],
    origin: Origin | None,
) -> Beginning:
    """Open a session and let its rule set what it sets from the data; what it draws is a function of the seed."""
    if recipe.init is not None:
        with isolated():
            seed_torch(recipe.seed, "init")
            initialise(network, recipe.init)
    if origin is not None:
        data, prepared = prepared_alike(data, origin)
        notes = (*notes, *take_over(network, origin, data.target), *prepared)
    require_layers(network, recipe)
    recipe = dataclasses.replace(recipe, state=recipe.state or default_state(network, data, recipe))
    session = open_session(network, data, task_for(data, recipe), recipe, device)
    first = data.rows["train"][: session.batch_size]
    if len(first) == 1:
        require_variance(network, data.batch(first)[0].to(device.device))
    with isolated():
        seed_torch(session.recipe.seed, "begin")
        session.rule.begin(session)
    return Beginning(session, plan, (*notes, *session.rule.notes(session)))
