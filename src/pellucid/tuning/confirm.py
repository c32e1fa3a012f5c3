"""The best of a search trained again with several seeds: the best of many trials is partly the luckiest."""

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pellucid.data.dataset import Dataset
from pellucid.errors import DivergedError
from pellucid.recipe import Recipe
from pellucid.record import Epoch
from pellucid.training import evaluate
from pellucid.training.checkpoint import names_in, restore_some, save_checkpoints
from pellucid.training.population import Event, Fleet
from pellucid.training.ranks import ALONE, Ranks
from pellucid.training.session import Session
from pellucid.tuning.search import session_of
from pellucid.tuning.trial import Scored


@dataclass(frozen=True, slots=True)
class Replicate:
    """A trial trained again with another seed.

    Attributes:
        name: of what was trained: a trial's number, or a word.
        seed: of the training.
        score: of its best epoch on the validation split, higher is better; None where it diverged.
        metrics: of that epoch.
    """

    name: str
    seed: int
    score: Scored | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


def confirm(  # noqa: PLR0913 - what is trained, and how it is kept
    data: Dataset,
    recipe: Recipe,
    candidates: Mapping[str, Mapping[str, str]],
    seeds: Sequence[int],
    *,
    known: Sequence[Replicate] = (),
    tell: Callable[[Replicate], None] = lambda _: None,
    checkpoint: Path | None = None,
    seconds: float = 30.0,
    ranks: Ranks = ALONE,
) -> bool:
    """Train each candidate with each seed, and return False where Ctrl-C ended it first.

    Args:
        data: its validation split judges.
        recipe: what the texts leave open.
        candidates: name -> its texts, as a trial has them.
        seeds: all others than the search's, whose luck chose the candidates.
        known: of a confirmation that was stopped.
        tell: hears of each replicate when it is done.
        checkpoint: where the state of those under way is kept; None for nowhere.
        seconds: from one checkpoint to the next.
        ranks: the processes that share them out; the first tells and keeps.

    Raises:
        RunError: memory ran out.
    """
    missing = {
        f"{name} {seed}": (name, seed)
        for seed in seeds
        for name in candidates
        if not any(each.name == name and each.seed == seed for each in known)
    }
    sessions = {
        key: session_of(candidates[name], data, dataclasses.replace(recipe, seed=seed))
        for key, (name, seed) in missing.items()
    }
    if checkpoint is not None and checkpoint.exists():
        kept = names_in(checkpoint)
        restore_some({key: session for key, session in sessions.items() if key in kept}, checkpoint)

    def hear(key: str, event: Event) -> None:
        if not ranks.is_first:
            return
        if isinstance(event, DivergedError):
            tell(Replicate(*missing[key]))
        elif isinstance(event, Epoch) and sessions[key].finished:
            tell(Replicate(*missing[key], *_judged(sessions[key])))

    def save() -> None:
        if checkpoint is not None:
            save_checkpoints(checkpoint, {key: one for key, one in sessions.items() if not one.finished})

    return Fleet(sessions, hear, save, seconds, ranks=ranks, every=sys.maxsize).train()


def _judged(session: Session) -> tuple[Scored | None, Mapping[str, float]]:
    """Return the score of the best weights, and the metrics behind it."""
    session.network.load_state_dict(session.best_weights)
    metrics = evaluate(session.network, session.data, session.task, "validation", session.device)
    return session.progress.best, metrics
