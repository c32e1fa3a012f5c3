"""What a discriminator that has learned too much leaves the generator: its gradient, by the discriminator's steps."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pellucid.blocks import Code
from pellucid.chart import Axis, Chart, Line
from pellucid.data import load
from pellucid.experiments.evidence import above, times
from pellucid.experiments.experiment import Experiment, Quantity, Result, mean_of
from pellucid.recipe import AdversarialLossName
from pellucid.seed import generator, seed_torch
from pellucid.training.adversarial import discriminator_loss, generator_loss, unit_slope_penalty

_LOOKS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
"""Steps of the discriminator after which the generator's gradient is looked at."""

_BATCH = 128
_LOOKED_AT = 1_000
_PENALTY = 10.0
_CRITICS: Mapping[AdversarialLossName, tuple[AdversarialLossName, ...]] = {
    "minimax": ("minimax", "non-saturating"),
    "wasserstein": ("wasserstein",),
}
"""What a discriminator is trained with, and the generator's losses that it is looked at with."""


@dataclass(frozen=True, slots=True)
class Look:
    """The generator's gradient norm under each loss, and how often the discriminator is right."""

    norms: Mapping[str, float]
    accuracy: float


def measure(seeds: Sequence[int]) -> Result:
    """Train discriminators against a generator that stays as it is, looking at its gradient now and then."""
    looks = {name: [_looks(name, seed) for seed in seeds] for name in _CRITICS}
    norms: dict[str, list[list[float]]] = {
        loss: [[look.norms[loss] for look in run] for run in looks[name]]
        for name, losses in _CRITICS.items()
        for loss in losses
    }
    accuracy = [[look.accuracy for look in run] for run in looks["minimax"]]
    first, last = ({loss: [run[place] for run in runs] for loss, runs in norms.items()} for place in (0, -1))
    return Result(
        checks=(
            above("After 1,000 steps the discriminator is right about more than 99 % of the samples",
                  [run[-1] for run in accuracy], 0.99, share=True),
            times("By then the minimax loss has left the generator less than a hundredth of its gradient",
                  first["minimax"], last["minimax"], at_least=100),
            times("The non-saturating loss leaves it more than a tenth", last["non-saturating"],
                  first["non-saturating"], at_least=0.1),
            times("A Wasserstein critic with a gradient penalty leaves it more than a tenth, too", last["wasserstein"],
                  first["wasserstein"], at_least=0.1),
        ),
        quantities=tuple(
            Quantity(name=f"norm of the generator's gradient, {loss}, {when}", values=found[loss], scale="log")
            for loss in norms for when, found in (("at first", first), ("after 1,000 steps", last))
        ),
        figures=(_norms(norms), _accuracy(accuracy)),
        notes=(_AT_THE_START,),
    )  # fmt: skip


_AT_THE_START = (
    "The generator is as it begins: its samples lie where no real ones are, as a generator's do early in its learning,"
    " and a discriminator can be right about all of them. Both losses have the same discriminator; their gradients"
    " differ by how each sample counts: σ(f) under the minimax loss, 1 - σ(f) under the non-saturating one, for the"
    " logit f of the sample being real."
)


def _looks(name: AdversarialLossName, seed: int) -> list[Look]:
    """Return what is seen after each number of steps of one discriminator."""
    points = load("ring").split("train")[0]
    seed_torch(seed, "networks")
    maker = nn.Sequential(Code(16), nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    judge = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(judge.parameters(), lr=1e-3, betas=(0.5, 0.9))
    rows = generator(seed, "rows")
    found = [_look(maker, judge, points[:_LOOKED_AT], name, seed)]
    seed_torch(seed, "codes")
    for begun, ended in itertools.pairwise(_LOOKS):
        for _ in range(ended - begun):
            real = points[torch.randint(len(points), (_BATCH,), generator=rows)]
            with torch.no_grad():
                made = maker(real)
            loss = discriminator_loss(name, judge(real), judge(made))
            if name == "wasserstein":
                loss = loss + _PENALTY * unit_slope_penalty(judge, real, made)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.random.fork_rng():
            found.append(_look(maker, judge, points[:_LOOKED_AT], name, seed))
    return found


def _look(maker: nn.Module, judge: nn.Module, real: Tensor, name: AdversarialLossName, seed: int) -> Look:
    seed_torch(seed, "looked at")  # the same codes every time
    made_logits = judge(maker(real))
    norms: dict[str, float] = {}
    for loss in _CRITICS[name]:
        gradients = torch.autograd.grad(generator_loss(loss, made_logits), list(maker.parameters()), retain_graph=True)
        norms[loss] = float(nn.utils.get_total_norm(gradients))
    with torch.no_grad():
        right = torch.cat([judge(real) > 0, made_logits < 0])
    return Look(norms, float(right.double().mean()))


def _norms(norms: Mapping[str, list[list[float]]]) -> Chart:
    ends = {
        loss: [mean_of(Quantity(name=loss, values=[run[place] for run in runs], scale="log")) for place in (0, -1)]
        for loss, runs in norms.items()
    }
    written = ", ".join(f"{loss} from {first:.2g} to {last:.2g}" for loss, (first, last) in ends.items())
    return Chart(
        title="What is left for the generator to learn from",
        detail="norm of the generator's gradient, by the steps that the discriminator alone has learned",
        says=f"In {_LOOKS[-1]:,} steps the norm goes: {written}.",
        x=Axis("steps of the discriminator", "log"),
        y=Axis("gradient norm of the generator's loss", "log"),
        lines=[Line(label=loss, x=_LOOKS[1:], runs=[run[1:] for run in runs]) for loss, runs in norms.items()],
    )


def _accuracy(accuracy: list[list[float]]) -> Chart:
    final = sum(run[-1] for run in accuracy) / len(accuracy)
    return Chart(
        title="How often the discriminator is right",
        detail="about real and generated samples, half each; trained by the loss of the first GAN",
        says=f"After {_LOOKS[-1]:,} steps it is right about {final:.1%}.",
        x=Axis("steps of the discriminator", "log"),
        y=Axis("accuracy", "percent"),
        lines=[Line(label="discriminator", x=_LOOKS[1:], runs=[run[1:] for run in accuracy])],
        levels=[("chance", 0.5)],
    )


EXPERIMENT = Experiment(
    name="gan-balance",
    title="A discriminator that is too good teaches nothing",
    topic="Adversaries",
    claim="The better the discriminator, the less gradient the minimax loss leaves the generator. The non-saturating"
    " loss and a Wasserstein critic go on teaching.",
    source="Goodfellow et al. 2014, Generative adversarial nets, section 3; Arjovsky and Bottou 2017, Towards"
    " principled methods for training generative adversarial networks; Gulrajani et al. 2017, Improved training of"
    " Wasserstein GANs",
    method="Eight modes on a ring. A generator 16-64-64-2 of rectified units stays as torch draws it; a discriminator"
    f" 2-64-64-1 learns from {_BATCH} real and {_BATCH} generated points a step, by Adam at rate 0.001 with"
    f" β = (0.5, 0.9); the critic with a gradient penalty of {_PENALTY:g}. Now and then the norm of the gradient by all"
    f" of the generator's weights is taken, over {_LOOKED_AT:,} samples.",
    measure=measure,
    seconds=15,
)
