"""Processes that train together, as `torchrun` starts them; mostly there is one.

Of one network each rank computes the gradient on its share of every batch, torch's `DistributedDataParallel` averages
the gradients, and so all take the same step. Of many networks each rank trains its share (`population/fleet.py`). What
is written and said, the first rank alone does; what it finds the others are told, so that all decide alike.
"""

import atexit
import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from pellucid.errors import OptionError, RunError

_T = TypeVar("_T")
_RUN = "pellucid/run"
_LEAST_SHARE = 2
"""Samples a rank computes with at least, as batch normalisation needs."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The processes of a training, as one of them sees them.

    Attributes:
        rank: this process's place, from 0.
        count: how many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that judges, writes and speaks."""
        return self.rank == 0

    @property
    def names(self) -> tuple[str | int, ...]:
        """What tells this rank's random streams from those of the others; nothing of the first's."""
        return () if self.is_first else ("rank", self.rank)

    def share(self, batch: Tensor) -> Tensor:
        """Return this rank's part of a batch: neighbours, of numbers as even as they can be.

        Of a batch too small for all each takes the whole: the mean of equal gradients is the gradient.
        """
        if self.count == 1 or len(batch) < _LEAST_SHARE * self.count:
            return batch
        return batch.tensor_split(self.count)[self.rank]

    def as_of_whole(self, change: Callable[[Tensor], Tensor], part: Tensor, size: int) -> Tensor:
        """Return what a random change makes of this rank's part when it is done to a batch of `size`.

        So an image is changed in the same way however many ranks there are. The other ranks' places are left empty.
        """
        if len(part) == size:
            return change(part)
        own = self.share(torch.arange(size))
        whole = part.new_zeros((size, *part.shape[1:]))
        whole[own] = part
        return change(whole)[own]

    def pooled(self, loss: Tensor, samples: int) -> tuple[float, float]:
        """Return the mean loss over the samples of all ranks, and by what this rank's loss is to be multiplied.

        Args:
            loss: a mean over this rank's samples.
            samples: how many these are.

        With n of N samples here and R ranks, the factor n R / N makes of the mean of the ranks' gradients, which is
        what they exchange, that of the mean over all samples.
        """
        if self.count == 1:
            return loss.item(), 1.0
        sums = torch.stack((loss.detach().double() * samples, loss.new_tensor(samples).double()))
        distributed.all_reduce(sums)
        total, number = sums.tolist()
        return total / number, samples * self.count / number

    def any(self, said: bool) -> bool:
        """Say whether one of the ranks says so."""
        if self.count == 1:
            return said
        # gloo and nccl each know a device
        heard = torch.tensor([float(said)], device="cuda" if distributed.get_backend() == "nccl" else "cpu")
        distributed.all_reduce(heard, distributed.ReduceOp.MAX)
        return bool(heard.item())

    def from_first(self, make: Callable[[], _T]) -> _T:
        """Return what the first rank makes, on every rank; the others wait for it."""
        if self.count == 1:
            return make()
        made: list[Any] = [make() if self.is_first else None]
        distributed.broadcast_object_list(made, src=0)
        result: _T = made[0]
        return result

    def gathered(self, said: _T) -> list[_T]:
        """Return what each rank says, in their order, on every rank."""
        if self.count == 1:
            return [said]
        heard: list[Any] = [None] * self.count
        distributed.all_gather_object(heard, said)
        return heard

    @contextlib.contextmanager
    def first_before_others(self) -> Iterator[None]:
        """Let the first rank go through a block alone, then the others: what it downloads they find."""
        if not self.is_first:
            self.meet()
        yield
        if self.is_first:
            self.meet()

    def meet(self) -> None:
        """Wait until all ranks have come to this place."""
        if self.count > 1:
            distributed.barrier()


ALONE = Ranks()


def require_one_process(what: str) -> None:
    """Refuse to do in several processes what is made for one: each would do all of it.

    Raises:
        OptionError: `torchrun` started several.
    """
    count = _world_size()
    if count > 1:
        raise OptionError(
            f"{what} is for one process",
            expected="a training or a search shared by all, without checks before it",
            received=f"{what} in {count} processes",
            advice="start it without torchrun",
        )


