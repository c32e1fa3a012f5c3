"""`pellucid train --seeds`: the same training with other seeds, all at once, so that its figures have error bars.

The run itself is the training with the first seed, and is as without `--seeds`. The others are trained as one
population after it; of them only what came out is kept, a line each in seeds.jsonl.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pellucid.errors import DivergedError
from pellucid.files import append_line, drop_cut_line
from pellucid.record import Epoch, SeedResult, Step
from pellucid.report.live import LiveDisplay, live_display
from pellucid.training import begin, evaluate
from pellucid.training.checkpoint import names_in, restore_some, save_checkpoints
from pellucid.training.evaluation import held_out
from pellucid.training.memory import members_at_once
from pellucid.training.population import Event, Fleet
from pellucid.training.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console
    from torch import nn

    from pellucid.networks import Plan
    from pellucid.training.session import Session
    from pellucid.verbs.run import Run


def wanted_seeds(run: Run) -> list[int]:
    """Return the seeds that a run is to be trained with, its own first."""
    first: int = run.recipe.seed
    return list(range(first, first + run.asked["options"].get("seeds", 1)))


def missing_seeds(run: Run) -> list[int]:
    """Return those of which nothing is known yet."""
    known = {result.seed for result in run.seeds}
    if run.record.result is not None:
        known.add(run.recipe.seed)
    return [seed for seed in wanted_seeds(run) if seed not in known]


def train_other_seeds(
    run: Run, session: Session, module: nn.Module | None, console: Console, ranks: Ranks = ALONE
) -> bool:
    """Train what is missing of a finished run's seeds; return False where Ctrl-C ended it first.

    Args:
        run: finished; its own result is the first line of seeds.jsonl.
        session: its training, for the data, the recipe and the device.
        module: a network of the user's own with its initial weights; None where the run has a plan.
        console: shows the progress where it is a terminal.
        ranks: the processes that share the seeds out; the first writes and speaks.

    Raises:
        RunError: the disk takes no more, or memory ran out; what is known is kept.
    """
    others = Others(run.folder, run.asked["options"]["checkpoint_seconds"], console, ranks)
    begun, missing = ranks.from_first(lambda: others.begin(run))
    # those that were under way when the training was stopped go on first, together again
    under_way = [seed for seed in missing if str(seed) in begun]
    fresh = [seed for seed in missing if seed not in under_way]
    most = ranks.from_first(lambda: members_at_once(session, max(1, len(fresh))))
    # one wave after the other, here too: what a session keeps goes with it, before the next ones are begun
    for wave in (under_way, *(fresh[start : start + most] for start in range(0, len(fresh), most))):
        sessions = [_with_seed(session, run.plan, module, seed) for seed in wave]
        if wave is under_way:
            restore_some({str(one.recipe.seed): one for one in sessions}, others.checkpoint)
        if sessions and not others.train(sessions):
            return False
    if ranks.is_first:
        others.checkpoint.unlink(missing_ok=True)
    ranks.meet()  # now all may read what came of them
    return True


def _own(run: Run) -> SeedResult:
    result = run.record.result
    assert result is not None, "the run is not finished"
    return SeedResult(run.recipe.seed, len(run.record.epochs), result.best_epoch, result.split, result.metrics)


def _with_seed(session: Session, plan: Plan | None, module: nn.Module | None, seed: int) -> Session:
    recipe = dataclasses.replace(session.recipe, seed=seed)
    return begin(session.data, plan or copy.deepcopy(module), recipe).session


@dataclass
class Others:
    """The other seeds of a run while they are trained.

    Attributes:
        folder: of the run.
        seconds: from one checkpoint to the next.
        console: shows the progress.
        ranks: the processes that train them.
    """

    folder: Path
    seconds: float
    console: Console
    ranks: Ranks

    @property
    def checkpoint(self) -> Path:
        """Where the state of those under way is kept."""
        return self.folder / "checkpoint" / "seeds.safetensors"

    @property
    def path(self) -> Path:
        """Where what came of each seed is kept."""
        return self.folder / "seeds.jsonl"

    def begin(self, run: Run) -> tuple[set[str], list[int]]:
        """Keep the run's own result, and return the seeds that a checkpoint holds, and all that are missing."""
        drop_cut_line(self.path)
        if not run.seeds:
            self.keep(_own(run))
        return names_in(self.checkpoint), missing_seeds(run)

    def keep(self, result: SeedResult) -> None:
        """Append what came of a seed."""
        append_line(self.path, asdict(result))

    def train(self, sessions: Sequence[Session]) -> bool:
        """Train some to the end, at once where that can be done; return False where Ctrl-C ended it first."""
        first, by_name = sessions[0], {str(one.recipe.seed): one for one in sessions}
        total = first.total_steps
        with live_display(self.console, first.task.metric, first.epochs, total, first.progress.step) as display:

            def hear(name: str, event: Event) -> None:
                shown = next((other for other, one in by_name.items() if not one.finished), name)
                _show(display, event, is_first=name == shown)
                if self.ranks.is_first:
                    self._take_in(by_name[name], event)

            def save() -> None:
                save_checkpoints(self.checkpoint, {n: one for n, one in by_name.items() if not one.finished})

            return Fleet(by_name, hear, save, self.seconds, self._alone, self.ranks).train()

    def _alone(self, reason: str) -> None:
        self.console.print(f"seeds    trained one after the other: {reason}", markup=False)

    def _take_in(self, session: Session, event: Event) -> None:
        if isinstance(event, DivergedError):
            said = str(event).split("\n", 1)[0]
            epochs, split = session.progress.epoch - 1, held_out(session.data)
            self.keep(SeedResult(session.recipe.seed, epochs, session.progress.best_epoch, split, {}, said))
        elif isinstance(event, Epoch) and session.finished:
            self.keep(_judged(session))


def _show(display: LiveDisplay, event: Event, *, is_first: bool) -> None:
    if is_first and isinstance(event, Step):
        display.on_step(event)
    elif is_first and isinstance(event, Epoch):
        display.on_epoch(event)


def _judged(session: Session) -> SeedResult:
    """Return how the best weights do on the rows that chose nothing."""
    session.network.load_state_dict(session.best_weights)
    progress, split = session.progress, held_out(session.data)
    metrics = evaluate(session.network, session.data, session.task, split, session.device)
    return SeedResult(session.recipe.seed, progress.epoch - 1, progress.best_epoch, split, metrics)
