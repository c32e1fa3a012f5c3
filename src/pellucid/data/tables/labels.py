"""Labels of a table's target column: the classes, their indices, and labels that are spelled a little differently.

Shape letters: N rows.
"""

import polars as pl
import torch
from torch import Tensor

from pellucid.data import targets
from pellucid.data.dataset import Classes
from pellucid.data.tables import frames

_PUNCTUATION = ".,;:! "


def classes_of(series: pl.Series) -> Classes:
    """Return the classes of a typed column: numbers ascending, words by alphabet, false before true.

    Raises:
        DataError: one class only, or nearly as many classes as rows.
    """
    present = series.drop_nulls()
    names = tuple(frames.as_words(present.unique().sort()).to_list())
    column = f"the target '{series.name}'"
    targets.refuse_single_class(names, column)
    targets.refuse_too_many_classes(column, len(names), len(present), numbers=series.dtype == pl.Float64)
    return Classes(names)


def indices(series: pl.Series, classes: Classes) -> Tensor:
    """Return the class index of each value, int64 (N,); -1 for a value that is no class, or is missing."""
    places = {name: index for index, name in enumerate(classes.names)}
    codes = frames.as_words(series).replace_strict(places, default=-1, return_dtype=pl.Int64)
    return torch.from_numpy(codes.fill_null(-1).to_numpy().copy())


def respelled(series: pl.Series, classes: Classes) -> tuple[pl.Series, tuple[str, ...]]:
    """Return a column whose labels are spelled as the classes are, where only a trailing punctuation mark differs.

    >>> words, notes = respelled(pl.Series("income", ["<=50K.", ">50K."]), Classes(("<=50K", ">50K")))
    >>> words.to_list()
    ['<=50K', '>50K']
    """
    words = frames.as_words(series)
    found = set(words.drop_nulls().unique().to_list())
    unknown = found - set(classes.names)
    bare = {name.rstrip(_PUNCTUATION): name for name in classes.names}
    same = {label: bare[label.rstrip(_PUNCTUATION)] for label in unknown if label.rstrip(_PUNCTUATION) in bare}
    if not same or len(bare) < len(classes.names):
        return words, ()
    label, name = min(same.items())
    note = f"target: labels such as '{label}' are taken for '{name}', from which only the last mark differs"
    return words.replace(same), (note,)
