"""A slice of a network's loss: the plane L(θ + x d + y e) through its weights, on which optimisers race in x and y."""

import copy
import dataclasses
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.data import Dataset, load
from pellucid.errors import PellucidError
from pellucid.explain.landscape.directions import Track, filter_normalised, principal, track
from pellucid.explain.landscape.loss_surface import slice_between
from pellucid.explain.landscape.objective import Objective, Weights, as_vector
from pellucid.explain.landscape.path import kept_steps
from pellucid.explain.parts import has_surroundings
from pellucid.recipe import Recipe
from pellucid.seed import generator
from pellucid.studio.exhibit import Given, RefusedError
from pellucid.studio.exhibits.race.grounds import Ground, middles
from pellucid.studio.exhibits.race.settings import RaceSettings
from pellucid.studio.exhibits.race.surfaces import Place
from pellucid.training import begin
from pellucid.training.defaults import fill_in
from pellucid.training.loop import advance
from pellucid.training.tasks import MultiTask, Task, task_for
from pellucid.training.tasks.supervised import Supervised
from pellucid.verbs.run import open_run

NETWORK, DATA = "4 -> fc(8) -> tanh -> fc(3)", "iris"
"""What is sliced where nothing was given."""
ROWS = 256
"""Of the training split, that the loss is the mean over."""
TRAINED = 300
"""Steps of a network that is trained here."""
KEPT = 20
"""States of such a training that are kept, besides its first."""
_SIDES = (45, 21)
"""Cells along each axis: of a small network, and of one whose loss costs more than this many products."""
_DEAR = 5_000_000
_AT_ONCE = 20_000_000
_MARGIN = 0.9
"""Of the training's extent on its principal plane, from the middle to each side; what lies behind its end is seen."""
_EASY = 1.2
"""Times the loss at the network's own weights that counts as arrived."""


@dataclass(frozen=True)
class Subject:
    """A network with its weights, and what it is judged by.

    Attributes:
        network: in evaluation mode.
        data: whose training rows the loss is of.
        task: whose loss it is.
        states: of its training, where it was trained here; with their last one its own.
    """

    network: nn.Module
    data: Dataset
    task: Task
    states: tuple[Weights, ...] = ()