def on_this_machine() -> int:
    """Return how many of the processes share this machine's memory."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def parts_of_weights(*, shard: bool) -> int:
    """Return into how many parts the weights of a network are cut."""
    return _world_size() if shard else 1


def _world_size() -> int:
    met = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if met else int(os.environ.get("WORLD_SIZE", "1"))


@functools.cache
def launched() -> Ranks:
    """Return the processes that `torchrun` started together with this one, after they have met; else this one alone.

    Raises:
        OptionError: of the environment variables that tell a process of the others only some are there.
    """
    if _world_size() == 1:
        return ALONE
    if distributed.is_initialized():
        return Ranks(distributed.get_rank(), distributed.get_world_size())
    missing = [name for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing:
        raise OptionError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, and which of them this process is is not said",
            expected="RANK, LOCAL_RANK, MASTER_ADDR and MASTER_PORT beside it, as torchrun sets them",
            received=f"no {', '.join(missing)}",
            advice="torchrun --nproc-per-node 2 -m pellucid train ..., or unset WORLD_SIZE",
        )
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    _begin_group("nccl" if torch.cuda.is_available() else "gloo")
    return Ranks(distributed.get_rank(), distributed.get_world_size())


def _begin_group(backend: str) -> None:
    """Let all processes meet, and none by what others left behind that were lost; they part before Python ends."""
    atexit.register(_end_group)
    store = _store()
    if store is None:
        distributed.init_process_group(backend)
        return
    # torch itself looks for the others where those of the last attempt said that they are: pytorch issue 135712
    of_attempt = distributed.PrefixStore(f"pellucid/attempt {_attempt()}", store)  # type: ignore[attr-defined]
    rank, count = int(os.environ["RANK"]), _world_size()
    distributed.init_process_group(backend, store=of_attempt, rank=rank, world_size=count)


def _end_group() -> None:
    """Join the threads that exchange tensors: one that asked a Python already ending for its lock would abort it."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


@contextlib.contextmanager
def losses_explained(ranks: Ranks) -> Iterator[None]:
    """Turn what torch raises where another rank is gone into an error that says what to do.

    Raises:
        RunError: another rank is gone, or cannot be reached.
    """
    try:
        yield
    except RuntimeError as error:
        gone = any(word in str(error).lower() for word in ("gloo", "nccl", "connection"))
        if ranks.count == 1 or not gone:
            raise
        raise RunError(
            f"process {ranks.rank} of {ranks.count} lost another one",
            received=str(error).splitlines()[0],
            advice="torchrun --max-restarts 3 starts all anew, and they go on from the last checkpoint; "
            "or go on with pellucid train --resume RUN, in any number of processes",
        ) from None


def remember(run: str) -> None:
    """Tell those who take the place of these processes, should one be lost, which run or search they are to go on with.

    It is kept where `torchrun` keeps what the processes need to meet, which outlives them; without it nobody is told.
    What `remembered` was asked for last has one: the run that a search makes in the end is none of its own.
    """
    store, key = _store(), _key()
    if store is not None and not store.check([key]):
        store.set(key, run)


def remembered() -> str | None:
    """Return what processes whose place these took were told to be the run; None where these are the first.

    To be asked once for each training or search of a program, which makes them in the same order when it is restarted.
    """
    _Asked.times += 1
    store, key = (_store() if _attempt() else None), _key()
    return str(store.get(key).decode()) if store is not None and store.check([key]) else None


class _Asked:
    """How often `remembered` was asked in this process."""

    times = 0


def _key() -> str:
    return f"{_RUN} {_Asked.times}"


def _attempt() -> int:
    """Return how often `torchrun` has started these processes anew."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def _store() -> Any:
    """Return the store that torchrun's agent keeps, or None; torch built without `distributed` has no such class."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return None
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return distributed.TCPStore(address, port, is_master=False)  # type: ignore[attr-defined]
