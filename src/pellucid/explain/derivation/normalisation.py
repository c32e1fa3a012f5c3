"""Batch, layer and local response normalisation, and softmax: each number's gradient depends on the others'."""

import numpy as np

from pellucid.explain.derivation.operation import Operation
from pellucid.explain.derivation.steps import Array, Formula


class Normalisation(Operation):
    """Y = γ X̂ + β, X̂ = (X - μ) / √(σ² + ε), with the mean and variance of the numbers themselves.

    Every number shifts μ and σ², so that dX has three terms. Ioffe and Szegedy 2015, section 3.

    Args:
        kind: what it is called.
        epsilon: ε.
        leading: the dimensions in front that are normalised apart, such as the samples of layer normalisation; None
            for batch normalisation, where all but the channels (dimension 1) are normalised together.
        is_affine: whether γ and β are learned.
    """

    def __init__(self, kind: str, epsilon: float, leading: int | None, *, is_affine: bool) -> None:
        self.kind, self._epsilon, self._leading, self._is_affine = kind, epsilon, leading, is_affine
        self.symbols = ("X", "γ", "β") if is_affine else ("X",)
        affine, scaled = ("γ X̂ + β", "γ ∘ dY") if is_affine else ("X̂", "dY")
        affine_latex, scaled_latex = (
            (r"\gamma \hat X + \beta", r"\gamma \circ dY") if is_affine else (r"\hat X", "dY")
        )  # fmt: skip
        self.forward_formula = Formula(
            f"Y = {affine}, X̂ = (X - μ) / √(σ² + ε)",
            rf"Y = {affine_latex},\quad \hat X = \frac{{X - \mu}}{{\sqrt{{\sigma^2 + \varepsilon}}}}",
        )
        formulas = (
            Formula(
                f"dX = (dX̂ - mean(dX̂) - X̂ ∘ mean(dX̂ ∘ X̂)) / √(σ² + ε), dX̂ = {scaled}",
                r"dX = \frac{d\hat X - \overline{d\hat X} - \hat X \circ \overline{d\hat X \circ \hat X}}"
                rf"{{\sqrt{{\sigma^2 + \varepsilon}}}},\quad d\hat X = {scaled_latex}",
            ),
            Formula("dγ = sum of dY ∘ X̂", r"d\gamma = \sum dY \circ \hat X"),
            Formula("dβ = sum of dY", r"d\beta = \sum dY"),
        )
        self.backward_formulas = formulas[: len(self.symbols)]

    def forward(self, x: Array, gamma: Array | None = None, beta: Array | None = None) -> Array:
        """Return Y."""
        apart = {1} if self._leading is None else set(range(self._leading))
        self._over = tuple(axis for axis in range(x.ndim) if axis not in apart)
        learned = {1} if self._leading is None else set(self._over)
        self._others = tuple(axis for axis in range(x.ndim) if axis not in learned)
        self._shape = [length if axis in learned else 1 for axis, length in enumerate(x.shape)]
        self._deviation = np.sqrt(x.var(axis=self._over, keepdims=True) + self._epsilon)
        self._normal = (x - x.mean(axis=self._over, keepdims=True)) / self._deviation
        if gamma is None or beta is None:
            return np.asarray(self._normal)
        self._gamma, self._learned = gamma.reshape(self._shape), gamma.shape
        return np.asarray(self._gamma * self._normal + beta.reshape(self._shape))

    def backward(self, gradient: Array) -> tuple[Array, ...]:
        """Return dX, dγ and dβ."""
        by_normal = gradient * self._gamma if self._is_affine else gradient
        mean = by_normal.mean(axis=self._over, keepdims=True)
        along = (by_normal * self._normal).mean(axis=self._over, keepdims=True)
        by_x = (by_normal - mean - self._normal * along) / self._deviation
        if not self._is_affine:
            return (by_x,)
        sums = ((gradient * self._normal).sum(axis=self._others), gradient.sum(axis=self._others))
        return (by_x, *(each.reshape(self._learned) for each in sums))


class FixedNormalisation(Operation):
    """Batch normalisation at rest: by the running mean and variance, which no input shifts.

    Args:
        epsilon: ε.
        is_affine: whether γ and β are learned.
    """

    kind = "batch normalisation (running statistics)"

    def __init__(self, epsilon: float, *, is_affine: bool) -> None:
        self._epsilon, self._is_affine = epsilon, is_affine
        self.symbols = ("X", "μ", "σ²", "γ", "β") if is_affine else ("X", "μ", "σ²")
        affine, scale = ("γ X̂ + β", "γ ∘ ") if is_affine else ("X̂", "")
        affine_latex, scale_latex = (r"\gamma \hat X + \beta", r"\gamma \circ ") if is_affine else (r"\hat X", "")
        self.forward_formula = Formula(
            f"Y = {affine}, X̂ = (X - μ) / √(σ² + ε)",
            rf"Y = {affine_latex},\quad \hat X = \frac{{X - \mu}}{{\sqrt{{\sigma^2 + \varepsilon}}}}",
        )
        formulas = (
            Formula(
                f"dX = {scale}dY / √(σ² + ε)", rf"dX = \frac{{{scale_latex}dY}}{{\sqrt{{\sigma^2 + \varepsilon}}}}"
            ),
            Formula("dγ = sum of dY ∘ X̂", r"d\gamma = \sum dY \circ \hat X"),
            Formula("dβ = sum of dY", r"d\beta = \sum dY"),
        )
        self.backward_formulas = formulas if is_affine else formulas[:1]

    def forward(
        self, x: Array, mean: Array, variance: Array, gamma: Array | None = None, beta: Array | None = None
    ) -> Array:
        """Return Y."""
        shape = (-1,) + (1,) * (x.ndim - 2)
        self._deviation = np.sqrt(variance.reshape(shape) + self._epsilon)
        self._normal = (x - mean.reshape(shape)) / self._deviation
        if gamma is None or beta is None:
            return np.asarray(self._normal)
        self._gamma = gamma.reshape(shape)
        return np.asarray(self._gamma * self._normal + beta.reshape(shape))

    def backward(self, gradient: Array) -> tuple[Array | None, ...]:
        """Return dX, nothing for the running statistics, dγ and dβ."""
        if not self._is_affine:
            return gradient / self._deviation, None, None
        over = tuple(axis for axis in range(gradient.ndim) if axis != 1)
        by_x = gradient * self._gamma / self._deviation
        return by_x, None, None, (gradient * self._normal).sum(axis=over), gradient.sum(axis=over)


