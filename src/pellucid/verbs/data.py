"""`pellucid data`: the data sets with a name, and any data in full, before anything is trained on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pellucid.options import argument, check, command_line, nested
from pellucid.recipe import DataOptions
from pellucid.verbs.outcome import Outcome

if TYPE_CHECKING:
    from rich.console import Console

    from pellucid.data import Dataset


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowDataOptions:
    """List the data sets that have a name, or tell how data would be read and split: columns, balance, what is odd."""

    data: str | None = argument("a data set's name, a file or a folder, as `pellucid train` takes it")
    reading: DataOptions = nested(DataOptions)

    def __post_init__(self) -> None:
        """Refuse values of another type."""
        check(self)


def command(options: ShowDataOptions, console: Console) -> Outcome:
    """List the named data sets, or show one, or the user's own."""
    from pellucid.data import catalogue, load
    from pellucid.report.catalogue import data_list, data_page
    from pellucid.report.live import data_progress

    if options.data is None:
        entries = catalogue()
        console.print(data_list(entries), markup=False)
        listed = [{"name": name, "summary": entry.summary, "here": entry.here()} for name, entry in entries.items()]
        return Outcome({"data": listed})
    with data_progress(console):
        data = load(options.data, None if options.reading == DataOptions() else options.reading)
    console.print(data_page(data, command_line("train", options)), markup=False)
    return Outcome(_document(data))


def _document(data: Dataset) -> dict[str, Any]:
    from dataclasses import asdict

    from pellucid.data import describe
    from pellucid.judging.facts import facts_of

    return {
        "name": data.name,
        "kind": data.preprocessing.kind,
        "location": data.source.location,
        "sha256": data.source.sha256,
        "input": str(data.input_shape),
        "target": describe(data.target),
        **asdict(facts_of(data)),
    }
