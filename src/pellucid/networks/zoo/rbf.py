"""The radial basis function network."""

from collections.abc import Mapping
from typing import Literal

from pellucid.networks.zoo.entry import Arrows, Entry
from pellucid.shapes import Features, Image, Sequence, Shape

_CENTRES = 200
_ROWS_A_CENTRE = 4  # at least so many training rows for each, unless a number is given


def write(
    input: Shape,
    centres: int = _CENTRES,
    *,
    classes: int,
    width: Literal["shared", "own"] = "shared",
    learned: bool = True,
    normalised: bool = False,
) -> Arrows:
    """Write Gaussian units, each with a centre, and a linear layer that reads them out.

    Args:
        input: features, or an image or a sequence that is flattened.
        centres: the units; a training puts them at k-means centres of its inputs, so there must be as many of those.
            Unless said, 200, or a quarter of the training rows where that is less.
        classes: the outputs.
        width: one width for all units, or one for each.
        learned: whether gradient descent changes centres and widths too.
        normalised: whether each unit's answer is divided by the sum of all.
    """
    flatten = "flatten -> " * isinstance(input, Sequence)
    options = ", width=own" * (width == "own") + ", learned=no" * (not learned) + ", normalised=yes" * normalised
    return Arrows({"features": f"{flatten}rbf({centres}{options})", "classifier": f"fc({classes})"})


def _for_few(rows: int) -> Mapping[str, int]:
    """Return fewer centres where the usual ones would be too many to stand for the training rows."""
    fitting = max(1, rows // _ROWS_A_CENTRE)
    return {"centres": fitting} if fitting < _CENTRES else {}


ENTRIES = (
    Entry(
        "rbf",
        "radial basis function network: Gaussian units around centres, and a linear layer that reads them out",
        "Broomhead and Lowe, Multivariable functional interpolation and adaptive networks, Complex Systems 2, 1988;"
        " Moody and Darken, Fast learning in networks of locally-tuned processing units, Neural Computation 1, 1989",
        write,
        (Features, Image, Sequence),
        None,
        10,
        by_rows=_for_few,
    ),
)
