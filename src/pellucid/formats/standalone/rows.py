"""Rows of a table, or steps of a series, to a network's input as in training. Needs numpy and torch, not pellucid.

    names, inputs = read("new.csv", json.loads(Path("preprocessing.json").read_text())["input"])

Reads a CSV or TSV file with the column names in its first line (or in the order of training, if the training file had
none), or a list of rows as `{column: value}`. Shape letters: N rows, F features, W past steps.
"""

import csv
import itertools
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

MISSING = {"", "na", "n/a", "#n/a", "?", "null", "nan", "-"}
DATE_FORMATS = (
    *("%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%d-%b-%Y", "%Y/%m/%d %H:%M:%S"),
    *("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M"),
    *("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y"),
)
CIRCLES = {"month": 12, "day": 31, "weekday": 7, "hour": 24}
FARTHEST = 1e6  # standard deviations

Rows = list[dict[str, Any]]


def read(
    source: str | Path | Sequence[Mapping[str, Any]], description: Mapping[str, Any]
) -> tuple[list[str], torch.Tensor]:
    """Return a name and the network's input for each row, float32 (N, F); for a series (N, W, F), a row a window."""
    rows = read_rows(Path(source), description) if isinstance(source, str | Path) else [dict(row) for row in source]
    columns = description["columns"]
    missing = [column["name"] for column in columns if rows and column["name"] not in rows[0]]
    if missing or not rows:
        raise ValueError(f"no column {', '.join(missing)}" if missing else "no rows")
    values = {column["name"]: [row.get(column["name"]) for row in rows] for column in columns}
    if description["kind"] == "series":
        values = {name: forward_filled(column) for name, column in values.items()}
    features = np.concatenate([encode(values[column["name"]], column) for column in columns], axis=1)
    inputs = torch.from_numpy(features)
    if description["kind"] == "series":  # every stretch of `window` steps; the last one forecasts what comes next
        windows = inputs.unfold(0, description["window"], 1).transpose(1, 2).contiguous()
        return [f"after row {number + description['window']}" for number in range(len(windows))], windows
    identifier = description["identifier"]
    names = [str(row[identifier]) if identifier in row else f"row {number}" for number, row in enumerate(rows, 1)]
    return names, inputs


