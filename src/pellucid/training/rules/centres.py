"""Radial basis functions put where the data is: centres by k-means, widths by how far apart those lie.

Moody and Darken, "Fast learning in networks of locally-tuned processing units" (1989).
"""

import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits
from torch import Tensor

from pellucid.blocks import Radial
from pellucid.errors import DataError
from pellucid.seed import derive, generator
from pellucid.training.rules.features import inputs_of
from pellucid.training.session import Session

_MOST_ROWS = 10_000  # that the centres are sought among
_OVERLAP = 1.5  # the paper's is 1; wider units did better on digits, by half a point in a few pilots


@torch.no_grad()
def place_centres(session: Session) -> None:
    """Put every radial basis function of the network where its inputs are, the first ones first.

    Raises:
        DataError: there are fewer inputs that differ than centres.
    """
    rows_N = session.data.rows["train"]
    if len(rows_N) > _MOST_ROWS:
        drawn = torch.randperm(len(rows_N), generator=generator(session.recipe.seed, "centres"))
        rows_N = rows_N[drawn[:_MOST_ROWS]]
    for block in session.network.modules():
        if isinstance(block, Radial):
            inputs_ND = inputs_of(block, session, rows_N).flatten(0, -2).double()
            centres_JD = k_means(inputs_ND, len(block.centres), derive(session.recipe.seed, "centres"))
            block.centres.copy_(centres_JD)
            block.log_widths.copy_(widths(centres_JD, inputs_ND, own=len(block.log_widths) > 1).log())


def k_means(inputs_ND: Tensor, count: int, seed: int) -> Tensor:
    """Return the means of the clusters that Lloyd's algorithm ends in, begun by k-means++, (J, D) float64.

    Where there are as many centres as inputs, these are they.

    Raises:
        DataError: there are fewer inputs that differ than centres.
    """
    different = len(inputs_ND.unique(dim=0))
    if count > different:
        raise DataError(
            "there are more centres than training inputs that differ",
            expected=f"at most {different:,} centres",
            received=f"rbf({count})",
            advice=f"such as rbf({max(1, different // 4)})",
        )
    if count == len(inputs_ND):
        return inputs_ND
    means = KMeans(count, n_init=1, max_iter=100, random_state=seed % 2**32)
    with threadpool_limits(1):  # the threads' sums would be added in any order: other last bits each time
        means.fit(inputs_ND.numpy())
    return torch.from_numpy(means.cluster_centers_)


def widths(centres_JD: Tensor, inputs_ND: Tensor, *, own: bool) -> Tensor:
    """Return the width of each unit, or the one of all: in proportion to the distance of a centre's nearest neighbour.

    One width for all is of the mean of these distances.
    """
    if len(centres_JD) == 1:  # no neighbour: the spread of the inputs around it
        distance_J = (inputs_ND - centres_JD).square().sum(1).mean().sqrt()[None]
    else:
        apart_JJ = torch.cdist(centres_JD, centres_JD, compute_mode="donot_use_mm_for_euclid_dist")
        distance_J = apart_JJ.fill_diagonal_(torch.inf).amin(1)
    mean = distance_J.mean()
    if mean == 0:
        return torch.ones_like(distance_J if own else mean[None])
    return _OVERLAP * (distance_J.clamp(min=1e-3 * mean) if own else mean[None])


def has_centres(network: torch.nn.Module) -> bool:
    """Say whether there are radial basis functions in a network."""
    return any(isinstance(block, Radial) for block in network.modules())
