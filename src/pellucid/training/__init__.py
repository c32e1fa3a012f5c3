"""Trains networks: `begin` a session, take its `steps` or `fit` it, `evaluate` what came of it."""

from pellucid.training.begin import Beginning, begin
from pellucid.training.device import threads
from pellucid.training.evaluation import evaluate
from pellucid.training.fit import fit
from pellucid.training.loop import steps, train_step
from pellucid.training.session import Session

__all__ = ["Beginning", "Session", "begin", "evaluate", "fit", "steps", "threads", "train_step"]
