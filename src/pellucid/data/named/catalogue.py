"""What a named data set is: how it is opened, the line that lists it, the files it needs."""

from collections.abc import Callable
from dataclasses import dataclass

from pellucid.data.dataset import Dataset
from pellucid.recipe import DataOptions


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Entry:
    """A data set with a name: call it with the options to load it.

    Attributes:
        summary: one line for the listing.
        load: reads and splits it.
        here: whether it can be read without a download.
    """

    summary: str
    load: Callable[[DataOptions], Dataset]
    here: Callable[[], bool] = _always

    def __call__(self, options: DataOptions) -> Dataset:
        """Return the data set, split as the options ask."""
        return self.load(options)
