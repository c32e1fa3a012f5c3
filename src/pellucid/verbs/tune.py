"""`pellucid tune`: hundreds of variants of a network trained at once, and the one that is really the best."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pellucid.errors import OptionError, PellucidError, RunError
from pellucid.options import (
    Options,
    argument,
    as_texts,
    check,
    flag_of,
    flat_fields,
    flat_values,
    from_keywords,
    nested,
    option,
)
from pellucid.recipe import DataOptions, Recipe, TaskName
from pellucid.verbs.outcome import INTERRUPTED, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from pellucid.data import Dataset
    from pellucid.training.session import Session
    from pellucid.tuning import Space
    from pellucid.verbs.study import Study

_SEARCH, _RUN = "Search", "Run"
_FIXED = ("seed", "metric", "device", "precision", "threads")
"""Options that are the same for all trials: with them they could not be compared, or not be trained at once."""
RecipeTexts: type[Options] = as_texts(Recipe, without=("compile",))


@dataclass(frozen=True, kw_only=True, slots=True)
class TuneOptions:
    """Search for the network and the options that learn best; what is searched for stands in braces.

    A range such as {1e-4..1e-1 log}, {0..0.6} or {16..64 step 16}, or choices such as {relu, tanh}, in the arrows of
    --network and in any option of training. Without braces the most important is searched, the learning rate first.
    """

    data: str | None = argument("as `pellucid train` takes it: built-in name, table, npz or text file, or image folder")
    network: str | None = option(
        None, "arrows or a zoo name, with what is searched for in braces: 8x8x1 -> fc({32..512 log}) -> relu -> fc(10)",
        group=_SEARCH,
    )  # fmt: skip
    trials: int = option(64, "how many variants to train", group=_SEARCH, minimum=1, maximum=100_000)
    strategy: Literal["random", "coarse-to-fine", "tpe", "gp"] = option(
        "random", "where the variants are drawn; tpe and gp need Optuna", group=_SEARCH
    )
    halving: int = option(
        3, "again and again the best one in so many trains on; 1 trains all to the end", group=_SEARCH, minimum=1
    )
    finalists: int = option(3, "how many of the best are trained again with other seeds", group=_SEARCH, minimum=1)
    seeds: int = option(5, "with how many other seeds", group=_SEARCH, minimum=2, maximum=1_000)
    name: str | None = option(None, "name of the search (default: tune, the data's name and a counter)", group=_RUN)
    folder: str = option("runs", "folder that holds searches and runs", group=_RUN)
    resume: str | None = option(None, "folder of a stopped search to go on with", group=_RUN)
    checkpoint_seconds: float = option(30.0, "save the state of all every so many seconds", group=_RUN, minimum=0)
    no_report: bool = option(False, "write no report.html", group=_RUN)
    quiet: bool = option(False, "print nothing", group=_RUN)
    reading: DataOptions = nested(DataOptions)
    recipe: Options = nested(RecipeTexts)

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        check(self)


def tune(data: object = None, network: str | None = None, **options: Any) -> Study:
    """Search for the network and the options that learn best, and return the search with its best run.

    Args:
        data: a built-in name, a path, a frame, a pair of arrays, a torch Dataset or DataLoader (whose batch size is
            taken unless one is given or searched for), or what `pellucid.load` returned.
        network: arrows or a zoo name, with what is searched for in braces.
        options: as `pellucid tune --help` lists them, with underscores: `trials=64, learning_rate="{1e-4..1e-1 log}"`.

    Raises:
        OptionError: an option or value that does not exist.
        DataError: data that cannot be read or used.
        NotationError: braces or arrows that cannot be read or do not fit the data.
        RunError: the search cannot go on, or one of that name exists.

    Example:
        >>> study = pellucid.tune("iris", learning_rate="{1e-3..1e-1 log}", trials=16)   # doctest: +SKIP
        >>> study.table(), study.best.evaluate()                                          # doctest: +SKIP
    """
    from rich.console import Console

    from pellucid.verbs.train import batch_size_of

    _refuse_module(network)
    given = {**batch_size_of(data), **options}
    texts = {
        name: str(value) for name, value in given.items() if name in flat_fields(RecipeTexts) and value is not None
    }
    asked = from_keywords(TuneOptions, {**options, **texts, "network": network})
    return _run_search(data, asked, Console(quiet=asked.quiet, highlight=False, soft_wrap=True))


def _refuse_module(network: object) -> None:
    """Refuse a module, which cannot be made anew for each trial.

    Raises:
        OptionError: it is one.
    """
    from torch import nn

    if isinstance(network, nn.Module):
        raise OptionError(
            "a search makes its networks anew for each trial, and a module is one that is made",
            expected="arrows or a zoo name, with what is searched for in braces",
            received=type(network).__name__,
            advice="write it in arrows; or train the module once for each value: "
            "pellucid.train(data, copy.deepcopy(module), learning_rate=...)",
        )


def command(options: TuneOptions, console: Console) -> Outcome:
    """Search as the command line asks."""
    from pellucid.training.ranks import launched

    study = _run_search(options.data, options, console)
    result = study.result
    best = None
    if study.finished:
        candidate = next(each for each in result.candidates() if each.name == result.winner)
        found = study.best.record.result
        best = {
            "name": result.winner,
            "options": dict(study.texts(str(result.winner))),
            "run": str(study.best.folder),
            "validation": candidate.spread and asdict(candidate.spread),
            "split": found and found.split,
            "metrics": found and dict(found.metrics),
            "seeds": [asdict(each) for each in study.best.seeds],
        }
    document = {
        "study": str(study.folder),
        "finished": study.finished,
        "metric": result.metric,
        "trials": [
            {"trial": each.number, "values": dict(each.values), "epochs": each.epochs, "ended": each.ended or None}
            | {"metrics": dict(each.metrics)}
            for each in result.trials
        ],
        "best": best,
    }
    return Outcome(document, status=0 if study.finished else INTERRUPTED, is_told=not launched().is_first)


def _run_search(data: object, options: TuneOptions, console: Console) -> Study:
    from rich.console import Console

    from pellucid.seed import isolated
    from pellucid.training.ranks import launched, remembered
    from pellucid.verbs.study import open_study

    ranks = launched()
    if not ranks.is_first:
        console = Console(quiet=True)
    with isolated():
        if options.resume is None and data is None:
            raise OptionError("there is no data to search on", expected="DATA, or --resume FOLDER", received="neither")
        if options.resume is not None:
            _refuse_other_options(options)
        earlier = ranks.from_first(remembered) if options.resume is None else options.resume
        if earlier is None:
            return _begin(data, options, console)
        study = ranks.from_first(lambda: open_study(earlier))
        if study.finished and options.resume is None:  # a process was lost when nothing but the report was not written
            return study
        return _go_on(study, data if options.resume is not None or not isinstance(data, str) else None, console)


def _go_on(study: Study, data: object, console: Console) -> Study:
    from pellucid.training.ranks import launched
    from pellucid.verbs.reporting import is_reported
    from pellucid.verbs.searching import search_to_the_end

    if study.finished and is_reported(study) and is_reported(study.best):
        raise RunError(f"{study.folder} is finished: there is nothing to resume")
    with launched().first_before_others():
        dataset = _same_data(study, data)
    console.print(f"resume   {study.folder}: {len(study.trials)} trials begun", markup=False)
    return search_to_the_end(study.folder, dataset, console)


def _begin(data: object, options: TuneOptions, console: Console) -> Study:
    from pellucid.data import Dataset, load
    from pellucid.report.live import data_progress
    from pellucid.report.text import data_lines, task_line
    from pellucid.training.loop import require_common_steps
    from pellucid.training.ranks import launched
    from pellucid.tuning import session_of
    from pellucid.verbs.searching import search_to_the_end

    ranks = launched()
    reading = options.reading
    if reading.task is None and options.network is not None and not isinstance(data, Dataset):
        reading = dataclasses.replace(reading, task=_made_for(options))
    with ranks.first_before_others(), data_progress(console):
        dataset = load(data, None if reading == DataOptions() else reading)
    console.print(data_lines(dataset), markup=False)
    space, untuned, recipe = _asked(dataset, options)
    usual = session_of(untuned, dataset, recipe)
    require_common_steps(usual, ranks)  # so the best is to be trained in the end
    console.print(task_line(usual.task, usual.recipe.rule), markup=False)
    document = _document(dataset, space, untuned, recipe, usual, options)
    folder = ranks.from_first(lambda: _new_folder(options, dataset.name, document))
    try:
        return search_to_the_end(folder, dataset, console)
    except PellucidError:
        if ranks.is_first and not (folder / "trials.jsonl").exists():
            shutil.rmtree(folder, ignore_errors=True)  # not one trial could be begun: there is nothing to keep
        raise


def _new_folder(options: TuneOptions, data: str, document: Mapping[str, Any]) -> Path:
    """Make the folder of a new search, with all that is known before the first trial."""
    from pellucid.files import new_run_folder, write_json
    from pellucid.training.ranks import remember

    folder = new_run_folder(Path(options.folder), options.name, f"tune-{data}")
    try:
        (folder / "checkpoint").mkdir()
        write_json(folder / "study.json", document)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    remember(str(folder))
    return folder


def _asked(dataset: Dataset, options: TuneOptions) -> tuple[Space, dict[str, str], Recipe]:
    """Return what is searched for, the texts of what would be trained without a search, and what is the same for all.

    Raises:
        NotationError: braces that cannot be read, or nothing to search for.
        OptionError: braces in an option that must be the same for all.
    """
    from pellucid.tuning import NETWORK, Space, recipe_of, require_options, usual_space

    given = {name: text for name, text in flat_values(options.recipe).items() if text is not None}
    searched = _in_braces(options)
    for name in _FIXED:
        if name in searched:
            raise OptionError(
                f"'{name}' must be the same for all trials", expected="one value", received=searched[name]
            )
    recipe = recipe_of({name: text for name, text in given.items() if name not in searched}, Recipe())
    if options.network is not None and "{" in options.network:
        searched = {NETWORK: options.network, **searched}
    fixed = {NETWORK: options.network} if options.network is not None and NETWORK not in searched else {}
    if not searched:
        searched = dict(usual_space(dataset, options.network, recipe, options.trials, given).texts)
    space = Space.of({**searched, **fixed})
    require_options(space, recipe)
    return space, fixed, recipe


def _made_for(options: TuneOptions) -> TaskName | None:
    """Return the task that the network is made for, whatever stands in its braces; None where the data decides."""
    from pellucid.networks import learns
    from pellucid.tuning import NETWORK, Space

    network = options.network or ""
    if "{" in network:
        space = Space.of({NETWORK: network, **_in_braces(options)})
        network = space.at([0.5] * len(space.parameters))[NETWORK]
    return learns(network)


def _in_braces(options: TuneOptions) -> dict[str, str]:
    """Return the options that are searched for."""
    return {name: text for name, text in flat_values(options.recipe).items() if text is not None and "{" in text}


def _document(
    data: Dataset, space: Space, untuned: Mapping[str, str], recipe: Recipe, usual: Session, options: TuneOptions
) -> dict[str, Any]:
    """Return what study.json holds."""
    from pellucid.record import SCHEMA
    from pellucid.verbs.environment import environment
    from pellucid.verbs.folder import described_data

    return {
        "schema": SCHEMA,
        "task": usual.task.name,
        "metric": usual.task.metric,
        "data": described_data(data),
        "space": dict(space.texts),
        "untuned": dict(untuned),
        "recipe": flat_values(recipe),
        "threads_asked": usual.recipe.threads,
        "options": flat_values(options),
        **environment(usual.device.device),
    }


def _refuse_other_options(options: TuneOptions) -> None:
    """Refuse to change a search that goes on.

    Raises:
        OptionError: naming what was given beside `--resume`.
    """
    usual = flat_values(TuneOptions())
    given = [name for name, value in flat_values(options).items() if value != usual[name]]
    other = [flag_of(name) for name in given if name not in {"data", "resume", "quiet"}]
    if other:
        raise OptionError(
            "a search goes on with the options it was begun with",
            expected="pellucid tune --resume FOLDER",
            received=", ".join(other) + " beside it",
            advice="leave them out, or begin a new search",
        )


def _same_data(study: Study, data: object) -> Dataset:
    """Return the data of a search that goes on.

    Raises:
        RunError: it was given from Python and is not given again, or it is not the same.
    """
    from pellucid.data import Dataset, load

    source = study.asked["data"]
    if data is None and source["kind"] == "memory":
        raise RunError("this search is on data given from Python", advice=f"tune(data, resume='{study.folder}')")
    given = source["location"] if data is None else data
    dataset = given if isinstance(given, Dataset) else load(given, **source["options"])
    if dataset.source.sha256 != source["sha256"]:
        raise RunError(
            "the data is not what the search was begun on",
            expected=f"sha256 {source['sha256'][:16]}…",
            received=f"sha256 {dataset.source.sha256[:16]}…",
        )
    return dataset
