"""How one column of a table becomes numbers for a network, fitted on training rows.

Shape letters: N rows, F encoded features, L levels, E bin edges.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pellucid.data.spread import deviation
from pellucid.data.tables import frames
from pellucid.errors import DataError

Encoded = NDArray[np.float32]
Decodable = NDArray[np.float64]

# Up to so many levels each has its own feature; of more, those with too few rows to learn from share one.
_FEW_LEVELS = 20
_LEAST_ROWS = 10
_MOST_LEVELS = 255

_DAY_SECONDS = 86_400.0
# what a network makes of a date may be any number; dates are of the years 1 to 9999
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799

# Standard deviations: no value of a million training rows can be farther off; what is would make infinite sums.
_FARTHEST = 1e6


@dataclass(frozen=True, slots=True)
class Column(ABC):
    """A fitted column; `encode` turns its values into features (N, F), `features` names them.

    Attributes:
        name: of the column.
    """

    kind: ClassVar[str]

    name: str

    @property
    @abstractmethod
    def features(self) -> tuple[str, ...]:
        """Names of the features, one for each number a row becomes."""

    @abstractmethod
    def encode(self, series: pl.Series) -> tuple[Encoded, str]:
        """Return the features (N, F) of a typed column, and a note on values that were not seen in training."""

    @abstractmethod
    def decode(self, features_NF: Decodable) -> pl.Series:
        """Return the column whose features these are, or are closest to; null where its value is said to be missing."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields and the kind."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, slots=True)
class NumberColumn(Column):
    """A number: standardised, and where it falls between bin edges (piecewise-linear encoding).

    A new value farther than a million standard deviations from the mean counts as so far.

    The encoding's e-th feature is min(max((x - edge_e) / (edge_e+1 - edge_e), 0), 1) (Gorishniy et al. 2022, "On
    embeddings for numerical features in tabular deep learning", section 3.2): a network reads a threshold or a
    step off it directly, however skewed the values are.

    Attributes:
        mean: over the training rows that have a value.
        scale: standard deviation over the same; 1 where it is 0.
        median: over the same; stands in for missing values.
        missing: whether training rows lacked values, so that a feature says which do.
        edges: bin edges, ascending; empty for no bins.
    """

    kind: ClassVar[str] = "number"

    mean: float
    scale: float
    median: float
    missing: bool
    edges: tuple[float, ...]

    @classmethod
    def fit(cls, series: pl.Series, edges: tuple[float, ...]) -> "NumberColumn":
        """Fit on training values."""
        values = frames.as_numbers(series).drop_nulls().to_numpy()
        return cls(
            series.name,
            float(values.mean()),
            float(deviation(values)) or 1.0,
            float(np.median(values)),
            len(values) < len(series),
            edges,
        )

    @property
    def features(self) -> tuple[str, ...]:
        """The standardised value, the bins, and whether it is missing."""
        bins = tuple(f"{self.name} > {edge:g}" for edge in self.edges[:-1])
        return (self.name, *bins, *((f"{self.name} is missing",) if self.missing else ()))

    def encode(self, series: pl.Series) -> tuple[Encoded, str]:
        """Return (N, F); missing values count as the median."""
        numbers, note = frames.as_known_numbers(series)
        absent = numbers.is_null().to_numpy()
        values = numbers.fill_null(self.median).to_numpy()
        encoded = np.empty((len(values), len(self.features)), np.float32)
        with np.errstate(over="ignore"):
            encoded[:, 0] = np.clip((values - self.mean) / self.scale, -_FARTHEST, _FARTHEST)
        for index, (low, high) in enumerate(zip(self.edges, self.edges[1:], strict=False), start=1):
            encoded[:, index] = np.clip((values - low) / (high - low), 0, 1)
        if self.missing:
            encoded[:, -1] = absent
            return encoded, note
        return encoded, note or _missing_note(self.name, int(absent.sum()), "the median")

    def decode(self, features_NF: Decodable) -> pl.Series:
        """Return the first feature in the column's units; the bins tell the same less exactly."""
        numbers = pl.Series(self.name, features_NF[:, 0] * self.scale + self.mean, dtype=pl.Float64)
        return _without(numbers, features_NF[:, -1] > 0.5) if self.missing else numbers


