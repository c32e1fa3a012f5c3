"""Losses, each with the gradient with which the backward pass begins.

Shape letters: m samples, K outputs of each; O is what the network gives, T the targets.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.special import expit

from pellucid.explain.derivation.operation import Operation, first_of, number, place
from pellucid.explain.derivation.steps import Array, Formula


class Loss(Operation):
    """A loss: its operands are the outputs O and the targets T, its result E."""

    symbols = ("O", "T")
    output = "E"


def in_columns(begin: str, begin_latex: str | None = None) -> Formula:
    """Return how lecture notes write the same: samples as columns, and the 1/m left for the weights' gradients."""
    return Formula(
        f"(with samples as columns, and 1/m left for the weights: {begin}, dW = dZ Xᵀ / m, db = mean of dZ)",
        rf"\text{{(samples as columns: }} {begin_latex or begin},\; dW = \tfrac{{1}}{{m}} dZ\, X^\top,\;"
        r" db = \overline{dZ}\text{)}",
    )


class SquaredError(Loss):
    """E = c Σ (O - T)².

    Args:
        half: whether c has ½ in it.
        over: what c divides by: the `samples`, all `numbers`, or `nothing`.
        samples: m.
    """

    def __init__(self, *, half: bool, over: str, samples: int = 1) -> None:
        self._half, self._over, self._samples = half, over, samples
        means = {"samples": " (mean over the samples)", "numbers": " (mean over all numbers)", "nothing": ""}
        self.kind = ("half squared error" if half else "squared error") + means[over]
        below = {"samples": "m", "numbers": "n", "nothing": ""}[over]
        c = f"1/(2{below}) " if half and below else "½ " if half else f"1/{below} " if below else ""
        c_latex = rf"\frac{{1}}{{{'2' * half}{below}}} " if half or below else ""
        slope = "O - T" if half and not below else f"{'' if half else '2 '}(O - T){f' / {below}' if below else ''}"
        self.forward_formula = Formula(f"E = {c}Σ (T - O)²", rf"E = {c_latex}\sum (T - O)^2")
        own = Formula(f"dO = {slope}", f"dO = {slope}")
        self.backward_formulas = (own, in_columns("dO = O - T")) if over == "samples" else (own,)

    def forward(self, outputs: Array, targets: Array) -> Array:
        """Return E."""
        self._apart = outputs - targets
        count = {"samples": self._samples, "numbers": outputs.size, "nothing": 1}[self._over]
        self._scale = (0.5 if self._half else 1.0) / count
        return np.asarray(self._scale * (self._apart**2).sum())

    def backward(self, gradient: Array) -> tuple[Array, None]:
        """Return dO."""
        return gradient * 2 * self._scale * self._apart, None

    def worked(self, gradient: Array | None) -> tuple[str, ...]:  # noqa: ARG002 (dE is 1)
        """Return the sum, and the first output's gradient."""
        first = first_of(self._apart)
        squares = " + ".join(f"({number(-each)})²" for each in self._apart.ravel()[:6])
        slope = 2 * self._scale * self._apart[first]
        more = f" + ({self._apart.size - 6} more)" if self._apart.size > 6 else ""
        return (
            f"E = {number(self._scale)}·({squares}{more}) = {number(self._scale * (self._apart**2).sum())}",
            f"dO{place(first)} = {number(2 * self._scale)}·{number(self._apart[first])} = {number(slope)}",
        )

    def numbers(self, at: Sequence[int]) -> Mapping[str, float]:  # noqa: ARG002 (the same everywhere)
        """Return m and n."""
        return {"m": self._samples, "n": self._apart.size}


class _OfProbabilities(Loss):
    """A loss whose gradient by the logits Z is (Ŷ - Y) / m.

    Args:
        is_mean: whether the mean over the samples is taken, not the sum.
    """

    symbols = ("Z", "Y")

    def __init__(self, *, is_mean: bool) -> None:
        self._is_mean = is_mean

    def forward(self, logits: Array, targets: Array) -> Array:
        """Return E."""
        losses, self._probabilities, self._truth = self._of(logits, targets)
        self._count = losses.size if self._is_mean else 1
        self._value = losses.sum() / self._count
        return np.asarray(self._value)

    def backward(self, gradient: Array) -> tuple[Array, None]:
        """Return (Ŷ - Y) / m."""
        return gradient * (self._probabilities - self._truth) / self._count, None

    def worked(self, gradient: Array | None) -> tuple[str, ...]:  # noqa: ARG002 (dE is 1)
        """Return the sum, and the first logit's gradient."""
        first = first_of(self._probabilities)
        said, is_so = self._probabilities[first], self._truth[first]
        value = (said - is_so) / self._count
        terms = [
            f"{'' if share == 1 else number(share) + '·'}log {number(p)}" for share, p in self._logarithms() if share
        ]
        more = [f"({len(terms) - 6} more)"] if len(terms) > 6 else []
        return (
            f"E = -({' + '.join(terms[:6] + more)}) / {self._count} = {number(self._value)}",
            f"dZ{place(first)} = ({number(said)} - {number(is_so)}) / {self._count} = {number(value)}",
        )

    def numbers(self, at: Sequence[int]) -> Mapping[str, float]:
        """Return ŷ, y and m."""
        said, is_so = float(self._probabilities[tuple(at)]), float(self._truth[tuple(at)])
        return {r"\hat Y": said, "Y": is_so, "m": self._count}

    def _logarithms(self) -> Iterable[tuple[float, float]]:
        """Return the probabilities whose logarithms are summed, each with its share."""
        return zip(self._truth.ravel().tolist(), self._probabilities.ravel().tolist(), strict=True)

    @abstractmethod
    def _of(self, logits: Array, targets: Array) -> tuple[Array, Array, Array]:
        """Return the loss of each sample, Ŷ and Y."""


