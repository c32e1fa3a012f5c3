"""A network that judges what another one made: how well it tells, and how varied the made samples are."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from pellucid.diagnosis.observation import AdversarySeen, NetworkSeen
from pellucid.diagnosis.observer.held import Held, storage_of
from pellucid.diagnosis.observer.listening import Listener, Listening

NEIGHBOURS = 5
MOST = 256
"""Samples compared, and features of each."""


class Rivals(Listener):
    """Hears outputs, and finds networks that are given other networks' outputs beside samples from elsewhere.

    Attributes:
        made: number of an output's storage -> (the network that made it, a reference to the storage, without which the
            number might become another one's), of the last few.
        real: name of a judge -> (scores of real samples, the samples), of its last call on any.
    """

    def __init__(self, listening: Listening) -> None:
        super().__init__(listening)
        self.made: dict[int, tuple[str, StorageWeakRef]] = {}
        self.real: dict[str, tuple[Tensor, Tensor]] = {}
        self._compared: _Compared | None = None

    def is_made(self, samples: Tensor) -> bool:
        """Say whether a network made these samples, and not the script's data."""
        return samples.requires_grad or storage_of(samples).cdata in self.made

    def judged(self, network: NetworkSeen, given: tuple[NetworkSeen, Held] | None, output: Tensor) -> None:
        """A network was called from outside."""
        while len(self.made) >= 8:
            self.made.pop(next(iter(self.made)))
        storage = storage_of(output)
        self.made[storage.cdata] = (network.name, storage)
        if given is None or given[0] is not network or not output.dim() or output.numel() != output.shape[0]:
            return
        samples, scores = given[1].numbers(), output.detach().reshape(-1)
        if samples is None:
            return
        maker, _ = self.made.get(storage_of(samples).cdata, (network.name, None))
        if maker == network.name:
            self.real[network.name] = (scores.clone(), samples.clone())
        elif network.name in self.real:
            self._compare(maker, network.name, scores, samples)

    def _compare(self, maker: str, judge: str, scores: Tensor, samples: Tensor) -> None:
        real_scores, real = self.real[judge]
        seen = self.seen.adversaries.setdefault(f"{maker} {judge}", AdversarySeen(maker, judge))
        step = self.seen.steps
        seen.told.append((step, share_told(real_scores, scores)))
        if self.listening.takes_figures and (figures := self._variety(real, samples)) is not None:
            seen.coverage.append((step, figures[0]))
            seen.spread.append((step, figures[1]))

    def _variety(self, real: Tensor, made: Tensor) -> tuple[float, float] | None:
        """Return how varied samples are; a judge is shown the same ones twice, for its own loss and their maker's."""
        storage, place = storage_of(made), (made.data_ptr(), made.shape)
        known = self._compared
        if known is None or known.real is not real or known.made.cdata != storage.cdata or known.place != place:
            known = self._compared = _Compared(real, storage, place, variety(real, made))
        return known.figures


class _Compared(NamedTuple):
    """The samples whose variety was measured last, and what it was."""

    real: Tensor
    made: StorageWeakRef
    place: tuple[int, torch.Size]
    figures: tuple[float, float] | None


def share_told(real_scores_N: Tensor, made_scores_M: Tensor) -> float:
    """Return the share of pairs in which a real sample scores above a made one; ties count half."""
    real_scores_N1, made_scores_1M = real_scores_N[:, None], made_scores_M[None]
    above = (real_scores_N1 > made_scores_1M).double() + 0.5 * (real_scores_N1 == made_scores_1M).double()
    return above.mean().item()


def variety(real: Tensor, made: Tensor) -> tuple[float, float] | None:
    """Return how varied made samples are beside real ones; None of too few, or of another size.

    Returns:
        The coverage, the share of real samples with a made one as near as their fifth neighbour (Naeem et al., 2020),
        and the spread, the mean distance between made samples by that between real ones; of 256 of each.
    """
    real_NF = real.reshape(len(real), -1)[:MOST].double()
    made_MF = made.reshape(len(made), -1)[:MOST].double()
    if real_NF.shape[1] != made_MF.shape[1] or min(len(real_NF), len(made_MF)) <= 2 * NEIGHBOURS:
        return None
    among = torch.cdist(real_NF, real_NF)
    radius_N = among.kthvalue(NEIGHBOURS + 1, dim=1).values
    coverage = (torch.cdist(real_NF, made_MF).amin(1) <= radius_N).double().mean().item()
    return coverage, (torch.cdist(made_MF, made_MF).mean() / among.mean().clamp_min(1e-12)).item()
