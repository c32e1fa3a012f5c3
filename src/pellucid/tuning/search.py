"""Trials of a space, trained at once and halved again and again: what does worse early gives its time to the rest.

Successive halving: Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization"
(2016); of every rung the best share goes on to the next, with as many times the epochs.
"""

import dataclasses
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pellucid.data.dataset import Dataset
from pellucid.errors import DivergedError, OptionError, PellucidError, nearest
from pellucid.recipe import Recipe
from pellucid.record import Epoch
from pellucid.training import Session, begin
from pellucid.training.checkpoint import names_in, restore_some, save_checkpoints
from pellucid.training.memory import require_room_for_all
from pellucid.training.population import Event, Fleet
from pellucid.training.ranks import ALONE, Ranks
from pellucid.tuning.space import Space
from pellucid.tuning.strategies import StrategyName, strategy_for
from pellucid.tuning.trial import HALVED, WORST, Scored, Trial, ranked

NETWORK = "network"
"""The field of the space that holds arrows; all others are options of the recipe."""


def rungs(epochs: int, trials: int, share: int) -> list[int]:
    """Return the epochs after which all but the best in `share` end; the last is the end.

    >>> rungs(27, 30, 3)
    [1, 3, 9, 27]
    """
    if share == 1:
        return [epochs]
    halvings = math.floor(math.log(max(trials, 1)) / math.log(share) + 1e-9)
    return sorted({max(1, epochs // share**halving) for halving in range(halvings + 1)})


@dataclass
class Search:
    """A search under way.

    Each trial is trained as `pellucid train` would with its texts and the recipe's seed. Those of one make are trained
    at once; what cannot be is trained one after the other.

    Attributes:
        data: its validation split decides.
        space: arrows under `network`, options of the recipe under their names.
        recipe: what the space leaves open.
        count: how many trials.
        strategy: how they are drawn.
        share: of the trials on a rung one in so many goes on; 1 lets all come to their end.
        tell: hears of each trial, once, when it is done.
        show: hears of each trial after each of its epochs.
        alone: hears why some trials are trained one after the other, of each reason once.
        checkpoint: where the state of those under way is kept; None for nowhere.
        seconds: from one checkpoint to the next.
        ranks: the processes that share the trials out; the first draws, tells, shows and keeps.
        trials: all that were drawn so far; what is given here in the beginning is known from a search that was stopped.
    """

    data: Dataset
    space: Space
    recipe: Recipe
    count: int
    strategy: StrategyName = "random"
    share: int = 3
    tell: Callable[[Trial], None] = lambda _: None
    show: Callable[[Trial], None] = lambda _: None
    alone: Callable[[str], None] = lambda _: None
    checkpoint: Path | None = None
    seconds: float = 30.0
    ranks: Ranks = ALONE
    trials: dict[int, Trial] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what cannot be searched.

        Raises:
            OptionError: no trials, a share below 1, an option or a value that does not exist, an unknown strategy.
        """
        for name, value in {"trials": self.count, "halving": self.share}.items():
            if value < 1:
                raise OptionError(f"'{name}' cannot be {value}", expected="at least 1", received=str(value))
        require_options(self.space, self.recipe)
        self._draws = strategy_for(self.strategy, self.space, self.recipe.seed)
        self._reasons: set[str] = set()
        self._score: Callable[[Mapping[str, float]], Scored] = lambda _: WORST  # until a task is known

    def run(self) -> bool:
        """Train all trials, and return False where Ctrl-C ended it first.

        Raises:
            PellucidError: not one trial of the first round can be begun.
            RunError: memory ran out.
        """
        first = 0
        for count in self._draws.rounds(self.count):
            places = self.ranks.from_first(partial(self._draws.ask, first, count))
            drawn = [self._drawn(first + at, each) for at, each in enumerate(places)]
            if not self._train(drawn):
                return False
            if self.ranks.is_first:
                self._draws.tell(drawn)
            first += count
        return True

    def _drawn(self, number: int, places: tuple[float, ...]) -> Trial:
        """Return a trial as it was when the search was stopped, or a new one."""
        if number not in self.trials:
            self.trials[number] = Trial(number, places, self.space.values(places), self.space.at(places))
        return self.trials[number]

    def _train(self, drawn: list[Trial]) -> bool:
        """Train a round to its end, rung by rung."""
        sessions = self._begun([trial for trial in drawn if not trial.done])
        if not sessions:
            return True
        self._restore(sessions)
        fleet = Fleet(
            sessions, self._hear, lambda: self._save(sessions), self.seconds, self._tell_alone, self.ranks,
            every=sys.maxsize,  # a search hears of epochs alone
        )  # fmt: skip
        sound = [trial for trial in drawn if trial.planned]
        for rung in rungs(max(trial.planned for trial in sound), len(sound), self.share):
            if not fleet.train(rung):
                return False
            self._end_at(rung, sound, sessions)
        return True

    def _begun(self, trials: Iterable[Trial]) -> dict[str, Session]:
        """Return the sessions of those that can be begun; of the others is told what keeps them from it.

        Raises:
            PellucidError: none can, of the first round.
            RunError: they do not fit into memory together.
        """
        sessions: dict[str, Session] = {}
        failed: list[tuple[Trial, PellucidError]] = []
        for trial in trials:
            try:
                session = sessions[str(trial.number)] = session_of(trial.texts, self.data, self.recipe)
            except OptionError:
                raise
            except PellucidError as error:
                failed.append((trial, error))
            else:
                trial.planned, self._score = session.epochs, session.task.score
        if failed and not any(trial.planned for trial in self.trials.values()):
            raise failed[0][1]
        require_room_for_all(sessions.values())
        for trial, reason in failed:
            self._close(trial, reason.message)
        return sessions

    def _hear(self, name: str, event: Event) -> None:
        trial = self.trials[int(name)]
        if isinstance(event, DivergedError):
            self._close(trial, event.message)
        elif isinstance(event, Epoch):
            trial.take_in(self._score(event.validation), dict(event.validation))
            if self.ranks.is_first:
                self.show(trial)

    def _tell_alone(self, reason: str) -> None:
        if reason not in self._reasons:
            self._reasons.add(reason)
            self.alone(reason)

    def _end_at(self, rung: int, sound: list[Trial], sessions: dict[str, Session]) -> None:
        """End those that are finished, and all but the best of those that came so far.

        Those that ended here in a search that was stopped in the middle of this count as they did then.
        """
        finished = {int(name) for name, session in sessions.items() if session.finished}
        here = [each for each in sound if each.epochs >= rung or each.number in finished or each.came_to_its_end]
        here.sort(key=lambda trial: (*(-each for each in trial.score_by(rung)), trial.number))
        best = {trial.number for trial in here[: max(1, math.ceil(len(here) / self.share))]}
        for trial in here:
            if not trial.done and trial.number in finished:
                self._close(trial)
            elif not trial.done and trial.number not in best:
                self._close(trial, HALVED)
        for name in [name for name in sessions if self.trials[int(name)].done]:
            del sessions[name]

    def _close(self, trial: Trial, ended: str = "") -> None:
        trial.ended, trial.done = ended, True
        if self.ranks.is_first:
            self.tell(trial)

    def _save(self, sessions: Mapping[str, Session]) -> None:
        if self.checkpoint is not None:
            under_way = {name: one for name, one in sessions.items() if not self.trials[int(name)].done}
            save_checkpoints(self.checkpoint, under_way)

    def _restore(self, sessions: Mapping[str, Session]) -> None:
        """Let those go on that were under way when the search was stopped."""
        if self.checkpoint is not None and self.checkpoint.exists():
            kept = names_in(self.checkpoint)
            restore_some({name: session for name, session in sessions.items() if name in kept}, self.checkpoint)
        for name, session in sessions.items():
            self.trials[int(name)].forget(session.progress.epoch - 1)


def require_options(space: Space, recipe: Recipe) -> None:
    """Refuse a space with an option that does not exist, or with a value at an end of one that it cannot have.

    Raises:
        OptionError: naming it.
    """
    known = {each.name for each in dataclasses.fields(Recipe)}
    for name in space.texts:
        if name not in known and name != NETWORK:
            raise OptionError(
                f"there is no option '{name}' to search for", expected="an option of training", received=name,
                advice=nearest(name, known),
            )  # fmt: skip
    middle = [0.5] * len(space.parameters)
    for at, parameter in enumerate(space.parameters):
        ends = [(k + 0.5) / len(parameter.choices) for k in range(len(parameter.choices))] or [0.0, 1.0]
        for place in ends:
            recipe_of(space.at([*middle[:at], place, *middle[at + 1 :]]), recipe)


def session_of(texts: Mapping[str, str], data: Dataset, recipe: Recipe) -> Session:
    """Return the training that a trial's texts ask for, at its beginning.

    Raises:
        PellucidError: they do not fit the data.
    """
    return begin(data, texts.get(NETWORK), recipe_of(texts, recipe)).session


def recipe_of(texts: Mapping[str, str], recipe: Recipe) -> Recipe:
    """Return a recipe with the options that a trial's texts give."""
    values: dict[str, Any] = {name: value_of(text) for name, text in texts.items() if name != NETWORK}
    return dataclasses.replace(recipe, **values)


def value_of(text: str) -> int | float | str:
    """Return an option's value as it was meant: a whole number, a number or a word."""
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def search(data: Dataset, space: Space, recipe: Recipe, *, trials: int, **options: Any) -> list[Trial]:
    """Train trials of a space and return them in order of merit; see `Search` for the options.

    Raises:
        OptionError: options that do not fit.
        PellucidError: not one of the trials can be begun.
    """
    under_way = Search(data, space, recipe, trials, **options)
    under_way.run()
    return ranked(list(under_way.trials.values()))
