"""Rows of a table, or steps of a series, to a network's input as in training. Needs numpy and torch, not pellucid.

    names, inputs = read("new.csv", json.loads(Path("preprocessing.json").read_text())["input"])

Reads a CSV or TSV file with the column names in its first line (or in the order of training, if the training file had
none), compressed or not, or a list of rows as `{column: value}`. What cannot be read as in training is a ValueError.
Shape letters: N rows, F features, W past steps.
"""

import bz2
import csv
import gzip
import io
import itertools
import lzma
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

MISSING = {"", "na", "n/a", "#n/a", "?", "null", "nan", "-"}
TRUTH = {"true": 1.0, "false": 0.0}
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
INFINITE = {"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
DATE_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y-%m", "%Y/%m", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%d-%b-%Y"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y/%m/%d %H:%M:%S"),
    *("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z"),
    *("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M"),
    *("%Y-W%W-%w", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y"),
)
CIRCLES = {"month": 12, "day": 31, "weekday": 7, "hour": 24}
FARTHEST = 1e6  # standard deviations
LARGEST = float(np.finfo(np.float32).max)

Rows = list[dict[str, Any]]


def read(
    source: str | Path | Sequence[Mapping[str, Any]], description: Mapping[str, Any]
) -> tuple[list[str], torch.Tensor]:
    """Return a name and the network's input for each row, float32 (N, F); for a series (N, W, F), a row a window."""
    rows = read_rows(Path(source), description) if isinstance(source, str | Path) else [dict(row) for row in source]
    is_series = description["kind"] == "series"
    times = description["time"]["columns"] if is_series else []
    needed = [column["name"] for column in description["columns"]] + times
    missing = [name for name in needed if rows and name not in rows[0]]
    if missing or not rows:
        raise ValueError(f"no column {', '.join(missing)}" if missing else "there are no rows to predict for")
    moments: list[str] = []
    if is_series:
        rows, moments = in_order(rows, description["time"])
    values = {name: [row.get(name) for row in rows] for name in needed}
    if is_series:
        values = {name: forward_filled(column) for name, column in values.items()}
        if all(map(is_missing, values[description["targets"][0]])):
            raise ValueError(f"the past of {description['targets'][0]} is missing in every step")
    features = [encode(values[column["name"]], column) for column in description["columns"]]
    inputs = torch.from_numpy(np.concatenate(features, axis=1))
    if is_series:
        return windows(inputs, moments, description)
    identifier = description["identifier"]
    named = identifier is not None and identifier in rows[0]
    names = words([row.get(identifier) for row in rows]) if named else [f"row {n}" for n in range(1, len(rows) + 1)]
    return [name or "?" for name in names], inputs


def read_rows(path: Path, description: Mapping[str, Any]) -> Rows:
    """Read a delimited file; its separator is the one that divides its first line into most fields."""
    text = text_of(path).lstrip("\r\n")
    text = text if "\n" in text else text.replace("\r", "\n")
    first = text.partition("\n")[0]
    separator = max(",;\t|", key=lambda each: len(next(csv.reader([first], delimiter=each), [])))
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True))
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as a table: {error}") from error
    lines = [line for line in ([field.strip() for field in record] for record in records) if any(line)]
    wanted = {column["name"] for column in description["columns"]}
    if lines and wanted <= set(lines[0]):
        names, lines = lines[0], lines[1:]
    elif description.get("has_header", not all(re.fullmatch(r"column_\d+", name) for name in wanted)):
        absent = sorted(wanted - set(lines[0] if lines else []))
        raise ValueError(f"{path} has no column {', '.join(absent)}")
    else:  # without a header the columns are those of training, the target's left out or not
        width = len(lines[0]) if lines else 0
        names = list(description.get("names", [f"column_{place}" for place in range(1, width + 1)]))
        targets = description.get("targets", [])
        if width == len(names) - len(targets):
            names = [name for name in names if name not in targets]
    if any(len(line) > len(names) for line in lines):
        raise ValueError(f"{path} has lines of more than {len(names)} fields")
    return [dict(itertools.zip_longest(names, line)) for line in lines]


def text_of(path: Path) -> str:
    """Return a file's text, decompressed, whatever it is written in."""
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    with openers.get(path.suffix.lower(), open)(path, "rb") as file:
        content: bytes = file.read()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


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
    found = np.array(numbers(values))
    absent = np.isnan(found)
    if absent.all() and not all(map(is_missing, values)):
        raise ValueError(f"column {column['name']} holds no numbers")
    if (np.abs(found) > LARGEST).any():
        raise ValueError(f"column {column['name']} holds infinite numbers")
    known = np.where(absent, column["median"], found)
    features = [np.clip((known - column["mean"]) / column["scale"], -FARTHEST, FARTHEST)]
    features += [np.clip((known - low) / (high - low), 0, 1) for low, high in itertools.pairwise(column["edges"])]
    return np.stack([*features, *([absent] if column["missing"] else [])], axis=1).astype(np.float32)


def encode_words(values: Sequence[Any], column: Mapping[str, Any]) -> np.ndarray:
    """One feature a level, one for all rarer levels, one for missing ones; each only where training had such."""
    levels = {level: place for place, level in enumerate(column["levels"])}
    rare = len(levels) if column["folded"] else None
    absent = len(levels) + bool(column["folded"]) if column["missing"] else None
    features = np.zeros((len(values), len(levels) + bool(column["folded"]) + bool(column["missing"])), np.float32)
    for row, word in enumerate(words(values)):
        place = absent if word is None else levels.get(word, rare)
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


