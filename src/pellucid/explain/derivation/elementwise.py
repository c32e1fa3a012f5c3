"""Functions of each number by itself: A = g(Z), and so dZ = dA ∘ g′(Z)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import erf, expit

from pellucid.explain.derivation.operation import Operation, first_of, number, place
from pellucid.explain.derivation.steps import Array, Formula


@dataclass(frozen=True, slots=True)
class Curve:
    """A function and its derivative.

    Attributes:
        kind: what it is called.
        g: z -> a.
        slope: (z, a) -> g′(z).
        g_formula, slope_formula: of both; the slope's is what stands behind `g′(Z) =`.
    """

    kind: str
    g: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    g_formula: Formula
    slope_formula: Formula


class Elementwise(Operation):
    """A = g(Z)."""

    symbols = ("Z",)
    output = "A"

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        self.kind = curve.kind
        self.forward_formula = Formula(f"A = {curve.g_formula.plain}", f"A = {curve.g_formula.latex}")
        slope = curve.slope_formula
        self.backward_formulas = (
            Formula(f"dZ = dA ∘ g′(Z), g′(Z) = {slope.plain}", rf"dZ = dA \circ g'(Z),\quad g'(Z) = {slope.latex}"),
        )

    def forward(self, z: Array) -> Array:
        """Return g(Z)."""
        self._z, self._a = z, self._curve.g(z)
        return self._a

    def backward(self, gradient: Array) -> tuple[Array]:
        """Return dA ∘ g′(Z)."""
        return (gradient * self._curve.slope(self._z, self._a),)

    def worked(self, gradient: Array | None) -> tuple[str, ...]:
        """Return both for the first number."""
        first = first_of(self._z)
        z, a, at = self._z[first], self._a[first], place(first)
        lines = [f"A{at} = g({number(z)}) = {number(a)}"]
        if gradient is not None:
            slope = np.broadcast_to(self._curve.slope(self._z, self._a), self._z.shape)[first]
            da = gradient[first]
            lines.append(f"dZ{at} = {number(da)}·{number(slope)} = {number(da * slope)}")
        return tuple(lines)

    def numbers(self, at: Sequence[int]) -> Mapping[str, float]:
        """Return a, in which many slopes are written."""
        return {"A": float(self._a[tuple(at)])}


def _softplus(z: Array) -> Array:
    return np.logaddexp(0.0, z)


def _mish_slope(z: Array, _: Array) -> Array:
    t = np.tanh(_softplus(z))
    return np.asarray(t + z * (1 - t**2) * expit(z))


def _normal(z: Array) -> tuple[Array, Array]:
    """Return the distribution function and the density of the standard normal."""
    return (1 + erf(z / np.sqrt(2))) / 2, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


IDENTITY = Curve(
    "identity", lambda z: z, lambda z, _: np.ones_like(z), Formula("Z", "Z"), Formula("1", "1")
)  # fmt: skip
RELU = Curve(
    "ReLU", lambda z: np.maximum(z, 0), lambda z, _: (z > 0) * 1.0,
    Formula("max(0, Z)", r"\max(0, Z)"), Formula("1 where Z > 0, else 0", r"[Z > 0]"),
)  # fmt: skip
SIGMOID = Curve(
    "sigmoid", expit, lambda _, a: a * (1 - a),
    Formula("1 / (1 + exp(-Z))", r"\frac{1}{1 + e^{-Z}}"), Formula("A ∘ (1 - A)", r"A \circ (1 - A)"),
)  # fmt: skip
TANH = Curve(
    "tanh", np.tanh, lambda _, a: 1 - a**2, Formula("tanh(Z)", r"\tanh(Z)"), Formula("1 - A²", "1 - A^2")
)  # fmt: skip
SILU = Curve(
    "SiLU", lambda z: z * expit(z), lambda z, a: expit(z) * (1 + z - a),
    Formula("Z ∘ σ(Z)", r"Z \circ \sigma(Z)"), Formula("σ(Z) ∘ (1 + Z - A)", r"\sigma(Z) \circ (1 + Z - A)"),
)  # fmt: skip
MISH = Curve(
    "Mish", lambda z: z * np.tanh(_softplus(z)), _mish_slope,
    Formula("Z ∘ T, T = tanh(log(1 + exp(Z)))", r"Z \circ T,\; T = \tanh(\log(1 + e^Z))"),
    Formula("T + Z ∘ (1 - T²) ∘ σ(Z)", r"T + Z \circ (1 - T^2) \circ \sigma(Z)"),
)  # fmt: skip
GELU = Curve(
    "GELU", lambda z: z * _normal(z)[0], lambda z, _: _normal(z)[0] + z * _normal(z)[1],
    Formula("Z ∘ Φ(Z)", r"Z \circ \Phi(Z)"), Formula("Φ(Z) + Z ∘ φ(Z)", r"\Phi(Z) + Z \circ \varphi(Z)"),
)  # fmt: skip
SOFTPLUS = Curve(
    "softplus", _softplus, lambda z, _: expit(z),
    Formula("log(1 + exp(Z))", r"\log(1 + e^Z)"), Formula("σ(Z)", r"\sigma(Z)"),
)  # fmt: skip
EXP = Curve("exponential", np.exp, lambda _, a: a, Formula("exp(Z)", "e^Z"), Formula("A", "A"))
LOG = Curve("logarithm", np.log, lambda z, _: 1 / z, Formula("log(Z)", r"\log Z"), Formula("1 / Z", "1 / Z"))
SQRT = Curve(
    "square root", np.sqrt, lambda _, a: 1 / (2 * a), Formula("√Z", r"\sqrt{Z}"), Formula("1 / (2A)", r"\frac{1}{2A}")
)  # fmt: skip
NEGATION = Curve("negation", np.negative, lambda z, _: -np.ones_like(z), Formula("-Z", "-Z"), Formula("-1", "-1"))
MAGNITUDE = Curve(
    "magnitude", np.abs, lambda z, _: np.sign(z), Formula("|Z|", "|Z|"), Formula("sign(Z)", r"\mathrm{sign}(Z)")
)
SINE = Curve("sine", np.sin, lambda z, _: np.cos(z), Formula("sin(Z)", r"\sin Z"), Formula("cos(Z)", r"\cos Z"))
COSINE = Curve("cosine", np.cos, lambda z, _: -np.sin(z), Formula("cos(Z)", r"\cos Z"), Formula("-sin(Z)", r"-\sin Z"))


def power(exponent: float) -> Curve:
    """Return A = Z^n for a fixed n."""
    n = f"{exponent:g}"
    return Curve(
        "power", lambda z: z**exponent, lambda z, _: exponent * z ** (exponent - 1),
        Formula(f"Z^{n}", f"Z^{{{n}}}"), Formula(f"{n} Z^({n} - 1)", f"{n} Z^{{{n} - 1}}"),
    )  # fmt: skip


def leaky(slope: float) -> Curve:
    """Return Z where Z > 0, else slope Z."""
    return Curve(
        "leaky ReLU", lambda z: np.where(z > 0, z, slope * z), lambda z, _: np.where(z > 0, 1.0, slope),
        Formula(f"Z where Z > 0, else {slope:g} Z", rf"\max(0, Z) + {slope:g} \min(0, Z)"),
        Formula(f"1 where Z > 0, else {slope:g}", rf"[Z > 0] + {slope:g}\,[Z \le 0]"),
    )  # fmt: skip


def elu(alpha: float) -> Curve:
    """Return Z where Z > 0, else α (exp(Z) - 1)."""
    return Curve(
        "ELU", lambda z: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
        lambda z, a: np.where(z > 0, 1.0, a + alpha),
        Formula(f"Z where Z > 0, else {alpha:g} (exp(Z) - 1)", rf"\max(0, Z) + {alpha:g} (e^{{\min(0, Z)}} - 1)"),
        Formula(f"1 where Z > 0, else A + {alpha:g}", rf"[Z > 0] + (A + {alpha:g})[Z \le 0]"),
    )  # fmt: skip


def clipped(low: float, high: float) -> Curve:
    """Return Z between two ends, and the ends beyond: hardtanh, ReLU6."""
    return Curve(
        "clipping", lambda z: np.clip(z, low, high), lambda z, _: ((z > low) & (z < high)) * 1.0,
        Formula(f"min(max(Z, {low:g}), {high:g})", rf"\min(\max(Z, {low:g}), {high:g})"),
        Formula(f"1 where {low:g} < Z < {high:g}, else 0", f"[{low:g} < Z < {high:g}]"),
    )  # fmt: skip


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017
SELU = Curve(
    "SELU", lambda z: _SELU_SCALE * np.where(z > 0, z, _SELU_ALPHA * np.expm1(np.minimum(z, 0))),
    lambda z, a: np.where(z > 0, _SELU_SCALE, a + _SELU_SCALE * _SELU_ALPHA),
    Formula("1.0507 Z where Z > 0, else 1.7581 (exp(Z) - 1)", r"\lambda\,(\max(0, Z) + \alpha (e^{\min(0, Z)} - 1))"),
    Formula("1.0507 where Z > 0, else A + 1.7581", r"\lambda\,[Z > 0] + (A + \lambda\alpha)[Z \le 0]"),
)  # fmt: skip


class PReLU(Operation):
    """A = Z where Z > 0, else αZ, with α learned: one, or one a channel."""

    kind = "parametric ReLU"
    symbols = ("Z", "α")
    output = "A"
    forward_formula = Formula("A = Z where Z > 0, else α Z", r"A = \max(0, Z) + \alpha \min(0, Z)")
    backward_formulas = (
        Formula("dZ = dA where Z > 0, else α dA", r"dZ = dA \circ ([Z > 0] + \alpha [Z \le 0])"),
        Formula("dα = sum of dA · Z where Z ≤ 0", r"d\alpha = \sum_{Z \le 0} dA\, Z"),
    )

    def forward(self, z: Array, alpha: Array) -> Array:
        """Return A."""
        self._z, self._count = z, len(alpha)
        self._alpha = alpha.reshape((-1,) + (1,) * (z.ndim - 2)) if self._count > 1 else alpha
        return np.where(z > 0, z, self._alpha * z)

    def backward(self, gradient: Array) -> tuple[Array, Array]:
        """Return dZ and dα."""
        by_alpha = gradient * np.minimum(self._z, 0)
        others = tuple(axis for axis in range(by_alpha.ndim) if axis != 1)
        total = by_alpha.sum(axis=others) if self._count > 1 else by_alpha.sum().reshape(1)
        return gradient * np.where(self._z > 0, 1.0, self._alpha), total
