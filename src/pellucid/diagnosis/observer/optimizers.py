"""Optimisers, their steps and schedules, and what becomes of the gradients on the way to them."""

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from pellucid.diagnosis.observation import Clipping, OptimizerSeen, ParameterSeen, SchedulerSeen
from pellucid.diagnosis.observer.held import is_plain, key_of, sample
from pellucid.diagnosis.observer.listening import EnoughSteps, Listener, Listening, plain_settings, quietly
from pellucid.diagnosis.observer.places import calling_place

SMALLEST = 1e-8
"""Norm that a cosine takes a gradient to have at least, as `torch.nn.functional.cosine_similarity` does."""


@dataclass(slots=True)
class _Asleep:
    """An optimiser whose steps are only counted, and its rate."""

    seen: OptimizerSeen
    rate: float


class Optimizers(Listener):
    """Hears optimisers being made and stepping.

    Attributes:
        kept: id of an optimiser -> (what is seen of it, a reference that does not keep it alive).
        cleared: id of an optimiser -> whether its gradients were seen to be clear since its last step.
        asleep: id of an optimiser -> its rate, where nothing but steps was to be noted when it last stepped; another
            optimiser that is given the id is met when it is made.
    """

    def __init__(self, listening: Listening, names: dict[int, str]) -> None:
        super().__init__(listening)
        self.names = names
        self.kept: dict[int, tuple[OptimizerSeen, weakref.ref[torch.optim.Optimizer]]] = {}
        self.cleared: dict[int, bool] = {}
        self.asleep: dict[int, _Asleep] = {}
        self.schedules: dict[int, SchedulerSeen] = {}
        self._before: dict[int, Tensor] = {}
        self._is_within = False
        self._limit = 0.0
        self._last: tuple[int, dict[int, tuple[Tensor, float]]] = (-2, {})
        self._hooks: dict[str, RemovableHandle] = {}

    def start(self) -> None:
        """Hear every optimiser's steps."""
        self._hooks["after"] = register_optimizer_step_post_hook(self.after_step)
        self._hear_before(True)

    def stop(self) -> None:
        """Hear no more of them."""
        while self._hooks:
            self._hooks.popitem()[1].remove()

    def _hear_before(self, hears: bool) -> None:
        """Be told before a step, or not: where training rests, even a call that does nothing is time lost."""
        if hears and "before" not in self._hooks:
            self._hooks["before"] = register_optimizer_step_pre_hook(self.before_step)
        elif not hears and "before" in self._hooks:
            self._hooks.pop("before").remove()

    @quietly
    def made(self, result: None, optimizer: torch.optim.Optimizer, *arguments: Any, **keywords: Any) -> None:
        """An optimiser was made."""
        self._meet(optimizer)

    def _meet(self, optimizer: torch.optim.Optimizer) -> OptimizerSeen:
        known = self._known(optimizer)
        if known is not None:
            return known
        seen = OptimizerSeen(
            kind=type(optimizer).__name__,
            place=calling_place(),
            made_at=self.seen.steps,
            parameters=frozenset(key_of(p) for group in optimizer.param_groups for p in group["params"]),
            settings=plain_settings(optimizer.param_groups[0]),
        )
        self.asleep.pop(id(optimizer), None)
        self.kept[id(optimizer)] = (seen, weakref.ref(optimizer))
        self.cleared[id(optimizer)] = True
        self.seen.optimizers.append(seen)
        return seen

    def look_for_cleared(self) -> None:
        """Before a backward pass, at some of the steps: note whose gradients are clear."""
        if not self.listening.takes_rows:
            return
        for key, (_, reference) in self.kept.items():
            optimizer = reference()
            if optimizer is not None and not self.cleared[key]:
                self.cleared[key] = _is_clear(optimizer)

    def before_step(self, optimizer: torch.optim.Optimizer, arguments: Any, keywords: Any) -> None:
        """Global pre-hook of every optimiser's step."""
        if not self.listening.rests:
            self._begin(optimizer, arguments, keywords)

    def _known(self, optimizer: torch.optim.Optimizer) -> OptimizerSeen | None:
        kept = self.kept.get(id(optimizer))
        return kept[0] if kept is not None and kept[1]() is optimizer else None

    @quietly
    def _begin(self, optimizer: torch.optim.Optimizer, arguments: Any, keywords: Any) -> None:
        if not self.kept:  # made before anything was heard: no backward pass so far was a step by itself
            self.listening.at_step(0)
        seen = self._meet(optimizer)
        closure = arguments[1] if len(arguments) > 1 else keywords.get("closure")
        if closure is not None:  # it calls backward itself, within the step
            if self.listening.takes_graphs and seen.kind != "LBFGS":
                parameters = [p for group in optimizer.param_groups for p in group["params"]]
                self._before = {key_of(p): sample(p).float() for p in parameters if is_plain(p)}
                self._is_within = True
            return
        if self.listening.takes_rows:
            seen.looked += 1
            seen.stale += not self.cleared[id(optimizer)]
            seen.empty += _is_clear(optimizer)
        if self.listening.takes_graphs:
            self._measure_gradients([p for group in optimizer.param_groups for p in group["params"]])

    def after_step(self, optimizer: torch.optim.Optimizer, arguments: Any, keywords: Any) -> None:
        """Global post-hook of every optimiser's step."""
        asleep = self.asleep.get(id(optimizer)) if self.listening.sleeps else None
        if asleep is not None:
            steps = self.seen.steps + 1
            if steps < self.listening.until and optimizer.param_groups[0].get("lr") == asleep.rate:
                asleep.seen.steps += 1
                self.seen.steps = steps
                return
        self._stepped(optimizer)

    def _stepped(self, optimizer: torch.optim.Optimizer) -> None:
        seen, rate = self._known(optimizer), optimizer.param_groups[0].get("lr")
        if self.listening.rests and seen is not None and isinstance(rate, float):
            self._count(seen, optimizer, rate)
            self.asleep[id(optimizer)] = _Asleep(seen, rate)
        else:
            self.asleep.pop(id(optimizer), None)
            self._end(optimizer)
        self._hear_before(not self.listening.rests)
        if self.listening.limit is not None and self.seen.steps >= self.listening.limit:
            raise EnoughSteps

    def _count(self, seen: OptimizerSeen, optimizer: torch.optim.Optimizer, rate: float) -> None:
        seen.note_rate(self.seen.steps, rate)
        seen.steps += 1
        self.cleared[id(optimizer)] = False
        self.listening.at_step(self.seen.steps + 1)

    @quietly
    def _end(self, optimizer: torch.optim.Optimizer) -> None:
        seen = self._meet(optimizer)
        if self._is_within:  # the gradients that the step used are still there
            self._is_within = False
            self._measure_gradients([p for group in optimizer.param_groups for p in group["params"]])
        if self._before:
            self._measure_updates([p for group in optimizer.param_groups for p in group["params"]])
        self._count(seen, optimizer, float(optimizer.param_groups[0].get("lr", 0.0)))

    def _measure_gradients(self, parameters: list[Tensor]) -> None:
        step, before = self._last
        moved = {key_of(each): each for each in parameters if is_plain(each) and is_plain(each.grad)}
        if not moved:
            self._before = {}
            return
        gradients = {key: sample(each.grad).float() for key, each in moved.items() if each.grad is not None}
        weights = {key: self._weight(key, each) for key, each in moved.items()}
        norms = _norms([*gradients.values(), *weights.values()])
        now: dict[int, tuple[Tensor, float]] = {}
        count = len(moved)
        for (key, gradient), norm, weight in zip(gradients.items(), norms[:count], norms[count:], strict=True):
            known = self._parameter(moved[key])
            known.steps.append(self.seen.steps)
            known.gradients.append(norm)
            known.weights.append(weight)
            if self._limit > 0:
                known.cut.append(_share_at(gradient, self._limit))
            now[key] = gradient, norm
            if key in before and step in (self.seen.steps - 1, self.seen.steps):
                known.turns.append((self.seen.steps, _cosine(now[key], before[key])))
        self._before = weights
        self._last = (self.seen.steps, (before if step == self.seen.steps else {}) | now)

    def _weight(self, key: int, parameter: Tensor) -> Tensor:
        return self._before[key] if key in self._before else sample(parameter).float()

    def _measure_updates(self, parameters: list[Tensor]) -> None:
        moved = {key_of(each): each for each in parameters if key_of(each) in self._before}
        if moved:
            now = [sample(each).float() for each in moved.values()]
            updates = torch._foreach_sub(now, [self._before.pop(key) for key in moved])  # noqa: SLF001
            for key, update in zip(moved, _norms(updates), strict=True):
                self.seen.parameters[key].updates.append(update)

    def _parameter(self, parameter: Tensor) -> ParameterSeen:
        key = key_of(parameter)
        if key not in self.seen.parameters:
            name = self.names.get(key) or f"parameter {tuple(parameter.shape)}"
            self.seen.parameters[key] = ParameterSeen(name, tuple(parameter.shape))
        return self.seen.parameters[key]

    # ------------------------------------------------------------------ schedules and clipping

    @quietly
    def made_scheduler(self, result: None, scheduler: Any, *arguments: Any, **keywords: Any) -> None:
        """A schedule was made."""
        self.schedules[id(scheduler)] = SchedulerSeen(type(scheduler).__name__, calling_place(), {})
        self.seen.schedulers.append(self.schedules[id(scheduler)])

    def scheduled(self, scheduler: Any, *arguments: Any, **keywords: Any) -> None:
        """A schedule steps; its own first step, on being made, is none of the script's."""
        seen = self.schedules.get(id(scheduler))
        if seen is None:
            return
        seen.calls += 1
        if not seen.settings:
            self._meet_schedule(seen, scheduler)

    @quietly
    def _meet_schedule(self, seen: SchedulerSeen, scheduler: Any) -> None:
        seen.settings = plain_settings(vars(scheduler))
        seen.place = calling_place()

    @quietly
    def clipped_norm(self, norm: Any, parameters: Any, max_norm: float = 0.0, *rest: Any, **keywords: Any) -> None:
        """Gradients were clipped by their norm, which was `norm` before."""
        if self.listening.takes_rows:
            self._clip("clip_grad_norm_", float(max_norm), float(norm))

    @quietly
    def clipped_value(self, result: None, parameters: Any, clip_value: float = 0.0, *rest: Any, **kw: Any) -> None:
        """Gradients were clipped number by number."""
        if self.listening.takes_rows:
            self._limit = float(clip_value)
            self._clip("clip_grad_value_", self._limit, float("nan"))

    def _clip(self, function: str, limit: float, norm: float) -> None:
        place = calling_place()
        clipping = self.seen.clippings.setdefault(place, Clipping(function, place, limit))
        clipping.calls += 1
        clipping.norms.append(norm)


def _norms(samples: list[Tensor] | tuple[Tensor, ...]) -> list[float]:
    """Return the norm of each of some samples."""
    return [norm.item() for norm in torch._foreach_norm(samples)]  # noqa: SLF001  as torch's own clipping does


def _cosine(one: tuple[Tensor, float], other: tuple[Tensor, float]) -> float:
    """Return the cosine between two samples that are given with their norms, as torch bounds it."""
    (numbers, norm), (others, others_norm) = one, other
    return torch.dot(numbers, others).item() / (max(norm, SMALLEST) * max(others_norm, SMALLEST))


def _share_at(gradient: Tensor, limit: float) -> float:
    sizes = gradient.abs()
    return ((sizes >= 0.999 * limit).sum() / (sizes > 0).sum().clamp_min(1)).item()


def _is_clear(optimizer: torch.optim.Optimizer) -> bool:
    """Say whether an optimiser's gradients are None or zero; its last parameter, mostly a bias, tells soonest."""
    for group in reversed(optimizer.param_groups):
        for parameter in reversed(group["params"]):
            if parameter.grad is not None and (parameter.grad.is_sparse or bool(parameter.grad.any())):
                return False
    return True