@dataclass(frozen=True, slots=True)
class CategoryColumn(Column):
    """A word: one feature a level (one-hot), one for all rare levels together, one for missing.

    A feature that is 0 in all training rows would keep its random initial weights; so there is a feature for rare
    levels, or for missing ones, only where training had some. A word never seen in training counts as rare where
    there are rare ones, else all features are 0.

    Attributes:
        levels: the words that have a feature of their own.
        folded: whether training had rare levels.
        missing: whether training rows lacked values.
    """

    kind: ClassVar[str] = "category"

    levels: tuple[str, ...]
    folded: bool
    missing: bool

    @classmethod
    def fit(cls, series: pl.Series) -> "CategoryColumn":
        """Fit on training values."""
        words = frames.as_words(series)
        counts = words.drop_nulls().value_counts(sort=True).sort(["count", series.name], descending=[True, False])
        kept = counts
        if len(counts) > _FEW_LEVELS:
            kept = counts.filter(pl.col("count") >= _LEAST_ROWS).head(_MOST_LEVELS)
        levels = tuple(sorted(kept[series.name].to_list()))
        return cls(series.name, levels, len(kept) < len(counts), words.null_count() > 0)

    @property
    def features(self) -> tuple[str, ...]:
        """One a level, then rare levels, then missing."""
        own = tuple(f"{self.name} = {level}" for level in self.levels)
        folded = (f"{self.name} is another",) if self.folded else ()
        return (*own, *folded, *((f"{self.name} is missing",) if self.missing else ()))

    def encode(self, series: pl.Series) -> tuple[Encoded, str]:
        """Return (N, F), zeros and at most one 1 a row."""
        words = frames.as_words(series)
        unknown, absent, nowhere = len(self.levels), len(self.features) - 1, -1
        places = {level: index for index, level in enumerate(self.levels)}
        codes = words.replace_strict(places, default=unknown, return_dtype=pl.Int64).to_numpy().copy()
        is_null = words.is_null().to_numpy()
        codes[is_null] = absent if self.missing else nowhere
        unseen = (codes == unknown) & ~is_null
        if not self.folded:
            codes[unseen] = nowhere
        encoded = np.zeros((len(codes), len(self.features)), np.float32)
        rows = np.flatnonzero(codes != nowhere)
        encoded[rows, codes[rows]] = 1
        if unseen.any():
            examples = words.filter(pl.Series(unseen)).unique(maintain_order=True).head(3).to_list()
            quoted = ", ".join(f"'{example}'" for example in examples)
            return encoded, f"column '{self.name}': {int(unseen.sum()):,} values not learned in training ({quoted})"
        return encoded, "" if self.missing else _missing_note(self.name, int(is_null.sum()), "no level")

    def decode(self, features_NF: Decodable) -> pl.Series:
        """Return the level with the greatest feature; "(another)" stands for the rare ones."""
        words = (*self.levels, *(("(another)",) if self.folded else ()), *((None,) if self.missing else ()))
        return pl.Series(self.name, [words[place] for place in features_NF.argmax(1).tolist()], dtype=pl.String)


