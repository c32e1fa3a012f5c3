"""What each column of a table is for: the target, an input, or left out (and why)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pellucid.data.tables import frames
from pellucid.errors import DataError

_TARGET_NAMES = ("target", "label", "class", "y")
_IDENTIFIER_NAME = re.compile(
    r"^(id|idx|index|no|nr|key|uuid|guid|row_?(id|names?|numbers?)|unnamed: \d+)$|(_id|_?uuid)$|[a-z]ID$"
)

_CONSTANT = "it is always"
_MOST_NOTES = 5

# Fewer rows than this may differ in everything by chance.
_LEAST_FOR_IDENTIFIER = 20
_LEAST_FOR_MOSTLY_DISTINCT = 100


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of a table's columns.

    Attributes:
        inputs: columns that become features.
        identifier: a column that names the rows, or None.
        notes: which columns are left out and why.
    """

    inputs: tuple[str, ...]
    identifier: str | None
    notes: tuple[str, ...]


def choose_targets(names: Sequence[str], asked: str | None) -> tuple[tuple[str, ...], str]:
    """Return the target columns and a note on why it is those.

    Raises:
        DataError: the asked column does not exist, or there is no column beside the target.
    """
    if len(names) < 2:
        raise DataError(
            "a table needs a target and at least one more column",
            expected="two or more columns",
            received=frames.listed(names) or "no columns",
            advice="if there are more, is the separator one of , ; | or a tab? To forecast a column, pass --window 12",
        )
    if asked is not None:
        found = frames.find_columns(asked, names, "target")
        if len(found) == len(names):
            raise DataError(
                "every column is a target, and none is left to learn from",
                expected="at least one column more",
                received=frames.listed(found),
            )
        several = "targets" if len(found) > 1 else "target"
        return found, f"{several}: {frames.quoted(found)}, as asked"
    for wanted in _TARGET_NAMES:
        for name in names:
            if name.lower() == wanted:
                return (name,), f"target: '{name}', by its name (--target to change)"
    return (names[-1],), f"target: '{names[-1]}', the last column (--target to change)"


def assign(training: pl.DataFrame, kept_apart: Sequence[str], *, none_is_fine: bool = False) -> Roles:
    """Decide on the training rows which columns are inputs.

    Args:
        training: typed training rows.
        kept_apart: columns with another role (target, group, time).
        none_is_fine: whether there may be no input (a series is forecast from its own past).

    Raises:
        DataError: a column of free text, an infinite number, or no input at all.
    """
    reasons = {series.name: _reason_to_leave_out(series) for series in training if series.name not in kept_apart}
    inputs = [name for name, reason in reasons.items() if not reason]
    identifiers = [name for name, reason in reasons.items() if "identifier" in reason]
    notes = _left_out_notes({name: reason for name, reason in reasons.items() if reason})
    if not inputs and not none_is_fine:
        raise DataError(
            "no column is left to learn from",
            expected="at least one column that varies and is no identifier",
            received="; ".join(notes) or "the target alone",
            advice="is the target the right column, and are there enough rows?",
        )
    return Roles(tuple(inputs), identifiers[0] if identifiers else None, notes)


def missing_note(training: pl.DataFrame, inputs: Sequence[str]) -> tuple[str, ...]:
    """Return a note that counts the missing values of the input columns and says what stands in for them."""
    counts = training.select(inputs).null_count().row(0, named=True)
    parts = [f"'{name}' {count:,} ({count / len(training):.1%})" for name, count in counts.items() if count]
    if not parts:
        return ()
    return (f"missing in training: {', '.join(parts)}; a feature marks them, numbers count as the median",)


def _left_out_notes(reasons: Mapping[str, str]) -> tuple[str, ...]:
    """Return a note for each column left out, or for all together where there are many constants."""
    constant = [name for name, reason in reasons.items() if reason.startswith(_CONSTANT)]
    together = set(constant) if len(constant) > _MOST_NOTES else set[str]()
    notes = [f"column '{name}': left out, {reason}" for name, reason in reasons.items() if name not in together]
    if together:
        listed = frames.quoted(constant)
        notes.append(f"columns left out, the same in all training rows ({len(constant):,}): {listed}")
    return tuple(notes)


def _reason_to_leave_out(series: pl.Series) -> str:
    present = series.drop_nulls()
    if not len(present):
        return "it has no values in training"
    distinct = present.n_unique()
    if distinct == 1 and len(present) == len(series):
        return f"{_CONSTANT} {present[0]} in training"
    if series.dtype == pl.String:
        return _reason_for_words(present, distinct)
    if series.dtype == pl.Float64 and distinct == len(present) >= _LEAST_FOR_IDENTIFIER:
        whole = bool((present % 1 == 0).all())
        counts_up = present.is_sorted() and _span(present) == distinct - 1
        if whole and (
            counts_up or _IDENTIFIER_NAME.search(series.name) or _IDENTIFIER_NAME.search(series.name.lower())
        ):
            return "an identifier (every row has its own number)"
    return ""


def _span(numbers: pl.Series) -> float:
    low, high = numbers.min(), numbers.max()
    assert isinstance(low, float)
    assert isinstance(high, float)
    return high - low


def _reason_for_words(present: pl.Series, distinct: int) -> str:
    share = distinct / len(present)
    if share > 0.5 and len(present) >= _LEAST_FOR_IDENTIFIER and _is_free_text(present):
        raise DataError(
            f"column '{present.name}' is free text, which a table's network cannot read",
            expected="numbers, categories, dates or truth values",
            received=repr(present[0][:60]),
            advice=f"leave it out with --ignore {present.name}",
        )
    if share == 1 and len(present) >= _LEAST_FOR_IDENTIFIER:
        return "an identifier (every row has its own value)"
    if share > 0.5 and len(present) >= _LEAST_FOR_MOSTLY_DISTINCT:
        return f"nearly every row has its own value ({distinct:,} different ones)"
    return ""


def _is_free_text(present: pl.Series) -> bool:
    """Return whether values are sentences: on average five words or sixty characters."""
    words = present.str.count_matches(r"\s+").mean()
    length = present.str.len_chars().mean()
    return (isinstance(words, float) and words >= 4) or (isinstance(length, float) and length >= 60)


def leakage_notes(training: pl.DataFrame, inputs: Sequence[str], target: str, *, classes: bool) -> tuple[str, ...]:
    """Return a note for every input that gives the target away."""
    answer = training[target]
    suspects = [name for name in inputs if _tells(training[name], answer, classes=classes)]
    return tuple(
        f"column '{name}': suspect, it determines the target in training; leave it out with --ignore "
        f"{name} if it is not known when predicting"
        for name in suspects
    )


def _tells(series: pl.Series, answer: pl.Series, *, classes: bool) -> bool:
    if classes:
        distinct = series.n_unique()
        # with ten rows or more to a value, one class for each value is no accident
        if distinct * 10 > len(series):
            return False
        return bool(pl.DataFrame({"value": series, "answer": answer}).n_unique() == distinct)
    if series.dtype != pl.Float64:
        return False
    pairs = pl.DataFrame({"value": series, "answer": frames.as_numbers(answer)}).drop_nulls()
    correlation = pairs.select(pl.corr("value", "answer")).item()
    return correlation is not None and abs(correlation) > 0.99999
