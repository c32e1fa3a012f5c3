"""What a loss is given: predictions and the targets they are compared with."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from pellucid.diagnosis.observation import Line, LossSite, Phase, Score
from pellucid.diagnosis.observer.fingerprints import fingerprints
from pellucid.diagnosis.observer.graph import LONGEST_CHAIN, VIEWS, Graph, made_by
from pellucid.diagnosis.observer.held import is_real, number_of
from pellucid.diagnosis.observer.listening import Listener, Listening, quietly
from pellucid.diagnosis.observer.networks import Networks
from pellucid.diagnosis.observer.places import calling_place
from pellucid.diagnosis.observer.structure import softmax_axis

MANY = 64
"""Distinct targets counted; more are values, not classes."""
MOST_HEADS = 32
"""Losses of one answer on one line that are told apart."""
BATCHES = 2_000
"""Batches whose mean target is kept."""

LOSSES = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "poisson_nll_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "soft_margin_loss",
    "multilabel_soft_margin_loss",
    "multi_margin_loss",
)
"""Of torch.nn.functional: (prediction, target, ...)."""
CLASS_LOSSES = frozenset({"cross_entropy", "nll_loss", "multi_margin_loss"})
BINARY_LOSSES = frozenset(
    {"binary_cross_entropy", "binary_cross_entropy_with_logits", "soft_margin_loss", "multilabel_soft_margin_loss"}
)
DISTANCES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "manual"})


def take_in(site: LossSite, target: Tensor) -> None:
    """Add the targets that a loss was given to what its line was given before."""
    site.floating = target.is_floating_point()
    if not site.many and target.dim() and target.numel() == len(target) > 1 and _take_in_counted(site, target):
        return
    site.target.add(target)
    values = target.detach().double()
    finite = values[torch.isfinite(values)]
    if finite.numel() == 0:
        return
    if site.whole:
        site.whole = bool((finite == finite.round()).all())
    _count(site, finite)
    if values.dim() > 1 and values.shape[1] > 1 and site.one_hot:
        site.one_hot = bool(((values.sum(1) - 1).abs() < 1e-4).all() and values.min() >= 0)
    elif values.dim() < 2 or values.shape[1] == 1:
        site.one_hot = False
    by_row = values.reshape(values.shape[0], -1).mean(1) if values.dim() else values.reshape(1)
    if by_row.numel() > 1 and len(site.batch_means) < BATCHES:
        site.batch_means.append((by_row.mean().item(), by_row.var().item(), by_row.numel()))


def _take_in_counted(site: LossSite, target: Tensor) -> bool:
    """Do the same with one number a sample, and say whether it was done: of few finite ones, counted, all is known."""
    values = target.detach().double() if site.floating else target  # of halves torch has no `unique` everywhere
    distinct, counted = torch.unique(values, return_counts=True)
    numbers, counts = distinct[: MANY + 1].tolist(), counted[: MANY + 1].tolist()
    if len(numbers) > MANY or not all(map(math.isfinite, numbers)):
        return False
    site.target.add_counted(numbers, counts)
    site.one_hot = False
    site.whole = site.whole and all(number == round(number) for number in numbers)
    _add_classes(site, numbers, counts)
    if len(site.batch_means) < BATCHES:
        size = sum(counts)
        mean = sum(number * count for number, count in zip(numbers, counts, strict=True)) / size
        squares = sum(count * (number - mean) ** 2 for number, count in zip(numbers, counts, strict=True))
        site.batch_means.append((mean, squares / (size - 1), size))
    return True


def _count(site: LossSite, finite: Tensor) -> None:
    if not site.many:
        numbers, counts = torch.unique(finite, return_counts=True)
        _add_classes(site, numbers.tolist(), counts.tolist())


def _add_classes(site: LossSite, numbers: list[float], counts: list[int]) -> None:
    if len(numbers) > MANY or not site.whole:
        site.many = True
        return
    for number, count in zip(numbers, counts, strict=True):
        site.classes[float(number)] += count
    site.many = len(site.classes) > MANY


def score_of(function: str, prediction: Tensor, target: Tensor) -> tuple[str, float] | None:
    """Return how well predictions meet their targets, ("accuracy" or "r2", value), where that can be said."""
    with torch.no_grad():
        if function in CLASS_LOSSES and prediction.dim() > 1:
            classes = prediction.argmax(1)
            right = target.argmax(1) if target.is_floating_point() and target.shape == prediction.shape else target
            return ("accuracy", (classes == right).float().mean().item()) if right.shape == classes.shape else None
        if function in BINARY_LOSSES and prediction.shape == target.shape:
            if not _is_binary(target):
                return score_of("mse_loss", prediction.sigmoid() if "logits" in function else prediction, target)
            half = 0.5 if function == "binary_cross_entropy" else 0.0
            return "accuracy", ((prediction > half) == (target > 0.5)).float().mean().item()
        if function in DISTANCES and _is_stretched_to(prediction, target) and target.shape[:1].numel() > 1:
            spread = (target - target.float().mean(0)).square().sum().item()
            residual = (prediction - target).float().square().sum().item()
            return ("r2", 1 - residual / spread) if spread > 0 else None
    return None


def classes_of(function: str, prediction: Tensor, target: Tensor) -> Tensor | None:
    """Return the classes that a prediction says, one for each target; None where it says none."""
    if prediction.dim() == 2 and prediction.shape[1] > 1 and target.dim() == 1:
        return prediction.argmax(1).double()
    if prediction.numel() == target.numel():
        half = 0.5 if function in {"binary_cross_entropy", "mse_loss", "l1_loss"} else 0.0
        return (prediction.reshape(-1) > half).double()
    return None


def _is_stretched_to(prediction: Tensor, target: Tensor) -> bool:
    """Say whether subtracting gives a number for each of the target's: too few predictions stand for several."""
    return prediction.dim() == target.dim() and all(
        one in (1, other) for one, other in zip(prediction.shape, target.shape, strict=True)
    )


