"""`pellucid train`: one command from data to a trained network and its run folder."""

from __future__ import annotations

import copy
import dataclasses
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.errors import OptionError, RunError, require_installed
from pellucid.options import argument, check, flag_of, flat_values, from_keywords, nested, option
from pellucid.recipe import DataOptions, Recipe
from pellucid.verbs.outcome import INTERRUPTED, Outcome

if TYPE_CHECKING:
    from rich.console import Console
    from torch import nn

    from pellucid.data import Dataset
    from pellucid.networks import Plan
    from pellucid.training.begin import Beginning
    from pellucid.training.ranks import Ranks
    from pellucid.training.session import Session
    from pellucid.verbs.repairing import Repair
    from pellucid.verbs.run import Run

_RUN = "Run"
_MOST_SEEDS = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainOptions:
    """Train a network on data and keep everything in a run folder."""

    data: str | None = argument("built-in name (digits, iris, mnist ...), table, npz or text file, or image folder")
    network: str | None = option(None, "arrows or a zoo name (default: chosen from the data)", group="Network")
    generator: str | None = option(
        None, "of a generative adversarial network: arrows from its code, such as 64 -> ... -> fc(2)", group="Network"
    )
    discriminator: str | None = option(
        None, "of a generative adversarial network: arrows from the data to one number", group="Network"
    )
    name: str | None = option(None, "name of the run (default: the data's name and a counter)", group=_RUN)
    folder: str = option("runs", "folder that holds the runs", group=_RUN)
    resume: str | None = option(None, "run folder of a stopped training to go on with", group=_RUN)
    range_test: bool = option(False, "first try rates on a copy and take the one suggested", group=_RUN)
    overfit_one_batch: bool = option(False, "first check that the network can learn one batch by heart", group=_RUN)
    repair: bool = option(
        False, "first find in short trainings what keeps it from learning, and change what helps", group=_RUN
    )
    seeds: int = option(
        1,
        "train with so many seeds, from --seed on, and tell mean and interval",
        group=_RUN,
        minimum=1,
        maximum=_MOST_SEEDS,
    )
    checkpoint_seconds: float = option(
        30.0, "save the whole state every so many seconds, after the step under way", group=_RUN, minimum=0
    )
    checkpoint_epochs: int | None = option(
        None, "save the whole state after every so many epochs too", group=_RUN, minimum=1
    )
    tensorboard: bool = option(False, "also write logs for TensorBoard into the run folder", group=_RUN)
    no_report: bool = option(False, "do not judge the network at length and write report.html", group=_RUN)
    no_diagnosis: bool = option(False, "do not watch what goes wrong and write findings.json", group=_RUN)
    quiet: bool = option(False, "print nothing", group=_RUN)
    reading: DataOptions = nested(DataOptions)
    recipe: Recipe = nested(Recipe)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


def train(data: object = None, network: str | nn.Module | Plan | None = None, **options: Any) -> Run:
    """Train a network on data and return the run.

    Args:
        data: a built-in name, a path, a frame, a pair of arrays, a torch Dataset or DataLoader, or what `pellucid.load`
            returned. A loader's samples are split as any other's, and its batch size is taken unless one is given.
        network: arrows, a zoo name, a plan or any `nn.Module`; chosen from the data by default.
        options: as `pellucid train --help` lists them, with underscores: `epochs=10, learning_rate=1e-3`.

    Raises:
        OptionError: an option or value that does not exist.
        DataError: data that cannot be read or used.
        NotationError: arrows that cannot be read or do not fit the data.
        RunError: the training cannot go on, or a run of that name exists.

    Example:
        >>> run = pellucid.train("iris", epochs=5, quiet=True)   # doctest: +SKIP
        >>> run.evaluate()                                       # doctest: +SKIP
    """
    from rich.console import Console
    from torch import nn

    module = network if isinstance(network, nn.Module) else None
    text = None if network is None or module is not None else str(network)
    asked = from_keywords(TrainOptions, {"network": text, **batch_size_of(data), **options})
    return _run_training(data, asked, module, Console(quiet=asked.quiet, highlight=False, soft_wrap=True))


