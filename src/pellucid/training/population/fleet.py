"""Trainings of any makes: those of one make as one computation, what cannot be one after the other."""

import copy
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from pellucid.errors import DivergedError
from pellucid.seed import isolated
from pellucid.training.fit import stop_on_interrupt
from pellucid.training.loop import advance
from pellucid.training.memory import explained, members_at_once
from pellucid.training.population.stacked import StackingError
from pellucid.training.population.together import Event, Population, require_alike
from pellucid.training.session import Session

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_LARGE_MAPS = 1 << 16
"""Numbers that a convolution gives for a batch. Of more, groups of one convolution take longer on a CPU than as many
convolutions: of 16 k numbers 0.6 times as long, of 33 to 66 k 0.9 to 1.6 times, of 151 k twice, of 524 k three times,
forward and back, on one thread of an EPYC with torch 2.13."""


@dataclass
class Fleet:
    """Sessions under names, trained to an epoch or to their end.

    Attributes:
        sessions: of any shapes, batches and recipes; those of one make become a population, in as many waves as memory
            asks for.
        hear: is told each event, with the session's name.
        save: is called every so many `seconds`, between two steps, when all sessions are whole; and when `train` was
            stopped.
        alone: is told why some are trained one after the other.
        stopping: set it, as Ctrl-C does, to end the training after the step under way.
    """

    sessions: Mapping[str, Session]
    hear: Callable[[str, Event], None]
    save: Callable[[], None] = lambda: None
    seconds: float = 30.0
    alone: Callable[[str], None] = lambda _: None
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
                require_alike(sessions)
                _require_gain(sessions[0])
                population = Population(sessions)
            except StackingError as error:
                self.alone(error.received or error.message)
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


@torch.no_grad()
def _require_gain(session: Session) -> None:
    """Refuse to train together what is faster one after the other: on a CPU, convolutions of large images.

    Raises:
        StackingError: naming the layer.
    """
    if session.device.device.type != "cpu":
        return
    layers = {path: layer for path, layer in session.network.named_modules() if isinstance(layer, _CONVOLUTIONS)}
    if not layers:
        return
    given: dict[str, int] = {}

    def note(path: str) -> Any:
        return lambda _layer, _inputs, output: given.update({path: output.numel()})

    copied = copy.deepcopy(session.network).eval()
    for path in layers:
        copied.get_submodule(path).register_forward_hook(note(path))
    inputs_B, _ = session.data.batch(session.data.rows["train"][: session.batch_size])
    with isolated():
        copied(inputs_B)
    for path, numbers in given.items():
        if numbers > _LARGE_MAPS:
            raise StackingError(
                "these networks are faster one after the other", expected=f"at most {_LARGE_MAPS:,} numbers",
                received=f"the convolution {path}, of {numbers:,} numbers a batch, is faster so on a CPU",
            )  # fmt: skip
