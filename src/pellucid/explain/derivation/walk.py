"""The walk through a network: forwards, the loss, backwards, and each number held against autograd's."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules import dropout

from pellucid.errors import DataError, OptionError
from pellucid.explain.derivation.criterion import Criterion, LossLike, LossName, as_tensor, criterion
from pellucid.explain.derivation.operation import Value
from pellucid.explain.derivation.program import Place, Program, Values, all_tensors, program_of
from pellucid.explain.derivation.steps import (
    Agreement,
    Array,
    Derivation,
    LossStep,
    Nested,
    Operand,
    Step,
    Update,
    agreement,
    overall,
)
from pellucid.explain.derivation.tracing import Recorder, computing_in, single, traced
from pellucid.explain.derivation.unwritten import arrays
from pellucid.seed import isolated, seed_torch


def backprop(
    model: nn.Module, x: Any, y: Any, *, loss: LossLike | None = None,
    learning_rate: float | None = None, dtype: torch.dtype = torch.float64,
) -> Derivation:  # fmt: skip
    """Return the forward and backward pass of a network as formulas with their numbers, layer by layer.

    Every value and gradient is computed by the written formula, in NumPy and without autograd, from the values before
    it; how far it is from autograd's is part of the result. What has no written formula is computed by torch and
    marked so. The model itself is left as it is: all is done on a copy.

    Args:
        model: any module of one tensor, in the mode it is in: in training, batch normalisation takes the batch's own
            statistics.
        x: a batch of inputs.
        y: the targets.
        loss: `half-squared-error` (½ Σ (t - o)², the mean over the samples), `squared-error` (the mean over all
            numbers), `cross-entropy` and `binary-cross-entropy` (both of logits), or a loss module. By itself
            cross-entropy for whole numbers, else squared-error.
        learning_rate: η, to be shown one step of gradient descent, w' = w - η ∂E/∂w.
        dtype: in which torch computes what the formulas, always in float64, are held against.

    Raises:
        DataError: inputs or targets do not fit.
        OptionError: an unknown loss, or a network that draws random numbers.
    """
    copied = _copied(model, dtype)
    inputs = as_tensor(x, dtype)
    # a diverging network's numbers may overflow, and are shown as they are
    with computing_in(dtype), isolated(), np.errstate(all="ignore"):
        outputs = _outputs(copied, inputs)
        samples = len(inputs) if inputs.dim() > 1 else 1
        meant = criterion(loss, outputs, as_tensor(y, dtype), samples)
        return _Walk(copied, inputs, outputs, meant, dtype).derivation(loss, learning_rate)


class _Walk:
    """One derivation in the making."""

    def __init__(self, model: nn.Module, inputs: Tensor, outputs: Tensor, meant: Criterion, dtype: torch.dtype) -> None:
        self._model, self._inputs, self._meant = model, inputs, meant
        self._recorder, self._torch_loss = self._recorded(outputs)
        self._program = program_of(self._recorder, model, dtype)
        self._tensors: dict[str, Array] = {name: arrays(each) for name, each in all_tensors(model).items()}

    def derivation(self, loss: LossLike | None, learning_rate: float | None) -> Derivation:
        """Return the derivation."""
        _refuse_twice(loss, self._program)
        program, meant = self._program, self._meant
        values = program.forward(arrays(self._inputs), self._tensors)
        targets = arrays(meant.targets)
        value = float(meant.operation.forward(values[program.output], targets))
        begin = meant.operation.backward(np.asarray(1.0))[0]
        if begin is None:
            raise OptionError("the loss does not depend on the network", advice="check the loss and its reduction")
        totals, through = program.backward(begin)
        grads = {name: totals[_parameter(name)] for name in self._learned() if _parameter(name) in totals}
        steps = tuple(self._step(place, values, totals, through[place.name]) for place in program.places)
        end = self._loss_step(value, values[program.output], targets, begin)
        parts = [each for each in (*(step.agreement for step in steps), end.agreement) if each is not None]
        update = None
        if learning_rate is not None:
            update, apart = self._updated(grads, learning_rate)
            parts.append(apart)
        return Derivation(
            network=type(self._model).__name__, steps=steps, loss=end, gradients=grads, update=update,
            agreement=overall(parts),
        )  # fmt: skip

    def _recorded(self, outputs: Tensor) -> tuple[Recorder, Tensor]:
        """Run the network as a graph, and autograd through it; as a single step where the graph gives other outputs."""
        for graph_of in (traced, single):
            model = self._model
            model.zero_grad()
            recorder = Recorder(graph_of(model))
            inputs = self._inputs.clone()
            if inputs.is_floating_point():
                inputs.requires_grad_()
            found = recorder.run(inputs.clone())
            if isinstance(found, Tensor) and found.shape == outputs.shape and torch.equal(found.detach(), outputs):
                break
        loss = self._meant.reference(found, self._meant.targets)
        if loss.dim() or not loss.requires_grad:
            raise OptionError(
                "there is nothing to derive", expected="a loss of one number that depends on what is learned",
                received=f"a loss of the shape {tuple(loss.shape)}"
                + ("" if loss.requires_grad else " that no parameter changes"),
            )  # fmt: skip
        loss.backward()
        return recorder, loss.detach()

    def _learned(self) -> dict[str, nn.Parameter]:
        return {name: each for name, each in self._model.named_parameters() if each.requires_grad}

    def _step(self, place: Place, values: Values, totals: Values, through: tuple[Nested, ...]) -> Step:
        operation = place.operation
        result, gradient = values[place.value], totals.get(place.value)
        operands = tuple(
            _operand(symbol, each, values, found)
            for symbol, each, found in zip(operation.symbols, place.operands, through, strict=True)
        )
        return Step(
            name=place.name, kind=operation.kind, operands=operands, symbol=operation.output, output=result,
            output_gradient=gradient, forward=operation.forward_formula,
            backward=tuple(operation.backward_formulas) if gradient is not None else (),
            worked=() if isinstance(result, tuple) or not result.size else operation.worked(gradient),
            is_recomputed=operation.is_recomputed, operations=operation.operations,
            agreement=self._apart(place, result, totals) if operation.is_recomputed else None,
        )  # fmt: skip

    def _apart(self, place: Place, result: Nested, totals: Values) -> Agreement:
        """Return how far a step's output, its gradient and those of its parameters are from autograd's."""
        gradient = totals.get(place.value)
        value = agreement([(result, self._recorder.values[place.node])])
        passed = agreement([(gradient, self._recorder.gradient(place.node))], _least(totals.values()))
        learned = self._learned()
        summed = [
            (totals.get(each), _autograd(learned[each.source])) for each in place.operands
            if isinstance(each, Value) and each.is_parameter and each.source in learned
        ]  # fmt: skip
        least = max(_least(totals.values()), _largest(gradient))
        return overall([value, passed, agreement(summed, least)])

    def _loss_step(self, value: float, outputs: Array, targets: Array, gradient: Array) -> LossStep:
        operation = self._meant.operation
        theirs = next(node for node in self._recorder.graph.nodes if node.op == "output").args[0]
        pairs = [(np.asarray(value), arrays(self._torch_loss)), (gradient, self._recorder.gradient(theirs))]
        return LossStep(
            kind=operation.kind, symbols=tuple(operation.symbols), value=value, outputs=outputs, targets=targets,
            gradient=gradient, forward=operation.forward_formula, backward=tuple(operation.backward_formulas),
            worked=operation.worked(np.asarray(1.0)), is_recomputed=operation.is_recomputed,
            operations=operation.operations, agreement=agreement(pairs) if operation.is_recomputed else None,
        )  # fmt: skip

    def _updated(self, gradients: Mapping[str, Array], rate: float) -> tuple[Update, Agreement]:
        """Return the parameters and the loss after a step, and how far that loss is from torch's."""
        after = {name: np.asarray(self._tensors[name] - rate * each) for name, each in gradients.items()}
        values = self._program.forward(arrays(self._inputs), self._tensors | after)
        targets = arrays(self._meant.targets)
        value = float(self._meant.operation.forward(values[self._program.output], targets))
        with torch.no_grad():
            for each in self._learned().values():
                if each.grad is not None:
                    each.sub_(rate * each.grad)
            theirs = self._meant.reference(self._model(self._inputs), self._meant.targets)
        return Update(learning_rate=rate, parameters=after, loss=value), agreement([(value, arrays(theirs))])


