"""Pairs of digits: whose they are, and what they add up to."""

import pytest
import torch

from pellucid.data import SplitName, load
from pellucid.experiments.claims.end_to_end import _as_data, drawn_pairs

pytestmark = pytest.mark.covers("C18")


def test_pairs_hold_digits_of_their_own_split_and_all_before_any_twice() -> None:
    digits = load("digits")
    for name in ("train", "validation", "test"):
        rows = digits.rows[name]
        pairs = drawn_pairs(digits, name, len(rows), seed=1)
        assert torch.equal(pairs.flatten().sort().values, rows.repeat(2).sort().values)


def test_inputs_are_both_digits_as_they_are_prepared_and_the_target_is_their_sum() -> None:
    digits = load("digits")
    counts: dict[SplitName, int] = {"train": 300, "validation": 50, "test": 60}
    pairs = {name: drawn_pairs(digits, name, count, seed=0) for name, count in counts.items()}
    data = _as_data(digits, pairs)
    for name, count in counts.items():
        x, sums = data.split(name)
        left, left_labels = digits.batch(pairs[name][:, 0])
        right, right_labels = digits.batch(pairs[name][:, 1])
        assert len(x) == count
        assert torch.allclose(x, torch.cat([left.flatten(1), right.flatten(1)], 1))
        names = [int(data.target.names[each]) for each in sums]  # type: ignore[union-attr]  # classes, as asked for
        assert names == (left_labels + right_labels).tolist()