class Slice(Ground):
    """The loss over a plane through a network's weights, in float64 and in evaluation mode.

    It is made in pieces: the network is trained or read, then the plane is laid, then the picture is computed, some
    cells at a time. The gradient in x and y is that of the loss in the weights, projected: (∇L · d, ∇L · e), by
    autograd through the network.

    Attributes:
        stage: what is under way.
        way: the training's own way over the plane, where it is known.
        rows: of data that the loss is the mean over.
        weights: how many the network has.
        name: of the data.
        cosine: of the angle between the two directions; the plane's x and y are drawn at right angles.
    """

    def __init__(self, settings: RaceSettings, given: Given) -> None:
        self.settings, self.given = settings, given
        self.box = ((-1.0, 1.0), (-1.0, 1.0))
        self.start, self.rate, self.minima = (-0.8, 0.7), 1.0, ()
        self.least = 0.0
        self.see(settings.batch)
        self.field = np.full((1, 1), np.nan)
        self.stage: Literal["training", "filling", "done"] = "training"
        self.way: Track | None = None
        self.rows = self.weights = 0
        self.name, self.cosine = "", 0.0
        self.is_laid = self.is_whole = False
        self.tex = "L(\\theta + x\\,d + y\\,e)"
        self.of = self._of()
        self._work = self._pieces()
        next(self._work)  # what cannot be is refused at once

    def loss(self, place_2: Tensor, step: int | None = None) -> Tensor:
        """Return L(θ + x d + y e), with a step the mean over that step's batch alone."""
        objective = self.objective
        if step is not None and self.is_noisy:
            drawn = torch.randperm(self.rows, generator=generator(self.settings.seed, "batch", step))
            taken = drawn[: self.batch]
            objective = dataclasses.replace(objective, inputs=objective.inputs[taken], targets=objective.targets[taken])
        return objective.at(self._weights_at(place_2))

    def see(self, batch: int) -> None:
        """Let every step see the loss of so many rows alone; 0: of all."""
        self.batch, self.is_noisy = batch, batch > 0

    def prepare(self) -> bool:
        """Train the network a little further, or lay the plane."""
        if self.stage == "training":
            next(self._work)
        return self.stage == "training"

    def fill(self) -> bool:
        """Compute some more cells of the picture."""
        if self.stage == "filling":
            next(self._work, None)
        return self.stage == "filling"

    def _of(self) -> Literal["small", "run", "data", "given"]:
        """Return whose loss is meant: of data without a network a network that pellucid chooses is trained here."""
        of = self.settings.of or ("given" if _has_loss(self.given.data) else "small")
        if of == "given" and self.given.data is None:
            raise RefusedError("nothing_given", control="of")
        if of == "given":
            return "data" if self.given.model is None else "given"
        return of

    def _pieces(self) -> Iterator[None]:
        settings, given = self.settings, self.given
        match self.of:
            case "small":
                subject = yield from _trained(load(DATA), NETWORK, settings.seed)
            case "run":
                subject = _of_run(settings.run, given)
            case "data":
                assert given.data is not None
                subject = yield from _trained(given.data, None, settings.seed)
            case _:
                assert given.model is not None
                assert given.data is not None
                subject = Subject(given.model, given.data, task_for(given.data, fill_in(Recipe(), given.data)))
        self._lay(subject)
        self.stage, self.is_laid = "filling", True
        yield
        for rows, columns in self._parts():
            self._fill(rows, columns)
            yield
        self.minima, self.stage, self.is_whole = self._lowest(), "done", True

    def _lay(self, subject: Subject) -> None:
        """Choose the plane, and what is shown of it."""
        task = _require_loss(subject.task, subject.data)
        settings, rows = self.settings, subject.data.rows["train"]
        drawn = rows[torch.randperm(len(rows), generator=generator(settings.seed, "surface"))[:ROWS]]
        network = copy.deepcopy(subject.network).cpu()  # the user's own stays as it is, and where it is
        plain = Objective(network, task.loss, *subject.data.batch(drawn), rows_at_once=ROWS)
        self.objective = plain.in_double()
        self.objective.network.eval()
        own = self.objective.weights
        self.rows, self.weights = len(drawn), sum(each.numel() for each in own.values())
        if settings.directions == "principal":
            if len(subject.states) < 3:
                raise RefusedError("no_states", control="directions")
            self.directions = principal(subject.states, own)
        else:
            self.directions = [filter_normalised(self.objective.network, settings.seed, number) for number in (0, 1)]
        if subject.states:
            self.way = track(subject.states, own, self.directions)
        if settings.directions == "principal" and self.way is not None:
            self._frame(self.way)
        self.name, self.cosine = subject.data.name, _cosine(self.directions[0], self.directions[1], own)
        side = _SIDES[self.weights * self.rows > _DEAR]
        self.field = np.full((side, side), np.nan)
        self.goal = float(f"{_EASY * self._own_loss():.2g}")
        found = self.curvature(self.start)
        steepest = 1.0 if found is None else float(found.eigenvalues.abs().max())
        self.rate = 0.5 / max(steepest, 1e-6)

    def _own_loss(self) -> float:
        """Return the loss at the network's own weights.

        Raises:
            RefusedError: the network that was given does not take the data that were given.
        """
        try:
            return self.loss(torch.zeros(2, dtype=torch.float64)).item()
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise RefusedError("no_fit", control="of", reason=str(error).split("\n", 1)[0]) from error

    def _frame(self, way: Track) -> None:
        """Show the training's way with a margin, and begin where it began."""
        low, high = (each.tolist() for each in (way.places.amin(0), way.places.amax(0)))
        half = _MARGIN * max(high[0] - low[0], high[1] - low[1], 1e-6)
        middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
        self.box = ((middle[0] - half, middle[0] + half), (middle[1] - half, middle[1] + half))
        x, y = way.places[0].tolist()
        self.start = (float(f"{x:.4g}"), float(f"{y:.4g}"))

    def _parts(self) -> Iterator[tuple[int, slice]]:
        side = len(self.field)
        at_once = max(1, min(side, _AT_ONCE // (self.weights * self.rows)))
        return ((row, slice(k, min(k + at_once, side))) for row in range(side) for k in range(0, side, at_once))

    def _fill(self, row: int, columns: slice) -> None:
        """Compute some cells of a row: a line through the weights, from θ + y e along d."""
        side = len(self.field)
        x, y = middles(self.box[0], side)[columns], float(middles(self.box[1], side)[side - 1 - row])
        first, second = (self._weights_at(torch.tensor([along, y], dtype=torch.float64)) for along in (0.0, 1.0))
        ends = (float(x[0]), float(x[-1]))
        self.field[row, columns] = slice_between(self.objective, first, second, ends=ends, points=len(x)).losses

    def _lowest(self) -> tuple[Place, ...]:
        if not np.isfinite(self.field).any():
            return ()
        row, column = np.unravel_index(np.nanargmin(self.field), self.field.shape)
        side = len(self.field)
        return ((float(middles(self.box[0], side)[column]), float(middles(self.box[1], side)[side - 1 - row])),)

    def _weights_at(self, place_2: Tensor) -> dict[str, Tensor]:
        d, e = self.directions
        return {name: own + place_2[0] * d[name] + place_2[1] * e[name] for name, own in self.objective.weights.items()}


def _has_loss(data: Dataset | None) -> bool:
    try:
        return data is not None and has_surroundings(task_for(data, fill_in(Recipe(), data)), data)
    except PellucidError:
        return False


def _require_loss(task: Task, data: Dataset) -> Supervised | MultiTask:
    """Return the task, which has one plain loss, of inputs that are numbers.

    Raises:
        RefusedError: there is none.
    """
    if not isinstance(task, Supervised | MultiTask) or not has_surroundings(task, data):
        raise RefusedError("no_loss", control="of", task=task.name)
    return task


def _cosine(first: Weights, second: Weights, like: Weights) -> float:
    one, other = (as_vector(each, like) for each in (first, second))
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0))


