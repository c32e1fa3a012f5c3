"""Groups of mistakes of a network that makes known ones, and the χ² of their spread against SciPy's.

Shape letters: K classes.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from pellucid.data import load
from pellucid.errors import DataError
from pellucid.explain import group_mistakes, mistake_bars, spread_of
from pellucid.explain.error_analysis.mistakes import _simulated
from pellucid.recipe import Recipe
from pellucid.training.tasks import supervised_task_for


@pytest.mark.covers("D3")
def test_the_spread_is_scipys_chi_square() -> None:
    counts_KK = np.array([[90, 30, 24], [8, 70, 12], [9, 11, 100]])
    found = spread_of(counts_KK)
    rows = [stats.chisquare(np.delete(row, place)) for place, row in enumerate(counts_KK)]
    statistic = sum(row.statistic for row in rows)
    assert found.statistic == pytest.approx(statistic)
    assert (found.degrees, found.errors) == (3, 94)
    assert found.p == pytest.approx(stats.chi2.sf(statistic, 3))
    assert (found.verdict, found.simulated) == ("random", False)
    assert spread_of(counts_KK * 10).verdict == "systematic"
    assert spread_of(counts_KK * 10).effect == pytest.approx(found.effect)


@pytest.mark.covers("D3")
def test_random_errors_are_called_systematic_as_rarely_as_asked_and_systematic_ones_are_found() -> None:
    random = np.random.default_rng(0)
    called = []
    for _ in range(60):
        counts = np.stack([random.multinomial(12, np.full(5, 0.2)) for _ in range(6)])
        whole = np.array([np.insert(row, place, 80) for place, row in enumerate(counts)])
        found = spread_of(whole)
        assert found.simulated
        called.append(found.verdict == "systematic")
    assert sum(called) <= 7  # 3 are expected; more than 7 come by chance in 1.4 % of such tests
    whole[3, 5] += 20
    assert spread_of(whole).verdict == "systematic"


def test_simulated_and_asymptotic_probabilities_agree() -> None:
    counts_KK = np.array([[0, 6, 5, 11], [4, 0, 9, 6], [5, 7, 0, 6], [8, 3, 6, 0]])
    found = spread_of(counts_KK)
    assert not found.simulated
    assert found.p == pytest.approx(_simulated(found.statistic, np.array([22, 19, 18, 17]), 4, seed=0), abs=0.02)
    scaled = spread_of(np.array([[0, 3, 2, 5], [2, 0, 5, 3], [2, 4, 0, 3], [4, 1, 3, 0]]))
    assert scaled.simulated
    assert scaled.p == pytest.approx(float(stats.chi2.sf(scaled.statistic, scaled.degrees)), abs=0.03)


def test_of_two_classes_or_no_error_nothing_is_told() -> None:
    assert spread_of(np.array([[50, 3], [9, 40]])).verdict == "too few to tell"
    assert spread_of(np.diag([5, 5, 5])).verdict == "too few to tell"


class Mistaken(nn.Module):
    """Knows the digits by their bytes, but says 9 of every 4, and 3 of an 8 whose upper half is darker than most."""

    def __init__(self, inputs: Tensor, labels: Tensor) -> None:
        super().__init__()
        self.inputs = inputs.flatten(1)
        said = labels.clone()
        said[labels == 4] = 9
        upper = inputs[:, :, :4].sum((1, 2, 3))
        said[(labels == 8) & (upper > upper[labels == 8].median())] = 3
        self.said = said

    def forward(self, x: Tensor) -> Tensor:
        nearest = torch.cdist(x.flatten(1), self.inputs).argmin(1)
        return 5 * nn.functional.one_hot(self.said[nearest], 10).float()


@pytest.mark.covers("D3")
def test_mistakes_are_grouped_by_classes_and_by_likeness() -> None:
    data = load("digits")
    task = supervised_task_for(data, Recipe())
    inputs, labels = data.split("test")
    found = group_mistakes(Mistaken(inputs, labels), data, task)
    fours, eights = int((labels == 4).sum()), int((labels == 8).sum())
    assert [group.label for group in found.by_pair] == ["4 taken for 9", "8 taken for 3"]
    assert (found.by_pair[0].count, found.by_pair[0].share) == (fours, 1.0)
    assert found.by_pair[1].share == pytest.approx(0.5, abs=0.05)
    assert found.mistakes == fours + found.by_pair[1].count
    assert found.by_pair[1].count <= eights // 2
    assert found.spread.verdict == "systematic"
    two = group_mistakes(Mistaken(inputs, labels), data, task, clusters=2).by_cluster
    assert sum(group.count for group in two) == found.mistakes
    purity = sum(group.made_of[0][1] for group in two) / found.mistakes
    assert purity > 0.95  # fours and eights look different
    assert {group.made_of[0][0] for group in two} == {"4 taken for 9", "8 taken for 3"}
    assert "Most often 4 taken for 9" in mistake_bars(found).says
    assert len(found.by_pair[0].worst) == 6


def test_a_network_without_mistakes_and_data_without_classes() -> None:
    data = load("digits")
    few = replace(data, rows={**data.rows, "test": data.rows["test"][:5]})
    inputs, labels = few.split("test")
    network = Mistaken(inputs, labels)
    network.said = labels
    found = group_mistakes(network, few, supervised_task_for(few, Recipe()))
    assert (found.mistakes, found.by_pair, found.by_cluster) == (0, (), ())
    assert mistake_bars(found).says == "0 of 5 are wrong."
    values = load("diabetes")
    with pytest.raises(DataError, match="grouped by classes"):
        group_mistakes(nn.Linear(10, 1), values, supervised_task_for(values, Recipe()))
