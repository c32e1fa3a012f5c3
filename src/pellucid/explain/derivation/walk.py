"""The walk through a network: forwards, the loss, backwards, and each number held against autograd's."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pellucid.errors import OptionError
from pellucid.explain.derivation.calling import Outputs, are_alike, by_name, leaf_of, outputs_of, resting_copy
from pellucid.explain.derivation.criterion import Criterion, LossLike, as_tensor
from pellucid.explain.derivation.heads import SummedLosses, criterion_of, refuse_twice
from pellucid.explain.derivation.operation import Operation, Value
from pellucid.explain.derivation.program import Place, Values, all_tensors, program_of
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
from pellucid.seed import isolated


def backprop(
    model: nn.Module, x: Any, y: Any, *, loss: LossLike | Mapping[str, LossLike] | None = None,
    learning_rate: float | None = None, dtype: torch.dtype = torch.float64, weights: Mapping[str, float] | None = None,
) -> Derivation:  # fmt: skip
    """Return the forward and backward pass of a network as formulas with their numbers, layer by layer.

    Every value and gradient is computed by the written formula, in NumPy and without autograd, from the values before
    it; how far it is from autograd's is part of the result. What has no written formula is computed by torch and
    marked so. The model itself is left as it is: all is done on a copy.

    Args:
        model: any module of tensors that gives a tensor or a dict of them, in the mode it is in: in training, batch
            normalisation takes the batch's own statistics.
        x: a batch of inputs; of a network of several inputs a tuple of tensors.
        y: the targets; of a network of several outputs a dict of them, by the outputs' names.
        loss: `half-squared-error` (½ Σ (t - o)², the mean over the samples), `squared-error` (the mean over all
            numbers), `cross-entropy` and `binary-cross-entropy` (both of logits), or a loss module. By itself
            cross-entropy for whole numbers, else squared-error. Of several outputs one for all, or a dict.
        learning_rate: η, to be shown one step of gradient descent, w' = w - η ∂E/∂w.
        dtype: in which torch computes what the formulas, always in float64, are held against.
        weights: of the losses of several outputs in their sum, 1 where one has none.

    Raises:
        DataError: inputs or targets do not fit.
        OptionError: an unknown loss, or a network that draws random numbers.
    """
    copied = resting_copy(model, dtype)
    is_several = isinstance(x, tuple) and all(isinstance(each, Tensor | np.ndarray) for each in x)
    inputs = tuple(as_tensor(each, dtype) for each in (x if is_several else (x,)))
    # a diverging network's numbers may overflow, and are shown as they are
    with computing_in(dtype), isolated(), np.errstate(all="ignore"):
        outputs = outputs_of(copied, inputs)
        samples = len(inputs[0]) if inputs[0].dim() > 1 else 1
        meant = criterion_of(loss, outputs, y, samples, dtype, weights)
        return _Walk(copied, inputs, outputs, meant, dtype).derivation(loss, learning_rate)


class _Walk:
    """One derivation in the making."""

    def __init__(
        self, model: nn.Module, inputs: tuple[Tensor, ...], outputs: Outputs, meant: Criterion, dtype: torch.dtype
    ) -> None:
        self._model, self._inputs, self._meant = model, inputs, meant
        self._outputs = outputs
        self._recorder, self._torch_loss = self._recorded(outputs)
        self._program = program_of(self._recorder, model, dtype)
        self._tensors: dict[str, Array] = {name: arrays(each) for name, each in all_tensors(model).items()}

    def derivation(self, loss: LossLike | Mapping[str, LossLike] | None, learning_rate: float | None) -> Derivation:
        """Return the derivation."""
        ends = self._program.output if isinstance(self._program.output, tuple) else (self._program.output,)
        kinds = {place.value: place.operation.kind for place in self._program.places}
        refuse_twice(loss, {head: kinds.get(end, "") for head, end in zip(by_name(self._outputs), ends, strict=False)})
        program, meant = self._program, self._meant
        values = program.forward(arrays(self._inputs), self._tensors)
        outputs, targets = program.result(values), arrays(meant.targets)
        value = float(meant.operation.forward(outputs, targets))
        begin = meant.operation.backward(np.asarray(1.0))[0]
        if begin is None:
            raise OptionError("the loss does not depend on the network", advice="check the loss and its reduction")
        totals, through = program.backward(begin)
        grads = {name: totals[_parameter(name)] for name in self._learned() if _parameter(name) in totals}
        steps = tuple(self._step(place, values, totals, through[place.name]) for place in program.places)
        end = self._loss_step(value, outputs, targets, begin)
        parts = [each for each in (*(step.agreement for step in steps), end.agreement) if each is not None]
        update = None
        if learning_rate is not None:
            update, apart = self._updated(grads, learning_rate)
            parts.append(apart)
        return Derivation(
            network=type(self._model).__name__, steps=steps, loss=end, gradients=grads, update=update,
            agreement=overall(parts),
        )  # fmt: skip

    def _recorded(self, outputs: Outputs) -> tuple[Recorder, Tensor]:
        """Run the network as a graph, and autograd through it; as a single step where the graph gives other outputs."""
        for graph_of in (traced, single):
            model = self._model
            model.zero_grad()
            recorder = Recorder(graph_of(model, len(self._inputs)))
            found = recorder.run(*(leaf_of(each).clone() for each in self._inputs))
            if are_alike(found, outputs) and not (recorder.has_dicts and graph_of is traced):
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

    def _slopes(self) -> Nested:
        """Return autograd's gradients of the loss by the outputs."""
        leaves = {name: leaf_of(each) for name, each in by_name(self._outputs).items()}
        loss = self._meant.reference(leaves if isinstance(self._outputs, dict) else leaves[""], self._meant.targets)
        found = torch.autograd.grad(loss, list(leaves.values()))
        return arrays(found if isinstance(self._outputs, dict) else found[0])

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
            agreement=self._apart(place, result, totals) if operation.is_recomputed else None, rule=operation,
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

    def _loss_step(self, value: float, outputs: Nested, targets: Nested, gradient: Nested) -> LossStep:
        operation = self._meant.operation
        apart = None
        if operation.is_recomputed:
            apart = agreement([(np.asarray(value), arrays(self._torch_loss)), (gradient, self._slopes())])
        heads = {}
        if isinstance(operation, SummedLosses):
            parts = zip(operation.losses.items(), outputs, targets, strict=True)
            heads = {
                name: _told(each, operation.values[name], output, target, operation.gradients[name], None)
                for (name, each), output, target in parts
            }
        return replace(_told(operation, value, outputs, targets, gradient, apart), heads=heads)

    def _updated(self, gradients: Mapping[str, Array], rate: float) -> tuple[Update, Agreement]:
        """Return the parameters and the loss after a step, and how far that loss is from torch's."""
        after = {name: np.asarray(self._tensors[name] - rate * each) for name, each in gradients.items()}
        values = self._program.forward(arrays(self._inputs), self._tensors | after)
        targets = arrays(self._meant.targets)
        value = float(self._meant.operation.forward(self._program.result(values), targets))
        with torch.no_grad():
            for each in self._learned().values():
                if each.grad is not None:
                    each.sub_(rate * each.grad)
            theirs = self._meant.reference(self._model(*self._inputs), self._meant.targets)
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


def _told(
    operation: Operation, value: float, outputs: Nested, targets: Nested, gradient: Nested, apart: Agreement | None
) -> LossStep:
    return LossStep(
        kind=operation.kind, symbols=tuple(operation.symbols), value=value, outputs=outputs, targets=targets,
        gradient=gradient, forward=operation.forward_formula, backward=tuple(operation.backward_formulas),
        worked=operation.worked(np.asarray(1.0)), is_recomputed=operation.is_recomputed,
        operations=operation.operations, agreement=apart, rule=operation,
    )  # fmt: skip