@dataclass(frozen=True, slots=True)
class DateColumn(Column):
    """A date: time as one standardised number, and month, day, weekday and hour as points on a circle.

    A circle (sine and cosine) keeps December beside January; only the parts that vary in training are kept.

    Attributes:
        mean: seconds since 1970 over the training rows.
        scale: standard deviation of the same.
        median: stands in for missing dates.
        missing: whether training rows lacked dates.
        parts: the circles kept, of `month`, `day`, `weekday`, `hour`.
    """

    kind: ClassVar[str] = "date"

    mean: float
    scale: float
    median: float
    missing: bool
    parts: tuple[str, ...]

    @classmethod
    def fit(cls, series: pl.Series) -> "DateColumn":
        """Fit on training values."""
        dates = _dates_of(series)
        seconds = dates.drop_nulls().dt.epoch("s").to_numpy()
        parts = tuple(part for part in _CIRCLES if len(np.unique(_angle(dates.drop_nulls(), part))) > 1)
        return cls(
            series.name,
            float(seconds.mean()),
            float(deviation(seconds.astype(np.float64))) or 1.0,
            float(np.median(seconds)),
            dates.null_count() > 0,
            parts,
        )

    @property
    def features(self) -> tuple[str, ...]:
        """Time, two a circle, and whether it is missing."""
        circles = tuple(f"{self.name} {part} {wave}" for part in self.parts for wave in ("sin", "cos"))
        return (self.name, *circles, *((f"{self.name} is missing",) if self.missing else ()))

    def encode(self, series: pl.Series) -> tuple[Encoded, str]:
        """Return (N, F); missing dates count as the median."""
        dates = _dates_of(series)
        absent = dates.is_null().to_numpy()
        filled = dates.dt.epoch("s").cast(pl.Float64).fill_null(self.median)
        moments = (filled * 1_000_000).cast(pl.Int64).cast(pl.Datetime("us"))
        waves = [wave(_angle(moments, part)) for part in self.parts for wave in (np.sin, np.cos)]
        columns = [(filled.to_numpy() - self.mean) / self.scale, *waves]
        if self.missing:
            columns.append(absent)
        note = "" if self.missing else _missing_note(self.name, int(absent.sum()), "the median date")
        return np.column_stack(columns).astype(np.float32), note

    def decode(self, features_NF: Decodable) -> pl.Series:
        """Return the time that the first feature tells, to the second; the circles tell the same less exactly."""
        seconds = np.clip(features_NF[:, 0] * self.scale + self.mean, _FIRST_SECOND, _LAST_SECOND)
        moments = pl.Series(self.name, (seconds.round() * 1e6).astype(np.int64)).cast(pl.Datetime("us"))
        return _without(moments, features_NF[:, -1] > 0.5) if self.missing else moments


_KINDS: Mapping[str, type[Column]] = {kind.kind: kind for kind in (NumberColumn, CategoryColumn, DateColumn)}


def from_json(document: Mapping[str, Any]) -> Column:
    """Return the column that `to_json` described."""
    fields: dict[str, Any] = {key: tuple(item) if isinstance(item, list) else item for key, item in document.items()}
    return _KINDS[fields.pop("kind")](**fields)


_CIRCLES: Mapping[str, float] = {"month": 12, "day": 31, "weekday": 7, "hour": 24}


def _angle(dates: pl.Series, part: str) -> NDArray[np.float64]:
    match part:
        case "month":
            position = dates.dt.month() - 1
        case "day":
            position = dates.dt.day() - 1
        case "weekday":
            position = dates.dt.weekday() - 1
        case _:
            position = dates.dt.epoch("s") % _DAY_SECONDS / 3600
    angle: NDArray[np.float64] = position.cast(pl.Float64).to_numpy() * (2 * np.pi / _CIRCLES[part])
    return angle


def _dates_of(series: pl.Series) -> pl.Series:
    dates = frames.as_dates(series)
    if dates is None and series.null_count() == len(series):
        dates = series.cast(pl.Datetime("us"))
    if dates is None:
        raise DataError(
            f"column '{series.name}' holds values that are no dates",
            expected="dates, as in training",
            received=str(series.drop_nulls().head(3).to_list()),
        )
    return dates


def _without(series: pl.Series, absent: NDArray[np.bool_]) -> pl.Series:
    """Return the column with nulls where it is told to lack a value."""
    return series.set(pl.Series(absent), None)


def _missing_note(name: str, count: int, stand_in: str) -> str:
    if not count:
        return ""
    return f"column '{name}': {count:,} values are missing, as none was in training; {stand_in} stands in"
