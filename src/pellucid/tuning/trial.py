"""One draw of a space, and what became of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Scored = tuple[float, float]
"""What is to be maximised, as `Task.score` gives it: the metric, then less of the loss."""
WORST: Scored = (-math.inf, -math.inf)
HALVED = "others were better by then"


@dataclass(slots=True)
class Trial:
    """One draw of a space, and what became of it.

    Attributes:
        number: from 0, in the order in which they were drawn.
        places: of the parameters, each from 0 to 1.
        values: parameter -> value as it is written.
        texts: field -> text with the values in it.
        planned: epochs that it is to be trained; 0 where it could not be begun.
        validation: metrics on the validation split after each epoch.
        scores: after each epoch, that of the best one so far, as `Task.score` gives it; higher is better.
        own_score: of the last epoch.
        best_epoch: from 1; 0 before the first.
        ended: why it did not come to its end; empty for those that did, and while it is trained.
        done: whether nothing more will come of it.
    """

    number: int
    places: tuple[float, ...]
    values: Mapping[str, str]
    texts: Mapping[str, str]
    planned: int = 0
    validation: list[Mapping[str, float]] = field(default_factory=list)
    scores: list[Scored] = field(default_factory=list)
    own_score: Scored = WORST
    best_epoch: int = 0
    ended: str = ""
    done: bool = False

    def take_in(self, score: Scored, validation: Mapping[str, float]) -> None:
        """Note an epoch, with its own score."""
        if score > self.score:
            self.best_epoch = self.epochs + 1
        self.own_score = score
        self.scores.append(max(score, self.score))
        self.validation.append(validation)

    def forget(self, epochs: int) -> None:
        """Forget what came after so many epochs: it is trained again."""
        del self.scores[epochs:], self.validation[epochs:]
        self.best_epoch = min((at + 1 for at, score in enumerate(self.scores) if score == self.score), default=0)

    @property
    def epochs(self) -> int:
        """How many were trained."""
        return len(self.scores)

    @property
    def score(self) -> Scored:
        """Of the best epoch; the worst there is before the first one."""
        return self.score_by(self.epochs)

    def score_by(self, epoch: int) -> Scored:
        """Return the score of the best of so many epochs."""
        return self.scores[min(epoch, self.epochs) - 1] if self.scores and epoch else WORST

    @property
    def metrics(self) -> Mapping[str, float]:
        """On the validation split, of the best epoch."""
        return self.validation[self.best_epoch - 1] if self.best_epoch else {}

    @property
    def was_halved(self) -> bool:
        """Whether it was as sound as any, and ended for others that were better."""
        return self.ended == HALVED

    @property
    def came_to_its_end(self) -> bool:
        """Whether it was trained as long as it was to be."""
        return self.done and not self.ended


def ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Return trials in order of merit: those that came to their end, then by how far they came, the best first."""

    def merit(trial: Trial) -> tuple[bool, int, float, float, int]:
        first, second = trial.score
        return not trial.came_to_its_end, 0 if trial.came_to_its_end else -trial.epochs, -first, -second, trial.number

    return sorted(trials, key=merit)
