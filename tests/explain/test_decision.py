"""Decisions of networks whose boundary is known."""

import pytest
import torch
from torch import nn

from pellucid.errors import DataError, OptionError
from pellucid.explain import decision_chart, decision_surface

CORNERS = torch.tensor([[-1.0, -2.0], [1.0, 2.0]])


def linear(outputs: int) -> nn.Linear:
    network = nn.Linear(2, outputs)
    with torch.no_grad():
        network.weight.zero_()
        network.bias.zero_()
        network.weight[-1] = torch.tensor([3.0, -1.0])
    return network


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_line_is_the_boundary_of_a_logistic_regression(outputs: int) -> None:
    found = decision_surface(linear(outputs), CORNERS, points=11)
    assert (float(found.at_x[0]), float(found.at_y[-1])) == pytest.approx((-1.2, 2.4))
    z = 3 * found.at_x[None, :] - found.at_y[:, None]
    torch.testing.assert_close(found.probabilities[..., 1], z.sigmoid())
    assert torch.equal(found.decisions[z.abs() > 1e-5] == 1, z[z.abs() > 1e-5] > 0)
    shown = decision_chart(found, ["no", "yes"])
    assert shown.detail == "probability of yes"
    assert shown.z[0] == found.probabilities[0, :, 1].tolist()


def test_of_three_classes_the_likeliest_is_shown() -> None:
    found = decision_surface(linear(3), CORNERS, points=5)
    shown = decision_chart(found, ["a", "b", "c"])
    assert min(min(row) for row in shown.z) >= 1 / 3
    assert decision_chart(found, ["a", "b", "c"], which=0).detail == "probability of a"
    with pytest.raises(OptionError, match="no such class"):
        decision_chart(found, ["a", "b"])


def test_of_other_data_there_is_no_plane() -> None:
    with pytest.raises(DataError, match="two features"):
        decision_surface(nn.Linear(3, 2), torch.zeros(4, 3))
    with pytest.raises(DataError, match="no logits"):
        decision_surface(nn.Unflatten(1, (2, 1)), CORNERS)
