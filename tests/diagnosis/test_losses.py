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


@given(st.lists(st.lists(st.integers(-3, 9), min_size=2, max_size=12), min_size=1, max_size=6))
def test_classes_are_taken_in_as_the_same_numbers_are(batches: list[list[int]]) -> None:
    counted, numbers = (LossSite(("cross_entropy", None, None), "cross_entropy", Place()) for _ in range(2))
    for batch in batches:
        take_in(counted, torch.tensor(batch))
        take_in(numbers, torch.tensor(batch, dtype=torch.float64))
    assert counted.classes == numbers.classes
    assert (counted.whole, counted.many, counted.one_hot) == (numbers.whole, numbers.many, numbers.one_hot)
    for name in ("low", "high", "count", "total", "squares", "mean", "std"):
        assert getattr(counted.target, name) == pytest.approx(getattr(numbers.target, name), abs=1e-9)
    assert np.array(counted.batch_means) == pytest.approx(np.array(numbers.batch_means), abs=1e-9)


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
