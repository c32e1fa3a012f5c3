"""Whether a training fits into memory, said before it starts; and what is said where memory runs out all the same."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch import Tensor

from pellucid.errors import RunError
from pellucid.recipe import Recipe
from pellucid.training.ranks import on_this_machine, parts_of_weights
from pellucid.training.session import Session

# Copies of the weights while training: themselves, gradients, the best so far, and a checkpoint being written, which
# holds weights and best once as tensors and once as bytes; to these the optimiser adds its moments, thrice likewise.
_COPIES = 7
_MOMENTS = {"sgd": 0, "momentum": 1, "nesterov": 1, "adagrad": 1, "rmsprop": 1, "adam": 2, "adamw": 2}
_WORTH_A_LOOK = 0.1
_ADVICE = "a smaller network, smaller images or a shorter length need less too"


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a training needs: `fixed`, whatever the batch, and `per_sample` for each sample of it."""

    fixed: int
    per_sample: int

    def of(self, batch_size: int) -> int:
        """Return the bytes needed at a batch size."""
        return self.fixed + batch_size * self.per_sample


def require_room_for_weights(parameters: int, recipe: Recipe, device: torch.device) -> None:
    """Refuse a network whose weights cannot be trained in the memory that is free now, before any is made.

    Raises:
        RunError: with what they need.
    """
    free, fixed = free_memory(device), 4 * parameters * _copies(recipe) // parts_of_weights(shard=recipe.shard)
    if fixed > free:
        raise RunError(
            f"the network does not fit into memory on {device}",
            expected=f"at most {_gigabytes(free)}, which are free",
            received=f"{_gigabytes(fixed)} for {parameters:,} weights, their gradients, {recipe.optimizer}'s state, "
            "the best weights so far and a checkpoint",
            advice="make it smaller; --optimizer sgd keeps no state"
            if _MOMENTS[recipe.optimizer]
            else "make it smaller",
        )


def require_memory(session: Session) -> None:
    """Refuse a training that cannot fit into the memory that is free now.

    Only what is certain is counted, so a training that passes may still run out; one that is refused would have.

    Raises:
        RunError: with the largest batch that fits.
    """
    free = free_memory(session.device.device)
    if _at_most(session) < _WORTH_A_LOOK * free:
        return
    need = needed(session)
    if need is None or need.of(session.batch_size) <= free:
        return
    fitting = (free - need.fixed) // max(1, need.per_sample)
    batch = 1 << (fitting.bit_length() - 1) if fitting >= 1 else 0
    total, fixed = _gigabytes(need.of(session.batch_size)), _gigabytes(need.fixed)
    raise RunError(
        f"the training does not fit into memory on {session.device.device}",
        expected=f"at most {_gigabytes(free)}, which are free",
        received=f"{total} for a batch of {session.batch_size:,}, {fixed} of it for the weights and their copies",
        advice=f"--batch-size {batch} fits; {_ADVICE}" if batch else f"not even one sample fits; {_ADVICE}",
    )


