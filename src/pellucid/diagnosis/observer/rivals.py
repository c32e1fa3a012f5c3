"""A network that judges what another one made: how well it tells, and how varied the made samples are."""

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
        scores: name of a judge -> (scores of real samples, the samples), of its last call on any.
    """

    def __init__(self, listening: Listening) -> None:
        super().__init__(listening)
        self.made: dict[int, tuple[str, StorageWeakRef]] = {}
        self.real: dict[str, tuple[Tensor, Tensor]] = {}

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
        above = (real_scores[:, None] > scores[None]).double() + 0.5 * (real_scores[:, None] == scores[None]).double()
        seen.told.append((step, above.mean().item()))
        if not self.listening.takes_figures:
            return
        real = real.reshape(len(real), -1)[:MOST].double()
        made = samples.reshape(len(samples), -1)[:MOST].double()
        if real.shape[1] == made.shape[1] and len(real) > 2 * NEIGHBOURS and len(made) > 2 * NEIGHBOURS:
            among = torch.cdist(real, real)
            radius = among.kthvalue(NEIGHBOURS + 1, dim=1).values
            seen.coverage.append((step, (torch.cdist(real, made).amin(1) <= radius).double().mean().item()))
            seen.spread.append((step, (torch.cdist(made, made).mean() / among.mean().clamp_min(1e-12)).item()))