class Softmax(Operation):
    """A = exp(Z) / Σ exp(Z) along a dimension, or its logarithm.

    Args:
        axis: the dimension.
        is_log: whether the logarithm is taken.
    """

    symbols = ("Z",)
    output = "A"

    def __init__(self, axis: int, *, is_log: bool) -> None:
        self._axis, self._is_log = axis, is_log
        if is_log:
            self.kind = "logarithm of softmax"
            self.forward_formula = Formula("A = Z - log Σ exp(Z)", r"A = Z - \log \sum e^{Z}")
            self.backward_formulas = (Formula("dZ = dA - exp(A) Σ dA", r"dZ = dA - e^{A} \sum dA"),)
        else:
            self.kind = "softmax"
            self.forward_formula = Formula("A = exp(Z) / Σ exp(Z)", r"A = \frac{e^{Z}}{\sum e^{Z}}")
            self.backward_formulas = (
                Formula("dZ = A ∘ (dA - Σ dA ∘ A)", r"dZ = A \circ \bigl(dA - \sum dA \circ A\bigr)"),
            )  # fmt: skip

    def forward(self, z: Array) -> Array:
        """Return A."""
        shifted = z - z.max(axis=self._axis, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=self._axis, keepdims=True))
        self._shares = np.exp(logs)
        return np.asarray(logs if self._is_log else self._shares)

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return dZ."""
        if self._is_log:
            return (gradient - self._shares * gradient.sum(axis=self._axis, keepdims=True),)
        return (self._shares * (gradient - (gradient * self._shares).sum(axis=self._axis, keepdims=True)),)


class LocalResponse(Operation):
    """Y = X / S^β, S_c = k + α/n Σ x_j², over n neighbouring channels j of c.

    Krizhevsky et al. 2012, section 3.3; α is torch's, n times the paper's.

    Args:
        size: n, from ⌊n/2⌋ channels before to ⌊(n-1)/2⌋ behind; beyond the ends are zeros.
        alpha, beta, k: as in the formula.
    """

    kind = "local response normalisation"
    symbols = ("X",)

    def __init__(self, size: int, alpha: float, beta: float, k: float) -> None:
        self._size, self._alpha, self._beta, self._k = size, alpha, beta, k
        a, twice = f"{alpha / size:g}", f"{2 * alpha * beta / size:g}"
        self.forward_formula = Formula(
            f"Y = X / S^{beta:g}, S_c = {k:g} + {a} Σ_j x_j², j from c-{size // 2} to c+{(size - 1) // 2}",
            rf"Y = X \circ S^{{-{beta:g}}},\quad S_c = {k:g} + {a}"
            rf" \sum_{{j=c-{size // 2}}}^{{c+{(size - 1) // 2}}} x_j^2",
        )
        self.backward_formulas = (
            Formula(
                f"dX = dY / S^{beta:g} - {twice} X ∘ Σ dY ∘ Y / S, over the channels whose sum x is in",
                rf"dX_j = \frac{{dY_j}}{{S_j^{{{beta:g}}}}} - {twice}\, x_j \sum_{{c \ni j}} \frac{{dY_c Y_c}}{{S_c}}",
            ),
        )

    def forward(self, x: Array) -> Array:
        """Return Y."""
        places = np.arange(x.shape[1])
        apart = places - places[:, None]
        self._near = ((apart >= -(self._size // 2)) & (apart <= (self._size - 1) // 2)) * 1.0
        self._x = x
        self._s = self._k + self._alpha / self._size * self._summed(x**2, self._near)
        self._y = x / self._s**self._beta
        return np.asarray(self._y)

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return dX."""
        shared = self._summed(gradient * self._y / self._s, self._near.T)
        scale = 2 * self._alpha * self._beta / self._size
        return (gradient / self._s**self._beta - scale * self._x * shared,)

    @staticmethod
    def _summed(x: Array, near: Array) -> Array:
        """Return of each channel the sum over those that are near."""
        return np.moveaxis(np.moveaxis(x, 1, -1) @ near.T, -1, 1)