def batch_size_of(data: object) -> dict[str, int]:
    """Return the batch size that data comes with, as an option: a loader's."""
    from torch.utils.data import DataLoader

    size = data.batch_size if isinstance(data, DataLoader) else None
    return {} if size is None else {"batch_size": size}


def command(options: TrainOptions, console: Console) -> Outcome:
    """Train as the command line asks."""
    from pellucid.training.ranks import launched
    from pellucid.verbs.seeds import missing_seeds

    run = _run_training(options.data, options, None, console)
    result = run.record.result
    document = {
        "run": str(run.folder),
        "finished": result is not None,
        "epochs": len(run.record.epochs),
        "network": run.asked["network"],
        "split": None if result is None else result.split,
        "metrics": None if result is None else dict(result.metrics),
        "seeds": [asdict(each) for each in run.seeds],
    }
    status = 0 if result is not None and not missing_seeds(run) else INTERRUPTED
    return Outcome(document, status, is_told=not launched().is_first)


def _run_training(data: object, options: TrainOptions, module: nn.Module | None, console: Console) -> Run:
    from rich.console import Console

    from pellucid.seed import isolated
    from pellucid.training.ranks import launched, remembered

    ranks = launched()
    if not ranks.is_first:
        console = Console(quiet=True)
    with isolated():
        if options.resume is not None:
            _refuse_other_options(options)
            return resume_run(Path(options.resume), data, module, console)
        if data is None:
            raise OptionError("there is no data to train on", expected="DATA, or --resume RUN", received="neither")
        earlier = ranks.from_first(remembered)
        if earlier is not None:
            return _go_on(Path(earlier), None if isinstance(data, str) else data, module, console)
        _require_one_process(options)
        _require_shareable(options, module)
        with ranks.first_before_others():
            dataset = _loaded(data, options, module, console)
        return begin_run(dataset, options, module, console)


def _go_on(folder: Path, data: object, module: nn.Module | None, console: Console) -> Run:
    """Go on with a run after a process was lost; if nothing but its report was not written yet, it is finished."""
    from pellucid.verbs.run import open_run
    from pellucid.verbs.seeds import missing_seeds

    run = open_run(folder)
    return resume_run(folder, data, module, console) if missing_seeds(run) else run


def _require_one_process(options: TrainOptions) -> None:
    """Refuse, in several processes, what they do not share out.

    Raises:
        OptionError: naming it.
    """
    from pellucid.training.ranks import require_one_process

    asked = {"--repair": options.repair, "--range-test": options.range_test,
             "--overfit-one-batch": options.overfit_one_batch}  # fmt: skip
    for name, is_asked in asked.items():
        if is_asked:
            require_one_process(name)


def _require_shareable(options: TrainOptions, module: nn.Module | None) -> None:
    """Refuse to share out what cannot be.

    Raises:
        OptionError: naming it.
    """
    from pellucid.training.ranks import launched

    if not options.recipe.shard:
        return
    if launched().count == 1:
        raise OptionError(
            "--shard shares a network out among processes",
            expected="several, as torchrun starts them",
            received="one process",
            advice="torchrun --nproc-per-node 2 -m pellucid train ..., or leave --shard out",
        )
    others = {"a module of your own": module is not None, "--seeds": options.seeds > 1}
    for name, is_asked in others.items():
        if is_asked:
            raise OptionError(
                f"--shard and {name} do not go together",
                expected="one network in arrows or from the zoo, which is put together again from its text",
                received=f"{name} beside --shard",
            )