def _written(said: str, said_latex: str, loss: str, loss_latex: str, *, is_mean: bool) -> list[Formula]:
    """Return the formulas of a loss, of (Ŷ - Y) / m, and of how notes write that."""
    before, before_latex = ("1/m ", r"\frac{1}{m} ") if is_mean else ("", "")
    below, below_latex = (" / m", r"\frac{1}{m} ") if is_mean else ("", "")
    notes = [in_columns("dZ = Ŷ - Y", r"dZ = \hat Y - Y")] if is_mean else []
    return [
        Formula(
            f"E = -{before}Σ {loss}, Ŷ = {said}", rf"E = -{before_latex}\sum {loss_latex},\quad \hat Y = {said_latex}"
        ),
        Formula(f"dZ = (Ŷ - Y){below}", rf"dZ = {below_latex}(\hat Y - Y)"),
        *notes,
    ]


class CrossEntropy(_OfProbabilities):
    """E = -1/m Σ log ŷ_right, Ŷ = softmax(Z), of logits and class numbers or probabilities; m counts all choices.

    Args:
        axis: the classes' dimension.
        is_mean: whether the mean is taken, not the sum.
    """

    def __init__(self, axis: int, *, is_mean: bool) -> None:
        super().__init__(is_mean=is_mean)
        self._axis = axis
        self.kind = "cross-entropy of the softmax"
        self.forward_formula, *self.backward_formulas = _written(
            "softmax(Z)", r"\mathrm{softmax}(Z)", "Y log Ŷ", r"Y \log \hat Y", is_mean=is_mean
        )

    def _of(self, logits: Array, targets: Array) -> tuple[Array, Array, Array]:
        shifted = logits - logits.max(axis=self._axis, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=self._axis, keepdims=True))
        truth = targets
        if targets.ndim < logits.ndim:
            truth = np.moveaxis(np.eye(logits.shape[self._axis])[targets.astype(np.int64)], -1, self._axis)
        return -(truth * logs).sum(axis=self._axis), np.exp(logs), truth

    def backward(self, gradient: Array) -> tuple[Array, None]:
        """Return (Ŷ - Y) / m, where the probabilities of Y sum to s: (s Ŷ - Y) / m."""
        mass = self._truth.sum(axis=self._axis, keepdims=True)
        return gradient * (mass * self._probabilities - self._truth) / self._count, None


class BinaryCrossEntropy(_OfProbabilities):
    """E = -1/m Σ (Y log Ŷ + (1 - Y) log(1 - Ŷ)), Ŷ = σ(Z), of logits; m counts all numbers."""

    def __init__(self, *, is_mean: bool) -> None:
        super().__init__(is_mean=is_mean)
        self.kind = "binary cross-entropy of the sigmoid"
        self.forward_formula, *self.backward_formulas = _written(
            "σ(Z)", r"\sigma(Z)", "(Y log Ŷ + (1 - Y) log(1 - Ŷ))",
            r"\bigl(Y \log \hat Y + (1 - Y) \log(1 - \hat Y)\bigr)", is_mean=is_mean,
        )  # fmt: skip

    def _of(self, logits: Array, targets: Array) -> tuple[Array, Array, Array]:
        return np.logaddexp(0.0, logits) - targets * logits, expit(logits), targets

    def _logarithms(self) -> Iterable[tuple[float, float]]:
        for truth, said in super()._logarithms():
            yield from ((truth, said), (1 - truth, 1 - said))


class BinaryCrossEntropyOfProbabilities(Loss):
    """E = -1/m Σ (T log O + (1 - T) log(1 - O)), of probabilities O that a sigmoid gave; m counts all numbers."""

    kind = "binary cross-entropy"

    def __init__(self, *, is_mean: bool) -> None:
        self._is_mean = is_mean
        before, before_latex = ("1/m ", r"\frac{1}{m} ") if is_mean else ("", "")
        self.forward_formula = Formula(
            f"E = -{before}Σ (T log O + (1 - T) log(1 - O))",
            rf"E = -{before_latex}\sum \bigl(T \log O + (1 - T) \log(1 - O)\bigr)",
        )
        self.backward_formulas = (
            Formula(f"dO = {before}(O - T) / (O (1 - O))", rf"dO = {before_latex}\frac{{O - T}}{{O (1 - O)}}"),
        )  # fmt: skip

    def forward(self, outputs: Array, targets: Array) -> Array:
        """Return E."""
        self._outputs, self._targets = outputs, targets
        self._count = outputs.size if self._is_mean else 1
        # torch's bound of the logarithm
        logs, others = (np.maximum(np.log(each, where=each > 0, out=np.full(each.shape, -np.inf)), -100)
                        for each in (outputs, 1 - outputs))  # fmt: skip
        return np.asarray(-(targets * logs + (1 - targets) * others).sum() / self._count)

    def backward(self, gradient: Array) -> tuple[Array, None]:
        """Return dO."""
        slope = np.maximum(self._outputs * (1 - self._outputs), 1e-12)  # as torch does
        return gradient * (self._outputs - self._targets) / slope / self._count, None
