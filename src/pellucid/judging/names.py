"""What the rows of a data set are called where they came from."""

from collections.abc import Sequence
from pathlib import Path

from pellucid.data.dataset import Dataset
from pellucid.data.images import files
from pellucid.errors import DataError


def row_names(data: Dataset) -> Sequence[str] | None:
    """Return the files of a folder of images, from the folder that is its source; None where rows have no names.

    None too where the folder no longer holds as many images as were read: some were refused, or it has changed.
    """
    folder = Path(data.source.location)
    if data.source.kind != "images" or not folder.is_dir():
        return None
    try:
        listing = files.find(folder)
        test = data.source.options.get("test")
        if test is not None:
            listing = files.with_test(listing, Path(test))
    except DataError:
        return None
    if len(listing.paths) != len(data):
        return None
    return [str(path.relative_to(folder) if path.is_relative_to(folder) else path) for path in listing.paths]
