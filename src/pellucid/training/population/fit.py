"""A population driven to its end, as `training.fit` drives a session."""

from collections.abc import Callable

from pellucid.training.fit import stop_on_interrupt
from pellucid.training.memory import explained
from pellucid.training.population.together import Event, Population


def fit_together(
    population: Population, hear: Callable[[int, Event], None], between: Callable[[], None] = lambda: None
) -> bool:
    """Train all to the end; return False where Ctrl-C ended it first, after the step under way.

    Args:
        population: the sessions.
        hear: is told each event, with the member's number.
        between: called after every step, when all is whole; a session is saved after `Population.settle`.

    Raises:
        RunError: memory ran out.
    """
    with explained(population.sessions[0]), stop_on_interrupt(population):
        for said in population.advance():
            if said is None:
                between()
            else:
                hear(*said)
    return not population.members
