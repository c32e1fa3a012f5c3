"""What is measured at a step, against NumPy and torch's own functions."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn
from torch.nn.functional import cosine_similarity, cross_entropy

import pellucid
from pellucid.diagnosis.observation import Span

NUMBERS = st.floats(-1e6, 1e6, width=32) | st.sampled_from([float("nan"), float("inf"), float("-inf")])


@given(st.lists(hnp.arrays(np.float32, st.tuples(st.just(2), st.integers(0, 6)), elements=NUMBERS), min_size=1))
def test_a_span_is_that_of_all_finite_numbers(batches: list[np.ndarray]) -> None:
    spans = [Span(), Span()]
    for batch in batches:
        Span.add_each(spans, torch.from_numpy(batch))
    for span, row in zip(spans, np.concatenate(batches, axis=1).astype(np.float64), strict=True):
        finite = row[np.isfinite(row)]
        assert (span.count, span.not_finite) == (finite.size, row.size - finite.size)
        if finite.size:
            assert (span.low, span.high) == (finite.min(), finite.max())
            assert span.mean == pytest.approx(finite.mean(), rel=1e-9, abs=1e-3)
            assert span.std == pytest.approx(finite.std(), rel=1e-3, abs=1.0)


class Rectified(nn.Module):
    """A layer, and a nonlinearity whose results are kept here."""

    def __init__(self, layer: nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        self.layer, self.results = layer, list[torch.Tensor]()

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        result = torch.relu(self.layer(values))
        self.results.append(result.detach())
        return result


@pytest.mark.parametrize("image", [False, True])
def test_activations_and_gradients_are_what_torch_says(image: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 6, 3) if image else nn.Linear(5, 6)
    inner = Rectified(layer)
    with torch.no_grad():
        layer.get_parameter("bias")[0] = -100  # a unit that is dead
    network = nn.Sequential(inner, nn.Flatten(), nn.LazyLinear(3))
    network(torch.randn((4, 2, 6, 6) if image else (4, 5)))
    inner.results.clear()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    weights, gradients = [], []
    with pellucid.watch() as watch:
        for _ in range(3):
            weights.append(layer.weight.detach().clone().flatten())
            optimizer.zero_grad()
            cross_entropy(network(torch.randn((4, 2, 6, 6) if image else (4, 5))), torch.randint(0, 3, (4,))).backward()
            gradients.append(layer.weight.grad.clone().flatten())  # type: ignore[union-attr]
            optimizer.step()
    weights.append(layer.weight.detach().flatten())
    for activation, result in zip(watch.seen.activations, inner.results, strict=True):
        values = (result.movedim(1, -1) if image else result).reshape(-1, 6)
        assert activation.units == 6
        assert activation.dead >= 1 / 6
        assert activation.dead == pytest.approx((values == 0).all(0).float().mean().item())
        assert activation.flat == pytest.approx((values == 0).float().mean().item())
        assert activation.std == pytest.approx(values.std(0).mean().item(), rel=1e-5)
    seen = next(each for each in watch.seen.parameters.values() if each.name.endswith("layer.weight"))
    assert seen.gradients == pytest.approx([each.norm().item() for each in gradients], rel=1e-5)
    assert seen.weights == pytest.approx([each.norm().item() for each in weights[:3]], rel=1e-5)
    moves = [(after - before).norm().item() for before, after in itertools.pairwise(weights)]
    assert seen.updates == pytest.approx(moves, rel=1e-5)
    turns = [cosine_similarity(one, other, dim=0).item() for one, other in itertools.pairwise(gradients)]
    assert [turn for _, turn in seen.turns] == pytest.approx(turns, abs=1e-5)
