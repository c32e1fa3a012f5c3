"""The activations drawn: value, derivative and saturated zone of each, as a file."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pellucid.errors import OptionError, nearest
from pellucid.networks import NONLINEARITIES, Nonlinearity, build

_REACH, _COLUMNS = 7.0, 4
_BLUE, _ORANGE, _SHADE = "#0b5cad", "#a9480a", "#d5dae0"
_STYLE: dict[Any, Any] = {
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e9ed",
    "svg.fonttype": "none",
    "svg.hashsalt": "activations",
}


def draw_activations(path: str | Path, names: Iterable[str] | None = None) -> None:
    """Draw activations into a file, `.svg`, `.png` or `.pdf`: values blue, derivatives orange, where saturated grey.

    Args:
        path: the file.
        names: which; by default all that are functions of one number.

    Raises:
        OptionError: no activation has that name, or it is no function of one number.
    """
    drawn = {name: _facts(name) for name in names or [n for n, facts in NONLINEARITIES.items() if facts.slope]}
    rows = math.ceil(len(drawn) / _COLUMNS)
    with rc_context(_STYLE):
        figure = Figure(figsize=(2.5 * _COLUMNS, 2.1 * rows), layout="constrained")
        grid = figure.subplots(rows, _COLUMNS, squeeze=False).flatten()
        for axes, (name, facts) in zip(grid, drawn.items(), strict=False):
            _draw(axes, name, facts)
        for axes in grid[len(drawn) :]:
            axes.set_axis_off()
        figure.savefig(path, metadata={"Date": None} if str(path).endswith(".svg") else None)


def _facts(name: str) -> Nonlinearity:
    facts = NONLINEARITIES.get(name)
    if facts is None or facts.slope is None:
        drawable = [known for known, each in NONLINEARITIES.items() if each.slope]
        raise OptionError(
            f"'{name}' cannot be drawn",
            expected="one of " + ", ".join(drawable),
            received=name,
            advice=nearest(name, drawable),
        )
    return facts


def _draw(axes: Axes, name: str, facts: Nonlinearity) -> None:
    assert facts.slope is not None
    x = torch.linspace(-_REACH, _REACH, 281)
    with torch.no_grad():
        values = build(f"1 -> {name}")(x[:, None])[:, 0]
    if facts.below is not None and facts.below > -_REACH:
        axes.axvspan(-_REACH, facts.below, color=_SHADE, alpha=0.6, linewidth=0)
    if facts.above is not None and facts.above < _REACH:
        axes.axvspan(facts.above, _REACH, color=_SHADE, alpha=0.6, linewidth=0)
    axes.plot(x.numpy(), values.numpy(), color=_BLUE, linewidth=1.5, label="value")
    axes.plot(x.numpy(), facts.slope(x).numpy(), color=_ORANGE, linewidth=1.2, linestyle="--", label="derivative")
    axes.set(
        title=name,
        xlim=(-_REACH, _REACH),
        ylim=(max(-2.0, float(values.min()) - 0.3), min(3.0, float(values.max()) + 0.3)),
    )
