"""What a network says of samples that it was not trained on: every sample is left out of one of several trainings.

Shape letters: N samples, K classes.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from pellucid.data import Classes, Dataset
from pellucid.data.split import split_rows
from pellucid.errors import DataError, DivergedError, RunError
from pellucid.judging.outputs import run_over
from pellucid.networks import Plan
from pellucid.recipe import DataOptions, Recipe
from pellucid.training import begin
from pellucid.training.population import Event, Fleet
from pellucid.training.session import Session
from pellucid.training.tasks import Supervised


@dataclass(frozen=True, slots=True)
class OutOfSample:
    """The probabilities of every sample's classes, by a classifier that was not trained on it.

    Attributes:
        rows: all that are in a split, ascending, int64 (N,).
        probabilities: float32 (N, K).
        labels: as given, int64 (N,).
    """

    rows: Tensor
    probabilities: Tensor
    labels: Tensor


def out_of_sample_probabilities(
    data: Dataset,
    network: str | Plan | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
    recipe: Recipe | None = None,
    tell: Callable[[str, Event], None] = lambda _, __: None,
) -> OutOfSample:
    """Return what classifiers say of every sample of the data, each trained without the fold that it judges.

    Args:
        data: of classes; its splits are put together and divided anew.
        network: what is trained, as arrows or a zoo name; None for a logistic regression on the inputs, which is fast
            and knows no curved boundaries.
        folds: trainings; each leaves out one of as many parts of the data.
        seed: of the folds, and of what each training draws where `recipe` says no other.
        recipe: how a network is trained. A tenth of what is not left out chooses its best weights.
        tell: hears of the trainings' events, under the fold's number.

    Raises:
        DataError: the data has no classes, or a class fewer samples than there are folds.
        RunError: a training diverged, or was stopped.
    """
    if not isinstance(data.target, Classes):
        raise DataError("labels are sought among classes", expected="data of classes", received=repr(data))
    rows = torch.cat([data.rows[split] for split in ("train", "validation", "test")]).sort().values
    labels_N = data.targets[rows]
    fewest = int(torch.bincount(labels_N).min())
    if fewest < folds:
        raise DataError(
            "a class has fewer samples than there are folds",
            expected=f"{folds} samples of each class",
            received=f"{fewest} of the rarest",
            advice="fewer folds, or leave that class out",
        )
    cut = StratifiedKFold(folds, shuffle=True, random_state=seed)
    if network is None:
        regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        inputs_NF = data.batch(rows)[0].flatten(1).numpy()
        found = cross_val_predict(regression, inputs_NF, labels_N.numpy(), cv=cut, method="predict_proba")
        return OutOfSample(rows, torch.from_numpy(np.asarray(found, dtype=np.float32)), labels_N)
    left_out = [torch.from_numpy(fold) for _, fold in cut.split(np.zeros(len(rows)), labels_N.numpy())]
    chosen = recipe or Recipe(seed=seed)
    sessions = {
        str(number): begin(_without(data, rows, fold, seed), network, chosen).session
        for number, fold in enumerate(left_out)
    }
    probabilities_NK = torch.empty(len(rows), len(data.target.names))
    for fold, session in zip(left_out, _trained(sessions, tell), strict=True):
        probabilities_NK[fold] = _said(session, rows[fold])
    return OutOfSample(rows, probabilities_NK, labels_N)


def _without(data: Dataset, rows: Tensor, fold: Tensor, seed: int) -> Dataset:
    """Return the data with a fold as its test rows, and of the rest a tenth as validation rows."""
    parts = split_rows(
        len(rows), DataOptions(split="80:9:11", split_seed=seed), labels=data.targets[rows], test_rows=fold
    )
    return dataclasses.replace(data, rows={split: rows[places] for split, places in parts.items()})


def _trained(sessions: dict[str, Session], tell: Callable[[str, Event], None]) -> list[Session]:
    def hear(name: str, event: Event) -> None:
        if isinstance(event, DivergedError):
            raise RunError(f"the training without fold {int(name) + 1} diverged", advice="a smaller learning_rate")
        tell(name, event)

    if not Fleet(sessions, hear).train():
        raise RunError("the trainings were stopped before their end", expected="all folds", received="Ctrl-C")
    return list(sessions.values())


def _said(session: Session, rows: Tensor) -> Tensor:
    """Return the probabilities that a training's best weights give."""
    assert isinstance(session.task, Supervised)
    session.network.load_state_dict(session.best_weights)
    outputs = run_over(session.network, session.data, session.task, rows, session.device)
    assert outputs.probabilities is not None
    order = np.argsort(outputs.rows, kind="stable")  # `rows` ascend, as the folds do
    return torch.from_numpy(outputs.probabilities[order])
