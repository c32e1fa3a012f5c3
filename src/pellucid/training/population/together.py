"""The loop of `training/loop.py` for several sessions at once: each is stepped as it would be alone."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap

from pellucid.errors import DivergedError
from pellucid.record import Epoch, Step
from pellucid.seed import derive, generator
from pellucid.training.channels import channels_last
from pellucid.training.evaluation import evaluate
from pellucid.training.loop import close_epoch, sample, sampled_every, set_rate
from pellucid.training.optimizers import exempt
from pellucid.training.population.backpropagation import chains_of
from pellucid.training.population.chained import Tensors
from pellucid.training.population.descent import Descents
from pellucid.training.population.stack import Outputs, Stack
from pellucid.training.population.stacked import StackingError
from pellucid.training.rules import FromCentres, Gradient
from pellucid.training.rules.gradient import require_finite
from pellucid.training.session import Session
from pellucid.training.tasks.supervised import Supervised, cross_entropies
from pellucid.training.tasks.task import Network

Event = Step | Epoch | DivergedError
"""A member's: what a session yields, or why it ended before its time."""

_CLIPPING_EPS = 1e-6  # of torch.nn.utils.clip_grad_norm_


class Population:
    """Sessions that are trained as one computation, each as `training.steps` trains it, to rounding.

    Each member has its own seed, and from it its own batches, dropout and augmentation; its own rate, schedule,
    optimiser, penalties and clipping. The networks are the sessions' own all the time.

    Args:
        sessions: at their beginning or restored at one step, of one architecture, data set, loss and size of batch.

    Attributes:
        members: the numbers of the sessions that are still trained, and `sessions` these.
        stopping: set it to end the training after the step under way.

    Raises:
        StackingError: they cannot be trained together.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        require_alike(sessions)
        first = sessions[0]
        rows_KB = torch.stack([session.rule.order(session)[: first.batch_size] for session in sessions])
        self.members = list(range(len(sessions)))
        self.sessions = list(sessions)
        self.stopping = False
        inputs_KB, _ = self._batch(rows_KB)
        self._stack = Stack([session.network for session in sessions], inputs_KB)
        recipes = [session.recipe for session in sessions]
        self._descents = Descents(recipes, self._stack.weights_KP, self._stack.pulled(exempt(first.network)))
        self._take_over()
        self._chains = chains_of(first, self._stack)
        assert isinstance(first.rule, Gradient)
        self._rule = first.rule

    def steps(self, every: int | None = None, until: int | None = None) -> Iterator[tuple[int, Event]]:
        """Train all as `advance` does, yielding the events alone."""
        return (event for event in self.advance(every, until) if event is not None)

    def advance(self, every: int | None = None, until: int | None = None) -> Iterator[tuple[int, Event] | None]:
        """Train all, yielding the sampled steps and the epochs of each member, beside its number; None after each step.

        The members are whole at each None, but for their optimisers' state, which `settle` gives them.

        A member whose loss is no longer finite yields the error, and is left as it was before that step. It and those
        that are finished make room for the others.

        Args:
            every: steps from one sampled step to the next; about 1,000 are sampled by default.
            until: the last epoch to train; all that were asked for by default.
        """
        every = every or sampled_every(self.sessions[0])
        self._leave([k for k, session in self._each() if session.finished])
        while self.members and (until is None or self.sessions[0].progress.epoch <= until):
            self._chains = chains_of(self.sessions[0], self._stack)  # once somebody listens, there are none
            orders_KN = torch.stack([session.rule.order(session) for session in self.sessions])
            size, batches = self.sessions[0].batch_size, self.sessions[0].steps_per_epoch
            for batch in range(self.sessions[0].progress.batch, batches):
                rows_KB = orders_KN[:, batch * size : (batch + 1) * size]
                sampled = (self.sessions[0].progress.step + 1) % every == 0
                before = self.members
                norms, ended = self._step(rows_KB, measure=sampled)
                yield from ended
                if not self.members:
                    return
                if ended:
                    orders_KN = orders_KN[[number for number, k in enumerate(before) if k in self.members]]
                if sampled:
                    yield from [(k, sample(session, norms[k])) for k, session in self._each()]
                yield None
                if self.stopping:
                    return
            yield from self._close_epoch()

    def _each(self) -> Iterator[tuple[int, Session]]:
        return zip(self.members, self.sessions, strict=True)

    def settle(self) -> None:
        """Give the sessions their optimisers' state, so that they can be saved or go on alone."""
        for number, session in enumerate(self.sessions):
            assert session.optimizer is not None
            for name, numbers_P in self._descents.kept(number).items():
                for parameter, part in self._stack.parts(number, numbers_P):
                    state = session.optimizer.state[parameter]
                    state[name] = part.clone()
                    if name != "momentum_buffer":  # the only optimiser that does not count
                        state["step"] = torch.tensor(float(session.progress.step))

    def _take_over(self) -> None:
        """Begin with the state that the sessions' optimisers have, if they have any."""
        for number, session in enumerate(self.sessions):
            assert session.optimizer is not None
            self._descents.steps[number] = session.progress.step
            for name, numbers_P in self._descents.kept(number).items():
                for parameter, part in self._stack.parts(number, numbers_P):
                    if session.optimizer.state[parameter].get(name) is not None:
                        part.copy_(session.optimizer.state[parameter][name])

    def _step(self, rows_KB: Tensor, *, measure: bool) -> tuple[dict[int, float], list[tuple[int, Event]]]:
        """Take one step of every member.

        Returns:
            The norms of the gradients, none where they are not measured; and the members that ended by it.
        """
        rates = [set_rate(session) for session in self.sessions]
        seeds = (derive(session.recipe.seed, "step", session.progress.step) for session in self.sessions)
        inputs_KB, targets_KB = self._batch(rows_KB)
        alone_B = channels_last(inputs_KB[0]) if self.sessions[0].channels_last else inputs_KB[0]
        losses = self._backpropagate(inputs_KB, targets_KB, self._stack.draw(seeds, alone_B)).tolist()
        gradients_KP = self._stack.gradients_KP
        ended = self._end_diverged(losses)
        if ended:
            sound = [number for number, loss in enumerate(losses) if math.isfinite(loss)]
            gradients_KP, rates, losses = gradients_KP[sound], [rates[n] for n in sound], [losses[n] for n in sound]
        norms = dict(zip(self.members, gradients_KP.norm(dim=1).tolist(), strict=True)) if measure else {}
        if self.members:
            self._descents.step(self._stack.weights_KP, self._clipped(gradients_KP), rates)
        for session, loss in zip(self.sessions, losses, strict=True):
            session.progress.count(loss)
        return norms, ended

    def _backpropagate(self, inputs_KB: Tensor, targets_KB: Tensor, drawn: Tensors) -> Tensor:
        """Put the gradients in place, and return each member's loss, (K)."""
        if self._chains is not None:
            return self._chains(inputs_KB, targets_KB, drawn)
        leaves = self._stack.leaves()
        losses_K = self._losses(self._stack(leaves, inputs_KB, drawn), targets_KB)
        self._stack.find_gradients(losses_K, leaves)
        return losses_K

    def _losses(self, outputs_KB: Outputs, targets_KB: Tensor) -> Tensor:
        """Return each member's loss, (K)."""
        first = self.sessions[0]
        is_plain = isinstance(first.task, Supervised) and first.task.loss_name == "cross-entropy"
        if is_plain and isinstance(outputs_KB, Tensor):
            return cross_entropies(outputs_KB, targets_KB, first.recipe.label_smoothing)
        losses_K: Tensor = vmap(self._rule.loss_of)(outputs_KB, targets_KB)
        return losses_K

    def _batch(self, rows_KB: Tensor) -> tuple[Tensor, Tensor]:
        """Return each member's batch, (K, B, ...), augmented by its own stream."""
        first = self.sessions[0]
        inputs, targets = first.data.batch(rows_KB.flatten())
        inputs_KB = inputs.to(first.device.device, non_blocking=True).unflatten(0, rows_KB.shape)
        targets_KB = targets.to(first.device.device, non_blocking=True).unflatten(0, rows_KB.shape)
        if first.augment is None:
            return inputs_KB, targets_KB
        changed = []
        for session, inputs_B in zip(self.sessions, inputs_KB, strict=True):
            assert session.augment is not None
            seed, step = session.recipe.seed, session.progress.step
            changed.append(session.augment(inputs_B, generator(seed, "augment", step, device=first.device.device)))
        return torch.stack(changed), targets_KB

    def _clipped(self, gradients_KP: Tensor) -> Tensor:
        """Clip as `optimizers.clip` does, each member by its own limits."""
        recipes = [session.recipe for session in self.sessions]
        if any(recipe.clip_value is not None for recipe in recipes):
            limit_K1 = _limits([recipe.clip_value for recipe in recipes], gradients_KP)
            gradients_KP = gradients_KP.clamp(-limit_K1, limit_K1)
        if any(recipe.clip_norm is not None for recipe in recipes):
            limit_K1 = _limits([recipe.clip_norm for recipe in recipes], gradients_KP)
            norm_K1 = gradients_KP.norm(dim=1, keepdim=True)
            gradients_KP = gradients_KP * (limit_K1 / (norm_K1 + _CLIPPING_EPS)).clamp(max=1)
        return gradients_KP

    def _close_epoch(self) -> list[tuple[int, Event]]:
        """Judge every member on the validation split; those that are finished leave."""
        events: list[tuple[int, Event]] = []
        for (k, session), network in zip(self._each(), self._networks(), strict=True):
            validation = evaluate(network, session.data, session.task, "validation", session.device)
            try:
                events.append((k, close_epoch(session, validation)))
            except DivergedError as error:
                events.append((k, error))
        ended = {k for k, event in events if isinstance(event, DivergedError)}
        self._leave([k for k, s in self._each() if k in ended or s.finished])
        return events

    def _networks(self) -> Sequence[Network]:
        """Return the members' networks, to be judged: functions that know already what they give, where that can be."""
        first = self.sessions[0]
        if not isinstance(first.task, Supervised) or first.task.carries:
            return [session.network for session in self.sessions]
        rows = first.data.rows["validation"]
        given: list[Tensor] = []
        for rows_B in rows.split(max(1, first.task.rows_at_once(first.data) // len(self.sessions))):
            outputs_KB = self._stack.judged(first.data.batch(rows_B)[0].to(first.device.device))
            if not isinstance(outputs_KB, Tensor):
                return [session.network for session in self.sessions]
            given.append(outputs_KB)
        return [_Answers(outputs_N) for outputs_N in torch.cat(given, 1)]

    def _end_diverged(self, losses: Sequence[float]) -> list[tuple[int, Event]]:
        """Let those leave whose loss is not finite."""
        ended: list[tuple[int, Event]] = []
        for (k, session), loss in zip(self._each(), losses, strict=True):
            try:
                require_finite(session, loss)
            except DivergedError as error:
                ended.append((k, error))
        self._leave([k for k, _ in ended])
        return ended

    def _leave(self, members: Sequence[int]) -> None:
        """Go on without some members."""
        if not members:
            return
        kept = [number for number, k in enumerate(self.members) if k not in members]
        self.members = [self.members[number] for number in kept]
        self.sessions = [self.sessions[number] for number in kept]
        if kept:
            self._stack.keep(kept)
            self._descents.keep(kept)
            self._chains = chains_of(self.sessions[0], self._stack)


class _Answers:
    """What a network gives for some rows, for as many of them as it is asked at a time, in their order."""

    def __init__(self, outputs_N: Tensor) -> None:
        self._left_N = outputs_N

    def __call__(self, inputs_B: Tensor) -> Tensor:
        """Return the next outputs."""
        next_B, self._left_N = self._left_N[: len(inputs_B)], self._left_N[len(inputs_B) :]
        return next_B


def _limits(limits: Sequence[float | None], like: Tensor) -> Tensor:
    return like.new_tensor([math.inf if limit is None else limit for limit in limits])[:, None]


def require_alike(sessions: Sequence[Session]) -> None:
    """Refuse sessions whose steps are not one computation.

    Raises:
        StackingError: with what differs, or what a step does that has no form for many.
    """
    first = sessions[0]
    alike: dict[str, list[Any]] = {
        "data": [id(session.data) for session in sessions],
        "batch size": [session.batch_size for session in sessions],
        "loss": [session.task.loss_name for session in sessions],
        "label smoothing": [session.recipe.label_smoothing for session in sessions],
        "augmentation": [session.recipe.augment for session in sessions],
        "progress": [(session.progress.step, session.progress.batch) for session in sessions],
    }
    for what, each in alike.items():
        if any(one != each[0] for one in each):
            raise StackingError(f"sessions of different {what} cannot be trained together")
    if type(first.rule) not in (Gradient, FromCentres):
        raise StackingError(
            "these networks cannot be trained together",
            expected="networks that learn by plain gradient descent",
            received=f"the rule {type(first.rule).__name__}",
        )
    slowed = [session.recipe for session in sessions if session.recipe.freeze or session.recipe.layer_decay < 1]
    if slowed:
        raise StackingError(
            "these networks cannot be trained together",
            expected="layers that all learn at one rate",
            received="--freeze" if slowed[0].freeze else "--layer-decay",
        )
    if first.recipe.precision != "float32" or first.recipe.compile:
        raise StackingError(
            "these networks cannot be trained together",
            expected="float32, not compiled",
            received=f"{first.recipe.precision}{', compiled' if first.recipe.compile else ''}",
        )
