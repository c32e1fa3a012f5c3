"""Runs side by side: their curves over one axis, the differences of what was asked, seeds with intervals."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.errors import RunError
from pellucid.files import as_damage, read_lines
from pellucid.judging.seeds import spread
from pellucid.record import SeedResult
from pellucid.studio.exhibits.room.curves import Column, Curves

POINTS = 500
"""That a chart shows at most: more are not told apart, and the page says that they are sampled."""
_NOT_COMPARED = frozenset({"name", "folder", "resume", "quiet", "no_report", "checkpoint_seconds", "checkpoint_epochs"})


def grid(places: Sequence[Column]) -> Column:
    """Return where any of some lines has a point, thinned to `POINTS`, the last kept."""
    whole: Column = np.unique(np.concatenate([np.empty(0), *places]))
    if len(whole) <= POINTS:
        return whole
    kept = np.unique(np.linspace(0, len(whole) - 1, POINTS).round().astype(int))
    return np.asarray(whole[kept])


def over(where: Column, place: Column, values: Column) -> Column:
    """Return a line's height at other places, straight between its points, NaN outside and where it is not finite."""
    if not len(place):
        return np.full(len(where), np.nan)
    with np.errstate(invalid="ignore"):  # between infinities there is no line
        return np.interp(where, place, np.where(np.isfinite(values), values, np.nan), left=np.nan, right=np.nan)


def charts(lines: Sequence[Curves], metric: str, axis: str) -> dict[str, tuple[Column, list[Column]]]:
    """Return chart -> where its points are, (P), and each line there, (P)."""
    steps = [line.place_of_steps(axis) for line in lines]
    ends = [line.place_of_epochs(axis) for line in lines]
    drawn = {}
    for name in ("loss", "learning_rate", "gradient_norm"):
        where = grid(steps)
        drawn[name] = where, [over(where, at, line.of_steps(name)) for at, line in zip(steps, lines, strict=True)]
    for name in ("epoch_loss", "validation.loss", f"validation.{metric}"):
        where, field = grid(ends), name.removeprefix("epoch_")
        values = [over(where, at, line.of_epochs(field)) for at, line in zip(ends, lines, strict=True)]
        drawn["metric" if name == f"validation.{metric}" else name] = where, values
    return drawn


def differences(asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return name and values of all in run.json that is not the same in all; of a single one, of all that matters."""
    flat = [_flat(each) for each in asked]
    names = list(dict.fromkeys(name for each in flat for name in each))
    rows = [(name, [each.get(name) for each in flat]) for name in names]
    if len(flat) < 2:
        rows = [(name, values) for name, values in rows if values[0] is not None and not name.startswith("versions.")]
    else:
        rows = [(name, values) for name, values in rows if any(value != values[0] for value in values[1:])]
    return [{"name": name, "values": [_written(value) for value in values]} for name, values in rows]


def _flat(asked: Mapping[str, Any]) -> dict[str, Any]:
    data, network = asked.get("data", {}), asked.get("network", {})
    found = {
        "data": data.get("name"), "data.sha256": str(data.get("sha256", ""))[:12] or None,
        "network": network.get("arrows") or network.get("module"), "parameters": network.get("parameters"),
    }  # fmt: skip
    found |= {f"samples.{name}": count for name, count in data.get("samples", {}).items()}
    found |= {name: value for name, value in asked.get("recipe", {}).items() if name not in _NOT_COMPARED}
    found |= {name: asked.get(name) for name in ("device", "threads") if name in asked}
    return found | {f"versions.{name}": version for name, version in asked.get("versions", {}).items()}


def _written(value: Any) -> str:
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def seeds_of(folder: Path, metric: str) -> dict[str, Any] | None:
    """Return how a run's metric spreads over its seeds; None where it was trained with one.

    Raises:
        RunError: seeds.jsonl is damaged.
    """
    path = folder / "seeds.jsonl"
    with as_damage(path):
        results = [SeedResult(**line) for line in read_lines(path)]
        values = [float(each.metrics[metric]) for each in results if metric in each.metrics]
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2:
        return None
    found = spread(metric, finite)
    return {"count": len(results), "diverged": len(results) - len(finite), "mean": found.mean, "low": found.low,
            "high": found.high, "least": found.least, "most": found.most}  # fmt: skip


def of_folder(folder: Path, metric: str) -> tuple[dict[str, Any] | None, str]:
    """Return `seeds_of`, or nothing and what is wrong."""
    try:
        return seeds_of(folder, metric), ""
    except (RunError, OSError) as error:
        return None, str(error).split("\n", 1)[0]