def needed(session: Session) -> Need | None:
    """Return what a training needs, or None where the network cannot be followed without running it.

    The network is run on torch's meta device, where tensors have shapes and no memory, and what autograd keeps for the
    backward pass is counted, at two batch sizes; the gradient of the largest comes on top.
    """
    one, two = (_kept(session, size) for size in (2, 4))
    if one is None or two is None:
        return None
    per_sample = max(0, (two - one) // 2)
    weights = sum(t.numel() * t.element_size() for t in session.network.state_dict().values())
    fixed = weights * _copies(session.recipe) // parts_of_weights(shard=session.recipe.shard)
    return Need(fixed + max(0, one - 2 * per_sample), per_sample)


def require_room_for_all(sessions: Iterable[Session]) -> None:
    """Refuse sessions whose weights, best weights and optimisers' states cannot all be kept in the free memory.

    Raises:
        RunError: with how many can.
    """
    total, count, free = 0, 0, None
    for session in sessions:
        free = free_memory(session.device.device) if free is None else free
        total += sum(p.numel() for p in session.network.parameters()) * 4 * _copies(session.recipe)
        count += 1
    if free is not None and total > free:
        raise RunError(
            f"{count:,} trainings at once do not fit into memory",
            expected=f"at most {_gigabytes(free)}, which are free",
            received=f"{_gigabytes(total)} for their weights, their best ones and their optimisers' states",
            advice=f"about {max(1, count * free // total):,} fit; smaller networks need less too",
        )


def members_at_once(session: Session, most: int) -> int:
    """Return how many trainings of such a make, up to so many, fit into the memory that is free; at least one."""
    free = free_memory(session.device.device)
    if most * _at_most(session) < _WORTH_A_LOOK * free:
        return most
    need = needed(session)
    return most if need is None else max(1, min(most, free // need.of(session.batch_size)))


def free_memory(device: torch.device) -> int:
    """Return the bytes of memory that a new tensor on the device may take: of the machine's, this process's part."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    shared = [limit for limit in (int(psutil.virtual_memory().available), _container_limit()) if limit is not None]
    limits = (min(shared) // on_this_machine(), _process_limit())
    return max(0, min(limit for limit in limits if limit is not None))


@contextlib.contextmanager
def explained(session: Session) -> Iterator[None]:
    """Turn an allocation that fails inside into an error that says what to do.

    Raises:
        RunError: memory ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RunError) or not is_out_of_memory(error):
            raise
        raise RunError(
            f"memory ran out on {session.device.device} in step {session.progress.step + 1:,}",
            expected="room for the batch",
            received=_asked_for(error),
            advice=f"--batch-size {max(1, session.batch_size // 2)} needs about half; {_ADVICE}",
        ) from None


def _copies(recipe: Recipe) -> int:
    return _COPIES + 3 * _MOMENTS[recipe.optimizer]


def _at_most(session: Session) -> int:
    """Return a cheap and generous guess: a look at the network itself costs a second where it is the first."""
    weights = sum(p.numel() * p.element_size() for p in session.network.parameters())
    input_bytes = 4 * session.data.inputs[:1].numel() * session.batch_size
    widest = max((p.shape[0] for p in session.network.parameters() if p.ndim), default=1)
    layers = sum(1 for _ in session.network.modules())
    return weights * 16 + input_bytes * widest * layers


def _kept(session: Session, batch_size: int) -> int | None:
    """Return the bytes that autograd keeps of a forward pass on `batch_size` samples, and the largest of them again."""
    sample = session.data.batch(session.data.rows["train"][:1])[0]
    inputs = torch.empty((batch_size, *sample.shape[1:]), dtype=sample.dtype, device="meta")
    network = session.network
    state = {name: _like(t) for name, t in (*network.named_parameters(), *network.named_buffers())}
    own = {t.untyped_storage()._cdata for t in state.values()}  # noqa: SLF001 (the one way to tell storages apart)
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept.setdefault(tensor.untyped_storage()._cdata, tensor)  # noqa: SLF001
        return tensor

    was_training = network.training
    network.train()
    try:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), session.device.autocast():
            torch.func.functional_call(network, state, (inputs,))
    except (RuntimeError, TypeError, NotImplementedError):  # what asks for values cannot be followed
        return None
    finally:
        network.train(was_training)
    sizes = [t.untyped_storage().nbytes() for storage, t in kept.items() if storage not in own]
    return sum(sizes) + max(sizes, default=0)


def _like(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="meta").requires_grad_(tensor.requires_grad)


def _container_limit() -> int | None:
    """Return what a Linux container may still take, where its control group sets a limit."""
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):  # no control group, or `max`
        return None
    return limit - used


def _process_limit() -> int | None:
    """Return what this process may still take, where `ulimit -v` or a batch system sets a limit (Linux)."""
    if not psutil.LINUX:
        return None
    process = psutil.Process()
    limit = process.rlimit(psutil.RLIMIT_AS)[0]
    return None if limit == psutil.RLIM_INFINITY else limit - int(process.memory_info().vms)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error says that memory ran out, as Python or as torch says it."""
    text = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "out of memory" in text or "not enough memory" in text or "can't allocate memory" in text
    )


def _asked_for(error: Exception) -> str:
    """Return what could not be had: torch's messages name it among much else."""
    size = re.search(r"[Tt]ried to allocate (\d[\d.]* \w+)", str(error))
    return f"a request for {size[1]} more" if size else "no more memory"


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2g} GB" if count < 1e10 else f"{count / 1e9:,.0f} GB"
