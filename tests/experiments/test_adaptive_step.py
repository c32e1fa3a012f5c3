"""The one frame of moments against torch's Adam and RMSProp."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.experiments.claims.adaptive_step import ADAM, RMSPROP, Adaptive

pytestmark = pytest.mark.covers("D7", "C7")


def descended(optimizer_of: object, scale: float, steps: int = 25) -> torch.Tensor:
    """Return where a descent of a ravine with noise ends."""
    curvatures = torch.tensor([1.0, 30.0, 100.0]).double() * scale
    w = torch.tensor([1.0, -2.0, 0.5]).double().requires_grad_()
    optimizer = optimizer_of([w])  # type: ignore[operator]
    for step in range(steps):
        w.grad = (curvatures * w).detach() + scale * torch.sin(torch.arange(3) + step)
        optimizer.step()
    return w.detach()


@settings(max_examples=15)
@given(st.floats(1e-2, 1e2))
def test_dividing_is_torchs_adam_and_rmsprop(scale: float) -> None:
    for frame, theirs in ((ADAM, torch.optim.Adam), (RMSPROP, torch.optim.RMSprop)):
        ours = descended(lambda w, frame=frame: Adaptive(w, 0.01, frame, divides=True), scale)
        torch.testing.assert_close(ours, descended(lambda w, theirs=theirs: theirs(w, 0.01), scale), rtol=0, atol=1e-6)
        slip = descended(lambda w, frame=frame: Adaptive(w, 0.01, frame, divides=False), scale)
        assert not (slip - ours).abs().max() < 1e-3


def test_the_first_step_of_adam_is_as_large_for_every_weight() -> None:
    w = torch.zeros(3).double().requires_grad_()
    w.grad = torch.tensor([1e-3, 1.0, 1e3]).double()
    steps = {}
    for divides in (True, False):
        w.data.zero_()
        Adaptive([w], 0.1, ADAM, divides=divides).step()
        steps[divides] = -w.detach().clone()
    torch.testing.assert_close(steps[True], torch.full((3,), 0.1).double(), rtol=1e-4, atol=0)
    torch.testing.assert_close(steps[False], 0.1 * w.grad.square())
