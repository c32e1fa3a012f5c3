"""The perceptron rule of Rosenblatt (1958), and Gallant's pocket for data that no line separates.

Shape letters: N rows, B batch, F features (and a one for the bias), C classes.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pellucid.blocks import Step
from pellucid.data.dataset import Classes
from pellucid.errors import OptionError
from pellucid.recipe import Recipe
from pellucid.seed import generator
from pellucid.training.batches import rows_at_once
from pellucid.training.rules.separability import QUICK, linearly_separable
from pellucid.training.session import Rule, Session
from pellucid.training.tasks import Supervised


@dataclass(frozen=True, slots=True)
class Unit:
    """The layer that learns.

    Attributes:
        front: what stands before it; it has nothing to train.
        linear: the layer.
        threshold: where its units fire, if a step follows; None where the greatest output is the answer.
    """

    front: nn.Module
    linear: nn.Linear
    threshold: float | None

    def features(self, inputs_B: Tensor) -> Tensor:
        """Return what the layer sees, with a one for its bias, (B, F)."""
        seen_BF = self.front(inputs_B)
        return nn.functional.pad(seen_BF, (0, 1), value=1.0) if self.linear.bias is not None else seen_BF

    def weight(self) -> Tensor:
        """Return a copy of the weights, the bias as the last column, (C, F)."""
        parts = [self.linear.weight.detach()]
        if self.linear.bias is not None:
            parts.append(self.linear.bias.detach()[:, None])
        return torch.cat(parts, 1)

    def set_weight(self, weight_CF: Tensor) -> None:
        """Put such weights into the layer."""
        inputs = self.linear.in_features
        self.linear.weight.detach().copy_(weight_CF[:, :inputs])
        if self.linear.bias is not None:
            self.linear.bias.detach().copy_(weight_CF[:, inputs])

    def mistaken(self, weight_CF: Tensor, features_BF: Tensor, targets_B: Tensor) -> Tensor:
        """Say of each sample whether it is answered wrongly, (B,); a tie between classes is a mistake."""
        outputs_BC = features_BF @ weight_CF.T
        own_BC = nn.functional.one_hot(targets_B, outputs_BC.shape[1]).bool()
        if self.threshold is not None:
            return ((outputs_BC >= self.threshold) != own_BC).any(1)
        return outputs_BC.masked_fill(own_BC, -torch.inf).amax(1) >= outputs_BC[own_BC]

    def correct(self, weight_CF: Tensor, x_F: Tensor, target: int, rate: float) -> None:
        """Learn from one mistake, in place."""
        outputs_C = weight_CF @ x_F
        if self.threshold is None:  # the class that was preferred falls, the true one rises
            others_C = outputs_C.clone()
            others_C[target] = -torch.inf
            weight_CF[int(others_C.argmax())] -= rate * x_F
            weight_CF[target] += rate * x_F
            return
        error_C = -(outputs_C >= self.threshold).to(x_F.dtype)
        error_C[target] += 1
        weight_CF += rate * error_C[:, None] * x_F


@dataclass(frozen=True, slots=True)
class Perceptron(Rule):
    """w <- w + eta x for the true class and w <- w - eta x for the one preferred to it, after each mistake.

    The weights begin at zero; the samples come one by one, in the order of the epoch, whatever the batch size. A tie
    is a mistake. Units with a step learn apart from each other, each its class against the rest, by
    w <- w + eta (target - output) x. The learning rate is the same at every step, for it only scales the weights.

    On separable rows there are at most (R / margin)^2 mistakes (Novikoff 1962), and the training ends with the first
    epoch without one. Elsewhere it goes on to the last epoch; so whether the rows are separable is decided beforehand
    where that is quick.

    The pocket (Gallant 1990, "Perceptron-based learning algorithms", with the ratchet) keeps the weights that were
    right on most training rows; a run of right answers longer than theirs is the sign to compare. The network's
    weights are those of the pocket, and the ones that learn lie beside them.

    The optimiser only keeps: the rate, the counts and what lies beside the weights.
    """

    task: Supervised
    pocket: bool

    def optimizer(self, network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
        """Return one whose state the counts are kept in; it takes no step."""
        assert recipe.learning_rate is not None, "the recipe was not filled in"
        return torch.optim.SGD([_unit(network).linear.weight], recipe.learning_rate)

    def begin(self, session: Session) -> None:
        """Set the weights to zero and the counts to none."""
        unit = _unit(session.network)
        unit.set_weight(torch.zeros_like(unit.weight()))
        kept = _kept(session, unit)
        kept.update(mistakes=0, epoch_mistakes=0, separated=0)
        if self.pocket:
            kept.update(walking=unit.weight(), run=0, pocket_run=0, pocket_right=0)

    def order(self, session: Session) -> Tensor:
        """Return the training rows in another order each epoch; for the pocket as many drawn anew, each time of all."""
        rows = session.data.rows["train"]
        if not self.pocket:
            return Rule.order(self, session)
        # the pocket's weights are the best in the end because a run of any length may come (Gallant 1990)
        chance = generator(session.recipe.seed, "order", session.progress.epoch)
        return rows[torch.randint(len(rows), (len(rows),), generator=chance)]

    @torch.no_grad()
    def step(self, session: Session, inputs_B: Tensor, targets_B: Tensor, *, measure: bool) -> tuple[float, float]:  # noqa: ARG002
        """Learn from each mistake of the batch.

        Returns:
            The loss before, and the norm of the change of the weights in the place of the gradient's.
        """
        assert session.optimizer is not None
        unit = _unit(session.network)
        kept = _kept(session, unit)
        rate = float(session.recipe.learning_rate or 0)
        session.optimizer.param_groups[0]["lr"] = rate  # no schedule: the rate only scales the weights
        loss = self.task.loss(session.network(inputs_B), targets_B).item()
        if session.progress.batch == 0:
            kept["epoch_mistakes"] = 0
        features_BF = unit.features(inputs_B)
        before_CF = kept["walking"] if self.pocket else unit.weight()
        weight_CF, at = before_CF.clone(), 0
        while at < len(targets_B):
            wrong_B = unit.mistaken(weight_CF, features_BF[at:], targets_B[at:])
            right = int(wrong_B.int().argmax()) if bool(wrong_B.any()) else len(wrong_B)
            if self.pocket:
                kept["run"] += right
                self._compare(session, unit, weight_CF)
            at += right
            if at < len(targets_B):
                unit.correct(weight_CF, features_BF[at], int(targets_B[at]), rate)
                kept["mistakes"] += 1
                kept["epoch_mistakes"] += 1
                kept["run"] = 0
                at += 1
        if self.pocket:
            kept["walking"] = weight_CF
        else:
            unit.set_weight(weight_CF)
        self._end_if_separated(session, unit, weight_CF)
        return loss, float((weight_CF - before_CF).norm())

    def finished(self, session: Session) -> bool:
        """Say whether every training row is answered rightly: nothing is left to learn from."""
        return bool(_kept(session, _unit(session.network)).get("separated", 0))

    def notes(self, session: Session) -> tuple[str, ...]:
        """Say what is to be expected of the rows, or what came of them."""
        kept = _kept(session, _unit(session.network))
        mistakes, epochs = kept["mistakes"], kept["separated"]
        if epochs:
            return (f"separates the training rows after {_count(mistakes, 'mistake')} in {_count(epochs, 'epoch')}",)
        rows = len(session.data.rows["train"])
        if session.progress.step:
            done = _count(session.progress.epoch - 1, "epoch")
            if self.pocket:
                return (f"the pocket is right on {kept['pocket_right']:,} of {rows:,} training rows after {done}",)
            advice = "; more --epochs will" if self._separable(session) else ""
            return (f"does not separate the training rows after {_count(mistakes, 'mistake')} in {done}{advice}",)
        match self._separable(session):
            case True:
                return ("the training rows are linearly separable: it ends with the first epoch without a mistake",)
            case False:
                advice = "" if self.pocket else "; --rule pocket keeps the best weights on the way"
                return (f"the training rows are not linearly separable: mistakes will never end{advice}",)
        return ("it ends with the first epoch without a mistake, if there is one",)

    def _compare(self, session: Session, unit: Unit, weight_CF: Tensor) -> None:
        """Put the weights into the pocket if they were right for longer and are right on more training rows."""
        kept = _kept(session, unit)
        if kept["run"] <= kept["pocket_run"]:
            return
        right = len(session.data.rows["train"]) - _mistaken_rows(session, unit, weight_CF)
        if right > kept["pocket_right"]:
            kept.update(pocket_run=kept["run"], pocket_right=right)
            unit.set_weight(weight_CF)

    def _end_if_separated(self, session: Session, unit: Unit, weight_CF: Tensor) -> None:
        kept, progress = _kept(session, unit), session.progress
        if self.pocket:
            done = kept["pocket_right"] == len(session.data.rows["train"])
        else:
            # a last batch of one sample is left out of an epoch, so the rows themselves are asked
            at_end = progress.batch == session.steps_per_epoch - 1
            done = at_end and not kept["epoch_mistakes"] and not _mistaken_rows(session, unit, weight_CF)
        if done and not kept["separated"]:
            kept["separated"] = progress.epoch

    def _separable(self, session: Session) -> bool | None:
        unit, data = _unit(session.network), session.data
        rows, width = data.rows["train"], unit.linear.in_features + 1
        if unit.linear.bias is None or len(rows) * width * unit.linear.out_features > QUICK:
            return None
        parts = [data.batch(rows_B) for rows_B in rows.split(rows_at_once(data.inputs))]
        with torch.no_grad():
            features_NF = torch.cat([unit.features(inputs_B.to(session.device.device)).cpu() for inputs_B, _ in parts])
        labels_N = torch.cat([targets_B for _, targets_B in parts]).numpy()
        x_NF = features_NF.double().numpy()
        if unit.threshold is None:
            return linearly_separable(x_NF, labels_N, unit.linear.out_features)
        each = range(unit.linear.out_features)
        return all(linearly_separable(x_NF, (labels_N == k).astype("int64"), 2) for k in each)


def perceptron_rule(network: nn.Module, task: object, *, pocket: bool) -> Perceptron:
    """Return the rule for a network that has one layer to train.

    Raises:
        OptionError: it has more, or the target is no class.
    """
    if not isinstance(task, Supervised) or not isinstance(task.target, Classes):
        raise OptionError(
            "the perceptron rule learns classes",
            expected="a target that is a class",
            received=getattr(task, "name", "another task"),
            advice="leave --rule out; --network linear predicts values",
        )
    _unit(network)
    return Perceptron(task, pocket)


def _unit(network: nn.Module) -> Unit:
    layers = list(network.children()) if isinstance(network, nn.Sequential) else [network]
    last = layers[-1]
    threshold = last.threshold if len(layers) > 1 and isinstance(last, Step) else None
    layers = layers if threshold is None else layers[:-1]
    linear = layers[-1]
    front = nn.Sequential(*layers[:-1])
    if not isinstance(linear, nn.Linear) or next(front.parameters(), None) is not None:
        modules = network.modules()
        kinds = [type(each).__name__ for each in modules if next(each.parameters(recurse=False), None) is not None]
        raise OptionError(
            "the perceptron rule trains one fully connected layer",
            expected="arrows that end in fc(...) or fc(...) -> step, with nothing else to train",
            received=", ".join(kinds) or "a network with nothing to train",
            advice="such as --network perceptron; deeper networks learn by --rule gradient",
        )
    return Unit(front, linear, threshold)


def _kept(session: Session, unit: Unit) -> dict[str, Any]:
    """Return what the rule keeps from step to step, which a checkpoint holds as the optimiser's state."""
    assert session.optimizer is not None
    kept: dict[str, Any] = session.optimizer.state[unit.linear.weight]
    return kept


def _mistaken_rows(session: Session, unit: Unit, weight_CF: Tensor) -> int:
    """Return how many training rows are answered wrongly."""
    device, wrong = session.device.device, 0
    for rows_B in session.data.rows["train"].split(rows_at_once(session.data.inputs)):
        inputs_B, targets_B = session.data.batch(rows_B)
        features_BF = unit.features(inputs_B.to(device))
        wrong += int(unit.mistaken(weight_CF, features_BF, targets_B.to(device)).sum())
    return wrong


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
