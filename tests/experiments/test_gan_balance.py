"""How much of its gradient each loss leaves a generator, held against the formula for one sample."""

import pytest
import torch

from pellucid.experiments.claims.gan_balance import _look
from pellucid.training.adversarial import generator_loss

pytestmark = pytest.mark.covers("B9", "D6")


@pytest.mark.parametrize("logit", [-20.0, -3.0, 0.0, 4.0])
def test_a_sample_counts_as_the_note_says(logit: float) -> None:
    made = torch.tensor([[logit]], dtype=torch.float64, requires_grad=True)
    for loss, expected in (("minimax", torch.sigmoid(made)), ("non-saturating", torch.sigmoid(-made))):
        (gradient,) = torch.autograd.grad(generator_loss(loss, made), made)  # type: ignore[arg-type]  # names of losses
        assert gradient.item() == pytest.approx(-expected.item())


def test_a_look_changes_nothing_and_both_losses_are_alike_where_nothing_is_known() -> None:
    maker, judge = torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)
    with torch.no_grad():
        judge.bias.copy_(-(judge.weight @ maker.bias))  # the logit of what is made of zeros is 0
    before = [parameter.clone() for parameter in (*maker.parameters(), *judge.parameters())]
    look = _look(maker, judge, torch.zeros(4, 2), "minimax", seed=0)
    assert look.norms["minimax"] == pytest.approx(look.norms["non-saturating"], rel=1e-5)
    assert all(
        torch.equal(one, two) for one, two in zip(before, (*maker.parameters(), *judge.parameters()), strict=True)
    )
