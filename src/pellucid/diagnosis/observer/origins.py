"""What a chain of networks began with: a head is given its backbone's output, the backbone is given the sample."""

from collections.abc import Iterable

from torch import Tensor

from pellucid.diagnosis.observation import NetworkSeen
from pellucid.diagnosis.observer.graph import made_by
from pellucid.diagnosis.observer.held import Held, number_of

Given = tuple[NetworkSeen, Held]
"""A network and its first input."""
MOST = 64
"""Outputs known at a time: of networks called again and again without a backward pass, the last."""


class Origins:
    """Finds the sample behind an input that another network made.

    A network reads from another one if each of its inputs in training has come from there, by the graph; where no
    gradients are asked for, the sample is the one that other network was given last. So a discriminator, which is given
    samples from elsewhere too, reads from no generator.
    """

    def __init__(self) -> None:
        self._made: dict[int, int] = {}  # number of a node of autograd -> key of the network that made it
        self._origins: dict[int, Given] = {}  # key of a network -> what its chain was given last

    def of(self, network: NetworkSeen, first: Tensor, *, training: bool) -> Given:
        """Return the network at the beginning of the chain and its input, for a network that is given `first`."""
        if training:
            maker = self._made.get(made_by(first, self._made) or 0, 0)
            network.reads_from = maker if network.reads_from in (None, maker) and maker != network.key else 0
        given = network, Held(first)
        origin = self._origins.get(network.reads_from or 0, given)
        if origin[1].shape[:1] != given[1].shape[:1]:
            origin = given
        self._origins[network.key] = origin
        return origin

    def made(self, network: NetworkSeen, outputs: Iterable[Tensor]) -> None:
        """Take in what a network gave."""
        for output in outputs:
            number = number_of(output)
            if number is not None:
                self._made[number] = network.key
        while len(self._made) > MOST:
            self._made.pop(next(iter(self._made)))

    def forget(self) -> None:
        """Forget the outputs, whose graph is gone, and the inputs, which the program may want to free."""
        self._made.clear()
        self._origins.clear()
