"""Which rows train, which validate, which test: by size, stratified, grouped or by time; and what leaks between them.

Shape letters: N rows, C classes, G groups, S splits (train, validation, test, in that order).
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data import fingerprint
from pellucid.data.dataset import SplitName
from pellucid.errors import DataError
from pellucid.recipe import DataOptions
from pellucid.seed import generator

Ratios = tuple[Fraction, Fraction, Fraction]
RowNumbers = NDArray[np.int64]

SPLITS: tuple[SplitName, ...] = get_args(SplitName)

# Small data needs large held-out splits for a trustworthy figure; large data does not (a percent of a million
# rows measures an accuracy to 0.1 %), and every row held out is a row not learned from.
_BY_SIZE = ((1_000_000, "99.5:0.25:0.25"), (100_000, "98:1:1"), (20_000, "80:10:10"), (0, "60:20:20"))

_GROUPED_TRIES = 16


def ratios(text: str | None, count: int) -> Ratios:
    """Return the shares of train, validation and test, which sum to 1.

    `text` is `60:20:20`, or `70:30` for train and validation without a test split; None chooses by `count`:
    60:20:20, from 20,000 rows 80:10:10, from 100,000 rows 98:1:1, from a million 99.5:0.25:0.25.

    Raises:
        DataError: `text` is no such ratio.
    """
    if text is None:
        text = next(by_size for least, by_size in _BY_SIZE if count >= least)
    try:
        parts = [Fraction(part) for part in text.split(":")]
    except (ValueError, ZeroDivisionError):
        parts = []
    if len(parts) == 2:
        parts.append(Fraction(0))
    if len(parts) != 3 or parts[0] <= 0 or min(parts) < 0:
        raise DataError(
            f"the split '{text}' cannot be read",
            expected="train:validation:test, such as 60:20:20, or train:validation, such as 70:30",
            received=text,
        )
    total = sum(parts)
    return parts[0] / total, parts[1] / total, parts[2] / total


def split_rows(
    count: int,
    options: DataOptions,
    *,
    labels: Tensor | None = None,
    groups: Tensor | None = None,
    times: Tensor | None = None,
    test_rows: Tensor | None = None,
) -> dict[SplitName, Tensor]:
    """Divide the rows 0 to count - 1 into train, validation and test.

    Args:
        count: number of rows, N.
        options: `split` (the ratio) and `split_seed`.
        labels: class of each row, int64 (N,): every split gets each class in its share (stratified).
        groups: group of each row, int64 (N,): no group is in two splits; with `labels`, the draw of groups whose
            class shares differ least is taken.
        times: time of each row, any real type (N,): the past trains, the future tests; equal times stay together.
        test_rows: the rows of a given test set, int64: only train and validation are split then.

    Returns:
        Row numbers, int64 and ascending, for each split; a split whose ratio is 0 is empty.

    Raises:
        DataError: too few rows, groups or times to fill every split.
    """
    train, validation, test = ratios(options.split, count)
    rest = torch.arange(count)
    if test_rows is not None:
        is_test = torch.zeros(count, dtype=torch.bool)
        is_test[test_rows] = True
        rest = rest[~is_test]
        train, validation, test = train / (train + validation), validation / (train + validation), Fraction(0)
    shares = (train, validation, test)
    wanted = sum(share > 0 for share in shares)
    if len(rest) < wanted:
        raise DataError(
            f"too few to split into {wanted}: {len(rest)} row{'s' * (len(rest) != 1)}",
            expected=f"at least {wanted} rows",
            received=f"{len(rest)}",
            advice="add rows; 70:30 leaves the test split out" if wanted > 2 else "add rows",
        )
    if times is not None:
        split_of_row = _by_time(times[rest], shares)
    elif groups is not None:
        split_of_row = _by_group(groups[rest], None if labels is None else labels[rest], shares, options.split_seed)
    else:
        strata = torch.zeros(len(rest), dtype=torch.int64) if labels is None else labels[rest]
        split_of_row = _by_stratum(strata, shares, options.split_seed)
    rows = {name: rest[split_of_row == index] for index, name in enumerate(SPLITS)}
    empty = [name for name, share in zip(SPLITS, shares, strict=True) if share and not len(rows[name])]
    if empty:
        raise DataError(
            f"too few to split: of {len(rest)} rows none is left for {' and '.join(empty)}",
            expected="rows for every split, and more than one of a class",
            received=", ".join(f"{len(of_split)} {name}" for name, of_split in rows.items()),
            advice="add rows, or leave a split out, such as --split 70:30",
        )
    if test_rows is not None:
        rows["test"] = test_rows.sort().values
    return rows


def _by_stratum(labels: Tensor, shares: Ratios, seed: int) -> Tensor:
    """Return the split of each row, (N,): every class is cut in the same shares, up to one row."""
    count = len(labels)
    order = torch.randperm(count, generator=generator(seed, "split"))
    order = order[labels[order].argsort(stable=True)]
    _, class_of_row, sizes_C = labels.unique(return_inverse=True, return_counts=True)
    counts_CS = _quotas(sizes_C, shares)
    starts_C = sizes_C.cumsum(0) - sizes_C
    sorted_class = class_of_row[order]
    rank_in_class = torch.arange(count) - starts_C[sorted_class]
    bounds_CS = counts_CS.cumsum(1)[sorted_class]
    split_of_row = torch.empty(count, dtype=torch.int64)
    split_of_row[order] = (rank_in_class[:, None] >= bounds_CS[:, :2]).sum(1)
    return split_of_row


def _quotas(sizes_C: Tensor, shares: Ratios) -> Tensor:
    """Return how many rows of each class go to each split, (C, S).

    The cumulative count is rounded, not each class's: totals stay right however many classes there are. A class
    with a row for every split gets one in each; of a smaller class one row trains first.
    """
    bounds = torch.zeros(len(sizes_C) + 1, 3, dtype=torch.int64)
    cumulative_C = sizes_C.cumsum(0)
    for index in (1, 2):
        share = shares[index]
        # validation rounds to the nearest, test down: classes of two rows then serve one and the other by turns
        half = share.denominator if index == 1 else 0
        bounds[1:, index] = (cumulative_C * share.numerator * 2 + half) // (2 * share.denominator)
    counts_CS = bounds.diff(dim=0)
    wanted = sum(share > 0 for share in shares)
    for index in (1, 2):
        if shares[index] > 0:
            counts_CS[:, index] = counts_CS[:, index].maximum((sizes_C >= wanted).long())
            # at least one row is left to training, and to the test split where the class has enough
            reserved = 1 + (counts_CS[:, 1] if index == 2 else (sizes_C >= wanted).long() * int(shares[2] > 0))
            counts_CS[:, index] = counts_CS[:, index].minimum((sizes_C - reserved).clamp(min=0))
    counts_CS[:, 0] = sizes_C - counts_CS[:, 1] - counts_CS[:, 2]
    return counts_CS


def _by_group(groups: Tensor, labels: Tensor | None, shares: Ratios, seed: int) -> Tensor:
    """Return the split of each row, (N,): whole groups, of several random orders the one that is best balanced."""
    _, group_of_row, sizes_G = groups.unique(return_inverse=True, return_counts=True)
    wanted = sum(share > 0 for share in shares)
    if len(sizes_G) < wanted:
        raise DataError(
            "too few groups to keep each in one split",
            expected=f"at least {wanted} groups",
            received=f"{len(sizes_G)} groups",
        )
    best, least = torch.empty(0), float("inf")
    for attempt in range(_GROUPED_TRIES):
        order_G = torch.randperm(len(sizes_G), generator=generator(seed, "split", attempt))
        split_of_group = torch.empty(len(sizes_G), dtype=torch.int64)
        split_of_group[order_G] = _cut(sizes_G[order_G], shares)
        split_of_row = split_of_group[group_of_row]
        imbalance = _imbalance(split_of_row, labels, shares)
        if imbalance < least:
            best, least = split_of_row, imbalance
    return best


def _imbalance(split_of_row: Tensor, labels: Tensor | None, shares: Ratios) -> float:
    """Return the summed distance between the share of each class (of all rows, without labels) and what was asked."""
    classes = torch.zeros_like(split_of_row) if labels is None else labels.unique(return_inverse=True)[1]
    class_count = int(classes.max()) + 1
    counts_CS = torch.bincount(classes * 3 + split_of_row, minlength=3 * class_count).view(-1, 3).double()
    asked_S = torch.tensor([float(share) for share in shares], dtype=torch.float64)
    return float((counts_CS / counts_CS.sum(1, keepdim=True) - asked_S).abs().sum())


def _by_time(times: Tensor, shares: Ratios) -> Tensor:
    """Return the split of each row, (N,): equal times together, the earliest to training."""
    moments, moment_of_row, sizes = times.unique(return_inverse=True, return_counts=True)
    wanted = sum(share > 0 for share in shares)
    if len(moments) < wanted:
        raise DataError(
            "too few different times to split by",
            expected=f"at least {wanted} different times",
            received=f"{len(moments)}",
        )
    return _cut(sizes, shares)[moment_of_row]


def _cut(sizes_G: Tensor, shares: Ratios) -> Tensor:
    """Return the split of each of a row of blocks, (G,), cut where the shares fall; no wanted split is empty."""
    count = len(sizes_G)
    middles_G = sizes_G.cumsum(0).double() - sizes_G.double() / 2
    fractions_G = middles_G / float(sizes_G.sum())
    after_validation, after_test = int(shares[1] > 0), int(shares[2] > 0)
    first = int((fractions_G < float(shares[0])).sum())
    first = min(max(first, 1), count - after_validation - after_test)
    second = int((fractions_G < float(shares[0] + shares[1])).sum())
    second = min(max(second, first + after_validation), count - after_test)
    positions = torch.arange(count)
    return (positions >= first).long() + (positions >= second).long()


def duplicates_note(inputs: Tensor, rows: Mapping[SplitName, Tensor], targets: Tensor | None = None) -> tuple[str, ...]:
    """Return a note if held-out rows stand in training too (the same input, to the bit), else nothing.

    Args:
        inputs: stored inputs (N, ...).
        rows: the rows of each split.
        targets: stored targets (N, ...); with them the note says how many of the duplicates disagree.
    """
    hashes_N = fingerprint.of_rows(inputs)
    train = rows["train"].numpy()
    found: list[str] = []
    repeated: list[RowNumbers] = []
    for name in SPLITS[1:]:
        held_out = rows[name].numpy()
        again = held_out[np.isin(hashes_N[held_out], hashes_N[train])]
        if len(again):
            found.append(f"{len(again):,} of {len(held_out):,} {name} rows")
            repeated.append(again)
    if not found:
        return ()
    note = f"duplicates: {' and '.join(found)} have the same input as a training row"
    if targets is not None:
        pairs_N = hashes_N ^ fingerprint.of_rows(targets)
        disagreeing = int((~np.isin(pairs_N[np.concatenate(repeated)], pairs_N[train])).sum())
        if disagreeing:
            note += f" ({disagreeing:,} of them with another target)"
    return (f"{note}; a figure measured on them flatters",)


def rare_classes_note(labels: Tensor, names: Sequence[str], rows: Mapping[SplitName, Tensor]) -> tuple[str, ...]:
    """Return a note that names the classes with too few rows to be in every split, or nothing."""
    held = [torch.bincount(labels[of_split], minlength=len(names)) > 0 for of_split in rows.values() if len(of_split)]
    absent = [names[index] for index in (~torch.stack(held).all(0)).nonzero().flatten().tolist()]
    if not absent:
        return ()
    listed = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
    return (f"rare classes: {listed} have too few rows to be in every split",)