def numbers(values: Sequence[Any]) -> list[float]:
    """Return a column as numbers, NaN where it holds none; a comma may stand for the point, if it does throughout."""
    texts = [None if is_missing(value) else str(value).strip().lower() for value in values]
    present = [text for text in texts if text is not None]
    if all(text in TRUTH for text in present):
        return [math.nan if text is None else TRUTH[text] for text in texts]
    points = [text.replace(",", ".", 1) for text in present]
    commas = any(map(math.isnan, map(number, present))) and not any(map(math.isnan, map(number, points)))
    return [math.nan if text is None else number(text.replace(",", ".", 1) if commas else text) for text in texts]


def number(text: str) -> float:
    """Return a text as a number, NaN if it is none."""
    return float(text) if NUMBER.fullmatch(text) or text in INFINITE else math.nan


def words(values: Sequence[Any]) -> list[str | None]:
    """Return a column as words, None where it holds nothing: 1.0 is 1 in a column of numbers, True is true."""
    texts = [None if is_missing(value) else str(value).strip() for value in values]
    present = [text for text in texts if text is not None]
    if all(text.lower() in TRUTH for text in present):
        return [None if text is None else text.lower() for text in texts]
    if any(map(math.isnan, numbers(present))) or are_codes(present):
        return list(texts)
    return [
        None if text is None else str(found + 0.0).removesuffix(".0")
        for text, found in zip(texts, numbers(values), strict=True)
    ]


def are_codes(texts: Sequence[str]) -> bool:
    """Say whether digits are codes, not numbers: of one length and some led by a zero (02139), or very long."""
    if not texts or not all(text.isdigit() for text in texts):
        return False
    lengths = {len(text) for text in texts}
    return min(lengths) >= 15 or (len(lengths) == 1 and min(lengths) >= 3 and any(text[0] == "0" for text in texts))


def dates(values: Sequence[Any]) -> list[datetime | None]:
    """Return fields as dates, all in the one format that fits them all; without a time zone they count as UTC."""
    texts = [None if is_missing(value) else str(value).strip() for value in values]
    digits = all(text.isdigit() for text in texts if text)
    for form in ("%Y%m%d",) if digits else DATE_FORMATS:
        try:
            found = [None if text is None else datetime.strptime(text, form) for text in texts]  # noqa: DTZ007 (below)
        except ValueError:
            continue
        return [each.replace(tzinfo=UTC) if each and each.tzinfo is None else each for each in found]
    raise ValueError(f"these are no dates: {[text for text in texts if text][:3]}")


def in_order(rows: Rows, time: Mapping[str, Any]) -> tuple[Rows, list[str]]:
    """Return the steps of a series in order of time, and what each is called."""
    columns = [[row[name] for row in rows] for name in time["columns"]]
    if not columns:
        return rows, [str(step) for step in range(1, len(rows) + 1)]
    moments: list[Any]
    if len(columns) > 1:  # year, month, day, ... in columns of their own
        rest = [[default] * len(rows) for default in (1, 1, 1, 0, 0, 0)[len(columns) :]]
        moments = []
        for parts in zip(*map(numbers, columns), *rest, strict=True):
            year, month, day, hour, minute, second = map(int, parts)
            moments.append(datetime(year, month, day, hour, minute, second, tzinfo=UTC))
    else:
        moments = [*(dates if time["dated"] else numbers)(columns[0])]
    if any(moment is None or moment != moment for moment in moments):  # noqa: PLR0124 (NaN)
        raise ValueError(f"a step without a time in {', '.join(time['columns'])}")
    if len(set(moments)) < len(moments):
        raise ValueError("two steps have the same time; a series has one row a step")
    order = sorted(range(len(rows)), key=lambda place: moments[place])
    return [rows[place] for place in order], called([moments[place] for place in order])


def called(moments: Sequence[Any]) -> list[str]:
    """Return times as words: dates without the time of day where all are at midnight."""
    if not isinstance(moments[0], datetime):
        return [str(moment).removesuffix(".0") for moment in moments]
    at_midnight = all((moment.hour, moment.minute, moment.second) == (0, 0, 0) for moment in moments)
    return [moment.strftime("%Y-%m-%d" if at_midnight else "%Y-%m-%d %H:%M:%S") for moment in moments]


def forward_filled(values: Sequence[Any]) -> list[Any]:
    """Return values with each missing one replaced by the last before it."""
    filled: list[Any] = []
    for value in values:
        filled.append(filled[-1] if is_missing(value) and filled else value)
    return filled


def windows(
    steps: torch.Tensor, moments: Sequence[str], description: Mapping[str, Any]
) -> tuple[list[str], torch.Tensor]:
    """Return every stretch of W steps, (N, W, F), named by the step it forecasts; the last by what it comes after."""
    window = description["window"]
    if len(steps) < window:
        raise ValueError(f"a forecast needs {window} steps, received {len(steps)}")
    return [*moments[window:], f"after {moments[-1]}"], steps.unfold(0, window, 1).transpose(1, 2).contiguous()
