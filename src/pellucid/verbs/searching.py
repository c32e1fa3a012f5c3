"""A search driven to its end: trials, then the finalists with other seeds, then the best one as an ordinary run."""

import time
from pathlib import Path

from rich.console import Console

from pellucid.data import Dataset
from pellucid.errors import RunError
from pellucid.files import drop_cut_line
from pellucid.options import from_stored
from pellucid.recipe import Recipe
from pellucid.report.live import counting_display, search_display
from pellucid.report.numbers import duration
from pellucid.report.search_text import candidate_lines, space_lines, trial_lines
from pellucid.training import threads
from pellucid.training.ranks import launched
from pellucid.tuning import NETWORK, UNTUNED, Replicate, Search, Trial, confirm, recipe_of
from pellucid.verbs.folder import held
from pellucid.verbs.reporting import is_reported
from pellucid.verbs.study import Study, StudyLog, open_study
from pellucid.verbs.train import TrainOptions, begin_run, resume_run


def search_to_the_end(folder: Path, data: Dataset, console: Console) -> Study:
    """Search on to the end or to Ctrl-C: trials, then the finalists with other seeds, then the winner as a run."""
    ranks, study = launched(), _as_it_is(folder)
    options, recipe = study.asked["options"], from_stored(Recipe, study.asked["recipe"])
    began = time.perf_counter()
    with held(folder, ranks):
        if ranks.is_first:
            drop_cut_line(folder / "trials.jsonl")
        with threads(study.asked["threads_asked"]):
            through = _try_out(study, data, recipe, console) and _confirm(folder, data, recipe, console)
        through = through and _train_best(folder, data, recipe, console)
    study = _as_it_is(folder)
    if not ranks.is_first:
        return study
    if not through:
        console.print(f"study    {folder}\n         stopped; go on with: pellucid tune --resume {folder}", markup=False)
        return study
    console.print(f"study    {folder}, in {duration(time.perf_counter() - began)}", markup=False)
    if not options["no_report"]:
        console.print(f"report   {study.report()}", markup=False)
    return study


def _as_it_is(folder: Path) -> Study:
    """Open a search's folder as the process finds it that writes there."""
    return launched().from_first(lambda: open_study(folder))


def _try_out(study: Study, data: Dataset, recipe: Recipe, console: Console) -> bool:
    """Train what is missing of the trials."""
    options, result = study.asked["options"], study.result
    if result.replicates or result.winner is not None:
        return True
    console.print(space_lines(result.space, options["trials"], options["strategy"], options["halving"]), markup=False)
    log = StudyLog(study.folder / "trials.jsonl", result.trials)
    with search_display(console, result.metric, options["trials"]) as display:

        def show(trial: Trial) -> None:
            log.epoch(trial)
            display.epoch(trial)

        def tell(trial: Trial) -> None:
            log.end(trial)
            display.end()

        search = Search(
            data, result.space, recipe, options["trials"],
            strategy=options["strategy"], share=options["halving"], tell=tell, show=show,
            alone=lambda reason: console.print(f"trials   trained one after the other: {reason}", markup=False),
            checkpoint=study.folder / "checkpoint" / "trials.safetensors", seconds=options["checkpoint_seconds"],
            ranks=launched(), trials={trial.number: trial for trial in result.trials},
        )  # fmt: skip
        for trial in result.trials:
            if trial.done:
                display.end()
        if not search.run():
            return False
    if launched().is_first:
        (study.folder / "checkpoint" / "trials.safetensors").unlink(missing_ok=True)
    console.print(trial_lines(_as_it_is(study.folder).result), markup=False)
    return True


def _confirm(folder: Path, data: Dataset, recipe: Recipe, console: Console) -> bool:
    """Train the best trials, and what would have been trained without a search, with other seeds; name the winner.

    Raises:
        RunError: no trial came to its end.
    """
    ranks, study = launched(), _as_it_is(folder)
    options = study.asked["options"]
    if study.result.winner is not None:
        return True
    finalists = [trial for trial in study.trials if trial.came_to_its_end][: options["finalists"]]
    if not finalists:
        raise RunError(
            "no trial came to its end", expected="at least one that learns", received=study.trials[0].ended,
            advice="search another space; trials.jsonl says how each ended",
        )  # fmt: skip
    names = [*(str(trial.number) for trial in finalists), UNTUNED]
    log = StudyLog(folder / "trials.jsonl")
    seeds = range(recipe.seed + 1, recipe.seed + 1 + options["seeds"])
    checkpoint = folder / "checkpoint" / "replicates.safetensors"
    total = len(names) * len(seeds)
    with counting_display(console, "finalists", total, len(study.result.replicates)) as count:

        def tell(one: Replicate) -> None:
            log.replicate(one)
            count()

        through = confirm(
            data, recipe, {name: study.texts(name) for name in names}, seeds,
            known=study.result.replicates, tell=tell, checkpoint=checkpoint, seconds=options["checkpoint_seconds"],
            ranks=ranks,
        )  # fmt: skip
    if not through:
        return False
    result = _as_it_is(folder).result
    winner = result.best_candidate()
    if winner is None:
        raise RunError("every candidate diverged with every other seed", advice="search smaller learning rates")
    if ranks.is_first:
        checkpoint.unlink(missing_ok=True)
        log.winner(winner)
    console.print(candidate_lines(_as_it_is(folder).result), markup=False)
    return True


def _train_best(folder: Path, data: Dataset, recipe: Recipe, console: Console) -> bool:
    """Train the winner as an ordinary run in the folder `best`, with seeds, judged on rows that chose nothing."""
    study = _as_it_is(folder)
    if study.finished and is_reported(study.best):
        return True
    if study.has_best:
        resume_run(study.best.folder, data, None, console)
    else:
        texts, options = study.texts(str(study.result.winner)), study.asked["options"]
        asked = TrainOptions(
            network=texts.get(NETWORK), name="best", folder=str(folder), seeds=options["seeds"],
            quiet=options["quiet"], checkpoint_seconds=options["checkpoint_seconds"],
            no_report=options["no_report"], recipe=recipe_of(texts, recipe),
        )  # fmt: skip
        begin_run(data, asked, None, console)
    return _as_it_is(folder).finished
