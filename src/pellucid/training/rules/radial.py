"""Gradient descent on a network of radial basis functions, begun where no descent is needed."""

from dataclasses import dataclass

from pellucid.training.rules.centres import place_centres
from pellucid.training.rules.closed_form import can_solve, solve_last_layer
from pellucid.training.rules.gradient import Gradient
from pellucid.training.session import Session


@dataclass(frozen=True, slots=True)
class FromCentres(Gradient):
    """Centres by k-means and the last layer in closed form, if it is linear; then all of it down the gradient."""

    def begin(self, session: Session) -> None:
        """Set centres, widths and the last layer."""
        place_centres(session)
        if can_solve(session):
            solve_last_layer(session)
