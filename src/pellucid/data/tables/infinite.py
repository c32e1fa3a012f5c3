"""Numbers of a table that are infinite, or too large for what a network computes with."""

import numpy as np
import polars as pl

from pellucid.errors import DataError

_LARGEST = float(np.finfo(np.float32).max)


def refuse(frame: pl.DataFrame, where: str = "") -> None:
    """Refuse numbers that are infinite or too large to be computed with.

    Args:
        frame: typed rows, all there are, so that their numbers are those of the source.
        where: what the source is called, if there are several.

    Raises:
        DataError: naming the columns, how many there are in each, and the first row.
    """
    numbers = frame.select(pl.col(pl.Float64))
    if not numbers.width or not numbers.height:
        return
    largest = numbers.select(pl.all().abs().max()).row(0, named=True)
    bad = [name for name, size in largest.items() if size is not None and size > _LARGEST]
    if bad:
        found = []
        for name in bad:
            too_large = numbers[name].abs() > _LARGEST
            first = int(too_large.arg_max() or 0)
            found.append(
                f"{int(too_large.sum()):,} in column '{name}', the first {numbers[name][first]} in row {first + 1:,}"
            )
        raise DataError(
            f"infinite values cannot be computed with{where}",
            expected=f"numbers up to {_LARGEST:.1e}, or an empty field where a value is missing",
            received="; ".join(found),
            advice="leave them empty to have them filled, or leave the column out (--ignore in training)",
        )
