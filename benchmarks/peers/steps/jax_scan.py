"""`jax_scan NAME`: JAX, Flax and Optax, all steps compiled as one loop."""

from collections.abc import Callable
from typing import Any

import jax

from benchmarks.peers.steps.flax_networks import State, begun
from benchmarks.peers.steps.made import answer


def make(name: str) -> Callable[[], None]:
    """Return what trains all steps once."""
    state, step, inputs_SB, targets_SB = begun(name)

    def all_steps(state: State, batches: Any) -> tuple[State, jax.Array]:
        last: State
        last, losses = jax.lax.scan(lambda state, batch: step(state, *batch), state, batches)
        return last, losses

    compiled = jax.jit(all_steps, donate_argnums=0)

    def train() -> None:
        nonlocal state
        state, losses = compiled(state, (inputs_SB, targets_SB))
        losses.block_until_ready()

    return train


if __name__ == "__main__":
    answer(make)
