"""What a loss is given, counted and scored."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import r2_score
from torch.nn import functional as F

from pellucid.diagnosis import Watch
from pellucid.diagnosis.causes.data import order_ratio
from pellucid.diagnosis.observation import LossSite
from pellucid.diagnosis.observer.losses import score_of, take_in
from pellucid.diagnosis.suspicion import Place


@given(
    st.lists(st.lists(st.integers(-9, 9), min_size=2, max_size=12), min_size=1, max_size=6),
    st.sampled_from([(1.0, torch.int64), (1.0, torch.float16), (1.0, torch.float64), (0.5, torch.float32)]),
    st.booleans(),
)
def test_targets_are_taken_in_as_numpy_describes_them(
    batches: list[list[int]], scale: tuple[float, torch.dtype], column: bool
) -> None:
    """Classes, counted or not, in a row or a column; halves are none."""
    unit, kind = scale
    site = LossSite(("mse_loss", None, None), "mse_loss", Place())
    values = [np.array(batch) * unit for batch in batches]
    for batch in values:
        target = torch.from_numpy(batch).to(kind)
        take_in(site, target[:, None] if column else target)
    every = np.concatenate(values)
    is_whole = bool((every == every.round()).all())
    assert (site.whole, site.many, site.one_hot) == (is_whole, not is_whole, False)
    if site.whole:
        assert site.classes == dict(zip(*np.unique(every, return_counts=True), strict=True))
    found = [getattr(site.target, name) for name in ("low", "high", "count", "mean", "std")]
    assert found == pytest.approx([every.min(), every.max(), len(every), every.mean(), every.std()], abs=1e-6)
    described = [(batch.mean(), batch.var(ddof=1), len(batch)) for batch in values]
    assert np.array(site.batch_means) == pytest.approx(np.array(described), abs=1e-9)


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_targets_that_are_no_numbers_are_counted_and_left_out(odd: float) -> None:
    site = LossSite(("mse_loss", None, None), "mse_loss", Place())
    take_in(site, torch.tensor([1.0, 3.0, odd]))
    assert (site.target.not_finite, site.target.count, site.target.mean) == (1, 2, 2.0)
    assert site.classes == {1.0: 1, 3.0: 1}


def test_too_few_predictions_stand_for_several_targets() -> None:
    torch.manual_seed(0)
    prediction, target = torch.randn(50, 1), torch.randn(50, 3)
    kind, value = score_of("mse_loss", prediction, target) or ("", 0.0)
    wide, true = prediction.expand(50, 3).numpy(), target.numpy()
    assert kind == "r2"
    # as scikit-learn weighs the outputs by their variance
    assert value == pytest.approx(r2_score(true, wide, multioutput="variance_weighted"), abs=1e-5)
    assert score_of("mse_loss", prediction, target[:, 0]) is None, "each is compared with every other's"


def test_targets_of_minus_one_and_one_are_right_for_a_soft_margin() -> None:
    torch.manual_seed(0)
    x = torch.randn(400, 3)
    y = torch.where(x[:, :1] > 0, 1.0, -1.0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.03)
    with Watch() as watch:
        for rows in torch.randint(400, (120, 40)):
            optimizer.zero_grad()
            F.soft_margin_loss(net(x[rows]), y[rows]).backward()
            optimizer.step()
    assert "wrong-loss" not in [finding.cause for finding in watch.findings]


def test_the_order_of_batches_is_told_by_the_f_ratio() -> None:
    """Of batches of any sizes, as SciPy has it: a small last batch, whose mean varies most, counts for little."""
    random = np.random.default_rng(0)
    batches = [random.normal(size=size) for size in (16, 16, 2, 9) * 4]
    site = LossSite(("mse_loss", None, None), "mse_loss", Place())
    for batch in batches:
        take_in(site, torch.from_numpy(batch))
    assert order_ratio(site) == pytest.approx(stats.f_oneway(*batches).statistic)
