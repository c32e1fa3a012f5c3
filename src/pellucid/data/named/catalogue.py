"""What a named data set is: how it is opened and the line that lists it."""

from collections.abc import Callable
from dataclasses import dataclass

from pellucid.data.dataset import Dataset
from pellucid.recipe import DataOptions


@dataclass(frozen=True, slots=True)
class Entry:
    """A data set with a name: call it with the options to load it.

    Attributes:
        summary: one line for the listing.
        load: reads and splits it.
    """

    summary: str
    load: Callable[[DataOptions], Dataset]

    def __call__(self, options: DataOptions) -> Dataset:
        """Return the data set, split as the options ask."""
        return self.load(options)
