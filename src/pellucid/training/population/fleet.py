"""Trainings of any makes: those of one make as one computation, what cannot be one after the other."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pellucid.errors import DivergedError
from pellucid.training.fit import stop_on_interrupt
from pellucid.training.loop import advance
from pellucid.training.memory import explained, members_at_once
from pellucid.training.population.stacked import StackingError
from pellucid.training.population.together import Event, Population
from pellucid.training.session import Session


@dataclass
class Fleet:
    """Sessions under names, trained to an epoch or to their end.

    Attributes:
        sessions: of any shapes, batches and recipes; those of one make become a population, in as many waves as memory
            asks for.
        hear: is told each event, with the session's name.
        save: is called every so many `seconds`, between two steps, when all sessions are whole; and when `train` was
            stopped.
        refused: is told why some are trained one after the other.
        stopping: set it, as Ctrl-C does, to end the training after the step under way.
    """

    sessions: Mapping[str, Session]
    hear: Callable[[str, Event], None]
    save: Callable[[], None] = lambda: None
    seconds: float = 30.0
    refused: Callable[[str], None] = lambda _: None
    stopping: bool = False
    _saved_at: float = field(default_factory=time.monotonic, init=False)

    def train(self, until: int | None = None) -> bool:
        """Train all that are not finished, and return False where Ctrl-C ended it first.

        A session that diverges is heard of, and left as it was before that step.

        Args:
            until: the last epoch to train; all that were asked for by default.

        Raises:
            RunError: memory ran out.
        """
        waiting = [name for name, session in self.sessions.items() if _has_more(session, until)]
        with stop_on_interrupt(self):
            for wave in _waves({name: self.sessions[name] for name in waiting}):
                with explained(self.sessions[wave[0]]):
                    self._train_wave(wave, until)
                if self.stopping:
                    self.save()
                    return False
        return True

    def _train_wave(self, names: Sequence[str], until: int | None) -> None:
        sessions = [self.sessions[name] for name in names]
        if len(sessions) > 1:
            try:
                population = Population(sessions)
            except StackingError as error:
                self.refused(error.received or error.message)
            else:
                self._train_together(names, population, until)
                return
        for name in names:
            self._train_alone(name, until)
            if self.stopping:
                return

    def _train_together(self, names: Sequence[str], population: Population, until: int | None) -> None:
        for said in population.advance(until=until):
            if said is not None:
                self.hear(names[said[0]], said[1])
                continue
            if self._is_due():
                population.settle()
                self._save()
            if self.stopping:
                break
        population.settle()

    def _train_alone(self, name: str, until: int | None) -> None:
        session = self.sessions[name]
        try:
            for event in advance(session):
                if event is not None:
                    self.hear(name, event)
                if self._is_due():
                    self._save()
                if self.stopping or not _has_more(session, until):
                    return
        except DivergedError as error:
            self.hear(name, error)

    def _is_due(self) -> bool:
        return time.monotonic() - self._saved_at >= self.seconds

    def _save(self) -> None:
        self.save()
        self._saved_at = time.monotonic()


def _has_more(session: Session, until: int | None) -> bool:
    return not session.finished and (until is None or session.progress.epoch <= until)


def _waves(sessions: Mapping[str, Session]) -> Iterator[list[str]]:
    """Yield the names of those that are trained at once."""
    groups: dict[Any, list[str]] = defaultdict(list)
    for name, session in sessions.items():
        groups[_make(session)].append(name)
    for group in groups.values():
        most = members_at_once(sessions[group[0]], len(group))
        yield from (group[start : start + most] for start in range(0, len(group), most))


def _make(session: Session) -> tuple[Any, ...]:
    """Return what sessions must share to be one population."""
    shapes = tuple((name, tuple(tensor.shape)) for name, tensor in session.network.state_dict().items())
    layers = tuple(type(module) for module in session.network.modules())
    recipe, progress = session.recipe, session.progress
    made = (session.batch_size, session.task.loss_name, recipe.label_smoothing, recipe.augment, recipe.rule)
    return shapes, layers, made, (progress.step, progress.batch)
