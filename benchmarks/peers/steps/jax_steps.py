"""`jax_steps NAME`: JAX, Flax and Optax, one compiled step after the other."""

from collections.abc import Callable

import jax

from benchmarks.peers.steps.flax_networks import begun
from benchmarks.peers.steps.made import answer


def make(name: str) -> Callable[[], None]:
    """Return what trains all steps once."""
    state, step, inputs_SB, targets_SB = begun(name)
    compiled = jax.jit(step, donate_argnums=0)
    batches = list(zip(inputs_SB, targets_SB, strict=True))

    def train() -> None:
        nonlocal state
        for inputs_B, targets_B in batches:
            state, loss = compiled(state, inputs_B, targets_B)
        loss.block_until_ready()

    return train


if __name__ == "__main__":
    answer(make)