def _is_binary(target: Tensor) -> bool:
    return bool(((target == 0) | (target == 1) | (target == -1)).all())


class Losses(Listener):
    """Hears every loss, and every comparison by hand of predictions with targets.

    Attributes:
        made: number of the node that a loss made -> (its line, the number of the prediction's node).
    """

    def __init__(self, listening: Listening, networks: Networks) -> None:
        super().__init__(listening)
        self.networks = networks
        self.made: dict[int, tuple[LossSite, int | None]] = {}
        self._again: Counter[Line] = Counter()
        self._answer = (0, 0)

    @quietly
    def loss(self, function: str, result: Tensor, *arguments: Any, **keywords: Any) -> None:
        """A loss of torch.nn.functional was computed."""
        operands = dict(zip(("input", "target"), arguments, strict=False)) | keywords
        prediction, target = operands.get("input"), operands.get("target")
        if is_real(prediction) and is_real(target):
            if target.requires_grad and not prediction.requires_grad:  # given the wrong way round
                prediction, target = target, prediction
            weighted = any(operands.get(name) is not None for name in ("weight", "pos_weight"))
            self._given(function, result, prediction, target, weighted)

    def compared(self, function: str, result: Tensor, *operands: Any, **keywords: Any) -> None:
        """Two things were subtracted or compared."""
        if self.networks.answer is not None:
            self._compared(function, result, *operands, **keywords)

    @quietly
    def _compared(self, function: str, result: Tensor, one: Any, other: Any, *rest: Any, **keywords: Any) -> None:
        """Two tensors were subtracted or compared, outside of any network."""
        if not (is_real(one) and is_real(other) and is_real(result)):
            return
        if self.networks.answer is None or self.networks.is_inside():
            return
        training = one.requires_grad or other.requires_grad
        if not (self.listening.takes_rows if training else self.listening.takes_evaluation()):
            return
        if "eq" in function or "ne" in function:
            self._matched(result, one, other)
        elif one.requires_grad != other.requires_grad:
            prediction, target = (one, other) if one.requires_grad else (other, one)
            if made_by(prediction, {self.networks.answer[1].number or -1}) is not None:
                self._given("manual", result, prediction, target, weighted=False)
        elif not one.requires_grad:
            self._subtracted(one, other)

    def _given(self, function: str, result: Tensor, prediction: Tensor, target: Tensor, weighted: bool) -> None:
        place = calling_place()
        key = self._head((function, place.file, place.line))
        site = self.seen.losses.get(key)
        if site is None:
            site = self.seen.losses[key] = LossSite(key, function, place)
            site.shapes = (tuple(prediction.shape), tuple(target.shape))
        training = prediction.requires_grad
        site.calls += training
        site.eval_calls += not training
        if training and self.listening.takes_graphs and (number := number_of(result)) is not None:
            self.made[number] = (site, number_of(prediction))
        if self.listening.takes_rows if training else self.listening.takes_evaluation():
            site.weighted = site.weighted or weighted
            self._take_in(site, result, prediction, target, "train" if training else "eval")

    def _head(self, line: Line) -> Line:
        """Return the line, told apart from its earlier calls on the same answer: a loop over heads, each a task."""
        answer = (self.seen.steps, self.networks.answers)
        if answer != self._answer:
            self._answer = answer
            self._again.clear()
        self._again[line] += 1
        function, file, number = line
        return line if self._again[line] == 1 else (f"{function} {min(self._again[line], MOST_HEADS)}", file, number)

    def _take_in(self, site: LossSite, result: Tensor, prediction: Tensor, target: Tensor, phase: Phase) -> None:
        if phase == "train":
            take_in(site, target)
            if self.listening.takes_figures:
                site.prediction.add(prediction)
            if site.shapes[0][:1] == tuple(prediction.shape[:1]):
                site.shapes = (tuple(prediction.shape), tuple(target.shape))
        given = self.networks.given
        rows = None
        if given is not None and target.dim() and given[1].shape[0] == target.shape[0]:
            rows = given[1].numbers()
        if given is not None and rows is not None:
            site.network = given[0].name
            if phase == "train" and self.networks.answer is not None and self.networks.answer[0] is not given[0]:
                said = None if site.many else classes_of(site.function, prediction.detach(), target)
                if said is not None:
                    site.said.append((target.detach().reshape(-1).double(), said))
            site.target_is_input = target.numel() == rows.numel() and (
                target.data_ptr() == rows.data_ptr() or bool((target.reshape(-1) == rows.reshape(-1)).all())
            )
        self._keep(phase, site.key, rows, target)
        loss = result.item() if result.numel() == 1 and site.function != "manual" else None
        self._score(site.function, prediction, target, phase, loss)

    def _keep(self, phase: Phase, line: Line | None, rows: Tensor | None, target: Tensor) -> None:
        if rows is not None and target.shape[0] > 0:
            assert self.networks.given is not None
            self.seen.rows[phase].add(self.networks.given[0].name, line, rows, target, fingerprints(rows))

    def _score(self, function: str, prediction: Tensor, target: Tensor, phase: Phase, loss: float | None) -> None:
        scored = score_of(function, prediction, target)
        if scored is not None:
            self._note(phase, loss, *scored, size=target.shape[0] if target.dim() else 1)
        elif loss is not None:
            self._note(phase, loss, "none", float("nan"), size=target.shape[0] if target.dim() else 1)

    def _note(self, phase: Phase, loss: float | None, kind: Any, score: float, size: int) -> None:
        answer = self.networks.answer
        module = answer[0].module if answer else None
        training_mode = module is not None and bool(module.training)
        self.seen.scores.append(Score(self.seen.steps, phase, loss, score, kind, size, calling_place(), training_mode))

    def _matched(self, result: Tensor, one: Tensor, other: Tensor) -> None:
        """Classes were compared: which operand is the prediction shows in the network's last output."""
        answer = self.networks.answer
        assert answer is not None
        output = answer[1].numbers()
        if output is None or answer[1].requires_grad or one.numel() != other.numel():
            return
        for predicted, target in ((one, other), (other, one)):
            if _are_classes_of(predicted, output):
                self._keep_given("eval", target)
                self._note("eval", None, "accuracy", result.float().mean().item(), target.numel())
                return

    def _subtracted(self, one: Tensor, other: Tensor) -> None:
        answer = self.networks.answer
        assert answer is not None
        output = answer[1].numbers()
        if output is None or answer[1].requires_grad:
            return
        for prediction, target in ((one, other), (other, one)):
            same = prediction.untyped_storage().data_ptr() == output.untyped_storage().data_ptr()
            if same and target.dim() and target.is_floating_point():
                self._keep_given("eval", target)
                self._score("manual", prediction, target, "eval", None)
                return

    def _keep_given(self, phase: Phase, target: Tensor) -> None:
        given = self.networks.given
        if given is not None and target.dim() and given[1].shape[0] == target.shape[0]:
            self._keep(phase, None, given[1].numbers(), target)

    @staticmethod
    def trace(site: LossSite, graph: Graph, start: int) -> None:
        """Note the operations between the last layer and the loss."""
        chain: list[str] = []
        place: int | None = start
        while place is not None and len(chain) < LONGEST_CHAIN:
            op = graph.ops[place]
            if op.name not in VIEWS:
                chain.append(op.name)
                if op.name in {"Softmax", "LogSoftmax"} and op.shape:
                    axis = softmax_axis(op)
                    site.softmax_size = None if axis is None else op.shape[axis]
            if graph.is_layer(op) or op.name == "AccumulateGrad":
                break
            inputs = graph.inputs(op)
            place = inputs[0] if len(inputs) == 1 else None
        site.chain = tuple(chain)


def _are_classes_of(predicted: Tensor, output: Tensor) -> bool:
    values = predicted.reshape(-1)
    candidates: Iterator[Tensor]
    if output.dim() > 1 and output.shape[1] > 1 and output.numel() != predicted.numel():
        candidates = (output.argmax(axis) for axis in ((1,) if output.dim() == 2 else (1, -1)))
    else:
        candidates = (output > least for least in (0, 0.5))
    return any(c.numel() == values.numel() and bool((c.reshape(-1) == values).all()) for c in candidates)