def _trained(data: Dataset, network: str | None, seed: int) -> Generator[None, None, Subject]:
    """Train a network briefly, a step at a time, and return it with its states now and then."""
    recipe = Recipe(
        epochs=TRAINED, seed=seed, optimizer="adam", learning_rate=0.01, weight_decay=0.0, schedule="constant",
        augment="none", device="cpu", threads=1,
    )  # fmt: skip
    session = begin(data, network, recipe).session
    _require_loss(session.task, session.data)
    states: dict[int, Weights] = {0: _copied(session.network)}
    wanted = kept_steps(TRAINED, 1, KEPT)
    yield
    for _ in advance(session, every=2**62):  # no step is sampled: nobody reads them
        step = session.progress.step
        if step in wanted and step not in states:  # an epoch's end is told apart from its last step
            states[step] = _copied(session.network)
        if step >= TRAINED:
            break
        yield
    return Subject(session.network, session.data, session.task, tuple(states.values()))


def _of_run(name: str, given: Given) -> Subject:
    """Open a run of the studio's folder by its name, which is compared with those that are there."""
    if name not in runs(given):
        raise RefusedError("no_run", control="run", name=name)
    run = open_run(given.runs / name)
    data = run.data()
    return Subject(run.model(), data, task_for(data, run.recipe))


def runs(given: Given) -> list[str]:
    """Return the names of the runs in the studio's folder."""
    return sorted(path.parent.name for path in given.runs.glob("*/weights.safetensors"))


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: each.detach().clone() for name, each in network.named_parameters()}
