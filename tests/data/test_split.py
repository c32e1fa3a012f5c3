"""Splits: every row in exactly one, shares right, classes in proportion, groups and times whole, leaks found."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from pellucid.data import distribution, fingerprint
from pellucid.data.dataset import SplitName
from pellucid.data.split import SPLITS, duplicates_note, rare_classes_note, ratios, split_rows
from pellucid.errors import DataError
from pellucid.recipe import DataOptions

DEFAULT = DataOptions()


def sizes(rows: Any) -> Any:
    return tuple(len(rows[name]) for name in SPLITS)


def assert_partition(rows: Any, count: int) -> None:
    assert torch.equal(torch.cat([rows[name] for name in SPLITS]).sort().values, torch.arange(count))
    assert all(torch.equal(of_split, of_split.sort().values) for of_split in rows.values())


@pytest.mark.covers("C13")
@pytest.mark.parametrize(
    ("count", "split", "expected"),
    [
        (1_000, None, (600, 200, 200)),
        (50_000, None, (40_000, 5_000, 5_000)),
        (100_000, None, (98_000, 1_000, 1_000)),
        (1_000_000, None, (995_000, 2_500, 2_500)),
        (1_000, "70:30", (700, 300, 0)),
        (1_000, "70:0:30", (700, 0, 300)),
        (1_000, "8:1:1", (800, 100, 100)),
        (1_000, "99.5:.25:.25", (994, 3, 3)),
    ],
)
def test_shares_follow_the_size_or_what_is_asked(count: int, split: Any, expected: Any) -> None:
    rows = split_rows(count, DataOptions(split=split))
    assert sizes(rows) == pytest.approx(expected, abs=1)
    assert_partition(rows, count)


@pytest.mark.covers("C13")
@given(
    st.lists(st.integers(0, 5), min_size=13, max_size=300),  # of 13 rows in 6 classes, one class has three
    st.sampled_from([None, "70:30", "1:1:1", "98:1:1"]),
    st.integers(0, 3),
)
def test_stratified_rows_are_partitioned_and_every_class_trains(labels: Any, split: Any, seed: int) -> None:
    labels = torch.tensor(labels)
    rows = split_rows(len(labels), DataOptions(split=split, split_seed=seed), labels=labels)
    assert_partition(rows, len(labels))
    assert set(labels[rows["train"]].tolist()) == set(labels.tolist())
    for label, size in zip(*(values.tolist() for values in labels.unique(return_counts=True)), strict=True):
        if size >= 3 and split != "70:30":
            assert all((labels[rows[name]] == label).any() for name in SPLITS)


@pytest.mark.covers("C13")
def test_class_shares_are_as_scikit_learns() -> None:
    labels = np.random.default_rng(0).choice(4, 2_000, p=[0.7, 0.2, 0.07, 0.03])
    rows = split_rows(2_000, DEFAULT, labels=torch.from_numpy(labels))
    _, theirs = train_test_split(np.arange(2_000), test_size=0.2, stratify=labels, random_state=0)
    ours = np.bincount(labels[rows["test"].numpy()])
    np.testing.assert_allclose(ours, np.bincount(labels[theirs]), atol=1)


def test_classes_of_two_rows_serve_validation_and_test_by_turns() -> None:
    labels = torch.arange(100).repeat(2)
    rows = split_rows(200, DEFAULT, labels=labels)
    assert_partition(rows, 200)
    assert sizes(rows) == pytest.approx((120, 40, 40), abs=1)
    assert len(labels[rows["train"]].unique()) == 100


def test_the_seed_decides() -> None:
    first, again, other = (split_rows(100, DataOptions(split_seed=seed))["train"] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.covers("C13")
@given(st.lists(st.integers(0, 12), min_size=20, max_size=200).filter(lambda groups: len(set(groups)) >= 3))
def test_no_group_is_in_two_splits(groups: Any) -> None:
    groups = torch.tensor(groups)
    rows = split_rows(len(groups), DEFAULT, groups=groups, labels=groups % 2)
    assert_partition(rows, len(groups))
    assert all(len(rows[name]) for name in SPLITS)
    held = [set(groups[rows[name]].tolist()) for name in SPLITS]
    assert len(held[0] | held[1] | held[2]) == sum(map(len, held))


@pytest.mark.covers("C13")
@given(st.lists(st.integers(-50, 50), min_size=10, max_size=200).filter(lambda times: len(set(times)) >= 3))
def test_the_past_trains_and_the_future_tests(times: Any) -> None:
    times = torch.tensor(times)
    rows = split_rows(len(times), DEFAULT, times=times)
    assert_partition(rows, len(times))
    assert times[rows["train"]].max() < times[rows["validation"]].min()
    assert times[rows["validation"]].max() < times[rows["test"]].min()


def test_a_given_test_set_is_kept() -> None:
    given_rows = torch.arange(600, 1_000)
    rows = split_rows(1_000, DEFAULT, labels=torch.arange(1_000) % 3, test_rows=given_rows)
    assert torch.equal(rows["test"], given_rows)
    assert sizes(rows) == (450, 150, 400)
    assert_partition(rows, 1_000)


@pytest.mark.parametrize("split", ["60", "a:b:c", "60:20:20:5", "0:50:50", "-1:1:1", "1/0:1:1", ""])
def test_a_split_that_is_none_is_refused(split: Any) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        ratios(split, 100)


@pytest.mark.parametrize(
    "known", [{"groups": torch.zeros(9)}, {"times": torch.tensor([1, 1, 1, 2, 2, 2, 2, 2, 2])}], ids=["groups", "times"]
)
def test_too_few_groups_or_times_are_refused(known: Any) -> None:
    with pytest.raises(DataError, match="too few"):
        split_rows(9, DEFAULT, **known)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        split_rows(2, DEFAULT)
    with pytest.raises(DataError, match="none is left for test"):
        split_rows(3, DEFAULT, labels=torch.tensor([0, 1, 1]))


@pytest.mark.covers("C13")
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.int64])
def test_duplicates_across_splits_are_found(dtype: Any) -> None:
    inputs = torch.arange(30 * 7).reshape(30, 7).to(dtype)
    rows: dict[SplitName, torch.Tensor] = {
        "train": torch.arange(20),
        "validation": torch.arange(20, 25),
        "test": torch.arange(25, 30),
    }
    targets = torch.arange(30)
    assert duplicates_note(inputs, rows, targets) == ()
    inputs[21], inputs[26], inputs[27] = inputs[3], inputs[3], inputs[4]
    targets[26] = targets[3]
    (note,) = duplicates_note(inputs, rows, targets)
    assert "1 of 5 validation rows and 2 of 5 test rows" in note
    assert "(2 of them with another target)" in note


@given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 2**31))
def test_rows_hash_alike_exactly_when_they_are_alike(count: int, width: int, seed: int) -> None:
    rows = torch.randint(0, 2, (count, width), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    hashes = fingerprint.of_rows(rows)
    assert len(np.unique(hashes)) == len(rows.unique(dim=0))
    assert len(np.unique(np.column_stack([hashes, rows.numpy()]), axis=0)) == len(rows.unique(dim=0))


def test_rare_classes_are_named() -> None:
    labels = torch.tensor([0] * 10 + [1])
    rows = split_rows(11, DEFAULT, labels=labels)
    assert rare_classes_note(labels, ("common", "rare"), rows) == (
        "rare classes: rare have too few rows to be in every split",
    )
    assert rare_classes_note(labels[:10], ("common",), split_rows(10, DEFAULT)) == ()


@pytest.mark.covers("C13")
def test_splits_of_other_distributions_are_noticed() -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    inputs = torch.randn(3_000, 4, generator=torch.Generator().manual_seed(0))
    rows = split_rows(3_000, DEFAULT)
    names = ("a", "b", "c", "d")
    assert distribution.note(inputs, names, rows) == ()
    inputs[rows["test"], 2] += 1
    (note,) = distribution.note(inputs, names, rows)
    assert "in test 'c'" in note
    ours = distribution.ks_distances(inputs[rows["train"]].numpy(), inputs[rows["test"]].numpy())
    theirs = [scipy_stats.ks_2samp(inputs[rows["train"], i], inputs[rows["test"], i]).statistic for i in range(4)]
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
