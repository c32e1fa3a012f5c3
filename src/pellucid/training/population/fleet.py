"""Trainings of any makes: those of one make as one computation, what cannot be one after the other."""

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.errors import DivergedError
from pellucid.seed import isolated
from pellucid.training.backpropagation import chain_of
from pellucid.training.fit import stop_on_interrupt
from pellucid.training.loop import advance
from pellucid.training.memory import explained, members_at_once
from pellucid.training.population.shared import SECONDS_APART, Exchange, Said, groups_of
from pellucid.training.population.stacked import StackingError
from pellucid.training.population.together import Event, Population, require_alike
from pellucid.training.ranks import ALONE, Ranks, losses_explained
from pellucid.training.session import Session

_Hear = Callable[[str, Event], None]
_Settle = Callable[[], None]
"""Makes the sessions under way whole, so that they can be saved."""
_LARGE_MAPS = 3 << 16
"""Numbers that a convolution gives for a batch. Of more, groups of one convolution take longer on a CPU than as many
convolutions: of 12 to 65 k numbers 0.2 to 1.1 times as long, of 131 to 150 k 0.2 to 1.1 times, of 200 k 0.9 to 1.2
times, of 401 k 0.8 to 1.5 times (of one channel 0.8 to 0.95), of 800 k and more 0.9 to 2.3 times, forward and back, on
one thread of an EPYC with torch 2.13."""

_LARGE_STATES = 3 << 12
"""Numbers that an LSTM gives for a batch at all its steps. Of more, a step of 8 networks together takes longer on a
CPU, for torch has a kernel for one: of 14 to 16 k numbers 1.1 times as long, of 29 k 1.5 times, of 57 k twice; of 8 k
0.55 to 0.75 times. GRU and RNN have no such kernel, and together take 0.6 times as long or less."""

_LARGE_CHAIN = 1 << 16
"""Weights of a chain of fully connected layers, whose single steps are the fastest (see `backpropagation`). Of more, a
step of 4 to 32 networks together takes as long as their steps one by one on a quiet machine (85 k weights 1.15 times,
102 k 0.9 to 1.05 times), and twice as long where another process uses the memory; of 9 k 0.8 to 0.3 times."""


@dataclass
class Fleet:
    """Sessions under names, trained to an epoch or to their end.

    Several processes train a share of them each; all have all of the sessions, and hear of the events of all.

    Attributes:
        sessions: of any shapes, batches and recipes; those of one make become a population, in as many waves as memory
            asks for.
        hear: is told each event, with the session's name; where that finished the session, when it is what it became.
        save: is called every so many `seconds`, between two steps, when all sessions are whole; and when `train` was
            stopped. Of several processes the first one's is.
        alone: is told why some are trained one after the other.
        ranks: the processes that share the sessions out, each with the same ones at the same place.
        every: steps from one sampled step to the next, of which a few hundred small networks feel each; about 1,000
            are sampled by default.
        stopping: set it, as Ctrl-C does, to end the training after the step under way.
    """

    sessions: Mapping[str, Session]
    hear: Callable[[str, Event], None]
    save: Callable[[], None] = lambda: None
    seconds: float = 30.0
    alone: Callable[[str], None] = lambda _: None
    ranks: Ranks = ALONE
    every: int | None = None
    stopping: bool = False
    _saved_at: float = field(default_factory=time.monotonic, init=False)

    def train(self, until: int | None = None) -> bool:
        """Train all that are not finished, and return False where Ctrl-C ended it first.

        A session that diverges is heard of, and left as it was before that step.

        Args:
            until: the last epoch to train; all that were asked for by default.

        Raises:
            RunError: memory ran out, or another process is gone.
        """
        waiting = {name: session for name, session in self.sessions.items() if _has_more(session, until)}
        with stop_on_interrupt(self):
            if self.ranks.count > 1:
                self._train_shared(waiting, until)
            else:
                for settle in self._steps(waiting, self.hear, until):
                    if self._is_due():
                        settle()
                        self._save()
                    if self.stopping:
                        settle()
                        break
        if self.stopping:
            self._save()
        return not self.stopping

    def _train_shared(self, waiting: Mapping[str, Session], until: int | None) -> None:
        """Train this rank's share of them, telling the others every so often what came of it and hearing of theirs."""
        with losses_explained(self.ranks):
            exchange = Exchange(waiting, self.ranks, self.hear)
            steps = self._steps(exchange.own, exchange.note, until)
            under_way = True
            while under_way:
                settle = self._for_a_while(steps)
                said = Said(has_more=settle is not None, is_due=self._is_due(), stopping=self.stopping)
                heard = exchange.meet(said)
                self.stopping = any(each.stopping for each in heard)
                under_way = any(each.has_more for each in heard) and not self.stopping
                if heard[0].is_due or not under_way:
                    if settle is not None:
                        settle()
                    exchange.share()
                if heard[0].is_due and under_way:
                    self._save()

    def _for_a_while(self, steps: Iterator[_Settle]) -> _Settle | None:
        """Go on for as long as the ranks do not meet, and return how the sessions are made whole; None at the end."""
        until = time.monotonic() + SECONDS_APART
        for settle in steps:
            if self.stopping or time.monotonic() >= until:
                return settle
        return None

    def _steps(self, sessions: Mapping[str, Session], hear: _Hear, until: int | None) -> Iterator[_Settle]:
        """Train, yielding after each step what makes the sessions whole."""
        for wave in _waves(sessions):
            with explained(self.sessions[wave[0]]):
                yield from self._steps_of_wave(wave, hear, until)

    def _steps_of_wave(self, names: Sequence[str], hear: _Hear, until: int | None) -> Iterator[_Settle]:
        sessions = [self.sessions[name] for name in names]
        if len(sessions) > 1:
            try:
                require_alike(sessions)
                _require_gain(sessions[0])
                population = Population(sessions)
            except StackingError as error:
                self.alone(error.received or error.message)
            else:
                yield from _steps_together(names, population, hear, self.every, until)
                return
        for name in names:
            yield from _steps_alone(name, self.sessions[name], hear, self.every, until)

    def _is_due(self) -> bool:
        return time.monotonic() - self._saved_at >= self.seconds

    def _save(self) -> None:
        if self.ranks.is_first:
            self.save()
        self._saved_at = time.monotonic()