def read_rows(path: Path, description: Mapping[str, Any]) -> Rows:
    """Read a delimited file; its separator is the one that its first line holds most of."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    separator = max(",;\t|", key=lines[0].count) if lines else ","
    records = [
        [field.strip() for field in record] for record in csv.reader(lines, delimiter=separator, skipinitialspace=True)
    ]
    records = [record for record in records if any(record)]
    wanted = [column["name"] for column in description["columns"]]
    if records and set(wanted) <= set(records[0]):
        names, records = records[0], records[1:]
    else:  # without a header the columns are those of training, the target's left out or not
        names = list(description.get("names") or wanted)
        if records and len(records[0]) == len(names) - 1:
            names.remove(description["target"])
    return [dict(zip(names, record, strict=False)) for record in records]


def encode(values: Sequence[Any], column: Mapping[str, Any]) -> np.ndarray:
    """Return the features of one column, float32 (N, F)."""
    match column["kind"]:
        case "number":
            return encode_numbers(values, column)
        case "category":
            return encode_words(values, column)
        case "date":
            return encode_dates(values, column)
    raise ValueError(f"columns of kind {column['kind']} are newer than this file")


def encode_numbers(values: Sequence[Any], column: Mapping[str, Any]) -> np.ndarray:
    """Standardise: (x - mean) / scale; then one feature a bin: how far x has come through it, 0 to 1."""
    numbers = np.array([number(value) for value in values])
    absent = np.isnan(numbers)
    known = np.where(absent, column["median"], numbers)
    features = [np.clip((known - column["mean"]) / column["scale"], -FARTHEST, FARTHEST)]
    edges = column["edges"]
    features += [np.clip((known - low) / (high - low), 0, 1) for low, high in itertools.pairwise(edges)]
    return np.stack([*features, *([absent] if column["missing"] else [])], axis=1).astype(np.float32)


def encode_words(values: Sequence[Any], column: Mapping[str, Any]) -> np.ndarray:
    """One feature a level, one for all rarer levels, one for missing ones; each only where training had such."""
    levels = {level: place for place, level in enumerate(column["levels"])}
    rare = len(levels) if column["folded"] else None
    absent = len(levels) + bool(column["folded"]) if column["missing"] else None
    features = np.zeros((len(values), len(levels) + bool(column["folded"]) + bool(column["missing"])), np.float32)
    for row, value in enumerate(values):
        place = absent if is_missing(value) else levels.get(word(value, levels), rare)
        if place is not None:
            features[row, place] = 1
    return features


def encode_dates(values: Sequence[Any], column: Mapping[str, Any]) -> np.ndarray:
    """The moment standardised, and month, day, weekday and hour as points on a circle."""
    moments = dates(values)
    absent = np.array([moment is None for moment in moments])
    seconds = [column["median"] if moment is None else math.floor(moment.timestamp()) for moment in moments]
    features = [(np.array(seconds) - column["mean"]) / column["scale"]]
    known = [datetime.fromtimestamp(second, UTC) for second in seconds]
    for part in column["parts"]:
        places = {
            "month": [moment.month - 1 for moment in known],
            "day": [moment.day - 1 for moment in known],
            "weekday": [moment.weekday() for moment in known],
            "hour": [second % 86_400 / 3600 for second in seconds],
        }[part]
        angle = np.array(places, float) * (2 * np.pi / CIRCLES[part])
        features += [np.sin(angle), np.cos(angle)]
    return np.stack([*features, *([absent] if column["missing"] else [])], axis=1).astype(np.float32)


def is_missing(value: Any) -> bool:
    """Say whether a field holds nothing."""
    if isinstance(value, float):
        return math.isnan(value)
    return value is None or str(value).strip().lower() in MISSING


def number(value: Any) -> float:
    """Return a field as a number; NaN where it holds none. A comma may stand for the point."""
    if is_missing(value):
        return math.nan
    try:
        return float(value)
    except ValueError:
        try:
            return float(str(value).replace(",", "."))
        except ValueError:
            return {"true": 1.0, "false": 0.0}.get(str(value).strip().lower(), math.nan)


def word(value: Any, levels: Mapping[str, int]) -> str:
    """Return a field as the word it is among the levels: 1.0 is 1 and True is true where training had those."""
    text = str(value).strip()
    if text in levels:
        return text
    as_number = number(text)
    spelled = str(as_number).removesuffix(".0")
    return text.lower() if text.lower() in ("true", "false") else spelled if spelled in levels else text


def dates(values: Sequence[Any]) -> list[datetime | None]:
    """Return fields as dates, all in the one format that fits them all; without a time zone they count as UTC."""
    texts = [None if is_missing(value) else str(value).strip() for value in values]
    for form in ("iso", "%Y%m%d", *DATE_FORMATS):
        try:
            return [None if text is None else _date(text, form) for text in texts]
        except ValueError:
            continue
    raise ValueError(f"these are no dates: {[text for text in texts if text][:3]}")


def forward_filled(values: Sequence[Any]) -> list[Any]:
    """Return values with each missing one replaced by the last before it."""
    filled: list[Any] = []
    for value in values:
        filled.append(filled[-1] if is_missing(value) and filled else value)
    return filled


def _date(text: str, form: str) -> datetime:
    if form == "iso":
        if text.isdigit():
            raise ValueError(text)
        moment = datetime.fromisoformat(text + "-01" if len(text) == 7 else text)
    else:
        moment = datetime.strptime(text, form)  # noqa: DTZ007 (made UTC below)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
