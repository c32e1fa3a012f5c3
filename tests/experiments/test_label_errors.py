"""Labels made wrong: as many as asked for, where they should be, and never by chance right."""

import pytest
import torch

from pellucid.data import load
from pellucid.experiments.claims.label_errors import _KINDS, estimate, with_errors

pytestmark = pytest.mark.covers("D3")


@pytest.mark.parametrize("kind", _KINDS)
def test_a_share_of_the_training_labels_alone_is_made_wrong(kind: str) -> None:
    data = load("digits")
    changed, wrong = with_errors(data, 0.4, _KINDS[kind], seed=3)
    differ = torch.nonzero(changed.targets != data.targets)[:, 0]
    assert torch.equal(differ, wrong.sort().values)
    assert len(wrong) == round(0.4 * len(data.rows["train"]))
    assert torch.isin(wrong, data.rows["train"]).all()
    assert changed.targets.min() >= 0
    assert changed.targets.max() <= 9


def test_both_kinds_and_smaller_shares_hit_the_same_rows() -> None:
    data = load("digits")
    few, many = (with_errors(data, share, _KINDS["random"], seed=0)[1] for share in (0.1, 0.4))
    assert torch.equal(many[: len(few)], few)
    assert torch.equal(with_errors(data, 0.4, _KINDS["systematic"], seed=0)[1], many)


def test_random_errors_are_any_other_digit_and_systematic_ones_the_next() -> None:
    labels = torch.full((9_000,), 4)
    counts = torch.bincount(_KINDS["random"](labels, torch.Generator().manual_seed(0)), minlength=10)
    assert counts[4] == 0
    assert (counts[torch.arange(10) != 4] - 1_000).abs().max() < 150
    assert _KINDS["systematic"](torch.tensor([0, 4, 9]), torch.Generator()).tolist() == [1, 5, 0]


def test_the_estimate_counts_right_labels_that_are_doubted() -> None:
    clean, noisy = (estimate(load("digits"), share, seed=1) for share in (0.0, 0.1))
    assert clean.planted == 0
    assert noisy.planted == pytest.approx(0.1, abs=1e-3)
    assert clean.estimated == pytest.approx(clean.doubted, abs=1e-3)  # where no label is wrong nothing else is counted
    assert 0 < noisy.estimated - noisy.planted == pytest.approx(noisy.doubted, abs=0.01)