def _loaded(data: object, options: TrainOptions, module: nn.Module | None, console: Console) -> Dataset:
    """Load the data for what the network is made for, and say what was read."""
    from pellucid.data import Dataset, load
    from pellucid.networks import learns
    from pellucid.report.live import data_progress
    from pellucid.report.text import data_lines

    # data that `load` returned is split and prepared already: it takes no options, and says so if any are given
    reading = options.reading
    apart = _is_apart(options)
    if apart and (options.network is not None or module is not None):
        raise OptionError(
            "--generator and --discriminator are a network by themselves",
            expected="them, or --network",
            received="both",
        )
    if reading.task is None and (apart or options.network is not None) and not isinstance(data, Dataset):
        reading = dataclasses.replace(reading, task="generation" if apart else learns(options.network or ""))
    with data_progress(console):
        dataset = load(data, None if reading == DataOptions() else reading)
    console.print(data_lines(dataset), markup=False)
    return dataset


def _is_apart(options: TrainOptions) -> bool:
    return options.generator is not None or options.discriminator is not None


def begin_run(dataset: Dataset, options: TrainOptions, module: nn.Module | None, console: Console) -> Run:
    """Train from the beginning into a new run folder."""
    from pellucid.networks import paired
    from pellucid.report.text import network_lines, task_line
    from pellucid.training import begin, threads
    from pellucid.training.loop import require_common_steps
    from pellucid.training.memory import require_memory
    from pellucid.training.ranks import launched
    from pellucid.verbs.folder import held
    from pellucid.verbs.telling import drive_and_tell

    if options.tensorboard:
        require_installed("logs for TensorBoard need", ("tensorboard",), "logs")

    network: str | Plan | None = options.network
    if _is_apart(options):
        network = paired(options.generator, options.discriminator, dataset.input_shape)
    begun = begin(dataset, module or network, options.recipe)
    console.print(network_lines(begun.plan, begun.session.network, begun.notes), markup=False)
    console.print(task_line(begun.session.task, begun.session.recipe.rule), markup=False)
    require_memory(begun.session)
    with threads(begun.session.recipe.threads):
        begun, repairs = _repaired(begun, module, options, console)
        session = _checked(begun.session, options, console)
        ranks = launched()
        require_common_steps(session, ranks)
        folder = ranks.from_first(lambda: _new_folder(session, options, begun.plan, repairs))
        with held(folder, ranks):
            own = copy.deepcopy(session.network) if begun.plan is None and options.seeds > 1 else None
            _join(session, ranks)  # not before the beginning is kept: later no process may have it whole
            run = drive_and_tell(session, begun.plan, folder, flat_values(options), console, own)
            return run.knowing(dataset, module)


def _join(session: Session, ranks: Ranks) -> None:
    """Let all processes train the one network, with a part of it each where that was asked for."""
    from pellucid.training.loop import train_together

    if session.recipe.shard and ranks.count > 1:
        from pellucid.training.shards import share_out  # which takes half a second to import

        share_out(session, ranks)
    else:
        train_together(session, ranks)


def _new_folder(session: Session, options: TrainOptions, plan: Plan | None, repairs: tuple[Repair, ...]) -> Path:
    """Make the folder of a new run, with all that is known before the first step."""
    from pellucid.files import new_run_folder
    from pellucid.training.ranks import remember
    from pellucid.verbs.folder import write_beginning

    folder = new_run_folder(Path(options.folder), options.name, session.data.name)
    try:
        write_beginning(folder, session, options, plan, repairs)
    except BaseException:  # a folder without run.json would be no run and keep its name
        shutil.rmtree(folder, ignore_errors=True)
        raise
    remember(str(folder))
    return folder


def _refuse_other_options(options: TrainOptions) -> None:
    """Refuse to change the plan of a training that goes on: it would end as neither the one nor the other.

    Raises:
        OptionError: naming what was given beside `--resume`.
    """
    usual = flat_values(TrainOptions())
    given = [name for name, value in flat_values(options).items() if value != usual[name]]
    other = [flag_of(name) for name in given if name not in {"data", "network", "resume", "quiet"}]
    if other:
        raise OptionError(
            "a training goes on with the options it was begun with",
            expected="pellucid train --resume RUN",
            received=", ".join(other) + " beside it",
            advice="leave them out, or begin a new training",
        )


