"""Transposed convolution, local response normalisation and resampling of random sizes against autograd."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from pellucid.blocks import Resize
from pellucid.explain import backprop
from pellucid.explain.derivation.choosing import Largest
from pellucid.explain.derivation.resampling import linear, nearest, smoothed
from pellucid.seed import generator


def assert_derived(model: nn.Module, x: Tensor, left: Sequence[str] = ()) -> None:
    with torch.no_grad():
        shape = model(x).shape
    found = backprop(model, x, torch.randn(shape, generator=generator(1, "y")), loss="squared-error")
    assert [step.kind for step in found.steps if not step.is_recomputed] == list(left)
    assert found.agreement.relative < 1e-9


@settings(max_examples=40, deadline=None)
@given(data=st.data(), axes=st.integers(1, 2), groups=st.integers(1, 3), bias=st.booleans(), seed=st.integers(0, 9))
def test_transposed_convolutions_agree(data: st.DataObject, axes: int, groups: int, bias: bool, seed: int) -> None:
    def drawn(low: int, high: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(low, high)) for _ in range(axes))

    kernel, stride, padding, dilation, places = drawn(1, 4), drawn(1, 3), drawn(0, 2), drawn(1, 3), drawn(1, 5)
    more = tuple(data.draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    sides = [
        (n - 1) * s - 2 * p + d * (k - 1) + m + 1
        for n, s, p, d, k, m in zip(places, stride, padding, dilation, kernel, more, strict=True)
    ]
    assume(min(sides) > 0)
    kind: Any = (nn.ConvTranspose1d, nn.ConvTranspose2d)[axes - 1]
    torch.manual_seed(seed)
    layer = kind(2 * groups, 3 * groups, kernel, stride, padding, more, groups, bias, dilation)
    assert_derived(nn.Sequential(layer), torch.randn(2, 2 * groups, *places))


def test_the_worked_lines_of_a_transposed_convolution_are_sums_of_its_products() -> None:
    layer = nn.ConvTranspose1d(1, 1, 3, stride=2, padding=1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[1.0, 2.0, 3.0]]]))
        assert layer.bias is not None
        layer.bias.fill_(0.5)
    found = backprop(nn.Sequential(layer), torch.tensor([[[4.0, 5.0]]]), torch.zeros(1, 1, 3), loss="squared-error")
    assert found.steps[0].output.tolist() == [[[8.5, 17.5, 10.5]]]
    assert found.steps[0].worked[0] == "Z[1,1,1] = 2·4 + 0.5 = 8.5"
    assert found.steps[0].worked[1] == "dX[1,1,1] = 1·0 + 2·5.6666667 + 3·11.666667 = 46.333333"


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(1, 9), channels=st.integers(1, 6), alpha=st.floats(0, 2), beta=st.floats(0, 2), k=st.floats(0.5, 3)
)
def test_local_response_normalisation_agrees(size: int, channels: int, alpha: float, beta: float, k: float) -> None:
    x = torch.randn(2, 2, 3, 2, generator=generator(size, "x"))
    torch.manual_seed(channels)
    assert_derived(nn.Sequential(nn.Conv2d(2, channels, 1), nn.LocalResponseNorm(size, alpha, beta, k)), x)


@settings(max_examples=40, deadline=None)
@given(
    places=st.tuples(st.integers(1, 9), st.integers(1, 9)), to=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    mode=st.sampled_from(["nearest", "bilinear", "aligned", "smoothed"]),
)  # fmt: skip
def test_resampling_agrees(places: tuple[int, int], to: tuple[int, int], mode: str) -> None:
    ways = {
        "nearest": nn.Upsample(to), "bilinear": nn.Upsample(to, mode="bilinear"),
        "aligned": nn.Upsample(to, mode="bilinear", align_corners=True), "smoothed": Resize(to),
    }  # fmt: skip
    torch.manual_seed(0)
    assert_derived(nn.Sequential(nn.Conv2d(1, 2, 1), ways[mode]), torch.randn(2, 1, *places))


@settings(max_examples=30, deadline=None)
@given(places=st.integers(2, 9), factor=st.floats(0.6, 4), mode=st.sampled_from(["nearest", "linear"]))
def test_resampling_by_a_factor_agrees(places: int, factor: float, mode: str) -> None:
    """But where nearest neighbours by an odd factor give as many places or twice as many.

    There torch's gradient goes by other places than its output does, and is left to it.
    """
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 2, 1), nn.Upsample(scale_factor=factor, mode=mode))
    is_torn = mode == "nearest" and factor not in {1, 2} and int(places * factor) in {places, 2 * places}
    assert_derived(model, torch.randn(2, 1, places), left=["Upsample"] if is_torn else [])


@pytest.mark.parametrize("matrix", [nearest(5, 8, None), linear(5, 8, None, aligned=False), smoothed(8, 5)])
def test_a_constant_stays_one(matrix: np.ndarray) -> None:
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-12)


def test_the_gradient_of_equal_largest_numbers_is_shared() -> None:
    x = torch.tensor([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    x.amax(1).sum().backward()
    largest = Largest((1,), keeps=False, is_least=False)
    assert largest.forward(x.detach().numpy()).tolist() == [3, 2]
    assert x.grad is not None
    assert largest.backward(np.ones(2))[0].tolist() == x.grad.tolist()


class Functions(nn.Module):
    """The same by functions."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(2, 3, 2, 2, generator=generator(0, "w")))

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv_transpose2d(x, self.w, stride=2, output_padding=1)
        y = F.interpolate(F.local_response_norm(y, 2), scale_factor=2.0, mode="bilinear")
        return torch.where(y > 0, y, 2 * y).sort(-1)[0].amin(1)


def test_functions_agree() -> None:
    assert_derived(Functions(), torch.randn(2, 2, 3, 3, generator=generator(0, "x")))
