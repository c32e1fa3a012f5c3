"""Trials of a space, trained at once and halved again and again: what does worse early gives its time to the rest.

Successive halving: Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization"
(2016); of every rung the best share goes on to the next, with as many times the epochs.
"""

import dataclasses
import math
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pellucid.data.dataset import Dataset
from pellucid.errors import DivergedError, OptionError, PellucidError
from pellucid.recipe import Recipe
from pellucid.record import Epoch
from pellucid.seed import generator
from pellucid.training import Session, begin, steps
from pellucid.training.memory import members_at_once
from pellucid.training.population import Population, StackingError
from pellucid.tuning.space import Space

NETWORK = "network"
"""The field of the space that holds arrows; all others are options of the recipe."""
_HALVED = "others were better by then"


@dataclass(slots=True)
class Trial:
    """One draw of a space, and what became of it.

    Attributes:
        number: from 0, in the order in which they were drawn.
        values: parameter -> value as it is written.
        texts: field -> text with the values in it.
        epochs: that were trained.
        score: of the best epoch on the validation split, as `Task.score` gives it, higher is better; None before one.
        metrics: of the last epoch on the validation split.
        ended: why it did not come to its end; empty for those that did.
    """

    number: int
    values: Mapping[str, str]
    texts: Mapping[str, str]
    epochs: int = 0
    score: tuple[float, float] | None = None
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    ended: str = ""


def draw(space: Space, count: int, seed: int) -> list[Trial]:
    """Return so many trials, drawn at random from the whole space on its own scales.

    At random and not on a grid: where few parameters matter, each trial still tries another value of those (Bergstra
    and Bengio, "Random search for hyper-parameter optimization", 2012). Trial n is a function of the seed and n.
    """
    trials = []
    for number in range(count):
        stream = generator(seed, "trial", number)
        places = torch.rand(len(space.parameters), generator=stream, dtype=torch.float64).tolist()
        trials.append(Trial(number, space.values(places), space.at(places)))
    return trials


def rungs(epochs: int, trials: int, share: int) -> list[int]:
    """Return the epochs after which all but the best in `share` end; the last is the end.

    >>> rungs(27, 30, 3)
    [1, 3, 9, 27]
    """
    halvings = math.floor(math.log(max(trials, 1)) / math.log(share) + 1e-9)
    return sorted({max(1, epochs // share**halving) for halving in range(halvings + 1)})


def search(
    data: Dataset,
    space: Space,
    recipe: Recipe,
    *,
    trials: int,
    share: int = 3,
    tell: Callable[[Trial], None] | None = None,
) -> list[Trial]:
    """Train trials of a space and return them, those first that came farthest, the best of these first.

    Each trial is trained as `pellucid train` would with its texts and the recipe's seed. Those of one shape and size of
    batch are trained at once; what cannot be is trained one after the other.

    Args:
        data: its validation split decides.
        space: arrows under `network`, options of the recipe under their names.
        recipe: what the space leaves open.
        trials: how many.
        share: of the trials on a rung one in so many goes on; 1 lets all come to their end.
        tell: hears of each trial when it has ended.

    Raises:
        OptionError: no trials, a share below 1, or a space with a field that is no option.
        PellucidError: not one of the trials can be begun.
    """
    for name, value in {"trials": trials, "share": share}.items():
        if value < 1:
            raise OptionError(f"'{name}' cannot be {value}", expected="at least 1", received=str(value))
    drawn = draw(space, trials, recipe.seed)
    running = {trial.number: session for trial in drawn if (session := _begun(trial, data, recipe)) is not None}
    if not running:
        _begin(drawn[0], data, recipe)  # which says why
    told = tell or (lambda _: None)
    for trial in drawn:
        if trial.ended:
            told(trial)
    last = max(session.epochs for session in running.values())
    for rung in rungs(last, len(running), share) if share > 1 else [last]:
        _train(running, drawn, rung)
        going_on = [drawn[k] for k, session in running.items() if not (drawn[k].ended or session.finished)]
        for trial in sorted(going_on, key=_by_score)[max(1, math.ceil(len(going_on) / share)) :]:
            trial.ended = _HALVED
        for number in [number for number, session in running.items() if drawn[number].ended or session.finished]:
            del running[number]
            told(drawn[number])
    return sorted(drawn, key=lambda trial: (bool(trial.ended), -trial.epochs, _by_score(trial)))


def _by_score(trial: Trial) -> tuple[float, float, int]:
    first, second = trial.score or (-math.inf, -math.inf)
    return -first, -second, trial.number


def _begun(trial: Trial, data: Dataset, recipe: Recipe) -> Session | None:
    """Return a trial's session, or None where its texts do not fit the data, which the trial then says."""
    try:
        return _begin(trial, data, recipe)
    except OptionError:
        raise
    except PellucidError as error:
        trial.ended = error.message
        return None


def _begin(trial: Trial, data: Dataset, recipe: Recipe) -> Session:
    options = {name: _value(text) for name, text in trial.texts.items() if name != NETWORK}
    unknown = sorted(options.keys() - {field.name for field in dataclasses.fields(Recipe)})
    if unknown:
        raise OptionError(f"there is no option '{unknown[0]}' to search for", expected="an option of training",
                          received=unknown[0])  # fmt: skip
    return begin(data, trial.texts.get(NETWORK), dataclasses.replace(recipe, **options)).session


def _value(text: str) -> Any:
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def _train(running: dict[int, Session], trials: Sequence[Trial], until: int) -> None:
    """Train all to the end of an epoch, those of one make at once."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for number, session in running.items():
        if not session.finished:
            groups[_make(session)].append(number)
    for group in groups.values():
        most = members_at_once(running[group[0]], len(group))
        for start in range(0, len(group), most):
            numbers = group[start : start + most]
            _train_group([running[number] for number in numbers], [trials[number] for number in numbers], until)


def _make(session: Session) -> tuple[Any, ...]:
    """Return what sessions must share to be one population."""
    shapes = tuple((name, tuple(tensor.shape)) for name, tensor in session.network.state_dict().items())
    recipe = session.recipe
    return shapes, session.batch_size, session.task.loss_name, recipe.label_smoothing, recipe.augment


def _train_group(sessions: list[Session], trials: list[Trial], until: int) -> None:
    try:
        population = Population(sessions)
    except StackingError:
        for session, trial in zip(sessions, trials, strict=True):
            _train_alone(session, trial, until)
        return
    for member, event in population.steps(until=until):
        _take_in(trials[member], sessions[member], event)
    population.settle()


def _train_alone(session: Session, trial: Trial, until: int) -> None:
    try:
        for event in steps(session):
            _take_in(trial, session, event)
            if session.progress.epoch > until:
                return
    except DivergedError as error:
        _take_in(trial, session, error)


def _take_in(trial: Trial, session: Session, event: object) -> None:
    if isinstance(event, DivergedError):
        trial.ended = event.message
    elif isinstance(event, Epoch):
        trial.epochs, trial.metrics, trial.score = event.epoch, event.validation, session.progress.best
