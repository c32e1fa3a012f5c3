"""Recurrent layers step by step, and back-propagation through time.

Shape letters: N batch, T steps, F features, H units of the hidden state, G = gates times H.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from pellucid.explain.derivation.operation import Operation
from pellucid.explain.derivation.steps import Array, Formula, Nested

State = tuple[Array, ...]
"""What is handed on from step to step, the hidden state first: (h,), or (h, c) of an LSTM."""


class Cell(ABC):
    """One step of a recurrent layer.

    Of its two sums, W x + b and U h + c, each gate takes a part.

    Attributes:
        kind: what the layer is called.
        forward_formula, backward_formula: of the step; the latter up to the gradients of both sums.
        states: how many tensors are handed on.
    """

    kind: str
    forward_formula: Formula
    backward_formula: Formula
    states = 1

    @abstractmethod
    def step(self, of_input: Array, of_state: Array, state: State) -> tuple[State, Any]:
        """Return the next state, and what `back` needs.

        Args:
            of_input: W x + b, (N, G).
            of_state: U h + c, (N, G).
            state: the last one.
        """

    @abstractmethod
    def back(self, gradient: State, kept: Any) -> tuple[Array, Array, State]:
        """Return the gradients by both sums, and by the last state other than through U h.

        Args:
            gradient: by the next state.
            kept: what `step` returned beside it.
        """


class Plain(Cell):
    """h_t = g(W x_t + b + U h_(t-1) + c), g = tanh or ReLU. Elman 1990."""

    def __init__(self, *, is_relu: bool) -> None:
        self._is_relu = is_relu
        g, slope, slope_latex = ("relu", "[h_t > 0]", "[h_t > 0]") if is_relu else ("tanh", "1 - h_t²", "1 - h_t^2")
        self.kind = f"recurrent layer ({g})"
        self.forward_formula = Formula(
            f"h_t = {g}(z_t), z_t = W x_t + b + U h_(t-1) + c",
            rf"h_t = \mathrm{{{g}}}(z_t),\quad z_t = W x_t + b + U h_{{t-1}} + c",
        )
        self.backward_formula = Formula(
            f"dz_t = dh_t ∘ ({slope}), dh_(t-1) += Uᵀ dz_t",
            rf"dz_t = dh_t \circ ({slope_latex}),\quad dh_{{t-1}} \mathrel{{+}}= U^\top dz_t",
        )

    def step(self, of_input: Array, of_state: Array, state: State) -> tuple[State, Any]:  # noqa: ARG002 (it is in of_state)
        """Return h."""
        z = of_input + of_state
        h = np.maximum(z, 0) if self._is_relu else np.tanh(z)
        return (h,), h

    def back(self, gradient: State, kept: Any) -> tuple[Array, Array, State]:
        """Return dz twice, for both sums are added."""
        dz = gradient[0] * ((kept > 0) if self._is_relu else 1 - kept**2)
        return dz, dz, (np.zeros_like(dz),)


class Lstm(Cell):
    """c_t = f ∘ c_(t-1) + i ∘ g, h_t = o ∘ tanh(c_t). Hochreiter and Schmidhuber 1997, with the gate f of Gers 2000."""

    kind = "LSTM"
    states = 2
    forward_formula = Formula(
        "i, f, o = σ(z_i), σ(z_f), σ(z_o), g = tanh(z_g), z = W x_t + b + U h_(t-1) + c;"
        " c_t = f ∘ c_(t-1) + i ∘ g, h_t = o ∘ tanh(c_t)",
        r"i, f, o = \sigma(z_i), \sigma(z_f), \sigma(z_o),\; g = \tanh(z_g),\; z = W x_t + b + U h_{t-1} + c,\;"
        r" c_t = f \circ c_{t-1} + i \circ g,\; h_t = o \circ \tanh(c_t)",
    )
    backward_formula = Formula(
        "dc_t += dh_t ∘ o ∘ (1 - tanh²(c_t)), dc_(t-1) = dc_t ∘ f; dz_i = dc_t ∘ g ∘ i(1 - i),"
        " dz_f = dc_t ∘ c_(t-1) ∘ f(1 - f), dz_g = dc_t ∘ i ∘ (1 - g²), dz_o = dh_t ∘ tanh(c_t) ∘ o(1 - o);"
        " dh_(t-1) += Uᵀ dz_t",
        r"dc_t \mathrel{+}= dh_t \circ o \circ (1 - \tanh^2 c_t),\; dc_{t-1} = dc_t \circ f,\;"
        r" dz_i = dc_t \circ g \circ i(1 - i),\; dz_f = dc_t \circ c_{t-1} \circ f(1 - f),\;"
        r" dz_g = dc_t \circ i \circ (1 - g^2),\; dz_o = dh_t \circ \tanh(c_t) \circ o(1 - o),\;"
        r" dh_{t-1} \mathrel{+}= U^\top dz_t",
    )

    def step(self, of_input: Array, of_state: Array, state: State) -> tuple[State, Any]:
        """Return h and c."""
        i, f, g, o = np.split(of_input + of_state, 4, -1)
        i, f, g, o = expit(i), expit(f), np.tanh(g), expit(o)
        c = f * state[1] + i * g
        return (o * np.tanh(c), c), (i, f, g, o, state[1], c)

    def back(self, gradient: State, kept: Any) -> tuple[Array, Array, State]:
        """Return dz twice, and dc_(t-1)."""
        i, f, g, o, before, c = kept
        dh, dc = gradient
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        parts = dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g**2), dh * np.tanh(c) * o * (1 - o)
        dz = np.concatenate(parts, -1)
        return dz, dz, (np.zeros_like(dh), dc * f)


class Gru(Cell):
    """h_t = (1 - z) ∘ n + z ∘ h_(t-1). Cho et al. 2014, with the reset gate behind the product, as torch has it."""

    kind = "GRU"
    forward_formula = Formula(
        "r, z = σ(s_r + u_r), σ(s_z + u_z), n = tanh(s_n + r ∘ u_n), s = W x_t + b, u = U h_(t-1) + c;"
        " h_t = (1 - z) ∘ n + z ∘ h_(t-1)",
        r"r, z = \sigma(s_r + u_r), \sigma(s_z + u_z),\; n = \tanh(s_n + r \circ u_n),\; s = W x_t + b,\;"
        r" u = U h_{t-1} + c,\; h_t = (1 - z) \circ n + z \circ h_{t-1}",
    )
    backward_formula = Formula(
        "ds_n = dh_t ∘ (1 - z) ∘ (1 - n²), du_n = ds_n ∘ r, ds_r = du_r = ds_n ∘ u_n ∘ r(1 - r),"
        " ds_z = du_z = dh_t ∘ (h_(t-1) - n) ∘ z(1 - z); dh_(t-1) += dh_t ∘ z + Uᵀ du_t",
        r"ds_n = dh_t \circ (1 - z) \circ (1 - n^2),\; du_n = ds_n \circ r,\;"
        r" ds_r = du_r = ds_n \circ u_n \circ r(1 - r),\; ds_z = du_z = dh_t \circ (h_{t-1} - n) \circ z(1 - z),\;"
        r" dh_{t-1} \mathrel{+}= dh_t \circ z + U^\top du_t",
    )

    def step(self, of_input: Array, of_state: Array, state: State) -> tuple[State, Any]:
        """Return h."""
        s_r, s_z, s_n = np.split(of_input, 3, -1)
        u_r, u_z, u_n = np.split(of_state, 3, -1)
        r, z = expit(s_r + u_r), expit(s_z + u_z)
        n = np.tanh(s_n + r * u_n)
        return ((1 - z) * n + z * state[0],), (r, z, n, u_n, state[0])

    def back(self, gradient: State, kept: Any) -> tuple[Array, Array, State]:
        """Return ds, du, and dh_(t-1) past the gates."""
        r, z, n, u_n, before = kept
        dh = gradient[0]
        dn = dh * (1 - z) * (1 - n**2)
        dr, dz = dn * u_n * r * (1 - r), dh * (before - n) * z * (1 - z)
        return np.concatenate([dr, dz, dn], -1), np.concatenate([dr, dz, dn * r], -1), (dh * z,)


@dataclass(frozen=True, slots=True)
class Read:
    """A layer read in one direction: what it saw, its weights, and what each step kept."""

    x: Array  # T N F
    before: Array  # T N H
    real: Array  # T N 1
    weights: tuple[Array, ...]
    kept: list[Any]


class Recurrence(Operation):
    """Layers of cells on top of each other, each read in one direction or both; torch's (outputs, last states).

    Args:
        cell: what is done at a step.
        layers, directions: how many.
        has_bias: whether b and c are there.
        is_batch_first: whether the input is (N, T, F), not (T, N, F).
        is_padded: whether steps of zeros in front of a sample are not read, and have the state 0; the result then is
            the outputs alone.
    """

    def __init__(
        self, cell: Cell, layers: int, directions: int, *, has_bias: bool, is_batch_first: bool, is_padded: bool = False
    ) -> None:
        self._is_padded = is_padded
        self._cell, self._layers, self._directions = cell, layers, directions
        self._width = 4 if has_bias else 2
        self._is_batch_first = is_batch_first
        self.kind = cell.kind + (" over padded sequences" if is_padded else "")
        letters = ("W", "U", "b", "c")[: self._width]
        names = [f"_l{layer}{'_reverse' * way}" for layer in range(layers) for way in range(directions)]
        single = len(names) == 1
        self.symbols = ("X", *(letter + ("" if single else name) for name in names for letter in letters))
        self.forward_formula = cell.forward_formula
        if is_padded:
            self.forward_formula = Formula(
                f"{cell.forward_formula.plain}; h_t = 0 before the first x_t that is not zeros",
                rf"{cell.forward_formula.latex},\; h_t = 0 \text{{ before the first }} x_t \ne 0",
            )
        self.backward_formulas = (
            cell.backward_formula,
            Formula("dx_t = Wᵀ dz_t (of both sums the part of its own)", r"dx_t = W^\top dz_t"),
            Formula("dW = Σ_t dz_t x_tᵀ, dU = Σ_t dz_t h_(t-1)ᵀ, db = Σ_t dz_t, dc = Σ_t dz_t",
                    r"dW = \sum_t dz_t x_t^\top,\; dU = \sum_t dz_t h_{t-1}^\top,\; db = \sum_t dz_t"),
        )  # fmt: skip

    def forward(self, x: Array, *parameters: Array) -> Nested:
        """Return the outputs and the last states."""
        x_TNF = self._turned(x)
        real_TN1 = self._read_steps(x_TNF)
        self._reads: list[Read] = []
        ends = []
        for layer in range(self._layers):
            outputs = []
            for way in range(self._directions):
                begins = (layer * self._directions + way) * self._width
                weights, order = parameters[begins : begins + self._width], slice(None, None, -1 if way else 1)
                read, out_TNH, end = self._read(x_TNF[order], real_TN1[order], weights)
                self._reads.append(read)
                outputs.append(out_TNH[::-1] if way else out_TNH)
                ends.append(end)
            x_TNF = np.concatenate(outputs, -1)
        if self._is_padded:
            return self._turned(x_TNF)
        last = tuple(np.stack(each) for each in zip(*ends, strict=True))
        return self._turned(x_TNF), last if self._cell.states > 1 else last[0]

    def backward(self, gradient: Any) -> tuple[Array, ...]:
        """Return the gradients by the input and the parameters."""
        of_outputs, of_last = (gradient, None) if self._is_padded else gradient
        of_ends = of_last if isinstance(of_last, tuple) else (of_last,) * self._cell.states
        shape = (*self._reads[-1].before.shape[:2], self._reads[-1].before.shape[2] * self._directions)
        dout = np.zeros(shape) if of_outputs is None else self._turned(of_outputs)
        found: list[tuple[Array, ...]] = []
        for layer in reversed(range(self._layers)):
            of_input = []
            for way, piece in enumerate(np.split(dout, self._directions, -1)):
                number = layer * self._directions + way
                end = [None if each is None else each[number] for each in of_ends]
                dx, weights = self._unread(self._reads[number], piece[::-1] if way else piece, end)
                of_input.append(dx[::-1] if way else dx)
                found.insert(way, weights)
            dout = np.sum(of_input, axis=0)
        return self._turned(dout), *(each for weights in found for each in weights)

    def _read_steps(self, x_TNF: Array) -> Array:
        """Return (T, N, 1): 1 from each sample's first step on that is not zeros; of none but zeros everywhere."""
        first_N = (x_TNF != 0).any(axis=-1).argmax(axis=0) if self._is_padded else np.zeros(x_TNF.shape[1])
        return (np.arange(len(x_TNF))[:, None] >= first_N)[..., None] * 1.0

    def _turned(self, x: Array) -> Array:
        """Return (T, N, F) of the layer's own order, or that of (T, N, F)."""
        return x.swapaxes(0, 1) if self._is_batch_first else x

    def _read(self, x_TNF: Array, real_TN1: Array, weights: tuple[Array, ...]) -> tuple[Read, Array, State]:
        w, u, *biases = weights
        b, c = biases or (0.0, 0.0)
        state: State = (np.zeros((x_TNF.shape[1], u.shape[1])),) * self._cell.states
        befores, outputs, kept = [], [], []
        for x_NF, real_N1 in zip(x_TNF, real_TN1, strict=True):
            befores.append(state[0])
            state, keeps = self._cell.step(x_NF @ w.T + b, state[0] @ u.T + c, state)
            state = tuple(each * real_N1 for each in state)
            outputs.append(state[0])
            kept.append(keeps)
        return Read(x_TNF, np.stack(befores), real_TN1, weights, kept), np.stack(outputs), state

    def _unread(self, read: Read, dout_TNH: Array, end: list[Array | None]) -> tuple[Array, tuple[Array, ...]]:
        """Return the gradients by what was read and by the weights."""
        w, u, *_ = read.weights
        ds: list[Array] = []
        du: list[Array] = []
        gradient: State = tuple(np.zeros_like(dout_TNH[0]) if each is None else each for each in end)
        for dout_NH, real_N1, kept in zip(dout_TNH[::-1], read.real[::-1], read.kept[::-1], strict=True):
            of_next = tuple(each * real_N1 for each in (gradient[0] + dout_NH, *gradient[1:]))
            of_sum, of_state, past = self._cell.back(of_next, kept)
            gradient = (past[0] + of_state @ u, *past[1:])
            ds.insert(0, of_sum)
            du.insert(0, of_state)
        ds_TNG, du_TNG = np.stack(ds), np.stack(du)
        by_w = np.tensordot(ds_TNG, read.x, ([0, 1], [0, 1]))
        by_u = np.tensordot(du_TNG, read.before, ([0, 1], [0, 1]))
        sums = (by_w, by_u, ds_TNG.sum(axis=(0, 1)), du_TNG.sum(axis=(0, 1)))
        return ds_TNG @ w, sums[: self._width]
