"""Sessions shared out among processes: who trains which, and how the others learn what came of it.

Each rank has all sessions, trains its share, and meets the others every so often: they tell each other the events, and
so all know of all. Where a session is finished, or all are to be saved or to be shared out anew, its state is told too.
What a session becomes does not depend on when they meet.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pellucid.record import Epoch
from pellucid.training.checkpoint import put, state_of
from pellucid.training.population.together import Event
from pellucid.training.ranks import Ranks
from pellucid.training.session import Session

SECONDS_APART = 1.0
"""From one meeting to the next; at each, the ranks wait for the slowest one's step."""
_State = tuple[dict[str, Tensor], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Said:
    """What a rank says at a meeting.

    Attributes:
        has_more: whether it has more to train.
        is_due: whether it is time to save all.
        stopping: whether it was asked to stop.
    """

    has_more: bool
    is_due: bool
    stopping: bool


class Exchange:
    """One rank's end of what the ranks tell each other.

    Args:
        sessions: all that are trained, the same on every rank.
        ranks: that train them.
        hear: is told each event: this rank's at once, the others' when they meet.

    Attributes:
        own: the share of this rank.
    """

    def __init__(self, sessions: Mapping[str, Session], ranks: Ranks, hear: Callable[[str, Event], None]) -> None:
        self._sessions, self._ranks, self._hear = sessions, ranks, hear
        # dealt like cards, so that of each make every rank has as many, to one
        by_make = [name for group in groups_of(sessions) for name in group]
        self.own = {name: sessions[name] for name in by_make[ranks.rank :: ranks.count]}
        self._notes: list[tuple[str, Event, _State | None]] = []
        self._told = {name: session.progress.step for name, session in self.own.items()}

    def note(self, name: str, event: Event) -> None:
        """Hear an event of this rank's, and keep it for the others."""
        self._hear(name, event)
        session = self._sessions[name]
        ends = isinstance(event, Epoch) and session.finished
        self._notes.append((name, event, self._state(name) if ends else None))

    def meet(self, said: Said) -> list[Said]:
        """Tell the others what is said and noted, hear of their events, and return what each rank says."""
        told = self._ranks.gathered((said, self._notes))
        self._notes = []
        for rank, (_, notes) in enumerate(told):
            for name, event, state in notes if rank != self._ranks.rank else ():
                if state is not None:
                    put(self._sessions[name], *state, f"what rank {rank} told of {name}")
                self._hear(name, event)
        return [each for each, _ in told]

    def share(self) -> None:
        """Tell the others the states that they do not know yet, and take over theirs; all are whole."""
        changed = [name for name, session in self.own.items() if session.progress.step != self._told[name]]
        told = self._ranks.gathered({name: self._state(name) for name in changed})
        for rank, states in enumerate(told):
            for name, state in states.items() if rank != self._ranks.rank else ():
                put(self._sessions[name], *state, f"what rank {rank} told of {name}")

    def _state(self, name: str) -> _State:
        self._told[name] = self._sessions[name].progress.step
        tensors, counters = state_of(self._sessions[name])
        return {key: tensor.detach().cpu().clone() for key, tensor in tensors.items()}, counters


def groups_of(sessions: Mapping[str, Session]) -> Iterable[list[str]]:
    """Return the names of those of one make together."""
    groups: dict[Any, list[str]] = defaultdict(list)
    for name, session in sessions.items():
        groups[_make(session)].append(name)
    return groups.values()


def _make(session: Session) -> tuple[Any, ...]:
    """Return what sessions must share to be one population."""
    shapes = tuple((name, tuple(tensor.shape)) for name, tensor in session.network.state_dict().items())
    layers = tuple(type(module) for module in session.network.modules())
    recipe, progress = session.recipe, session.progress
    made = (session.batch_size, session.task.loss_name, recipe.label_smoothing, recipe.augment, recipe.rule)
    return shapes, layers, made, (progress.step, progress.batch)
