"""The update of the parameters: torch.optim's, taken apart into its formula and the numbers that stand in it."""

import copy
import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.explain.derivation import rewritten
from pellucid.recipe import Recipe
from pellucid.studio.exhibits.backpropagation.reads import flat
from pellucid.studio.exhibits.backpropagation.settings import BackpropagationSettings
from pellucid.studio.exhibits.backpropagation.subject import Subject
from pellucid.studio.exhibits.backpropagation.working import Line, Place, Worked, Writer
from pellucid.training.optimizers import make_optimizer

FORMULAS: dict[str, tuple[str, ...]] = {
    "sgd": (r"w' = w - \eta\, g",),
    "momentum": (r"v' = \mu\, v + g", r"w' = w - \eta\, v'"),
    "nesterov": (r"v' = \mu\, v + g", r"w' = w - \eta\, (g + \mu\, v')"),
    "adagrad": (r"s' = s + g^2", r"w' = w - \eta\, \frac{g}{\sqrt{s'} + \epsilon}"),
    "rmsprop": (r"s' = \alpha\, s + (1 - \alpha)\, g^2", r"w' = w - \eta\, \frac{g}{\sqrt{s'} + \epsilon}"),
    "adam": (
        r"m' = \beta_1\, m + (1 - \beta_1)\, g", r"s' = \beta_2\, s + (1 - \beta_2)\, g^2",
        r"w' = w - \eta\, \frac{m' / (1 - \beta_1^t)}{\sqrt{s' / (1 - \beta_2^t)} + \epsilon}",
    ),
}  # fmt: skip
"""Of each optimiser, with g = ∂E/∂w, as torch.optim's documentation writes them."""
_KEPT = {"v": "momentum_buffer", "m": "exp_avg", "s": "exp_avg_sq"}
_KEPT_OTHERWISE = {"adagrad": "sum", "rmsprop": "square_avg"}


@dataclass
class Learner:
    """A network on its way.

    Attributes:
        model: with the parameters that it has come to.
        optimizer: with what it remembers of the gradients before.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer

    @property
    def parameters(self) -> dict[str, Tensor]:
        """What is learned, by name."""
        return {name: each for name, each in self.model.named_parameters() if each.requires_grad}

    def after(self, subject: Subject) -> "Learner":
        """Return the learner after one more update; this one stays."""
        model, optimizer = copy.deepcopy((self.model, self.optimizer))
        learner = Learner(model, optimizer)
        optimizer.zero_grad()
        loss_of(model, subject).backward()
        optimizer.step()
        return learner

    def letters(self, rule: str, name: str, at: tuple[int, ...]) -> dict[str, float]:
        """Return what the optimiser keeps of one number: v, m, s; 0 before the first update."""
        state = self.optimizer.state.get(self.parameters[name], {})
        found = {}
        for letter, key in _KEPT.items():
            kept = state.get(_KEPT_OTHERWISE.get(rule, key) if letter == "s" else key)
            found[letter] = float(kept[at]) if isinstance(kept, Tensor) else 0.0
        return found


def learner(subject: Subject, settings: BackpropagationSettings) -> Learner:
    """Return a learner before its first update."""
    model = copy.deepcopy(subject.model)
    recipe = Recipe(optimizer=settings.optimizer, momentum=settings.momentum, weight_decay=0.0)
    return Learner(model, make_optimizer(model, recipe, subject.learning_rate))


def loss_of(model: nn.Module, subject: Subject) -> Tensor:
    """Return the loss of the batch as torch computes it."""
    outputs = model(*subject.inputs)
    meant = subject.criterion(outputs)
    assert isinstance(meant.targets, Tensor)
    return meant.reference(outputs, meant.targets)


def written(
    writer: Writer, settings: BackpropagationSettings, now: Learner, then: Learner, name: str, at: Place
) -> Worked:  # fmt: skip
    """Return the update of one parameter: the optimiser's formulas, and one number of it put in.

    Args:
        writer: of the round.
        settings: whose optimiser it is.
        now: before the update.
        then: after it.
        name: of the parameter.
        at: which of its numbers.
    """
    formulas, rule = FORMULAS[settings.optimizer], settings.optimizer
    gradient, symbol = writer.derivation.gradients[name], writer.names[name].latex
    before, after = (float(each.parameters[name].detach()[at]) for each in (now, then))
    known = _constants(settings, now) | {"w": before, "g": float(gradient[at]), **now.letters(rule, name, at)}
    known |= {letter.upper(): value for letter, value in then.letters(rule, name, at).items()}
    put = {letter: writer.factor(value) for letter, value in known.items()}
    results = {f"{each}'": known[each.upper()] for each in _KEPT} | {"w'": after}
    element, slope = writer.element(name, at, gradient.size), writer.element(name, at, gradient.size, "d")
    symbols, numbers = [], []
    for formula in formulas:
        left, right = formula.split(" = ", 1)
        own = f"{{{element}}}'" if left == "w'" else left
        symbols.append(Line(own, [[rewritten(right, {"w": element, "g": slope})]]))
        filled = rewritten(_told_apart(right), put).replace(r"\,", r"\cdot ")
        numbers.append(Line(own, [[filled], [writer.number(results[left])]]))
    layer = rewritten(formulas[-1], {"w": symbol, "g": f"d{symbol}"})
    here = flat(at, gradient.shape)
    general = [*formulas, r"g = \frac{\partial E}{\partial w}"]
    return Worked(general, [layer], "", symbols, numbers, [("v", name, here), ("g", name, here)])


def _told_apart(latex: str) -> str:
    """Return a formula in which what is kept after the update has capitals, and each beta a letter of its own."""
    latex = latex.replace(r"\beta_1", "a").replace(r"\beta_2", "b")
    return re.sub(r"\b([vms])'", lambda match: match[1].upper(), latex)


def _constants(settings: BackpropagationSettings, now: Learner) -> dict[str, float]:
    """Return what the other letters of the formula stand for, by their LaTeX."""
    group = now.optimizer.param_groups[0]
    found = {r"\eta": group["lr"], "t": settings.round + 1}
    if "eps" in group:
        found[r"\epsilon"] = group["eps"]
    if "betas" in group:
        found["a"], found["b"] = group["betas"]
    if settings.optimizer in ("momentum", "nesterov"):
        found[r"\mu"] = group["momentum"]
    if "alpha" in group:
        found[r"\alpha"] = group["alpha"]
    return found