def _largest(gradient: Nested) -> float:
    """Return the largest number of a gradient."""
    if isinstance(gradient, tuple):
        return max((_largest(each) for each in gradient), default=0.0)
    return 0.0 if gradient is None or not np.size(gradient) else float(np.abs(gradient).max())


def _least(gradients: Iterable[Nested]) -> float:
    """Return the size below which a whole gradient is taken for one that cancels: rounding is all that is left."""
    return 1e-6 * max(map(_largest, gradients), default=0.0)


def _parameter(name: str) -> Value:
    return Value(name, is_parameter=True, array=None)


def _autograd(parameter: nn.Parameter) -> Nested:
    return None if parameter.grad is None else arrays(parameter.grad)


def _operand(symbol: str, operand: Any, values: Values, gradient: Nested) -> Operand:
    if isinstance(operand, Value):
        return Operand(symbol, operand.source, operand.is_parameter, values[operand], gradient)
    return Operand(symbol, "constant", is_parameter=False, value=np.asarray(operand), gradient=None)


def _copied(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return a copy on the CPU in the type asked for.

    Raises:
        OptionError: dropout is active.
    """
    active = [
        name or type(each).__name__
        for name, each in model.named_modules()
        if isinstance(each, dropout._DropoutNd) and each.training and each.p  # noqa: SLF001 (has no other name)
    ]
    if active:
        raise OptionError(
            "a network that drops units at random has no one derivation", expected="a network without active dropout",
            received=f"{', '.join(active)} in training mode",
            advice="call model.eval(); to keep the batch statistics of batch normalisation, call .eval() on the"
            " dropout layers only",
        )  # fmt: skip
    return copy.deepcopy(model).cpu().to(dtype)


def _outputs(model: nn.Module, inputs: Tensor) -> Tensor:
    """Return what a network gives.

    Raises:
        DataError: it cannot take the inputs, or gives no single tensor.
        OptionError: it draws random numbers.
    """
    found = []
    with torch.no_grad():
        for seed in (0, 1):
            seed_torch(seed, "derivation")
            try:
                # a copy each, for a forward pass may count its calls
                found.append(copy.deepcopy(model)(inputs.clone()))
            except (RuntimeError, ValueError, TypeError, IndexError) as error:
                raise DataError(
                    "the network cannot take these inputs", received=f"{inputs.dtype}, {tuple(inputs.shape)}",
                    advice=str(error).partition("\n")[0],
                ) from error  # fmt: skip
    first, second = found
    if not isinstance(first, Tensor):
        raise DataError(
            "only a network of one output can be derived", expected="one tensor", received=type(first).__name__,
            advice="pass a module that returns one of them",
        )  # fmt: skip
    if not torch.equal(first, second) and not (first.isnan() & second.isnan()).any():
        raise OptionError(
            "a network that draws random numbers has no one derivation", expected="the same outputs at every call",
            received="other outputs at a second call", advice="call model.eval()",
        )  # fmt: skip
    return first


def _refuse_twice(loss: LossLike | None, program: Program) -> None:
    """Refuse a loss of logits, asked for by name, behind the function that it has inside.

    Raises:
        OptionError: so it is.
    """
    last = next((place.operation.kind for place in program.places if place.value == program.output), "")
    name: LossName | None = (
        "cross-entropy" if last == "softmax" else "binary-cross-entropy" if last == "sigmoid" else None
    )
    if name is not None and loss == name:
        own = "BCELoss" if last == "sigmoid" else "CrossEntropyLoss"
        raise OptionError(
            f"{name} takes logits, and the network ends in a {last}", expected=f"a network without the last {last}",
            received=f"{last} twice, once in the network and once in the loss",
            advice=f"take it out, or pass loss=torch.nn.{own}()"
            + ("" if last == "sigmoid" else " to derive it all the same"),
        )  # fmt: skip
