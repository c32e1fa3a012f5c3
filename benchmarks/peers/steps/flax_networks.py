"""The five networks in Flax, and one compiled step of Optax's Adam for each."""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from benchmarks.peers.steps.made import RATE, TOKENS, TRAININGS, made

State = tuple[Any, Any, Any]
"""Parameters, batch statistics, the optimiser's state."""


class Chain(nn.Module):  # type: ignore[misc]
    """Fully connected layers, rectified but for the last."""

    widths: tuple[int, ...]

    @nn.compact  # type: ignore[untyped-decorator]
    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the scores of the classes."""
        for width in self.widths[:-1]:
            x = nn.relu(nn.Dense(width)(x))
        return nn.Dense(self.widths[-1])(x)


class LeNet5(nn.Module):  # type: ignore[misc]
    """The convolutional network of 1998, with a plain last layer."""

    @nn.compact  # type: ignore[untyped-decorator]
    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the scores of the classes."""
        x = nn.avg_pool(nn.tanh(nn.Conv(6, (5, 5))(x)), (2, 2), (2, 2))
        x = nn.avg_pool(nn.tanh(nn.Conv(16, (5, 5), padding="VALID")(x)), (2, 2), (2, 2))
        x = nn.tanh(nn.Dense(120)(x.reshape(len(x), -1)))
        return nn.Dense(10)(nn.tanh(nn.Dense(84)(x)))


class ResNet8(nn.Module):  # type: ignore[misc]
    """Three residual blocks of two convolutions."""

    @nn.compact  # type: ignore[untyped-decorator]
    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the scores of the classes."""

        def convolved(x: jax.Array, maps: int, stride: int) -> jax.Array:
            made = nn.Conv(maps, (3, 3), stride, padding=1, use_bias=False)(x)
            return nn.BatchNorm(use_running_average=False, momentum=0.9)(made)

        x = nn.relu(convolved(x, 16, 1))
        for maps_in, maps in ((16, 16), (16, 32), (32, 64)):
            stride, more = maps // maps_in, (maps - maps_in) // 2
            kept = jnp.pad(x[:, ::stride, ::stride], ((0, 0), (0, 0), (0, 0), (more, more)))
            x = nn.relu(convolved(nn.relu(convolved(x, maps, stride)), maps, 1) + kept)
        return nn.Dense(10)(x.mean((1, 2)))


class CharLSTM(nn.Module):  # type: ignore[misc]
    """A table of the characters, an LSTM, and a score for each character that may follow."""

    @nn.compact  # type: ignore[untyped-decorator]
    def __call__(self, tokens_BT: jax.Array) -> jax.Array:
        """Return the scores of the classes."""
        states_BTH = nn.RNN(nn.OptimizedLSTMCell(128))(nn.Embed(TOKENS, 64)(tokens_BT))
        return nn.Dense(TOKENS)(states_BTH)


NETWORKS: dict[str, nn.Module] = {
    "mlp": Chain((64, 64, 5)), "wide": Chain((128, 10)), "lenet5": LeNet5(), "resnet8": ResNet8(),
    "charlstm": CharLSTM(),
}  # fmt: skip


def begun(name: str) -> tuple[State, Callable[[State, jax.Array, jax.Array], tuple[State, jax.Array]], Any, Any]:
    """Return a training's state, its step, and the samples and classes of each step."""
    network, optimizer = NETWORKS[name], optax.adam(RATE)
    x, y = made(name)
    size = TRAININGS[name].batch
    inputs_SB = jnp.asarray(x.reshape(-1, size, *x.shape[1:]))
    targets_SB = jnp.asarray(y.reshape(-1, size, *y.shape[1:]))
    variables = network.init(jax.random.key(0), inputs_SB[0])
    parameters, statistics = variables["params"], variables.get("batch_stats", {})

    def step(state: State, inputs_B: jax.Array, targets_B: jax.Array) -> tuple[State, jax.Array]:
        parameters, statistics, moments = state

        def loss_of(parameters: Any) -> tuple[jax.Array, Any]:
            given = {"params": parameters, "batch_stats": statistics}
            scores, changed = network.apply(given, inputs_B, mutable=["batch_stats"])
            loss = optax.softmax_cross_entropy_with_integer_labels(scores, targets_B).mean()
            return loss, changed.get("batch_stats", {})

        (loss, statistics), gradients = jax.value_and_grad(loss_of, has_aux=True)(parameters)
        updates, moments = optimizer.update(gradients, moments)
        return (optax.apply_updates(parameters, updates), statistics, moments), loss

    return (parameters, statistics, optimizer.init(parameters)), step, inputs_SB, targets_SB
