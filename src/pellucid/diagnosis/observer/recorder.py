"""Puts the listeners where torch can be heard, and takes them away again."""

import functools
import os
import weakref

import torch
from torch import nn
from torch.optim import lr_scheduler

from pellucid.diagnosis.observation import Observation
from pellucid.diagnosis.observer.backward import Backwards
from pellucid.diagnosis.observer.listening import Listening, Sampling
from pellucid.diagnosis.observer.losses import LOSSES, Losses
from pellucid.diagnosis.observer.networks import Networks, is_in_a_call
from pellucid.diagnosis.observer.optimizers import Optimizers
from pellucid.diagnosis.observer.patches import Patches
from pellucid.diagnosis.observer.places import look_within


class Recorder:
    """Everything that listens, from `start` to `stop`.

    Args:
        limit: optimiser steps after which `EnoughSteps` is raised out of the step.
        sampling: which steps are measured.
        within: the training is one of this package's, whose lines are places too.
    """

    def __init__(self, limit: int | None = None, sampling: Sampling | None = None, *, within: bool = False) -> None:
        self.listening = Listening(limit, sampling)
        self._within = within
        self.networks = Networks(self.listening)
        self.losses = Losses(self.listening, self.networks)
        self.optimizers = Optimizers(self.listening, self.networks.names)
        self.backwards = Backwards(self.listening, self.networks, self.losses, self.optimizers)
        self._patches = Patches(self.listening)

    @property
    def seen(self) -> Observation:
        """What was seen so far."""
        return self.listening.seen

    def start(self) -> None:
        """Begin to listen."""
        _leave_in_forks()
        _AT_WORK.add(self)
        look_within(self._within)
        self.optimizers.start()
        patch = self._patches
        patch.hide()
        networks, backwards = self.networks, self.backwards
        patch.around_modules(networks.enter, networks.leave, is_in_a_call)
        patch.before(torch.autograd.graph.saved_tensors_hooks, "__enter__", backwards.packed)
        patch.around_backward(backwards.before, backwards.after)
        patch.before(torch.autograd, "grad", backwards.before_grad)
        patch.after(torch.optim.Optimizer, "__init__", self.optimizers.made)
        patch.after(lr_scheduler.LRScheduler, "__init__", self.optimizers.made_scheduler)
        patch.after(lr_scheduler.ReduceLROnPlateau, "__init__", self.optimizers.made_scheduler)  # which calls no other
        patch.before(lr_scheduler.LRScheduler, "step", self.optimizers.scheduled)
        patch.before(lr_scheduler.ReduceLROnPlateau, "step", self.optimizers.scheduled)
        patch.after(nn.Module, "load_state_dict", self.networks.loaded)
        patch.after(nn.utils.clip_grad, "clip_grad_norm_", self.optimizers.clipped_norm, always=False)
        patch.after(nn.utils.clip_grad, "clip_grad_value_", self.optimizers.clipped_value, always=False)
        for name in ("clip_grad_norm_", "clip_grad_value_"):  # the same under another name, as they were
            patch.replace(nn.utils, name, getattr(nn.utils.clip_grad, name))
        for name in LOSSES:
            patch.after(nn.functional, name, functools.partial(self.losses.loss, name), always=False)
        for name in ("__eq__", "eq", "__sub__", "sub"):
            patch.after(torch.Tensor, name, functools.partial(self.losses.compared, name))

    def stop(self) -> None:
        """Leave torch as it was."""
        self.abandon()
        self.backwards.count_unheard()
        for series in self.seen.series.values():
            series.settle()
        self.networks.describe_all()

    def abandon(self) -> None:
        """Leave torch as it was, and compute nothing: in a forked child even that may never end."""
        _AT_WORK.discard(self)
        self.optimizers.stop()
        self._patches.undo()
        look_within(False)


_AT_WORK: "weakref.WeakSet[Recorder]" = weakref.WeakSet()


@functools.cache
def _leave_in_forks() -> None:
    """Let no process that is forked, such as a data loader's, be listened to; said once, it holds for good."""

    def leave() -> None:
        for recorder in list(_AT_WORK):
            recorder.abandon()

    os.register_at_fork(after_in_child=leave)