def resume_run(folder: Path, data: object, module: nn.Module | None, console: Console) -> Run:
    """Go on with a stopped training from its last checkpoint."""
    from pellucid.training import threads
    from pellucid.training.checkpoint import restore
    from pellucid.training.memory import require_memory
    from pellucid.training.ranks import launched, remember
    from pellucid.verbs.again import begin_again, require_same_beginning
    from pellucid.verbs.environment import differences, environment
    from pellucid.verbs.folder import checkpoint_path, cut_record, held
    from pellucid.verbs.reporting import is_reported
    from pellucid.verbs.run import open_run
    from pellucid.verbs.seeds import missing_seeds
    from pellucid.verbs.telling import conclude, drive_and_tell

    run = open_run(folder)
    is_finished = run.record.result is not None
    if is_finished and not missing_seeds(run) and is_reported(run):
        raise RunError(f"{folder} is finished: there is nothing to resume", advice="train again under another --name")
    ranks = launched()
    with held(folder, ranks):
        with ranks.first_before_others():
            session = begin_again(run, data, module)
        require_memory(session)
        own = copy.deepcopy(session.network) if run.plan is None else None
        if is_finished:
            left = f"{len(missing_seeds(run))} other seeds" if missing_seeds(run) else "its report"
            console.print(f"resume   {folder}: {left}", markup=False)
            run.with_weights(session.network)
            with threads(run.asked["threads"]):
                conclude(run, session, own, console, ranks)
            return run
        if checkpoint_path(folder).exists():  # else it was killed before the first one: it begins anew
            restore(session, checkpoint_path(folder))
        else:
            require_same_beginning(run, session)
        _join(session, ranks)  # not before all have read the checkpoint
        if ranks.is_first:
            cut_record(folder, session.progress)
            remember(str(folder))
        console.print(f"resume   {folder} from step {session.progress.step:,}", markup=False)
        with threads(run.asked["threads"]):
            for line in differences(run.asked, environment(session.device.device)):
                console.print(f"         - the last bits may differ: {line}", markup=False)
            return drive_and_tell(session, run.plan, folder, run.asked["options"], console, own)


def _repaired(
    begun: Beginning, module: nn.Module | None, options: TrainOptions, console: Console
) -> tuple[Beginning, tuple[Repair, ...]]:
    """Return the training as it is to be begun, mended where that was asked for and helps; and say what was changed."""
    from pellucid.verbs.repairing import repaired

    if not options.repair:
        return begun, ()
    if options.range_test:
        raise OptionError(
            "--repair and --range-test both choose the learning rate", expected="one of them", received="both"
        )
    mended, repairs = repaired(begun, module, lambda line: console.print(f"probe    {line}", markup=False))
    for repair in repairs:
        console.print(f"repair   {repair}", markup=False)
    if not repairs:
        console.print("repair   nothing was changed: nothing was found wrong, or nothing tried made it better")
    elif mended.plan is not None and mended.plan != begun.plan:
        console.print(f"network  {mended.plan}", markup=False)
    return mended, repairs


def _checked(session: Session, options: TrainOptions, console: Console) -> Session:
    """Run the checks asked for on copies; return the session, its learning rate replaced where a test found one."""
    from pellucid.training.checks import overfit_one_batch, range_test
    from pellucid.training.loop import open_session

    if options.overfit_one_batch:
        outcome = overfit_one_batch(session)
        console.print(f"check    {outcome}", markup=False)
        if not outcome.passed:
            raise RunError(
                "the network cannot learn a single batch by heart, so it will not learn the data",
                expected=f"a loss under {outcome.threshold:.3g}",
                received=f"{outcome.last_loss:.3g} after {outcome.steps} steps",
                advice="look for a wrong target, a network too small, or a learning rate that does not fit",
            )
    if options.range_test:
        found = range_test(session)
        console.print(f"check    {found}", markup=False)
        if options.recipe.learning_rate is None:
            recipe = dataclasses.replace(session.recipe, learning_rate=found.suggestion)
            return open_session(session.network, session.data, session.task, recipe, session.device)
    return session