def _steps_together(
    names: Sequence[str], population: Population, hear: _Hear, every: int | None, until: int | None
) -> Iterator[_Settle]:
    for said in population.advance(every, until):
        if said is None:
            yield population.settle
        else:
            hear(names[said[0]], said[1])
    population.settle()


def _steps_alone(name: str, session: Session, hear: _Hear, every: int | None, until: int | None) -> Iterator[_Settle]:
    try:
        for event in advance(session, every):
            if event is not None:
                hear(name, event)
            yield _is_whole
            if not _has_more(session, until):
                return
    except DivergedError as error:
        hear(name, error)


def _is_whole() -> None:
    """Do nothing: a session that is trained by itself is whole after each step."""


def _has_more(session: Session, until: int | None) -> bool:
    return not session.finished and (until is None or session.progress.epoch <= until)


def _waves(sessions: Mapping[str, Session]) -> Iterator[list[str]]:
    """Yield the names of those that are trained at once."""
    for group in groups_of(sessions):
        most = members_at_once(sessions[group[0]], len(group))
        yield from (group[start : start + most] for start in range(0, len(group), most))


@torch.no_grad()
def _require_gain(session: Session) -> None:
    """Refuse to train together what is faster one after the other: on a CPU what is wide, long or large.

    Raises:
        StackingError: with the number of weights, or the layer's name.
    """
    if session.device.device.type != "cpu":
        return
    weights = sum(parameter.numel() for parameter in session.network.parameters())
    if weights > _LARGE_CHAIN and chain_of(session) is not None:
        raise StackingError(
            "these networks are faster one after the other", expected=f"at most {_LARGE_CHAIN:,} weights",
            received=f"{weights:,} in fully connected layers, which are faster so on a CPU",
        )  # fmt: skip
    for path, (most, numbers) in _given(session).items():
        if numbers > most:
            kind = "LSTM" if isinstance(session.network.get_submodule(path), nn.LSTM) else "convolution"
            raise StackingError(
                "these networks are faster one after the other", expected=f"at most {most:,} numbers",
                received=f"the {kind} {path}, of {numbers:,} numbers a batch, is faster so on a CPU",
            )  # fmt: skip


def _given(session: Session) -> dict[str, tuple[int, int]]:
    """Return how many numbers each layer that is slower together with large results may give for a batch, and gives."""
    most: dict[str, int] = {}
    for path, layer in session.network.named_modules():
        match layer:
            case nn.Conv1d() | nn.Conv2d() | nn.Conv3d():
                most[path] = _LARGE_MAPS
            case nn.LSTM():
                most[path] = _LARGE_STATES
    given: dict[str, tuple[int, int]] = {}
    if not most:
        return given

    def note(path: str) -> Any:
        def noted(_layer: nn.Module, _inputs: object, output: Any) -> None:
            numbers = output[0] if isinstance(output, tuple) else output
            given[path] = most[path], (numbers if isinstance(numbers, Tensor) else numbers.data).numel()

        return noted

    copied = copy.deepcopy(session.network).eval()
    for path in most:
        copied.get_submodule(path).register_forward_hook(note(path))
    inputs_B, _ = session.data.batch(session.data.rows["train"][: session.batch_size])
    with isolated():
        copied(inputs_B)
    return given
