"""Matrix products, and the embedding, a product with rows of an identity matrix."""

from collections.abc import Sequence

import numpy as np

from pellucid.explain.derivation.operation import Operation, first_of, number, place, sum_of_products, unbroadcast
from pellucid.explain.derivation.steps import Array, Formula


class Linear(Operation):
    """Z = X Wᵀ + b: samples are rows, and of each sample z = W x + b."""

    kind = "fully connected"
    output = "Z"

    def __init__(self, *, has_bias: bool) -> None:
        self._has_bias = has_bias
        self.symbols = ("X", "W", "b") if has_bias else ("X", "W")
        bias = " + b" if has_bias else ""
        self.forward_formula = Formula(
            f"Z = X Wᵀ{bias}, of each sample z = W x{bias}", rf"Z = X W^\top{bias},\quad z = W x{bias}"
        )
        formulas = (
            Formula("dX = dZ W, of each sample dx = Wᵀ dz", r"dX = dZ\, W,\quad dx = W^\top dz"),
            Formula("dW = dZᵀ X, the sum of dz xᵀ over the samples", r"dW = dZ^\top X = \sum_i dz^{(i)} x^{(i)\top}"),
            Formula("db = sum of dz over the samples", r"db = \sum_i dz^{(i)}"),
        )
        self.backward_formulas = formulas[: len(self.symbols)]
        self.linear_in = (0, 2) if has_bias else (0,)

    def forward(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        """Return X Wᵀ + b."""
        self._x, self._weight = x, weight
        product: Array = x @ weight.T
        self._bias = bias
        self._z = product if bias is None else product + bias
        return self._z

    def backward(self, gradient: Array) -> tuple[Array, ...]:
        """Return dX, dW and db."""
        units, inputs = self._weight.shape
        dz, x = gradient.reshape(-1, units), self._x.reshape(-1, inputs)
        return (gradient @ self._weight, dz.T @ x, dz.sum(axis=0))[: len(self.symbols)]

    def worked(self, gradient: Array | None) -> tuple[str, ...]:
        """Return the first unit of the first sample, and the gradient of its first weight."""
        first = first_of(self._z)
        x, at = self._x[first[:-1]], place(first)
        bias = "" if self._bias is None else f" + {number(self._bias[0])}"
        lines = [f"Z{at} = {sum_of_products(self._weight[0], x)}{bias} = {number(self._z[first])}"]
        if gradient is not None:
            units, inputs = self._weight.shape
            dz, x = gradient.reshape(-1, units), self._x.reshape(-1, inputs)
            lines.append(f"dW[1,1] = {sum_of_products(dz[:, 0], x[:, 0])} = {number(float(dz[:, 0] @ x[:, 0]))}")
            dx = float(dz[0] @ self._weight[:, 0])
            lines.append(f"dX{at} = {sum_of_products(dz[0], self._weight[:, 0])} = {number(dx)}")
        return tuple(lines)

    def slope_is(self, operand: int, of: Sequence[int], at: Sequence[int]) -> tuple[int, tuple[int, ...]] | None:
        """Return w of ∂z/∂x, x of ∂z/∂w."""
        match operand:
            case 0 if of[:-1] == at[:-1]:
                return 1, (of[-1], at[-1])
            case 1 if of[-1] == at[0]:
                return 0, (*of[:-1], at[1])
        return None


class MatrixProduct(Operation):
    """Y = A B."""

    kind = "matrix product"
    symbols = ("A", "B")
    linear_in = (0,)
    forward_formula = Formula("Y = A B", "Y = A B")
    backward_formulas = (Formula("dA = dY Bᵀ", r"dA = dY\, B^\top"), Formula("dB = Aᵀ dY", r"dB = A^\top dY"))

    def forward(self, a: Array, b: Array) -> Array:
        """Return A B."""
        self._a, self._b = a, b
        return np.asarray(a @ b)

    def backward(self, gradient: Array) -> tuple[Array, Array]:
        """Return dY Bᵀ and Aᵀ dY; of products of more matrices at once, summed where one was repeated."""
        a = self._a[None] if self._a.ndim == 1 else self._a
        b = self._b[:, None] if self._b.ndim == 1 else self._b
        dy = gradient
        if self._b.ndim == 1:
            dy = dy[..., None]
        if self._a.ndim == 1:
            dy = dy[..., None, :]
        by_a = unbroadcast(dy @ b.swapaxes(-1, -2), a.shape)
        by_b = unbroadcast(a.swapaxes(-1, -2) @ dy, b.shape)
        return by_a.reshape(self._a.shape), by_b.reshape(self._b.shape)

    def worked(self, gradient: Array | None) -> tuple[str, ...]:
        """Return the first element of the product of two matrices, and of its operands' gradients."""
        if self._a.ndim != 2 or self._b.ndim != 2:
            return ()
        row, column = self._a[0], self._b[:, 0]
        lines = [f"Y[1,1] = {sum_of_products(row, column)} = {number(float(row @ column))}"]
        if gradient is not None:
            of_a, of_b = (gradient[0], self._b[0]), (self._a[:, 0], gradient[:, 0])
            lines.append(f"dA[1,1] = {sum_of_products(*of_a)} = {number(float(of_a[0] @ of_a[1]))}")
            lines.append(f"dB[1,1] = {sum_of_products(*of_b)} = {number(float(of_b[0] @ of_b[1]))}")
        return tuple(lines)

    def slope_is(self, operand: int, of: Sequence[int], at: Sequence[int]) -> tuple[int, tuple[int, ...]] | None:
        """Return, of two matrices, b of ∂y/∂a and a of ∂y/∂b."""
        if self._a.ndim != 2 or self._b.ndim != 2:
            return None
        if operand == 0:
            return (1, (at[1], of[1])) if of[0] == at[0] else None
        return (0, (of[0], at[0])) if of[1] == at[1] else None


class Embedding(Operation):
    """The row of a table for each token.

    Args:
        padding: the token whose row is not learned, or None.
    """

    kind = "embedding"
    symbols = ("T", "W")
    forward_formula = Formula("Y = the row of W for each token of T", r"Y_t = W_{T_t}")
    backward_formulas = (
        Formula("dW = of each row, the sum of dY at its tokens", r"dW_v = \sum_{t : T_t = v} dY_t"),
    )  # fmt: skip

    def __init__(self, padding: int | None) -> None:
        self._padding = padding

    def forward(self, tokens: Array, weight: Array) -> Array:
        """Return the rows."""
        self._tokens, self._shape = tokens.astype(np.int64), weight.shape
        return np.asarray(weight[self._tokens])

    def backward(self, gradient: Array) -> tuple[None, Array]:
        """Return nothing for the tokens, and the table's gradient."""
        by_weight = np.zeros(self._shape)
        np.add.at(by_weight, self._tokens, gradient)
        if self._padding is not None:
            by_weight[self._padding] = 0
        return None, by_weight
